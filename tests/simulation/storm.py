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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote_plus

from tests.doubles.cloudfront_server import FAULTS, CloudFront, serve
from tests.simulation.function import Function, deployed
from tests.simulation.judge import Change, Verdict, judge
from tests.simulation.sqs import Batching, Event, Queue, poll
from tests.simulation.virtual_time import VirtualTime

BUCKET = "site"
DISTRIBUTION = "E1STORM"
SETTINGS: Mapping[str, Any] = {
    "version": 1,
    "routes": {"default": {"distribution_id": DISTRIBUTION, "bucket": BUCKET}},
}
"""What the short form of the module writes."""

EVERY_FAULT = dict.fromkeys(FAULTS, 0.05)
"""Each fault at 5 % of the calls: nearly every second call goes wrong somehow."""

START = 1_800_000_000.0


@dataclass(frozen=True)
class Weather:
    """What goes wrong in a run."""

    faults: Mapping[str, float] = field(default_factory=dict)
    kill_rate: float = 0.0
    duplicated: float = 0.0
    """Share of the events that arrive twice."""
    late: float = 0.0
    """Share of the events that take minutes instead of a second."""


CALM = Weather()
STORMY = Weather(faults=EVERY_FAULT, kill_rate=0.01, duplicated=0.05, late=0.05)


@dataclass
class World:
    """Everything that a run is made of, for a test to turn its screws before `run`."""

    time: VirtualTime
    cloudfront: CloudFront
    queue: Queue
    function: Function
    weather: Weather
    chance: random.Random
    changes: list[Change] = field(default_factory=list)
    message_keys: dict[str, str] = field(default_factory=dict)
    """Message id → the key whose change it tells of."""

    def change(self, changes: Iterable[Change], body: Callable[[Change], str] | None = None) -> None:
        """Let objects change, and the news of it travel: at least once, in no order, mostly at once."""
        for change in changes:
            self.changes.append(change)
            for _ in range(1 + (self.chance.random() < self.weather.duplicated)):
                delay = self.chance.lognormvariate(0, 0.5)
                if self.chance.random() < self.weather.late:
                    delay += self.chance.uniform(60, 600)
                message_id = self.queue.send((body or s3_notification)(change), change.time + delay)
                self.message_keys[message_id] = change.key

    def run(self, watch: Callable[[], object] = lambda: None) -> Result:
        """Bring everything to its end and judge it; `watch` is called before each invocation."""

        def invoke(event: Event) -> Mapping[str, Any] | None:
            watch()
            return self.function.invoke(event)

        for _ in range(self.queue.batching.concurrency):
            self.time.spawn(lambda: poll(self.queue, invoke))
        self.time.run()
        dead = self.queue.dead
        return Result(
            verdict=judge(self.changes, tuple(self.cloudfront.invalidations.values())),
            answers=Counter(call.answer for call in self.cloudfront.calls),
            dead=frozenset(dead),
            dead_keys=frozenset(self.message_keys[each] for each in dead if each in self.message_keys),
            reasons={each: self.function.reasons[each] for each in dead if each in self.function.reasons},
            seconds=self.queue.drained - min(change.time for change in self.changes),
        )


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    verdict: Verdict
    answers: Mapping[str, int]
    """CloudFront's answer → how many calls got it: Created, Replayed, or the code of an error."""
    dead: frozenset[str]
    """Ids of the dead letters."""
    dead_keys: frozenset[str]
    reasons: Mapping[str, str]
    """Dead letter → why, as the function's log says."""
    seconds: float
    """From the first change until the last message left the queue."""

    @property
    def calls(self) -> int:
        """Calls that CloudFront got, whatever it answered."""
        return sum(self.answers.values())

    @property
    def lost(self) -> tuple[Change, ...]:
        """Changes neither covered nor among the dead letters."""
        return tuple(change for change in self.verdict.lost if change.key not in self.dead_keys)


@contextmanager
def world(
    *,
    seed: int,
    weather: Weather = CALM,
    batching: Batching | None = None,
    settings: Mapping[str, Any] | None = None,
    refused: Iterable[str] = (),
) -> Iterator[World]:
    """A CloudFront, a queue and a function at time `START`; the seed decides all that chance decides."""
    batching = batching or Batching()
    time = VirtualTime(START)
    cloudfront = CloudFront(
        clock=time.now,
        seed=seed,
        known={DISTRIBUTION},
        fault_rates=dict(weather.faults),
        refused=frozenset(refused),
    )
    with (
        TemporaryDirectory() as directory,
        serve(cloudfront, holds_connections=False) as url,
        deployed(
            {**SETTINGS, **(settings or {})},
            time=time,
            cloudfront=cloudfront,
            url=url,
            directory=Path(directory),
            timeout_seconds=batching.timeout_seconds,
            seed=seed,
        ) as function,
    ):
        function.kill_rate = weather.kill_rate
        yield World(
            time=time,
            cloudfront=cloudfront,
            queue=Queue(time, batching),
            function=function,
            weather=weather,
            chance=random.Random(seed),  # noqa: S311 - repeatable by its seed, which is the point
        )


def deploy(keys: Sequence[str], *, at: float = START, seconds: float = 0.0) -> list[Change]:
    """All these objects uploaded in their order, evenly over that time."""
    return [Change(key, at + seconds * number / len(keys)) for number, key in enumerate(keys)]


def trickle(keys: Sequence[str], count: int, *, seconds: float, chance: random.Random) -> list[Change]:
    """Single objects, any of them, at any time."""
    return [Change(chance.choice(keys), START + chance.uniform(0, seconds)) for _ in range(count)]


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
