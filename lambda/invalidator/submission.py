"""An `Invalidation` → `Outcome`s: order of the calls, waiting, bisection, wildcards for refused names.

A change is done only when CloudFront has accepted every item that covers it. So each item has exactly one
outcome in the end: accepted, refused or deferred.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from invalidator import clock, doubt
from invalidator.pace import BACKOFF_SECONDS, GONE_SECONDS, Memory
from invalidator.plan import Invalidation, halves, part, widened
from invalidator.prefix_tree import is_wildcard
from invalidator.settings import Target
from invalidator.text import shown
from invalidator.verdicts import Verdict

LAST_TRY_SECONDS = 1.0
"""How long before the deadline a call is tried early that would otherwise start after it."""


class Accepted(NamedTuple):
    """CloudFront's answer to an accepted call."""

    id: str
    progress: str
    """CloudFront's status: InProgress or Completed."""


class CallError(Exception):
    """A call that was not accepted."""

    def __init__(self, verdict: Verdict, text: str, *, answered: bool = True) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.text = text
        self.answered = answered
        """False: no answer came, and CloudFront may have accepted the call."""


Create = Callable[[Invalidation], Accepted]
"""Makes one call of CreateInvalidation; raises CallError."""


class Outcome(NamedTuple):
    """The result for an invalidation, or for the part of it that was sent in the last call."""

    invalidation: Invalidation
    status: Literal["accepted", "refused", "deferred"]
    id: str = ""
    """CloudFront's id of the accepted invalidation."""
    progress: str = ""
    """CloudFront's status: InProgress or Completed."""
    error: str = ""
    """Why it was refused, deferred or not waited for, and what to do."""
    retry_at: float = 0.0
    """Of a deferred one: the time of the clock from which another call may succeed."""
    replaces: str = ""
    """The refused item that the accepted wildcard replaces; else empty."""
    doubtful: bool = False
    """Of a deferred one: a call got no answer, so CloudFront may have accepted it."""


class Clock(NamedTuple):
    """Time and random numbers, so that a test can set them."""

    now: Callable[[], float] = clock.now
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


class Terms(NamedTuple):
    """How long a submission may take, and what it may do about a refused name."""

    deadline: float
    """A time of the clock, in seconds: no call starts and no wait ends after it."""
    longest_wait: float = math.inf
    """The longest wait between two calls, in seconds; where it would be longer, the rest is deferred."""
    waits_for_permission: bool = False
    """Whether a missing permission defers (a queue can wait) or refuses (a caller cannot)."""
    min_wildcard_depth: int = 0
    verbatim: frozenset[tuple[Target, str]] = frozenset()
    """Items of requests, which no wildcard replaces."""


@dataclass(eq=False)
class _Attempt:
    invalidation: Invalidation
    error: str = ""
    sibling: Invalidation | None = None
    """The other part of a refused batch: sent next, or split further where this part is accepted."""
    original: Invalidation | None = None
    """The refused invalidation, where this attempt sends a wildcard instead of it."""
    replacements: tuple[Invalidation, ...] = ()
    """The further wildcards to try where this one is refused."""
    doubtful: bool = False
    """A call of it got no answer."""
    thinned: bool = False
    """The quota stayed used up for so many items at once: they are sent in parts, as small as it takes."""


@dataclass
class Submission:
    """The invalidations of one invocation: those that wait for a call, and the outcomes of the others."""

    create: Create
    memory: Memory
    terms: Terms
    clock: Clock = field(default_factory=Clock)
    outcomes: list[Outcome] = field(default_factory=list)
    _waiting: list[_Attempt] = field(default_factory=list)

    def run(self, invalidations: Iterable[Invalidation]) -> tuple[Outcome, ...]:
        """Send every invalidation; the outcome of each, or of each part where it was split."""
        self._waiting = [_Attempt(invalidation) for invalidation in invalidations]
        while self._waiting:
            attempt = min(self._waiting, key=self._ready_at)
            if not self._wait_for(attempt):
                break
            self._waiting.remove(attempt)
            self._call(self._probe(attempt))
        for attempt in self._waiting:
            self._defer(attempt)
        return tuple(self.outcomes)

    def _probe(self, attempt: _Attempt) -> _Attempt:
        """The least part of the attempt, where the quota was used up before; the rest of it comes behind."""
        invalidation = attempt.invalidation
        full = self.memory.refusals.is_full(invalidation.target, invalidation.wildcards, self.clock.now())
        if not (full and _may_be_thinned(attempt)):
            return attempt
        first, rest = (_Attempt(each, attempt.error, thinned=True) for each in _thinner(invalidation, 1))
        self._waiting.insert(0, rest)
        return first

    def _ready_at(self, attempt: _Attempt) -> float:
        target, wildcards = attempt.invalidation.target, attempt.invalidation.wildcards
        return max(
            self.memory.refusals.latest(target, wildcards).until,
            self.memory.in_progress.room_at(target, len(attempt.invalidation.items) - wildcards, wildcards),
        )

    def _starts_at(self, attempt: _Attempt) -> float:
        return max(self._ready_at(attempt), self.memory.rate.next_call_at(self.clock.now()))

    def _wait_for(self, attempt: _Attempt) -> bool:
        """Sleep until the attempt may be made; False where the terms do not allow such a wait."""
        now, deadline = self.clock.now(), self.terms.deadline
        starts_at = self._starts_at(attempt)
        if starts_at - now > self.terms.longest_wait:
            return False
        if starts_at >= deadline and now < deadline - LAST_TRY_SECONDS:
            starts_at = deadline - LAST_TRY_SECONDS
        if max(starts_at, now) >= deadline:
            return False
        if starts_at > now:
            self.clock.sleep(starts_at - now)
        return True

    def _call(self, attempt: _Attempt) -> None:
        invalidation, now = attempt.invalidation, self.clock.now()
        gone = self.memory.gone.get(invalidation.target)
        if gone and gone[0] > now:
            self.outcomes += [
                Outcome(each, "refused", error=gone[1])
                for each in (attempt.original or invalidation, attempt.sibling)
                if each
            ]
            return
        self.memory.rate.record_call(now)
        try:
            answer = self.create(invalidation)
        except CallError as error:
            self._after_failure(attempt, error)
            return
        now = self.clock.now()
        self.memory.in_progress.accepted(invalidation, now)
        self.memory.refusals.accepted(invalidation)
        self._spend_allowance(invalidation)
        replaces = attempt.original.items[0] if attempt.original else ""
        self.outcomes.append(
            Outcome(invalidation, "accepted", id=answer.id, progress=answer.progress, replaces=replaces)
        )
        if attempt.sibling:
            self._split(attempt.sibling, attempt.error)

    def _spend_allowance(self, invalidation: Invalidation) -> None:
        allowance = self.memory.path_allowances.get(invalidation.target.id)
        if allowance is not None:
            changed = sum(
                (invalidation.target, item) not in self.terms.verbatim for item in invalidation.items
            )
            allowance.spend(changed, self.clock.now())

    def _after_failure(self, attempt: _Attempt, error: CallError) -> None:
        attempt.error = error.text
        if error.verdict is Verdict.GONE:
            self.memory.gone[attempt.invalidation.target] = (self.clock.now() + GONE_SECONDS, error.text)
        if not error.answered:
            attempt.doubtful = True
            self._spend_allowance(attempt.invalidation)
        if error.verdict is Verdict.FULL and attempt.thinned and _may_be_thinned(attempt):
            counted = _counted(attempt.invalidation)
            thinner = _thinner(attempt.invalidation, (len(counted) + 1) // 2)
            self._waiting[:0] = [_Attempt(each, error.text, thinned=True) for each in thinner]
            return
        if error.verdict in BACKOFF_SECONDS and (
            error.verdict is not Verdict.DENIED or self.terms.waits_for_permission
        ):
            self.memory.refusals.refused(
                attempt.invalidation, error.verdict, error.text, self.clock.now(), self.clock.chance()
            )
            self._waiting.insert(0, attempt)
            return
        if attempt.sibling:
            self._waiting.insert(0, _Attempt(attempt.sibling))
        several = len(attempt.invalidation.items) > 1
        if several and error.verdict is Verdict.SPLIT:
            self._split(attempt.invalidation, error.text)
        elif several and error.verdict is Verdict.TOO_LARGE:
            self._waiting[:0] = [_Attempt(half, error.text) for half in halves(attempt.invalidation)]
        else:
            self._refuse(attempt, error)

    def _split(self, invalidation: Invalidation, error: str) -> None:
        """Queue the parts of a batch with a wrong item; an item is refused only in a call of its own."""
        if len(invalidation.items) == 1:
            self._waiting.insert(0, _Attempt(invalidation, error))
            return
        first, second = _parts(invalidation)
        self._waiting.insert(0, _Attempt(first, error, sibling=second))

    def _refuse(self, attempt: _Attempt, error: CallError) -> None:
        original = attempt.original or attempt.invalidation
        replacements, text = attempt.replacements, error.text
        if error.verdict is Verdict.SPLIT:
            (item,) = original.items
            if attempt.original is None:
                replacements = self._replacements(original)
            # Where no character explains it, any name may be the next, although wildcards are taken.
            explained = bool(doubt.signature(item)[0])
            counts = not replacements if explained else attempt.original is None
            if counts:
                self.memory.record_refused_name(original.target, self.clock.now())
            if replacements:
                self._waiting.insert(
                    0, _Attempt(replacements[0], text, original=original, replacements=replacements[1:])
                )
                return
            text = f"{shown(item)} of {text}"
        self.outcomes.append(Outcome(original, "refused", error=text))

    def _replacements(self, refused: Invalidation) -> tuple[Invalidation, ...]:
        (item,) = refused.items
        if (refused.target, item) in self.terms.verbatim:
            return ()
        wildcards = doubt.wildcards_instead(item, self.terms.min_wildcard_depth)
        return tuple(widened(refused, wildcard) for wildcard in wildcards)

    def _defer(self, attempt: _Attempt) -> None:
        refusal = self.memory.refusals.latest(attempt.invalidation.target, attempt.invalidation.wildcards)
        reason = attempt.error or (refusal.error if refusal.until > self.clock.now() else "") or "out of time"
        error = f"{reason}; its messages go back to be planned again"
        invalidation = attempt.original or attempt.invalidation
        deferred = Outcome(invalidation, "deferred", error=error, retry_at=self._starts_at(attempt))
        self.outcomes.append(deferred._replace(doubtful=attempt.doubtful and attempt.original is None))
        if attempt.sibling:
            self.outcomes.append(deferred._replace(invalidation=attempt.sibling))


def _may_be_thinned(attempt: _Attempt) -> bool:
    """Whether a part of the attempt may fit beside what others have in progress.

    Not where an earlier call of it got no answer: it is repeated as it was, since it may have been accepted.
    """
    several = len(_counted(attempt.invalidation)) > 1
    return several and not (attempt.sibling or attempt.original or attempt.doubtful)


def _counted(invalidation: Invalidation) -> list[str]:
    """The items that a quota counts: the wildcards, or the files where there are none."""
    return [item for item in invalidation.items if is_wildcard(item)] or list(invalidation.items)


def _thinner(invalidation: Invalidation, count: int) -> tuple[Invalidation, Invalidation]:
    """Two parts: one with so many of the items that a quota counts and with all others, and the rest."""
    rest = _counted(invalidation)[count:]
    return part(invalidation, set(invalidation.items).difference(rest)), part(invalidation, rest)


def _parts(invalidation: Invalidation) -> tuple[Invalidation, Invalidation]:
    """Two parts, at least one of which is refused again: wildcards, or names in doubt, else a half."""
    wildcards = [item for item in invalidation.items if is_wildcard(item)]
    if wildcards and len(wildcards) < len(invalidation.items):
        others = [item for item in invalidation.items if not is_wildcard(item)]
        return part(invalidation, wildcards), part(invalidation, others)
    by_doubt = doubt.rarest_last(invalidation.items)
    plain = sum(not doubt.signature(item)[0] for item in by_doubt)
    middle = plain if 0 < plain < len(by_doubt) else len(by_doubt) // 2
    return part(invalidation, by_doubt[:middle]), part(invalidation, by_doubt[middle:])
