# A site: a bucket, the distribution that serves it, and the module that invalidates what changes.

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
  description = "Name of the bucket, which no other bucket in the world may have."
  type        = string
}

resource "aws_s3_bucket" "site" {
  #checkov:skip=CKV_AWS_18:A demonstration keeps no access logs.
  #checkov:skip=CKV_AWS_21:A demonstration keeps no versions.
  #checkov:skip=CKV_AWS_144:A demonstration has no second region.
  #checkov:skip=CKV_AWS_145:S3 encrypts every object; what is published needs no key of its own.
  #checkov:skip=CKV2_AWS_61:Nothing in it expires.
  #checkov:skip=CKV2_AWS_62:The module below makes its notifications.
  bucket        = var.bucket
  force_destroy = true # a demonstration: destroy it with what was uploaded
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "site" {
  bucket = aws_s3_bucket.site.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.site.arn}/*"
      Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }
    }]
  })
}

resource "aws_cloudfront_origin_access_control" "site" {
  name                              = var.bucket
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV_AWS_68:A demonstration has no firewall.
  #checkov:skip=CKV_AWS_86:A demonstration keeps no access logs.
  #checkov:skip=CKV_AWS_174:The certificate of cloudfront.net, for want of a domain, comes with the TLS versions of CloudFront.
  #checkov:skip=CKV_AWS_310:One bucket, so that there is nothing to fail over to.
  #checkov:skip=CKV_AWS_374:The site is for every country.
  #checkov:skip=CKV2_AWS_32:The policy that is attached below is CloudFront's own.
  #checkov:skip=CKV2_AWS_42:A certificate of one's own needs a domain.
  #checkov:skip=CKV2_AWS_47:A demonstration has no firewall.
  enabled             = true
  default_root_object = "index.html"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site.id
  }

  default_cache_behavior {
    target_origin_id           = "bucket"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized, which CloudFront manages
    response_headers_policy_id = "67f7725c-6f97-4210-82d7-5512b31e9d03" # SecurityHeadersPolicy, likewise
    compress                   = true
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

module "invalidation" {
  source = "../.."

  distribution_id = aws_cloudfront_distribution.site.id
  buckets         = { site = aws_s3_bucket.site.id }
}

output "distribution_id" {
  description = "ID of the distribution, for direct requests."
  value       = aws_cloudfront_distribution.site.id
}

output "bucket" {
  description = "Name of the bucket to upload to."
  value       = aws_s3_bucket.site.bucket
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "log_group_name" {
  description = "Name of the log group, with a record of every plan."
  value       = module.invalidation.log_group_name
}

output "queue_url" {
  description = "URL of the queue that takes changes."
  value       = module.invalidation.queue_url
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue, to read what failed."
  value       = module.invalidation.dead_letter_queue_url
}

output "plan_dead_letter_queue_url" {
  description = "URL of the plan queue's dead-letter queue."
  value       = module.invalidation.plan_dead_letter_queue_url
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}

output "settings" {
  description = "Settings of the function, for `python -m invalidator plan --settings`."
  value       = module.invalidation.settings
}
