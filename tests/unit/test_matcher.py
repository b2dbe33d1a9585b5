"""The judge itself: the examples of CloudFront's Developer Guide, and the disputed directory."""

from __future__ import annotations

import pytest
from tests.support.matcher import may_purge, surely_purges


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("/images/image1.jpg", "/images/image1.jpg"),
        ("/images/*", "/images/image1.jpg"),
        ("/images/*", "/images/a/b.jpg"),
        ("/images/image*", "/images/image"),
        ("/images/image1*", "/images/image1.jpg?parameter1=a"),
        ("/images/image.jpg?parameter1=a", "/images/image.jpg?parameter1=a"),
        ("/*", "/"),
        ("/*", "/index.html"),
    ],
)
def test_what_the_guide_says_is_purged_surely_is(item: str, url: str) -> None:
    assert surely_purges(item, url)
    assert may_purge(item, url)


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("/images/image1.jpg", "/images/Image1.jpg"),
        ("/images/image1.jpg", "/images/image1.jpg?parameter1=a"),
        ("/images/image.jpg?parameter1=a", "/images/image.jpg?parameter1=b"),
        ("/images/*", "/images"),
        ("/images/*", "/images2/a.jpg"),
        ("/i*s/a.jpg", "/images/a.jpg"),
        ("/images/%2A", "/images/a.jpg"),
    ],
)
def test_what_the_guide_says_stays_may_not_be_purged(item: str, url: str) -> None:
    assert not may_purge(item, url)
    assert not surely_purges(item, url)


def test_a_directory_may_be_purged_with_its_files_but_not_surely() -> None:
    assert may_purge("/images/*", "/images/")
    assert not surely_purges("/images/*", "/images/")
