"""Messages of the plan queue: paths with the time of their oldest change, in chunks that fit a message."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from invalidator.prefix_tree import is_wildcard

VERSION = 1

MAX_BYTES = 200_000
"""Size of a chunk's body. A message of SQS, and a batch, may have 256 KB on a queue made before 2025."""

EXACT, MERGE = "exact", "merge"
"""The lanes of a target: no exact path waits behind wildcards, for their quotas are separate."""

MAX_SINGLE_PATHS = 20
"""The most paths of one batch that go into the exact lane; more of them are most likely a deploy."""

MAX_PER_DIRECTORY = 5
"""The most paths under one top directory that count as single changes beside a deploy."""


class ChunkError(ValueError):
    """A message of the plan queue is not a chunk."""


class Chunk(NamedTuple):
    """Some of what is to be invalidated for one target."""

    target_id: str
    kind: Literal["distribution", "tenant"]
    since: float
    """When the first part of it entered the plan queue, in seconds since 1970."""
    paths: Mapping[str, float]
    """Viewer path → the time of its oldest change, in seconds since 1970."""
    requested: Mapping[str, float] = MappingProxyType({})
    """Item of a request, which is sent unchanged → the time of the request."""
    change_count: int = 0
    """How many changed objects it stands for, repeated events included."""
    reference: str = ""
    """The caller reference of a call with exactly these items that got no answer."""

    @property
    def oldest(self) -> float:
        """The time of its oldest change or request."""
        return min([*self.paths.values(), *self.requested.values()], default=self.since)

    @property
    def newest(self) -> float:
        """The latest of the times of its paths and requested items."""
        return max([*self.paths.values(), *self.requested.values()], default=self.since)

    def body(self) -> str:
        """The text of the message."""
        return json.dumps(
            {
                "version": VERSION,
                "target": {"id": self.target_id, "kind": self.kind},
                "since": self.since,
                "changes": self.change_count,
                "paths": self.paths,
                "requested": dict(self.requested),
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
            raise ChunkError(f"the message of the plan queue is not a chunk of version {VERSION}")
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
            raise ChunkError("the message of the plan queue is a chunk with a missing or wrong field")
        return cls(
            target["id"],
            target["kind"],
            float(document["since"]),
            document["paths"],
            document["requested"],
            document["changes"],
            document.get("reference", ""),
        )


class Parcel(NamedTuple):
    """A chunk to be sent, and the messages that it stands for."""

    group: str
    chunk: Chunk
    message_ids: frozenset[str]

    @property
    def deduplication_id(self) -> str:
        """The same for the same work: a digest of group, paths and messages, without the time of sending.

        A message for two targets gives two ids. The function may be killed between two sends: the chunks that
        are sent again have the same ids.
        """
        work = [self.group, sorted(self.chunk.paths), sorted(self.chunk.requested), sorted(self.message_ids)]
        return hashlib.sha256(json.dumps(work).encode()).hexdigest()


class DeadLetter(NamedTuple):
    """A message for the dead-letter queue: it cannot be read, or CloudFront refuses it for good."""

    body: str
    reason: str
    distribution_id: str = "none"


class WantedItem(NamedTuple):
    """One path or requested item of a target."""

    time: float
    message_ids: frozenset[str]
    requested: bool = False
    change_count: int = 0


def group(target_id: str, lane: str) -> str:
    """The message group of a target's lane. An id of a distribution or tenant has no slash."""
    return f"{target_id}/{lane}"


def lane_of(group_id: str) -> str:
    """The lane of a message group."""
    return group_id.rpartition("/")[2]


def lanes(wanted: Mapping[str, WantedItem]) -> dict[str, dict[str, WantedItem]]:
    """Lane → its items: single exact paths in one, wildcards and the many paths of a deploy in the other."""
    exact = {item: each for item, each in wanted.items() if not is_wildcard(item)}
    if len(exact) > MAX_SINGLE_PATHS:
        paths_by_directory = Counter(map(_top_directory, exact))
        exact = {
            item: each
            for item, each in exact.items()
            if paths_by_directory[_top_directory(item)] <= MAX_PER_DIRECTORY
        }
        if len(exact) > MAX_SINGLE_PATHS:
            exact = {}
    rest = {item: each for item, each in wanted.items() if item not in exact}
    return {lane: items for lane, items in ((EXACT, exact), (MERGE, rest)) if items}


def parcels(
    target_id: str,
    kind: Literal["distribution", "tenant"],
    lane: str,
    wanted: Mapping[str, WantedItem],
    since: float,
) -> Iterator[Parcel]:
    """The fewest chunks that hold all items, each below `MAX_BYTES`."""
    for items in _split_by_size(wanted):
        chunk = Chunk(
            target_id,
            kind,
            since,
            {item: each.time for item, each in items.items() if not each.requested},
            {item: each.time for item, each in items.items() if each.requested},
            sum(each.change_count for each in items.values()),
        )
        ids = frozenset[str]().union(*(each.message_ids for each in items.values()))
        yield Parcel(group(target_id, lane), chunk, ids)


def combined(received: Iterable[tuple[str, Chunk]]) -> dict[str, WantedItem]:
    """All items of the chunks, each once with its oldest time; `received`: pairs of message id and chunk."""
    found: dict[str, WantedItem] = {}
    for message_id, chunk in received:
        first = chunk.change_count
        for requested, items in ((False, chunk.paths), (True, chunk.requested)):
            for item, time in items.items():
                known = found.get(item)
                found[item] = WantedItem(
                    min(time, known.time) if known else time,
                    (known.message_ids if known else frozenset()) | {message_id},
                    requested or bool(known and known.requested),
                    (known.change_count if known else 0) + first,
                )
                first = 0
    return found


def _split_by_size(wanted: Mapping[str, WantedItem]) -> Iterator[dict[str, WantedItem]]:
    taken: dict[str, WantedItem] = {}
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


def _top_directory(path: str) -> str:
    return path[: path.find("/", 1) + 1]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
