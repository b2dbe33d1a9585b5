"""The blocks of Terraform and of the shell that the documentation shows, and what makes them complete."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from scripts.provider_snapshot import REFERENCE, SNIPPET, pages
from scripts.terraform import ROOT

SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

EDIT = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""Commands that belong to one edit of the configuration, and are run with it."""

YOUNGER = "needs version 6.52"
"""What a block says of itself that the provider of these tests cannot plan; a snapshot of names holds it."""

PROVIDER = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
"""

BODIES = {
    "aws_cloudfront_distribution": """
      enabled             = true
      wait_for_deployment = false
      origin {
        origin_id   = "bucket"
        domain_name = "origin.example.com"
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
    """,
    "aws_lambda_function": """
      function_name = "thumbnails"
      role          = "arn:aws:iam::000000000000:role/thumbnails"
      runtime       = "python3.13"
      handler       = "index.handler"
      s3_bucket     = "packages"
      s3_key        = "thumbnails.zip"
    """,
    "aws_s3_bucket": "",
    "aws_sns_topic": "",
}
"""What a reader has already, by its type. A bucket's name is unknown until it is made."""


@dataclass(frozen=True)
class Snippet:
    """A block of a page."""

    where: str
    text: str

    @property
    def imports(self) -> bool:
        """Terraform takes an import block in a root module alone, and only of something that exists."""
        return bool(re.search(r"^import \{", self.text, re.MULTILINE))


def terraform_of(page: Path) -> list[Snippet]:
    name = re.sub(r"\W+", "_", str(page.relative_to(ROOT)))
    found = SNIPPET.findall(page.read_text(encoding="utf-8"))
    return [Snippet(f"{name}_{number}", text) for number, text in enumerate(found, 1)]


def shell_of(page: Path) -> list[str]:
    return SHELL.findall(page.read_text(encoding="utf-8"))


DOCS = ROOT / "docs"

READMES = {path.parent.name: path for path in sorted(ROOT.glob("examples/*/README.md"))}
"""Example → its page."""

REQUESTS = next(block for block in shell_of(ROOT / "README.md") if block.startswith("aws lambda invoke"))
"""The requests that the README shows."""


def edits_of(page: Path) -> list[str]:
    return EDIT.findall(page.read_text(encoding="utf-8"))


def all_terraform() -> list[Snippet]:
    return [snippet for page in pages() for snippet in terraform_of(page)]


def write(text: str, directory: Path, provider: str = PROVIDER) -> Path:
    """The text, with the checkout as its module, and all that it refers to. Returns the directory."""
    directory.mkdir(parents=True)
    source = os.path.relpath(ROOT, directory)
    local = re.sub(r'^(  source\s*=\s*)"[^"]*".*$', rf'\1"{source}"', text, flags=re.MULTILINE)
    local = re.sub(r"^  version\s*=.*$", "", local, flags=re.MULTILINE)
    (directory / "main.tf").write_text(local, encoding="utf-8")
    (directory / "context.tf").write_text(provider + context_of(text), encoding="utf-8")
    return directory


def context_of(text: str) -> str:
    """The resources that a block refers to and does not hold."""
    named = {tuple(found[0].split(".")[:2]) for found in REFERENCE.finditer(text) if not found["data"]}
    held = set(re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE))
    return "".join(
        f'\nresource "{type_}" "{name}" {{{BODIES[type_]}}}\n' for type_, name in sorted(named - held)
    )
