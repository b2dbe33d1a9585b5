"""A path that CloudFront refused although the rules allow it → the wildcards that cover it all the same.

An apostrophe was refused once (laurilehmijoki/s3_website issue 63), though RFC 1738 calls it safe: what the
rules are silent on is in doubt, and the part of the name before it is not.
"""

from __future__ import annotations

import re

IN_DOUBT = re.compile(r"[^A-Za-z0-9._/%-]")
"""What is neither unreserved in every specification nor a slash or an escape. `~` is disputed: it counts."""

ESCAPED = re.compile(r"%")


def signature(item: str) -> str:
    """The characters in doubt of an item, each once: items that share one are likely refused together."""
    return "".join(sorted(set(IN_DOUBT.findall(_text(item)))))


def wildcards_instead(item: str, min_wildcard_depth: int) -> tuple[str, ...]:
    """The wildcards that surely cover a refused item, to be tried in this order; none may be left.

    Each cuts the path before a character in doubt, the first one, then the first escape. None is `/*`,
    and none has fewer complete directories before it than `min_wildcard_depth`.
    """
    if item.startswith("#"):
        return ()
    text = _text(item)
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


def _text(item: str) -> str:
    return item[:-1] if item.endswith("*") else item
