"""What a bounded listing is worth: made-up sites behind a local S3, each planned in a process of its own.

`python -m bench.inventory [--write]` prints the table of docs/benchmark.md and exits with 1 where a promise
is broken; with `--write` it makes the tables and docs/inventory.svg anew. Time is virtual: 80 ms for a round
of pages, which are requested at once, and the processor time of the process as a function with 256 MB has it;
so a slower machine lists fewer pages.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "lambda")]

from bench.growth import most_megabytes  # noqa: E402 (the path above makes them importable from a script)
from tests.doubles.s3_server import Bucket, serve  # noqa: E402
from tests.support.sites import SHAPES, made_up  # noqa: E402

from invalidator.paths import primary_path  # noqa: E402
from invalidator.plan import covering_items  # noqa: E402
from invalidator.settings import INVENTORY_PAGES, Budget, Route, Target  # noqa: E402

SIZES = ((10_000, 1_000), (200_000, 4_000), (200_000, 10_000), (1_000_000, 10_000))
SEED = 1
LARGE, LARGEST = (200_000, 10_000), (1_000_000, 10_000)
SEEDS = (1, 2, 3, 4, 5, 6)
"""At the largest sizes one site says little: of some shapes there are several."""
SHAPES_OF_SEVERAL_SITES = ("directories", "assets", "versions", "catalogue", "sections", "grown")
PAGES = (INVENTORY_PAGES, 100, 200)
"""The bounds that several sites are planned with."""
SECONDS_PER_ROUND = 0.08
SHARE_OF_A_PROCESSOR = 256 / 1_769
"""What 256 MB have of one: 1,769 MB are one (Lambda developer guide, "Configure memory")."""
SAME = 1.02
"""The listing counts as worse than none from this multiple on."""
SPARE_OBJECTS = 10
"""A multiple of next to nothing says nothing."""
MOST_SECONDS, MOST_MEGABYTES = 3.0, 160
MOST_OVERSHOOT_SECONDS = 0.4
"""A round of pages that began in time may end so much later."""

ROUTE = Route("site", Target("E1EXAMPLE"), bucket="site", index_documents=())


@dataclass(frozen=True)
class Listed:
    """A plan made from a listing."""

    items: list[str]
    pages: int
    seconds: float
    """Virtual seconds from the start of the listing to its end."""
    plan_seconds: float
    """Processor seconds of the whole plan, of one whole processor."""
    megabytes: float


@dataclass(frozen=True)
class Row:
    """One made-up site."""

    shape: str
    keys: int
    changed: int
    known: int
    listed_with: dict[int, int]
    """Bound on the pages → collateral from the listing; the other figures are those of the default bound."""
    blind: int
    pages: int
    seconds: float
    megabytes: float

    @property
    def listed(self) -> int:
        return self.listed_with[INVENTORY_PAGES]

    def multiple(self, pages: int = INVENTORY_PAGES) -> float:
        return (self.listed_with[pages] + SPARE_OBJECTS) / (self.known + SPARE_OBJECTS)


def aim(keys: int) -> float:
    return 1.05 if keys < 500_000 else 1.10


def most_multiple(row: Row) -> float | None:
    """Of the collateral when all is known; None where nothing is promised."""
    promised = row.keys < 100_000 or row.shape in ("directories", "assets", "grown")
    return aim(row.keys) if promised else None


def measured(
    shape: str, keys: int, changes: int, seed: int = SEED, bounds: Sequence[int] = (INVENTORY_PAGES,)
) -> Row:
    """A made-up site, planned with each bound on the pages; the default is among them."""
    site = made_up(shape, keys, changes, seed)
    changed = set(site.changed)
    paths = [primary_path(key, ROUTE) for key in site.changed]
    unchanged = sorted(primary_path(key, ROUTE) for key in site.keys if key not in changed)
    with tempfile.TemporaryDirectory() as folder, serve({"site": Bucket(site.keys)}) as url:
        file = Path(folder) / "paths.json"
        file.write_text(json.dumps(paths))
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        plans = {}
        for pages in bounds:
            command = [sys.executable, __file__, "--plan", str(file), "--pages", str(pages)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            plans[pages] = Listed(**json.loads(done.stdout))
    listed = plans[INVENTORY_PAGES]
    return Row(
        shape,
        len(site.keys),
        len(changed),
        thrown_out(covering_items(paths, Budget(), unchanged), unchanged),
        {pages: thrown_out(plan.items, unchanged) for pages, plan in plans.items()},
        thrown_out(covering_items(paths, Budget()), unchanged),
        listed.pages,
        listed.seconds,
        listed.megabytes,
    )


def thrown_out(items: Iterable[str], unchanged: Sequence[str]) -> int:
    """How many of the sorted paths the wildcards match, none of which lies within another."""
    prefixes = [item[:-1] for item in items if item.endswith("*")]
    return sum(
        bisect_left(unchanged, f"{prefix}\U0010ffff") - bisect_left(unchanged, prefix) for prefix in prefixes
    )


def plan_one(file: Path, pages: int) -> Listed:
    """Plans the paths in the file, in this process, from so many pages of AWS_ENDPOINT_URL_S3's bucket."""
    from invalidator import inventory, listing  # noqa: PLC0415 (only this process needs boto3)

    paths = json.loads(file.read_text())
    inventory.client()
    waited = 0.0
    begun = time.process_time()
    ended = 0.0

    def clock() -> float:
        return waited + (time.process_time() - begun) / SHARE_OF_A_PROCESSOR

    def list_pages(places: Sequence[listing.Place]) -> Sequence[listing.Page | listing.ListingError]:
        nonlocal waited, ended
        waited += SECONDS_PER_ROUND
        listed = inventory.list_pages(places)
        ended = clock()
        return listed

    bounded = listing.Listing(list_pages, clock, max_pages=pages)
    items = covering_items(paths, Budget(), bounded.measure([ROUTE]))
    assert not bounded.failures, bounded.failures
    return Listed(list(items), bounded.pages, ended, time.process_time() - begun, most_megabytes())


def several_sites(shape: str, rows: Sequence[Row]) -> tuple[object, ...]:
    """The line of a shape: the multiple of each site, their geometric mean, and where blind was better."""
    multiples = [row.multiple() for row in rows]
    return (
        shape,
        *(f"{multiple:.2f}" for multiple in multiples),
        f"{mean(multiples):.2f}",
        sum(row.listed > row.blind * SAME for row in rows),
    )


def more_pages(keys: int, rows: Sequence[Row]) -> tuple[object, ...]:
    """The line of a shape and size: for each bound on the pages the mean, and how many sites keep the aim."""
    figures: list[str] = []
    for pages in PAGES:
        multiples = [row.multiple(pages) for row in rows]
        reached = sum(multiple <= aim(row.keys) for multiple, row in zip(multiples, rows, strict=True))
        figures += (f"{mean(multiples):.2f}", f"{reached} of {len(rows)}")
    return rows[0].shape, f"{keys:,}", *figures


def mean(multiples: Sequence[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, multiples)) / len(multiples))


def broken(rows: Iterable[Row]) -> list[str]:
    faults = []
    for row in rows:
        most = most_multiple(row)
        name = f"{row.shape}, {row.keys:,} keys, {row.changed:,} changed"
        if most and row.multiple() > most:
            faults.append(f"{name}: {row.multiple():.2f} times the collateral when all is known, over {most}")
        if row.listed > row.blind * SAME:
            faults.append(f"{name}: {row.listed} with a listing, {row.blind} without one")
        if row.pages > INVENTORY_PAGES:
            faults.append(f"{name}: {row.pages} pages")
        if row.seconds > MOST_SECONDS + MOST_OVERSHOOT_SECONDS:
            faults.append(f"{name}: {row.seconds:.1f} s")
        if row.megabytes > MOST_MEGABYTES:
            faults.append(f"{name}: {row.megabytes:.0f} MB")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, metavar="FILE", help="plan these paths and print JSON")
    parser.add_argument(
        "--pages", type=int, default=INVENTORY_PAGES, metavar="N", help="the most pages that it lists"
    )
    parser.add_argument("--write", action="store_true", help="make the table and the picture anew")
    arguments = parser.parse_args()
    if arguments.plan:
        print(json.dumps(vars(plan_one(arguments.plan, arguments.pages))))
        return 0

    from bench import chart  # noqa: PLC0415
    from bench.planner import document, table  # noqa: PLC0415

    rows = [measured(shape, *size) for size in SIZES for shape in SHAPES]
    header = ("shape", "keys", "changed", "all known", "listed", "blind", "pages", "seconds", "peak")
    text = table(
        header,
        [
            (
                row.shape,
                row.keys,
                row.changed,
                row.known,
                row.listed,
                row.blind,
                row.pages,
                f"{row.seconds:.1f}",
                f"{row.megabytes:.0f} MB",
            )
            for row in rows
        ],
    )
    print(text)
    sites = {
        (shape, size): [measured(shape, *size, seed, PAGES) for seed in SEEDS]
        for shape in SHAPES_OF_SEVERAL_SITES
        for size in (LARGE, LARGEST)
    }
    largest = table(
        ("shape", *(f"site {seed}" for seed in SEEDS), "mean", "worse than blind"),
        [several_sites(shape, of_shape) for (shape, size), of_shape in sites.items() if size == LARGEST],
    )
    print(largest)
    bounds = table(
        ("shape", "keys", *(words for pages in PAGES for words in (f"{pages} pages", "reach the aim"))),
        [more_pages(size[0], of_shape) for (_, size), of_shape in sites.items()],
    )
    print(bounds)
    if arguments.write:
        page = ROOT / "docs" / "benchmark.md"
        tables = {"inventory": text, "several sites": largest, "more pages": bounds}
        page.write_text(document(tables, page.read_text()))
        (ROOT / "docs" / "inventory.svg").write_text(chart.listed(rows))
    faults = broken([*rows, *(row for each in sites.values() for row in each[1:])])
    print("\nEvery promise holds." if not faults else "\nBroken:\n" + "\n".join(faults))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
