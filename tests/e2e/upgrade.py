"""A stack of the module from before its inputs had keys, upgraded in place with messages in its queue."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from scripts.local_aws import LocalAws
from scripts.stack import Stack
from scripts.terraform import ROOT
from tests.e2e import edits, shell, snippets
from tests.support.deployments import Deployment, make_bucket, make_distribution

BEFORE = "0a1d21e"
"""The last commit whose module takes `bucket` and `sns_topic_arns`."""

BUCKET = "example-site"
KEYS = [f"waiting/{number}.css" for number in range(5)]


@dataclass(frozen=True)
class Upgrade:
    """What was planned and what came of it."""

    planned: dict[str, list[str]]
    second_plan: dict[str, list[str]]
    waited: int
    """Messages that lay in the queue when the upgrade began."""
    missing: list[str]
    queue_kept: bool


def old_module(directory: Path) -> bool:
    """The module of before, from Git's history; False where the clone is shallow."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE], capture_output=True, check=False)
    if packed.returncode:
        return False
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return True


def story(aws: LocalAws, directory: Path) -> Upgrade | None:
    """Apply the old module, let changes wait, follow docs/upgrading.md, apply the new one."""
    old = directory.with_name("module-of-before")
    if not old_module(old):
        return None
    make_bucket(aws, BUCKET)
    distribution_id = make_distribution(aws)
    topic = aws.client("sns").create_topic(Name="changes")["TopicArn"]
    inputs = {"distribution_id": distribution_id, "timeout_seconds": 10}
    _write(directory, old, {**inputs, "bucket": BUCKET, "sns_topic_arns": [topic]})
    stack = Stack(directory, aws.environment)
    stack.init()
    stack.apply()
    deployment = Deployment(aws, stack, "invalidate-cloudfront", BUCKET, distribution_id)

    # Nothing is collected now: each upload waits in the queue.
    for mapping in aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        aws.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    deployment.upload(*KEYS)
    sqs, url = aws.client("sqs"), deployment.queue_url()
    names = ["ApproximateNumberOfMessages", "CreatedTimestamp"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]

    _write(directory, ROOT, {**inputs, "buckets": {"site": BUCKET}, "sns_topics": {"changes": topic}})
    stack.init()
    variables = shell.environment(aws, directory.with_name("upgraded-shell"))
    for block in snippets.shell_of(ROOT / "docs" / "upgrading.md"):
        shell.run(block, variables, directory)
    planned = stack.apply_changes()
    missing = edits.missing_after_waiting(deployment, KEYS)
    after = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return Upgrade(
        planned=planned,
        second_plan=stack.changes(),
        waited=int(before["ApproximateNumberOfMessages"]),
        missing=missing,
        queue_kept=before["CreatedTimestamp"] == after["CreatedTimestamp"],
    )


def _write(directory: Path, module: Path, inputs: dict[str, object]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    root = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": {}},
        "module": {"invalidation": {"source": os.path.relpath(module, directory), **inputs}},
    }
    (directory / "main.tf.json").write_text(json.dumps(root, indent=2), encoding="utf-8")
