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
  description = "Name of a bucket that notifies nothing yet."
  type        = string
}

variable "shared_bucket" {
  description = "Name of a bucket that sends its events to EventBridge."
  type        = string
}

variable "distribution_id" {
  description = "ID of the distribution that serves both."
  type        = string
}

variable "tenant_id" {
  description = "ID of a distribution tenant that serves the shared bucket too."
  type        = string
}

variable "topic_arn" {
  description = "ARN of a topic that carries requests, such as `{\"paths\": [\"/news/*\"]}`."
  type        = string
}

variable "rule_arn" {
  description = "ARN of an EventBridge rule that may invoke the function."
  type        = string
}

variable "on_call_topic_arn" {
  description = "ARN of a topic that notifies the person on call."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of a key whose policy lets CloudWatch Logs, EventBridge, S3 and SNS use it."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that every role of the company has as its boundary."
  type        = string
}

module "invalidation" {
  source = "../.."

  name = "invalidate-everything"

  buckets = {
    shared = var.shared_bucket
    site   = var.bucket
  }

  routes = {
    site = {
      distribution_id  = var.distribution_id
      bucket           = "site"
      index_documents  = ["index.html", "index.htm"]
      strip_extensions = [".html"]
      query_strings    = true
      ignore           = ["assets/*.????????.js"]
    }
    docs = {
      distribution_id = var.distribution_id
      bucket          = "shared"
      prefix          = "docs/"
      suffix          = ".html"
      origin_path     = "/docs"
    }
    shop = {
      distribution_tenant_id = var.tenant_id
      bucket                 = "shared"
      prefix                 = "shop/"
    }
  }

  default_paths       = ["/index.html", "/news/*"]
  max_paths           = 50
  max_wildcards       = 15
  min_wildcard_depth  = 1
  max_paths_per_hour  = 500
  inventory           = true
  max_inventory_pages = 100
  tilde               = "wildcard"

  batching            = { window_seconds = 10 }
  bucket_wiring       = { shared = "eventbridge" }
  sns_topics          = { requests = var.topic_arn }
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

  kms_key                  = { arn = var.kms_key_arn }
  permissions_boundary_arn = var.permissions_boundary_arn
  role_path                = "/edge/"

  alarm_actions = [var.on_call_topic_arn]
  dashboard     = true
  tags          = { Service = "site" }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.invalidation.dashboard_name
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}
