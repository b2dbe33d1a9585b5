"""Sorted paths → the tree of the prefixes at which they differ: the places where a wildcard may end.

A wildcard ends best at a fork. A shorter one covers the same paths of the tree and matches more objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

CONTINUATIONS = ("%8", "%9", "%A", "%a", "%B", "%b")
"""How the escapes of the second and further bytes of a UTF-8 character begin."""


class Fork(NamedTuple):
    """A prefix after which sorted paths differ."""

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
    """Number of paths under this fork and under none of its children: exact items where it stays open."""
    wildcards: int
    """Number of these paths that are wildcards themselves."""


class Tree(NamedTuple):
    """The forks of sorted paths."""

    stems: Sequence[str]
    """The stem of each path, sorted (`stem`)."""
    forks: Sequence[Fork]
    """In post-order: each fork after the forks under it."""

    def prefix(self, fork: Fork) -> str:
        """The text that all paths under the fork begin with."""
        return self.stems[fork.first][: fork.end]

    def children(self) -> list[list[int]]:
        """For each fork the numbers of the forks directly under it."""
        complete: list[int] = []
        found = []
        for number, fork in enumerate(self.forks):
            first_child = len(complete) - fork.children
            found.append(complete[first_child:])
            complete[first_child:] = [number]
        return found


def is_wildcard(item: str) -> bool:
    """Whether the item ends in CloudFront's wildcard; a cache tag has none, whatever it ends in."""
    return item.endswith("*") and not item.startswith("#")


def before_wildcard(item: str) -> str:
    """The item without the `*` of a wildcard."""
    return item[:-1] if is_wildcard(item) else item


def stem(path: str) -> str:
    """The longest text whose wildcard surely covers the path: for `/a/` it is `/a`, not `/a/`."""
    if is_wildcard(path) or (path.endswith("/") and len(path) > 1):
        return path[:-1]
    return path


def build_tree(paths: Sequence[str]) -> Tree:
    """The tree of paths that are sorted by their stems.

    One sweep over the neighbours: `spine` holds the forks that are not complete yet, from the root down.
    """
    stems = [stem(path) for path in paths]
    forks: list[Fork] = []
    spine: list[_OpenFork] = []
    for at, own in enumerate(stems):
        shared = shared_prefix(own, stems[at + 1]) if at + 1 < len(stems) else -1
        if shared > (spine[-1].end if spine else -1):
            spine.append(_OpenFork(at, shared))
        if spine:
            spine[-1].paths += 1
            spine[-1].wildcards += is_wildcard(paths[at])
        while spine and spine[-1].end > shared:
            fork = spine.pop().complete(at)
            forks.append(fork)
            if shared > (spine[-1].end if spine else -1):
                spine.append(_OpenFork(fork.first, shared))
            if spine:
                spine[-1].children += 1
                spine[-1].size += fork.size
    return Tree(stems, forks)


def maximal(forks: Sequence[Fork], flags: Sequence[bool]) -> list[Fork]:
    """The flagged forks of a whole tree that lie under no other flagged fork."""
    found = []
    at = len(forks) - 1
    while at >= 0:
        if flags[at]:
            found.append(forks[at])
            at -= forks[at].size
        else:
            at -= 1
    return found


class _OpenFork:
    """A fork whose last path has not been reached yet."""

    __slots__ = ("children", "end", "first", "paths", "size", "wildcards")

    def __init__(self, first: int, end: int) -> None:
        self.first, self.end = first, end
        self.children, self.size, self.paths, self.wildcards = 0, 1, 0, 0

    def complete(self, last: int) -> Fork:
        return Fork(self.first, last, self.end, self.children, self.size, self.paths, self.wildcards)


def shared_prefix(one: str, other: str) -> int:
    """Length of the longest common prefix that does not end inside an escaped character."""
    low, high = 0, min(len(one), len(other)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    if "%" in one[max(low - 2, 0) : low + 1] or "%" in other[low : low + 1]:
        return min(_end_of_whole_character(one, low), _end_of_whole_character(other, low))
    return low


def _end_of_whole_character(path: str, end: int) -> int:
    """The last place up to `end` that is neither inside an escape nor before a continuation byte of UTF-8."""
    end -= next((inside for inside in (1, 2) if path[max(end - inside, 0) : end].startswith("%")), 0)
    while path.startswith(CONTINUATIONS, end) and path[:end][-3:].startswith("%"):
        end -= 3
    return end


def sorted_by_stem(paths: Iterable[str]) -> list[str]:
    """The paths in the order that `build_tree` needs."""
    return sorted(sorted(paths), key=stem)
