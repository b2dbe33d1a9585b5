"""A queue and its event source mapping, as documented: batches, visibility, redelivery, dead letters."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.virtual_time import VirtualTime

PAYLOAD_BYTES = 6 * 1024 * 1024
"""A batch closes at 6 MB of payload, metadata included (Lambda's guide, "Batching behavior")."""

Event = dict[str, Any]
Invoke = Callable[[Event], Mapping[str, Any] | None]
"""The function: its answer, or None where it raised, timed out or was killed."""


@dataclass(eq=False)
class Message:
    """A message with what SQS knows about it."""

    id: str
    body: str
    sent: float
    receives: int = 0

    def record(self) -> dict[str, Any]:
        """The message as Lambda hands it to a function."""
        digest = hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()
        return {
            "messageId": self.id,
            "receiptHandle": "AQEB" + digest * 12,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": str(self.receives),
                "SentTimestamp": str(int(self.sent * 1000)),
                "SenderId": "AROA0123456789EXAMPLE:S3-PROD-END",
                "ApproximateFirstReceiveTimestamp": str(int(self.sent * 1000) + 5),
            },
            "messageAttributes": {},
            "md5OfBody": digest,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:invalidate-cloudfront-changes",
            "awsRegion": "eu-central-1",
        }


@dataclass(frozen=True)
class Batching:
    """The module's inputs that decide how messages come to the function."""

    window_seconds: float = 5.0
    size: int = 10_000
    concurrency: int = 2
    max_receives: int = 10
    timeout_seconds: float = 180.0

    @property
    def visibility_seconds(self) -> float:
        """Six times the function's timeout, as Lambda asks, and the window."""
        return 6 * self.timeout_seconds + self.window_seconds


@dataclass
class Batch:
    """What one invocation will get."""

    messages: dict[str, Message] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0
    closed: bool = False
    """True: full by count or by payload, so that nobody waits for more."""


@dataclass
class Queue:
    """A standard queue: at least once, hidden while somebody works on it, dead after too many tries."""

    time: VirtualTime
    batching: Batching
    dead: dict[str, Message] = field(default_factory=dict)
    deleted: dict[str, Message] = field(default_factory=dict)
    drained: float = 0.0
    """When the last message left."""

    def __post_init__(self) -> None:
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Message]] = []
        self._ids = (f"00000000-0000-4000-8000-{number:012x}" for number in itertools.count())

    def send(self, body: str, at: float) -> str:
        """Queue a message that arrives at that time; its id."""
        message = Message(next(self._ids), body, at)
        heapq.heappush(self._waiting, (at, next(self._order), message))
        return message.id

    @property
    def next_visible(self) -> float | None:
        """When the next message may be received; None where none waits or is hidden."""
        while self._waiting and self._waiting[0][2].id in self.deleted:
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def receive(self, batch: Batch) -> None:
        """Add to a batch what is visible and fits, and hide it from now on."""
        while not batch.closed and (visible := self.next_visible) is not None and visible <= self.time.now():
            message = self._waiting[0][2]
            if message.receives >= self.batching.max_receives:
                heapq.heappop(self._waiting)
                self.dead[message.id] = message
                self.drained = self.time.now()
                continue
            record = message.record()
            size = len(json.dumps(record))
            if batch.size + size > PAYLOAD_BYTES:
                batch.closed = True
                return
            message.receives += 1
            # Hidden at once: whoever dies with the message gives it back by doing nothing.
            hidden_until = self.time.now() + self.batching.visibility_seconds
            heapq.heapreplace(self._waiting, (hidden_until, next(self._order), message))
            batch.messages[message.id] = message
            batch.records.append(record)
            batch.size += size
            batch.closed = len(batch.messages) == self.batching.size

    def settle(self, batch: Batch, answer: Mapping[str, Any] | None) -> None:
        """Delete what the function's answer does not name: the rules of ReportBatchItemFailures.

        None stands for a function that raised or died: then the whole batch comes back, as it does where
        the answer names a message that is not of this batch.
        """
        if answer is None:
            return
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        if not failed <= batch.messages.keys():
            return
        for message_id in batch.messages.keys() - failed:
            self.deleted[message_id] = batch.messages[message_id]
            self.drained = self.time.now()


def poll(queue: Queue, invoke: Invoke) -> None:
    """Bring batches to the function until the queue is empty: one of the mapping's concurrent pollers."""
    while (visible := queue.next_visible) is not None:
        queue.time.sleep(visible - queue.time.now())
        batch = Batch()
        queue.receive(batch)
        if not batch.messages:
            continue
        if not batch.closed:
            queue.time.sleep(queue.batching.window_seconds)
            queue.receive(batch)
        queue.settle(batch, invoke({"Records": batch.records}))
