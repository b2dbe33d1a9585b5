"""What a plan says of wrong inputs: which value of which route, bucket or topic it is, and a right one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from scripts.local_aws import LocalAws
from scripts.stack import Stack, TerraformError
from tests.support.deployments import write_root

KEY = "arn:aws:kms:eu-west-1:123456789012:alias/site"

WRONG_VALUES = {
    "buckets": {"files": "arn:aws:s3:::www.example.com"},
    "routes": {
        "docs": {"distribution_id": "d111111abcdef8.cloudfront.net", "bucket": "files", "prefix": "docs/*"},
        "shop": {"distribution_id": "E1SHOP", "bucket": "files", "suffix": "*.html", "origin_path": "shop"},
        "blog": {"distribution_id": "E1BLOG", "bucket": None, "external_id": "me"},
    },
    "default_paths": ["/my file.html"],
    "max_paths": 100_000,
    "max_wildcards": 500,
    "min_wildcard_depth": 21,
    "batching": {"window_seconds": 1.5},
    "bucket_wiring": {"files": "sns"},
    "sns_topics": {"uploads": "uploads.fifo"},
    "schedule_expression": "rate(1 days)",
    "invokers": {"cdn": {"principal": "s3.amazonaws.com", "source_arn": "arn:aws:s3:::*"}},
    "kms_key": {"arn": KEY},
    "log_retention_days": 10,
}
SAID_OF_VALUES = {
    "a bucket's ARN": ('{"files":"arn:aws:s3:::www.example.com"}', '{ site = "www.example.com" }'),
    "a domain name": ('{"docs":"d111111abcdef8.cloudfront.net"}', '"E2QWRUHEXAMPLE"'),
    "a prefix with a star": ('{"docs":"docs/*"}', '"docs/"'),
    "a suffix with a star": ('{"shop":"*.html"}', '".html"'),
    "an origin path without a slash": ('{"shop":"shop"}', '"/docs"'),
    "an external id without a role": ('["blog"]', "beside a role_arn"),
    "a path that is not encoded": ('["/my file.html"]', '"/my%20file.html"'),
    "too many paths": ("not 100000", "as 100"),
    "too many wildcards": ("not 500", "as 30"),
    "too deep": ("not 21", "as 1"),
    "a fraction": ("not 1.5", "as 5"),
    "an unknown wiring": ('{"files":"sns"}', '{ site = "eventbridge" }'),
    "a topic that is no ARN": (
        '{"uploads":"uploads.fifo"}',
        '"arn:aws:sns:eu-west-1:123456789012:uploads"',
    ),
    "a plural of one": ('is "rate(1 days)"', '"rate(1 day)"'),
    "an invoker with a star": ('{"cdn":"arn:aws:s3:::*"}', "without a wildcard"),
    "an invoker without its account": ('["cdn"]', 'source_account = "123456789012"'),
    "an alias": (KEY, "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    "an unknown retention": ("is 10", "7, 14"),
}

OTHER_WRONG_VALUES = {
    "distribution_id": "arn:aws:cloudfront::123456789012:distribution/E2QWRUHEXAMPLE",
    "buckets": {"site": "www-example.s3.eu-west-1.amazonaws.com"},
    "routes": {
        "twin": {"distribution_id": "E1DOCS", "bucket": "site", "strip_extensions": ["html"]},
        "double": {"distribution_id": "E1DOCS", "bucket": "site", "strip_extensions": ["html"]},
        "tail": {"distribution_id": "E1TAIL", "bucket": "site", "origin_path": "/docs/"},
    },
    "sns_topics": {"uploads": "arn:aws:sns:eu-west-1:123456789012:uploads.fifo"},
    "schedule_expression": "cron(0 3 ? * 0 *)",
    "role_path": "service",
    "alarm_actions": ["on-call@example.com"],
    "signed_package": {"bucket": "s3://example-packages", "key": "invalidator.zip"},
    "tags": {"aws:team": "web"},
}
SAID_OF_OTHER_VALUES = {
    "a distribution's ARN": ("distribution/E2QWRUHEXAMPLE", 'not its ARN or domain name: "E2QWRUHEXAMPLE"'),
    "a bucket's domain name": (
        '{"site":"www-example.s3.eu-west-1.amazonaws.com"}',
        '{ site = "www.example.com" }',
    ),
    "an extension without its dot": ('{"double":["html"],"twin":["html"]}', '[".html"]'),
    "two routes that are one": ("remove one of double, twin", "the same but for their names"),
    "an origin path with a slash at its end": ('{"tail":"/docs/"}', '"/docs"'),
    "a FIFO topic": (":uploads.fifo", '"arn:aws:sns:eu-west-1:123456789012:uploads"'),
    "Sunday as in Unix": ('is "cron(0 3 ? * 0 *)"', "from 1 (Sunday) to 7"),
    "a path without slashes": ('Refused: "service"', '"/service/"'),
    "an address of mail": ('["on-call@example.com"]', '"arn:aws:sns:eu-west-1:123456789012:on-call"'),
    "a package's URI": ('"bucket":"s3://example-packages"', 'bucket = "example-packages"'),
    "a tag of AWS": ('["aws:team"]', '{ Service = "site" }'),
}

WRONG_TOGETHER = {
    "buckets": {"files": "www.example.com", "again": "www.example.com", "unused": "unused.example.com"},
    "routes": {
        "docs": {"distribution_id": "E1DOCS", "bucket": "files"},
        "blog": {"distribution_id": "E1BLOG", "bucket": "again"},
        "shop": {"distribution_id": "E1SHOP", "bucket": "flies"},
    },
    "bucket_wiring": {"flies": "external"},
    "reserved_concurrency": 1,
    "max_paths": 20,
}
SAID_TOGETHER = {
    "a misspelt key": ('routes.shop.bucket is "flies"', '"again", "files", "unused"'),
    "a bucket without a route": ("No route has the bucket unused", 'bucket = "unused"'),
    "a wiring of no bucket": ("bucket_wiring has flies", '"again", "files", "unused"'),
    "a bucket that has two keys": ('"again":"www.example.com"', "Keep one of them"),
    "too few executions": ("reserved_concurrency is 1", "reserved_concurrency = 3"),
    "more wildcards than paths": ("max_wildcards is 30", "max_wildcards = 20"),
}


def refusals(aws: LocalAws, directory: Path, *calls: Mapping[str, object]) -> str:
    """All that a plan of these calls of the module says, on one line."""
    path = write_root(directory, calls[0]) / "main.tf.json"
    root = json.loads(path.read_text(encoding="utf-8"))
    source = root["module"]["invalidation"]["source"]
    others = {f"other_{number}": {"source": source, **inputs} for number, inputs in enumerate(calls[1:])}
    path.write_text(json.dumps({**root, "module": {**root["module"], **others}}), encoding="utf-8")
    stack = Stack(directory, aws.environment)
    stack.init()
    with pytest.raises(TerraformError) as refused:
        stack.plan()
    return re.sub(r"\s+", " ", str(refused.value))


@pytest.fixture(scope="module")
def said_of_values(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    return refusals(aws, tmp_path_factory.mktemp("values") / "root", WRONG_VALUES, OTHER_WRONG_VALUES)


@pytest.fixture(scope="module")
def said_together(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> str:
    return refusals(aws, tmp_path_factory.mktemp("together") / "root", WRONG_TOGETHER)


ALL_VALUES = {**SAID_OF_VALUES, **SAID_OF_OTHER_VALUES}


@pytest.mark.parametrize(("wrong", "right"), ALL_VALUES.values(), ids=ALL_VALUES)
def test_a_wrong_value_is_named_beside_a_right_one(said_of_values: str, wrong: str, right: str) -> None:
    assert wrong in said_of_values
    assert right in said_of_values


@pytest.mark.parametrize(("wrong", "right"), SAID_TOGETHER.values(), ids=SAID_TOGETHER)
def test_inputs_that_do_not_go_together_are_named_beside_what_would(
    said_together: str, wrong: str, right: str
) -> None:
    assert wrong in said_together
    assert right in said_together
