"""Real redeploys: what changed between two releases, and what did not but may be cached all the same."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "bench" / "workloads"


@dataclass(frozen=True)
class Workload:
    """Viewer paths on a plain route: one object, one path."""

    name: str
    source: str
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    """Of all objects that an edge may have cached, before the release or after it."""


def load(folder: Path = FOLDER) -> list[Workload]:
    """The workloads of a folder, those with most changes first."""
    workloads = [_read(file) for file in sorted(folder.glob("*.json.gz"))]
    return sorted(workloads, key=lambda workload: -len(workload.changed))


def _read(file: Path) -> Workload:
    facts = json.loads(gzip.decompress(file.read_bytes()))
    changed = set(facts["changed"])
    cached = changed.union(facts["before"], facts["after"])
    return Workload(
        name=file.name.removesuffix(".json.gz"),
        source=facts["source"],
        changed=tuple(f"/{key}" for key in sorted(changed)),
        unchanged=tuple(f"/{key}" for key in sorted(cached - changed)),
    )
