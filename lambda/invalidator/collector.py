"""A batch of the first queue → the chunks for the plan queue, and the messages that cannot be read.

Pure but for the function that it is given to send the chunks with.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from invalidator import chunks
from invalidator.chunks import DeadLetter, Parcel, WantedItem
from invalidator.events import Batch, Ignored, Rejected
from invalidator.pipeline import MAX_CHARACTERS, CheckedRequest, changes_by_key, checked_requests, routed
from invalidator.plan import covering_wildcard, wildcard_stems
from invalidator.settings import Settings, Target

RECEIVES_BEFORE_DEAD_LETTER = 3
"""Receives after which a message that cannot be read goes to the dead-letter queue.

A receive also counts while Lambda is throttled and reads nothing, so the queue's own limit is far higher.
"""

MAX_REASONS = 5
"""Different reasons in one dead letter."""


Send = Callable[[Iterable[Parcel]], frozenset[str]]
"""Sends chunks; returns the ids of the messages of which a part was not accepted."""


class Collected(NamedTuple):
    """What became of a batch of the first queue."""

    chunk_count: int
    path_count: int
    not_sent: frozenset[str]
    """Ids of the messages of which a chunk was not accepted."""
    ignored: tuple[Ignored, ...]
    rejected: tuple[Rejected, ...]
    change_counts: Mapping[Target, int]
    """How many changed objects each target serves, repeated events included."""
    request_count: int
    oldest_not_sent: float = math.inf
    """The time of the oldest change or request that was not accepted, in seconds since 1970."""


@dataclass
class _Gathered:
    time: float
    message_ids: set[str]
    requested: bool = False
    change_count: int = 0

    def add(self, time: float, message_ids: Iterable[str], change_count: int) -> None:
        self.time = min(self.time, time)
        self.message_ids.update(message_ids)
        self.change_count += change_count


def collect(settings: Settings, batch: Batch, now: float, send: Send) -> Collected:
    """Send every served change and every request in chunks.

    `now` is in seconds since 1970; it is the time of an event that has none. A dry run that came through a
    queue is ignored: nobody reads its answer. Whenever `MAX_CHARACTERS` of paths are gathered, their chunks
    are sent and forgotten, so that no batch needs more memory than the function has.
    """
    requests, invalid = checked_requests(settings, batch.requests)
    rejected = [*batch.rejected, *invalid]
    ignored = [
        Ignored(each.request.message_id, "a dry run of a request that came through a queue")
        for each in requests
        if each.request.dry_run
    ]
    requests = [each for each in requests if not each.request.dry_run]
    gathering = _Gathering(now, send)
    change_counts: Counter[Target] = Counter()
    for each in requests:
        if each.target:
            _add_request(gathering.by_target.setdefault(each.target, {}), each, now)
    stems = {target: wildcard_stems(items) for target, items in gathering.by_target.items()}
    for own_settings, change in chain(
        ((settings, change) for change in batch.changes), changes_by_key(requests)
    ):
        time = now if change.time is None else min(change.time, now)
        found = routed(own_settings, change)
        ignored += found.ignored
        rejected += found.rejected
        for target, paths in found.served:
            change_counts[target] += 1
            for number, path in enumerate(paths):
                # A path that a request covers is not paid for twice.
                item = covering_wildcard(stems.get(target, ()), path) or path
                gathering.add(target, item, time, change.message_id, change_count=int(number == 0))
        if gathering.characters > MAX_CHARACTERS:
            gathering.send_all()
    gathering.send_all()
    return Collected(
        gathering.chunk_count,
        gathering.path_count,
        frozenset(gathering.not_sent),
        (*batch.ignored, *ignored),
        tuple(rejected),
        change_counts,
        len(batch.requests),
        gathering.oldest_not_sent,
    )


@dataclass
class _Gathering:
    """The items of a part of the batch, and the count of what was sent before."""

    now: float
    send: Send
    by_target: dict[Target, dict[str, _Gathered]] = field(default_factory=dict)
    characters: int = 0
    """Of the paths of changes in `by_target`."""
    chunk_count: int = 0
    path_count: int = 0
    not_sent: set[str] = field(default_factory=set)
    oldest_not_sent: float = math.inf

    def add(self, target: Target, item: str, time: float, message_id: str, *, change_count: int) -> None:
        by_item = self.by_target.setdefault(target, {})
        if item not in by_item:
            by_item[item] = _Gathered(time, set())
            self.characters += len(item)
        by_item[item].add(time, [message_id], change_count)

    def send_all(self) -> None:
        """Send what was gathered, and forget it."""
        failed = self.send(self._counted(_parcels(self.by_target, self.now)))
        self.not_sent |= failed
        if failed:
            gathered = (each for by_item in self.by_target.values() for each in by_item.values())
            times = (each.time for each in gathered if not failed.isdisjoint(each.message_ids))
            self.oldest_not_sent = min((self.oldest_not_sent, *times))
        self.by_target = {}
        self.characters = 0

    def _counted(self, parcels: Iterable[Parcel]) -> Iterator[Parcel]:
        for parcel in parcels:
            self.chunk_count += 1
            self.path_count += len(parcel.chunk.paths)
            yield parcel


def _add_request(by_item: dict[str, _Gathered], checked: CheckedRequest, now: float) -> None:
    time = now if checked.request.time is None else min(checked.request.time, now)
    for item in checked.items:
        by_item.setdefault(item, _Gathered(time, set(), requested=True)).add(
            time, [checked.request.message_id], 0
        )


def _parcels(gathered: Mapping[Target, Mapping[str, _Gathered]], now: float) -> Iterable[Parcel]:
    for target, by_item in sorted(gathered.items()):
        wanted = {
            item: WantedItem(
                round(each.time, 3), frozenset(each.message_ids), each.requested, each.change_count
            )
            for item, each in by_item.items()
        }
        for lane, items in chunks.lanes(wanted).items():
            yield from chunks.parcels(target.id, target.kind, lane, items, round(now, 3))


def bodies(event: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Message id → its body, and how often it was received."""
    return {
        record.get("messageId"): (
            str(record.get("body", "")),
            int(record.get("attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for record in event["Records"]
    }


def dead_letters(event: Mapping[str, Any], rejected: Iterable[Rejected]) -> dict[str, DeadLetter]:
    """Message id → the dead letter of a message that was received often enough: its body and its reasons."""
    received = bodies(event)
    reasons: dict[str, list[str]] = {}
    for each in rejected:
        own = reasons.setdefault(each.message_id, [])
        if len(own) < MAX_REASONS and each.error not in own:
            own.append(each.error)
    return {
        message_id: DeadLetter(received[message_id][0], "; ".join(errors))
        for message_id, errors in reasons.items()
        if message_id in received and received[message_id][1] >= RECEIVES_BEFORE_DEAD_LETTER
    }
