"""No change is ever lost: the packaged function, the real boto3 and a strict CloudFront, in virtual time."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path

import pytest
from tests.simulation.sqs import Batching
from tests.simulation.storm import (
    DISTRIBUTION,
    EVERY_FAULT,
    START,
    STORMY,
    Result,
    Weather,
    deploy,
    trickle,
    world,
)

WORKLOADS = Path(__file__).parents[2] / "bench" / "workloads"

SITE = [
    *(f"docs/chapter-{chapter}/page-{page}.html" for chapter in range(20) for page in range(40)),
    *(f"docs/chapter-{chapter}/index.html" for chapter in range(20)),
    *(f"assets/img/photo {number} of 2026.jpg" for number in range(200)),
    *(f"assets/c++/größe-{number}.svg" for number in range(100)),
    *(f"~user/notes~{number}.txt" for number in range(30)),
    "index.html",
]
POISON = [f"docs/chapter-{chapter}/page-7.html" for chapter in range(3)]
PATIENT = Batching(timeout_seconds=300)
GARBAGE = ["", "null", '{"Records": 7}', '{"hello": "world"}']

NEVER_MERGED = {"max_paths": 10_000, "max_wildcards": 10_000}


@pytest.mark.parametrize("seed", [1, 2], ids="seed-{}".format)
def test_a_storm_with_every_fault_loses_nothing_and_only_poison_dies(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable by its seed, which is the point
    with world(seed=seed, weather=STORMY, refused={f"/{key}" for key in POISON}) as stormy:
        stormy.change(deploy(SITE, seconds=60))
        stormy.change(deploy(SITE[:400], at=START + 600, seconds=30))
        stormy.change(trickle(SITE, 500, seconds=1_200, chance=chance))
        garbage = {stormy.queue.send(body, START + chance.uniform(0, 1_200)) for body in GARBAGE}
        result = stormy.run()

    assert not result.lost
    assert result.dead_keys <= set(POISON)
    assert garbage <= result.dead
    assert result.reasons.keys() == result.dead
    faults = {call.fault for call in stormy.cloudfront.calls}
    assert faults == {"", *EVERY_FAULT}
    assert stormy.function.kills > 0


@pytest.mark.parametrize("fault", ["lost-answer", "time-out"])
def test_a_lost_answer_is_asked_for_again_and_not_paid_twice(fault: str) -> None:
    plain = [f"page-{number}.html" for number in range(200)]
    with world(seed=1, weather=Weather(faults={fault: 0.5}), batching=PATIENT) as unlucky:
        unlucky.change(deploy(plain, seconds=1_800))
        result = unlucky.run()
    assert sum(call.fault == fault for call in unlucky.cloudfront.calls) > 20
    assert not result.lost
    assert not result.dead
    assert result.verdict.billed_paths == len(plain)


def test_a_function_killed_at_any_step_loses_nothing_and_pays_once() -> None:
    def run(kill_at: int | None) -> tuple[int, Result]:
        with world(seed=1, settings={"max_paths": 40}) as deadly:
            deadly.function.kill_at = kill_at
            deadly.change(deploy(SITE[::10]))
            result = deadly.run()
        assert deadly.function.kills == (kill_at is not None)
        return deadly.function.steps, result

    steps, undisturbed = run(kill_at=None)
    assert steps >= 7, "two calls with three steps each, and the answer"
    for step in range(steps):
        _, result = run(kill_at=step)
        assert not result.lost, f"killed at step {step}"
        assert not result.dead
        assert result.verdict.billed_paths == undisturbed.verdict.billed_paths, f"killed at step {step}"


def test_one_poison_path_among_3000_fails_alone_and_is_found_by_halving() -> None:
    keys = [f"page-{number:04}.html" for number in range(3_000)]
    batching = Batching(max_receives=1, timeout_seconds=300)
    with world(seed=1, batching=batching, settings=NEVER_MERGED, refused={"/page-1234.html"}) as poisoned:
        poisoned.change(deploy(keys))
        result = poisoned.run()
    assert not result.lost
    assert result.dead_keys == {"page-1234.html"}
    assert all("InvalidArgument" in reason for reason in result.reasons.values())
    assert len(result.reasons) == 1
    assert result.calls <= 2 * math.log2(3_000) + 2
    assert result.verdict.billed_paths == 2_999


@pytest.mark.parametrize(
    ("files", "wildcards"),
    [
        pytest.param(3_000, 0, id="files"),
        pytest.param(0, 15, id="wildcards"),
        pytest.param(3_000, 15, id="both"),
    ],
)
def test_a_quota_held_by_somebody_else_for_ten_minutes_costs_patience_and_few_calls(
    files: int, wildcards: int
) -> None:
    with world(seed=1, settings={"max_paths": 40}) as patient:
        patient.cloudfront.hold(DISTRIBUTION, files=files, wildcards=wildcards, seconds=600)
        patient.change(deploy(SITE))
        result = patient.run()
    assert not result.lost
    assert not result.dead
    assert result.seconds >= 600
    assert result.calls <= 60, "one in twenty seconds, of each of two functions"


def test_a_deploy_of_10141_objects_takes_8_calls_300_paths_and_three_minutes() -> None:
    workload = json.loads(gzip.decompress((WORKLOADS / "openjdk-doc.json.gz").read_bytes()))
    with world(seed=1) as busy:
        busy.change(deploy(workload["changed"]))
        result = busy.run()
    assert len(busy.changes) == 10_141
    assert not result.lost
    assert result.calls <= 8
    assert result.verdict.billed_paths <= 300
    assert result.seconds <= 180
