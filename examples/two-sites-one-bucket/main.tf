# Two sites in one bucket, each in a folder of its own that CloudFront puts before the viewer's path.

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
  description = "The name of the bucket, which no other bucket in the world may have."
  type        = string
}

resource "aws_s3_bucket" "assets" {
  bucket        = var.bucket
  force_destroy = true # a demonstration: destroy it with what was uploaded
}

resource "aws_s3_bucket_public_access_block" "assets" {
  bucket                  = aws_s3_bucket.assets.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "assets" {
  bucket = aws_s3_bucket.assets.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudfront.amazonaws.com" }
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.assets.arn}/*"
      Condition = {
        StringEquals = {
          "aws:SourceArn" = [aws_cloudfront_distribution.docs.arn, aws_cloudfront_distribution.shop.arn]
        }
      }
    }]
  })
}

resource "aws_cloudfront_origin_access_control" "assets" {
  name                              = var.bucket
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "docs" {
  enabled             = true
  default_root_object = "index.html"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.assets.bucket_regional_domain_name
    origin_path              = "/docs"
    origin_access_control_id = aws_cloudfront_origin_access_control.assets.id
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized, which CloudFront manages
    compress               = true
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

resource "aws_cloudfront_distribution" "shop" {
  enabled             = true
  default_root_object = "index.html"

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.assets.bucket_regional_domain_name
    origin_path              = "/shop"
    origin_access_control_id = aws_cloudfront_origin_access_control.assets.id
  }

  default_cache_behavior {
    target_origin_id       = "bucket"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized, which CloudFront manages
    compress               = true
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

  routes = {
    docs = {
      distribution_id = aws_cloudfront_distribution.docs.id
      bucket          = aws_s3_bucket.assets.bucket
      prefix          = "docs/"
      origin_path     = "/docs"
    }
    shop = {
      distribution_id = aws_cloudfront_distribution.shop.id
      bucket          = aws_s3_bucket.assets.bucket
      prefix          = "shop/"
      origin_path     = "/shop"
    }
  }
}

output "distribution_ids" {
  value = {
    docs = aws_cloudfront_distribution.docs.id
    shop = aws_cloudfront_distribution.shop.id
  }
}

output "function_name" {
  value = module.invalidation.function_name
}

output "invoke_command" {
  value = module.invalidation.invoke_command
}
