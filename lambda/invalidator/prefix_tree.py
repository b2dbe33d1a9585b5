"""Sorted paths → the tree of the prefixes at which they part: the places where a wildcard may end.

A wildcard best ends at a fork. Cut at any other place, it covers the same paths and matches more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

CONTINUATIONS = ("%8", "%9", "%A", "%a", "%B", "%b")
"""How the escapes of the second and further bytes of a UTF-8 character begin."""


class Fork(NamedTuple):
    """A prefix at which sorted paths part."""

    first: int
    """Index of the first path under the fork; the path begins with the fork's prefix."""
    last: int
    """Index of the last path under the fork. All paths from the first to the last share the prefix."""
    end: int
    """Length of the prefix."""
    children: int
    """Number of forks directly under this one."""
    size: int
    """Number of forks in the subtree, this one included."""
    paths: int
    """Number of paths under this fork and under none of its children: sent as they are where it is open."""
    wildcards: int
    """Number of these paths that are wildcards themselves."""


class Tree(NamedTuple):
    """The forks of sorted paths."""

    stems: Sequence[str]
    """The paths, sorted, each without what its wildcard must not have before the `*` (`stem`)."""
    forks: Sequence[Fork]
    """In post-order: each fork after the forks under it."""

    def prefix(self, fork: Fork) -> str:
        return self.stems[fork.first][: fork.end]


def is_wildcard(item: str) -> bool:
    """Whether the item ends in CloudFront's wildcard; a cache tag has none, whatever it ends in."""
    return item.endswith("*") and not item.startswith("#")


def stem(path: str) -> str:
    """What a wildcard may have before its `*` and surely cover the path: for `/a/` it is `/a`, not `/a/`."""
    if is_wildcard(path) or (path.endswith("/") and len(path) > 1):
        return path[:-1]
    return path


def grown(paths: Sequence[str]) -> Tree:
    """The tree of paths that are sorted by their stems.

    One sweep over the neighbours: `spine` holds the forks that are not complete yet, from the root down.
    """
    stems = [stem(path) for path in paths]
    forks: list[Fork] = []
    spine: list[_Growing] = []
    for at, own in enumerate(stems):
        shared = shared_prefix(own, stems[at + 1]) if at + 1 < len(stems) else -1
        if shared > (spine[-1].end if spine else -1):
            spine.append(_Growing(at, shared))
        if spine:
            spine[-1].paths += 1
            spine[-1].wildcards += is_wildcard(paths[at])
        while spine and spine[-1].end > shared:
            fork = spine.pop().complete(at)
            forks.append(fork)
            if shared > (spine[-1].end if spine else -1):
                spine.append(_Growing(fork.first, shared))
            if spine:
                spine[-1].children += 1
                spine[-1].size += fork.size
    return Tree(stems, forks)


def maximal(forks: Sequence[Fork], among: Sequence[bool]) -> list[Fork]:
    """Of a whole tree's forks, those of the flagged ones that lie under no other flagged one."""
    found = []
    at = len(forks) - 1
    while at >= 0:
        if among[at]:
            found.append(forks[at])
            at -= forks[at].size
        else:
            at -= 1
    return found


class _Growing:
    """A fork whose last path has not been seen yet."""

    __slots__ = ("children", "end", "first", "paths", "size", "wildcards")

    def __init__(self, first: int, end: int) -> None:
        self.first, self.end = first, end
        self.children, self.size, self.paths, self.wildcards = 0, 1, 0, 0

    def complete(self, last: int) -> Fork:
        return Fork(self.first, last, self.end, self.children, self.size, self.paths, self.wildcards)


def shared_prefix(one: str, other: str) -> int:
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


def sorted_by_stem(paths: Iterable[str]) -> list[str]:
    """The paths in the order that `grown` takes them in."""
    return sorted(paths, key=lambda path: (stem(path), path))
