"""Somebody who moves in where a function, a role, a log group and a notification exist already."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.local_aws import LocalAws
from scripts.stack import Stack
from scripts.terraform import ROOT
from tests.e2e import shell, snippets
from tests.support.deployments import eventually, let_s3_send, make_bucket, notify

PAGE = ROOT / "docs" / "adopting.md"
NAME = "invalidate-cloudfront"
BUCKET = "example-site"
MODULE = "module.invalidation."
ADOPTED = [
    f"{MODULE}aws_cloudwatch_log_group.function",
    f"{MODULE}aws_iam_role.function",
    f"{MODULE}aws_lambda_function.this",
    f"{MODULE}aws_sqs_queue.changes[0]",
]
WAITED = "/waited-in-the-queue-of-before"


@dataclass(frozen=True)
class Adoption:
    """What was seen on the way, and what was left."""

    outputs: list[str]
    """What each block of commands printed, in the order of the page."""
    configuration: dict[str, Any]
    """The bucket's notification configuration after the commands."""
    planned: dict[str, list[str]]
    inline: set[str]
    attached: list[Any]
    log: list[str]
    invalidated: list[str]
    second_plan: dict[str, list[str]]


def make_by_hand(aws: LocalAws) -> str:
    """What the page speaks of. Returns the URL of the queue."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    anything = {"Effect": "Allow", "Action": "cloudfront:*", "Resource": "*"}
    role = iam.create_role(
        RoleName=NAME, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    iam.put_role_policy(RoleName=NAME, PolicyName="by-hand", PolicyDocument=policy)
    attached = iam.create_policy(PolicyName="attached-by-hand", PolicyDocument=policy)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=NAME, PolicyArn=attached)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("old.py", "def handler(event, context):\n    return None\n")
    function = {"Runtime": "python3.12", "Handler": "old.handler", "Code": {"ZipFile": packed.getvalue()}}
    aws.client("lambda").create_function(FunctionName=NAME, Role=role, **function)
    aws.client("lambda").add_permission(
        FunctionName=NAME, StatementId="by-hand", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
    )
    logs, group = aws.client("logs"), f"/aws/lambda/{NAME}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="old")
    event = {"timestamp": int(time.time() * 1000), "message": "of before"}
    logs.put_log_events(logGroupName=group, logStreamName="old", logEvents=[event])
    queue_url = aws.client("sqs").create_queue(QueueName="of-another-team")["QueueUrl"]
    let_s3_send(aws, queue_url)
    notify(aws, make_bucket(aws, BUCKET), queue_url)
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"paths": [WAITED]}))
    return url


def imports(queue_url: str) -> str:
    """All import blocks of the page, and the call of the module that they are for, once."""
    blocks = [snippet.text for snippet in snippets.terraform_of(PAGE) if snippet.imports]
    parts = [part for block in blocks for part in re.split(r"(?<=^\}\n)\n", block, flags=re.MULTILINE)]
    return re.sub(r"https://sqs\.\S+/invalidate-cloudfront", queue_url, "\n".join(dict.fromkeys(parts)))


def story(aws: LocalAws, directory: Path) -> Adoption:
    """Follow the page: look, switch EventBridge on, import, apply."""
    root = snippets.write(imports(make_by_hand(aws)), directory, snippets.PROVIDER)
    variables = shell.environment(aws, directory.with_name("adopted-shell"))
    outputs = [shell.run(block, variables, root) for block in snippets.shell_of(PAGE)]
    configuration = aws.client("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    stack = Stack(root, aws.environment)
    stack.init()
    planned = stack.apply_changes()
    iam = aws.client("iam")
    pages = aws.client("cloudfront").get_paginator("list_distributions").paginate()
    (distribution_id,) = pages.search("DistributionList.Items[].Id")
    invalidated = eventually(
        lambda: [item for items in aws.invalidations(distribution_id).values() for item in items], bool
    )
    group = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{NAME}")
    return Adoption(
        outputs=outputs,
        configuration=configuration,
        planned=planned,
        inline=set(iam.list_role_policies(RoleName=NAME)["PolicyNames"]),
        attached=iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"],
        log=[event["message"] for event in group["events"]],
        invalidated=invalidated,
        second_plan=stack.changes(),
    )
