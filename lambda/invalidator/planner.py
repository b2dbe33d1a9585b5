"""The chunks of one group of the plan queue → a plan, or for how long they had better wait. Pure.

Lambda runs one batch of a FIFO group at a time, so what is planned here is all that a lane of a target has;
what must wait is handed back, and what arrives meanwhile is planned with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from invalidator import chunks, limits
from invalidator.chunks import Chunk, ChunkError, DeadLetter, Parcel, Wanted
from invalidator.collateral import Measure
from invalidator.pace import Memory
from invalidator.pipeline import AS_ASKED, without_covered
from invalidator.plan import Invalidation, covering, covers, must_merge, plan, wildcard_stems
from invalidator.prefix_tree import is_wildcard
from invalidator.settings import Budget, Settings, Target
from invalidator.submission import Outcome
from invalidator.text import shown

FULL_PLATE = 10
"""Messages of a FIFO queue that one invocation may get: more of the group may wait behind them."""

GATHER_SECONDS = 20.0
"""How long what must be merged waits for more of it: staggered collectors send about a chunk a second."""

QUIET_SECONDS = 12.0
"""Without a new chunk, after which a deploy is taken for finished."""

BUSY_GATHER_SECONDS = 45.0
"""How long it waits at most while more keeps coming."""

CALL_SPACING_SECONDS = 5.0
"""Between two plans of one group: changes one a second are planned some at a time."""

TAIL_SECONDS = 60.0
"""How long the wildcards of a plan serve the rest of its deploy as well: it would pay for its paths anew."""

TAIL_PATHS = 2
"""From so many paths under one of these wildcards on."""

DISTRUST_AFTER = 5
"""Names that CloudFront refused, each alone, within `pace.BLAMED_SECONDS`."""

DISTRUSTED_PATHS = 8
"""Of a plan from then on: a wildcard is accepted whatever it covers, and each refused name costs calls."""

LONGEST_GATHER_SECONDS = 240.0
"""With an empty purse. With the way through both queues nobody is stale for more than five minutes."""

SCARCE_PATHS = 8
"""From so few paths a plan on, gathering grows longer to spare money."""

SHARE_OF_PURSE = 0.5
"""Of what is left, which one plan may spend: the next plans get fewer paths instead of none."""

SECONDS_KEPT = 9.5 * 86_400
"""Since a chunk entered the plan queue; half a day before SQS would drop it without a word."""

RECEIVES_BEFORE_RESENDING = 300
"""A message moves to the dead-letter queue after 1,000 receives; a new message starts with none."""


@dataclass(frozen=True)
class Received:
    """One message of the plan queue."""

    message_id: str
    receipt: str
    receives: int
    group: str
    body: str
    chunk: Chunk | None
    """None: it is no chunk, and `error` says why."""
    error: str = ""


@dataclass(frozen=True)
class Wait:
    """What is to be handed back: for how long, and why."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Ready:
    """What is to be sent now."""

    invalidations: tuple[Invalidation, ...]
    verbatim: frozenset[tuple[Target, str]]


Measures = Callable[[], Mapping[Target, Measure]]
"""Asked once, and only for a plan that is made now."""


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


def hopeless(settings: Settings, message: Received, now: float) -> str:
    """Why nobody will ever be able to carry out a message; empty where somebody may. `now`: since 1970."""
    chunk = message.chunk
    if chunk is None:
        return message.error
    target = settings.target(chunk.target_id)
    if target is None or target.kind != chunk.kind:
        return f"no route names the {chunk.kind} {shown(chunk.target_id)} any more: add one, then redrive"
    if now - chunk.since > SECONDS_KEPT:
        return (
            f"it waited for {(now - chunk.since) / 86_400:.1f} days: see the log for what CloudFront refused"
        )
    return ""


def by_group(messages: Iterable[Received]) -> list[list[Received]]:
    """The messages of each group, exact lanes first; a call in doubt alone, and before its group."""
    found: dict[tuple[str, str], list[Received]] = {}
    for message in messages:
        reference = message.chunk.reference if message.chunk else ""
        found.setdefault((message.group, reference), []).append(message)

    def order(key: tuple[str, str]) -> tuple[bool, str, bool, str]:
        group, reference = key
        return chunks.lane_of(group) != chunks.EXACT, group, not reference, reference

    return [found[key] for key in sorted(found, key=order)]


def wanted(messages: Iterable[Received]) -> dict[str, Wanted]:
    """All that the messages want, each item once with its oldest time."""
    return chunks.combined((each.message_id, each.chunk) for each in messages if each.chunk)


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
    """Whether there is room at CloudFront and in the budgets, and only then the plan.

    `now` is of the memory's clock, `wall` in seconds since 1970.
    """
    group = messages[0].group
    repeated = repetition(target, messages)
    items = {} if repeated else wanted(messages)
    requested = {item: each.message_ids for item, each in items.items() if each.requested}
    changed = {item: each.message_ids for item, each in items.items() if not each.requested}
    by_target, left = without_covered({target: requested}, {target: changed})
    changed = dict(left.get(target, {}))
    budget = spendable = affordable(settings, target, memory, now)
    if memory.blamed_lately(target, now) >= DISTRUST_AFTER:
        budget = replace(
            budget,
            max_paths=min(budget.max_paths, DISTRUSTED_PATHS),
            max_wildcards=min(budget.max_wildcards, DISTRUSTED_PATHS),
        )
    changed = tail_merged(changed, memory.wildcards_since(group, now - TAIL_SECONDS))
    merging = must_merge(changed, budget)
    wildcards = sum(map(is_wildcard, requested)) + (
        budget.max_wildcards if merging else sum(map(is_wildcard, changed))
    )
    files = sum(not is_wildcard(item) for item in requested) + (
        min(budget.max_paths, len(changed)) if merging else sum(not is_wildcard(item) for item in changed)
    )
    if repeated:
        wildcards, files = repeated.wildcards, len(repeated.items) - repeated.wildcards
    waits = [
        Wait(memory.rate.next_call_at(now) - now, "the account's rate of calls"),
        Wait(memory.called_at.get(group, now - CALL_SPACING_SECONDS) + CALL_SPACING_SECONDS - now, "spacing"),
        Wait(memory.in_progress.room_at(target, files, wildcards) - now, "invalidations in progress"),
    ]
    refusal = memory.refusals.latest(target, wildcards)
    waits.append(Wait(refusal.until - now, refusal.error))
    if merging:
        entered = [each.chunk.since for each in messages if each.chunk]
        quiet_at = min(max(entered) + QUIET_SECONDS, min(entered) + BUSY_GATHER_SECONDS)
        gathered_at = max(min(entered) + gather_seconds(spendable, len(changed)), quiet_at)
        waits.append(Wait(gathered_at - wall, "gathering"))
    longest = max(waits, key=lambda wait: wait.seconds)
    if longest.seconds > 0:
        return longest
    if repeated:
        return Ready((repeated,), frozenset((target, item) for item in repeated.items))
    most = limits.ITEMS_PER_CALL if settings.max_paths_per_hour is None else max(budget.max_paths, 1)
    asked = plan(by_target, AS_ASKED)
    if not changed:
        merged: tuple[Invalidation, ...] = ()
    elif (known := memory.plans.get(group)) and known[0] == (changed, budget):
        merged = known[1]
    else:
        merged = plan({target: changed}, budget, measures() if merging else None, most)
        memory.plans[group] = (changed, budget), merged
    return Ready(
        asked + merged,
        frozenset((target, item) for item in requested),
    )


def tail_merged(changed: Mapping[str, frozenset[str]], wildcards: Iterable[str]) -> dict[str, frozenset[str]]:
    """Paths that come in numbers under a wildcard of the plan before, as that wildcard."""
    stems = wildcard_stems(wildcards)
    by_wildcard: dict[str, list[str]] = {}
    for path in changed if stems else ():
        wildcard = covering(stems, path)
        if wildcard:
            by_wildcard.setdefault(wildcard, []).append(path)
    merged = dict(changed)
    for wildcard, paths in by_wildcard.items():
        if len(paths) >= TAIL_PATHS:
            merged[wildcard] = frozenset[str]().union(*(merged.pop(path) for path in paths))
    return merged


def repetition(target: Target, messages: Sequence[Received]) -> Invalidation | None:
    """The same call again, where no answer came: CloudFront carries out, and bills, one reference once.

    Its messages hold no change after the first of these calls: whichever was accepted, it came after them.
    """
    chunk = messages[0].chunk
    if chunk is None or not chunk.reference:
        return None
    ids = frozenset(message.message_id for message in messages)
    serves = dict.fromkeys(sorted([*chunk.paths, *chunk.requested]), ids)
    return Invalidation(target, tuple(serves), serves, chunk.reference)


def affordable(settings: Settings, target: Target, memory: Memory, now: float) -> Budget:
    """The caller's budget, within one call, and within what the hour's bound on paths leaves for one plan."""
    budget = replace(
        settings.budget,
        max_paths=min(settings.budget.max_paths, limits.ITEMS_PER_CALL),
        max_wildcards=min(settings.budget.max_wildcards, limits.WILDCARDS_IN_PROGRESS),
    )
    if settings.max_paths_per_hour is None:
        return budget
    left = memory.purse(target.id, settings.max_paths_per_hour, now).left(now)
    most = max(1, min(budget.max_paths, int(left * SHARE_OF_PURSE)))
    return replace(budget, max_paths=most, max_wildcards=min(budget.max_wildcards, most))


def gather_seconds(budget: Budget, paths: int) -> float:
    """How long paths that must be merged wait for more: longer where few paths are left to spend."""
    scarcity = max(0.0, 1 - (budget.max_paths - 1) / SCARCE_PATHS) if paths > budget.max_paths else 0.0
    return GATHER_SECONDS + (LONGEST_GATHER_SECONDS - GATHER_SECONDS) * scarcity


def packed(settings: Settings, target: Target, messages: Sequence[Received]) -> list[Parcel] | None:
    """A full plate as fewer messages, so that what waits behind them is planned with them; None: no fewer.

    What does not fit into one chunk is merged by a plan first.
    """
    if len(messages) < FULL_PLATE:
        return None
    items = wanted(messages)
    since = min(each.chunk.since for each in messages if each.chunk)
    lane = chunks.lane_of(messages[0].group)
    found = list(chunks.parcels(target.id, target.kind, lane, items, since))
    if len(found) > 1:
        changed = {item: each.message_ids for item, each in items.items() if not each.requested}
        merged = {item: each for item, each in items.items() if each.requested}
        for invalidation in plan({target: changed}, settings.budget):
            merged |= narrowed(invalidation.items, items)
        found = list(chunks.parcels(target.id, target.kind, lane, merged, since))
    return found if len(found) < len(messages) else None


def narrowed(items: Iterable[str], known: Mapping[str, Wanted]) -> dict[str, Wanted]:
    """Items of a plan, each with the oldest time and the messages of what it covers."""
    found: dict[str, Wanted] = {}
    for item in items:
        exact = known.get(item)
        covered = [each for path, each in known.items() if covers(item, path)] if is_wildcard(item) else []
        parts = covered or ([exact] if exact else [])
        if parts:
            found[item] = Wanted(
                min(each.time for each in parts),
                frozenset[str]().union(*(each.message_ids for each in parts)),
                requested=bool(exact and exact.requested),
                changes=sum(each.changes for each in parts),
            )
    return found


@dataclass(frozen=True)
class Settled:
    """What becomes of the messages of a plan that was sent."""

    done: frozenset[str]
    """Ids of the messages of which CloudFront accepted everything."""
    waiting: Mapping[str, float]
    """Ids of the messages of which it accepted nothing yet → seconds until the next call is worth making."""
    rest: tuple[Parcel, ...]
    """What is left of the other messages, to be sent instead of them."""
    letters: tuple[DeadLetter, ...]
    """What CloudFront refuses for good."""


def settle(target: Target, messages: Sequence[Received], outcomes: Sequence[Outcome], now: float) -> Settled:
    """Each message is done, waits, or is replaced by its rest. `now` is on the clock of the outcomes."""
    ids = {status: _ids(outcomes, status) for status in ("accepted", "refused", "deferred")}
    everything = frozenset(each.message_id for each in messages)
    since = min((each.chunk.since for each in messages if each.chunk), default=now)
    lane = chunks.lane_of(messages[0].group)
    known = wanted(messages)
    deferred = [each for each in outcomes if each.status == "deferred"]
    in_doubt = [] if repetition(target, messages) else list(_in_doubt(target, deferred, known, lane, since))
    exactly = {parcel.chunk.reference for parcel in in_doubt}
    deferred = [each for each in deferred if each.invalidation.caller_reference not in exactly]
    replaced = frozenset[str]().union(*(parcel.message_ids for parcel in in_doubt))
    waiting_ids = ids["deferred"] - ids["accepted"] - ids["refused"] - replaced
    split = ids["deferred"] - waiting_ids
    wait = max((each.retry_at - now for each in deferred), default=0.0)
    rest: dict[str, Wanted] = {}
    for outcome in deferred:
        for item, each in narrowed(outcome.invalidation.items, known).items():
            if each.message_ids & split:
                rest[item] = replace(each, message_ids=each.message_ids & split)
    return Settled(
        done=everything - ids["deferred"] - ids["refused"],
        waiting=dict.fromkeys(sorted(waiting_ids), max(1.0, wait)),
        rest=(*in_doubt, *chunks.parcels(target.id, target.kind, lane, rest, since)),
        letters=tuple(
            letter
            for outcome in outcomes
            if outcome.status == "refused"
            for letter in letters(target.id, outcome.invalidation.items, outcome.error)
        ),
    )


def _in_doubt(
    target: Target, deferred: Iterable[Outcome], known: Mapping[str, Wanted], lane: str, since: float
) -> Iterator[Parcel]:
    """Each call without an answer as a message of its own, which nothing new is planned with."""
    for call in [each.invalidation for each in deferred if each.doubtful]:
        items = narrowed(call.items, known)
        found = list(chunks.parcels(target.id, target.kind, lane, items, since))
        if len(found) == 1 and items.keys() == set(call.items):
            chunk = replace(found[0].chunk, reference=call.caller_reference)
            yield replace(found[0], chunk=chunk, message_ids=call.message_ids)


def _ids(outcomes: Iterable[Outcome], status: str) -> frozenset[str]:
    return frozenset[str]().union(
        *(each.invalidation.message_ids for each in outcomes if each.status == status)
    )


def letters(distribution_id: str, items: Iterable[str], reason: str) -> Iterator[DeadLetter]:
    """Dead letters in the form of a direct request, each small enough for a message."""
    taken: list[str] = []
    size = 0
    for item in items:
        length = len(json.dumps(item)) + 2
        if taken and size + length > chunks.MAX_BYTES - 1_000:
            yield _letter(distribution_id, taken, reason)
            taken, size = [], 0
        taken.append(item)
        size += length
    if taken:
        yield _letter(distribution_id, taken, reason)


def _letter(distribution_id: str, items: Iterable[str], reason: str) -> DeadLetter:
    request: dict[str, Any] = {"distribution_id": distribution_id}
    paths = [item for item in items if not item.startswith("#")]
    tags = [item for item in items if item.startswith("#")]
    request |= {name: found for name, found in (("paths", paths), ("tags", tags)) if found}
    return DeadLetter(json.dumps(request), reason, distribution_id)


def given_up(message: Received, reason: str) -> list[DeadLetter]:
    """The dead letters of a whole message: its items as requests, or its body where it is no chunk."""
    if message.chunk is None:
        return [DeadLetter(message.body, reason)]
    items = [*message.chunk.paths, *message.chunk.requested]
    return list(letters(message.chunk.target_id, items, reason))


def renewed(messages: Iterable[Received]) -> list[Parcel]:
    """Messages received so often that the queue would give them up, as new ones with all their times."""
    return [
        Parcel(message.group, message.chunk, frozenset({message.message_id}))
        for message in messages
        if message.chunk is not None and message.receives >= RECEIVES_BEFORE_RESENDING
    ]
