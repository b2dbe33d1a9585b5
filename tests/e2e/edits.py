"""One edit after another of a live stack, while an object a second is uploaded."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.local_aws import LocalAws
from scripts.stack import Stack, TerraformError, changes
from tests.support.deployments import Deployment, eventually, make_bucket, make_distribution, write_root

PERIOD_SECONDS = 1.0
MARGIN_SECONDS = 2
"""Uploads begin that long before an apply, and end that long after it."""

SETTLE_SECONDS = 90
"""For the last upload to be invalidated: a failed batch is hidden for some 50 s, a failed plan for 70."""

QUEUES = ("", "-dead-letters", "-plan.fifo", "-plan-dead-letters.fifo")


@dataclass(frozen=True)
class Edit:
    """Inputs that change, and what of them may be lost."""

    name: str
    inputs: Mapping[str, object]
    gap: str = ""
    """Why uploads may be lost during this edit; empty where none may be."""
    uploads: bool = True
    """Whether anything may be expected of uploads: not while the module serves no bucket."""


@dataclass
class Edited:
    """What came of an edit."""

    error: str = ""
    planned: dict[str, list[str]] = field(default_factory=dict)
    second: dict[str, list[str]] = field(default_factory=dict)
    uploaded: dict[str, float] = field(default_factory=dict)
    """Key → seconds since the apply began."""
    missing: list[str] = field(default_factory=list)
    apply_seconds: float = 0
    queues_before: dict[str, str] = field(default_factory=dict)
    queues_after: dict[str, str] = field(default_factory=dict)
    kept_message: bool = True
    policies: set[str] = field(default_factory=set)
    expected_policies: set[str] = field(default_factory=set)

    @property
    def gap_seconds(self) -> float:
        """From the first upload that was lost to the last, and one period more; 0 where none was."""
        lost = [self.uploaded[key] for key in self.missing]
        return max(lost) - min(lost) + PERIOD_SECONDS if lost else 0


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
    "default_paths": ["/news/*"],
    "max_paths_per_hour": 5000,
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


def story(
    deployment: Deployment, chosen: Sequence[Edit], prepare: Callable[[Edit], None] | None = None
) -> dict[str, Edited]:
    """Make the edits in turn. An apply that fails is told in its result."""
    results = {}
    for edit in chosen:
        results[edit.name] = Edited()
        try:
            if prepare:
                prepare(edit)
            make(deployment, edit, results[edit.name])
        except TerraformError as error:
            results[edit.name].error = str(error)
    return results


def make(deployment: Deployment, edit: Edit, result: Edited) -> None:
    deployment.with_inputs(**edit.inputs)
    result.planned = changes(deployment.stack.plan())
    result.queues_before = queues(deployment)
    with Uploads(deployment, edit.name.replace(" ", "-")) as uploads:
        time.sleep(MARGIN_SECONDS)
        began = time.monotonic()
        try:
            deployment.stack.apply()
        finally:
            result.apply_seconds = time.monotonic() - began
            time.sleep(MARGIN_SECONDS)
    result.uploaded = {key: at - began for key, at in uploads.keys.items()}
    result.queues_after = queues(deployment)
    result.second = changes(deployment.stack.plan())
    outputs = deployment.stack.outputs()["invalidation"]
    iam = deployment.aws.client("iam")
    result.policies = set(iam.list_role_policies(RoleName=outputs["role_name"])["PolicyNames"])
    state = json.loads(deployment.stack.run("show", "-json"))
    result.expected_policies = {
        resource["values"]["name"]
        for module in state["values"]["root_module"].get("child_modules", [])
        for resource in module["resources"]
        if resource["type"] == "aws_iam_role_policy"
    }
    if edit.uploads:
        result.missing = missing_after_waiting(deployment, list(uploads.keys))


def missing_after_waiting(deployment: Deployment, keys: Sequence[str]) -> list[str]:
    """The keys that no invalidation covers in the end."""

    def missing() -> list[str]:
        items = deployment.items()
        return [key for key in keys if not any(covers(item, f"/{key}") for item in items)]

    return eventually(missing, lambda left: not left, seconds=SETTLE_SECONDS)


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


def live(aws: LocalAws, directory: Path, name: str, **inputs: object) -> Deployment:
    """A stack with a bucket that notifies the module."""
    bucket, distribution_id = make_bucket(aws, f"{name}-site"), make_distribution(aws)
    root = {
        "name": name,
        "distribution_id": distribution_id,
        "buckets": {"site": bucket},
        "timeout_seconds": 10,
        "batching": {"window_seconds": 1},
        **inputs,
    }
    stack = Stack(write_root(directory, root), aws.environment)
    stack.init()
    stack.apply()
    return Deployment(aws, stack, name, bucket, distribution_id)


TWO_BUCKETS = {"site": "reached-site", "more": "reached-more"}

EDITED = [
    Edit("every size", ALL_SIZES),
    Edit("role path", {"role_path": "/edge/"}),
    Edit("name", {"name": "renamed"}),
]

REACHED = [
    Edit(
        "a second bucket, a topic and a schedule",
        {"buckets": TWO_BUCKETS, "schedule_expression": "rate(1 day)"},
    ),
    Edit("last bucket removed", {"buckets": {}}, uploads=False),
    Edit(
        "bucket added again",
        {"buckets": {"site": "reached-site"}},
        gap="nothing is notified before the apply",
    ),
]

REWIRED = [
    Edit("batching off", {"batching": None}),
    Edit("batching on", {"batching": {"window_seconds": 1}}),
    Edit("handed over to a configuration of one's own", {"bucket_wiring": {"site": "eventbridge"}}),
]


def edited(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of what runs, with the buckets as they are."""
    return story(live(aws, directory, "edited"), EDITED)


def reached(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of what reports its changes."""
    make_bucket(aws, "reached-more")
    topic = aws.client("sns").create_topic(Name="reached")["TopicArn"]
    deployment = live(aws, directory, "reached")

    def prepare(edit: Edit) -> None:
        if "topic" in edit.name:
            deployment.with_inputs(sns_topics={"first": topic})

    return story(deployment, REACHED, prepare)


def rewired(aws: LocalAws, directory: Path) -> dict[str, Edited]:
    """Edits of the way by which the bucket's changes come."""
    deployment = live(aws, directory, "rewired")

    def prepare(edit: Edit) -> None:
        if "handed over" in edit.name:
            hand_over(deployment)

    return story(deployment, REWIRED, prepare)


def hand_over(deployment: Deployment) -> None:
    """Make the bucket's notification configuration the caller's own, as docs/operations.md shows."""
    path = deployment.stack.directory / "main.tf.json"
    root = json.loads(path.read_text(encoding="utf-8"))
    configuration = {
        "bucket": deployment.bucket,
        "eventbridge": True,
        "queue": {
            "queue_arn": "${module.invalidation.queue_arn}",
            "events": [
                "s3:LifecycleExpiration:*",
                "s3:ObjectCreated:*",
                "s3:ObjectRemoved:*",
                "s3:ObjectRestore:*",
            ],
        },
    }
    root["resource"] = {"aws_s3_bucket_notification": {"site": configuration}}
    path.write_text(json.dumps(root, indent=2), encoding="utf-8")
    moved = 'module.invalidation.aws_s3_bucket_notification.changes["site"]'
    deployment.stack.run("state", "mv", moved, "aws_s3_bucket_notification.site")
