"""The local S3 lists as the API Reference says (ListObjectsV2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.doubles.s3_server import Bucket, serve

KEYS = ["a/1", "a/2", "a/b/3", "a b", "c", "é/x", *(f"n/{number:04}" for number in range(1_500))]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with serve({"site": Bucket(KEYS), "locked": Bucket([], "AccessDenied")}) as url:
        yield boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )


def test_the_paginator_gets_every_key_once_in_the_order_of_bytes(s3: Any) -> None:
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="site"))
    keys = [item["Key"] for page in pages for item in page["Contents"]]
    assert [page["KeyCount"] for page in pages] == [1_000, 506]
    assert keys == sorted(KEYS, key=str.encode)


def test_a_delimiter_rolls_up_what_shares_a_directory(s3: Any) -> None:
    answer = s3.list_objects_v2(Bucket="site", Delimiter="/", MaxKeys=3)
    assert [each["Prefix"] for each in answer["CommonPrefixes"]] == ["a/"]
    assert [item["Key"] for item in answer["Contents"]] == ["a b", "c"]
    rest = s3.list_objects_v2(Bucket="site", Delimiter="/", ContinuationToken=answer["NextContinuationToken"])
    assert [each["Prefix"] for each in rest["CommonPrefixes"]] == ["n/", "é/"]
    assert not rest["IsTruncated"]


def test_prefix_start_after_and_max_keys_bound_the_page(s3: Any) -> None:
    answer = s3.list_objects_v2(Bucket="site", Prefix="a/", StartAfter="a/1", MaxKeys=1)
    assert [item["Key"] for item in answer["Contents"]] == ["a/2"]
    assert answer["IsTruncated"]


@pytest.mark.parametrize(("bucket", "code"), [("locked", "AccessDenied"), ("gone", "NoSuchBucket")])
def test_errors_have_the_codes_of_s3(s3: Any, bucket: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        s3.list_objects_v2(Bucket=bucket)
    assert caught.value.response["Error"]["Code"] == code


def test_a_page_takes_its_time() -> None:
    with serve({"site": Bucket(KEYS)}, seconds_per_page=0.05) as url:
        s3 = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        start = time.monotonic()
        s3.list_objects_v2(Bucket="site")
    assert time.monotonic() - start >= 0.05
