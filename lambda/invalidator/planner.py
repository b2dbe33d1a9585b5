"""The chunks of one group of the plan queue → a plan, or how long they wait. Pure.

Lambda runs one batch of a FIFO group at a time, so no other plan is made for the same lane of a target.
Chunks that wait are handed back to the queue and planned with those that arrive meanwhile.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from invalidator import chunks, limits
from invalidator.chunks import Chunk, ChunkError, DeadLetter, Parcel, WantedItem
from invalidator.collateral import Measure
from invalidator.pace import Memory, MergedPlan
from invalidator.paths import has_inner_asterisk
from invalidator.pipeline import UNLIMITED, without_covered
from invalidator.plan import Invalidation, covering_wildcard, must_merge, plan, wildcard_stems
from invalidator.prefix_tree import is_wildcard
from invalidator.settings import Budget, Settings, Target
from invalidator.submission import Outcome
from invalidator.text import shown

FULL_BATCH = 10
"""The most messages of a FIFO queue in one invocation: more of the group may wait behind them."""

GATHER_SECONDS = 20.0
"""How long paths that must be merged wait for more; concurrent collectors send about a chunk a second."""

QUIET_SECONDS = 12.0
"""A deploy counts as finished when no new chunk arrived for this long."""

BUSY_GATHER_SECONDS = 45.0
"""The longest wait while more chunks arrive."""

CALL_SPACING_SECONDS = 5.0
"""Between two plans of one group, so that a steady flow of changes is planned in groups."""

LATE_SECONDS = 60.0
"""Where the newest change is older, the deploy is over, and the news of it was held up."""

LATE_GATHER_SECONDS = 2.0
"""How long paths wait for more that are held up, or that come after a plan of their deploy."""

TAIL_WILDCARDS = 3
"""The wildcards that the first plan of a deploy leaves for its late paths: wildcards take half a minute."""

LEAST_SHARE_OF_BUDGET = 1 / 5
"""The share of its budget that a plan always has, whatever the plans of the same deploy have used."""

TAIL_PATHS = 2
"""The fewest late paths under one of these wildcards that are merged into it."""

MANY_REFUSED_NAMES = 5
"""So many refused names within `pace.REFUSED_NAME_SECONDS` make the next plans merge more."""

MAX_PATHS_AFTER_REFUSED_NAMES = 8
"""The most paths of a plan from then on: wildcards avoid refused names, each of which costs calls."""

LONGEST_GATHER_SECONDS = 240.0
"""The wait with no allowance left; with both queues, a change takes at most five minutes."""

SCARCE_PATHS = 8
"""A plan that may have fewer paths than this waits longer, so that the allowance serves more changes."""

SHARE_OF_ALLOWANCE = 0.5
"""The share of the remaining allowance that one plan may use: the next plans get fewer paths, but some."""

SECONDS_KEPT = 9.5 * 86_400
"""The longest stay in the plan queue: half a day before SQS deletes the message."""

RECEIVES_WHEN_LATE = 100
"""So often is a chunk tried that has stayed longer: for half an hour, or for all of it after a redrive, which
makes a new message of it."""

RECEIVES_BEFORE_RESENDING = 300
"""SQS moves a message to the dead-letter queue after 1,000 receives; a new message starts at zero."""


class Received(NamedTuple):
    """One message of the plan queue."""

    message_id: str
    receipt: str
    receives: int
    group: str
    body: str
    chunk: Chunk | None
    """None: the body is not a chunk, and `error` says why."""
    error: str = ""


class Wait(NamedTuple):
    """The messages are handed back: for how long, and why."""

    seconds: float
    reason: str


class Ready(NamedTuple):
    """The plan is sent now."""

    invalidations: tuple[Invalidation, ...]
    verbatim: frozenset[tuple[Target, str]]
    merged: bool = False
    """The changes were past the budget."""


Measures = Callable[[], Mapping[Target, Measure]]
"""Called once, and only for a plan that is made now."""


def read(event: Mapping[str, Any]) -> list[Received]:
    """The messages of a batch of the plan queue."""
    received = []
    for record in event["Records"]:
        attributes = record.get("attributes", {})
        chunk, error = None, ""
        try:
            chunk = Chunk.parse(record["body"])
        except ChunkError as refused:
            error = str(refused)
        received.append(
            Received(
                record["messageId"],
                record.get("receiptHandle", ""),
                int(attributes.get("ApproximateReceiveCount", 1)),
                attributes.get("MessageGroupId", ""),
                record["body"],
                chunk,
                error,
            )
        )
    return received


def permanent_error(settings: Settings, message: Received, now: float) -> str:
    """Why a message can never be carried out; empty where it can. `now`: in seconds since 1970."""
    chunk = message.chunk
    if chunk is None:
        return message.error
    target = settings.target(chunk.target_id)
    if target is None or target.kind != chunk.kind:
        return f"no route names the {chunk.kind} {shown(chunk.target_id)} any more: add one, then redrive"
    if now - chunk.since > SECONDS_KEPT and message.receives > RECEIVES_WHEN_LATE:
        days = (now - chunk.since) / 86_400
        return f"it waited for {days:.1f} days, and CloudFront did not accept it: see the log, then redrive"
    return ""


def by_group(messages: Iterable[Received]) -> list[list[Received]]:
    """The messages of each group, exact lanes first; a repeated call on its own, before its group."""
    groups: dict[tuple[str, str], list[Received]] = {}
    for message in messages:
        reference = message.chunk.reference if message.chunk else ""
        groups.setdefault((message.group, reference), []).append(message)

    def order(key: tuple[str, str]) -> tuple[bool, str, bool, str]:
        group, reference = key
        return chunks.lane_of(group) != chunks.EXACT, group, not reference, reference

    return [groups[key] for key in sorted(groups, key=order)]


def wanted(messages: Iterable[Received]) -> dict[str, WantedItem]:
    """All items of the messages, each once with its oldest time."""
    return chunks.combined((each.message_id, each.chunk) for each in messages if each.chunk)


@dataclass(frozen=True)
class _Need:
    """What the messages of a group ask for, and what their changes may cost."""

    requested: Mapping[str, frozenset[str]]
    """Item that is sent unchanged → the messages that request it, and those of the changes that it covers."""
    changed: Mapping[str, frozenset[str]]
    """Path → its messages, of the changes that no requested item covers."""
    earlier: Sequence[MergedPlan]
    """The merged plans of the same deploy."""
    affordable: Budget
    """What `max_paths_per_hour` leaves for one plan."""
    budget: Budget
    """What is left of that after refused names, earlier plans of the deploy, and wildcards in progress."""

    @functools.cached_property
    def merging(self) -> bool:
        """The changes are past the budget."""
        return must_merge(self.changed, self.budget)

    @property
    def wildcards(self) -> int:
        """How many the plan may have."""
        changed = self.budget.max_wildcards if self.merging else sum(map(is_wildcard, self.changed))
        return changed + sum(map(is_wildcard, self.requested))

    @property
    def files(self) -> int:
        """How many paths without a wildcard the plan may have."""
        if self.merging:
            changed = min(self.budget.max_paths, len(self.changed))
        else:
            changed = sum(not is_wildcard(item) for item in self.changed)
        return changed + sum(not is_wildcard(item) for item in self.requested)


def decide(
    settings: Settings,
    target: Target,
    messages: Sequence[Received],
    memory: Memory,
    measures: Measures,
    *,
    now: float,
    wall: float,
) -> Wait | Ready:
    """The plan, where CloudFront's quotas and the budgets allow it now; else how long to wait, and why.

    `now` is on the clock of `memory`, `wall` in seconds since 1970.
    """
    group = messages[0].group
    # Also a repeated call spends of the allowance, which begins here in a new sandbox.
    affordable = affordable_budget(settings, target, memory, now, takes_over=may_be_paid_for(messages, wall))
    repeated = repetition(target, messages)
    if repeated:
        wildcards = repeated.wildcards
        files = len(repeated.items) - wildcards
        waits = _waits_for_cloudfront(target, group, memory, files=files, wildcards=wildcards, now=now)
        verbatim = frozenset((target, item) for item in _requested(messages))
        return _longest(waits) or Ready((repeated,), verbatim)
    need = _need(settings, target, messages, memory, affordable, now=now)
    waits = _waits_for_cloudfront(target, group, memory, files=need.files, wildcards=need.wildcards, now=now)
    if need.merging:
        waits.append(Wait(_gathered_at(need, messages, wall) - wall, "gathering"))
    elif need.changed and _is_spent(settings, target, memory, now):
        # Else a path that changes for ever, which nothing merges, would be paid for again and again.
        arrived = min(each.chunk.since for each in messages if each.chunk)
        waits.append(Wait(arrived + LONGEST_GATHER_SECONDS - wall, "max_paths_per_hour"))
    return _longest(waits) or _ready(settings, target, need, memory, measures, group=group)


def _need(
    settings: Settings,
    target: Target,
    messages: Sequence[Received],
    memory: Memory,
    affordable: Budget,
    *,
    now: float,
) -> _Need:
    items = wanted(messages)
    requested = {item: each.message_ids for item, each in items.items() if each.requested}
    changed = {item: each.message_ids for item, each in items.items() if not each.requested}
    serving, left = without_covered({target: requested}, {target: changed})
    earlier = memory.same_deploy(messages[0].group, now)
    budget = affordable
    if memory.recently_refused_names(target, now) >= MANY_REFUSED_NAMES:
        budget = limited(budget, MAX_PATHS_AFTER_REFUSED_NAMES)
    budget = limited(budget, rest_of_budget(settings.budget.max_paths, sum(each.paths for each in earlier)))
    usable = usable_wildcards(memory.in_progress.wildcards_free(target, now), first=not earlier)
    return _Need(
        serving[target],
        tail_merged(left.get(target, {}), [wildcard for each in earlier for wildcard in each.wildcards]),
        earlier,
        affordable,
        budget._replace(max_wildcards=min(budget.max_wildcards, usable)),
    )


def _waits_for_cloudfront(
    target: Target, group: str, memory: Memory, *, files: int, wildcards: int, now: float
) -> list[Wait]:
    spaced_at = memory.planned_at.get(group, now - CALL_SPACING_SECONDS) + CALL_SPACING_SECONDS
    refusal = memory.refusals.latest(target, wildcards)
    return [
        Wait(memory.rate.next_call_at(now) - now, "the account's rate of calls"),
        Wait(spaced_at - now, "spacing"),
        Wait(memory.in_progress.room_at(target, files, wildcards) - now, "invalidations in progress"),
        Wait(refusal.until - now, refusal.error),
    ]


def _longest(waits: Iterable[Wait]) -> Wait | None:
    longest = max(waits, key=lambda wait: wait.seconds)
    return longest if longest.seconds > 0 else None


def _gathered_at(need: _Need, messages: Iterable[Received], wall: float) -> float:
    """When paths that must be merged have waited for more, in seconds since 1970."""
    arrived = [each.chunk.since for each in messages if each.chunk]
    newest = max(each.chunk.newest for each in messages if each.chunk)
    late = bool(need.earlier) or newest < wall - LATE_SECONDS
    quiet = LATE_GATHER_SECONDS if late else QUIET_SECONDS
    least = LATE_GATHER_SECONDS if late else GATHER_SECONDS
    quiet_at = min(max(arrived) + quiet, min(arrived) + BUSY_GATHER_SECONDS)
    return max(min(arrived) + gather_seconds(need.affordable, len(need.changed), least), quiet_at)


def _ready(
    settings: Settings, target: Target, need: _Need, memory: Memory, measures: Measures, *, group: str
) -> Ready:
    budget = need.budget
    most = limits.ITEMS_PER_CALL if settings.max_paths_per_hour is None else max(budget.max_paths, 1)
    measured = measures() if need.merging else {}
    if target in measured:
        budget = budget._replace(max_wildcards=min(settings.budget.max_wildcards, budget.max_paths))
    if not need.changed:
        merged: tuple[Invalidation, ...] = ()
    elif (known := memory.plans.get(group)) and known[0] == (need.changed, budget):
        merged = known[1]
    else:
        merged = plan({target: need.changed}, budget, measured, most)
        memory.plans[group] = (need.changed, budget), merged
    unmerged = plan({target: need.requested}, UNLIMITED)
    return Ready(unmerged + merged, frozenset((target, item) for item in need.requested), need.merging)


def tail_merged(changed: Mapping[str, frozenset[str]], wildcards: Iterable[str]) -> dict[str, frozenset[str]]:
    """The paths, with those under a wildcard of the last plan merged into it where they are several."""
    stems = wildcard_stems(wildcards)
    by_wildcard: dict[str, list[str]] = {}
    for path in changed if stems else ():
        wildcard = covering_wildcard(stems, path)
        if wildcard:
            by_wildcard.setdefault(wildcard, []).append(path)
    merged = dict(changed)
    for wildcard, paths in by_wildcard.items():
        if len(paths) >= TAIL_PATHS:
            merged[wildcard] = frozenset[str]().union(*(merged.pop(path) for path in paths))
    return merged


def _requested(messages: Iterable[Received]) -> list[str]:
    return [item for each in messages if each.chunk for item in each.chunk.requested]


def repetition(target: Target, messages: Sequence[Received]) -> Invalidation | None:
    """The call to repeat, where it got no answer or is a later round of a plan; else None.

    CloudFront carries out one reference once. Its messages hold only changes before the first of these calls,
    so any of the calls covers them.
    """
    chunk = messages[0].chunk
    if chunk is None or not chunk.reference:
        return None
    ids = frozenset(message.message_id for message in messages)
    serves = dict.fromkeys(sorted([*chunk.paths, *chunk.requested]), ids)
    return Invalidation(target, tuple(serves), serves, chunk.reference)


def affordable_budget(
    settings: Settings, target: Target, memory: Memory, now: float, *, takes_over: bool = False
) -> Budget:
    """The caller's budget, limited to one call and to what `max_paths_per_hour` leaves for one plan.

    `takes_over`: another sandbox may have paid for some of the messages.
    """
    budget = settings.budget._replace(max_paths=min(settings.budget.max_paths, limits.ITEMS_PER_CALL))
    if settings.max_paths_per_hour is None:
        return budget
    allowance = memory.path_allowance(target.id, settings.max_paths_per_hour, now, takes_over=takes_over)
    left = allowance.left(now)
    return limited(budget, max(1, int(left * SHARE_OF_ALLOWANCE)))


def _is_spent(settings: Settings, target: Target, memory: Memory, now: float) -> bool:
    """Whether `max_paths_per_hour` leaves nothing for a plan now."""
    bound = settings.max_paths_per_hour
    return bound is not None and memory.path_allowance(target.id, bound, now).left(now) < 1


def may_be_paid_for(messages: Iterable[Received], wall: float) -> bool:
    """Whether some were received before, and are older than what was merely gathered.

    SQS hides the messages of a killed planner for its visibility timeout, a minute.
    """
    return any(
        each.receives > 1 and each.chunk is not None and wall - each.chunk.since > BUSY_GATHER_SECONDS
        for each in messages
    )


def limited(budget: Budget, most: int) -> Budget:
    """The budget with at most so many paths."""
    return budget._replace(
        max_paths=min(budget.max_paths, most), max_wildcards=min(budget.max_wildcards, most)
    )


def usable_wildcards(free: int, *, first: bool) -> int:
    """The most wildcards of a plan: the first of a deploy leaves some, so that the next need not wait."""
    if first or free < TAIL_WILDCARDS:
        free = limits.WILDCARDS_IN_PROGRESS - TAIL_WILDCARDS
    return free


def rest_of_budget(max_paths: int, used: int) -> int:
    """The paths that a deploy has left of which so many were sent, and never less than a share of all."""
    return max(max_paths - used, int(max_paths * LEAST_SHARE_OF_BUDGET), 1)


def gather_seconds(budget: Budget, paths: int, least: float = GATHER_SECONDS) -> float:
    """How long paths that must be merged wait for more: longer where the allowance is nearly used up."""
    scarcity = max(0.0, 1 - (budget.max_paths - 1) / SCARCE_PATHS) if paths > budget.max_paths else 0.0
    return least + (LONGEST_GATHER_SECONDS - least) * scarcity


def in_fewer_messages(
    settings: Settings, target: Target, messages: Sequence[Received], measures: Measures
) -> list[Parcel] | None:
    """A full batch in fewer messages, so that the messages behind it are planned with it; None: not fewer.

    Items that do not fit into one chunk are merged first; with an inventory only where they fit into no fewer
    messages, since the plan that is made in the end knows more.
    """
    if len(messages) < FULL_BATCH:
        return None
    items = wanted(messages)
    since = min(each.chunk.since for each in messages if each.chunk)
    lane = chunks.lane_of(messages[0].group)
    found = list(chunks.parcels(target.id, target.kind, lane, items, since))
    if len(found) >= (len(messages) if settings.inventory else 2):
        changed = {item: each.message_ids for item, each in items.items() if not each.requested}
        merged = {item: each for item, each in items.items() if each.requested}
        for invalidation in plan({target: changed}, settings.budget, measures()):
            merged |= as_wanted_items(invalidation.items, items)
        found = list(chunks.parcels(target.id, target.kind, lane, merged, since))
    return found if len(found) < len(messages) else None


def as_wanted_items(items: Iterable[str], known: Mapping[str, WantedItem]) -> dict[str, WantedItem]:
    """The items of a plan, each with the oldest time and the messages of the items that it covers."""
    items = list(items)
    stems = wildcard_stems(items)
    covered: dict[str, list[WantedItem]] = {}
    for path, each in known.items() if stems else ():
        wildcard = covering_wildcard(stems, path)
        if wildcard:
            covered.setdefault(wildcard, []).append(each)
    found: dict[str, WantedItem] = {}
    for item in items:
        exact = known.get(item)
        parts = covered.get(item) or ([exact] if exact else [])
        if parts:
            found[item] = WantedItem(
                min(each.time for each in parts),
                frozenset[str]().union(*(each.message_ids for each in parts)),
                requested=bool(exact and exact.requested),
                change_count=sum(each.change_count for each in parts),
            )
    return found


class Settled(NamedTuple):
    """What happens to the messages of a plan that was sent."""

    done: frozenset[str]
    """Ids of the messages of which CloudFront accepted everything."""
    waiting: Mapping[str, float]
    """Ids of the messages of which it accepted nothing yet → seconds until the next call is worth making."""
    rest: tuple[Parcel, ...]
    """What is to be sent instead of the other messages: their remaining items; those received often, anew."""
    dead_letters: tuple[DeadLetter, ...]
    """The items that CloudFront refuses for good."""


def settle(target: Target, messages: Sequence[Received], outcomes: Sequence[Outcome], now: float) -> Settled:
    """Each message is done, waits, or is replaced by its remaining items. `now`: on the outcomes' clock."""
    ids = {status: _ids(outcomes, status) for status in ("accepted", "refused", "deferred")}
    everything = frozenset(each.message_id for each in messages)
    since = min((each.chunk.since for each in messages if each.chunk), default=now)
    lane = chunks.lane_of(messages[0].group)
    known = wanted(messages)
    deferred = [each for each in outcomes if each.status == "deferred"]
    again = [] if repetition(target, messages) else calls_to_repeat(outcomes, known)
    unsent = as_wanted_items([item for each in deferred for item in each.invalidation.items], known)
    whole_calls = list(_as_messages(target, again, unsent, lane, since))
    repeated = {parcel.chunk.reference for parcel in whole_calls}
    deferred = [each for each in deferred if each.invalidation.caller_reference not in repeated]
    replaced = frozenset[str]().union(*(parcel.message_ids for parcel in whole_calls))
    waiting_ids = ids["deferred"] - ids["accepted"] - ids["refused"] - replaced
    split = ids["deferred"] - waiting_ids
    anew = as_new_messages(each for each in messages if each.message_id in waiting_ids)
    waiting_ids -= frozenset[str]().union(*(parcel.message_ids for parcel in anew))
    wait = max((each.retry_at - now for each in deferred), default=0.0)
    rest: dict[str, WantedItem] = {}
    for outcome in deferred if split else ():
        for item in outcome.invalidation.items:
            wanted_by = unsent[item].message_ids & split if item in unsent else frozenset()
            if wanted_by:
                rest[item] = unsent[item]._replace(message_ids=wanted_by)
    return Settled(
        done=everything - ids["deferred"] - ids["refused"],
        waiting=dict.fromkeys(sorted(waiting_ids), max(1.0, wait)),
        rest=(*whole_calls, *chunks.parcels(target.id, target.kind, lane, rest, since), *anew),
        dead_letters=tuple(
            dead_letter
            for outcome in outcomes
            if outcome.status == "refused"
            for dead_letter in dead_letters_of_items(target.id, outcome.invalidation.items, outcome.error)
        ),
    )


def calls_to_repeat(outcomes: Iterable[Outcome], known: Mapping[str, WantedItem]) -> list[Invalidation]:
    """The deferred calls that are sent again exactly: those without an answer, and later rounds of a plan.

    A later round has wildcards that the plan made, and an earlier one was accepted: to plan its paths anew
    would merge them once more.
    """
    each_outcome = list(outcomes)
    begun = any(each.status == "accepted" for each in each_outcome)
    return [
        each.invalidation
        for each in each_outcome
        if each.status == "deferred"
        and (each.doubtful or (begun and any(item not in known for item in each.invalidation.items)))
    ]


def _as_messages(
    target: Target, calls: Iterable[Invalidation], unsent: Mapping[str, WantedItem], lane: str, since: float
) -> Iterator[Parcel]:
    """Each call as a message of its own that is planned with no other."""
    for call in calls:
        items = {item: unsent[item] for item in call.items if item in unsent}
        found = list(chunks.parcels(target.id, target.kind, lane, items, since))
        if len(found) == 1 and items.keys() == set(call.items):
            chunk = found[0].chunk._replace(reference=call.caller_reference)
            yield found[0]._replace(chunk=chunk, message_ids=call.message_ids)


def _ids(outcomes: Iterable[Outcome], status: str) -> frozenset[str]:
    return frozenset[str]().union(
        *(each.invalidation.message_ids for each in outcomes if each.status == status)
    )


def dead_letters_of_items(distribution_id: str, items: Iterable[str], reason: str) -> Iterator[DeadLetter]:
    """Dead letters in the form of a direct request, each small enough for a message.

    A request may not hold a `*` within a path, as the path of a key with one has: such paths come last, in
    dead letters of their own, so that the others can be redriven.
    """
    for _, alike in groupby(sorted(items, key=has_inner_asterisk), key=has_inner_asterisk):
        taken: list[str] = []
        size = 0
        for item in alike:
            length = len(json.dumps(item)) + 2
            if taken and size + length > chunks.MAX_BYTES - 1_000:
                yield _dead_letter(distribution_id, taken, reason)
                taken, size = [], 0
            taken.append(item)
            size += length
        yield _dead_letter(distribution_id, taken, reason)


def _dead_letter(distribution_id: str, items: Iterable[str], reason: str) -> DeadLetter:
    request: dict[str, Any] = {"distribution_id": distribution_id}
    paths = [item for item in items if not item.startswith("#")]
    tags = [item for item in items if item.startswith("#")]
    request |= {name: found for name, found in (("paths", paths), ("tags", tags)) if found}
    return DeadLetter(json.dumps(request), reason, distribution_id)


def dead_letters_of_message(message: Received, reason: str) -> list[DeadLetter]:
    """The dead letters of a whole message: its items as requests, or its body where it is not a chunk."""
    if message.chunk is None:
        return [DeadLetter(message.body, reason)]
    items = [*message.chunk.paths, *message.chunk.requested]
    return list(dead_letters_of_items(message.chunk.target_id, items, reason))


def as_new_messages(messages: Iterable[Received]) -> list[Parcel]:
    """New messages for those received so often that SQS would soon move them to the dead-letter queue."""
    return [
        Parcel(message.group, message.chunk, frozenset({message.message_id}))
        for message in messages
        if message.chunk is not None and message.receives >= RECEIVES_BEFORE_RESENDING
    ]
