"""Outcomes → what the caller, the queue, the log and the metrics are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from invalidator.cloudfront import Outcome
from invalidator.events import Batch, Change, Rejected, Request
from invalidator.pipeline import Prepared, described
from invalidator.plan import Invalidation
from invalidator.settings import Target

USD_PER_PATH = 0.005
"""The list price of a path past the account's first 1,000 of a month (AWS's guide, PayingForInvalidation)."""

NAMESPACE = "CloudFrontInvalidation"

LOGGED_REASONS = 20
"""Distinct reasons in a batch's record, and items in a refusal's."""

LOGGED_IDS = 1_000
"""Messages in the record of a refusal, which stays far below the 256 KB of a log event."""


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
        raise InvalidationError("; ".join(reasons))
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
        told["ignored"] = [
            {"id": ignored.message_id, "reason": ignored.reason} for ignored in report.prepared.ignored
        ]
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
        {"error": rejected.error, "message_ids": [rejected.message_id]}
        for rejected in report.prepared.rejected
    ]
    return rejected + [
        {
            "error": outcome.error,
            "messages": len(outcome.invalidation.message_ids),
            "message_ids": sorted(outcome.invalidation.message_ids)[:LOGGED_IDS],
            "distribution_id": outcome.invalidation.target.id,
            "items": list(outcome.invalidation.items[:LOGGED_REASONS]),
            "outcome": outcome.status,
        }
        for outcome in report.outcomes
        if outcome.error
    ]


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
    if report.prepared.rejected:
        documents.append(_metric_document("none", {"Rejected": len(report.prepared.rejected)}, now))
    return documents


def _figures(report: Report, target: Target, outcomes: Iterable[Outcome], now: float) -> dict[str, float]:
    by_status: dict[str, list[Invalidation]] = {"accepted": [], "deferred": [], "refused": []}
    for outcome in outcomes:
        by_status[outcome.status].append(outcome.invalidation)
    accepted = by_status["accepted"]
    figures: dict[str, float] = {
        "Changes": report.prepared.changes.get(target, 0),
        "Paths": sum(len(invalidation.items) for invalidation in accepted),
        "Wildcards": sum(invalidation.wildcards for invalidation in accepted),
        "Invalidations": len(accepted),
        "Deferred": sum(len(invalidation.items) for invalidation in by_status["deferred"]),
        "Rejected": sum(len(invalidation.items) for invalidation in by_status["refused"]),
        "EstimatedCost": _cost(accepted),
    }
    served = {message_id for invalidation in accepted for message_id in invalidation.message_ids}
    wanted: tuple[Change | Request, ...] = (*report.batch.changes, *report.batch.requests)
    times = [each.time for each in wanted if each.time is not None and each.message_id in served]
    if times:
        figures["Age"] = max(0.0, round(now - min(times), 3))
    return figures


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
