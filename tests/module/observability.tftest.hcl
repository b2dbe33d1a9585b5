# How an operator knows.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "no_alarm_that_nobody_hears" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.function) + length(aws_cloudwatch_metric_alarm.queue) + length(aws_cloudwatch_dashboard.invalidations) == 0 && output.dashboard_name == null
    error_message = "Alarms and dashboards cost; they are made when asked for."
  }
}

run "alarms_of_a_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    bucket          = "www.example.com"
    alarm_actions   = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.function)) == toset(["errors", "throttles"]) && toset(keys(aws_cloudwatch_metric_alarm.queue)) == toset(["age", "dead-letters"])
    error_message = "Errors, throttling, dead letters, and changes that wait."
  }

  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.function), values(aws_cloudwatch_metric_alarm.queue)) : alarm.alarm_actions == toset(["arn:aws:sns:eu-west-1:123456789012:on-call"]) && alarm.treat_missing_data == "notBreaching"])
    error_message = "Every alarm tells somebody, and silence is not alarming."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.queue["dead-letters"].dimensions == tomap({ QueueName = "invalidate-cloudfront-dead-letters" }) &&
      aws_cloudwatch_metric_alarm.queue["dead-letters"].metric_name == "ApproximateNumberOfMessagesVisible" && aws_cloudwatch_metric_alarm.queue["dead-letters"].threshold == 0
    )
    error_message = "A single dead letter is alarming."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.queue["age"].dimensions == tomap({ QueueName = "invalidate-cloudfront" }) &&
      aws_cloudwatch_metric_alarm.queue["age"].metric_name == "ApproximateAgeOfOldestMessage" && aws_cloudwatch_metric_alarm.queue["age"].threshold == 2170
    )
    error_message = "A message that waits for longer than two rounds of retries is alarming."
  }

  assert {
    condition = alltrue([
      for metric in ["Errors", "Throttles"] : aws_cloudwatch_metric_alarm.function[lower(metric)].metric_name == metric &&
      aws_cloudwatch_metric_alarm.function[lower(metric)].namespace == "AWS/Lambda" &&
      aws_cloudwatch_metric_alarm.function[lower(metric)].dimensions == tomap({ FunctionName = "invalidate-cloudfront" })
    ])
    error_message = "Errors and throttles of this function."
  }
}

run "alarms_without_a_queue" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    alarm_actions   = ["arn:aws:sns:eu-west-1:123456789012:on-call"]
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.queue) == ["dead-letters"]
    error_message = "Nothing waits, so that nothing can wait too long."
  }
}

run "a_page_to_look_at" {
  variables {
    dashboard = true
    routes = {
      docs = { distribution_id = "E1DOCS", bucket = "docs" }
      shop = { distribution_tenant_id = "dt_shop", bucket = "shop" }
    }
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : widget.properties.markdown if widget.type == "text"] == ["## Is it keeping up?", "## What does it cost?", "## What failed?"]
    error_message = "The page answers three questions."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : [
        for metric in widget.properties.metrics : metric[1] if metric[0] == "CloudFrontInvalidation"
      ] if widget.type == "metric"
    ])) == toset(["Age", "Changes", "Deferred", "EstimatedCost", "Invalidations", "Paths", "Rejected", "Wildcards"])
    error_message = "Every metric of the function is on the page."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.invalidations[0].dashboard_body).widgets : [
        for metric in widget.properties.metrics : metric[3] if metric[0] == "CloudFrontInvalidation"
      ] if widget.type == "metric"
    ])) == toset(["E1DOCS", "dt_shop", "none"])
    error_message = "Every distribution is on the page, and what could be read of none."
  }

  assert {
    condition     = output.dashboard_name == "invalidate-cloudfront"
    error_message = "The output names the page."
  }
}
