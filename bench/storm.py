"""Nothing lost: long runs of the packaged functions in virtual time, and the figures of docs/nothing-lost.md.

`python -m bench.storm` runs every scenario and prints what each came to beside its bounds. `--only NAME` runs
one, `--short` leaves out the long ones, `--one-stage` runs the design with one queue and one function,
`--classic` the recipe of one call per object. `--write` puts the figures into the document, beside those of
runs that are not repeated; `--picture` draws how soon changes are fresh, as `--write` does after all runs. A
seed repeats a run exactly. Exits 1 where anything was lost, or anything innocent was given up.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from bench import chart
from rich.console import Console
from scripts.progress import step
from tests.doubles.cloudfront_server import (
    NAMESPACE,
    AnswerLostError,
    CloudFront,
    NoAnswerError,
    ServiceError,
)
from tests.simulation.judge import Change, judge
from tests.simulation.scenarios import (
    BY_NAME,
    SCENARIOS,
    USD_PER_PATH,
    Conditions,
    Figures,
    Scenario,
    seconds_to_fresh,
    storm,
)
from tests.simulation.storm import DEPLOYED, DISTRIBUTION, ONE_STAGE, START, STORMY

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "nothing-lost.md"
PICTURE = ROOT / "docs" / "freshness.svg"
BEGIN, END = "<!-- figures: written by bench/storm.py -->", "<!-- end of figures -->"
"""Filled by hand, because cog computes what it checks, and these figures take an hour."""
SECONDS = frozenset({"P50", "P95", "P99", "max", "after", "Lambda s"})
SHOWN = ("calls", "paths", "P50", "P95", "max", "after", "lost", "innocent dead", "dollars")

Row = Sequence[object]


def classic_storm(changes: Sequence[Change], seed: int) -> Figures:
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
    return {
        "calls": len(cloudfront.calls),
        "throttled": answers["Throttling"],
        "paths": verdict.billed_paths,
        "lost": len(verdict.lost),
        "dollars": verdict.billed_paths * USD_PER_PATH,
    }


def table(header: Row, rows: Sequence[Row]) -> str:
    """A table in Markdown, numbers to the right."""
    return "\n".join(map(line, [header, ["---", *["--:"] * (len(header) - 1)], *rows]))


def line(cells: Row) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def shown(name: str, value: float | None) -> str:
    """A figure with its unit."""
    if value is None:
        return ""
    if name in SECONDS:
        return f"{value:,.0f} s"
    return f"${value:,.2f}" if name == "dollars" else f"{value:,.10g}"


def row(scenario: Scenario, figures: Figures) -> Row:
    """A scenario's line of the document: its figures, those with a bound beside it."""
    cells = []
    for name in SHOWN:
        text = shown(name, figures.get(name))
        if name == "lost" and figures.get("disputed"):
            text += f", and {figures['disputed']:g} disputed"
        bound = scenario.bounds.get(name)
        cells.append(
            text
            if bound is None or not text
            else f"{text} (≤ {bound:g})"
            if figures[name] <= bound
            else f"**{text} (≤ {bound:g}) MISS**"
        )
    return (scenario.title, *cells, scenario.before)


def rows_of(document: str, seed: int) -> dict[str, str]:
    """Title → line of the figures that stand in the document, if they are of the same seed."""
    figures = document.partition(BEGIN)[2].partition(END)[0]
    lines = figures.splitlines() if f"Seed {seed}." in figures else []
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}


def written(document: str, seed: int, results: dict[str, Figures]) -> str:
    """The document with these figures, and with those of the other runs as they stand in it."""
    standing = rows_of(document, seed)
    for name, figures in results.items():
        standing[BY_NAME[name].title] = line(row(BY_NAME[name], figures))
    lines = [standing[each.title] for each in SCENARIOS if each.title in standing]
    before, _, rest = document.partition(BEGIN)
    text = "\n".join([f"Seed {seed}.", "", table(["run", *SHOWN, "one stage"], ()), *lines])
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}"


def summary(scenario: Scenario, figures: Figures) -> str:
    """All figures of a scenario on one line."""
    values = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    broken = scenario.broken(figures)
    return f"{scenario.name}: {values}{'; BEYOND: ' + ', '.join(broken) if broken else '; within its bounds'}"


def main() -> None:
    """Run what was asked for; exit 1 where something was lost or a bound is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(BY_NAME), metavar="NAME", help="a scenario")
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios")
    parser.add_argument("--short", action="store_true", help="leave out what takes more than half a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one-stage", action="store_true", help="one queue, one function")
    parser.add_argument("--classic", type=int, metavar="CHANGES", help="the storm by one call per object")
    parser.add_argument("--json", type=Path, help="also write all figures into this file")
    parser.add_argument(
        "--read",
        action="append",
        type=Path,
        metavar="FILE",
        help="figures that --json wrote, instead of a run",
    )
    parser.add_argument("--write", action="store_true", help=f"put the figures into {DOCUMENT.name}")
    parser.add_argument("--picture", action="store_true", help=f"draw {PICTURE.name}")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{each.name}\t{each.title}" for each in SCENARIOS))
        return
    if arguments.classic:
        changes = storm(arguments.classic, random.Random(arguments.seed))
        print(json.dumps(classic_storm(changes, arguments.seed)))
        return
    known: dict[str, Figures] = {}
    for file in arguments.read or ():
        known |= json.loads(file.read_text(encoding="utf-8"))
    chosen = [BY_NAME[name] for name in arguments.only or known] or [
        each for each in SCENARIOS if not (arguments.short and each.long)
    ]
    console = Console(stderr=True)
    deployment = ONE_STAGE if arguments.one_stage else DEPLOYED
    print(f"seed {arguments.seed}, {'one stage' if arguments.one_stage else 'two stages'}", flush=True)
    results: dict[str, Figures] = {}
    for scenario in chosen:
        if scenario.name in known:
            results[scenario.name] = known[scenario.name]
            continue
        began = time.monotonic()
        with step(console, scenario.title) as say:
            results[scenario.name] = scenario.run(Conditions(arguments.seed, deployment, say))
        print(f"{summary(scenario, results[scenario.name])} [{time.monotonic() - began:.0f} s]", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if arguments.write:
        document = written(DOCUMENT.read_text(encoding="utf-8"), arguments.seed, results)
        DOCUMENT.write_text(document, encoding="utf-8")
    if arguments.picture or (arguments.write and not (arguments.only or known)):
        PICTURE.write_text(chart.fresh(seconds_to_fresh(Conditions(arguments.seed))), encoding="utf-8")
    sys.exit(any(BY_NAME[name].broken(figures) for name, figures in results.items()))


if __name__ == "__main__":
    main()
