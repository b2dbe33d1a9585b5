"""The SQS double does what the developer guide says, as the real boto3 sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.doubles.sqs_server import (
    ACCOUNT,
    DEDUPLICATION_SECONDS,
    MAX_MESSAGE_BYTES,
    Queue,
    Sqs,
    SqsError,
    serve,
)

DAY = 86_400.0


@dataclass
class Stand:
    """A standard and a FIFO queue with their dead-letter queues, and a client."""

    now: list[float]
    queues: dict[str, Queue]
    client: Any
    url: str
    handles: dict[str, str] = field(default_factory=dict)

    def address(self, name: str) -> str:
        return f"{self.url}/{ACCOUNT}/{name}"

    def send(self, name: str, body: str = "hello", **options: Any) -> dict[str, Any]:
        if name.endswith(".fifo"):
            options = {"MessageGroupId": "g", "MessageDeduplicationId": body[:100], **options}
        answer: dict[str, Any] = self.client.send_message(
            QueueUrl=self.address(name), MessageBody=body, **options
        )
        return answer

    def receive(self, name: str) -> list[str]:
        answer = self.client.receive_message(QueueUrl=self.address(name), MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        self.handles |= {each["Body"]: each["ReceiptHandle"] for each in messages}
        return [each["Body"] for each in messages]

    def change(self, name: str, body: str, seconds: int) -> None:
        self.client.change_message_visibility(
            QueueUrl=self.address(name), ReceiptHandle=self.handles[body], VisibilityTimeout=seconds
        )

    def delete(self, name: str, body: str) -> None:
        self.client.delete_message(QueueUrl=self.address(name), ReceiptHandle=self.handles[body])


@pytest.fixture
def stand() -> Iterator[Stand]:
    now = [1_000.0]

    def queue(name: str, **options: Any) -> Queue:
        return Queue(name, clock=lambda: now[0], **options)

    dead = queue("dead", retention_seconds=14 * DAY)
    dead_fifo = queue("dead.fifo", retention_seconds=14 * DAY)
    made = [
        dead,
        dead_fifo,
        queue("plain", dead_letters=dead, max_receives=2, retention_seconds=10 * DAY),
        queue("plan.fifo", dead_letters=dead_fifo, max_receives=2),
    ]
    queues = {each.name: each for each in made}
    with serve(Sqs(queues)) as url:
        client = boto3.client(
            "sqs",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        yield Stand(now, queues, client, url)


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


class TestBoth:
    def test_a_message_arrives_with_its_attributes(self, stand: Stand) -> None:
        attributes = {"reason": {"DataType": "String", "StringValue": "refused"}}
        stand.send("plain", MessageAttributes=attributes)
        [message] = stand.queues["plain"].receive()
        record = message.record(stand.queues["plain"])
        assert record["messageAttributes"]["reason"]["stringValue"] == "refused"
        assert record["attributes"]["ApproximateReceiveCount"] == "1"

    @pytest.mark.parametrize("name", ["plain", "plan.fifo"])
    def test_a_received_message_is_hidden_until_its_visibility_ends(self, stand: Stand, name: str) -> None:
        stand.send(name)
        assert stand.receive(name) == ["hello"]
        assert stand.receive(name) == []
        stand.now[0] += 30
        assert stand.receive(name) == ["hello"]

    @pytest.mark.parametrize("name", ["plain", "plan.fifo"])
    def test_a_changed_visibility_counts_from_the_change(self, stand: Stand, name: str) -> None:
        stand.send(name)
        stand.receive(name)
        stand.now[0] += 20
        stand.change(name, "hello", 60)
        stand.now[0] += 59
        assert stand.receive(name) == []
        stand.now[0] += 1
        assert stand.receive(name) == ["hello"]

    def test_an_old_receipt_handle_neither_hides_nor_deletes(self, stand: Stand) -> None:
        stand.send("plain")
        stand.receive("plain")
        old = stand.handles["hello"]
        stand.now[0] += 30
        stand.receive("plain")
        stand.client.delete_message(QueueUrl=stand.address("plain"), ReceiptHandle=old)
        assert len(stand.queues["plain"].messages) == 1

    def test_too_many_receives_make_a_dead_letter_of_the_same_id(self, stand: Stand) -> None:
        message_id = stand.send("plain")["MessageId"]
        for _ in range(3):
            stand.receive("plain")
            stand.now[0] += 30
        assert stand.queues["dead"].messages[message_id].body == "hello"
        assert not stand.queues["plain"].messages

    def test_retention_counts_from_the_send_also_among_the_dead_letters(self, stand: Stand) -> None:
        stand.send("plain")
        stand.now[0] += 9 * DAY
        for _ in range(3):
            stand.receive("plain")
            stand.now[0] += 30
        stand.now[0] += 4.5 * DAY
        assert stand.receive("dead") == ["hello"]
        stand.now[0] += DAY
        assert stand.receive("dead") == []
        assert len(stand.queues["dead"].expired) == 1

    def test_a_message_that_is_too_old_is_gone(self, stand: Stand) -> None:
        stand.send("plain")
        stand.now[0] += 10 * DAY + 1
        assert stand.receive("plain") == []
        assert len(stand.queues["plain"].expired) == 1

    def test_a_standard_queue_hands_out_no_more_than_120000_in_flight(self) -> None:
        queue = Queue("plain", clock=lambda: 0.0)
        for number in range(120_001):
            queue.send(str(number))
        taken = sum(len(queue.receive()) for _ in range(12_002))
        assert taken == 120_000

    def test_a_dead_letter_queue_is_fifo_where_its_source_is(self) -> None:
        with pytest.raises(SqsError, match="must also be FIFO"):
            Queue("plan.fifo", dead_letters=Queue("dead"))


class TestLimits:
    def test_a_message_of_256_kilobytes_is_taken_and_a_larger_one_refused(self, stand: Stand) -> None:
        stand.send("plain", "x" * MAX_MESSAGE_BYTES)
        with pytest.raises(ClientError) as caught:
            stand.send("plain", "x" * (MAX_MESSAGE_BYTES + 1))
        assert code(caught) == "InvalidParameterValue"

    def test_a_batch_is_256_kilobytes_in_all(self, stand: Stand) -> None:
        entries = [{"Id": str(number), "MessageBody": "x" * (MAX_MESSAGE_BYTES // 2)} for number in range(3)]
        stand.client.send_message_batch(QueueUrl=stand.address("plain"), Entries=entries[:2])
        with pytest.raises(ClientError) as caught:
            stand.client.send_message_batch(QueueUrl=stand.address("plain"), Entries=entries)
        assert code(caught) == "BatchRequestTooLong"

    def test_a_batch_has_ten_entries_at_most(self, stand: Stand) -> None:
        entries = [{"Id": str(number), "MessageBody": "x"} for number in range(11)]
        with pytest.raises(ClientError) as caught:
            stand.client.send_message_batch(QueueUrl=stand.address("plain"), Entries=entries)
        assert code(caught) == "TooManyEntriesInBatchRequest"

    def test_a_bad_entry_fails_alone(self, stand: Stand) -> None:
        entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\x00"}]
        answer = stand.client.send_message_batch(QueueUrl=stand.address("plain"), Entries=entries)
        assert [each["Id"] for each in answer["Successful"]] == ["good"]
        [failed] = answer["Failed"]
        assert (failed["Id"], failed["Code"]) == ("bad", "InvalidMessageContents")

    def test_a_visibility_of_more_than_twelve_hours_is_refused(self, stand: Stand) -> None:
        stand.send("plain")
        stand.receive("plain")
        with pytest.raises(ClientError) as caught:
            stand.change("plain", "hello", 43_201)
        assert code(caught) == "InvalidParameterValue"

    def test_a_visibility_changes_only_in_flight(self, stand: Stand) -> None:
        stand.send("plain")
        stand.receive("plain")
        stand.now[0] += 30
        with pytest.raises(ClientError) as caught:
            stand.change("plain", "hello", 5)
        assert code(caught) == "MessageNotInflight"

    def test_an_unknown_queue_is_said_to_be_unknown(self, stand: Stand) -> None:
        with pytest.raises(ClientError) as caught:
            stand.send("nowhere")
        assert code(caught) == "QueueDoesNotExist"


class TestFifo:
    def test_the_same_deduplication_id_is_dropped_for_five_minutes(self, stand: Stand) -> None:
        first = stand.send("plan.fifo")["MessageId"]
        assert stand.send("plan.fifo")["MessageId"] == first
        assert len(stand.queues["plan.fifo"].messages) == 1
        stand.now[0] += DEDUPLICATION_SECONDS
        assert stand.send("plan.fifo")["MessageId"] != first

    def test_a_deduplication_id_counts_in_every_group(self, stand: Stand) -> None:
        stand.send("plan.fifo")
        stand.send("plan.fifo", MessageGroupId="h")
        assert len(stand.queues["plan.fifo"].messages) == 1

    def test_a_group_in_flight_gives_nothing_more_out_and_others_do(self, stand: Stand) -> None:
        for number in range(11):
            stand.send("plan.fifo", f"g{number}")
        assert len(stand.receive("plan.fifo")) == 10
        stand.send("plan.fifo", "h0", MessageGroupId="h")
        assert stand.receive("plan.fifo") == ["h0"]
        for number in range(10):
            stand.delete("plan.fifo", f"g{number}")
        assert stand.receive("plan.fifo") == ["g10"]

    def test_the_order_of_a_group_outlives_a_failure(self, stand: Stand) -> None:
        for body in ("a", "b", "c"):
            stand.send("plan.fifo", body)
        stand.receive("plan.fifo")
        stand.change("plan.fifo", "b", 0)
        assert stand.receive("plan.fifo") == [], "a and c hold the group"
        stand.now[0] += 30
        assert stand.receive("plan.fifo") == ["a", "b", "c"]

    def test_a_message_needs_a_group(self, stand: Stand) -> None:
        with pytest.raises(ClientError) as caught:
            stand.send("plan.fifo", MessageGroupId="")
        assert code(caught) == "MissingParameter"

    def test_the_clock_of_a_dead_letter_starts_anew(self, stand: Stand) -> None:
        stand.send("plan.fifo")
        stand.now[0] += 3 * DAY
        for _ in range(3):
            stand.receive("plan.fifo")
            stand.now[0] += 30
        [dead_letter] = stand.queues["dead.fifo"].messages.values()
        assert dead_letter.sent > 3 * DAY
        assert dead_letter.first_sent == 1_000.0
