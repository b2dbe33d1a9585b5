"""The packaged functions in virtual time: what Lambda does around the handler, and the network under it.

Nothing of the handler is replaced. It is imported from the package, with a module `time` that runs on virtual
time, and its calls go through the real boto3. Only the last step, where botocore sends a request, is another:
there it is handled as HTTP in memory, there a call takes its time, and there a function may be killed.

Processor time is charged by what there is to do and not by this machine's clock: so a seed repeats a run.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import json
import logging
import os
import random
import re
import sys
import threading
import types
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

import botocore.session
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from tests.doubles.cloudfront_server import CloudFront
from tests.doubles.sqs_server import hash_of
from tests.simulation.mapping import ThrottledError
from tests.simulation.virtual_time import VirtualTime
from tests.simulation.wire import Handler, exchange

CALL_SECONDS = 0.2
"""What a call of CloudFront takes from here to there and back."""
SQS_CALL_SECONDS = 0.02
"""What a call of SQS takes, within the region."""
S3_CALL_SECONDS = 0.08
"""What a page of a listing takes; pages that are asked for together take as long as one."""
COLD_START_SECONDS = 2.5
"""A new sandbox: start, import of boto3, clients, at the 0.14 processors that 256 MB have (0.25–0.40 s of a
whole processor, measured)."""
SHARE = 256 / 1_769
"""Of a processor, which 1,769 MB have whole (Lambda Developer Guide, "Configure Lambda function memory")."""
RECORD_SECONDS = 30e-6 / SHARE
"""To read one record of a batch (30 µs of a whole processor, measured)."""
BYTE_SECONDS = 15e-9 / SHARE
"""To parse one byte of an event, its bodies included."""
PAGE_SECONDS = 5e-3 / SHARE
"""To read and count a page of 1,000 keys (5 ms of a whole processor, measured by bench/inventory.py)."""
PATH_SECONDS = 30e-6 / SHARE
"""To merge one path in a plan past its budget: 0.29 s of a whole processor for 10,141 (docs/benchmark.md)."""
CHAIN = 16
"""A function that was invoked so often in one chain of requests, and once more, is not invoked again: Lambda
takes that for an endless loop (Lambda guide, "Recursive loop detection": "approximately 16 times")."""


class KilledError(BaseException):
    """The function ceased to exist: no handler of exceptions may notice."""


@dataclass
class _RunningTime:
    """The monotonic clock of a sandbox."""

    time: VirtualTime
    stops: bool
    """Whether it stands still while the sandbox is frozen."""
    _frozen_at: float = 0.0
    _frozen_seconds: float = 0.0

    def now(self) -> float:
        return self.time.now() - self._frozen_seconds

    def freeze(self) -> None:
        self._frozen_at = self.time.now()

    def thaw(self) -> None:
        if self.stops:
            self._frozen_seconds += self.time.now() - self._frozen_at


@dataclass
class _Sandbox:
    modules: Mapping[str, Any]
    """Its own copy of all modules of the package."""
    running_time: _RunningTime
    since: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)
    """What is in its environment for one invocation."""
    host: Mapping[str, Any] = field(default_factory=dict)
    """Modules of the same names that stand aside while it runs."""

    def enter(self) -> None:
        """From now on `import` finds its modules, also one inside a function, and boto3 its environment."""
        os.environ.update(self.environment)
        self.modules["index"].os.environ.update(self.environment)
        self.host = {name: sys.modules[name] for name in self.modules if name in sys.modules}
        sys.modules.update(self.modules)

    def leave(self) -> None:
        """From now on `import` finds what it found before."""
        for name in self.environment:
            os.environ.pop(name, None)
        for name in self.modules:
            sys.modules.pop(name, None)
        sys.modules.update(self.host)


@dataclass
class Function:
    """A deployed function: invoke it, kill it, refuse it."""

    name: str
    time: VirtualTime
    package: Path
    environment: Mapping[str, str]
    handlers: Mapping[str, Handler]
    """Endpoint of a service → what answers there."""
    cloudfront: CloudFront
    timeout_seconds: float
    chance: random.Random
    kill_rate: float = 0.0
    """Share of the steps after which the function dies."""
    kill_at: int | None = None
    """The step, counted from 0, after which one invocation dies; later ones live."""
    recycle_seconds: float = float("inf")
    """The age at which Lambda replaces a sandbox, its memory lost."""
    throttled_until: float = 0.0
    """Lambda refuses to invoke it before that time."""
    clock_stops: bool = True
    """Whether the monotonic clock of a sandbox stands still between two invocations: AWS does not say."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Message id → the latest error that the log gave for it."""
    invocations: int = 0
    cold_starts: int = 0
    kills: int = 0
    loops: int = 0
    """Invocations that Lambda refused, for it took them for an endless loop."""
    steps: int = 0
    """Boundaries at which an invocation could have died, over all invocations."""
    errors: list[str] = field(default_factory=list)
    """What invocations raised."""
    billed_seconds: float = 0.0
    """Lambda's time, idle or not."""
    planned_paths: int = 0
    """Paths that were merged, over all plans."""
    pages: int = 0
    """Pages of a bucket that were asked for."""

    def __post_init__(self) -> None:
        self._request_ids = itertools.count()
        self._asks_together = False
        self._idle: list[_Sandbox] = []

    def invoke(self, event: Any) -> Mapping[str, Any] | None:
        """The handler's answer; None where it raised, died or ran out of time. Raises ThrottledError."""
        began = self.time.now()
        if began < self.throttled_until:
            raise ThrottledError
        trace, count = self._trace(event)
        if count > CHAIN:
            self.loops += 1
            return None
        self.invocations += 1
        _running.function, _running.ends_at = self, began + self.timeout_seconds
        try:
            sandbox = self._sandbox()
            _running.ends_at = self.time.now() + self.timeout_seconds
            self.sleep(_reading_seconds(event))
            _running.sandbox = sandbox
            sandbox.environment = {"_X_AMZN_TRACE_ID": trace, "AWS_LAMBDA_FUNCTION_NAME": self.name}
            sandbox.enter()
            try:
                handler = sandbox.modules["index"].lambda_handler
                answer: Mapping[str, Any] = handler(json.loads(json.dumps(event)), self._context())
                self.step()
            finally:
                _running.sandbox = None
                sandbox.leave()
        except KilledError:
            self.kills += 1
            return None
        except Exception as error:
            # An error of the handler leaves the sandbox as it is.
            self.errors.append(f"{type(error).__name__}: {error}")
            self._freeze(sandbox)
            return None
        finally:
            self.billed_seconds += self.time.now() - began
            _running.function = None
        self._freeze(sandbox)
        return answer

    def _freeze(self, sandbox: _Sandbox) -> None:
        sandbox.running_time.freeze()
        self._idle.append(sandbox)

    def _trace(self, event: Any) -> tuple[str, int]:
        """The trace of an invocation, and how often the function is invoked in its chain by now.

        Of several messages the longest chain counts: AWS does not say which one does.
        """
        records = event.get("Records", ()) if isinstance(event, dict) else ()
        # botocore quotes the `|` between two functions.
        traces = [unquote(record.get("attributes", {}).get("AWSTraceHeader", "")) for record in records]
        lineage: dict[str, int] = {}
        for trace in traces:
            for name, count in re.findall(r"(\w+):(\d+)", trace.partition("Lineage=")[2]):
                lineage[name] = max(lineage.get(name, 0), int(count))
        own = f"{hash_of(self.name):08x}"
        lineage[own] = lineage.get(own, -1) + 1
        listed = "|".join(f"{name}:{count}" for name, count in lineage.items())
        return f"Root=1-{0:08x}-{0:024x};Parent={0:016x};Sampled=0;Lineage={listed}", lineage[own]

    def sleep(self, seconds: float) -> None:
        """Sleep within an invocation, which ends with its time-out whatever it was about to do."""
        left: float = _running.ends_at - self.time.now()
        sandbox: _Sandbox | None = getattr(_running, "sandbox", None)
        if sandbox:
            sandbox.leave()
        self.time.sleep(min(seconds, left))
        if sandbox:
            sandbox.enter()
        if seconds >= left:
            raise KilledError

    def step(self) -> None:
        """A boundary between two effects on the world: where a function killed midway makes a difference."""
        dies = self.steps == self.kill_at or (self.kill_rate > 0 and self.chance.random() < self.kill_rate)
        self.steps += 1
        if dies:
            raise KilledError

    def send(self, session: Any, request: Any) -> Any:
        """What botocore does to send a request, with its duration and its dangers."""
        if request.method == "GET" and "list-type" in request.url:
            return self._send_to_s3(request)
        to_sqs = "X-Amz-Target" in request.headers
        seconds = SQS_CALL_SECONDS if to_sqs else CALL_SECONDS
        self.step()
        self.sleep(seconds / 2)
        try:
            answer = self._answer(request)
        except ConnectionClosedError:
            if not to_sqs and self.cloudfront.calls[-1].fault == "time-out":
                self.sleep(session._timeout.read_timeout)
                raise ReadTimeoutError(endpoint_url=request.url) from None
            raise
        finally:
            self.step()
        self.sleep(seconds / 2)
        self.step()
        return answer

    def _answer(self, request: Any) -> Any:
        return exchange(self.handlers[request.url[: request.url.index("/", 8)]], request)

    def _send_to_s3(self, request: Any) -> Any:
        self.pages += 1
        self.step()
        self.sleep(PAGE_SECONDS + (0.0 if self._asks_together else S3_CALL_SECONDS))
        return self._answer(request)

    def _ask_together(self, call: Callable[[Any], Any], places: Iterable[Any]) -> list[Any]:
        """In the place of the threads of `inventory.py`: one runs at a time here, and they wait together."""
        self.sleep(S3_CALL_SECONDS)
        self._asks_together = True
        try:
            return [call(place) for place in places]
        finally:
            self._asks_together = False

    def note(self, record: logging.LogRecord) -> None:
        """Read the function's log as an operator would: which message failed, and why."""
        for message_id in getattr(record, "message_ids", ()):
            self.reasons[message_id] = record.getMessage()

    def _sandbox(self) -> _Sandbox:
        """A sandbox serves one invocation at a time and lives on, memory and all, until it is killed."""
        now = self.time.now()
        self._idle = [each for each in self._idle if now - each.since < self.recycle_seconds]
        if self._idle:
            sandbox = self._idle.pop(self.chance.randrange(len(self._idle)))
            sandbox.running_time.thaw()
            return sandbox
        self.cold_starts += 1
        self.time.sleep(COLD_START_SECONDS)
        running_time = _RunningTime(self.time, self.clock_stops)
        stand_ins = {
            "time": types.SimpleNamespace(
                monotonic=running_time.now,
                time=self.time.now,
                perf_counter=running_time.now,
                process_time=running_time.now,
                sleep=self.sleep,
            ),
            "random": types.SimpleNamespace(random=self.chance.random, uniform=self.chance.uniform),
        }
        modules = _imported(self.package, stand_ins, self.environment, self._merged)
        threads = types.SimpleNamespace(map=self._ask_together)
        vars(modules["invalidator.inventory"])["_threads"] = lambda: threads
        return _Sandbox(modules, running_time, since=self.time.now())

    def _merged(self, count: int) -> None:
        self.planned_paths += count
        self.sleep(count * PATH_SECONDS)

    def _context(self) -> Any:
        ends_at: float = _running.ends_at
        return types.SimpleNamespace(
            aws_request_id=f"00000000-0000-4000-9000-{next(self._request_ids):012x}",
            function_name=self.name,
            get_remaining_time_in_millis=lambda: int((ends_at - self.time.now()) * 1000),
        )


def _reading_seconds(event: Any) -> float:
    records = event.get("Records", ()) if isinstance(event, dict) else ()
    return sum(RECORD_SECONDS + len(record.get("body", "")) * BYTE_SECONDS for record in records)


_SEND = URLLib3Session.send
_running = threading.local()


def _watched(session: Any, request: Any) -> Any:
    function: Function | None = getattr(_running, "function", None)
    return function.send(session, request) if function else _SEND(session, request)


def _note(record: logging.LogRecord) -> None:
    function: Function | None = getattr(_running, "function", None)
    if function:
        function.note(record)


@contextmanager
def lambda_service(environment: Mapping[str, str]) -> Iterator[None]:
    """What functions find around them: an environment, a network that is watched, a log that is read."""
    log = logging.Handler()
    log.emit = _note  # type: ignore[method-assign]
    root = logging.getLogger()
    numbers = random.Random(0)  # noqa: S311 - repeatable
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(URLLib3Session, "send", _watched),
        _shared_clients(),
        # botocore marks each request with one, and the operating system's random numbers are slow.
        mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)),
    ):
        root.addHandler(log)
        try:
            yield
        finally:
            root.removeHandler(log)


@contextmanager
def _shared_clients() -> Iterator[None]:
    """Make equal clients once: they remember nothing, and to make one takes long."""
    made: dict[tuple[str, str], Any] = {}
    session = botocore.session.get_session()
    make: Any = session.create_client

    def client(service: str, *, config: Any, **options: Any) -> Any:
        key = service, repr((sorted(options.items()), config._user_provided_options))
        if key not in made:
            made[key] = make(service, config=config, **options)
        return made[key]

    with (
        mock.patch.object(session, "create_client", client),
        mock.patch.object(botocore.session, "get_session", lambda: session),
    ):
        yield


def _imported(
    package: Path, stand_ins: Mapping[str, Any], environment: Mapping[str, str], merged: Any
) -> Mapping[str, Any]:
    """All modules of the package, freshly imported, with some other modules replaced."""

    def is_ours(name: str) -> bool:
        return name == "index" or name.partition(".")[0] == "invalidator"

    aside = {name: sys.modules.pop(name) for name in list(sys.modules) if is_ours(name)}
    real = {name: sys.modules[name] for name in stand_ins}
    finder = _PackageFinder(_compiled(package))
    sys.meta_path.insert(0, finder)
    sys.modules.update(stand_ins)
    try:
        for name in _compiled(package):
            importlib.import_module(name)
    finally:
        sys.modules.update(real)
        sys.meta_path.remove(finder)
        modules = {name: sys.modules.pop(name) for name in list(sys.modules) if is_ours(name)}
        sys.modules.update(aside)
    own_os = types.SimpleNamespace(**{**vars(os), "environ": dict(environment)})
    for module in modules.values():
        # Metrics are printed for CloudWatch; here nobody reads them.
        vars(module)["print"] = lambda *_, **__: None
        if "os" in vars(module):
            vars(module)["os"] = own_os
    plan = vars(modules["invalidator.plan"])
    merge = plan["merge"]

    def charged(paths: Any, *arguments: Any, **named: Any) -> Any:
        paths = list(paths)
        merged(len(paths))
        return merge(paths, *arguments, **named)

    plan["merge"] = charged
    return modules


class _PackageFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the modules of the package, whose sources are compiled once and not for each sandbox."""

    def __init__(self, compiled: Mapping[str, tuple[types.CodeType, bool]]) -> None:
        self._compiled = compiled

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._compiled:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=self._compiled[fullname][1])

    def exec_module(self, module: types.ModuleType) -> None:
        exec(self._compiled[module.__name__][0], vars(module))  # noqa: S102 - the source that is measured


@functools.cache
def _compiled(package: Path) -> Mapping[str, tuple[types.CodeType, bool]]:
    """Module of the package → its code, and whether it is a package itself."""
    found = {}
    with zipfile.ZipFile(package) as archive:
        for path in archive.namelist():
            name = path.removesuffix(".py").replace("/", ".")
            if path.endswith(".py") and not name.endswith(".__main__"):
                code = compile(archive.read(path), f"{package.name}/{path}", "exec", dont_inherit=True)
                found[name.removesuffix(".__init__")] = code, name.endswith(".__init__")
    return found
