"""Ten thousand malformed events: whatever comes, a batch comes back, and the good messages get through."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import payloads
from tests.support.malformed import places, put_together, taken_apart

from invalidator.events import Batch, Part, read

INVOCATION = "invocation"
GOOD = ("good-1", "good-2")

PAYLOADS = [taken_apart({"payload": payloads.load(name)}) for name in payloads.names()]
AS_TEXT = [json.dumps(payload) for payload in PAYLOADS]

NAMES = st.sampled_from(["x", "Records", "paths", "tags", "detail", "Message", "body"])
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 2.5, 10**30, float("nan"), float("inf")),
        *([], {}, [[]], [None], {"x": 1}, {"Records": [0]}),
        *("", "0", "2.1", "3", "x", "%", "%ff", "\ud800", "\x00", "{}", "["),
        *("aws:s3", "aws:sqs", "aws:sns", "aws.s3", "aws.x"),
    ]
).map(copy.deepcopy)
JSON: st.SearchStrategy[Any] = st.recursive(
    JUNK | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def malformed(draw: st.DrawFn) -> Any:
    """A real payload of which up to three parts were dropped, replaced, doubled or renamed; or any JSON."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    around = json.loads(draw(st.sampled_from(AS_TEXT)))
    for _ in range(draw(st.integers(1, 3))):
        every = list(places(around))
        holder, where = draw(st.sampled_from(every))
        match draw(st.sampled_from(["drop", "replace", "double", "rename"])):
            case "drop" if holder is not around:
                del holder[where]
            case "double" if isinstance(holder, list):
                holder.append(holder[where])
            case "rename" if isinstance(holder, dict) and holder is not around:
                holder[draw(NAMES)] = holder.pop(where)
            case _:
                holder[where] = draw(JUNK)
    return put_together(around)["payload"]


def queue_message(message_id: str, body: str) -> dict[str, Any]:
    return {**payloads.load("sqs/s3-object-created")["Records"][0], "messageId": message_id, "body": body}


GOOD_BODY = json.dumps(payloads.load("s3/object-created"))


def check_filed(batch: Batch) -> None:
    """No message vanishes without a word: each has a part, and each part a message."""
    parts: list[Part] = [*batch.changes, *batch.requests, *batch.ignored, *batch.rejected]
    assert {part.message_id for part in parts} == set(batch.message_ids)


def check_good(batch: Batch, message_ids: tuple[str, ...]) -> None:
    for message_id in message_ids:
        assert [change.key for change in batch.changes if change.message_id == message_id] == [
            "images/red flower.jpg"
        ]
        assert message_id not in {rejected.message_id for rejected in batch.rejected}


@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(malformed())
def test_a_malformed_event_fails_alone(payload: Any) -> None:
    """By itself, as a message between good ones, and as the event of a queue that has a good one besides."""
    check_filed(read(payload, INVOCATION))

    bodies = [GOOD_BODY, json.dumps(payload), GOOD_BODY]
    batch = read({"Records": list(map(queue_message, (GOOD[0], "malformed", GOOD[1]), bodies))}, INVOCATION)
    assert batch.queued
    assert batch.message_ids == (GOOD[0], "malformed", GOOD[1])
    check_filed(batch)
    check_good(batch, GOOD)

    if isinstance(payload, dict) and isinstance(payload.get("Records"), list):
        batch = read(
            {**payload, "Records": [*payload["Records"], queue_message(GOOD[0], GOOD_BODY)]}, INVOCATION
        )
        assert batch.queued
        check_good(batch, GOOD[:1])


@given(st.text() | st.binary().map(lambda some: some.decode("latin-1")))
def test_a_body_that_is_any_text_fails_alone(body: str) -> None:
    batch = read(
        {"Records": [queue_message("malformed", body), queue_message(GOOD[0], GOOD_BODY)]}, INVOCATION
    )
    check_filed(batch)
    check_good(batch, GOOD[:1])
