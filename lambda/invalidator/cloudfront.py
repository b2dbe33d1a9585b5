"""CloudFront's calls: its clients, one CreateInvalidation with the verdict on its error, and completion."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from invalidator import aws
from invalidator.plan import Invalidation
from invalidator.settings import Target
from invalidator.submission import Accepted, CallError, Clock, Create, Outcome
from invalidator.text import said
from invalidator.verdicts import ASSUMED_NEXT_STEP, NEXT_STEP, Verdict, verdict

CONNECT_TIMEOUT_SECONDS = 3.0
READ_TIMEOUT_SECONDS = 10.0

POLL_SECONDS = 5.0
"""Between two polls of an invalidation that a caller waits for."""

CONFIG = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
)
"""boto3's own retries are off: number and mode depend on the runtime, and ignore the deadline."""

Clients = Callable[[Target], Any]
"""Target → client of CloudFront with the permission to invalidate it."""


def creator(clients: Clients) -> Create:
    """A function that makes one call of CreateInvalidation, with the client of the target's role."""

    def create(invalidation: Invalidation) -> Accepted:
        target = invalidation.target
        try:
            client = clients(target)
            if target.kind == "tenant" and not hasattr(client, "create_invalidation_for_distribution_tenant"):
                raise CallError(
                    Verdict.FINAL,
                    f"{target.id}: the boto3 of this runtime is too old for distribution tenants – "
                    "choose a newer runtime for the module",
                )
            return _create(client, invalidation)
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise explain(error, target) from error

    return create


def _create(client: Any, invalidation: Invalidation) -> Accepted:
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
    created = answer["Invalidation"]
    return Accepted(created["Id"], created.get("Status", ""))


def explain(error: Exception, target: Target) -> CallError:
    """The verdict on an error, with a sentence for the operator."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code = details.get("Code", "Unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        step = _next_step(error.operation_name, code, target)
        why = f"{said(code)}: {said(details.get('Message', ''))}"
        text = f"{target.id}: {error.operation_name} was refused, {why}"
        return CallError(verdict(code, status), f"{text} – {step}" if step else text)
    # An answer that cannot be parsed does not tell whether CloudFront accepted the call.
    network = isinstance(error, (HTTPClientError, NoConnectionError, ResponseParserError))
    return CallError(
        Verdict.TRANSIENT if network else Verdict.FINAL,
        f"{target.id}: {type(error).__name__}: {said(error)}",
        answered=not network,
    )


def _next_step(operation: str, code: str, target: Target) -> str | None:
    """What an operator does about an error code of a call; None where there is no general answer."""
    if operation == "AssumeRole":
        return ASSUMED_NEXT_STEP
    if code == "AccessDenied" and target.role_arn:
        return f"let the role {target.role_arn} do cloudfront:{operation}, in its own account"
    return NEXT_STEP.get(code)


def await_completion(
    outcomes: Iterable[Outcome], *, clients: Clients, deadline: float, clock: Clock | None = None
) -> tuple[Outcome, ...]:
    """The same outcomes, with the progress of the accepted ones when they are complete or at the deadline.

    Needs GetInvalidation, which the module grants with `allow_wait`; without it an outcome stays accepted
    and its `error` says so. A poll that fails for another reason is repeated; none starts after the
    deadline, and an invalidation that is not complete by then stays in progress.
    """
    clock = clock or Clock()
    return tuple(
        _awaited(clients, outcome, deadline, clock)
        if outcome.status == "accepted" and outcome.progress != "Completed"
        else outcome
        for outcome in outcomes
    )


def _awaited(clients: Clients, outcome: Outcome, deadline: float, clock: Clock) -> Outcome:
    target = outcome.invalidation.target
    while clock.now() < deadline:
        try:
            progress = _progress(clients(target), target, outcome.id)
        except ClientError as error:
            failure = explain(error, target)
            if failure.verdict in (Verdict.DENIED, Verdict.GONE, Verdict.FINAL):
                reason = said(error.response.get("Error", {}).get("Message", error))
                if failure.verdict is Verdict.DENIED:
                    step = (
                        _next_step(error.operation_name, "AccessDenied", target)
                        if target.role_arn
                        else "set allow_wait = true in the module"
                    )
                    reason = f"{reason} – {step}, or send the request without wait"
                return outcome._replace(
                    error=f"{target.id}: invalidation {outcome.id} was created, but it cannot be waited for: "
                    f"{reason}",
                )
        except (BotoCoreError, ResponseParserError):
            pass
        else:
            outcome = outcome._replace(progress=progress)
            if progress == "Completed":
                return outcome
        if clock.now() + POLL_SECONDS >= deadline:
            break
        clock.sleep(POLL_SECONDS)
    return outcome


def _progress(client: Any, target: Target, invalidation_id: str) -> str:
    if target.kind == "tenant":
        answer: Mapping[str, Any] = client.get_invalidation_for_distribution_tenant(
            DistributionTenantId=target.id, Id=invalidation_id
        )
    else:
        answer = client.get_invalidation(DistributionId=target.id, Id=invalidation_id)
    return str(answer["Invalidation"]["Status"])


def clients() -> Clients:
    """Target → client of CloudFront; made anew for each invocation of the function.

    The client of the function's own role is kept between invocations. The client of an assumed role, one for
    each role and external id, is not: its credentials last an hour, and a warm function may last longer.
    """
    assumed = functools.cache(_assumed_client)
    own = functools.cache(_reconnecting_client)

    def client(target: Target) -> Any:
        return assumed(target.role_arn, target.external_id) if target.role_arn else own()

    return client


@functools.cache
def own_client() -> Any:
    """The client of the function's own role. Making it takes 23 ms of a whole processor."""
    return aws.client("cloudfront", CONFIG)


def _reconnecting_client() -> Any:
    """The client of the function's own role, without the connections that it has kept.

    AWS closes them after some idle seconds, unseen by a sandbox that is frozen: the first call after that
    would have no answer, and be repeated and paid for in `max_paths_per_hour` as if it were in doubt.
    """
    own_client().close()
    return own_client()


def _assumed_client(role_arn: str, external_id: str) -> Any:
    """A client of the role; an external id is sent where there is one (STS API reference, AssumeRole)."""
    optional: dict[str, Any] = {"ExternalId": external_id} if external_id else {}
    answer = aws.client("sts", CONFIG).assume_role(
        RoleArn=role_arn, RoleSessionName="invalidate-cloudfront", **optional
    )
    credentials = answer["Credentials"]
    return aws.client(
        "cloudfront",
        CONFIG,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
