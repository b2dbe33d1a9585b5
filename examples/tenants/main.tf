# Tenants of a multi-tenant distribution: each has a cache of its own to invalidate.

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
  description = "Name of the bucket in which every tenant has a folder."
  type        = string
}

variable "tenant_ids" {
  description = "IDs of the distribution tenants, by the name of their folder."
  type        = map(string)
}

module "invalidation" {
  source = "../.."

  buckets = { shops = var.bucket }
  routes = {
    for folder, tenant_id in var.tenant_ids : folder => {
      distribution_tenant_id = tenant_id
      bucket                 = "shops"
      prefix                 = "${folder}/"
      origin_path            = "/${folder}"
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
