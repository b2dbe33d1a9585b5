# The bucket is in this account, the distribution in another one: there, a role that only the function may assume, and
# that may only invalidate it.

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

provider "aws" {
  alias   = "edge"
  profile = var.edge_profile
}

variable "edge_profile" {
  description = "Profile of the AWS configuration for the account that has the distribution; null for the same credentials."
  type        = string
  default     = null
}

variable "distribution_id" {
  description = "ID of the distribution to invalidate."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket that the distribution serves."
  type        = string
}

# Tells the callers of the other account apart, should it have several.
locals {
  external_id = "invalidate-${var.distribution_id}"
}

data "aws_caller_identity" "edge" {
  provider = aws.edge
}

data "aws_partition" "current" {}

resource "aws_iam_role" "invalidate" {
  provider = aws.edge

  name        = "invalidate-${var.distribution_id}"
  description = "For the function that invalidates ${var.distribution_id} from another account."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = module.invalidation.role_arn }
      Condition = { StringEquals = { "sts:ExternalId" = local.external_id } }
    }]
  })
}

resource "aws_iam_role_policy" "invalidate" {
  provider = aws.edge

  name = "invalidate"
  role = aws_iam_role.invalidate.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "cloudfront:CreateInvalidation"
      Resource = "arn:${data.aws_partition.current.partition}:cloudfront::${data.aws_caller_identity.edge.account_id}:distribution/${var.distribution_id}"
    }]
  })
}

module "invalidation" {
  source = "../.."

  buckets = { site = var.bucket }
  routes = {
    site = {
      distribution_id = var.distribution_id
      role_arn        = aws_iam_role.invalidate.arn
      external_id     = local.external_id
      bucket          = "site"
    }
  }
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}
