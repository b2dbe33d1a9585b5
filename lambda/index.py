"""The entry point of the function: wiring, and nothing else."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

from invalidator import cloudfront, codepipeline, events, inventory, listing, pace, pipeline, report
from invalidator.settings import Settings

log = logging.getLogger()
# At INFO botocore tells where it found its credentials, for every client that it makes.
logging.getLogger("botocore").setLevel(logging.WARNING)

RESERVE_SECONDS = cloudfront.CONNECT_TIMEOUT_SECONDS + cloudfront.READ_TIMEOUT_SECONDS + 2.0
"""What a call that starts just before the deadline may still take, and the answer after it."""

QUOTA = pace.Quota()
"""Outlives the invocation, as what it has started at CloudFront does."""


def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Invalidate what the event says has changed, or was asked for.

    Answers the direct answer, or for SQS the partial-batch answer. Raises SettingsError for an environment
    that the module did not write, and InvalidationError for whatever could not be invalidated and has no
    queue to go back to.
    """
    seconds_left = context.get_remaining_time_in_millis() / 1000
    deadline = time.monotonic() + max(seconds_left - RESERVE_SECONDS, seconds_left / 2)
    settings = Settings.from_environment(os.environ)
    batch = events.read(event, context.aws_request_id)
    bounded = listing.Listing(inventory.list_pages) if settings.inventory else None
    prepared = pipeline.prepare(settings, batch, bounded)
    for bucket, error in bounded.failures.items() if bounded else ():
        log.warning("inventory failed: planned blind", extra={"bucket": bucket, "error": error})
    clients = cloudfront.clients()
    outcomes = cloudfront.submit(prepared.invalidations, clients=clients, deadline=deadline, quota=QUOTA)
    if any(request.wait for request in batch.requests):
        outcomes = cloudfront.await_completion(outcomes, clients=clients, deadline=deadline)
    told = report.Report(batch, prepared, outcomes)
    _record(told)
    return report.answer(told, answered=_answer_jobs(told))


def _record(told: report.Report) -> None:
    for refusal in report.refusals(told):
        log.error(refusal.pop("error"), extra=refusal)
    log.info("batch", extra=report.batch_record(told))
    for document in report.metrics(told, time.time()):
        # CloudWatch reads embedded metrics from a log line that is the bare document.
        print(json.dumps(document))


def _answer_jobs(told: report.Report) -> frozenset[str]:
    """The ids of the messages whose CodePipeline job now knows how it ended."""
    failures = told.failures
    for message_id, job_id in told.jobs.items():
        if message_id in failures:
            codepipeline.fail(job_id, "; ".join(failures[message_id]))
        else:
            codepipeline.succeed(job_id)
    return frozenset(told.jobs)
