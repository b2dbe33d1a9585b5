"""Which paths to merge into which wildcards, once there are more than the budget allows."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence


def is_wildcard(item: str) -> bool:
    """Whether the item ends in CloudFront's wildcard; tags, which may end in anything, have none."""
    return item.endswith("*") and not item.startswith("#")


def merge(
    paths: Iterable[str],
    max_paths: int,
    max_wildcards: int,
    min_wildcard_depth: int,
    unchanged: Sequence[str] | None,
) -> set[str]:
    """Items that cover all of `paths`; a first version: the directory whose merger throws out least, until it fits."""
    items = {(_key(path), path) for path in paths}
    known = sorted(map(_key, unchanged or ()))
    while len(items) > max_paths or sum(is_wildcard(path) for _, path in items) > max_wildcards:
        groups: dict[str, set[tuple[str, str]]] = {}
        for item in items:
            for parent in _parents(item[0], min_wildcard_depth):
                groups.setdefault(parent, set()).add(item)
        candidates = [
            (_within(known, parent) / (len(group) - 1), -len(parent), parent)
            for parent, group in groups.items()
            if len(group) > 1
        ]
        if not candidates:
            break
        group = groups[min(candidates)[2]]
        prefix = _whole(os.path.commonprefix([key for key, _ in group]))
        items = {item for item in items if not item[0].startswith(prefix)} | {(prefix, prefix + "*")}
    return {path for _, path in items}


def widest_prefixes(paths: Sequence[str], limit: int, min_wildcard_depth: int) -> tuple[str, ...]:
    """The prefixes of the broadest wildcards that merging may make, shortened until there are at most `limit`."""
    if not paths or limit < 1:
        return ()
    return (_whole(os.path.commonprefix([_key(path) for path in paths])),)


def _key(path: str) -> str:
    """Where a path stands among prefixes: `/a/` under `/a`, because `/a/*` may not cover it and `/a*` does."""
    if is_wildcard(path):
        return path[:-1]
    return path[:-1] if path.endswith("/") and len(path) > 1 else path


def _parents(key: str, min_wildcard_depth: int) -> list[str]:
    ends = [at + 1 for at, character in enumerate(key) if character == "/"]
    return [key[:end] for end in ends[min_wildcard_depth:]]


def _within(known: Sequence[str], prefix: str) -> int:
    return bisect_left(known, prefix + "\U0010ffff") - bisect_left(known, prefix)


def _whole(prefix: str) -> str:
    """The prefix without a percent-escape or a UTF-8 character that it ends in the midst of: cut to the last `/` then."""
    return prefix if "%" not in prefix[-12:] else prefix[: prefix.rfind("/") + 1]
