"""A path that CloudFront refused although the rules allow it → the wildcards that cover it.

CloudFront once refused an apostrophe (laurilehmijoki/s3_website issue 63), though RFC 1738 calls it safe. A
character on which the specifications differ is in doubt; the part of the path before it is not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable

from invalidator.prefix_tree import before_wildcard

IN_DOUBT = re.compile(r"[^A-Za-z0-9._/%-]")
"""A character that is not unreserved in every specification, and no slash or escape. `~` is disputed."""

ESCAPED = re.compile(r"%..")

UNRESERVED = re.compile(r"[._-](?=[^/]*$)")
"""A mark of the name itself: a specification that refuses it is not known."""

HIDDEN = re.compile(r"(?<=/)[._-]")
"""A mark at the beginning of a name or directory, as in `..`."""


def signature(item: str) -> tuple[frozenset[str], frozenset[str]]:
    """The characters in doubt and the escapes of an item, and its other marks.

    Items that share one are likely refused together.
    """
    text = before_wildcard(item)
    return frozenset(IN_DOUBT.findall(text) + ESCAPED.findall(text)), frozenset(text).intersection("._-")


def rarest_last(items: Iterable[str]) -> list[str]:
    """The items in the order in which a half of them is most likely accepted: those that nobody doubts first.

    The others are sorted by how many have the rarest of their characters in doubt: if one is refused, it is
    rather one that few names have.
    """
    signatures = {item: signature(item) for item in items}
    counts = Counter(part for doubtful, _ in signatures.values() for part in doubtful)

    def order(item: str) -> tuple[object, ...]:
        doubtful, marks = signatures[item]
        rarest = min((counts[part] for part in doubtful), default=math.inf)
        return -rarest, sorted(doubtful), sorted(marks), item

    return sorted(signatures, key=order)


def wildcards_instead(item: str, min_wildcard_depth: int) -> tuple[str, ...]:
    """The wildcards that surely cover a refused item, in the order in which to try them; there may be none.

    The first cuts the path before its first character in doubt, the second before its first escape, the
    third before the first mark of its name, the last before the first name or directory that begins with a
    mark. None is `/*`, and none has fewer complete directories before it than `min_wildcard_depth`. The last
    two cut no directory in two: they leave no directory whose name CloudFront accepts.
    """
    if item.startswith("#"):
        return ()
    text = before_wildcard(item)
    found: list[str] = []
    for pattern in (IN_DOUBT, ESCAPED, UNRESERVED, HIDDEN):
        match = pattern.search(text)
        stem = text[: match.start()] if match else ""
        # A stem that begins with a refused one is refused as well.
        if len(stem) > 1 and stem.count("/") > min_wildcard_depth and not stem.startswith(tuple(found)):
            found.append(stem)
    return tuple(f"{stem}*" for stem in found if f"{stem}*" != item)
