"""Time that passes only when no thread has work left: hours of a storm in seconds."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable


class VirtualTime:
    """A clock, threads that take turns by it, and calls that are due at their times.

    Exactly one thread runs at any moment. `sleep` hands the turn to whoever wakes first, so that a run
    depends on nothing but its inputs: no race, no busy machine changes it.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._main_turn = threading.Semaphore(0)
        self._turn = threading.local()
        self._failures: list[BaseException] = []
        self._until: Callable[[], bool] = lambda: False

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def call_at(self, when: float, work: Callable[[], object]) -> None:
        """Have `work` done at that time, or now where it has passed. It must not sleep."""
        heapq.heappush(self._agenda, (max(when, self._now), next(self._order), work))

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
        wakes = self._now + max(0.0, seconds)
        if not self._agenda or self._agenda[0][0] > wakes:
            # Nobody has anything to do before: the turn would come back at once.
            self._now = wakes
            if not self._until():
                return
        self._wake_at(wakes, turn)
        self._main_turn.release()
        turn.acquire()

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until nothing is left to do, or `until` says so. Raises what a thread or a call raised."""
        self._until = until
        while self._agenda and not until():
            self._now, _, work = heapq.heappop(self._agenda)
            work()
            if self._failures:
                raise self._failures[0]

    def _wake_at(self, when: float, turn: threading.Semaphore) -> None:
        def hand_over() -> None:
            turn.release()
            self._main_turn.acquire()

        self.call_at(when, hand_over)
