"""The clock of a sandbox that Lambda freezes between two invocations."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from invalidator import clock


class Sandbox:
    """The two clocks that the function has, by hand."""

    wall, monotonic = 1_800_000_000.0, 50.0


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    found = Sandbox()
    clocks = SimpleNamespace(time=lambda: found.wall, monotonic=lambda: found.monotonic)
    monkeypatch.setattr(clock, "time", clocks)
    monkeypatch.setattr(clock, "_slept", 0.0)
    monkeypatch.setattr(clock, "_last", (found.wall, found.monotonic))
    return found


@pytest.mark.parametrize(
    ("wall", "monotonic", "passed"),
    [
        pytest.param(20, 20, 20, id="both-run"),
        pytest.param(3_600, 0.25, 3_600, id="frozen-while-the-monotonic-clock-stands-still"),
        pytest.param(-7_200, 20, 20, id="the-time-of-day-is-set-back"),
        pytest.param(0, 20, 20, id="the-time-of-day-stands-still"),
    ],
)
def test_seconds_pass_as_on_the_clock_that_moved_further(
    sandbox: Sandbox, wall: float, monotonic: float, passed: float
) -> None:
    before = clock.now()
    for _ in range(3):
        sandbox.wall += wall
        sandbox.monotonic += monotonic
        clock.now()
    assert clock.now() - before == pytest.approx(3 * passed)
