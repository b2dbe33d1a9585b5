"""How many unchanged objects a wildcard would match, from as few pages of a listing as the choice needs.

The prefixes of the forks cut a bucket's keys into cells: a fork's collateral is the sum of its cells. A page
of the listing counts the cells from its start on, and shows of the last one that it is large. Pages are
spent on the forks that look cheapest to close; what was not listed is estimated, and no key is kept.

Cells are cut in the order of the listing (keys by their bytes), not in that of viewer paths: the same prefix
holds the same objects in both, though objects follow each other differently.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from os.path import commonprefix
from typing import NamedTuple
from urllib.parse import unquote_plus

from invalidator import clock, paths
from invalidator.collateral import Choose, Collateral, Measure
from invalidator.prefix_tree import Fork, Tree, is_wildcard
from invalidator.settings import INVENTORY_PAGES, Route

KEYS_OF_PAGE = 1_000
"""The most keys of a page (ListObjectsV2)."""

LEAST_SECONDS, SECONDS_PER_PAGE = 3.0, 0.06
"""The bound on the time of a listing: the first, or the second for each of its pages where that is longer.

Four pages at once take 80 ms of waiting, and 24 ms each of a function with 256 MB.
"""

PAGES_AT_ONCE = 4
"""Pages between two looks at what to list next."""

UNFINISHED = 8
"""What was counted of a cell that was not listed to its end stands for so many times as much: the geometric
mean of made-up sites. Of a large count, which may be an estimate, only a page's keys stand for more."""

LISTED_IN_ORDER = 3 * KEYS_OF_PAGE
"""A fork of which likely no more is unknown is listed in order: a page counts what lies behind it too, and
two pages seldom list the same keys. Of a larger one the largest cell shows sooner that it is too dear."""

FEWEST_HASHED, SHORTEST_HASH = 32, 6
"""So many names tell how densely hashed names lie, to a fifth; a shorter name may be a number or a word."""

SEPARATOR = re.compile(rb"[-./_]")
"""What stands between a hash and the rest of a name."""

ALIKE, FEWEST_ALIKE = 3, 3
"""Siblings are alike whose numbers of changed paths differ by no more than this factor; so many of them tell
what another one holds."""

LAST_CHARACTER = "\U0010fffd"
"""Sorts behind what names are made of; the two code points after it are no characters: S3 may refuse them."""

FIRST_MEANS = (1.0, 4.0, 16.0, 64.0)
"""What a cell is taken to hold before any of its level was listed."""


class Page(NamedTuple):
    """Consecutive keys of a bucket."""

    keys: Sequence[bytes]
    """In UTF-8, in rising order, which is that of the listing."""
    more: bool
    """Whether further keys follow under the prefix."""


class Place(NamedTuple):
    """Where to begin a page."""

    bucket: str
    prefix: str
    """Of the keys in question."""
    start_after: str
    """The page has the keys that come after this text, which need not be a key; empty: from the first on."""


class ListingError(Exception):
    """A bucket cannot be listed."""

    def __init__(self, bucket: str, reason: str) -> None:
        super().__init__(f"bucket {bucket} cannot be listed: {reason}")
        self.bucket = bucket


ListPages = Callable[[Sequence[Place]], Sequence["Page | ListingError"]]
"""At most `PAGES_AT_ONCE` places → the page of each, or why there is none."""


def pages_of(keys: Sequence[bytes], places: Sequence[Place]) -> list[Page | ListingError]:
    """The pages of a bucket whose keys, sorted, are all at hand."""
    pages: list[Page | ListingError] = []
    for place in places:
        first, end = (bisect_left(keys, bound) for bound in _span(place.prefix))
        first = max(first, bisect_right(keys, place.start_after.encode()))
        pages.append(Page(keys[first : min(first + KEYS_OF_PAGE, end)], first + KEYS_OF_PAGE < end))
    return pages


def seconds_of(pages: float) -> float:
    """How long a listing of so many pages may take."""
    return max(LEAST_SECONDS, pages * SECONDS_PER_PAGE)


class Listing:
    """The listing of buckets for one plan, within its bounds of pages and seconds."""

    def __init__(
        self,
        list_pages: ListPages,
        now: Callable[[], float] = clock.now,
        max_pages: float = INVENTORY_PAGES,
        max_seconds: float | None = None,
    ) -> None:
        """No page is asked for once the seconds are over; None: those that so many pages may take."""
        self._list_pages = list_pages
        self._now = now
        self._max_pages = max_pages
        self._ends_at = now() + (seconds_of(max_pages) if max_seconds is None else max_seconds)
        self.pages = 0
        """How many pages were asked for."""
        self.failures: dict[str, str] = {}
        """Bucket → why it could not be listed."""

    def measure(self, routes: Iterable[Route]) -> Measure:
        """The collateral in the buckets of a distribution's routes; None where nothing could be listed."""
        groups = _by_origin(routes)

        def measure(tree: Tree, members: Sequence[str], choose: Choose) -> Collateral | None:
            sources = [_Source(group, tree, members) for group in groups]
            self._count(sources, choose)
            if not any(source.listed for source in sources):
                return None
            return Collateral(_summed(sources, _Source.expected), len(tree.stems))

        return measure

    def _count(self, sources: Sequence[_Source], choose: Choose) -> None:
        """Lists what the choice needs: the beginnings, then what is unknown of the forks that look best.

        What was not listed yet counts for nothing, so that a fork looks cheap until it is known not to be.
        Large cells are left aside until nothing else is unknown of those chosen. Once nothing at all is, no
        other choice can be better.
        """
        self._list([(source, 0) for source in sources])
        for costs in (_Source.probable, _Source.at_least):
            while not self._is_over():
                listed = [source for source in sources if source.bucket not in self.failures]
                if not listed:
                    return
                closed = choose(_summed(sources, costs))
                doubts = sorted((doubt for source in listed for doubt in source.doubts(closed)), reverse=True)
                if not doubts:
                    break
                self._list([(doubt.source, doubt.cell) for doubt in doubts[:PAGES_AT_ONCE]])

    def _is_over(self) -> bool:
        return self.pages >= self._max_pages or self._now() >= self._ends_at

    def _list(self, wanted: Sequence[tuple[_Source, int]]) -> None:
        """Lists the cells from their first key that is not counted yet."""
        for at in range(0, len(wanted), PAGES_AT_ONCE):
            if self._is_over():
                return
            some = wanted[at : at + int(min(self._max_pages - self.pages, PAGES_AT_ONCE))]
            self.pages += len(some)
            places = [source.place(cell) for source, cell in some]
            for (source, cell), page in zip(some, self._list_pages(places), strict=True):
                if isinstance(page, ListingError):
                    self.failures[page.bucket] = str(page)
                else:
                    source.count(cell, page)


SIZES, SOME_CELLS, ANYTHING = 0, 1, 2
"""What is unknown of a fork. Sizes: how large its begun cells are; they hardly get any smaller, so they come
last. Some cells were not listed at all. Anything: none was begun, so the wildcard may match the most."""


class Doubt(NamedTuple):
    """A cell of a fork that would be closed, and is not fully known; the greater, the sooner it is listed."""

    unknown: int
    """How much is unknown of the fork: one of `ANYTHING`, `SOME_CELLS` and `SIZES`."""
    weight: float
    cell: int
    source: _Source


UNSEEN, BEGUN, COMPLETE = 0, 1, 2


class _Source:
    """The counts of the objects that one bucket holds under one origin path."""

    def __init__(self, routes: Sequence[Route], tree: Tree, members: Sequence[str]) -> None:
        self.bucket = routes[0].bucket
        self.listed = False
        self._routes = routes
        self._origin = routes[0].origin_path
        self._prefix = _common_prefix(routes)
        self._filters = any(
            route.suffix or route.ignore or len(route.prefix) > len(self._prefix) for route in routes
        )
        spans = [_span(self._key(tree.prefix(fork))) for fork in tree.forks]
        self._bounds = sorted({bound for span in spans for bound in span})
        place = {bound: number for number, bound in enumerate(self._bounds)}
        self.spans = [(place[first], place[end]) for first, end in spans]
        """The first cell of each fork, and the one after its last."""
        self._span_of = {_identity(fork): span for fork, span in zip(tree.forks, self.spans, strict=True)}
        first, end = _span(self._prefix)
        self._counts = [0] * (len(self._bounds) - 1)
        self._states = [
            COMPLETE if self._bounds[cell + 1] <= first or self._bounds[cell] >= end else UNSEEN
            for cell in range(len(self._counts))
        ]
        self._held = [0.0] * len(self._counts)
        """What each cell is taken to hold; nothing as long as it was not listed."""
        self._totals, self._numbers = list(FIRST_MEANS), [1] * len(FIRST_MEANS)
        """For each level, what the cells hold that are known, and their number."""
        self._counted_to: dict[int, str] = {}
        """Cell that was begun → the last key that was counted."""
        self._levels = [0] * len(self._counts)
        """Directories that the paths of a cell's fork still have: the more, the more may lie between them."""
        for fork, (low, high) in zip(reversed(tree.forks), reversed(self.spans), strict=True):
            level = min(tree.stems[fork.first].count("/", fork.end), len(FIRST_MEANS) - 1)
            self._levels[low:high] = [level] * (high - low)
        changes = [fork.last - fork.first + 1 for fork in tree.forks]
        self._families = [
            [(changes[child], self.spans[child]) for child in children]
            for children in tree.children()
            if len(children) > FEWEST_ALIKE
        ]
        """For each fork with several children: of each child the number of changed paths, and its cells."""
        self._changed = {self._key(path).encode() for path in members if not is_wildcard(path)}
        # What a name with a `~` purges is purged anyway; `?*` purges no further object.
        self._purged = sorted(
            self._key(path[:-1]).encode() for path in members if is_wildcard(path) and not path.endswith("?*")
        )

    def place(self, cell: int) -> Place:
        """Where the keys of the cell begin that are not counted yet."""
        after = self._counted_to.get(cell)
        return Place(self.bucket, self._prefix, _before(self._bounds[cell]) if after is None else after)

    def count(self, cell: int, page: Page) -> None:
        """Counts the page, which was asked for at the place of the cell, into this cell and those behind it.

        Pages are asked for together, so another one may have come as far meanwhile: no key counts twice.
        Where a page ends among hashed names, those left of them count as listed.
        """
        self.listed = True
        unchanged = self._unchanged(page.keys)
        last = page.keys[-1] if page.keys else b""
        for here in range(cell, len(self._counts)):
            if self._states[here] == COMPLETE:
                continue
            counted_to = self._counted_to.get(here, "").encode()
            at = (
                bisect_right(unchanged, counted_to)
                if counted_to
                else bisect_left(unchanged, self._bounds[here])
            )
            end = self._bounds[here + 1]
            counted = self._counts[here] + bisect_left(unchanged, end, at) - at
            if page.more and last < end:
                if counted_to < last:
                    begun_at = counted_to or self._bounds[here]
                    prefix, left = _hashed(unchanged[at : bisect_left(unchanged, end, at)], begun_at, end)
                    self._know(here, COMPLETE if prefix and end.startswith(prefix) else BEGUN, counted + left)
                    self._counted_to[here] = prefix.decode() + LAST_CHARACTER if prefix else last.decode()
                return
            self._know(here, COMPLETE, counted)

    def _know(self, cell: int, state: int, count: int) -> None:
        """Notes what is known of the cell now; the sums follow."""
        level = self._levels[cell]
        if self._states[cell] == UNSEEN:
            self._numbers[level] += 1
        held = count
        if state == BEGUN:
            held += (UNFINISHED - 1) * min(count, KEYS_OF_PAGE)
        self._totals[level] += held - self._held[cell]
        self._states[cell], self._counts[cell], self._held[cell] = state, count, held

    def doubts(self, closed: Iterable[Fork]) -> Iterator[Doubt]:
        """For each of the forks the cell that tells most about it, if any is not complete."""
        means = [total / number for total, number in zip(self._totals, self._numbers, strict=True)]
        counts, levels = self._counts, self._levels
        for fork in closed:
            low, high = self._span_of[_identity(fork)]
            states = self._states[low:high]
            begun = [at for at, state in enumerate(states, low) if state == BEGUN]
            if UNSEEN in states:
                unseen = [at for at, state in enumerate(states, low) if state == UNSEEN]
                likely = sum(means[levels[at]] for at in unseen)
                if begun:
                    largest = max(unseen, key=lambda at: means[levels[at]])
                    cell = unseen[0] if likely <= LISTED_IN_ORDER else largest
                    # The larger it already is, the less likely it is closed in the end.
                    yield Doubt(SOME_CELLS, -likely - sum(self._held[at] for at in begun), cell, self)
                else:
                    # A page from the first on completes a small fork, or shows that it is none.
                    yield Doubt(ANYTHING, likely, unseen[0], self)
            elif begun:
                smallest = min(begun, key=counts.__getitem__)
                yield Doubt(SIZES, -counts[smallest], smallest, self)

    def at_least(self) -> Sequence[float]:
        """What was counted of each cell."""
        return self._counts

    def probable(self) -> Sequence[float]:
        """What each cell holds, as far as is known; one not listed, nothing."""
        return self._held

    def expected(self) -> Sequence[float]:
        """What each cell holds, as far as is known; one not listed, the mean of its level.

        A fork of which no cell was listed holds no less than the siblings that are like it, on average: the
        versions of a manual are of about one size, whatever the mean of all cells is.
        """
        means = [total / number for total, number in zip(self._totals, self._numbers, strict=True)]
        cells = [
            means[level] if state == UNSEEN else held
            for level, state, held in zip(self._levels, self._states, self._held, strict=True)
        ]
        held = [0.0, *accumulate(cells)]
        listed = [0, *accumulate(state != UNSEEN for state in self._states)]
        for family in self._families:
            known = sorted(
                (changes, held[high] - held[low])
                for changes, (low, high) in family
                if listed[high] > listed[low]
            )
            sums = [0.0, *accumulate(size for _, size in known)]
            for changes, (low, high) in family:
                first = bisect_left(known, (changes / ALIKE,))
                end = bisect_left(known, (changes * ALIKE, math.inf))
                if listed[high] == listed[low] and end - first >= FEWEST_ALIKE:
                    factor = (sums[end] - sums[first]) / (end - first) / (held[high] - held[low])
                    cells[low:high] = [cell * max(factor, 1.0) for cell in cells[low:high]]
        return cells

    def _unchanged(self, keys: Sequence[bytes]) -> list[bytes]:
        """The keys of the objects that the routes serve and that the changes do not purge anyway."""
        unchanged = [key for key in keys if key not in self._changed]
        if self._purged:
            before = [bisect_right(self._purged, key) - 1 for key in unchanged]
            unchanged = [
                key
                for key, at in zip(unchanged, before, strict=True)
                if at < 0 or not key.startswith(self._purged[at])
            ]
        if self._filters:
            unchanged = [
                key
                for key in unchanged
                if any(
                    paths.why_not_served(self.bucket, key.decode(), route) is None for route in self._routes
                )
            ]
        return unchanged

    def _key(self, path: str) -> str:
        """The key, or beginning of keys, of a viewer path: an alias of an object begins as its key does."""
        if "%" in path or "+" in path:
            path = unquote_plus(path)  # a `+` in a name is written %2B
        return f"{self._origin}{path}"[1:]


def _identity(fork: Fork) -> tuple[int, int]:
    """What stays of a fork when a tree is contracted."""
    return fork.first, fork.end


def _summed(sources: Sequence[_Source], cells_of: Callable[[_Source], Sequence[float]]) -> list[float]:
    """The collateral of each fork in all buckets, by what their cells hold."""
    costs = [0.0] * len(sources[0].spans)
    for source in sources:
        before = [0.0, *accumulate(cells_of(source))]
        costs = [
            cost + before[high] - before[low] for cost, (low, high) in zip(costs, source.spans, strict=True)
        ]
    return costs


def _by_origin(routes: Iterable[Route]) -> list[list[Route]]:
    """The routes with a bucket; in one group, those whose viewer paths an object has once for all of them."""
    groups: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        if route.bucket:
            groups.setdefault((route.bucket, route.origin_path), []).append(route)
    return list(groups.values())


def _common_prefix(routes: Sequence[Route]) -> str:
    """The longest prefix of all keys that the routes serve."""
    prefix = commonprefix([route.prefix for route in routes])  # noqa: RUF071 (of texts, not of directories)
    origin = f"{routes[0].origin_path}/"[1:]
    return prefix if prefix.startswith(origin) else origin


def _hashed(keys: Sequence[bytes], begun_at: bytes, end: bytes) -> tuple[bytes, int]:
    """What the last of the keys, listed from `begun_at` on, share before a hash; how many follow up to `end`.

    Hashes are spread evenly, so 1,000 that fill an eighth of the name space are 8,000 altogether. Hashes are
    of one length, and end in more characters than the ten digits do. They are to be listed from their first
    one on: names that begin with a time are spread evenly over a small part of the name space.
    """
    unknown = b"", 0
    if len(keys) < FEWEST_HASHED:
        return unknown
    shared = commonprefix([keys[-FEWEST_HASHED], keys[-1]]) or b""  # noqa: RUF071 (no directories)
    prefix = shared[: max((found.end() for found in SEPARATOR.finditer(shared)), default=0)]
    if not prefix or (begun_at.startswith(prefix) and begun_at != prefix):
        return unknown
    first = bisect_left(keys, prefix)
    number = len(keys) - first
    sample = [key[len(prefix) :] for key in (*keys[first :: number // 64 + 1], keys[-1])]
    hashes = [SEPARATOR.split(name, 1)[0] for name in sample]
    lengths, last_characters = set(map(len, hashes)), {each[-1:] for each in hashes}
    if len(lengths) > 1 or min(lengths) < SHORTEST_HASH or len(last_characters) <= 10:
        return unknown
    alphabet = sorted(set(b"".join(hashes)))

    def share(name: bytes) -> float:
        digits = (bisect_left(alphabet, character) for character in name[: len(hashes[0])])
        return sum(digit * float(len(alphabet)) ** -at for at, digit in enumerate(digits, 1))

    before, listed = share(hashes[0]), share(hashes[-1])
    if before * number > FEWEST_HASHED * listed or listed <= before:
        return unknown
    whole = share(end[len(prefix) :]) if end.startswith(prefix) else 1.0
    return prefix, max(round(number / listed * (whole - listed)), 0)


def _span(prefix: str) -> tuple[bytes, bytes]:
    """Where the keys with that prefix begin, and where they have ended: no UTF-8 has a byte of 255."""
    first = prefix.encode()
    return first, first + b"\xff"


def _before(bound: bytes) -> str:
    """A text between the keys before the bound and those from there on; at worst, one a little before it."""
    if bound.endswith(b"\xff"):
        return bound[:-1].decode() + LAST_CHARACTER
    text = bound.decode()
    if text and "!" <= text[-1] != "\ue000":
        return text[:-1] + chr(ord(text[-1]) - 1) + LAST_CHARACTER
    return text[:-1]
