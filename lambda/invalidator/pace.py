"""What a sandbox remembers of CloudFront: calls made, invalidations in progress, refusals, paths paid for.

Pure: every time is an argument, in seconds of `clock.now`. This module never asks CloudFront what is in
progress: the function may lack the permission for GetInvalidation, and ListInvalidations gets slow as the
history grows (rust-lang/docs.rs, PR 2091).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from invalidator import limits
from invalidator.plan import Invalidation
from invalidator.prefix_tree import is_wildcard
from invalidator.settings import Target
from invalidator.verdicts import Verdict

REFUSED_NAME_SECONDS = 600.0
"""For how long a refused name counts."""

GONE_SECONDS = 120.0
"""For how long no call is made for a target that does not exist."""

TAIL_SECONDS = 60.0
"""For how long what is planned next may be a part of the same deploy."""

FULL_SECONDS = 60.0
"""For how long after its wait a refusal tells that a quota is still used up."""

PLANNERS = 2
"""How many planners may be active at once: the least `maximum_concurrency` of an SQS event source mapping."""

BACKOFF_SECONDS = {
    Verdict.THROTTLED: (2.0, 16.0),
    Verdict.FULL: (8.0, 25.0),
    Verdict.TRANSIENT: (2.0, 16.0),
    Verdict.DENIED: (8.0, 25.0),
}
"""Verdict → (the first wait, the longest wait); each failure doubles the wait."""


@dataclass
class CallRate:
    """A burst of calls, then one every `seconds_per_call`; the burst comes back at the same rate."""

    seconds_per_call: float = limits.SECONDS_PER_CALL
    burst: int = limits.CALLS_AT_ONCE
    _free_at: float = float("-inf")
    """When the whole burst is available again."""

    def next_call_at(self, now: float) -> float:
        """The earliest time at which one more call keeps to the rate."""
        return max(now, self._free_at - (self.burst - 1) * self.seconds_per_call)

    def record_call(self, now: float) -> None:
        """Count a call, accepted or not."""
        self._free_at = max(self._free_at, now) + self.seconds_per_call


class _Running(NamedTuple):
    since: float
    files: int
    wildcards: int


@dataclass
class InProgress:
    """The invalidations that CloudFront accepted from this sandbox and that may not be complete yet."""

    running: dict[Target, list[_Running]] = field(default_factory=dict)

    def accepted(self, invalidation: Invalidation, now: float) -> None:
        """Remember an invalidation that is in progress from now on."""
        recent = [
            each
            for each in self.running.get(invalidation.target, [])
            if each.since > now - limits.COMPLETION_SECONDS
        ]
        wildcards = invalidation.wildcards
        placed = _Running(now, len(invalidation.items) - wildcards, wildcards)
        self.running[invalidation.target] = [*recent, placed]

    def wildcards_free(self, target: Target, now: float) -> int:
        """How many more wildcards fit beside those in progress."""
        return limits.WILDCARDS_IN_PROGRESS - sum(
            each.wildcards
            for each in self.running.get(target, ())
            if each.since > now - limits.COMPLETION_SECONDS
        )

    def room_at(self, target: Target, files: int, wildcards: int) -> float:
        """The time from which the items fit beside those in progress; an unused quota fits any number."""
        files_left = limits.FILES_IN_PROGRESS - files if files else limits.FILES_IN_PROGRESS
        wildcards_left = (
            limits.WILDCARDS_IN_PROGRESS - wildcards if wildcards else limits.WILDCARDS_IN_PROGRESS
        )
        for each in reversed(self.running.get(target, [])):
            files_left -= each.files if files else 0
            wildcards_left -= each.wildcards if wildcards else 0
            if (files_left < 0 and each.files) or (wildcards_left < 0 and each.wildcards):
                return each.since + limits.COMPLETION_SECONDS
        return float("-inf")


@dataclass
class _Refusal:
    failures: int = 0
    until: float = float("-inf")
    error: str = ""
    verdict: Verdict | None = None


@dataclass
class Refusals:
    """Until when no call is made for a target after CloudFront refused a call that may be repeated.

    Throttling applies to all distributions of an account. The quota of wildcards and the quota of files are
    separate: an invalidation without wildcards does not wait for a refusal of wildcards.
    """

    by_scope: dict[tuple[str, ...], _Refusal] = field(default_factory=dict)

    def refused(
        self, invalidation: Invalidation, verdict: Verdict, error: str, now: float, chance: float
    ) -> None:
        """Double the wait of the refused target; `chance` from 0 to 1 moves it by up to a quarter."""
        refusal = self.by_scope.setdefault(
            _scope(invalidation.target, verdict, invalidation.wildcards), _Refusal()
        )
        refusal.failures += 1
        first, longest = BACKOFF_SECONDS[verdict]
        wait = min(longest, first * 2.0 ** min(refusal.failures - 1, 30)) * (0.75 + 0.5 * chance)
        refusal.until, refusal.error, refusal.verdict = now + wait, error, verdict

    def accepted(self, invalidation: Invalidation) -> None:
        """Forget the refusals that the accepted call proves to be over."""
        for verdict in BACKOFF_SECONDS:
            self.by_scope.pop(_scope(invalidation.target, verdict, invalidation.wildcards), None)

    def is_full(self, target: Target, wildcards: int, now: float) -> bool:
        """Whether the last call with items of the kind found the quota used up, not long ago."""
        refusal = self.by_scope.get(_scope(target, Verdict.FULL, wildcards))
        return refusal is not None and now < refusal.until + FULL_SECONDS

    def latest(self, target: Target, wildcards: int) -> _Refusal:
        """The refusal for which such an invalidation waits longest; an empty one where there is none."""
        scopes = {_scope(target, verdict, wildcards) for verdict in BACKOFF_SECONDS}
        found = [self.by_scope[scope] for scope in sorted(scopes) if scope in self.by_scope]
        return max(found, key=lambda each: each.until, default=_Refusal())


def _scope(target: Target, verdict: Verdict, wildcards: int) -> tuple[str, ...]:
    if verdict is Verdict.THROTTLED:
        return ("account", target.role_arn)
    if verdict is Verdict.FULL:
        return (target.id, "wildcards" if wildcards else "files")
    return (target.id, verdict.name)


NEW_SANDBOX_SHARE, FULL_SHARE, HOURLY_SHARE = 1 / 9, 1 / 8, 1 / 8
"""Shares of a planner's paths per hour: in a new sandbox, at most, and refilled in an hour.

In any hour a planner whose sandboxes live ten minutes or longer spends at most what one sandbox had (1/8),
what six new ones begin with (6/9) and what was refilled (1/8): together its share.
"""

TAKEOVER_SHARE = 1 / 32
"""The share in a new sandbox whose first messages were received before: the sandbox that received them was
replaced or killed, and may have spent its share for the same changes."""


@dataclass
class PathAllowance:
    """The paths that this sandbox may still send for one target: a token bucket."""

    paths_per_hour: float
    """This planner's share of the caller's bound."""
    paths: float
    at: float

    @classmethod
    def of_new_sandbox(
        cls, max_paths_per_hour: int, now: float, *, takes_over: bool = False
    ) -> PathAllowance:
        """The allowance in a new sandbox, which cannot know what the sandbox before it spent."""
        share = max_paths_per_hour / PLANNERS
        return cls(share, share * (TAKEOVER_SHARE if takes_over else NEW_SANDBOX_SHARE), now)

    def left(self, now: float) -> float:
        """Paths that may be sent at `now`, as a fraction."""
        refilled = self.paths + (now - self.at) / 3_600 * self.paths_per_hour * HOURLY_SHARE
        self.paths, self.at = min(self.paths_per_hour * FULL_SHARE, refilled), max(now, self.at)
        return self.paths

    def spend(self, paths: int, now: float) -> None:
        """Subtract the paths of a call that was, or may have been, accepted; never below zero."""
        self.paths = max(self.left(now) - paths, 0.0)


class MergedPlan(NamedTuple):
    """What CloudFront accepted of a plan past its budget."""

    at: float
    paths: int
    wildcards: tuple[str, ...]


@dataclass
class Memory:
    """What a sandbox remembers from one invocation to the next."""

    rate: CallRate = field(default_factory=CallRate)
    in_progress: InProgress = field(default_factory=InProgress)
    refusals: Refusals = field(default_factory=Refusals)
    path_allowances: dict[str, PathAllowance] = field(default_factory=dict)
    gone: dict[Target, tuple[float, str]] = field(default_factory=dict)
    """Target that does not exist → until when no call is made for it, and the error."""
    planned_at: dict[str, float] = field(default_factory=dict)
    """Group of the plan queue → when its last plan was sent."""
    plans: dict[str, tuple[object, tuple[Invalidation, ...]]] = field(default_factory=dict)
    """Group of the plan queue → the input of its last plan, and the plan: it serves equal input again."""
    refused_names: dict[Target, list[float]] = field(default_factory=dict)
    """Target → the times at which CloudFront refused one of its names."""
    merged: dict[str, list[MergedPlan]] = field(default_factory=dict)
    """Group of the plan queue → its merged plans, those within `TAIL_SECONDS` of the last one."""

    def record_refused_name(self, target: Target, now: float) -> None:
        """Count a name that CloudFront refused in a call of its own."""
        self.refused_names[target] = [
            each for each in self.refused_names.get(target, ()) if each > now - REFUSED_NAME_SECONDS
        ] + [now]

    def recently_refused_names(self, target: Target, now: float) -> int:
        """How many of the target's names CloudFront refused within `REFUSED_NAME_SECONDS`."""
        return sum(each > now - REFUSED_NAME_SECONDS for each in self.refused_names.get(target, ()))

    def planned(self, group: str, items: Collection[str], now: float, *, merged: bool) -> None:
        """Remember when a group's plan was sent; of a merged one also what was accepted."""
        self.planned_at[group] = now
        if merged and items:
            wildcards = tuple(filter(is_wildcard, items))
            self.merged[group] = [*self.same_deploy(group, now), MergedPlan(now, len(items), wildcards)]

    def same_deploy(self, group: str, now: float) -> list[MergedPlan]:
        """The group's merged plans within `TAIL_SECONDS`: what comes now may belong to the same deploy."""
        return [each for each in self.merged.get(group, ()) if each.at > now - TAIL_SECONDS]

    def path_allowance(
        self, target_id: str, max_paths_per_hour: int, now: float, *, takes_over: bool = False
    ) -> PathAllowance:
        """The target's allowance; a new one where this sandbox has none."""
        return self.path_allowances.setdefault(
            target_id, PathAllowance.of_new_sandbox(max_paths_per_hour, now, takes_over=takes_over)
        )
