"""A shell with Terraform and AWS's command line, for the commands that the documentation shows."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from scripts import terraform
from scripts.local_aws import LocalAws
from scripts.terraform import ROOT

AWS_VERSION_1 = ROOT / ".cache" / "nox" / "awscli" / "bin" / "aws"
"""Its environment is that of the session `awscli` of noxfile.py."""

TERRAFORM = """#!/bin/sh
# With the PATH of the tests, on which this script is not: it must not find itself.
PATH=$PATH_OF_TESTS exec {command} "$@"
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


def environment(aws: LocalAws, directory: Path) -> dict[str, str]:
    """The variables of a shell in that account; its programs are written into the directory."""
    assert AWS_VERSION_1.is_file(), f"no {AWS_VERSION_1}: run `.venv/bin/nox -s awscli --install-only` first"
    programs = directory / "bin"
    if not programs.is_dir():
        programs.mkdir(parents=True)
        command = shlex.join(terraform.command())
        for name, script in (("terraform", TERRAFORM.format(command=command)), ("aws", AWS)):
            (programs / name).write_text(script, encoding="utf-8")
            (programs / name).chmod(0o755)
    return {
        **terraform.environment(),
        **aws.environment,
        "AWS_VERSION_1": str(AWS_VERSION_1),
        "MODULE": str(ROOT),
        "PATH_OF_TESTS": os.environ["PATH"],
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
    }


def run(commands: str, variables: dict[str, str], directory: Path) -> str:
    """What the commands print, of which none may fail."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=variables,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout
