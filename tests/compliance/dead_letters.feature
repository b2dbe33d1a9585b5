Feature: Nothing fails without a trace

  Scenario: A failed asynchronous invocation goes to the dead-letter queue
    Given I have aws_lambda_function defined
    When its address is module.invalidation.aws_lambda_function.this
    Then it must have aws_lambda_function_event_invoke_config

  Scenario: An event that a rule cannot deliver goes to the dead-letter queue
    Given I have aws_cloudwatch_event_target defined
    Then it must have dead_letter_config

  Scenario: A message that a topic cannot deliver goes to the dead-letter queue
    Given I have aws_sns_topic_subscription defined
    Then it must have redrive_policy

  Scenario: Lambda accepts partial-batch answers of the function
    Given I have aws_lambda_event_source_mapping defined
    Then it must have function_response_types
    And its value must be ReportBatchItemFailures
