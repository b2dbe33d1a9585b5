"""Named runs: what each does to the functions, the figures that it comes to, and the bounds for these."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.simulation.judge import Change, urls_of
from tests.simulation.storm import (
    BUCKET,
    DAY,
    DEPLOYED,
    DISTRIBUTION,
    START,
    STORMY,
    Deployment,
    Result,
    World,
    deploy,
    stream,
    trickle,
    world,
)
from tests.support.matcher import may_purge

WORKLOADS = Path(__file__).parents[2] / "bench" / "workloads"
USD_PER_PATH = 0.005
HOURS = 6
"""Of a storm."""
DEPLOYS_OF_EACH = 3
OBJECTS_A_SECOND = 100
"""How fast a deploy of a storm uploads."""
SLOW = 100.0
"""Messages a second that a slow poller fetches."""
GARBAGE = ["", "null", '{"Records": 7}', '{"hello": "world"}', "[]"] * 4

Say = Callable[[str], None]
Figures = dict[str, float]


@dataclass(frozen=True)
class Conditions:
    """What one run of a scenario is given."""

    seed: int = 1
    deployment: Deployment = DEPLOYED
    say: Say = field(default=lambda _: None)


@dataclass(frozen=True)
class Scenario:
    """A run with a name, and the most that each of its figures may be."""

    name: str
    title: str
    run: Callable[[Conditions], Figures]
    bounds: Mapping[str, float]
    before: str = ""
    """What the design with one queue and one function came to (issue of this design, measured then)."""
    long: bool = False
    """Takes more than a few seconds: left to the bench."""

    def broken(self, figures: Figures) -> list[str]:
        """Figures beyond their bounds. Nothing may ever be lost, nor anything innocent be given up."""
        bounds = {"lost": 0.0, "innocent dead": 0.0, **self.bounds}
        return [
            f"{name} {figures[name]:g} > {most:g}"
            for name, most in bounds.items()
            if name in figures and not figures[name] <= most
        ]


def workload(name: str) -> list[str]:
    """The keys that a real redeploy changed."""
    return _keys(name, "changed")


def bucket_of(name: str) -> list[str]:
    """The keys that the bucket holds after a real redeploy."""
    return _keys(name, "after")


def _keys(name: str, which: str) -> list[str]:
    keys: list[str] = json.loads(gzip.decompress((WORKLOADS / f"{name}.json.gz").read_bytes()))[which]
    return keys


def workloads(keys_of: Callable[[str], list[str]] = workload) -> dict[str, list[str]]:
    """Name → keys, each under a folder of its own, of every real redeploy that changed anything."""
    names = [path.name.removesuffix(".json.gz") for path in sorted(WORKLOADS.glob("*.json.gz"))]
    return {
        name: [f"{name.split('.')[0]}/{key}" for key in keys] for name in names if (keys := keys_of(name))
    }


def storm(count: int, chance: random.Random) -> list[Change]:
    """A working day of a bucket: each real redeploy three times, at any hour, and single objects between."""
    sites = workloads()
    keys = list(itertools.chain.from_iterable(sites.values()))
    changes: list[Change] = []
    while len(changes) < count * 2 // 3 or not changes:
        for site in sites.values():
            for _ in range(DEPLOYS_OF_EACH):
                seconds = len(site) / OBJECTS_A_SECOND
                at = START + chance.uniform(0, HOURS * 3_600 - seconds)
                changes += deploy(site, at=at, seconds=seconds)
    changes = chance.sample(changes, count * 2 // 3)
    return changes + trickle(keys, count - len(changes), seconds=HOURS * 3_600, chance=chance)


def figures(result: Result, *kinds: str, refused: Iterable[str] = ()) -> Figures:
    """What every run shows: calls, paths, losses, and how long it took to be fresh."""
    verdict = result.verdict
    times = sorted(
        itertools.chain.from_iterable(verdict.seconds.get(kind, ()) for kind in kinds or verdict.seconds)
    )
    rank = {f"P{percent}": percent for percent in (50, 95, 99)}
    return {
        "calls": result.calls,
        "paths": verdict.billed_paths,
        **{
            name: times[max(0, math.ceil(len(times) * rank[name] / 100) - 1)] if times else math.nan
            for name in rank
        },
        "max": times[-1] if times else math.nan,
        "lost": len(result.lost),
        "disputed": len(verdict.disputed),
        "dead": len(result.dead_letters),
        "innocent dead": result.innocent_dead(refused),
        "raised": len(result.errors),
        "waiting": result.waiting,
        "Lambda s": round(result.billed_seconds),
    }


def deploy_result(conditions: Conditions, *, seconds: float, slow: bool, singles: int = 0) -> Result:
    """The deploy of 10,141 objects, at one instant or over some time, and single changes beside it."""
    deployment = replace(conditions.deployment, messages_per_second=SLOW if slow else None)
    with world(seed=conditions.seed, deployment=deployment) as busy:
        busy.change(deploy(workload("openjdk-doc"), seconds=seconds))
        if singles:
            keys = [f"news/{number}.html" for number in range(singles)]
            busy.change(stream(keys, per_second=singles / (2 * seconds)))
        return busy.run(_watch(busy, conditions))


def deployed(conditions: Conditions, *, seconds: float, slow: bool, singles: int = 0) -> Figures:
    """The figures of that deploy; with single changes beside it, the times of these."""
    result = deploy_result(conditions, seconds=seconds, slow=slow, singles=singles)
    return figures(result, "single" if singles else "deploy")


def listed(conditions: Conditions, kill_at: int | None = None) -> Figures:
    """A deploy whose planner lists the bucket: wildcards in two rounds throw out no unchanged object.

    With `kill_at`, the planner is killed after that step.
    """
    keys, changed = bucket_of("linux-doc"), workload("linux-doc")
    with world(seed=conditions.seed, deployment=conditions.deployment, keys=keys) as known:
        known.planner.kill_at = kill_at
        known.change(deploy(changed))
        return _listed(known, known.run(_watch(known, conditions)), set(keys).difference(changed))


def _listed(known: World, result: Result, unchanged: Iterable[str]) -> Figures:
    items = {item for each in known.cloudfront.invalidations.values() for item in each.items}
    return {
        **figures(result),
        "steps": known.planner.steps,
        "pages": known.planner.pages,
        "unchanged thrown out": sum(any(may_purge(item, f"/{key}") for item in items) for key in unchanged),
    }


def versions(conditions: Conditions, *, seconds: float, slow: bool) -> Figures:
    """A deploy, with an inventory, that changes ten of forty directories of 800 objects as a whole."""
    keys = [f"v{number}/{page:05}/index.json" for number in range(10, 50) for page in range(800)]
    changed = [key for key in keys if int(key[1:3]) % 4 == 2]
    random.Random(3).shuffle(changed)  # noqa: S311 - repeatable
    deployment = replace(conditions.deployment, messages_per_second=SLOW if slow else None)
    with world(seed=conditions.seed, deployment=deployment, keys=keys) as known:
        known.change(deploy(changed, seconds=seconds))
        return _listed(known, known.run(_watch(known, conditions)), set(keys).difference(changed))


def wildcards_shared(conditions: Conditions) -> Figures:
    """A deploy while others have a third of the fifteen wildcards in progress, for hours."""
    with world(seed=conditions.seed, deployment=conditions.deployment) as crowded:
        crowded.cloudfront.hold(DISTRIBUTION, wildcards=5, seconds=3 * 3_600)
        crowded.change(deploy(workload("openjdk-doc")))
        return figures(crowded.run(_watch(crowded, conditions)))


def hot_path(conditions: Conditions) -> Figures:
    """One object that is rewritten every second: no plan of its path ever merges."""
    settings = {"max_paths_per_hour": 100}
    with world(seed=conditions.seed, deployment=conditions.deployment, settings=settings) as hot:
        hot.change(stream(["status.json"] * 3_600, per_second=1))
        return figures(hot.run(_watch(hot, conditions)))


def listed_and_killed(conditions: Conditions) -> Figures:
    """That deploy, once for each step of the planner after which it is killed."""
    worst = listed(conditions)
    steps = int(worst["steps"])
    for step in range(steps):
        conditions.say(f"step {step} of {steps}")
        found = listed(conditions, step)
        worst = {name: max(value, worst[name]) for name, value in found.items()}
    return worst


def trickle_result(conditions: Conditions) -> Result:
    """A working day in which somebody changes an object every few minutes, at random."""
    keys = [f"news/{number}.html" for number in range(200)]
    with world(seed=conditions.seed, deployment=conditions.deployment) as calm:
        calm.change(trickle(keys, 200, seconds=8 * 3_600, chance=calm.chance))
        return calm.run(_watch(calm, conditions))


def single_changes(conditions: Conditions) -> Figures:
    """The figures of that day."""
    return figures(trickle_result(conditions))


def seconds_to_fresh(conditions: Conditions) -> Mapping[str, list[float]]:
    """Run → for each change the seconds until it was fresh; after an outage, they count from its end."""
    return {
        "single changes": every_second(trickle_result(conditions)),
        "a deploy of 10,141 objects at one instant": every_second(
            deploy_result(conditions, seconds=0, slow=False)
        ),
        "the same over 101 s": every_second(deploy_result(conditions, seconds=101, slow=False)),
        "after ten minutes without CloudFront": after_outage(conditions),
    }


def every_second(result: Result) -> list[float]:
    """The seconds of all changes, of every kind."""
    return sorted(itertools.chain.from_iterable(result.verdict.seconds.values()))


def one_a_second(conditions: Conditions) -> Figures:
    """One change a second of a site with some thousand pages, for an hour, with no bound on spending."""
    keys = [f"news/{number % 5_000}.html" for number in range(3_600)]
    unbounded = {"max_paths_per_hour": 10**9}
    with world(seed=conditions.seed, deployment=conditions.deployment, settings=unbounded) as steady:
        steady.change(stream(keys, per_second=1))
        result = steady.run(_watch(steady, conditions))
    return {**figures(result), "calls a second": result.calls / 3_600}


def _after(world_: World, result: Result, ended: float) -> Figures:
    """Seconds after the end of an outage until everything was fresh that changed before it."""
    late = [change for change in world_.changes if change.time <= ended]
    waited = result.verdict.fresh_at - ended if late else 0.0
    return {**figures(result), "after": waited}


def after_outage(conditions: Conditions) -> list[float]:
    """For each change in ten minutes without CloudFront, the seconds from their end until it was fresh."""
    ends = START + 600
    with world(seed=conditions.seed, deployment=conditions.deployment) as dark:
        dark.outage("unavailable", begins=START, seconds=600)
        changes = deploy(workload("openjdk-doc")[:3_000], at=START + 10, seconds=30)
        changes += stream([f"news/{number}.html" for number in range(27)], per_second=1 / 20)
        # Each is a kind of its own, so that its time is known.
        dark.change(replace(change, kind=str(number)) for number, change in enumerate(changes))
        times = dark.run(_watch(dark, conditions)).verdict.seconds
    return sorted(changes[int(kind)].time + seconds - ends for kind, (seconds,) in times.items())


def outage(conditions: Conditions, *, fault: str, seconds: float, singles: float = 1 / 20) -> Figures:
    """A deploy and single changes while every call of CloudFront meets the same fault."""
    with world(seed=conditions.seed, deployment=conditions.deployment) as dark:
        if fault == "quota":
            dark.cloudfront.hold(DISTRIBUTION, files=3_000, wildcards=15, seconds=seconds)
        elif fault == "wildcards":
            dark.cloudfront.hold(DISTRIBUTION, wildcards=15, seconds=seconds)
        else:
            dark.outage(fault, begins=START, seconds=seconds)
        dark.change(deploy(workload("openjdk-doc")[:3_000], at=START + 10, seconds=30))
        keys = [f"news/{number}.html" for number in range(int((seconds - 60) * singles))]
        dark.change(stream(keys, per_second=singles))
        result = dark.run(_watch(dark, conditions))
        return _after(dark, result, START + seconds)


def lambda_refuses(conditions: Conditions) -> Figures:
    """Lambda refuses to invoke either function for an hour."""
    with world(seed=conditions.seed, deployment=conditions.deployment) as refused:
        for function in refused.functions:
            function.throttled_until = START + 3_600
        refused.change(deploy(workload("bootstrap-icons"), at=START + 10))
        refused.change(stream([f"news/{number}.html" for number in range(170)], per_second=1 / 20))
        result = refused.run(_watch(refused, conditions))
        return _after(refused, result, START + 3_600)


def killed(conditions: Conditions) -> Figures:
    """A deploy, once for each step after which one of the functions is killed."""

    def run(kill_at: int | None, which: int) -> tuple[int, Result]:
        with world(seed=conditions.seed, deployment=conditions.deployment) as deadly:
            function = deadly.functions[which]
            function.kill_at = kill_at
            deadly.change(deploy(workload("bootstrap-icons")))
            result = deadly.run()
            return function.steps, result

    worst: Figures = {}
    for which in range(2 if conditions.deployment.two_stages else 1):
        steps, undisturbed = run(None, which)
        for step in range(steps):
            conditions.say(f"function {which}, step {step} of {steps}")
            result = run(step, which)[1]
            found = {
                **figures(result),
                "paths billed twice": result.verdict.billed_paths - undisturbed.verdict.billed_paths,
            }
            worst = {name: max(value, worst.get(name, value)) for name, value in found.items()}
    return worst


def nothing_receives(conditions: Conditions, *, days: float) -> Figures:
    """A change an hour, and nothing receives: a disabled mapping, a key that was taken away."""
    with world(seed=conditions.seed, deployment=conditions.deployment) as asleep:
        asleep.receive_nothing(seconds=days * DAY)
        keys = [f"news/{number}.html" for number in range(int(days * 24))]
        asleep.change(stream(keys, per_second=1 / 3_600))
        result = asleep.run()
        return _after(asleep, result, START + days * DAY)


def poisoned(conditions: Conditions) -> Figures:
    """3,600 changes in an hour, of which CloudFront refuses 30 % for no documented reason."""
    chance = random.Random(conditions.seed)  # noqa: S311 - repeatable by its seed
    keys = [f"docs/{number % 60}/page-{number}.html" for number in range(3_600)]
    poison = set(chance.sample(keys, len(keys) * 3 // 10))
    refused = {f"/{key}" for key in poison}
    with world(seed=conditions.seed, deployment=conditions.deployment, refused=refused) as bad:
        bad.change(
            replace(change, kind="poison" if change.key in poison else "single")
            for change in stream(keys, per_second=1)
        )
        result = bad.run(_watch(bad, conditions))
    without = [each for each, dead_letter in result.dead_letters.items() if not dead_letter.reason]
    guilty = figures(result, "single", refused=refused)
    # Poison is either among the dead letters or fresh by way of a wildcard; else it counts as lost.
    return {**guilty, "dead poison": len(result.verdict.dead), "without a reason": len(without)}


def gone(conditions: Conditions) -> Figures:
    """One of two distributions is deleted for good; both have a change every five seconds for an hour."""
    settings = {
        "routes": {
            name: {"distribution_id": target, "bucket": BUCKET, "prefix": f"{name}/"}
            for name, target in (("here", DISTRIBUTION), ("gone", "E2GONE"))
        }
    }
    with world(
        seed=conditions.seed, deployment=conditions.deployment, settings=settings, known={DISTRIBUTION}
    ) as half:
        for name, target in (("here", DISTRIBUTION), ("gone", "E2GONE")):
            keys = [f"{name}/{number}.html" for number in range(720)]
            half.change(
                replace(change, target=target, kind=name) for change in stream(keys, per_second=1 / 5)
            )
        result = half.run(_watch(half, conditions), until=START + 12 * 3_600)
    refused = {
        url for change in half.changes if change.key.startswith("gone/") for url in urls_of(change.key)
    }
    return {**figures(result, "here", refused=refused)}


def stormy(conditions: Conditions, *, count: int, inventory: bool = False) -> Figures:
    """Six hours with every fault at 5 % of the calls, functions killed, events late and twice, and poison.

    `inventory`: the planner lists the bucket, and those calls fail at the same rate.
    """
    bucket = list(itertools.chain(*workloads(bucket_of).values())) if inventory else []
    changes = storm(count, random.Random(conditions.seed))  # noqa: S311 - repeatable by its seed
    poison = {f"/{change.key}" for change in changes[:: len(changes) // 10]}
    with world(
        seed=conditions.seed, deployment=conditions.deployment, weather=STORMY, refused=poison, keys=bucket
    ) as wild:
        wild.change(
            replace(change, kind="poison") if f"/{change.key}" in poison else change for change in changes
        )
        garbage = {
            wild.queue.send(body, at=START + wild.chance.uniform(0, HOURS * 3_600)) for body in GARBAGE
        }
        result = wild.run(_watch(wild, conditions))
    unread = len(garbage) - sum(not dead_letter.items for dead_letter in result.dead_letters.values())
    return {
        **figures(result, "deploy", "single", refused=poison),
        "billed twice": result.verdict.billed_twice,
        "dollars": result.verdict.billed_paths * USD_PER_PATH,
        "unreadable not reported": max(0, unread),
        "without a reason": len(result.dead_letters.keys() - result.reasons.keys()),
        "kills": sum(function.kills for function in wild.functions),
    }


def streamed(conditions: Conditions, *, per_second: float, hours: float = 24) -> Figures:
    """New keys all day, and Lambda replaces every sandbox after ten minutes: what it costs at the most."""
    keys = [
        f"uploads/{number // 1_000:05}/{number:07}.jpg" for number in range(int(per_second * hours * 3_600))
    ]
    deployment = replace(conditions.deployment, recycle_seconds=600.0)
    with world(seed=conditions.seed, deployment=deployment) as endless:
        endless.change(stream(keys, per_second=per_second))
        result = endless.run(_watch(endless, conditions))
        accepted = list(endless.cloudfront.invalidations.values())
    paths, matched = [f"/{key}" for key in keys], 0
    for invalidation in accepted:
        there = min(len(keys), int((invalidation.created - START) * per_second) + 1)
        for item in invalidation.items:
            if item.endswith("*"):
                first, last = (bisect_left(paths, item[:-1] + end) for end in ("", "\U0010ffff"))
                matched += max(0, min(last, there) - first)
            else:
                matched += 1
    return {
        **figures(result),
        "dollars": result.verdict.billed_paths * USD_PER_PATH,
        "most paths in an hour": _most_in_an_hour([(each.created, len(each.items)) for each in accepted]),
        "unchanged thrown out for one change": (matched - len(keys)) / len(keys),
    }


def _most_in_an_hour(spent: Sequence[tuple[float, int]]) -> float:
    most = total = first = 0
    for when, paths in spent:
        total += paths
        while spent[first][0] <= when - 3_600:
            total -= spent[first][1]
            first += 1
        most = max(most, total)
    return most


def month(conditions: Conditions) -> Figures:
    """Ninety deploys in thirty days, the eight workloads in turn, 150 uploads a second."""
    sites = list(workloads().values())
    with world(seed=conditions.seed, deployment=conditions.deployment) as monthly:
        for number in range(90):
            site = sites[number % len(sites)]
            at = START + number * DAY / 3 + monthly.chance.uniform(0, 3_600)
            monthly.change(deploy(site, at=at, seconds=len(site) / 150))
        result = monthly.run(_watch(monthly, conditions))
    return {**figures(result), "dollars": result.verdict.billed_paths * USD_PER_PATH}


def upgraded(conditions: Conditions) -> Figures:
    """Messages that wait, received nine times already, when this design takes over from that of one queue."""
    with world(seed=conditions.seed, deployment=conditions.deployment) as fresh:
        fresh.change(deploy(workload("bootstrap-icons")))
        for message in fresh.queue.messages.values():
            message.receives = 9
        fresh.receive_nothing(seconds=600)
        result = fresh.run()
        return _after(fresh, result, START + 600)


def unreadable_chunks(conditions: Conditions) -> Figures:
    """Chunks that no planner can read, in the group of a deploy and before it."""
    bodies = ["", "null", "{}", '{"version": 1}', '{"version": 99, "target": {}}', "[" * 2_000]
    with world(seed=conditions.seed, deployment=conditions.deployment) as strange:
        for number, (body, lane) in enumerate(itertools.product(bodies, ("exact", "merge"))):
            strange.plan.send(
                body or " ", at=START, group=f"{DISTRIBUTION}/{lane}", deduplication_id=f"strange-{number}"
            )
        strange.change(deploy(workload("bootstrap-icons")))
        result = strange.run(until=START + 3_600)
    held = len(strange.dead_letters.messages) + len(strange.plan_dead_letters.messages)
    return {**figures(result), "not among the dead letters": 2 * len(bodies) - held}


def _watch(watched: World, conditions: Conditions) -> Callable[[], None]:
    def say() -> None:
        calls = len(watched.cloudfront.calls)
        conditions.say(f"{(watched.time.now() - START) / 3_600:.1f} h, {calls:,} calls")

    return say


SCENARIOS: Sequence[Scenario] = (
    Scenario(
        "deploy-at-once",
        "10,141 objects at one instant",
        partial(deployed, seconds=0, slow=False),
        {"calls": 5, "paths": 120, "max": 40},
        "4 calls, 298 paths, max 72 s",
    ),
    Scenario(
        "deploy-at-once-slow",
        "10,141 objects at one instant, pollers that fetch 100 messages a second",
        partial(deployed, seconds=0, slow=True),
        {"calls": 3, "paths": 120, "max": 60},
        "42 calls, 1,900 paths",
    ),
    Scenario(
        "deploy-101s",
        "10,141 objects over 101 s",
        partial(deployed, seconds=101, slow=False),
        {"paths": 500, "P50": 30, "P95": 65, "max": 75},
        "11 calls, 914 paths, P50 50 s, P95 108 s, max 113 s",
    ),
    Scenario(
        "deploy-101s-slow",
        "10,141 objects over 101 s, pollers that fetch 100 messages a second",
        partial(deployed, seconds=101, slow=True),
        {"paths": 600, "max": 90},
        "69 calls, 2,534 paths, max 1,166 s",
    ),
    Scenario(
        "singles-beside-deploy",
        "single changes beside the deploy over 101 s",
        partial(deployed, seconds=101, slow=False, singles=40),
        {"P95": 12, "max": 30},
        "P95 78 s, max 87 s",
    ),
    Scenario(
        "single-changes",
        "200 single changes in eight hours",
        single_changes,
        {"P95": 30, "max": 45},
    ),
    Scenario(
        "one-a-second",
        "one change a second for an hour, without `max_paths_per_hour`",
        one_a_second,
        {"P95": 15, "calls a second": 0.2},
        "P95 7 s, 0.35 calls a second",
    ),
    Scenario(
        "outage-10min",
        "CloudFront unavailable for 10 minutes",
        partial(outage, fault="unavailable", seconds=600),
        {"after": 45},
        "fresh 826 s after",
    ),
    Scenario(
        "throttled-10min",
        "every call throttled for 10 minutes",
        partial(outage, fault="throttling", seconds=600),
        {"after": 45},
        "fresh 826 s after",
        long=True,
    ),
    Scenario(
        "quota-10min",
        "files and wildcards held by others for 10 minutes",
        partial(outage, fault="quota", seconds=600),
        {"after": 45},
        "fresh 830 s after",
        long=True,
    ),
    Scenario(
        "down-5h",
        "CloudFront unavailable for 5 hours",
        partial(outage, fault="unavailable", seconds=5 * 3_600),
        {"after": 45},
        "731 of 930 innocent changes dead",
        long=True,
    ),
    Scenario(
        "denied-4h",
        "AccessDenied for 4 hours, then repaired",
        partial(outage, fault="denied", seconds=4 * 3_600),
        {"after": 45},
        "638 of 735 dead",
        long=True,
    ),
    Scenario(
        "wildcards-3h",
        "all wildcards held by others for 3 hours",
        partial(outage, fault="wildcards", seconds=3 * 3_600),
        {"after": 45},
        "2,999 of 3,000 dead",
        long=True,
    ),
    Scenario(
        "down-48h",
        "CloudFront unavailable for 48 hours",
        partial(outage, fault="unavailable", seconds=48 * 3_600),
        {"after": 45},
        long=True,
    ),
    Scenario(
        "lambda-refuses-1h",
        "Lambda throttles both functions for an hour",
        lambda_refuses,
        {"after": 180},
    ),
    Scenario(
        "killed", "a function killed after each of its steps", killed, {"max": 100}, "max 1,090 s", long=True
    ),
    Scenario(
        "inventory",
        "3,192 of 6,576 objects at one instant, with an inventory",
        listed,
        {"calls": 4, "paths": 100, "max": 75, "unchanged thrown out": 0},
    ),
    Scenario(
        "inventory-killed",
        "the same, the planner killed after each of its steps",
        listed_and_killed,
        {"max": 150, "unchanged thrown out": 0},
        long=True,
    ),
    Scenario(
        "inventory-100s",
        "8,000 of 32,000 objects over 100 s, in ten of forty directories, with an inventory",
        partial(versions, seconds=100, slow=False),
        {"paths": 500, "max": 75, "unchanged thrown out": 0},
    ),
    Scenario(
        "inventory-slow",
        "the same at one instant, pollers that fetch 100 messages a second",
        partial(versions, seconds=0, slow=True),
        {"paths": 120, "max": 75, "unchanged thrown out": 0},
    ),
    Scenario(
        "wildcards-shared",
        "10,141 objects at one instant, five of the fifteen wildcards held by others for 3 hours",
        wildcards_shared,
        {"calls": 20, "paths": 120, "max": 120},
    ),
    Scenario(
        "hot-path",
        "one object rewritten every second for an hour, with `max_paths_per_hour = 100`",
        hot_path,
        {"paths": 100, "max": 300},
    ),
    Scenario(
        "asleep-5d",
        "nothing receives for 5 days",
        partial(nothing_receives, days=5),
        {"after": 60},
        "24 of 120 lost",
    ),
    Scenario("asleep-9d", "nothing receives for 9 days", partial(nothing_receives, days=9), {"after": 60}),
    Scenario(
        "poison-30",
        "CloudFront refuses 30 % of the paths",
        poisoned,
        {"P95": 900, "calls": 1_500, "without a reason": 0},
        "P95 of the others 3,484 s, 4,072 calls",
        long=True,
    ),
    Scenario(
        "gone", "one of two distributions gone for good", gone, {"calls": 600}, "4,822 calls instead of 242"
    ),
    Scenario("upgrade", "an upgrade in place while messages wait", upgraded, {"after": 60}),
    Scenario(
        "unreadable-chunks",
        "chunks that no planner can read",
        unreadable_chunks,
        {"max": 60, "not among the dead letters": 0},
    ),
    Scenario(
        "storm-6000",
        "6,000 changes in 6 hours, every fault at 5 %",
        partial(stormy, count=6_000),
        {"P95": 400, "P99": 600, "max": 900, "calls": 2_000, "paths": 4_500, "without a reason": 0},
        "P95 1,094 s, P99 1,149 s, max 3,268 s, 3,834 calls, 5,927 paths",
        long=True,
    ),
    Scenario(
        "storm-6000-inventory",
        "the same, with an inventory, 5 % of whose calls fail",
        partial(stormy, count=6_000, inventory=True),
        {"P95": 400, "P99": 600, "max": 900, "calls": 2_000, "paths": 4_500, "without a reason": 0},
        long=True,
    ),
    Scenario(
        "storm-100000",
        "100,000 changes in 6 hours, every fault at 5 %",
        partial(stormy, count=100_000),
        {"dollars": 225, "without a reason": 0},
        "$225",
        long=True,
    ),
    Scenario(
        "storm-million",
        "a million changes in 6 hours, every fault at 5 %",
        partial(stormy, count=1_000_000),
        {"without a reason": 0},
        long=True,
    ),
    Scenario(
        "stream-10-6h",
        "ten new keys a second for six hours",
        partial(streamed, per_second=10, hours=6),
        {"dollars": 31.25, "max": 330, "most paths in an hour": 4_000},
        "$1,080",
        long=True,
    ),
    Scenario(
        "stream-1",
        "one new key a second for a day",
        partial(streamed, per_second=1),
        {"dollars": 120, "max": 330, "most paths in an hour": 4_000},
        "$432",
        long=True,
    ),
    Scenario(
        "stream-10",
        "ten new keys a second for a day",
        partial(streamed, per_second=10),
        {"dollars": 125, "max": 330, "most paths in an hour": 4_000},
        "$4,320",
        long=True,
    ),
    Scenario(
        "month",
        "a month of ninety deploys, 150 uploads a second",
        month,
        {"dollars": 40},
        "$111; $60 with a window of 20 s",
        long=True,
    ),
)
BY_NAME: Mapping[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
