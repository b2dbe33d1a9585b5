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
  description = "The distribution to invalidate."
  type        = string
}

variable "bucket" {
  description = "The bucket that others use too."
  type        = string
}

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
  bucket          = var.bucket
  bucket_wiring   = { (var.bucket) = "eventbridge" }
}

output "function_name" {
  value = module.invalidation.function_name
}

output "invoke_command" {
  value = module.invalidation.invoke_command
}
