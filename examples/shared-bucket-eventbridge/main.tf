# A bucket that exists, and whose notifications others need: its events come by way of EventBridge, so that nothing of
# theirs is replaced. Sending them there has to be switched on, once, where the bucket's notifications are kept
# (`eventbridge = true` in their aws_s3_bucket_notification).

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
  description = "Name of the bucket that others use too."
  type        = string
}

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
  buckets         = { shared = var.bucket }
  bucket_wiring   = { shared = "eventbridge" }
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}
