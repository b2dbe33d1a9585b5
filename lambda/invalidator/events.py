"""Any payload → `Change`s and `Request`s, each with the id of the message in which it came.

`SOURCES` is the table of what is understood. A new source is one more row: a function that
recognises its payload, a function that reads it, and payload files in `tests/events`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from invalidator.text import kind as kind_of
from invalidator.text import listed, shown

BROKEN_PER_MESSAGE = 100
"""Records of a message that are told as ignored or rejected, each for itself: 254 KB hold 130,000."""

BROKEN_PER_BATCH = 1_000
"""The same of a batch; from then on a message tells of its first one alone."""

MAX_DEPTH = 4
"""How many others a payload may lie in; AWS puts an S3 event into SNS into SQS, and goes no deeper."""


@dataclass(frozen=True)
class Change:
    """An object of a bucket that is no longer what an edge may have cached."""

    message_id: str
    bucket: str
    key: str
    """The object's key, decoded: what S3 calls it."""
    time: float | None = None
    """When it changed, in seconds since 1970; None where the event does not say."""


@dataclass(frozen=True)
class Request:
    """Somebody asked for an invalidation."""

    message_id: str
    paths: tuple[str, ...] | None = None
    """As asked, not yet checked; None with no tags and no keys: the default paths."""
    tags: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None
    """Objects that changed, by what S3 calls them, to be planned as changes are; None: not asked by key."""
    bucket: str = ""
    """Where the keys lie; empty: in the only bucket of the routes."""
    distribution_id: str = ""
    """A distribution's or a tenant's id; empty: the default target."""
    dry_run: bool = False
    wait: bool = False
    job_id: str = ""
    """The CodePipeline job that waits for an answer; empty: none does."""
    time: float | None = None


@dataclass(frozen=True)
class Ignored:
    """A part of a message that asks for nothing, and why."""

    message_id: str
    reason: str


@dataclass(frozen=True)
class Rejected:
    """A message that fails, with what to do about it."""

    message_id: str
    error: str
    job_id: str = ""
    """The CodePipeline job that waits for an answer; empty: none does."""


@dataclass(frozen=True)
class Batch:
    """All that one invocation of the function brought."""

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
    """A payload is not what its source is documented to send; it becomes a `Rejected` with this text."""


@dataclass(frozen=True)
class Envelope:
    """What a payload came in, and so where its parts are filed."""

    message_id: str
    depth: int = 0
    """How many other payloads lie around it."""
    answers_jobs: bool = False
    """Whether it is the invocation of a function that may answer a job of CodePipeline."""


@dataclass(frozen=True)
class Source:
    """One kind of payload."""

    name: str
    recognises: Callable[[Json], object]
    """Answers something true for its own payloads."""
    read: Callable[[Json, Envelope], Iterator[Part]]
    """Yields what it finds, and raises EventError where the rest cannot be read."""


def read(payload: object, invocation_id: str, *, answers_jobs: bool = False) -> Batch:
    """All that a payload asks for, whatever it is; nothing is raised.

    `answers_jobs`: the function is an action of a pipeline. Even then a job is read from the payload of an
    invocation alone: what came by a queue, a topic or a rule is not from CodePipeline, which invokes the
    function itself (CodePipeline User Guide, "Invoke an AWS Lambda function in a pipeline").

    A message that is wrong, or wrong in part, becomes a `Rejected` beside all that could be read of it.
    Its id is the messageId of SQS, or the invocation's where no queue brought it. The invocation's id
    also stands for a record of a queue that lacks its own: as it names no message of the batch, Lambda
    takes the answer for a complete failure, and hands the whole batch out again rather than lose one.
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
    """The parts of a queue's messages, with as many broken ones as a batch may tell of."""
    room = BROKEN_PER_BATCH
    for record, envelope in messages:
        most = max(1, min(BROKEN_PER_MESSAGE, room))
        for part in _bounded(_guarded(_queue_record, record, envelope), envelope, most):
            room -= isinstance(part, Ignored | Rejected)
            yield part


def _bounded(parts: Iterable[Part], envelope: Envelope, most: int) -> Iterator[Part]:
    """All changes and requests, the first ignored or rejected parts, and how many more there are of each.

    A message that fails without the bound fails with it.
    """
    left_out = {Ignored: 0, Rejected: 0}
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
    """What the reader finds, and where it gives up, a Rejected that says why."""
    try:
        yield from reader(payload, envelope)
    except EventError as error:
        yield Rejected(envelope.message_id, str(error))


def _read(payload: object, envelope: Envelope) -> Iterator[Part]:
    if envelope.depth > MAX_DEPTH:
        raise EventError(f"the payload lies in more than {MAX_DEPTH} others: send it as it is")
    if not isinstance(payload, dict):
        raise EventError(f"the payload must be a JSON object, not {kind_of(payload)}")
    source = next((source for source in SOURCES if source.recognises(payload)), None)
    if source is None:
        sender = _sender(payload)
        if sender:
            raise EventError(
                f"records of {sender} ask for no invalidation: remove the function as their target"
            )
        raise EventError(
            f"no source is known whose payloads hold {listed(payload)}; known are "
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
"""After these S3 answers differently for an object (S3 User Guide, "Supported event types").

An archived object answers with an error until it is restored, and again once its restored copy expires.
"""

_EVENTBRIDGE_CHANGES = (
    "Object Created",
    "Object Deleted",
    "Object Restore Completed",
    "Object Restore Expired",
)
"""The same in EventBridge, where lifecycle rules delete as everybody does (S3 User Guide, "EventBridge")."""


def _s3_notification(payload: Json, envelope: Envelope) -> Iterator[Part]:
    for record in payload["Records"]:
        yield from _guarded(_s3_record, record, envelope)


def _s3_record(payload: object, envelope: Envelope) -> Iterator[Part]:
    record = _as_object(payload, "a record")
    if record.get("eventSource") != "aws:s3":
        raise EventError("the record must have eventSource 'aws:s3', like the others of its notification")
    # Within a major version S3 only adds fields (S3 User Guide, "Event message structure").
    version = _text(record, "eventVersion")
    if version.split(".")[0] != "2":
        raise EventError(f"eventVersion {shown(version)} is not understood: only 2.x is")
    event_name = _text(record, "eventName").removeprefix("s3:")
    if not event_name.startswith(_CHANGES):
        yield Ignored(envelope.message_id, f"{shown(event_name)} does not change what an object answers")
        return
    s3 = _object(record, "s3")
    yield Change(
        envelope.message_id,
        bucket=_text(_object(s3, "bucket"), "name"),
        key=_form_decoded(_text(_object(s3, "object"), "key")),
        time=_time(record, "eventTime"),
    )


def _form_decoded(key: str) -> str:
    """The key of a notification, which S3 encodes like the value of a form: a space is `+`."""
    if re.search("%(?![0-9A-Fa-f]{2})", key):
        raise EventError(f"key {shown(key)} must be form-encoded, as S3 does it: it holds a bare '%'")
    try:
        return unquote_to_bytes(key.replace("+", " ")).decode()
    except UnicodeError:
        raise EventError(f"key {shown(key)} must be form-encoded UTF-8") from None


def _s3_test(payload: Json, envelope: Envelope) -> Iterator[Part]:
    yield Ignored(envelope.message_id, "S3 tests the notifications of a bucket that were just configured")


# --- EventBridge --------------------------------------------------------------------------------


def _is_eventbridge(payload: Json) -> bool:
    return "detail-type" in payload and "source" in payload


def _eventbridge(payload: Json, envelope: Envelope) -> Iterator[Part]:
    source, kind = _text(payload, "source"), _text(payload, "detail-type")
    scheduled = kind == "Scheduled Event" and source in ("aws.events", "aws.scheduler")
    # The test events of `sam local generate-event` and of others have no version.
    version = "0" if scheduled and "version" not in payload else _text(payload, "version")
    if version != "0":
        raise EventError(f"version {shown(version)} of an EventBridge event is not understood: only '0' is")
    if source == "aws.s3":
        yield from _eventbridge_s3(payload, kind, envelope)
    elif scheduled:
        yield Request(envelope.message_id, time=_time(payload, "time"))
    elif source.startswith("aws."):
        raise EventError(
            f"{shown(kind)} of {shown(source)} asks for no invalidation: narrow the pattern of the rule"
        )
    else:
        yield _request(_object(payload, "detail"), envelope, time=_time(payload, "time"))


def _eventbridge_s3(payload: Json, kind: str, envelope: Envelope) -> Iterator[Part]:
    if "CloudTrail" in kind:
        raise EventError(
            "CloudTrail's events of S3 are not read: turn on the bucket's own events to EventBridge instead"
        )
    if kind not in _EVENTBRIDGE_CHANGES:
        yield Ignored(envelope.message_id, f"{shown(kind)} does not change what an object answers")
        return
    detail = _object(payload, "detail")
    version = _text(detail, "version")
    if version != "0":
        raise EventError(f"version {shown(version)} of an S3 event's detail is not understood: only '0' is")
    yield Change(
        envelope.message_id,
        bucket=_text(_object(detail, "bucket"), "name"),
        # Not encoded, unlike in a notification: the guide is silent, but `+` and `%` were seen as they are.
        key=_text(_object(detail, "object"), "key"),
        time=_time(payload, "time"),
    )


# --- SNS ----------------------------------------------------------------------------------------


def _sns_records(payload: Json, envelope: Envelope) -> Iterator[Part]:
    for record in payload["Records"]:
        yield from _guarded(_sns_record, record, envelope)


def _sns_record(payload: object, envelope: Envelope) -> Iterator[Part]:
    yield from _sns_message(_object(_as_object(payload, "a record"), "Sns"), envelope)


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
        # Whoever leaves the parameters of an action empty wants the defaults.
        asked = _json(configuration, "UserParameters") if configuration.get("UserParameters") else {}
        yield _request(_as_object(asked, "UserParameters"), envelope, job_id=job_id)
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


def _request(asked: Json, envelope: Envelope, job_id: str = "", time: float | None = None) -> Request:
    unknown = asked.keys() - _REQUEST
    if unknown:
        raise EventError(f"a request holds only {listed(_REQUEST)}, not {listed(unknown)}")
    targets = [_text(asked, name) for name in ("distribution_id", "distribution_tenant_id") if name in asked]
    if len(targets) > 1:
        raise EventError("a request names a distribution_id or a distribution_tenant_id, not both")
    tags = _texts(asked, "tags") if "tags" in asked else ()
    # A deploy that uploads nothing has no keys: then nothing is asked for.
    keys = _texts(asked, "keys", may_be_empty=True) if "keys" in asked else None
    if keys is None and "bucket" in asked:
        raise EventError("a request names a bucket only beside its keys")
    # Whoever names tags or keys alone does not mean the default paths as well.
    otherwise = None if keys is None and not tags else ()
    return Request(
        envelope.message_id,
        paths=_texts(asked, "paths") if "paths" in asked else otherwise,
        tags=tags,
        keys=keys,
        bucket=_text(asked, "bucket") if "bucket" in asked else "",
        distribution_id="".join(targets),
        dry_run=_flag(asked, "dry_run"),
        wait=_flag(asked, "wait"),
        job_id=job_id,
        time=time,
    )


# --- The table ----------------------------------------------------------------------------------


def _records(event_source: str, payload: object) -> list[Any]:
    """All records of a payload, if any is of that source: a bad one must not hide the good ones beside it."""
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
"""eventSource → the service, of records that ask for nothing (Lambda Developer Guide, "Event sources")."""


def _sender(payload: Json) -> str:
    """The service whose records these are, where they say so; else empty."""
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
"""What is understood, each told from the others by what only it holds; SQS may bring any of them."""


# --- Fields, or an EventError that names the one that is wrong -----------------------------------


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
        # JSON can write half of a surrogate pair; no bucket, key or path can hold it.
        raise EventError(f"{name} must be Unicode text: it holds half of a surrogate pair") from None
    return value


def _texts(holder: Json, name: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
    value = holder[name]
    if may_be_empty and value == []:
        return ()
    if not isinstance(value, list) or not value:
        raise EventError(f"{name} must be a non-empty list of strings, or left out, not {kind_of(value)}")
    return tuple(_as_text(each, f"each of {name}") for each in value)


def _flag(holder: Json, name: str) -> bool:
    value = holder.get(name, False)
    if not isinstance(value, bool):
        raise EventError(f"{name} must be true or false, not {kind_of(value)}")
    return value


def _json(holder: Json, name: str) -> object:
    """What the JSON text in that field says."""
    text = _text(holder, name)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EventError(f"{name} must be JSON text: {error}") from None


def _time(holder: Json, name: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time; None where there is none, for it serves a metric alone."""
    value = holder.get(name)
    try:
        # Python 3.10 does not know AWS's `Z`.
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.timestamp() if moment and moment.tzinfo else None
