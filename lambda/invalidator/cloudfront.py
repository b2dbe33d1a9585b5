"""An `Invalidation` → `Outcome`: the calls of CloudFront, with their errors, retries, bisection and waiting.

A message may leave the queue only when CloudFront has accepted every item that covers it; so whatever
happens to a call ends in exactly one outcome an item: accepted, refused or deferred.
"""

from __future__ import annotations

import enum
import functools
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, WaiterError
from botocore.exceptions import ConnectionError as NoConnectionError

from invalidator.pace import Quota, Rate, turn_seconds
from invalidator.plan import Invalidation, halves
from invalidator.settings import Target

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0

POLL_SECONDS = 5
"""Between two looks at an invalidation that somebody waits for."""


Clients = Callable[[str], Any]
"""Role ARN (empty: the function's own role) → client of CloudFront."""


class Verdict(enum.Enum):
    """What an error of CloudFront asks of us."""

    THROTTLED = "the account makes too many calls: wait, then send the same again"
    FULL = "the distribution's quota of invalidations in progress is used up: wait, then send the same again"
    TRANSIENT = "CloudFront or the network failed: wait, then send the same again"
    SPLIT = "something in the batch is wrong: halve it until that stands alone"
    TOO_LARGE = "the batch is too large: halve it"
    FINAL = "sending it again changes nothing"


VERDICTS: dict[str, Verdict] = {
    "Throttling": Verdict.THROTTLED,
    "ThrottlingException": Verdict.THROTTLED,
    "ThrottledException": Verdict.THROTTLED,
    "RequestThrottled": Verdict.THROTTLED,
    "RequestThrottledException": Verdict.THROTTLED,
    "RequestLimitExceeded": Verdict.THROTTLED,
    "TooManyRequestsException": Verdict.THROTTLED,
    "BandwidthLimitExceeded": Verdict.THROTTLED,
    "LimitExceededException": Verdict.THROTTLED,
    "SlowDown": Verdict.THROTTLED,
    "TooManyInvalidationsInProgress": Verdict.FULL,
    "PriorRequestNotComplete": Verdict.TRANSIENT,
    "RequestTimeout": Verdict.TRANSIENT,
    "RequestTimeoutException": Verdict.TRANSIENT,
    "RequestExpired": Verdict.TRANSIENT,
    "InvalidArgument": Verdict.SPLIT,
    "BatchTooLarge": Verdict.TOO_LARGE,
    "AccessDenied": Verdict.FINAL,
    "NoSuchDistribution": Verdict.FINAL,
    "EntityNotFound": Verdict.FINAL,
    "NoSuchInvalidation": Verdict.FINAL,
    "MissingBody": Verdict.FINAL,
    "InconsistentQuantities": Verdict.FINAL,
    "InvalidationBatchAlreadyExists": Verdict.FINAL,
    "UnsupportedOperation": Verdict.FINAL,
}
"""Error code → verdict. A code that is not here is transient with an HTTP status of 5xx, else final."""

LAST_TRY_SECONDS = 1.0
"""Before the deadline, for what would otherwise wait beyond it: to come back, a message waits far longer."""

BACKOFF_SECONDS = {
    Verdict.THROTTLED: (2.0, 16.0),
    Verdict.FULL: (8.0, 25.0),
    Verdict.TRANSIENT: (0.5, 16.0),
}
"""Verdict → (the first wait, the longest wait); each failure doubles the wait."""

NEXT_STEP = {
    "AccessDenied": "let the function's role create invalidations on this distribution (the module's policy "
    "does: apply it again), or look for a boundary or organisation policy that forbids it",
    "NoSuchDistribution": "check the distribution_id that the module was given",
    "EntityNotFound": "check the distribution_tenant_id that the module was given",
    "InvalidArgument": "CloudFront refuses this path: encode it as viewers request it, or rename the object",
}


ASSUMED_NEXT_STEP = (
    "let the route's role_arn trust the function's role (output role_arn), and check that it exists"
)


@dataclass(frozen=True)
class Outcome:
    """What became of an invalidation, or of the part of it that stood alone in the end."""

    invalidation: Invalidation
    status: Literal["accepted", "refused", "deferred"]
    id: str = ""
    """CloudFront's id of the accepted invalidation."""
    progress: str = ""
    """CloudFront's word: InProgress or Completed."""
    error: str = ""
    """Why it was refused or deferred, or could not be waited for, and what to do."""


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that a test can turn them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


@dataclass(eq=False)
class _Attempt:
    invalidation: Invalidation
    ready_at: float
    failures: int = 0
    error: str = ""
    sibling: Invalidation | None = None
    """The other half of a refused batch: sent next, or halved at once where this half was accepted."""


def submit(
    invalidations: Iterable[Invalidation],
    *,
    clients: Clients,
    deadline: float,
    quota: Quota | None = None,
    clock: Clock | None = None,
) -> tuple[Outcome, ...]:
    """Have CloudFront accept every invalidation, or say for each part of it why not.

    `deadline` is a time of `clock.now`, in seconds: no call starts, and no wait goes on, beyond it. What
    could not be placed by then is deferred, to come back with its messages. `quota` is what earlier
    invocations of this sandbox have in progress.
    """
    clock = clock or Clock()
    quota = quota or Quota()
    rate = Rate()
    outcomes: list[Outcome] = []
    waiting = [_Attempt(invalidation, clock.now()) for invalidation in invalidations]
    while waiting:
        attempt = min(waiting, key=lambda each: _starts_at(each, quota))
        starts_at = max(_starts_at(attempt, quota), rate.next_call_at)
        if starts_at >= deadline and clock.now() < deadline - LAST_TRY_SECONDS:
            starts_at = deadline - LAST_TRY_SECONDS
        if max(starts_at, clock.now()) >= deadline:
            outcomes += [outcome for each in waiting for outcome in _deferred(each)]
            break
        if starts_at > clock.now():
            clock.sleep(starts_at - clock.now())
        waiting.remove(attempt)
        rate.called(clock.now())
        try:
            answer = _create(clients(attempt.invalidation.target.role_arn), attempt.invalidation)
        except (ClientError, BotoCoreError, AttributeError) as error:
            outcomes += _after_failure(attempt, error, waiting, quota, clock)
        else:
            quota.accepted(attempt.invalidation, clock.now())
            outcomes.append(
                Outcome(attempt.invalidation, "accepted", id=answer["Id"], progress=answer.get("Status", ""))
            )
            if attempt.sibling:
                waiting[:0] = _split(attempt.sibling, attempt.error, clock.now())
    quota.end_turn()
    return tuple(outcomes)


def _starts_at(attempt: _Attempt, quota: Quota) -> float:
    return max(attempt.ready_at, quota.room_at(attempt.invalidation))


def _deferred(attempt: _Attempt) -> list[Outcome]:
    error = f"{attempt.error or 'out of time'}; its messages go back to be planned again"
    parts = [attempt.invalidation, attempt.sibling] if attempt.sibling else [attempt.invalidation]
    return [Outcome(part, "deferred", error=error) for part in parts]


def _after_failure(
    attempt: _Attempt, error: Exception, waiting: list[_Attempt], quota: Quota, clock: Clock
) -> list[Outcome]:
    verdict, text = explain(error, attempt.invalidation.target)
    now = clock.now()
    attempt.error = text
    if verdict in BACKOFF_SECONDS:
        alike = [each for each in waiting if _shares_fate(verdict, attempt, each)]
        attempt.failures += 1
        somebody_elses = verdict is Verdict.FULL and not quota.is_ours(attempt.invalidation.target, now)
        if somebody_elses and attempt.failures == 1:
            # Most likely another of these functions has its turn, with as many rounds as we have before us.
            attempt.ready_at = now + turn_seconds(
                attempt.invalidation, *(each.invalidation for each in alike)
            )
        else:
            attempt.ready_at = now + _backoff(verdict, attempt.failures, clock.chance())
        for each in alike:
            each.ready_at = max(each.ready_at, attempt.ready_at)
        waiting.insert(0, attempt)
        return []
    if attempt.sibling:
        waiting.insert(0, _Attempt(attempt.sibling, now))
    if len(attempt.invalidation.items) > 1 and verdict is Verdict.SPLIT:
        waiting[:0] = _split(attempt.invalidation, text, now)
        return []
    if len(attempt.invalidation.items) > 1 and verdict is Verdict.TOO_LARGE:
        waiting[:0] = [_Attempt(half, now, error=text) for half in halves(attempt.invalidation)]
        return []
    return [Outcome(attempt.invalidation, "refused", error=text)]


def _split(invalidation: Invalidation, error: str, now: float) -> list[_Attempt]:
    """The next calls for a batch that surely holds something wrong; none is blamed but by its own call."""
    if len(invalidation.items) == 1:
        return [_Attempt(invalidation, now, error=error)]
    first, second = halves(invalidation)
    return [_Attempt(first, now, error=error, sibling=second)]


def _shares_fate(verdict: Verdict, refused: _Attempt, other: _Attempt) -> bool:
    """A throttled account refuses all its distributions alike; a full quota belongs to one of them."""
    ours, theirs = refused.invalidation, other.invalidation
    if verdict is Verdict.THROTTLED:
        return ours.target.role_arn == theirs.target.role_arn
    return verdict is Verdict.FULL and ours.target == theirs.target


def _backoff(verdict: Verdict, failures: int, chance: float) -> float:
    first, longest = BACKOFF_SECONDS[verdict]
    return min(longest, first * 2.0 ** (failures - 1)) * (0.75 + 0.5 * chance)


def explain(error: Exception, target: Target) -> tuple[Verdict, str]:
    """What an error asks of us, and a sentence for the person who has to act on it."""
    if isinstance(error, ClientError):
        told = error.response.get("Error", {})
        code = told.get("Code", "Unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        verdict = VERDICTS.get(code, Verdict.TRANSIENT if status >= 500 or status == 429 else Verdict.FINAL)
        step = ASSUMED_NEXT_STEP if error.operation_name == "AssumeRole" else NEXT_STEP.get(code)
        text = f"{target.id}: {error.operation_name} was refused, {code}: {told.get('Message', '')}"
        return verdict, text + (f" – {step}" if step else "")
    if isinstance(error, AttributeError):
        return Verdict.FINAL, (
            f"{target.id}: the boto3 of this runtime is too old for distribution tenants ({error}) – "
            "choose a newer runtime for the module"
        )
    verdict = Verdict.TRANSIENT if isinstance(error, (HTTPClientError, NoConnectionError)) else Verdict.FINAL
    return verdict, f"{target.id}: {type(error).__name__}: {error}"


def await_completion(
    outcomes: Iterable[Outcome], *, clients: Clients, deadline: float, clock: Clock | None = None
) -> tuple[Outcome, ...]:
    """The same outcomes, with what CloudFront says of the accepted ones once they are complete or time is up.

    Needs GetInvalidation, which the module grants with `allow_wait`; without it an outcome stays accepted
    and its `error` says so.
    """
    clock = clock or Clock()
    return tuple(
        _awaited(clients(outcome.invalidation.target.role_arn), outcome, deadline - clock.now())
        if outcome.status == "accepted" and outcome.progress != "Completed"
        else outcome
        for outcome in outcomes
    )


def _awaited(client: Any, outcome: Outcome, seconds_left: float) -> Outcome:
    target = outcome.invalidation.target
    tenant = target.kind == "tenant"
    waiter = client.get_waiter(
        "invalidation_for_distribution_tenant_completed" if tenant else "invalidation_completed"
    )
    try:
        waiter.wait(
            **{"DistributionTenantId" if tenant else "DistributionId": target.id},
            Id=outcome.id,
            WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": max(1, int(seconds_left // POLL_SECONDS))},
        )
    except WaiterError as error:
        answer: Mapping[str, Any] = error.last_response
        if "Invalidation" in answer:
            return replace(outcome, progress=str(answer["Invalidation"]["Status"]))
        why = answer.get("Error", {}).get("Message", str(error))
        return replace(
            outcome,
            error=f"{target.id}: invalidation {outcome.id} was created, but it cannot be waited for: {why} – "
            "set allow_wait = true in the module, or ask without wait",
        )
    return replace(outcome, progress="Completed")


def _create(client: Any, invalidation: Invalidation) -> dict[str, Any]:
    batch = {
        "Paths": {"Quantity": len(invalidation.items), "Items": list(invalidation.items)},
        "CallerReference": invalidation.caller_reference,
    }
    if invalidation.target.kind == "tenant":
        answer = client.create_invalidation_for_distribution_tenant(
            Id=invalidation.target.id, InvalidationBatch=batch
        )
    else:
        answer = client.create_invalidation(DistributionId=invalidation.target.id, InvalidationBatch=batch)
    created: dict[str, Any] = answer["Invalidation"]
    return created


def clients() -> Clients:
    """Role ARN → client of CloudFront, to be asked anew for each invocation of the function.

    An empty ARN is the function's own role, whose client outlives the invocation. A client of an assumed
    role does not: its credentials last an hour, a warm function may last longer.
    """
    return functools.cache(lambda role_arn: _client(_assume(role_arn)) if role_arn else _own_client())


@functools.cache
def _own_client() -> Any:
    return _client(boto3.Session())


def _client(session: boto3.Session) -> Any:
    """boto3's own retries are off: number and mode change with the runtime, and they know no deadline."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    return session.client("cloudfront", config=config)


def _assume(role_arn: str) -> boto3.Session:
    answer = boto3.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="invalidate-cloudfront")
    credentials = answer["Credentials"]
    return boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
