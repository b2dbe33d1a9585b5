"""Remove each statement and each condition of the module's policies in turn: its tests must notice.

`python -m tests.module.statements` takes a quarter of an hour. It exits with 1 where the tests of `make
module` pass without one. What a local AWS would notice is another question, which SECURITY.md answers.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts import terraform
from scripts.terraform import ROOT

TESTS = ("permissions", "triggers", "settings", "unknown", "edits", "observability", "inputs")
"""Files of tests, those first that are likely to notice."""

REMOVALS = {
    "iam.tf": {
        r"Statement = \[\{\n.*?\n    \}\]": "Statement = []",
        r"    \{\n      Effect   = .*?\n    \},\n": "",
        r"      Condition = \{\n.*?\n      \}\n": "",
    },
    "queues.tf": {
        r'    "\w+\.amazonaws\.com" += .*\n': "",
        r"local\.bucket_statements, ": "",
        r"local\.event_statements, ": "",
        r", \[local\.tls_statement\]": "",
        r"Statement = \[merge\(local\.tls_statement, .*\)\]": "Statement = []",
        r"      Condition = \{ ArnEquals.*\n": "",
        r"      ArnEquals    = .*\n": "",
        r"      StringEquals = .*\n": "",
        r"    Condition = \{ Bool.*\n": "",
    },
    "triggers.tf": {
        r'(?<=resource "aws_lambda_permission" ")(\w+" \{\n  for_each = )(.*)\n': (
            r"\1{ for key, value in \2 : key => value if false }" + "\n"
        ),
        r"  source_(?:arn|account) +=.*\n": "",
    },
}
"""File → what to look for, and what stands there without it."""


FAILED_ASSERTION = re.compile(r'on tests/module/\w+\.tftest\.hcl line \d+, in run "')
"""What Terraform says of an assertion that is false, or that looks for a statement that is not there."""


class Removal(NamedTuple):
    """One statement or condition, and the text of its file without it."""

    file: str
    line: int
    removed: str
    text: str


def removals() -> Iterator[Removal]:
    """Every one of the module, in the order of the files."""
    for file, patterns in REMOVALS.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        for pattern, instead in patterns.items():
            found = list(
                re.finditer(pattern, text, re.DOTALL if "\\n" in pattern and ".*?" in pattern else 0)
            )
            if not found:
                sys.exit(f"{file}: nothing matches {pattern}")
            for match in found:
                without = text[: match.start()] + match.expand(instead) + text[match.end() :]
                yield Removal(file, text.count("\n", 0, match.start()) + 1, match[0].strip(), without)


def noticed_by(directory: Path) -> str:
    """The first file of tests that fails there; empty where all pass."""
    for name in TESTS:
        done = subprocess.run(
            [
                *terraform.command(),
                "test",
                "-no-color",
                "-test-directory=tests/module",
                f"-filter=tests/module/{name}.tftest.hcl",
            ],
            cwd=directory,
            env=terraform.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            if not FAILED_ASSERTION.search(done.stdout + done.stderr):
                sys.exit(f"not a failed assertion:\n{done.stdout}\n{done.stderr}")
            return name
    return ""


def main() -> None:
    """Try each removal in a copy of the module, and say what noticed it."""
    unnoticed = 0
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "module"
        copy.mkdir()
        for path in (*ROOT.glob("*.tf"), ROOT / "tests", ROOT / "lambda", ROOT / "examples"):
            if path.is_dir():
                shutil.copytree(path, copy / path.name)
            else:
                shutil.copy(path, copy)
        subprocess.run(
            [*terraform.command(), "init", "-backend=false", "-test-directory=tests/module"],
            cwd=copy,
            env=terraform.environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        for each in removals():
            whole = (copy / each.file).read_text(encoding="utf-8")
            (copy / each.file).write_text(each.text, encoding="utf-8")
            by = noticed_by(copy)
            (copy / each.file).write_text(whole, encoding="utf-8")
            first = " ".join(each.removed.split())[:90]
            print(f"{each.file}:{each.line}: {by or 'NOT NOTICED'}: {first}", flush=True)
            unnoticed += not by
    sys.exit(f"{unnoticed} removals are not noticed" if unnoticed else 0)


if __name__ == "__main__":
    main()
