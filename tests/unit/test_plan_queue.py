"""The messages of the plan queue: how they are read, grouped, given up and sent anew."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from tests.support.collecting import parcels_of

from invalidator import chunks, collector, planner
from invalidator.chunks import Chunk, ChunkError, DeadLetter, Parcel
from invalidator.collector import bodies
from invalidator.events import Batch, Change, Rejected, Request
from invalidator.pace import Memory
from invalidator.plan import Invalidation
from invalidator.planner import Ready, Received, Wait
from invalidator.settings import Settings, Target
from invalidator.submission import Outcome
from invalidator.verdicts import Verdict

DAY = 86_400.0
SITE = Target("ESITE")

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
    often, seldom = (
        message(receives=receives)
        for receives in (planner.RECEIVES_WHEN_LATE + 1, planner.RECEIVES_WHEN_LATE)
    )
    assert planner.permanent_error(SETTINGS, often, last) == ""
    assert planner.permanent_error(SETTINGS, often, last + 1) == (
        "it waited for 9.5 days, and CloudFront did not accept it: see the log, then redrive"
    )
    assert planner.permanent_error(SETTINGS, seldom, last + 1) == "", "a redriven chunk is tried"


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


def test_the_time_in_days_is_counted_from_the_first_send() -> None:
    old = Chunk("ESITE", "distribution", 20 * DAY, {"/a": 1.0})
    late = message(old, receives=planner.RECEIVES_WHEN_LATE + 1)
    assert "waited for 10000.0 days" in planner.permanent_error(SETTINGS, late, 10_020 * DAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "ESITE"},
        {"target": {"id": 1, "kind": "distribution"}},
        {"target": {"id": "ESITE", "kind": "bucket"}},
        {"since": "1"},
        {"since": True},
        {"since": None},
        {"changes": "1"},
        {"changes": None},
        {"reference": 1},
        {"reference": None},
        {"paths": ["/a"]},
        {"paths": {"/a": "1"}},
        {"paths": {"/a": None}},
        {"paths": None},
        {"requested": ["/a"]},
        {"requested": {"/a": "1"}},
        {"version": 2},
        {"version": None},
    ],
    ids=str,
)
def test_a_chunk_with_one_wrong_field_is_no_chunk(wrong: dict[str, Any]) -> None:
    document = json.loads(CHUNK._replace(reference="r").body())
    assert Chunk.parse(json.dumps(document)) == CHUNK._replace(reference="r")
    with pytest.raises(ChunkError) as refused:
        Chunk.parse(json.dumps(document | wrong))
    assert str(refused.value) == "the message of the plan queue is " + (
        "not a chunk of version 1" if "version" in wrong else "a chunk with a missing or wrong field"
    )


def test_a_chunk_that_waited_since_a_time_in_whole_seconds_is_read() -> None:
    document = json.loads(CHUNK.body()) | {"since": 990}
    assert Chunk.parse(json.dumps(document)).since == 990.0


def test_a_call_without_an_answer_is_repeated_for_its_target_with_its_reference() -> None:
    chunk = CHUNK._replace(reference="reference")
    ids = frozenset({"c1"})
    assert planner.repetition(SITE, [message(chunk)]) == Invalidation(
        SITE,
        ("#tag", "/a", "/b/*"),
        {"#tag": ids, "/a": ids, "/b/*": ids},
        "reference",
    )
    assert planner.repetition(SITE, [message()]) is None
    assert planner.repetition(SITE, [message(None)]) is None


def test_after_a_refusal_a_plan_waits_and_says_what_cloudfront_said() -> None:
    memory = Memory()
    call = Invalidation(SITE, ("/a",), {"/a": frozenset({"c1"})}, "reference")
    memory.refusals.refused(call, Verdict.THROTTLED, "ESITE: Throttling", 500.0, 0.5)
    chunk = Chunk("ESITE", "distribution", 990.0, {"/a": 970.0})
    step = planner.decide(SETTINGS, SITE, [message(chunk)], memory, dict, now=500.0, wall=1_000.0)
    assert isinstance(step, Wait)
    assert step.reason == "ESITE: Throttling"
    assert step.seconds == memory.refusals.latest(SITE, 0).until - 500.0


def test_a_chunk_holds_the_time_when_it_was_sent_the_times_of_its_changes_and_their_number() -> None:
    changes = (
        Change("m1", "assets", "a", 970.0),
        Change("m2", "assets", "a", 960.12345),
        Change("m3", "assets", "b"),
    )
    found = parcels_of(SETTINGS, Batch(True, ("m1", "m2", "m3"), changes=changes), 1_000.1239)
    parcel = next(each for each in found if each.group == "ESITE/exact")
    assert parcel.chunk == Chunk(
        "ESITE", "distribution", 1_000.124, {"/a": 960.123, "/b": 1_000.124}, change_count=3
    )
    assert parcel.message_ids == {"m1", "m2", "m3"}


def test_the_items_of_requests_are_sent_unchanged_and_no_others() -> None:
    step = planner.decide(SETTINGS, SITE, [message()], Memory(), dict, now=500.0, wall=1_000.0)
    assert isinstance(step, Ready)
    assert step.verbatim == {(SITE, "/b/*"), (SITE, "#tag")}
    assert sorted(item for each in step.invalidations for item in each.items) == ["#tag", "/a", "/b/*"]


def test_a_repeated_call_is_sent_unchanged() -> None:
    repeated = message(CHUNK._replace(reference="reference"))
    step = planner.decide(SETTINGS, SITE, [repeated], Memory(), dict, now=500.0, wall=1_000.0)
    assert isinstance(step, Ready)
    assert [each.items for each in step.invalidations] == [("#tag", "/a", "/b/*")]
    assert step.verbatim == {(SITE, "/b/*"), (SITE, "#tag")}


def test_a_request_for_paths_stands_for_no_changed_object() -> None:
    batch = Batch(
        True, ("q",), requests=(Request("q", paths=("/a", "/b/*"), distribution_id="ESITE", time=970.0),)
    )
    found = parcels_of(SETTINGS, batch, 1_000.0)
    assert [each.chunk.change_count for each in found] == [0, 0]
    assert {item: time for each in found for item, time in each.chunk.requested.items()} == {
        "/a": 970.0,
        "/b/*": 970.0,
    }


def test_what_is_left_of_a_message_is_sent_to_its_target_and_lane() -> None:
    chunk = Chunk("ESITE", "distribution", 990.0, {"/a": 970.0, "/b": 980.0}, change_count=2)
    sent = message(chunk, group="ESITE/exact")
    ids = frozenset({"c1"})
    first = Invalidation(SITE, ("/a",), {"/a": ids}, "first")
    second = Invalidation(SITE, ("/b",), {"/b": ids}, "second")
    settled = planner.settle(
        SITE, [sent], [Outcome(first, "accepted"), Outcome(second, "deferred", retry_at=510.0)], 500.0
    )
    rest = Chunk(
        "ESITE", "distribution", 990.0, {"/b": 980.0}, change_count=settled.rest[0].chunk.change_count
    )
    assert settled.rest == (Parcel("ESITE/exact", rest, ids),)
    unanswered = planner.settle(SITE, [sent], [Outcome(second, "deferred", doubtful=True)], 500.0)
    (again,) = unanswered.rest
    assert (again.group, again.chunk.target_id, again.chunk.reference) == ("ESITE/exact", "ESITE", "second")


def test_a_message_without_attributes_was_received_once() -> None:
    assert bodies({"Records": [{"messageId": "m", "body": "b"}]}) == {"m": ("b", 1)}


def test_a_message_without_a_body_is_given_up_with_an_empty_one() -> None:
    record = {"messageId": "m", "attributes": {"ApproximateReceiveCount": "3"}}
    rejected = [Rejected("m", "body must be a non-empty string, not missing or null")]
    (dead_letter,) = collector.dead_letters({"Records": [record]}, rejected).values()
    assert dead_letter.body == ""


def test_a_dead_letter_has_the_first_five_reasons_each_once() -> None:
    record = {"messageId": "m", "body": "b", "attributes": {"ApproximateReceiveCount": "3"}}
    rejected = [Rejected("m", f"reason {number}") for number in (1, 1, 2, 3, 4, 5, 6, 7)]
    (dead_letter,) = collector.dead_letters({"Records": [record]}, rejected).values()
    assert dead_letter.reason == "reason 1; reason 2; reason 3; reason 4; reason 5"


def test_a_batch_with_more_paths_than_memory_is_sent_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MAX_CHARACTERS", 20)
    changes = tuple(Change(f"m{number}", "assets", f"{number}" * 9, 970.0 + number) for number in range(5))
    sent: list[list[Parcel]] = []

    def send(parcels: Iterable[Parcel]) -> frozenset[str]:
        sent.append(list(parcels))
        return frozenset({f"m{len(sent)}"})

    found = collector.collect(SETTINGS, Batch(True, ("m",), changes=changes), 1_000.0, send)
    assert [sum(len(each.chunk.paths) for each in part) for part in sent] == [4, 4, 2]
    assert (found.chunk_count, found.path_count, set(found.not_sent)) == (6, 10, {"m1", "m2", "m3"})
    assert found.oldest_not_sent == 971.0
