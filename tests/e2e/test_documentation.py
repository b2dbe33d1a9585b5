"""What the documentation shows is run: every block of Terraform is planned, every command executed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scripts.local_aws import LocalAws
from scripts.provider_snapshot import pages
from scripts.stack import Stack
from scripts.terraform import ROOT
from tests.e2e import edits, shell, snippets
from tests.support.deployments import Deployment, eventually, wait_until
from tests.support.examples import INPUTS

DOCS = ROOT / "docs"
OPERATIONS = snippets.shell_of(DOCS / "operations.md")
REQUESTS = next(
    block for block in snippets.shell_of(ROOT / "README.md") if block.startswith("aws lambda invoke")
)
READMES = {path.parent.name: path for path in sorted(ROOT.glob("examples/*/README.md"))}


@pytest.fixture
def variables(site: Deployment, tmp_path: Path) -> dict[str, str]:
    """Of a shell in the account of the example `site`."""
    return shell.environment(site.aws, tmp_path)


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
    """The blocks of `text` in operations.md are run by edits.py, each with its edit of a live stack."""
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


def test_every_command_of_the_site_examples_readme_runs(site: Deployment, variables: dict[str, str]) -> None:
    """Those of the other examples run in test_usage.py, when nothing counts their invalidations any more."""
    (commands,) = snippets.shell_of(READMES["site"])
    shell.run(commands, variables, site.stack.directory)
    assert eventually(lambda: site.has_invalidated("/new.html"), bool)


def test_the_requests_of_the_readme_invalidate_everything_then_some_paths_then_make_a_dry_run(
    site: Deployment, variables: dict[str, str]
) -> None:
    before = site.invalidations()
    output = shell.run(REQUESTS, variables, site.stack.directory)
    made = list(site.invalidations(since=before).values())
    assert sorted(made) == [["/*"], ["/news/*"]]
    assert "Dry run: nothing was created" in output


def test_every_command_of_the_operations_page_runs_and_shows_what_the_page_says(
    site: Deployment, variables: dict[str, str]
) -> None:
    """In the order of the page; the dead-letter queue holds a request that cannot be carried out."""
    site.aws.client("lambda").invoke(
        FunctionName=site.name, InvocationType="Event", Payload=json.dumps({"paths": ["no-slash"]}).encode()
    )
    site.upload("operations.html")
    wait_until(lambda: site.has_invalidated("/operations.html"), bool)
    assert eventually(site.dead_letters, bool)
    assert len(OPERATIONS) >= 5
    output = shell.run("\n".join(OPERATIONS), variables, site.stack.directory)
    assert "Dry run: nothing was created" in output
    assert "no-slash" in output
    assert "TaskHandle" in output
    assert "submitted" in output
    assert '"/index.html"' in output
