# Every option at once, to look things up in, with the key, the boundary and the topics of a company. Nobody needs all.

terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100"
    }
  }
}

provider "aws" {}

variable "bucket" {
  description = "A bucket that nothing notifies yet."
  type        = string
}

variable "shared_bucket" {
  description = "A bucket that sends its events to EventBridge."
  type        = string
}

variable "distribution_id" {
  description = "The distribution that serves both."
  type        = string
}

variable "tenant_id" {
  description = "A distribution tenant that serves the shared bucket too."
  type        = string
}

variable "topic_arn" {
  description = "A topic that carries requests, such as `{\"paths\": [\"/news/*\"]}`."
  type        = string
}

variable "rule_arn" {
  description = "A rule of EventBridge that may invoke the function."
  type        = string
}

variable "on_call_topic_arn" {
  description = "A topic that wakes somebody."
  type        = string
}

variable "kms_key_arn" {
  description = "A key whose policy lets CloudWatch Logs, EventBridge, S3 and SNS use it."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The policy that every role of the company has as its boundary."
  type        = string
}

module "invalidation" {
  source = "../.."

  name = "invalidate-everything"

  routes = {
    site = {
      distribution_id  = var.distribution_id
      bucket           = var.bucket
      index_documents  = ["index.html", "index.htm"]
      strip_extensions = [".html"]
      query_strings    = true
      ignore           = ["assets/*.????????.js"]
    }
    docs = {
      distribution_id = var.distribution_id
      bucket          = var.shared_bucket
      prefix          = "docs/"
      suffix          = ".html"
      origin_path     = "/docs"
    }
    shop = {
      distribution_tenant_id = var.tenant_id
      bucket                 = var.shared_bucket
      prefix                 = "shop/"
    }
  }

  default_paths      = ["/index.html", "/news/*"]
  max_paths          = 50
  max_wildcards      = 15
  min_wildcard_depth = 1
  inventory          = true
  tilde              = "wildcard"

  batching = {
    window_seconds = 10
    size           = 500
    concurrency    = 2
    max_receives   = 8
  }
  bucket_wiring       = { (var.shared_bucket) = "eventbridge" }
  sns_topic_arns      = [var.topic_arn]
  schedule_expression = "rate(1 day)"
  codepipeline        = true
  allow_wait          = true
  invokers = {
    on_call = {
      principal  = "events.amazonaws.com"
      source_arn = var.rule_arn
    }
  }

  runtime              = "python3.12"
  architecture         = "x86_64"
  memory_mb            = 512
  timeout_seconds      = 120
  reserved_concurrency = 5
  log_level            = "DEBUG"
  log_retention_days   = 365
  tracing              = true

  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  role_path                = "/edge/"

  alarm_actions = [var.on_call_topic_arn]
  dashboard     = true
  tags          = { Service = "site" }
}

output "dashboard_name" {
  value = module.invalidation.dashboard_name
}

output "function_name" {
  value = module.invalidation.function_name
}

output "invoke_command" {
  value = module.invalidation.invoke_command
}
