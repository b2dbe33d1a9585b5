"""What `terraform destroy` leaves of an example: nothing."""

from __future__ import annotations

import pytest
from tests.support.deployments import Deployment

MODULE_SUFFIXES = ("", "-planner", "-plan.fifo", "-dead-letters", "-plan-dead-letters.fifo")
"""Of the names of the functions and queues."""


@pytest.mark.usefixtures("purges")  # The uploads go on while the destroy waits for AWS.
def test_a_second_plan_is_empty_and_destroy_leaves_nothing(site: Deployment) -> None:
    site.upload("index.html")
    assert site.stack.changes() == {}
    module = {site.name + suffix for suffix in MODULE_SUFFIXES}
    names = {*module, f"/aws/lambda/{site.name}", site.bucket, site.distribution_id}

    def held() -> set[str]:
        return {holding for holding in site.aws.holdings() if holding.endswith(tuple(names))}

    assert {name for name in names if any(holding.endswith(name) for holding in held())} == names
    site.stack.destroy()
    assert held() == set()
