# Where changes wait, and where failed messages are kept. The queues exist while batching is on, whatever buckets, topics
# and schedules there are, so that no edit of those destroys a queue with messages in it.

locals {
  # ARNs made of names instead of references: a plan then shows every policy before anything exists, and two queues can
  # name each other.
  queue_arn            = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.first.name}"
  plan_arn             = "${local.queue_arn}-plan.fifo"
  dead_letter_arn      = "${local.queue_arn}-dead-letters"
  plan_dead_letter_arn = "${local.queue_arn}-plan-dead-letters.fifo"

  # The minimum of Lambda. More collectors hold more batches open at once: each is smaller and waits longer for more, which
  # delays single changes (docs/decisions.md has the figures).
  collector_concurrency = 2
  # With few planners at once, the memory of each knows most of what is in progress and what was spent.
  planner_concurrency = 2

  retention      = 10 * 24 * 3600 # seconds; the dead letters' 14 days count from when a message was first sent
  dead_retention = 14 * 24 * 3600 # seconds; the longest that SQS keeps

  # A receive also counts while Lambda is throttled or CloudFront is unavailable, so this limit is high. The functions
  # themselves give up messages that can never be read or carried out.
  max_receives = 1000

  encrypted_by_sqs = var.kms_key == null ? true : null

  # A rule's and a topic's ARN hold their account. A bucket's does not: without the second condition, the next
  # owner of a deleted bucket's name could send.
  event_sources = {
    "events.amazonaws.com" = local.rule_arns
    "sns.amazonaws.com"    = values(var.sns_topics)
  }
  event_statements = [
    for service, source_arns in local.event_sources : {
      Effect    = "Allow"
      Principal = { Service = service }
      Action    = "sqs:SendMessage"
      Condition = { ArnEquals = { "aws:SourceArn" = source_arns } }
    } if length(source_arns) > 0
  ]
  # Every bucket of the module with any wiring, as with the rules above: otherwise a changed wiring would close the old
  # trigger before the new one works.
  bucket_statements = length(local.bucket_arns) == 0 ? [] : [{
    Effect    = "Allow"
    Principal = { Service = "s3.amazonaws.com" }
    Action    = "sqs:SendMessage"
    Condition = {
      ArnEquals    = { "aws:SourceArn" = values(local.bucket_arns) }
      StringEquals = { "aws:SourceAccount" = local.account }
    }
  }]
  tls_statement = {
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "sqs:*"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  queue_policy = jsonencode({
    Version = "2012-10-17"
    Id      = var.name
    Statement = [
      for statement in concat(local.bucket_statements, local.event_statements, [local.tls_statement]) :
      merge(statement, { Resource = local.queue_arn })
    ]
  })
}

resource "aws_sqs_queue" "dead_letter" {
  name                      = "${local.first.name}-dead-letters"
  message_retention_seconds = local.dead_retention
  kms_master_key_id         = one(local.kms_key_arns)
  sqs_managed_sse_enabled   = local.encrypted_by_sqs

  redrive_allow_policy = jsonencode(merge(
    { redrivePermission = local.batched ? "byQueue" : "denyAll" },
    local.batched ? { sourceQueueArns = [local.queue_arn] } : {},
  ))

  policy = jsonencode({
    Version   = "2012-10-17"
    Id        = var.name
    Statement = [for statement in concat(local.event_statements, [local.tls_statement]) : merge(statement, { Resource = local.dead_letter_arn })]
  })

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sqs_queue" "changes" {
  count = local.batched ? 1 : 0

  name                      = local.first.name
  message_retention_seconds = local.retention
  kms_master_key_id         = one(local.kms_key_arns)
  sqs_managed_sse_enabled   = local.encrypted_by_sqs

  # A message is hidden for as long as its batch may be gathered and read, the least that Lambda takes as it is (Lambda
  # Developer Guide, "Using Lambda with Amazon SQS"); six times the timeout would only delay a killed batch. A batch that
  # takes longer, because Lambda polled a quiet queue for up to 20 seconds, is small and read in no time.
  visibility_timeout_seconds = var.timeout_seconds + var.batching.window_seconds

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = local.max_receives
  })

  policy = local.queue_policy

  tags = var.tags

  # Destroyed after its senders have moved, not before.
  lifecycle {
    create_before_destroy = true

    # SQS Developer Guide, "Amazon SQS policy quotas".
    precondition {
      condition     = length(local.queue_policy) <= 8192
      error_message = "The policy of the queue takes ${length(local.queue_policy)} of the 8192 bytes that SQS has for it, which names each bucket, topic and schedule. Split the buckets over two instances of the module."
    }
  }
}

# The dead-letter queue of a FIFO queue must be FIFO too.
resource "aws_sqs_queue" "plan_dead_letter" {
  count = local.batched ? 1 : 0

  name                      = "${local.first.name}-plan-dead-letters.fifo"
  fifo_queue                = true
  message_retention_seconds = local.dead_retention
  kms_master_key_id         = one(local.kms_key_arns)
  sqs_managed_sse_enabled   = local.encrypted_by_sqs

  redrive_allow_policy = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.plan_arn] })

  policy = jsonencode({
    Version   = "2012-10-17"
    Id        = var.name
    Statement = [merge(local.tls_statement, { Resource = local.plan_dead_letter_arn })]
  })

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sqs_queue" "plan" {
  count = local.batched ? 1 : 0

  name                       = "${local.first.name}-plan.fifo"
  fifo_queue                 = true
  message_retention_seconds  = local.retention
  visibility_timeout_seconds = local.planner_timeout + 10
  kms_master_key_id          = one(local.kms_key_arns)
  sqs_managed_sse_enabled    = local.encrypted_by_sqs

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.plan_dead_letter[0].arn
    maxReceiveCount     = local.max_receives
  })

  policy = jsonencode({
    Version   = "2012-10-17"
    Id        = var.name
    Statement = [merge(local.tls_statement, { Resource = local.plan_arn })]
  })

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_event_source_mapping" "plan" {
  count = local.batched ? 1 : 0

  event_source_arn        = aws_sqs_queue.plan[0].arn
  function_name           = aws_lambda_function.planner[0].arn
  batch_size              = 10 # the maximum of a FIFO queue
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = local.planner_concurrency
  }

  tags = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_event_source_mapping" "changes" {
  count = local.batched ? 1 : 0

  event_source_arn                   = aws_sqs_queue.changes[0].arn
  function_name                      = aws_lambda_function.this.arn
  batch_size                         = var.batching.window_seconds == 0 ? 10 : 10000 # Lambda gathers more than 10 only within a window
  maximum_batching_window_in_seconds = var.batching.window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = local.collector_concurrency
  }

  tags = var.tags

  # Every collected change has a planner; when batching is turned off, the collector stops first.
  depends_on = [aws_lambda_event_source_mapping.plan]

  lifecycle {
    create_before_destroy = true
  }
}

# Asynchronous invocations: no queue holds their events, so Lambda sends failed ones to the dead-letter queue.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 6 * 3600 # Lambda's default, set because Lambda also returns it

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letter.arn
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}
