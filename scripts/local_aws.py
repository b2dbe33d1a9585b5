"""An AWS of one's own: MiniStack with IAM enforced, on a free port, gone when the block ends.

It runs under the Python of .venv, which thereby is the Python of the functions.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
START_SECONDS = 60
LOG_TAIL_LINES = 25

RUNTIME = Path(__file__).resolve().parent / "lambda_runtime"
"""Holds a sitecustomize that gives the functions the log format of the real runtime."""

WATCHED = """
import os, signal, sys, threading
def end_with_parent():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=end_with_parent, daemon=True).start()
from ministack import app
pin = app.pin_request_origin
app.pin_request_origin = lambda address, _: pin(address, True)
from ministack.core import iam_actions
action_of = iam_actions.extract_iam_action
def without_batch(service, *arguments, **named):
    action = action_of(service, *arguments, **named)
    return action.removesuffix("Batch") if action and service == "sqs" else action
iam_actions.extract_iam_action = without_batch
from ministack.services import lambda_svc
update = lambda_svc._update_config
def update_and_renew(name, changed):
    answer = update(name, changed)
    if "Role" in changed:
        lambda_svc.invalidate_worker(name, qualifier="$LATEST")
    return answer
lambda_svc._update_config = update_and_renew
import json
from ministack.core.responses import json_response
from ministack.services import cloudwatch_logs
handle = cloudwatch_logs.handle_request
async def handle_with_keys(method, path, headers, body, query):
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in ("AssociateKmsKey", "DisassociateKmsKey"):
        return await handle(method, path, headers, body, query)
    named = json.loads(body)
    cloudwatch_logs._log_groups[named["logGroupName"]]["kmsKeyId"] = named.get("kmsKeyId")
    return json_response({})
cloudwatch_logs.handle_request = handle_with_keys
serve = app.app
answers = {}
async def serve_once(scope, receive, send):
    headers = dict(scope.get("headers", ()))
    invocation = headers.get(b"amz-sdk-invocation-id")
    if invocation is None or scope["method"] == "GET":
        return await serve(scope, receive, send)
    if invocation in answers:
        while (await receive()).get("more_body"):
            pass
        for message in answers[invocation]:
            await send(message)
        return
    sent = []
    async def remember(message):
        sent.append(message)
        if not message.get("more_body") and sent[0].get("status", 500) < 300 and len(sent) > 1:
            answers[invocation] = sent
            if len(answers) > 200:
                del answers[next(iter(answers))]
        await send(message)
    await serve(scope, receive, remember)
app.app = serve_once
sys.argv = ["ministack"]
app.main()
"""
"""MiniStack in a process group of its own, which ends with the process that started it, even a killed one.

It listens without TLS, on this machine alone, and its requests count as if they came over TLS: policies that
deny the others (aws:SecureTransport) are enforced. A batch of SQS needs the permission of the single action,
as at AWS (Service Authorization Reference, "Actions defined by Amazon SQS", knows no action of a batch). A
function whose role is replaced gets new workers, as for every other change of its configuration: an update
ends when the function is "processing events with the new configuration" (Lambda API Reference,
UpdateFunctionConfiguration). MiniStack alone would keep the old role's credentials for ever. A log group can
be given a key, and lose it: MiniStack only knows the key that a group was created with.

On a busy machine the provider (5.100) closes about one connection in a thousand when it has only the head
of the answer, and sends the request again, with the same `amz-sdk-invocation-id`. A second DeleteRolePolicy
finds no policy, and a second UpdateDistribution no such version: the apply fails. Here a request that is sent
again gets the answer of the first, so that the tests do not depend on that. At AWS the apply may fail:
docs/operations.md says what to do.
"""


class LocalAwsError(Exception):
    """The local AWS did not start; the text holds the end of its log."""


class FunctionError(Exception):
    """The function raised an error; the text is its message."""


@dataclass(frozen=True)
class LocalAws:
    """Where the local AWS listens, and how to speak to it as its root user."""

    endpoint: str
    log: Path
    provider: Mapping[str, str] = field(default_factory=dict)
    """The variable by which Terraform finds a provider that is running, where it need not start its own."""

    @property
    def environment(self) -> dict[str, str]:
        """What Terraform, the AWS CLI or an SDK needs to speak to it and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
            **self.provider,
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the root user."""
        return _client(self.endpoint, service)

    def invalidations(self, distribution_id: str, since: Collection[str] = ()) -> dict[str, list[str]]:
        """Id → items of all invalidations of a distribution but those in `since`, the latest first."""
        cloudfront = self.client("cloudfront")
        pages = cloudfront.get_paginator("list_invalidations").paginate(DistributionId=distribution_id)
        ids = [id_ for id_ in pages.search("InvalidationList.Items[].Id") if id_ and id_ not in since]
        got = (cloudfront.get_invalidation(DistributionId=distribution_id, Id=id_) for id_ in ids)
        made = (answer["Invalidation"] for answer in got)
        return {each["Id"]: each["InvalidationBatch"]["Paths"]["Items"] for each in made}

    def invoke(self, function_name: str, request: object) -> Any:
        """The function's answer. Raises FunctionError where it fails."""
        payload = json.dumps(request).encode()
        answer = self.client("lambda").invoke(FunctionName=function_name, Payload=payload)
        body = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise FunctionError(body["errorMessage"])
        return body

    def holdings(self) -> set[str]:
        """All that it holds of the kinds that the module or an example makes."""
        kinds = (
            ("cloudfront", "list_distributions", "DistributionList.Items[].Id"),
            ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
            ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
            ("events", "list_rules", "Rules[].Name"),
            ("iam", "list_roles", "Roles[].RoleName"),
            ("lambda", "list_event_source_mappings", "EventSourceMappings[].EventSourceArn"),
            ("lambda", "list_functions", "Functions[].FunctionName"),
            ("logs", "describe_log_groups", "logGroups[].logGroupName"),
            ("s3", "list_buckets", "Buckets[].Name"),
            ("sns", "list_subscriptions", "Subscriptions[].SubscriptionArn"),
            ("sns", "list_topics", "Topics[].TopicArn"),
            ("sqs", "list_queues", "QueueUrls"),
        )
        return {
            f"{service}: {name}"
            for service, operation, names in kinds
            for name in self.client(service).get_paginator(operation).paginate().search(names)
            if name is not None
        }

    def tail(self) -> str:
        """The end of the log, for a message about something that failed."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])


@contextmanager
def local_aws(directory: Path, *, elsewhere: Mapping[str, str] | None = None) -> Iterator[LocalAws]:
    """A fresh local AWS whose files lie in `directory`; it ends with the block, however that ends.

    `elsewhere`: service → endpoint, for services that its functions, and only they, find somewhere else.
    Raises LocalAwsError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    aws = LocalAws(f"http://127.0.0.1:{_free_port()}", directory / "ministack.log")
    environment = _environment(directory, aws.endpoint, elsewhere or {})
    with aws.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHED],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(aws, process)
        yield aws
    finally:
        _end(process)


def _environment(directory: Path, endpoint: str, elsewhere: Mapping[str, str]) -> Mapping[str, str]:
    """MiniStack's variables. Its functions inherit them, so nothing of the user's AWS may be among them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    own = {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "TMPDIR": str(directory),
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1",
        "IOT_MTLS_ENABLED": "0",  # else it listens on a port of its own, which two cannot share
        "PYTHONPATH": str(RUNTIME),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    return kept | own | {f"AWS_ENDPOINT_URL_{service.upper()}": url for service, url in elsewhere.items()}


@functools.cache
def _client(endpoint: str, service: str) -> Any:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
    wide = Config(max_pool_connections=32)
    return session.client(service, endpoint_url=endpoint, config=wide)  # type: ignore[call-overload]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(aws: LocalAws, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{aws.endpoint}/_ministack/health", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise LocalAwsError(f"MiniStack did not start on {aws.endpoint}. The end of {aws.log}:\n{aws.tail()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its workers are in its process group. Nothing in it is worth a farewell."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()
