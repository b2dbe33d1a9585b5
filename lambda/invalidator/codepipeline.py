"""Answers the CodePipeline job that a request came from: its pipeline waits for that answer."""

from __future__ import annotations

import functools
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from invalidator import aws
from invalidator.text import said

CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})
LONGEST_SECONDS = 13.0
"""Two attempts of a call, and the wait between them."""

MAX_MESSAGE = 5_000
"""The most characters of a failure's message (codepipeline's service model, type Message)."""


class AnswerError(Exception):
    """A job could not be answered; the text says which call failed, and why."""


def succeed(job_id: str) -> None:
    """Report success of a job. Raises AnswerError where the answer is refused."""
    _answer("put_job_success_result", jobId=job_id)


def fail(job_id: str, error: str) -> None:
    """Report failure of a job, with its reason. Raises AnswerError where the answer is refused."""
    _answer(
        "put_job_failure_result",
        jobId=job_id,
        failureDetails={"type": "JobFailed", "message": error[:MAX_MESSAGE]},
    )


def _answer(call: str, **parameters: object) -> None:
    try:
        getattr(_codepipeline(), call)(**parameters)
    except (ClientError, BotoCoreError) as error:
        raise AnswerError(f"the job of CodePipeline was not answered: {said(error)}") from error


@functools.cache
def _codepipeline() -> Any:
    return aws.client("codepipeline", CONFIG)
