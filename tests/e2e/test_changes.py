"""Objects change, and the edge hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from tests.doubles.cloudfront_server import CloudFront
from tests.support.deployments import Deployment, eventually, wait_until
from tests.support.viewers import stale, urls

from invalidator.settings import Route, Target

AWKWARD = {
    "plain": ("a.html", {"/a.html"}),
    "root index": ("index.html", {"/index.html", "/"}),
    "index": ("docs/index.html", {"/docs/index.html", "/docs/", "/docs"}),
    "space": ("two words.html", {"/two%20words.html", "/two+words.html"}),
    "plus": ("1+1.html", {"/1%2B1.html"}),
    "space and plus": ("1 + 1.html", {"/1%20%2B%201.html", "/1+%2B+1.html"}),
    "percent": ("100%.html", {"/100%25.html"}),
    "percent and digits": ("a%20b.html", {"/a%2520b.html"}),
    "ampersand": ("q&a.html", {"/q&a.html"}),
    "hash": ("c#.html", {"/c%23.html"}),
    "question mark": ("why?.html", {"/why%3F.html"}),
    "tilde": ("home/me~x.html", {"/home/me*"}),
    "tilde at the start of a name": ("home/~me/x.html", {"/home/%7Eme/x.html"}),
    "brackets": ("[a]{b}(c).html", {"/%5Ba%5D%7Bb%7D(c).html"}),
    "accents": ("crème.html", {"/cr%C3%A8me.html"}),
    "emoji": ("🚀.html", {"/%F0%9F%9A%80.html"}),
    "quotes": ("\"'`.html", {"/%22'%60.html"}),
    "backslash, bar, caret": ("\\|^.html", {"/%5C%7C%5E.html"}),
    "star": ("all*", {"/all%2A"}),
}


REASON = "eventName must be a non-empty string, not missing or null"


@pytest.fixture(scope="module")
def awkward(queued: Deployment) -> dict[str, list[str]]:
    """Kind of change → the items that were invalidated after all the objects changed so."""
    keys = [key for key, _ in AWKWARD.values()]
    every_path = {path for _, paths in AWKWARD.values() for path in paths}
    found = {}
    for kind, change in (("upload", queued.upload), ("delete", queued.delete)):
        before = set(queued.invalidations())
        change(*keys)
        found[kind] = eventually(partial(queued.items, since=before), lambda items: every_path <= set(items))
    return found


@pytest.mark.parametrize("kind", ["upload", "delete"])
@pytest.mark.parametrize("paths", [paths for _, paths in AWKWARD.values()], ids=AWKWARD)
def test_an_object_of_an_awkward_name_is_invalidated(
    awkward: dict[str, list[str]], paths: set[str], kind: str
) -> None:
    assert paths <= set(awkward[kind])


@pytest.mark.parametrize("kind", ["upload", "delete"])
def test_objects_of_awkward_names_invalidate_nothing_else(awkward: dict[str, list[str]], kind: str) -> None:
    assert sorted(awkward[kind]) == sorted(path for _, paths in AWKWARD.values() for path in paths)


def test_a_bucket_without_a_queue_invokes_the_function_straight(straight: Deployment) -> None:
    straight.upload("a b.html")
    assert eventually(straight.items, bool) == ["/a%20b.html", "/a+b.html"]
    straight.delete("a b.html")
    assert (
        eventually(straight.items, lambda items: len(items) == 4) == ["/a%20b.html"] * 2 + ["/a+b.html"] * 2
    )


def test_of_a_batch_with_one_malformed_message_the_others_are_invalidated_and_that_one_is_a_dead_letter(
    queued: Deployment, s3_event: Callable[[str, str], str]
) -> None:
    malformed = json.dumps({"Records": [{"eventSource": "aws:s3", "eventVersion": "2.1"}]})
    queued.redeliver_after(1)
    first, last = (s3_event(queued.bucket, key) for key in ("batch/first", "batch/last"))
    _, malformed_id, _ = queued.send(first, malformed, last)

    bodies = eventually(queued.dead_letters, lambda bodies: malformed in bodies)
    assert malformed in bodies
    assert not any("batch/" in body for body in bodies)
    assert eventually(lambda: queued.has_invalidated("/batch/first", "/batch/last"), bool)
    records = [record for record in queued.log() if malformed_id in record.get("message_ids", ())]
    assert {(record["level"], record["message"]) for record in records} == {("ERROR", REASON)}


def test_while_cloudfront_refuses_nothing_is_lost_and_everything_is_invalidated_in_the_end(
    strict: Deployment, strict_cloudfront: CloudFront
) -> None:
    """Throttling and 503 for longer than one invocation may last, so that messages go back to the queue."""
    strict.redeliver_after(2)
    keys = [f"storm/{number} of 24.html" for number in range(24)]
    strict_cloudfront.fault_script = ["throttling", "unavailable"]
    strict_cloudfront.fault_rates = {"unavailable": 1.0}
    strict.upload(*keys)
    wait_until(lambda: strict_cloudfront.fault_script, lambda script: not script)
    wait_until(strict.log, lambda records: any(record.get("deferred_paths") for record in records))
    strict_cloudfront.fault_rates = {}

    route = Route("default", Target(strict.distribution_id), strict.bucket)
    wanted = {url for key in keys for url in urls(key, route)}

    def missing() -> list[str]:
        return stale(
            wanted, [item for made in strict_cloudfront.invalidations.values() for item in made.items]
        )

    assert eventually(missing, lambda urls: not urls) == []
    answers = {call.answer for call in strict_cloudfront.calls}
    assert {"Throttling", "ServiceUnavailable", "Created"} <= answers
    assert any(record.get("deferred_paths") for record in strict.log())
    assert strict.dead_letters() == []


def test_an_answer_that_was_lost_and_a_message_that_comes_twice_make_one_invalidation(
    strict: Deployment, strict_cloudfront: CloudFront
) -> None:
    strict.redeliver_after(2)
    strict_cloudfront.fault_script = ["lost-answer"]
    strict_cloudfront.fault_rates = {"unavailable": 1.0}
    strict.send(json.dumps({"paths": ["/once"]}))
    wait_until(strict.log, lambda records: any(record.get("items") == ["/once"] for record in records))
    strict_cloudfront.fault_rates = {}

    calls = strict_cloudfront.calls
    wait_until(lambda: calls[-1].answer, lambda answer: answer == "Replayed")
    assert [call.answer for call in calls if call.fault in ("lost-answer", "")][-2:] == [
        "Created",
        "Replayed",
    ]
    accepted = [invalidation.items for invalidation in strict_cloudfront.invalidations.values()]
    assert accepted.count(("/once",)) == 1


@pytest.fixture
def s3_event() -> Callable[[str, str], str]:
    """The notification of S3 for a bucket and a key that needs no encoding."""

    def written(bucket: str, key: str) -> str:
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-21T12:00:00.000Z",
            "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
        }
        return json.dumps({"Records": [record]})

    return written
