"""Real Terraform and the real provider, against MiniStack with IAM enforced.

Terraform waits 25 s for each queue and 30 s for a distribution, so what the chosen tests need is applied at
the start, side by side: the deployments below on one local AWS, the examples each on its own, since they all
have the module's default name. A test asks for a deployment by its name and gets it when it is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripts.local_aws import LocalAws, local_aws
from scripts.stack import Stack, abandon_all
from scripts.terraform import attached_provider
from tests.doubles.cloudfront_server import CloudFront, scaled_clock, serve
from tests.doubles.codepipeline_server import CodePipeline, serve_codepipeline
from tests.e2e import adoption, edits, stranger, upgrade, waiting
from tests.support.deployments import IMPATIENT, Deployment, make_bucket, make_distribution, write_root
from tests.support.examples import EXAMPLES

AT_ONCE = 16
"""Applies side by side: nearly all of their time is waiting."""


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS whose CloudFront takes everything, and whose IAM takes nothing that was not granted."""
    with local_aws(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="session")
def strict_cloudfront() -> CloudFront:
    """The CloudFront that the functions of `strict` find: its rules, its quotas, and faults to order."""
    return CloudFront(clock=scaled_clock(10))


@pytest.fixture(scope="session")
def codepipeline() -> CodePipeline:
    """The CodePipeline that the functions of `strict` find."""
    return CodePipeline()


@pytest.fixture(scope="session")
def elsewhere(strict_cloudfront: CloudFront, codepipeline: CodePipeline) -> Iterator[dict[str, str]]:
    """Service → endpoint, of what the functions find in the place of MiniStack's."""
    with serve(strict_cloudfront) as cloudfront_url, serve_codepipeline(codepipeline) as codepipeline_url:
        yield {"cloudfront": cloudfront_url, "codepipeline": codepipeline_url}


@pytest.fixture(scope="session")
def strict_aws(tmp_path_factory: pytest.TempPathFactory, elsewhere: dict[str, str]) -> Iterator[LocalAws]:
    """A local AWS whose functions find the strict CloudFront, and a CodePipeline."""
    with local_aws(tmp_path_factory.mktemp("strict-aws"), elsewhere=elsewhere) as started:
        yield started


def deployed(aws: LocalAws, directory: Path, name: str, bucket: str = "", **inputs: object) -> Deployment:
    """The module under that name, for a new distribution, applied."""
    distribution_id = make_distribution(aws)
    buckets = {"site": bucket} if bucket else {}
    root = write_root(
        directory, {"name": name, "distribution_id": distribution_id, "buckets": buckets, **inputs}
    )
    stack = Stack(root, aws.environment)
    stack.init()
    stack.apply()
    return Deployment(aws, stack, name, bucket, distribution_id)


def queued(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket that notifies the queue."""
    return deployed(aws, directory, "queued", bucket=make_bucket(aws, "queued-site"), **IMPATIENT)


def direct_only(aws: LocalAws, directory: Path) -> Deployment:
    """Only direct requests: the smallest deployment of the module."""
    return deployed(aws, directory, "direct-only")


def straight(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket that invokes the function without a queue."""
    return deployed(aws, directory, "straight", bucket=make_bucket(aws, "straight-site"), batching=None)


def strict(strict_aws: LocalAws, directory: Path) -> Deployment:
    """A site whose CloudFront has bad days, and whose function is an action of a pipeline."""
    bucket = make_bucket(strict_aws, "strict-site")
    return deployed(strict_aws, directory, "strict", bucket=bucket, codepipeline=True, **IMPATIENT)


def made_at_once(aws: LocalAws, directory: Path) -> Deployment:
    """A bucket whose name is known after apply, made in the same apply."""
    distribution_id = make_distribution(aws)
    bucket = {"bucket_prefix": "made-at-once-", "force_destroy": True}
    inputs = {"distribution_id": distribution_id, "buckets": {"site": "${aws_s3_bucket.site.id}"}}
    root = write_root(directory, {"name": "made-at-once", **inputs}, aws_s3_bucket={"site": bucket})
    stack = Stack(root, aws.environment)
    stack.init()
    stack.apply()
    made = Deployment(aws, stack, "made-at-once", "", distribution_id)
    (settings,) = made.function_settings()["routes"].values()
    return replace(made, bucket=settings["bucket"])


OWN: dict[str, Callable[[LocalAws, Path], Deployment]] = {
    deploy.__name__: deploy for deploy in (queued, direct_only, straight, strict, made_at_once)
}


STORIES: dict[str, Callable[[LocalAws, Path], Any]] = {
    "stranger": stranger.story,
    "adopted": adoption.story,
    "upgraded": upgrade.story,
    "waiting": waiting.story,
}

STACKS: dict[str, Callable[[LocalAws, Path], Any]] = {
    "edited": edits.edited,
    "reached": edits.reached,
    "rekeyed": edits.rekeyed,
    "rewired": edits.rewired,
}
"""The live stacks that are edited."""

NEWCOMERS = ("stranger", "adopted", "upgraded")
"""Stories in which each command starts a provider of its own, as it does for a user."""

ALONE: dict[str, Callable[[LocalAws, Path], Any]] = {**STACKS, **EXAMPLES, **STORIES}
"""What has the module's default name, and so a local AWS of its own."""

STRICT = ("tenants",)
"""Examples whose functions find the strict CloudFront: MiniStack's IAM knows no ARN of a tenant."""


@pytest.fixture(scope="session", autouse=True)
def fleet(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Any]]]:
    """Name → the deployment, on its way; of those that the chosen tests ask for.

    It begins before the first test: those that need no deployment run meanwhile.
    """
    directory = tmp_path_factory.mktemp("fleet")
    with ExitStack() as clouds, ThreadPoolExecutor(AT_ONCE) as pool:
        fleet = {}
        for name in wanted(request.session):
            root = directory / name
            if name in OWN:
                cloud = request.getfixturevalue("strict_aws" if name == "strict" else "aws")
            else:
                others = request.getfixturevalue("elsewhere") if name in STRICT else {}
                cloud = clouds.enter_context(local_aws(directory / f"aws-{name}", elsewhere=others))
            if name not in NEWCOMERS:
                root.mkdir(parents=True)
                attached = clouds.enter_context(attached_provider(root, cloud.environment))
                cloud = replace(cloud, provider=attached)
            fleet[name] = pool.submit({**OWN, **ALONE}[name], cloud, root)
        yield fleet
        pool.shutdown(wait=False, cancel_futures=True)
        abandon_all()


def wanted(session: pytest.Session) -> list[str]:
    """The deployments that the chosen tests ask for, what takes longest first."""
    asked = {name for item in session.items for name in deployments_of(item)}
    return [name for name in dict.fromkeys((*STACKS, *OWN, *ALONE)) if name in asked]


def deployments_of(item: pytest.Item) -> set[str]:
    """The deployments that a test asks for, by a fixture or a parameter, `example` or `stack`."""
    asked = set(getattr(item, "fixturenames", ()))
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    asked |= {str(parameters.get(name)) for name in ("example", "stack")}
    return asked & {*OWN, *ALONE}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First what waits for no deployment, then the tests of plain deployments, of stories, and of edits."""
    items.sort(key=lambda item: max(map(readiness, deployments_of(item)), default=0))


def readiness(deployment: str) -> int:
    """The rank of a deployment in the order in which they are ready."""
    if deployment in STACKS:
        return 3
    return 2 if deployment in STORIES else 1


def _fixture_for(name: str) -> Callable[..., Any]:
    @pytest.fixture(scope="session", name=name)
    def ready(fleet: dict[str, Future[Any]]) -> Any:
        return fleet[name].result()

    return ready


@pytest.fixture
def example(request: pytest.FixtureRequest, fleet: dict[str, Future[Any]]) -> Deployment:
    """One of the examples, whose name is the test's parameter."""
    deployment: Deployment = fleet[request.param].result()
    return deployment


for _name in (*OWN, *ALONE):
    globals()[f"_{_name}"] = _fixture_for(_name)
