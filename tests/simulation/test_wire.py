"""HTTP in memory gives botocore what HTTP over TCP gives it, from the same doubles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.httpsession import URLLib3Session
from tests.doubles import cloudfront_server, sqs_server
from tests.doubles.cloudfront_server import CloudFront
from tests.doubles.sqs_server import Queue, Sqs
from tests.simulation.wire import exchange, in_memory

CONFIG = Config(retries={"total_max_attempts": 1})
PLACE: dict[str, Any] = {
    "region_name": "eu-central-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


@pytest.fixture(params=["tcp", "memory"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cloudfront() -> CloudFront:
    ticks = itertools.count()
    return CloudFront(clock=lambda: float(next(ticks)), seed=1, known={"E1"})


@pytest.fixture
def client(transport: str, cloudfront: CloudFront) -> Iterator[Any]:
    if transport == "tcp":
        with cloudfront_server.serve(cloudfront, holds_connections=False) as url:
            yield boto3.client("cloudfront", endpoint_url=url, config=CONFIG, **PLACE)
        return
    handler = in_memory(cloudfront_server.handler(cloudfront, holds_connections=False))
    with mock.patch.object(URLLib3Session, "send", lambda _, request: exchange(handler, request)):
        yield boto3.client("cloudfront", endpoint_url="http://cloudfront.invalid", config=CONFIG, **PLACE)


def create(client: Any, *items: str) -> dict[str, Any]:
    batch = {"Paths": {"Quantity": len(items), "Items": list(items)}, "CallerReference": "r"}
    answer: dict[str, Any] = client.create_invalidation(DistributionId="E1", InvalidationBatch=batch)
    return answer


def test_an_answer_is_read_as_it_was_written(client: Any, cloudfront: CloudFront) -> None:
    answer = create(client, "/gr%C3%B6%C3%9Fe", "/a&b")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] == ["/gr%C3%B6%C3%9Fe", "/a&b"]
    assert answer["Location"].endswith(f"/E1/invalidation/{answer['Invalidation']['Id']}")
    assert [each.items for each in cloudfront.invalidations.values()] == [("/gr%C3%B6%C3%9Fe", "/a&b")]
    found = client.get_invalidation(DistributionId="E1", Id=answer["Invalidation"]["Id"])
    assert found["Invalidation"]["Id"] == answer["Invalidation"]["Id"]


def test_an_error_is_an_error(client: Any) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        create(client, "no slash")


def test_a_connection_that_is_reset_gives_no_answer(client: Any, cloudfront: CloudFront) -> None:
    cloudfront.fault_rates = {"lost-answer": 1.0}
    with pytest.raises(ConnectionClosedError):
        create(client, "/a")
    assert len(cloudfront.invalidations) == 1


def test_sqs_answers_in_memory() -> None:
    queue = Queue("changes")
    handler = in_memory(sqs_server.handler(Sqs({"changes": queue})))
    with mock.patch.object(URLLib3Session, "send", lambda _, request: exchange(handler, request)):
        client: Any = boto3.client("sqs", endpoint_url="http://sqs.invalid", config=CONFIG, **PLACE)
        client.send_message(QueueUrl="http://sqs.invalid/1/changes", MessageBody="größe")
        with pytest.raises(ClientError, match=r"QueueDoesNotExist|NonExistentQueue"):
            client.send_message(QueueUrl="http://sqs.invalid/1/other", MessageBody="a")
    assert [each.body for each in queue.messages.values()] == ["größe"]
