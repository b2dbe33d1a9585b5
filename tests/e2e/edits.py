"""One edit after another of a live stack, while an object a second is uploaded."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts import package
from scripts.local_aws import ACCOUNT_ID, REGION, LocalAws
from scripts.stack import Stack, TerraformError
from scripts.terraform import ROOT
from tests.e2e import shell, snippets
from tests.support.deployments import (
    IMPATIENT,
    Deployment,
    eventually,
    make_bucket,
    make_distribution,
    write_root,
)

PERIOD_SECONDS = 1.0
MARGIN_SECONDS = 2
"""Uploads begin that long before an apply, and end that long after it."""

SETTLE_SECONDS = 90
"""For the last upload to be invalidated: a failed batch is hidden for some 50 s, a failed plan for 70."""

UPLOADED_TO: dict[str, object] = {**IMPATIENT, "max_paths_per_hour": 100_000}
"""An upload a second for minutes is a stream, whose paths the default bound would gather for up to four."""

QUEUES = ("", "-dead-letters", "-plan.fifo", "-plan-dead-letters.fifo")


Plan = dict[str, list[str]]
"""Address → actions of all that would change."""


def nothing(_: Deployment) -> Plan:
    """Most edits need the apply alone."""
    return {}


@dataclass(frozen=True)
class Edit:
    """Inputs that change, and what of them may be lost."""

    name: str
    inputs: Mapping[str, object]
    before: Callable[[Deployment], object] = nothing
    """What the documentation has the caller do before the apply."""
    after: Callable[[Deployment], Plan] = nothing
    """What it has them do as soon as the apply has ended; returns what a second apply changed."""
    mends: frozenset[str] = frozenset()
    """What that second apply makes again."""
    gap: str = ""
    """Why uploads may be lost, until `after` has ended; empty where none may be."""
    gap_before_end: float = 0
    """From how long before the end of the apply on, in seconds."""
    gap_seconds: float = float("inf")
    """From the first upload that is lost to the last."""
    uploads: bool = True
    """Whether anything may be expected of uploads: not while the module serves no bucket."""
    plans: bool = True
    """Whether the apply changes anything of the module."""


@dataclass
class Edited:
    """What came of an edit."""

    error: str = ""
    planned: Plan = field(default_factory=dict)
    mended: Plan = field(default_factory=dict)
    """What a second apply changed, where the documentation asks for one."""
    left: Plan = field(default_factory=dict)
    """What the last plan would change."""
    uploaded: dict[str, float] = field(default_factory=dict)
    """Key → seconds since the apply began."""
    missing: list[str] = field(default_factory=list)
    apply_seconds: float = 0
    after_seconds: float = 0
    """When all that the documentation asks for had been done, since the apply began."""
    queues_before: dict[str, str] = field(default_factory=dict)
    queues_after: dict[str, str] = field(default_factory=dict)
    policies: set[str] = field(default_factory=set)
    expected_policies: set[str] = field(default_factory=set)

    @property
    def lost(self) -> list[float]:
        """When the uploads were made that no invalidation covers, in seconds since the apply began."""
        return sorted(self.uploaded[key] for key in self.missing)


class Uploads:
    """An object a second, until the block ends."""

    def __init__(self, deployment: Deployment, prefix: str) -> None:
        self.deployment = deployment
        self.prefix = prefix
        self.keys: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Uploads:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            key = f"{self.prefix}/{len(self.keys)}.css"
            self.deployment.upload(key)
            self.keys[key] = time.monotonic()
            self._ended.wait(PERIOD_SECONDS)


ALL_SIZES: dict[str, object] = {
    "memory_mb": 512,
    "timeout_seconds": 20,
    "architecture": "x86_64",
    "runtime": "python3.12",
    "log_level": "DEBUG",
    "log_retention_days": 30,
    "tracing": True,
    "reserved_concurrency": 5,
    "max_paths": 50,
    "max_wildcards": 10,
    "min_wildcard_depth": 1,
    "tilde": "encoded",
    "inventory": False,
    "max_inventory_pages": 100,
    "default_paths": ["/news/*"],
    "max_paths_per_hour": 50_000,
    "batching": {"window_seconds": 2},
    "codepipeline": True,
    "allow_wait": True,
    "invokers": {
        "rule": {
            "principal": "events.amazonaws.com",
            "source_arn": "arn:aws:events:us-east-1:000000000000:rule/a",
        }
    },
    "dashboard": True,
    "tags": {"Service": "site"},
}
"""Every input that changes resources in place."""


def story(deployment: Deployment, chosen: Sequence[Edit]) -> dict[str, Edited]:
    """Make the edits in turn. An apply that fails is told in its result."""
    results = {}
    for edit in chosen:
        results[edit.name] = Edited()
        try:
            edit.before(deployment)
            make(deployment, edit, results[edit.name])
        except TerraformError as error:
            results[edit.name].error = str(error)
    return results


def make(deployment: Deployment, edit: Edit, result: Edited) -> None:
    deployment.with_inputs(**edit.inputs)
    result.queues_before = queues(deployment)
    with Uploads(deployment, edit.name.replace(" ", "-").replace(",", "")) as uploads:
        time.sleep(MARGIN_SECONDS)
        began = time.monotonic()
        try:
            result.planned = deployment.stack.apply_changes()
            result.apply_seconds = time.monotonic() - began
            result.mended = edit.after(deployment)
        finally:
            result.after_seconds = time.monotonic() - began
            time.sleep(MARGIN_SECONDS)
    result.uploaded = {key: at - began for key, at in uploads.keys.items()}
    result.queues_after = queues(deployment)
    result.left = plan_of(deployment)
    result.policies, result.expected_policies = policies(deployment)
    if edit.uploads:
        result.missing = missing_after_waiting(deployment, list(uploads.keys), may_miss=bool(edit.gap))


def plan_of(deployment: Deployment) -> Plan:
    """Without alarms: MiniStack does not return every attribute of one."""
    return {
        address: actions
        for address, actions in deployment.stack.changes().items()
        if "aws_cloudwatch_metric_alarm" not in address
    }


def policies(deployment: Deployment) -> tuple[set[str], set[str]]:
    """Those that the role has, and those that Terraform keeps."""
    state = json.loads(deployment.stack.run("state", "pull"))
    of_module = [each for each in state["resources"] if each.get("module") == "module.invalidation"]
    expected = {
        instance["attributes"]["name"]
        for each in of_module
        if each["type"] == "aws_iam_role_policy"
        for instance in each["instances"]
    }
    role_name = state["outputs"]["invalidation"]["value"]["role_name"]
    iam = deployment.aws.client("iam")
    return set(iam.list_role_policies(RoleName=role_name)["PolicyNames"]), expected


def missing_after_waiting(
    deployment: Deployment, keys: Sequence[str], *, may_miss: bool = False
) -> list[str]:
    """The keys that no invalidation covers in the end, of whatever distribution: an edit may change it.

    Where some may be lost, the end is when no message is left in the queues, if there are queues.
    """
    cloudfront = deployment.aws.client("cloudfront")
    pages = cloudfront.get_paginator("list_distributions").paginate()
    ids = [id_ for id_ in pages.search("DistributionList.Items[].Id") if id_]
    known: dict[str, list[str]] = {}
    left = list(keys)

    def missing() -> list[str]:
        for id_ in ids:
            made = deployment.aws.invalidations(id_, since=known)
            known.update(made)
            items = [item for items in made.values() for item in items]
            left[:] = [key for key in left if not any(covers(item, f"/{key}") for item in items)]
        return left

    def at_rest() -> bool:
        return may_miss and all(waiting_in(deployment, suffix) == 0 for suffix in ("", "-plan.fifo"))

    eventually(missing, lambda left: not left or at_rest(), seconds=SETTLE_SECONDS)
    return list(missing())


def waiting_in(deployment: Deployment, suffix: str) -> int | None:
    """The messages of a queue, those that are hidden too; None where there is no such queue."""
    sqs = deployment.aws.client("sqs")
    urls = sqs.list_queues(QueueNamePrefix=deployment.name).get("QueueUrls", [])
    for url in urls:
        if url.endswith(f"/{deployment.name}{suffix}"):
            got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            return sum(int(got[name]) for name in got if name.startswith("ApproximateNumberOfMessages"))
    return None


def covers(item: str, path: str) -> bool:
    return path.startswith(item[:-1]) if item.endswith("*") else path == item


def queues(deployment: Deployment) -> dict[str, str]:
    """ARN → time of creation: a queue that was replaced has another."""
    sqs = deployment.aws.client("sqs")
    found = {}
    for suffix in QUEUES:
        for url in sqs.list_queues(QueueNamePrefix=deployment.name).get("QueueUrls", []):
            if url.endswith(f"/{deployment.name}{suffix}"):
                got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["CreatedTimestamp", "QueueArn"])
                found[got["Attributes"]["QueueArn"]] = got["Attributes"]["CreatedTimestamp"]
    return found


def live(
    aws: LocalAws, directory: Path, name: str, known: Mapping[str, str] | None = None, **inputs: object
) -> Deployment:
    """A stack with a bucket that notifies the module, and with what it may wait for.

    `known`: what an edit refers to as ${local.…}.
    """
    bucket, distribution_id = make_bucket(aws, f"{name}-site"), make_distribution(aws)
    root = {
        "name": name,
        "distribution_id": distribution_id,
        "buckets": {"site": bucket},
        **UPLOADED_TO,
        **inputs,
    }
    stack = Stack(write_root(directory, root), aws.environment)
    deployment = Deployment(aws, stack, name, bucket, distribution_id)
    before = {"terraform_data": {"before": {"input": "unchanged"}}}
    known_ids = {"distribution_id": distribution_id, **(known or {})}
    edit_root(deployment, locals=known_ids, resource=before)
    stack.init()
    stack.apply()
    return deployment


def edit_root(deployment: Deployment, **sections: object) -> None:
    """Change what stands beside the module in its configuration."""
    path = deployment.stack.directory / "main.tf.json"
    root = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**root, **sections}, indent=2), encoding="utf-8")


# What runs.

SECURITY: dict[str, object] = {
    "kms_key": {"arn": "${local.key_arn}"},
    "permissions_boundary_arn": "${local.boundary_arn}",
    "code_signing_config_arn": "${local.code_signing_config_arn}",
    "signed_package": {"bucket": "${local.packages}", "key": "signed/invalidator.zip"},
}

EDITED = [
    Edit("every size", ALL_SIZES),
    Edit("a key, a boundary and a signed package", SECURITY),
    Edit(
        "neither those nor the sizes",
        {**dict.fromkeys([*SECURITY, *ALL_SIZES]), **UPLOADED_TO},
    ),
    Edit("role path", {"role_path": "/edge/"}),
    Edit("name, and alarms", {"name": "renamed", "alarm_actions": ["${local.on_call_arn}"]}),
]


def edited(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of what runs, with the buckets as they are."""
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(anything))
    packages = make_bucket(aws, "edited-packages")
    aws.client("s3").put_object(
        Bucket=packages, Key="signed/invalidator.zip", Body=package.PACKAGE.read_bytes()
    )
    known = {
        "key_arn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "boundary_arn": boundary["Policy"]["Arn"],
        "packages": packages,
        "code_signing_config_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:code-signing-config:csc-0f6c33abcd",
        "on_call_arn": aws.client("sns").create_topic(Name="on-call")["TopicArn"],
    }
    deployment = live(aws, directory, "edited", known)
    return story(deployment, EDITED)


# What is served.

TWO_BUCKETS = {"site": "reached-site", "more": "reached-more"}


def change_what_the_module_waits_for(deployment: Deployment) -> None:
    edit_root(deployment, resource={"terraform_data": {"before": {"input": "changed"}}})


REACHED = [
    Edit(
        "a second bucket, a topic and a schedule",
        {
            "buckets": TWO_BUCKETS,
            "sns_topics": {"first": "${local.topic_arn}"},
            "schedule_expression": "rate(1 day)",
        },
    ),
    Edit("what depends_on names", {}, before=change_what_the_module_waits_for, plans=False),
    Edit(
        "routes, and another distribution",
        {
            "distribution_id": None,
            "routes": {
                "site": {"distribution_id": "${local.other_id}", "bucket": "site"},
                "more": {"distribution_id": "${local.distribution_id}", "bucket": "more", "prefix": "more/"},
            },
        },
    ),
    Edit(
        "last bucket removed",
        {"distribution_id": "${local.other_id}", "routes": {}, "buckets": {}},
        uploads=False,
    ),
    Edit(
        "bucket added again",
        {"buckets": {"site": "reached-site"}},
        gap="nothing is notified before the apply",
        gap_before_end=float("inf"),
    ),
]


def reached(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of what is served. The module has a depends_on, as one that waits for a bucket's policy, say."""
    make_bucket(aws, "reached-more")
    known = {
        "topic_arn": aws.client("sns").create_topic(Name="reached")["TopicArn"],
        "other_id": make_distribution(aws),
    }
    deployment = live(aws, directory, "reached", known, depends_on=["terraform_data.before"])
    return story(deployment, REACHED)


# How changes are reported.

OPERATIONS = ROOT / "docs" / "operations.md"
OBJECT_EVENTS = ["s3:LifecycleExpiration:*", "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectRestore:*"]
NOTIFICATION = "module.invalidation.aws_s3_bucket_notification.changes"
SUBSCRIPTION = "module.invalidation.aws_sns_topic_subscription.changes"

LAST_SECONDS = 15
"""A notification that goes is among the last that an apply destroys."""


SHOWN = SWITCH, MOVE, UNTAINT = (
    "aws s3api put-bucket-notification-configuration",
    "terraform state mv",
    "terraform untaint",
)
"""How the blocks of commands begin that docs/operations.md has for single edits."""


def shown(command: str) -> str:
    """The block that begins with the command."""
    (block,) = [each for each in snippets.edits_of(OPERATIONS) if each.startswith(command)]
    return block


def run_as_shown(deployment: Deployment, command: str) -> None:
    variables = shell.environment(deployment.aws, deployment.stack.directory.with_name("rewired-shell"))
    here = {**deployment.stack.environment, "BUCKET": deployment.bucket}
    shell.run(shown(command), {**variables, **here}, deployment.stack.directory)


def switch_eventbridge_on(deployment: Deployment) -> Plan:
    run_as_shown(deployment, SWITCH)
    return {}


def hand_over(deployment: Deployment) -> None:
    """Make the bucket's notification configuration the caller's own, as docs/operations.md shows."""
    queue = {"queue_arn": "${module.invalidation.queue_arn}", "events": OBJECT_EVENTS}
    configuration = {"bucket": deployment.bucket, "eventbridge": True, "queue": queue}
    edit_root(deployment, resource={"aws_s3_bucket_notification": {"site": configuration}})
    run_as_shown(deployment, MOVE)


REWIRED = [
    Edit(
        "notification to eventbridge",
        {"bucket_wiring": {"site": "eventbridge"}},
        after=switch_eventbridge_on,
        gap="the bucket's configuration is emptied last, and EventBridge is switched on after the apply",
        gap_before_end=LAST_SECONDS,
    ),
    Edit("eventbridge to notification", {"bucket_wiring": {}}),
    Edit("handed over, external", {"bucket_wiring": {"site": "external"}}, before=hand_over),
    Edit("external to eventbridge", {"bucket_wiring": {"site": "eventbridge"}}),
]


def rewired(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of the way by which the bucket's changes come."""
    deployment = live(aws, directory, "rewired")
    return story(deployment, REWIRED)


def move_the_state(deployment: Deployment) -> None:
    for address in (NOTIFICATION, SUBSCRIPTION):
        deployment.stack.run("state", "mv", f'{address}["site"]', f'{address}["moved"]')


def apply_again(deployment: Deployment) -> Plan:
    return deployment.stack.apply_changes()


REKEYED = [
    Edit(
        "keys renamed, their state moved first",
        {"buckets": {"moved": "rekeyed-site"}, "sns_topics": {"moved": "${local.topic_arn}"}},
        before=move_the_state,
    ),
    Edit(
        "keys renamed alone",
        {"buckets": {"renamed": "rekeyed-site"}, "sns_topics": {"renamed": "${local.topic_arn}"}},
        after=apply_again,
        mends=frozenset({f'{NOTIFICATION}["renamed"]', f'{SUBSCRIPTION}["renamed"]'}),
        gap="the old key's notification is destroyed last, and a second apply makes it again",
        gap_before_end=LAST_SECONDS,
    ),
    Edit(
        "batching off",
        {"batching": None},
        gap="what still waits in the queues is destroyed with them, once the last trigger has moved",
        gap_before_end=float("inf"),
        gap_seconds=LAST_SECONDS,
    ),
    Edit("batching on", {"batching": {"window_seconds": 1}}),
]


def rekeyed(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of keys, and of batching."""
    topic = aws.client("sns").create_topic(Name="rekeyed")["TopicArn"]
    known = {"topic_arn": topic}
    deployment = live(aws, directory, "rekeyed", known, sns_topics={"site": "${local.topic_arn}"})
    return story(deployment, REKEYED)
