"""What a command shows while it works: a line for each step, and a sign of life in a long one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

HEARTBEAT_SECONDS = 10
"""Without a terminal there is no spinner: a line now and then says that the step goes on."""


@contextmanager
def step(console: Console, label: str) -> Iterator[Callable[[str], None]]:
    """Show a step while it runs, and how long it took. The block may say what it is at just now."""
    began = time.monotonic()
    detail = ""

    def say(text: str) -> None:
        nonlocal detail
        detail = text

    def line() -> str:
        return f"{label} [dim]{time.monotonic() - began:3.0f} s  {detail}[/]"

    with _beating(console, line):
        yield say
    console.print(f"[green]✓[/] {label} [dim]{time.monotonic() - began:.1f} s[/]  {detail}")


@contextmanager
def _beating(console: Console, line: Callable[[], str]) -> Iterator[None]:
    ended = threading.Event()

    def beat() -> None:
        if not console.is_terminal:
            while not ended.wait(HEARTBEAT_SECONDS):
                console.print(f"  {line()}")
            return
        with console.status(line()) as status:
            while not ended.wait(0.2):
                status.update(line())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
