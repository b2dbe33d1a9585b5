"""When a call of CloudFront is worth making: its rate, its quotas, and whose turn it is.

Nothing here asks CloudFront anything: GetInvalidation is a power that the function need not have, and
ListInvalidations gets slow as the history grows (rust-lang/docs.rs, PR 2091).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from invalidator.knapsack import WILDCARDS_AT_ONCE
from invalidator.plan import Invalidation
from invalidator.settings import Target

FILES_IN_PROGRESS = 3_000
"""Files that CloudFront invalidates at once for a distribution (its guide, InvalidationLimits)."""

ROUND_SECONDS = 25.0
"""When the next round may start: an invalidation is complete in 25 s at P95 (AWS, What's New, 2026-04)."""

HANDOVER_SECONDS = 8.0
"""Between the rounds of two functions, of which neither knows whether the other's are late."""

CALLS_AT_ONCE = 5
SECONDS_PER_CALL = 2.0
"""The account may make about 0.5 calls a second, after a burst of a handful (aws-sdk-js issue 3983)."""


@dataclass
class Rate:
    """The calls of one invocation: a handful at once, then one every two seconds."""

    calls: int = 0
    next_call_at: float = 0.0

    def called(self, now: float) -> None:
        """Count a call, whatever came of it."""
        self.calls += 1
        if self.calls >= CALLS_AT_ONCE:
            self.next_call_at = now + SECONDS_PER_CALL


@dataclass(frozen=True)
class _Round:
    at: float
    files: int
    wildcards: int


@dataclass
class Quota:
    """What one sandbox knows of the quotas; it outlives an invocation, as invalidations in progress do.

    Two functions drain the queue, for Lambda allows no fewer, and share the quota without a word. So they
    take turns: who is refused waits as long as the other, whose batch is most likely of the same size,
    needs for its rounds; and who has had all its rounds leaves time for as many of the other's.
    """

    rounds: dict[Target, list[_Round]] = field(default_factory=dict)
    """The latest of each target in the order of their time, those left to the other function included."""
    turn: dict[Target, list[_Round]] = field(default_factory=dict)
    """Those of the present invocation."""

    def accepted(self, invalidation: Invalidation, now: float) -> None:
        """Remember a round that CloudFront runs from now on."""
        target = invalidation.target
        placed = _Round(now, _files(invalidation), invalidation.wildcards)
        recent = [each for each in self.rounds.get(target, []) if each.at > now - 2 * ROUND_SECONDS]
        self.rounds[target] = [*recent, placed]
        self.turn.setdefault(target, []).append(placed)

    def room_at(self, invalidation: Invalidation) -> float:
        """The time from which the invalidation fits beside what is known to run."""
        files, wildcards = _files(invalidation), invalidation.wildcards
        for each in reversed(self.rounds.get(invalidation.target, [])):
            files += each.files
            wildcards += each.wildcards
            if _too_many(files if _files(invalidation) else 0, wildcards if invalidation.wildcards else 0):
                return each.at + ROUND_SECONDS
        return 0.0

    def is_ours(self, target: Target, now: float) -> bool:
        """Whether a refusal may be due to a round of our own that takes longer than most."""
        return any(each.at <= now < each.at + 2 * ROUND_SECONDS for each in self.rounds.get(target, []))

    def end_turn(self) -> None:
        """Leave the other function as many rounds as this invocation had, where both do not fit at once."""
        for target, placed in self.turn.items():
            files, wildcards = sum(each.files for each in placed), sum(each.wildcards for each in placed)
            if _too_many(2 * files, 2 * wildcards):
                handed_over_twice = placed[-1].at + 2 * HANDOVER_SECONDS
                self.rounds[target] += [
                    _Round(handed_over_twice + number * ROUND_SECONDS, each.files, each.wildcards)
                    for number, each in enumerate(placed, start=1)
                ]
        self.turn.clear()


def turn_seconds(*invalidations: Invalidation) -> float:
    """How long another function with as many rounds to place needs until it hands over."""
    files = sum(map(_files, invalidations))
    wildcards = sum(each.wildcards for each in invalidations)
    rounds = max(math.ceil(files / FILES_IN_PROGRESS), math.ceil(wildcards / WILDCARDS_AT_ONCE))
    return rounds * ROUND_SECONDS + HANDOVER_SECONDS


def _files(invalidation: Invalidation) -> int:
    return len(invalidation.items) - invalidation.wildcards


def _too_many(files: int, wildcards: int) -> bool:
    return files > FILES_IN_PROGRESS or wildcards > WILDCARDS_AT_ONCE
