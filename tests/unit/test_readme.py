"""The README's table of changes and paths is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from invalidator.paths import viewer_paths
from invalidator.settings import Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
TABLE = README.split("## What is invalidated for which change")[1].split("\n## ")[0]
ROWS = [
    (left, right)
    for left, right in re.findall(r"^\| (.*) \| (.*) \|$", TABLE, re.MULTILINE)
    if left.count("`") >= 2 and right.startswith("`")
]
SETTING = re.compile(r"with `(\w+) = ([^`]+)`")


def test_the_table_was_found() -> None:
    assert len(ROWS) >= 10


@pytest.mark.parametrize(("change", "paths"), ROWS, ids=[change for change, _ in ROWS])
def test_a_change_of_the_table_is_invalidated_at_its_paths(change: str, paths: str) -> None:
    """A row may name a setting; what a row says after "or" has one of its own."""
    key = re.findall(r"`([^`]+)`", SETTING.sub("", change))[0]
    for alternative in paths.split(", or "):
        chosen = dict(SETTING.findall(change) + SETTING.findall(alternative))
        expected = re.findall(r"`([^`]+)`", SETTING.sub("", alternative))
        route = {"distribution_id": "E1", "bucket": "site"}
        values = {name: json.loads(value) for name, value in chosen.items()}
        tilde = values.pop("tilde", "wildcard")
        settings = Settings.from_document(
            {"version": 1, "tilde": tilde, "routes": {"site": {**route, **values}}}
        )
        assert sorted(viewer_paths(key, settings.routes[0], settings.tilde, 0)) == sorted(expected)
