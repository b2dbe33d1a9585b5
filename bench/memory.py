"""The memory that a batch of 6 MB takes: each kind through the packaged handler, in a process of its own.

`python -m bench.memory [--write]` prints the table of docs/benchmark.md and exits with 1 where a batch takes
more than 160 MB; with `--write` it makes the table anew. SQS and CloudFront are stubs that accept everything:
what they answer takes no memory, and the batch is the largest that Lambda hands over.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lambda" / "dist" / "invalidator.zip"
sys.path[:0] = [str(ROOT), str(PACKAGE)]

from bench.growth import most_megabytes  # noqa: E402 (the path above makes it importable from a script)

BATCH_BYTES = 6_000_000
"""Lambda's limit of a payload (Lambda developer guide, "Lambda quotas")."""
BATCH_MESSAGES = 10_000
"""The most messages of a batch of a standard queue (Lambda API reference, CreateEventSourceMapping)."""
MOST_MEGABYTES = 160

KEYS: dict[str, Callable[[int], str]] = {
    "short names": lambda number: f"docs/some/dir-{number // 50}/page-{number}.html",
    "a thousand spaces": lambda number: (" " * 1_000 + f"{number}.a.b.c")[-1_024:],
    "a thousand bytes of emoji": lambda number: "\U0001f600" * 250 + str(number),
}
ROUTE = {
    "distribution_id": "E1EXAMPLE",
    "bucket": "site",
    "query_strings": True,
    "strip_extensions": [".c", ".b.c", ".a.b.c"],
}
STAGES = ("collector", "without queues", "request by key")


def records(key: Callable[[int], str]) -> Iterator[dict[str, Any]]:
    """Messages of S3's notifications, as many as a batch holds."""
    size = 0
    for number in range(BATCH_MESSAGES):
        changed = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventTime": "2026-11-25T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "site"}, "object": {"key": form_encoded(key(number))}},
        }
        record = {
            "messageId": f"m{number}",
            "receiptHandle": "r" * 300,
            "body": json.dumps({"Records": [changed]}),
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:changes",
        }
        size += len(json.dumps(record))
        if size > BATCH_BYTES:
            return
        yield record


def form_encoded(key: str) -> str:
    from urllib.parse import quote_plus  # noqa: PLC0415 (not in the process that is measured)

    return quote_plus(key, safe="/")


def requested(key: Callable[[int], str]) -> Iterator[str]:
    """Keys of a direct request, as many as fit into it."""
    size = 0
    for number in range(BATCH_BYTES):
        name = key(number)
        size += len(json.dumps(name)) + 2
        if size > BATCH_BYTES:
            return
        yield name


def peak(stage: str, event: str) -> float:
    """Megabytes that this process takes for the event, given as JSON."""
    routes = {"site": ROUTE}
    os.environ |= {
        "SETTINGS": json.dumps({"version": 1, "routes": routes, "inventory": False}),
        "AWS_DEFAULT_REGION": "us-east-1",
        "DEAD_LETTER_QUEUE_URL": "https://example.com/dead-letters",
        "AWS_LAMBDA_FUNCTION_NAME": "invalidate-cloudfront",
    }
    if stage == "collector":
        os.environ["PLAN_QUEUE_URL"] = "https://example.com/plan.fifo"
    import index  # noqa: PLC0415 (only this process needs the handler)
    from invalidator import cloudfront, queues  # noqa: PLC0415
    from invalidator.report import InvalidationError  # noqa: PLC0415
    from invalidator.submission import Accepted  # noqa: PLC0415

    class Client:
        def send_message_batch(self, **_: object) -> dict[str, Any]:
            return {}

    class Context:
        aws_request_id = "request"

        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    setattr(queues, "client", Client)  # noqa: B010 (a stub has another type)
    setattr(cloudfront, "creator", lambda _: lambda _: Accepted("I1", "InProgress"))  # noqa: B010
    payload = json.loads(event)
    del event
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(InvalidationError):
        index.lambda_handler(payload, Context())
    return most_megabytes()


def measured(stage: str, kind: str) -> tuple[int, float]:
    """How many messages or keys the batch has, and the megabytes of a process that reads it."""
    key = KEYS[kind]
    parts: list[Any] = list(requested(key)) if stage == "request by key" else list(records(key))
    event = {"keys" if stage == "request by key" else "Records": parts}
    command = [sys.executable, __file__, "--peak", stage]
    done = subprocess.run(command, input=json.dumps(event), check=True, capture_output=True, text=True)
    return len(parts), float(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument(
        "--peak", metavar="STAGE", help="read an event from standard input and print megabytes"
    )
    parser.add_argument("--write", action="store_true", help="make the table anew")
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak(arguments.peak, sys.stdin.read()))
        return 0

    from bench.planner import document, table  # noqa: PLC0415 (not in the process that is measured)

    figures = {(stage, kind): measured(stage, kind) for kind in KEYS for stage in STAGES}
    text = table(
        ("keys", "stage", "messages or keys", "peak of the process"),
        [(kind, stage, count, f"{size:.0f} MB") for (stage, kind), (count, size) in figures.items()],
        words=2,
    )
    print(text)
    if arguments.write:
        page = ROOT / "docs" / "benchmark.md"
        page.write_text(document({"memory": text}, page.read_text()))
    broken = [f"{kind}, {stage}" for (stage, kind), (_, size) in figures.items() if size > MOST_MEGABYTES]
    print("\nEvery promise holds." if not broken else f"\nOver {MOST_MEGABYTES} MB: {'; '.join(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
