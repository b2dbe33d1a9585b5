# What an edit leaves alone: each run edits what the one before has applied.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

# A queue that is replaced loses what is in it.
run "what_the_first_name_was" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    name            = "first"
  }

  assert {
    condition     = aws_sqs_queue.changes[0].name == "first"
    error_message = "The queue should have the name of the module."
  }
}

run "another_name_replaces_no_queue" {
  variables {
    distribution_id     = "E2QWRUHEXAMPLE"
    name                = "second"
    schedule_expression = "rate(1 day)"
  }

  assert {
    condition     = aws_lambda_function.this.function_name == "second" && aws_lambda_function.planner[0].function_name == "second-planner"
    error_message = "The functions should have the new name."
  }

  assert {
    condition = (
      aws_sqs_queue.changes[0].name == "first" && aws_sqs_queue.plan[0].name == "first-plan.fifo" &&
      aws_sqs_queue.dead_letter.name == "first-dead-letters" && aws_sqs_queue.plan_dead_letter[0].name == "first-plan-dead-letters.fifo" &&
      startswith(aws_cloudwatch_event_rule.schedule["default"].name, "first-cron-")
    )
    error_message = "Queues and rules should keep the first name, and their messages with it."
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.consume[0].policy, ":first-plan.fifo") && strcontains(aws_iam_role_policy.log.policy, "/aws/lambda/second:")
    error_message = "The permissions should be those for the queues and the log group that there are."
  }
}
