"""What a sandbox remembers: the rate of calls, invalidations in progress, refusals, and paths paid for."""

from __future__ import annotations

import pytest

from invalidator.limits import COMPLETION_SECONDS
from invalidator.pace import PLANNERS, CallRate, InProgress, Memory, MergedPlan, PathAllowance, Refusals
from invalidator.plan import Invalidation
from invalidator.settings import Target
from invalidator.verdicts import Verdict

SITE = Target("ESITE")
OTHER = Target("EOTHER")


def batch(*, files: int = 0, wildcards: int = 0, target: Target = SITE) -> Invalidation:
    items = *(f"/f{number}" for number in range(files)), *(f"/w{number}*" for number in range(wildcards))
    return Invalidation(target, items, dict.fromkeys(items, frozenset({"m"})), "reference")


def test_a_burst_of_calls_may_go_at_once_and_then_one_every_two_seconds() -> None:
    rate = CallRate(seconds_per_call=2.0, burst=5)
    times = []
    for _ in range(7):
        times.append(rate.next_call_at(100.0))
        rate.record_call(times[-1])
    assert times == [100.0] * 5 + [102.0, 104.0]


@pytest.mark.parametrize(
    ("running", "files", "wildcards", "room_at"),
    [
        pytest.param(batch(wildcards=15), 0, 1, 100 + COMPLETION_SECONDS, id="no-wildcard-beside-fifteen"),
        pytest.param(batch(wildcards=15), 3_000, 0, float("-inf"), id="files-beside-wildcards"),
        pytest.param(batch(files=3_000), 0, 15, float("-inf"), id="wildcards-beside-files"),
        pytest.param(batch(files=3_000), 1, 0, 100 + COMPLETION_SECONDS, id="no-file-beside-3000"),
        pytest.param(batch(wildcards=10), 0, 5, float("-inf"), id="fifteen-together"),
        pytest.param(batch(wildcards=15, target=OTHER), 0, 15, float("-inf"), id="each-has-its-own"),
    ],
)
def test_a_call_waits_only_for_what_it_does_not_fit_beside(
    running: Invalidation, files: int, wildcards: int, room_at: float
) -> None:
    in_progress = InProgress()
    in_progress.accepted(running, now=100)
    assert in_progress.room_at(SITE, files, wildcards) == room_at


def test_a_full_quota_of_wildcards_holds_up_no_files() -> None:
    refusals = Refusals()
    refusals.refused(batch(wildcards=1), Verdict.FULL, "full", 100, 0.5)
    assert refusals.latest(SITE, 1).until == 108
    assert refusals.latest(SITE, 0).until < 100


def test_of_a_merged_plan_the_wildcards_are_kept_for_the_rest_of_its_deploy() -> None:
    memory = Memory()
    memory.planned("ESITE/merge", ("/a", "/b*"), 100, merged=True)
    memory.planned("ESITE/merge", ("/c",), 110, merged=False)
    assert memory.same_deploy("ESITE/merge", 120) == [MergedPlan(100, 2, ("/b*",))]


def test_a_quota_counts_as_full_from_a_refusal_until_a_minute_after_its_wait() -> None:
    refusals = Refusals()
    assert not refusals.is_full(SITE, 1, 100)
    refusals.refused(batch(wildcards=1), Verdict.FULL, "full", 100, 0.5)
    found = [
        refusals.is_full(SITE, wildcards, now) for wildcards, now in ((1, 100), (1, 167), (1, 168), (0, 100))
    ]
    assert found == [True, True, False, False]
    refusals.accepted(batch(wildcards=1))
    assert not refusals.is_full(SITE, 1, 100)


def test_a_throttled_account_holds_up_all_its_distributions() -> None:
    refusals = Refusals()
    refusals.refused(batch(files=1), Verdict.THROTTLED, "slow down", 100, 0.5)
    assert refusals.latest(OTHER, 0).until == 102
    refusals.accepted(batch(files=1, target=OTHER))
    assert refusals.latest(SITE, 0).until < 100


def test_a_throttled_account_holds_up_no_other_account() -> None:
    refusals = Refusals()
    refusals.refused(batch(files=1), Verdict.THROTTLED, "slow down", 100, 0.5)
    elsewhere = Target("ESITE", role_arn="arn:aws:iam::111122223333:role/invalidate")
    assert refusals.latest(elsewhere, 0).until < 100


@pytest.mark.parametrize("verdict", [Verdict.TRANSIENT, Verdict.DENIED])
def test_an_error_of_one_distribution_holds_up_no_other(verdict: Verdict) -> None:
    refusals = Refusals()
    refusals.refused(batch(files=1), verdict, "no", 100, 0.5)
    assert (refusals.latest(SITE, 1).error, refusals.latest(OTHER, 0).error) == ("no", "")


def test_of_several_refusals_the_one_that_lasts_longest_counts_until_a_call_is_accepted() -> None:
    refusals = Refusals()
    for verdict in (Verdict.THROTTLED, Verdict.FULL, Verdict.TRANSIENT):
        refusals.refused(batch(wildcards=1), verdict, verdict.name, 100, 0.5)
    refusals.refused(batch(files=1), Verdict.FULL, "files", 100, 0.5)
    assert (refusals.latest(SITE, 1).until, refusals.latest(SITE, 1).error) == (108, "FULL")
    refusals.accepted(batch(wildcards=1))
    assert refusals.latest(SITE, 1).until < 100
    assert (refusals.latest(SITE, 0).until, refusals.latest(SITE, 0).error) == (108, "files")


@pytest.mark.parametrize(
    ("verdict", "waits"),
    [
        (Verdict.THROTTLED, [2, 4, 8, 16, 16]),
        (Verdict.TRANSIENT, [2, 4, 8, 16, 16]),
        (Verdict.FULL, [8, 16, 25, 25]),
        (Verdict.DENIED, [8, 16, 25, 25]),
    ],
)
def test_each_failure_doubles_the_wait_up_to_a_bound(verdict: Verdict, waits: list[float]) -> None:
    refusals = Refusals()
    found = []
    for _ in waits:
        refusals.refused(batch(files=1), verdict, "no", 100, 0.5)
        found.append(refusals.latest(SITE, 0).until - 100)
    assert found == waits
    for _ in range(2_000):
        refusals.refused(batch(files=1), verdict, "no", 100, 1.0)
    assert refusals.latest(SITE, 0).until - 100 == waits[-1] * 1.25


def test_a_refused_name_counts_for_ten_minutes() -> None:
    memory = Memory()
    for now in (100, 200):
        memory.record_refused_name(SITE, now)
    assert [memory.recently_refused_names(SITE, now) for now in (200, 699, 700, 799, 800)] == [2, 2, 1, 1, 0]
    assert memory.recently_refused_names(OTHER, 200) == 0
    memory.record_refused_name(SITE, 799)
    assert memory.recently_refused_names(SITE, 799) == 2


def test_wildcards_are_free_again_when_their_invalidation_is_complete() -> None:
    in_progress = InProgress()
    assert in_progress.wildcards_free(SITE, 100) == 15
    in_progress.accepted(batch(wildcards=10, files=3), now=100)
    in_progress.accepted(batch(wildcards=2), now=110)
    end = 100 + COMPLETION_SECONDS
    assert [in_progress.wildcards_free(SITE, now) for now in (110, end - 1, end, end + 10)] == [3, 3, 13, 15]
    assert in_progress.wildcards_free(OTHER, 110) == 15


@pytest.mark.parametrize(
    ("files", "wildcards", "room_at"),
    [
        pytest.param(500, 0, float("-inf"), id="beside both"),
        pytest.param(501, 0, 100 + COMPLETION_SECONDS, id="after the first"),
        pytest.param(1_501, 0, 110 + COMPLETION_SECONDS, id="after the second"),
        pytest.param(0, 5, float("-inf"), id="wildcards beside both"),
        pytest.param(0, 6, 110 + COMPLETION_SECONDS, id="wildcards after the only ones"),
        pytest.param(501, 6, 110 + COMPLETION_SECONDS, id="after the later one of each"),
        pytest.param(0, 0, float("-inf"), id="nothing"),
    ],
)
def test_there_is_room_when_enough_of_what_is_in_progress_is_complete(
    files: int, wildcards: int, room_at: float
) -> None:
    in_progress = InProgress()
    in_progress.accepted(batch(files=1_000), now=100)
    in_progress.accepted(batch(files=1_500, wildcards=10), now=110)
    assert in_progress.room_at(SITE, files, wildcards) == room_at


def test_what_is_surely_complete_is_forgotten() -> None:
    in_progress = InProgress()
    for now in (100, 100 + COMPLETION_SECONDS - 1, 100 + COMPLETION_SECONDS):
        in_progress.accepted(batch(files=1), now=now)
    assert [each.since for each in in_progress.running[SITE]] == [
        100 + COMPLETION_SECONDS - 1,
        100 + COMPLETION_SECONDS,
    ]


@pytest.mark.parametrize("lifetime", [600, 1_800, 3_600, 86_400], ids=lambda seconds: f"{seconds}s")
@pytest.mark.parametrize("most", [120, 1_000, 2_000])
def test_no_hour_costs_more_than_the_bound_however_often_sandboxes_are_replaced(
    lifetime: int, most: int
) -> None:
    spent: list[tuple[int, int]] = []
    for planner in range(PLANNERS):
        allowance = PathAllowance.of_new_sandbox(most, 0)
        for now in range(0, 4 * 3_600, 6):
            if now and now % lifetime == planner * 6:
                allowance = PathAllowance.of_new_sandbox(most, now)
            paths = int(allowance.left(now))
            allowance.spend(paths, now)
            spent.append((now, paths))
    hours = [
        sum(paths for at, paths in spent if start <= at < start + 3_600) for start in range(0, 10_800, 60)
    ]
    assert hours
    assert 0 < max(hours) <= most


def test_a_sandbox_that_takes_over_begins_with_less_and_then_has_what_any_has() -> None:
    memory = Memory()
    allowance = memory.path_allowance("ESITE", 7_200, 0, takes_over=True)
    assert [allowance.left(minutes * 60) for minutes in (0, 15, 600)] == [112.5, 225, 450]
    assert memory.path_allowance("ESITE", 7_200, 0) is allowance
    assert memory.path_allowance("EDOCS", 7_200, 0).left(0) == 400


def test_a_planner_that_spends_nothing_saves_no_more_than_an_eighth_of_its_share() -> None:
    allowance = PathAllowance.of_new_sandbox(1_440, now=0)
    assert [allowance.left(hours * 3_600) for hours in (0, 10)] == [80, 90]
    allowance.spend(90, 36_000)
    assert [allowance.left(36_000 + minutes * 60) for minutes in (0, 30, 120)] == [0, 45, 90]
