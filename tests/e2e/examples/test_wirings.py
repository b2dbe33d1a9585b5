"""Real sites with hard names, by every way in which a bucket can report its changes."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from tests.support.deployments import Deployment, eventually
from tests.support.viewers import keys_of, stale, urls

from invalidator.settings import Route, Target

HARD_NAMES = [*keys_of("cppreference"), *(key for key in keys_of("gradio") if " " in key)]
"""Names that hold `~`, `+`, `=`, `!`, parentheses and spaces."""

WIRINGS = ("notification", "eventbridge", "external, by way of a topic")


@dataclass(frozen=True)
class Purge:
    """What came of uploading the names to one deployment."""

    urls: set[str]
    items: set[str]
    stale: list[str]


@pytest.fixture(scope="module")
def purges(
    queued: Deployment, shared_bucket_eventbridge: Deployment, topic_fan_out: Deployment
) -> dict[str, Purge]:
    """Wiring → what came of it; all at once, since each has a local AWS of its own."""
    sites = (queued, shared_bucket_eventbridge, topic_fan_out)
    with ThreadPoolExecutor(len(sites)) as lanes:
        return dict(zip(WIRINGS, lanes.map(upload, sites), strict=True))


def upload(site: Deployment) -> Purge:
    made = site.invalidations()
    with ThreadPoolExecutor(4) as uploads:
        list(uploads.map(site.upload, HARD_NAMES))
    route = Route("default", Target(site.distribution_id), site.bucket)
    wanted = {url for key in HARD_NAMES for url in urls(key, route, tilde="wildcard")}
    items: set[str] = set()
    left = list(wanted)

    def missing() -> list[str]:
        new = site.invalidations(since=made)
        made.update(new)
        fresh = {item for batch in new.values() for item in batch}
        items.update(fresh)
        left[:] = stale(left, fresh)
        return left

    eventually(missing, lambda urls_left: not urls_left, seconds=480)
    return Purge(wanted, items, left)


@pytest.mark.parametrize("wiring", WIRINGS)
def test_every_url_of_a_site_with_hard_names_is_surely_purged(
    wiring: str, purges: Mapping[str, Purge], capsys: pytest.CaptureFixture[str]
) -> None:
    purge = purges[wiring]
    assert len(purge.urls) > len(HARD_NAMES) > 4_527
    assert purge.stale == []
    with capsys.disabled():
        summary = (
            f"{len(HARD_NAMES)} objects, {len(purge.urls)} URLs, {len(purge.items)} items: nothing stale"
        )
        print(f"\n{wiring}: {summary}")
