"""Texts for messages: names and kinds, quoted and shortened; never values, which may be secret or long."""

from __future__ import annotations

from collections.abc import Iterable

MOST_CHARACTERS = 120
"""The most characters of an outside text in a message."""

MOST_SAID = 600
"""Characters of what AWS or its SDK says of an error, which may quote what it got."""

MOST_NAMES = 10
"""The most names in one list."""


def clipped(text: str, most: int = MOST_CHARACTERS) -> str:
    """The text, or its beginning and an ellipsis where it is too long."""
    return text if len(text) <= most else f"{text[:most]}…"


def shown(text: str) -> str:
    """An outside text as a message may quote it: escaped and shortened."""
    return repr(clipped(text))


def said(error: object) -> str:
    """What an error of AWS or of its SDK says, as a message may hold it: escaped, and not endless."""
    text = clipped(str(error), MOST_SAID)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def listed(names: Iterable[str]) -> str:
    """Outside names, quoted and sorted: the first ones, and how many more there are."""
    quoted = sorted(map(shown, names))
    return ", ".join(quoted[:MOST_NAMES]) + _more(len(quoted), MOST_NAMES)


def joined(sentences: Iterable[str], most: int) -> str:
    """Sentences as one text: the first ones, and how many more there are."""
    found = list(sentences)
    return "; ".join(found[:most]) + _more(len(found), most)


def kind_of(value: object) -> str:
    """The kind of a JSON value in a word or two, without the value."""
    if value is None:
        return "missing or null"
    if value in ("", [], {}):
        return "empty"
    return {bool: "a boolean", str: "a string", list: "a list", dict: "an object"}.get(
        type(value), "a number"
    )


def _more(count: int, most: int) -> str:
    return f" and {count - most} more" if count > most else ""
