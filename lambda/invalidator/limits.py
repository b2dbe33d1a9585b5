"""CloudFront's quotas, rates and prices, each with its source. A changed quota is written here only."""

from __future__ import annotations

FILES_IN_PROGRESS = 3_000
"""Paths without a wildcard that a distribution invalidates at once (Developer Guide, InvalidationLimits)."""

WILDCARDS_IN_PROGRESS = 15
"""The wildcards that a distribution invalidates at once, besides the files (same page)."""

ITEMS_PER_CALL = 3_000
"""Items of one CreateInvalidation (same page: "one invalidation request for up to 3,000 files")."""

COMPLETION_SECONDS = 25.0
"""An invalidation is complete, and its share of a quota free, in 25 s at P95 (AWS, What's New, 2026-04)."""

CALLS_AT_ONCE = 5
SECONDS_PER_CALL = 2.0
"""The account may make about 0.5 calls a second, after a burst of a handful (aws-sdk-js issue 3983)."""

USD_PER_PATH = 0.005
"""The list price of a path past the account's first 1,000 of a month (AWS's guide, PayingForInvalidation)."""
