"""Every block of Terraform that the documentation shows is planned, and none of its commands is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.local_aws import LocalAws
from scripts.provider_snapshot import pages
from scripts.stack import Stack
from scripts.terraform import ROOT
from tests.e2e import edits, snippets
from tests.e2e.snippets import DOCS, READMES, REQUESTS
from tests.support.examples import INPUTS


def test_every_block_of_terraform_plans(aws: LocalAws, tmp_path: Path) -> None:
    """All in one root module, each as a module of its own, so that the provider starts once."""
    shown = [
        each for each in snippets.all_terraform() if not each.imports and snippets.YOUNGER not in each.text
    ]
    assert len(shown) >= 14
    for each in shown:
        snippets.write(each.text, tmp_path / each.where)
    calls = [f'module "{each.where}" {{\n  source = "./{each.where}"\n}}\n' for each in shown]
    (tmp_path / "main.tf").write_text(snippets.PROVIDER + "".join(calls), encoding="utf-8")
    stack = Stack(tmp_path, aws.environment)
    stack.init()
    made = stack.changes()
    for each in shown:
        assert made[f"module.{each.where}.module.invalidation.aws_lambda_function.this"] == ["create"]


def test_only_one_block_needs_a_provider_that_is_not_at_hand() -> None:
    """tests/unit/test_provider.py holds its names against version 6."""
    assert sum(snippets.YOUNGER in each.text for each in snippets.all_terraform()) == 1


def test_no_command_of_the_documentation_is_left_out() -> None:
    run = {DOCS / "adopting.md", DOCS / "operations.md", DOCS / "upgrading.md", *READMES.values()}
    for page in pages():
        if page not in run:
            left = [block for block in snippets.shell_of(page) if not block.startswith("make ")]
            assert left == ([REQUESTS] if page.name == "README.md" else []), page


def test_no_block_of_the_documentation_is_of_a_kind_that_no_test_runs() -> None:
    """The blocks of `text` in operations.md are run by `run_as_shown`, each with its edit of a live stack."""
    for page in pages():
        languages = re.findall(r"^ *```(\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        text = {"text"} if page.name == "operations.md" else set()
        assert set(languages) <= {"hcl", "sh", "diff", "mermaid"} | text, page
    assert len(snippets.edits_of(DOCS / "operations.md")) == len(edits.SHOWN)
    for command in edits.SHOWN:
        assert edits.shown(command)


@pytest.mark.parametrize("name", INPUTS)
def test_every_example_has_a_readme_whose_inputs_exist(name: str) -> None:
    """That the block plans, test_every_block_of_terraform_plans shows."""
    (block,) = snippets.terraform_of(READMES[name])
    assert re.search(r'^  source  = "NAMESPACE/cloudfront-invalidation/aws"', block.text, re.MULTILINE)
    assert re.search(r'^  version = "~> \d+\.\d+"$', block.text, re.MULTILINE)
    declared = re.findall(
        r'^variable "(\w+)"', (ROOT / "variables.tf").read_text(encoding="utf-8"), re.MULTILINE
    )
    given = set(re.findall(r"^  (\w+)\s+=", block.text, re.MULTILINE)) - {"source", "version"}
    assert given
    assert given <= set(declared)
