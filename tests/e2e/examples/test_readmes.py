"""The commands that the READMEs and the operations page show, run in the accounts of the examples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e import shell, snippets
from tests.e2e.snippets import DOCS, READMES, REQUESTS
from tests.support.deployments import Deployment, eventually, wait_until
from tests.support.examples import INPUTS

OPERATIONS = snippets.shell_of(DOCS / "operations.md")


@pytest.fixture
def variables(site: Deployment, tmp_path: Path) -> dict[str, str]:
    """Of a shell in the account of the example `site`."""
    return shell.environment(site.aws, tmp_path)


@pytest.mark.parametrize(
    "example", [name.replace("-", "_") for name in INPUTS if name != "site"], indirect=True
)
def test_every_command_of_an_examples_readme_runs(
    example: Deployment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """After the tests of test_examples.py, which count what is invalidated."""
    name = str(request.node.callspec.params["example"]).replace("_", "-")
    (commands,) = snippets.shell_of(READMES[name])
    assert shell.run(commands, shell.environment(example.aws, tmp_path), example.stack.directory)


def test_every_command_of_the_site_examples_readme_runs(site: Deployment, variables: dict[str, str]) -> None:
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
