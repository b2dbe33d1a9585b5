Feature: Nothing is open to strangers

  Scenario: A queue accepts messages only from services
    Given I have aws_sqs_queue defined
    When it has policy
    Then it must have policy
    And it must have Statement
    When its Effect is Allow
    Then it must have Principal
    And it must have Service
    And its value must match the "^(events|s3|sns)\.amazonaws\.com$" regex

  Scenario: A queue accepts messages only from named sources
    Given I have aws_sqs_queue defined
    When it has policy
    Then it must have policy
    And it must have Statement
    When its Effect is Allow
    Then it must have Condition
    And it must have ArnEquals
    And it must have aws:SourceArn
    And its value must match the "^arn:aws:(s3:::[^*]+|(events|sns):[a-z0-9-]+:[0-9]{12}:[^*]+)$" regex

  Scenario: A queue policy allows only to send
    Given I have aws_sqs_queue defined
    When it has policy
    Then it must have policy
    And it must have Statement
    When its Effect is Allow
    Then it must have Action
    And its value must be sqs:SendMessage

  Scenario: A queue denies requests without TLS
    Given I have aws_sqs_queue defined
    When it has policy
    Then it must have policy
    And it must have Statement
    When its Effect is Deny
    Then it must have Condition
    And it must have Bool
    And it must have aws:SecureTransport
    And its value must be false

  Scenario: The denials of a queue policy apply to every principal
    Given I have aws_sqs_queue defined
    When it has policy
    Then it must have policy
    And it must have Statement
    When its Effect is Deny
    Then it must have Action
    And its value must be sqs:*

  Scenario: A permission to invoke the function names a principal
    Given I have aws_lambda_permission defined
    Then it must have principal
    And its value must not match the ".*[*].*" regex

  Scenario: A permission to invoke the function names a source
    Given I have aws_lambda_permission defined
    When its principal is not an account
    Then it must have source_arn
    And its value must match the "^arn:aws:[^*]+$" regex

  Scenario: Buckets are not public
    Given I have aws_s3_bucket_public_access_block defined
    Then it must have block_public_policy
    And its value must be true
