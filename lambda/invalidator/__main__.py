"""`python -m invalidator plan`: what an event would invalidate. It calls nothing, and needs no AWS SDK."""

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
"""The message of an event that no queue brought."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plan of an event as JSON; 0, or 1 where something of it was rejected.

    Where the command itself cannot be carried out (no such file, no JSON, no usable settings), it says
    why on the standard error and ends with 2.
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
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from error


def _listing(keys: object) -> Listing:
    """Any bucket's listing, of the keys in a file, without bounds."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("an inventory is a JSON list of the bucket's keys, each a string")
    return Listing(partial(pages_of, sorted(map(str.encode, keys))), max_pages=math.inf, max_seconds=math.inf)


def _described(prepared: pipeline.Prepared) -> dict[str, Any]:
    return {
        "invalidations": [
            pipeline.described(invalidation)
            for invalidation in (*prepared.invalidations, *prepared.rehearsed)
        ],
        "ignored": [{"id": ignored.message_id, "reason": ignored.reason} for ignored in prepared.ignored],
        "rejected": [{"id": rejected.message_id, "error": rejected.error} for rejected in prepared.rejected],
    }


if __name__ == "__main__":
    sys.exit(main())
