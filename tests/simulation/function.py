"""The packaged function in virtual time: what Lambda does around the handler, and the network under it.

Nothing of the handler is replaced. It is imported from the package, with a module `time` that runs on virtual
time, and its calls go through the real boto3 over real HTTP. Only the last step, where botocore sends a
request, is watched: there a call takes its time, and there a function may be killed.
"""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import os
import random
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest import mock

import boto3  # noqa: F401 - in real time, before the package imports it
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from scripts.package import build
from tests.doubles.cloudfront_server import CloudFront
from tests.simulation.virtual_time import VirtualTime

CALL_SECONDS = 0.2
"""What a call of CloudFront takes from here to there and back."""


class KilledError(BaseException):
    """The function ceased to exist: no handler of exceptions may notice."""


@dataclass
class Function:
    """A deployed function: invoke it, kill it, read its log."""

    time: VirtualTime
    cloudfront: CloudFront
    package: Path
    timeout_seconds: float
    chance: random.Random
    kill_rate: float = 0.0
    """Share of the steps after which the function dies."""
    kill_at: int | None = None
    """The step, counted from 0, after which one invocation dies; later ones live."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Message id → the latest error that the log gave for it."""
    invocations: int = 0
    kills: int = 0
    steps: int = 0
    """Boundaries at which an invocation could have died, over all invocations."""

    def __post_init__(self) -> None:
        self._mine = threading.local()
        self._request_ids = itertools.count()
        self._idle: list[Any] = []

    def invoke(self, event: Any) -> Mapping[str, Any] | None:
        """The handler's answer; None where the function died or ran out of time."""
        self._mine.ends_at = self.time.now() + self.timeout_seconds
        self.invocations += 1
        # A sandbox serves one invocation at a time and lives on, memory and all, until it is killed.
        index = self._idle.pop(self.chance.randrange(len(self._idle))) if self._idle else self._sandbox()
        try:
            answer: Mapping[str, Any] = index.lambda_handler(json.loads(json.dumps(event)), self._context())
            self.step()
        except KilledError:
            self.kills += 1
            return None
        self._idle.append(index)
        return answer

    def sleep(self, seconds: float) -> None:
        """Sleep within an invocation, which ends with its time-out whatever it was about to do."""
        left: float = self._mine.ends_at - self.time.now()
        self.time.sleep(min(seconds, left))
        if seconds >= left:
            raise KilledError

    def step(self) -> None:
        """A boundary between two effects on the world: where a function killed midway makes a difference."""
        dies = self.steps == self.kill_at or self.chance.random() < self.kill_rate
        self.steps += 1
        if dies:
            raise KilledError

    def send(self, session: Any, request: Any) -> Any:
        """What botocore does to send a request, with its duration and its dangers."""
        self.step()
        self.sleep(CALL_SECONDS / 2)
        try:
            answer = _SEND(session, request)
        except ConnectionClosedError:
            if self.cloudfront.calls[-1].fault == "time-out":
                self.sleep(session._timeout.read_timeout)
                raise ReadTimeoutError(endpoint_url=request.url) from None
            raise
        finally:
            self.step()
        self.sleep(CALL_SECONDS / 2)
        self.step()
        return answer

    def note(self, record: logging.LogRecord) -> None:
        """Read the function's log as an operator would: which message failed, and why."""
        for message_id in getattr(record, "message_ids", ()):
            self.reasons[message_id] = record.getMessage()

    def _sandbox(self) -> Any:
        now = self.time.now
        virtual_time = types.SimpleNamespace(monotonic=now, time=now, sleep=self.sleep)
        virtual_random = types.SimpleNamespace(random=self.chance.random)
        return _imported(self.package, time=virtual_time, random=virtual_random)

    def _context(self) -> Any:
        ends_at: float = self._mine.ends_at
        return types.SimpleNamespace(
            aws_request_id=f"00000000-0000-4000-9000-{next(self._request_ids):012x}",
            get_remaining_time_in_millis=lambda: int((ends_at - self.time.now()) * 1000),
        )


_SEND = URLLib3Session.send


def _watched(session: Any, function: Function, request: Any) -> Any:
    return function.send(session, request)


@contextmanager
def deployed(
    settings: Mapping[str, Any],
    *,
    time: VirtualTime,
    cloudfront: CloudFront,
    url: str,
    directory: Path,
    timeout_seconds: float,
    seed: int,
) -> Iterator[Function]:
    """A function made of the package, with these settings, whose CloudFront is at `url`."""
    environment = {
        "SETTINGS": json.dumps(settings),
        "AWS_ENDPOINT_URL_CLOUDFRONT": url,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    package = directory / "invalidator.zip"
    package.write_bytes(build())
    function = Function(
        time=time,
        cloudfront=cloudfront,
        package=package,
        timeout_seconds=timeout_seconds,
        chance=random.Random(seed),  # noqa: S311 - repeatable by its seed, which is the point
    )
    log = logging.Handler()
    log.emit = function.note  # type: ignore[method-assign]
    root = logging.getLogger()
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(URLLib3Session, "send", partialmethod(_watched, function)),
    ):
        root.addHandler(log)
        try:
            yield function
        finally:
            root.removeHandler(log)


def _imported(package: Path, **stand_ins: Any) -> Any:
    """The module `index` of the package, freshly imported, with some modules replaced."""
    ours = [name for name in sys.modules if name == "index" or name.split(".")[0] == "invalidator"]
    aside = {name: sys.modules.pop(name) for name in ours}
    real = {name: sys.modules[name] for name in stand_ins}
    sys.path.insert(0, str(package))
    sys.modules.update(stand_ins)
    try:
        index = importlib.import_module("index")
    finally:
        sys.modules.update(real)
        sys.path.remove(str(package))
        for name in [name for name in sys.modules if name == "index" or name.split(".")[0] == "invalidator"]:
            del sys.modules[name]
        sys.modules.update(aside)
    # Metrics are printed for CloudWatch; here nobody reads them.
    vars(index)["print"] = lambda *_: None
    return index
