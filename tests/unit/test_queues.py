"""The calls of SQS, on moto's queues: what is in them afterwards; and on Stubber's, where SQS refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from invalidator import codepipeline, queues
from invalidator.chunks import Chunk, DeadLetter, Parcel

ANSWER: dict[str, Any] = {"Successful": [], "Failed": []}
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/plan.fifo"


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client of the module, made anew for each test."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    queues.client.cache_clear()
    with mock_aws():
        yield queues.client()
    queues.client.cache_clear()


@pytest.fixture
def refusing(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber


def fifo(client: Any) -> str:
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "0"}
    return str(client.create_queue(QueueName="plan.fifo", Attributes=attributes)["QueueUrl"])


def standard(client: Any) -> str:
    return str(client.create_queue(QueueName="dead", Attributes={"VisibilityTimeout": "0"})["QueueUrl"])


def received(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def parcel(number: int, path: str = "/a") -> Parcel:
    chunk = Chunk("ESITE", "distribution", 5.0, {f"{path}{number}": 5.0})
    return Parcel(f"ESITE/{number}", chunk, frozenset({f"m{number}"}))


def test_a_chunk_is_sent_to_its_group_and_only_once(client: Any) -> None:
    url = fifo(client)
    assert queues.send_parcels(url, [parcel(1)]) == frozenset()
    assert queues.send_parcels(url, [parcel(1)]) == frozenset()
    (message,) = received(client, url)
    assert message["Body"] == parcel(1).chunk.body()
    assert message["Attributes"]["MessageGroupId"] == "ESITE/1"
    assert message["Attributes"]["MessageDeduplicationId"] == parcel(1).deduplication_id


@pytest.mark.parametrize(
    ("count", "length", "batches"),
    [
        pytest.param(10, 1, [10], id="ten entries"),
        pytest.param(11, 1, [10, 1], id="eleven entries"),
        pytest.param(5, 100_000, [2, 2, 1], id="large bodies"),
        pytest.param(2, 119_000, [2], id="just small enough"),
        pytest.param(2, 300_000, [1, 1], id="each too large for two"),
        pytest.param(0, 1, [], id="nothing"),
    ],
)
def test_a_call_has_at_most_ten_entries_and_240_000_bytes(
    refusing: Stubber, count: int, length: int, batches: list[int]
) -> None:
    parcels = [parcel(number, "/" + "x" * length) for number in range(count)]
    first = 0
    for size in batches:
        expected = [
            {
                "Id": str(number),
                "MessageBody": each.chunk.body(),
                "MessageGroupId": each.group,
                "MessageDeduplicationId": each.deduplication_id,
            }
            for number, each in enumerate(parcels[first : first + size])
        ]
        refusing.add_response("send_message_batch", ANSWER, {"QueueUrl": URL, "Entries": expected})
        first += size
    assert queues.send_parcels(URL, iter(parcels)) == frozenset()
    refusing.assert_no_pending_responses()


def test_the_messages_of_a_refused_chunk_are_returned_and_the_reason_is_logged(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"Id": "1", "SenderFault": True, "Code": "Bad", "Message": "too\nlong"}
    refusing.add_response("send_message_batch", ANSWER | {"Failed": [entry]})
    assert queues.send_parcels(URL, [parcel(1), parcel(2), parcel(3)]) == {"m2"}
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "chunk not sent")
    assert record.__dict__["group"] == "ESITE/2"
    assert "too" in record.__dict__["error"]


def test_a_chunk_that_is_refused_without_a_reason_is_returned(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"Id": "0", "SenderFault": True, "Code": "Bad"}
    refusing.add_response("send_message_batch", ANSWER | {"Failed": [entry]})
    assert queues.send_parcels(URL, [parcel(1)]) == {"m1"}
    assert [record.__dict__["error"] for record in caplog.records] == [""]


def test_an_answer_that_names_no_failure_has_none(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even an empty list of them; Stubber refuses such an answer."""
    monkeypatch.setattr(client, "send_message_batch", lambda **_: {})
    assert queues.send_parcels(URL, [parcel(1)]) == frozenset()


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        pytest.param([120_000, 120_000], [2], id="just fit"),
        pytest.param([120_000, 120_001], [1, 1], id="one byte too large"),
        pytest.param([200_000, 120_000, 120_000], [1, 2], id="just fit into the next call"),
        pytest.param([200_000, 120_000, 120_001], [1, 1, 1], id="one byte too large for the next call"),
    ],
)
def test_a_call_is_filled_up_to_its_last_byte(
    client: Any, monkeypatch: pytest.MonkeyPatch, sizes: list[int], batches: list[int]
) -> None:
    sent: list[list[int]] = []

    def send(Entries: list[dict[str, str]], **_: object) -> dict[str, object]:  # noqa: N803 (SQS's name)
        sent.append([len(entry["MessageBody"]) for entry in Entries])
        return {}

    monkeypatch.setattr(client, "send_message_batch", send)
    empty = len(parcel(1, "/").chunk.body())
    queues.send_parcels(URL, [parcel(1, "/" + "x" * (size - empty)) for size in sizes])
    assert [len(each) for each in sent] == batches
    assert [size for each in sent for size in each] == sizes


def test_a_failed_call_returns_the_messages_of_all_its_chunks_and_the_next_call_is_made(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    refusing.add_client_error("send_message_batch", "AccessDenied", "not allowed")
    refusing.add_response("send_message_batch", ANSWER)
    parcels = [parcel(number) for number in range(12)]
    assert queues.send_parcels(URL, parcels) == {f"m{number}" for number in range(10)}
    assert [record.__dict__["group"] for record in caplog.records] == [f"ESITE/{n}" for n in range(10)]
    assert "AccessDenied" in caplog.records[0].__dict__["error"]


def test_a_dead_letter_holds_its_body_its_reason_and_its_distribution(client: Any) -> None:
    url = standard(client)
    assert queues.send_dead_letter(url, DeadLetter("body", "no such path", "ESITE"))
    assert queues.send_dead_letter(url, DeadLetter("other", ""))
    found = {message["Body"]: message["MessageAttributes"] for message in received(client, url)}
    values = {
        body: {name: attribute["StringValue"] for name, attribute in attributes.items()}
        for body, attributes in found.items()
    }
    assert values == {
        "body": {"reason": "no such path", "distribution_id": "ESITE"},
        "other": {"reason": "none", "distribution_id": "none"},
    }


def test_a_long_reason_is_shortened(client: Any) -> None:
    url = standard(client)
    assert queues.send_dead_letter(url, DeadLetter("body", "x" * 5_000))
    (message,) = received(client, url)
    reason = message["MessageAttributes"]["reason"]["StringValue"]
    assert len(reason) == queues.REASON_LENGTH


def test_a_dead_letter_that_is_not_sent_is_logged(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    refusing.add_client_error("send_message", "AccessDenied", "not allowed")
    assert queues.send_dead_letter(URL, DeadLetter("body", "no such path")) is False
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "dead letter not sent")
    assert "AccessDenied" in record.__dict__["error"]
    assert record.__dict__["reason"] == "no such path"


def test_the_log_has_the_reason_of_a_dead_letter_too_large_to_carry_it(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    refusing.add_client_error("send_message", "AccessDenied", "not allowed")
    letter = DeadLetter("x" * queues.MESSAGE_BYTES, "no such path", "ESITE")
    assert queues.send_dead_letter(URL, letter) is False
    assert [record.__dict__["reason"] for record in caplog.records] == ["no such path"]


@pytest.mark.parametrize(("over", "attributes"), [(0, 2), (1, 0)], ids=["just fits", "one byte too large"])
def test_a_dead_letter_has_its_attributes_where_they_fit(client: Any, over: int, attributes: int) -> None:
    url = standard(client)
    size = len("reasonStringno" + "distribution_idStringESITE")
    body = "x" * (queues.MESSAGE_BYTES - size + over)
    assert queues.send_dead_letter(url, DeadLetter(body, "no", "ESITE"))
    (message,) = received(client, url)
    assert (message["Body"], len(message.get("MessageAttributes", {}))) == (body, attributes)


def test_messages_are_handed_back_for_whole_seconds_within_the_limits_of_sqs(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = {"a": -1.0, "b": 0.2, "c": 43_200.0, "d": 99_999.0, **{f"e{n}": 7.0 for n in range(8)}}
    timeouts = [0, 1, 43_200, 43_200, *[7] * 8]
    for first, count in ((0, 10), (10, 2)):
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": timeout}
            for number, (handle, timeout) in enumerate(
                list(zip(seconds, timeouts, strict=True))[first : first + count]
            )
        ]
        refusing.add_response(
            "change_message_visibility_batch", ANSWER, {"QueueUrl": URL, "Entries": entries}
        )
    with caplog.at_level(logging.WARNING):
        queues.hand_back(URL, seconds)
    refusing.assert_no_pending_responses()
    assert caplog.records == [], "no call but these two"


def test_messages_that_cannot_be_handed_back_are_a_warning(
    refusing: Stubber, caplog: pytest.LogCaptureFixture
) -> None:
    entry = {"Id": "0", "SenderFault": True, "Code": "InvalidReceipt"}
    refusing.add_response("change_message_visibility_batch", ANSWER | {"Failed": [entry]})
    refusing.add_client_error("change_message_visibility_batch", "AccessDenied", "not allowed")
    queues.hand_back(URL, {"a": 1.0})
    queues.hand_back(URL, {"a": 1.0})
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.WARNING, "messages not handed back in time")
    ] * 2
    assert "InvalidReceipt" in caplog.records[0].__dict__["error"]
    assert "AccessDenied" in caplog.records[1].__dict__["error"]
    assert '"Message"' in caplog.records[1].__dict__["error"]


class TestTrace:
    """What a call says of the invocation that it is made in, as botocore says it of every call in Lambda."""

    TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"

    def sent(self, client: Any, call: Callable[[], object]) -> str | None:
        sent: list[str | None] = []
        client.meta.events.register_first(
            "before-sign", lambda request, **_: sent.append(request.headers.get("X-Amzn-Trace-Id"))
        )
        call()
        return sent[0]

    def test_a_message_begins_a_new_chain_of_invocations(
        self, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else Lambda stops a planner that has sent what must wait to its own queue some 16 times."""
        url = fifo(client)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "invalidate-cloudfront-planner")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{self.TRACE};Lineage=1:8d7bf6d2:15")
        assert self.sent(client, lambda: queues.send_parcels(url, [parcel(1)])) == self.TRACE

    def test_other_calls_go_on_in_the_chain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = f"{self.TRACE};Lineage=1:8d7bf6d2:15"
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "invalidate-cloudfront-planner")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", whole)
        codepipeline._codepipeline.cache_clear()
        client = codepipeline._codepipeline()
        assert self.sent(client, client.list_pipelines) == whole
        codepipeline._codepipeline.cache_clear()

    def test_outside_of_lambda_no_chain_is_named(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        url = fifo(client)
        monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
        assert self.sent(client, lambda: queues.send_parcels(url, [parcel(1)])) is None


def test_the_client_gives_up_in_seconds_and_is_made_once() -> None:
    config = queues.client().meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries["total_max_attempts"] == 3
    assert queues.client() is queues.client()
