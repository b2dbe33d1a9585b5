"""Any payload → `Change`s and `Request`s, each with the id of the message in which it came."""

from __future__ import annotations

from dataclasses import dataclass


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
    """As asked, not yet checked; None: the default paths."""
    tags: tuple[str, ...] = ()
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
    """The CodePipeline job that waits for an answer all the same."""


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
