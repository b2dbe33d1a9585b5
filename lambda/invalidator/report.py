"""Outcomes → what the caller, the queue, the log and the metrics are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from invalidator.collector import Collected
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.limits import USD_PER_PATH
from invalidator.pipeline import Prepared, described
from invalidator.plan import Invalidation
from invalidator.planner import Received, Wait
from invalidator.settings import Target
from invalidator.submission import Outcome
from invalidator.text import clipped, joined

NAMESPACE = "CloudFrontInvalidation"

LOGGED_REASONS = 20
"""Distinct reasons in a batch's record, and items in a refusal's."""

LOGGED_IDS = 1_000
"""Messages in the record of a refusal, which stays far below the 256 KB of a log event."""


RECORDS_AT_ONCE = 100
"""Records of failures that one invocation writes; a message may hold 130,000 broken ones."""


class InvalidationError(Exception):
    """Some of what was asked was not invalidated; the text says what, why and what to do."""


@dataclass(frozen=True)
class Report:
    """What one invocation came to."""

    batch: Batch
    prepared: Prepared
    outcomes: tuple[Outcome, ...]

    def with_status(self, status: str) -> tuple[Outcome, ...]:
        """The outcomes that are `accepted`, `refused` or `deferred`."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)

    @property
    def failures(self) -> dict[str, list[str]]:
        """Message id → why it failed: it was rejected, or an item that was to serve it was not accepted."""
        failures: dict[str, list[str]] = {}
        for rejected in self.prepared.rejected:
            failures.setdefault(rejected.message_id, []).append(rejected.error)
        for outcome in self.outcomes:
            if outcome.status != "accepted" or outcome.error:
                for message_id in sorted(outcome.invalidation.message_ids):
                    failures.setdefault(message_id, []).append(outcome.error)
        return failures

    @property
    def jobs(self) -> dict[str, str]:
        """Message id → the CodePipeline job that it came from."""
        asked: tuple[Request | Rejected, ...] = (*self.batch.requests, *self.prepared.rejected)
        return {each.message_id: each.job_id for each in asked if each.job_id}


def answer(report: Report, answered: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the handler returns: the partial-batch answer for a queue, else the direct answer.

    `answered` are the messages whose sender already knows how they ended. Raises InvalidationError where
    there is no queue to take the failed messages back, so that a caller sees a function error, and Lambda
    retries an asynchronous invocation and keeps its dead letter.
    """
    failures = {each: texts for each, texts in report.failures.items() if each not in answered}
    if report.batch.queued:
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failures)]}
    if failures:
        reasons = dict.fromkeys(text for texts in failures.values() for text in texts)
        raise InvalidationError(joined(reasons, LOGGED_REASONS))
    return direct_answer(report)


def direct_answer(report: Report) -> dict[str, Any]:
    """The answer to somebody who called the function: what was created, or what a dry run would create."""
    created = [
        {**described(outcome.invalidation), "id": outcome.id, "status": outcome.progress}
        for outcome in report.with_status("accepted")
    ]
    planned = [described(invalidation) for invalidation in report.prepared.rehearsed]
    if planned:
        body = "Dry run: nothing was created"
    else:
        body = "CloudFront invalidation created" if created else "Nothing to invalidate"
    told: dict[str, Any] = {"statusCode": 200, "body": body, "invalidations": created or planned}
    told["estimated_cost_usd"] = _cost(report.prepared.rehearsed or report.prepared.invalidations)
    if any(request.wait for request in report.batch.requests):
        told["completed"] = bool(created) and all(each["status"] == "Completed" for each in created)
    if report.prepared.ignored:
        told["ignored"] = _ignored(report.prepared.ignored)
    return told


def _ignored(found: Sequence[Ignored]) -> list[dict[str, str]]:
    """What a caller is told of the first that were ignored, and how many more there were."""
    told = [{"id": each.message_id, "reason": each.reason} for each in found[:RECORDS_AT_ONCE]]
    left_out = len(found) - len(told)
    if left_out:
        told.append({"id": found[-1].message_id, "reason": f"and {left_out} more"})
    return told


def batch_record(report: Report) -> dict[str, Any]:
    """One batch for the log: counts, ids and reasons; never a payload."""
    reasons = Counter(ignored.reason for ignored in report.prepared.ignored)
    return {
        "received": len(report.batch.message_ids),
        "changes": len(report.batch.changes),
        "requests": len(report.batch.requests),
        "ignored": sum(reasons.values()),
        "ignored_reasons": dict(reasons.most_common(LOGGED_REASONS)),
        "planned_invalidations": len(report.prepared.invalidations),
        "planned_paths": sum(len(invalidation.items) for invalidation in report.prepared.invalidations),
        "submitted_paths": sum(len(outcome.invalidation.items) for outcome in report.with_status("accepted")),
        "submitted": [outcome.id for outcome in report.with_status("accepted")],
        "deferred_paths": sum(len(outcome.invalidation.items) for outcome in report.with_status("deferred")),
        "refused_paths": sum(len(outcome.invalidation.items) for outcome in report.with_status("refused")),
        "failed_messages": len(report.failures),
    }


def refusals(report: Report) -> list[dict[str, Any]]:
    """One record for each thing that failed: what, why, and whose messages come back."""
    rejected = [
        {"error": rejected.error, "message_ids": [clipped(rejected.message_id)]}
        for rejected in report.prepared.rejected
    ]
    return rejected + outcome_records(report.outcomes)


def outcome_records(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """One record for each invalidation that was refused or deferred, or could not be waited for."""
    return [
        {
            "error": outcome.error,
            "messages": len(outcome.invalidation.message_ids),
            "message_ids": [clipped(each) for each in sorted(outcome.invalidation.message_ids)[:LOGGED_IDS]],
            "distribution_id": outcome.invalidation.target.id,
            "items": list(outcome.invalidation.items[:LOGGED_REASONS]),
            "outcome": outcome.status,
        }
        for outcome in outcomes
        if outcome.error
    ]


def bounded(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first records, and one that says how many were left out where there are more."""
    left_out = len(records) - RECORDS_AT_ONCE
    if left_out <= 0:
        return list(records)
    return [*records[:RECORDS_AT_ONCE], {"error": f"{left_out} more failures", "left_out": left_out}]


def partial_answer(failed: Collection[str]) -> dict[str, Any]:
    """What Lambda deletes from a queue is all but the failed messages."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


@dataclass(frozen=True)
class PlanReport:
    """What a plan for one group of the plan queue came to."""

    target: Target
    group: Sequence[Received]
    outcomes: tuple[Outcome, ...]
    blind: Mapping[str, str]
    """Bucket → why it could not be listed."""


def collected_record(
    batch: Batch, collected: Collected, failed: Collection[str], buried: Collection[str]
) -> dict[str, Any]:
    """One batch of the first queue for the log: counts and reasons; never a payload."""
    reasons = Counter(ignored.reason for ignored in collected.ignored)
    return {
        "received": len(batch.message_ids),
        "changes": len(batch.changes),
        "requests": collected.requests,
        "ignored": sum(reasons.values()),
        "ignored_reasons": dict(reasons.most_common(LOGGED_REASONS)),
        "chunks": len(collected.parcels),
        "paths": sum(len(parcel.chunk.paths) for parcel in collected.parcels),
        "unreadable": len(collected.rejected),
        "not_sent": len(failed),
        "dead_letters": len(buried),
    }


def collected_metrics(collected: Collected, now: float) -> list[dict[str, Any]]:
    """Changes by distribution, and unreadable messages; `now` in seconds since 1970."""
    documents = [
        _metric_document(target.id, {"Changes": count}, now)
        for target, count in sorted(collected.changes.items())
    ]
    unreadable = len({rejected.message_id for rejected in collected.rejected})
    return documents + (
        [_metric_document("none", {"UnreadableMessages": unreadable}, now)] if unreadable else []
    )


def plan_record(plan: PlanReport, failed: Mapping[str, float], now: float) -> dict[str, Any]:
    """One plan for the log, with the age of its oldest change in seconds; `now` in seconds since 1970."""
    items = {status: _items(plan.outcomes, status) for status in ("accepted", "deferred", "refused")}
    return {
        "distribution_id": plan.target.id,
        "group": plan.group[0].group,
        "chunks": len(plan.group),
        "planned_paths": sum(len(message.chunk.paths) for message in plan.group if message.chunk),
        "submitted_paths": items["accepted"],
        "deferred_paths": items["deferred"],
        "refused_paths": items["refused"],
        "submitted": [outcome.id for outcome in plan.outcomes if outcome.status == "accepted"],
        "failed_messages": len(failed),
        "age_seconds": _age(plan.group, now),
    }


def waiting_record(target: Target, group: Sequence[Received], wait: Wait) -> dict[str, Any]:
    """What was handed back to the plan queue, for how long, and why."""
    return {
        "distribution_id": target.id,
        "group": group[0].group,
        "chunks": len(group),
        "seconds": round(wait.seconds, 1),
        "reason": wait.why,
    }


def waiting_metrics(target: Target, group: Sequence[Received], now: float) -> list[dict[str, Any]]:
    """The age of the oldest change that waits; `now` in seconds since 1970."""
    deferred = sum(len(message.chunk.paths) for message in group if message.chunk)
    return [_metric_document(target.id, {"Age": _age(group, now), "Deferred": deferred}, now)]


def plan_metrics(plan: PlanReport, now: float) -> list[dict[str, Any]]:
    """What a plan spent, and how old its oldest change was; `now` in seconds since 1970."""
    figures = _outcome_figures(plan.outcomes)
    figures["Blind"] = len(plan.blind)
    figures["Age"] = _age(plan.group, now)
    return [_metric_document(plan.target.id, figures, now)]


def _age(group: Sequence[Received], now: float) -> float:
    oldest = min((message.chunk.oldest for message in group if message.chunk), default=now)
    return max(0.0, round(now - oldest, 3))


def _items(outcomes: Iterable[Outcome], status: str) -> int:
    return sum(len(outcome.invalidation.items) for outcome in outcomes if outcome.status == status)


def metrics(report: Report, now: float) -> list[dict[str, Any]]:
    """CloudWatch's embedded metric format, a document for each distribution; `now` in seconds since 1970.

    Source: CloudWatch's "Specification: Embedded metric format". A message that no distribution can be
    named for is counted under the distribution `none`.
    """
    by_target: dict[Target, list[Outcome]] = {target: [] for target in report.prepared.changes}
    for outcome in report.outcomes:
        by_target.setdefault(outcome.invalidation.target, []).append(outcome)
    documents = [
        _metric_document(target.id, _figures(report, target, outcomes, now), now)
        for target, outcomes in sorted(by_target.items())
    ]
    unreadable = len({rejected.message_id for rejected in report.prepared.rejected})
    if unreadable:
        documents.append(_metric_document("none", {"UnreadableMessages": unreadable}, now))
    return documents


def _figures(report: Report, target: Target, outcomes: Sequence[Outcome], now: float) -> dict[str, float]:
    figures = {"Changes": float(report.prepared.changes.get(target, 0)), **_outcome_figures(outcomes)}
    served = {message_id for outcome in outcomes for message_id in outcome.invalidation.message_ids}
    wanted: tuple[Change | Request, ...] = (*report.batch.changes, *report.batch.requests)
    times = [each.time for each in wanted if each.time is not None and each.message_id in served]
    if times:
        figures["Age"] = max(0.0, round(now - min(times), 3))
    return figures


def _outcome_figures(outcomes: Iterable[Outcome]) -> dict[str, float]:
    by_status: dict[str, list[Invalidation]] = {"accepted": [], "deferred": [], "refused": []}
    for outcome in outcomes:
        by_status[outcome.status].append(outcome.invalidation)
    accepted = by_status["accepted"]
    return {
        "Paths": sum(len(invalidation.items) for invalidation in accepted),
        "Wildcards": sum(invalidation.wildcards for invalidation in accepted),
        "Invalidations": len(accepted),
        "Deferred": sum(len(invalidation.items) for invalidation in by_status["deferred"]),
        "RefusedPaths": sum(len(invalidation.items) for invalidation in by_status["refused"]),
        "EstimatedCost": _cost(accepted),
    }


def by_function(document: Mapping[str, Any], function_name: str) -> dict[str, Any]:
    """The same metrics, also over all the distributions of a function."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    named = {**directive, "Dimensions": [["DistributionId"], ["FunctionName"]]}
    return {
        **document,
        "_aws": {**document["_aws"], "CloudWatchMetrics": [named]},
        "FunctionName": function_name,
    }


UNITS = {"Age": "Seconds", "EstimatedCost": "None"}


def _metric_document(distribution_id: str, figures: Mapping[str, float], now: float) -> dict[str, Any]:
    return {
        "_aws": {
            "Timestamp": int(now * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["DistributionId"]],
                    "Metrics": [{"Name": name, "Unit": UNITS.get(name, "Count")} for name in figures],
                }
            ],
        },
        "DistributionId": distribution_id,
        **figures,
    }


def _cost(invalidations: Iterable[Invalidation]) -> float:
    return round(sum(len(invalidation.items) for invalidation in invalidations) * USD_PER_PATH, 3)
