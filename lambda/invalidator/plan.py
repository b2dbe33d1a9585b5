"""Paths → `Invalidation`s: covered, deduplicated, within the budgets and CloudFront's limits.

    paths ──▶ without duplicates and covered paths ──▶ past the budget: `merging.merge` ──▶ items ──▶ calls

Every path of the input is covered by an item of the result (`covers`), whatever the settings.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from invalidator.collateral import Measure, known
from invalidator.limits import ITEMS_PER_CALL, WILDCARDS_IN_PROGRESS
from invalidator.merging import merge
from invalidator.prefix_tree import before_wildcard, is_wildcard
from invalidator.settings import Budget, Target

Unchanged = Measure | Sequence[str]
"""What is known of the unchanged objects: a measure, or the viewer paths of all of them."""


class Invalidation(NamedTuple):
    """One call of CreateInvalidation, and the messages that it serves."""

    target: Target
    items: tuple[str, ...]
    """Sorted: exact paths, wildcards (which end in `*`) and cache tags (which begin with `#`)."""
    serves: Mapping[str, frozenset[str]]
    """Item → ids of the messages whose paths it covers."""
    caller_reference: str
    """A digest of target, items and messages: CloudFront carries out two calls with one reference once."""

    @property
    def wildcards(self) -> int:
        """How many items are wildcards; CloudFront has a separate, smaller quota for them."""
        return sum(map(is_wildcard, self.items))

    @property
    def message_ids(self) -> frozenset[str]:
        """The ids of all messages that the invalidation serves."""
        return frozenset[str]().union(*self.serves.values())


def covers(item: str, path: str) -> bool:
    """Whether an invalidation of `item` surely invalidates `path`, which may itself be a wildcard or a tag.

    `/a*` covers every path that begins with `/a`. `/a/*` is not assumed to cover `/a/` itself: the developer
    guide mentions only the files in a directory, and reports differ. `/*` covers every path.
    """
    if item == path:
        return True
    if not is_wildcard(item) or path.startswith("#"):
        return False
    prefix = item[:-1]
    if prefix == "/":
        return True
    if is_wildcard(path):
        return path[:-1].startswith(prefix)
    return path.startswith(prefix) and not (path == prefix and prefix.endswith("/"))


def covering_items(
    paths: Iterable[str], budget: Budget, unchanged: Unchanged | None = None
) -> tuple[str, ...]:
    """Items, sorted, that cover all of `paths`; merged only past the budget, with the least collateral.

    `unchanged` tells which objects did not change, so that wildcards match few of them; None: not known.
    Tags are never merged, but count as paths. Where `min_wildcard_depth` prevents enough merging, there are
    more items than the budget allows.
    """
    tags, distinct = _distinct(paths)
    paths_left = budget.max_paths - len(tags)
    if not _exceeds(distinct, paths_left, budget.max_wildcards):
        return (*tags, *sorted(distinct))
    measure = unchanged if unchanged is None or callable(unchanged) else known(unchanged)
    merged = merge(distinct, max(paths_left, 1), budget.max_wildcards, budget.min_wildcard_depth, measure)
    return (*tags, *sorted(merged))


def must_merge(paths: Iterable[str], budget: Budget) -> bool:
    """Whether `covering_items` would merge; only then is an inventory used."""
    tags, distinct = _distinct(paths)
    return _exceeds(distinct, budget.max_paths - len(tags), budget.max_wildcards)


def plan(
    wanted: Mapping[Target, Mapping[str, frozenset[str]]],
    budget: Budget,
    unchanged: Mapping[Target, Unchanged] | None = None,
    most: int = ITEMS_PER_CALL,
) -> tuple[Invalidation, ...]:
    """The fewest calls that cover each target's paths, each with the messages that it serves.

    `wanted` maps, per target, each path or tag to the ids of the messages that ask for it; `unchanged` is
    the inventory where there is one. Each path is served by one item, so that a failed call fails only its
    own messages. No target has more items than the greater of `most` and `max_paths`: where
    `min_wildcard_depth` leaves more, it is lowered step by step. Only tags can exceed that, as they are never
    merged.
    """
    invalidations: list[Invalidation] = []
    for target, messages in sorted(wanted.items()):
        items = _within(messages, budget, (unchanged or {}).get(target), most)
        serves = _messages_of_items(items, messages)
        invalidations += [_invalidation(target, call, serves) for call in _calls(items)]
    return tuple(invalidations)


def _within(
    paths: Mapping[str, object], budget: Budget, unchanged: Unchanged | None, most: int
) -> tuple[str, ...]:
    """The items of `covering_items`, with the greatest `min_wildcard_depth` that keeps to the maximum."""
    deepest = max((path.count("/") for path in paths), default=0)
    budget = budget._replace(min_wildcard_depth=min(budget.min_wildcard_depth, deepest))
    items = covering_items(paths, budget, unchanged)
    max_items = max(most, budget.max_paths)
    while len(items) > max_items and budget.min_wildcard_depth > 0:
        budget = budget._replace(min_wildcard_depth=budget.min_wildcard_depth - 1)
        items = covering_items(paths, budget, unchanged)
    return items


def halves(invalidation: Invalidation) -> tuple[Invalidation, Invalidation]:
    """An invalidation of two items or more as two calls, each with its own caller reference."""
    middle = len(invalidation.items) // 2
    first, second = invalidation.items[:middle], invalidation.items[middle:]
    return (
        _invalidation(invalidation.target, first, invalidation.serves),
        _invalidation(invalidation.target, second, invalidation.serves),
    )


def part(invalidation: Invalidation, items: Iterable[str]) -> Invalidation:
    """A call with some items of an invalidation, with a caller reference of its own."""
    return _invalidation(invalidation.target, tuple(sorted(items)), invalidation.serves)


def widened(invalidation: Invalidation, wildcard: str) -> Invalidation:
    """A call with one wildcard that covers every item of an invalidation, and serves the same messages."""
    return _invalidation(invalidation.target, (wildcard,), {wildcard: invalidation.message_ids})


def _distinct(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """Tags, sorted, and the other paths without those that a wildcard among them covers."""
    unique = set(paths)
    tags = sorted(path for path in unique if path.startswith("#"))
    unique.difference_update(tags)
    if not any(map(is_wildcard, unique)):
        return tags, sorted(unique)
    kept: list[str] = []
    widest = ""
    for path in sorted(unique, key=lambda path: (before_wildcard(path), not is_wildcard(path))):
        if widest and covers(widest, path):
            continue
        kept.append(path)
        if is_wildcard(path):
            widest = path
    return tags, kept


def _exceeds(paths: Sequence[str], max_paths: int, max_wildcards: int) -> bool:
    return len(paths) > max(max_paths, 1) or sum(map(is_wildcard, paths)) > max_wildcards


def wildcard_stems(items: Iterable[str]) -> list[str]:
    """The texts before the `*` of the items' wildcards that no other wildcard covers, sorted."""
    _, broadest = _distinct(item for item in items if is_wildcard(item))
    return sorted(item[:-1] for item in broadest)


def covering_wildcard(stems: Sequence[str], path: str) -> str | None:
    """The wildcard that covers the path, given the result of `wildcard_stems`; None where none does.

    No stem begins with another, so only the last one before the path can cover it.
    """
    at = bisect_right(stems, before_wildcard(path)) - 1
    wildcard = f"{stems[at]}*" if at >= 0 else ""
    return wildcard if wildcard and covers(wildcard, path) else None


def _messages_of_items(
    items: tuple[str, ...], messages: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Item → ids of the messages whose paths it covers."""
    exact = set(items)
    stems = sorted(item[:-1] for item in items if is_wildcard(item))
    message_ids: dict[str, set[str]] = {item: set() for item in items}
    for path, ids in messages.items():
        item = path if path in exact else f"{stems[bisect_right(stems, before_wildcard(path)) - 1]}*"
        message_ids[item].update(ids)
    return {item: frozenset(ids) for item, ids in message_ids.items()}


def _calls(items: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The fewest calls within CloudFront's limits: wildcards, filled up with other items; each sorted."""
    wildcards = [item for item in items if is_wildcard(item)]
    others = [item for item in items if not is_wildcard(item)]
    while wildcards or others:
        taken, wildcards = wildcards[:WILDCARDS_IN_PROGRESS], wildcards[WILDCARDS_IN_PROGRESS:]
        room = ITEMS_PER_CALL - len(taken)
        filling, others = others[:room], others[room:]
        yield tuple(sorted(taken + filling))


def _invalidation(
    target: Target, items: tuple[str, ...], serves: Mapping[str, frozenset[str]]
) -> Invalidation:
    own = {item: serves[item] for item in items}
    message_ids = sorted(frozenset[str]().union(*own.values()))
    work = json.dumps([target.id, items, message_ids])
    return Invalidation(target, items, own, hashlib.sha256(work.encode()).hexdigest())
