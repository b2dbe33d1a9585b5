# How one knows: alarms that tell someone, and a page to look at.

locals {
  metrics_namespace = "CloudFrontInvalidation"

  # Each watches for one thing that no retry will mend, or that retries have not mended so far.
  function_alarms = {
    errors = {
      description = "The function fails: its log says why."
      metric      = "Errors"
    }
    throttles = {
      description = "Lambda does not run the function: the account, or reserved_concurrency, has no execution to spare."
      metric      = "Throttles"
    }
  }
  queue_alarms = merge(
    {
      dead-letters = {
        description = "A change was given up: look at the dead letters, mend the cause, redrive them."
        queue       = aws_sqs_queue.dead_letter.name
        metric      = "ApproximateNumberOfMessagesVisible"
        threshold   = 0
      }
    },
    {
      for queue in aws_sqs_queue.changes : "age" => {
        description = "Changes have waited through two rounds of retries: the edges serve old copies."
        queue       = queue.name
        metric      = "ApproximateAgeOfOldestMessage"
        threshold   = 2 * queue.visibility_timeout_seconds
      }
    },
  )
  alarmed = length(var.alarm_actions) > 0
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.alarmed ? local.function_alarms : {}

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description
  alarm_actions     = var.alarm_actions

  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"

  tags = var.tags
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.alarmed ? local.queue_alarms : {}

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description
  alarm_actions     = var.alarm_actions

  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"

  tags = var.tags
}

locals {
  # A column for each question, a row for each answer.
  dashboard_columns = [
    {
      question = "Is it keeping up?"
      widgets = [
        {
          title   = "Changes, and how old the oldest was when its invalidation was accepted (seconds)"
          metrics = concat(local.distribution_metrics["Changes"], [for metric in local.distribution_metrics["Age"] : concat(metric, [{ stat = "Maximum", yAxis = "right" }])])
        },
        {
          title = "Oldest message that waits (seconds)"
          metrics = [for name in aws_sqs_queue.changes[*].name :
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, { stat = "Maximum" }]
          ]
        },
        {
          title   = "Deferred to a later batch"
          metrics = local.distribution_metrics["Deferred"]
        },
      ]
    },
    {
      question = "What does it cost?"
      widgets = [
        {
          title   = "Estimated cost of invalidations (USD, the free 1,000 paths a month not deducted)"
          metrics = local.distribution_metrics["EstimatedCost"]
        },
        {
          title   = "Paths, and the wildcards among them"
          metrics = concat(local.distribution_metrics["Paths"], local.distribution_metrics["Wildcards"])
        },
        {
          title   = "Invalidations"
          metrics = local.distribution_metrics["Invalidations"]
        },
      ]
    },
    {
      question = "What failed?"
      widgets = [
        {
          # A message that nobody can read names no distribution: the function counts it under "none".
          title   = "Rejected paths, and messages that cannot be read"
          metrics = concat(local.distribution_metrics["Rejected"], [[local.metrics_namespace, "Rejected", "DistributionId", "none"]])
        },
        {
          title   = "Dead letters"
          metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letter.name, { stat = "Maximum" }]]
        },
        {
          title = "Errors and throttles of the function"
          metrics = [for metric in ["Errors", "Throttles"] :
            ["AWS/Lambda", metric, "FunctionName", aws_lambda_function.this.function_name]
          ]
        },
      ]
    },
  ]

  distribution_metrics = {
    for metric in ["Age", "Changes", "Deferred", "EstimatedCost", "Invalidations", "Paths", "Rejected", "Wildcards"] : metric => [
      for id in local.target_ids : [local.metrics_namespace, metric, "DistributionId", id]
    ]
  }
}

resource "aws_cloudwatch_dashboard" "invalidations" {
  count = var.dashboard ? 1 : 0

  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = flatten([
      for column, content in local.dashboard_columns : concat(
        [{
          type       = "text"
          x          = 8 * column
          y          = 0
          width      = 8
          height     = 1
          properties = { markdown = "## ${content.question}" }
        }],
        [for row, widget in content.widgets : {
          type   = "metric"
          x      = 8 * column
          y      = 1 + 6 * row
          width  = 8
          height = 6
          properties = {
            title   = widget.title
            metrics = widget.metrics
            region  = local.region
            stat    = "Sum"
            period  = 300
            view    = "timeSeries"
          }
        } if length(widget.metrics) > 0],
      )
    ])
  })
}
