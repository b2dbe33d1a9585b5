"""deploy.sh of the example, with a stand-in for the AWS CLI: every name of a file becomes its key.

tests/e2e/test_examples.py runs it against a local AWS; here are names, options and answers that it lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "deploy-step" / "deploy.sh"

AWS = f"""#!{sys.executable}
import os, sys
arguments = sys.argv[1:]
if arguments[:2] == ["s3", "sync"]:
    for directory, _, names in os.walk("."):
        for name in sorted(names):
            key = os.path.relpath(os.path.join(directory, name))
            print("upload:", key if "/" in key else "./" + key, "to", arguments[3] + "/" + key)
    sys.exit(int(os.environ.get("SYNC_EXIT", "0")))
payload = arguments[arguments.index("--payload") + 1].removeprefix("fileb://")
with open(os.environ["REQUESTS"], "a") as kept, open(payload) as request:
    kept.write(request.read())
with open(arguments[-1], "w") as answer:
    answer.write(os.environ.get("ANSWER", '{{"completed": true}}'))
print(os.environ.get("FUNCTION_ERROR", "None"))
"""
"""It prints what the AWS CLI prints: LOCAL is the key, with ./ before it at the top of the folder."""

NAMES = (
    *(
        "a b",
        " lead",
        "trail ",
        "it's",
        'q"uote',
        "back\\slash",
        "tab\tx",
        "cr\rx",
        "a+b",
        "ü 語😀",
        "%2F",
        "*",
    ),
    *("-rf", "$(touch planted)", "`id`", "x to s3:", "upload: .", "sub/inner", "sub/x to s3:"),
)


@dataclass
class Step:
    """A folder, and what deploy.sh asked of the function."""

    folder: Path

    def run(self, *options: str, **environment: str) -> int:
        """The exit code."""
        (self.folder.parent / "requests").unlink(missing_ok=True)
        variables = dict(os.environ) | {
            "PATH": f"{self.folder.parent}:{os.environ['PATH']}",
            "REQUESTS": str(self.folder.parent / "requests"),
        }
        command = ["sh", str(SCRIPT), str(self.folder), "bucket", "function", *options]
        return subprocess.run(
            command, env=variables | environment, cwd=self.folder.parent, capture_output=True, check=False
        ).returncode

    @property
    def requests(self) -> list[dict[str, object]]:
        """In their order."""
        kept = self.folder.parent / "requests"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


@pytest.fixture
def step(tmp_path: Path) -> Step:
    aws = tmp_path / "aws"
    aws.write_text(AWS, encoding="utf-8")
    aws.chmod(0o755)
    (tmp_path / "folder").mkdir()
    return Step(tmp_path / "folder")


def test_every_name_becomes_its_key(step: Step) -> None:
    for name in NAMES:
        file = step.folder / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert step.run(REQUEST_BYTES="60") == 0
    found = step.requests
    assert {(request["bucket"], request["wait"]) for request in found} == {("bucket", True)}
    keys = [key for request in found for key in request["keys"]]  # type: ignore[attr-defined]
    assert sorted(keys) == sorted(NAMES)
    assert not list(step.folder.parent.rglob("planted"))


def test_nothing_uploaded(step: Step) -> None:
    assert (step.run(), step.requests) == (0, [])


@pytest.mark.parametrize("option", ["--quiet", "--only-show-errors", "--dryrun"])
def test_an_option_that_hides_the_keys_is_refused_before_anything_is_uploaded(
    step: Step, option: str
) -> None:
    (step.folder / "a").touch()
    assert (step.run("--delete", option), step.requests) == (2, [])


@pytest.mark.parametrize(
    "trouble",
    [
        {"FUNCTION_ERROR": "Unhandled"},
        {"ANSWER": '{"completed": false}'},
        {"ANSWER": "{}"},
        {"SYNC_EXIT": "1"},
    ],
)
def test_trouble_fails_the_step(step: Step, trouble: dict[str, str]) -> None:
    """What a failed upload has changed is invalidated all the same."""
    (step.folder / "a").touch()
    assert (step.run(**trouble), len(step.requests)) == (1, 1)


def test_a_line_break_in_a_name(step: Step) -> None:
    (step.folder / "a\nb").touch()
    (step.folder / "c").touch()
    assert (step.run(), [request["keys"] for request in step.requests]) == (1, [["c"]])
