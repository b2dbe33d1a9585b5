"""Any payload → `Change`s and `Request`s, each with the id of the message in which it came.

`SOURCES` is the table of known sources. A new source is one more row: a function that recognises its payload,
a function that reads it, and payload files in `tests/events`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from invalidator.text import kind_of, listed, shown

BROKEN_PER_MESSAGE = 100
"""The most records of a message that are ignored or rejected one by one: 254 KB hold 10,000."""

BROKEN_PER_BATCH = 1_000
"""The same for a batch; beyond it each message has only its first one."""

MAX_DEPTH = 4
"""In how many other payloads a payload may lie; AWS nests no deeper than S3 in SNS in SQS."""


class Change(NamedTuple):
    """An object of a bucket that has changed, so that cached copies are outdated."""

    message_id: str
    bucket: str
    key: str
    """The object's key in S3, decoded."""
    time: float | None = None
    """When it changed, in seconds since 1970; None where the event does not say."""


class Request(NamedTuple):
    """A direct request for an invalidation."""

    message_id: str
    paths: tuple[str, ...] | None = None
    """The requested paths, not yet checked; None without tags and keys: the default paths."""
    tags: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None
    """Keys of changed objects in S3, planned as changes are; None: the request has no keys."""
    bucket: str = ""
    """The bucket of the keys; empty: the only bucket of the routes."""
    distribution_id: str = ""
    """A distribution's or a tenant's id; empty: the default target."""
    dry_run: bool = False
    wait: bool = False
    job_id: str = ""
    """The CodePipeline job that waits for an answer; empty: none."""
    time: float | None = None


class Ignored(NamedTuple):
    """A part of a message that requests nothing, and why."""

    message_id: str
    reason: str
    key: str = ""
    """The object's, where no route serves it."""


class Rejected(NamedTuple):
    """A part of a message that is wrong; the error says what to do."""

    message_id: str
    error: str
    job_id: str = ""
    """The CodePipeline job that waits for an answer; empty: none."""


class Batch(NamedTuple):
    """Everything in the event of one invocation."""

    queued: bool
    """True: an SQS event source mapping waits for a partial-batch answer."""
    message_ids: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    requests: tuple[Request, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    rejected: tuple[Rejected, ...] = ()


Part = Change | Request | Ignored | Rejected
Json = Mapping[str, Any]


class EventError(ValueError):
    """A payload differs from the documentation of its source; it becomes a `Rejected` with this text."""


class Envelope(NamedTuple):
    """The message that a payload came in, to which its parts belong."""

    message_id: str
    depth: int = 0
    """In how many other payloads it lies."""
    answers_jobs: bool = False
    """Whether it is the invocation of a function that may answer a job of CodePipeline."""


class Source(NamedTuple):
    """One kind of payload."""

    name: str
    recognises: Callable[[Json], object]
    """Returns a true value for its own payloads."""
    read: Callable[[Json, Envelope], Iterator[Part]]
    """Yields the parts, and raises EventError where the rest cannot be read."""


def read(payload: object, invocation_id: str, *, answers_jobs: bool = False) -> Batch:
    """Everything that a payload requests; it raises for no payload.

    `answers_jobs`: the function is an action of a pipeline. Even then a job is read only from the payload of
    an invocation: CodePipeline invokes the function itself, and uses no queue, topic or rule (CodePipeline
    User Guide, "Invoke an AWS Lambda function in a pipeline").

    For a message that is wrong, or wrong in part, there is a `Rejected` beside the parts that could be read.
    Its id is the messageId of SQS, or the id of the invocation where the event is not from a queue, or where
    a record of a queue has no messageId. In the last case the answer names no message of the batch: Lambda
    then treats the whole batch as failed and delivers it again, so that no message is lost.
    """
    records = _records("aws:sqs", payload)
    if not records:
        envelope = Envelope(invocation_id, answers_jobs=answers_jobs)
        return _batch(
            False,
            [invocation_id],
            _bounded(_guarded(_read, payload, envelope), envelope, BROKEN_PER_MESSAGE),
        )
    messages = [(record, Envelope(_message_id(record) or invocation_id, depth=1)) for record in records]
    return _batch(
        True,
        [envelope.message_id for _, envelope in messages],
        _parts_of(messages),
    )


def _batch(queued: bool, message_ids: Iterable[str], parts: Iterable[Part]) -> Batch:
    found = tuple(parts)
    return Batch(
        queued,
        tuple(dict.fromkeys(message_ids)),
        changes=tuple(part for part in found if isinstance(part, Change)),
        requests=tuple(part for part in found if isinstance(part, Request)),
        ignored=tuple(part for part in found if isinstance(part, Ignored)),
        rejected=tuple(part for part in found if isinstance(part, Rejected)),
    )


def _parts_of(messages: Iterable[tuple[object, Envelope]]) -> Iterator[Part]:
    """The parts of a queue's messages; ignored and rejected ones only up to `BROKEN_PER_BATCH`."""
    room = BROKEN_PER_BATCH
    for record, envelope in messages:
        most = max(1, min(BROKEN_PER_MESSAGE, room))
        for part in _bounded(_guarded(_queue_record, record, envelope), envelope, most):
            room -= isinstance(part, Ignored | Rejected)
            yield part


def _bounded(parts: Iterable[Part], envelope: Envelope, most: int) -> Iterator[Part]:
    """All changes and requests, the first ignored or rejected parts, and how many more there are of each."""
    left_out: dict[type[Ignored] | type[Rejected], int] = {Ignored: 0, Rejected: 0}
    for part in parts:
        if isinstance(part, Ignored | Rejected):
            most -= 1
            if most < 0:
                left_out[type(part)] += 1
                continue
        yield part
    for kind, count in left_out.items():
        if count:
            yield kind(envelope.message_id, f"and {count} more")


def _guarded(
    reader: Callable[[Any, Envelope], Iterator[Part]], payload: object, envelope: Envelope
) -> Iterator[Part]:
    """The parts that the reader yields, and a Rejected with the reason where it raises EventError."""
    try:
        yield from reader(payload, envelope)
    except EventError as error:
        yield Rejected(envelope.message_id, str(error))


def _guarded_each(
    reader: Callable[[Any, Envelope], Iterator[Part]],
    records: Sequence[object],
    name: str,
    source: str,
    envelope: Envelope,
) -> Iterator[Part]:
    """The parts of all records of that source, and one Rejected with the number of the other records.

    A message of 254 KB holds 126,000 others, and a batch 24 such messages: to reject each on its own takes
    longer than the function has, and the messages beside them would wait for ever.
    """
    others = 0
    for record in records:
        if isinstance(record, dict) and record.get(name) == source:
            yield from _guarded(reader, record, envelope)
        else:
            others += 1
    if others:
        yield Rejected(
            envelope.message_id,
            f"{others} of {len(records)} records must have {name} {source!r}, like the others beside them",
        )


def _read(payload: object, envelope: Envelope) -> Iterator[Part]:
    if envelope.depth > MAX_DEPTH:
        raise EventError(f"the payload lies in more than {MAX_DEPTH} other payloads: send it unwrapped")
    if not isinstance(payload, dict):
        raise EventError(f"the payload must be a JSON object, not {kind_of(payload)}")
    source = next((source for source in SOURCES if source.recognises(payload)), None)
    if source is None:
        sender = _sender(payload)
        if sender:
            raise EventError(
                f"records of {sender} request no invalidation: remove the function as their target"
            )
        raise EventError(
            f"no known source has a payload with {listed(payload)}; known sources are "
            f"{', '.join(source.name for source in SOURCES)}"
        )
    yield from source.read(payload, envelope)


# --- SQS, around everything else ---------------------------------------------------------------


def _message_id(record: object) -> str:
    message_id = record.get("messageId") if isinstance(record, dict) else None
    return message_id if isinstance(message_id, str) else ""


def _queue_record(payload: object, envelope: Envelope) -> Iterator[Part]:
    record = _as_object(payload, "a record")
    _text(record, "messageId")
    if record.get("eventSource") != "aws:sqs":
        raise EventError("the record must have eventSource 'aws:sqs', like the others of its batch")
    yield from _read(_json(record, "body"), envelope)


# --- S3 -----------------------------------------------------------------------------------------

_CHANGES = (
    "ObjectCreated:",
    "ObjectRemoved:",
    "LifecycleExpiration:",
    "ObjectRestore:Completed",
    "ObjectRestore:Delete",
)
"""After these events S3 returns something else for an object (S3 User Guide, "Supported event types").

An archived object answers with an error until it is restored, and again once its restored copy expires.
"""

_EVENTBRIDGE_CHANGES = (
    "Object Created",
    "Object Deleted",
    "Object Restore Completed",
    "Object Restore Expired",
)
"""The same in EventBridge, where lifecycle rules send Object Deleted too (S3 User Guide, "EventBridge")."""


def _s3_notification(payload: Json, envelope: Envelope) -> Iterator[Part]:
    yield from _guarded_each(_s3_record, payload["Records"], "eventSource", "aws:s3", envelope)


def _s3_record(record: Json, envelope: Envelope) -> Iterator[Part]:
    # Within a major version S3 only adds fields (S3 User Guide, "Event message structure").
    version = _text(record, "eventVersion")
    if version.split(".")[0] != "2":
        raise EventError(f"eventVersion {shown(version)} is not supported: only 2.x is")
    event_name = _text(record, "eventName").removeprefix("s3:")
    if not event_name.startswith(_CHANGES):
        yield Ignored(
            envelope.message_id, f"{shown(event_name)} does not change what S3 returns for an object"
        )
        return
    s3 = _object(record, "s3")
    yield Change(
        envelope.message_id,
        bucket=_text(_object(s3, "bucket"), "name"),
        key=_form_decoded(_text(_object(s3, "object"), "key")),
        time=_time(record, "eventTime"),
    )


def _form_decoded(key: str) -> str:
    """The decoded key of a notification: S3 encodes it like the value of a form, with `+` for a space."""
    if re.search("%(?![0-9A-Fa-f]{2})", key):
        raise EventError(f"key {shown(key)} must be form-encoded, as S3 does it: write %25 for a '%'")
    try:
        return unquote_to_bytes(key.replace("+", " ")).decode()
    except UnicodeError:
        raise EventError(f"key {shown(key)} must be form-encoded UTF-8") from None


def _s3_test(payload: Json, envelope: Envelope) -> Iterator[Part]:
    yield Ignored(
        envelope.message_id, "a test event that S3 sends when the notifications of a bucket are configured"
    )


# --- EventBridge --------------------------------------------------------------------------------


def _is_eventbridge(payload: Json) -> bool:
    return "detail-type" in payload and "source" in payload


def _eventbridge(payload: Json, envelope: Envelope) -> Iterator[Part]:
    source, kind = _text(payload, "source"), _text(payload, "detail-type")
    scheduled = kind == "Scheduled Event" and source in ("aws.events", "aws.scheduler")
    # Some test events, as those of `sam local generate-event`, have no version.
    version = "0" if scheduled and "version" not in payload else _text(payload, "version")
    if version != "0":
        raise EventError(f"version {shown(version)} of an EventBridge event is not supported: only '0' is")
    if source == "aws.s3":
        yield from _eventbridge_s3(payload, kind, envelope)
    elif scheduled:
        yield Request(envelope.message_id, time=_time(payload, "time"))
    elif source.startswith("aws."):
        raise EventError(
            f"{shown(kind)} of {shown(source)} requests no invalidation: narrow the pattern of the rule"
        )
    else:
        yield _request(_object(payload, "detail"), envelope, time=_time(payload, "time"))


def _eventbridge_s3(payload: Json, kind: str, envelope: Envelope) -> Iterator[Part]:
    if "CloudTrail" in kind:
        raise EventError(
            "CloudTrail's events of S3 are not read: turn on the bucket's own events to EventBridge instead"
        )
    if kind not in _EVENTBRIDGE_CHANGES:
        yield Ignored(envelope.message_id, f"{shown(kind)} does not change what S3 returns for an object")
        return
    detail = _object(payload, "detail")
    version = _text(detail, "version")
    if version != "0":
        raise EventError(f"version {shown(version)} of an S3 event's detail is not supported: only '0' is")
    yield Change(
        envelope.message_id,
        bucket=_text(_object(detail, "bucket"), "name"),
        # Not encoded, unlike in a notification: not in the guide, but real events have raw `+` and `%`.
        key=_text(_object(detail, "object"), "key"),
        time=_time(payload, "time"),
    )


# --- SNS ----------------------------------------------------------------------------------------


def _sns_records(payload: Json, envelope: Envelope) -> Iterator[Part]:
    yield from _guarded_each(_sns_record, payload["Records"], "EventSource", "aws:sns", envelope)


def _sns_record(record: Json, envelope: Envelope) -> Iterator[Part]:
    yield from _sns_message(_object(record, "Sns"), envelope)


def _is_sns_message(payload: Json) -> bool:
    return "TopicArn" in payload and "Type" in payload


def _sns_message(payload: Json, envelope: Envelope) -> Iterator[Part]:
    kind = _text(payload, "Type")
    if kind != "Notification":
        raise EventError(f"SNS sent a {shown(kind)}: confirm or remove the subscription by hand")
    yield from _read(_json(payload, "Message"), Envelope(envelope.message_id, envelope.depth + 1))


# --- CodePipeline -------------------------------------------------------------------------------


def _codepipeline(payload: Json, envelope: Envelope) -> Iterator[Part]:
    if not envelope.answers_jobs:
        raise EventError(
            "a job of CodePipeline is read only where CodePipeline itself invokes the function, "
            "and the module has codepipeline = true"
        )
    job = _object(payload, "CodePipeline.job")
    job_id = _text(job, "id")
    try:
        configuration = _object(_object(_object(job, "data"), "actionConfiguration"), "configuration")
        # An action without parameters requests the defaults.
        parameters = _json(configuration, "UserParameters") if configuration.get("UserParameters") else {}
        yield _request(_as_object(parameters, "UserParameters"), envelope, job_id=job_id)
    except EventError as error:
        # A job without an answer blocks its pipeline until it times out.
        yield Rejected(envelope.message_id, str(error), job_id)


# --- Direct requests ----------------------------------------------------------------------------

_REQUEST = {
    "paths",
    "tags",
    "keys",
    "bucket",
    "distribution_id",
    "distribution_tenant_id",
    "dry_run",
    "wait",
}


def _is_request(payload: Json) -> bool:
    return not payload or not _REQUEST.isdisjoint(payload)


def _direct(payload: Json, envelope: Envelope) -> Iterator[Part]:
    yield _request(payload, envelope)


def _request(fields: Json, envelope: Envelope, job_id: str = "", time: float | None = None) -> Request:
    unknown = fields.keys() - _REQUEST
    if unknown:
        raise EventError(f"a request holds only {listed(_REQUEST)}, not {listed(unknown)}")
    targets = [
        _text(fields, name) for name in ("distribution_id", "distribution_tenant_id") if name in fields
    ]
    if len(targets) > 1:
        raise EventError("a request names a distribution_id or a distribution_tenant_id, not both")
    tags = _texts(fields, "tags") if "tags" in fields else ()
    # A deploy that uploads nothing sends an empty list, which requests nothing.
    keys = _texts(fields, "keys", may_be_empty=True) if "keys" in fields else None
    if keys is None and "bucket" in fields:
        raise EventError("a request names a bucket only beside its keys")
    # A request with only tags or keys does not include the default paths.
    no_paths = None if keys is None and not tags else ()
    return Request(
        envelope.message_id,
        paths=_texts(fields, "paths") if "paths" in fields else no_paths,
        tags=tags,
        keys=keys,
        bucket=_text(fields, "bucket") if "bucket" in fields else "",
        distribution_id=targets[0] if targets else "",
        dry_run=_flag(fields, "dry_run"),
        wait=_flag(fields, "wait"),
        job_id=job_id,
        time=time,
    )


# --- The table ----------------------------------------------------------------------------------


def _records(event_source: str, payload: object) -> list[Any]:
    """All records of a payload if any is of that source, so that a wrong record does not hide the others."""
    records = payload.get("Records") if isinstance(payload, dict) else None
    if isinstance(records, list) and any(
        isinstance(record, dict) and event_source in (record.get("eventSource"), record.get("EventSource"))
        for record in records
    ):
        return records
    return []


_SENDERS = {
    "aws:codecommit": "CodeCommit",
    "aws:dynamodb": "DynamoDB",
    "aws:kinesis": "Kinesis",
    "aws:ses": "SES",
}
"""eventSource → the service whose records request nothing (Lambda Developer Guide, "Event sources")."""


def _sender(payload: Json) -> str:
    """The service that the first record names; else empty."""
    records = payload.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    if not isinstance(first, dict):
        return ""
    if "cf" in first:
        return "Lambda@Edge"
    source = first.get("eventSource")
    return _SENDERS.get(source, shown(source)) if isinstance(source, str) and source else ""


SOURCES = (
    Source("S3 notification", partial(_records, "aws:s3"), _s3_notification),
    Source("S3 test event", lambda payload: payload.get("Event") == "s3:TestEvent", _s3_test),
    Source("EventBridge event", _is_eventbridge, _eventbridge),
    Source("SNS records", partial(_records, "aws:sns"), _sns_records),
    Source("SNS message", _is_sns_message, _sns_message),
    Source("CodePipeline job", lambda payload: "CodePipeline.job" in payload, _codepipeline),
    Source("direct request", _is_request, _direct),
)
"""The known sources, each recognised by fields that only it has; SQS may deliver any of them."""


# --- Fields, or an EventError that names the wrong one -----------------------------------


def _object(holder: Json, name: str) -> Json:
    return _as_object(holder.get(name), name)


def _as_object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise EventError(f"{name} must be a JSON object, not {kind_of(value)}")
    return value


def _text(holder: Json, name: str) -> str:
    return _as_text(holder.get(name), name)


def _as_text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise EventError(f"{name} must be a non-empty string, not {kind_of(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        # JSON can express half of a surrogate pair; no bucket, key or path can contain one.
        raise EventError(f"{name} must be Unicode text: it holds half of a surrogate pair") from None
    return value


def _texts(holder: Json, name: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    value = holder[name]
    if not isinstance(value, list) or not (value or may_be_empty):
        wanted = "a list of strings" if may_be_empty else "a non-empty list of strings"
        raise EventError(f"{name} must be {wanted}, or left out, not {kind_of(value)}")
    return tuple(_as_text(each, f"each of {name}") for each in value)


def _flag(holder: Json, name: str) -> bool:
    value = holder.get(name, False)
    if not isinstance(value, bool):
        raise EventError(f"{name} must be true or false, not {kind_of(value)}")
    return value


def _json(holder: Json, name: str) -> object:
    """The parsed JSON text of that field."""
    text = _text(holder, name)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EventError(f"{name} must be JSON text: {error}") from None


def _time(holder: Json, name: str) -> float | None:
    """An ISO 8601 time in seconds since 1970; None where it is missing or wrong."""
    value = holder.get(name)
    try:
        # Python 3.10 does not know AWS's `Z`.
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.timestamp() if moment and moment.tzinfo else None
