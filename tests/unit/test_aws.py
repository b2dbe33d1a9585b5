"""A client that is made without botocore's list of endpoints sends what one that is made with it sends."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.loaders import Loader

from invalidator import aws, cloudfront, codepipeline, inventory, queues

ROLE = "arn:aws:iam::111122223333:role/invalidate"
BATCH = {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "r"}
CALLS: dict[str, tuple[Config, Callable[[Any], object]]] = {
    "cloudfront": (
        cloudfront.CONFIG,
        lambda client: client.create_invalidation(DistributionId="E1", InvalidationBatch=BATCH),
    ),
    "codepipeline": (codepipeline.CONFIG, lambda client: client.put_job_success_result(jobId="job-1")),
    "s3": (inventory.CONFIG, lambda client: client.list_objects_v2(Bucket="site.example.com")),
    "sqs": (queues.CONFIG, lambda client: client.get_queue_url(QueueName="plans")),
    "sts": (cloudfront.CONFIG, lambda client: client.assume_role(RoleArn=ROLE, RoleSessionName="invalidate")),
}
"""Service → the configuration of its client, and a call."""

ENDPOINTS = Loader().load_data("endpoints")["partitions"]
REGIONS = [region for partition in ENDPOINTS for region in partition["regions"]]
NEW_REGION = "eu-nowhere-1"


class SentError(Exception):
    """Instead of an answer."""


def whole_session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", Loader())
    return session


def client_of(session: Any, service: str, region: str, config: Config) -> Any:
    """A client that leaves the configuration as it is: botocore writes into that of S3."""
    return session.create_client(service, region_name=region, config=deepcopy(config))


def sent(session: Any, service: str, region: str) -> tuple[str, str]:
    """The URL of a call, and the date, region and service that it is signed for."""
    config, call = CALLS[service]
    client = client_of(session, service, region, config)

    def send(request: Any, **_: object) -> None:
        scope = request.headers["Authorization"].decode().split("Credential=")[1].split(",")[0]
        raise SentError(request.url, scope)

    client.meta.events.register("before-send", send)
    with pytest.raises(SentError) as caught:
        call(client)
    url, scope = caught.value.args
    return url, scope


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")


@pytest.mark.parametrize("service", aws.SERVICES)
def test_in_every_region_of_every_partition(service: str) -> None:
    ours, whole = aws._session.__wrapped__(), whole_session()
    found = {region: sent(ours, service, region) for region in [*REGIONS, NEW_REGION]}
    assert found == {region: sent(whole, service, region) for region in found}
    assert len(found) > 40


@pytest.mark.parametrize("service", aws.SERVICES)
@pytest.mark.parametrize("variants", [["FIPS"], ["DUALSTACK"], ["FIPS", "DUALSTACK"]], ids="-".join)
def test_at_the_endpoints_that_the_environment_asks_for(
    variants: list[str], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in variants:
        monkeypatch.setenv(f"AWS_USE_{each}_ENDPOINT", "true")
    ours, whole = aws._session.__wrapped__(), whole_session()
    for region in ("us-east-1", "us-gov-west-1"):
        assert sent(ours, service, region) == sent(whole, service, region)


def test_the_url_of_a_page_is_signed_for_the_endpoint_of_the_region() -> None:
    """botocore's own is at the global endpoint, which answers 400 for buckets of regions launched after March
    2019, and redirects for a day after a bucket was made (S3 user guide, "Request routing").
    """
    regional = Config(s3={"us_east_1_regional_endpoint": "regional", "addressing_style": "virtual"})

    def url(session: Any, region: str, config: Config) -> str:
        client = client_of(session, "s3", region, config)
        signed = client.generate_presigned_url("list_objects_v2", {"Bucket": "site"}, 60)
        return str(signed.partition("&X-Amz-Date")[0])

    ours, whole = aws._session.__wrapped__(), whole_session()
    found = {region: url(ours, region, inventory.CONFIG) for region in [*REGIONS, NEW_REGION]}
    config = inventory.CONFIG.merge(regional)
    assert found == {region: url(whole, region, config) for region in found}
    assert found["eu-central-1"].startswith("https://site.s3.eu-central-1.amazonaws.com/?")
