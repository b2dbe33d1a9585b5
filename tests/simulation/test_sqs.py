"""The queue of the simulation keeps the rules that SQS and its event source mapping document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.sqs import PAYLOAD_BYTES, Batching, Event, Queue, poll
from tests.simulation.virtual_time import VirtualTime

ALL_GOOD: Mapping[str, Any] = {"batchItemFailures": []}


def run(batching: Batching, bodies: list[tuple[float, str]], answers: list[Mapping[str, Any] | None]) -> Any:
    """Send bodies at their times, answer each batch in turn: the queue, and (time, bodies) of the batches."""
    time = VirtualTime(0)
    queue = Queue(time, batching)
    for at, body in bodies:
        queue.send(body, at)
    batches: list[tuple[float, list[str]]] = []

    def invoke(event: Event) -> Mapping[str, Any] | None:
        batches.append((time.now(), [record["body"] for record in event["Records"]]))
        return answers.pop(0) if answers else ALL_GOOD

    time.spawn(lambda: poll(queue, invoke))
    time.run()
    return queue, batches


def failing(*numbers: int) -> Mapping[str, Any]:
    ids = [f"00000000-0000-4000-8000-{number:012x}" for number in numbers]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in ids]}


def test_a_batch_is_gathered_for_the_window() -> None:
    _, batches = run(Batching(window_seconds=5), [(1, "a"), (4, "b"), (7, "c")], [])
    assert batches == [(6, ["a", "b"]), (12, ["c"])]


def test_a_full_batch_waits_for_no_window() -> None:
    _, batches = run(Batching(window_seconds=5, size=2), [(1, "a"), (1, "b"), (1, "c")], [])
    assert batches == [(1, ["a", "b"]), (6, ["c"])]


def test_a_batch_closes_at_six_megabytes_metadata_included() -> None:
    _, batches = run(Batching(), [(1, "x" * (PAYLOAD_BYTES // 4))] * 4, [])
    assert [len(bodies) for _, bodies in batches] == [3, 1]


def test_a_failed_message_comes_back_alone_after_its_visibility_timeout() -> None:
    batching = Batching(window_seconds=1, timeout_seconds=10)
    queue, batches = run(batching, [(0, "a"), (0, "b")], [failing(1)])
    assert batches == [(1, ["a", "b"]), (62, ["b"])]
    assert (len(queue.deleted), len(queue.dead)) == (2, 0)


def test_a_batch_comes_back_whole_from_a_function_that_died() -> None:
    _, batches = run(Batching(window_seconds=1, timeout_seconds=10), [(0, "a"), (0, "b")], [None])
    assert batches == [(1, ["a", "b"]), (62, ["a", "b"])]


def test_an_answer_that_names_a_foreign_message_fails_the_whole_batch() -> None:
    _, batches = run(Batching(window_seconds=1, timeout_seconds=10), [(0, "a")], [failing(7)])
    assert len(batches) == 2


def test_a_message_that_failed_too_often_is_a_dead_letter() -> None:
    batching = Batching(max_receives=3)
    queue, batches = run(batching, [(0, "a")], [failing(0)] * 3)
    assert len(batches) == 3
    assert [message.body for message in queue.dead.values()] == ["a"]
    assert not queue.deleted


def test_two_pollers_never_hold_the_same_message() -> None:
    time = VirtualTime(0)
    queue = Queue(time, Batching(window_seconds=1))
    for number in range(100):
        queue.send(str(number), at=number / 10)
    seen: list[str] = []

    def invoke(event: Event) -> Mapping[str, Any]:
        seen.extend(record["body"] for record in event["Records"])
        time.sleep(3)
        return ALL_GOOD

    time.spawn(lambda: poll(queue, invoke))
    time.spawn(lambda: poll(queue, invoke))
    time.run()
    assert sorted(seen, key=int) == [str(number) for number in range(100)]
