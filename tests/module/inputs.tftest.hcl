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
    bucket = "arn:aws:s3:::www.example.com"
  }

  expect_failures = [var.bucket]
}

# It becomes part of the ids of permissions, which allow no more.
run "a_route_has_a_plain_name" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      "my docs" = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# A misspelt distribution_id is dropped by Terraform, and is told from here.
run "a_route_has_a_target" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# Which of the two would be meant?
run "a_route_has_one_target" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", distribution_tenant_id = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# A domain name is what people know of a distribution.
run "a_route_names_a_distribution_by_its_id" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "d111111abcdef8.cloudfront.net", bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# A distribution's id is easily taken for a tenant's.
run "a_route_names_a_tenant_by_its_id" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_tenant_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# A name would be looked for in this account.
run "a_role_is_an_arn" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", role_arn = "invalidate", bucket = "www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# An ARN matches no event.
run "a_route_names_a_bucket_by_its_name" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "arn:aws:s3:::www.example.com" }
    }
  }

  expect_failures = [var.routes]
}

# Without one nothing has that prefix, and nothing would ever be invalidated.
run "a_prefix_needs_a_bucket" {
  command = plan

  variables {
    distribution_id = null
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
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", prefix = "/docs/" }
    }
  }

  expect_failures = [var.routes]
}

# CloudFront demands it.
run "an_origin_path_begins_with_a_slash" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", origin_path = "docs" }
    }
  }

  expect_failures = [var.routes]
}

# CloudFront demands it.
run "an_origin_path_ends_without_a_slash" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", origin_path = "/docs/" }
    }
  }

  expect_failures = [var.routes]
}

# Where they are disjoint, no object is served and nothing would ever be invalidated.
run "a_prefix_lies_under_the_origin_path" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", prefix = "shop/", origin_path = "/docs" }
    }
  }

  expect_failures = [var.routes]
}

# It is looked for in every directory.
run "an_index_document_is_a_name" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", index_documents = ["/index.html"] }
    }
  }

  expect_failures = [var.routes]
}

# html would also be taken off mhtml.
run "an_extension_has_its_dot" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", strip_extensions = ["html"] }
    }
  }

  expect_failures = [var.routes]
}

# Keys do, so that such a pattern ignores none of them.
run "an_ignored_pattern_begins_without_a_slash" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com", ignore = ["/assets/*"] }
    }
  }

  expect_failures = [var.routes]
}

# A request that names it could not tell which role to assume.
run "a_distribution_is_reached_in_one_way" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      docs = { distribution_id = "E2QWRUHEXAMPLE", bucket = "docs", role_arn = "arn:aws:iam::210987654321:role/invalidate" }
      shop = { distribution_id = "E2QWRUHEXAMPLE", bucket = "shop" }
    }
  }

  expect_failures = [var.routes]
}

# A copy whose name alone was edited does nothing.
run "a_route_is_given_once" {
  command = plan

  variables {
    distribution_id = null
    routes = {
      docs = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
      shop = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
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
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
    }
  }

  expect_failures = [aws_lambda_function.this]
}

# The short form's bucket beside routes would be served by none of them.
run "a_bucket_belongs_to_its_route" {
  command = plan

  variables {
    distribution_id = null
    bucket          = "assets.example.com"
    routes = {
      site = { distribution_id = "E2QWRUHEXAMPLE", bucket = "www.example.com" }
    }
  }

  expect_failures = [aws_lambda_function.this]
}

# A misspelt bucket would be notified, and its other notifications lost.
run "wiring_is_for_buckets_of_routes" {
  command = plan

  variables {
    bucket        = "www.example.com"
    bucket_wiring = { "ww.example.com" = "eventbridge" }
  }

  expect_failures = [aws_lambda_function.this]
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

# CloudFront takes any other * for a letter.
run "a_wildcard_ends_a_default_path" {
  command = plan

  variables {
    default_paths = ["/*/index.html"]
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
    batching = { window_seconds = -1, size = 10 }
  }

  expect_failures = [var.batching]
}

# The provider leaves it to Lambda to refuse it.
run "a_batch_is_not_too_large" {
  command = plan

  variables {
    batching = { size = 10001 }
  }

  expect_failures = [var.batching]
}

# The provider leaves it to Lambda to refuse it.
run "a_batch_is_not_empty" {
  command = plan

  variables {
    batching = { size = 0 }
  }

  expect_failures = [var.batching]
}

# The provider leaves it to Lambda to refuse it.
run "a_large_batch_has_a_window" {
  command = plan

  variables {
    batching = { size = 11, window_seconds = 0 }
  }

  expect_failures = [var.batching]
}

# One at a time is what people ask for, and what Lambda does not offer.
run "at_least_two_batches_at_once" {
  command = plan

  variables {
    batching = { concurrency = 1 }
  }

  expect_failures = [var.batching]
}

# Lambda's bound.
run "not_too_many_batches_at_once" {
  command = plan

  variables {
    batching = { concurrency = 1001 }
  }

  expect_failures = [var.batching]
}

# With none every change would be a dead letter.
run "a_message_is_received_once_at_least" {
  command = plan

  variables {
    batching = { max_receives = 0 }
  }

  expect_failures = [var.batching]
}

# SQS's bound.
run "a_message_is_not_received_for_ever" {
  command = plan

  variables {
    batching = { max_receives = 1001 }
  }

  expect_failures = [var.batching]
}

# `sns` would be a guess; such buckets are `external`, or their topics sns_topic_arns.
run "a_wiring_is_known" {
  command = plan

  variables {
    bucket        = "www.example.com"
    bucket_wiring = { "www.example.com" = "sns" }
  }

  expect_failures = [var.bucket_wiring]
}

# Terraform's own topics have a name too.
run "a_topic_is_an_arn" {
  command = plan

  variables {
    sns_topic_arns = ["uploads"]
  }

  expect_failures = [var.sns_topic_arns]
}

# Such topics deliver to no function.
run "a_topic_is_not_first_in_first_out" {
  command = plan

  variables {
    sns_topic_arns = ["arn:aws:sns:eu-west-1:123456789012:uploads.fifo"]
  }

  expect_failures = [var.sns_topic_arns]
}

# SNS would know one subscription, and Terraform two.
run "a_topic_is_given_once" {
  command = plan

  variables {
    sns_topic_arns = ["arn:aws:sns:eu-west-1:123456789012:uploads", "arn:aws:sns:eu-west-1:123456789012:uploads"]
  }

  expect_failures = [var.sns_topic_arns]
}

# The five fields of Unix are not.
run "a_schedule_is_an_expression_of_eventbridge" {
  command = plan

  variables {
    schedule_expression = "0 3 * * *"
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

# EventBridge takes names of 64 letters.
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

# The function would never run, and every event be a dead letter.
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
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:alias/site"
  }

  expect_failures = [var.kms_key_arn]
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
