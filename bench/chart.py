"""The pictures of the documents: collateral, the time to plan, and how soon changes are fresh."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from bench.comparison import Comparison
    from bench.growth import Cost
    from bench.inventory import Row

WIDTH, MARGIN, LABELS = 1000, 28, 190
ROW, PANEL_TOP, GAP = 27, 132, 44
CURVE_HEIGHT = 190

LIGHT = {
    "ink": "#1f2328", "faint": "#656d76", "line": "#d8dee4", "paper": "#ffffff",
    "known": "#1a7f37", "blind": "#0969da", "rule": "#bc4c00",
}  # fmt: skip
DARK = {
    "ink": "#e6edf3", "faint": "#9198a1", "line": "#30363d", "paper": "#0d1117",
    "known": "#3fb950", "blind": "#58a6ff", "rule": "#f0883e",
}  # fmt: skip

SHAPES = """
  text { font: 13px -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
  text.title { font-size: 17px; font-weight: 600; }
  text.panel { font-weight: 600; }
  text.faint { font-size: 11.5px; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .curve { fill: none; stroke-width: 2.5; }
  .span { stroke-width: 5; stroke-linecap: round; }
  .optimum, .rule { stroke-width: 2; }
"""


def drawn(comparisons: Sequence[Comparison], costs: Sequence[Cost]) -> str:
    """The picture as SVG, which follows the reader's light or dark theme."""
    rows = max(sum(each.budget == one.budget for each in comparisons) for one in comparisons)
    below = PANEL_TOP + rows * ROW + 62
    height = below + (CURVE_HEIGHT + 84 if costs else 0)
    parts = [
        *_paper(height, "Collateral of the planner beside the optimum and other rules"),
        _text(MARGIN, 36, "Unchanged objects thrown out of the cache", "title"),
        _text(MARGIN, 58, "share of all unchanged objects, by redeploy; further left is better", "faint"),
        *_legend(),
        *_panels(comparisons),
    ]
    if costs:
        parts += _curve(costs, below)
    return "\n".join([*parts, "</svg>\n"])


def _paper(height: float, label: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(label)}">',
        f"<style>{SHAPES}{_colours(LIGHT)}",
        f"@media (prefers-color-scheme: dark) {{{_colours(DARK)}}}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
    ]


def _colours(palette: dict[str, str]) -> str:
    return """
  text {{ fill: {ink}; }}
  text.faint {{ fill: {faint}; }}
  .paper {{ fill: {paper}; }}
  .line, .span {{ stroke: {line}; }}
  .optimum {{ stroke: {ink}; }}
  .rule {{ fill: {paper}; stroke: {rule}; }}
  .known {{ fill: {known}; stroke: {paper}; }}
  .blind {{ fill: {blind}; stroke: {paper}; }}
  .known-curve {{ stroke: {known}; }}
  .blind-curve {{ stroke: {blind}; }}
  .rule-curve {{ stroke: {rule}; }}
  .ink-curve {{ stroke: {ink}; }}
""".format(**palette)


def _legend() -> list[str]:
    parts, x = [], MARGIN + 6
    for kind, words in (
        ("optimum", "the exact optimum"),
        ("known", "with an inventory"),
        ("blind", "blind"),
        ("rule", "the best of six other rules with as many paths or fewer"),
    ):
        parts += [_mark(kind, x, 80), _text(x + 13, 84.5, words, "")]
        x += 36 + 7 * len(words)
    return parts


def _panels(comparisons: Sequence[Comparison]) -> list[str]:
    budgets = list(dict.fromkeys(each.budget for each in comparisons))
    width = (WIDTH - 2 * MARGIN - LABELS - GAP * (len(budgets) - 1)) / len(budgets)
    parts = []
    for number, budget in enumerate(budgets):
        left = MARGIN + LABELS + number * (width + GAP)
        of_budget = [each for each in comparisons if each.budget == budget]
        bottom = PANEL_TOP + len(of_budget) * ROW
        heading = f"{budget.max_paths} paths, {budget.max_wildcards} wildcards"
        parts.append(_text(left, PANEL_TOP - 14, heading, "panel"))
        for share in (0, 50, 100):
            x = left + width * share / 100
            parts += [
                f'<path class="line" d="M{x:.1f} {PANEL_TOP}V{bottom}"/>',
                _text(x, bottom + 17, f"{share} %", "faint middle"),
            ]
        for row, each in enumerate(of_budget):
            y = PANEL_TOP + (row + 0.5) * ROW
            if number == 0:
                name = each.workload.name.rpartition("_")[2]
                parts.append(_text(MARGIN + LABELS - 16, y + 4.5, name, "end"))
            parts += _row(each, left, width, y)
    return parts


def _row(each: Comparison, left: float, width: float, y: float) -> list[str]:
    def at(collateral: int) -> float:
        return left + width * collateral / max(len(each.workload.unchanged), 1)

    best, worst = at(each.optimum), at(each.best_rule.collateral)
    return [
        f'<path class="span" d="M{best:.1f} {y}H{max(worst, best + 0.1):.1f}"/>',
        _mark("rule", worst, y),
        _mark("blind", at(each.blind.collateral), y),
        _mark("known", at(each.known.collateral), y),
        _mark("optimum", best, y),
    ]


def _curve(costs: Sequence[Cost], top: float) -> list[str]:
    left, right, bottom = MARGIN + LABELS, WIDTH - MARGIN - 190, top + 48 + CURVE_HEIGHT
    seconds = [second for cost in costs for second in (cost.known_seconds, cost.blind_seconds)]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    first, last = math.log10(costs[0].changes), math.log10(costs[-1].changes)

    def x(changes: int) -> float:
        return left + (right - left) * (math.log10(changes) - first) / (last - first)

    def y(second: float) -> float:
        return bottom - CURVE_HEIGHT * (math.log10(second) - low) / (high - low)

    parts = [
        _text(MARGIN, top + 4, "Seconds of one core to plan", "title"),
        _text(MARGIN, top + 26, "by the number of changes of a made-up site; both axes logarithmic", "faint"),
    ]
    for power in range(low, high + 1):
        parts += [
            f'<path class="line" d="M{left} {y(10**power):.1f}H{right}"/>',
            _text(left - 12, y(10**power) + 4, f"{10.0**power:g} s", "faint end"),
        ]
    parts += [_text(x(cost.changes), bottom + 20, f"{cost.changes:,}", "faint middle") for cost in costs]
    for kind, words, values in (
        ("blind", "blind", [cost.blind_seconds for cost in costs]),
        ("known", "with an inventory", [cost.known_seconds for cost in costs]),
    ):
        points = [(x(cost.changes), y(value)) for cost, value in zip(costs, values, strict=True)]
        parts.append(f'<polyline class="curve {kind}-curve" points="{_points(points)}"/>')
        parts += [_mark(kind, *point) for point in points]
        x_end, y_end = points[-1]
        higher = values[-1] == max(costs[-1].known_seconds, costs[-1].blind_seconds)
        parts.append(_text(x_end + 14, y_end + (-3 if higher else 13), f"{words}, {values[-1]:.1f} s", ""))
    return parts


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _mark(kind: str, x: float, y: float) -> str:
    if kind == "optimum":
        return f'<path class="optimum" d="M{x:.1f} {y - 8:.1f}V{y + 8:.1f}"/>'
    if kind == "rule":
        return f'<path class="rule" d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z"/>'
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{5.5 if kind == "blind" else 4.5}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def listed(rows: Sequence[Row]) -> str:
    """Collateral over the number of keys, a panel for each shape: all known, from the listing, blind."""
    shapes = list(dict.fromkeys(row.shape for row in rows))
    columns, plot, row_height = 3, 170, 250
    height = 120 + row_height * math.ceil(len(shapes) / columns)
    width = (WIDTH - 2 * MARGIN - 60 - GAP * (columns - 1)) / columns
    parts = [
        *_paper(height, "Collateral over the number of keys: all known, from the listing, blind"),
        _text(MARGIN, 36, "Collateral by the number of keys in the bucket", "title"),
    ]
    x = MARGIN + 6.0
    for kind, words in (
        ("optimum", "all known"),
        ("known", "from at most 50 pages"),
        ("blind", "blind"),
    ):
        parts += [_mark(kind, x, 64), _text(x + 13, 68.5, words, "")]
        x += 36 + 7 * len(words)
    for number, shape in enumerate(shapes):
        left = MARGIN + 60 + number % columns * (width + GAP)
        top = 112 + number // columns * row_height
        parts.append(_text(left, top - 14, shape, "panel"))
        of_shape = [row for row in rows if row.shape == shape]
        for power in range(0, 7, 2):
            y = top + plot * (1 - power / 6)
            parts.append(f'<path class="line" d="M{left:.1f} {y:.1f}H{left + width:.1f}"/>')
            if number % columns == 0:
                parts.append(_text(left - 10, y + 4, f"{10**power:,}", "faint end"))
        for place, row in enumerate(of_shape):
            x = left + width * (place + 0.5) / len(of_shape)
            parts += [
                _text(x, top + plot + 20, _short(row.keys), "faint middle"),
                _text(x, top + plot + 36, f"{_short(row.changed)} ch.", "faint middle"),
            ]
            for kind, collateral in (("blind", row.blind), ("known", row.listed), ("optimum", row.known)):
                parts.append(_mark(kind, x, top + plot * (1 - math.log10(max(collateral, 1)) / 6)))
    caption = "keys, and how many of them changed; the axis of collateral is logarithmic"
    return "\n".join([*parts, _text(MARGIN, height - 22, caption, "faint"), "</svg>\n"])


def fresh(seconds_by_run: Mapping[str, Sequence[float]]) -> str:
    """The share of changes that are fresh, over the seconds since the change, a curve for each run."""
    height, top, plot, left = 372, 96, 210, MARGIN + 48
    right = WIDTH - MARGIN - 400
    longest = 10 * math.ceil(max(max(each) for each in seconds_by_run.values()) / 10)

    def x(second: float) -> float:
        return left + (right - left) * second / longest

    def y(share: float) -> float:
        return top + plot * (1 - share)

    parts = [
        *_paper(height, "Share of changes that are fresh, over the seconds since the change"),
        _text(MARGIN, 36, "How soon a change is fresh", "title"),
        _text(
            MARGIN,
            58,
            "share of the changes for which CloudFront has accepted what covers all of their URLs",
            "faint",
        ),
    ]
    for percent in (0, 25, 50, 75, 100):
        parts += [
            f'<path class="line" d="M{left} {y(percent / 100):.1f}H{right}"/>',
            _text(left - 10, y(percent / 100) + 4, f"{percent} %", "faint end"),
        ]
    parts += [
        _text(x(second), top + plot + 20, f"{second} s", "faint middle")
        for second in range(0, longest + 1, 10)
    ]
    kinds = ("known", "blind", "rule", "ink")
    for number, (kind, (run, seconds)) in enumerate(zip(kinds, seconds_by_run.items(), strict=True)):
        in_order = sorted(seconds)
        points = [(x(0), y(0))]
        for place, second in enumerate(in_order):
            points += [(x(second), y(place / len(in_order))), (x(second), y((place + 1) / len(in_order)))]
        points.append((x(longest), y(1)))
        below = top + 12 + number * 54
        ranks = ", ".join(
            f"P{percent} {in_order[math.ceil(len(in_order) * percent / 100) - 1]:.0f} s"
            for percent in (50, 95)
        )
        parts += [
            f'<polyline class="curve {kind}-curve" points="{_points(_thinned(points))}"/>',
            f'<path class="curve {kind}-curve" d="M{right + 34} {below - 4}h26"/>',
            _text(right + 70, below, run, "panel"),
            _text(right + 70, below + 18, f"{ranks}, max {in_order[-1]:.0f} s", "faint"),
        ]
    caption = "virtual time, default settings; after an outage, the seconds count from its end"
    return "\n".join([*parts, _text(MARGIN, height - 22, caption, "faint"), "</svg>\n"])


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those that lie within a tenth of a unit of the one before, or between two others."""
    found: list[tuple[float, float]] = []
    for point in points:
        if found and max(abs(point[0] - found[-1][0]), abs(point[1] - found[-1][1])) < 0.1:
            continue
        while len(found) > 1 and any(found[-2][axis] == found[-1][axis] == point[axis] for axis in (0, 1)):
            found.pop()
        found.append(point)
    return [*found, points[-1]]


def _short(number: int) -> str:
    return f"{round(number / 1_000_000)} M" if number > 900_000 else f"{round(number / 1_000)} k"
