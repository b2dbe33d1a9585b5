"""How few paths, and how little thrown out of the cache, beside other tools' rules and the best possible.

`python -m bench.planner [--workloads DIR] [--write]` prints every figure and exits with 1 where the
planner breaks a promise. Coverage and collateral are judged by a matcher of its own, from CloudFront's
documented rule alone.
With `--write`, the tables and the picture of docs/benchmark.md are made anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lambda")]

from bench import chart, growth  # noqa: E402 (the path above makes them importable from a script)
from bench.comparison import Comparison, Result  # noqa: E402
from tests.support import redeploys  # noqa: E402
from tests.support.optimum import optimum  # noqa: E402
from tests.support.redeploys import Workload  # noqa: E402
from tests.support.rules import RULES  # noqa: E402

from invalidator.plan import plan  # noqa: E402
from invalidator.settings import Budget, Target  # noqa: E402

BUDGETS = (Budget(15, 15), Budget(30, 30), Budget(100, 30))
KNOWN, BLIND = "with an inventory", "blind"
SIZES = (1_000, 10_000, 100_000, 1_000_000)

MOST_OVER_OPTIMUM = 1.01
"""Collateral with an inventory, summed over the workloads, as a multiple of the least possible."""
MOST_SECONDS, MOST_MEGABYTES = 0.5, 64
"""For 10,141 changes."""
MOST_GROWTH = 12
"""In time, for ten times the changes."""


def matched(items: Iterable[str], paths: Iterable[str]) -> int:
    """How many of the paths are purged: an item is a path, or the beginning of paths and a `*`."""
    exact = {item for item in items if not item.endswith("*")}
    prefixes = tuple(item[:-1] for item in items if item.endswith("*"))
    return sum(path in exact or path.startswith(prefixes) for path in paths)


def judged(
    workload: Workload, planner: str, items: Collection[str], budget: Budget | None, calls: int
) -> Result:
    return Result(
        workload=workload.name,
        planner=planner,
        budget=budget,
        paths=len(items),
        wildcards=sum(item.endswith("*") for item in items),
        collateral=matched(items, workload.unchanged),
        missed=len(workload.changed) - matched(items, workload.changed),
        calls=calls,
    )


def by_rules(workload: Workload) -> list[Result]:
    """Each rule, in as few calls as its items need."""
    results = []
    for name, rule in RULES.items():
        items = rule(workload.changed)
        wildcards = sum(item.endswith("*") for item in items)
        results.append(judged(workload, name, items, None, max(-(-len(items) // 3_000), -(-wildcards // 15))))
    return results


def by_us(workload: Workload, budget: Budget, unchanged: Sequence[str] | None) -> Result:
    target = Target("E1EXAMPLE")
    wanted = {target: {path: frozenset([path]) for path in workload.changed}}
    calls = plan(wanted, budget, None if unchanged is None else {target: unchanged})
    items = [item for call in calls for item in call.items]
    return judged(workload, BLIND if unchanged is None else KNOWN, items, budget, len(calls))


def compared(workload: Workload, budget: Budget, rules: Iterable[Result]) -> Comparison:
    within = [rule for rule in rules if rule.paths <= budget.max_paths]
    fits = len(workload.changed) <= budget.max_paths
    return Comparison(
        workload=workload,
        budget=budget,
        optimum=0
        if fits
        else optimum(workload.changed, workload.unchanged, budget.max_paths, budget.max_wildcards),
        known=by_us(workload, budget, workload.unchanged),
        blind=by_us(workload, budget, None),
        best_rule=min(within, key=lambda rule: (rule.collateral, rule.paths)),
    )


def broken(comparisons: Sequence[Comparison], costs: Sequence[growth.Cost]) -> list[str]:
    """Every promise that does not hold, in words."""
    faults = [
        f"{result.workload}, {result.planner}: {what}"
        for comparison in comparisons
        for result in (comparison.known, comparison.blind)
        for what, wrong in (
            (f"{result.missed} changes missed", result.missed > 0),
            (f"{result.paths} paths", result.paths > comparison.budget.max_paths),
            (f"{result.wildcards} wildcards", result.wildcards > comparison.budget.max_wildcards),
        )
        if wrong
    ]
    for budget in BUDGETS:
        of_budget = [comparison for comparison in comparisons if comparison.budget == budget]
        least = sum(comparison.optimum for comparison in of_budget)
        reached = sum(comparison.known.collateral for comparison in of_budget)
        if reached > least * MOST_OVER_OPTIMUM:
            faults.append(
                f"{label(budget)}: collateral {reached} with an inventory, where {least} is possible"
            )
    faults += [
        f"{each.workload.name}, {label(each.budget)}: {each.blind.collateral} blind, "
        f"{each.best_rule.collateral} by the rule “{each.best_rule.planner}”"
        for each in comparisons
        if each.blind.collateral > each.best_rule.collateral
    ]
    for smaller, larger in pairwise(costs):
        for then, now in (
            (smaller.known_seconds, larger.known_seconds),
            (smaller.blind_seconds, larger.blind_seconds),
        ):
            if now > then * MOST_GROWTH * larger.changes / smaller.changes / 10:
                faults.append(
                    f"{larger.changes:,} changes: {now:.1f} s after {then:.1f} s for {smaller.changes:,}"
                )
    return faults


def too_dear(cost: growth.Cost) -> list[str]:
    faults = []
    if max(cost.known_seconds, cost.blind_seconds) > MOST_SECONDS:
        faults.append(
            f"{cost.changes:,} changes: {cost.known_seconds:.2f} s known, {cost.blind_seconds:.2f} s blind"
        )
    if cost.megabytes > MOST_MEGABYTES:
        faults.append(f"{cost.changes:,} changes: {cost.megabytes:.0f} MB")
    return faults


def label(budget: Budget) -> str:
    return f"{budget.max_paths} paths, {budget.max_wildcards} wildcards"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> str:
    """A Markdown table whose first `words` columns are words, the others numbers."""
    lines = [header, ["---"] * words + ["--:"] * (len(header) - words)]
    lines += [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def collateral_table(comparisons: Sequence[Comparison]) -> str:
    """Collateral by workload, the sums last."""
    rows: list[list[object]] = [
        [
            each.workload.name,
            len(each.workload.unchanged),
            each.optimum,
            each.known.collateral,
            each.blind.collateral,
            each.best_rule.collateral,
            each.best_rule.planner,
        ]
        for each in comparisons
    ]
    sums = [sum(int(str(row[column])) for row in rows) for column in range(1, 6)]
    header = ("workload", "unchanged", "the optimum", KNOWN, BLIND, "the best rule", "which rule")
    return table(header, [*rows, ["**together**", *sums, ""]])


def result_table(results: Iterable[Result]) -> str:
    header = (
        "workload",
        "planner",
        "paths",
        "wildcards",
        "collateral",
        "missed",
        "calls",
        "rounds of 15",
        "dollars",
    )
    rows = [
        (
            result.workload,
            result.planner + (f", {label(result.budget)}" if result.budget else ""),
            result.paths,
            result.wildcards,
            result.collateral,
            result.missed,
            result.calls,
            result.rounds,
            f"{result.dollars:.3f}",
        )
        for result in results
    ]
    return table(header, rows, words=2)


def round_table(loaded: Sequence[Workload]) -> str:
    """What the second fifteen wildcards buy, at a hundred paths and with an inventory."""
    rows = []
    for workload in loaded:
        one, two = (by_us(workload, Budget(100, most), workload.unchanged) for most in (15, 30))
        rows.append(
            [
                workload.name,
                len(workload.changed),
                one.collateral,
                two.collateral,
                one.collateral - two.collateral,
            ]
        )
    return table(
        ("workload", "changes", "15 wildcards", "30 wildcards", "objects kept by the second round"), rows
    )


def cost_table(costs: Iterable[growth.Cost]) -> str:
    rows = [
        (
            f"{cost.changes:,}",
            cost.unchanged,
            f"{cost.known_seconds:.2f} s",
            f"{cost.blind_seconds:.2f} s",
            f"{cost.megabytes:.0f} MB",
        )
        for cost in costs
    ]
    return table(("changes", "unchanged", KNOWN, BLIND, "the whole process"), rows, words=0)


def document(sections: dict[str, str], template: str) -> str:
    """The template with each `<!-- NAME -->` … `<!-- end -->` filled anew.

    By hand, because cog computes what it checks, and these figures take minutes and differ on each machine.
    """
    for name, text in sections.items():
        opening = f"<!-- {name} -->"
        before, _, rest = template.partition(opening)
        assert template.count(opening) == 1, name
        template = f"{before}{opening}\n{text}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return template


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workloads", type=Path, default=redeploys.FOLDER, help="a folder of NAME.json.gz")
    parser.add_argument("--write", action="store_true", help="make docs/benchmark.md and its picture anew")
    parser.add_argument(
        "--no-growth", action="store_true", help="leave out the curve up to a million changes"
    )
    arguments = parser.parse_args()

    loaded = redeploys.load(arguments.workloads)
    assert loaded, f"no workloads in {arguments.workloads}"
    rules = {workload.name: by_rules(workload) for workload in loaded}
    comparisons = [compared(each, budget, rules[each.name]) for budget in BUDGETS for each in loaded]
    results = [
        result
        for workload in loaded
        for result in [
            *rules[workload.name],
            *(each for one in comparisons if one.workload is workload for each in (one.known, one.blind)),
        ]
    ]
    largest = growth.measured("openjdk-doc")
    costs = [] if arguments.no_growth else [growth.measured(str(size)) for size in SIZES]

    sections = {"every": result_table(results)}
    for budget in BUDGETS:
        of_budget = [each for each in comparisons if each.budget == budget]
        sections[label(budget)] = collateral_table(of_budget)
    sections |= {"rounds": round_table(loaded), "largest": cost_table([largest]), "growth": cost_table(costs)}
    for name, text in sections.items():
        print(f"\n{name}\n\n{text}")
    if arguments.write:
        page = ROOT / "docs" / "benchmark.md"
        page.write_text(document(sections, page.read_text()))
        (ROOT / "docs" / "benchmark.svg").write_text(chart.drawn(comparisons, costs))

    faults = broken(comparisons, costs) + too_dear(largest)
    print("\nEvery promise holds." if not faults else "\nBroken:\n" + "\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
