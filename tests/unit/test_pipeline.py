"""From settings and a batch to a plan: who is served, what is refused, and what an inventory may cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from invalidator import pipeline
from invalidator.events import Batch, Change, Ignored, Request
from invalidator.listing import Listing, ListingError, Page, Place, pages_of
from invalidator.pipeline import Prepared, Routed, prepare, routed
from invalidator.settings import Budget, Route, Settings, Target

SITE = Target("ESITE")
DOCS = Target("EDOCS")


def settings(*routes: Route, budget: Budget | None = None, inventory: bool = False) -> Settings:
    targets = {route.target for route in routes}
    return Settings(
        routes=routes,
        default_target=next(iter(targets)) if len(targets) == 1 else None,
        budget=budget or Budget(),
        inventory=inventory,
    )


def plain(name: str, target: Target, bucket: str = "assets", **more: object) -> Route:
    return Route(name=name, target=target, bucket=bucket, index_documents=(), **more)  # type: ignore[arg-type]


def changes(*keys: str, bucket: str = "assets") -> Batch:
    return Batch(
        queued=True,
        message_ids=tuple(f"m{number}" for number, _ in enumerate(keys)),
        changes=tuple(Change(f"m{number}", bucket, key) for number, key in enumerate(keys)),
    )


def asked(*requests: Request) -> Batch:
    return Batch(queued=False, message_ids=tuple(each.message_id for each in requests), requests=requests)


def items(prepared: Prepared) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for invalidation in prepared.invalidations:
        found.setdefault(invalidation.target.id, []).extend(invalidation.items)
    return {target: sorted(each) for target, each in found.items()}


def test_an_object_is_invalidated_at_every_distribution_that_serves_it() -> None:
    prepared = prepare(
        settings(plain("site", SITE), plain("docs", DOCS, prefix="docs/")), changes("docs/a.html", "b")
    )
    assert items(prepared) == {"ESITE": ["/b", "/docs/a.html"], "EDOCS": ["/docs/a.html"]}
    assert prepared.change_counts == {SITE: 2, DOCS: 1}


def test_two_routes_to_one_distribution_share_its_plan() -> None:
    routes = plain("a", SITE, bucket="one"), plain("b", SITE, bucket="two")
    batch = Batch(True, ("m1", "m2"), changes=(Change("m1", "one", "x"), Change("m2", "two", "x")))
    prepared = prepare(settings(*routes), batch)
    assert items(prepared) == {"ESITE": ["/x"]}
    assert prepared.invalidations[0].serves["/x"] == {"m1", "m2"}


def test_an_object_that_no_route_serves_is_ignored_with_the_reason_of_each_route() -> None:
    prepared = prepare(settings(plain("docs", DOCS, prefix="docs/")), changes("img/logo.png"))
    assert prepared.invalidations == ()
    (ignored,) = prepared.ignored
    assert ignored == Ignored("m0", "route docs: the key does not start with 'docs/'", "img/logo.png")


def test_of_many_routes_that_do_not_serve_an_object_five_reasons_are_given() -> None:
    routes = [plain(f"r{number}", SITE, bucket=f"b{number}") for number in range(7)]
    (ignored,) = prepare(settings(*routes), changes("a")).ignored
    reasons = [f"route r{number}: it serves the bucket 'b{number}', not 'assets'" for number in range(5)]
    assert ignored.reason == "; ".join(reasons) + " and 2 more"


def test_an_object_that_one_of_several_routes_serves_is_not_ignored() -> None:
    routes = plain("docs", DOCS, prefix="docs/"), plain("site", SITE)
    assert prepare(settings(*routes), changes("a")).ignored == ()


def test_what_the_events_ignored_or_rejected_is_kept() -> None:
    batch = Batch(True, ("m1",), ignored=(Ignored("m1", "a test event"),))
    assert prepare(settings(plain("site", SITE)), batch).ignored == (Ignored("m1", "a test event"),)


def test_a_request_without_paths_gets_the_default_paths() -> None:
    assert items(prepare(settings(plain("site", SITE)), asked(Request("r1")))) == {"ESITE": ["/*"]}


def test_a_request_for_tags_alone_does_not_get_the_default_paths() -> None:
    assert items(prepare(settings(plain("site", SITE)), asked(Request("r1", tags=("blue",))))) == {
        "ESITE": ["#blue"]
    }


def test_a_request_for_an_empty_list_of_paths_creates_nothing() -> None:
    batch = asked(Request("r1", paths=(), tags=("x",)))
    assert items(prepare(settings(plain("site", SITE)), batch)) == {"ESITE": ["#x"]}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        pytest.param(
            Request("r1", distribution_id="EOTHER"),
            "distribution 'EOTHER' is not one that this function serves: name one of EDOCS, ESITE, "
            "or add a route for it to the module",
            id="a distribution that is not configured",
        ),
        pytest.param(
            Request("r1"),
            'the request must name its "distribution_id": one of EDOCS, ESITE',
            id="none named where several are served",
        ),
        pytest.param(
            Request("r1", ("a",), distribution_id="ESITE"),
            "path 'a' must start with a slash, as '/images/logo.png'",
            id="a path without its leading slash",
        ),
    ],
)
def test_a_bad_request_is_rejected_alone_with_what_to_do(request_: Request, said: str) -> None:
    good = Request("r2", ("/ok",), distribution_id="EDOCS")
    prepared = prepare(settings(plain("site", SITE), plain("docs", DOCS)), asked(request_, good))
    assert items(prepared) == {"EDOCS": ["/ok"]}
    (rejected,) = prepared.rejected
    assert (rejected.message_id, rejected.error) == ("r1", said)


def test_the_job_of_a_rejected_request_is_kept_so_that_it_is_answered() -> None:
    prepared = prepare(settings(plain("site", SITE)), asked(Request("r1", ("a",), job_id="job-1")))
    assert [rejected.job_id for rejected in prepared.rejected] == ["job-1"]


def test_requested_paths_are_never_merged_into_something_broader() -> None:
    paths = tuple(f"/a/{number}" for number in range(5))
    budget = Budget(max_paths=2, max_wildcards=1)
    prepared = prepare(settings(plain("site", SITE), budget=budget), asked(Request("r1", paths)))
    assert items(prepared) == {"ESITE": sorted(paths)}


def test_a_change_that_a_request_covers_rides_along_with_it() -> None:
    batch = Batch(
        True, ("r", "c"), changes=(Change("c", "assets", "a/b"),), requests=(Request("r", ("/a/*",)),)
    )
    prepared = prepare(settings(plain("site", SITE)), batch)
    assert items(prepared) == {"ESITE": ["/a/*"]}
    assert prepared.invalidations[0].serves["/a/*"] == {"r", "c"}


def test_a_dry_run_is_planned_and_kept_apart_from_what_is_sent() -> None:
    batch = asked(Request("r1", ("/a",), dry_run=True), Request("r2", ("/b",)))
    prepared = prepare(settings(plain("site", SITE)), batch)
    assert items(prepared) == {"ESITE": ["/b"]}
    assert [invalidation.items for invalidation in prepared.dry_run_invalidations] == [("/a",)]


def test_twenty_thousand_requested_wildcards_beside_a_thousand_changes_are_planned_in_time() -> None:
    wildcards = tuple(f"/{number}/*" for number in range(20_000))
    changed = changes(*(f"{number}/x" for number in range(1_000)), "0", "elsewhere/x")
    batch = changed._replace(requests=(Request("r", wildcards),))
    start = time.process_time()
    prepared = prepare(settings(plain("site", SITE)), batch)
    assert time.process_time() - start < 4
    serves = {item: ids for call in prepared.invalidations for item, ids in call.serves.items()}
    assert serves["/7/*"] == {"r", "m7"}
    assert serves.keys() - wildcards == {"/0", "/elsewhere/x"}


CHANGED = (*(f"www/a/{number}.html" for number in range(6)), "www/b/x.html")
TIGHT = Budget(max_paths=3, max_wildcards=3)


def listing_of(*keys: str) -> tuple[Listing, list[Place]]:
    """A listing of these keys, and what is asked of it."""
    asked: list[Place] = []

    def pages(places: Sequence[Place]) -> list[Page | ListingError]:
        asked.extend(places)
        return pages_of(sorted(key.encode() for key in keys), places)

    return Listing(pages), asked


def test_the_bucket_is_not_listed_while_the_budget_holds() -> None:
    listing, asked = listing_of()
    prepare(settings(plain("site", SITE)), changes("a", "b"), listing)
    assert asked == []


def test_a_bucket_is_listed_under_the_origin_path_and_what_did_not_change_is_spared() -> None:
    unchanged = [f"www/b/{number}.html" for number in range(50)]
    listing, asked = listing_of(*CHANGED, *unchanged, "elsewhere/a.html")
    route = plain("site", SITE, origin_path="/www")
    prepared = prepare(settings(route, budget=TIGHT), changes(*CHANGED), listing)
    assert asked
    assert all(place.bucket == "assets" and place.prefix == "www/" for place in asked)
    assert items(prepared) == {"ESITE": ["/a/*", "/b/x.html"]}


def test_the_targets_of_one_batch_share_the_bounds_of_its_listing() -> None:
    keys = [f"{a}/{b}" for a in range(40) for b in range(9)]
    bounded = Listing(partial(pages_of, sorted(map(str.encode, keys))), max_pages=1)
    routes = plain("site", SITE), plain("docs", DOCS)
    prepared = prepare(settings(*routes, budget=TIGHT), changes(*keys[::2]), bounded)
    assert bounded.pages == 1
    assert items(prepared).keys() == {"ESITE", "EDOCS"}


ROUTED = settings(
    plain("site", SITE, prefix="www/", origin_path="/www"), Route("docs", DOCS, "assets", prefix="docs/")
)
"""A bucket of two distributions."""


def by_key(*keys: str, **more: Any) -> Request:
    return Request("r1", paths=(), keys=keys, **more)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(
            by_key("www/it's ü.html"), {"ESITE": ["/it's%20%C3%BC.html", "/it's+%C3%BC.html"]}, id="encoded"
        ),
        pytest.param(
            by_key("docs/index.html"), {"EDOCS": ["/docs", "/docs/", "/docs/index.html"]}, id="aliases"
        ),
        pytest.param(by_key("www/a", "docs/b"), {"ESITE": ["/a"], "EDOCS": ["/docs/b"]}, id="two targets"),
        pytest.param(
            by_key("www/a", "docs/b", distribution_id="EDOCS"), {"EDOCS": ["/docs/b"]}, id="one named"
        ),
        pytest.param(by_key("www/a", bucket="assets"), {"ESITE": ["/a"]}, id="bucket named"),
        pytest.param(by_key("www/a", "www/a"), {"ESITE": ["/a"]}, id="twice"),
        pytest.param(by_key(), {}, id="none"),
        pytest.param(
            Request("r1", paths=("/x",), keys=("www/a",), distribution_id="ESITE"),
            {"ESITE": ["/a", "/x"]},
            id="paths beside",
        ),
    ],
)
def test_request_by_key(request_: Request, expected: dict[str, list[str]]) -> None:
    prepared = prepare(ROUTED, asked(request_))
    assert items(prepared) == expected
    assert prepared.rejected == ()
    dry = prepare(ROUTED, asked(request_._replace(dry_run=True)))
    assert dry.invalidations == ()
    assert [each.items for each in dry.dry_run_invalidations] == [
        each.items for each in prepared.invalidations
    ]


def test_key_that_no_route_serves() -> None:
    prepared = prepare(ROUTED, asked(by_key("www/a", "elsewhere/b")))
    assert items(prepared) == {"ESITE": ["/a"]}
    (ignored,) = prepared.ignored
    assert ignored == Ignored(
        "r1",
        "route site: the key does not start with 'www/'; route docs: the key does not start with 'docs/'",
        "elsewhere/b",
    )


@pytest.mark.parametrize(
    ("routes", "request_", "said"),
    [
        pytest.param(
            (plain("a", SITE, "one"), plain("b", SITE, "two")),
            by_key("x"),
            "the request must name its \"bucket\": one of 'one', 'two'",
            id="several",
        ),
        pytest.param(
            (plain("a", SITE, "one"), plain("b", SITE, "two")),
            by_key("x", bucket="other"),
            "no route serves the bucket 'other': name one of 'one', 'two'",
            id="unknown",
        ),
        pytest.param(
            (plain("a", SITE, ""),),
            by_key("x"),
            "a request by key needs a route with a bucket: ask for paths instead",
            id="no bucket",
        ),
        pytest.param(
            (plain("a", SITE),),
            by_key("x", distribution_id="E9"),
            "distribution 'E9' is not one that this function serves: name one of ESITE, "
            "or add a route for it to the module",
            id="unknown distribution",
        ),
    ],
)
def test_request_by_key_without_its_bucket(routes: Sequence[Route], request_: Request, said: str) -> None:
    prepared = prepare(settings(*routes), asked(request_))
    assert prepared.invalidations == ()
    assert [each.error for each in prepared.rejected] == [said]


def test_keys_are_merged_by_budget_and_inventory() -> None:
    unchanged = [f"www/b/{number}.html" for number in range(50)]
    listing, places = listing_of(*CHANGED, *unchanged)
    route = plain("site", SITE, origin_path="/www")
    request = asked(by_key(*CHANGED, dry_run=True), by_key(*CHANGED))
    prepared = prepare(settings(route, budget=TIGHT), request, listing)
    assert places
    assert items(prepared) == {"ESITE": ["/a/*", "/b/x.html"]}
    assert [each.items for each in prepared.dry_run_invalidations] == [("/a/*", "/b/x.html")]
    assert ("/a/*" in {item for _, item in prepared.requested}) is False


@pytest.mark.parametrize("max_paths", [100, 5_000])
def test_ceiling_of_items(max_paths: int) -> None:
    """3,000 names at the root have 18,000 paths, which a least depth of 1 forbids to merge."""
    budget = Budget(max_paths=max_paths, max_wildcards=30, min_wildcard_depth=1)
    route = Route("site", SITE, "assets")
    prepared = prepare(
        settings(route, budget=budget), changes(*(f"x {number}/index.html" for number in range(3_000)))
    )
    assert sum(len(each.items) for each in prepared.invalidations) <= max(3_000, max_paths)


@pytest.mark.parametrize(("depth", "path"), [(0, "/a*"), (1, "/a%7Eb")])
def test_the_wildcard_of_a_tilde_keeps_to_the_least_depth(depth: int, path: str) -> None:
    budget = Budget(max_paths=100, max_wildcards=30, min_wildcard_depth=depth)
    prepared = prepare(settings(plain("site", SITE), budget=budget), changes("a~b"))
    assert items(prepared) == {"ESITE": [path]}


def test_a_change_has_the_paths_of_each_target_that_serves_it() -> None:
    """A caller routes one change at a time, and need not hold what a whole batch comes to."""
    two = settings(plain("site", SITE), plain("other", DOCS))
    assert routed(two, Change("m1", "assets", "k1")) == Routed("m1", ((SITE, ("/k1",)), (DOCS, ("/k1",))))


def test_a_key_that_no_path_can_hold_is_rejected_with_its_message() -> None:
    prepared = prepare(settings(plain("site", SITE)), changes("good", "half of a pair \ud800"))
    assert items(prepared) == {"ESITE": ["/good"]}
    (rejected,) = prepared.rejected
    assert rejected.message_id == "m1"
    assert rejected.error.endswith("is not Unicode text: half of a surrogate pair stands alone")


@pytest.mark.parametrize(("tilde", "item"), [("wildcard", "/runtime*"), ("encoded", "/runtime%7Emain.js")])
def test_a_tilde_is_invalidated_as_the_settings_say(tilde: str, item: str) -> None:
    written = settings(plain("site", SITE))._replace(tilde=tilde)  # type: ignore[arg-type]
    prepared = prepare(written, changes("runtime~main.js"))
    assert items(prepared) == {"ESITE": [item]}


def test_what_does_not_fit_into_one_plan_is_rejected_and_the_rest_is_planned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "MAX_CHARACTERS", len("/111111"))
    batch = Batch(True, ("m1", "m2"), tuple(Change(f"m{n}", "assets", f"{n}" * 6) for n in (1, 2, 2)))
    prepared = prepare(settings(plain("site", SITE)), batch)
    assert [each.items for each in prepared.invalidations] == [("/111111",)]
    (rejected,) = prepared.rejected
    assert (rejected.message_id, rejected.error) == (
        "m2",
        "the paths have over 7 characters, too many for one plan: request the keys in several requests",
    )


def test_a_request_with_too_many_keys_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MAX_KEYS", 2)
    many = Request("q", paths=(), keys=("a", "b", "c"))
    (rejected,) = prepare(settings(plain("site", SITE)), Batch(False, ("q",), requests=(many,))).rejected
    assert rejected.error == "the request has 3 keys, and at most 2 fit into one: send several requests"


def test_the_buckets_without_an_inventory_count_for_each_target_that_they_serve() -> None:
    served = settings(
        plain("a", SITE, "x", prefix="a/"),
        plain("b", SITE, "y"),
        plain("c", SITE, "x", prefix="c/"),
        plain("d", DOCS, "y"),
        plain("e", DOCS, ""),
    )
    assert pipeline.blind(served, {"y": "no"}) == {SITE: 1, DOCS: 1}
    assert pipeline.blind(served, {"x": "no", "y": "no"}) == {SITE: 2, DOCS: 1}
    assert pipeline.blind(served, {}) == {}
    assert set(pipeline.given_up(served)) == {"x", "y"}
    assert set(pipeline.given_up(served, DOCS)) == {"y"}
