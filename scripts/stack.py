"""A root module of Terraform in a directory of its own, that can be applied, planned, read and destroyed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts import terraform

TIMEOUT_SECONDS = 600
"""For one run of Terraform: a distribution takes less than a minute on a local AWS."""


class TerraformError(Exception):
    """Terraform ended with an error; the text is its output."""


@dataclass(frozen=True)
class Stack:
    """What Terraform knows about one root module: its directory, its inputs, and where its AWS is."""

    directory: Path
    environment: Mapping[str, str]
    variables: Mapping[str, object] = field(default_factory=dict)

    def run(self, *arguments: str, accepted: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run Terraform in the directory. Raises TerraformError for an exit code that is not accepted."""
        done = subprocess.run(
            [*terraform.command(), f"-chdir={self.directory}", *arguments],
            env={**terraform.environment(), **self.environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode not in accepted:
            output = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            raise TerraformError(f"terraform {arguments[0]} in {self.directory.name}:\n{output[-6000:]}")
        return done

    def with_variables(self, **variables: object) -> Stack:
        """The same stack with other inputs: what a user gets who edits them."""
        return Stack(self.directory, self.environment, {**self.variables, **variables})

    def init(self) -> None:
        self.run("init", "-no-color")

    def apply(self) -> None:
        self._write_variables()
        self.run("apply", "-auto-approve", "-no-color")

    def destroy(self) -> None:
        self.run("destroy", "-auto-approve", "-no-color")

    def plan(self) -> dict[str, Any]:
        """The plan in Terraform's JSON output format."""
        self._write_variables()
        self.run("plan", "-out=plan.tfplan", "-no-color")
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "plan.tfplan").stdout)
        return shown

    def outputs(self) -> dict[str, Any]:
        values = json.loads(self.run("output", "-json").stdout)
        return {name: output["value"] for name, output in values.items()}

    def _write_variables(self) -> None:
        text = json.dumps(self.variables, ensure_ascii=False)
        (self.directory / "inputs.auto.tfvars.json").write_text(text, encoding="utf-8")


def changes(plan: Mapping[str, Any]) -> dict[str, list[str]]:
    """Address → actions of all that a plan would do; empty where reality is what the configuration says."""
    actions = {
        change["address"]: change["change"]["actions"]
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed"
    }
    return {address: todo for address, todo in actions.items() if todo != ["no-op"]}


def copy_of(example: Path, directory: Path) -> Path:
    """A copy of an example elsewhere, whose module is still the checkout. Returns where it lies."""
    shutil.copytree(example, directory, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    for path in directory.glob("*.tf"):
        # A relative source stays a local module; Terraform copies an absolute one whole, .venv and all.
        module = os.path.relpath(terraform.ROOT, directory)
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'(source\s*=\s*)"\.\./\.\."', rf'\1"{module}"', text), encoding="utf-8")
    return directory
