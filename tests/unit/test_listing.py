"""Counts of unchanged objects from parts of a listing: exact where it is complete, and bounded."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.matcher import may_purge
from tests.support.sites import made_up

from invalidator.collateral import Choose, Collateral
from invalidator.listing import Listing, ListingError, Page, Place, pages_of
from invalidator.paths import viewer_paths, why_not_served
from invalidator.plan import covering_items
from invalidator.prefix_tree import Tree, build_tree
from invalidator.settings import Budget, Route, Target

SITE = Target("ESITE")
PLAIN = Route("site", SITE, bucket="assets", index_documents=())


def of(keys: Iterable[str], **bounds: float) -> Listing:
    return Listing(partial(pages_of, sorted(key.encode() for key in keys)), **bounds)  # type: ignore[arg-type]


def everything(keys: Iterable[str]) -> Listing:
    return of(keys, max_pages=float("inf"), max_seconds=float("inf"))


def planned(
    changed: Iterable[str], routes: Sequence[Route], budget: Budget, listing: Listing
) -> tuple[str, ...]:
    paths = [
        path
        for key in changed
        for route in routes
        if why_not_served("assets", key, route) is None
        for path in viewer_paths(key, route, "wildcard", 0)
    ]
    return covering_items(paths, budget, listing.measure(routes))


NAMES = st.text(alphabet="ab!é€😀 +*%~/-\U0001f601", min_size=1, max_size=6)


@given(st.sets(NAMES, max_size=40), st.sets(NAMES, min_size=1, max_size=25), st.integers(1, 6))
def test_a_complete_listing_counts_what_the_wildcards_throw_out_whatever_the_script(
    keys: set[str], changed: set[str], most: int
) -> None:
    """By each fork: the cost that the listing answers is what an independent matcher counts."""
    measured: list[tuple[str, float]] = []
    measure = everything(keys | changed).measure([PLAIN])

    def spied(tree, members, choose):  # type: ignore[no-untyped-def]
        answer = measure(tree, members, choose)
        assert answer is not None
        cost_of = dict(zip(map(tree.prefix, tree.forks), answer.of_forks, strict=True))
        closed = map(tree.prefix, choose(answer.of_forks))
        measured.extend((f"{prefix}*", cost_of[prefix]) for prefix in closed)
        return answer

    paths = [path for key in changed for path in viewer_paths(key, PLAIN, "encoded", 0)]
    covering_items(paths, Budget(most, most), spied)
    gone = keys - changed
    for wildcard, cost in measured:
        expected = sum(
            any(may_purge(wildcard, path) for path in viewer_paths(key, PLAIN, "encoded", 0)) for key in gone
        )
        if not any(key.endswith("*") for key in gone):  # its `%2A` is matched as a beginning, and counted so
            assert cost == expected


@given(
    st.sets(NAMES, max_size=80), st.sets(NAMES, min_size=2, max_size=12), st.integers(1, 6), st.integers(1, 9)
)
def test_pages_of_any_size_count_each_object_once(
    keys: set[str], changed: set[str], size: int, most: int
) -> None:
    """Cells of several pages and pages of several cells; every fork is wanted until nothing is unknown."""
    listed = sorted(key.encode() for key in keys | changed)
    asked: list[Place] = []

    def small_pages(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.extend(places)
        pages = [page for page in pages_of(listed, places) if isinstance(page, Page)]
        return [Page(page.keys[:size], page.more or len(page.keys) > size) for page in pages]

    def every_fork(tree: Tree, members: Sequence[str], _choose: Choose) -> Collateral:
        in_small_pages = Listing(small_pages, max_pages=float("inf"), max_seconds=float("inf"))
        counted, known = (
            listing.measure([PLAIN])(tree, members, lambda _costs: tree.forks)
            for listing in (in_small_pages, everything(keys | changed))
        )
        assert counted == known
        assert known is not None
        return known

    paths = [path for key in changed for path in viewer_paths(key, PLAIN, "encoded", 0)]
    covering_items(paths, Budget(most, most), every_fork)
    assert len(asked) <= len(listed) + 4 * len(paths)


def costs_of(changed: Iterable[str], listing: Listing, closed: Iterable[str]) -> dict[str, float]:
    """Prefix of each fork → its cost, where the choice is always to close the forks of some prefixes."""
    paths = sorted(f"/{key}" for key in changed)
    tree = build_tree(paths)
    chosen = [fork for fork in tree.forks if tree.prefix(fork) in closed]
    found = listing.measure([PLAIN])(tree, paths, lambda _costs: chosen)
    assert found is not None
    return dict(zip(map(tree.prefix, tree.forks), found.of_forks, strict=True))


def test_a_key_on_two_pages_that_were_asked_for_at_once_counts_once() -> None:
    """The page that begins in /a reaches into /b, and another one begins there."""
    changed = ["a1x", "a1y", "a2x", "a2y", "b1", "b2"]
    keys = [b"00", b"01", b"02", b"a1", *(b"b%d" % number for number in range(3, 9))]
    asked: list[str] = []

    def three_keys(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.append(" ".join(place.start_after for place in places))
        pages = [page for page in pages_of(keys, places) if isinstance(page, Page)]
        return [Page(page.keys[:3], page.more or len(page.keys) > 3) for page in pages]

    assert costs_of(changed, Listing(three_keys), ("/a", "/b"))["/b"] == 6
    assert len(asked[1].split()) == 2, "the round in which the pages overlap"


def test_a_page_that_does_not_end_a_cell_stands_for_eight_times_its_keys() -> None:
    changed = ["a/1", "a/2"]
    listing = of([*changed, *(f"a/{number:04}" for number in range(5_000))], max_pages=1)
    assert costs_of(changed, listing, ("/a/",)) == {"/a/": 8 * 1_000}


def test_of_a_large_cell_no_more_is_taken_for_unlisted_than_after_one_page() -> None:
    changed = ["a/x", "a/y"]
    listing = of([*changed, *(f"a/{number:04}" for number in range(5_000))], max_pages=2)
    assert costs_of(changed, listing, ("/a/",)) == {"/a/": 2_000 + 7 * 1_000}


def hashed(number: int, length: int = 10) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:length]


def test_where_a_page_ends_among_hashed_names_those_left_are_counted_by_the_name_space() -> None:
    """A seventh of 7,000 assets is listed; the next page begins behind them."""
    names = [f"a/chunk-{hashed(number)}.js" for number in range(7_000)]
    changed = ["a/0", "a/1", "a/z"]
    asked: list[str] = []
    keys = sorted(key.encode() for key in [*changed, *names, "a/more.js"])

    def spied(places: Sequence[Place]) -> Sequence[Page | ListingError]:
        asked.extend(place.start_after for place in places)
        return pages_of(keys, places)

    assert 6_300 < costs_of(changed, Listing(spied), ("/a/",))["/a/"] < 7_700
    assert asked[1:] == ["a/chunk-\U0010fffd"]


def test_hashed_names_are_counted_up_to_the_end_of_their_cell() -> None:
    """Behind the next change, no more of them are expected."""
    names = {f"a/{hashed(number)}" for number in range(16_000)}
    changed = ["a/0", "a/8x", "a/8y"]
    listing = of([*changed, *(name for name in names if name < "a/8")])
    assert costs_of(changed, listing, ("/a/",))["/a/"] == pytest.approx(8_000, rel=0.1)
    assert listing.pages == 2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda number: f"{number:08}", id="numbers"),
        pytest.param(lambda number: f"image{number:05}", id="numbers behind a word"),
        pytest.param(lambda number: hashed(number, 5), id="short"),
        pytest.param(lambda number: hashed(number, 6 + number % 2), id="of two lengths"),
        pytest.param(lambda number: f"67{number * 5:06x}{hashed(number)}", id="behind a time"),
    ],
)
def test_other_names_stand_for_eight_times_their_number(name: Callable[[int], str]) -> None:
    changed = ["a/x", "a/y"]
    listing = of([*changed, *{f"a/{name(number)}" for number in range(5_000)}], max_pages=1)
    assert costs_of(changed, listing, ())["/a/"] == 8 * 1_000


def test_hashed_names_at_the_root_of_a_bucket_are_counted_page_by_page() -> None:
    names = {hashed(number) for number in range(3_000)}
    assert costs_of(["~1", "~2"], of([*names, "~1", "~2"]), ("/",)) == {"/~": 0}
    assert costs_of(["x1", "~2"], of([*names, "x1", "~2"]), ("/",)) == {"/": 3_000}


def test_of_forks_begun_the_smallest_is_listed_on_first() -> None:
    """Pages that end in the first gap of each of five forks, after 500 to 100 of their keys."""
    changed = [f"{letter}/{end}" for letter in "abcde" for end in ("0", "4", "9")]
    keys = [f"{letter}/{number:04}".encode() for letter in "abcde" for number in range(1_000)]
    asked: list[list[str]] = []

    def spied(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.append([place.start_after[:1] for place in places])
        sizes = {"a": 500, "b": 400, "c": 300, "d": 200, "e": 100}
        found = [page for page in pages_of(keys, places) if isinstance(page, Page)]
        return [Page(page.keys[: sizes[page.keys[0].decode()[0]]], True) for page in found]

    costs_of(changed, Listing(spied, max_pages=9), [f"/{letter}/" for letter in "abcde"])
    assert asked[-1] == ["e", "d", "c", "b"]


def test_where_the_most_is_unknown_is_listed_first() -> None:
    """Of six forks of which nothing was listed: those with the most forks within them."""
    changed = [
        f"{letter}/{number}{end}"
        for most, letter in enumerate("abcdef", start=2)
        for number in range(most)
        for end in "xy"
    ]
    before_them = [f"0{number:04}".encode() for number in range(2_000)]
    asked: list[Place] = []

    def spied(places: Sequence[Place]) -> Sequence[Page | ListingError]:
        asked.extend(places)
        return pages_of(before_them, places)

    costs_of(changed, Listing(spied, max_pages=5), [f"/{letter}/" for letter in "abcdef"])
    assert [place.start_after[:1] for place in asked] == ["", "f", "e", "d", "c"]


@pytest.mark.parametrize(
    ("counted", "second"),
    [
        pytest.param(100, "a/b.\U0010fffd", id="little unknown: the first cell not seen"),
        pytest.param(1_000, "a/b/\U0010fffd", id="much unknown: the largest"),
    ],
)
def test_what_is_listed_next_of_a_fork_whose_first_gap_was_begun(counted: int, second: str) -> None:
    """The two gaps that were not seen are taken to be about as large as the first one looks."""
    changed = ["a/b/x", "a/b/y", "a/d/x", "a/d/y"]
    gaps = [f"a/{folder}/{number:04}" for folder in "ace" for number in range(2_000)]
    keys = sorted(key.encode() for key in [*changed, *gaps])
    asked: list[str] = []

    def spied(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.extend(place.start_after for place in places)
        found = [page for page in pages_of(keys, places) if isinstance(page, Page)]
        return [Page(page.keys[:counted], True) for page in found]

    costs_of(changed, Listing(spied, max_pages=2), ["/a/"])
    assert asked == ["a.\U0010fffd", second]


def test_of_large_gaps_the_smallest_is_listed_on_first() -> None:
    """Pages that end amid each of five gaps, after 500 to 100 of their keys."""
    changed = [f"{letter}/{end}" for letter in "abcde" for end in ("0", "9")]
    keys = [f"{letter}/{number:04}".encode() for letter in "abcde" for number in range(1_000)]
    asked: list[list[str]] = []

    def spied(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.append([place.start_after for place in places])
        sizes = {"a": 500, "b": 400, "c": 300, "d": 200, "e": 100}
        found = [page for page in pages_of(keys, places) if isinstance(page, Page)]
        return [Page(page.keys[: sizes[page.keys[0].decode()[0]]], True) for page in found]

    costs_of(changed, Listing(spied, max_pages=8), [f"/{letter}/" for letter in "abcde"])
    assert asked[-1][:1] == ["e/0099"]


def test_what_the_wildcard_of_a_change_purges_anyway_is_not_counted() -> None:
    listing = everything(["x/a1", "x/a2", "x/b", "x/c"])
    assert costs_of(["x/a*", "x/b"], listing, ()) == {"/x/": 1}


def test_a_plus_in_a_path_stands_for_a_space_in_the_key() -> None:
    assert costs_of(["x/a+b", "x/a+c"], everything(["x/a 1", "x/a+1", "x/a+2"]), ()) == {"/x/a+": 1}


def test_a_page_of_a_thousand_keys_may_be_the_last() -> None:
    keys = [b"%04d" % number for number in range(1_001)]
    place = Place("assets", "", "")
    for number, more in ((999, False), (1_000, False), (1_001, True)):
        assert pages_of(keys[:number], [place]) == [Page(keys[: min(number, 1_000)], more)]


def test_only_keys_with_the_prefix_of_the_route_are_listed() -> None:
    asked: list[Place] = []

    def spied(places: Sequence[Place]) -> Sequence[Page | ListingError]:
        asked.extend(places)
        return pages_of([], places)

    route = Route("site", SITE, bucket="assets", prefix="docs/", index_documents=())
    planned(["docs/a/1", "docs/a/2", "docs/b"], [route], Budget(2, 2), Listing(spied))
    assert {place.prefix for place in asked} == {"docs/"}


def test_a_fork_that_was_not_listed_is_about_as_large_as_siblings_with_as_many_changes() -> None:
    """A manual in ten versions: where some are known to be large, the others are not taken for small."""
    pages = [f"v{version}/{number:04}" for version in range(10) for number in range(3_000)]
    rewritten = [f"v-new/{number}" for number in range(40)]
    changed = sorted(
        [*rewritten, *(f"v{version}/{name}" for version in range(10) for name in ("0", "index"))]
    )
    tree = build_tree([f"/{key}" for key in changed])
    by_prefix = {tree.prefix(fork): fork for fork in tree.forks}
    some = [by_prefix[f"/v{version}/"] for version in range(4)]
    listing = of([*pages, *changed], max_pages=20)
    found = listing.measure([PLAIN])(tree, [f"/{key}" for key in changed], lambda _costs: some)
    assert found is not None
    costs = dict(zip(map(tree.prefix, tree.forks), found.of_forks, strict=True))
    assert costs["/v0/"] == 3_000
    assert 2_500 < costs["/v9/"] < 4_500
    assert costs["/v-new/"] < 1_000


def test_an_object_with_aliases_counts_once() -> None:
    route = Route("site", SITE, bucket="assets", strip_extensions=(".html",))
    keys = ["docs/a/index.html", "docs/b/index.html", "img/1", "img/2", "img/3"]
    changed = ["docs/c/index.html", "docs/d/index.html", "img/8", "img/9"]
    items = planned(changed, [route], Budget(3, 3), everything([*keys, *changed]))
    assert "/docs/*" in items or "/docs*" in items
    assert not any(item.startswith("/img/*") for item in items)


@pytest.mark.parametrize(
    ("route", "spared"),
    [
        pytest.param({"origin_path": "/www"}, "www/b/{}", id="origin path"),
        pytest.param({"prefix": "b"}, "b/{}", id="prefix"),
        pytest.param({"suffix": ".html"}, "b/{}.html", id="suffix"),
        pytest.param({"ignore": ("*.map",)}, "b/{}", id="ignore"),
        pytest.param({"origin_path": "/größe 1"}, "größe 1/b/{}", id="origin path of another script"),
    ],
)
def test_only_objects_that_the_route_serves_count(route: dict[str, object], spared: str) -> None:
    served = Route("site", SITE, bucket="assets", index_documents=(), **route)  # type: ignore[arg-type]
    start = served.origin_path[1:] + "/" if served.origin_path else ""
    changed = [f"{start}b{side}/{each}.html" for side in "xy" for each in range(3)]
    unserved_keys = [f"{start}bx/{each}.map" for each in range(50)] if served.suffix or served.ignore else []
    outside = [f"other/bx/{each}.html" for each in range(50)]
    kept = [f"{start}by/{each}.html" for each in range(3, 40)]
    items = planned(changed, [served], Budget(4, 1), everything([*changed, *unserved_keys, *outside, *kept]))
    assert items == ("/bx/*", "/by/0.html", "/by/1.html", "/by/2.html")


def test_the_routes_of_one_bucket_count_an_object_once_and_other_buckets_add_theirs() -> None:
    def pages(places: Sequence[Place]) -> list[Page | ListingError]:
        buckets = {"one": [b"a/3", b"a/4", b"b/3"], "two": [b"b/4", b"b/5", b"b/6"]}
        return [page for place in places for page in pages_of(buckets[place.bucket], [place])]

    routes = [
        Route("first", SITE, bucket="one", index_documents=()),
        Route("second", SITE, bucket="one", prefix="a/", index_documents=()),
        Route("third", SITE, bucket="two", index_documents=()),
    ]
    paths = ["/a/1", "/a/2", "/b/1", "/b/2"]
    assert covering_items(paths, Budget(3, 3), Listing(pages).measure(routes)) == ("/a/*", "/b/1", "/b/2")
    assert covering_items(paths, Budget(3, 3), Listing(pages).measure(routes[:2])) == ("/a/1", "/a/2", "/b/*")


def test_nothing_is_listed_while_the_budget_holds() -> None:
    listing = of(["a", "b"])
    assert covering_items(["/a", "/b"], Budget(2, 2), listing.measure([PLAIN])) == ("/a", "/b")
    assert listing.pages == 0


def test_a_bucket_that_cannot_be_listed_is_planned_blind_asked_once_and_named() -> None:
    asked: list[Place] = []

    def refuse(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.extend(places)
        return [ListingError(place.bucket, "AccessDenied") for place in places]

    listing = Listing(refuse)
    paths = [f"/{a}/{b}" for a in "abc" for b in range(5)]
    assert covering_items(paths, Budget(3, 3), listing.measure([PLAIN])) == covering_items(
        paths, Budget(3, 3)
    )
    assert listing.failures == {"assets": "bucket assets cannot be listed: AccessDenied"}
    assert len(asked) == 1


def test_no_more_pages_are_asked_for_than_the_bound_allows() -> None:
    site = made_up("unkind", 10_000, 500, seed=1)
    listing = of(site.keys, max_pages=5)
    planned(site.changed, [PLAIN], Budget(), listing)
    assert listing.pages == 5


def test_the_listing_stops_when_its_time_is_up() -> None:
    site = made_up("unkind", 10_000, 500, seed=1)
    ticks = count()
    listing = of(site.keys, now=lambda: next(ticks), max_seconds=3)  # type: ignore[arg-type]
    planned(site.changed, [PLAIN], Budget(), listing)
    assert 0 < listing.pages <= 12


def test_whole_directories_are_merged_where_no_wildcard_may_stand_above_them() -> None:
    changed = [f"{directory:03}/{name}.html" for directory in range(200) for name in "ab"]
    items = planned(
        changed, [PLAIN], Budget(max_paths=250, max_wildcards=250, min_wildcard_depth=1), of(changed)
    )
    assert sorted(items) == [f"/{directory:03}/*" for directory in range(200)]


def test_many_small_directories_are_merged_beside_a_large_one_where_none_stands_above_them() -> None:
    """The rough choice leaves out small forks, but none without which the budget cannot be kept."""
    changed = [f"big/{number:04}" for number in range(4_000)]
    changed += [f"small-{directory}/{number}" for directory in range(40) for number in range(3)]
    items = planned(changed, [PLAIN], Budget(min_wildcard_depth=1), of([*changed, "big/unchanged"]))
    assert len(items) <= 100
    assert not any(item.startswith(("/s*", "/small*", "/*")) for item in items)


@pytest.mark.parametrize("shape", ["directories", "assets"])
@pytest.mark.parametrize("pages", [10, 50])
def test_partial_knowledge_spares_more_than_none(shape: str, pages: int) -> None:
    site = made_up(shape, 30_000, 1_000, seed=3)
    blind = covering_items([f"/{key}" for key in site.changed], Budget())
    items = planned(site.changed, [PLAIN], Budget(), of(site.keys, max_pages=pages))
    assert collateral_of_plain(items, site.keys, site.changed) <= collateral_of_plain(
        blind, site.keys, site.changed
    )


def collateral_of_plain(items: Sequence[str], keys: Iterable[str], changed: Iterable[str]) -> int:
    prefixes = tuple(item[:-1] for item in items if item.endswith("*"))
    return sum(f"/{key}".startswith(prefixes) for key in set(keys).difference(changed))


def test_a_listing_within_the_bounds_plans_as_if_all_were_known() -> None:
    chance = random.Random(5)  # noqa: S311
    keys = sorted(
        {f"{chance.randrange(20)}/{chance.randrange(30)}/{chance.randrange(40)}" for _ in range(9_000)}
    )
    changed = chance.sample(keys, 700)
    known = covering_items(
        [f"/{key}" for key in changed], Budget(), [f"/{key}" for key in set(keys).difference(changed)]
    )
    assert planned(changed, [PLAIN], Budget(), of(keys, max_seconds=60)) == known
