"""An error code of CloudFront → how the function reacts, and the next step for an operator."""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """How the function reacts to an error of CloudFront."""

    THROTTLED = "the account makes too many calls: wait, then send the same again"
    FULL = (
        "the distribution's quota of invalidations in progress is used up, at least for so many at once: "
        "wait, then send the same in parts as small as it takes"
    )
    TRANSIENT = "CloudFront or the network failed: wait, then send the same again"
    DENIED = (
        "a permission is missing: report it to a caller; let messages wait in the queue until it is granted"
    )
    SPLIT = "an item of the batch is wrong: split the batch until that item is alone"
    TOO_LARGE = "the batch is too large: send it in two halves"
    GONE = "the distribution or tenant does not exist: sending anything to it changes nothing"
    FINAL = "sending it again changes nothing"


VERDICTS: dict[str, Verdict] = {
    "Throttling": Verdict.THROTTLED,
    "ThrottlingException": Verdict.THROTTLED,
    "ThrottledException": Verdict.THROTTLED,
    "RequestThrottled": Verdict.THROTTLED,
    "RequestThrottledException": Verdict.THROTTLED,
    "RequestLimitExceeded": Verdict.THROTTLED,
    "TooManyRequestsException": Verdict.THROTTLED,
    "BandwidthLimitExceeded": Verdict.THROTTLED,
    "LimitExceededException": Verdict.THROTTLED,
    "SlowDown": Verdict.THROTTLED,
    "TooManyInvalidationsInProgress": Verdict.FULL,
    "PriorRequestNotComplete": Verdict.TRANSIENT,
    "RequestTimeout": Verdict.TRANSIENT,
    "RequestTimeoutException": Verdict.TRANSIENT,
    "RequestExpired": Verdict.TRANSIENT,
    "AccessDenied": Verdict.DENIED,
    "AccessDeniedException": Verdict.DENIED,
    "ExpiredToken": Verdict.DENIED,
    "ExpiredTokenException": Verdict.DENIED,
    "InvalidClientTokenId": Verdict.DENIED,
    "SignatureDoesNotMatch": Verdict.DENIED,
    "InvalidArgument": Verdict.SPLIT,
    "BatchTooLarge": Verdict.TOO_LARGE,
    "NoSuchDistribution": Verdict.GONE,
    "EntityNotFound": Verdict.GONE,
    "NoSuchInvalidation": Verdict.FINAL,
    "MissingBody": Verdict.FINAL,
    "InconsistentQuantities": Verdict.FINAL,
    "InvalidationBatchAlreadyExists": Verdict.FINAL,
    "UnsupportedOperation": Verdict.FINAL,
}
"""Error code → verdict. A code that is not here is judged by its HTTP status: see `verdict`."""

NEXT_STEP = {
    "AccessDenied": "let the function's role create invalidations on this distribution (the module's policy "
    "does: apply it again), or look for a boundary or organisation policy that forbids it",
    "NoSuchDistribution": "check the distribution_id that the module was given",
    "EntityNotFound": "check the distribution_tenant_id that the module was given",
    "InvalidArgument": "CloudFront refuses this path: encode it as viewers request it, or rename the object",
}

ASSUMED_NEXT_STEP = (
    "let the route's role_arn trust the function's role (output role_arn), and check that it exists"
)


def verdict(code: str, status: int) -> Verdict:
    """The verdict on an error code; an unknown one is judged by its HTTP status.

    With 5xx or 429 it is transient, and with 401 or 403 a permission is missing, as where STS answers
    RegionDisabledException (STS API reference, AssumeRole); else it is final.
    """
    if code in VERDICTS:
        return VERDICTS[code]
    if status in (401, 403):
        return Verdict.DENIED
    return Verdict.TRANSIENT if status >= 500 or status == 429 else Verdict.FINAL
