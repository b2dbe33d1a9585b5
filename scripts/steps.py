"""Runs make targets, two at a time, and sums up: `python -m scripts.steps e2e lint unit`.

The first is the longest: it starts first, beside all the others. A step's output is shown when it has ended,
so that no two mix. A failed step does not keep the next one from running, so that one run reports all. Exits
1 if any failed. By hand, for nox runs one session after the other and parallel make mixes their output.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent

AT_ONCE = 2
PROGRESS_SECONDS = 15


@dataclass(frozen=True)
class Done:
    """A step that has ended."""

    name: str
    failed: bool
    output: str
    seconds: float


def run(step: str) -> Done:
    """The step, with all that it said."""
    began = time.monotonic()
    # What a step inherits from the make that runs this must not change what it does.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")
    }
    made = subprocess.run(
        ["make", "--no-print-directory", step],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Done(step, made.returncode != 0, made.stdout, time.monotonic() - began)


def main(steps: list[str]) -> int:
    console = Console(highlight=False)
    began = time.monotonic()
    ended: list[Done] = []
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        running: dict[Future[Done], str] = {lanes.submit(run, step): step for step in steps}
        while running:
            finished, _ = wait(running, timeout=PROGRESS_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                del running[future]
                ended.append(future.result())
                show(console, ended[-1])
            if not finished:
                under_way = ", ".join(step for future, step in running.items() if future.running())
                console.print(f"[dim]… {under_way}: {time.monotonic() - began:.0f} s[/]")
    failed = [done.name for done in ended if done.failed]
    console.rule("[bold]summary", align="left")
    console.print(f"{', '.join(f'{done.name} {done.seconds:.0f} s' for done in ended)}")
    console.print(f"all of it: {time.monotonic() - began:.0f} s")
    if failed:
        console.print(f"[red]failed: {', '.join(failed)}")
    console.print(f"{len(steps) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def show(console: Console, done: Done) -> None:
    """A header, what the step said, and how it ended."""
    console.rule(f"[bold]{done.name}", align="left")
    console.out(done.output.rstrip(), highlight=False)
    verdict = f"[red]failed: run `make {done.name}` again alone" if done.failed else "[green]ok"
    console.print(f"{verdict}[/] [dim]({done.name}, {done.seconds:.0f} s)")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
