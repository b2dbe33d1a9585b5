"""The event source mapping of the simulation keeps the rules that Lambda documents."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any

import pytest
from tests.doubles.sqs_server import Queue
from tests.simulation.mapping import PAYLOAD_BYTES, QUIET_SECONDS, Event, Mapping, ThrottledError
from tests.simulation.virtual_time import VirtualTime

ALL_GOOD: AnyMapping[str, Any] = {"batchItemFailures": []}
Batches = list[tuple[float, list[str]]]


class Line:
    """A queue with a mapping to a function that gives the set answers, then successes."""

    def __init__(
        self, answers: tuple[AnyMapping[str, Any] | None, ...] = (), *, fifo: bool = False, **options: Any
    ) -> None:
        self.time = VirtualTime(0)
        self.dead = Queue("dead.fifo" if fifo else "dead", clock=self.time.now, visibility_seconds=30)
        self.queue = Queue(
            "changes.fifo" if fifo else "changes",
            clock=self.time.now,
            visibility_seconds=60,
            dead_letters=self.dead,
            max_receives=options.pop("max_receives", 1_000),
        )
        self.answers = list(answers)
        self.batches: Batches = []
        self.seconds = options.pop("seconds", 0.0)
        self.running = self.most_running = 0
        defaults = {"size": 10_000, "window_seconds": 5.0, "concurrency": 1}
        if fifo:
            defaults |= {"size": 10, "window_seconds": 0.0}
        self.mapping = Mapping(self.time, self.queue, self.invoke, **{**defaults, **options})

    def invoke(self, event: Event) -> AnyMapping[str, Any] | None:
        self.batches.append((self.time.now(), [record["body"] for record in event["Records"]]))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.time.sleep(self.seconds)
        self.running -= 1
        answer = self.answers.pop(0) if self.answers else ALL_GOOD
        if answer is not None and "bodies" in answer:
            failed = [each["messageId"] for each in event["Records"] if each["body"] in answer["bodies"]]
            return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
        return answer

    def run(self, *bodies: tuple[float, str]) -> Batches:
        for at, body in bodies:
            self.queue.send(body, at=at)
        self.time.run()
        return self.batches


def failing(*bodies: str) -> AnyMapping[str, Any]:
    return {"bodies": bodies}


def test_a_batch_is_gathered_for_the_window_and_closes_with_the_next_message() -> None:
    assert Line().run((1, "a"), (4, "b"), (7, "c"))[0] == (7, ["a", "b", "c"])


def test_a_batch_in_a_quiet_queue_waits_for_twenty_seconds_at_most() -> None:
    [(at, bodies)] = Line().run((1, "a"))
    assert bodies == ["a"]
    assert 1 + 5 <= at <= 1 + QUIET_SECONDS


def test_a_full_batch_waits_for_no_window() -> None:
    assert Line(size=2).run((1, "a"), (1, "b"), (1, "c"))[0] == (1, ["a", "b"])


def test_a_poller_fetches_ten_messages_at_a_time_at_its_rate() -> None:
    batches = Line(messages_per_second=100).run(*[(0, str(number)) for number in range(1_000)])
    assert len(batches[0][1]) == pytest.approx(500, abs=10)


def test_a_batch_closes_at_six_megabytes_metadata_included() -> None:
    batches = Line().run(*[(1, "x" * (PAYLOAD_BYTES // 40))] * 50)
    assert [len(bodies) for _, bodies in batches] == [30, 20]


def test_a_failed_message_comes_back_alone_after_its_visibility_timeout() -> None:
    line = Line((failing("b"),), window_seconds=0, size=10)
    assert line.run((0, "a"), (0, "b")) == [(0, ["a", "b"]), (60, ["b"])]
    assert line.queue.deleted == 2


@pytest.mark.parametrize(
    "answer",
    [None, {"batchItemFailures": [{"itemIdentifier": "of-another-team"}]}],
    ids=["died", "foreign-message"],
)
def test_a_batch_comes_back_whole_after_anything_but_an_answer(answer: AnyMapping[str, Any] | None) -> None:
    batches = Line((answer,), window_seconds=0, size=10).run((0, "a"), (0, "b"))
    assert batches == [(0, ["a", "b"]), (60, ["a", "b"])]


def test_a_message_that_failed_too_often_is_a_dead_letter() -> None:
    line = Line((failing("a"),) * 3, max_receives=3, window_seconds=0, size=10)
    assert len(line.run((0, "a"))) == 3
    assert [message.body for message in line.dead.messages.values()] == ["a"]


def test_two_pollers_never_hold_the_same_message() -> None:
    batches = Line(concurrency=2, seconds=3).run(*[(number / 10, str(number)) for number in range(100)])
    assert sorted(int(body) for _, bodies in batches for body in bodies) == list(range(100))


def test_no_more_batches_run_at_once_than_the_maximum_concurrency() -> None:
    line = Line(concurrency=2, seconds=30, size=10, window_seconds=0)
    line.run(*[(0, str(number)) for number in range(100)])
    assert line.most_running == 2


def test_after_an_error_fewer_batches_run_at_once() -> None:
    line = Line((None, None), concurrency=2, seconds=1, size=10, window_seconds=0)
    line.run(*[(0, str(number)) for number in range(40)])
    assert [at for at, _ in line.batches][:4] == [0, 0, 1, 2]


def test_a_refused_invocation_is_tried_again_and_in_the_end_spends_a_receive() -> None:
    line = Line(window_seconds=0, size=10)
    invoke, refused_until = line.mapping._invoke, 90

    def refusing(event: Event) -> AnyMapping[str, Any] | None:
        if line.time.now() < refused_until:
            raise ThrottledError
        assert event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"
        return invoke(event)

    line.mapping._invoke = refusing
    assert [bodies for _, bodies in line.run((0, "a"))] == [["a"]]


def test_a_stopped_mapping_receives_nothing() -> None:
    line = Line(window_seconds=0, size=10)
    line.mapping.enabled = False
    line.time.call_at(100, line.mapping.enable)
    assert line.run((0, "a")) == [(100, ["a"])]


def test_a_quiet_queue_causes_no_events() -> None:
    line = Line(window_seconds=0, size=10)
    line.run((86_400, "a"))
    assert next(line.time._order) < 20


class TestFifo:
    def send(self, line: Line, count: int, group: str = "g") -> None:
        for number in range(count):
            line.queue.send(f"{group}{number}", group=group, deduplication_id=f"{group}{number}")

    def test_batches_hold_at_most_ten_and_only_one_of_a_group_is_in_flight(self) -> None:
        line = Line(fifo=True, concurrency=2, seconds=5)
        self.send(line, 25)
        line.time.run()
        assert [(at, len(bodies)) for at, bodies in line.batches] == [(0, 10), (5, 10), (10, 5)]

    def test_a_batch_may_hold_several_groups(self) -> None:
        line = Line(fifo=True)
        self.send(line, 2, "g")
        self.send(line, 2, "h")
        line.time.run()
        assert line.batches == [(0, ["g0", "g1", "h0", "h1"])]

    def test_a_message_that_was_handed_back_holds_its_group_back(self) -> None:
        line = Line((failing("g0"),), fifo=True)
        self.send(line, 12)
        line.time.run()
        assert line.batches == [
            (0, [f"g{number}" for number in range(10)]),
            (60, ["g0", "g10", "g11"]),
        ]

    @pytest.mark.parametrize("options", [{"size": 11}, {"window_seconds": 1}], ids=["size", "window"])
    def test_there_is_no_window_nor_a_larger_batch(self, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="FIFO"):
            Line(fifo=True, **options)
