"""Nothing lost: long runs of the packaged function in virtual time, and the figures of docs/nothing-lost.md.

`python -m bench.storm` prints them, `--write` puts them into the document; `--changes 10000` makes the storm
smaller. Every run is repeated exactly by its seed.
"""

from __future__ import annotations

import argparse
import gzip
import heapq
import itertools
import json
import math
import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from scripts.progress import step
from tests.doubles.cloudfront_server import (
    MAX_WILDCARDS_IN_PROGRESS,
    NAMESPACE,
    AnswerLostError,
    CloudFront,
    NoAnswerError,
    ServiceError,
)
from tests.simulation.judge import Change, judge
from tests.simulation.sqs import Batching
from tests.simulation.storm import (
    DISTRIBUTION,
    START,
    STORMY,
    Result,
    deploy,
    s3_notification,
    small_message,
    trickle,
    world,
)

ROOT = Path(__file__).resolve().parent.parent
WORKLOADS = ROOT / "bench" / "workloads"
DOCUMENT = ROOT / "docs" / "nothing-lost.md"
BEGIN, END = "<!-- figures: written by bench/storm.py -->", "<!-- end of figures -->"

HOURS = 6
DEPLOYS_OF_EACH = 3
OBJECTS_A_SECOND = 100
"""How fast a deploy uploads."""
USD_PER_PATH = 0.005

GARBAGE = ["", "null", '{"Records": 7}', '{"hello": "world"}', "[]"] * 4

Row = Sequence[object]
Say = Callable[[str], None]


def workload(name: str) -> list[str]:
    """The keys that a real redeploy changed."""
    changed: list[str] = json.loads(gzip.decompress((WORKLOADS / f"{name}.json.gz").read_bytes()))["changed"]
    return changed


def storm(count: int, chance: random.Random) -> list[Change]:
    """A working day of a bucket: each real redeploy three times, at any hour, and single objects between."""
    sites = {
        path.name.removesuffix(".json.gz"): [f"{path.name.split('.')[0]}/{key}" for key in changed]
        for path in sorted(WORKLOADS.glob("*.json.gz"))
        if (changed := workload(path.name.removesuffix(".json.gz")))
    }
    keys = list(itertools.chain.from_iterable(sites.values()))
    changes = [
        change
        for site in sites.values()
        for _ in range(DEPLOYS_OF_EACH)
        for change in deploy(
            site,
            at=START + chance.uniform(0, HOURS * 3_600 - len(site) / OBJECTS_A_SECOND),
            seconds=len(site) / OBJECTS_A_SECOND,
        )
    ]
    changes = chance.sample(changes, min(len(changes), count * 2 // 3))
    return changes + trickle(keys, count - len(changes), seconds=HOURS * 3_600, chance=chance)


@dataclass(frozen=True)
class Tally:
    """One run of the storm, by whichever means."""

    name: str
    calls: int
    throttled: int
    paths: int
    lost: int
    billed_twice: int
    seconds: float
    notes: str

    @property
    def dollars(self) -> float:
        """At the list price, past the account's free thousand."""
        return self.paths * USD_PER_PATH


def our_storm(changes: Sequence[Change], seed: int, say: Say) -> Tally:
    """The storm through the packaged function, with every fault at 5 % of the calls."""
    poison = {f"/{change.key}" for change in changes[:: len(changes) // 10]}
    with world(seed=seed, weather=STORMY, refused=poison) as stormy:
        stormy.change(changes)
        garbage = {
            stormy.queue.send(body, START + stormy.chance.uniform(0, HOURS * 3_600)) for body in GARBAGE
        }
        result = stormy.run(lambda: say(f"{(stormy.time.now() - START) / 3_600:.1f} h of {HOURS} h"))
    innocent = {key for key in result.dead_keys if f"/{key}" not in poison}
    notes = (
        f"{len(result.dead)} dead letters: {len(garbage & result.dead)} of {len(garbage)} unreadable ones, "
        f"{len(result.dead_keys)} paths that CloudFront refuses, {len(innocent)} others; "
        f"{len(result.reasons)} of them with their reason in the log; "
        f"{stormy.function.invocations:,} invocations, {stormy.function.kills:,} killed midway"
    )
    return Tally(
        "this module",
        result.calls,
        result.answers.get("Throttling", 0),
        result.verdict.billed_paths,
        len(result.lost),
        result.verdict.billed_twice,
        result.seconds,
        notes,
    )


def classic_storm(changes: Sequence[Change], seed: int) -> Tally:
    """The same storm by the classic recipe: for each event a function, one path, errors swallowed.

    boto3's standard mode tries three times, after a random part of one and of two seconds, and does not
    retry TooManyInvalidationsInProgress. It is imitated: hundreds of thousands of real calls prove no more.
    """
    now = [START]
    chance = random.Random(seed)
    cloudfront = CloudFront(clock=lambda: now[0], seed=seed, fault_rates=dict(STORMY.faults))
    order = itertools.count()
    agenda = [
        (change.time + chance.lognormvariate(0, 0.5), next(order), change.key, 1)
        for change in changes
        for _ in range(1 + (chance.random() < STORMY.duplicated))
    ]
    heapq.heapify(agenda)
    while agenda:
        now[0], number, key, attempt = heapq.heappop(agenda)
        body = (
            f'<InvalidationBatch xmlns="{NAMESPACE}"><Paths><Quantity>1</Quantity><Items><Path>/{escape(key)}'
            f"</Path></Items></Paths><CallerReference>{number}</CallerReference></InvalidationBatch>"
        )
        try:
            cloudfront.create("distribution", DISTRIBUTION, body.encode())
        except (AnswerLostError, NoAnswerError):
            again = True
        except ServiceError as error:
            again = error.code == "Throttling" or error.status >= 500
        else:
            again = False
        if again and attempt < 3:
            delay = chance.random() * 2.0 ** (attempt - 1)
            heapq.heappush(agenda, (now[0] + delay, number, key, attempt + 1))
    answers = Counter(call.answer for call in cloudfront.calls)
    verdict = judge(changes, tuple(cloudfront.invalidations.values()))
    return Tally(
        "one call per object",
        len(cloudfront.calls),
        answers["Throttling"],
        verdict.billed_paths,
        len(verdict.lost),
        verdict.billed_twice,
        now[0] - START,
        "nobody is told: the errors are swallowed",
    )


DEPLOYMENTS: Sequence[tuple[str, Callable[[Change], str], Batching]] = (
    ("S3 notifications", s3_notification, Batching()),
    ("small messages", small_message, Batching()),
    ("S3 notifications, `size = 1000`", s3_notification, Batching(size=1_000)),
    ("S3 notifications, `timeout_seconds = 60`", s3_notification, Batching(timeout_seconds=60)),
)


def deploy_rows(seeds: Sequence[int], say: Say) -> Iterator[Row]:
    """The deploy of 10,141 objects, with different messages and settings, once for each seed."""
    for name, body, batching in DEPLOYMENTS:
        runs = []
        for seed in seeds:
            say(f"{name}, seed {seed}")
            with world(seed=seed, batching=batching) as busy:
                busy.change(deploy(workload("openjdk-doc")), body)
                result = busy.run()
            paths, seconds = result.verdict.billed_paths, round(result.seconds)
            runs.append((busy.function.invocations, result.calls, paths, seconds, len(result.lost)))
        within = sum(calls <= 8 and paths <= 300 and seconds <= 180 for _, calls, paths, seconds, _ in runs)
        yield name, *map(spread, zip(*runs, strict=True)), f"{within} of {len(runs)}"


def poison_row(seed: int) -> Row:
    """One path among 3,000 that CloudFront refuses for no documented reason."""
    keys = [f"page-{number:04}.html" for number in range(3_000)]
    poison = random.Random(seed).choice(keys)
    settings = {"max_paths": 10_000, "max_wildcards": 10_000}
    batching = Batching(max_receives=1, timeout_seconds=300)
    with world(seed=seed, batching=batching, settings=settings, refused={f"/{poison}"}) as poisoned:
        poisoned.change(deploy(keys))
        result = poisoned.run()
    bound = math.floor(2 * math.log2(3_000) + 2)
    return (
        "one poison path among 3,000",
        f"{result.calls} calls (bound {bound}), {len(result.dead)} message in the dead letters, "
        f"{len(result.lost)} lost, {result.verdict.billed_paths:,} paths billed",
    )


def kill_row(seed: int) -> Row:
    """The same batches, once undisturbed and once killed after each of their steps in turn."""

    def run(kill_at: int | None) -> tuple[int, Result]:
        with world(seed=seed) as deadly:
            deadly.function.kill_at = kill_at
            deadly.change(deploy(workload("bootstrap-icons")))
            result = deadly.run()
        return deadly.function.steps, result

    steps, undisturbed = run(None)
    killed = [run(step)[1] for step in range(steps)]
    lost = sum(len(result.lost) for result in killed)
    extra = sum(result.verdict.billed_paths - undisturbed.verdict.billed_paths for result in killed)
    return (
        "the function killed at every step of a batch, in turn",
        f"{steps} steps, {lost} lost, {extra} paths billed twice for the same messages",
    )


def quota_row(seed: int) -> Row:
    """All 3,000 files and 15 wildcards in use by somebody else for ten minutes."""
    with world(seed=seed) as patient:
        patient.cloudfront.hold(DISTRIBUTION, files=3_000, wildcards=MAX_WILDCARDS_IN_PROGRESS, seconds=600)
        patient.change(deploy(workload("bootstrap-icons")))
        result = patient.run()
    return (
        "quota held full by somebody else for ten minutes",
        f"{result.calls} calls, {len(result.lost)} lost, {len(result.dead)} dead letters, "
        f"drained {result.seconds - 600:.0f} s after the quota was free",
    )


def spread(values: Sequence[int]) -> str:
    """The median, and the least and the most where they differ."""
    middle = statistics.median_low(values)
    return f"{middle:,}" if min(values) == max(values) else f"{middle:,} ({min(values):,}–{max(values):,})"


def storm_rows(ours: Tally, classic: Tally) -> Iterator[Row]:
    """Both runs of the storm, and how many times as much the classic recipe takes."""
    for tally in (ours, classic):
        yield (
            tally.name,
            f"{tally.calls:,}",
            f"{tally.throttled:,}",
            f"**{tally.lost:,}**",
            f"{tally.paths:,}",
            f"{tally.billed_twice:,}",
            f"${tally.dollars:,.2f}",
            f"{tally.seconds / 3_600:.1f} h",
        )


def table(header: Row, rows: Sequence[Row]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def figures(count: int, seed: int, seeds: Sequence[int]) -> str:
    """All that the document shows, as Markdown."""
    console = Console(stderr=True)
    changes = storm(count, random.Random(seed))
    with step(console, f"a storm of {count:,} changes, through this module") as say:
        ours = our_storm(changes, seed, say)
    with step(console, "the same storm, one call per object"):
        classic = classic_storm(changes, seed)
    with step(console, "a deploy of 10,141 objects") as say:
        deployed = list(deploy_rows(seeds, say))
    with step(console, "poison, kills, and a quota held by somebody else"):
        single = [poison_row(seed), kill_row(seed), quota_row(seed)]
    undelivered = count * USD_PER_PATH
    return "\n\n".join(
        [
            f"### The storm: {count:,} changes in {HOURS} hours, every fault at 5 % (seed {seed})",
            table(
                ["", "calls", "throttled", "lost", "paths billed", "for nothing", "dollars", "drained after"],
                list(storm_rows(ours, classic)),
            ),
            f"Of this module: {ours.notes}. Of the classic recipe: {classic.notes}; had CloudFront taken all "
            f"of its paths, they would have cost ${undelivered:,.2f}. "
            f"It makes {classic.calls / ours.calls:,.0f} times as many calls.",
            f"### The deploy: 10,141 objects at once (seeds {seeds[0]} to {seeds[-1]}: median, least–most)",
            table(
                ["messages", "batches", "calls", "paths", "seconds", "lost", "within the bounds"],
                deployed,
            ),
            "The bounds: 8 calls, 300 paths, 180 seconds. Calls count whether or not CloudFront takes them.",
            f"### One thing at a time (seed {seed})",
            table(["run", "what came of it"], single).replace("--:", "---"),
        ]
    )


def main() -> None:
    """Run everything; exit 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--changes", type=int, default=100_000, help="of the storm")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deploys", type=int, default=20, help="seeds of the deploy, from 1")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {DOCUMENT.name}")
    arguments = parser.parse_args()
    text = figures(arguments.changes, arguments.seed, range(1, arguments.deploys + 1))
    print(text)
    if arguments.write:
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
