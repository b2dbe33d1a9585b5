"""A short run of what bench/fuzz.py tries, and that it would notice."""

from __future__ import annotations

import json
import random

import pytest
from tests.support import fuzzing

from invalidator import events


def test_short_run() -> None:
    found = fuzzing.run(2_000, seed=1)
    assert (found["payloads"], found["names"], found["texts"]) == (2_000, 2_000, 200)
    assert found["rejected"] > 200
    assert found["changes"] > 200
    assert found["wildcards"] > 200
    assert found["rejected texts"] > 100
    assert found["planned of texts"] > 10


def test_the_same_seed_tries_the_same() -> None:
    assert fuzzing.run(200, seed=2) == fuzzing.run(200, seed=2) != fuzzing.run(200, seed=3)


def test_an_exception_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "read", lambda *_, **__: 1 / 0)
    with pytest.raises(fuzzing.BrokenPromiseError, match="ZeroDivisionError"):
        fuzzing.try_payload({})


@pytest.mark.parametrize(
    ("broken", "instead", "said"),
    [
        ("prepare", lambda *_: 1 / 0, "ZeroDivisionError"),
        ("is_valid_item", lambda _: False, "no items for CloudFront"),
    ],
)
def test_a_broken_way_to_the_plan_is_noticed(
    monkeypatch: pytest.MonkeyPatch, broken: str, instead: object, said: str
) -> None:
    monkeypatch.setattr(fuzzing, broken, instead)
    with pytest.raises(fuzzing.BrokenPromiseError, match=said):
        fuzzing.try_text('{"paths": ["/a"], "distribution_id": "E1"}')


def test_a_missing_bound_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BROKEN_PER_MESSAGE", 10_000)
    record = {
        "messageId": "m",
        "eventSource": "aws:sqs",
        "body": json.dumps({"Records": [{"eventSource": "aws:s3"}] * 501}),
    }
    with pytest.raises(fuzzing.BrokenPromiseError, match="501 records"):
        fuzzing.try_payload({"Records": [record]})


@pytest.mark.parametrize(
    ("items", "said"),
    [(("/nothing",), "stay stale"), (("/*",), "purge a neighbour|nothing of the name")],
    ids=["stale", "neighbour"],
)
def test_a_wrong_item_is_noticed(monkeypatch: pytest.MonkeyPatch, items: tuple[str, ...], said: str) -> None:
    monkeypatch.setattr(fuzzing, "viewer_paths", lambda *_: items)
    with pytest.raises(fuzzing.BrokenPromiseError, match=said):
        fuzzing.try_name(random.Random(1))  # noqa: S311 - repeatable by its seed
