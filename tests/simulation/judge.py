"""Whether anything was lost: judged from what changed and from what CloudFront accepted, by nobody's word.

The judge shares no code with the function. It knows how a viewer may write the URL of an object, and what
CloudFront's guide says an invalidation path matches.
"""

from __future__ import annotations

from bisect import bisect_left
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


@dataclass(frozen=True)
class Verdict:
    """What a run came to."""

    lost: tuple[Change, ...]
    """Changes that no invalidation covers which was accepted after them."""
    billed_paths: int
    billed_twice: int
    """Billed paths that covered nothing but what an earlier invalidation had covered since it changed."""


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


def judge(changes: Iterable[Change], invalidations: Sequence[Invalidation]) -> Verdict:
    """Compare what changed with what was accepted."""
    stale: dict[str, list[Change]] = defaultdict(list)
    for change in sorted(changes, key=lambda each: each.time):
        for url in set(urls_of(change.key)):
            stale[url].append(change)
    urls = sorted(stale)
    done: dict[str, int] = dict.fromkeys(urls, 0)
    """URL → how many of its changes, in their order, are covered."""
    billed_twice = 0
    for invalidation in sorted(invalidations, key=lambda each: each.created):
        for item in invalidation.items:
            useful = False
            for url in _matched(item, urls):
                times = stale[url]
                while done[url] < len(times) and times[done[url]].time <= invalidation.created:
                    done[url] += 1
                    useful = True
            billed_twice += not useful
    lost = {change for url, times in stale.items() for change in times[done[url] :]}
    return Verdict(
        lost=tuple(sorted(lost, key=lambda each: (each.time, each.key))),
        billed_paths=sum(len(invalidation.items) for invalidation in invalidations),
        billed_twice=billed_twice,
    )


def _matched(item: str, urls: Sequence[str]) -> Iterator[str]:
    prefix = item.removesuffix("*")
    for index in range(bisect_left(urls, prefix), len(urls)):
        if not urls[index].startswith(prefix):
            return
        if matches(item, urls[index]):
            yield urls[index]
