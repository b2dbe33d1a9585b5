"""A stack whose planner fails, stands still while chunks wait, and gets other settings in the meantime."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.local_aws import LocalAws
from scripts.stack import Stack
from tests.support.deployments import (
    IMPATIENT,
    Deployment,
    eventually,
    make_bucket,
    make_distribution,
    wait_until,
    write_root,
)

NAME = "waiting"
DOCS = [f"docs/{number}.css" for number in range(20)]
SHOP = ["shop/sale.css", "shop/stock.css"]
UNREADABLE = '{"version":0,"paths":["/docs/of-another-version.css"]}'
POISON = '{"of":"a planner that cannot run"}'

MAX_PATHS_AFTER = 9
"""Fewer than DOCS has, so that what waits does not fit; and no fewer than a plan may have without hurry."""

RECEIVES = 2
"""In the place of the module's 1,000, so that a message exceeds them in seconds."""


@dataclass(frozen=True)
class DeadLetter:
    """A message of a dead-letter queue."""

    body: str
    reason: str
    group: str


@dataclass(frozen=True)
class Waiting:
    """What was seen."""

    distribution_ids: Mapping[str, str]
    """Route → its distribution."""
    plan_queue: Mapping[str, str]
    plan_dead_letter_queue: Mapping[str, str]
    """Attributes, as Terraform has made them."""
    exceeded: list[DeadLetter]
    """What SQS moved from the plan queue."""
    planned_before: list[list[str]]
    """Invalidations that were made before the settings changed."""
    plans: Mapping[str, list[list[str]]]
    """Route → the items of its invalidations after the change."""
    dead_letters: list[DeadLetter]
    left: int
    """Messages in the plan queue in the end."""
    redriven: list[str]
    """Items of the removed route, after the advice of its dead letter was followed."""


def story(aws: LocalAws, directory: Path) -> Waiting:
    """Changes of two routes wait; the apply removes one route, and gives the other a smaller budget."""
    bucket = make_bucket(aws, f"{NAME}-site")
    ids = {route: make_distribution(aws) for route in ("docs", "shop")}
    routes = {
        route: {"distribution_id": id_, "bucket": "site", "prefix": f"{route}/"} for route, id_ in ids.items()
    }
    root = write_root(directory, {"name": NAME, "buckets": {"site": bucket}, "routes": routes, **IMPATIENT})
    stack = Stack(root, aws.environment)
    stack.init()
    stack.apply()
    site = Deployment(aws, stack, NAME, bucket, ids["docs"])
    plan_queue = attributes(site, "-plan.fifo")
    plan_dead_letter_queue = attributes(site, "-plan-dead-letters.fifo")

    with failing_planner(site):
        send_to_plan_queue(site, POISON, group="poison")
        exceeded = eventually(lambda: dead_letters(site, "-plan-dead-letters.fifo"), bool)

    stop_planner(site)
    for lane in ("exact", "merge"):
        send_to_plan_queue(site, UNREADABLE, group=f"{ids['docs']}/{lane}")
    site.upload(*DOCS, *SHOP)
    wait_until(lambda: collected_paths(site), lambda paths: paths == len(DOCS) + len(SHOP))
    planned_before = [items for id_ in ids.values() for items in aws.invalidations(id_).values()]

    # The mapping that was disabled by hand is drift, so the apply enables it again.
    site.with_inputs(routes={"docs": routes["docs"]}, max_paths=MAX_PATHS_AFTER, max_wildcards=1)
    stack.apply()
    left = eventually(lambda: waiting_messages(site), lambda left: left == 0, seconds=150)
    plans = {route: list(aws.invalidations(id_).values()) for route, id_ in ids.items()}
    found = dead_letters(site, "-dead-letters")

    # "Add one, then redrive": MiniStack cannot move messages, so they are sent.
    site.with_inputs(routes=routes)
    stack.apply()
    site.send(*(each.body for each in found if ids["shop"] in each.body))
    redriven = eventually(
        lambda: sorted(item for items in aws.invalidations(ids["shop"]).values() for item in items),
        lambda items: len(items) >= len(SHOP),
    )
    return Waiting(
        ids, plan_queue, plan_dead_letter_queue, exceeded, planned_before, plans, found, left, redriven
    )


@contextmanager
def failing_planner(site: Deployment) -> Iterator[None]:
    """The planner's code cannot be loaded, and its queue gives a message up after a few receives."""
    sqs, lambda_ = site.aws.client("sqs"), site.aws.client("lambda")
    planner, url = f"{site.name}-planner", site.queue_url("-plan.fifo")
    before = attributes(site, "-plan.fifo")
    redrive = {**json.loads(before["RedrivePolicy"]), "maxReceiveCount": RECEIVES}
    hasty = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
    handler = lambda_.get_function_configuration(FunctionName=planner)["Handler"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=hasty)
    lambda_.update_function_configuration(FunctionName=planner, Handler="no_such_module.handler")
    yield
    lambda_.update_function_configuration(FunctionName=planner, Handler=handler)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: before[name] for name in hasty})


def stop_planner(site: Deployment) -> None:
    lambda_ = site.aws.client("lambda")
    mappings = lambda_.list_event_source_mappings(FunctionName=f"{site.name}-planner")
    (mapping,) = mappings["EventSourceMappings"]
    lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def collected_paths(site: Deployment) -> int:
    """How many paths the collector has put into the plan queue."""
    return sum(record["paths"] for record in site.log() if record.get("message") == "collected")


def attributes(site: Deployment, suffix: str) -> dict[str, str]:
    url = site.queue_url(suffix)
    found: dict[str, str] = site.aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def waiting_messages(site: Deployment) -> int:
    """All messages of the plan queue, those that are hidden too."""
    found = attributes(site, "-plan.fifo")
    return sum(int(count) for name, count in found.items() if name.startswith("ApproximateNumberOfMessages"))


def send_to_plan_queue(site: Deployment, body: str, group: str) -> None:
    url = site.queue_url("-plan.fifo")
    site.aws.client("sqs").send_message(
        QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=group.replace("/", "-")
    )


def dead_letters(site: Deployment, suffix: str) -> list[DeadLetter]:
    """The messages of a dead-letter queue, which keeps them."""
    got = site.aws.client("sqs").receive_message(
        QueueUrl=site.queue_url(suffix),
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["MessageGroupId"],
    )
    return [
        DeadLetter(
            message["Body"],
            message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", ""),
            message.get("Attributes", {}).get("MessageGroupId", ""),
        )
        for message in got.get("Messages", [])
    ]
