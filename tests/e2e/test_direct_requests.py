"""Somebody calls the function."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from scripts.local_aws import FunctionError
from tests.support.deployments import Deployment, eventually


def test_an_empty_request_makes_one_invalidation_of_everything_at_the_configured_distribution(
    queued: Deployment,
) -> None:
    before = queued.invalidations()
    answer = queued.invoke({})
    made = queued.invalidations(since=before)
    assert list(made.values()) == [["/*"]]
    assert answer["statusCode"] == 200
    assert answer["body"] == "CloudFront invalidation created"
    assert [(each["id"], each["items"]) for each in answer["invalidations"]] == list(made.items())


def test_the_function_gets_the_distribution_as_distribution_id(queued: Deployment) -> None:
    configuration = queued.aws.client("lambda").get_function_configuration(FunctionName=queued.name)
    assert configuration["Environment"]["Variables"]["DISTRIBUTION_ID"] == queued.distribution_id


def test_a_request_with_paths_invalidates_those(queued: Deployment) -> None:
    before = queued.invalidations()
    queued.invoke({"paths": ["/news/*", "/index.html"]})
    assert list(queued.invalidations(since=before).values()) == [["/index.html", "/news/*"]]


def test_the_same_request_id_twice_makes_one_invalidation(queued: Deployment) -> None:
    """As in Lambda's retry. MiniStack's has another id, so the package is called here, without its Lambda."""
    before = queued.invalidations()
    answers = queued.run_package({"paths": ["/twice"]}, request_ids=["one", "one", "another"])
    first, second, third = (answer["invalidations"][0]["id"] for answer in answers)
    assert first == second != third
    assert set(queued.invalidations(since=before)) == {first, third}


def test_an_asynchronous_request_that_keeps_failing_ends_in_the_dead_letters_with_its_error(
    queued: Deployment,
) -> None:
    request = {"paths": ["no-slash"], "wait": True}
    queued.aws.client("lambda").invoke(
        FunctionName=queued.name, InvocationType="Event", Payload=json.dumps(request).encode()
    )

    def dead_letters() -> list[Any]:
        return [
            dead_letter
            for dead_letter in map(json.loads, queued.dead_letters())
            if "requestPayload" in dead_letter
        ]

    (dead_letter,) = eventually(dead_letters, bool)
    assert dead_letter["requestPayload"] == request
    assert dead_letter["requestContext"]["approximateInvokeCount"] == 3
    assert "no-slash" in dead_letter["responsePayload"]["errorMessage"]


def test_a_dry_run_answers_with_the_plan_and_its_cost_and_creates_nothing(queued: Deployment) -> None:
    before = queued.invalidations()
    answer = queued.invoke({"paths": ["/a", "/b/*"], "dry_run": True})
    assert [each["items"] for each in answer["invalidations"]] == [["/a", "/b/*"]]
    assert answer["estimated_cost_usd"] == pytest.approx(2 * 0.005)
    assert queued.invalidations(since=before) == {}


@pytest.mark.parametrize(
    ("request_", "advice"),
    [
        pytest.param({"paths": ["no-slash"]}, "must start with a slash", id="a path without its slash"),
        pytest.param({"distribution_id": "EOTHER"}, "EOTHER", id="a distribution that is not configured"),
        pytest.param({"path": ["/a"]}, "'path'", id="a misspelt key"),
    ],
)
def test_a_wrong_request_is_a_function_error_with_a_message_to_act_on(
    queued: Deployment, request_: dict[str, object], advice: str
) -> None:
    before = queued.invalidations()
    with pytest.raises(FunctionError, match=re.escape(advice)):
        queued.invoke(request_)
    assert queued.invalidations(since=before) == {}


def test_without_the_invalidate_policy_the_call_is_denied_by_name_and_with_it_again_it_passes(
    direct_only: Deployment,
) -> None:
    direct_only.aws.client("iam").delete_role_policy(
        RoleName=direct_only.outputs["role_name"], PolicyName="invalidate"
    )
    with pytest.raises(FunctionError) as denied:
        direct_only.invoke({"paths": ["/denied"]})
    assert "AccessDenied" in str(denied.value)
    assert direct_only.outputs["role_name"] in str(denied.value)
    assert direct_only.items() == []

    direct_only.stack.apply()
    direct_only.invoke({"paths": ["/allowed"]})
    assert direct_only.items() == ["/allowed"]
