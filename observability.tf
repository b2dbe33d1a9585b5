# How an operator knows that it works: alarms and a dashboard.

locals {
  metrics_namespace = "CloudFrontInvalidation"
  functions         = concat([aws_lambda_function.this.function_name], aws_lambda_function.planner[*].function_name)

  # The function that calls CloudFront, and so measures the age of the changes.
  invalidating_function = local.batched ? aws_lambda_function.planner[0].function_name : aws_lambda_function.this.function_name

  stale_seconds = 300
  path_dollars  = 0.005 # CloudFront's price of a path beyond the first 1,000 a month
  # Planners whose sandboxes live on spend up to a quarter of the bound in an hour (`pace.py`). Where there is no bound,
  # the alarm still has one: the default's.
  spending_dollars = 0.2 * local.path_dollars * (var.max_paths_per_hour == null ? 4000 : var.max_paths_per_hour)

  # Each alarm watches one failure that retries cannot correct, or have not corrected so far.
  function_alarms = {
    errors = {
      description = "The function ${var.name} fails: its log says why."
      metric      = ["AWS/Lambda", "Errors", "FunctionName", aws_lambda_function.this.function_name]
    }
    throttles = {
      description = "Lambda does not run the function ${var.name}: the account, or reserved_concurrency, has no execution to spare."
      metric      = ["AWS/Lambda", "Throttles", "FunctionName", aws_lambda_function.this.function_name]
    }
    age = {
      description = "Changes have waited for more than five minutes: the edges serve old copies."
      metric      = [local.metrics_namespace, "Age", "FunctionName", local.invalidating_function]
      threshold   = local.stale_seconds
    }
    dead-letters = {
      description = "A change was given up: read the dead-letter queue, correct the cause, redrive the messages."
      metric      = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.dead_letter.name]
    }
  }
  # Of what exists while batching is on.
  planner_alarms = {
    planner-errors = {
      description = "The function ${local.planner_name} fails: its log says why."
      metric      = ["AWS/Lambda", "Errors", "FunctionName", local.planner_name]
    }
    planner-throttles = {
      description = "Lambda does not run the function ${local.planner_name}: the account has no execution to spare."
      metric      = ["AWS/Lambda", "Throttles", "FunctionName", local.planner_name]
    }
    planner-loops = {
      description = "Lambda takes what the function ${local.planner_name} sends to its own queue for an endless loop, and does not invoke it: allow it, by aws lambda put-function-recursion-config."
      metric      = ["AWS/Lambda", "RecursiveInvocationsDropped", "FunctionName", local.planner_name]
    }
    queue-age = {
      description = "Changes have waited in the first queue for more than five minutes: the function does not collect them."
      metric      = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", one(aws_sqs_queue.changes[*].name)]
      threshold   = local.stale_seconds
    }
    collection-age = {
      description = "Changes have been received for more than five minutes, and the plan queue does not accept them: the log of the function ${var.name} says why."
      metric      = [local.metrics_namespace, "Age", "FunctionName", aws_lambda_function.this.function_name]
      threshold   = local.stale_seconds
    }
    plan-queue-age = {
      description = "Changes have waited in the plan queue for more than five minutes: CloudFront does not accept them."
      metric      = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", one(aws_sqs_queue.plan[*].name)]
      threshold   = local.stale_seconds
    }
    plan-dead-letters = {
      description = "Collected changes were given up: read the plan queue's dead-letter queue, correct the cause, redrive the messages."
      metric      = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", one(aws_sqs_queue.plan_dead_letter[*].name)]
    }
  }
  metric_alarms = merge(local.function_alarms, { for name, alarm in local.planner_alarms : name => alarm if local.batched })
  alarmed       = length(var.alarm_actions) > 0
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  for_each = { for name, alarm in local.metric_alarms : name => alarm if local.alarmed }

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description
  alarm_actions     = var.alarm_actions

  namespace           = each.value.metric[0]
  metric_name         = each.value.metric[1]
  dimensions          = { (each.value.metric[2]) = each.value.metric[3] }
  statistic           = each.value.metric[0] == "AWS/Lambda" ? "Sum" : "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = try(each.value.threshold, 0)
  treat_missing_data  = "notBreaching"

  tags = var.tags
}

# The cost of all distributions together, so that one near its limit is noticed however many there are.
resource "aws_cloudwatch_metric_alarm" "spending" {
  count = local.alarmed ? 1 : 0

  alarm_name        = "${var.name}-spending"
  alarm_description = "Invalidations cost more than ${format("%.2f", local.spending_dollars)} USD in an hour: look at the dashboard for the distribution, and at its log for the source of the changes."
  alarm_actions     = var.alarm_actions

  metric_query {
    id          = "dollars"
    expression  = "SUM(METRICS())"
    label       = "Estimated cost in USD"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { for function in local.functions : "function${index(local.functions, function)}" => function }
    content {
      id = metric_query.key
      metric {
        namespace   = local.metrics_namespace
        metric_name = "EstimatedCost"
        dimensions  = { FunctionName = metric_query.value }
        stat        = "Sum"
        period      = 3600
      }
    }
  }

  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = local.spending_dollars
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
          title = "Oldest message that waits in either queue (seconds)"
          metrics = [for name in concat(aws_sqs_queue.changes[*].name, aws_sqs_queue.plan[*].name) :
            ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, { stat = "Maximum" }]
          ]
        },
        {
          title   = "Deferred to a later plan"
          metrics = local.distribution_metrics["Deferred"]
        },
        {
          title   = "Plans without an inventory of the bucket"
          metrics = local.distribution_metrics["Blind"]
        },
      ]
    },
    {
      question = "What does it cost?"
      widgets = [
        {
          title   = "Estimated cost of invalidations in a day (USD, the free 1,000 paths a month not deducted)"
          metrics = local.distribution_metrics["EstimatedCost"]
          period  = 86400
        },
        {
          title   = "Estimated cost of invalidations in five minutes (USD)"
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
          title   = "Paths that CloudFront refused"
          metrics = local.distribution_metrics["RefusedPaths"]
        },
        {
          # A message that cannot be read names no distribution: the function counts it under "none".
          title   = "Messages that cannot be read"
          metrics = [[local.metrics_namespace, "UnreadableMessages", "DistributionId", "none"]]
        },
        {
          title = "Dead letters"
          metrics = [for name in concat([aws_sqs_queue.dead_letter.name], aws_sqs_queue.plan_dead_letter[*].name) :
            ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", name, { stat = "Maximum" }]
          ]
        },
        {
          title = "Errors and throttles of the functions"
          metrics = [for pair in setproduct(["Errors", "Throttles"], local.functions) :
            ["AWS/Lambda", pair[0], "FunctionName", pair[1]]
          ]
        },
      ]
    },
  ]

  distribution_metrics = {
    for metric in ["Age", "Blind", "Changes", "Deferred", "EstimatedCost", "Invalidations", "Paths", "RefusedPaths", "Wildcards"] : metric => [
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
            period  = try(widget.period, 300)
            view    = "timeSeries"
          }
        } if length(widget.metrics) > 0],
      )
    ])
  })
}
