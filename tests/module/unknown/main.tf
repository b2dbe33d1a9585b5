# What a first plan knows nothing of: every name, ID and ARN that is given to the module is made in the same apply.
# No resource has the address of one of an example: checkov, which looks for those by address, would take it for that.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_s3_bucket" "prefixed" {
  bucket_prefix = "site-"
}

resource "aws_s3_bucket" "named" {
  bucket = "www.example.com"
}

# An ID of the account, say, that is a part of the name and known after apply.
resource "terraform_data" "suffix" {}

resource "aws_s3_bucket" "suffixed" {
  bucket = "site-${terraform_data.suffix.id}"
}

module "bucket" {
  source = "./bucket"
}

resource "aws_cloudfront_distribution" "made" {
  for_each = toset(["docs", "shop"])

  enabled = true

  origin {
    origin_id   = "bucket"
    domain_name = aws_s3_bucket.prefixed.bucket_regional_domain_name
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}

resource "aws_sns_topic" "made" {
  for_each = toset(["uploads", "requests"])

  name_prefix = each.key
}

resource "aws_kms_key" "made" {
  description = "A key that is made with what it encrypts."
}

resource "aws_iam_role" "made" {
  name_prefix        = "away-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

locals {
  docs = aws_cloudfront_distribution.made["docs"].id
  shop = aws_cloudfront_distribution.made["shop"].id
}

# The usage of the README.
module "short_form" {
  source = "../../.."

  name            = "short-form"
  distribution_id = local.docs
  buckets         = { site = aws_s3_bucket.prefixed.id }
}

# Every way to get a name.
module "every_bucket" {
  source = "../../.."

  name            = "every-bucket"
  distribution_id = local.docs
  buckets = {
    known    = "example-site"
    named    = aws_s3_bucket.named.id
    module   = module.bucket.id
    prefixed = aws_s3_bucket.prefixed.bucket
    suffixed = aws_s3_bucket.suffixed.bucket
  }
  inventory           = true
  max_paths_per_hour  = null
  schedule_expression = "rate(1 day)"
}

module "shared_notification" {
  source = "../../.."

  name    = "shared-notification"
  buckets = { assets = aws_s3_bucket.prefixed.id }
  routes = {
    docs    = { distribution_id = local.docs, bucket = "assets", prefix = "docs/", origin_path = "/docs" }
    shop    = { distribution_id = local.shop, bucket = "assets", prefix = "shop/", origin_path = "/shop" }
    by-hand = { distribution_id = local.docs, bucket = null }
  }
}

module "shared_eventbridge" {
  source = "../../.."

  name          = "shared-eventbridge"
  buckets       = { assets = aws_s3_bucket.prefixed.id }
  bucket_wiring = { assets = "eventbridge" }
  routes = {
    docs = { distribution_id = local.docs, bucket = "assets", prefix = "docs/" }
    shop = { distribution_id = local.shop, bucket = "assets", prefix = "shop/" }
  }
}

module "external" {
  source = "../../.."

  name            = "external"
  distribution_id = local.docs
  buckets         = { site = aws_s3_bucket.prefixed.id }
  bucket_wiring   = { site = "external" }
  sns_topics      = { for key, topic in aws_sns_topic.made : key => topic.arn }
}

# Every trigger, straight to the function.
module "straight" {
  source = "../../.."

  name     = "straight"
  batching = null
  buckets  = { own = aws_s3_bucket.prefixed.id, shared = aws_s3_bucket.suffixed.id, elsewhere = module.bucket.id }
  bucket_wiring = {
    shared    = "eventbridge"
    elsewhere = "external"
  }
  routes = {
    own       = { distribution_id = local.docs, bucket = "own" }
    shared    = { distribution_id = local.shop, bucket = "shared", role_arn = aws_iam_role.made.arn, external_id = "module" }
    elsewhere = { distribution_id = local.docs, bucket = "elsewhere", suffix = ".html" }
  }
  sns_topics          = { for key, topic in aws_sns_topic.made : key => topic.arn }
  schedule_expression = "cron(0 3 * * ? *)"
  invokers            = { topic = { principal = "sns.amazonaws.com", source_arn = aws_sns_topic.made["uploads"].arn } }
}

# What a company gives, made in the same apply.
module "company" {
  source = "../../.."

  name                     = "company"
  distribution_id          = local.docs
  kms_key                  = { arn = aws_kms_key.made.arn }
  permissions_boundary_arn = null
  alarm_actions            = [aws_sns_topic.made["requests"].arn]
  dashboard                = true
  schedule_expression      = "rate(2 hours)"
}

module "each" {
  source   = "../../.."
  for_each = aws_cloudfront_distribution.made

  name            = "each-${each.key}"
  distribution_id = each.value.id
  buckets         = { site = aws_s3_bucket.suffixed.id }
  bucket_wiring   = { site = "eventbridge" }
  alarm_actions   = [aws_sns_topic.made["requests"].arn]
  dashboard       = true
}

# A depends_on makes Terraform read the module's data sources after the rest.
module "depending" {
  source     = "../../.."
  depends_on = [aws_s3_bucket.named]

  name            = "depending"
  distribution_id = local.docs
  buckets         = { site = aws_s3_bucket.named.id }
  alarm_actions   = [aws_sns_topic.made["requests"].arn]
  dashboard       = true
}

output "planned" {
  description = "What of the modules is known before anything exists."
  value = {
    names = [
      for function in concat([
        module.short_form, module.every_bucket, module.shared_notification, module.shared_eventbridge, module.external,
        module.straight, module.company, module.depending
      ], values(module.each)) : function.function_name
    ]
  }
}
