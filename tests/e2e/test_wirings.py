"""Real sites with hard names, by every way in which a bucket can report its changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.e2e.deployments import Deployment, eventually
from tests.unit.test_round_trip import keys_of, stale, urls

from invalidator.settings import Route, Target

HARD_NAMES = [*keys_of("cppreference"), *(key for key in keys_of("gradio") if " " in key)]
"""Names that hold `~`, `+`, `=`, `!`, parentheses and spaces."""

WIRINGS = {
    "notification": "queued",
    "eventbridge": "shared_bucket_eventbridge",
    "external, by way of a topic": "topic_fan_out",
}
"""Wiring → a deployment that has it."""


@pytest.mark.parametrize("example", WIRINGS.values(), ids=WIRINGS, indirect=True)
def test_every_url_of_a_site_with_hard_names_is_surely_purged(
    example: Deployment, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    made = example.invalidations()
    with ThreadPoolExecutor(4) as uploads:
        list(uploads.map(example.upload, HARD_NAMES))
    route = Route("default", Target(example.distribution_id), example.bucket)
    wanted = {url for key in HARD_NAMES for url in urls(key, route, tilde="wildcard")}
    assert len(wanted) > len(HARD_NAMES) > 4_527

    items: set[str] = set()
    left = list(wanted)

    def missing() -> list[str]:
        new = example.invalidations(since=made)
        made.update(new)
        fresh = {item for batch in new.values() for item in batch}
        items.update(fresh)
        left[:] = stale(left, fresh)
        return left

    assert eventually(missing, lambda urls_left: not urls_left, seconds=240) == []
    with capsys.disabled():
        told = f"{len(HARD_NAMES)} objects, {len(wanted)} URLs, {len(items)} items: nothing stale"
        print(f"\n{request.node.callspec.id}: {told}")
