"""From an upload to the edge, as properties: no URL of the object stays stale, no other object is purged.

`tests/support/matcher.py` judges what an item purges. How S3 writes a key into an event, and which URLs a
viewer can use for an object, is written here once more, from the rules and not from the code under test.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import payloads
from tests.support.matcher import may_purge, surely_purges
from tests.support.viewers import HARD, escaped, is_cut, keys_of, names, spelled, stale, urls

from invalidator.doubt import wildcards_instead
from invalidator.events import Batch, Change, read
from invalidator.paths import viewer_paths, why_not_served
from invalidator.pipeline import prepare
from invalidator.plan import covering_items
from invalidator.settings import Budget, Route, Settings, Target

BUCKET = "amzn-s3-demo-bucket"
S3_SAYS_AS_IT_IS = string.ascii_letters + string.digits + "/-_.*"
"""What form encoding leaves alone, and the slash, which S3 leaves alone too."""


# --- What S3 does -----------------------------------------------------------------------------


def form_encoded(key: str) -> str:
    return "".join(
        "+" if char == " " else char if char in S3_SAYS_AS_IT_IS else escaped(char) for char in key
    )


def notification(key: str) -> Any:
    payload = payloads.load("s3/object-created")
    payload["Records"][0]["s3"]["object"]["key"] = form_encoded(key)
    return payload


def eventbridge_event(key: str) -> Any:
    payload = payloads.load("eventbridge/object-created")
    payload["detail"]["object"]["key"] = key
    return payload


def topic(payload: Any) -> Any:
    around = payloads.load("sns/s3-object-created")
    around["Records"][0]["Sns"]["Message"] = json.dumps(payload)
    return around


def queue(payload: Any) -> Any:
    around = payloads.load("sqs/s3-object-created")
    around["Records"][0]["body"] = json.dumps(payload, ensure_ascii=False)
    return around


WIRINGS: dict[str, Callable[[str], Any]] = {
    "S3": notification,
    "EventBridge": eventbridge_event,
    "S3, SNS": lambda key: topic(notification(key)),
    "EventBridge, SNS": lambda key: topic(eventbridge_event(key)),
    "S3, SQS": lambda key: queue(notification(key)),
    "EventBridge, SQS": lambda key: queue(eventbridge_event(key)),
    "S3, SNS, SQS": lambda key: queue(topic(notification(key))["Records"][0]["Sns"]),
    "EventBridge, SNS, SQS": lambda key: queue(topic(eventbridge_event(key))["Records"][0]["Sns"]),
}


# --- What there may be ------------------------------------------------------------------------

# All that S3 allows, and more often what means something to somebody on the way.
CHARACTERS = st.one_of(
    st.sampled_from("~ +%*?#&=/.:@!'()[]{}|\\^`\"<>;,$-_aZ0\n\r\t\x00\x7f\x80éß語\u0301\u202e\ufeff\uffff😀"),
    st.characters(exclude_categories=["Cs"]),
)
WORDS = st.one_of(
    st.sampled_from(["index.html", ".html", "a.html", "index", "docs", "a b", "..", ".", "~"]),
    st.sampled_from(["*", "?*", "%2A", "%7E"]),
    st.text(CHARACTERS, min_size=1, max_size=12),
)


def cut_to_1000_bytes(text: str) -> str:
    """S3 allows 1,024; an origin path may still come before."""
    return text.encode()[:1_000].decode(errors="ignore")


KEYS = st.one_of(
    st.lists(WORDS, min_size=1, max_size=6).map("/".join),
    st.text(CHARACTERS, min_size=1, max_size=40),
    st.builds(str.__mul__, WORDS, st.integers(20, 400)),
).map(cut_to_1000_bytes)
ORIGIN_PATHS = st.sampled_from(["", "/docs", "/a b/~c", "/é+/%2A"])
TILDES = st.sampled_from(["wildcard", "encoded"])
DEPTHS = st.integers(0, 3)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    return Route(
        name="site",
        target=Target("E2QWRUHEXAMPLE"),
        bucket=BUCKET,
        origin_path=draw(ORIGIN_PATHS),
        index_documents=draw(st.sampled_from([(), ("index.html",), ("index.html", "a.html", "~")])),
        strip_extensions=draw(st.sampled_from([(), (".html",), (".html", ".htm", ".b")])),
        query_strings=draw(st.booleans()),
    )


def under(route: Route, name: str) -> str:
    """A key that the route serves."""
    return f"{route.origin_path}/{name}"[1:]


def items_of(key: str, wiring: str, route: Route, tilde: str, min_wildcard_depth: int) -> tuple[str, ...]:
    """The way of an upload through the product, as far as its viewer paths."""
    batch = read(WIRINGS[wiring](key), "invocation")
    assert not batch.rejected
    (change,) = batch.changes
    assert (change.bucket, change.key) == (BUCKET, key)
    assert why_not_served(change.bucket, change.key, route) is None
    return viewer_paths(change.key, route, tilde, min_wildcard_depth)


# --- The properties ---------------------------------------------------------------------------


@settings(max_examples=1_000, deadline=None)
@given(KEYS, routes(), TILDES, DEPTHS, st.sampled_from(sorted(WIRINGS)))
def test_every_url_of_an_uploaded_object_is_surely_purged(
    name: str, route: Route, tilde: str, depth: int, wiring: str
) -> None:
    key = under(route, name)
    items = items_of(key, wiring, route, tilde, depth)
    expected = urls(key, route, tilde, depth)
    assert expected
    for url in expected:
        assert any(surely_purges(item, url) for item in items), url
    assert all(item.isascii() and item.startswith("/") and len(item) <= 4_000 for item in items)


@st.composite
def names_and_neighbours(draw: st.DrawFn) -> tuple[str, str]:
    """The names of two objects, where one may have been chosen with an eye on the other."""
    name = draw(KEYS)
    inserted = draw(WORDS)
    near = [
        name + inserted,
        f"{name}/{inserted}",
        inserted + name,
        name[:-1],
        name.swapcase(),
        name.replace("*", inserted),
        name.replace("?", inserted),
        name.replace(" ", "+"),
        name.replace("+", " "),
        unquote(name),
        name[: name.rindex("/") + 1] + inserted if "/" in name else inserted,
        name.split("/")[0],
        draw(KEYS),
    ]
    return name, draw(st.sampled_from([other for other in near if other]))


@settings(max_examples=1_000, deadline=None)
@given(names_and_neighbours(), routes(), TILDES, DEPTHS)
def test_no_url_of_another_object_may_be_purged(
    both: tuple[str, str], route: Route, tilde: str, depth: int
) -> None:
    key, other = (under(route, name) for name in both)
    of_others = urls(other, route, "wildcard") - urls(key, route, "wildcard")
    # The exception is the wildcard before a `~`, by the choice of who set `tilde`: it is as tight as can be.
    cuts = {
        spelled(f"{before}x", space, "%7E")[:-1] + "*"
        for before, _, _ in (name.partition("~") for name in names(key, route) if is_cut(name, tilde, depth))
        for space in ("%20", "+")
    }
    for item in viewer_paths(key, route, tilde, depth):
        assert item in cuts or not [url for url in of_others if may_purge(item, url)], item


@given(KEYS, KEYS, routes())
def test_a_route_serves_what_lies_under_the_segments_of_its_origin_path(
    name: str, other: str, route: Route
) -> None:
    assert why_not_served(BUCKET, under(route, name), route) is None
    directories = route.origin_path.split("/")
    segments = f"/{other}".split("/")
    lies_under = segments[: len(directories)] == directories and len(segments) > len(directories)
    assert (why_not_served(BUCKET, other, route) is None) == lies_under
    beside = under(route, name).replace("/", "2/", 1)
    assert (why_not_served(BUCKET, beside, route) is None) == (not route.origin_path)


SITE = ["index.html", "about.html", "a/index.html", "a/b.html", "a/b c.css", "logo.png", "products", "_/a+b"]

STRANGE = [
    "*", "**", "a*", "a/*", "a/b*", "a/b.*", "*/", "*/index.html", "a*/index.html", "*.html", "a/*.html",
    "?*", "a/?*", "index.html?*", "%2A", "a/%2A", "/", "//", "/*", "/a/*", "/index.html", "a//index.html",
    "..", "../*", "a/..", "a/../*", "a/../index.html", "./*", "\n", "\n/*", "a\n*", "\r\n*", "\x00*",
    "#", "#x", "#products", "#*", " ", " *", "+", "+*", "*+", "\u2217", "\uff0a", "\u202e*", ".html",
    "a/.html", "&*", "<Path>/*</Path>", "&#42;", "/*?", "http://example.com/*", "e\u0301*", "\ufeff*",
    "\x7f*", "~", "~*", "a/~/*", "*~",
]  # fmt: skip


def site_route(**fields: Any) -> Route:
    return Route("site", Target("E2QWRUHEXAMPLE"), BUCKET, **fields)


@pytest.mark.parametrize(
    "route",
    [
        pytest.param(site_route(index_documents=()), id="plain"),
        pytest.param(site_route(strip_extensions=(".html",)), id="website"),
        pytest.param(site_route(strip_extensions=(".html",), query_strings=True), id="query strings"),
    ],
)
def test_a_stranger_cannot_purge_the_site_by_the_name_of_an_upload(route: Route) -> None:
    """Whatever he calls his object, he reaches what is his alone, or what he made up."""
    of_site = set().union(*(urls(key, route, "wildcard") for key in SITE))
    assert len(of_site) > len(SITE)
    for name in STRANGE:
        items = items_of(name, "S3, SQS", route, "encoded", 0)
        assert items
        assert not [(item, url) for item in items for url in of_site if may_purge(item, url)], name
        assert not [item for item in items if item.startswith("#")], name


UPLOADS = Settings(
    routes=(
        Route("uploads", Target("E2QWRUHEXAMPLE"), BUCKET, prefix="uploads/", strip_extensions=(".html",)),
        Route("site", Target("E2QWRUHEXAMPLE"), BUCKET, prefix="site/"),
    ),
    default_target=None,
)
"""A route of its own for what strangers write."""


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.one_of(KEYS, st.sampled_from([*STRANGE, "index.html"])), min_size=1, max_size=40),
    st.one_of(
        st.builds(Budget, st.integers(4, 9), st.integers(2, 4)),
        st.builds(Budget, st.integers(1, 5), st.integers(1, 3), st.just(1)),
    ),
    st.booleans(),
    TILDES,
)
def test_stranger_under_uploads(names: list[str], budget: Budget, query_strings: bool, tilde: Any) -> None:
    """Whatever the keys and the budget, `/uploads/*` is the most, and `/uploads`, which is an alias of it.

    Budgets of fewer than four items or two wildcards need the depth of 1: at 0, they may leave `/uploads*`.
    """
    routes = tuple(route._replace(query_strings=query_strings) for route in UPLOADS.routes)
    changes = tuple(Change(f"m{number}", BUCKET, f"uploads/{name}") for number, name in enumerate(names))
    prepared = prepare(UPLOADS._replace(routes=routes, budget=budget, tilde=tilde), Batch(True, (), changes))
    items = {item for each in prepared.invalidations for item in each.items}
    assert items
    assert {item for item in items if not item.startswith("/uploads/")} <= {"/uploads", "/uploads?*"}
    instead = {each for item in items if "?" not in item for each in wildcards_instead(item, 0)}
    assert {each for each in instead if not each.startswith("/uploads/")} == set()


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.one_of(KEYS, st.sampled_from(STRANGE)), min_size=1, max_size=40),
    st.builds(Budget, st.integers(1, 5), st.integers(1, 3)),
    TILDES,
)
def test_stranger_under_uploads_without_index_documents(names: list[str], budget: Budget, tilde: Any) -> None:
    """Then no depth is needed."""
    routes = tuple(route._replace(index_documents=()) for route in UPLOADS.routes)
    changes = tuple(Change(f"m{number}", BUCKET, f"uploads/{name}") for number, name in enumerate(names))
    prepared = prepare(UPLOADS._replace(routes=routes, budget=budget, tilde=tilde), Batch(True, (), changes))
    items = [item for each in prepared.invalidations for item in each.items]
    assert items
    assert all(item.startswith("/uploads/") for item in items)


BUDGETS = st.builds(Budget, st.integers(1, 10), st.integers(1, 5), DEPTHS)


@settings(max_examples=300, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=25), routes(), TILDES, BUDGETS)
def test_merged_under_any_budget_every_url_is_still_surely_purged(
    found: list[str], route: Route, tilde: str, budget: Budget
) -> None:
    depth = budget.min_wildcard_depth
    keys = [under(route, name) for name in found]
    paths = [path for key in keys for path in viewer_paths(key, route, tilde, depth)]
    items = covering_items(paths, budget)
    assert not stale((url for key in keys for url in urls(key, route, tilde, depth)), items)


WEBSITE = site_route(strip_extensions=(".html",))


@pytest.mark.parametrize("wiring", WIRINGS)
@pytest.mark.parametrize("site", HARD)
def test_every_url_of_a_real_site_with_hard_names_is_surely_purged(site: str, wiring: str) -> None:
    for key in keys_of(site):
        assert not stale(urls(key, WEBSITE, "wildcard"), items_of(key, wiring, WEBSITE, "wildcard", 0)), key


@pytest.mark.parametrize("site", HARD)
def test_every_url_of_a_real_site_with_hard_names_is_surely_purged_by_its_plan(site: str) -> None:
    keys = keys_of(site)
    items = covering_items(
        (path for key in keys for path in viewer_paths(key, WEBSITE, "wildcard", 0)), Budget()
    )
    assert not stale((url for key in keys for url in urls(key, WEBSITE, "wildcard")), items)
