"""Pages of a bucket's listing, in a small part of the processor time that botocore takes for them."""

from __future__ import annotations

import contextlib
import functools
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import unquote_to_bytes

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
)
from botocore.httpsession import URLLib3Session

from invalidator import aws
from invalidator.listing import PAGES_AT_ONCE, ListingError, Page, Place
from invalidator.text import said

CONNECT_SECONDS, READ_SECONDS = 1, 2
"""The plan waits for the listing three seconds at most, and is made without it rather than late."""

CONFIG = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
    signature_version="s3v4",
    # Else botocore wants the global endpoint for us-east-1, from the data that `aws` leaves out.
    s3={"us_east_1_regional_endpoint": "regional"},
)

URL_SECONDS = 60
"""For how long the signed URL of a page is valid: it is used at once."""

_KEY = re.compile(rb"<Key>([^<]*)</Key>")


def list_pages(places: Sequence[Place]) -> list[Page | ListingError]:
    """For each place, up to 1,000 keys that follow it (ListObjectsV2), asked for at the same time.

    A page is mostly waited for, so that four at once take little longer than one. A place that cannot be
    listed answers its error.
    """
    if len(places) == 1:
        return [_page(places[0])]
    return list(_threads().map(_page, places))


@functools.cache
def client(region: str | None = None) -> Any:
    """The client of S3 in a region, by default the function's; made once: that takes 22 ms of a processor."""
    return aws.client("s3", CONFIG, region_name=region)


_regions: dict[str, str] = {}
"""Bucket → its region, where that is not the function's."""

_making = threading.Lock()
"""Held by a thread that makes a client: a session is not thread-safe (boto3 guide, "Session")."""


def _client_of(bucket: str) -> Any:
    with _making:
        return client(_regions[bucket]) if bucket in _regions else client()


@functools.cache
def _http() -> URLLib3Session:
    """What botocore sends its own requests with: it knows the proxies and certificates of the environment."""
    timeouts: Any = (CONNECT_SECONDS, READ_SECONDS)
    return URLLib3Session(timeout=timeouts, max_pool_connections=PAGES_AT_ONCE)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(PAGES_AT_ONCE)


def _page(place: Place) -> Page | ListingError:
    """The page, asked for with a signed URL and read by a regular expression: 3.5 ms of a whole processor.

    botocore's own call takes over 100 ms, most of it for its two readings of the XML. It is made where the
    URL answers anything but a listing: it says what is wrong.
    """
    request = {"Bucket": place.bucket, "Prefix": place.prefix, "StartAfter": place.start_after}
    request = {name: value for name, value in request.items() if value}
    try:
        found = _quick_page(request)
        if found is not None:
            return found
        page = _client_of(place.bucket).list_objects_v2(**request)
    except (ClientError, BotoCoreError) as error:
        return ListingError(place.bucket, said(error))
    return Page([item["Key"].encode() for item in page.get("Contents", [])], page["IsTruncated"])


def _quick_page(request: Mapping[str, str]) -> Page | None:
    """The page behind a signed URL; None where that answers anything but a listing."""
    bucket = request["Bucket"]
    try:
        answer = _answer(request)
        region = answer.headers.get("x-amz-bucket-region")
        if answer.status_code != 200 and region and region != _client_of(bucket).meta.region_name:
            _regions[bucket] = region
            answer = _answer(request)
    except EndpointConnectionError:
        return None
    body = answer.content
    if answer.status_code != 200 or b"</ListBucketResult>" not in body[-64:]:
        return None
    return Page(_keys(body), b"<IsTruncated>true</IsTruncated>" in body)


def _answer(request: Mapping[str, str]) -> AWSResponse:
    """What S3 answers at the endpoint of the bucket's region, as far as that is known."""
    parameters = {**request, "EncodingType": "url"}
    url = _client_of(request["Bucket"]).generate_presigned_url("list_objects_v2", parameters, URL_SECONDS)
    prepared = AWSRequest("GET", url).prepare()
    for _ in range(PAGES_AT_ONCE):
        # So many connections are kept. S3 closes them after some idle seconds, unseen by a frozen sandbox.
        with contextlib.suppress(ConnectionClosedError):
            return _http().send(prepared)
    return _http().send(prepared)


def _keys(body: bytes) -> list[bytes]:
    """The keys in the XML of a listing; where asked to, S3 encodes them as forms do: a `+` for a space.

    Joined by a byte that no UTF-8 has, they are decoded at once: each on its own takes four times as long.
    """
    keys = _KEY.findall(body)
    joined = b"\xff".join(keys)
    if b"<EncodingType>url</EncodingType>" not in body:
        return [unescape(key.decode()).encode() for key in keys] if b"&" in joined else keys
    if b"%" not in joined and b"+" not in joined:
        return keys
    return unquote_to_bytes(joined.replace(b"+", b" ")).split(b"\xff")
