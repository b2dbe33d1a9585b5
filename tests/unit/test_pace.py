"""When a call is worth making: the rate, the rounds, and the turns of two functions that share a quota."""

from __future__ import annotations

import pytest

from invalidator.pace import (
    CALLS_AT_ONCE,
    HANDOVER_SECONDS,
    ROUND_SECONDS,
    SECONDS_PER_CALL,
    Quota,
    Rate,
    turn_seconds,
)
from invalidator.plan import Invalidation
from invalidator.settings import Target

SITE = Target("ESITE")
OTHER = Target("EOTHER")
ROUND = ROUND_SECONDS


def batch(*, files: int = 0, wildcards: int = 0, target: Target = SITE) -> Invalidation:
    items = *(f"/f{number}" for number in range(files)), *(f"/w{number}*" for number in range(wildcards))
    return Invalidation(target, items, dict.fromkeys(items, frozenset({"m"})), "reference")


def test_a_handful_of_calls_may_go_at_once_and_then_one_every_two_seconds() -> None:
    rate = Rate()
    waits = []
    for _ in range(CALLS_AT_ONCE + 2):
        waits.append(rate.next_call_at)
        rate.called(now=max(100.0, rate.next_call_at))
    burst = [0.0] * CALLS_AT_ONCE
    assert waits == [*burst, 100 + SECONDS_PER_CALL, 100 + 2 * SECONDS_PER_CALL]


def test_a_quota_of_which_nothing_is_known_has_room_at_once() -> None:
    assert Quota().room_at(batch(files=3_000, wildcards=15)) == 0


@pytest.mark.parametrize(
    ("running", "next_one", "room_at"),
    [
        pytest.param(batch(wildcards=15), batch(wildcards=1), 100 + ROUND, id="no-wildcard-beside-fifteen"),
        pytest.param(batch(wildcards=15), batch(files=3_000), 0, id="files-beside-wildcards"),
        pytest.param(batch(files=3_000), batch(wildcards=15), 0, id="wildcards-beside-files"),
        pytest.param(batch(files=3_000), batch(files=1), 100 + ROUND, id="no-file-beside-3000"),
        pytest.param(batch(wildcards=10), batch(wildcards=5), 0, id="fifteen-together"),
        pytest.param(batch(wildcards=10), batch(wildcards=6), 100 + ROUND, id="sixteen-together"),
        pytest.param(
            batch(wildcards=15, target=OTHER), batch(wildcards=15), 0, id="each-distribution-has-its-own"
        ),
    ],
)
def test_the_next_round_waits_only_for_what_it_does_not_fit_beside(
    running: Invalidation, next_one: Invalidation, room_at: float
) -> None:
    quota = Quota()
    quota.accepted(running, now=100)
    assert quota.room_at(next_one) == room_at


def test_room_is_made_by_the_oldest_round_that_is_in_the_way() -> None:
    quota = Quota()
    quota.accepted(batch(wildcards=8), now=100)
    quota.accepted(batch(wildcards=5), now=110)
    assert quota.room_at(batch(wildcards=2)) == 0
    assert quota.room_at(batch(wildcards=10)) == 100 + ROUND
    assert quota.room_at(batch(wildcards=11)) == 110 + ROUND


def test_after_its_turn_a_function_leaves_as_many_rounds_to_the_other() -> None:
    quota = Quota()
    quota.accepted(batch(wildcards=15), now=100)
    quota.accepted(batch(wildcards=15), now=100 + ROUND)
    quota.end_turn()
    assert quota.room_at(batch(wildcards=15)) == 100 + 4 * ROUND + 2 * HANDOVER_SECONDS


def test_what_fits_beside_the_other_functions_round_need_not_wait_for_a_turn() -> None:
    quota = Quota()
    quota.accepted(batch(wildcards=7), now=100)
    quota.end_turn()
    assert quota.room_at(batch(wildcards=8)) == 0


def test_a_turn_is_left_once() -> None:
    quota = Quota()
    quota.accepted(batch(wildcards=15), now=100)
    quota.end_turn()
    quota.end_turn()
    assert quota.room_at(batch(wildcards=15)) == 100 + 2 * ROUND + 2 * HANDOVER_SECONDS


def test_old_rounds_are_forgotten() -> None:
    quota = Quota()
    for number in range(100):
        quota.accepted(batch(wildcards=15), now=number * 3 * ROUND)
        quota.end_turn()
    assert len(quota.rounds[SITE]) <= 3


@pytest.mark.parametrize(("now", "ours"), [(99, False), (100, True), (100 + 2 * ROUND, False)])
def test_a_refusal_is_our_own_doing_while_a_round_of_ours_may_still_run(now: float, ours: bool) -> None:
    quota = Quota()
    quota.accepted(batch(wildcards=15), now=100)
    assert quota.is_ours(SITE, now) is ours
    assert not quota.is_ours(OTHER, now)


@pytest.mark.parametrize(
    ("batches", "rounds"),
    [
        ([batch(wildcards=15)], 1),
        ([batch(wildcards=15), batch(wildcards=1)], 2),
        ([batch(files=3_000, wildcards=15), batch(files=1)], 2),
        ([batch(files=1)], 1),
    ],
)
def test_a_turn_lasts_as_many_rounds_as_the_scarcer_quota_needs(
    batches: list[Invalidation], rounds: int
) -> None:
    assert turn_seconds(*batches) == rounds * ROUND + HANDOVER_SECONDS
