"""SQS: sends chunks to the plan queue and dead letters with their reason, and hands messages back.

No function raises when SQS refuses something: it returns what was not sent, so that those messages come back.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from invalidator import aws
from invalidator.chunks import DeadLetter, Parcel
from invalidator.text import clipped, said

ENTRIES = 10
"""The most entries of one batch call (SQS, SendMessageBatch and ChangeMessageVisibilityBatch)."""

BATCH_BYTES = 240_000
"""The most bytes of all bodies of a batch call: below 256 KB, SQS's limit until August 2025."""

MESSAGE_BYTES = 262_144
"""The most bytes of a message with its attributes: 256 KB, SQS's limit until August 2025."""

REASON_LENGTH = 1_000
"""The most characters of a dead letter's reason."""

LONGEST_VISIBILITY_SECONDS = 43_200
"""SQS's limit: twelve hours."""

CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 3})

_log = logging.getLogger(__name__)


def send_parcels(queue_url: str, parcels: Iterable[Parcel]) -> frozenset[str]:
    """Send chunks; the ids of the messages of which a part was not accepted."""
    failed: set[str] = set()
    for batch in _batches(parcels):
        entries = [
            {
                "Id": str(number),
                "MessageBody": body,
                "MessageGroupId": parcel.group,
                "MessageDeduplicationId": parcel.deduplication_id,
            }
            for number, (parcel, body) in enumerate(batch)
        ]
        try:
            answer = client().send_message_batch(QueueUrl=queue_url, Entries=entries)
            refused = {int(each["Id"]): said(each.get("Message", "")) for each in answer.get("Failed", [])}
        except (ClientError, BotoCoreError) as error:
            refused = dict.fromkeys(range(len(batch)), said(error))
        for number, reason in refused.items():
            _log.error("chunk not sent", extra={"group": batch[number][0].group, "error": reason})
            failed |= batch[number][0].message_ids
    return frozenset(failed)


def send_dead_letter(queue_url: str, dead_letter: DeadLetter) -> bool:
    """Send one dead letter; whether SQS accepted it.

    Beside a message as large as SQS allows there is no room for attributes: only the log has its reason.
    """
    # SQS refuses an attribute with an empty text.
    reason = clipped(dead_letter.reason, REASON_LENGTH - 1) or "none"
    attributes = {"reason": reason, "distribution_id": dead_letter.distribution_id}
    size = sum(len(f"{name}String{value}".encode()) for name, value in attributes.items())
    if len(dead_letter.body.encode()) + size > MESSAGE_BYTES:
        attributes = {}
    try:
        client().send_message(
            QueueUrl=queue_url,
            MessageBody=dead_letter.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
    except (ClientError, BotoCoreError) as error:
        _log.error("dead letter not sent", extra={"error": said(error), "reason": reason})
        return False
    return True


def hand_back(queue_url: str, seconds_by_receipt: Mapping[str, float]) -> None:
    """Set after how many seconds each failed message of the batch comes back.

    Where SQS refuses, they come back after the queue's own visibility time-out.
    """
    handles = list(seconds_by_receipt.items())
    for first in range(0, len(handles), ENTRIES):
        entries = [
            {
                "Id": str(number),
                "ReceiptHandle": handle,
                "VisibilityTimeout": min(max(math.ceil(seconds), 0), LONGEST_VISIBILITY_SECONDS),
            }
            for number, (handle, seconds) in enumerate(handles[first : first + ENTRIES])
        ]
        try:
            answer = client().change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
            failed: Sequence[Any] | None = answer.get("Failed")
        except (ClientError, BotoCoreError) as error:
            failed = [{"Message": str(error)}]
        if failed:
            _log.warning("messages not handed back in time", extra={"error": said(json.dumps(failed))})


def _batches(parcels: Iterable[Parcel]) -> Iterator[list[tuple[Parcel, str]]]:
    batch: list[tuple[Parcel, str]] = []
    size = 0
    for parcel in parcels:
        body = parcel.chunk.body()
        if batch and (len(batch) == ENTRIES or size + len(body) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((parcel, body))
        size += len(body)
    if batch:
        yield batch


@functools.cache
def client() -> Any:
    """The client of SQS, which outlives the invocation."""
    made = aws.client("sqs", CONFIG)
    made.meta.events.register("before-call.sqs", _begin_chain)
    return made


def _begin_chain(params: Mapping[str, Any], **_: object) -> None:
    """Without a lineage in its trace, a message begins a new chain of invocations.

    A planner sends what must wait to the queue that invokes it. After some 16 invocations in one chain Lambda
    would take that for an endless loop, and invoke the function no more (Lambda guide, "Recursive loop
    detection"). boto3 adds the whole trace only where the call has none.
    """
    trace = os.environ.get("_X_AMZN_TRACE_ID", "").split(";")
    if trace != [""]:
        kept = (part for part in trace if not part.startswith("Lineage="))
        params["headers"]["X-Amzn-Trace-Id"] = ";".join(kept)
