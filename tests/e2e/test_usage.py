"""The usage of the README, in the hands of a stranger."""

from __future__ import annotations

from tests.e2e.stranger import Story


def test_the_usage_applies_in_an_empty_folder_invalidates_an_upload_and_leaves_nothing(
    stranger: Story,
) -> None:
    assert stranger.invalidated == ["/docs", "/docs/", "/docs/index.html"]
    assert stranger.left_behind == set()
