"""Which wildcards cover a name that CloudFront refused, and which names are likely refused together."""

from __future__ import annotations

import pytest

from invalidator.doubt import rarest_last, signature, wildcards_instead


@pytest.mark.parametrize(
    ("item", "doubtful", "marks"),
    [
        pytest.param("/docs/a-b_c.d", set(), {"-", "_", "."}, id="marks alone"),
        pytest.param("/it's/it's.html", {"'"}, {"."}, id="each character once"),
        pytest.param("/Xylophon.HTML", set(), {"."}, id="no letter"),
        pytest.param("/a;b'c", {"'", ";"}, set(), id="several"),
        pytest.param("/a'b/*", {"'"}, set(), id="the star of a wildcard is none"),
        pytest.param("/a%20b", {"%20"}, set(), id="an escape as a whole"),
    ],
)
def test_the_characters_in_doubt_of_an_item(item: str, doubtful: set[str], marks: set[str]) -> None:
    assert tuple(map(set, signature(item))) == (doubtful, marks)


def test_items_that_nobody_doubts_come_first_and_rare_characters_last() -> None:
    items = ["/a;1", "/a'1", "/a'2", "/plain"]
    assert rarest_last(items) == ["/plain", "/a'1", "/a'2", "/a;1"]


@pytest.mark.parametrize(
    ("item", "depth", "wildcards"),
    [
        pytest.param("/docs/it's.html", 0, ("/docs/it*",), id="cut before the character"),
        pytest.param("/docs/a%20it's", 0, ("/docs/a%20it*", "/docs/a*"), id="then before the escape"),
        pytest.param("/docs/a%20b", 0, ("/docs/a*",), id="before the escape alone"),
        pytest.param("/docs/'a", 0, ("/docs/*",), id="a whole directory"),
        pytest.param("/'a", 0, (), id="never everything"),
        pytest.param("/a'b", 0, ("/a*",), id="one character of the name"),
        pytest.param("/docs/it*", 0, (), id="a wildcard without doubt"),
        pytest.param("/docs/it's/*", 0, ("/docs/it*",), id="a wildcard in doubt"),
        pytest.param("/docs/plain", 0, (), id="nothing to cut at"),
        pytest.param("/docs/a-b.html", 0, ("/docs/a*",), id="before the first mark of the name"),
        pytest.param("/x.y/plain", 0, (), id="no mark cuts a directory in two"),
        pytest.param("/docs/.well-known/a", 0, ("/docs/*",), id="before a directory that begins with a mark"),
        pytest.param("/docs/it's", 1, ("/docs/it*",), id="deep enough"),
        pytest.param("/docs/it's", 2, (), id="not deep enough"),
        pytest.param("#it's", 0, (), id="a tag"),
    ],
)
def test_the_wildcards_that_cover_a_refused_item(item: str, depth: int, wildcards: tuple[str, ...]) -> None:
    assert wildcards_instead(item, depth) == wildcards
