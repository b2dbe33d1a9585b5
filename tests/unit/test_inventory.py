"""The listing of a bucket through boto3: the keys as the bucket has them, or why there are none."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.doubles.s3_server import Bucket, handler, serve
from tests.doubles.serving import served

from invalidator import aws, inventory
from invalidator.listing import ListingError, Page, Place

AWKWARD = ["a b+c.html", "&lt;<>'\".html", "100%.html", "größe/目录😀.html", "~x", "z%2Bz", "tab\tname"]
NUMBERED = [f"img/{number:04}.png" for number in range(1_201)]


@pytest.fixture(autouse=True)
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Bucket]]:
    served = {
        "assets": Bucket([*NUMBERED, *AWKWARD]),
        "empty": Bucket([]),
        "locked": Bucket([], error="AccessDenied"),
        "elsewhere": Bucket(NUMBERED, region="eu-central-1"),
    }
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Threads made before a fork do not run after it.
    made = (inventory.client, inventory._threads)
    for each in made:
        each.cache_clear()
    with serve(served) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        monkeypatch.setattr(inventory, "_regions", {})
        yield served
    for each in made:
        each.cache_clear()


def page(place: Place) -> Page:
    (found,) = inventory.list_pages([place])
    assert isinstance(found, Page), found
    return found


def test_a_page_has_a_thousand_keys_and_the_next_one_follows_the_last_of_them() -> None:
    first = page(Place("assets", "img/", ""))
    second = page(Place("assets", "img/", first.keys[-1].decode()))
    assert (len(first.keys), first.more, second.more) == (1_000, True, False)
    assert [*first.keys, *second.keys] == [key.encode() for key in NUMBERED]


def test_keys_are_as_the_bucket_has_them_in_the_order_of_their_bytes() -> None:
    keys = page(Place("assets", "", "img/1199.png")).keys
    before = page(Place("assets", "", "")).keys[: len(AWKWARD)]
    found = {key for key in (*keys, *before) if not key.startswith(b"img/")}
    assert found == {key.encode() for key in AWKWARD}


@pytest.mark.parametrize("refusal", [(403, b"<Error/>"), (200, b"<Error/>")])
def test_where_a_signed_url_is_refused_botocore_asks_and_the_page_is_the_same(
    refusal: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a policy that denies signed URLs."""
    fast = page(Place("assets", "", ""))

    class Refusing:
        status_code, content = refusal
        headers: Mapping[str, str] = {}

        def send(self, _request: object) -> Refusing:
            return self

    monkeypatch.setattr(inventory, "_http", Refusing)
    assert page(Place("assets", "", "")) == fast


def test_where_a_signed_url_is_refused_botocore_asks_in_the_region_of_the_bucket(
    buckets: dict[str, Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        status_code, content = 403, b"<Error/>"
        headers: Mapping[str, str] = {"x-amz-bucket-region": "eu-central-1"}

        def send(self, _request: object) -> Refusing:
            return self

    monkeypatch.setattr(inventory, "_http", Refusing)
    assert page(Place("elsewhere", "", "")).keys == [key.encode() for key in NUMBERED[:1_000]]
    assert len(buckets["elsewhere"].asked) == 1, "no refused request of another region before it"


def test_a_page_is_one_request_with_a_url_that_is_valid_for_a_minute(buckets: dict[str, Bucket]) -> None:
    page(Place("assets", "", ""))
    (asked,) = buckets["assets"].asked
    assert asked["X-Amz-Expires"] == "60"


def test_keys_that_only_have_spaces_are_decoded() -> None:
    body = b"<EncodingType>url</EncodingType><Key>a+b</Key><Key>c</Key>"
    assert inventory._keys(body) == [b"a b", b"c"]


def test_keys_that_s3_did_not_encode_are_read_as_xml() -> None:
    assert inventory._keys(b"<Key>a&amp;b+c%2B</Key><Key>&lt;</Key>") == [b"a&b+c%2B", b"<"]


def test_a_place_to_start_after_may_be_no_key_and_have_any_character(buckets: dict[str, Bucket]) -> None:
    assert page(Place("assets", "", "img/\U0010fffd")).keys == [b"tab\tname", b"z%2Bz", b"~x"]
    assert buckets["assets"].asked[-1]["start-after"] == "img/\U0010fffd"


def test_several_places_are_answered_in_their_order() -> None:
    pages = inventory.list_pages([Place("assets", prefix, "") for prefix in ("~", "img/", "no", "z")])
    assert [len(each.keys) for each in pages if isinstance(each, Page)] == [1, 1_000, 0, 1]


def test_a_bucket_of_another_region_costs_one_more_request_however_many_pages_it_has(
    buckets: dict[str, Bucket],
) -> None:
    """Its answer says which region that is."""
    first = page(Place("elsewhere", "", ""))
    second = page(Place("elsewhere", "", first.keys[-1].decode()))
    assert [*first.keys, *second.keys] == [key.encode() for key in NUMBERED]
    regions = [asked["X-Amz-Credential"].split("/")[2] for asked in buckets["elsewhere"].asked]
    assert regions == ["us-east-1", "eu-central-1", "eu-central-1"]
    assert page(Place("assets", "img/", "")).keys == first.keys


def test_a_connection_that_died_while_the_sandbox_was_frozen_is_replaced(
    buckets: dict[str, Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that resets the second request of each connection: its end was not seen meanwhile."""

    class Forgetful(handler(buckets)):  # type: ignore[misc]
        used = False

        def do_GET(self) -> None:  # noqa: N802 (the name that http.server asks for)
            if self.used:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
                self.close_connection = True
                return
            self.used = True
            super().do_GET()

    inventory.client.cache_clear()
    with served(Forgetful) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        place = Place("assets", "img/", "")
        pages = [
            *inventory.list_pages([place] * 4),
            page(place),
            page(place),
            *inventory.list_pages([place] * 4),
        ]
    assert [len(each.keys) for each in pages if isinstance(each, Page)] == [1_000] * 10


def test_several_buckets_at_once_make_one_client_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    making: list[str] = []
    make: Any = aws.client

    def client(*what: Any, **more: Any) -> Any:
        assert not making
        making.append("a client")
        time.sleep(0.05)
        return making.pop() and make(*what, **more)

    monkeypatch.setattr(aws, "client", client)
    pages = inventory.list_pages([Place(name, "", "") for name in ("assets", "empty", "elsewhere", "assets")])
    assert [len(each.keys) for each in pages if isinstance(each, Page)] == [1_000, 0, 1_000, 1_000]


def test_a_bucket_without_keys_is_an_empty_page_and_no_error() -> None:
    assert page(Place("empty", "", "")) == Page([], False)


@pytest.mark.parametrize(("bucket", "code"), [("locked", "AccessDenied"), ("gone", "NoSuchBucket")])
def test_a_bucket_that_cannot_be_listed_is_an_error_that_says_why(bucket: str, code: str) -> None:
    (error,) = inventory.list_pages([Place(bucket, "", "")])
    assert isinstance(error, ListingError)
    assert error.bucket == bucket
    assert bucket in str(error)
    assert code in str(error)
