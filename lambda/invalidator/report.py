"""Outcomes → the answers for the caller and the queue, the log records and the metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from invalidator.collector import Collected
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.limits import USD_PER_PATH
from invalidator.pipeline import Prepared, described, described_ignored
from invalidator.plan import Invalidation
from invalidator.planner import Received, Wait
from invalidator.settings import Target
from invalidator.submission import Outcome
from invalidator.text import clipped, joined

NAMESPACE = "CloudFrontInvalidation"

LOGGED_REASONS = 20
"""The most reasons in the record of a batch, and items in the record of a failure."""

LOGGED_IDS = 1_000
"""The most messages in the record of a failure, which stays far below the 256 KB of a log event."""

RECORDS_AT_ONCE = 100
"""The most records of failures of one invocation; a message may hold 130,000 broken ones."""


NOT_COMPLETE = (
    "CloudFront accepted the invalidation, and it was not complete when the time of the function was over: "
    "raise timeout_seconds, or send the request without wait"
)


class InvalidationError(Exception):
    """A request or change was not invalidated; the text says which, why and what to do."""


class Report(NamedTuple):
    """The result of one invocation."""

    batch: Batch
    prepared: Prepared
    outcomes: tuple[Outcome, ...]
    blind: Mapping[Target, int]
    """Target → how many of its buckets could not be listed."""

    def with_status(self, status: str) -> tuple[Outcome, ...]:
        """The outcomes that are `accepted`, `refused` or `deferred`."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == status)

    @property
    def failures(self) -> dict[str, list[str]]:
        """Message id → why it failed: it was rejected, or an item that serves it was not accepted."""
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
        parts: tuple[Request | Rejected, ...] = (*self.batch.requests, *self.prepared.rejected)
        return {each.message_id: each.job_id for each in parts if each.job_id}


def answer(report: Report, answered: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the handler returns: the partial-batch answer for a queue, else the direct answer.

    `answered` are the messages whose sender has been answered. Raises InvalidationError where no queue can
    take the failed messages back: a caller then sees a function error, and Lambda retries an asynchronous
    invocation and keeps its event in the dead-letter queue.
    """
    failures = {each: texts for each, texts in report.failures.items() if each not in answered}
    if report.batch.queued:
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failures)]}
    if failures:
        reasons = dict.fromkeys(text for texts in failures.values() for text in texts)
        accepted = sum(
            len(outcome.invalidation.items) for outcome in report.with_status("accepted") if not outcome.error
        )
        rest = f"; of the other items CloudFront accepted {accepted}" if accepted else ""
        raise InvalidationError(joined(reasons, LOGGED_REASONS) + rest)
    return direct_answer(report)


def direct_answer(report: Report) -> dict[str, Any]:
    """The answer to a caller of the function: what was created, or what a dry run would create."""
    created = [
        {**described(outcome.invalidation), "id": outcome.id, "status": outcome.progress}
        for outcome in report.with_status("accepted")
    ]
    planned = [described(invalidation) for invalidation in report.prepared.dry_run_invalidations]
    if planned:
        body = "Dry run: nothing was created"
    else:
        body = "CloudFront invalidation created" if created else "Nothing to invalidate"
    fields: dict[str, Any] = {"statusCode": 200, "body": body, "invalidations": created or planned}
    fields["estimated_cost_usd"] = _cost(
        report.prepared.dry_run_invalidations or report.prepared.invalidations
    )
    if any(request.wait for request in report.batch.requests):
        # Nothing to invalidate is complete; the plan of a dry run is not.
        fields["completed"] = not planned and _is_complete(report)
    if report.prepared.ignored:
        fields["ignored"] = _ignored(report.prepared.ignored)
    return fields


def job_errors(report: Report) -> dict[str, str]:
    """Message id → why its job of CodePipeline fails: it failed, or it was to wait and is not complete.

    A pipeline sees no answer beside that: its next action must not start on a cache that is still stale.
    """
    errors = {message_id: "; ".join(texts) for message_id, texts in report.failures.items()}
    if not _is_complete(report):
        for request in report.batch.requests:
            if request.wait:
                errors.setdefault(request.message_id, NOT_COMPLETE)
    return errors


def _is_complete(report: Report) -> bool:
    return all(outcome.progress == "Completed" for outcome in report.with_status("accepted"))


def _ignored(ignored: Sequence[Ignored]) -> list[dict[str, str]]:
    """The first ignored parts for the answer, and how many more there were."""
    records = [described_ignored(each) for each in ignored[:RECORDS_AT_ONCE]]
    left_out = len(ignored) - len(records)
    if left_out:
        records.append({"id": ignored[-1].message_id, "reason": f"and {left_out} more"})
    return records


def batch_record(report: Report) -> dict[str, Any]:
    """The log record of a batch: counts, ids and reasons; never a payload."""
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


def failure_records(report: Report) -> list[dict[str, Any]]:
    """A record for each rejected message and failed invalidation: what, why, and which messages come back."""
    rejected = [
        {"error": rejected.error, "message_ids": [clipped(rejected.message_id)]}
        for rejected in report.prepared.rejected
    ]
    return rejected + outcome_records(report.outcomes)


def outcome_records(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """A record for each invalidation that was refused, deferred or not waited for."""
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


def replaced_records(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """A record for each refused item that an accepted wildcard replaces."""
    return [
        {
            "error": "CloudFront refused a name: a wildcard was sent instead",
            "distribution_id": outcome.invalidation.target.id,
            "refused": outcome.replaces,
            "item": outcome.invalidation.items[0],
        }
        for outcome in outcomes
        if outcome.replaces
    ]


def bounded(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first records, and where there are more, a record with their number."""
    left_out = len(records) - RECORDS_AT_ONCE
    if left_out <= 0:
        return list(records)
    return [*records[:RECORDS_AT_ONCE], {"error": f"{left_out} more failures", "left_out": left_out}]


def partial_answer(failed: Collection[str]) -> dict[str, Any]:
    """The answer for SQS: Lambda deletes all messages of the batch except the failed ones."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}


class PlanReport(NamedTuple):
    """The result of a plan for one group of the plan queue."""

    target: Target
    group: Sequence[Received]
    outcomes: tuple[Outcome, ...]
    unlisted: Mapping[str, str]
    """Bucket → why it could not be listed."""


def collected_record(batch: Batch, collected: Collected, moved: Collection[str]) -> dict[str, Any]:
    """The log record of a batch of the first queue: counts and reasons; never a payload."""
    reasons = Counter(ignored.reason for ignored in collected.ignored)
    return {
        "received": len(batch.message_ids),
        "changes": len(batch.changes),
        "requests": collected.request_count,
        "ignored": sum(reasons.values()),
        "ignored_reasons": dict(reasons.most_common(LOGGED_REASONS)),
        "chunks": collected.chunk_count,
        "paths": collected.path_count,
        "unreadable": len(collected.rejected),
        "not_sent": len(collected.not_sent),
        "dead_letters": len(moved),
    }


def collected_metrics(collected: Collected, now: float) -> list[dict[str, Any]]:
    """Changes by distribution, unreadable messages, and the age of what was not sent; `now` in Unix seconds.

    SQS leaves a message that was received three times out of the age of a queue's oldest message (SQS guide,
    "Available CloudWatch metrics"): of what comes back again and again only this age tells.
    """
    documents = [
        _metric_document(target.id, {"Changes": count}, now)
        for target, count in sorted(collected.change_counts.items())
    ]
    figures: dict[str, float] = {}
    if collected.rejected:
        figures["UnreadableMessages"] = len({rejected.message_id for rejected in collected.rejected})
    if collected.not_sent:
        figures["Age"] = max(0.0, round(now - collected.oldest_not_sent, 3))
    return documents + ([_metric_document("none", figures, now)] if figures else [])


def plan_record(plan: PlanReport, failed: Mapping[str, float], now: float) -> dict[str, Any]:
    """The log record of a plan, with the age of its oldest change; `now` in seconds since 1970."""
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
    """The log record of chunks that were handed back to the plan queue."""
    return {
        "distribution_id": target.id,
        "group": group[0].group,
        "chunks": len(group),
        "seconds": round(wait.seconds, 1),
        "reason": wait.reason,
    }


def waiting_metrics(target: Target, group: Sequence[Received], now: float) -> list[dict[str, Any]]:
    """The age of the oldest waiting change, and how many paths wait; `now` in seconds since 1970."""
    deferred = sum(len(message.chunk.paths) for message in group if message.chunk)
    return [_metric_document(target.id, {"Age": _age(group, now), "Deferred": deferred}, now)]


def plan_metrics(plan: PlanReport, now: float) -> list[dict[str, Any]]:
    """The metrics of a plan, with the age of its oldest change; `now` in seconds since 1970."""
    figures = _outcome_figures(plan.outcomes)
    figures["Blind"] = len(plan.unlisted)
    figures["Age"] = _age(plan.group, now)
    return [_metric_document(plan.target.id, figures, now)]


def _age(group: Sequence[Received], now: float) -> float:
    oldest = min((message.chunk.oldest for message in group if message.chunk), default=now)
    return max(0.0, round(now - oldest, 3))


def _items(outcomes: Iterable[Outcome], status: str) -> int:
    return sum(len(outcome.invalidation.items) for outcome in outcomes if outcome.status == status)


def metrics(report: Report, now: float) -> list[dict[str, Any]]:
    """CloudWatch's embedded metric format, a document for each distribution; `now` in seconds since 1970.

    Source: CloudWatch's "Specification: Embedded metric format". A message without a known
    distribution is counted under the distribution `none`.
    """
    by_target: dict[Target, list[Outcome]] = {target: [] for target in report.prepared.change_counts}
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
    figures = {"Changes": float(report.prepared.change_counts.get(target, 0)), **_outcome_figures(outcomes)}
    figures["Blind"] = report.blind.get(target, 0)
    served = {message_id for outcome in outcomes for message_id in outcome.invalidation.message_ids}
    parts: tuple[Change | Request, ...] = (*report.batch.changes, *report.batch.requests)
    times = [each.time for each in parts if each.time is not None and each.message_id in served]
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


def by_function(document: Mapping[str, Any], function_name: str, *, by_distribution: bool) -> dict[str, Any]:
    """The document with its metrics for the function, and for each distribution where that is wanted.

    CloudWatch charges every combination of a name and its dimensions as a metric of its own.
    """
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    dimensions = [["FunctionName"], *([["DistributionId"]] if by_distribution else [])]
    named = {**directive, "Dimensions": dimensions}
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
