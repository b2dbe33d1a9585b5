"""ListObjectsV2 over HTTP as S3 documents it (API Reference, ListObjectsV2), for buckets of given keys.

It knows prefix, delimiter, start-after, continuation-token, encoding-type, max-keys, and the errors
NoSuchBucket, AccessDenied, InvalidArgument and PermanentRedirect (from a bucket of another region than the
call is signed for). Each page takes `seconds_per_page`. It does not check signatures, and knows neither
versions nor directory buckets, whose listing is not sorted.
`AWS_ENDPOINT_URL_S3` points boto3 to it.
"""

from __future__ import annotations

import base64
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.doubles.serving import served

MAX_KEYS = 1_000
"""Keys and common prefixes of a page, at most."""


class Bucket:
    """Keys, and what was asked of them."""

    def __init__(
        self, keys: Sequence[str], error: str = "", error_rate: float = 1.0, seed: int = 1, region: str = ""
    ) -> None:
        self.keys = sorted(key.encode() for key in keys)
        """In the order of the listing: by their bytes in UTF-8."""
        self.error, self.error_rate = error, error_rate
        """The code with which so large a share of the calls fails; empty: none does."""
        self.chance = random.Random(seed)  # noqa: S311 (repeatable by its seed)
        self.region = region
        """Where alone it is listed; empty: everywhere."""
        self.asked: list[dict[str, str]] = []


class S3Error(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def list_objects(name: str, bucket: Bucket, asked: Mapping[str, str]) -> str:
    """The XML of a page. Raises S3Error."""
    if bucket.error and bucket.chance.random() < bucket.error_rate:
        raise S3Error(403 if bucket.error == "AccessDenied" else 503, bucket.error, "The bucket says no.")
    if not asked.get("max-keys", "1").isdigit():
        raise S3Error(400, "InvalidArgument", "Provided max-keys not an integer or within integer range")
    if asked.get("encoding-type", "url") != "url":
        raise S3Error(400, "InvalidArgument", "Invalid Encoding Method specified in Request")
    prefix, delimiter = asked.get("prefix", "").encode(), asked.get("delimiter", "").encode()
    after = asked.get("start-after", "").encode()
    if "continuation-token" in asked:
        after = base64.b64decode(asked["continuation-token"])
    most = min(int(asked.get("max-keys", MAX_KEYS)), MAX_KEYS)

    at = max(bisect_left(bucket.keys, prefix), bisect_right(bucket.keys, after))
    end = bisect_left(bucket.keys, prefix + b"\xff")
    found: list[bytes] = []
    prefixes: list[bytes] = []
    last = after
    while at < end and len(found) + len(prefixes) < most:
        key = bucket.keys[at]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            found.append(key)
            last, at = key, at + 1
            continue
        common = key[: cut + len(delimiter)]
        # A common prefix that was answered before the place to start after is not answered again.
        if not after.startswith(common):
            prefixes.append(common)
        last = common + b"\xff"
        at = bisect_left(bucket.keys, last)

    def shown(text: bytes) -> str:
        if "encoding-type" in asked:
            return quote_plus(text, safe="/*")
        return escape(text.decode())

    def element(tag: str, text: object) -> str:
        return f"<{tag}>{text}</{tag}>"

    more = at < end and most > 0
    parts = [
        element("Name", name),
        element("Prefix", shown(prefix)),
        element("KeyCount", len(found) + len(prefixes)),
        element("MaxKeys", most),
        element("IsTruncated", str(more).lower()),
    ]
    if delimiter:
        parts.append(element("Delimiter", shown(delimiter)))
    if "encoding-type" in asked:
        parts.append(element("EncodingType", "url"))
    if "start-after" in asked:
        parts.append(element("StartAfter", shown(asked["start-after"].encode())))
    if more:
        parts.append(element("NextContinuationToken", base64.b64encode(last).decode()))
    parts += [
        "<Contents>" + element("Key", shown(key)) + "<LastModified>2026-11-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;00000000000000000000000000000000&quot;</ETag><Size>1024</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
        for key in found
    ]
    parts += ["<CommonPrefixes>" + element("Prefix", shown(each)) + "</CommonPrefixes>" for each in prefixes]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{"".join(parts)}</ListBucketResult>'
    )


@contextmanager
def serve(buckets: Mapping[str, Bucket], seconds_per_page: float = 0.0) -> Iterator[str]:
    """The address of a server of these buckets, in path style."""
    with served(handler(buckets, seconds_per_page)) as url:
        yield url


def handler(buckets: Mapping[str, Bucket], seconds_per_page: float = 0.0) -> type[BaseHTTPRequestHandler]:
    """The class that answers a request for these buckets."""
    return type("Handler", (_Handler,), {"buckets": buckets, "seconds": seconds_per_page})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    buckets: Mapping[str, Bucket]
    seconds: float

    def do_GET(self) -> None:
        time.sleep(self.seconds)
        address = urlsplit(self.path)
        name = unquote(address.path).strip("/")
        asked = {key: value[0] for key, value in parse_qs(address.query, keep_blank_values=True).items()}
        try:
            if name not in self.buckets:
                raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")
            bucket = self.buckets[name]
            bucket.asked.append(asked)
            if bucket.region and f"/{bucket.region}/s3/" not in self._scope(asked):
                raise S3Error(
                    301, "PermanentRedirect", "The bucket must be addressed using another endpoint."
                )
            status, body = 200, list_objects(name, bucket, asked)
        except S3Error as error:
            status = error.status
            body = f"<Error><Code>{error.code}</Code><Message>{error}</Message></Error>"
        data = body.encode()
        self.send_response(status)
        if name in self.buckets and self.buckets[name].region:
            self.send_header("x-amz-bucket-region", self.buckets[name].region)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _scope(self, asked: Mapping[str, str]) -> str:
        """What the call is signed for, in its URL or in a header (S3 API Reference, signature version 4)."""
        return asked.get("X-Amz-Credential", self.headers.get("Authorization", ""))

    def log_message(self, *_words: object) -> None:
        pass
