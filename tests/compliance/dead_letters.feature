Feature: Nothing fails without a trace

  Scenario: What the function fails to do asynchronously is a dead letter
    Given I have aws_lambda_function defined
    When its address is module.invalidation.aws_lambda_function.this
    Then it must have aws_lambda_function_event_invoke_config

  Scenario: What a rule cannot deliver is a dead letter
    Given I have aws_cloudwatch_event_target defined
    Then it must have dead_letter_config

  Scenario: What a topic cannot deliver is a dead letter
    Given I have aws_sns_topic_subscription defined
    Then it must have redrive_policy

  Scenario: Partial answers of the function count
    Given I have aws_lambda_event_source_mapping defined
    Then it must have function_response_types
    And its value must be ReportBatchItemFailures
