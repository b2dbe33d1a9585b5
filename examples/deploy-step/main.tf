# A deploy step that uploads a folder, invalidates exactly what that changed, and waits until it is live.

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

# `external` makes no notification: the deploy step says what it changed. So there is nothing to queue.
module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
  buckets         = { site = var.bucket }
  bucket_wiring   = { site = "external" }
  batching        = null
  allow_wait      = true
  timeout_seconds = 300
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "deploy_command" {
  description = "Shell command that uploads the folder `public` and invalidates what that changed."
  value       = "./deploy.sh public '${var.bucket}' '${module.invalidation.function_name}'"
}
