"""The handler whole, on AWS-shaped services: moto for S3 and CloudFront, Stubber where moto has no such call.

moto takes any path and knows no quota: tests/simulation proves the limits, against a strict CloudFront.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from tests.doubles.s3_server import Bucket, serve

import index
from invalidator import cloudfront, codepipeline, inventory, queues, report
from invalidator.aws import _session
from invalidator.chunks import Chunk, DeadLetter
from invalidator.listing import ListingError, Page, Place, pages_of
from invalidator.plan import Invalidation
from invalidator.planner import Received
from invalidator.report import InvalidationError
from invalidator.settings import SettingsError
from invalidator.submission import Accepted, CallError
from invalidator.verdicts import Verdict


@dataclass(frozen=True)
class Context:
    """What Lambda passes beside the event."""

    aws_request_id: str = "request-1"
    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # The clients outlive an invocation; here they must not outlive the moto that they were made in.
    made = (_session, cloudfront.own_client, inventory.client, inventory._threads, codepipeline._codepipeline)
    with mock_aws():
        for client in made:
            client.cache_clear()
        yield boto3.client("cloudfront")
        for client in made:
            client.cache_clear()


@pytest.fixture
def distribution(aws: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    created = aws.create_distribution(
        DistributionConfig={
            "CallerReference": "test",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "assets.s3.amazonaws.com"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )
    distribution_id: str = created["Distribution"]["Id"]
    configure(monkeypatch, distribution_id)
    return distribution_id


def configure(monkeypatch: pytest.MonkeyPatch, distribution_id: str, **settings: object) -> None:
    route = {"distribution_id": distribution_id, "bucket": "assets", "index_documents": []}
    monkeypatch.setenv("DISTRIBUTION_ID", distribution_id)
    monkeypatch.setenv("SETTINGS", json.dumps({"version": 1, "routes": {"default": route}, **settings}))


def created_items(aws: Any, distribution_id: str) -> list[list[str]]:
    listed = aws.list_invalidations(DistributionId=distribution_id)["InvalidationList"].get("Items", [])
    details = [aws.get_invalidation(DistributionId=distribution_id, Id=each["Id"]) for each in listed]
    return [sorted(each["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]) for each in details]


def s3_event(*keys: str) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "eventTime": "2026-01-02T03:04:05.000Z",
                "s3": {"bucket": {"name": "assets"}, "object": {"key": key}},
            }
            for key in keys
        ]
    }


def queue_event(**bodies: object) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": message_id,
                "eventSource": "aws:sqs",
                "body": body if isinstance(body, str) else json.dumps(body),
            }
            for message_id, body in bodies.items()
        ]
    }


def test_an_empty_request_invalidates_everything_and_tells_what_it_created(
    aws: Any, distribution: str
) -> None:
    answer = index.lambda_handler({}, Context())
    assert (answer["statusCode"], answer["body"]) == (200, "CloudFront invalidation created")
    assert [each["items"] for each in answer["invalidations"]] == [["/*"]]
    assert created_items(aws, distribution) == [["/*"]]


def test_a_batch_of_the_queue_becomes_one_invalidation_and_an_empty_list_of_failures(
    aws: Any, distribution: str
) -> None:
    answer = index.lambda_handler(queue_event(m1=s3_event("a+b.html"), m2=s3_event("c.html")), Context())
    assert answer == {"batchItemFailures": []}
    assert created_items(aws, distribution) == [["/a%20b.html", "/a+b.html", "/c.html"]]


def test_a_refused_name_is_covered_and_logged_once(
    distribution: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def create(invalidation: Invalidation) -> Accepted:
        if any("'" in item for item in invalidation.items):
            raise CallError(Verdict.SPLIT, "InvalidArgument: one or more invalid paths")
        return Accepted("I1", "InProgress")

    monkeypatch.setattr(cloudfront, "creator", lambda _: create)
    answer = index.lambda_handler(queue_event(m=s3_event("docs/it's.html", "a.html")), Context())
    assert answer == {"batchItemFailures": []}
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert (warning.__dict__["refused"], warning.__dict__["item"]) == ("/docs/it's.html", "/docs/it*")


def test_a_caller_learns_which_path_was_refused_and_that_others_were_not(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(invalidation: Invalidation) -> Accepted:
        if "/b@d.html" in invalidation.items:
            raise CallError(Verdict.SPLIT, "InvalidArgument: one or more invalid paths")
        return Accepted("I1", "InProgress")

    monkeypatch.setattr(cloudfront, "creator", lambda _: create)
    with pytest.raises(
        InvalidationError, match=r"^'/b@d.html' of .*; of the other items CloudFront accepted 2$"
    ):
        index.lambda_handler({"paths": ["/a", "/b@d.html", "/c"]}, Context())


def test_debug_logs_no_credential_and_no_body(
    aws: Any, distribution: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG botocore logs signed requests with their bodies; log_level says nothing to it."""
    cloudfront.own_client.cache_clear()
    _session.cache_clear()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session-token")
    with caplog.at_level(logging.DEBUG):
        index.lambda_handler(queue_event(m=s3_event("a-secret-name")), Context())
    assert created_items(aws, distribution) == [["/a-secret-name"]]
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert "submitted_paths" in logged
    assert not [
        text for text in ("a-session-token", "a-secret-name", "AWS4-HMAC", "<Path>") if text in logged
    ]


def test_debug_logs_no_signature_of_a_listing(
    aws: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At DEBUG urllib3 logs the URLs of requests, and a signed URL holds the session's token."""
    _session.cache_clear()
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-session-token")
    inventory.client.cache_clear()
    with serve({"site": Bucket(["a"])}) as url, caplog.at_level(logging.DEBUG):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        (page,) = inventory.list_pages([Place("site", "", "")])
    inventory.client.cache_clear()
    assert not isinstance(page, ListingError)
    assert page.keys == [b"a"]
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert not [text for text in ("a-session-token", "X-Amz-Signature") if text in logged]


@pytest.mark.parametrize(
    ("level", "records"),
    [("", {"INFO", "ERROR"}), ("WARN", {"ERROR"}), ("ERROR", {"ERROR"})],
    ids=["as-lambda-has-it", "warn", "error"],
)
def test_metrics_are_written_whatever_the_level_of_the_log(level: str, records: set[str]) -> None:
    """In a process of its own, since the level is set when the function is loaded."""
    program = """
import json, logging, sys
logging.basicConfig(level=logging.INFO, format="%(levelname)s", stream=sys.stdout)
import index
from tests.unit.test_handler import Context, queue_event
index.lambda_handler(queue_event(bad="{"), Context())
"""
    environment = {
        **os.environ,
        "SETTINGS": json.dumps(
            {"version": 1, "routes": {"site": {"distribution_id": "E1", "bucket": "site"}}}
        ),
        "PYTHONPATH": os.pathsep.join(sys.path),
        **({"LOG_LEVEL": level} if level else {}),
    }
    command = [sys.executable, "-c", program]
    lines = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    metrics = [line for line in lines if "CloudWatchMetrics" in line]
    assert metrics
    assert {*lines} - {*metrics, ""} == records


def test_a_malformed_message_fails_alone(aws: Any, distribution: str) -> None:
    answer = index.lambda_handler(queue_event(bad="{", good=s3_event("c.html")), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert created_items(aws, distribution) == [["/c.html"]]


def test_every_record_of_a_notification_that_came_straight_from_s3_counts(
    aws: Any, distribution: str
) -> None:
    index.lambda_handler(s3_event("a", "b"), Context())
    assert created_items(aws, distribution) == [["/a", "/b"]]


def test_a_malformed_event_without_a_queue_is_a_function_error(distribution: str) -> None:
    with pytest.raises(InvalidationError):
        index.lambda_handler({"Records": []}, Context())


def test_a_dry_run_creates_nothing(aws: Any, distribution: str) -> None:
    answer = index.lambda_handler({"dry_run": True, "paths": ["/a"]}, Context())
    assert answer["body"] == "Dry run: nothing was created"
    assert created_items(aws, distribution) == []


@dataclass(frozen=True)
class ShortContext(Context):
    """Of a function that has less time left than one look at an invalidation may take."""

    def get_remaining_time_in_millis(self) -> int:
        return 12_000


def test_request_by_key(aws: Any, distribution: str) -> None:
    answer = index.lambda_handler({"keys": ["it's ü.html"], "bucket": "assets"}, Context())
    assert [each["items"] for each in answer["invalidations"]] == [
        ["/it's%20%C3%BC.html", "/it's+%C3%BC.html"]
    ]
    answer = index.lambda_handler({"keys": ["a"], "dry_run": True}, Context())
    assert [each["items"] for each in answer["invalidations"]] == [["/a"]]
    answer = index.lambda_handler({"keys": ["b"], "wait": True}, ShortContext())
    assert answer["completed"] is False
    answer = index.lambda_handler({"keys": []}, Context())
    assert (answer["body"], answer["invalidations"]) == ("Nothing to invalidate", [])
    assert sorted(created_items(aws, distribution)) == [
        ["/b"],
        ["/it's%20%C3%BC.html", "/it's+%C3%BC.html"],
    ]


def test_wait_without_time(aws: Any, distribution: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No look is made, and the answer says that it is not complete."""
    real = cloudfront.own_client().create_invalidation

    def unfinished(**parameters: Any) -> Any:
        answer = real(**parameters)
        answer["Invalidation"]["Status"] = "InProgress"
        return answer

    monkeypatch.setattr(cloudfront.own_client(), "create_invalidation", unfinished)
    monkeypatch.setattr(cloudfront.own_client(), "get_invalidation", None)
    answer = index.lambda_handler({"paths": ["/a"], "wait": True}, ShortContext())
    assert answer["completed"] is False
    answer = index.lambda_handler(queue_event(m1={"paths": ["/b"], "wait": True}), Context())
    assert answer == {"batchItemFailures": []}


def test_a_function_without_settings_says_so_instead_of_doing_nothing(
    aws: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETTINGS", raising=False)
    with pytest.raises(SettingsError, match="SETTINGS"):
        index.lambda_handler({}, Context())


def test_an_inventory_of_the_bucket_keeps_the_unchanged_in_the_cache(
    aws: Any, distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, distribution, inventory=True, max_paths=3, max_wildcards=3)
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="assets")
    changed = [f"new/{number}" for number in range(5)] + ["old/5"]
    for key in changed + [f"old/{number}" for number in range(9)]:
        s3.put_object(Bucket="assets", Key=key)
    index.lambda_handler(s3_event(*changed), Context())
    assert created_items(aws, distribution) == [["/new/*", "/old/5"]]


def test_a_bucket_that_may_not_be_listed_costs_precision_but_no_change(
    aws: Any, distribution: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(monkeypatch, distribution, inventory=True, max_paths=2, max_wildcards=2)
    index.lambda_handler(s3_event("a/1", "a/2", "b"), Context())
    assert created_items(aws, distribution) == [["/a/*", "/b"]]
    assert "planned blind" in caplog.text


def test_the_batch_is_logged_once_and_its_metrics_are_bare_json_lines(
    distribution: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        index.lambda_handler(queue_event(m1=s3_event("a"), m2="{"), Context())
    (record,) = [each for each in caplog.records if each.message == "batch"]
    assert (record.received, record.submitted_paths, record.failed_messages) == (2, 1, 1)  # type: ignore[attr-defined]
    (refusal,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert refusal.message_ids == ["m2"]  # type: ignore[attr-defined]
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [document["DistributionId"] for document in documents] == [distribution, "none"]


def job(user_parameters: str) -> dict[str, Any]:
    configuration = {"FunctionName": "invalidate-cloudfront", "UserParameters": user_parameters}
    return {
        "CodePipeline.job": {
            "id": "11111111-abcd-1111-abcd-111111abcdef",
            "accountId": "111111111111",
            "data": {"actionConfiguration": {"configuration": configuration}},
        }
    }


@pytest.fixture
def pipeline(distribution: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CodePipeline's answers, checked against its service model: moto has no jobs."""
    configure(monkeypatch, distribution, codepipeline=True)
    with Stubber(codepipeline._codepipeline()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


JOB_ID = "11111111-abcd-1111-abcd-111111abcdef"


def test_a_pipeline_is_told_that_its_invalidation_was_created(
    aws: Any, distribution: str, pipeline: Stubber
) -> None:
    pipeline.add_response("put_job_success_result", {}, {"jobId": JOB_ID})
    index.lambda_handler(job('{"paths": ["/a"]}'), Context())
    assert created_items(aws, distribution) == [["/a"]]


def test_a_pipeline_is_told_why_its_request_was_rejected_and_lambda_does_not_try_again(
    aws: Any, distribution: str, pipeline: Stubber
) -> None:
    answer: dict[str, Any] = {}
    pipeline.add_response("put_job_failure_result", {})
    pipeline.client.meta.events.register(
        "provide-client-params.codepipeline.PutJobFailureResult", lambda params, **_: answer.update(params)
    )
    index.lambda_handler(job('{"paths": ["no-slash"]}'), Context())
    assert answer["jobId"] == JOB_ID
    assert answer["failureDetails"]["type"] == "JobFailed"
    assert "slash" in answer["failureDetails"]["message"]
    assert created_items(aws, distribution) == []


def test_a_job_that_waits_fails_where_its_invalidation_is_not_complete_in_time(
    aws: Any, distribution: str, pipeline: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next action must not start on a stale cache."""
    monkeypatch.setattr(cloudfront, "creator", lambda _: lambda _: Accepted("I1", "InProgress"))
    message = {"type": "JobFailed", "message": report.NOT_COMPLETE}
    pipeline.add_response("put_job_failure_result", {}, {"jobId": JOB_ID, "failureDetails": message})
    index.lambda_handler(job('{"paths": ["/a"], "wait": true}'), ShortContext())
    pipeline.add_response("put_job_success_result", {}, {"jobId": JOB_ID})
    index.lambda_handler(job('{"paths": ["/a"]}'), ShortContext())


def test_polling_leaves_the_time_to_answer_a_job(pipeline: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = []

    def await_completion(outcomes: Any, *, clients: Any, deadline: float) -> Any:
        deadlines.append(deadline - time.monotonic())
        return outcomes

    monkeypatch.setattr(cloudfront, "creator", lambda _: lambda _: Accepted("I1", "Completed"))
    monkeypatch.setattr(cloudfront, "await_completion", await_completion)
    pipeline.add_response("put_job_success_result", {})
    index.lambda_handler(job('{"paths": ["/a"], "wait": true}'), Context())
    index.lambda_handler({"paths": ["/a"], "wait": True}, Context())
    of_job, of_caller = deadlines
    assert 60 - of_caller == pytest.approx(index.RESERVE_SECONDS, abs=2)
    assert 60 - of_job >= index.RESERVE_SECONDS + codepipeline.LONGEST_SECONDS
    config: Any = codepipeline.CONFIG
    longest = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    assert longest < codepipeline.LONGEST_SECONDS


def test_a_pipeline_that_cannot_be_answered_is_a_function_error(
    pipeline: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.add_client_error("put_job_success_result", "AccessDeniedException")
    with pytest.raises(codepipeline.AnswerError, match="AccessDenied"):
        index.lambda_handler(job(""), Context())
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.job_id == JOB_ID  # type: ignore[attr-defined]


def test_job_in_a_queue(aws: Any, distribution: str, pipeline: Stubber) -> None:
    """No job is answered, and the changes beside it are invalidated."""
    bodies = {f"m{number}": s3_event(f"{number}") for number in range(20)}
    answer = index.lambda_handler(queue_event(job=job(""), **bodies), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "job"}]}
    assert created_items(aws, distribution) == [sorted(f"/{number}" for number in range(20))]


def test_job_without_codepipeline(aws: Any, distribution: str) -> None:
    with pytest.raises(InvalidationError, match="codepipeline = true"):
        index.lambda_handler(job(""), Context())
    assert created_items(aws, distribution) == []


def test_log_of_a_message_of_non_records(distribution: str, caplog: pytest.LogCaptureFixture) -> None:
    body = {"Records": [{"eventSource": "aws:s3"}, *[0] * 127_000]}
    answer = index.lambda_handler(queue_event(m1=body), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) <= 101


def test_long_names_in_the_log(distribution: str, caplog: pytest.LogCaptureFixture) -> None:
    """A name from outside is quoted with a bound, wherever it stands."""
    endless = "x" * 200_000
    elsewhere = s3_event(endless)
    elsewhere["Records"][0]["s3"]["bucket"]["name"] = endless
    with caplog.at_level(logging.INFO):
        index.lambda_handler(queue_event(m1=elsewhere, m2={"distribution_id": endless}), Context())
        with pytest.raises(InvalidationError) as failed:
            index.lambda_handler({"distribution_id": endless, endless: 1}, Context())
    assert len(str(failed.value)) < 1_000
    for record in caplog.records:
        assert len(str(vars(record))) < 5_000


def in_plan_queue(
    distribution: str, lane: str, *chunks: Iterable[str], age: float = 0.0
) -> list[dict[str, Any]]:
    """The records of chunks with these paths, which were sent that many seconds ago."""
    since = time.time() - age
    return [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:plan.fifo",
            "attributes": {"MessageGroupId": f"{distribution}/{lane}"},
            "body": Chunk(distribution, "distribution", since, dict.fromkeys(paths, since)).body(),
        }
        for number, paths in enumerate(chunks)
    ]


@pytest.fixture
def raising_listing(monkeypatch: pytest.MonkeyPatch, distribution: str) -> None:
    """An error of the module's own, where three paths must be merged into two."""

    def fail(_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(inventory, "list_pages", fail)
    configure(monkeypatch, distribution, inventory=True, max_paths=2, max_wildcards=2)


@pytest.fixture
def slow_pages(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """What is asked of a bucket of 60 directories of 2,000 keys, of which four pages at once take 0.1 s."""
    keys = [f"{directory:02}/{number:04}".encode() for directory in range(60) for number in range(2_000)]
    asked: list[Place] = []

    def slow(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.extend(places)
        time.sleep(0.1)
        return pages_of(keys, places)

    monkeypatch.setattr(inventory, "list_pages", slow)
    return asked


@pytest.mark.parametrize("pages", [1, 9])
def test_a_plan_lists_as_many_pages_as_it_may(
    distribution: str, slow_pages: list[Place], monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    configure(monkeypatch, distribution, inventory=True, max_paths=9, max_inventory_pages=pages)
    index.lambda_handler(s3_event(*(f"{directory:02}/0000" for directory in range(60))), Context())
    assert len(slow_pages) == pages


def test_a_listing_leaves_half_of_the_time_that_is_left(
    aws: Any, distribution: str, slow_pages: list[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 2 s one is for calls of CloudFront, of which the listing has a half."""
    configure(monkeypatch, distribution, inventory=True, max_paths=9, max_inventory_pages=300)
    changed = s3_event(*(f"{directory:02}/0000" for directory in range(60)))
    index.lambda_handler(changed, Context(milliseconds=2_000))
    assert 4 <= len(slow_pages) <= 20
    assert len(created_items(aws, distribution)) == 1


def blind_buckets(output: str) -> list[int]:
    """The metric `Blind` of each document in the output."""
    return [document["Blind"] for document in map(json.loads, output.splitlines()) if "Blind" in document]


@pytest.mark.usefixtures("raising_listing")
def test_where_the_listing_raises_a_plan_is_made_without_it(
    aws: Any, distribution: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """It costs precision, which the metric shows, and no change becomes a dead letter."""
    records = in_plan_queue(distribution, "merge", ("/a/1", "/a/2", "/b"), age=300)
    assert index.lambda_handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert created_items(aws, distribution) == [["/a/*", "/b"]]
    assert "a plan failed" in caplog.text
    assert blind_buckets(capsys.readouterr().out) == [1]


@pytest.mark.usefixtures("raising_listing")
def test_where_the_listing_raises_an_invocation_without_queues_plans_without_it(
    aws: Any, distribution: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    index.lambda_handler(s3_event("a/1", "a/2", "b"), Context())
    assert created_items(aws, distribution) == [["/a/*", "/b"]]
    assert "a plan failed" in caplog.text
    assert blind_buckets(capsys.readouterr().out) == [1]


def test_a_chunk_that_makes_the_planner_raise_is_given_up_alone(
    distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = in_plan_queue(distribution, "exact", ("/a",), ("/bad",), ("/b",))
    planned: list[str] = []
    given_up: list[DeadLetter] = []

    def send(_: object, __: object, group: Sequence[Received], *___: object) -> dict[str, float]:
        paths = [path for message in group if message.chunk for path in message.chunk.paths]
        if "/bad" in paths:
            raise ZeroDivisionError
        planned.extend(paths)
        return {}

    def give_up(_: str, dead_letter: DeadLetter) -> bool:
        given_up.append(dead_letter)
        return True

    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", "https://sqs.invalid/dead")
    monkeypatch.setattr(index, "_send", send)
    monkeypatch.setattr(queues, "send_dead_letter", give_up)
    assert index.lambda_handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert planned == ["/a", "/b"]
    assert [json.loads(each.body)["paths"] for each in given_up] == [["/bad"]]
    assert "for this chunk alone" in given_up[0].reason
