"""Every argument, block and attribute in use exists, undeprecated, in the oldest and in today's provider.

Held against the snapshots that `python -m scripts.provider_snapshot` writes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripts.provider_snapshot import SNAPSHOTS, VERSION_6, faults, sources, uses
from scripts.terraform import PROVIDER_VERSION

VERSIONS = (PROVIDER_VERSION, VERSION_6)

YOUNGER = "needs version 6.52"
"""What a block of the documentation says of itself that the oldest version does not know."""

USES = [
    pytest.param(version, text, id=f"{version}-{where}")
    for version in VERSIONS
    for where, text in sources()
    if version != PROVIDER_VERSION or YOUNGER not in text
]


def snapshot(version: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SNAPSHOTS / f"{version}.json").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(("version", "text"), USES)
def test_no_name_is_unknown_or_deprecated(version: str, text: str) -> None:
    known = snapshot(version)
    assert [fault for use in uses("here", text) if (fault := faults(use, known))] == []


def test_the_names_of_every_part_of_the_repository_were_found() -> None:
    found = {where: len(list(uses(where, text))) for where, text in sources()}
    assert sum(found.values()) > 400
    for where in ("main.tf", "iam.tf", "triggers.tf", "observability.tf", "examples/site/main.tf"):
        assert found[where] > 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            'resource "aws_sqs_queue" "a" { colour = 1 }', "aws_sqs_queue.colour is unknown", id="argument"
        ),
        pytest.param(
            'resource "aws_sqs_queue" "a" {\n colours {}\n}', "aws_sqs_queue.colours is unknown", id="block"
        ),
        pytest.param(
            'resource "aws_lambda_function" "a" {\n logging_config {\n format = 1\n }\n}',
            "aws_lambda_function.logging_config.format is unknown",
            id="argument-of-a-block",
        ),
        pytest.param(
            'resource "aws_lambda_function" "a" {\n dynamic "logging_config" {\n for_each = []\n'
            " content {\n format = 1\n }\n }\n}",
            "aws_lambda_function.logging_config.format is unknown",
            id="argument-of-a-dynamic-block",
        ),
        pytest.param(
            "locals { a = aws_sqs_queue.a[0].colour }", "aws_sqs_queue.colour is unknown", id="attribute"
        ),
        pytest.param(
            "locals { a = aws_sqs_queue.a[*].colour }", "aws_sqs_queue.colour is unknown", id="splat"
        ),
        pytest.param(
            'locals { a = "${data.aws_region.current.id}:" }',
            "data.aws_region.id is deprecated",
            id="deprecated-read",
        ),
        pytest.param(
            'resource "aws_s3_bucket" "a" { acl = "private" }',
            "aws_s3_bucket.acl is deprecated",
            id="deprecated",
        ),
        pytest.param('resource "aws_new" "a" { b = 1 }', "is in no snapshot", id="unknown-kind"),
    ],
)
def test_what_version_6_does_not_have_is_reported(text: str, expected: str) -> None:
    known = snapshot(VERSION_6)
    (fault,) = [fault for use in uses("here", text) if (fault := faults(use, known))]
    assert expected in fault


def test_what_only_version_6_has_is_unknown_to_the_oldest() -> None:
    (use,) = uses("here", "locals { a = data.aws_region.current.region }")
    assert faults(use, snapshot(VERSION_6)) is None
    assert "is unknown to" in str(faults(use, snapshot(PROVIDER_VERSION)))
