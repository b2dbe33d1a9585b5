"""Paths → `Invalidation`s: covered, deduplicated, within the budgets and CloudFront's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from invalidator.settings import Target


@dataclass(frozen=True)
class Invalidation:
    """One call of CreateInvalidation, and the messages that it serves."""

    target: Target
    items: tuple[str, ...]
    """Sorted: exact paths, wildcards (which end in `*`) and cache tags (which begin with `#`)."""
    serves: Mapping[str, frozenset[str]]
    """Item → ids of the messages whose paths it covers."""
    caller_reference: str
