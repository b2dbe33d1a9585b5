# Invalidate only on request: by hand, from a script, or by another invoker.

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

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}

output "dry_run_command" {
  description = "Shell command that shows the plan and invalidates nothing."
  value       = module.invalidation.dry_run_command
}
