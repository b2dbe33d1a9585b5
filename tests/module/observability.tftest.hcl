# How an operator knows.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "no_alarm_that_nobody_hears" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.failures) + length(aws_cloudwatch_metric_alarm.spending) + length(aws_cloudwatch_dashboard.invalidations) == 0 && output.dashboard_name == null
    error_message = "Alarms and the dashboard should exist only when the inputs request them."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.this.environment[0].variables), "METRICS_BY_DISTRIBUTION")
    error_message = "Metrics for each distribution should be sent only where the dashboard shows them."
  }
}

run "the_dashboard_has_metrics_for_each_distribution" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    dashboard       = true
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.this, aws_lambda_function.planner[0]] :
      function.environment[0].variables["METRICS_BY_DISTRIBUTION"] == "true"
    ])
    error_message = "Both functions should send metrics for each distribution."
  }
}

run "alarms_with_queues" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    alarm_actions   = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.failures : name => [alarm.namespace, alarm.metric_name, values(alarm.dimensions)[0], alarm.threshold] } == {
      age               = ["CloudFrontInvalidation", "Age", "invalidate-cloudfront-planner", 300]
      collection-age    = ["CloudFrontInvalidation", "Age", "invalidate-cloudfront", 300]
      dead-letters      = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "invalidate-cloudfront-dead-letters", 0]
      errors            = ["AWS/Lambda", "Errors", "invalidate-cloudfront", 0]
      plan-dead-letters = ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "invalidate-cloudfront-plan-dead-letters.fifo", 0]
      plan-queue-age    = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "invalidate-cloudfront-plan.fifo", 300]
      planner-errors    = ["AWS/Lambda", "Errors", "invalidate-cloudfront-planner", 0]
      planner-loops     = ["AWS/Lambda", "RecursiveInvocationsDropped", "invalidate-cloudfront-planner", 0]
      planner-throttles = ["AWS/Lambda", "Throttles", "invalidate-cloudfront-planner", 0]
      queue-age         = ["AWS/SQS", "ApproximateAgeOfOldestMessage", "invalidate-cloudfront", 300]
      throttles         = ["AWS/Lambda", "Throttles", "invalidate-cloudfront", 0]
    }
    error_message = "Both functions, all four queues and the age of changes should be watched: ${jsonencode({ for name, alarm in aws_cloudwatch_metric_alarm.failures : name => [alarm.namespace, alarm.metric_name, values(alarm.dimensions)[0], alarm.threshold] })}"
  }

  assert {
    condition = toset(flatten([
      for alarm in aws_cloudwatch_metric_alarm.failures : keys(alarm.dimensions)
    ])) == toset(["FunctionName", "QueueName"])
    error_message = "Every alarm should look at a function or at a queue."
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.failures), aws_cloudwatch_metric_alarm.spending) : alarm.alarm_actions == toset(["arn:aws:sns:eu-west-1:123456789012:on-call"]) && alarm.treat_missing_data == "notBreaching"])
    error_message = "Every alarm should notify somebody, and silence should not be alarming."
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.failures : alarm.period == 60 && alarm.evaluation_periods == 1 && alarm.statistic == (alarm.namespace == "AWS/Lambda" ? "Sum" : "Maximum")])
    error_message = "An alarm should fire within a minute of its threshold: of counts by their sum, of ages by the oldest."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.spending[0].threshold == 4 &&
      toset(flatten([for query in aws_cloudwatch_metric_alarm.spending[0].metric_query : [for metric in query.metric : [metric.dimensions.FunctionName, metric.metric_name, tostring(metric.period)]]])) == toset(["invalidate-cloudfront", "invalidate-cloudfront-planner", "EstimatedCost", "3600"])
    )
    error_message = "A fifth of the hour's 4,000 paths at half a cent each should be alarming, whoever of the functions spent them."
  }
}

run "spending_is_alarming_near_the_callers_bound" {
  variables {
    distribution_id    = "E2QWRUHEXAMPLE"
    max_paths_per_hour = 100
    alarm_actions      = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.spending[0].threshold == 0.1
    error_message = "The threshold should follow max_paths_per_hour: ${aws_cloudwatch_metric_alarm.spending[0].threshold}"
  }
}

run "alarms_without_queues" {
  variables {
    distribution_id    = "E2QWRUHEXAMPLE"
    batching           = null
    max_paths_per_hour = null
    alarm_actions      = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.failures) == ["age", "dead-letters", "errors", "throttles"]
    error_message = "What does not exist should have no alarm: ${join(", ", keys(aws_cloudwatch_metric_alarm.failures))}"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failures["age"].dimensions == tomap({ FunctionName = "invalidate-cloudfront" })
    error_message = "The age should be that of the function which invalidates."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.spending[0].threshold == 4 && length(aws_cloudwatch_metric_alarm.spending[0].metric_query) == 2
    error_message = "Without a bound of the caller's, the default's should be alarming."
  }
}

run "a_page_to_look_at" {
  variables {
    dashboard = true
    buckets   = { docs = "docs", shop = "shop" }
    routes = {
      docs = { distribution_id = "E1DOCS", bucket = "docs" }
      shop = { distribution_tenant_id = "dt_shop", bucket = "shop" }
    }
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : widget.properties.markdown if widget.type == "text"] == ["## Is it keeping up?", "## What does it cost?", "## What failed?"]
    error_message = "The dashboard should answer three questions."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : [
        for metric in widget.properties.metrics : metric[1] if metric[0] == "CloudFrontInvalidation"
      ] if widget.type == "metric"
    ])) == toset(["Age", "Blind", "Changes", "Deferred", "EstimatedCost", "Invalidations", "Paths", "RefusedPaths", "UnreadableMessages", "Wildcards"])
    error_message = "The dashboard should show every metric of the function."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : [
        for metric in widget.properties.metrics : metric[3] if metric[0] == "CloudFrontInvalidation"
      ] if widget.type == "metric"
    ])) == toset(["E1DOCS", "dt_shop", "none"])
    error_message = "The dashboard should show every distribution, and the unreadable messages."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : [
        for metric in widget.properties.metrics : metric[3] if metric[0] == "AWS/SQS"
      ] if widget.type == "metric"
      ])) == toset([
      "invalidate-cloudfront", "invalidate-cloudfront-dead-letters",
      "invalidate-cloudfront-plan.fifo", "invalidate-cloudfront-plan-dead-letters.fifo",
    ])
    error_message = "Every queue should be on the page."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : widget.properties.metrics[*][1]
      if try(widget.properties.period, 0) == 86400
    ])) == toset(["EstimatedCost"])
    error_message = "The dollars of the day should be on the page."
  }

  assert {
    condition     = output.dashboard_name == "invalidate-cloudfront"
    error_message = "The output should name the dashboard."
  }
}
