"""`make test`: its summary says what failed and what to do next, and its end is that of its steps."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.steps import ROOT, summed_up


def session(name: str, result: str, *signatures: str) -> dict[str, object]:
    return {"name": name, "result": result, "signatures": list(signatures)}


def test_where_all_passed_the_last_line_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert summed_up([session("lint", "success"), session("unit", "success")]) == 0
    assert capsys.readouterr().out == "2 passed, 0 failed\n"


def test_a_failed_step_is_named_with_the_command_that_runs_it_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sessions = [
        session("lint", "failed"),
        session("runtimes", "failed", "runtimes-3.12", "runtimes"),
        session("runtimes", "success", "runtimes-3.13", "runtimes"),
    ]
    assert summed_up(sessions) == 1
    assert capsys.readouterr().out.splitlines() == [
        "failed: lint. To run it again alone: .venv/bin/nox --session lint",
        "failed: runtimes-3.12. To run it again alone: .venv/bin/nox --session runtimes-3.12",
        "1 passed, 2 failed",
    ]


def test_a_step_whose_requirement_failed_counts_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert summed_up([session("terraform", "failed"), session("e2e", "aborted")]) == 1
    assert capsys.readouterr().out.endswith("0 passed, 2 failed\n")


def test_a_skipped_step_is_counted_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert summed_up([session("lint", "success"), session("runtimes", "skipped", "runtimes-3.10")]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed, 1 skipped\n"


NOX = """
import time
time.sleep(1)  # until the signal would be handled
try:
    print("started", flush=True)
    time.sleep(30)
except KeyboardInterrupt:
    print("cleaned up", flush=True)
"""
STEPS = f"""
import sys
from pathlib import Path
from scripts import steps
steps.REPORT = Path(sys.argv[1])
steps.NOX = (sys.executable, "-c", {NOX!r})
sys.exit(steps.main([]))
"""


@pytest.mark.parametrize("before", ["", "trap '' INT; "], ids=["as-usual", "interrupts-ignored"])
def test_where_it_is_terminated_its_steps_clean_up(before: str, tmp_path: Path) -> None:
    """As when a run of CI is cancelled: what the steps have started would run on."""
    program = shlex.join([sys.executable, "-c", STEPS, str(tmp_path / "report.json")])
    command = ["sh", "-c", f"{before}exec {program}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as steps:
        assert steps.stdout
        assert steps.stdout.readline() == "started\n"
        steps.terminate()
        assert steps.stdout.readline() == "cleaned up\n"
    assert steps.returncode != 0
