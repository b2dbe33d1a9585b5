"""Words for messages: names and kinds, quoted and bounded, and no values that may be secret or endless."""

from __future__ import annotations

from collections.abc import Iterable

MOST_CHARACTERS = 120
"""Of a text from outside, in a message."""

MOST_NAMES = 10
"""Names in one list."""


def clipped(text: str, most: int = MOST_CHARACTERS) -> str:
    """The text as it is, or its beginning and an ellipsis."""
    return text if len(text) <= most else f"{text[:most]}…"


def shown(text: str) -> str:
    """A text from outside as a message may quote it: escaped, and not endless."""
    return repr(clipped(text))


def listed(names: Iterable[str]) -> str:
    """Names from outside, quoted and sorted; of many the first, and how many more there are."""
    quoted = sorted(map(shown, names))
    return ", ".join(quoted[:MOST_NAMES]) + _more(len(quoted), MOST_NAMES)


def joined(sentences: Iterable[str], most: int) -> str:
    """Sentences of ours as one text; of many the first, and how many more there are."""
    found = list(sentences)
    return "; ".join(found[:most]) + _more(len(found), most)


def kind(value: object) -> str:
    """What a JSON value is, in a word or two that do not quote it."""
    if value is None:
        return "missing or null"
    if value in ("", [], {}):
        return "empty"
    return {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}.get(
        type(value), "a number"
    )


def _more(count: int, most: int) -> str:
    return f" and {count - most} more" if count > most else ""
