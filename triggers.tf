# What wakes the function: buckets, topics, schedules and other invokers, by way of a queue or straight.

locals {
  # From the variables and not from local.routes: the queues need not wait for a distribution to be made.
  buckets     = toset(compact(concat([var.bucket], values(var.routes)[*].bucket)))
  route_names = toset(length(var.routes) > 0 ? keys(var.routes) : ["default"])
  wiring      = { for bucket in local.buckets : bucket => lookup(var.bucket_wiring, bucket, "notification") }

  notifying_buckets   = toset([for bucket, wiring in local.wiring : bucket if wiring == "notification"])
  eventbridge_buckets = toset([for bucket, wiring in local.wiring : bucket if wiring == "eventbridge"])
  # S3 asks for leave to send, whoever configures the notification.
  sending_buckets = setsubtract(local.buckets, local.eventbridge_buckets)
  bucket_arns     = { for bucket in local.buckets : bucket => "arn:${local.partition}:s3:::${bucket}" }

  # Of each bucket's routes; "" where one of them takes every key.
  prefixes = {
    for bucket in local.buckets : bucket => distinct([
      for route in var.routes : route.prefix == null ? "" : route.prefix if route.bucket == bucket
    ])
  }

  scheduled = var.schedule_expression == null ? toset([]) : local.route_names

  queued = var.batching != null && length(local.buckets) + length(local.scheduled) + length(var.sns_topic_arns) > 0
  direct = !local.queued

  # A rule has one target: the queue, or else the function.
  destination_arn = local.queued ? aws_sqs_queue.changes[0].arn : aws_lambda_function.this.arn

  # EventBridge allows 64 letters, which a bucket's or a route's own name may exceed.
  change_rules   = { for bucket in local.eventbridge_buckets : bucket => "${var.name}-${substr(sha256(bucket), 0, 8)}" }
  schedule_rules = { for route in local.scheduled : route => "${var.name}-cron-${substr(sha256(route), 0, 8)}" }
  rule_arns = [
    for rule in concat(values(local.change_rules), values(local.schedule_rules)) :
    "arn:${local.partition}:events:${local.region}:${local.account}:rule/${rule}"
  ]

  # A rule's and a topic's ARN hold their account. A bucket's does not: without the second condition, whoever got the
  # name of a deleted bucket could send.
  event_sources = {
    "events.amazonaws.com" = local.rule_arns
    "sns.amazonaws.com"    = var.sns_topic_arns
  }
  event_statements = [
    for service, source_arns in local.event_sources : {
      Effect    = "Allow"
      Principal = { Service = service }
      Action    = "sqs:SendMessage"
      Condition = { ArnEquals = { "aws:SourceArn" = source_arns } }
    } if length(source_arns) > 0
  ]
  bucket_statements = [
    for source_arns in [[for bucket in local.sending_buckets : local.bucket_arns[bucket]]] : {
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = source_arns }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    } if length(source_arns) > 0
  ]
}

# The queue, and where what fails is kept.

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 14 * 24 * 3600 # the longest that SQS keeps, counted from when the message was first sent
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null

  redrive_allow_policy = jsonencode(merge(
    { redrivePermission = local.queued ? "byQueue" : "denyAll" },
    local.queued ? { sourceQueueArns = [local.queue_arn] } : {},
  ))

  policy = length(local.event_statements) == 0 ? null : jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.event_statements : merge(statement, { Resource = local.dead_letter_arn })]
  })

  tags = var.tags
}

resource "aws_sqs_queue" "changes" {
  count = local.queued ? 1 : 0

  name                    = var.name
  kms_master_key_id       = var.kms_key_arn
  sqs_managed_sse_enabled = var.kms_key_arn == null ? true : null

  # Lambda asks for six times the function's timeout, and the window in which it gathers.
  visibility_timeout_seconds = 6 * var.timeout_seconds + var.batching.window_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.batching.max_receives
  })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in concat(local.bucket_statements, local.event_statements) : merge(statement, { Resource = local.queue_arn })
    ]
  })

  tags = var.tags
}

resource "aws_lambda_event_source_mapping" "changes" {
  count = local.queued ? 1 : 0

  event_source_arn                   = aws_sqs_queue.changes[0].arn
  function_name                      = aws_lambda_function.this.arn
  batch_size                         = var.batching.size
  maximum_batching_window_in_seconds = var.batching.window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.batching.concurrency
  }

  tags = var.tags
}

# An asynchronous invocation by anyone: no queue holds its event, so Lambda keeps what fails.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 6 * 3600 # Lambda's own default, said because Lambda also says it back

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter.arn
    }
  }
}

# Buckets.

resource "aws_s3_bucket_notification" "changes" {
  for_each = local.notifying_buckets

  bucket = each.value

  dynamic "queue" {
    for_each = local.queued ? [local.destination_arn] : []
    content {
      queue_arn = queue.value
      events    = local.object_events
    }
  }

  dynamic "lambda_function" {
    for_each = local.direct ? [local.destination_arn] : []
    content {
      lambda_function_arn = lambda_function.value
      events              = local.object_events
    }
  }

  # S3 tries the destination when it is told of it.
  depends_on = [aws_lambda_permission.bucket]
}

locals {
  # ObjectRemoved holds the delete markers but not what a lifecycle rule removes.
  object_events = ["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"]
}

resource "aws_cloudwatch_event_rule" "changes" {
  for_each = local.change_rules

  name        = each.value
  description = "Changes in ${each.key}."

  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created", "Object Deleted", "Object Restore Completed", "Object Restore Expired"]
    detail = merge(
      { bucket = { name = [each.key] } },
      [for prefixes in [local.prefixes[each.key]] : length(prefixes) == 0 || contains(prefixes, "") ? {} : {
        object = { key = [for prefix in prefixes : { prefix = prefix }] }
      }]...
    )
  })

  tags = var.tags
}

resource "aws_cloudwatch_event_target" "changes" {
  for_each = local.eventbridge_buckets

  rule = aws_cloudwatch_event_rule.changes[each.value].name
  arn  = local.destination_arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}

# Topics.

resource "aws_sns_topic_subscription" "changes" {
  count = length(var.sns_topic_arns)

  topic_arn            = var.sns_topic_arns[count.index]
  protocol             = local.queued ? "sqs" : "lambda"
  endpoint             = local.destination_arn
  raw_message_delivery = local.queued
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })
}

# Schedules: a rule for each route, since a rule has five targets at most and distributions may be known only after
# apply. A distribution of several routes is asked for several times, and the plan of the batch makes one of them.

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedule_rules

  name                = each.value
  description         = "Invalidates the default paths of the route ${each.key}."
  schedule_expression = var.schedule_expression
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.scheduled

  rule = aws_cloudwatch_event_rule.schedule[each.key].name
  arn  = local.destination_arn
  input = jsonencode({
    distribution_id = coalesce(local.routes[each.key].distribution_id, local.routes[each.key].distribution_tenant_id)
  })

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }
}

# Who may invoke the function itself.

resource "aws_lambda_permission" "bucket" {
  for_each = local.direct ? local.sending_buckets : []

  statement_id   = "bucket-${substr(sha256(each.value), 0, 8)}"
  function_name  = aws_lambda_function.this.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = local.bucket_arns[each.value]
  source_account = local.account
}

resource "aws_lambda_permission" "changes" {
  for_each = local.direct ? local.eventbridge_buckets : []

  statement_id  = "changes-${substr(sha256(each.value), 0, 8)}"
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.changes[each.value].arn
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.direct ? local.scheduled : []

  statement_id  = "schedule-${each.key}"
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

resource "aws_lambda_permission" "topic" {
  count = local.direct ? length(var.sns_topic_arns) : 0

  statement_id  = "topic-${count.index}"
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = var.sns_topic_arns[count.index]
}

resource "aws_lambda_permission" "invoker" {
  for_each = var.invokers

  statement_id   = "invoker-${each.key}"
  function_name  = aws_lambda_function.this.function_name
  action         = "lambda:InvokeFunction"
  principal      = each.value.principal
  source_arn     = each.value.source_arn
  source_account = each.value.source_account
}
