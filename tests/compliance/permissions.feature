Feature: The functions can do what they are for, and nothing else

  Scenario: Only Lambda assumes the functions' role
    Given I have aws_iam_role defined
    When its address is module.invalidation.aws_iam_role.function
    Then it must have assume_role_policy
    And it must have Statement
    And it must have Principal
    And it must have Service
    And its value must be lambda.amazonaws.com

  # The example's pipeline has a role of its own, whose policy names the function by an ARN that is not known yet.
  Scenario: No policy allows an action that is not named
    Given I have aws_iam_role_policy defined
    When its role is not site-pipeline
    And it has policy
    Then it must have policy
    And it must have Statement
    And it must have Action
    And its value must not match the ".*[*].*" regex

  # CodePipeline's answers and X-Ray's segments take no resource; all streams of one log group are written as a star.
  Scenario: No policy reaches a resource that is not named
    Given I have aws_iam_role_policy defined
    When its role is not site-pipeline
    And its name is not answer-pipelines
    And its name is not trace
    And it has policy
    Then it must have policy
    And it must have Statement
    And it must have Resource
    And its value must not match the "^(?!arn:aws:logs:[^*]+:[*]$).*[*].*" regex

  Scenario: The role's inline policies are those of the module
    Given I have aws_iam_role_policies_exclusive defined
    When its address is module.invalidation.aws_iam_role_policies_exclusive.function
    Then it must have policy_names
    And its value must match the "answer-pipelines|consume|dead-letter|invalidate|list|log|plan|trace|use-key" regex

  Scenario: No managed policy is attached to the role
    Given I have aws_iam_role_policy_attachments_exclusive defined
    When its address is module.invalidation.aws_iam_role_policy_attachments_exclusive.function
    Then it must not have policy_arns

  Scenario: The key may be used only for the queues and the environment
    Given I have aws_iam_role_policy defined
    When its name is use-key
    Then it must have policy
    And it must have Statement
    And it must have Condition
    And it must have StringEquals
    And it must have kms:ViaService
    And its value must match the "^(lambda|sqs)\.[a-z0-9-]+\.amazonaws\.com$" regex
