"""A path that CloudFront refused although the rules allow it → the wildcards that cover it.

CloudFront once refused an apostrophe (laurilehmijoki/s3_website issue 63), though RFC 1738 calls it safe. A
character on which the specifications differ is in doubt; the part of the path before it is not.
"""

from __future__ import annotations

import re

from invalidator.prefix_tree import before_wildcard

IN_DOUBT = re.compile(r"[^A-Za-z0-9._/%-]")
"""A character that is not unreserved in every specification, and no slash or escape. `~` is disputed."""

ESCAPED = re.compile(r"%")


def signature(item: str) -> str:
    """The characters in doubt of an item, each once: items that share one are likely refused together."""
    return "".join(sorted(set(IN_DOUBT.findall(before_wildcard(item)))))


def wildcards_instead(item: str, min_wildcard_depth: int) -> tuple[str, ...]:
    """The wildcards that surely cover a refused item, in the order in which to try them; there may be none.

    The first cuts the path before its first character in doubt, the second before its first escape. None is
    `/*`, and none has fewer complete directories before it than `min_wildcard_depth`.
    """
    if item.startswith("#"):
        return ()
    text = before_wildcard(item)
    found = dict.fromkeys(
        f"{text[: match.start()]}*"
        for pattern in (IN_DOUBT, ESCAPED)
        for match in [pattern.search(text)]
        if match is not None
    )
    return tuple(
        each
        for each in found
        if each != item
        and len(each) > 2
        and each.count("/") - 1 >= min_wildcard_depth
        # `/a/*` is not relied on to cover `/a/` itself, and a cut leaves something after the slash.
        and each.startswith("/")
    )
