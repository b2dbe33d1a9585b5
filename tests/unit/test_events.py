"""From payloads to changes and requests: every file of tests/events, and what may be wrong with one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.support import payloads

from invalidator.events import (
    BROKEN_PER_BATCH,
    BROKEN_PER_MESSAGE,
    SOURCES,
    Batch,
    Change,
    Ignored,
    Rejected,
    Request,
    read,
)

INVOCATION = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
BUCKET = "amzn-s3-demo-bucket"
JOB = "11111111-abcd-1111-abcd-111111abcdef"
NEW_YEAR = 1767225600.0
"""2026-01-01T00:00:00Z, when everything in the payload files happened."""


def changed(key: str, message_id: str = INVOCATION, bucket: str = BUCKET) -> Change:
    return Change(message_id, bucket, key, NEW_YEAR)


def request(message_id: str = INVOCATION, **asked: Any) -> Request:
    return Request(message_id, **asked)


def ignored(reason: str, message_id: str = INVOCATION) -> Ignored:
    return Ignored(message_id, reason)


def rejected(error: str, message_id: str = INVOCATION, job_id: str = "") -> Rejected:
    return Rejected(message_id, error, job_id)


def queued(number: int) -> str:
    """The id of a message of the payload files' queue."""
    return f"00000000-0000-4000-8000-{number:012}"


AWKWARD = "späße/50% + [~] & #1? 😀"

TEST_EVENT = "a test event that S3 sends when the notifications of a bucket are configured"
NO_JSON = "Expecting value: line 1 column 1 (char 0)"
REQUEST = "'bucket', 'distribution_id', 'distribution_tenant_id', 'dry_run', 'keys', 'paths', 'tags', 'wait'"
KNOWN_SOURCES = (
    "S3 notification, S3 test event, EventBridge event, SNS records, SNS message, CodePipeline job, "
    "direct request"
)


def changes_nothing(kind: str) -> str:
    return f"'{kind}' does not change what S3 returns for an object"


def target_of(service: str) -> str:
    return f"records of {service} request no invalidation: remove the function as their target"


EXPECTED: dict[str, Sequence[Change | Request | Ignored | Rejected]] = {
    "codepipeline/job-started": [request(job_id=JOB)],
    "codepipeline/job-started-with-empty-parameters": [request(job_id=JOB)],
    "codepipeline/job-started-with-parameters": [request(paths=("/index.html",), wait=True, job_id=JOB)],
    "codepipeline/job-started-with-parameters-that-are-no-json": [
        rejected(f"UserParameters must be JSON text: {NO_JSON}", job_id=JOB)
    ],
    "codepipeline/job-started-with-unknown-parameters": [
        rejected(f"a request holds only {REQUEST}, not 'path'", job_id=JOB)
    ],
    "codepipeline/job-without-id": [rejected("id must be a non-empty string, not missing or null")],
    "direct/distribution-and-tenant-named": [
        rejected("a request names a distribution_id or a distribution_tenant_id, not both")
    ],
    "direct/distribution-named": [request(paths=("/a",), distribution_id="E2QWRUHEXAMPLE")],
    "direct/dry-run": [request(paths=("/a",), dry_run=True)],
    "direct/flag-not-a-boolean": [rejected("dry_run must be true or false, not a number")],
    "direct/bucket-without-keys": [rejected("a request names a bucket only beside its keys")],
    "direct/keys-alone": [request(paths=(), keys=("index.html",), dry_run=True)],
    "direct/keys-named": [request(paths=(), keys=("docs/it's ü.html", "a+b%2B.html"), bucket=BUCKET)],
    "direct/keys-not-in-a-list": [rejected("keys must be a list of strings, or left out, not a string")],
    "direct/no-keys-in-the-list": [request(paths=(), keys=())],
    "direct/key-misspelt": [rejected(f"a request holds only {REQUEST}, not 'tag'")],
    "direct/list": [rejected("the payload must be a JSON object, not a list")],
    "direct/no-paths-in-the-list": [
        rejected("paths must be a non-empty list of strings, or left out, not empty")
    ],
    "direct/nothing-named": [request()],
    "direct/null": [rejected("the payload must be a JSON object, not missing or null")],
    "direct/path-not-a-string": [rejected("each of paths must be a non-empty string, not a number")],
    "direct/path-not-in-a-list": [
        rejected("paths must be a non-empty list of strings, or left out, not a string")
    ],
    "direct/path-with-half-a-surrogate-pair": [
        rejected("each of paths must be Unicode text: it holds half of a surrogate pair")
    ],
    "direct/paths-named": [request(paths=("/index.html", "/images/*"))],
    "direct/records-of-another-service": [rejected(target_of("'aws:example'"))],
    "direct/records-of-dynamodb": [rejected(target_of("DynamoDB"))],
    "direct/records-of-kinesis": [rejected(target_of("Kinesis"))],
    "direct/records-of-lambda-at-edge": [rejected(target_of("Lambda@Edge"))],
    "direct/records-of-ses": [rejected(target_of("SES"))],
    "direct/tags-named": [request(paths=(), tags=("product-17",))],
    "direct/tenant-named": [request(distribution_id="dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB")],
    "direct/unknown-shape": [
        rejected(
            "no known source has a payload with 'headers', 'httpMethod', 'path'; "
            f"known sources are {KNOWN_SOURCES}"
        )
    ],
    "direct/wait": [request(wait=True)],
    "eventbridge/acl-updated": [ignored(changes_nothing("Object ACL Updated"))],
    "eventbridge/api-call-by-way-of-cloudtrail": [
        rejected(
            "CloudTrail's events of S3 are not read: turn on the bucket's own events to EventBridge instead"
        )
    ],
    "eventbridge/custom-event-that-is-no-request": [rejected(f"a request holds only {REQUEST}, not 'order'")],
    "eventbridge/custom-request": [request(paths=("/catalogue/*",), tags=("catalogue",), time=NEW_YEAR)],
    "eventbridge/delete-marker-created": [changed("old page.html")],
    "eventbridge/detail-of-unknown-version": [
        rejected("version '1' of an S3 event's detail is not supported: only '0' is")
    ],
    "eventbridge/event-of-unknown-version": [
        rejected("version '1' of an EventBridge event is not supported: only '0' is")
    ],
    "eventbridge/instance-stopped": [
        rejected(
            "'EC2 Instance State-change Notification' of 'aws.ec2' requests no invalidation: "
            "narrow the pattern of the rule"
        )
    ],
    "eventbridge/key-missing": [rejected("key must be a non-empty string, not missing or null")],
    "eventbridge/lifecycle-expired": [changed("expired/a.html")],
    "eventbridge/object-created": [changed("images/red flower.jpg")],
    "eventbridge/object-created-with-an-awkward-name": [changed(f"{AWKWARD} %2B.html")],
    "eventbridge/object-deleted": [changed("old page.html")],
    "eventbridge/object-restored": [changed("archive/a.pdf")],
    "eventbridge/object-tags-added": [ignored(changes_nothing("Object Tags Added"))],
    "eventbridge/restore-initiated": [ignored(changes_nothing("Object Restore Initiated"))],
    "eventbridge/restored-copy-expired": [changed("archive/a.pdf")],
    "eventbridge/event-without-version": [
        rejected("version must be a non-empty string, not missing or null")
    ],
    "eventbridge/schedule-fired-without-version": [request(time=NEW_YEAR)],
    "eventbridge/schedule-fired": [request(time=NEW_YEAR)],
    "eventbridge/scheduler-fired": [request(time=NEW_YEAR)],
    "eventbridge/storage-class-changed": [ignored(changes_nothing("Object Storage Class Changed"))],
    "s3/acl-put": [ignored(changes_nothing("ObjectAcl:Put"))],
    "s3/delete-marker-created": [changed("old page.html")],
    "s3/key-empty": [rejected("key must be a non-empty string, not empty")],
    "s3/key-not-encoded": [
        rejected("key '100%.html' must be form-encoded, as S3 does it: write %25 for a '%'")
    ],
    "s3/key-not-utf-8": [rejected("key 'caf%E9.html' must be form-encoded UTF-8")],
    "s3/lifecycle-delete-marker-created": [changed("expired/a.html")],
    "s3/lifecycle-expired": [changed("expired/a.html")],
    "s3/object-created": [changed("images/red flower.jpg")],
    "s3/object-created-by-multipart-upload": [changed("video/a+b=c.mp4")],
    "s3/object-created-with-an-awkward-name": [changed(f"{AWKWARD}.html")],
    "s3/object-missing": [rejected("object must be a JSON object, not missing or null")],
    "s3/object-removed": [changed("old page.html")],
    "s3/object-restored": [changed("archive/a.pdf")],
    "s3/annotation-deleted": [ignored(changes_nothing("ObjectAnnotation:Delete"))],
    "s3/annotation-put": [ignored(changes_nothing("ObjectAnnotation:Put"))],
    "s3/retention-put": [ignored(changes_nothing("ObjectRetention:Put"))],
    "s3/object-tagged": [ignored(changes_nothing("ObjectTagging:Put"))],
    "s3/record-of-another-service": [
        changed("b.html"),
        rejected("1 of 2 records must have eventSource 'aws:s3', like the others beside them"),
    ],
    "s3/restore-initiated": [ignored(changes_nothing("ObjectRestore:Post"))],
    "s3/restored-copy-expired": [changed("archive/a.pdf")],
    "s3/several-records": [
        changed("a.html"),
        changed("b.html", bucket="amzn-s3-demo-bucket2"),
        changed("c.html"),
    ],
    "s3/several-records-one-malformed": [
        changed("a.html"),
        changed("b.html"),
        rejected("key 'caf%E9.html' must be form-encoded UTF-8"),
    ],
    "s3/storage-class-changed": [ignored(changes_nothing("LifecycleTransition"))],
    "s3/test-event": [ignored(TEST_EVENT)],
    "s3/unknown-major-version": [rejected("eventVersion '3.0' is not supported: only 2.x is")],
    "s3/unknown-minor-version": [changed("a.html")],
    "sns/eventbridge-object-created": [changed("a+b.html")],
    "sns/request-published": [request(paths=("/index.html",))],
    "sns/s3-object-created": [changed("images/red flower.jpg")],
    "sns/s3-test-event": [ignored(TEST_EVENT)],
    "sns/several-records-one-malformed": [
        changed("images/red flower.jpg"),
        rejected(f"Message must be JSON text: {NO_JSON}"),
    ],
    "sns/text-published": [rejected(f"Message must be JSON text: {NO_JSON}")],
    "sqs/body-missing": [
        changed("images/red flower.jpg", queued(2)),
        rejected("body must be a non-empty string, not missing or null", queued(1)),
    ],
    "sqs/eventbridge-object-created-by-way-of-sns": [changed("a+b.html", queued(1))],
    "sqs/eventbridge-object-deleted": [changed("a+b.html", queued(1))],
    "sqs/message-in-too-many-envelopes": [
        rejected("the payload lies in more than 4 other payloads: send it unwrapped", queued(1))
    ],
    "sqs/mixed-batch": [
        changed("images/red flower.jpg", queued(1)),
        changed("by sns.html", queued(3)),
        changed("a.html", queued(6)),
        request(queued(7), paths=("/asked.html",)),
        ignored(TEST_EVENT, queued(4)),
        rejected(f"body must be JSON text: {NO_JSON}", queued(2)),
        rejected(
            f"no known source has a payload with 'unknown'; known sources are {KNOWN_SOURCES}", queued(5)
        ),
        rejected("key 'caf%E9.html' must be form-encoded UTF-8", queued(6)),
    ],
    "sqs/record-of-another-service": [
        changed("images/red flower.jpg", queued(2)),
        rejected("the record must have eventSource 'aws:sqs', like the others of its batch", queued(1)),
    ],
    "sqs/record-without-id": [
        changed("images/red flower.jpg", queued(2)),
        rejected("messageId must be a non-empty string, not missing or null", INVOCATION),
    ],
    "sqs/keys-sent": [request(queued(1), paths=(), keys=("a b.html",))],
    "sqs/request-sent": [request(queued(1), paths=("/a.html",), distribution_id="E2QWRUHEXAMPLE")],
    "sqs/s3-object-created": [changed("images/red flower.jpg", queued(1))],
    "sqs/s3-object-created-by-way-of-sns": [changed("images/red flower.jpg", queued(1))],
    "sqs/s3-object-created-by-way-of-sns-raw": [changed("images/red flower.jpg", queued(1))],
    "sqs/s3-test-event": [ignored(TEST_EVENT, queued(1))],
    "sqs/schedule-fired": [request(queued(1), time=NEW_YEAR)],
    "sqs/subscription-to-confirm": [
        rejected(
            "SNS sent a 'SubscriptionConfirmation': confirm or remove the subscription by hand", queued(1)
        )
    ],
}


def parts(batch: Batch) -> list[Change | Request | Ignored | Rejected]:
    return [*batch.changes, *batch.requests, *batch.ignored, *batch.rejected]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_payload_file_is_read_as_what_happened(name: str) -> None:
    batch = read(payloads.load(name), INVOCATION, answers_jobs=True)
    found = parts(batch)
    assert found == EXPECTED[name]
    assert batch.queued == name.startswith("sqs/")
    assert {part.message_id for part in found} <= set(batch.message_ids)


def test_every_payload_file_has_its_expectation() -> None:
    assert payloads.names() == sorted(EXPECTED)


def test_every_source_of_the_table_has_a_payload_file_that_it_alone_recognises() -> None:
    in_files = [payloads.load(name) for name in payloads.names()]
    by_sns = payloads.load("sqs/s3-object-created-by-way-of-sns")["Records"][0]["body"]
    recognised = {
        tuple(source.name for source in SOURCES if source.recognises(payload))
        for payload in [*in_files, json.loads(by_sns)]
        if isinstance(payload, dict)
    }
    assert {(source.name,) for source in SOURCES} <= recognised
    assert all(len(sources) <= 1 for sources in recognised)


def test_a_batch_lists_every_message_once_and_in_order() -> None:
    assert read(payloads.load("sqs/mixed-batch"), INVOCATION).message_ids == tuple(map(queued, range(1, 8)))
    assert read(payloads.load("s3/several-records"), INVOCATION).message_ids == (INVOCATION,)


def test_a_record_of_a_queue_without_an_id_makes_lambda_hand_the_whole_batch_out_again() -> None:
    """An unknown id in the answer is a complete failure to Lambda: no message leaves the queue unread."""
    batch = read(payloads.load("sqs/record-without-id"), INVOCATION)
    assert batch.message_ids == (INVOCATION, queued(2))
    assert [rejected.message_id for rejected in batch.rejected] == [INVOCATION]


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-01-01T00:00:00.000", 1767225600, None, "", "9999-99-99T00:00:00Z"]
)
def test_a_change_whose_time_cannot_be_read_counts_all_the_same(time: object) -> None:
    payload = payloads.load("s3/object-created")
    payload["Records"][0]["eventTime"] = time
    batch = read(payload, INVOCATION)
    assert [change.time for change in batch.changes] == [None]
    assert not batch.rejected


@pytest.mark.parametrize(
    "event_name",
    [
        "ObjectCreated:Put",
        "ObjectCreated:Post",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "LifecycleExpiration:Delete",
        "LifecycleExpiration:DeleteMarkerCreated",
        "ObjectRestore:Completed",
        "ObjectRestore:Delete",
        "s3:ObjectCreated:Put",
        "ObjectCreated:SomethingNew",
    ],
)
def test_what_changes_the_answer_of_an_object_counts(event_name: str) -> None:
    payload = payloads.load("s3/object-created")
    payload["Records"][0]["eventName"] = event_name
    assert read(payload, INVOCATION).changes == (changed("images/red flower.jpg"),)


@pytest.mark.parametrize(
    "event_name",
    [
        "LifecycleTransition",
        "ObjectRestore:Post",
        "ObjectTagging:Put",
        "ObjectTagging:Delete",
        "ObjectAcl:Put",
        "IntelligentTiering",
        "ReducedRedundancyLostObject",
        "Replication:OperationFailedReplication",
        "Replication:OperationNotTracked",
        "Replication:OperationMissedThreshold",
        "Replication:OperationReplicatedAfterThreshold",
        "ObjectAnnotation:Put",
        "ObjectAnnotation:Delete",
        "ObjectRetention:Put",
    ],
)
def test_what_leaves_the_answer_of_an_object_alone_is_ignored_with_a_reason(event_name: str) -> None:
    payload = payloads.load("s3/object-created")
    payload["Records"][0]["eventName"] = event_name
    batch = read(payload, INVOCATION)
    assert (batch.changes, batch.rejected) == ((), ())
    assert event_name in batch.ignored[0].reason


def test_all_event_types_of_s3_itself_are_decided_on() -> None:
    """botocore's model of S3 lists them; one that is new to it must be sorted into one of the tests above."""
    import botocore.session  # noqa: PLC0415 (the only test here that needs it)

    model = botocore.session.Session().get_service_model("s3").shape_for("Event").metadata["enum"]
    kinds = {kind.removeprefix("s3:") for kind in model if not kind.endswith("*")}
    marks = [
        mark.args[1]
        for test in (
            test_what_changes_the_answer_of_an_object_counts,
            test_what_leaves_the_answer_of_an_object_alone_is_ignored_with_a_reason,
        )
        for mark in test.pytestmark  # type: ignore[attr-defined]
    ]
    assert kinds
    assert kinds <= {name for names in marks for name in names}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 200_000, id="deeply nested"),
        pytest.param('{"paths": ' + "9" * 5_000 + "}", id="a number of 5,000 digits"),
        pytest.param('{"paths": NaN}', id="not a number"),
        pytest.param('{"paths": ["/\\ud800"]}', id="half of a surrogate pair"),
        pytest.param("\x00", id="a control character"),
        pytest.param('"{}"', id="JSON in JSON"),
        pytest.param("", id="nothing"),
        pytest.param('{"Records": []}', id="no records"),
        pytest.param('{"Records": {}}', id="records that are no list"),
        pytest.param(json.dumps(payloads.load("sqs/s3-object-created")), id="a queue in a queue"),
    ],
)
def test_a_body_that_says_nothing_fails_its_own_message_alone(body: str) -> None:
    payload = payloads.load("sqs/s3-object-created")
    payload["Records"].append({**payload["Records"][0], "messageId": "bad", "body": body})
    batch = read(payload, INVOCATION)
    assert batch.changes == (changed("images/red flower.jpg", queued(1)),)
    assert [rejected.message_id for rejected in batch.rejected] == ["bad"]
    assert not batch.requests


JOB_STARTED = payloads.load("codepipeline/job-started")


def in_queue(*bodies: object) -> Any:
    record = payloads.load("sqs/s3-object-created")["Records"][0]
    return {
        "Records": [
            {**record, "messageId": f"m{number}", "body": json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }


def in_topic(*messages: object) -> Any:
    record = payloads.load("sns/s3-object-created")["Records"][0]
    return {
        "Records": [
            {**record, "Sns": {**record["Sns"], "Message": json.dumps(message)}} for message in messages
        ]
    }


@pytest.mark.parametrize(
    ("payload", "answers_jobs"),
    [
        pytest.param(JOB_STARTED, False, id="not an action"),
        pytest.param(in_queue(JOB_STARTED), True, id="queue"),
        pytest.param(in_topic(JOB_STARTED), True, id="topic"),
        pytest.param(in_queue(in_topic(JOB_STARTED)), True, id="topic and queue"),
        pytest.param(
            {**payloads.load("eventbridge/custom-request"), "detail": JOB_STARTED}, True, id="eventbridge"
        ),
    ],
)
def test_job_from_elsewhere(payload: Any, answers_jobs: bool) -> None:
    """It is rejected, and no job is reported as carried out."""
    batch = read(payload, INVOCATION, answers_jobs=answers_jobs)
    (rejected,) = batch.rejected
    if "CodePipeline.job" in payload.get("detail", ()):
        assert rejected.error.startswith("a request holds only ")
    else:
        assert rejected.error == (
            "a job of CodePipeline is read only where CodePipeline itself invokes the function, "
            "and the module has codepipeline = true"
        )
    assert (rejected.job_id, batch.requests) == ("", ())


@pytest.mark.parametrize(("topics", "read_keys"), [(3, ["images/red flower.jpg"]), (4, [])])
def test_a_payload_lies_in_four_others_at_most(topics: int, read_keys: list[str]) -> None:
    """In a queue, and in so many topics."""
    payload = payloads.load("s3/object-created")
    for _ in range(topics):
        payload = in_topic(payload)
    batch = read(in_queue(payload), INVOCATION)
    assert [change.key for change in batch.changes] == read_keys
    assert [each.error for each in batch.rejected] == [
        "the payload lies in more than 4 other payloads: send it unwrapped"
    ] * (not read_keys)


def test_a_schedule_of_an_unknown_version_is_refused() -> None:
    payload = {**payloads.load("eventbridge/schedule-fired"), "version": "1"}
    (rejected,) = read(payload, INVOCATION).rejected
    assert rejected.error == "version '1' of an EventBridge event is not supported: only '0' is"


def test_parameters_of_a_job_that_are_no_object_fail_the_job() -> None:
    payload = payloads.load("codepipeline/job-started-with-parameters")
    configuration = payload["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]
    configuration["UserParameters"] = "[1]"
    (rejected,) = read(payload, INVOCATION, answers_jobs=True).rejected
    assert (rejected.error, rejected.job_id) == ("UserParameters must be a JSON object, not a list", JOB)


def test_job_beside_a_broken_record() -> None:
    """Both fail their message, and the change beside them is kept."""
    batch = read(in_topic(JOB_STARTED, 7, payloads.load("s3/object-created")), INVOCATION, answers_jobs=True)
    assert [change.key for change in batch.changes] == ["images/red flower.jpg"]
    assert [each.job_id for each in batch.rejected] == ["", ""]
    assert "must be a JSON object, not a number" in batch.rejected[1].error


def broken_records(count: int) -> Any:
    return {"Records": [{"eventSource": "aws:s3"}] * count}


def test_message_of_broken_records() -> None:
    """254 KB of them: a hundred are reported, and the number of the others; the message fails."""
    body = broken_records(10_200)
    assert len(json.dumps(body, separators=(",", ":"))) > 254_000
    batch = read(in_queue(body), INVOCATION)
    assert len(batch.rejected) == BROKEN_PER_MESSAGE + 1
    assert batch.rejected[-1] == Rejected("m0", "and 10100 more")
    assert len(read(body, INVOCATION).rejected) == BROKEN_PER_MESSAGE + 1


@pytest.mark.parametrize(("name", "source"), [("eventSource", "aws:s3"), ("EventSource", "aws:sns")])
@pytest.mark.parametrize("other", [0, {}, {"eventSource": "aws:ses"}])
def test_message_of_non_records(name: str, source: str, other: Any) -> None:
    """They are counted, and not rejected one by one: a batch holds three million."""
    batch = read(in_queue({"Records": [{name: source}, *[other] * 126_000]}), INVOCATION)
    _, counted = batch.rejected
    assert counted.error.startswith(f"126000 of 126001 records must have {name} '{source}'")


def test_batch_of_broken_records() -> None:
    """Past the bound of a batch each message still fails, with its first reason."""
    batch = read(in_queue(*[broken_records(500)] * 30, payloads.load("s3/object-created")), INVOCATION)
    assert {each.message_id for each in batch.rejected} == {f"m{number}" for number in range(30)}
    assert BROKEN_PER_BATCH < len(batch.rejected) <= BROKEN_PER_BATCH + 2 * 30
    assert [change.message_id for change in batch.changes] == ["m30"]


@pytest.mark.parametrize("first", [{}, {"eventSource": 7}, {"eventSource": ""}, "text"], ids=str)
def test_records_that_name_no_service_are_of_no_known_source(first: object) -> None:
    (rejected,) = read({"Records": [first]}, INVOCATION).rejected
    assert rejected.error.startswith("no known source has a payload with 'Records'")


@pytest.mark.parametrize(
    ("source", "kind"),
    [("aws.events", "Rule Disabled"), ("aws.ec2", "Scheduled Event")],
    ids=["no schedule", "of another service"],
)
def test_only_a_schedule_invalidates_the_default_paths(source: str, kind: str) -> None:
    batch = read({"version": "0", "source": source, "detail-type": kind, "detail": {}}, INVOCATION)
    assert batch.requests == ()
    assert "requests no invalidation" in batch.rejected[0].error


def test_a_key_is_decoded_in_any_case_of_its_escapes() -> None:
    payload = payloads.load("s3/object-created")
    payload["Records"][0]["s3"]["object"]["key"] = "caf%c3%A9+%2b.html"
    assert [change.key for change in read(payload, INVOCATION).changes] == ["café +.html"]


@pytest.mark.parametrize("name", ["source", "detail-type"])
def test_half_of_what_names_an_event_of_eventbridge_names_none(name: str) -> None:
    (rejected,) = read({name: "shop", "detail": {"paths": ["/a"]}}, INVOCATION).rejected
    assert rejected.error.startswith(f"no known source has a payload with 'detail', '{name}';")


@pytest.mark.parametrize("name", ["Type", "TopicArn"])
def test_half_of_what_names_an_sns_message_names_none(name: str) -> None:
    (rejected,) = read({name: "Notification", "Message": '{"paths": ["/a"]}'}, INVOCATION).rejected
    assert "SNS message" not in rejected.error.partition("; ")[0]


def test_ignored_records_are_bounded() -> None:
    record = payloads.load("s3/object-tagged")["Records"][0]
    batch = read({"Records": [record] * 300 + [0]}, INVOCATION)
    assert len(batch.ignored) == BROKEN_PER_MESSAGE + 1
    assert batch.ignored[-1].reason == "and 200 more"
    assert batch.rejected == (Rejected(INVOCATION, "and 1 more"),)


def test_messages_never_quote_what_may_be_a_secret() -> None:
    """CodePipeline passes credentials and SNS a token: no part of a batch repeats a value of theirs."""
    for name in ("codepipeline/job-without-id", "sqs/subscription-to-confirm"):
        texts = " ".join(
            rejected.error for rejected in read(payloads.load(name), INVOCATION, answers_jobs=True).rejected
        )
        assert texts
        assert "EXAMPLE" not in texts
