"""What a new sandbox costs before its first event, side by side with a handler of twenty lines.

`python -m bench.cold_start [--write]` prints the table of docs/benchmark.md and exits with 1 where a function
takes over a twentieth more processor time than the twenty lines; with `--write` it makes the table anew. Each
start is a process of its own, which finds boto3 compiled and the package not, as in Lambda. What Lambda's
own runtime takes is in none of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from bench.planner import document, table  # noqa: E402 (the path above makes it importable from a script)

PACKAGE = ROOT / "lambda" / "dist" / "invalidator.zip"
STARTS = 21
"""Of each kind, one after the other: the least of many is what a start takes on a machine with other work."""
MOST_MULTIPLE = 1.05

TWENTY_LINES = """
import json
import logging
import os
import time
from urllib.parse import unquote_plus

import boto3

log = logging.getLogger()
cloudfront = boto3.client("cloudfront")


def handler(event, context):
    keys = [unquote_plus(record["s3"]["object"]["key"]) for record in event["Records"]]
    paths = {"Quantity": len(keys), "Items": ["/" + key for key in keys]}
    batch = {"Paths": paths, "CallerReference": str(time.time())}
    answer = cloudfront.create_invalidation(
        DistributionId=os.environ["DISTRIBUTION_ID"], InvalidationBatch=batch
    )
    log.info(json.dumps(answer, default=str))
"""

MEASURE = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
print(used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1024)
"""

COLLECTOR = {"PLAN_QUEUE_URL": "https://example.com/plan.fifo"}
STARTED: dict[str, tuple[str, dict[str, str]]] = {
    "Python alone": ("", {}),
    "twenty lines": (TWENTY_LINES, {}),
    "collector": ("import index", COLLECTOR),
    "planner": ("import index", {}),
}
"""What is started → the program, and what its environment has beside Lambda's."""
PROMISED = ("collector", "planner")


class Start(NamedTuple):
    """What one process took."""

    seconds: float
    """Processor time of the process, in its own code and in the system's."""
    megabytes: float


def start(name: str, package: Path) -> Start:
    """One start, with the package in this folder."""
    program, more = STARTED[name]
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_RUNTIME_API": "example",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(package),
        **more,
    }
    command = [sys.executable, "-c", program + MEASURE]
    done = subprocess.run(command, cwd=package, env=environment, check=True, capture_output=True, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    return Start(seconds, megabytes)


def measured() -> dict[str, Start]:
    """What is started → the least seconds, and the most megabytes."""
    starts: dict[str, list[Start]] = {name: [] for name in STARTED}
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(PACKAGE).extractall(folder)
        for number in range(STARTS):
            print(f"\rstart {number + 1} of {STARTS}", end="", file=sys.stderr, flush=True)
            for name in STARTED:
                starts[name].append(start(name, Path(folder)))
    print(file=sys.stderr)
    return {
        name: Start(min(each.seconds for each in found), max(each.megabytes for each in found))
        for name, found in starts.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the table anew")
    arguments = parser.parse_args()
    figures = measured()
    text = table(
        ("started", "processor time", "peak of the process"),
        [
            (name, f"{each.seconds * 1_000:.0f} ms", f"{each.megabytes:.0f} MB")
            for name, each in figures.items()
        ],
    )
    print(text)
    if arguments.write:
        page = ROOT / "docs" / "benchmark.md"
        page.write_text(document({"cold_start": text}, page.read_text()))
    most = figures["twenty lines"].seconds * MOST_MULTIPLE
    broken = [name for name in PROMISED if figures[name].seconds > most]
    print("\nEvery promise holds." if not broken else f"\nOver {most * 1_000:.0f} ms: {', '.join(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
