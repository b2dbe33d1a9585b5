"""Whether anything was lost: judged from what changed, what CloudFront accepted and the dead letters.

The judge shares no code with the function. It knows how a viewer may write the URL of an object, and what
CloudFront's guide says an invalidation path matches.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.doubles.cloudfront_server import Invalidation

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!$&'()*,/:;=@~")


@dataclass(frozen=True)
class Change:
    """An object that changed at that time, in seconds."""

    key: str
    time: float
    kind: str = "deploy"
    """What the change is part of, for percentiles of its own."""
    target: str = ""
    """The distribution that serves it; empty: the only one."""


@dataclass(frozen=True)
class DeadLetter:
    """What a dead letter holds back: items that were asked for between two times."""

    items: tuple[str, ...]
    oldest: float
    """No change before this time is meant, in seconds."""
    latest: float
    """When the news of it was on its way: no change after this time is meant."""
    reason: str = ""
    target: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a run came to."""

    lost: tuple[Change, ...]
    """Changes that no invalidation covers which was accepted after them, nor a dead letter holds."""
    dead: tuple[Change, ...]
    """Changes that no invalidation covers, but a dead letter holds."""
    disputed: tuple[Change, ...]
    """Changes of a name that begins with `~`, covered by an item with `%7E` if CloudFront equates the two.

    Some of them are surely covered later, by a wildcard; they are in no other figure.
    """
    billed_paths: int
    billed_twice: int
    """Billed paths that covered nothing but what an earlier invalidation had covered since it changed."""
    seconds: dict[str, list[float]]
    """Kind of change → sorted seconds from each change to the acceptance of what covers all of its URLs."""
    fresh_at: float
    """When the last change was covered."""

    def percentile(self, percent: float, kind: str = "deploy") -> float:
        """Seconds within which so many percent of the changes were fresh, by the nearest rank."""
        values = self.seconds.get(kind)
        return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else math.nan


def urls_of(key: str) -> Iterator[str]:
    """How viewers may write the path of an object of a site with `index.html` as its index document.

    A `~` stays as it is: viewers write it so, and it is disputed whether CloudFront finds that by `%7E`.
    """
    for name in [key] if not f"/{key}".endswith("/index.html") else [key, key[:-10], key[:-11]]:
        if name or key == "index.html":
            encoded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode())
            yield f"/{encoded}"
            yield f"/{encoded.replace('%20', '+')}"


def matches(item: str, url: str) -> bool:
    """Whether an item surely matches a URL: `/a/*` is not taken to match `/a/`, which is disputed."""
    if not item.endswith("*"):
        return item == url
    prefix = item[:-1]
    return url.startswith(prefix) and (prefix == "/" or not (url == prefix and url.endswith("/")))


class _Items:
    """Items, to be asked which of them match a URL."""

    def __init__(self, items: Iterable[str]) -> None:
        self.items = set(items)
        self._lengths = sorted({len(item) - 1 for item in self.items if item.endswith("*")}, reverse=True)

    def matching(self, url: str) -> Iterator[str]:
        """The item itself, then wildcards, the tightest first."""
        if url in self.items:
            yield url
        for length in self._lengths:
            item = f"{url[:length]}*"
            if length <= len(url) and item in self.items and matches(item, url):
                yield item


def judge(  # noqa: PLR0912 - one walk through time
    changes: Iterable[Change], invalidations: Sequence[Invalidation], dead_letters: Sequence[DeadLetter] = ()
) -> Verdict:
    """Compare what changed with what was accepted, and the rest with the dead letters."""
    in_order = sorted(changes, key=lambda each: each.time)
    left = [0] * len(in_order)
    """Change → how many of its URLs are stale."""
    stale: dict[tuple[str, str], list[int]] = {}
    """Target and URL → the changes since it was covered last."""
    by_target: dict[str, set[tuple[str, str]]] = defaultdict(set)
    seconds: dict[str, list[float]] = defaultdict(list)
    disputed: list[Change] = []
    encoded = _Encoded(invalidations)
    billed_twice, arrived, fresh_at = 0, 0, 0.0
    for invalidation in sorted(invalidations, key=lambda each: each.created):
        while arrived < len(in_order) and in_order[arrived].time <= invalidation.created:
            change = in_order[arrived]
            for url in set(urls_of(change.key)):
                stale.setdefault((change.target, url), []).append(arrived)
                by_target[change.target].add((change.target, url))
                left[arrived] += 1
            arrived += 1
        items = _Items(invalidation.items)
        useful: set[str] = set()
        for target in {"", invalidation.target}:
            for place in list(by_target[target]):
                item = next(items.matching(place[1]), None)
                if item is None:
                    continue
                useful.add(item)
                by_target[target].discard(place)
                for number in stale.pop(place):
                    left[number] -= 1
                    if not left[number]:
                        change = in_order[number]
                        if encoded.covers(change, urls_of(change.key), before=invalidation.created):
                            disputed.append(change)
                            continue
                        seconds[change.kind].append(invalidation.created - change.time)
                        fresh_at = max(fresh_at, invalidation.created)
        billed_twice += len(invalidation.items) - len(useful)
    for number, change in enumerate(in_order[arrived:], start=arrived):
        for url in set(urls_of(change.key)):
            stale.setdefault((change.target, url), []).append(number)
    uncovered: dict[int, list[str]] = defaultdict(list)
    for (_, url), numbers in stale.items():
        for number in numbers:
            uncovered[number].append(url)
    held = _Held(dead_letters)
    lost: list[Change] = []
    dead: list[Change] = []
    for number in sorted(uncovered):
        change = in_order[number]
        if all(held.holds(change, url) for url in uncovered[number]):
            dead.append(change)
        elif encoded.covers(change, uncovered[number]):
            disputed.append(change)
        else:
            lost.append(change)
    return Verdict(
        lost=tuple(lost),
        dead=tuple(dead),
        disputed=tuple(disputed),
        billed_paths=sum(len(invalidation.items) for invalidation in invalidations),
        billed_twice=billed_twice,
        seconds={kind: sorted(values) for kind, values in seconds.items()},
        fresh_at=fresh_at,
    )


class _Encoded:
    """Items in which a name begins with `%7E`, to be asked whether they stand for URLs with a `~` there."""

    def __init__(self, invalidations: Iterable[Invalidation]) -> None:
        self._accepted: dict[str, list[Invalidation]] = defaultdict(list)
        for invalidation in invalidations:
            for item in invalidation.items:
                if "/%7E" in item:
                    self._accepted[item].append(invalidation)

    def covers(self, change: Change, urls: Iterable[str], before: float = math.inf) -> bool:
        """Whether an item accepted between the change and that time stands for each of the URLs."""
        return "/~" in f"/{change.key}" and all(
            any(
                change.time <= each.created < before and change.target in ("", each.target)
                for each in self._accepted[url.replace("~", "%7E")]
            )
            for url in urls
        )


class _Held:
    """Dead letters, to be asked whether they hold a change back."""

    def __init__(self, dead_letters: Sequence[DeadLetter]) -> None:
        self._by_item: dict[str, list[DeadLetter]] = defaultdict(list)
        for dead_letter in dead_letters:
            for item in dead_letter.items:
                self._by_item[item].append(dead_letter)
        self._items = _Items(self._by_item)

    def holds(self, change: Change, url: str) -> bool:
        return any(
            dead_letter.oldest <= change.time <= dead_letter.latest
            and (not dead_letter.target or not change.target or dead_letter.target == change.target)
            for item in self._items.matching(url)
            for dead_letter in self._by_item[item]
        )
