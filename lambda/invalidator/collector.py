"""A batch of the first queue → the chunks for the plan queue, and what nobody can read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from invalidator import chunks
from invalidator.chunks import DeadLetter, Parcel, Wanted
from invalidator.events import Batch, Ignored, Rejected
from invalidator.pipeline import Asked, Found, checked_requests, served
from invalidator.plan import covers
from invalidator.settings import Settings, Target

READS = 3
"""Receives after which a message that cannot be read goes to the dead-letter queue.

Receives are also spent while Lambda is throttled, without any read: the queue's own limit is far above.
"""

REASONS = 5
"""Different reasons that one dead letter tells."""


@dataclass(frozen=True)
class Collected:
    """What a batch of the first queue comes to, before anything was sent."""

    parcels: tuple[Parcel, ...]
    ignored: tuple[Ignored, ...]
    rejected: tuple[Rejected, ...]
    changes: Mapping[Target, int]
    """How many changed objects each target serves, with all the repetitions that were received."""
    requests: int


@dataclass
class _Gathered:
    time: float
    message_ids: set[str]
    requested: bool = False
    changes: int = 0

    def add(self, time: float, message_ids: Iterable[str], changes: int) -> None:
        self.time = min(self.time, time)
        self.message_ids.update(message_ids)
        self.changes += changes


def collect(settings: Settings, batch: Batch, now: float) -> Collected:
    """Every served change and every request in chunks; `now` stands for a time that an event does not tell.

    `now` is in seconds since 1970. A dry run of a request that came through a queue has no reader.
    """
    asked, unusable = checked_requests(settings, batch.requests)
    rejected = [*batch.rejected, *unusable]
    ignored = list(batch.ignored)
    gathered: dict[Target, dict[str, _Gathered]] = {}
    for each in asked:
        if each.request.dry_run:
            ignored.append(
                Ignored(each.request.message_id, "a dry run of a request that came through a queue")
            )
            continue
        if each.target and each.items:
            _request(gathered.setdefault(each.target, {}), each, now)
    broad = {target: [item for item in items if item.endswith("*")] for target, items in gathered.items()}
    found = Found()
    changes = [(settings, change) for change in batch.changes]
    changes += [
        (each.settings, change) for each in asked if not each.request.dry_run for change in each.changes
    ]
    for routed, change in changes:
        time = now if change.time is None else min(change.time, now)
        for target, items, message_id in served(routed, [change], found):
            by_item = gathered.setdefault(target, {})
            for number, path in enumerate(items):
                # A change that a request covers rides along with it, and is not paid for twice.
                item = next((wide for wide in broad.get(target, ()) if covers(wide, path)), path)
                by_item.setdefault(item, _Gathered(time, set())).add(time, [message_id], int(number == 0))
    return Collected(
        tuple(_parcels(gathered, now)),
        (*ignored, *found.ignored),
        (*rejected, *found.rejected),
        dict(found.counts),
        len(batch.requests),
    )


def _request(by_item: dict[str, _Gathered], asked: Asked, now: float) -> None:
    time = now if asked.request.time is None else min(asked.request.time, now)
    for item in asked.items:
        by_item.setdefault(item, _Gathered(time, set(), requested=True)).add(
            time, [asked.request.message_id], 0
        )


def _parcels(gathered: Mapping[Target, Mapping[str, _Gathered]], now: float) -> Iterable[Parcel]:
    for target, by_item in sorted(gathered.items()):
        wanted = {
            item: Wanted(round(each.time, 3), frozenset(each.message_ids), each.requested, each.changes)
            for item, each in by_item.items()
        }
        for lane, items in chunks.lanes(wanted).items():
            yield from chunks.parcels(target.id, target.kind, lane, items, round(now, 3))


def bodies(event: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Message id → its body, and how often it was received."""
    return {
        record.get("messageId", ""): (
            str(record.get("body", "")),
            int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for record in event["Records"]
    }


def dead_letters(event: Mapping[str, Any], rejected: Iterable[Rejected]) -> dict[str, DeadLetter]:
    """Message id → the dead letter of a message that was read often enough: its body, with every reason."""
    received = bodies(event)
    reasons: dict[str, list[str]] = {}
    for each in rejected:
        found = reasons.setdefault(each.message_id, [])
        if len(found) < REASONS and each.error not in found:
            found.append(each.error)
    return {
        message_id: DeadLetter(received[message_id][0], "; ".join(errors))
        for message_id, errors in reasons.items()
        if message_id in received and received[message_id][1] >= READS
    }
