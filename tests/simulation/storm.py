"""A storm: what changes and when, how the news of it travels, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from scripts.package import build
from tests.doubles import cloudfront_server, s3_server, sqs_server
from tests.doubles.cloudfront_server import FAULTS, CloudFront, Outage
from tests.doubles.sqs_server import Message, Queue, Sqs
from tests.simulation.function import Function, lambda_service
from tests.simulation.judge import Change, DeadLetter, Verdict, judge, urls_of
from tests.simulation.mapping import Event
from tests.simulation.mapping import Mapping as EventSourceMapping
from tests.simulation.virtual_time import VirtualTime
from tests.simulation.wire import in_memory

BUCKET = "site"
DISTRIBUTION = "E1STORM"
NAME = "invalidate-cloudfront"
SETTINGS: Mapping[str, Any] = {
    "version": 1,
    "routes": {"default": {"distribution_id": DISTRIBUTION, "bucket": BUCKET}},
    "max_paths_per_hour": 4_000,
}
"""What the short form of the module writes, with its defaults, but for the inventory, which `keys` add."""

EVERY_FAULT = dict.fromkeys(FAULTS, 0.05)
"""Each fault at 5 % of the calls: nearly every second call goes wrong somehow."""

START = 1_800_000_000.0
DAY = 86_400.0


@dataclass(frozen=True)
class Weather:
    """What goes wrong in a run."""

    faults: Mapping[str, float] = field(default_factory=dict)
    kill_rate: float = 0.0
    duplicated: float = 0.0
    """Share of the events that arrive twice."""
    late: float = 0.0
    """Share of the events that take minutes instead of a second."""
    unlisted: float = 0.0
    """Share of the calls that list the bucket which answer an error."""


CALM = Weather()
STORMY = Weather(faults=EVERY_FAULT, kill_rate=0.01, duplicated=0.05, late=0.05, unlisted=0.05)


@dataclass(frozen=True)
class Deployment:
    """What the module deploys, and how fast Lambda polls for it."""

    two_stages: bool = True
    """A plan queue and a planner; else the function plans each batch at once."""
    window_seconds: float = 5.0
    size: int = 10_000
    concurrency: int = 2
    """The least maximum concurrency that Lambda takes."""
    planner_concurrency: int = 2
    timeout_seconds: float = 50.0
    visibility_seconds: float = 55.0
    planner_timeout_seconds: float = 50.0
    planner_visibility_seconds: float = 60.0
    max_receives: int = 1_000
    retention_seconds: float = 10 * DAY
    dead_retention_seconds: float = 14 * DAY
    messages_per_second: float | None = None
    """Of one poller; None: in no time."""
    recycle_seconds: float = float("inf")
    """The age at which Lambda replaces a sandbox."""
    clock_stops: bool = True
    """Whether the monotonic clock of a sandbox stands still between two invocations."""


DEPLOYED = Deployment()
ONE_STAGE = Deployment(
    two_stages=False,
    timeout_seconds=180.0,
    visibility_seconds=6 * 180.0 + 5.0,
    max_receives=10,
    retention_seconds=4 * DAY,
)
"""One queue and one function, as until version 1."""


@dataclass
class World:
    """Everything that a run is made of, for a test to turn its screws before `run`."""

    time: VirtualTime
    cloudfront: CloudFront
    sqs: Sqs
    queue: Queue
    dead_letters: Queue
    plan: Queue
    plan_dead_letters: Queue
    collector: Function
    planner: Function
    """In one stage, the same function."""
    mappings: Sequence[EventSourceMapping]
    weather: Weather
    chance: random.Random
    changes: list[Change] = field(default_factory=list)
    change_of_message: dict[str, Change] = field(default_factory=dict)
    """Message id → the change that it tells of."""
    watch: Callable[[], object] = lambda: None
    """Called before each invocation."""

    @property
    def functions(self) -> tuple[Function, ...]:
        """The collector, and the planner where it is another function."""
        return tuple({id(each): each for each in (self.collector, self.planner)}.values())

    def change(self, changes: Iterable[Change], body: Callable[[Change], str] | None = None) -> None:
        """Let objects change, and the news of it travel: at least once, in no order, mostly at once."""
        for change in changes:
            self.changes.append(change)
            for _ in range(1 + (self.chance.random() < self.weather.duplicated)):
                delay = self.chance.lognormvariate(0, 0.5)
                if self.chance.random() < self.weather.late:
                    delay += self.chance.uniform(60, 600)
                content = partial(body or s3_notification, change)
                self.change_of_message[self.queue.send(content, at=change.time + delay)] = change

    def outage(self, fault: str, *, begins: float, seconds: float) -> None:
        """Have every call of CloudFront meet a fault for so long."""
        self.cloudfront.outages.append(Outage(fault, begins, begins + seconds))

    def receive_nothing(self, *, seconds: float) -> None:
        """Disable the mappings from now on for so long."""
        for mapping in self.mappings:
            mapping.enabled = False
            self.time.call_at(self.time.now() + seconds, mapping.enable)

    def run(self, watch: Callable[[], object] = lambda: None, *, until: float = float("inf")) -> Result:
        """Bring everything to its end, or to `until`, and judge it; `watch` is called at each invocation."""
        self.watch = watch
        self.time.run(lambda: self.time.now() > until)
        for queue in self.sqs.queues.values():
            queue.expire()
        dead_letters = tuple(self._dead_letters())
        accepted = tuple(self.cloudfront.invalidations.values())
        began = min((change.time for change in self.changes), default=START)
        return Result(
            verdict=judge(self.changes, accepted, tuple(dead_letter for _, dead_letter in dead_letters)),
            answers=Counter(call.answer for call in self.cloudfront.calls),
            dead_letters=dict(dead_letters),
            expired=sum(len(queue.expired) for queue in self.sqs.queues.values()),
            waiting=len(self.queue.messages) + len(self.plan.messages),
            reasons=self._reasons(),
            seconds=max(self.queue.drained, self.plan.drained) - began,
            billed_seconds=sum(function.billed_seconds for function in self.functions),
            errors=tuple(error for function in self.functions for error in function.errors),
        )

    def _reasons(self) -> dict[str, str]:
        """Dead letter → why: its attribute, or the function's log."""
        logged: dict[str, str] = {}
        for function in self.functions:
            logged |= function.reasons
        dead = {**self.dead_letters.messages, **self.plan_dead_letters.messages}
        reasons = {
            each: str(message.attributes.get("reason", {}).get("StringValue", "")) or logged.get(each, "")
            for each, message in dead.items()
        }
        return {each: reason for each, reason in reasons.items() if reason}

    def _dead_letters(self) -> Iterator[tuple[str, DeadLetter]]:
        at_key: dict[str, list[Change]] = {}
        for change in self.changes:
            at_key.setdefault(change.key, []).append(change)
        for message in self.dead_letters.messages.values():
            yield message.id, self._letter(message, at_key)
        for message in self.plan_dead_letters.messages.values():
            yield message.id, _chunk_letter(message)

    def _letter(self, message: Message, at_key: Mapping[str, list[Change]]) -> DeadLetter:
        reason = str(message.attributes.get("reason", {}).get("StringValue", ""))
        change = self.change_of_message.get(message.id)
        if change is None:
            change, document = None, _document(message.body)
            if "paths" in document:
                # The function asked for these once it had the news of them, and gave up before it sent this.
                items = tuple(map(str, document["paths"]))
                return DeadLetter(
                    items, float("-inf"), message.sent, reason, str(document["distribution_id"])
                )
            change = _told_by(document, at_key)
        if change is None:
            return DeadLetter((), message.sent, message.sent, reason)
        return DeadLetter(tuple(urls_of(change.key)), change.time, change.time, reason)


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    verdict: Verdict
    answers: Mapping[str, int]
    """CloudFront's answer → how many calls got it: Created, Replayed, or the code of an error."""
    dead_letters: Mapping[str, DeadLetter]
    """Id of each dead letter → what it holds back."""
    expired: int
    """Messages that were older than a queue keeps them."""
    waiting: int
    """Messages that still lay in a queue in the end."""
    reasons: Mapping[str, str]
    """Dead letter → why, as its attribute or the function's log says."""
    seconds: float
    """From the first change until the last message left a queue."""
    billed_seconds: float
    """Of Lambda, both functions."""
    errors: tuple[str, ...]
    """What invocations raised."""

    @property
    def calls(self) -> int:
        """Calls that CloudFront got, whatever it answered."""
        return sum(self.answers.values())

    @property
    def lost(self) -> tuple[Change, ...]:
        """Changes neither covered nor among the dead letters."""
        return self.verdict.lost

    @property
    def dead_keys(self) -> frozenset[str]:
        """Keys of the changes that lie among the dead letters, and were not covered."""
        return frozenset(change.key for change in self.verdict.dead)

    def innocent_dead(self, refused: Iterable[str]) -> int:
        """Dead letters without an item of `refused`, or changes given up that CloudFront would take."""
        guilty = set(refused)
        dead_letters = sum(
            bool(each.items) and guilty.isdisjoint(each.items) for each in self.dead_letters.values()
        )
        return max(dead_letters, sum(guilty.isdisjoint(urls_of(change.key)) for change in self.verdict.dead))


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _told_by(document: Mapping[str, Any], at_key: Mapping[str, list[Change]]) -> Change | None:
    """The change of which an event told: that of its key, whose time is the event's."""
    try:
        if "Records" in document:
            described = document["Records"][0]["s3"]["object"]
            key, time = unquote_plus(described["key"]), int(described["sequencer"], 16) / 1_000
        else:
            key = document["detail"]["object"]["key"]
            time = datetime.fromisoformat(document["time"].replace("Z", "+00:00")).timestamp()
    except (KeyError, TypeError, IndexError):
        return None
    return min(at_key.get(key, ()), key=lambda change: abs(change.time - time), default=None)


def _chunk_letter(message: Message) -> DeadLetter:
    """What a chunk of the plan queue holds that no planner could plan."""
    document = _document(message.body)
    times = {**document.get("paths", {}), **document.get("requested", {})}
    oldest = min(times.values(), default=message.sent)
    return DeadLetter(
        tuple(times), oldest - 1.0, message.first_sent, "", document.get("target", {}).get("id", "")
    )


@contextmanager
def world(
    *,
    seed: int,
    weather: Weather = CALM,
    deployment: Deployment = DEPLOYED,
    settings: Mapping[str, Any] | None = None,
    refused: Iterable[str] = (),
    known: Iterable[str] = (DISTRIBUTION,),
    keys: Sequence[str] = (),
) -> Iterator[World]:
    """A CloudFront, queues and functions at time `START`; the seed decides all that chance decides.

    With `keys` the planner has an inventory, and the bucket holds these from the beginning to the end.
    """
    time = VirtualTime(START)
    cloudfront = CloudFront(
        clock=time.now,
        seed=seed,
        known=set(known),
        fault_rates=dict(weather.faults),
        refused=frozenset(refused),
    )
    queue = partial(Queue, clock=time.now, seed=seed)
    dead_letters = queue(f"{NAME}-dead-letters", retention_seconds=deployment.dead_retention_seconds)
    plan_dead = queue(f"{NAME}-plan-dead-letters.fifo", retention_seconds=deployment.dead_retention_seconds)
    kept = partial(
        queue, retention_seconds=deployment.retention_seconds, max_receives=deployment.max_receives
    )
    changes = kept(NAME, visibility_seconds=deployment.visibility_seconds, dead_letters=dead_letters)
    plan = kept(
        f"{NAME}-plan.fifo",
        visibility_seconds=deployment.planner_visibility_seconds,
        dead_letters=plan_dead,
    )
    sqs = Sqs({each.name: each for each in (changes, dead_letters, plan, plan_dead)})
    url, sqs_url, s3_url = "http://cloudfront.invalid", "http://sqs.invalid", "http://127.0.0.1:9"
    bucket = s3_server.Bucket(keys, "SlowDown", weather.unlisted, seed)
    handlers = {
        url: in_memory(cloudfront_server.handler(cloudfront, holds_connections=False)),
        sqs_url: in_memory(sqs_server.handler(sqs)),
        s3_url: in_memory(s3_server.handler({BUCKET: bucket})),
    }
    with TemporaryDirectory() as directory:
        environment = {
            "SETTINGS": json.dumps({**SETTINGS, **({"inventory": True} if keys else {}), **(settings or {})}),
            "AWS_ENDPOINT_URL_CLOUDFRONT": url,
            "AWS_ENDPOINT_URL_SQS": sqs_url,
            "AWS_ENDPOINT_URL_S3": s3_url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "DEAD_LETTER_QUEUE_URL": f"{sqs_url}/{sqs_server.ACCOUNT}/{dead_letters.name}",
        }
        if deployment.two_stages:
            environment["PLAN_QUEUE_URL"] = f"{sqs_url}/{sqs_server.ACCOUNT}/{plan.name}"
        package = Path(directory) / "invalidator.zip"
        package.write_bytes(build())

        def function(name: str, timeout_seconds: float) -> Function:
            return Function(
                name=name,
                time=time,
                package=package,
                environment={**environment, "AWS_LAMBDA_FUNCTION_NAME": name},
                handlers=handlers,
                cloudfront=cloudfront,
                timeout_seconds=timeout_seconds,
                chance=random.Random(f"{seed} {name}"),  # noqa: S311 - repeatable by its seed
                kill_rate=weather.kill_rate,
                recycle_seconds=deployment.recycle_seconds,
                clock_stops=deployment.clock_stops,
            )

        collector = function(NAME, deployment.timeout_seconds)
        planner = (
            function(f"{NAME}-planner", deployment.planner_timeout_seconds)
            if deployment.two_stages
            else collector
        )

        def invoke(called: Function, event: Event) -> Mapping[str, Any] | None:
            built.watch()
            return called.invoke(event)

        mappings = [
            EventSourceMapping(
                time,
                changes,
                partial(invoke, collector),
                size=deployment.size,
                window_seconds=deployment.window_seconds,
                concurrency=deployment.concurrency,
                messages_per_second=deployment.messages_per_second,
                seed=seed,
            )
        ]
        if deployment.two_stages:
            mappings.append(
                EventSourceMapping(
                    time,
                    plan,
                    partial(invoke, planner),
                    size=10,
                    window_seconds=0,
                    concurrency=deployment.planner_concurrency,
                    messages_per_second=deployment.messages_per_second,
                    seed=seed,
                )
            )
        built = World(
            time=time,
            cloudfront=cloudfront,
            sqs=sqs,
            queue=changes,
            dead_letters=dead_letters,
            plan=plan,
            plan_dead_letters=plan_dead,
            collector=collector,
            planner=planner,
            mappings=mappings,
            weather=weather,
            chance=random.Random(seed),  # noqa: S311 - repeatable by its seed, which is the point
        )
        with lambda_service(environment):
            yield built


def deploy(keys: Sequence[str], *, at: float = START, seconds: float = 0.0) -> list[Change]:
    """All these objects uploaded in their order, evenly over that time."""
    return [Change(key, at + seconds * number / len(keys)) for number, key in enumerate(keys)]


def trickle(keys: Sequence[str], count: int, *, seconds: float, chance: random.Random) -> list[Change]:
    """Single objects, any of them, at any time."""
    return [Change(chance.choice(keys), START + chance.uniform(0, seconds), "single") for _ in range(count)]


def stream(keys: Iterable[str], *, per_second: float, at: float = START) -> list[Change]:
    """Single objects in their order, one after the other at that rate."""
    return [Change(key, at + number / per_second, "single") for number, key in enumerate(keys)]


def s3_notification(change: Change) -> str:
    """The body of a message that S3 sends to a queue, of its real size: the bucket keeps no versions."""
    digest = hashlib.md5(change.key.encode(), usedforsecurity=False).hexdigest()
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-central-1",
        "eventTime": _timestamp(change.time),
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AROA0123456789EXAMPLE:deployment-1800000000"},
        "requestParameters": {"sourceIPAddress": "203.0.113.203"},
        "responseElements": {
            "x-amz-request-id": digest[:16].upper(),
            "x-amz-id-2": 2 * digest + "AbCdEfGhIjKl",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "tf-s3-queue-20270115080000000000000001",
            "bucket": {
                "name": BUCKET,
                "ownerIdentity": {"principalId": "A3EXAMPLE0123"},
                "arn": f"arn:aws:s3:::{BUCKET}",
            },
            "object": {
                "key": quote_plus(change.key, safe="/"),
                "size": 20_480,
                "eTag": digest,
                "sequencer": f"{int(change.time * 1_000):018X}",
            },
        },
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"))


def small_message(change: Change) -> str:
    """What an input transformer leaves of an EventBridge event: what the function reads, and no more."""
    event = {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": _timestamp(change.time),
        "detail": {"version": "0", "bucket": {"name": BUCKET}, "object": {"key": change.key}},
    }
    return json.dumps(event, separators=(",", ":"))


def _timestamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.000Z"
