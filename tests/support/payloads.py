"""The payload files of tests/events, by the name of their source and of what happened."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[1] / "events"


def load(name: str) -> Any:
    """The payload of `SOURCE/what-happened`."""
    return json.loads(_text(name))


@cache
def _text(name: str) -> str:
    return (DIRECTORY / f"{name}.json").read_text(encoding="utf-8")


def names() -> list[str]:
    return sorted(
        file.relative_to(DIRECTORY).with_suffix("").as_posix() for file in DIRECTORY.rglob("*.json")
    )
