"""The messages of the plan queue: how they are read, grouped, given up and sent anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invalidator import chunks, planner
from invalidator.chunks import Chunk, DeadLetter, Parcel
from invalidator.planner import Received
from invalidator.settings import Settings

ROUTES = {
    "site": {"distribution_id": "ESITE", "bucket": "assets"},
    "tenant": {"distribution_tenant_id": "dt_1", "bucket": "assets"},
}
SETTINGS = Settings.from_document({"version": 1, "routes": ROUTES})
CHUNK = Chunk("ESITE", "distribution", 990.0, {"/a": 970.0}, {"#tag": 980.0, "/b/*": 985.0}, 1)


def message(chunk: Chunk | None = CHUNK, **fields: Any) -> Received:
    given: dict[str, Any] = {
        "message_id": "c1",
        "receipt": "r1",
        "receives": 1,
        "group": "ESITE/merge",
        "body": "body",
    }
    return Received(**(given | fields), chunk=chunk)


def test_a_batch_is_read_with_all_that_sqs_says_of_its_messages() -> None:
    attributes = {"ApproximateReceiveCount": "7", "MessageGroupId": "ESITE/exact"}
    full = {"messageId": "c1", "receiptHandle": "r1", "body": CHUNK.body(), "attributes": attributes}
    bare = {"messageId": "c2", "body": "{"}
    first, second = planner.read({"Records": [full, bare]})
    assert first == Received("c1", "r1", 7, "ESITE/exact", CHUNK.body(), CHUNK)
    assert second == Received(
        "c2", "", 1, "", "{", None, "the message of the plan queue is not JSON: JSONDecodeError"
    )


def test_a_message_that_is_no_chunk_can_never_be_carried_out() -> None:
    assert planner.permanent_error(SETTINGS, message(None, error="no chunk"), 1_000.0) == "no chunk"


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        pytest.param(Chunk("ESITE", "distribution", 990.0, {}), "", id="a distribution"),
        pytest.param(Chunk("dt_1", "tenant", 990.0, {}), "", id="a tenant"),
        pytest.param(
            Chunk("EGONE", "distribution", 990.0, {}),
            "no route names the distribution 'EGONE' any more: add one, then redrive",
            id="a distribution without a route",
        ),
        pytest.param(
            Chunk("ESITE", "tenant", 990.0, {}),
            "no route names the tenant 'ESITE' any more: add one, then redrive",
            id="another kind",
        ),
    ],
)
def test_a_chunk_without_a_route_can_never_be_carried_out(chunk: Chunk, error: str) -> None:
    assert planner.permanent_error(SETTINGS, message(chunk), 1_000.0) == error


def test_a_chunk_is_given_up_before_sqs_deletes_it() -> None:
    last = 990.0 + planner.SECONDS_KEPT
    assert planner.permanent_error(SETTINGS, message(), last) == ""
    assert planner.permanent_error(SETTINGS, message(), last + 1) == (
        "it waited for 9.5 days: see the log for what CloudFront refused"
    )


def test_messages_are_grouped_and_exact_lanes_come_first() -> None:
    sent = [
        message(message_id="c1", group="ESITE/merge"),
        message(message_id="c2", group="ESITE/exact"),
        message(message_id="c3", group="ESITE/merge"),
        message(None, message_id="c4", group="ESITE/exact"),
    ]
    groups = planner.by_group(sent)
    assert [[each.message_id for each in group] for group in groups] == [["c2", "c4"], ["c1", "c3"]]


def test_a_whole_message_is_given_up_in_the_form_of_a_direct_request() -> None:
    (dead_letter,) = planner.dead_letters_of_message(message(), "no such distribution")
    assert json.loads(dead_letter.body) == {
        "distribution_id": "ESITE",
        "paths": ["/a", "/b/*"],
        "tags": ["#tag"],
    }
    assert (dead_letter.reason, dead_letter.distribution_id) == ("no such distribution", "ESITE")


def test_a_message_that_is_no_chunk_is_given_up_with_its_body() -> None:
    assert planner.dead_letters_of_message(message(None), "no chunk") == [DeadLetter("body", "no chunk")]


def test_dead_letters_are_small_enough_for_a_message_and_hold_every_item() -> None:
    items = [f"/{number:06}" for number in range(40_000)]
    found = list(planner.dead_letters_of_items("ESITE", items, "no"))
    assert [item for each in found for item in json.loads(each.body)["paths"]] == items
    assert max(len(each.body) for each in found) <= chunks.MAX_BYTES
    assert len(found) == 3
    assert list(planner.dead_letters_of_items("ESITE", [], "no")) == []


def test_only_messages_that_were_received_often_are_sent_anew() -> None:
    often = planner.RECEIVES_BEFORE_RESENDING
    sent = [
        message(message_id="c1", receives=often - 1),
        message(message_id="c2", receives=often),
        message(None, message_id="c3", receives=often),
    ]
    assert planner.as_new_messages(sent) == [Parcel("ESITE/merge", CHUNK, frozenset({"c2"}))]
