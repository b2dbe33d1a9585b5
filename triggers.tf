# What invokes the function: buckets, topics, schedules and other invokers, through the queue or directly.
#
# A changed trigger is created before the old one is destroyed (create_before_destroy), and terraform_data.wired makes
# every destroyed trigger wait until all new ones exist.

locals {
  # By keys, since the names of buckets may be known only after apply.
  wiring              = { for key in keys(var.buckets) : key => lookup(var.bucket_wiring, key, "notification") }
  notifying_buckets   = toset([for key, wiring in local.wiring : key if wiring == "notification"])
  eventbridge_buckets = toset([for key, wiring in local.wiring : key if wiring == "eventbridge"])
  # S3 needs the permission to send, even where the notification is configured elsewhere.
  sending_buckets = toset([for key, wiring in local.wiring : key if wiring != "eventbridge"])
  bucket_arns     = { for key, name in var.buckets : key => "arn:${local.partition}:s3:::${name}" }

  # Bucket → the prefixes of its routes; "" where one of them serves every key.
  prefixes = {
    for key in keys(var.buckets) : key => distinct([
      for route in var.routes : route.prefix == null ? "" : route.prefix if route.bucket == key
    ])
  }

  # Bucket → what its rule matches besides the bucket: the prefixes, unless every key is served.
  rule_filters = {
    for key, prefixes in local.prefixes : key => length(prefixes) == 0 || contains(prefixes, "") ? {} : {
      object = { key = [for prefix in prefixes : { prefix = prefix }] }
    }
  }

  event_patterns = {
    for key, name in var.buckets : key => jsonencode({
      source      = ["aws.s3"]
      detail-type = ["Object Created", "Object Deleted", "Object Restore Completed", "Object Restore Expired"]
      detail      = merge({ bucket = { name = [name] } }, local.rule_filters[key])
    })
  }

  scheduled = toset(var.schedule_expression == null ? [] : keys(local.routes))

  # A rule has one target: the queue, or else the function.
  destination_arn = local.batched ? aws_sqs_queue.changes[0].arn : aws_lambda_function.this.arn

  # EventBridge allows 64 characters, which a key or a route's own name may exceed.
  change_rules   = { for key in keys(var.buckets) : key => "${local.first.name}-${substr(sha256(key), 0, 8)}" }
  schedule_rules = { for route in local.scheduled : route => "${local.first.name}-cron-${substr(sha256(route), 0, 8)}" }
  rule_arns = [
    for rule in concat(values(local.change_rules), values(local.schedule_rules)) :
    "arn:${local.partition}:events:${local.region}:${local.account}:rule/${rule}"
  ]

  # ObjectRemoved includes delete markers, but not objects that a lifecycle rule removes.
  object_events = ["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"]
}

# Buckets.

resource "aws_s3_bucket_notification" "changes" {
  for_each = local.notifying_buckets

  bucket = var.buckets[each.key]

  dynamic "queue" {
    for_each = local.batched ? [local.destination_arn] : []
    content {
      queue_arn = queue.value
      events    = local.object_events
    }
  }

  dynamic "lambda_function" {
    for_each = local.batched ? [] : [local.destination_arn]
    content {
      lambda_function_arn = lambda_function.value
      events              = local.object_events
    }
  }

  # S3 tests the destination when the notification is configured, so the permission and the consumer come first.
  depends_on = [aws_lambda_event_source_mapping.changes, aws_lambda_permission.bucket]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_event_rule" "changes" {
  for_each = local.eventbridge_buckets

  name        = local.change_rules[each.key]
  description = "Changes in the bucket ${each.key}."

  event_pattern = local.event_patterns[each.key]

  tags = var.tags

  lifecycle {
    create_before_destroy = true

    # EventBridge quotas, "Event pattern size".
    precondition {
      condition     = length(local.event_patterns[each.key]) <= 2048
      error_message = "The rule of the bucket ${each.key} takes ${length(local.event_patterns[each.key])} of the 2048 characters that EventBridge has for it, which name each prefix of its routes. Let one route have no prefix, or shorten them."
    }
  }
}

resource "aws_cloudwatch_event_target" "changes" {
  for_each = local.eventbridge_buckets

  rule = aws_cloudwatch_event_rule.changes[each.key].name
  arn  = local.destination_arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }

  depends_on = [aws_lambda_event_source_mapping.changes, aws_lambda_permission.changes]

  lifecycle {
    create_before_destroy = true
  }
}

# Topics.

resource "aws_sns_topic_subscription" "changes" {
  for_each = var.sns_topics

  topic_arn            = each.value
  protocol             = local.batched ? "sqs" : "lambda"
  endpoint             = local.destination_arn
  raw_message_delivery = local.batched
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letter.arn })

  depends_on = [aws_lambda_event_source_mapping.changes, aws_lambda_permission.topic]

  lifecycle {
    create_before_destroy = true
  }
}

# Schedules: a rule for each route, since a rule has five targets at most and distributions may be known only after
# apply. A distribution of several routes gets several requests, which the plan of the batch combines.

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.scheduled

  name                = local.schedule_rules[each.key]
  description         = "Invalidates the default paths of the route ${each.key}."
  schedule_expression = var.schedule_expression
  tags                = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.scheduled

  rule = aws_cloudwatch_event_rule.schedule[each.key].name
  arn  = local.destination_arn
  input = jsonencode({
    distribution_id = coalesce(local.routes[each.key].distribution_id, local.routes[each.key].distribution_tenant_id, "none")
  })

  dead_letter_config {
    arn = aws_sqs_queue.dead_letter.arn
  }

  depends_on = [aws_lambda_event_source_mapping.changes, aws_lambda_permission.schedule]

  lifecycle {
    create_before_destroy = true
  }
}

# Who may invoke the function itself. The provider generates the end of each statement's id, so that a changed
# permission exists beside the old one until that is destroyed.

resource "aws_lambda_permission" "bucket" {
  for_each = local.batched ? [] : local.sending_buckets

  statement_id_prefix = "bucket-"
  function_name       = aws_lambda_function.this.function_name
  action              = "lambda:InvokeFunction"
  principal           = "s3.amazonaws.com"
  source_arn          = local.bucket_arns[each.key]
  source_account      = local.account

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "changes" {
  for_each = local.batched ? [] : local.eventbridge_buckets

  statement_id_prefix = "changes-"
  function_name       = aws_lambda_function.this.function_name
  action              = "lambda:InvokeFunction"
  principal           = "events.amazonaws.com"
  source_arn          = aws_cloudwatch_event_rule.changes[each.key].arn

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.batched ? [] : local.scheduled

  statement_id_prefix = "schedule-"
  function_name       = aws_lambda_function.this.function_name
  action              = "lambda:InvokeFunction"
  principal           = "events.amazonaws.com"
  source_arn          = aws_cloudwatch_event_rule.schedule[each.key].arn

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "topic" {
  for_each = local.batched ? {} : var.sns_topics

  statement_id_prefix = "topic-"
  function_name       = aws_lambda_function.this.function_name
  action              = "lambda:InvokeFunction"
  principal           = "sns.amazonaws.com"
  source_arn          = each.value

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lambda_permission" "invoker" {
  for_each = var.invokers

  statement_id_prefix = "invoker-"
  function_name       = aws_lambda_function.this.function_name
  action              = "lambda:InvokeFunction"
  # Lambda stores an account as its root, and a plan compares with what is stored.
  principal      = can(regex("^[0-9]{12}$", each.value.principal)) ? "arn:${local.partition}:iam::${each.value.principal}:root" : each.value.principal
  source_arn     = each.value.source_arn
  source_account = each.value.source_account

  lifecycle {
    create_before_destroy = true
  }
}

# Depends on every trigger: an edit creates the new ones before it, and destroys the old ones after it.
resource "terraform_data" "wired" {
  input = {
    name     = var.name
    batched  = local.batched
    wiring   = local.wiring
    topics   = keys(var.sns_topics)
    schedule = var.schedule_expression
  }

  depends_on = [
    aws_cloudwatch_event_target.changes,
    aws_cloudwatch_event_target.schedule,
    aws_lambda_event_source_mapping.changes,
    aws_lambda_permission.bucket,
    aws_lambda_permission.changes,
    aws_lambda_permission.invoker,
    aws_lambda_permission.schedule,
    aws_lambda_permission.topic,
    aws_s3_bucket_notification.changes,
    aws_sns_topic_subscription.changes,
  ]
}
