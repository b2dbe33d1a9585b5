"""Real Terraform and the real provider, against MiniStack with IAM enforced.

Terraform waits 25 s for each queue and 30 s for a distribution, so what the chosen tests need is applied at
the start, side by side. A test asks for a deployment by its name in DEPLOYMENTS and gets it when it is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from scripts.local_aws import LocalAws, local_aws
from scripts.stack import Stack, abandon_all, copy_of
from scripts.terraform import ROOT
from tests.doubles.cloudfront_server import CloudFront, scaled_clock, serve
from tests.e2e import deployments
from tests.e2e.codepipeline import CodePipeline, serve_codepipeline
from tests.e2e.deployments import Deployment, make_bucket, make_distribution, write_root

AT_ONCE = 8
"""Applies side by side: nearly all of their time is waiting."""

IMPATIENT = {"timeout_seconds": 10, "batching": {"window_seconds": 1, "max_receives": 2}}


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose CloudFront takes everything, and whose IAM takes nothing that was not granted."""
    with local_aws(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="session")
def strict_cloudfront() -> CloudFront:
    """The CloudFront that the functions of `moody_aws` find: its rules, its quotas, and faults to order."""
    return CloudFront(clock=scaled_clock(10))


@pytest.fixture(scope="session")
def codepipeline() -> CodePipeline:
    """The CodePipeline that the functions of `moody_aws` find."""
    return CodePipeline()


@pytest.fixture(scope="session")
def moody_aws(
    tmp_path_factory: pytest.TempPathFactory, strict_cloudfront: CloudFront, codepipeline: CodePipeline
) -> Iterator[LocalAws]:
    """A local AWS whose functions find the strict CloudFront, and a CodePipeline."""
    with (
        serve(strict_cloudfront) as cloudfront_url,
        serve_codepipeline(codepipeline) as codepipeline_url,
        local_aws(
            tmp_path_factory.mktemp("moody-aws"),
            elsewhere={"cloudfront": cloudfront_url, "codepipeline": codepipeline_url},
        ) as started,
    ):
        yield started


def deployed(aws: LocalAws, directory: Path, name: str, **inputs: object) -> Deployment:
    """The module under that name, for a new distribution, applied."""
    distribution_id = make_distribution(aws)
    root = write_root(directory, {"name": name, "distribution_id": distribution_id, **inputs})
    stack = Stack(root, aws.environment)
    stack.init()
    stack.apply()
    return Deployment(aws, stack, name, str(inputs.get("bucket", "")), distribution_id)


def site(aws: LocalAws, directory: Path) -> Deployment:
    """examples/site as a user copies it."""
    stack = Stack(copy_of(ROOT / "examples" / "site", directory), aws.environment, {"bucket": "example-site"})
    stack.init()
    stack.apply()
    outputs = stack.outputs()
    return Deployment(aws, stack, outputs["function_name"], outputs["bucket"], outputs["distribution_id"])


def queued(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket that notifies the queue."""
    return deployed(aws, directory, "queued", bucket=make_bucket(aws, "queued-site"), **IMPATIENT)


def powers(aws: LocalAws, directory: Path) -> Deployment:
    """Direct requests alone: the smallest that the module can be."""
    return deployed(aws, directory, "powers")


def straight(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket that invokes the function without a queue."""
    return deployed(aws, directory, "straight", bucket=make_bucket(aws, "straight-site"), batching=None)


def shared(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket that others are notified of too, and that sends its events to EventBridge."""
    bucket = make_bucket(aws, "shared-site")
    queue_url = aws.client("sqs").create_queue(QueueName="somebody-elses")["QueueUrl"]
    deployments.let_s3_send(aws, queue_url)
    deployments.notify(aws, bucket, queue_url, EventBridgeConfiguration={})
    return deployed(
        aws, directory, "shared", bucket=bucket, bucket_wiring={bucket: "eventbridge"}, **IMPATIENT
    )


def external(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket whose notification is configured elsewhere, once the queue is there."""
    bucket = make_bucket(aws, "external-site")
    made = deployed(
        aws, directory, "external", bucket=bucket, bucket_wiring={bucket: "external"}, **IMPATIENT
    )
    deployments.notify(aws, bucket, made.outputs["queue_url"])
    return made


def watched(aws: LocalAws, directory: Path) -> Deployment:
    """All that wakes the function but a bucket, and all that tells an operator."""
    topic_arn = aws.client("sns").create_topic(Name="changes")["TopicArn"]
    return deployed(
        aws,
        directory,
        "watched",
        sns_topic_arns=[topic_arn],
        schedule_expression="rate(1 minute)",
        default_paths=["/nightly/*"],
        invokers={
            "releases": {"principal": "events.amazonaws.com", "source_arn": deployments.RELEASES_RULE_ARN}
        },
        alarm_actions=[topic_arn],
        dashboard=True,
        **IMPATIENT,
    )


def moody(moody_aws: LocalAws, directory: Path) -> Deployment:
    """A site whose CloudFront has bad days, and whose function is an action of a pipeline."""
    bucket = make_bucket(moody_aws, "moody-site")
    return deployed(moody_aws, directory, "moody", bucket=bucket, codepipeline=True, **IMPATIENT)


DEPLOYMENTS: dict[str, Callable[[LocalAws, Path], Deployment]] = {
    deploy.__name__: deploy for deploy in (site, queued, powers, straight, shared, external, watched, moody)
}


@pytest.fixture(scope="session")
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Deployment]]]:
    """Name → the deployment, on its way; of those that the chosen tests ask for."""
    asked = [item for item in request.session.items if isinstance(item, pytest.Function)]
    wanted = [name for name in DEPLOYMENTS if any(name in item.fixturenames for item in asked)]
    clouds = {name: request.getfixturevalue("moody_aws" if name == "moody" else "aws") for name in wanted}
    directory = tmp_path_factory.mktemp("fleet")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(DEPLOYMENTS[name], clouds[name], directory / name) for name in wanted}
        pool.shutdown(wait=False, cancel_futures=True)
        abandon_all()


def _deployment(name: str) -> Callable[..., Deployment]:
    @pytest.fixture(scope="session", name=name)
    def ready(fleet: dict[str, Future[Deployment]]) -> Deployment:
        return fleet[name].result()

    return ready


for _name in DEPLOYMENTS:
    globals()[f"{_name}_deployment"] = _deployment(_name)
