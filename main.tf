# What runs: the settings, the log group, the function.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # Made of names, and not asked of the resources: so a plan shows every policy before anything exists, and the two
  # queues can name each other.
  log_group_name  = "/aws/lambda/${var.name}"
  log_group_arn   = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group_name}"
  queue_arn       = "arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"
  dead_letter_arn = "${local.queue_arn}-dead-letters"

  # The short form is one route.
  routes = length(var.routes) > 0 ? var.routes : {
    default = {
      distribution_id        = var.distribution_id
      distribution_tenant_id = null
      role_arn               = null
      bucket                 = var.bucket
      prefix                 = null
      suffix                 = null
      origin_path            = null
      index_documents        = null
      strip_extensions       = null
      query_strings          = null
      ignore                 = null
    }
  }

  # Without any target the preconditions below fail; "none" keeps what is derived from it valid until they do.
  target_ids = distinct([for route in local.routes : coalesce(route.distribution_id, route.distribution_tenant_id, "none")])

  # What the caller left out is left out here too: the function knows the defaults, and Lambda's 4 KB are scarce.
  settings = jsonencode({
    version            = 1
    default_paths      = var.default_paths
    max_paths          = var.max_paths
    max_wildcards      = var.max_wildcards
    min_wildcard_depth = var.min_wildcard_depth
    inventory          = var.inventory
    tilde              = var.tilde
    routes = {
      for name, route in local.routes : name => {
        for attribute, value in route : attribute => value if value != null
      }
    }
  })

  environment = merge(
    { SETTINGS = local.settings },
    length(local.target_ids) == 1 ? { DISTRIBUTION_ID = local.target_ids[0] } : {},
  )

  package = "${path.module}/lambda/dist/invalidator.zip"
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts every log group; kms_key_arn is for callers who ask for a key.
  #checkov:skip=CKV_AWS_338:How long the log is kept is the caller's choice (log_retention_days).
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:Asynchronous failures go to the dead-letter queue by aws_lambda_function_event_invoke_config, which also says why.
  #checkov:skip=CKV_AWS_117:The function calls AWS's public interfaces alone; CloudFront has no endpoint in a VPC.
  #checkov:skip=CKV_AWS_272:Code signing needs a bucket and a signing profile of the caller (code_signing_config_arn, signed_package).
  function_name = var.name
  description   = "Turns changes of objects into CloudFront invalidations."
  role          = aws_iam_role.function.arn

  filename          = var.signed_package == null ? local.package : null
  source_code_hash  = var.signed_package == null ? filebase64sha256(local.package) : null
  s3_bucket         = try(var.signed_package.bucket, null)
  s3_key            = try(var.signed_package.key, null)
  s3_object_version = try(var.signed_package.version, null)

  handler                        = "index.lambda_handler"
  runtime                        = var.runtime
  architectures                  = [var.architecture]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.reserved_concurrency
  kms_key_arn                    = var.kms_key_arn
  code_signing_config_arn        = var.code_signing_config_arn

  environment {
    variables = local.environment
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.function.name
    log_format            = "JSON"
    application_log_level = var.log_level
    system_log_level      = "WARN"
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  tags = var.tags

  # A function that runs before its role may write, or that outlives its log group, would leave what nobody owns.
  depends_on = [
    aws_iam_role_policy.answer_pipelines,
    aws_iam_role_policy.consume,
    aws_iam_role_policy.dead_letter,
    aws_iam_role_policy.invalidate,
    aws_iam_role_policy.list,
    aws_iam_role_policy.log,
    aws_iam_role_policy.trace,
  ]

  # Terraform before 1.9 cannot compare two variables in a validation.
  lifecycle {
    precondition {
      condition     = (var.distribution_id == null) != (length(var.routes) == 0)
      error_message = "Say what to invalidate, either by distribution_id = \"E2QWRUHEXAMPLE\" or by routes, and not by both."
    }

    precondition {
      condition     = var.bucket == null || length(var.routes) == 0
      error_message = "bucket goes with distribution_id. With routes, each route has its own: routes = { site = { distribution_id = \"E2QWRUHEXAMPLE\", bucket = \"www.example.com\" } }."
    }

    precondition {
      condition     = length(setsubtract(keys(var.bucket_wiring), local.buckets)) == 0
      error_message = "bucket_wiring names a bucket that no route has: ${join(", ", setsubtract(keys(var.bucket_wiring), local.buckets))}. Its keys are the names of buckets: ${join(", ", local.buckets)}."
    }

    # Lambda measures the variables as one JSON object, so that the quotes in SETTINGS count twice.
    precondition {
      condition     = length(base64encode(jsonencode(local.environment))) * 3 / 4 <= 4096
      error_message = "The settings take ${floor(length(base64encode(jsonencode(local.environment))) * 3 / 4)} bytes of the 4096 that Lambda has for the environment. Shorten the lists and names of the routes, or split them over two instances of the module."
    }
  }
}
