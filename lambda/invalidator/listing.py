"""How many unchanged objects a wildcard would match, from as few pages of a bucket's listing as the choice needs.

The prefixes of the forks cut a bucket's keys into cells: a fork's collateral is the sum of its cells. A page of
the listing counts the cells from its start on, and shows of the last one that it is large. Pages are spent on
the forks that look cheapest to close; what was not listed is estimated, and no key is kept.

Cells are cut in the order of the listing (keys by their bytes), not in that of viewer paths: the same prefix
holds the same objects in both, though objects follow each other differently.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import unquote_plus

from invalidator import paths
from invalidator.collateral import Choose, Collateral, Measure
from invalidator.prefix_tree import Fork, Tree, is_wildcard
from invalidator.settings import Route

MAX_PAGES = 50
"""Pages listed for a plan: each is a call of ListObjectsV2, 50 of them about $0.00025."""

MAX_SECONDS = 3.0
"""No page is asked for when a plan's listing has taken so long."""

PAGES_AT_ONCE = 4
"""Pages between two looks at what to list next."""

UNFINISHED = 3
"""What was counted of a cell that was not listed to its end stands for so many times as much."""

LAST_CHARACTER = "\U0010fffd"
"""Sorts behind what names are made of; the two code points behind it are no characters, so S3 may refuse them."""


class Page(NamedTuple):
    """Consecutive keys of a bucket."""

    keys: Sequence[bytes]
    """In UTF-8, in rising order, which is that of the listing."""
    more: bool
    """Whether further keys follow under the prefix."""


class ListingError(Exception):
    """A bucket cannot be listed; the text is what S3 or the SDK said."""


ListPage = Callable[[str, str, str], Page]
"""(bucket, key prefix, key) → the keys under the prefix that come after that key. Raises ListingError."""


class Listing:
    """The listing of buckets for one plan, within its bounds of pages and seconds."""

    def __init__(
        self,
        list_page: ListPage,
        clock: Callable[[], float] = time.monotonic,
        max_pages: float = MAX_PAGES,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._list_page = list_page
        self._clock = clock
        self._max_pages = max_pages
        self._ends_at = clock() + max_seconds
        self.pages = 0
        """How many pages were listed."""
        self.failures: dict[str, str] = {}
        """Bucket → why it could not be listed."""

    def measure(self, routes: Iterable[Route]) -> Measure:
        """Collateral of a distribution with these routes; estimated from the changes where nothing can be listed."""

        def measure(tree: Tree, members: Sequence[str], choose: Choose) -> Collateral | None:
            sources = [_Source(bucket, of_bucket, tree, members) for bucket, of_bucket in _grouped(routes)]
            self._refine(sources, tree, choose)
            if not any(source.listed for source in sources):
                return None
            return Collateral(_summed(sources, tree, 1.0), len(tree.stems))

        return measure

    def _refine(self, sources: list[_Source], tree: Tree, choose: Choose) -> None:
        for source in sources:
            self._list(source, 0)
        while self._may_go_on():
            closed = choose(_summed(sources, tree, 0.25))
            wanted = [
                (source, cell) for source in sources if not source.failed for cell in source.wanted(closed)
            ]
            if not wanted:
                return
            for source, cell in wanted[:PAGES_AT_ONCE]:
                if source.state[cell] != COMPLETE and self._may_go_on():
                    self._list(source, cell)

    def _may_go_on(self) -> bool:
        return self.pages < self._max_pages and self._clock() < self._ends_at

    def _list(self, source: _Source, cell: int) -> None:
        if source.bucket in self.failures or not self._may_go_on():
            return
        self.pages += 1
        try:
            source.count(cell, self._list_page(source.bucket, source.prefix, source.start_after(cell)))
        except ListingError as error:
            self.failures[source.bucket] = str(error)


UNSEEN, BEGUN, COMPLETE = 0, 1, 2


class _Source:
    """The counts of one bucket's objects under one origin path."""

    def __init__(self, bucket: str, routes: Sequence[Route], tree: Tree, members: Sequence[str]) -> None:
        self.bucket = bucket
        self.routes = routes
        self.origin = routes[0].origin_path
        self.prefix = _common_prefix(routes)
        self.listed = False
        spans = [_span(self._key(tree.prefix(fork))) for fork in tree.forks]
        self.bounds = sorted({bound for span in spans for bound in span})
        at = {bound: number for number, bound in enumerate(self.bounds)}
        self.spans = {fork[:3]: (at[first], at[end]) for fork, (first, end) in zip(tree.forks, spans, strict=True)}
        cells = len(self.bounds)
        self.counts = [0] * cells
        self.state = [UNSEEN] * cells
        self.resume: dict[int, str] = {}
        first, end = _span(self.prefix)
        for cell in range(cells):
            if cell + 1 == cells or self.bounds[cell + 1] <= first or self.bounds[cell] >= end:
                self.state[cell] = COMPLETE
        self.kind = [0] * cells
        for fork in reversed(tree.forks):
            low, high = self.spans[fork[:3]]
            level = min(tree.stems[fork.first].count("/", fork.end), 3)
            self.kind[low:high] = [level] * (high - low)
        self.changed = {self._key(path).encode() for path in members if not is_wildcard(path)}
        self.purged = sorted(
            self._key(path[:-1]).encode() for path in members if is_wildcard(path) and not path.endswith("?*")
        )

    @property
    def failed(self) -> bool:
        return False

    def _key(self, path: str) -> str:
        if "%" in path or "+" in path:
            path = unquote_plus(path)
        return f"{self.origin}{path}"[1:]

    def start_after(self, cell: int) -> str:
        if cell in self.resume:
            return self.resume[cell]
        return _before(self.bounds[cell])

    def count(self, cell: int, page: Page) -> None:
        self.listed = True
        keys = self._unchanged(page.keys)
        last = page.keys[-1] if page.keys else b""
        at = 0
        if cell in self.resume:
            before = self.counts[cell]
        else:
            before = 0
            at = bisect_left(keys, self.bounds[cell])
        for here in range(cell, len(self.bounds) - 1):
            end = bisect_left(keys, self.bounds[here + 1], at)
            counted = before + end - at
            before, at = 0, end
            if page.more and last < self.bounds[here + 1]:
                if self.state[here] != COMPLETE and counted >= self.counts[here]:
                    self.state[here] = BEGUN
                    self.counts[here] = counted
                    self.resume[here] = last.decode()
                return
            self.counts[here] = counted
            self.state[here] = COMPLETE
            self.resume.pop(here, None)

    def wanted(self, closed: Iterable[Fork]) -> list[int]:
        """Cells of these forks to list next, those most in doubt first."""
        mean = self.means()
        found = []
        for fork in closed:
            low, high = self.spans[fork[:3]]
            doubt = [
                (mean[self.kind[cell]] if self.state[cell] == UNSEEN else self.counts[cell], -cell)
                for cell in range(low, high)
                if self.state[cell] != COMPLETE
            ]
            if doubt:
                found.append(max(doubt))
        return [-cell for _, cell in sorted(found, reverse=True)]

    def means(self) -> list[float]:
        total, number = [1.0, 4.0, 16.0, 64.0], [1, 1, 1, 1]
        for kind, state, count in zip(self.kind, self.state, self.counts, strict=True):
            if state:
                number[kind] += 1
                total[kind] += count * (UNFINISHED if state == BEGUN else 1)
        return [all_ / of for all_, of in zip(total, number, strict=True)]

    def expected(self, share_of_unseen: float) -> list[float]:
        mean = [each * share_of_unseen for each in self.means()]
        return [
            mean[kind] if state == UNSEEN else count * UNFINISHED if state == BEGUN else count
            for kind, state, count in zip(self.kind, self.state, self.counts, strict=True)
        ]

    def _unchanged(self, keys: Sequence[bytes]) -> list[bytes]:
        unchanged = [key for key in keys if key not in self.changed]
        if self.purged:
            unchanged = [
                key
                for key in unchanged
                if not key.startswith(self.purged[bisect_right(self.purged, key) - 1])
            ]
        if any(route.suffix or route.ignore or len(route.prefix) > len(self.prefix) for route in self.routes):
            unchanged = [
                key
                for key in unchanged
                if any(paths.unserved(self.bucket, key.decode(), route) is None for route in self.routes)
            ]
        return unchanged


def _summed(sources: Iterable[_Source], tree: Tree, share_of_unseen: float) -> list[float]:
    costs = [0.0] * len(tree.forks)
    for source in sources:
        before = [0.0, *accumulate(source.expected(share_of_unseen))]
        for number, fork in enumerate(tree.forks):
            low, high = source.spans[fork[:3]]
            costs[number] += before[high] - before[low]
    return costs


def _grouped(routes: Iterable[Route]) -> list[tuple[str, list[Route]]]:
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        if route.bucket:
            groups.setdefault((route.bucket, route.origin_path), []).append(route)
    return [(bucket, group) for (bucket, _), group in groups.items()]


def _common_prefix(routes: Sequence[Route]) -> str:
    prefix = routes[0].prefix
    for route in routes[1:]:
        while not route.prefix.startswith(prefix):
            prefix = prefix[:-1]
    origin = f"{routes[0].origin_path}/"[1:]
    return prefix if prefix.startswith(origin) else origin


def _span(prefix: str) -> tuple[bytes, bytes]:
    first = prefix.encode()
    return first, first + b"\xff"


def _before(bound: bytes) -> str:
    """A name that no key has, between the bound and the keys before it."""
    if bound.endswith(b"\xff"):
        return bound[:-1].decode() + LAST_CHARACTER
    text = bound.decode()
    if text and "!" <= text[-1] != "\ue000":
        return text[:-1] + chr(ord(text[-1]) - 1) + LAST_CHARACTER
    return text[:-1]
