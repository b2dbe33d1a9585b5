"""A clock that goes on while Lambda freezes a sandbox."""

from __future__ import annotations

import time

_slept = 0.0
"""Seconds for which `time.monotonic` stood still."""
_last = time.time(), time.monotonic()


def now() -> float:
    """Seconds that never go back, and that pass also between two invocations.

    Lambda freezes a sandbox after each invocation. AWS does not say what the monotonic clock of Linux does
    meanwhile; it was seen to stand still (hashicorp/vault-lambda-extension, PR 150). The time of day goes on:
    where it moved further than the monotonic clock, the difference counts.
    """
    global _slept, _last  # noqa: PLW0603 (of the sandbox, as the clock itself)
    wall, monotonic = time.time(), time.monotonic()
    _slept += max(0.0, (wall - _last[0]) - (monotonic - _last[1]))
    _last = wall, monotonic
    return monotonic + _slept
