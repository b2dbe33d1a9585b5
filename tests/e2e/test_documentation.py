"""What the documentation shows is run: every block of shell in docs/operations.md, and the requests of the README."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from scripts import tools
from scripts.terraform import ROOT
from tests.e2e.deployments import Deployment, eventually

SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OPERATIONS = SHELL.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
REQUESTS = next(
    block
    for block in SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    if block.startswith("aws lambda invoke")
)


@pytest.fixture(scope="module")
def shell(site: Deployment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody who has AWS's command line, Terraform, and stands in the folder of their site."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "terraform").write_text(
        f'#!/bin/sh\ncd "{ROOT}" && exec .venv/bin/python -m scripts.terraform -chdir="$HERE" "$@"\n'
    )
    (programs / "terraform").chmod(0o755)
    return {
        **os.environ,
        **site.aws.environment,
        "HERE": str(site.stack.directory),
        "MODULE": str(ROOT),
        "PATH": os.pathsep.join([str(programs), str(tools.programs("awscli")), os.environ["PATH"]]),
    }


def run(commands: str, environment: dict[str, str], directory: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_requests_of_the_readme_invalidate_everything_then_some_paths_then_only_rehearse(
    site: Deployment, shell: dict[str, str]
) -> None:
    before = site.invalidations()
    told = run(REQUESTS, shell, site.stack.directory)
    made = list(site.invalidations(since=before).values())
    assert sorted(made) == [["/*"], ["/news/*"]]
    assert "Dry run: nothing was created" in told


def test_every_command_of_the_operations_page_runs_and_shows_what_the_page_says(
    site: Deployment, shell: dict[str, str]
) -> None:
    """In the order of the page, with a letter among the dead ones: a request that nobody can carry out."""
    site.aws.client("lambda").invoke(
        FunctionName=site.name, InvocationType="Event", Payload=json.dumps({"paths": ["no-slash"]}).encode()
    )
    site.upload("operations.html")
    eventually(lambda: site.has_invalidated("/operations.html"), bool)
    assert eventually(site.dead_letters, bool)
    assert len(OPERATIONS) >= 5
    told = run("\n".join(OPERATIONS), shell, site.stack.directory)
    assert "Dry run: nothing was created" in told
    assert "no-slash" in told
    assert "submitted" in told
    assert '"/index.html"' in told
