"""`python -m invalidator plan`: what an event would invalidate. It makes no calls, and needs no AWS SDK."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from invalidator import events, pipeline
from invalidator.listing import Listing, pages_of
from invalidator.settings import Settings, SettingsError

MESSAGE_ID = "command-line"
"""The message id of an event that is not from a queue."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plan of an event as JSON; the exit code is 0, or 1 where a part of the event was rejected.

    If the command itself fails (a missing file, no JSON, invalid settings), it prints the reason to standard
    error, and the exit code is 2.
    """
    options = _options(arguments)
    try:
        settings = Settings.from_document(_load(options.settings))
        listing = _listing(_load(options.inventory)) if options.inventory else None
        event = _load(options.event)
    except (OSError, ValueError, RecursionError) as error:
        print(error if isinstance(error, SettingsError) else f"error: {error}", file=sys.stderr)
        return 2
    batch = events.read(event, MESSAGE_ID, answers_jobs=settings.codepipeline)
    prepared = pipeline.prepare(settings, batch, listing)
    print(json.dumps(_described(prepared), indent=2))
    return 1 if prepared.rejected else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m invalidator", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    plan = commands.add_parser("plan", help="print what an event would invalidate", description=main.__doc__)
    plan.add_argument(
        "--settings", required=True, metavar="FILE", help="the SETTINGS document of the function"
    )
    plan.add_argument("--inventory", metavar="FILE", help="a JSON list of the bucket's keys")
    plan.add_argument(
        "event", nargs="?", default="-", metavar="EVENT", help="a file, or - for standard input"
    )
    return parser.parse_args(arguments)


def _load(name: str) -> Any:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        # PowerShell writes a byte order mark.
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error


def _listing(keys: object) -> Listing:
    """A listing of the given keys for any bucket, without limits."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("an inventory is a JSON list of the bucket's keys, each a string")
    return Listing(partial(pages_of, sorted(map(str.encode, keys))), max_pages=math.inf)


def _described(prepared: pipeline.Prepared) -> dict[str, Any]:
    return {
        "invalidations": [
            pipeline.described(invalidation)
            for invalidation in (*prepared.invalidations, *prepared.dry_run_invalidations)
        ],
        "ignored": [pipeline.described_ignored(ignored) for ignored in prepared.ignored],
        "rejected": [{"id": rejected.message_id, "error": rejected.error} for rejected in prepared.rejected],
    }


if __name__ == "__main__":
    sys.exit(main())
