# Every option at once, to look things up in. Nobody needs all of them.

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

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
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
  sns_topic_arns      = [aws_sns_topic.requests.arn]
  schedule_expression = "rate(1 day)"
  codepipeline        = true
  allow_wait          = true
  invokers = {
    on_call = {
      principal  = "events.amazonaws.com"
      source_arn = "arn:${local.partition}:events:${data.aws_region.current.id}:${local.account}:rule/purge-on-demand"
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

  kms_key_arn              = aws_kms_key.own.arn
  permissions_boundary_arn = aws_iam_policy.boundary.arn
  role_path                = "/edge/"

  alarm_actions = [aws_sns_topic.on_call.arn]
  dashboard     = true
  tags          = { Service = "site" }
}

resource "aws_sns_topic" "requests" {
  name              = "invalidation-requests"
  kms_master_key_id = aws_kms_key.own.id
}

resource "aws_sns_topic" "on_call" {
  name              = "invalidation-on-call"
  kms_master_key_id = aws_kms_key.own.id
}

resource "aws_kms_key" "own" {
  description             = "The queues, the log and the settings of the invalidation."
  deletion_window_in_days = 7
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "s3.amazonaws.com", "sns.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        Effect    = "Allow"
        Principal = { Service = "logs.${data.aws_region.current.id}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnEquals = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${data.aws_region.current.id}:${local.account}:log-group:/aws/lambda/invalidate-everything"
          }
        }
      },
    ]
  })
}

# What no policy of the role may exceed, whoever edits it.
resource "aws_iam_policy" "boundary" {
  name = "invalidate-everything-boundary"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "cloudfront:CreateInvalidation",
          "cloudfront:CreateInvalidationForDistributionTenant",
          "cloudfront:GetInvalidation",
          "cloudfront:GetInvalidationForDistributionTenant",
        ]
        Resource = [
          "arn:${local.partition}:cloudfront::${local.account}:distribution/*",
          "arn:${local.partition}:cloudfront::${local.account}:distribution-tenant/*",
        ]
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:*:${local.account}:log-group:/aws/lambda/*"
      },
      {
        Effect   = "Allow"
        Action   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource = "arn:${local.partition}:sqs:*:${local.account}:*"
      },
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = aws_kms_key.own.arn
      },
      {
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = "arn:${local.partition}:s3:::*"
      },
      {
        Effect = "Allow"
        Action = [
          "codepipeline:PutJobFailureResult",
          "codepipeline:PutJobSuccessResult",
          "xray:PutTelemetryRecords",
          "xray:PutTraceSegments",
        ]
        Resource = "*"
      },
    ]
  })
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
