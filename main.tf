# What runs: the settings, the log group, the two functions.

data "aws_caller_identity" "current" {}

# Region, partition and domain in one: the attributes of aws_region that hold its name differ between versions 5 and 6
# of the provider.
data "aws_service" "sqs" {
  service_id = "sqs"
}

# The name, account and region of queues and rules, as they were when the module was first applied. A queue that is replaced loses its
# messages, so a changed `name` leaves them alone; and a data source that is read late, because the module has a
# depends_on, changes no policy.
resource "terraform_data" "first" {
  input = {
    name      = var.name
    account   = data.aws_caller_identity.current.account_id
    partition = data.aws_service.sqs.partition
    region    = data.aws_service.sqs.region
    sqs       = data.aws_service.sqs.dns_name
  }

  # A queue or a rule is made without an error where another instance has one of that name; a role and a log group are not.
  # So a name that is taken fails before anything carries it, and is not remembered.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role.function]

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  first     = terraform_data.first.input
  account   = local.first.account
  partition = local.first.partition
  region    = local.first.region

  planner_name   = "${var.name}-planner"
  log_group_name = "/aws/lambda/${var.name}"
  log_group_arn  = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group_name}"

  # Static, so that no unknown name of a bucket decides what is made.
  batched = var.batching != null

  # Seconds. The planner's are not the caller's: its time only has to hold one plan and one round of calls.
  planner_timeout = 50

  # The short form is one route, or one for each of several buckets.
  short_form = {
    for key in coalescelist(keys(var.buckets), ["default"]) : (length(var.buckets) > 1 ? key : "default") => {
      distribution_id        = var.distribution_id
      distribution_tenant_id = null
      role_arn               = null
      external_id            = null
      bucket                 = contains(keys(var.buckets), key) ? key : null
      prefix                 = null
      suffix                 = null
      origin_path            = null
      index_documents        = null
      strip_extensions       = null
      query_strings          = null
      ignore                 = null
    }
  }
  routes = length(var.routes) > 0 ? var.routes : local.short_form

  # Without any target the preconditions below fail; "none" keeps what is derived from it valid until they do.
  target_ids = distinct([for route in local.routes : coalesce(route.distribution_id, route.distribution_tenant_id, "none")])

  # Attributes that the caller left out are left out here too: the function has the defaults, and Lambda allows only 4 KB.
  settings = jsonencode(merge(
    {
      version            = 1
      default_paths      = var.default_paths
      max_paths          = var.max_paths
      max_wildcards      = var.max_wildcards
      min_wildcard_depth = var.min_wildcard_depth
      inventory          = var.inventory && length(var.buckets) > 0
      tilde              = var.tilde
      routes = {
        for name, route in local.routes : name => {
          for attribute, value in merge(route, { bucket = try(var.buckets[route.bucket], null) }) : attribute => value if value != null
        }
      }
    },
    var.max_paths_per_hour == null ? {} : { max_paths_per_hour = var.max_paths_per_hour },
    var.codepipeline ? { codepipeline = true } : {},
    var.max_inventory_pages == 50 ? {} : { max_inventory_pages = var.max_inventory_pages },
  ))

  environment = merge(
    {
      SETTINGS              = local.settings
      DEAD_LETTER_QUEUE_URL = aws_sqs_queue.dead_letter.url
    },
    local.batched ? { PLAN_QUEUE_URL = aws_sqs_queue.plan[0].url } : {},
    length(local.target_ids) == 1 ? { DISTRIBUTION_ID = local.target_ids[0] } : {},
    local.filter,
    local.metrics,
  )

  # A metric is a line of the log without a level, which Lambda takes for INFO and would drop at a higher level (Lambda guide,
  # "Log-level filtering"). So the functions themselves leave out their records below such a level.
  filter = contains(["WARN", "ERROR"], var.log_level) ? { LOG_LEVEL = var.log_level } : {}

  # A metric for each distribution costs as much as one for the function, and only the dashboard shows it.
  metrics = var.dashboard ? { METRICS_BY_DISTRIBUTION = "true" } : {}

  # Lambda measures the variables as one JSON object, so that the quotes in SETTINGS count twice. The URLs of the queues
  # are known only after apply, and have at most this many characters with their names and quotes.
  queue_url_bytes   = 2 * (length("https:///${local.account}/${local.first.sqs}${local.first.name}-dead-letters") + length("\"DEAD_LETTER_QUEUE_URL\":\"\","))
  environment_bytes = floor(length(base64encode(jsonencode(merge({ SETTINGS = local.settings, DISTRIBUTION_ID = local.target_ids[0] }, local.filter, local.metrics)))) * 3 / 4) + local.queue_url_bytes

  package = "${path.module}/lambda/dist/invalidator.zip"
}

# One log group for both functions, so that the records of a change are in one place.
resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts every log group; kms_key is for callers who ask for a key.
  #checkov:skip=CKV_AWS_338:The retention of the log is an input (log_retention_days).
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = one(local.kms_key_arns)
  tags              = var.tags
}

# Collects the changes of the first queue into the plan queue, and answers direct requests.
resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:Asynchronous failures go to the dead-letter queue by aws_lambda_function_event_invoke_config, which also says why.
  #checkov:skip=CKV_AWS_117:The function calls AWS's public endpoints only; CloudFront has no endpoint in a VPC.
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
  kms_key_arn                    = one(local.kms_key_arns)
  code_signing_config_arn        = var.code_signing_config_arn

  environment {
    variables = local.environment
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.function.name
    log_format            = "JSON"
    application_log_level = length(local.filter) > 0 ? "INFO" : var.log_level
    system_log_level      = "WARN"
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  tags = var.tags

  # A function that runs before its role may write, or after its log group is gone, would create resources that Terraform
  # does not manage.
  depends_on = [
    aws_iam_role_policy.answer_pipelines,
    aws_iam_role_policy.consume,
    aws_iam_role_policy.dead_letter,
    aws_iam_role_policy.invalidate,
    aws_iam_role_policy.list,
    aws_iam_role_policy.log,
    aws_iam_role_policy.plan,
    aws_iam_role_policy.trace,
    aws_iam_role_policy.use_key,
  ]

  # Terraform before 1.9 cannot compare two variables in a validation.
  lifecycle {
    create_before_destroy = true # a changed name: until its triggers have moved, the old function serves them

    precondition {
      condition     = (var.distribution_id == null) != (length(var.routes) == 0)
      error_message = "Give either distribution_id = \"E2QWRUHEXAMPLE\" or routes: one of them is required, and they conflict."
    }

    precondition {
      condition     = length(local.unknown_buckets) == 0
      error_message = "A route's bucket is a key of buckets: ${join(", ", [for name, key in local.unknown_buckets : "routes.${name}.bucket is \"${key}\""])}; the keys are ${local.bucket_keys}."
    }

    precondition {
      condition     = length(local.unused_buckets) == 0
      error_message = "No route has the bucket ${join(", ", local.unused_buckets)}: write routes = { docs = { bucket = \"${join("", slice(concat(local.unused_buckets, [""]), 0, 1))}\", … } }, or remove it from buckets."
    }

    precondition {
      condition     = length(setsubtract(keys(var.bucket_wiring), keys(var.buckets))) == 0
      error_message = "bucket_wiring has ${join(", ", setsubtract(keys(var.bucket_wiring), keys(var.buckets)))}, which buckets lacks; the keys are ${local.bucket_keys}."
    }

    # Two notifications of one bucket would replace each other at every apply.
    precondition {
      condition     = length(distinct(values(var.buckets))) == length(var.buckets)
      error_message = "Two keys of buckets hold the same bucket: ${jsonencode(var.buckets)}. Keep one of them, and let the routes share it."
    }

    precondition {
      condition     = length(distinct(values(var.sns_topics))) == length(var.sns_topics)
      error_message = "Two keys of sns_topics hold the same topic: ${jsonencode(var.sns_topics)}. Keep one of them."
    }

    precondition {
      condition     = local.batched ? coalesce(var.reserved_concurrency, local.collector_concurrency) >= local.collector_concurrency : true
      error_message = "reserved_concurrency is ${coalesce(var.reserved_concurrency, 0)}, and the queue runs ${local.collector_concurrency} executions at once, which throttling would make late: reserved_concurrency = ${local.collector_concurrency + 1}, or null."
    }

    precondition {
      condition     = var.max_wildcards <= var.max_paths
      error_message = "max_wildcards is ${var.max_wildcards}, and wildcards count among the ${var.max_paths} of max_paths: max_wildcards = ${min(30, var.max_paths)}."
    }

    precondition {
      condition     = local.environment_bytes <= 4096
      error_message = "The settings take ${local.environment_bytes} bytes of the 4096 that Lambda has for the environment. Shorten the lists and names of the routes, or split them over two instances of the module."
    }

    # What exists carries the first region and account in its policies.
    precondition {
      condition     = local.region == data.aws_service.sqs.region && local.account == data.aws_caller_identity.current.account_id
      error_message = "This instance of the module lives in ${local.region} of the account ${local.account}: give it a provider for those, or destroy it first."
    }
  }
}

# Plans what the collector put into the plan queue, and calls CloudFront. A function of its own, because its memory of
# what is in progress and what was spent is true only while no other execution shares its sandboxes.
resource "aws_lambda_function" "planner" {
  #checkov:skip=CKV_AWS_116:Nothing invokes it asynchronously: the plan queue has its own dead-letter queue.
  #checkov:skip=CKV_AWS_117:The function calls AWS's public endpoints only; CloudFront has no endpoint in a VPC.
  #checkov:skip=CKV_AWS_272:Code signing needs a bucket and a signing profile of the caller (code_signing_config_arn, signed_package).
  count = local.batched ? 1 : 0

  function_name = local.planner_name
  description   = "Plans the changes that ${var.name} collected, and invalidates them."
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
  timeout                        = local.planner_timeout
  reserved_concurrent_executions = var.reserved_concurrency == null ? null : local.planner_concurrency
  kms_key_arn                    = one(local.kms_key_arns)
  code_signing_config_arn        = var.code_signing_config_arn

  environment {
    variables = local.environment
  }

  logging_config {
    log_group             = aws_cloudwatch_log_group.function.name
    log_format            = "JSON"
    application_log_level = length(local.filter) > 0 ? "INFO" : var.log_level
    system_log_level      = "WARN"
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  tags = var.tags

  depends_on = [
    aws_iam_role_policy.consume,
    aws_iam_role_policy.dead_letter,
    aws_iam_role_policy.invalidate,
    aws_iam_role_policy.list,
    aws_iam_role_policy.log,
    aws_iam_role_policy.plan,
    aws_iam_role_policy.trace,
    aws_iam_role_policy.use_key,
  ]

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  bucket_keys = join(", ", [for key in keys(var.buckets) : "\"${key}\""])

  # Route → the key that it names and buckets lacks.
  unknown_buckets = { for name, route in var.routes : name => route.bucket if try(!contains(keys(var.buckets), route.bucket), false) }
  unused_buckets  = length(var.routes) == 0 ? [] : tolist(setsubtract(keys(var.buckets), [for route in var.routes : coalesce(route.bucket, "-")]))
}
