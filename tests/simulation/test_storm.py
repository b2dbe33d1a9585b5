"""No change is ever lost: the packaged functions, real boto3, a strict CloudFront and SQS, in virtual time.

Short runs; `python -m bench.storm` has the long ones. The bounds are those of the scenarios.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.doubles.sqs_server import hash_of
from tests.simulation.function import CHAIN
from tests.simulation.scenarios import BY_NAME, SCENARIOS, Conditions, figures
from tests.simulation.storm import (
    DEPLOYED,
    EVERY_FAULT,
    ONE_STAGE,
    START,
    STORMY,
    Deployment,
    Result,
    Weather,
    deploy,
    stream,
    trickle,
    world,
)

SITE = [
    *(f"docs/chapter-{chapter}/page-{page}.html" for chapter in range(20) for page in range(40)),
    *(f"docs/chapter-{chapter}/index.html" for chapter in range(20)),
    *(f"assets/img/photo {number} of 2026.jpg" for number in range(200)),
    *(f"assets/c++/größe-{number}.svg" for number in range(100)),
    *(f"home/user/notes~{number}.txt" for number in range(30)),
    "index.html",
]
POISON = [f"docs/chapter-{chapter}/page-7.html" for chapter in range(3)]
GARBAGE = ["", "null", '{"Records": 7}', '{"hello": "world"}']
SHORT = [scenario.name for scenario in SCENARIOS if not scenario.long]
STAGES = pytest.mark.parametrize(
    "deployment", [pytest.param(DEPLOYED, id="two-stages"), pytest.param(ONE_STAGE, id="one-stage")]
)


@pytest.mark.parametrize("name", SHORT)
def test_a_run_keeps_its_bounds(name: str) -> None:
    scenario = BY_NAME[name]
    assert scenario.broken(scenario.run(Conditions(seed=1))) == []


def test_there_are_short_runs() -> None:
    assert len(SHORT) > 12


def test_single_changes_are_as_fresh_where_the_clock_of_a_frozen_sandbox_runs_on() -> None:
    """In all other runs it stands still between two invocations."""
    scenario = BY_NAME["single-changes"]
    running = Conditions(seed=1, deployment=replace(DEPLOYED, clock_stops=False))
    assert scenario.run(running) == scenario.run(Conditions(seed=1))


def test_requests_through_the_queue_leave_the_paths_of_the_hour_to_changes() -> None:
    keys = [f"{directory}/{page}.html" for directory in ("blog", "docs", "help") for page in range(20)]
    with world(seed=1) as asked:
        asked.queue.send(json.dumps({"paths": [f"/shop/{page}.html" for page in range(600)]}), at=START)
        asked.change(deploy(keys, at=START + 120))
        result = asked.run()
    items = [item for each in asked.cloudfront.invalidations.values() for item in each.items]
    assert len(items) == 660, "nothing is merged"
    assert result.verdict.percentile(100) <= 30


@STAGES
def test_a_storm_with_every_fault_loses_nothing_and_only_poison_dies(deployment: Deployment) -> None:
    chance = random.Random(1)  # noqa: S311 - repeatable by its seed, which is the point
    refused = {f"/{key}" for key in POISON}
    with world(seed=1, weather=STORMY, refused=refused, deployment=deployment) as stormy:
        stormy.change(deploy(SITE, seconds=60))
        stormy.change(deploy(SITE[:400], at=START + 600, seconds=30))
        stormy.change(trickle(SITE, 500, seconds=1_200, chance=chance))
        for body in GARBAGE:
            stormy.queue.send(body, at=START + chance.uniform(0, 1_200))
        result = stormy.run()

    assert not result.lost
    assert result.dead_keys <= set(POISON)
    bodies = [message.body for message in stormy.dead_letters.messages.values()]
    assert set(GARBAGE) - {""} <= set(bodies)
    assert result.reasons.keys() == result.dead_letters.keys()
    faults = {call.fault for call in stormy.cloudfront.calls}
    assert faults == {"", *EVERY_FAULT}
    assert sum(function.kills for function in stormy.functions) > 0


@pytest.mark.parametrize(("count", "invocations"), [(CHAIN - 1, 1), (CHAIN, 0)], ids=["last", "one-more"])
def test_lambda_invokes_no_function_that_was_invoked_too_often_in_a_chain(
    count: int, invocations: int
) -> None:
    with world(seed=1) as chained:
        lineage = f"{hash_of(chained.collector.name):08x}:{count}|0123abcd:99"
        chained.queue.send("{}", at=START, trace=f"Root=1-0-0;Lineage={lineage}")
        chained.run(until=START + 50)
    assert (chained.collector.invocations, chained.collector.loops > 0) == (invocations, not invocations)


def test_a_lonely_change_outlasts_an_outage_and_its_planner_is_not_taken_for_a_loop() -> None:
    """It is sent anew to the planner's own queue, more than sixteen times, each after so many receives."""
    with world(seed=1) as dark:
        dark.outage("unavailable", begins=START, seconds=26 * 3_600)
        dark.change(stream(["index.html"], per_second=1))
        result = dark.run()
    assert dark.sqs.calls["SendMessageBatch"] > CHAIN + 1
    assert [function.loops for function in dark.functions] == [0, 0]
    assert not result.dead_letters
    assert not result.lost


@STAGES
@pytest.mark.parametrize("fault", ["lost-answer", "time-out"])
def test_a_lost_answer_is_asked_for_again(fault: str, deployment: Deployment) -> None:
    """In one stage the same batch makes the same reference, so nothing is paid twice.

    A planner plans what came since with what comes back: of the calls that CloudFront took, every second one
    without an answer here, at most a quarter more paths are paid.
    """
    plain = [f"page-{number}.html" for number in range(200)]
    # So that no path is merged: each call without an answer spends of the bound, too.
    unbounded = {"max_paths_per_hour": 10**9}
    weather = Weather(faults={fault: 0.5})
    with world(seed=1, weather=weather, deployment=deployment, settings=unbounded) as unlucky:
        unlucky.change(deploy(plain, seconds=1_800))
        result = unlucky.run()
    assert sum(call.fault == fault for call in unlucky.cloudfront.calls) > 20
    assert not result.lost
    assert not result.dead_letters
    twice = len(plain) // 4 if deployment.two_stages else 0
    assert len(plain) <= result.verdict.billed_paths <= len(plain) + twice


def test_a_function_killed_at_any_step_loses_nothing() -> None:
    def run(which: int, kill_at: int | None) -> tuple[int, Result]:
        with world(seed=1, settings={"max_paths": 40}) as deadly:
            deadly.functions[which].kill_at = kill_at
            deadly.change(deploy(SITE[::10]))
            result = deadly.run()
        assert deadly.functions[which].kills == (kill_at is not None)
        return deadly.functions[which].steps, result

    for which in range(2):
        steps, _ = run(which, kill_at=None)
        assert steps >= 4, "one call with three steps, and the answer"
        for step in range(steps):
            _, result = run(which, kill_at=step)
            assert not result.lost, f"function {which} killed at step {step}"
            assert not result.dead_letters
            # The first queue hides a killed batch for the function's timeout and its window.
            assert result.verdict.percentile(100) <= 100


def test_one_poison_path_among_3000_is_found_and_the_others_do_not_wait_for_it() -> None:
    keys = [f"page-{number:04}.html" for number in range(3_000)]
    settings: Mapping[str, Any] = {"max_paths": 10_000, "max_wildcards": 10_000}
    with world(seed=1, settings=settings, refused={"/page-1234.html"}) as poisoned:
        poisoned.change(deploy(keys))
        result = poisoned.run()
    assert not result.lost
    assert result.dead_keys <= {"page-1234.html"}
    assert result.innocent_dead({"/page-1234.html"}) == 0
    assert result.calls <= 30


def test_the_same_seed_is_the_same_run() -> None:
    def run() -> dict[str, float]:
        with world(seed=3, weather=STORMY) as stormy:
            stormy.change(deploy(SITE[:300], seconds=30))
            return figures(stormy.run())

    assert run() == run()
