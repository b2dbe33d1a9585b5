"""The examples as a user copies them, with what each of them expects to find in the account."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from scripts.local_aws import LocalAws
from scripts.stack import Stack, copy_of
from scripts.terraform import ROOT
from tests.support.deployments import (
    Deployment,
    let_s3_send,
    make_bucket,
    make_distribution,
    make_tenant,
    notify,
)

Inputs = Mapping[str, object]


def own_bucket(_: LocalAws) -> Inputs:
    return {"bucket": "example-site"}


def a_distribution(aws: LocalAws) -> Inputs:
    return {"distribution_id": make_distribution(aws)}


def a_bucket_and_a_distribution(aws: LocalAws) -> Inputs:
    return {"bucket": make_bucket(aws, "example-site"), **a_distribution(aws)}


def a_bucket_of_others(aws: LocalAws) -> Inputs:
    """It notifies somebody else's queue, and sends its events to EventBridge."""
    inputs = a_bucket_and_a_distribution(aws)
    queue_url = aws.client("sqs").create_queue(QueueName="of-another-team")["QueueUrl"]
    let_s3_send(aws, queue_url)
    notify(aws, "example-site", queue_url, EventBridgeConfiguration={})
    return inputs


def tenants(aws: LocalAws) -> Inputs:
    ids = {folder: make_tenant(aws, folder) for folder in ("red", "blue")}
    return {"bucket": make_bucket(aws, "example-site"), "tenant_ids": ids}


def a_company(aws: LocalAws) -> Inputs:
    """What its other teams keep: a shared bucket, a key, a boundary, topics and a rule."""
    shared = make_bucket(aws, "example-shared")
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=shared, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    topics = [aws.client("sns").create_topic(Name=name)["TopicArn"] for name in ("requests", "on-call")]
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(anything))
    rule = aws.client("events").put_rule(Name="releases", EventPattern=json.dumps({"source": ["release"]}))
    return {
        **a_bucket_and_a_distribution(aws),
        "shared_bucket": shared,
        "tenant_id": make_tenant(aws, "green"),
        "topic_arn": topics[0],
        "on_call_topic_arn": topics[1],
        "rule_arn": rule["RuleArn"],
        "kms_key_arn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "permissions_boundary_arn": boundary["Policy"]["Arn"],
    }


def pipeline(aws: LocalAws) -> Inputs:
    site, source = make_bucket(aws, "example-site"), make_bucket(aws, "example-source")
    return {"site_bucket": site, "source_bucket": source, **a_distribution(aws)}


INPUTS: dict[str, Callable[[LocalAws], Inputs]] = {
    "cross-account": a_bucket_and_a_distribution,
    "deploy-step": a_bucket_and_a_distribution,
    "direct": a_distribution,
    "everything": a_company,
    "nightly-purge": a_distribution,
    "on-apply": a_bucket_and_a_distribution,
    "pipeline": pipeline,
    "shared-bucket-eventbridge": a_bucket_of_others,
    "site": own_bucket,
    "tenants": tenants,
    "topic-fan-out": a_bucket_and_a_distribution,
    "two-sites-one-bucket": own_bucket,
}
"""Example → what it needs, made."""

WITHIN_REACH = {"pipeline": ("-target=module.invalidation",)}
"""MiniStack has no CodePipeline: of that example the module alone is applied."""


def deploy(name: str, aws: LocalAws, directory: Path) -> Deployment:
    """Copy an example, and apply it as it is."""
    inputs = INPUTS[name](aws)
    stack = Stack(copy_of(ROOT / "examples" / name, directory), aws.environment, inputs)
    stack.init()
    stack.apply(*WITHIN_REACH.get(name, ()))
    outputs = stack.outputs()
    bucket, distribution_id = ({**inputs, **outputs}.get(what, "") for what in ("bucket", "distribution_id"))
    return Deployment(aws, stack, outputs["function_name"], str(bucket), str(distribution_id))


EXAMPLES: dict[str, Callable[[LocalAws, Path], Deployment]] = {
    name.replace("-", "_"): partial(deploy, name) for name in INPUTS
}
"""Name of the fixture → how to deploy it."""
