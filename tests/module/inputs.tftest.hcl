# Every rule of the inputs refuses a wrong value. Each case says why somebody might give it, or what it would lead to.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

variables {
  distribution_id = "E2QWRUHEXAMPLE"
}

# The console copies ARNs.
run "a_distribution_is_not_an_arn" {
  command = plan

  variables {
    distribution_id = "arn:aws:cloudfront::123456789012:distribution/E2QWRUHEXAMPLE"
  }

  expect_failures = [var.distribution_id]
}

# Terraform's own buckets have both, and the ARN would be a bucket that never changes.
run "a_bucket_is_not_an_arn" {
  command = plan

  variables {
    buckets = { site = "arn:aws:s3:::www.example.com" }
  }

  expect_failures = [var.buckets]
}

# What CloudFront has as the origin of a distribution.
run "a_bucket_is_not_its_domain_name" {
  command = plan

  variables {
    buckets = { site = "www-example.s3.eu-west-1.amazonaws.com" }
  }

  expect_failures = [var.buckets]
}

# S3 refuses it at the end of the apply.
run "a_bucket_has_no_two_dots_in_a_row" {
  command = plan

  variables {
    buckets = { site = "www..example" }
  }

  expect_failures = [var.buckets]
}

# S3 refuses it at the end of the apply.
run "a_bucket_is_not_an_address" {
  command = plan

  variables {
    buckets = { site = "192.168.5.4" }
  }

  expect_failures = [var.buckets]
}

# S3 refuses it at the end of the apply.
run "a_bucket_has_three_letters_at_least" {
  command = plan

  variables {
    buckets = { site = "ab" }
  }

  expect_failures = [var.buckets]
}

# S3 refuses it at the end of the apply.
run "a_bucket_has_63_letters_at_most" {
  command = plan

  variables {
    buckets = { site = "a123456789-123456789-123456789-123456789-123456789-123456789-123" }
  }

  expect_failures = [var.buckets]
}

# It becomes part of outputs and messages, where a name of a bucket is easily taken for it.
run "a_key_of_buckets_is_plain" {
  command = plan

  variables {
    buckets = { "www.example.com" = "www.example.com" }
  }

  expect_failures = [var.buckets]
}

# Each notification would replace the other's at every apply.
run "a_bucket_has_one_key" {
  command = plan

  variables {
    buckets = { site = "www.example.com", again = "www.example.com" }
  }

  expect_failures = [aws_lambda_function.this]
}

# It becomes part of the ids of permissions, which allow no more.
run "a_route_has_a_plain_name" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      "my docs" = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A misspelt distribution_id is dropped by Terraform, and is recognised here.
run "a_route_has_a_target" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# Which of the two would be meant?
run "a_route_has_one_target" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", distribution_tenant_id = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A domain name is what people know of a distribution.
run "a_route_names_a_distribution_by_its_id" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "d111111abcdef8.cloudfront.net", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A distribution's id is easily taken for a tenant's.
run "a_route_names_a_tenant_by_its_id" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_tenant_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A name would be looked for in this account.
run "a_role_is_an_arn" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", role_arn = "invalidate", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# Without a role there is nothing to present it to.
run "an_external_id_needs_a_role" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", external_id = "invalidation", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# STS refuses others, at the first change.
run "an_external_id_is_of_sts" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", role_arn = "arn:aws:iam::210987654321:role/invalidate", external_id = "it is us", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A name where a key is wanted would be a route without a bucket.
run "a_route_names_a_bucket_by_its_key" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
    }
  }

  expect_failures = [aws_lambda_function.this]
}

# Without one nothing has that prefix, and nothing would ever be invalidated.
run "a_prefix_needs_a_bucket" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = null, prefix = "docs/" }
    }
  }

  expect_failures = [var.routes]
}

# As a prefix does.
run "a_suffix_needs_a_bucket" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = null, suffix = ".html" }
    }
  }

  expect_failures = [var.routes]
}

# As a prefix does.
run "an_origin_path_needs_a_bucket" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = null, origin_path = "/docs" }
    }
  }

  expect_failures = [var.routes]
}

# Keys do, so that such a prefix matches none of them.
run "a_prefix_begins_without_a_slash" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", prefix = "/docs/" }
    }
  }

  expect_failures = [var.routes]
}

# Patterns are of `ignore`; no key begins with such a prefix.
run "a_prefix_knows_no_wildcard" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", prefix = "docs/*" }
    }
  }

  expect_failures = [var.routes]
}

# Patterns are of `ignore`; no key ends with such a suffix.
run "a_suffix_knows_no_wildcard" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", suffix = "*.html" }
    }
  }

  expect_failures = [var.routes]
}

# CloudFront demands it.
run "an_origin_path_begins_with_a_slash" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", origin_path = "docs" }
    }
  }

  expect_failures = [var.routes]
}

# CloudFront demands it.
run "an_origin_path_ends_without_a_slash" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", origin_path = "/docs/" }
    }
  }

  expect_failures = [var.routes]
}

# Where they are disjoint, no object is served and nothing would ever be invalidated.
run "a_prefix_lies_under_the_origin_path" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", prefix = "shop/", origin_path = "/docs" }
    }
  }

  expect_failures = [var.routes]
}

# It is looked for in every directory.
run "an_index_document_is_a_name" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", index_documents = ["/index.html"] }
    }
  }

  expect_failures = [var.routes]
}

# html would also be taken off mhtml.
run "an_extension_has_its_dot" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", strip_extensions = ["html"] }
    }
  }

  expect_failures = [var.routes]
}

# Keys do, so that such a pattern ignores none of them.
run "an_ignored_pattern_begins_without_a_slash" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", ignore = ["/assets/*"] }
    }
  }

  expect_failures = [var.routes]
}

# A request that names it could not tell which role to assume.
run "a_distribution_is_reached_in_one_way" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      docs = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site", role_arn = "arn:aws:iam::210987654321:role/invalidate" }
      shop = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# A copy whose name alone was edited does nothing.
run "a_route_is_given_once" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    routes = {
      docs = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
      shop = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [var.routes]
}

# Both forms are optional, since each excludes the other.
run "something_is_invalidated" {
  command = plan

  variables {
    distribution_id = null
  }

  expect_failures = [aws_lambda_function.this]
}

# Is it one more route, or a mistake?
run "a_distribution_excludes_routes" {
  command = plan

  variables {
    buckets = { site = "www.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [aws_lambda_function.this]
}

# A bucket that no route serves is a route that was forgotten, and its changes would be paid for.
run "a_bucket_has_a_route" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com", assets = "assets.example.com" }
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }
    }
  }

  expect_failures = [aws_lambda_function.this]
}

# A misspelt key would leave the bucket notified, and its other notifications lost.
run "wiring_is_for_keys_of_buckets" {
  command = plan

  variables {
    buckets       = { site = "www.example.com" }
    bucket_wiring = { sites = "eventbridge" }
  }

  expect_failures = [aws_lambda_function.this]
}

# CloudWatch would refuse every alarm.
run "no_more_alarm_actions_than_an_alarm_has" {
  command = plan

  variables {
    alarm_actions = [for number in range(6) : "arn:aws:sns:eu-west-1:123456789012:on-call-${number}"]
  }

  expect_failures = [var.alarm_actions]
}

# SQS would refuse the policy.
run "buckets_fit_into_the_policy_of_the_queue" {
  command = plan

  variables {
    buckets             = { for number in range(41) : "b${number}" => "www-${number}.example.com" }
    schedule_expression = "rate(1 day)"
  }

  expect_failures = [aws_sqs_queue.changes]
}

# EventBridge would refuse the rule.
run "prefixes_fit_into_the_pattern_of_a_rule" {
  command = plan

  variables {
    distribution_id = null
    buckets         = { site = "www.example.com" }
    bucket_wiring   = { site = "eventbridge" }
    routes = {
      for number in range(9) : "r${number}" => {
        distribution_id = "E2QWRUHEXAMPLE"
        bucket          = "site"
        prefix          = "${join("", [for part in range(23) : "directory-"])}${number}/"
      }
    }
  }

  expect_failures = [aws_cloudwatch_event_rule.changes]
}

# Lambda would refuse them at the end of a long apply.
run "settings_fit_into_the_environment" {
  command = plan

  variables {
    default_paths = [for number in range(400) : "/page-${number}"]
  }

  expect_failures = [aws_lambda_function.this]
}

# An invalidation of nothing is an error of CloudFront's.
run "some_default_path" {
  command = plan

  variables {
    default_paths = []
  }

  expect_failures = [var.default_paths]
}

# CloudFront refuses others.
run "a_default_path_begins_with_a_slash" {
  command = plan

  variables {
    default_paths = ["index.html"]
  }

  expect_failures = [var.default_paths]
}

# CloudFront reads any other * as a character.
run "a_wildcard_ends_a_default_path" {
  command = plan

  variables {
    default_paths = ["/*/index.html"]
  }

  expect_failures = [var.default_paths]
}

# CloudFront refuses the whole call, at night.
run "a_default_path_is_encoded" {
  command = plan

  variables {
    default_paths = ["/my file.html"]
  }

  expect_failures = [var.default_paths]
}

# CloudFront wants all but ASCII encoded.
run "a_default_path_is_ascii" {
  command = plan

  variables {
    default_paths = ["/crème.html"]
  }

  expect_failures = [var.default_paths]
}

# RFC 1738 calls it unsafe, and CloudFront refuses it.
run "a_tilde_in_a_default_path_is_encoded" {
  command = plan

  variables {
    default_paths = ["/~me/"]
  }

  expect_failures = [var.default_paths]
}

# A lone percent sign encodes nothing.
run "an_escape_in_a_default_path_is_whole" {
  command = plan

  variables {
    default_paths = ["/100%"]
  }

  expect_failures = [var.default_paths]
}

# CloudFront takes 4,000 characters.
run "a_default_path_is_not_too_long" {
  command = plan

  variables {
    default_paths = [format("/%04000d", 0)]
  }

  expect_failures = [var.default_paths]
}

# A plan of no path could invalidate nothing.
run "paths_are_counted" {
  command = plan

  variables {
    max_paths = 0
  }

  expect_failures = [var.max_paths]
}

# The function refuses fractions.
run "paths_are_whole" {
  command = plan

  variables {
    max_paths = 1.5
  }

  expect_failures = [var.max_paths]
}

# CloudFront has 3,000 in progress at once.
run "paths_fit_into_a_call" {
  command = plan

  variables {
    max_paths = 3001
  }

  expect_failures = [var.max_paths]
}

# A storm of changes needs one at least.
run "wildcards_are_counted" {
  command = plan

  variables {
    max_wildcards = 0
  }

  expect_failures = [var.max_wildcards]
}

# The function refuses fractions.
run "wildcards_are_whole" {
  command = plan

  variables {
    max_wildcards = 1.5
  }

  expect_failures = [var.max_wildcards]
}

# CloudFront would be busy with them for hours.
run "wildcards_are_not_too_many" {
  command = plan

  variables {
    max_paths     = 3000
    max_wildcards = 301
  }

  expect_failures = [var.max_wildcards]
}

# They count among the paths.
run "wildcards_are_among_the_paths" {
  command = plan

  variables {
    max_paths = 20
  }

  expect_failures = [aws_lambda_function.this]
}

# With no path in an hour nothing would ever be invalidated.
run "an_hour_has_a_path" {
  command = plan

  variables {
    max_paths_per_hour = 0
  }

  expect_failures = [var.max_paths_per_hour]
}

# The function refuses fractions.
run "paths_of_an_hour_are_whole" {
  command = plan

  variables {
    max_paths_per_hour = 1.5
  }

  expect_failures = [var.max_paths_per_hour]
}

# Without a page there is no inventory: that is inventory = false.
run "a_listing_has_a_page" {
  command = plan

  variables {
    max_inventory_pages = 0
  }

  expect_failures = [var.max_inventory_pages]
}

# More would take the time of the calls to CloudFront.
run "a_listing_leaves_time_for_the_plan" {
  command = plan

  variables {
    max_inventory_pages = 301
  }

  expect_failures = [var.max_inventory_pages]
}

# The function refuses fractions.
run "pages_are_whole" {
  command = plan

  variables {
    max_inventory_pages = 1.5
  }

  expect_failures = [var.max_inventory_pages]
}

# Nothing is above the root.
run "a_depth_is_not_negative" {
  command = plan

  variables {
    min_wildcard_depth = -1
  }

  expect_failures = [var.min_wildcard_depth]
}

# The function refuses fractions.
run "a_depth_is_whole" {
  command = plan

  variables {
    min_wildcard_depth = 1.5
  }

  expect_failures = [var.min_wildcard_depth]
}

# No site is so deep that a wildcard would ever be made.
run "a_depth_is_not_too_deep" {
  command = plan

  variables {
    min_wildcard_depth = 21
  }

  expect_failures = [var.min_wildcard_depth]
}

# `raw` sounds right, and CloudFront refuses the whole batch.
run "a_tilde_is_handled_in_a_known_way" {
  command = plan

  variables {
    tilde = "raw"
  }

  expect_failures = [var.tilde]
}

# The provider leaves it to Lambda to refuse it.
run "a_window_is_not_too_long" {
  command = plan

  variables {
    batching = { window_seconds = 301 }
  }

  expect_failures = [var.batching]
}

# The provider leaves it to Lambda to refuse it.
run "a_window_is_not_negative" {
  command = plan

  variables {
    batching = { window_seconds = -1 }
  }

  expect_failures = [var.batching]
}

# Lambda has no fractions, and refuses them at the end of the apply.
run "a_window_is_whole" {
  command = plan

  variables {
    batching = { window_seconds = 1.5 }
  }

  expect_failures = [var.batching]
}

# `sns` would be a guess; such buckets are `external`, and their topics sns_topics.
run "a_wiring_is_known" {
  command = plan

  variables {
    buckets       = { site = "www.example.com" }
    bucket_wiring = { site = "sns" }
  }

  expect_failures = [var.bucket_wiring]
}

# Terraform's own topics have a name too.
run "a_topic_is_an_arn" {
  command = plan

  variables {
    sns_topics = { uploads = "uploads" }
  }

  expect_failures = [var.sns_topics]
}

# Such topics deliver to no function.
run "a_topic_is_not_first_in_first_out" {
  command = plan

  variables {
    sns_topics = { uploads = "arn:aws:sns:eu-west-1:123456789012:uploads.fifo" }
  }

  expect_failures = [var.sns_topics]
}

# SNS would know one subscription, and Terraform two.
run "a_topic_is_given_once" {
  command = plan

  variables {
    sns_topics = { uploads = "arn:aws:sns:eu-west-1:123456789012:uploads", again = "arn:aws:sns:eu-west-1:123456789012:uploads" }
  }

  expect_failures = [aws_lambda_function.this]
}

# The five fields of Unix are not.
run "a_schedule_is_an_expression_of_eventbridge" {
  command = plan

  variables {
    schedule_expression = "0 3 * * *"
  }

  expect_failures = [var.schedule_expression]
}

# The five fields of Unix.
run "five_fields_are_not_enough" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 * * *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge wants a ? for one of the two.
run "one_of_the_days_is_open" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 * * * *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge wants a ? for one of the two alone.
run "not_both_of_the_days_are_open" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 ? * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_minute_is_of_the_hour" {
  command = plan

  variables {
    schedule_expression = "cron(60 3 * * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "an_hour_is_of_the_day" {
  command = plan

  variables {
    schedule_expression = "cron(0 24 * * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_day_is_of_the_month" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 1,32 * ? *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_month_is_of_the_year" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 1 1-13 ? *)"
  }

  expect_failures = [var.schedule_expression]
}

# Unix has 0 for Sunday, EventBridge 1.
run "a_day_is_of_the_week" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 ? * 0 *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_day_of_the_week_has_its_english_name" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 ? * MON,DIE *)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_year_is_of_eventbridge" {
  command = plan

  variables {
    schedule_expression = "cron(0 3 1 1 ? 26)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses the plural.
run "one_day_is_singular" {
  command = plan

  variables {
    schedule_expression = "rate(1 days)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses the singular.
run "two_days_are_plural" {
  command = plan

  variables {
    schedule_expression = "rate(2 day)"
  }

  expect_failures = [var.schedule_expression]
}

# EventBridge refuses it at the end of the apply.
run "a_rate_is_positive" {
  command = plan

  variables {
    schedule_expression = "rate(0 minutes)"
  }

  expect_failures = [var.schedule_expression]
}

# A minute is the shortest.
run "a_rate_has_no_seconds" {
  command = plan

  variables {
    schedule_expression = "rate(30 seconds)"
  }

  expect_failures = [var.schedule_expression]
}

# It becomes part of the id of a permission, which allows no more.
run "an_invoker_has_a_plain_name" {
  command = plan

  variables {
    invokers = { "my rule" = { principal = "210987654321" } }
  }

  expect_failures = [var.invokers]
}

# A star would let everyone in.
run "an_invoker_is_a_principal" {
  command = plan

  variables {
    invokers = { anyone = { principal = "*" } }
  }

  expect_failures = [var.invokers]
}

# Otherwise anybody's rule, in any account, could.
run "a_service_invokes_for_one_source" {
  command = plan

  variables {
    invokers = { rule = { principal = "events.amazonaws.com" } }
  }

  expect_failures = [var.invokers]
}

# A name would match nothing.
run "a_source_is_an_arn" {
  command = plan

  variables {
    invokers = { rule = { principal = "events.amazonaws.com", source_arn = "nightly" } }
  }

  expect_failures = [var.invokers]
}

# It would let in every rule of the account.
run "a_source_is_one_source" {
  command = plan

  variables {
    invokers = { rule = { principal = "events.amazonaws.com", source_arn = "arn:aws:events:eu-west-1:123456789012:rule/*" } }
  }

  expect_failures = [var.invokers]
}

# A bucket's ARN holds no account, and its name may become somebody else's.
run "a_bucket_invokes_for_its_account" {
  command = plan

  variables {
    invokers = { bucket = { principal = "s3.amazonaws.com", source_arn = "arn:aws:s3:::www.example.com" } }
  }

  expect_failures = [var.invokers]
}

# Lambda refuses others at the end of an apply.
run "a_source_account_has_twelve_digits" {
  command = plan

  variables {
    invokers = { bucket = { principal = "s3.amazonaws.com", source_arn = "arn:aws:s3:::www.example.com", source_account = "1234" } }
  }

  expect_failures = [var.invokers]
}

# A queue's may not, and the site's own name suggests itself.
run "a_name_has_no_dots" {
  command = plan

  variables {
    name = "www.example.com"
  }

  expect_failures = [var.name]
}

# EventBridge allows names of 64 characters.
run "a_name_leaves_room_for_suffixes" {
  command = plan

  variables {
    name = "a-name-of-forty-nine-letters-which-is-one-too-many"
  }

  expect_failures = [var.name]
}

# python3.9 is at its end.
run "a_runtime_is_a_python_that_is_tested" {
  command = plan

  variables {
    runtime = "python3.9"
  }

  expect_failures = [var.runtime]
}

# What others call amd64 is x86_64 there.
run "an_architecture_is_lambdas" {
  command = plan

  variables {
    architecture = "amd64"
  }

  expect_failures = [var.architecture]
}

# Lambda's least is 128.
run "memory_is_not_too_small" {
  command = plan

  variables {
    memory_mb = 127
  }

  expect_failures = [var.memory_mb]
}

# Lambda's most is 10240.
run "memory_is_not_too_large" {
  command = plan

  variables {
    memory_mb = 10241
  }

  expect_failures = [var.memory_mb]
}

# Lambda has no fractions.
run "memory_is_whole" {
  command = plan

  variables {
    memory_mb = 128.5
  }

  expect_failures = [var.memory_mb]
}

# A call of CloudFront may take seconds.
run "a_timeout_leaves_time_to_work" {
  command = plan

  variables {
    timeout_seconds = 4
  }

  expect_failures = [var.timeout_seconds]
}

# Lambda's most is 900.
run "a_timeout_is_not_too_long" {
  command = plan

  variables {
    timeout_seconds = 901
  }

  expect_failures = [var.timeout_seconds]
}

# Lambda has no fractions.
run "a_timeout_is_whole" {
  command = plan

  variables {
    timeout_seconds = 60.5
  }

  expect_failures = [var.timeout_seconds]
}

# The function would never run, and every event would go to the dead-letter queue.
run "reserving_nothing_is_refused" {
  command = plan

  variables {
    reserved_concurrency = 0
  }

  expect_failures = [var.reserved_concurrency]
}

# Lambda has no fractions.
run "reserved_concurrency_is_whole" {
  command = plan

  variables {
    reserved_concurrency = 1.5
  }

  expect_failures = [var.reserved_concurrency]
}

# The queue runs two at once: one of them would be throttled, and its messages late.
run "reserved_concurrency_is_enough_for_the_queue" {
  command = plan

  variables {
    reserved_concurrency = 1
  }

  expect_failures = [aws_lambda_function.this]
}

# Python's WARNING is WARN there.
run "a_log_level_is_lambdas" {
  command = plan

  variables {
    log_level = "WARNING"
  }

  expect_failures = [var.log_level]
}

# CloudWatch has 7 and 14, and no 10.
run "log_retention_is_one_of_cloudwatchs" {
  command = plan

  variables {
    log_retention_days = 10
  }

  expect_failures = [var.log_retention_days]
}

# 0 is how CloudWatch says never.
run "logs_are_not_kept_for_ever" {
  command = plan

  variables {
    log_retention_days = 0
  }

  expect_failures = [var.log_retention_days]
}

# A policy that names an alias grants nothing.
run "a_key_is_not_an_alias" {
  command = plan

  variables {
    kms_key = { arn = "arn:aws:kms:eu-west-1:123456789012:alias/site" }
  }

  expect_failures = [var.kms_key]
}

# A name would be refused at apply.
run "a_boundary_is_the_arn_of_a_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

# IAM refuses others at apply.
run "a_role_path_has_both_slashes" {
  command = plan

  variables {
    role_path = "service"
  }

  expect_failures = [var.role_path]
}

# Its id alone would be refused at apply.
run "a_code_signing_configuration_is_an_arn" {
  command = plan

  variables {
    code_signing_config_arn = "csc-0f6c334abcdea4d8b"
  }

  expect_failures = [var.code_signing_config_arn]
}

# An address is what one would like to give.
run "an_alarm_action_is_an_arn" {
  command = plan

  variables {
    alarm_actions = ["on-call@example.com"]
  }

  expect_failures = [var.alarm_actions]
}

# An object without a key exists nowhere.
run "a_signed_package_has_a_key" {
  command = plan

  variables {
    signed_package = { bucket = "example-packages", key = "" }
  }

  expect_failures = [var.signed_package]
}

# The URI of an object is none of its two parts.
run "a_signed_package_is_in_a_bucket" {
  command = plan

  variables {
    signed_package = { bucket = "s3://example-packages", key = "invalidator.zip" }
  }

  expect_failures = [var.signed_package]
}

# Copied from a resource of CloudFormation: AWS refuses it in mid-apply.
run "a_tag_is_not_of_aws" {
  command = plan

  variables {
    tags = { "aws:cloudformation:stack-name" = "site" }
  }

  expect_failures = [var.tags]
}
