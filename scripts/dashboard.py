"""A picture of the dashboard: which question each column answers, by which metrics.

`python -m scripts.dashboard < BODY` prints it as SVG, for a body as `aws cloudwatch get-dashboard` has it. It
shows no figures: those are the account's own.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

UNIT = 36
"""Pixels of a column of CloudWatch's grid; a row has half of that."""
MARGIN = 12
STYLE = """
  text { font-family: system-ui, sans-serif; fill: #1f2937 }
  .page { fill: #f3f4f6 } .card { fill: #ffffff; stroke: #d1d5db }
  .question { font-size: 17px; font-weight: 600 } .title { font-size: 12px; font-weight: 600 }
  .metric { font-size: 11px; fill: #4b5563 } .axis { stroke: #e5e7eb }
  @media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb } .page { fill: #111827 } .card { fill: #1f2937; stroke: #374151 }
    .metric { fill: #9ca3af } .axis { stroke: #374151 }
  }
"""


def render(body: dict[str, Any]) -> str:
    """The widgets where the dashboard has them, each with its title and the names of its metrics."""
    widgets = body["widgets"]
    width = max(widget["x"] + widget["width"] for widget in widgets) * UNIT + 2 * MARGIN
    height = max(widget["y"] + widget["height"] for widget in widgets) * UNIT // 2 + 2 * MARGIN
    drawn = "\n".join(line for widget in widgets for line in _drawn(widget))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>The dashboard</title>\n<style>{STYLE}</style>\n"
        f'<rect class="page" width="{width}" height="{height}" rx="8"/>\n{drawn}\n</svg>\n'
    )


def _drawn(widget: dict[str, Any]) -> Iterator[str]:
    x, y = MARGIN + widget["x"] * UNIT, MARGIN + widget["y"] * UNIT // 2
    width, height = widget["width"] * UNIT, widget["height"] * UNIT // 2
    if widget["type"] == "text":
        yield _text("question", x + 6, y + height - 3, widget["properties"]["markdown"].lstrip("# "))
        return
    yield f'<rect class="card" x="{x + 3}" y="{y + 3}" width="{width - 6}" height="{height - 6}" rx="6"/>'
    lines = textwrap.wrap(widget["properties"]["title"], 36)
    for row, line in enumerate(lines):
        yield _text("title", x + 14, y + 22 + 15 * row, line)
    for row in range(3):
        at = y + 62 + 9 * row
        yield f'<line class="axis" x1="{x + 14}" x2="{x + width - 14}" y1="{at}" y2="{at}"/>'
    names = dict.fromkeys(metric[1] for metric in widget["properties"]["metrics"])
    yield _text("metric", x + 14, y + height - 13, " · ".join(names))


def _text(kind: str, x: int, y: int, content: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(content)}</text>'


if __name__ == "__main__":
    print(render(json.load(sys.stdin)), end="")
