"""Which paths to merge into which wildcards, once there are more than the budget allows.

Sorted paths form a radix tree. A wildcard best ends at one of its forks, where paths part: cut anywhere
else it covers the same paths and matches more. To close a fork, that is, to send its wildcard instead of
what lies under it, costs its collateral: the unchanged objects that the wildcard matches, counted where
they are known (`_count`) and estimated where they are not (`_estimate`). Which forks to close is a
knapsack over the tree (`_least_collateral`): from the leaves to the root, every fork keeps the least
collateral that each number of paths and of wildcards can buy.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import TypeAlias

WILDCARDS_AT_ONCE = 15
"""What CloudFront runs at once for a distribution (developer guide, InvalidationLimits): a round of them."""

WORTH_A_ROUND = 0.02
"""A further round takes a call and some 25 s. It must spare as much as this share of what has changed."""

MAX_FORKS = 600
"""The knapsack takes time by the fork; beyond this many, those cheapest to close are closed beforehand."""

MAX_NUMBERS = 128
"""Numbers of paths that a fork tells apart; beyond this many, evenly spread ones stand for all."""

CONTINUATIONS = ("%8", "%9", "%A", "%a", "%B", "%b")
"""How the escapes of the second and further bytes of a UTF-8 character begin."""

LAST = "\U0010ffff"
"""Sorts behind every character of a path."""


@dataclass(slots=True, eq=False)
class Fork:
    """A prefix at which sorted paths part. In a list of forks it comes after all those under it."""

    first: int
    end: int
    """The prefix is the first path's, up to here."""
    last: int = -1
    """The paths from the first to this one, both included, share the prefix."""
    parent: Fork | None = None
    paths: int = 0
    """What is sent where the fork is open, besides what the forks under it send."""
    wildcards: int = 0
    """How many of these are wildcards."""
    forks: int = 1
    """Forks at or under this one."""
    collateral: float = 0.0
    """Infinite where the wildcard would be broader than the budget allows."""
    open_cost: float = 0.0
    settled: bool = False
    """The last two are notes of `_settled`."""


Closed: TypeAlias = "Fork | tuple[Closed, Closed] | None"
"""The forks that a cover closes; nested, so that joining two covers copies neither."""

Cover: TypeAlias = tuple[int, float, Closed]
"""Wildcards, collateral, and the forks closed."""

Covers: TypeAlias = dict[int, list[Cover]]
"""Rising numbers of paths → the covers worth having, by rising wildcards and falling collateral."""

NOTHING: Covers = {0: [(0, 0.0, None)]}
"""The only cover of no paths."""


def is_wildcard(item: str) -> bool:
    """Whether the item ends in CloudFront's wildcard; a cache tag has none, whatever it ends in."""
    return item.endswith("*") and not item.startswith("#")


def stem(path: str) -> str:
    """What a wildcard may have before its `*` and surely cover the path: for `/a/` it is `/a`, not `/a/`."""
    if is_wildcard(path) or (path.endswith("/") and len(path) > 1):
        return path[:-1]
    return path


def merge(
    paths: Iterable[str],
    max_paths: int,
    max_wildcards: int,
    min_wildcard_depth: int,
    unchanged: Iterable[str] | None,
) -> set[str]:
    """Items that cover all of `paths`, within the budget unless `min_wildcard_depth` forbids to merge enough.

    With the unchanged objects known, the collateral is the least possible where as many wildcards as paths
    are allowed, and within a few thousandths of it elsewhere, up to `MAX_FORKS` forks; but for what another
    round of wildcards is not worth, where fewer wildcards than paths are allowed.
    """
    members = sorted((stem(path), path) for path in paths)
    stems = [member for member, _ in members]
    forks = _forks(stems, [is_wildcard(path) for _, path in members])
    if unchanged is None:
        changed = _estimate(forks, stems)
    else:
        changed = _count(
            forks, stems, sorted(map(stem, set(unchanged).difference(path for _, path in members)))
        )
    _forbid(forks, stems, min_wildcard_depth)
    closed = _to_close(forks, max_paths, max_wildcards, changed * WORTH_A_ROUND)
    merged = {at for fork in closed for at in range(fork.first, fork.last + 1)}
    wildcards = {stems[fork.first][: fork.end] + "*" for fork in closed}
    return wildcards.union(path for at, (_, path) in enumerate(members) if at not in merged)


def widest_prefixes(paths: Iterable[str], limit: int, min_wildcard_depth: int) -> tuple[str, ...]:
    """At most `limit` prefixes under which lies all that a wildcard of `merge` could match."""
    stems = sorted(map(stem, paths))
    forks = _forks(stems, [False] * len(stems))
    _forbid(forks, stems, min_wildcard_depth)
    prefixes = {stems[fork.first][: fork.end] for fork in _broadest(forks)}
    depth = max((prefix.count("/") for prefix in prefixes), default=0)
    while len(prefixes) > max(limit, 1):
        prefixes = {"/".join(prefix.split("/")[:depth]) + "/" for prefix in prefixes}
        depth -= 1
    return tuple(sorted(prefixes))


# The tree


def _forks(stems: Sequence[str], wildcard: Sequence[bool]) -> list[Fork]:
    """The forks of the radix tree, in one sweep over the sorted stems.

    `spine` holds the forks that the stem at hand lies under, from the root down.
    """
    forks: list[Fork] = []
    spine: list[Fork] = []
    for at, own in enumerate(stems):
        shared = _shared(own, stems[at + 1]) if at + 1 < len(stems) else -1
        if shared > (spine[-1].end if spine else -1):
            spine.append(Fork(first=at, end=shared))
        if spine:
            spine[-1].paths += 1
            spine[-1].wildcards += wildcard[at]
        while spine and spine[-1].end > shared:
            fork = spine.pop()
            fork.last = at
            forks.append(fork)
            if shared > (spine[-1].end if spine else -1):
                spine.append(Fork(first=fork.first, end=shared))
            if spine:
                fork.parent = spine[-1]
                fork.parent.forks += fork.forks
    return forks


def _shared(one: str, other: str) -> int:
    """Length of the longest common prefix that cuts no escaped character in two."""
    low, high = 0, min(len(one), len(other)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    if "%" in one[max(low - 2, 0) : low + 1] or "%" in other[low : low + 1]:
        return min(_whole(one, low), _whole(other, low))
    return low


def _whole(path: str, end: int) -> int:
    """The last place up to `end` that is neither inside an escape nor before a continuation byte of UTF-8."""
    end -= next((inside for inside in (1, 2) if path[max(end - inside, 0) : end].startswith("%")), 0)
    while path.startswith(CONTINUATIONS, end) and path[:end][-3:].startswith("%"):
        end -= 3
    return end


# What closing a fork costs


def _count(forks: Iterable[Fork], stems: Sequence[str], unchanged: Sequence[str]) -> int:
    """Collateral where the unchanged objects are known: how many of them the wildcard matches.

    Answers how much has changed, in the same measure: objects.
    """
    for fork in forks:
        prefix = stems[fork.first][: fork.end]
        before = bisect_left(unchanged, prefix)
        fork.collateral = bisect_left(unchanged, prefix + LAST, before) - before
    return len(stems)


def _estimate(forks: Iterable[Fork], stems: Sequence[str]) -> int:
    """Collateral where only the changes are known: the wildcard's share of each directory, and its forks.

    Every directory with changes is taken to hold as much that did not change as any other, evenly among its
    changed names. A wildcard over 3 of a directory's 12 changes then costs a quarter, and one over all 12
    no more than one over the only change of another directory: the more names of a directory have changed,
    the likelier it has changed as a whole (the rule of succession). Besides, unchanged names may stand
    wherever changed ones part, so each fork weighs an eighth of a directory; half that serves as well.
    Answers how much has changed, in the same measure: directories.
    """
    directories = [own.rpartition("/")[0] for own in stems]
    changes = Counter(directories)
    shares = [0.0, *accumulate(1 / changes[directory] for directory in directories)]
    for fork in forks:
        fork.collateral = shares[fork.last + 1] - shares[fork.first] + fork.forks / 8
    return len(changes)


def _forbid(forks: Iterable[Fork], stems: Sequence[str], min_wildcard_depth: int) -> None:
    """Makes a fork with too few complete directories before its wildcard too costly to close."""
    for fork in forks:
        if stems[fork.first].count("/", 0, fork.end) <= min_wildcard_depth:
            fork.collateral = math.inf


# The choice


def _to_close(forks: Sequence[Fork], max_paths: int, max_wildcards: int, round_price: float) -> list[Fork]:
    """The forks to close; where even the broadest wildcards allowed exceed the budget, just these."""
    broadest = _broadest(forks)
    unmerged = [fork for fork in forks if math.isinf(fork.collateral)]
    if not broadest or sum(fork.paths for fork in unmerged) + len(broadest) >= max_paths:
        return broadest
    fewest_wildcards = sum(fork.wildcards for fork in unmerged) + len(broadest)
    return _least_collateral(_fewer(forks), max_paths, max(max_wildcards, fewest_wildcards), round_price)


def _broadest(forks: Iterable[Fork]) -> list[Fork]:
    """The forks that may be closed and do not lie under another such."""
    return [
        fork
        for fork in forks
        if math.isfinite(fork.collateral) and (fork.parent is None or math.isinf(fork.parent.collateral))
    ]


def _fewer(forks: Sequence[Fork]) -> Sequence[Fork]:
    """At most `MAX_FORKS` of the forks, where enough may be closed: those worth a choice.

    Forks without collateral are settled first. Then the price of a path rises until few enough are left:
    what is worth closing at one price is so at any higher one. Only small parts of the tree are settled so,
    and larger ones as the price rises; what becomes of its top stays open to choice.
    """
    every = len(forks)
    forks = _settled(forks, 0.0, every)
    highest = max((fork.collateral for fork in forks if math.isfinite(fork.collateral)), default=0.0)
    price, largest = highest / MAX_FORKS / 64, every * 8 / MAX_FORKS
    while len(forks) > MAX_FORKS and (price <= highest or largest < every):
        forks = _settled(forks, price, largest)
        price, largest = price * 1.5, largest * 1.25
    return forks


def _settled(forks: Sequence[Fork], price: float, largest: float) -> list[Fork]:
    """The forks but for those under one that is cheaper closed, were a path that is saved worth `price`.

    A fork that was settled may still stay open, but then wholly: each of its paths is sent as it is. Forks
    with more than `largest` forks are not settled.
    """
    for fork in forks:
        fork.open_cost = price * fork.paths
    for fork in forks:
        if fork.parent:
            fork.parent.open_cost += min(fork.open_cost, fork.collateral + price)
    for fork in reversed(forks):
        above = fork.parent is not None and fork.parent.settled
        fork.settled = above or (fork.forks <= largest and fork.collateral + price <= fork.open_cost)
    kept = []
    for fork in forks:
        if fork.parent and fork.parent.settled:
            fork.parent.paths += fork.paths
            fork.parent.wildcards += fork.wildcards
        else:
            kept.append(fork)
    return kept


def _least_collateral(
    forks: Sequence[Fork], max_paths: int, max_wildcards: int, round_price: float
) -> list[Fork]:
    """The forks to close so that, within the budget, least is thrown out, and that with the fewest items.

    Every round of wildcards costs `round_price` besides.
    """
    counted = int(max_wildcards < max_paths)  # else the count of paths bounds the wildcards as well
    limit = max_wildcards * counted
    covers = NOTHING
    opened: dict[Fork, Covers] = {}
    for fork in forks:
        covers = _sent_besides(opened.pop(fork, NOTHING), fork.paths, fork.wildcards * counted)
        closed: Covers = {1: [*covers.get(1, ()), (counted, fork.collateral, fork)]}
        covers = _worth_having(covers | closed, max_paths, limit)
        if fork.parent:
            siblings = opened.get(fork.parent, NOTHING)
            opened[fork.parent] = _worth_having(_joined(siblings, covers, max_paths), max_paths, limit)
    _, _, best = min(
        (
            (collateral + round_price * math.ceil(wildcards / WILDCARDS_AT_ONCE), paths, chosen)
            for paths, kept in covers.items()
            for wildcards, collateral, chosen in kept
        ),
        key=itemgetter(0, 1),
    )
    return _flat(best)


def _sent_besides(covers: Covers, paths: int, wildcards: int) -> Covers:
    """The covers with so many more items."""
    return {
        number + paths: [(own + wildcards, collateral, closed) for own, collateral, closed in kept]
        for number, kept in covers.items()
    }


def _joined(some: Covers, others: Covers, max_paths: int) -> Covers:
    """Every cover of some forks with every cover of others."""
    joined: Covers = {}
    for paths, kept in some.items():
        for more_paths, more_kept in others.items():
            if paths + more_paths > max_paths:
                break
            joined.setdefault(paths + more_paths, []).extend(
                [
                    (wildcards + more_wildcards, collateral + more_collateral, (closed, more_closed))
                    for wildcards, collateral, closed in kept
                    for more_wildcards, more_collateral, more_closed in more_kept
                ]
            )
    return joined


def _worth_having(covers: Covers, max_paths: int, max_wildcards: int) -> Covers:
    """The covers within the budget that none beats in paths, wildcards and collateral at once.

    Of those with the same number of paths only the lower convex hull is kept, of collateral over wildcards:
    what lies above it is seldom part of the best cover, and would multiply the work.
    """
    least = [math.inf] * (max_wildcards + 1)
    worth: Covers = {}
    for paths in _spread(sorted(paths for paths in covers if paths <= max_paths)):
        hull: list[Cover] = []
        for cover in sorted(covers[paths], key=itemgetter(0, 1)):
            wildcards, collateral, _ = cover
            if wildcards > max_wildcards or collateral >= least[wildcards]:
                continue
            while len(hull) > 1 and _on_or_above(hull[-1], hull[-2], cover):
                hull.pop()
            hull.append(cover)
            for more in range(wildcards, max_wildcards + 1):
                least[more] = min(least[more], collateral)
        if hull:
            worth[paths] = hull
    return worth


def _on_or_above(middle: Cover, left: Cover, right: Cover) -> bool:
    """Whether the middle cover costs at least what the line between the other two does."""
    return (middle[1] - left[1]) * (right[0] - left[0]) >= (right[1] - left[1]) * (middle[0] - left[0])


def _spread(numbers: list[int]) -> list[int]:
    """At most `MAX_NUMBERS` of the sorted numbers, the first among them."""
    return numbers[:: -(-len(numbers) // MAX_NUMBERS) or 1]


def _flat(closed: Closed) -> list[Fork]:
    """The forks of the nest."""
    forks: list[Fork] = []
    nested = [closed]
    while nested:
        one = nested.pop()
        if isinstance(one, Fork):
            forks.append(one)
        elif one:
            nested.extend(one)
    return forks
