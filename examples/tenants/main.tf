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
  description = "The bucket in which every tenant has a folder."
  type        = string
}

variable "tenant_ids" {
  description = "The distribution tenants, by the name of their folder."
  type        = map(string)
}

module "invalidation" {
  source = "../.."

  routes = {
    for folder, tenant_id in var.tenant_ids : folder => {
      distribution_tenant_id = tenant_id
      bucket                 = var.bucket
      prefix                 = "${folder}/"
      origin_path            = "/${folder}"
    }
  }
}

output "function_name" {
  value = module.invalidation.function_name
}

output "invoke_command" {
  value = module.invalidation.invoke_command
}
