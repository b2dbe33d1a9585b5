Feature: What is kept is encrypted, and kept for a set time

  Scenario: Queues without a key of the caller's are encrypted by SQS
    Given I have aws_sqs_queue defined
    When its kms_master_key_id is None
    Then it must have sqs_managed_sse_enabled
    And its value must be true

  Scenario: Topics are encrypted
    Given I have aws_sns_topic defined
    Then it must have kms_master_key_id

  Scenario: Logs are kept for a set time
    Given I have aws_cloudwatch_log_group defined
    Then it must have retention_in_days
    And its value must be greater than 0

  Scenario: Dead letters are kept for the longest retention of SQS
    Given I have aws_sqs_queue defined
    When its address is module.invalidation.aws_sqs_queue.dead_letter
    Then it must have message_retention_seconds
    And its value must be 1209600

  Scenario: Waiting messages are kept through an outage of days
    Given I have aws_sqs_queue defined
    Then it must have message_retention_seconds
    And its value must be greater than 863999
