"""The uploads for which two tests of the examples wait."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.e2e.examples.purging import WIRINGS, Purge, upload
from tests.support.deployments import Deployment


@pytest.fixture(scope="session")
def purges(
    queued: Deployment, shared_bucket_eventbridge: Deployment, topic_fan_out: Deployment
) -> Iterator[dict[str, Future[Purge]]]:
    """Wiring → what comes of it; all at once, since each has a local AWS of its own."""
    sites = (queued, shared_bucket_eventbridge, topic_fan_out)
    with ThreadPoolExecutor(len(sites)) as lanes:
        yield {wiring: lanes.submit(upload, site) for wiring, site in zip(WIRINGS, sites, strict=True)}
