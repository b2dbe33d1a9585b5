# The function gets the very settings that its own tests read.

mock_provider "aws" {
  source = "./tests/module/mocks"
}

run "distribution_alone" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.SETTINGS) == jsondecode(file("tests/fixtures/settings/distribution-alone.json"))
    error_message = "SETTINGS should equal the fixture: ${aws_lambda_function.this.environment[0].variables.SETTINGS}"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.DISTRIBUTION_ID == "E2QWRUHEXAMPLE"
    error_message = "DISTRIBUTION_ID should be the distribution_id."
  }
}

run "short_form" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    buckets         = { site = "www.example.com" }
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.SETTINGS) == jsondecode(file("tests/fixtures/settings/short-form.json"))
    error_message = "SETTINGS should equal the fixture: ${aws_lambda_function.this.environment[0].variables.SETTINGS}"
  }
}

run "a_tenant_is_the_default_target_too" {
  variables {
    buckets = { files = "shop" }
    routes = {
      shop = { distribution_tenant_id = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", bucket = "files" }
    }
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.SETTINGS) == jsondecode(file("tests/fixtures/settings/tenant.json"))
    error_message = "SETTINGS should equal the fixture: ${aws_lambda_function.this.environment[0].variables.SETTINGS}"
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.DISTRIBUTION_ID == "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB"
    error_message = "DISTRIBUTION_ID should be the only target, which is a tenant."
  }
}

run "whole_house" {
  variables {
    default_paths       = ["/", "/index.html"]
    max_inventory_pages = 200
    max_paths           = 50
    max_paths_per_hour  = 500
    max_wildcards       = 10
    min_wildcard_depth  = 1
    tilde               = "encoded"

    buckets = { shared = "assets", shop = "shop" }
    routes = {
      docs = {
        distribution_id  = "E1DOCSEXAMPLE"
        role_arn         = "arn:aws:iam::111122223333:role/invalidate"
        external_id      = "invalidation"
        bucket           = "shared"
        prefix           = "docs/"
        suffix           = ".html"
        origin_path      = "/docs"
        index_documents  = ["index.html", "index.htm"]
        strip_extensions = [".html"]
        query_strings    = true
        ignore           = ["docs/assets/*.????????.js"]
      }
      everything = { distribution_id = "E2EVERYEXAMPLE", bucket = "shared", index_documents = [] }
      shop       = { distribution_tenant_id = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", bucket = "shop" }
      by-hand    = { distribution_id = "E3HANDEXAMPLE", bucket = null }
    }
  }

  assert {
    condition     = jsondecode(aws_lambda_function.this.environment[0].variables.SETTINGS) == jsondecode(file("tests/fixtures/settings/whole-house.json"))
    error_message = "SETTINGS should equal the fixture: ${aws_lambda_function.this.environment[0].variables.SETTINGS}"
  }

  assert {
    condition     = !can(aws_lambda_function.this.environment[0].variables.DISTRIBUTION_ID)
    error_message = "With several distributions there should be no DISTRIBUTION_ID."
  }
}

# A second route to the same distribution leaves no doubt which one a direct request means.
run "several_routes_of_one_distribution_have_a_default" {
  variables {
    buckets = { pages = "pages", images = "images" }
    routes = {
      pages  = { distribution_id = "E2QWRUHEXAMPLE", bucket = "pages" }
      images = { distribution_id = "E2QWRUHEXAMPLE", bucket = "images" }
    }
  }

  assert {
    condition     = aws_lambda_function.this.environment[0].variables.DISTRIBUTION_ID == "E2QWRUHEXAMPLE"
    error_message = "DISTRIBUTION_ID should be the only distribution of the routes."
  }
}

# Lambda measures the environment as JSON, where each quote of SETTINGS counts twice.
run "settings_of_four_kilobytes_fit" {
  command = plan

  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    default_paths   = [format("/%03200d", 0)]
  }

  assert {
    condition     = length(aws_lambda_function.this.environment[0].variables.SETTINGS) > 3200
    error_message = "The settings of this case should be close to the limit."
  }
}

run "the_package_is_the_committed_one" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = aws_lambda_function.this.filename == "./lambda/dist/invalidator.zip" && aws_lambda_function.this.source_code_hash == filebase64sha256("lambda/dist/invalidator.zip")
    error_message = "The hash should be that of the package, or Lambda would keep the old code."
  }

  assert {
    condition     = aws_lambda_function.this.handler == "index.lambda_handler" && aws_lambda_function.this.runtime == "python3.13" && aws_lambda_function.this.function_name == "invalidate-cloudfront"
    error_message = "The function should be index.lambda_handler on python3.13, named invalidate-cloudfront, by default."
  }
}

run "a_signed_package_replaces_it" {
  variables {
    distribution_id         = "E2QWRUHEXAMPLE"
    code_signing_config_arn = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b"
    signed_package          = { bucket = "packages", key = "signed/invalidator.zip", version = "3" }
  }

  assert {
    condition = (
      aws_lambda_function.this.filename == null && aws_lambda_function.this.s3_bucket == "packages" &&
      aws_lambda_function.this.s3_key == "signed/invalidator.zip" && aws_lambda_function.this.s3_object_version == "3"
    )
    error_message = "With a signing configuration the function should run the signed object."
  }

  assert {
    condition     = aws_lambda_function.this.code_signing_config_arn == "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0f6c334abcdea4d8b"
    error_message = "The function should have the code signing configuration."
  }
}

run "metrics_pass_whatever_the_level_of_the_log" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    log_level       = "ERROR"
  }

  assert {
    condition = alltrue([
      for function in [aws_lambda_function.this, aws_lambda_function.planner[0]] :
      function.logging_config[0].application_log_level == "INFO" && function.environment[0].variables["LOG_LEVEL"] == "ERROR"
    ])
    error_message = "Lambda should let lines without a level pass, which are metrics; the functions should leave out their own records below ERROR."
  }
}

run "the_function_is_as_the_caller_wants_it" {
  variables {
    distribution_id      = "E2QWRUHEXAMPLE"
    name                 = "purge"
    runtime              = "python3.10"
    architecture         = "x86_64"
    memory_mb            = 128
    timeout_seconds      = 300
    reserved_concurrency = 5
    log_level            = "DEBUG"
    log_retention_days   = 7
    tracing              = true
    kms_key              = { arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
    tags                 = { Team = "web" }
  }

  assert {
    condition = (
      aws_lambda_function.this.function_name == "purge" && aws_lambda_function.this.runtime == "python3.10" &&
      aws_lambda_function.this.architectures == tolist(["x86_64"]) && aws_lambda_function.this.memory_size == 128 &&
      aws_lambda_function.this.timeout == 300 && aws_lambda_function.this.reserved_concurrent_executions == 5
    )
    error_message = "The function should have name, runtime, architecture, memory_mb, timeout_seconds and reserved_concurrency of the inputs."
  }

  assert {
    condition     = aws_lambda_function.planner[0].function_name == "purge-planner" && aws_lambda_function.planner[0].timeout == 50 && aws_lambda_function.planner[0].reserved_concurrent_executions == 2
    error_message = "The planner should have its own timeout, and what its two executions need reserved for it."
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "DEBUG" && aws_lambda_function.this.logging_config[0].log_format == "JSON"
    error_message = "log_level should be the level of the function's own records, which should be JSON."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.this.environment[0].variables), "LOG_LEVEL")
    error_message = "A level that lets metrics pass should be left to Lambda."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function.name == "/aws/lambda/purge" && aws_cloudwatch_log_group.function.retention_in_days == 7
    error_message = "The log should be kept for log_retention_days, under the function's name."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "tracing should turn on X-Ray."
  }

  assert {
    condition = alltrue([
      for key in [aws_lambda_function.this.kms_key_arn, aws_cloudwatch_log_group.function.kms_key_id, aws_sqs_queue.dead_letter.kms_master_key_id] :
      key == "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    ])
    error_message = "The environment, the log and the dead-letter queue should be encrypted with the caller's key."
  }

  assert {
    condition = alltrue([
      for tags in [aws_lambda_function.this.tags, aws_iam_role.function.tags, aws_cloudwatch_log_group.function.tags, aws_sqs_queue.dead_letter.tags] :
      tags == tomap({ Team = "web" })
    ])
    error_message = "Every resource that takes tags should have the caller's tags."
  }
}

run "nothing_is_reserved_or_traced_unasked" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == null || aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "No concurrency should be reserved by default: in a new account that fails."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "PassThrough"
    error_message = "Tracing should be off by default, as it has a charge."
  }
}

run "commands_are_ready_to_paste" {
  variables {
    distribution_id = "E2QWRUHEXAMPLE"
    default_paths   = ["/it's/*"]
  }

  assert {
    condition     = output.invoke_command == "aws lambda invoke --function-name invalidate-cloudfront --region eu-west-1 --cli-binary-format raw-in-base64-out --payload '{\"distribution_id\":\"E2QWRUHEXAMPLE\",\"paths\":[\"/it'\\''s/*\"]}' /dev/stdout"
    error_message = "invoke_command should be a valid shell command: ${output.invoke_command}"
  }

  assert {
    condition     = strcontains(output.dry_run_command, "\"dry_run\":true")
    error_message = "dry_run_command should request a dry run: ${output.dry_run_command}"
  }
}
