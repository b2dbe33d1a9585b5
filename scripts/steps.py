"""Runs make targets in turn, each under a header, and sums up: `python -m scripts.steps lint unit`.

A failed step does not keep the next one from running, so that one run tells all. Exits 1 if any failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent


def main(steps: list[str]) -> int:
    console = Console(highlight=False)
    failed: list[str] = []
    began = time.monotonic()
    # What a step inherits from the make that runs this must not change what it does.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")
    }
    for step in steps:
        console.rule(f"[bold]{step}", align="left")
        step_began = time.monotonic()
        done = subprocess.run(["make", "--no-print-directory", step], cwd=ROOT, env=environment, check=False)
        if done.returncode:
            failed.append(step)
        verdict = f"[red]failed: run `make {step}` again alone" if done.returncode else "[green]ok"
        console.print(f"{verdict}[/] [dim]({step}, {time.monotonic() - step_began:.0f} s)")
    console.rule("[bold]summary", align="left")
    console.print(f"{', '.join(steps)}: {time.monotonic() - began:.0f} s")
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}")
    console.print(f"steps: {len(steps) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
