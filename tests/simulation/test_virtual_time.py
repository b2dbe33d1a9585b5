"""Virtual time passes for everybody at once, in the same order every time."""

from __future__ import annotations

import pytest
from tests.simulation.virtual_time import VirtualTime


def test_threads_wake_in_the_order_of_their_time() -> None:
    time = VirtualTime(start=100)
    seen: list[tuple[float, str]] = []

    def worker(name: str, seconds: float) -> None:
        for _ in range(2):
            time.sleep(seconds)
            seen.append((time.now(), name))

    time.spawn(lambda: worker("slow", 5))
    time.spawn(lambda: worker("quick", 2))
    time.run()
    assert seen == [(102, "quick"), (104, "quick"), (105, "slow"), (110, "slow")]


def test_who_wakes_at_the_same_time_wakes_in_the_order_of_falling_asleep() -> None:
    time = VirtualTime()
    seen: list[int] = []

    def worker(number: int) -> None:
        time.sleep(1)
        seen.append(number)

    for number in range(10):
        time.spawn(lambda number=number: worker(number))  # type: ignore[misc]
    time.run()
    assert seen == list(range(10))


def test_a_failure_of_any_thread_ends_the_run() -> None:
    time = VirtualTime()

    def fail() -> None:
        time.sleep(1)
        raise ValueError("oops")

    time.spawn(fail)
    with pytest.raises(ValueError, match="oops"):
        time.run()
