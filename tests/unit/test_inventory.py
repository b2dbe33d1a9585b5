"""The listing of a bucket: what it answers, and where it stops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import boto3
import pytest
from moto import mock_aws

from invalidator import inventory


@pytest.fixture(autouse=True, scope="module")
def bucket() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        inventory._s3.cache_clear()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="assets")
        for number in range(1, 1202):
            s3.put_object(Bucket="assets", Key=f"img/{number:04}.png")
        s3.put_object(Bucket="assets", Key="a b+c.html")
        yield
    inventory._s3.cache_clear()


def test_every_key_under_the_prefix_is_listed_beyond_the_first_page_of_a_thousand() -> None:
    keys = inventory.lister()("assets", "img/")
    assert keys is not None
    assert len(list(keys)) == 1201


def test_keys_are_as_the_bucket_has_them_not_encoded() -> None:
    assert inventory.lister()("assets", "a") == ["a b+c.html"]


def test_a_prefix_without_objects_is_an_empty_inventory_and_not_a_failed_one() -> None:
    assert inventory.lister()("assets", "nothing/") == []


def test_the_bound_of_keys_holds_for_all_prefixes_of_a_batch_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inventory, "MAX_KEYS", 1201)
    list_keys = inventory.lister()
    assert list_keys("assets", "img/") is not None
    assert list_keys("assets", "a") is None


def test_the_listing_stops_when_its_time_is_up() -> None:
    ticks = count(step=inventory.MAX_SECONDS)
    assert inventory.lister(clock=lambda: next(ticks))("assets", "img/") is None


def test_a_bucket_that_cannot_be_listed_is_no_inventory_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert inventory.lister()("gone", "") is None
    (record,) = caplog.records
    assert "NoSuchBucket" in record.error  # type: ignore[attr-defined]
