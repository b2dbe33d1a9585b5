# Invalidate on request alone: by hand, from a script, or by whatever may invoke the function.

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

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
}

output "function_name" {
  value = module.invalidation.function_name
}

output "invoke_command" {
  value = module.invalidation.invoke_command
}

output "dry_run_command" {
  value = module.invalidation.dry_run_command
}
