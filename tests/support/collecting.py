"""What the collector sends, for tests that have no queue."""

from __future__ import annotations

from collections.abc import Iterable

from invalidator.chunks import Parcel
from invalidator.collector import Collected, collect
from invalidator.events import Batch
from invalidator.settings import Settings


def collected(settings: Settings, batch: Batch, now: float) -> tuple[list[Parcel], Collected]:
    """The chunks of a batch, all accepted, and what became of the batch."""
    sent: list[Parcel] = []

    def send(parcels: Iterable[Parcel]) -> frozenset[str]:
        sent.extend(parcels)
        return frozenset()

    return sent, collect(settings, batch, now, send)


def parcels_of(settings: Settings, batch: Batch, now: float) -> list[Parcel]:
    """The chunks of a batch."""
    return collected(settings, batch, now)[0]
