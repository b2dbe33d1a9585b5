"""Somebody who found the module: an empty folder, the usage of the README, and a site of their own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.local_aws import LocalAws
from scripts.stack import Stack
from scripts.terraform import ROOT
from tests.support.deployments import Deployment, eventually

SITE = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

resource "aws_s3_bucket" "site" {
  bucket = "stranger-site"
}

resource "aws_cloudfront_distribution" "site" {
  enabled             = true
  wait_for_deployment = false

  origin {
    origin_id   = "bucket"
    domain_name = aws_s3_bucket.site.bucket_regional_domain_name
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

output "distribution_id" {
  value = aws_cloudfront_distribution.site.id
}
"""
"""What the usage refers to, and a stranger already has."""


@dataclass(frozen=True)
class Story:
    """What the stranger saw."""

    invalidated: list[str]
    left_behind: set[str]


def usage() -> str:
    """The first block of Terraform in the README."""
    found = re.search(r"```hcl\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def story(aws: LocalAws, directory: Path) -> Story:
    """Apply the usage, upload a page, see its invalidation, destroy all."""
    held_before = aws.holdings()
    directory.mkdir(parents=True)
    source = os.path.relpath(ROOT, directory)
    block, replaced = re.subn(r'(source\s*=\s*)"[^"]*"', rf'\1"{source}"', usage())
    assert replaced == 1
    (directory / "main.tf").write_text(SITE + block, encoding="utf-8")
    stack = Stack(directory, aws.environment)
    stack.init()
    stack.apply()
    distribution_id = stack.outputs()["distribution_id"]
    site = Deployment(aws, stack, "invalidate-cloudfront", "stranger-site", distribution_id)
    site.upload("docs/index.html")
    invalidated = eventually(site.items, bool)
    site.delete("docs/index.html")
    stack.destroy()
    return Story(invalidated, aws.holdings() - held_before)
