"""From settings and a batch to a plan: who is served, what is refused, and what an inventory may cost."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from invalidator.events import Batch, Change, Ignored, Request
from invalidator.pipeline import Prepared, prepare
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
    assert prepared.changes == {SITE: 2, DOCS: 1}


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
    assert ignored.message_id == "m0"
    assert "docs" in ignored.reason


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
            Request("r1", distribution_id="EOTHER"), "EOTHER", id="a distribution that is not configured"
        ),
        pytest.param(Request("r1"), "distribution_id", id="none named where several are served"),
        pytest.param(
            Request("r1", ("a",), distribution_id="ESITE"), "slash", id="a path without its leading slash"
        ),
    ],
)
def test_a_bad_request_is_rejected_alone_with_what_to_do(request_: Request, said: str) -> None:
    good = Request("r2", ("/ok",), distribution_id="EDOCS")
    prepared = prepare(settings(plain("site", SITE), plain("docs", DOCS)), asked(request_, good))
    assert items(prepared) == {"EDOCS": ["/ok"]}
    (rejected,) = prepared.rejected
    assert rejected.message_id == "r1"
    assert said in rejected.error


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
    assert [invalidation.items for invalidation in prepared.rehearsed] == [("/a",)]


class Listing:
    """Stands for the bucket's listing, which `inventory.py` gets from S3, and remembers what was asked."""

    def __init__(self, keys: Iterable[str] | None) -> None:
        self.keys = None if keys is None else list(keys)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, bucket: str, prefix: str) -> list[str] | None:
        self.asked.append((bucket, prefix))
        return None if self.keys is None else [key for key in self.keys if key.startswith(prefix)]


CHANGED = (*(f"www/a/{number}.html" for number in range(6)), "www/b/x.html")
TIGHT = Budget(max_paths=3, max_wildcards=3)


def test_the_bucket_is_not_listed_while_the_budget_holds() -> None:
    listing = Listing([])
    prepare(settings(plain("site", SITE), inventory=True), changes("a", "b"), listing)
    assert listing.asked == []


def test_an_inventory_is_listed_under_the_origin_path_and_spares_what_did_not_change() -> None:
    unchanged = [f"www/b/{number}.html" for number in range(50)]
    listing = Listing([*CHANGED, *unchanged, "elsewhere/a.html"])
    route = plain("site", SITE, origin_path="/www")
    prepared = prepare(settings(route, budget=TIGHT, inventory=True), changes(*CHANGED), listing)
    assert listing.asked
    assert all(bucket == "assets" and prefix.startswith("www/") for bucket, prefix in listing.asked)
    assert items(prepared) == {"ESITE": ["/a/*", "/b/x.html"]}


def test_a_bucket_that_cannot_be_listed_is_planned_blind_and_nothing_is_lost() -> None:
    prepared = prepare(
        settings(plain("site", SITE), budget=TIGHT, inventory=True), changes(*CHANGED), Listing(None)
    )
    served = frozenset().union(*(invalidation.message_ids for invalidation in prepared.invalidations))
    assert served == {f"m{number}" for number in range(len(CHANGED))}
