"""The judge of the simulation sees what was lost, and what was paid for twice."""

from __future__ import annotations

import pytest
from tests.doubles.cloudfront_server import Invalidation
from tests.simulation.judge import Change, DeadLetter, judge, matches, urls_of


def accepted(at: float, *items: str) -> Invalidation:
    return Invalidation(f"I{at}", "distribution", "E1", items, f"r{at}", created=at, completes=at + 10)


@pytest.mark.parametrize(
    ("key", "urls"),
    [
        ("a/b.html", {"/a/b.html"}),
        ("a b+c", {"/a%20b%2Bc", "/a+b%2Bc"}),
        ("ü.html", {"/%C3%BC.html"}),
        ("~me/x", {"/~me/x"}),
        ("docs/index.html", {"/docs/index.html", "/docs/", "/docs"}),
        ("index.html", {"/index.html", "/"}),
        ("myindex.html", {"/myindex.html"}),
    ],
)
def test_an_object_is_known_by_every_url_that_a_viewer_may_write(key: str, urls: set[str]) -> None:
    assert set(urls_of(key)) == urls


@pytest.mark.parametrize(
    ("item", "url", "expected"),
    [
        ("/a", "/a", True),
        ("/a", "/ab", False),
        ("/a*", "/ab/c", True),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/", False),
        ("/*", "/", True),
        ("/b*", "/a", False),
    ],
)
def test_an_item_matches_itself_or_what_begins_with_its_wildcard(item: str, url: str, expected: bool) -> None:
    assert matches(item, url) is expected


def test_a_change_after_the_last_invalidation_is_lost() -> None:
    early, late = Change("a", 10), Change("a", 30)
    assert judge([early, late], [accepted(20, "/a")]).lost == (late,)


def test_a_change_before_an_invalidation_that_covers_it_is_not_lost() -> None:
    assert judge([Change("a", 10), Change("b/c", 15)], [accepted(20, "/a", "/b*")]).lost == ()


def test_a_change_with_one_url_left_stale_is_lost() -> None:
    change = Change("a/index.html", 10)
    assert judge([change], [accepted(20, "/a/*", "/a/")]).lost == (change,)


def test_an_item_that_covers_nothing_new_was_billed_twice() -> None:
    verdict = judge([Change("a", 10), Change("b", 10)], [accepted(20, "/a"), accepted(21, "/a", "/b")])
    assert (verdict.billed_paths, verdict.billed_twice) == (3, 1)


def test_an_item_that_covers_a_newer_change_is_worth_its_price() -> None:
    changes = [Change("a", 10), Change("a", 20)]
    assert judge(changes, [accepted(15, "/a"), accepted(25, "/a")]).billed_twice == 0


def dead_letter(*items: str, oldest: float = 0, latest: float = 100, target: str = "") -> DeadLetter:
    return DeadLetter(items, oldest, latest, "refused", target)


def test_a_change_that_a_dead_letter_holds_is_dead_and_not_lost() -> None:
    verdict = judge([Change("a", 10)], [], [dead_letter("/a", latest=20)])
    assert (verdict.lost, verdict.dead) == ((), (Change("a", 10),))


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(dead_letter("/b"), id="another-key"),
        pytest.param(dead_letter("/a", latest=9), id="an-earlier-change"),
        pytest.param(dead_letter("/a", oldest=11), id="a-later-change"),
        pytest.param(dead_letter("/a", target="E2"), id="another-distribution"),
    ],
)
def test_a_dead_letter_of_something_else_excuses_nothing(held: DeadLetter) -> None:
    change = Change("a", 10, target="E1")
    assert judge([change], [], [held]).lost == (change,)


def test_a_dead_letter_of_the_only_distribution_holds_its_changes() -> None:
    assert judge([Change("a", 10)], [], [dead_letter("/a", target="E1")]).lost == ()


def test_a_dead_letter_with_a_wildcard_holds_what_it_matches() -> None:
    assert judge([Change("a/b", 10)], [], [dead_letter("/a*")]).lost == ()


def test_a_change_is_dead_only_where_each_of_its_stale_urls_is_held() -> None:
    change = Change("a/index.html", 10)
    assert judge([change], [accepted(20, "/a/index.html")], [dead_letter("/a/")]).lost == (change,)
    assert judge([change], [accepted(20, "/a/index.html")], [dead_letter("/a/", "/a")]).dead == (change,)


def test_a_change_is_fresh_when_the_last_of_its_urls_is_covered() -> None:
    changes = [Change("a/index.html", 10), Change("b", 15, "single")]
    verdict = judge(changes, [accepted(20, "/a/index.html", "/a/"), accepted(30, "/a", "/b")])
    assert verdict.seconds == {"deploy": [20], "single": [15]}
    assert verdict.percentile(95, "single") == 15
    assert verdict.fresh_at == 30


def test_an_invalidation_of_another_distribution_covers_nothing() -> None:
    change = Change("a", 10, target="E2")
    assert judge([change], [accepted(20, "/a")]).lost == (change,)


def test_a_name_that_begins_with_a_tilde_is_disputed_where_only_its_encoded_form_was_accepted() -> None:
    name, amid, late = Change("docs/~b", 10), Change("docs/a~b", 10), Change("docs/~b", 30)
    verdict = judge([name, amid, late], [accepted(20, "/docs/%7Eb", "/docs/a%7Eb")])
    assert (verdict.disputed, verdict.lost) == ((name,), (amid, late))
    assert judge([name], [accepted(20, "/docs/*")]).disputed == ()
    later = judge([name], [accepted(20, "/docs/%7Eb"), accepted(50, "/docs/*")])
    assert (later.disputed, later.lost, later.seconds) == ((name,), (), {})
    assert judge([name], [accepted(20, "/docs/%7Eb", "/docs/*")]).seconds == {"deploy": [10]}
