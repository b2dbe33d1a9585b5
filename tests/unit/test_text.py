"""What AWS and its SDK say of an error reaches logs, answers and dead letters escaped, and never endless."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.doubles.sqs_server import Queue, Sqs

from invalidator import cloudfront, codepipeline, inventory, queues
from invalidator.chunks import DeadLetter
from invalidator.listing import Place
from invalidator.settings import Target
from invalidator.text import MOST_NAMES, MOST_SAID, clipped, joined, kind_of, listed, said

ENDLESS = "first words\n" + "x" * 1_000_000
MOST = MOST_SAID + 400
"""What the module says itself stands beside it."""


class EndlessError(BotoCoreError):
    """An error of the SDK that quotes all of what it got."""

    fmt = "{text}"


ERRORS: list[Exception] = [
    ClientError({"Error": {"Code": "InvalidArgument", "Message": ENDLESS}}, "CreateInvalidation"),
    EndlessError(text=ENDLESS),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=["of AWS", "of the SDK"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "missing or null"),
        ("", "empty"),
        ({}, "empty"),
        (True, "a boolean"),
        ("a", "a string"),
        ([1], "a list"),
        ({"a": 1}, "an object"),
        (0, "a number"),
        (1.5, "a number"),
    ],
    ids=repr,
)
def test_the_kind_of_a_value_is_named_without_the_value(value: object, kind: str) -> None:
    assert kind_of(value) == kind


def failing(error: Exception) -> Any:
    """A client of which every call raises the error."""

    class Client:
        def __getattr__(self, name: str) -> Any:
            def call(*_: object, **__: object) -> None:
                raise error

            return call

    return Client()


def assert_bounded(text: str) -> None:
    assert "first words" in text
    assert len(text) <= MOST
    assert "\n" not in text


def test_a_text_as_long_as_it_may_be_is_whole() -> None:
    assert (clipped("abc", 3), clipped("abcd", 3)) == ("abc", "abc…")


@pytest.mark.parametrize(
    ("count", "rest"),
    [
        (MOST_NAMES - 1, ""),
        (MOST_NAMES, ""),
        (MOST_NAMES + 1, " and 1 more"),
        (MOST_NAMES + 7, " and 7 more"),
    ],
)
def test_of_many_names_the_first_are_listed_and_the_others_counted(count: int, rest: str) -> None:
    names = [f"n{number:02}" for number in range(count)]
    first = ", ".join(f"'{name}'" for name in names[:MOST_NAMES])
    assert listed(reversed(names)) == first + rest


def test_of_many_sentences_the_first_are_joined_and_the_others_counted() -> None:
    assert joined(["one", "two"], 2) == "one; two"
    assert joined(["one", "two", "three", "four"], 2) == "one; two and 2 more"


def test_a_short_text_is_said_as_it_is() -> None:
    assert said(ValueError("Der Schlüssel fehlt.")) == "Der Schlüssel fehlt."


def test_what_no_terminal_should_get_is_escaped() -> None:
    assert said("a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e"


@each_error
def test_a_call_that_is_refused(error: Exception) -> None:
    assert_bounded(cloudfront.explain(error, Target("E1")).text)


def test_an_endless_error_code() -> None:
    error = ClientError({"Error": {"Code": ENDLESS, "Message": "no"}}, "CreateInvalidation")
    assert_bounded(cloudfront.explain(error, Target("E1")).text)


@each_error
def test_a_job_that_is_not_answered(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codepipeline, "_codepipeline", lambda: failing(error))
    with pytest.raises(codepipeline.AnswerError) as raised:
        codepipeline.succeed("job")
    assert_bounded(str(raised.value))


@each_error
def test_a_bucket_that_cannot_be_listed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "client", lambda: failing(error))
    (answer,) = inventory.list_pages([Place("site", "", "")])
    assert_bounded(str(answer))


@each_error
def test_a_dead_letter_that_is_not_sent(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queues, "client", lambda: failing(error))
    assert not queues.send_dead_letter("url", DeadLetter("{}", ENDLESS))
    (record,) = caplog.records
    assert_bounded(record.__dict__["error"])
    assert len(record.__dict__["reason"]) <= queues.REASON_LENGTH


@pytest.mark.parametrize("body", ["x" * queues.MESSAGE_BYTES, "語" * (queues.MESSAGE_BYTES // 3 - 10)])
def test_a_dead_letter_as_large_as_a_message(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQS has no room for the reason, the body is kept without it: SQS counts attributes, too."""
    queue = Queue("dead")
    sqs = Sqs({"dead": queue})
    client = SimpleNamespace(send_message=lambda **request: sqs.answer("SendMessage", request))
    monkeypatch.setattr(queues, "client", lambda: client)
    assert queues.send_dead_letter("dead", DeadLetter(body, "é" * 500))
    (message,) = queue.messages.values()
    assert (message.body, message.attributes) == (body, {})


@each_error
def test_messages_that_are_not_handed_back(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queues, "client", lambda: failing(error))
    with caplog.at_level(logging.WARNING):
        queues.hand_back("url", {"receipt": 1.0})
    (record,) = caplog.records
    assert_bounded(record.__dict__["error"])


def test_entries_that_sqs_refuses_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = {"Failed": [{"Id": "0", "Message": ENDLESS}]}
    client = SimpleNamespace(change_message_visibility_batch=lambda **_: failed)
    monkeypatch.setattr(queues, "client", lambda: client)
    queues.hand_back("url", {"receipt": 1.0})
    (record,) = caplog.records
    assert_bounded(record.__dict__["error"])
    assert json.loads(json.dumps(record.__dict__["error"])) == record.__dict__["error"]
