"""docs/upgrading.md, followed on a stack of before with messages in its queue."""

from __future__ import annotations

import pytest
from tests.e2e.upgrade import KEYS, Upgrade

KEPT = (
    "aws_sqs_queue.changes",
    "aws_sqs_queue.dead_letter",
    "aws_s3_bucket_notification",
    "aws_sns_topic_sub",
)


@pytest.fixture
def upgrade(upgraded: Upgrade | None) -> Upgrade:
    if upgraded is None:
        pytest.skip("a shallow clone has no module of before: git fetch --unshallow")
    return upgraded


def test_the_upgrade_destroys_no_queue_no_notification_and_no_subscription(upgrade: Upgrade) -> None:
    assert upgrade.planned
    assert not [
        address
        for address, actions in upgrade.planned.items()
        if "delete" in actions and any(kept in address for kept in KEPT)
    ]
    assert upgrade.queue_kept


def test_what_waited_in_the_queue_is_invalidated_after_the_upgrade(upgrade: Upgrade) -> None:
    assert upgrade.waited == len(KEYS)
    assert upgrade.missing == []


def test_the_plan_after_the_upgrade_is_empty(upgrade: Upgrade) -> None:
    assert upgrade.second_plan == {}
