# A bucket that notifies a topic, to which the function and others subscribe.

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

variable "distribution_id" {
  description = "ID of the distribution to invalidate."
  type        = string
}

variable "bucket" {
  description = "Name of a bucket that notifies nothing yet."
  type        = string
}

resource "aws_sns_topic" "changes" {
  name              = "changes-in-${replace(var.bucket, ".", "-")}"
  kms_master_key_id = aws_kms_key.changes.id
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# AWS's own key for topics would not let S3 use it.
resource "aws_kms_key" "changes" {
  description             = "Changes in ${var.bucket}, while they are on their way."
  deletion_window_in_days = 7
  enable_key_rotation     = true

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic_policy" "changes" {
  arn = aws_sns_topic.changes.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.changes.arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket}" }
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
      }
    }]
  })
}

resource "aws_s3_bucket_notification" "changes" {
  bucket = var.bucket

  topic {
    topic_arn = aws_sns_topic.changes.arn
    events    = ["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"]
  }

  depends_on = [aws_sns_topic_policy.changes]
}

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
  buckets         = { site = var.bucket }
  bucket_wiring   = { site = "external" }
  sns_topics      = { changes = aws_sns_topic.changes.arn }
}

output "topic_arn" {
  description = "ARN of the topic, to subscribe others."
  value       = aws_sns_topic.changes.arn
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}
