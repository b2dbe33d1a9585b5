"""A root module of Terraform in a directory of its own, that can be applied, planned, read and destroyed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts import terraform

TIMEOUT_SECONDS = 600
"""For one run of Terraform: a distribution takes less than a minute on a local AWS."""


class TerraformError(Exception):
    """Terraform ended with an error; the text is what it said."""


_running: set[subprocess.Popen[str]] = set()


def abandon_all() -> None:
    """End every Terraform that another thread of this process still waits for."""
    for process in tuple(_running):
        _end(process)


def _unwatched(line: str) -> None:
    """The output is not shown while Terraform is active."""


@dataclass(frozen=True)
class Stack:
    """What Terraform knows about one root module: its directory, where its AWS is, and its inputs."""

    directory: Path
    environment: Mapping[str, str]
    variables: Mapping[str, object] = field(default_factory=dict)

    def run(self, *arguments: str, watch: Callable[[str], None] = _unwatched) -> str:
        """Run Terraform in the directory and return its output, each line of which `watch` sees at once.

        Raises TerraformError. Terraform and the provider end with the call, however that ends.
        """
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            process = subprocess.Popen(
                [*terraform.command(), f"-chdir={self.directory}", *arguments],
                env={**terraform.environment(), **self.environment},
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                start_new_session=True,
            )
            _running.add(process)
            deadline = threading.Timer(TIMEOUT_SECONDS, _end, (process,))
            deadline.start()
            try:
                lines = []
                for line in process.stdout or ():
                    lines.append(line)
                    watch(line)
                code = process.wait()
            finally:
                deadline.cancel()
                _end(process)
                _running.discard(process)
            output = "".join(lines)
            if code:
                errors.seek(0)
                raise TerraformError(
                    f"terraform {arguments[0]}, {self.directory}:\n{errors.read() or _diagnostics(output)}"
                )
            return output

    def with_variables(self, **variables: object) -> Stack:
        """The same stack with other inputs, as after an edit."""
        return Stack(self.directory, self.environment, {**self.variables, **variables})

    def init(self) -> None:
        self.run("init", "-no-color")

    def apply(self, *options: str, watch: Callable[[str], None] = _unwatched) -> None:
        self._write_variables()
        self.run("apply", "-auto-approve", "-no-color", *options, watch=watch)

    def destroy(self, watch: Callable[[str], None] = _unwatched) -> None:
        self.run("destroy", "-auto-approve", "-no-color", watch=watch)

    def plan(self) -> dict[str, Any]:
        """The plan, in Terraform's JSON output format."""
        self._write_variables()
        self.run("plan", "-out=stack.tfplan", "-no-color")
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "stack.tfplan"))
        return shown

    def changes(self) -> dict[str, list[str]]:
        """Address → actions of all that a plan would do; empty where reality is what the configuration says.

        Without the two seconds of a processor that `plan` takes to show the plan.
        """
        self._write_variables()
        return _planned(self.run("plan", "-json"))

    def apply_changes(self) -> dict[str, list[str]]:
        """Apply, and return what was planned: address → actions."""
        self._write_variables()
        return _planned(self.run("apply", "-auto-approve", "-json"))

    def outputs(self) -> dict[str, Any]:
        """Name → value."""
        return {name: output["value"] for name, output in json.loads(self.run("output", "-json")).items()}

    def resources(self) -> list[str]:
        """The addresses of all that Terraform keeps, data sources aside."""
        return [address for address in self.run("state", "list").split() if "data." not in address]

    def _write_variables(self) -> None:
        text = json.dumps(self.variables, ensure_ascii=False)
        (self.directory / "inputs.auto.tfvars.json").write_text(text, encoding="utf-8")


def _planned(output: str) -> dict[str, list[str]]:
    """Address → actions, from what `terraform plan -json` or `apply -json` printed."""
    planned = {}
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("type") == "planned_change":
            action = message["change"]["action"]
            if action not in ("noop", "read", "move", "import"):
                actions = ["delete", "create"] if action == "replace" else [action]
                planned[message["change"]["resource"]["addr"]] = actions
    return planned


def _diagnostics(output: str) -> str:
    """The errors and warnings of output in JSON; any other output as it is."""
    if not output.startswith("{"):
        return output
    found = [json.loads(line).get("diagnostic") for line in output.splitlines()]
    return "\n".join(f"{each['summary']}: {each['detail']}" for each in found if each)


def copy_of(example: Path, directory: Path) -> Path:
    """A copy of a root module elsewhere, whose module is still the checkout. Returns where it lies."""
    left_out = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(example, directory, ignore=left_out, dirs_exist_ok=True)
    # A relative source stays a local module; Terraform would copy an absolute one whole, .venv and all.
    module = os.path.relpath(terraform.ROOT, directory)
    for path in directory.glob("*.tf"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'(source\s*=\s*)"(\.\./)+\.\."', rf'\1"{module}"', text), encoding="utf-8")
    return directory


def _end(process: subprocess.Popen[str]) -> None:
    """Terraform and its provider share a process group; nothing local is worth waiting for."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
