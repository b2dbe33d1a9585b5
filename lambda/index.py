"""The entry point of both functions: it connects the modules, and decides nothing itself."""

from __future__ import annotations

import gc

# No object of an import becomes garbage: to look for some takes 18 ms of a whole processor in a new sandbox.
gc.disable()

import functools
import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from invalidator import (
    chunks,
    clock,
    cloudfront,
    codepipeline,
    collector,
    events,
    inventory,
    pace,
    pipeline,
    planner,
    queues,
    report,
    text,
)
from invalidator.collateral import Measure
from invalidator.listing import Listing, seconds_of
from invalidator.planner import Received, Wait
from invalidator.settings import Settings, Target
from invalidator.submission import Outcome, Submission, Terms

log = logging.getLogger()
if "LOG_LEVEL" in os.environ:
    # Not left to Lambda, which would drop the metrics too: their lines have no level.
    log.setLevel(os.environ["LOG_LEVEL"])
# At INFO botocore logs where it found its credentials; at DEBUG both log requests with their signatures.
logging.getLogger("botocore").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.WARNING)

RESERVE_SECONDS = cloudfront.CONNECT_TIMEOUT_SECONDS + cloudfront.READ_TIMEOUT_SECONDS + 2.0
"""The time for a call that starts just before the deadline, and for the answer."""

PLANNER_LONGEST_WAIT_SECONDS = 4.0
"""The longest wait between two calls of a planner; longer waits are spent in the plan queue."""

RETRY_SECONDS = 30.0
"""After this time messages come back that could be neither sent nor moved to the dead-letter queue."""

MEMORY = pace.Memory(rate=pace.CallRate(seconds_per_call=4.0))
"""The memory of a planner. It uses half of the account's call rate, and leaves the rest to others."""

DIRECT_MEMORY = pace.Memory()
"""The memory of direct requests: only the invalidations in progress are kept between invocations."""


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # In the init phase a function has a whole processor for up to ten seconds (Lambda guide, execution
    # environment lifecycle): making a client takes far less time here than in the first call.
    cloudfront.own_client()
    if "PLAN_QUEUE_URL" in os.environ:
        queues.client()
    # No collection looks at what the sandbox keeps for good.
    gc.freeze()
gc.enable()


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Collect, plan, or carry out a request, depending on the event.

    Returns the partial-batch answer for SQS, else the direct answer. Raises SettingsError for an environment
    that the module did not write, and InvalidationError for a failure that no queue can take back.
    """
    settings = Settings.from_environment(os.environ)
    seconds_left = context.get_remaining_time_in_millis() / 1000
    last_poll = clock.now() + seconds_left - RESERVE_SECONDS
    deadline = max(last_poll, clock.now() + seconds_left / 2)
    source = _queue_arn(event)
    if source.endswith(".fifo"):
        return _plan(settings, event, deadline)
    if source and os.environ.get("PLAN_QUEUE_URL"):
        return _collect(settings, event, context.aws_request_id)
    return _carry_out(settings, event, context.aws_request_id, deadline, last_poll)


def _queue_arn(event: Any) -> str:
    """The ARN of the queue that a batch comes from; empty for any other event."""
    records = event.get("Records") if isinstance(event, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    if not isinstance(first, dict) or first.get("eventSource") != "aws:sqs":
        return ""
    return str(first.get("eventSourceARN") or "unknown")


def _carry_out(
    settings: Settings, event: Any, invocation_id: str, deadline: float, last_poll: float
) -> dict[str, Any]:
    """Plan and send at once: direct requests, and events where there is no plan queue.

    Each call of CloudFront starts before the deadline, and each poll for completion before `last_poll`, so
    that the answer is returned before the function ends.
    """
    batch = events.read(event, invocation_id, answers_jobs=settings.codepipeline)
    prepared, unlisted = _prepare(settings, batch, deadline)
    clients = cloudfront.clients()
    terms = Terms(
        deadline,
        min_wildcard_depth=settings.budget.min_wildcard_depth,
        verbatim=prepared.requested,
    )
    memory = pace.Memory(in_progress=DIRECT_MEMORY.in_progress)
    outcomes = Submission(cloudfront.creator(clients), memory, terms).run(prepared.invalidations)
    if not batch.queued and any(request.wait for request in batch.requests):
        if any(request.job_id for request in batch.requests):
            last_poll -= codepipeline.LONGEST_SECONDS
        outcomes = cloudfront.await_completion(outcomes, clients=clients, deadline=last_poll)
    finished = report.Report(batch, prepared, outcomes, pipeline.blind(settings, unlisted))
    _record(finished)
    answered = _answer_jobs(finished)
    return report.answer(finished, answered=answered)


def _prepare(
    settings: Settings, batch: events.Batch, deadline: float
) -> tuple[pipeline.Prepared, Mapping[str, str]]:
    """The plan, and bucket → why it was made without its inventory.

    Where that fails it is made without the inventory of any bucket.
    """
    listing = _listing(settings, deadline)
    try:
        prepared = pipeline.prepare(settings, batch, listing)
    except Exception:
        if listing is None:
            raise
        log.exception("a plan failed")
        return pipeline.prepare(settings, batch), pipeline.given_up(settings)
    unlisted = listing.failures if listing else {}
    _record_unlisted(unlisted)
    return prepared, unlisted


def _collect(settings: Settings, event: Mapping[str, Any], invocation_id: str) -> dict[str, Any]:
    """Send changes and requests to the plan queue, and unreadable messages to the dead-letter queue."""
    batch = events.read(event, invocation_id)
    send = functools.partial(queues.send_parcels, os.environ["PLAN_QUEUE_URL"])
    collected = collector.collect(settings, batch, time.time(), send)
    moved = set()
    for message_id, dead_letter in collector.dead_letters(event, collected.rejected).items():
        if queues.send_dead_letter(os.environ["DEAD_LETTER_QUEUE_URL"], dead_letter):
            moved.add(message_id)
    unreadable = {each.message_id for each in collected.rejected} - moved
    for record in report.bounded(
        [{"error": each.error, "message_ids": [text.clipped(each.message_id)]} for each in collected.rejected]
    ):
        log.error(record.pop("error"), extra=record)
    log.info("collected", extra=report.collected_record(batch, collected, moved))
    _emit(report.collected_metrics(collected, time.time()))
    return report.partial_answer(collected.not_sent | unreadable)


def _plan(settings: Settings, event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """Turn chunks of the plan queue into calls of CloudFront; hand back the chunks that must wait."""
    messages = planner.read(event)
    failed: dict[str, float] = {}
    usable = []
    for message in messages:
        error = planner.permanent_error(settings, message, time.time())
        if error:
            failed |= _give_up(message, error)
        else:
            usable.append(message)
    for group in planner.by_group(usable):
        failed |= _plan_group(settings, group, deadline, unlisted={})
    receipts = {
        message.receipt: failed[message.message_id] for message in messages if message.message_id in failed
    }
    if receipts:
        queues.hand_back(os.environ["PLAN_QUEUE_URL"], receipts)
    return report.partial_answer(failed)


def _plan_group(
    settings: Settings,
    group: Sequence[Received],
    deadline: float,
    unlisted: Mapping[str, str],
) -> dict[str, float]:
    """Plan the messages of a group; message id → seconds to wait.

    Where that fails they are planned without the inventory, and then each on its own. `unlisted`: bucket →
    why its inventory is not asked for.
    """
    target = settings.target(group[0].chunk.target_id) if group[0].chunk else None
    try:
        if target is None:
            raise LookupError(f"no route names the target of {group[0].group}")
        return _send(settings, target, group, deadline, unlisted)
    except Exception:
        log.exception("a plan failed", extra={"group": group[0].group, "messages": len(group)})
    if settings.inventory:
        unlisted = pipeline.given_up(settings, target)
        return _plan_group(settings._replace(inventory=False), group, deadline, unlisted)
    if len(group) > 1:
        failed: dict[str, float] = {}
        for message in group:
            failed |= _plan_group(settings, [message], deadline, unlisted)
        return failed
    return _give_up(group[0], "the planner raised an error for this chunk alone: see the log")


def _send(
    settings: Settings,
    target: Target,
    group: Sequence[Received],
    deadline: float,
    unlisted: Mapping[str, str],
) -> dict[str, float]:
    """Wait, or plan and send; message id → seconds to wait, of the messages to be handed back."""
    listing = _listing(settings, deadline)

    def measures() -> Mapping[Target, Measure]:
        return pipeline.measures(settings, listing)

    step = planner.decide(
        settings,
        target,
        group,
        MEMORY,
        measures,
        now=clock.now(),
        wall=time.time(),
    )
    if isinstance(step, Wait):
        return _hand_back(settings, target, group, step, measures)
    if listing:
        unlisted = listing.failures
        _record_unlisted(unlisted)
    terms = Terms(
        deadline,
        longest_wait=PLANNER_LONGEST_WAIT_SECONDS,
        waits_for_permission=True,
        min_wildcard_depth=settings.budget.min_wildcard_depth,
        verbatim=step.verbatim,
    )
    outcomes = Submission(cloudfront.creator(cloudfront.clients()), MEMORY, terms).run(step.invalidations)
    accepted = [
        item
        for each in outcomes
        if each.status == "accepted" and not each.replaces
        for item in each.invalidation.items
        if (target, item) not in step.verbatim
    ]
    MEMORY.planned(group[0].group, accepted, clock.now(), merged=step.merged)
    settled = planner.settle(target, group, outcomes, clock.now())
    unsent = _resend(settled.rest)
    failed = dict(settled.waiting) | dict.fromkeys(sorted(unsent), RETRY_SECONDS)
    all_moved = _send_dead_letters(settled.dead_letters)
    if not all_moved:
        refused = {
            each
            for outcome in outcomes
            if outcome.status == "refused"
            for each in outcome.invalidation.message_ids
        }
        failed |= dict.fromkeys(sorted(refused), RETRY_SECONDS)
    _record_plan(report.PlanReport(target, group, outcomes, unlisted), failed)
    return failed


def _hand_back(
    settings: Settings, target: Target, group: Sequence[Received], step: Wait, measures: planner.Measures
) -> dict[str, float]:
    """Message id → seconds to wait; a full batch, and messages received too often, are sent anew instead."""
    failed = dict.fromkeys((message.message_id for message in group), step.seconds)
    parcels = planner.in_fewer_messages(settings, target, group, measures)
    if parcels is None:
        parcels = planner.as_new_messages(group)
    unsent = _resend(parcels)
    sent_anew = frozenset[str]().union(*(parcel.message_ids for parcel in parcels)) - unsent
    log.info("waiting", extra=report.waiting_record(target, group, step))
    _emit(report.waiting_metrics(target, group, time.time()))
    return {message_id: seconds for message_id, seconds in failed.items() if message_id not in sent_anew}


def _resend(parcels: Sequence[chunks.Parcel]) -> frozenset[str]:
    """Send chunks to the plan queue; the ids of the messages of which a part was not accepted."""
    return queues.send_parcels(os.environ["PLAN_QUEUE_URL"], parcels) if parcels else frozenset()


def _give_up(message: Received, error: str) -> dict[str, float]:
    """Move a message to the dead-letter queue; where that fails, its id → seconds to wait."""
    moved = _send_dead_letters(planner.dead_letters_of_message(message, error))
    return {} if moved else {message.message_id: RETRY_SECONDS}


def _send_dead_letters(dead_letters: Sequence[chunks.DeadLetter]) -> bool:
    """Send and log dead letters; whether the dead-letter queue accepted all of them."""
    sent = 0
    for each in dead_letters:
        sent += queues.send_dead_letter(os.environ["DEAD_LETTER_QUEUE_URL"], each)
        log.error(
            text.clipped(each.reason, queues.REASON_LENGTH),
            extra={"distribution_id": each.distribution_id, "outcome": "dead letter"},
        )
    return sent == len(dead_letters)


def _listing(settings: Settings, deadline: float) -> Listing | None:
    """The listing for one plan, in at most half of the time that is left; None without `inventory`."""
    if not settings.inventory:
        return None
    pages = settings.max_inventory_pages
    seconds = min(seconds_of(pages), (deadline - clock.now()) / 2)
    return Listing(inventory.list_pages, max_pages=pages, max_seconds=seconds)


def _record_unlisted(unlisted: Mapping[str, str]) -> None:
    for bucket, error in unlisted.items():
        log.warning("inventory failed: planned blind", extra={"bucket": bucket, "error": error})


def _record_plan(plan: report.PlanReport, failed: Mapping[str, float]) -> None:
    for record in report.bounded(report.outcome_records(plan.outcomes)):
        log.error(record.pop("error"), extra=record)
    _record_replaced(plan.outcomes)
    log.info("plan", extra=report.plan_record(plan, failed, time.time()))
    _emit(report.plan_metrics(plan, time.time()))


def _record_replaced(outcomes: Sequence[Outcome]) -> None:
    for record in report.bounded(report.replaced_records(outcomes)):
        log.warning(record.pop("error"), extra=record)


def _record(finished: report.Report) -> None:
    for record in report.bounded(report.failure_records(finished)):
        log.error(record.pop("error"), extra=record)
    _record_replaced(finished.outcomes)
    log.info("batch", extra=report.batch_record(finished))
    _emit(report.metrics(finished, time.time()))


def _emit(documents: Sequence[Mapping[str, Any]]) -> None:
    for document in documents:
        # CloudWatch reads embedded metrics from a log line that is the bare document.
        name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")
        by_distribution = "METRICS_BY_DISTRIBUTION" in os.environ
        print(json.dumps(report.by_function(document, name, by_distribution=by_distribution)))


def _answer_jobs(finished: report.Report) -> frozenset[str]:
    """Answer the CodePipeline jobs; the ids of their messages.

    Raises AnswerError where CodePipeline refuses the answer. No other message is lost by that: a job is the
    only message of its invocation.
    """
    if not finished.jobs:
        return frozenset()
    errors = report.job_errors(finished)
    for message_id, job_id in finished.jobs.items():
        try:
            if message_id in errors:
                codepipeline.fail(job_id, errors[message_id])
            else:
                codepipeline.succeed(job_id)
        except codepipeline.AnswerError as error:
            log.error(str(error), extra={"job_id": text.clipped(job_id)})
            raise
    return frozenset(finished.jobs)
