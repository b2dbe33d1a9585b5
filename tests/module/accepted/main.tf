# Values that look unusual and are right.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

module "schedule" {
  source   = "../../.."
  for_each = toset(var.schedules)

  distribution_id     = "E2QWRUHEXAMPLE"
  schedule_expression = each.key
}

module "bucket" {
  source   = "../../.."
  for_each = toset(var.buckets)

  distribution_id = "E2QWRUHEXAMPLE"
  buckets         = { site = each.key }
}

module "route" {
  source   = "../../.."
  for_each = var.routes

  buckets = { site = "www.example.com" }
  routes  = { docs = merge({ distribution_id = "E2QWRUHEXAMPLE", bucket = "site" }, each.value) }
}

module "path" {
  source   = "../../.."
  for_each = toset(var.default_paths)

  distribution_id = "E2QWRUHEXAMPLE"
  default_paths   = [each.key]
}

module "boundary" {
  source = "../../.."

  distribution_id          = "E2QWRUHEXAMPLE"
  permissions_boundary_arn = "arn:aws-us-gov:iam::aws:policy/PowerUserAccess"
  kms_key                  = { arn = "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab" }
  role_path                = "/service/edge/"
  reserved_concurrency     = 2
  max_inventory_pages      = 300
  max_paths                = 3000
  batching                 = { window_seconds = 0 }
  sns_topics               = { "any key" = "arn:aws-us-gov:sns:us-gov-west-1:123456789012:Uploads_of-site" }
  tags                     = { "Kostenträger" = "" }
  signed_package           = { bucket = "example-packages", key = "/signed/a b.zip" }
}

variable "schedules" {
  type = list(string)
}

variable "buckets" {
  type = list(string)
}

variable "routes" {
  type = map(map(string))
}

variable "default_paths" {
  type = list(string)
}

output "planned" {
  value = length(concat(keys(module.schedule), keys(module.bucket), keys(module.route), keys(module.path)))
}
