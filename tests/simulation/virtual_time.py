"""Time that passes only when nobody has anything left to do: hours of a storm in seconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class VirtualTime:
    """A clock, and threads that take turns by it.

    Exactly one thread runs at any moment. `sleep` hands the turn to whoever wakes first, so that a run
    depends on nothing but its inputs: no race, no busy machine changes it.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._main_turn = threading.Semaphore(0)
        self._turn = threading.local()
        self._failures: list[BaseException] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def spawn(self, work: Callable[[], None]) -> None:
        """Begin `work` in a thread of its own, at the present time, once the turn is free."""
        turn = threading.Semaphore(0)

        def run() -> None:
            self._turn.mine = turn
            turn.acquire()
            try:
                work()
            except BaseException as failure:
                self._failures.append(failure)
            self._main_turn.release()

        threading.Thread(target=run, daemon=True).start()
        self._wake_at(self._now, turn)

    def sleep(self, seconds: float) -> None:
        """Let others have the turn until so much time has passed. Only for threads begun by `spawn`."""
        turn: threading.Semaphore = self._turn.mine
        self._wake_at(self._now + max(0.0, seconds), turn)
        self._main_turn.release()
        turn.acquire()

    def run(self) -> None:
        """Have all threads take their turns until every one has ended. Raises what one of them raised."""
        while self._agenda:
            self._now, _, resume = heapq.heappop(self._agenda)
            resume()
            self._main_turn.acquire()
            if self._failures:
                raise self._failures[0]

    def _wake_at(self, when: float, turn: threading.Semaphore) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), turn.release))
