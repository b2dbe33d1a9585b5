"""What scanners and sentences say of the plan of every example.

The plans are real: Terraform and the provider make them against a local AWS that holds what each example
expects to find. Nothing is applied.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripts.local_aws import local_aws
from scripts.stack import Stack, copy_of
from scripts.terraform import ROOT, attached_provider
from tests.support.examples import INPUTS

FEATURES = Path(__file__).parent
SCANNERS = ROOT / ".cache" / "nox" / "compliance" / "bin"
"""Their environment is that of the session `compliance` of noxfile.py."""
CORES = 2

RESOURCE = re.compile(r'^resource "(?P<type>\w+)" (?P<body>.*?)^\}', re.MULTILINE | re.DOTALL)
SKIP = re.compile(r"#checkov:skip=(\w+):.{10,}")
"""Only with a reason."""

BREACHES = {
    "everything": {
        r"lambda\.amazonaws\.com": "ec2.amazonaws.com",
        r"cloudfront:CreateInvalidation\b": "cloudfront:*",
        r":distribution/\w+": ":distribution/*",
        r'"dead-letter"': '"of-another-team"',
        r'"policy_arns": \[\]': '"policy_arns": ["arn:aws:iam::aws:policy/AdministratorAccess"]',
        r"s3\.amazonaws\.com": "ec2.amazonaws.com",
        r"arn:aws:s3:::example-site": "arn:aws:s3:::*",
        r"sqs:SendMessage": "sqs:ReceiveMessage",
        r'"principal": "[^"]+"': '"principal": "*"',
        r'"source_arn": "[^"]+"': '"source_arn": "*"',
        r'"retention_in_days": \d+': '"retention_in_days": 0',
        r"1209600|864000": "60",
        r'(\\"aws:SecureTransport\\":\\")false': r"\1true",
        r"sqs:\*": "sqs:SendMessage",
        r"lambda\.us-east-1\.amazonaws\.com": "ec2.us-east-1.amazonaws.com",
        r"aws_lambda_function_event_invoke_config": "aws_lambda_alias",
        r'"dead_letter_config"': '"nothing"',
        r'"redrive_policy"': '"nothing"',
        r"ReportBatchItemFailures": "Nothing",
    },
    "site": {
        r'"block_public_policy": true': '"block_public_policy": false',
        r'"sqs_managed_sse_enabled": true': '"sqs_managed_sse_enabled": false',
    },
    "topic-fan-out": {r'"kms_master_key_id"': '"nothing"'},
}
"""Example → what to replace in its plan so that, taken together, every promise is broken."""

Plan = dict[str, Any]
Outcomes = Mapping[str, str]


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Example → the file of its plan, in Terraform's JSON output format."""
    assert SCANNERS.is_dir(), f"no {SCANNERS}: run `.venv/bin/nox -s compliance --install-only` first"
    directory = tmp_path_factory.mktemp("plans")
    with local_aws(directory / "aws") as aws, ThreadPoolExecutor(CORES) as pool:

        def planned(stack: Stack) -> Plan:
            with attached_provider(stack.directory, aws.environment) as attached:
                served = replace(stack, environment={**stack.environment, **attached})
                served.init()
                return served.plan()

        stacks = {
            name: Stack(copy_of(ROOT / "examples" / name, directory / name), aws.environment, inputs(aws))
            for name, inputs in INPUTS.items()
        }
        made = dict(zip(stacks, pool.map(planned, stacks.values()), strict=True))
    return {name: written(plan, directory / f"{name}.json") for name, plan in made.items()}


def written(plan: Plan, path: Path) -> Path:
    path.write_text(json.dumps(plan), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def scan(plans: Mapping[str, Path]) -> Mapping[str, list[dict[str, Any]]]:
    """The passed_checks, failed_checks and skipped_checks of all plans; the skips are in the sources."""
    command: list[str | Path] = [
        SCANNERS / "checkov",
        "--framework",
        "terraform_plan",
        "--skip-download",
    ]
    sources = ["--repo-root-for-plan-enrichment", str(ROOT), "--output", "json"]
    done = subprocess.run(
        [*command, *sources, "-f", *plans.values()], capture_output=True, text=True, check=False
    )
    results: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)["results"]
    return results


def judged(plan: Path) -> Outcomes:
    """Scenario → "passed", "skipped" (the plan has nothing of the kind) or "failed"."""
    command: list[str | Path] = [
        SCANNERS / "terraform-compliance",
        "-p",
        plan,
        "-f",
        FEATURES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    outcomes = {}
    for scenario in re.split(r"^ +Scenario: ", text, flags=re.MULTILINE)[1:]:
        name, _, steps = scenario.partition("\n")
        outcomes[name] = "failed" if "Failure:" in steps else "skipped" if "SKIPPING" in steps else "passed"
    assert (done.returncode != 0) == ("failed" in outcomes.values()), text
    return outcomes


@pytest.fixture(scope="session")
def judgements(plans: Mapping[str, Path]) -> Mapping[str, Outcomes]:
    """Example → what the sentences say of it."""
    with ThreadPoolExecutor(CORES) as pool:
        return dict(zip(plans, pool.map(judged, plans.values()), strict=True))


def sentences() -> Iterator[str]:
    for feature in sorted(FEATURES.glob("*.feature")):
        yield from re.findall(r"^ +Scenario: (.+)$", feature.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_example_is_judged() -> None:
    """What lies in examples/ is planned here, and nothing is forgotten."""
    assert {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()} == set(INPUTS)


def test_checkov_finds_nothing_that_is_not_explained_at_the_resource(
    plans: Mapping[str, Path], scan: Mapping[str, list[dict[str, Any]]]
) -> None:
    """A failed check is either mended or skipped with a reason, where the resource is."""
    failed = [
        f"{check['file_path']} {check['resource']}: {check['check_id']}" for check in scan["failed_checks"]
    ]
    assert not failed
    scanned = [check for check in scan["passed_checks"] if check["resource"].endswith("_iam_role.function")]
    assert len(scanned) % len(plans) == 0 < len(scanned)


def test_every_skip_of_checkov_is_still_needed(scan: Mapping[str, list[dict[str, Any]]]) -> None:
    """A skip whose check would pass anyway is taken out."""
    texts = [path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.tf"), *ROOT.glob("examples/*/*.tf"))]
    resources = [match for text in texts for match in RESOURCE.finditer(text)]
    written_skips = {(check, match["type"]) for match in resources for check in SKIP.findall(match["body"])}
    used = {
        (check["check_id"], re.sub(r"^module\.\w+\.", "", check["resource"]).split(".")[0])
        for check in scan["skipped_checks"]
    }
    assert written_skips
    assert written_skips == used, written_skips ^ used


@pytest.mark.parametrize("example", sorted(INPUTS))
def test_the_security_promises_hold(example: str, judgements: Mapping[str, Outcomes]) -> None:
    """No sentence of the features is false in the plan of the example."""
    assert [sentence for sentence, outcome in judgements[example].items() if outcome == "failed"] == []


@pytest.mark.parametrize("sentence", sorted(sentences()))
def test_every_promise_is_put_to_the_test(sentence: str, judgements: Mapping[str, Outcomes]) -> None:
    """A sentence about something that no example has would say nothing."""
    assert "passed" in {outcomes[sentence] for outcomes in judgements.values()}


def test_every_promise_can_be_seen_broken(plans: Mapping[str, Path], tmp_path: Path) -> None:
    """A sentence that no plan can make false would say nothing either."""
    broken = set()
    for example, replacements in BREACHES.items():
        plan = plans[example].read_text(encoding="utf-8")
        for promised, breached in replacements.items():
            plan, times = re.subn(promised, breached, plan)
            assert times, promised
        path = tmp_path / f"{example}.json"
        path.write_text(plan, encoding="utf-8")
        broken |= {sentence for sentence, outcome in judged(path).items() if outcome == "failed"}
    missing = set(sentences()) - broken
    assert not missing, missing
