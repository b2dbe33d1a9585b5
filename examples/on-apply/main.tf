# Content that Terraform uploads, and one invalidation on each apply that changed any of it.

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
  description = "Name of the bucket that the distribution serves."
  type        = string
}

locals {
  content       = "${path.module}/content"
  content_types = { css = "text/css", html = "text/html; charset=utf-8" }
}

resource "aws_s3_object" "content" {
  for_each = fileset(local.content, "**")

  bucket       = var.bucket
  key          = each.value
  source       = "${local.content}/${each.value}"
  source_hash  = filemd5("${local.content}/${each.value}")
  content_type = local.content_types[regex("[^.]*$", each.value)]
}

# Without a bucket: the invocation below asks for all that changes.
module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
}

resource "aws_lambda_invocation" "content" {
  function_name = module.invalidation.function_name
  input         = jsonencode({ paths = ["/*"] })
  triggers      = { for key, object in aws_s3_object.content : key => object.source_hash }
}

output "invalidation" {
  description = "Answer of the function to the last invalidation."
  value       = jsondecode(aws_lambda_invocation.content.result)
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}
