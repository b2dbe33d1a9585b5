# A pipeline that takes a zip from a bucket, unpacks it into the site's bucket, and invalidates the site.

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

variable "site_bucket" {
  description = "Name of the bucket that the distribution serves."
  type        = string
}

variable "source_bucket" {
  description = "Name of a versioned bucket that gets the site as `site.zip`, and holds the artifacts of the pipeline."
  type        = string
}

data "aws_partition" "current" {}

locals {
  source_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.source_bucket}"
  site_arn   = "arn:${data.aws_partition.current.partition}:s3:::${var.site_bucket}"
}

module "invalidation" {
  source = "../.."

  distribution_id = var.distribution_id
  codepipeline    = true
}

resource "aws_codepipeline" "site" {
  #checkov:skip=CKV_AWS_219:The artifacts are about to be published; the source bucket encrypts them as it does everything.
  name     = "site"
  role_arn = aws_iam_role.pipeline.arn

  artifact_store {
    type     = "S3"
    location = var.source_bucket
  }

  stage {
    name = "Source"
    action {
      name             = "Zip"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["site"]
      configuration = {
        S3Bucket    = var.source_bucket
        S3ObjectKey = "site.zip"
      }
    }
  }

  stage {
    name = "Deploy"
    action {
      name            = "Unpack"
      category        = "Deploy"
      owner           = "AWS"
      provider        = "S3"
      version         = "1"
      run_order       = 1
      input_artifacts = ["site"]
      configuration = {
        BucketName = var.site_bucket
        Extract    = "true"
      }
    }
    action {
      name      = "Invalidate"
      category  = "Invoke"
      owner     = "AWS"
      provider  = "Lambda"
      version   = "1"
      run_order = 2
      configuration = {
        FunctionName   = module.invalidation.function_name
        UserParameters = jsonencode({ paths = ["/*"] })
      }
    }
  }
}

resource "aws_iam_role" "pipeline" {
  name = "site-pipeline"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codepipeline.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "deploy"
  role = aws_iam_role.pipeline.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetBucketVersioning", "s3:ListBucket"]
        Resource = local.source_arn
      },
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${local.source_arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = "s3:PutObject"
        Resource = "${local.site_arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = module.invalidation.function_arn
      },
    ]
  })
}

output "function_name" {
  description = "Name of the Lambda function, for direct requests."
  value       = module.invalidation.function_name
}

output "invoke_command" {
  description = "Shell command that invalidates the default paths."
  value       = module.invalidation.invoke_command
}
