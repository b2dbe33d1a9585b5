"""Answers the CodePipeline job that a request came from: without an answer its pipeline stands still."""

from __future__ import annotations

import functools
from typing import Any

import boto3

MAX_MESSAGE = 5_000
"""Characters of a failure's message (codepipeline's service model, type Message)."""


def succeed(job_id: str) -> None:
    """Tell the pipeline that its stage may go on. Raises ClientError where the answer is refused."""
    _codepipeline().put_job_success_result(jobId=job_id)


def fail(job_id: str, error: str) -> None:
    """Tell the pipeline why its stage failed. Raises ClientError where the answer is refused."""
    _codepipeline().put_job_failure_result(
        jobId=job_id, failureDetails={"type": "JobFailed", "message": error[:MAX_MESSAGE]}
    )


@functools.cache
def _codepipeline() -> Any:
    return boto3.client("codepipeline")
