"""The module as Terraform has deployed it on a local AWS, with the bucket and distribution that it serves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from scripts import package, terraform
from scripts.local_aws import LocalAws
from scripts.stack import Stack

PATIENCE_SECONDS = 90
"""For what follows within two seconds on an idle machine."""

IMPATIENT: dict[str, object] = {"timeout_seconds": 10, "batching": {"window_seconds": 1}}
"""Inputs with which a change waits for seconds, and a failed batch for less than a minute."""

T = TypeVar("T")


@dataclass(frozen=True)
class Deployment:
    """One instance of the module, and what it was deployed for."""

    aws: LocalAws
    stack: Stack
    name: str
    bucket: str
    distribution_id: str

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The outputs of the module, or those of an example."""
        outputs = self.stack.outputs()
        found: dict[str, Any] = outputs.get("invalidation", outputs)
        return found

    def with_inputs(self, **inputs: object) -> None:
        """Edit the inputs of the module, and apply nothing."""
        path = self.stack.directory / "main.tf.json"
        root = json.loads(path.read_text(encoding="utf-8"))
        root["module"]["invalidation"].update(inputs)
        path.write_text(json.dumps(root, indent=2), encoding="utf-8")

    def invoke(self, request: object) -> Any:
        return self.aws.invoke(self.name, request)

    def function_settings(self) -> dict[str, Any]:
        """The settings that Terraform gave the function."""
        got = self.aws.client("lambda").get_function_configuration(FunctionName=self.name)
        settings: dict[str, Any] = json.loads(got["Environment"]["Variables"]["SETTINGS"])
        return settings

    def upload(self, *keys: str, to: str = "") -> None:
        """Write objects to the bucket, or to another one."""
        for key in keys:
            self.aws.client("s3").put_object(Bucket=to or self.bucket, Key=key, Body=b"content")

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.aws.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def invalidations(self, since: Collection[str] = ()) -> dict[str, list[str]]:
        """Id → items, without those whose ids are in `since`."""
        return self.aws.invalidations(self.distribution_id, since)

    def has_invalidated(self, *paths: str) -> bool:
        """Whether each of these paths is an item of some invalidation."""
        return set(paths) <= set(self.items())

    def items(self, since: Collection[str] = ()) -> list[str]:
        """The items of all invalidations, sorted; one that was sent twice is there twice."""
        return sorted(item for items in self.invalidations(since).values() for item in items)

    def queue_url(self, suffix: str = "") -> str:
        url: str = self.aws.client("sqs").get_queue_url(QueueName=self.name + suffix)["QueueUrl"]
        return url

    def send(self, *bodies: str) -> list[str]:
        """Put messages into the queue at once, as neighbours in one batch. Returns their ids."""
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        sent = self.aws.client("sqs").send_message_batch(QueueUrl=self.queue_url(), Entries=entries)
        return [message["MessageId"] for message in sent["Successful"]]

    def redeliver_after(self, seconds: int) -> None:
        """Have failed messages come back soon: by hand, because the module leaves a batch its whole time."""
        visibility = {"VisibilityTimeout": str(seconds)}
        self.aws.client("sqs").set_queue_attributes(QueueUrl=self.queue_url(), Attributes=visibility)

    def dead_letters(self) -> list[str]:
        """The bodies of the messages in the dead-letter queue, which keeps them."""
        url = self.queue_url("-dead-letters")
        got = self.aws.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in got.get("Messages", [])]

    def run_package(self, request: object, request_ids: Sequence[str]) -> list[Any]:
        """The answers of the packaged handler, called here as Lambda would with these ids, in turn."""
        configuration = self.aws.client("lambda").get_function_configuration(FunctionName=self.name)
        environment = {**self.aws.environment, **configuration["Environment"]["Variables"]}
        arguments = [str(package.PACKAGE), json.dumps(request), *request_ids]
        command = [sys.executable, "-c", RUN_PACKAGE, *arguments]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines() if '"statusCode"' in line]

    def log(self) -> list[dict[str, Any]]:
        """The JSON lines of the function's log group."""
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        lines = [
            event["message"]
            for page in pages.paginate(logGroupName=f"/aws/lambda/{self.name}")
            for event in page["events"]
        ]
        return [json.loads(line) for line in lines if line.startswith("{")]


def write_root(directory: Path, inputs: Mapping[str, object], **resources: object) -> Path:
    """A root module that calls the module of this checkout with these inputs, and hands out its outputs.

    `resources` are its own, by type, in Terraform's JSON syntax.
    """
    directory.mkdir(parents=True, exist_ok=True)
    root = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": {}},
        **({"resource": resources} if resources else {}),
        "module": {"invalidation": {"source": os.path.relpath(terraform.ROOT, directory), **inputs}},
        "output": {"invalidation": {"value": "${module.invalidation}"}},
    }
    (directory / "main.tf.json").write_text(json.dumps(root, indent=2), encoding="utf-8")
    return directory


def make_bucket(aws: LocalAws, name: str) -> str:
    aws.client("s3").create_bucket(Bucket=name)
    return name


def make_distribution(aws: LocalAws, **options: object) -> str:
    """A distribution made without Terraform, which would wait half a minute for it."""
    origin = {"Id": "origin", "DomainName": "origin.example.com", "CustomOriginConfig": CUSTOM_ORIGIN}
    config = {
        "CallerReference": str(time.time_ns()),
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        },
        **options,
    }
    made = aws.client("cloudfront").create_distribution(DistributionConfig=config)
    id_: str = made["Distribution"]["Id"]
    return id_


def let_s3_send(aws: LocalAws, queue_url: str) -> None:
    """A policy by which every bucket of the account may send to the queue."""
    arn = queue_arn(aws, queue_url)
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": arn}]}
    aws.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": json.dumps(policy)})


def notify(aws: LocalAws, bucket: str, queue_url: str, **others: object) -> None:
    """Have the bucket notify the queue of its changes, instead of any earlier configuration."""
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    queue = {"Id": "changes", "QueueArn": queue_arn(aws, queue_url), "Events": events}
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue], **others}
    )


def queue_arn(aws: LocalAws, queue_url: str) -> str:
    got = aws.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    arn: str = got["Attributes"]["QueueArn"]
    return arn


RUN_PACKAGE = """
import json, sys
from types import SimpleNamespace
package, request, *ids = sys.argv[1:]
sys.path.insert(0, package)
import index
for id_ in ids:
    context = SimpleNamespace(aws_request_id=id_, get_remaining_time_in_millis=lambda: 60_000)
    print(json.dumps(index.lambda_handler(json.loads(request), context)))
"""


def make_tenant(aws: LocalAws, name: str) -> str:
    """A tenant of a multi-tenant distribution of its own."""
    tenant = {"Name": name, "Domains": [{"Domain": f"{name}.example.com"}]}
    distribution_id = make_distribution(aws, ConnectionMode="tenant-only")
    made = aws.client("cloudfront").create_distribution_tenant(DistributionId=distribution_id, **tenant)
    id_: str = made["DistributionTenant"]["Id"]
    return id_


CUSTOM_ORIGIN = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}


def eventually(probe: Callable[[], T], accept: Callable[[T], bool], seconds: float = PATIENCE_SECONDS) -> T:
    """What the probe sees once it is acceptable, or the last that it saw: an assertion is to judge it."""
    deadline = time.monotonic() + seconds
    while True:
        seen = probe()
        if accept(seen) or time.monotonic() > deadline:
            return seen
        time.sleep(0.3)


def wait_until(probe: Callable[[], T], accept: Callable[[T], bool]) -> None:
    """Wait until what the probe sees is acceptable; an AssertionError where it never is."""
    seen = eventually(probe, accept)
    assert accept(seen), f"after {PATIENCE_SECONDS} s: {seen}"
