# Who points at whom: buckets, rules and topics at the queue or the function, and what fails at the dead letters.

mock_provider "aws" {
  source = "./tests/module/mocks"

  # The two queues must be told apart.
  override_resource {
    target = aws_sqs_queue.changes
    values = {
      arn = "arn:aws:sqs:eu-west-1:123456789012:invalidate-cloudfront"
      url = "https://sqs.eu-west-1.amazonaws.com/123456789012/invalidate-cloudfront"
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

run "a_bucket_by_way_of_the_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
  }

  assert {
    condition = (
      aws_s3_bucket_notification.changes["www.example.com"].bucket == "www.example.com" &&
      aws_s3_bucket_notification.changes["www.example.com"].queue[0].queue_arn == aws_sqs_queue.changes[0].arn &&
      length(aws_s3_bucket_notification.changes["www.example.com"].lambda_function) == 0
    )
    error_message = "The bucket tells the queue, and only the queue."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["www.example.com"].queue[0].events == toset(["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"])
    error_message = "Everything after which an edge may hold an old copy."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["www.example.com"].queue[0].filter_prefix == null || aws_s3_bucket_notification.changes["www.example.com"].queue[0].filter_prefix == ""
    error_message = "Every key."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.changes[0].policy).Statement == [{
      Action    = "sqs:SendMessage"
      Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:s3:::www.example.com"] }, StringEquals = { "aws:SourceAccount" = "123456789012" } }
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Resource  = aws_sqs_queue.changes[0].arn
    }]
    error_message = "Only this bucket of this account may send: ${aws_sqs_queue.changes[0].policy}"
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.changes[0].event_source_arn == aws_sqs_queue.changes[0].arn &&
      aws_lambda_event_source_mapping.changes[0].function_name == aws_lambda_function.this.arn
    )
    error_message = "The queue wakes the function."
  }

  # Without it Lambda deletes the whole batch, the failed messages with it.
  assert {
    condition     = aws_lambda_event_source_mapping.changes[0].function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "The function's partial answers must count."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.changes[0].batch_size == 10000 &&
      aws_lambda_event_source_mapping.changes[0].maximum_batching_window_in_seconds == 5 &&
      aws_lambda_event_source_mapping.changes[0].scaling_config[0].maximum_concurrency == 2
    )
    error_message = "The defaults of batching."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.changes[0].redrive_policy) == {
      deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
      maxReceiveCount     = 10
    }
    error_message = "What fails ten times is a dead letter: ${aws_sqs_queue.changes[0].redrive_policy}"
  }

  assert {
    condition = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = [aws_sqs_queue.changes[0].arn]
    }
    error_message = "No other queue may leave its dead letters here."
  }

  assert {
    condition     = aws_sqs_queue.changes[0].visibility_timeout_seconds == 6 * 180 + 5
    error_message = "Six times the timeout, and the window: as Lambda asks."
  }

  assert {
    condition     = aws_sqs_queue.dead_letter.message_retention_seconds == 1209600
    error_message = "Dead letters are kept for 14 days, counted from when they were sent first."
  }

  assert {
    condition     = aws_sqs_queue.changes[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letter.sqs_managed_sse_enabled
    error_message = "Both queues are encrypted."
  }

  assert {
    condition     = length(aws_lambda_permission.bucket) == 0
    error_message = "A bucket that tells the queue needs no way to the function."
  }

  assert {
    condition     = output.queue_arn == aws_sqs_queue.changes[0].arn && output.queue_url == aws_sqs_queue.changes[0].url && output.dead_letter_queue_url == aws_sqs_queue.dead_letter.url && output.dead_letter_queue_arn == aws_sqs_queue.dead_letter.arn
    error_message = "The outputs name the queues."
  }
}

run "batches_as_the_caller_wants_them" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    timeout_seconds = 100
    kms_key_arn     = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    batching = {
      window_seconds = 20
      size           = 50
      concurrency    = 4
      max_receives   = 3
    }
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.changes[0].batch_size == 50 &&
      aws_lambda_event_source_mapping.changes[0].maximum_batching_window_in_seconds == 20 &&
      aws_lambda_event_source_mapping.changes[0].scaling_config[0].maximum_concurrency == 4
    )
    error_message = "batching is that of the event source mapping."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.changes[0].redrive_policy).maxReceiveCount == 3 && aws_sqs_queue.changes[0].visibility_timeout_seconds == 620
    error_message = "The queue follows max_receives, the timeout and the window."
  }

  assert {
    condition     = aws_sqs_queue.changes[0].kms_master_key_id == "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    error_message = "The queue is encrypted with the caller's key."
  }
}

run "a_bucket_straight_to_the_function" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    batching        = null
  }

  assert {
    condition     = length(aws_sqs_queue.changes) == 0 && length(aws_lambda_event_source_mapping.changes) == 0 && length(aws_iam_role_policy.consume) == 0 && output.queue_arn == null && output.queue_url == null
    error_message = "There is no queue, and no power over one."
  }

  assert {
    condition     = aws_s3_bucket_notification.changes["www.example.com"].lambda_function[0].lambda_function_arn == aws_lambda_function.this.arn && length(aws_s3_bucket_notification.changes["www.example.com"].queue) == 0
    error_message = "The bucket tells the function."
  }

  assert {
    condition = (
      aws_lambda_permission.bucket["www.example.com"].principal == "s3.amazonaws.com" &&
      aws_lambda_permission.bucket["www.example.com"].source_arn == "arn:aws:s3:::www.example.com" &&
      aws_lambda_permission.bucket["www.example.com"].source_account == "123456789012"
    )
    error_message = "Only this bucket of this account may invoke."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letter.arn
    error_message = "What fails after Lambda's own retries is a dead letter."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == { redrivePermission = "denyAll" }
    error_message = "No queue may leave its dead letters here."
  }
}

run "nothing_waits_where_nothing_changes" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = length(aws_sqs_queue.changes) == 0 && length(aws_s3_bucket_notification.changes) == 0
    error_message = "Direct requests need no queue."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == aws_sqs_queue.dead_letter.arn &&
      aws_lambda_function_event_invoke_config.this.maximum_event_age_in_seconds == 21600
    )
    error_message = "Asynchronous requests that fail are dead letters, after six hours at the most."
  }
}

run "a_shared_bucket_by_eventbridge" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    bucket_wiring   = { "www.example.com" = "eventbridge" }
  }

  # One configuration holds all notifications of a bucket: whoever writes it replaces the others'.
  assert {
    condition     = length(aws_s3_bucket_notification.changes) == 0
    error_message = "The bucket's own configuration is left alone."
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.changes["www.example.com"].event_pattern) == {
      source      = ["aws.s3"]
      detail-type = ["Object Created", "Object Deleted", "Object Restore Completed", "Object Restore Expired"]
      detail      = { bucket = { name = ["www.example.com"] } }
    }
    error_message = "Only changes, and only this bucket's: ${aws_cloudwatch_event_rule.changes["www.example.com"].event_pattern}"
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.changes["www.example.com"].rule == aws_cloudwatch_event_rule.changes["www.example.com"].name &&
      aws_cloudwatch_event_target.changes["www.example.com"].arn == aws_sqs_queue.changes[0].arn &&
      aws_cloudwatch_event_target.changes["www.example.com"].dead_letter_config[0].arn == aws_sqs_queue.dead_letter.arn
    )
    error_message = "The rule tells the queue, and leaves what it cannot deliver with the dead letters."
  }

  assert {
    condition = alltrue([
      for queue in [aws_sqs_queue.changes[0], aws_sqs_queue.dead_letter] : jsondecode(queue.policy).Statement == [{
        Action    = "sqs:SendMessage"
        Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:events:eu-west-1:123456789012:rule/${aws_cloudwatch_event_rule.changes["www.example.com"].name}"] } }
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Resource  = queue.arn
      }]
    ])
    error_message = "Only this rule may send."
  }
}

run "rules_take_only_the_prefixes_of_the_routes" {
  variables {
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
    error_message = "Both prefixes and no other: ${aws_cloudwatch_event_rule.changes["assets"].event_pattern}"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.changes["pages"].event_pattern).detail == { bucket = { name = ["pages"] } }
    error_message = "One route takes every key, so that the rule must: ${aws_cloudwatch_event_rule.changes["pages"].event_pattern}"
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.changes["assets"].arn == aws_lambda_function.this.arn &&
      aws_lambda_permission.changes["assets"].principal == "events.amazonaws.com" &&
      aws_lambda_permission.changes["assets"].source_arn == aws_cloudwatch_event_rule.changes["assets"].arn
    )
    error_message = "Without batching the rule invokes the function, and only this rule may."
  }
}

run "a_notification_kept_elsewhere" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    bucket_wiring   = { "www.example.com" = "external" }
  }

  assert {
    condition     = length(aws_s3_bucket_notification.changes) == 0 && length(aws_cloudwatch_event_rule.changes) == 0
    error_message = "Nothing of the bucket's is touched."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.changes[0].policy).Statement[0].Condition.ArnEquals == { "aws:SourceArn" = ["arn:aws:s3:::www.example.com"] }
    error_message = "The bucket may send, whoever configures it."
  }
}

run "one_bucket_of_each_wiring" {
  variables {
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
    error_message = "Each bucket is wired once, as asked."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.changes[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == ["arn:aws:s3:::elsewhere", "arn:aws:s3:::own"]
    error_message = "A bucket that speaks by EventBridge may not send itself."
  }
}

run "topics_to_the_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    sns_topic_arns  = ["arn:aws:sns:eu-west-1:123456789012:uploads"]
  }

  assert {
    condition = (
      aws_sns_topic_subscription.changes[0].topic_arn == "arn:aws:sns:eu-west-1:123456789012:uploads" &&
      aws_sns_topic_subscription.changes[0].protocol == "sqs" && aws_sns_topic_subscription.changes[0].endpoint == aws_sqs_queue.changes[0].arn &&
      jsondecode(aws_sns_topic_subscription.changes[0].redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn }
    )
    error_message = "The topic tells the queue, and leaves what it cannot deliver with the dead letters."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.changes[0].policy).Statement == [{
      Action    = "sqs:SendMessage"
      Condition = { ArnEquals = { "aws:SourceArn" = ["arn:aws:sns:eu-west-1:123456789012:uploads"] } }
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Resource  = aws_sqs_queue.changes[0].arn
    }]
    error_message = "Only this topic may send: ${aws_sqs_queue.changes[0].policy}"
  }
}

run "topics_to_the_function" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    sns_topic_arns  = ["arn:aws:sns:eu-west-1:123456789012:uploads"]
    batching        = null
  }

  assert {
    condition = (
      aws_sns_topic_subscription.changes[0].protocol == "lambda" && aws_sns_topic_subscription.changes[0].endpoint == aws_lambda_function.this.arn &&
      aws_lambda_permission.topic[0].principal == "sns.amazonaws.com" && aws_lambda_permission.topic[0].source_arn == "arn:aws:sns:eu-west-1:123456789012:uploads"
    )
    error_message = "The topic invokes the function, and only this topic may."
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
    error_message = "Each distribution is asked for by its id."
  }

  assert {
    condition = alltrue([
      for route in ["docs", "shop"] : aws_cloudwatch_event_rule.schedule[route].schedule_expression == "cron(0 3 * * ? *)" &&
      aws_cloudwatch_event_target.schedule[route].rule == aws_cloudwatch_event_rule.schedule[route].name &&
      aws_cloudwatch_event_target.schedule[route].arn == aws_sqs_queue.changes[0].arn
    ])
    error_message = "Every rule has the schedule, and tells the queue."
  }

  assert {
    condition     = length(distinct(values(aws_cloudwatch_event_rule.schedule)[*].name)) == 2 && alltrue([for rule in values(aws_cloudwatch_event_rule.schedule) : length(rule.name) <= 64])
    error_message = "EventBridge takes names of 64 letters at most."
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
    error_message = "The rule invokes the function, and only this rule may."
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
      aws_lambda_permission.invoker["account"].principal == "210987654321"
    )
    error_message = "Each invoker gets a permission of its own, for its own source."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.invoker : permission.action == "lambda:InvokeFunction" && permission.function_name == aws_lambda_function.this.function_name])
    error_message = "To invoke, and nothing else."
  }
}
