"""Payloads opened up, so that any part of them can be broken, and put together again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

TEXT_OF = "JSON text of"
"""The name under which a string that is itself JSON text, as queues and topics carry it, stands opened up."""


def taken_apart(payload: Any) -> Any:
    """The payload with all that lies in it as JSON text opened up, so that a mutation may reach any depth."""
    if isinstance(payload, dict):
        return {name: taken_apart(value) for name, value in payload.items()}
    if isinstance(payload, list):
        return [taken_apart(value) for value in payload]
    if isinstance(payload, str) and payload.startswith("{"):
        return {TEXT_OF: taken_apart(json.loads(payload))}
    return payload


def put_together(payload: Any) -> Any:
    """The payload that was taken apart."""
    if isinstance(payload, dict):
        if TEXT_OF in payload:
            return json.dumps(put_together(payload[TEXT_OF]))
        return {name: put_together(value) for name, value in payload.items()}
    if isinstance(payload, list):
        return [put_together(value) for value in payload]
    return payload


def places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every field and element: the object or list that holds it, and its name or number there."""
    wheres: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    for where in wheres:
        yield holder, where
        if isinstance(holder[where], dict | list):
            yield from places(holder[where])
