"""A site with hard names is uploaded to a deployment: what is invalidated then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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


def upload(site: Deployment) -> Purge:
    """Upload the names, and wait until no URL of theirs is left in a cache."""
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
