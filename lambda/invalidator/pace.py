"""What a sandbox remembers of CloudFront: calls made, invalidations in progress, refusals, paths paid for.

Pure: every time is passed in, in seconds of a clock that never runs backwards. Nothing here asks CloudFront
anything: GetInvalidation is a permission that the function need not have, and ListInvalidations gets slow
as the history grows (rust-lang/docs.rs, PR 2091).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from invalidator import limits
from invalidator.plan import Invalidation
from invalidator.prefix_tree import is_wildcard
from invalidator.settings import Target
from invalidator.verdicts import Verdict

BLAMED_SECONDS = 600.0
"""How long a refused name counts against the names of its target."""

GONE_SECONDS = 120.0
"""How long a target that does not exist is not asked for again."""

PLANNERS = 2
"""How many planners may run at once: the least `maximum_concurrency` of an SQS event source mapping."""

BACKOFF_SECONDS = {
    Verdict.THROTTLED: (2.0, 16.0),
    Verdict.FULL: (8.0, 25.0),
    Verdict.TRANSIENT: (0.5, 16.0),
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
        """The time from which one more call keeps to the rate."""
        return max(now, self._free_at - (self.burst - 1) * self.seconds_per_call)

    def called(self, now: float) -> None:
        """Count a call, whatever came of it."""
        self._free_at = max(self._free_at, now) + self.seconds_per_call


@dataclass(frozen=True)
class _Running:
    since: float
    files: int
    wildcards: int


@dataclass
class InProgress:
    """The invalidations that CloudFront has accepted from this sandbox and that may not be complete."""

    running: dict[Target, list[_Running]] = field(default_factory=dict)

    def accepted(self, invalidation: Invalidation, now: float) -> None:
        """Remember an invalidation that runs from now on."""
        recent = [
            each
            for each in self.running.get(invalidation.target, [])
            if each.since > now - limits.COMPLETION_SECONDS
        ]
        wildcards = invalidation.wildcards
        placed = _Running(now, len(invalidation.items) - wildcards, wildcards)
        self.running[invalidation.target] = [*recent, placed]

    def room_at(self, target: Target, files: int, wildcards: int) -> float:
        """The time from which so many items fit beside those in progress; an empty quota takes any number."""
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
    """Until when a target is left alone after CloudFront refused a call that may be repeated.

    A throttled account refuses all its distributions alike. A full quota of wildcards refuses no files:
    what holds none waits only for a refusal of its own kind.
    """

    by_scope: dict[tuple[str, ...], _Refusal] = field(default_factory=dict)

    def refused(
        self, invalidation: Invalidation, verdict: Verdict, error: str, now: float, chance: float
    ) -> None:
        """Double the wait of what was refused; `chance` from 0 to 1 moves it by a quarter."""
        refusal = self.by_scope.setdefault(
            _scope(invalidation.target, verdict, invalidation.wildcards), _Refusal()
        )
        refusal.failures += 1
        first, longest = BACKOFF_SECONDS[verdict]
        wait = min(longest, first * 2.0 ** min(refusal.failures - 1, 30)) * (0.75 + 0.5 * chance)
        refusal.until, refusal.error, refusal.verdict = now + wait, error, verdict

    def accepted(self, invalidation: Invalidation) -> None:
        """Forget what the acceptance has shown to be over."""
        for verdict in BACKOFF_SECONDS:
            self.by_scope.pop(_scope(invalidation.target, verdict, invalidation.wildcards), None)

    def latest(self, target: Target, wildcards: int) -> _Refusal:
        """The refusal that keeps such an invalidation waiting longest; without `until` where none does."""
        scopes = {_scope(target, verdict, wildcards) for verdict in BACKOFF_SECONDS}
        found = [self.by_scope[scope] for scope in sorted(scopes) if scope in self.by_scope]
        return max(found, key=lambda each: each.until, default=_Refusal())


def _scope(target: Target, verdict: Verdict, wildcards: int) -> tuple[str, ...]:
    if verdict is Verdict.THROTTLED:
        return ("account", target.role_arn)
    if verdict is Verdict.FULL:
        return (target.id, "wildcards" if wildcards else "files")
    return (target.id, verdict.name)


COLD_SHARE, FULL_SHARE, HOURLY_SHARE = 1 / 8, 1 / 8, 1 / 8
"""Shares of a planner's paths per hour: at the start of a sandbox, at most, and coming back in an hour.

In any hour a planner whose sandboxes live ten minutes or longer spends at most what one had (1/8), what six
new ones begin with (6/8) and what came back (1/8): its share, and not more.
"""


@dataclass
class Purse:
    """The paths that this sandbox may still pay for on behalf of one target: a token bucket."""

    paths_per_hour: float
    """This planner's share of the caller's bound."""
    paths: float
    at: float

    @classmethod
    def cold(cls, max_paths_per_hour: int, now: float) -> Purse:
        """The purse of a new sandbox, which cannot know what the one before it spent."""
        share = max_paths_per_hour / PLANNERS
        return cls(share, share * COLD_SHARE, now)

    def left(self, now: float) -> float:
        """Paths that may be spent at `now`, a part of one included."""
        refilled = self.paths + (now - self.at) / 3_600 * self.paths_per_hour * HOURLY_SHARE
        self.paths, self.at = min(self.paths_per_hour * FULL_SHARE, refilled), max(now, self.at)
        return self.paths

    def spend(self, paths: int, now: float) -> None:
        """Take the paths of a call that was, or may have been, accepted; an empty purse stays empty."""
        self.paths = max(self.left(now) - paths, 0.0)


@dataclass
class Memory:
    """Everything that outlives an invocation, as what it has started at CloudFront does."""

    rate: CallRate = field(default_factory=CallRate)
    in_progress: InProgress = field(default_factory=InProgress)
    refusals: Refusals = field(default_factory=Refusals)
    purses: dict[str, Purse] = field(default_factory=dict)
    gone: dict[Target, tuple[float, str]] = field(default_factory=dict)
    """Target that does not exist → until when that is believed without another call, and the error."""
    called_at: dict[str, float] = field(default_factory=dict)
    """Group of the plan queue → when its last plan was sent."""
    plans: dict[str, tuple[object, tuple[Invalidation, ...]]] = field(default_factory=dict)
    """Group of the plan queue → what its last plan was made of, and the plan: it is not made again."""
    blamed: dict[Target, list[float]] = field(default_factory=dict)
    """When CloudFront refused a name, by its target."""
    wildcards: dict[str, tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    """Group of the plan queue → the wildcards of its last plan that had any, and when they were accepted."""

    def blame(self, target: Target, now: float) -> None:
        """Count a name that CloudFront refused alone."""
        self.blamed[target] = [
            each for each in self.blamed.get(target, ()) if each > now - BLAMED_SECONDS
        ] + [now]

    def blamed_lately(self, target: Target, now: float) -> int:
        """How many names CloudFront has refused lately."""
        return sum(each > now - BLAMED_SECONDS for each in self.blamed.get(target, ()))

    def planned(self, group: str, items: Iterable[str], now: float) -> None:
        """Remember when a group's plan was sent, and the wildcards that it chose and CloudFront accepted."""
        self.called_at[group] = now
        found = tuple(item for item in items if is_wildcard(item))
        if found:
            self.wildcards[group] = (now, found)

    def wildcards_since(self, group: str, since: float) -> tuple[str, ...]:
        """The wildcards of the group's last plan that had any, where it is as young as that."""
        at, found = self.wildcards.get(group, (since, ()))
        return found if at > since else ()

    def purse(self, target_id: str, max_paths_per_hour: int, now: float) -> Purse:
        """The target's purse, a new one where this sandbox has none."""
        return self.purses.setdefault(target_id, Purse.cold(max_paths_per_hour, now))
