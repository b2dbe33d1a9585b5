"""Messages of the plan queue: paths with the time of their oldest change, in chunks that fit a message."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from invalidator.prefix_tree import is_wildcard

VERSION = 1

MAX_BYTES = 200_000
"""Size of a chunk's body. A message of SQS, and a batch, may have 256 KB on a queue made before 2025."""

EXACT, MERGE = "exact", "merge"
"""The lanes of a target: no exact path waits behind wildcards, for their quotas are separate."""

APART = 20
"""Paths of one batch that go into the exact lane at most; more together are most likely a deploy."""

NEIGHBOURS = 5
"""Paths under one top directory that are still taken for single changes beside a deploy."""


class ChunkError(ValueError):
    """A message of the plan queue is no chunk."""


@dataclass(frozen=True)
class Chunk:
    """Some of what is to be invalidated for one target."""

    target_id: str
    kind: Literal["distribution", "tenant"]
    since: float
    """When the first part of it entered the plan queue, in seconds since 1970."""
    paths: Mapping[str, float]
    """Viewer path → the time of its oldest change, in seconds since 1970."""
    requested: Mapping[str, float] = field(default_factory=dict)
    """Items that are sent as they were requested → when they were."""
    changes: int = 0
    """How many changed objects it stands for, with repetitions."""
    reference: str = ""
    """The caller reference of a call with exactly these items, of which no answer came."""

    @property
    def oldest(self) -> float:
        """The time of its oldest change or request."""
        return min([*self.paths.values(), *self.requested.values()], default=self.since)

    def body(self) -> str:
        """The text of the message."""
        return json.dumps(
            {
                "version": VERSION,
                "target": {"id": self.target_id, "kind": self.kind},
                "since": self.since,
                "changes": self.changes,
                "paths": self.paths,
                "requested": self.requested,
                **({"reference": self.reference} if self.reference else {}),
            },
            separators=(",", ":"),
        )

    @classmethod
    def parse(cls, body: str) -> Chunk:
        """The chunk that `body` wrote. Raises ChunkError for anything else."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ChunkError(f"the message of the plan queue is not JSON: {type(error).__name__}") from error
        if not isinstance(document, dict) or document.get("version") != VERSION:
            raise ChunkError(f"the message of the plan queue is no chunk of version {VERSION}")
        target = document.get("target")
        times = [document.get("paths"), document.get("requested")]
        if not (
            isinstance(target, dict)
            and isinstance(target.get("id"), str)
            and target.get("kind") in ("distribution", "tenant")
            and _is_number(document.get("since"))
            and isinstance(document.get("changes"), int)
            and isinstance(document.get("reference", ""), str)
            and all(isinstance(each, dict) and all(map(_is_number, each.values())) for each in times)
        ):
            raise ChunkError("the message of the plan queue is a chunk that lacks a part, or has a wrong one")
        return cls(
            target["id"],
            target["kind"],
            float(document["since"]),
            document["paths"],
            document["requested"],
            document["changes"],
            document.get("reference", ""),
        )


@dataclass(frozen=True)
class Parcel:
    """A chunk to be sent, and the messages that it stands for."""

    group: str
    chunk: Chunk
    message_ids: frozenset[str]

    @property
    def deduplication_id(self) -> str:
        """The same for the same work: a digest of group, paths and messages, without the time of sending.

        A message for two targets gives two, and so do its parts after a kill between two sends.
        """
        work = [self.group, sorted(self.chunk.paths), sorted(self.chunk.requested), sorted(self.message_ids)]
        return hashlib.sha256(json.dumps(work).encode()).hexdigest()


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody can use, or that CloudFront refuses for good; a redrive may bring it back."""

    body: str
    reason: str
    distribution_id: str = "none"


@dataclass(frozen=True)
class Wanted:
    """One path or requested item of a target."""

    time: float
    message_ids: frozenset[str]
    requested: bool = False
    changes: int = 0


def group(target_id: str, lane: str) -> str:
    """The message group of a target's lane. An id of a distribution or tenant has no slash."""
    return f"{target_id}/{lane}"


def lane_of(group_id: str) -> str:
    """The lane of a message group."""
    return group_id.rpartition("/")[2]


def lanes(wanted: Mapping[str, Wanted]) -> dict[str, dict[str, Wanted]]:
    """Lane → path → what is wanted: single exact paths apart from wildcards and from what comes in crowds."""
    exact = {item: each for item, each in wanted.items() if not is_wildcard(item)}
    if len(exact) > APART:
        crowds = Counter(map(_top, exact))
        exact = {item: each for item, each in exact.items() if crowds[_top(item)] <= NEIGHBOURS}
        if len(exact) > APART:
            exact = {}
    rest = {item: each for item, each in wanted.items() if item not in exact}
    return {lane: items for lane, items in ((EXACT, exact), (MERGE, rest)) if items}


def parcels(
    target_id: str,
    kind: Literal["distribution", "tenant"],
    lane: str,
    wanted: Mapping[str, Wanted],
    since: float,
) -> Iterator[Parcel]:
    """As few chunks as hold what is wanted, each below `MAX_BYTES`."""
    for items in _fitting(wanted):
        chunk = Chunk(
            target_id,
            kind,
            since,
            {item: each.time for item, each in items.items() if not each.requested},
            {item: each.time for item, each in items.items() if each.requested},
            sum(each.changes for each in items.values()),
        )
        ids = frozenset[str]().union(*(each.message_ids for each in items.values()))
        yield Parcel(group(target_id, lane), chunk, ids)


def combined(received: Iterable[tuple[str, Chunk]]) -> dict[str, Wanted]:
    """Everything that the chunks want, each path once with its oldest time; `received`: message id, chunk."""
    found: dict[str, Wanted] = {}
    for message_id, chunk in received:
        first = chunk.changes
        for requested, items in ((False, chunk.paths), (True, chunk.requested)):
            for item, time in items.items():
                known = found.get(item)
                found[item] = Wanted(
                    min(time, known.time) if known else time,
                    (known.message_ids if known else frozenset()) | {message_id},
                    requested or bool(known and known.requested),
                    (known.changes if known else 0) + first,
                )
                first = 0
    return found


def _fitting(wanted: Mapping[str, Wanted]) -> Iterator[dict[str, Wanted]]:
    taken: dict[str, Wanted] = {}
    size = 0
    for item in sorted(wanted):
        length = len(json.dumps(item)) + 25
        if taken and size + length > MAX_BYTES - 1_000:
            yield taken
            taken, size = {}, 0
        taken[item] = wanted[item]
        size += length
    if taken:
        yield taken


def _top(path: str) -> str:
    return path.split("/", 2)[1] if path.count("/") > 1 else ""


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
