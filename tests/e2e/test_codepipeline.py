"""The function as an action of a pipeline. MiniStack has none: real payloads, and its two calls."""

from __future__ import annotations

from tests.doubles.codepipeline_server import CodePipeline
from tests.support import payloads
from tests.support.deployments import Deployment

JOB_ID = "11111111-abcd-1111-abcd-111111abcdef"


def test_a_job_is_told_of_its_success_once_its_paths_are_invalidated(
    moody: Deployment, codepipeline: CodePipeline
) -> None:
    codepipeline.results.clear()
    answer = moody.invoke(payloads.load("codepipeline/job-started"))
    assert [each["items"] for each in answer["invalidations"]] == [["/*"]]
    assert codepipeline.results == [("PutJobSuccessResult", {"jobId": JOB_ID})]


def test_a_job_with_wrong_parameters_is_told_of_its_failure_with_the_reason(
    moody: Deployment, codepipeline: CodePipeline
) -> None:
    codepipeline.results.clear()
    moody.invoke(payloads.load("codepipeline/job-started-with-parameters-that-are-no-json"))
    ((operation, told),) = codepipeline.results
    assert (operation, told["jobId"]) == ("PutJobFailureResult", JOB_ID)
    assert told["failureDetails"]["type"] == "JobFailed"
    assert "UserParameters" in told["failureDetails"]["message"]
