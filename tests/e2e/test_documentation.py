"""What the documentation shows is run: every command of docs/operations.md, and the README's requests."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from scripts import tools
from scripts.terraform import ROOT
from tests.support.deployments import Deployment, eventually

SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OPERATIONS = SHELL.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
REQUESTS = next(
    block
    for block in SHELL.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    if block.startswith("aws lambda invoke")
)


@pytest.fixture(scope="module")
def shell(site: Deployment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody with Terraform and AWS's command line, in the folder of their site."""
    programs = tmp_path_factory.mktemp("bin")
    for name, script in (("terraform", TERRAFORM), ("aws", AWS)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    return {
        **os.environ,
        **site.aws.environment,
        "AWS_VERSION_1": str(tools.programs("awscli") / "aws"),
        "CHECKOUT": str(ROOT),
        "MODULE": str(ROOT),
        "PATH_OF_TESTS": os.environ["PATH"],
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
    }


TERRAFORM = """#!/bin/sh
# With the PATH of the tests, on which this script is not: it must not find itself.
here=$PWD
PATH=$PATH_OF_TESTS
cd "$CHECKOUT" && exec .venv/bin/python -m scripts.terraform -chdir="$here" "$@"
"""

AWS = """#!/bin/bash
# Version 2 is in no package index. Version 1 takes payloads as they are, and has no option for it; and it
# looks for SQS at AWS, whatever AWS_ENDPOINT_URL says.
arguments=()
for argument; do
  case $argument in --cli-binary-format | raw-in-base64-out) ;; *) arguments+=("$argument") ;; esac
done
# MiniStack cannot move messages: there the command is only held against the service's model.
if [ "$2" = start-message-move-task ]; then arguments+=(--generate-cli-skeleton output); fi
exec "$AWS_VERSION_1" --endpoint-url "$AWS_ENDPOINT_URL" "${arguments[@]}"
"""


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
    assert "TaskHandle" in told
    assert "submitted" in told
    assert '"/index.html"' in told
