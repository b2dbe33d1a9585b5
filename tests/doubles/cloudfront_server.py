"""A strict CloudFront over HTTP: the invalidation API with its checks, quotas, rate limit and bad days.

`CloudFront` is the service without a network: it owns the time, the quotas and the log. `serve` puts HTTP
before it, as boto3 speaks it. `python -m tests.doubles.cloudfront_server --port 5000` starts a process of its
own, to which `AWS_ENDPOINT_URL_CLOUDFRONT` points boto3; it is steered and read under `/-/` (see `_control`).

Where AWS documents nothing the double takes the stricter reading, and the comment there says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.doubles.serving import served

MAX_FILES_IN_PROGRESS = 3_000
"""Per distribution, in one request or in many (CloudFront Developer Guide, InvalidationLimits)."""
MAX_WILDCARDS_IN_PROGRESS = 15
"""Likewise. The guide does not say "per distribution" here; docs.rs runs on that reading."""
CREATES_PER_SECOND = 0.5
"""Of the whole account, both operations together (aws-sdk-js#3983, where the CloudFront team was asked)."""
CREATE_BURST = 10
"""Not published; reports of the first Throttling lie between 6 and 15 quick calls."""
MAX_PATH_LENGTH = 4_000
MAX_TAG_LENGTH = 256
MAX_REFERENCE_LENGTH = 128
"""The API's model states none; the Terraform provider's action documents this one."""
MEDIAN_COMPLETION_SECONDS = 10.0
P95_COMPLETION_SECONDS = 25.0
"""AWS What's New, April 2026: end-to-end completion under 25 seconds at P95."""

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"

Kind = Literal["distribution", "distribution-tenant"]
Items = tuple[str, ...]


class ServiceError(Exception):
    """What CloudFront answers instead of an invalidation."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class AnswerLostError(Exception):
    """The connection is reset where the answer should stand."""


class NoAnswerError(Exception):
    """The connection stays open and silent until the caller gives up."""


def _too_many(what: str) -> ServiceError:
    message = f"Processing your request will cause you to exceed the maximum number of in-progress {what}."
    return ServiceError(400, "TooManyInvalidationsInProgress", message)


too_many_files = partial(_too_many, "invalidations")
too_many_wildcards = partial(_too_many, "wildcard invalidations")
invalid_path = partial(
    ServiceError, 400, "InvalidArgument", "Your request contains one or more invalid invalidation paths."
)
throttled = partial(ServiceError, 400, "Throttling", "Rate exceeded")
_INTERNAL = "CloudFront encountered an internal error. Please try again."

FAULTS_BEFORE: Mapping[str, Callable[[], Exception]] = {
    "throttling": throttled,
    "unavailable": partial(ServiceError, 503, "ServiceUnavailable", _INTERNAL),
    "internal": partial(ServiceError, 500, "InternalError", _INTERNAL),
    "denied": partial(ServiceError, 403, "AccessDenied", "User is not authorized."),
    "too-many-files": too_many_files,
    "too-many-wildcards": too_many_wildcards,
    "reset": AnswerLostError,
}
"""Faults that keep CloudFront from seeing the call at all."""
FAULTS_AFTER: Mapping[str, Callable[[], Exception]] = {
    "lost-answer": AnswerLostError,
    "time-out": NoAnswerError,
}
"""Faults that hide the answer after CloudFront has done the work."""
FAULTS = (*FAULTS_BEFORE, *FAULTS_AFTER)


@dataclass(frozen=True)
class Invalidation:
    """An invalidation that CloudFront has accepted, and bills."""

    id: str
    kind: Kind
    target: str
    items: Items
    caller_reference: str
    created: float
    """In seconds of the server's clock."""
    completes: float


@dataclass(frozen=True)
class Call:
    """One request as it came in, and what became of it."""

    time: float
    operation: Literal["create", "get"]
    kind: Kind
    target: str
    answer: str
    """Created, Found, Replayed (the caller reference was known), or the code of the error."""
    items: int = 0
    wildcards: int = 0
    fault: str = ""
    """The fault ordered for this call: `answer` may be one that the caller never saw."""


@dataclass(frozen=True)
class Hold:
    """Somebody else's invalidations in progress: they count against the quota, and into no log."""

    target: str
    files: int
    wildcards: int
    until: float


@dataclass(frozen=True)
class Outage:
    """A fault that every call meets for a while."""

    fault: str
    begins: float
    ends: float


@dataclass
class CloudFront:
    """The service: a clock, the accepted invalidations, and the faults ordered for the next calls."""

    clock: Callable[[], float] = time.time
    seed: int = 0
    known: Collection[str] | None = None
    """Ids of the distributions and tenants that exist; None: every id does."""
    refused: frozenset[str] = frozenset()
    """Items that are an InvalidArgument though no documented rule says so."""
    refused_texts: frozenset[str] = frozenset()
    """Texts that make every item an InvalidArgument that holds one of them, its last `*` aside."""
    fault_rates: dict[str, float] = field(default_factory=dict)
    """Fault → share of the calls that meet it."""
    fault_script: list[str] = field(default_factory=list)
    """Faults of the next calls, in turn, before the rates apply; an empty string is a call without one."""
    holds: list[Hold] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    """Before the script and the rates."""
    calls: list[Call] = field(default_factory=list)
    invalidations: dict[str, Invalidation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable by its seed, which is the point
        self._lock = threading.Lock()
        self._tokens = float(CREATE_BURST)
        self._refilled = self.clock()
        self._references: dict[tuple[Kind, str, str], Invalidation] = {}
        self._running: list[Invalidation] = []

    @property
    def billed_paths(self) -> int:
        """Items of all accepted invalidations: CloudFront bills each, also where another one holds it too."""
        return sum(len(invalidation.items) for invalidation in self.invalidations.values())

    def hold(self, target: str, *, files: int = 0, wildcards: int = 0, seconds: float) -> None:
        """Fill a target's quota with the work of another caller."""
        self.holds.append(Hold(target, files, wildcards, self.clock() + seconds))

    def create(self, kind: Kind, target: str, body: bytes) -> Invalidation:
        """CreateInvalidation, or its sibling for a tenant. Raises all three errors above."""
        with self._lock:
            fault = self._next_fault()
            items: Items = ()
            try:
                if fault in FAULTS_BEFORE:
                    raise FAULTS_BEFORE[fault]()
                self._take_token()
                self._check_target(kind, target)
                items, reference = parse_batch(body)
                if not self.refused.isdisjoint(items) or any(map(self._holds_refused_text, items)):
                    raise invalid_path()
                invalidation, answer = self._accept(kind, target, items, reference)
            except ServiceError as error:
                self._record("create", (kind, target), error.code, items, fault)
                raise
            except AnswerLostError:
                self._record("create", (kind, target), "Reset", items, fault)
                raise
            self._record("create", (kind, target), answer, items, fault)
            if fault in FAULTS_AFTER:
                raise FAULTS_AFTER[fault]()
            return invalidation

    def get(self, kind: Kind, target: str, invalidation_id: str) -> Invalidation:
        """GetInvalidation, or its sibling for a tenant. Raises ServiceError."""
        with self._lock:
            try:
                self._check_target(kind, target)
                invalidation = self.invalidations.get(invalidation_id)
                if invalidation is None or (invalidation.kind, invalidation.target) != (kind, target):
                    raise ServiceError(404, "NoSuchInvalidation", "The invalidation does not exist.")
            except ServiceError as error:
                self._record("get", (kind, target), error.code)
                raise
            self._record("get", (kind, target), "Found")
            return invalidation

    def status(self, invalidation: Invalidation) -> str:
        """InProgress until the edges have confirmed, then Completed."""
        return "Completed" if invalidation.completes <= self.clock() else "InProgress"

    def in_progress(self, target: str) -> tuple[int, int]:
        """Files and wildcards of one target that are in progress now, everybody's."""
        now = self.clock()
        self._running = [running for running in self._running if running.completes > now]
        self.holds = [hold for hold in self.holds if hold.until > now]
        ours = [running.items for running in self._running if running.target == target]
        theirs = [hold for hold in self.holds if hold.target == target]
        wildcards = sum(map(count_wildcards, ours))
        files = sum(map(len, ours)) - wildcards
        return files + sum(hold.files for hold in theirs), wildcards + sum(hold.wildcards for hold in theirs)

    def _holds_refused_text(self, item: str) -> bool:
        return any(text in item.removesuffix("*") for text in self.refused_texts)

    def _next_fault(self) -> str:
        now = self.clock()
        for outage in self.outages:
            if outage.begins <= now < outage.ends:
                return outage.fault
        if self.fault_script:
            return self.fault_script.pop(0)
        dice = self._random.random()
        for fault, rate in self.fault_rates.items():
            if dice < rate:
                return fault
            dice -= rate
        return ""

    def _take_token(self) -> None:
        now = self.clock()
        self._tokens = min(CREATE_BURST, self._tokens + (now - self._refilled) * CREATES_PER_SECOND)
        self._refilled = now
        if self._tokens < 1:
            raise throttled()
        self._tokens -= 1

    def _check_target(self, kind: Kind, target: str) -> None:
        if self.known is None or target in self.known:
            return
        if kind == "distribution":
            raise ServiceError(404, "NoSuchDistribution", "The specified distribution does not exist.")
        raise ServiceError(404, "EntityNotFound", "The specified distribution tenant does not exist.")

    def _accept(self, kind: Kind, target: str, items: Items, reference: str) -> tuple[Invalidation, str]:
        earlier = self._references.get((kind, target, reference))
        if earlier and earlier.items == items:
            return earlier, "Replayed"
        if earlier:
            # The status is not documented: the model does not know this error. 409 is that of its namesakes.
            raise ServiceError(
                409,
                "InvalidationBatchAlreadyExists",
                "Invalidation batch with the specified caller reference already exists.",
            )
        files, wildcards = self.in_progress(target)
        more_wildcards = count_wildcards(items)
        # Cache tags count as files: AWS says "the same limits as path items", and a tag is no wildcard.
        if files + len(items) - more_wildcards > MAX_FILES_IN_PROGRESS:
            raise too_many_files()
        if wildcards + more_wildcards > MAX_WILDCARDS_IN_PROGRESS:
            raise too_many_wildcards()
        now = self.clock()
        invalidation = Invalidation(
            id=f"I{len(self.invalidations) + 1:013d}",
            kind=kind,
            target=target,
            items=items,
            caller_reference=reference,
            created=now,
            completes=now + self._completion_seconds(),
        )
        self.invalidations[invalidation.id] = invalidation
        self._references[kind, target, reference] = invalidation
        self._running.append(invalidation)
        return invalidation, "Created"

    def _completion_seconds(self) -> float:
        # 1.6449 is the 95th percentile of the normal distribution.
        spread = math.log(P95_COMPLETION_SECONDS / MEDIAN_COMPLETION_SECONDS) / 1.6449
        return self._random.lognormvariate(math.log(MEDIAN_COMPLETION_SECONDS), spread)

    def _record(
        self,
        operation: Literal["create", "get"],
        target: tuple[Kind, str],
        answer: str,
        items: Items = (),
        fault: str = "",
    ) -> None:
        wildcards = count_wildcards(items)
        self.calls.append(Call(self.clock(), operation, *target, answer, len(items), wildcards, fault))


def count_wildcards(items: Items) -> int:
    """How many items count against the 15: paths that end in `*`. A cache tag knows no wildcard."""
    return sum(item.endswith("*") and not item.startswith("#") for item in items)


def parse_batch(body: bytes) -> tuple[Items, str]:
    """Items and caller reference of a request's XML, every documented check passed. Raises ServiceError."""
    if not body.strip():
        raise ServiceError(400, "MissingBody", "This operation requires a body.")
    try:
        batch = ElementTree.fromstring(body)  # noqa: S314 - the document comes from the boto3 under test
    except ElementTree.ParseError as error:
        raise ServiceError(400, "MalformedInput", str(error)) from None
    spaces = {"": NAMESPACE}
    reference = batch.findtext("CallerReference", "", spaces)
    quantity = batch.findtext("Paths/Quantity", "", spaces)
    items = tuple(element.text or "" for element in batch.iterfind("Paths/Items/Path", spaces))
    if batch.tag != f"{{{NAMESPACE}}}InvalidationBatch" or not quantity.isdecimal():
        raise ServiceError(400, "MalformedInput", "Expected an InvalidationBatch with Paths and a Quantity.")
    if int(quantity) != len(items):
        raise ServiceError(
            400, "InconsistentQuantities", "The value of Quantity and the size of Items don't match."
        )
    if len(items) > MAX_FILES_IN_PROGRESS:
        # Which size is too large is not documented; one request takes "up to 3,000 files".
        raise ServiceError(413, "BatchTooLarge", "Invalidation batch specified is too large.")
    if not 0 < len(reference) <= MAX_REFERENCE_LENGTH:
        raise ServiceError(400, "InvalidArgument", "The caller reference is missing or too long.")
    if not items or not all(map(is_valid_item, items)):
        raise invalid_path()
    return items, reference


# RFC 1738 §2.2 "unsafe" and all but printable ASCII must come encoded; a `%` must begin such an escape.
_PATH = re.compile(r"/(?:[!-~](?<![<>\"#%{}|\\^~\[\]`])|%[0-9A-Fa-f]{2})*")
# ASCII 33 to 126 without the comma ("Invalidate files by cache tag").
_TAG = re.compile(rf"#(?:[!-~](?<!,)){{1,{MAX_TAG_LENGTH}}}")


def is_valid_item(item: str) -> bool:
    """Whether CloudFront takes a path or a `#tag`; one bad item fails its whole batch."""
    if item.startswith("#"):
        return _TAG.fullmatch(item) is not None
    return len(item) <= MAX_PATH_LENGTH and _PATH.fullmatch(item) is not None


_ROUTE = re.compile(r"/2020-05-31/(distribution|distribution-tenant)/([^/]+)/invalidation(?:/([^/]+))?/?")


class _Handler(BaseHTTPRequestHandler):
    """HTTP before a `CloudFront`; `serve` makes a subclass that knows which."""

    cloudfront: CloudFront
    holds_connections: bool

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/-/"):
            self._answer_json(_control(self.cloudfront, self.path, body))
            return
        route = _ROUTE.fullmatch(self.path)
        if route is None or route[3]:
            self._answer_error(ServiceError(404, "UnknownOperationException", f"No operation at {self.path}"))
            return
        try:
            invalidation = self.cloudfront.create(_kind(route[1]), route[2], body)
        except ServiceError as error:
            self._answer_error(error)
        except AnswerLostError:
            self._reset()
        except NoAnswerError:
            self._keep_silent()
        else:
            location = f"https://cloudfront.amazonaws.com{self.path}/{invalidation.id}"
            self._answer(201, self._invalidation_xml(invalidation), {"Location": location})

    def do_GET(self) -> None:
        if self.path.startswith("/-/"):
            self._answer_json(_control(self.cloudfront, self.path, b""))
            return
        route = _ROUTE.fullmatch(self.path)
        if route is None or not route[3]:
            self._answer_error(ServiceError(404, "UnknownOperationException", f"No operation at {self.path}"))
            return
        try:
            invalidation = self.cloudfront.get(_kind(route[1]), route[2], route[3])
        except ServiceError as error:
            self._answer_error(error)
        else:
            self._answer(200, self._invalidation_xml(invalidation))

    def log_message(self, *_: object) -> None:
        """The log that counts is `CloudFront.calls`."""

    def _invalidation_xml(self, invalidation: Invalidation) -> str:
        created = datetime.fromtimestamp(invalidation.created, timezone.utc).isoformat()
        paths = "".join(f"<Path>{escape(item)}</Path>" for item in invalidation.items)
        return (
            f'<Invalidation xmlns="{NAMESPACE}"><Id>{invalidation.id}</Id>'
            f"<Status>{self.cloudfront.status(invalidation)}</Status><CreateTime>{created}</CreateTime>"
            f"<InvalidationBatch><Paths><Quantity>{len(invalidation.items)}</Quantity><Items>{paths}</Items></Paths>"
            f"<CallerReference>{escape(invalidation.caller_reference)}</CallerReference></InvalidationBatch>"
            "</Invalidation>"
        )

    def _answer_error(self, error: ServiceError) -> None:
        self._answer(
            error.status,
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{error.code}</Code>'
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{self._request_id()}</RequestId>"
            "</ErrorResponse>",
        )

    def _answer_json(self, document: object) -> None:
        self._answer(200, json.dumps(document), content_type="application/json")

    def _answer(
        self, status: int, body: str, headers: Mapping[str, str] | None = None, content_type: str = "text/xml"
    ) -> None:
        content = body.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", self._request_id())
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _request_id(self) -> str:
        return f"{len(self.cloudfront.calls):032x}"

    def _reset(self) -> None:
        # With a linger of zero seconds, closing sends a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def _keep_silent(self) -> None:
        if self.holds_connections:
            self.connection.recv(1)  # returns when the caller hangs up
        self._reset()


def _kind(word: str) -> Kind:
    return "distribution-tenant" if word == "distribution-tenant" else "distribution"


def _control(cloudfront: CloudFront, path: str, body: bytes) -> object:
    """Steer and read a server in another process.

    `POST /-/faults {"rates": {"throttling": 0.1}, "script": ["lost-answer", ""]}` orders `FAULTS`,
    `POST /-/hold {"target": "E1", "files": 0, "wildcards": 15, "seconds": 60}` fills a quota,
    `POST /-/known ["E1"]` says what exists, `POST /-/clear {}` forgets calls and invalidations,
    and every answer, also that of `GET /-/log`, is the log so far.
    """
    order = json.loads(body or b"{}")
    if path == "/-/faults":
        cloudfront.fault_rates = dict(order.get("rates", {}))
        cloudfront.fault_script = list(order.get("script", []))
    elif path == "/-/hold":
        cloudfront.hold(**order)
    elif path == "/-/known":
        cloudfront.known = set(order)
    elif path == "/-/clear":
        cloudfront.calls.clear()
        cloudfront.invalidations.clear()
    return {
        "calls": [asdict(call) for call in cloudfront.calls],
        "invalidations": [asdict(invalidation) for invalidation in cloudfront.invalidations.values()],
        "billed_paths": cloudfront.billed_paths,
    }


@contextmanager
def serve(
    cloudfront: CloudFront, *, host: str = "127.0.0.1", port: int = 0, holds_connections: bool = True
) -> Iterator[str]:
    """Serve until the block ends; yields the endpoint's URL. Port 0: any free one.

    With `holds_connections` off, the fault "time-out" resets the connection at once, for a caller whose time
    is virtual and who turns that into its own read time-out.
    """
    with served(handler(cloudfront, holds_connections=holds_connections), host=host, port=port) as url:
        yield url


def handler(cloudfront: CloudFront, *, holds_connections: bool) -> type[BaseHTTPRequestHandler]:
    """The handler of HTTP requests that `serve` serves."""
    return type("Handler", (_Handler,), {"cloudfront": cloudfront, "holds_connections": holds_connections})


def scaled_clock(speed: float) -> Callable[[], float]:
    """A clock that starts now and runs `speed` times as fast as the wall's."""
    began, origin = time.time(), time.monotonic()
    return lambda: began + (time.monotonic() - origin) * speed


def main() -> None:
    """Serve until interrupted, and say where."""
    parser = argparse.ArgumentParser(prog="python -m tests.doubles.cloudfront_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0, the default: any free port")
    parser.add_argument(
        "--known", action="append", metavar="ID", help="a target that exists; default: all do"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="CloudFront's seconds in one of ours")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cloudfront = CloudFront(clock=scaled_clock(arguments.speed), seed=arguments.seed, known=arguments.known)
    with serve(cloudfront, host=arguments.host, port=arguments.port) as url:
        print(url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
