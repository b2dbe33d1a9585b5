# Which trigger invokes what: buckets, rules and topics the queue or the function, the queues a function; failed messages
# go to the dead-letter queue.

mock_provider "aws" {
  source = "./tests/module/mocks"

  # The queues must have different ARNs.
  override_resource {
    target = aws_sqs_queue.changes
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/invalidate-cloudfront"
    }
  }

  override_resource {
    target = aws_sqs_queue.plan
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-plan.fifo"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/invalidate-cloudfront-plan.fifo"
    }
  }

  override_resource {
    target = aws_sqs_queue.plan_dead_letter
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-plan-dead-letters.fifo"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/invalidate-cloudfront-plan-dead-letters.fifo"
    }
  }

  override_resource {
    target = aws_lambda_function.planner
    values = {
      arn = "arn:aws:lambda:eu-west-1:123456789012:function:invalidate-cloudfront-planner"
    }
  }

  override_resource {
    target = aws_sqs_queue.dead_letter
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront-dead-letters"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/invalidate-cloudfront-dead-letters"
    }
  }
}

run "a_bucket_by_way_of_the_queues" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
  }

  assert {
    condition = (
      aws_s3_bucket_notification.changes["site"].bucket == "www.example.com" &&
      aws_s3_bucket_notification.changes["site"].queue[0].queue_arn == aws_sqs_queue.changes[0].arn &&
      length(aws_s3_bucket_notification.changes["site"].lambda_function) == 0
    )
    error_message = "The bucket should notify the queue, and only the queue."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["site"].queue[0].events == toset(["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"])
    error_message = "The notification should name every event after which an edge may hold an old copy."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["site"].queue[0].filter_prefix == null || aws_s3_bucket_notification.changes["site"].queue[0].filter_prefix == ""
    error_message = "The notification should match every key of the bucket."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.changes[0].policy).Statement == [
      {
        Action    = "sqs:SendMessage"
        Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:s3:::www.example.com"] }, StringEquals = { "aws:SourceAccount" = "123456789012" } }
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Resource  = aws_sqs_queue.changes[0].arn
      },
      # Of the rule that another wiring would have: so changing it never shuts the old way before the new one is open.
      {
        Action    = "sqs:SendMessage"
        Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:events:eu-west-1:123456789012:rule/invalidate-cloudfront-${substr(sha256("site"), 0, 8)}"] } }
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Resource  = aws_sqs_queue.changes[0].arn
      },
      {
        Action    = "sqs:*"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Resource  = aws_sqs_queue.changes[0].arn
      },
    ]
    error_message = "Only this bucket of this account and its rule should send, and over TLS alone: ${aws_sqs_queue.changes[0].policy}"
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.changes[0].event_source_arn == aws_sqs_queue.changes[0].arn &&
      aws_lambda_event_source_mapping.changes[0].function_name == aws_lambda_function.this.arn
    )
    error_message = "The queue should invoke the function."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.plan[0].event_source_arn == aws_sqs_queue.plan[0].arn &&
      aws_lambda_event_source_mapping.plan[0].function_name == aws_lambda_function.planner[0].arn
    )
    error_message = "The plan queue should invoke the planner."
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.this, aws_lambda_function.planner[0]] :
      function.environment[0].variables.PLAN_QUEUE_URL == aws_sqs_queue.plan[0].url && function.environment[0].variables.DEAD_LETTER_QUEUE_URL == aws_sqs_queue.dead_letter.url
    ])
    error_message = "Both functions should know the plan queue and the dead-letter queue."
  }

  assert {
    condition = alltrue([
      for attribute in ["handler", "runtime", "architectures", "memory_size", "source_code_hash", "environment", "logging_config", "tracing_config"] :
      jsonencode(aws_lambda_function.this[attribute]) == jsonencode(aws_lambda_function.planner[0][attribute])
    ])
    error_message = "Both functions should be one package with one configuration."
  }

  # Without it Lambda deletes the whole batch, the failed messages with it.
  assert {
    condition = alltrue([
      for mapping in [aws_lambda_event_source_mapping.changes[0], aws_lambda_event_source_mapping.plan[0]] :
      mapping.function_response_types == toset(["ReportBatchItemFailures"])
    ])
    error_message = "Both event source mappings should accept partial-batch answers."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.changes[0].batch_size == 10000 &&
      aws_lambda_event_source_mapping.changes[0].maximum_batching_window_in_seconds == 5 &&
      aws_lambda_event_source_mapping.changes[0].scaling_config[0].maximum_concurrency == 2
    )
    error_message = "The collector should gather the largest batches in five seconds."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.plan[0].batch_size == 10 && aws_lambda_event_source_mapping.plan[0].scaling_config[0].maximum_concurrency == 2
    error_message = "As few planners as Lambda allows should run at once: their memory is true only of their own sandboxes."
  }

  assert {
    condition = (
      jsondecode(aws_sqs_queue.changes[0].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 1000 } &&
      jsondecode(aws_sqs_queue.plan[0].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.plan_dead_letter[0].arn, maxReceiveCount = 1000 }
    )
    error_message = "An outage should send no messages to the dead-letter queue: ${aws_sqs_queue.changes[0].redrive_policy}"
  }

  assert {
    condition = (
      jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.changes[0].arn] } &&
      jsondecode(aws_sqs_queue.plan_dead_letter[0].redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = [aws_sqs_queue.plan[0].arn] }
    )
    error_message = "No other queue should be able to use this dead-letter queue."
  }

  assert {
    condition     = aws_sqs_queue.plan[0].fifo_queue && aws_sqs_queue.plan_dead_letter[0].fifo_queue && endswith(aws_sqs_queue.plan[0].name, "-plan.fifo") && endswith(aws_sqs_queue.plan_dead_letter[0].name, "-plan-dead-letters.fifo")
    error_message = "The plan queue and its dead-letter queue should be FIFO, so that Lambda runs one batch of a group at a time."
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.plan[0], aws_sqs_queue.plan_dead_letter[0]] : jsondecode(queue.policy).Statement == [{
        Action    = "sqs:*"
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Resource  = queue.arn
      }]
    ])
    error_message = "Only the role should be able to use the plan queues, and only over TLS."
  }

  assert {
    condition     = aws_sqs_queue.changes[0].visibility_timeout_seconds == 50 + 5 && aws_sqs_queue.plan[0].visibility_timeout_seconds == 60 && aws_lambda_function.planner[0].timeout == 50 && aws_lambda_function.this.timeout == 50
    error_message = "A message should come back soon after the function that held it was killed, and not before."
  }

  assert {
    condition     = aws_sqs_queue.changes[0].message_retention_seconds == 864000 && aws_sqs_queue.plan[0].message_retention_seconds == 864000 && aws_sqs_queue.plan_dead_letter[0].message_retention_seconds == 1209600
    error_message = "Changes should be kept for ten days, and dead letters for four more."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter.message_retention_seconds == 1209600
    error_message = "Dead letters should be kept for 14 days, counted from when they were first sent."
  }

  assert {
    condition     = alltrue([for queue in [aws_sqs_queue.changes[0], aws_sqs_queue.plan[0], aws_sqs_queue.dead_letter, aws_sqs_queue.plan_dead_letter[0]] : queue.sqs_managed_sse_enabled])
    error_message = "Every queue should be encrypted."
  }

  assert {
    condition     = length(aws_lambda_permission.bucket) == 0
    error_message = "A bucket that notifies the queue should have no permission to invoke the function."
  }

  assert {
    condition     = output.queue_arn == aws_sqs_queue.changes[0].arn && output.queue_url == aws_sqs_queue.changes[0].url && output.dead_letter_queue_url == aws_sqs_queue.dead_letter.url && output.dead_letter_queue_arn == aws_sqs_queue.dead_letter.arn && output.plan_queue_url == aws_sqs_queue.plan[0].url && output.plan_dead_letter_queue_url == aws_sqs_queue.plan_dead_letter[0].url && output.planner_function_name == aws_lambda_function.planner[0].function_name
    error_message = "The outputs should name the queues."
  }
}

run "batches_as_the_caller_wants_them" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    timeout_seconds = 100
    kms_key         = { arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    batching        = { window_seconds = 20 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.changes[0].maximum_batching_window_in_seconds == 20 && aws_sqs_queue.changes[0].visibility_timeout_seconds == 120
    error_message = "The mapping and the queue should follow the window and the timeout."
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.changes[0], aws_sqs_queue.plan[0], aws_sqs_queue.dead_letter, aws_sqs_queue.plan_dead_letter[0]] :
      queue.kms_master_key_id == "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ])
    error_message = "Every queue should be encrypted with the caller's key."
  }
}

# Lambda gathers more than ten messages within a window alone.
run "without_a_window_batches_are_small" {
  command = plan

  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    batching        = { window_seconds = 0 }
  }

  assert {
    condition     = aws_lambda_event_source_mapping.changes[0].batch_size == 10 && aws_lambda_event_source_mapping.changes[0].maximum_batching_window_in_seconds == 0
    error_message = "Without a window a batch should have ten messages at most."
  }
}

run "a_bucket_straight_to_the_function" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    batching        = null
  }

  assert {
    condition = alltrue([
      for made in [aws_sqs_queue.changes, aws_sqs_queue.plan, aws_sqs_queue.plan_dead_letter, aws_lambda_function.planner, aws_lambda_event_source_mapping.changes, aws_lambda_event_source_mapping.plan, aws_iam_role_policy.consume, aws_iam_role_policy.plan] :
      length(made) == 0
    ])
    error_message = "There should be no queue of changes, no planner, and no permission for them."
  }

  assert {
    condition     = alltrue([for url in [output.queue_arn, output.queue_url, output.plan_queue_url, output.plan_dead_letter_queue_url, output.planner_function_name] : url == null]) && !can(aws_lambda_function.this.environment[0].variables.PLAN_QUEUE_URL)
    error_message = "What does not exist should not be named."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["site"].lambda_function[0].lambda_function_arn == aws_lambda_function.this.arn && length(aws_s3_bucket_notification.changes["site"].queue) == 0
    error_message = "The bucket should notify the function."
  }

  assert {
    condition = (
      aws_lambda_permission.bucket["site"].principal == "s3.amazonaws.com" &&
      aws_lambda_permission.bucket["site"].source_arn == "arn:aws:s3:::www.example.com" &&
      aws_lambda_permission.bucket["site"].source_account == "123456789012"
    )
    error_message = "Only this bucket of this account should be able to invoke the function."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letter.arn
    error_message = "An event that fails after Lambda's own retries should go to the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == { redrivePermission = "denyAll" }
    error_message = "No queue should be able to use this dead-letter queue."
  }
}

# A first bucket, a topic or a schedule may come and go: none of them destroys a queue with messages in it.
run "queues_exist_while_batching_is_on" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = length(aws_sqs_queue.changes) == 1 && length(aws_sqs_queue.plan) == 1 && length(aws_s3_bucket_notification.changes) == 0
    error_message = "The queues should not depend on the triggers."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letter.arn &&
      aws_lambda_function_event_invoke_config.this.maximum_event_age_in_seconds == 21600
    )
    error_message = "Asynchronous requests that fail should go to the dead-letter queue, after six hours at most."
  }
}

run "a_shared_bucket_by_eventbridge" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    bucket_wiring   = { site = "eventbridge" }
  }

  # One configuration holds all notifications of a bucket: each writer replaces the notifications of the others.
  assert {
    condition     = length(aws_s3_bucket_notification.changes) == 0
    error_message = "The module should not change the bucket's own configuration."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.changes["site"].event_pattern) == {
      source      = ["aws.s3"]
      detail-type = ["Object Created", "Object Deleted", "Object Restore Completed", "Object Restore Expired"]
      detail      = { bucket = { name = ["www.example.com"] } }
    }
    error_message = "The rule should match only changes, and only in this bucket: ${aws_cloudwatch_event_rule.changes["site"].event_pattern}"
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.changes["site"].rule == aws_cloudwatch_event_rule.changes["site"].name &&
      aws_cloudwatch_event_target.changes["site"].arn == aws_sqs_queue.changes[0].arn &&
      aws_cloudwatch_event_target.changes["site"].dead_letter_config[0].arn == aws_sqs_queue.dead_letter.arn
    )
    error_message = "The rule should send to the queue, and to the dead-letter queue what it cannot deliver."
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.changes[0], aws_sqs_queue.dead_letter] : [
        for statement in jsondecode(queue.policy).Statement : statement if statement.Principal == { Service = "events.amazonaws.com" }
        ] == [{
          Action    = "sqs:SendMessage"
          Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:events:eu-west-1:123456789012:rule/${aws_cloudwatch_event_rule.changes["site"].name}"] } }
          Effect    = "Allow"
          Principal = { Service = "events.amazonaws.com" }
          Resource  = queue.arn
      }]
    ])
    error_message = "Only this rule should be able to send."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letter.policy).Statement[1] == { Action = "sqs:*", Condition = { Bool = { "aws:SecureTransport" = "false" } }, Effect = "Deny", Principal = { AWS = "*" }, Resource = aws_sqs_queue.dead_letter.arn }
    error_message = "Dead letters should be sent only over TLS: ${aws_sqs_queue.dead_letter.policy}"
  }
}

run "rules_take_only_the_prefixes_of_the_routes" {
  variables {
    buckets       = { assets = "assets", pages = "pages" }
    bucket_wiring = { assets = "eventbridge", pages = "eventbridge" }
    batching      = null
    routes = {
      docs  = { distribution_id = "E1DOCS", bucket = "assets", prefix = "docs/" }
      shop  = { distribution_id = "E1SHOP", bucket = "assets", prefix = "shop/" }
      pages = { distribution_id = "E1DOCS", bucket = "pages" }
      blog  = { distribution_id = "E1SHOP", bucket = "pages", prefix = "blog/" }
    }
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.changes["assets"].event_pattern).detail == { bucket = { name = ["assets"] }, object = { key = [{ prefix = "docs/" }, { prefix = "shop/" }] } }
    error_message = "The rule should match only both prefixes of the routes: ${aws_cloudwatch_event_rule.changes["assets"].event_pattern}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.changes["pages"].event_pattern).detail == { bucket = { name = ["pages"] } }
    error_message = "The rule should match every key, as one route serves every key: ${aws_cloudwatch_event_rule.changes["pages"].event_pattern}"
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.changes["assets"].arn == aws_lambda_function.this.arn &&
      aws_lambda_permission.changes["assets"].principal == "events.amazonaws.com" &&
      aws_lambda_permission.changes["assets"].source_arn == aws_cloudwatch_event_rule.changes["assets"].arn
    )
    error_message = "Without batching the rule should invoke the function, and only this rule should be able to."
  }
}

run "a_notification_kept_elsewhere" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
    bucket_wiring   = { site = "external" }
  }

  assert {
    condition     = length(aws_s3_bucket_notification.changes) == 0 && length(aws_cloudwatch_event_rule.changes) == 0
    error_message = "The module should change nothing of the bucket."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.changes[0].policy).Statement[0].Condition.ArnEquals == { "aws:SourceArn" = ["arn:aws:s3:::www.example.com"] }
    error_message = "The bucket should be able to send, wherever its notification is configured."
  }
}

run "one_bucket_of_each_wiring" {
  variables {
    buckets       = { own = "own", shared = "shared", elsewhere = "elsewhere" }
    bucket_wiring = { shared = "eventbridge", elsewhere = "external" }
    routes = {
      own       = { distribution_id = "E1SITE", bucket = "own" }
      shared    = { distribution_id = "E1SITE", bucket = "shared" }
      elsewhere = { distribution_id = "E1SITE", bucket = "elsewhere" }
      again     = { distribution_id = "E2SITE", bucket = "own" }
    }
  }

  assert {
    condition     = keys(aws_s3_bucket_notification.changes) == ["own"] && keys(aws_cloudwatch_event_rule.changes) == ["shared"]
    error_message = "Each bucket should have the one wiring that bucket_wiring names."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.changes[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == ["arn:aws:s3:::elsewhere", "arn:aws:s3:::own", "arn:aws:s3:::shared"]
    error_message = "Every bucket should stay permitted whatever its wiring, or a changed wiring would lose what is sent meanwhile."
  }
}

run "topics_to_the_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    sns_topics      = { uploads = "arn:aws:sns:eu-west-1:123456789012:uploads" }
  }

  assert {
    condition = (
      aws_sns_topic_subscription.changes["uploads"].topic_arn == "arn:aws:sns:eu-west-1:123456789012:uploads" &&
      aws_sns_topic_subscription.changes["uploads"].protocol == "sqs" && aws_sns_topic_subscription.changes["uploads"].endpoint == aws_sqs_queue.changes[0].arn &&
      jsondecode(aws_sns_topic_subscription.changes["uploads"].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn }
    )
    error_message = "The topic should send to the queue, and to the dead-letter queue what it cannot deliver."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.changes[0].policy).Statement[0] == {
      Action    = "sqs:SendMessage"
      Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:sns:eu-west-1:123456789012:uploads"] } }
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Resource  = aws_sqs_queue.changes[0].arn
    }
    error_message = "Only this topic should be able to send: ${aws_sqs_queue.changes[0].policy}"
  }
}

run "topics_to_the_function" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    sns_topics      = { uploads = "arn:aws:sns:eu-west-1:123456789012:uploads" }
    batching        = null
  }

  assert {
    condition = (
      aws_sns_topic_subscription.changes["uploads"].protocol == "lambda" && aws_sns_topic_subscription.changes["uploads"].endpoint == aws_lambda_function.this.arn &&
      aws_lambda_permission.topic["uploads"].principal == "sns.amazonaws.com" && aws_lambda_permission.topic["uploads"].source_arn == "arn:aws:sns:eu-west-1:123456789012:uploads"
    )
    error_message = "The topic should invoke the function, and only this topic should be able to."
  }
}

run "a_schedule_for_every_distribution" {
  variables {
    schedule_expression = "cron(0 3 * * ? *)"
    routes = {
      docs = { distribution_id = "E1DOCS", bucket = null }
      shop = { distribution_tenant_id = "dt_shop", bucket = null }
    }
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_target.schedule["docs"].input) == { distribution_id = "E1DOCS" } &&
      jsondecode(aws_cloudwatch_event_target.schedule["shop"].input) == { distribution_id = "dt_shop" }
    )
    error_message = "Each request should name its distribution by the id."
  }

  assert {
    condition = alltrue([
      for route in ["docs", "shop"] : aws_cloudwatch_event_rule.schedule[route].schedule_expression == "cron(0 3 * * ? *)" &&
      aws_cloudwatch_event_target.schedule[route].rule == aws_cloudwatch_event_rule.schedule[route].name &&
      aws_cloudwatch_event_target.schedule[route].arn == aws_sqs_queue.changes[0].arn
    ])
    error_message = "Every rule should have the schedule, and send to the queue."
  }

  assert {
    condition     = length(distinct(values(aws_cloudwatch_event_rule.schedule)[*].name)) == 2 && alltrue([for rule in values(aws_cloudwatch_event_rule.schedule) : length(rule.name) <= 64])
    error_message = "The name of a rule should have at most 64 characters."
  }
}

run "a_schedule_straight_to_the_function" {
  variables {
    distribution_id     = "E2QWRUHEXAMPLE"
    schedule_expression = "rate(1 hour)"
    batching            = null
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.schedule["default"].arn == aws_lambda_function.this.arn &&
      aws_lambda_permission.schedule["default"].principal == "events.amazonaws.com" &&
      aws_lambda_permission.schedule["default"].source_arn == aws_cloudwatch_event_rule.schedule["default"].arn
    )
    error_message = "The rule should invoke the function, and only this rule should be able to."
  }
}

run "other_invokers" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    invokers = {
      rule    = { principal = "events.amazonaws.com", source_arn = "arn:aws:events:eu-west-1:123456789012:rule/nightly" }
      bucket  = { principal = "s3.amazonaws.com", source_arn = "arn:aws:s3:::www.example.com", source_account = "123456789012" }
      account = { principal = "210987654321" }
    }
  }

  assert {
    condition = (
      aws_lambda_permission.invoker["rule"].source_arn == "arn:aws:events:eu-west-1:123456789012:rule/nightly" &&
      aws_lambda_permission.invoker["bucket"].source_account == "123456789012" &&
      aws_lambda_permission.invoker["account"].principal == "arn:aws:iam::210987654321:root"
    )
    error_message = "Each invoker should have a permission of its own, for its own source."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.invoker : permission.action == "lambda:InvokeFunction" && permission.function_name == aws_lambda_function.this.function_name])
    error_message = "The permissions should allow to invoke the function, and nothing else."
  }
}

# SQS returns a queue that exists where all attributes are the same: those of another instance never are.
run "the_policy_of_a_queue_names_its_instance" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    name            = "purge"
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.changes[0], aws_sqs_queue.dead_letter, aws_sqs_queue.plan[0], aws_sqs_queue.plan_dead_letter[0]] :
      jsondecode(queue.policy).Id == "purge"
    ])
    error_message = "Every queue should have the name of the instance in its policy."
  }
}

# What an edit makes anew has the old one's name no more than it must: both stand side by side for a moment.
run "permissions_have_ids_of_their_own" {
  variables {
    distribution_id     = "E2QWRUHEXAMPLE"
    batching            = null
    buckets             = { site = "www.example.com" }
    sns_topics          = { uploads = "arn:aws:sns:eu-west-1:123456789012:uploads" }
    schedule_expression = "rate(1 day)"
    invokers            = { account = { principal = "210987654321" } }
  }

  assert {
    condition = [
      for permission in [aws_lambda_permission.bucket["site"], aws_lambda_permission.topic["uploads"], aws_lambda_permission.schedule["default"], aws_lambda_permission.invoker["account"]] :
      permission.statement_id_prefix
    ] == ["bucket-", "topic-", "schedule-", "invoker-"]
    error_message = "A replaced permission should not have the ID of the one that it replaces."
  }
}

run "schedules_of_eventbridge" {
  command = plan

  variables {
    distribution_id     = "E2QWRUHEXAMPLE"
    schedule_expression = "cron(0/15 8-17,20 ? JAN-JUN MON-FRI 2026-2030)"
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule["default"].schedule_expression == "cron(0/15 8-17,20 ? JAN-JUN MON-FRI 2026-2030)"
    error_message = "An expression that EventBridge takes should be taken."
  }
}
