"""What planning costs as a site grows: each size in a process, and so a time and memory, of its own.

`python -m bench.growth SIZE` plans so many changes of a made-up site, known and blind, and prints JSON.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lambda")]

from tests.support import redeploys  # noqa: E402 (the path above makes it importable from a script)

from invalidator.plan import covering_items  # noqa: E402
from invalidator.settings import Budget  # noqa: E402

WORDS = (
    "article",
    "button",
    "chunk",
    "event",
    "field",
    "frame",
    "guide",
    "image",
    "index",
    "layer",
    "module",
    "package",
)
SHARES_CHANGED = (1.0, 1.0, 1.0, 1.0, 0.95, 0.9, 0.5, 0.1, 0.0)
"""How much of a directory a release changes: mostly all or nothing."""


RUNS = 3


@dataclass(frozen=True)
class Cost:
    """Of planning that many changes once, beside that many unchanged objects."""

    changes: int
    unchanged: int
    known_seconds: float
    """Processor time with an inventory."""
    blind_seconds: float
    megabytes: float
    """The most that the process ever held: interpreter, names and all."""


def measured(what: str) -> Cost:
    """The cost of planning a made-up site of that many changes, or the workload of that name.

    The least seconds of several runs: whatever else a machine does, only adds to them.
    """
    command = [sys.executable, __file__, what]
    runs = [
        Cost(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        for _ in range(RUNS)
    ]
    known_seconds, blind_seconds = (
        min(getattr(run, name) for run in runs) for name in ("known_seconds", "blind_seconds")
    )
    return replace(runs[0], known_seconds=known_seconds, blind_seconds=blind_seconds)


def site(changes: int) -> tuple[list[str], list[str]]:
    """Changed and unchanged paths of a site: pages and hashed assets in nested directories."""
    chance = random.Random(changes)
    changed: list[str] = []
    unchanged: list[str] = []
    for directory in _directories(chance):
        share = chance.choice(SHARES_CHANGED)
        for _ in range(chance.randrange(1, 60)):
            (changed if chance.random() < share else unchanged).append(f"{directory}/{_name(chance)}")
        if len(changed) >= changes:
            return changed[:changes], unchanged
    raise AssertionError("directories never end")


def _directories(chance: random.Random) -> Iterator[str]:
    known = [""]
    while True:
        parent = chance.choice(known)
        directory = f"{parent}/{chance.choice(WORDS)}-{len(known)}"
        if directory.count("/") < 7:
            known.append(directory)
            yield directory


def _name(chance: random.Random) -> str:
    word = chance.choice(WORDS)
    if chance.random() < 0.3:
        return f"{word}-{chance.getrandbits(32):08x}.js"
    return f"{word}{chance.choice(WORDS).title()}{chance.randrange(10_000)}.html"


def _plan(what: str) -> Cost:
    if what.isdigit():
        changed, unchanged = site(int(what))
    else:
        workload = next(workload for workload in redeploys.load() if workload.name == what)
        changed, unchanged = list(workload.changed), list(workload.unchanged)
    start = time.process_time()
    covering_items(changed, Budget(), unchanged)
    between = time.process_time()
    covering_items(changed, Budget())
    end = time.process_time()
    return Cost(len(changed), len(unchanged), between - start, end - between, most_megabytes())


def most_megabytes() -> float:
    """The peak since this program began; getrusage would count the one that started it, too."""
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert peak, "this needs Linux"
    return int(peak[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(vars(_plan(sys.argv[1]))))
