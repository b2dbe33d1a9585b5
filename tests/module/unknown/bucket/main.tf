# A bucket of another module's, whose name only its output tells.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_s3_bucket" "this" {
  bucket_prefix = "module-"
}

output "id" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id
}
