"""What the caller, the queue, the log and the metrics get of one invocation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from invalidator.chunks import Chunk
from invalidator.collector import Collected
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.pipeline import Prepared
from invalidator.plan import Invalidation
from invalidator.planner import Received, Wait
from invalidator.report import (
    LOGGED_IDS,
    LOGGED_REASONS,
    RECORDS_AT_ONCE,
    InvalidationError,
    PlanReport,
    Report,
    answer,
    batch_record,
    bounded,
    by_function,
    collected_metrics,
    collected_record,
    failure_records,
    job_errors,
    metrics,
    partial_answer,
    plan_metrics,
    plan_record,
    replaced_records,
    waiting_metrics,
    waiting_record,
)
from invalidator.settings import Target
from invalidator.submission import Outcome

SITE = Target("ESITE")
TENANT = Target("dt_1", "tenant")


def invalidation(serves: dict[str, set[str]], target: Target = SITE) -> Invalidation:
    return Invalidation(
        target, tuple(sorted(serves)), {item: frozenset(ids) for item, ids in serves.items()}, "reference"
    )


def report(
    *outcomes: Outcome, queued: bool = True, batch: Batch | None = None, prepared: Prepared | None = None
) -> Report:
    batch = batch or Batch(queued, ("m1", "m2", "m3"))
    prepared = prepared or Prepared(tuple(each.invalidation for each in outcomes), (), (), (), {SITE: 3})
    return Report(batch, prepared, outcomes, {SITE: 2})


ACCEPTED = Outcome(
    invalidation({"/a": {"m1"}, "/b/*": {"m1", "m2"}}), "accepted", id="I1", progress="InProgress"
)
REFUSED = Outcome(invalidation({"/c": {"m2"}}), "refused", error="ESITE: no")
DEFERRED = Outcome(invalidation({"/d": {"m3"}}), "deferred", error="ESITE: later")


def test_only_the_messages_of_what_was_not_accepted_go_back_to_the_queue() -> None:
    assert answer(report(ACCEPTED, REFUSED, DEFERRED)) == {
        "batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]
    }


def test_a_queue_is_told_of_no_failure_when_all_was_accepted() -> None:
    assert answer(report(ACCEPTED)) == {"batchItemFailures": []}


def test_a_rejected_message_goes_back_to_the_queue() -> None:
    prepared = Prepared((), (), (), (Rejected("m3", "unknown shape"),), {})
    assert answer(report(prepared=prepared)) == {"batchItemFailures": [{"itemIdentifier": "m3"}]}


def test_a_caller_is_told_what_was_created() -> None:
    result = answer(report(ACCEPTED, queued=False))
    assert result["statusCode"] == 200
    assert result["body"] == "CloudFront invalidation created"
    assert result["invalidations"] == [
        {
            "distribution_id": "ESITE",
            "items": ["/a", "/b/*"],
            "caller_reference": "reference",
            "id": "I1",
            "status": "InProgress",
        }
    ]
    assert result["estimated_cost_usd"] == pytest.approx(0.01)


def test_a_tenant_is_called_a_tenant() -> None:
    result = answer(report(Outcome(invalidation({"/a": {"m1"}}, TENANT), "accepted", id="I1"), queued=False))
    assert result["invalidations"][0]["distribution_tenant_id"] == "dt_1"
    assert "distribution_id" not in result["invalidations"][0]


def test_a_caller_of_something_that_failed_gets_a_function_error_with_each_reason_once() -> None:
    with pytest.raises(
        InvalidationError, match=r"^ESITE: no; ESITE: later; of the other items CloudFront accepted 2$"
    ):
        answer(report(ACCEPTED, REFUSED, REFUSED, DEFERRED, queued=False))


def test_where_nothing_else_was_accepted_the_function_error_has_the_reason_alone() -> None:
    with pytest.raises(InvalidationError, match=r"^ESITE: no$"):
        answer(report(REFUSED, queued=False))


def test_a_wildcard_that_replaces_a_refused_name_is_recorded_with_both() -> None:
    outcome = Outcome(invalidation({"/it*": {"m1"}}), "accepted", id="I1", replaces="/it's")
    assert replaced_records([ACCEPTED, outcome]) == [
        {
            "error": "CloudFront refused a name: a wildcard was sent instead",
            "distribution_id": "ESITE",
            "refused": "/it's",
            "item": "/it*",
        }
    ]


def test_a_failure_that_a_pipeline_was_told_of_is_no_function_error_as_well() -> None:
    result = answer(report(REFUSED, queued=False), answered=frozenset({"m2"}))
    assert result["statusCode"] == 200


def test_a_dry_run_says_that_nothing_was_created_and_what_it_would_cost() -> None:
    prepared = Prepared((), (ACCEPTED.invalidation,), (), (), {})
    result = answer(report(queued=False, prepared=prepared))
    assert result["body"] == "Dry run: nothing was created"
    assert result["invalidations"][0]["items"] == ["/a", "/b/*"]
    assert "id" not in result["invalidations"][0]
    assert result["estimated_cost_usd"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("progress", "completed"),
    [
        pytest.param("Completed", True, id="all complete"),
        pytest.param("InProgress", False, id="one still runs"),
    ],
)
def test_who_waits_is_told_whether_it_completed(progress: str, completed: bool) -> None:
    batch = Batch(False, ("m1",), requests=(Request("m1", wait=True),))
    outcome = Outcome(invalidation({"/a": {"m1"}}), "accepted", id="I1", progress=progress)
    assert answer(report(outcome, batch=batch))["completed"] is completed


@pytest.mark.parametrize(("dry_run", "completed"), [(False, True), (True, False)])
def test_nothing_to_invalidate_is_complete_and_a_dry_run_is_not(dry_run: bool, completed: bool) -> None:
    batch = Batch(False, ("m1",), requests=(Request("m1", keys=(), wait=True, dry_run=dry_run),))
    planned = (ACCEPTED.invalidation,) if dry_run else ()
    found = answer(report(batch=batch, prepared=Prepared((), planned, (), (), {})))
    assert found["completed"] is completed


def test_an_invalidation_that_could_not_be_waited_for_fails_its_caller() -> None:
    outcome = Outcome(invalidation({"/a": {"m1"}}), "accepted", id="I1", error="set allow_wait = true")
    with pytest.raises(InvalidationError, match="allow_wait"):
        answer(report(outcome, queued=False))


def test_a_key_that_no_route_serves_is_named_shortened_in_the_answer() -> None:
    ignored = (Ignored("m1", "route site: no", "docs/a.html"), Ignored("m1", "route site: no", "x" * 1_024))
    result = answer(report(queued=False, prepared=Prepared((), (), ignored, (), {})))
    assert result["ignored"] == [
        {"id": "m1", "reason": "route site: no", "key": "docs/a.html"},
        {"id": "m1", "reason": "route site: no", "key": "x" * 120 + "…"},
    ]


def test_something_ignored_is_told_with_its_reason() -> None:
    prepared = Prepared((), (), (Ignored("m1", "a test event"),), (), {})
    result = answer(report(queued=False, prepared=prepared))
    assert result["body"] == "Nothing to invalidate"
    assert result["ignored"] == [{"id": "m1", "reason": "a test event"}]


def test_the_job_of_a_request_and_of_a_rejected_message_are_both_to_be_answered() -> None:
    batch = Batch(False, ("m1", "m2"), requests=(Request("m1", job_id="j1"), Request("m3")))
    prepared = Prepared((), (), (), (Rejected("m2", "no", job_id="j2"), Rejected("m4", "no")), {})
    assert report(batch=batch, prepared=prepared).jobs == {"m1": "j1", "m2": "j2"}


def test_the_job_of_a_request_that_failed_is_told_every_reason() -> None:
    assert job_errors(report(REFUSED, REFUSED._replace(error="ESITE: not that either"))) == {
        "m2": "ESITE: no; ESITE: not that either"
    }


def test_the_record_of_a_batch_counts_what_came_and_what_became_of_it() -> None:
    batch = Batch(True, ("m1", "m2", "m3"), changes=(Change("m1", "b", "a"), Change("m2", "b", "c")))
    prepared = Prepared((), (), (Ignored("m3", "tagging"), Ignored("m3", "tagging")), (), {})
    record = batch_record(report(ACCEPTED, REFUSED, DEFERRED, batch=batch, prepared=prepared))
    assert record == {
        "received": 3,
        "changes": 2,
        "requests": 0,
        "ignored": 2,
        "ignored_reasons": {"tagging": 2},
        "planned_invalidations": 0,
        "planned_paths": 0,
        "submitted_paths": 2,
        "submitted": ["I1"],
        "deferred_paths": 1,
        "refused_paths": 1,
        "failed_messages": 2,
    }


def test_every_refusal_has_its_record_with_the_next_step() -> None:
    prepared = Prepared((), (), (), (Rejected("m9", "rename the object"),), {})
    records = failure_records(report(ACCEPTED, REFUSED, prepared=prepared))
    assert [record["error"] for record in records] == ["rename the object", "ESITE: no"]
    assert records[1]["items"] == ["/c"]


def test_the_metrics_are_documents_of_the_embedded_metric_format() -> None:
    batch = Batch(True, ("m1", "m2"), changes=(Change("m1", "b", "a", 990.0), Change("m2", "b", "c", 995.0)))
    (document,) = metrics(report(ACCEPTED, DEFERRED, batch=batch), now=1000.0)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert document["_aws"]["Timestamp"] == 1_000_000
    assert directive["Namespace"] == "CloudFrontInvalidation"
    assert directive["Dimensions"] == [["DistributionId"]]
    assert {metric["Name"] for metric in directive["Metrics"]} == set(document) - {"_aws", "DistributionId"}
    figures = {name: document[name] for name in document if name != "_aws"}
    assert figures == {
        "DistributionId": "ESITE",
        "Changes": 3,
        "Paths": 2,
        "Wildcards": 1,
        "Invalidations": 1,
        "Deferred": 1,
        "RefusedPaths": 0,
        "EstimatedCost": 0.01,
        "Blind": 2,
        "Age": 10.0,
    }
    json.dumps(document)


def test_the_age_is_also_of_what_still_waits() -> None:
    batch = Batch(True, ("m1", "m3"), changes=(Change("m1", "b", "a", 990.0), Change("m3", "b", "d", 1.0)))
    (document,) = metrics(report(ACCEPTED, DEFERRED, batch=batch), now=1000.0)
    assert document["Age"] == 999.0


@pytest.mark.parametrize(("now", "age"), [(1_000.0, 9.75), (980.0, 0.0)], ids=["past", "future"])
def test_the_age_is_in_milliseconds_and_never_negative(now: float, age: float) -> None:
    batch = Batch(True, ("m1",), changes=(Change("m1", "b", "a", 990.2504), Change("m2", "b", "c")))
    (document,) = metrics(report(ACCEPTED, batch=batch), now=now)
    assert document["Age"] == age


def test_a_request_alone_counts_no_change() -> None:
    batch = Batch(False, ("m1",), requests=(Request("m1"),))
    prepared = Prepared((), (), (), (), {})
    (document,) = metrics(report(ACCEPTED, batch=batch, prepared=prepared), now=0.0)
    assert document["Changes"] == 0
    assert "Age" not in document


def test_failures_are_logged_up_to_a_bound_and_the_rest_is_counted() -> None:
    records = bounded([{"error": str(number)} for number in range(RECORDS_AT_ONCE + 7)])
    assert len(records) == RECORDS_AT_ONCE + 1
    assert records[-1]["left_out"] == 7
    assert bounded(records[:3]) == records[:3]


@pytest.mark.parametrize(
    ("by_distribution", "dimensions"),
    [(False, [["FunctionName"]]), (True, [["FunctionName"], ["DistributionId"]])],
)
def test_metrics_are_counted_for_a_function_and_for_distributions_where_that_is_wanted(
    *, by_distribution: bool, dimensions: list[list[str]]
) -> None:
    (document,) = metrics(report(ACCEPTED), now=0.0)
    named = by_function(document, "invalidate", by_distribution=by_distribution)
    assert named["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == dimensions
    assert (named["FunctionName"], named["DistributionId"]) == ("invalidate", "ESITE")


def test_a_rejected_message_is_counted_although_no_distribution_can_be_named_for_it() -> None:
    prepared = Prepared((), (), (), (Rejected("m1", "unknown shape"),), {})
    (document,) = metrics(report(prepared=prepared), now=0.0)
    assert (document["DistributionId"], document["UnreadableMessages"]) == ("none", 1)


CHUNK = Chunk("ESITE", "distribution", 990.0, {"/a": 970.0, "/b": 980.0})
OLDER = Chunk("ESITE", "distribution", 990.0, {"/c": 950.2504}, {"/*": 960.0})
GROUP = (
    Received("c1", "r1", 1, "ESITE/merge", "", CHUNK),
    Received("c2", "r2", 1, "ESITE/merge", "", OLDER),
    Received("c3", "r3", 1, "ESITE/merge", "not a chunk", None, "no chunk"),
)


def figures(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_aws"}


def test_the_record_of_a_collected_batch_counts_what_came_and_what_became_of_it() -> None:
    batch = Batch(True, ("m1", "m2", "m3", "m4"), changes=(Change("m1", "b", "a"),))
    ignored = (Ignored("m2", "tagging"), Ignored("m2", "tagging"), Ignored("m3", "acl"))
    rejected = (Rejected("m4", "no"), Rejected("m4", "no"))
    collected = Collected(2, 3, frozenset({"m1"}), ignored, rejected, {SITE: 3}, 5)
    assert collected_record(batch, collected, {"m3", "m4"}) == {
        "received": 4,
        "changes": 1,
        "requests": 5,
        "ignored": 3,
        "ignored_reasons": {"tagging": 2, "acl": 1},
        "chunks": 2,
        "paths": 3,
        "unreadable": 2,
        "not_sent": 1,
        "dead_letters": 2,
    }


def test_the_record_of_a_batch_names_the_most_frequent_reasons_only() -> None:
    ignored = tuple(Ignored("m", f"reason {n}") for n in range(LOGGED_REASONS + 1) for _ in range(n + 1))
    collected = Collected(0, 0, frozenset(), ignored, (), {}, 0)
    record = collected_record(Batch(True, ("m",)), collected, ())
    assert len(record["ignored_reasons"]) == LOGGED_REASONS
    assert "reason 0" not in record["ignored_reasons"]
    assert record["ignored"] == len(ignored)
    direct = batch_record(report(prepared=Prepared((), (), ignored, (), {})))
    assert (direct["ignored_reasons"], direct["ignored"]) == (record["ignored_reasons"], record["ignored"])


def test_the_metrics_of_a_collected_batch_count_changes_and_unreadable_messages() -> None:
    other = Target("EOTHER")
    rejected = (Rejected("m1", "no"), Rejected("m1", "not either"), Rejected("m2", "no"))
    documents = collected_metrics(Collected(0, 0, frozenset(), (), rejected, {SITE: 3, other: 2}, 0), now=1.5)
    assert list(map(figures, documents)) == [
        {"DistributionId": "EOTHER", "Changes": 2},
        {"DistributionId": "ESITE", "Changes": 3},
        {"DistributionId": "none", "UnreadableMessages": 2},
    ]
    assert {document["_aws"]["Timestamp"] for document in documents} == {1_500}
    assert collected_metrics(Collected(0, 0, frozenset(), (), (), {}, 0), now=1.5) == []


def test_the_age_of_what_the_plan_queue_does_not_accept_is_measured() -> None:
    (document,) = collected_metrics(Collected(1, 1, frozenset("m"), (), (), {}, 0, 900.0), now=1_000.5)
    assert figures(document) == {"DistributionId": "none", "Age": 100.5}


def test_the_record_of_a_plan_counts_its_paths_and_says_how_old_the_oldest_change_is() -> None:
    plan = PlanReport(SITE, GROUP, (ACCEPTED, REFUSED, DEFERRED), {})
    assert plan_record(plan, {"c1": 5.0}, now=1_000.0) == {
        "distribution_id": "ESITE",
        "group": "ESITE/merge",
        "chunks": 3,
        "planned_paths": 3,
        "submitted_paths": 2,
        "deferred_paths": 1,
        "refused_paths": 1,
        "submitted": ["I1"],
        "failed_messages": 1,
        "age_seconds": 49.75,  # to the millisecond
    }


def test_the_metrics_of_a_plan_say_how_many_buckets_could_not_be_listed() -> None:
    plan = PlanReport(SITE, GROUP, (ACCEPTED, REFUSED, DEFERRED), {"assets": "AccessDenied"})
    (document,) = plan_metrics(plan, now=1_000.0)
    assert figures(document) == {
        "DistributionId": "ESITE",
        "Paths": 2,
        "Wildcards": 1,
        "Invalidations": 1,
        "Deferred": 1,
        "RefusedPaths": 1,
        "EstimatedCost": 0.01,
        "Blind": 1,
        "Age": 49.75,
    }
    units = {each["Name"]: each["Unit"] for each in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == dict.fromkeys(units, "Count") | {"Age": "Seconds", "EstimatedCost": "None"}
    assert document["_aws"]["Timestamp"] == 1_000_000


def test_chunks_that_wait_are_recorded_with_the_reason_and_their_age() -> None:
    assert waiting_record(SITE, GROUP, Wait(12.34, "more is coming")) == {
        "distribution_id": "ESITE",
        "group": "ESITE/merge",
        "chunks": 3,
        "seconds": 12.3,
        "reason": "more is coming",
    }
    assert waiting_record(SITE, GROUP[:1], Wait(1.0, "more is coming"))["group"] == "ESITE/merge"
    (document,) = waiting_metrics(SITE, GROUP, now=1_000.0)
    assert figures(document) == {"DistributionId": "ESITE", "Age": 49.75, "Deferred": 3}
    (unreadable,) = waiting_metrics(SITE, GROUP[2:], now=1_000.0)
    assert figures(unreadable) == {"DistributionId": "ESITE", "Age": 0.0, "Deferred": 0}
    (early,) = waiting_metrics(SITE, GROUP, now=900.0)
    assert early["Age"] == 0.0


def test_the_answer_for_a_queue_names_the_failed_messages_in_order() -> None:
    failed = [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]
    assert partial_answer({"b": 1.0, "a": 2.0}) == {"batchItemFailures": failed}


def test_the_record_of_a_failure_is_bounded() -> None:
    """A log event has at most 256 KB."""
    ids = {f"m{number:05}" for number in range(LOGGED_IDS + 1)}
    outcome = Outcome(invalidation({f"/{number:02}": ids for number in range(LOGGED_REASONS + 1)}), "refused")
    (record,) = failure_records(report(outcome._replace(error="no")))
    assert record == {
        "error": "no",
        "messages": LOGGED_IDS + 1,
        "message_ids": sorted(ids)[:LOGGED_IDS],
        "distribution_id": "ESITE",
        "items": [f"/{number:02}" for number in range(LOGGED_REASONS)],
        "outcome": "refused",
    }


def test_an_answer_names_each_ignored_part_up_to_a_bound_and_counts_the_rest() -> None:
    def ignored(count: int) -> list[dict[str, str]]:
        parts = tuple(Ignored(f"m{number}", f"reason {number}") for number in range(count))
        found: list[dict[str, str]] = answer(report(queued=False, prepared=Prepared((), (), parts, (), {})))[
            "ignored"
        ]
        return found

    every = [{"id": f"m{number}", "reason": f"reason {number}"} for number in range(RECORDS_AT_ONCE)]
    assert ignored(RECORDS_AT_ONCE) == every
    assert ignored(RECORDS_AT_ONCE + 2) == [*every, {"id": f"m{RECORDS_AT_ONCE + 1}", "reason": "and 2 more"}]


def test_as_many_failures_as_are_logged_have_no_count_of_the_rest() -> None:
    records = [{"error": str(number)} for number in range(RECORDS_AT_ONCE)]
    assert bounded(records) == records
    last = {"error": "1 more failures", "left_out": 1}
    assert bounded([*records, {"error": "last"}]) == [*records, last]
