"""The usage of the README, in the hands of a stranger; and the commands of the examples' own."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.terraform import ROOT
from tests.e2e import shell, snippets
from tests.e2e.stranger import Story
from tests.support.deployments import Deployment
from tests.support.examples import INPUTS


def test_the_usage_applies_in_an_empty_folder_invalidates_an_upload_and_leaves_nothing(
    stranger: Story,
) -> None:
    assert stranger.invalidated == ["/docs", "/docs/", "/docs/index.html"]
    assert stranger.left_behind == set()


@pytest.mark.parametrize(
    "example", [name.replace("-", "_") for name in INPUTS if name != "site"], indirect=True
)
def test_every_command_of_an_examples_readme_runs(
    example: Deployment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """That of `site` is run in test_documentation.py: here, a test has destroyed it."""
    name = str(request.node.callspec.params["example"]).replace("_", "-")
    (commands,) = snippets.shell_of(ROOT / "examples" / name / "README.md")
    assert shell.run(commands, shell.environment(example.aws, tmp_path), example.stack.directory)
