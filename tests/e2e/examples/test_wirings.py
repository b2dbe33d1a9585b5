"""Real sites with hard names, by every way in which a bucket can report its changes."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest
from tests.e2e.examples.purging import HARD_NAMES, WIRINGS, Purge


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_url_of_a_site_with_hard_names_is_surely_purged(
    wiring: str, purges: Mapping[str, Future[Purge]], capsys: pytest.CaptureFixture[str]
) -> None:
    purge = purges[wiring].result()
    assert len(purge.urls) > len(HARD_NAMES) > 4_527
    assert purge.stale == []
    with capsys.disabled():
        summary = (
            f"{len(HARD_NAMES)} objects, {len(purge.urls)} URLs, {len(purge.items)} items: nothing stale"
        )
        print(f"\n{wiring}: {summary}")
