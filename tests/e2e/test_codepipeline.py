"""The function as an action of a pipeline. MiniStack has none: real payloads, and its two calls."""

from __future__ import annotations

from tests.doubles.codepipeline_server import CodePipeline
from tests.support import payloads
from tests.support.deployments import Deployment

JOB_ID = "11111111-abcd-1111-abcd-111111abcdef"


def test_a_job_is_told_of_its_success_once_its_paths_are_invalidated(
    strict: Deployment, codepipeline: CodePipeline
) -> None:
    codepipeline.results.clear()
    answer = strict.invoke(payloads.load("codepipeline/job-started"))
    assert [each["items"] for each in answer["invalidations"]] == [["/*"]]
    assert codepipeline.results == [("PutJobSuccessResult", {"jobId": JOB_ID})]


def test_a_job_with_wrong_parameters_is_told_of_its_failure_with_the_reason(
    strict: Deployment, codepipeline: CodePipeline
) -> None:
    codepipeline.results.clear()
    strict.invoke(payloads.load("codepipeline/job-started-with-parameters-that-are-no-json"))
    ((operation, parameters),) = codepipeline.results
    assert (operation, parameters["jobId"]) == ("PutJobFailureResult", JOB_ID)
    assert parameters["failureDetails"]["type"] == "JobFailed"
    assert "UserParameters" in parameters["failureDetails"]["message"]
