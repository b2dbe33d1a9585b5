"""SQS over HTTP: standard and FIFO queues with their visibility, retention, deduplication and dead letters.

`Queue` is a queue without a network, on any clock; `serve` puts HTTP before several of them, as boto3 speaks
it (`AWS_ENDPOINT_URL_SQS`). Where AWS documents nothing the double takes the stricter reading, and says so.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
import random
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.doubles.serving import served

MAX_BATCH = 10
"""Messages of one request (SQS Developer Guide, "Amazon SQS message quotas")."""
MAX_MESSAGE_BYTES = 262_144
"""Of a message with its attributes, and of a batch. AWS has raised both to 1 MiB (botocore 1.43,
SendMessageBatch); the provider for Terraform still knows the old limit, and the stricter of the two holds."""
MAX_IN_FLIGHT = {False: 120_000, True: 20_000}
"""FIFO → received and not deleted ("Amazon SQS message quotas"): beyond that, nothing more is received."""
DEDUPLICATION_SECONDS = 300.0
"""How long a FIFO queue drops what has the deduplication id of an earlier message ("Exactly-once
processing")."""
MAX_VISIBILITY_SECONDS = 43_200
"""Twelve hours, counted from the receive ("Amazon SQS visibility timeout")."""
ACCOUNT, REGION = "111122223333", "eu-central-1"

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_GROUP = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SqsError(Exception):
    """What SQS answers instead: its code, and why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(eq=False)
class Message:
    """A message with what SQS knows about it."""

    id: str
    content: str | Callable[[], str]
    """The body, or what makes it when it is read: a million bodies need not be in memory at once."""
    sent: float
    """When retention began."""
    group: str = ""
    deduplication_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    first_sent: float = 0.0
    """When it entered the first queue that held it."""
    trace: str = ""
    """The trace of the request that sent it, which SQS keeps as `AWSTraceHeader`."""
    source: str = ""
    """The queue from which it was moved into this one, where it is a dead letter; empty: sent here."""
    receives: int = 0
    first_received: float = 0.0
    visible_at: float = 0.0
    order: int = 0
    state: str = "waiting"
    """waiting, in flight, deleted, dead, expired"""

    @property
    def body(self) -> str:
        """The body."""
        return self.content if isinstance(self.content, str) else self.content()

    @property
    def receipt_handle(self) -> str:
        """Of the latest receive."""
        return f"{self.id}#{self.receives}"

    def record(self, queue: Queue) -> dict[str, Any]:
        """The message as Lambda hands it to a function."""
        body = self.body
        attributes = {
            "ApproximateReceiveCount": str(self.receives),
            "SentTimestamp": str(int(self.sent * 1000)),
            "SenderId": "AROA0123456789EXAMPLE:S3-PROD-END",
            "ApproximateFirstReceiveTimestamp": str(int(self.first_received * 1000)),
        }
        if self.trace:
            attributes["AWSTraceHeader"] = self.trace
        if queue.fifo:
            attributes |= {
                "MessageGroupId": self.group,
                "MessageDeduplicationId": self.deduplication_id,
                "SequenceNumber": f"{self.order:020d}",
            }
        return {
            "messageId": self.id,
            "receiptHandle": self.receipt_handle,
            "body": body,
            "attributes": attributes,
            "messageAttributes": {
                name: {
                    "stringValue": value.get("StringValue"),
                    "stringListValues": [],
                    "binaryListValues": [],
                    "dataType": value["DataType"],
                }
                for name, value in self.attributes.items()
            },
            "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": REGION,
        }


class Queue:
    """One queue. A message that is received is hidden until its visibility ends, unless it is deleted."""

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float] = time.time,
        visibility_seconds: float = 30.0,
        retention_seconds: float = 4 * 86_400.0,
        max_receives: int = 1_000,
        dead_letters: Queue | None = None,
        seed: int = 0,
    ) -> None:
        if dead_letters and dead_letters.fifo != name.endswith(".fifo"):
            raise SqsError(
                "InvalidParameterValue", "The dead-letter queue of a FIFO queue must also be FIFO."
            )
        self.name = name
        self.fifo: bool = name.endswith(".fifo")
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        self.visibility_seconds = visibility_seconds
        self.retention_seconds = retention_seconds
        self.max_receives = max_receives
        self.dead_letters = dead_letters
        self.on_arrival: Callable[[float], object] = lambda _: None
        """Called with the time at which something becomes visible, whenever that becomes known."""
        self.messages: dict[str, Message] = {}
        """Those that neither were deleted nor died nor expired."""
        self.expired: list[Message] = []
        self.deleted = 0
        self.in_flight = 0
        self.drained = 0.0
        """When a message last left for good."""
        self._now = clock
        self._chance = random.Random(f"{seed} {name}")  # noqa: S311 - repeatable
        self._order = itertools.count()
        self._timed: list[tuple[float, int, Message]] = []
        """Messages that become visible later: sent in the future, delayed, or in flight."""
        self._ready: deque[Message] = deque()
        self._groups: OrderedDict[str, list[Message]] = OrderedDict()
        """Of a FIFO queue: what is there of each group, in the order of sending."""
        self._busy: dict[str, int] = {}
        """Of a FIFO queue: messages of a group in flight, which hold back the rest of it."""
        self._seen: dict[str, tuple[float, str]] = {}

    # what senders do

    def send(
        self,
        content: str | Callable[[], str],
        *,
        at: float | None = None,
        delay: float = 0.0,
        group: str = "",
        deduplication_id: str = "",
        attributes: Mapping[str, Any] | None = None,
        trace: str = "",
    ) -> str:
        """Send a message, which arrives at that time (now, if not said): its id."""
        now = self._now()
        sent = now if at is None else at
        if self.fifo:
            if not group or not deduplication_id:
                raise SqsError("MissingParameter", "The request must contain the parameter MessageGroupId.")
            known = self._seen.get(deduplication_id)
            if known and sent - known[0] < DEDUPLICATION_SECONDS:
                return known[1]
        order = next(self._order)
        message = Message(
            id=f"{abs(hash_of(self.name)):08x}-0000-4000-8000-{order:012x}",
            content=content,
            sent=sent,
            group=group,
            deduplication_id=deduplication_id,
            attributes=attributes or {},
            trace=trace,
            first_sent=sent,
            visible_at=sent + delay,
            order=order,
        )
        if self.fifo:
            self._seen[deduplication_id] = (sent, message.id)
        self._add(message)
        return message.id

    def _add(self, message: Message) -> None:
        self.messages[message.id] = message
        if message.visible_at > self._now():
            heapq.heappush(self._timed, (message.visible_at, message.order, message))
        else:
            self._make_ready(message)
        self.on_arrival(message.visible_at)

    # what receivers do

    def receive(self, most: int = MAX_BATCH) -> list[Message]:
        """Up to `most` visible messages, at most ten, hidden from now on."""
        self._advance()
        room = MAX_IN_FLIGHT[self.fifo] - self.in_flight
        wanted = min(most, MAX_BATCH, room)
        return self._receive_fifo(wanted) if self.fifo else self._receive_standard(wanted)

    def next_available(self) -> float | None:
        """When a receive may find something, as far as is known now; None: not until something is sent."""
        self._advance()
        if self.in_flight >= MAX_IN_FLIGHT[self.fifo]:
            return self._next_timed()
        if self.fifo:
            if any(group not in self._busy for group in self._groups):
                return self._now()
        elif self._ready:
            return self._now()
        return self._next_timed()

    def change_visibility(self, receipt_handle: str, seconds: float) -> None:
        """Hide a message that is in flight for so long from now on. Raises SqsError."""
        message = self._by_handle(receipt_handle)
        if not 0 <= seconds <= MAX_VISIBILITY_SECONDS:
            raise SqsError("InvalidParameterValue", "VisibilityTimeout must be between 0 and 43200.")
        if message.state != "in flight":
            raise SqsError("MessageNotInflight", "The message is not in flight.")
        message.visible_at = self._now() + seconds
        heapq.heappush(self._timed, (message.visible_at, message.order, message))
        self.on_arrival(message.visible_at)

    def delete(self, receipt_handle: str) -> None:
        """Delete a message. One that was received again since is left alone: the handle is an old one."""
        try:
            message = self._by_handle(receipt_handle)
        except SqsError:
            return
        self._leave(message, "deleted")
        self.deleted += 1

    def expire(self) -> None:
        """Drop whatever is older than the retention."""
        self._advance()
        for message in [each for each in self.messages.values() if self._is_old(each)]:
            self._expire(message)

    @property
    def oldest(self) -> float | None:
        """When the oldest message was sent; None: the queue is empty."""
        return min((message.sent for message in self.messages.values()), default=None)

    # how it works inside

    def _advance(self) -> None:
        now = self._now()
        while self._timed and self._timed[0][0] <= now:
            when, _, message = heapq.heappop(self._timed)
            if message.visible_at == when and message.state in ("waiting", "in flight"):
                self._end_flight(message)
                self._make_ready(message)

    def _next_timed(self) -> float | None:
        while self._timed:
            when, _, message = self._timed[0]
            if message.visible_at == when and message.state in ("waiting", "in flight"):
                return when
            heapq.heappop(self._timed)
        return None

    def _make_ready(self, message: Message) -> None:
        if not self.fifo:
            self._ready.append(message)
            return
        group = self._groups.setdefault(message.group, [])
        group.append(message)
        group.sort(key=lambda each: each.order)

    def _end_flight(self, message: Message) -> None:
        if message.state != "in flight":
            return
        message.state = "waiting"
        self.in_flight -= 1
        if self.fifo:
            self._busy[message.group] -= 1
            if not self._busy[message.group]:
                del self._busy[message.group]

    def _receive_standard(self, wanted: int) -> list[Message]:
        taken: list[Message] = []
        while len(taken) < wanted and self._ready:
            message = self._ready.popleft()
            if message.state == "waiting" and self._take(message):
                taken.append(message)
        return taken

    def _receive_fifo(self, wanted: int) -> list[Message]:
        """As many of one group as there are, then of the next, beginning with the oldest message (SQS
        Developer Guide, "FIFO queue delivery logic")."""
        taken: list[Message] = []
        free = [group for group in self._groups if group not in self._busy]
        for group in sorted(free, key=lambda each: self._groups[each][0].order):
            while len(taken) < wanted and group in self._groups:
                waiting = self._groups[group]
                message = waiting.pop(0)
                if not waiting:
                    del self._groups[group]
                if self._take(message):
                    taken.append(message)
        return taken

    def _take(self, message: Message) -> bool:
        now = self._now()
        if self._is_old(message):
            self._expire(message)
            return False
        if message.receives >= self.max_receives and self.dead_letters:
            self._leave(message, "dead")
            self.dead_letters.take_dead_letter(message, self.name)
            return False
        if message.receives == 0:
            message.first_received = now
        message.receives += 1
        message.state = "in flight"
        message.visible_at = now + self.visibility_seconds
        self.in_flight += 1
        if self.fifo:
            self._busy[message.group] = self._busy.get(message.group, 0) + 1
        heapq.heappush(self._timed, (message.visible_at, message.order, message))
        return True

    def take_dead_letter(self, message: Message, source: str) -> None:
        """Take over a message that another queue has given up."""
        # The clock of a standard queue goes on; that of a FIFO queue starts anew (SQS Developer Guide, "Using
        # dead-letter queues in Amazon SQS").
        now = self._now()
        self._add(
            Message(
                id=message.id,
                content=message.content,
                sent=now if self.fifo else message.sent,
                group=message.group,
                deduplication_id=message.deduplication_id,
                attributes=message.attributes,
                first_sent=message.first_sent,
                source=source,
                visible_at=now,
                order=next(self._order),
            )
        )

    def _is_old(self, message: Message) -> bool:
        return self._now() - message.sent > self.retention_seconds

    def _expire(self, message: Message) -> None:
        self._leave(message, "expired")
        self.expired.append(message)

    def _leave(self, message: Message, state: str) -> None:
        was_in_flight = message.state == "in flight"
        self._end_flight(message)
        if not was_in_flight and self.fifo and message in self._groups.get(message.group, ()):
            self._groups[message.group].remove(message)
            if not self._groups[message.group]:
                del self._groups[message.group]
        message.state = state
        del self.messages[message.id]
        self.drained = self._now()
        if self.fifo:
            self.on_arrival(self._now())

    def _by_handle(self, receipt_handle: str) -> Message:
        self._advance()
        message_id, _, receives = receipt_handle.rpartition("#")
        message = self.messages.get(message_id)
        if message is None or str(message.receives) != receives:
            raise SqsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
        return message


def hash_of(text: str) -> int:
    """A number for a text, the same in every run."""
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


@dataclass
class Sqs:
    """Several queues under their URLs, and what was asked of them."""

    queues: Mapping[str, Queue]
    calls: dict[str, int] = field(default_factory=dict)
    """Operation → how often it was called."""
    denied: frozenset[str] = frozenset()
    """Operations that the caller lacks the permission for."""
    _trace: str = ""

    def answer(self, operation: str, request: Mapping[str, Any], trace: str = "") -> dict[str, Any]:
        """What SQS answers to a request with that X-Amzn-Trace-Id. Raises SqsError."""
        self._trace = trace
        self.calls[operation] = self.calls.get(operation, 0) + 1
        if operation in self.denied:
            raise SqsError("AccessDeniedException", f"not authorized to perform: sqs:{operation}")
        handler = {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ChangeMessageVisibility": self._change,
            "ChangeMessageVisibilityBatch": self._change_batch,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ReceiveMessage": self._receive,
            "GetQueueAttributes": self._attributes,
        }.get(operation)
        if handler is None:
            raise SqsError("UnsupportedOperation", f"{operation} is not known here.")
        queue = self.queues.get(str(request.get("QueueUrl")).rpartition("/")[2])
        if queue is None:
            raise SqsError("QueueDoesNotExist", "The specified queue does not exist.")
        return handler(queue, request)

    def _send(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        body = request.get("MessageBody")
        if not body:
            raise SqsError("MissingParameter", "The request must contain the parameter MessageBody.")
        if _FORBIDDEN.search(body):
            raise SqsError(
                "InvalidMessageContents", "The message contains characters outside the allowed set."
            )
        if message_bytes(request) > MAX_MESSAGE_BYTES:
            raise SqsError(
                "InvalidParameterValue", f"Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
            )
        attributes = request.get("MessageAttributes") or {}
        if len(attributes) > 10 or any(not each.get("StringValue") for each in attributes.values()):
            raise SqsError("InvalidParameterValue", "At most 10 attributes, none of them empty.")
        group, deduplication_id = request.get("MessageGroupId", ""), request.get("MessageDeduplicationId", "")
        if queue.fifo and request.get("DelaySeconds"):
            raise SqsError("InvalidParameterValue", "DelaySeconds is not valid for a FIFO queue.")
        if not queue.fifo and deduplication_id:
            raise SqsError("InvalidParameterValue", "MessageDeduplicationId is for FIFO queues.")
        for value in filter(None, (group, deduplication_id)):
            if not _GROUP.fullmatch(value):
                raise SqsError("InvalidParameterValue", f"{value!r} is no valid id of a group.")
        delay = float(request.get("DelaySeconds") or 0)
        if not 0 <= delay <= 900:
            raise SqsError("InvalidParameterValue", "DelaySeconds must be between 0 and 900.")
        message_id = queue.send(
            body,
            delay=delay,
            group=group,
            deduplication_id=deduplication_id,
            attributes=attributes,
            trace=self._trace,
        )
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return {"MessageId": message_id, "MD5OfMessageBody": digest}

    def _send_batch(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        if sum(map(message_bytes, request.get("Entries") or ())) > MAX_MESSAGE_BYTES:
            raise SqsError("BatchRequestTooLong", f"The batch is larger than {MAX_MESSAGE_BYTES} bytes.")
        return self._each(queue, request, self._send)

    def _change(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        queue.change_visibility(request["ReceiptHandle"], request["VisibilityTimeout"])
        return {}

    def _change_batch(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(queue, request, self._change)

    def _delete(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        queue.delete(request["ReceiptHandle"])
        return {}

    def _delete_batch(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._each(queue, request, self._delete)

    def _each(
        self,
        queue: Queue,
        request: Mapping[str, Any],
        single: Callable[[Queue, Mapping[str, Any]], dict[str, Any]],
    ) -> dict[str, Any]:
        entries: Sequence[Mapping[str, Any]] = request.get("Entries") or ()
        if not entries:
            raise SqsError("EmptyBatchRequest", "The batch is empty.")
        if len(entries) > MAX_BATCH:
            raise SqsError("TooManyEntriesInBatchRequest", f"At most {MAX_BATCH} entries.")
        if len({entry.get("Id") for entry in entries}) < len(entries):
            raise SqsError("BatchEntryIdsNotDistinct", "Two entries have the same id.")
        if not all(_ID.fullmatch(str(entry.get("Id"))) for entry in entries):
            raise SqsError("InvalidBatchEntryId", "An id may hold 80 letters, digits, hyphens, underscores.")
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                answer["Successful"].append({"Id": entry["Id"], **single(queue, entry)})
            except SqsError as error:
                failure = {"Id": entry["Id"], "Code": error.code, "Message": str(error), "SenderFault": True}
                answer["Failed"].append(failure)
        return dict(answer)

    def _receive(self, queue: Queue, request: Mapping[str, Any]) -> dict[str, Any]:
        messages = [
            {
                "MessageId": message.id,
                "ReceiptHandle": message.receipt_handle,
                "Body": message.body,
                "MD5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "Attributes": message.record(queue)["attributes"],
                "MessageAttributes": message.attributes,
            }
            for message in queue.receive(request.get("MaxNumberOfMessages", 1))
        ]
        return {"Messages": messages} if messages else {}

    def _attributes(self, queue: Queue, _: Mapping[str, Any]) -> dict[str, Any]:
        queue.expire()
        return {
            "Attributes": {
                "QueueArn": queue.arn,
                "ApproximateNumberOfMessages": str(len(queue.messages) - queue.in_flight),
                "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
            }
        }


def message_bytes(entry: Mapping[str, Any]) -> int:
    """What SQS counts of a message: its body, and the names, types and values of its attributes."""
    attributes = entry.get("MessageAttributes") or {}
    return len((entry.get("MessageBody") or "").encode()) + sum(
        len(name.encode()) + len(value.get("DataType", "")) + len((value.get("StringValue") or "").encode())
        for name, value in attributes.items()
    )


class _Handler(BaseHTTPRequestHandler):
    sqs: Sqs
    lock: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        operation = (self.headers.get("X-Amz-Target") or "").removeprefix("AmazonSQS.")
        try:
            with self.lock:
                trace = self.headers.get("X-Amzn-Trace-Id") or ""
                status, answer = 200, self.sqs.answer(operation, request, trace)
        except SqsError as error:
            status, answer = 400, {"__type": f"com.amazonaws.sqs#{error.code}", "message": str(error)}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The counts in `Sqs.calls` are enough."""


@contextmanager
def serve(sqs: Sqs, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the endpoint's URL. Port 0: any free one."""
    with served(handler(sqs), host=host, port=port) as url:
        yield url


def handler(sqs: Sqs) -> type[BaseHTTPRequestHandler]:
    """The handler of HTTP requests that `serve` serves."""
    return type("Handler", (_Handler,), {"sqs": sqs, "lock": threading.Lock()})
