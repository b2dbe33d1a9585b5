"""A bucket and a prefix → the keys under it, within a bound: what a wildcard would throw out of the cache."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

MAX_KEYS = 50_000
"""How many keys are listed for one batch: 50 calls of 1,000 keys (ListObjectsV2), about $0.00025."""

MAX_SECONDS = 10.0

_log = logging.getLogger(__name__)


def lister(clock: Callable[[], float] = time.monotonic) -> Callable[[str, str], Iterable[str] | None]:
    """(bucket, key prefix) → keys, for as long as one batch's bounds of keys and seconds last; then None.

    A bucket that cannot be listed is no reason to keep a stale copy: the plan is made without it, and
    the log says why.
    """
    ends_at = clock() + MAX_SECONDS
    keys_left = MAX_KEYS

    def list_keys(bucket: str, prefix: str) -> list[str] | None:
        nonlocal keys_left
        keys: list[str] = []
        try:
            for page in _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                found = [item["Key"] for item in page.get("Contents", [])]
                keys += found
                keys_left -= len(found)
                if keys_left < 0 or clock() >= ends_at:
                    _log.warning("inventory too large: planned blind", extra={"bucket": bucket})
                    return None
        except (ClientError, BotoCoreError) as error:
            _log.warning("inventory failed: planned blind", extra={"bucket": bucket, "error": str(error)})
            return None
        return keys

    return list_keys


@functools.cache
def _s3() -> Any:
    return boto3.client("s3")
