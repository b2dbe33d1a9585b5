"""An event source mapping: Lambda's pollers between a queue and a function, as its guide describes them.

Everything is an event of virtual time. A quiet queue causes none: what waits costs nothing until then.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.sqs_server import Message, Queue
from tests.simulation.virtual_time import VirtualTime

PAYLOAD_BYTES = 6 * 1024 * 1024
"""A batch closes at 6 MB of payload, metadata included (Lambda Developer Guide, "Batching behavior")."""
FETCH = 10
"""Messages that one ReceiveMessage brings at the most (SQS API reference)."""
QUIET_SECONDS = 20.0
"""With a window and little traffic "Lambda might wait for up to 20 seconds before invoking", also where the
window is shorter (Lambda Developer Guide, "Using Lambda with Amazon SQS")."""
LONGEST_RETRY_SECONDS = 60.0
"""Between two tries of an invocation that Lambda refuses. The guide says that Lambda backs off, not how."""

Event = dict[str, Any]
Invoke = Callable[[Event], AnyMapping[str, Any] | None]
"""The function: its answer, or None where it raised, timed out or was killed."""


class ThrottledError(Exception):
    """Lambda refuses the invocation: too many run at once."""


@dataclass(eq=False)
class _Batch:
    began: float
    messages: list[Message] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0
    overdue: bool = False
    """The window is over, and the poll that waits for more returns with the next message, or at its end."""


@dataclass(eq=False)
class _Poller:
    batch: _Batch | None = None
    busy: bool = False
    """Its batch is with the function."""
    ready_at: float = 0.0
    """When the fetch that is on its way has returned."""


class Mapping:
    """Brings batches of a queue to a function, several at a time, and deletes what the answer leaves out."""

    def __init__(
        self,
        time: VirtualTime,
        queue: Queue,
        invoke: Invoke,
        *,
        size: int,
        window_seconds: float,
        concurrency: int,
        messages_per_second: float | None = None,
        seed: int = 0,
    ) -> None:
        """`messages_per_second` is the rate of one poller; None: it fetches in no time."""
        if queue.fifo and (size > FETCH or window_seconds):
            raise ValueError("a FIFO queue has batches of at most ten, and no window")
        self.enabled = True
        self.batches = 0
        self._time, self._queue, self._invoke = time, queue, invoke
        self._size, self._window = size, window_seconds
        self._fetch_seconds = FETCH / messages_per_second if messages_per_second else 0.0
        self._pollers = [_Poller() for _ in range(concurrency)]
        self._failures = 0
        self._due: float | None = None
        self._chance = random.Random(f"{seed} {queue.name}")  # noqa: S311 - repeatable
        queue.on_arrival = self._wake_at

    def enable(self) -> None:
        """Go on where it was stopped."""
        self.enabled = True
        self._wake_at(self._time.now())

    def _wake_at(self, when: float) -> None:
        when = max(when, self._time.now())
        if self._due is not None and self._due <= when:
            return
        self._due = when
        self._time.call_at(when, lambda: self._wake(when))

    def _wake(self, when: float) -> None:
        if self._due != when:
            return
        self._due = None
        now = self._time.now()
        while self.enabled and (available := self._queue.next_available()) is not None:
            idle = [poller for poller in self._allowed() if not poller.busy]
            ready = [poller for poller in idle if poller.ready_at <= now]
            if available > now or not ready:
                # Without an idle poller, the end of the next invocation wakes us.
                if idle:
                    self._wake_at(max(available, min(poller.ready_at for poller in idle)))
                return
            self._fetch(self._chance.choice(ready))

    def _allowed(self) -> list[_Poller]:
        """After errors Lambda reduces "the amount of concurrency allocated" (Lambda Developer Guide,
        "Handling errors for an SQS event source"); it does not say by how much: here each failure halves it,
        and each success doubles it."""
        return self._pollers[: max(1, len(self._pollers) >> self._failures)]

    def _fetch(self, poller: _Poller) -> None:
        now = self._time.now()
        batch = poller.batch
        messages = self._queue.receive(min(FETCH, self._size - (len(batch.messages) if batch else 0)))
        if not messages:
            return
        poller.ready_at = now + self._fetch_seconds
        records = [message.record(self._queue) for message in messages]
        fetched = sum(len(json.dumps(record)) for record in records)
        if batch is None:
            batch = poller.batch = _Batch(began=now)
            if self._window:
                self._time.call_at(now + self._window, lambda: self._window_over(poller, batch))
        batch.messages += messages
        batch.records += records
        batch.bytes += fetched
        # The next fetch is taken to be as large as this one: what no longer fits is not fetched.
        full = len(batch.messages) >= self._size or batch.bytes + fetched > PAYLOAD_BYTES
        if full or batch.overdue or not self._window:
            self._close(poller, batch)

    def _window_over(self, poller: _Poller, batch: _Batch) -> None:
        if poller.batch is not batch or poller.busy:
            return
        now = self._time.now()
        available = self._queue.next_available()
        if available is not None and available <= now:
            self._close(poller, batch)
            return
        batch.overdue = True
        longest = max(QUIET_SECONDS, self._window)
        self._time.call_at(
            batch.began + self._chance.uniform(self._window, longest), lambda: self._close(poller, batch)
        )

    def _close(self, poller: _Poller, batch: _Batch) -> None:
        if poller.batch is batch and not poller.busy:
            poller.busy = True
            self.batches += 1
            self._time.spawn(lambda: self._work(poller, batch))

    def _work(self, poller: _Poller, batch: _Batch) -> None:
        if self._delete_or_return(batch, self._answer(batch)):
            self._failures = max(0, self._failures - 1)
        else:
            self._failures = min(self._failures + 1, 10)
        poller.batch, poller.busy = None, False
        self._wake_at(self._time.now())

    def _answer(self, batch: _Batch) -> AnyMapping[str, Any] | None:
        """The function's answer. A refused invocation is tried again until the messages are visible again: so
        it spends one of their receives (Lambda Developer Guide, "Handling errors for an SQS event source").
        """
        wait = 1.0
        while True:
            try:
                return self._invoke({"Records": batch.records})
            except ThrottledError:
                if self._time.now() + wait > batch.began + self._queue.visibility_seconds:
                    return None
                self._time.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY_SECONDS)

    def _delete_or_return(self, batch: _Batch, answer: AnyMapping[str, Any] | None) -> bool:
        """Delete what the answer does not name; whether it was one, by the rules of ReportBatchItemFailures.

        After anything else the whole batch comes back, when its visibility ends.
        """
        if answer is None:
            return False
        failed = {failure.get("itemIdentifier") for failure in answer.get("batchItemFailures") or ()}
        if not failed <= {message.id for message in batch.messages}:
            return False
        # The handle is that of the record: a message that another batch has received since is not deleted.
        for record in batch.records:
            if record["messageId"] not in failed:
                self._queue.delete(record["receiptHandle"])
        return True
