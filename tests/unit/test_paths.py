"""From keys to viewer paths: every spelling, every alias, and nothing that is another object's."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from invalidator.paths import (
    MAX_PATH_LENGTH,
    PathError,
    checked_path,
    checked_tag,
    primary_path,
    viewer_paths,
    why_not_served,
)
from invalidator.settings import Route, Target
from invalidator.text import shown

RFC_1738_UNSAFE = {" ", "<", ">", '"', "#", "%", "{", "}", "|", "\\", "^", "~", "[", "]", "`"}
"""RFC 1738 §2.2, "Unsafe", in the order of its text; what is no printable ASCII is unsafe beside."""

MEANS_MORE_IN_A_KEY = {"?", "+"}
"""Raw, `?` would start a query string, and S3 would read `+` as a space."""

BASIC_PLANE = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF]


def route(**fields: Any) -> Route:
    return Route(name="site", target=Target("E2QWRUHEXAMPLE"), bucket="assets", **fields)


PLAIN = route(index_documents=())
WEBSITE = route(strip_extensions=(".html",))


def paths_of(key: str, to: Route = PLAIN, tilde: str = "encoded", depth: int = 0) -> set[str]:
    found = viewer_paths(key, to, tilde, depth)
    assert len(set(found)) == len(found)
    return set(found)


# --- Encoding ---------------------------------------------------------------------------------


def test_only_unsafe_characters_of_the_basic_plane_are_escaped_and_the_path_decodes_to_the_key() -> None:
    assert len(BASIC_PLANE) == 0x10000 - 0x800
    for char in BASIC_PLANE:
        path = primary_path(f"a{char}b", PLAIN)
        assert path.isascii()
        assert unquote(path, errors="strict") == f"/a{char}b"
        unsafe = char in RFC_1738_UNSAFE or not "\x21" <= char <= "\x7e"
        assert ("%" in path) == (unsafe or char in MEANS_MORE_IN_A_KEY), char


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("a.html", {"/a.html"}, id="plain"),
        pytest.param(
            "A-b_c.d!e$f'g(h)i,j:k;l@m=n&o", {"/A-b_c.d!e$f'g(h)i,j:k;l@m=n&o"}, id="safe ones stay"
        ),
        pytest.param("a b c", {"/a%20b%20c", "/a+b+c"}, id="a space is %20 and +"),
        pytest.param("a+b", {"/a%2Bb"}, id="a plus is %2B only"),
        pytest.param("a b+c", {"/a%20b%2Bc", "/a+b%2Bc"}, id="space and plus"),
        pytest.param("50%", {"/50%25"}, id="percent"),
        pytest.param("%2B", {"/%252B"}, id="what looks encoded is encoded again"),
        pytest.param("a?b=c", {"/a%3Fb=c"}, id="a question mark starts no query string"),
        pytest.param("#x", {"/%23x"}, id="a hash makes no tag"),
        pytest.param("späße/😀", {"/sp%C3%A4%C3%9Fe/%F0%9F%98%80"}, id="accents and emoji"),
        pytest.param("e\u0301", {"/e%CC%81"}, id="decomposed stays decomposed"),
        pytest.param("a\nb\x00", {"/a%0Ab%00"}, id="controls"),
        pytest.param("/x", {"//x"}, id="a leading slash is one more"),
        pytest.param("a//b", {"/a//b"}, id="slashes are not merged"),
        pytest.param("a/../b", {"/a/../b"}, id="dots are not resolved"),
        pytest.param("a~b", {"/a%7Eb"}, id="tilde, encoded"),
        pytest.param('[a]{b}^|\\`<>"', {"/%5Ba%5D%7Bb%7D%5E%7C%5C%60%3C%3E%22"}, id="the rest of the unsafe"),
    ],
)
def test_a_key_becomes_the_urls_that_viewers_write(key: str, expected: set[str]) -> None:
    assert paths_of(key) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("*", {"/%2A"}),
        ("a/*", {"/a/%2A"}),
        ("a*", {"/a%2A"}),
        ("a**", {"/a*%2A"}),
        ("a*b", {"/a*b"}),
        ("?*", {"/%3F%2A"}),
        ("%2A", {"/%252A"}),
        ("a *", {"/a%20%2A", "/a+%2A"}),
    ],
)
def test_a_star_in_a_name_never_becomes_a_wildcard(key: str, expected: set[str]) -> None:
    assert paths_of(key) == expected


def test_a_star_that_stripping_leaves_at_the_end_is_no_wildcard_either() -> None:
    assert paths_of("a*.html", WEBSITE) == {"/a*.html", "/a%2A"}


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(PathError, match=r"is not Unicode text: half of a surrogate pair stands alone$"):
        viewer_paths("a\ud800", PLAIN, "encoded", 0)


TOO_LONG = "has 4001 characters, and CloudFront allows 4000: request a wildcard of its directory"


def test_a_path_is_at_most_4000_characters_long() -> None:
    assert paths_of("a" * (MAX_PATH_LENGTH - 1)) == {"/" + "a" * 3_999}
    with pytest.raises(PathError, match=TOO_LONG):
        viewer_paths("a" * MAX_PATH_LENGTH, PLAIN, "encoded", 0)


def test_every_key_that_s3_allows_is_short_enough() -> None:
    longest = paths_of("\x00" * 1_024, route(query_strings=True))
    assert max(map(len, longest)) == 1 + 3 * 1_024 + len("?*")


# --- Aliases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("index.html", {"/index.html", "/", "/index"}, id="the root has one form only"),
        pytest.param("a/index.html", {"/a/index.html", "/a/", "/a", "/a/index"}, id="a directory has two"),
        pytest.param("a/b.html", {"/a/b.html", "/a/b"}, id="a clean URL"),
        pytest.param("a/b.htm", {"/a/b.htm"}, id="another extension"),
        pytest.param("a/myindex.html", {"/a/myindex.html", "/a/myindex"}, id="no index but its end"),
        pytest.param("a/.html", {"/a/.html"}, id="nothing but an extension has no clean URL"),
        pytest.param("a//index.html", {"/a//index.html", "/a//", "/a//index"}, id="/a/ is another directory"),
        pytest.param("/index.html", {"//index.html", "//", "//index"}, id="the root is another directory"),
        pytest.param("photos/", {"/photos/"}, id="a folder's marker is no page of /photos"),
        pytest.param(
            "a b/b.html", {"/a%20b/b.html", "/a+b/b.html", "/a%20b/b", "/a+b/b"}, id="in every spelling"
        ),
    ],
)
def test_an_object_is_invalidated_under_every_name_that_a_website_gives_it(
    key: str, expected: set[str]
) -> None:
    assert paths_of(key, WEBSITE) == expected


def test_index_documents_and_extensions_are_the_routes_own() -> None:
    own = route(index_documents=("default.htm", "index.php"), strip_extensions=(".htm", ".php"))
    assert paths_of("a/default.htm", own) == {"/a/default.htm", "/a/", "/a", "/a/default"}
    assert paths_of("a/index.php", own) == {"/a/index.php", "/a/", "/a", "/a/index"}
    assert paths_of("a/index.html", own) == {"/a/index.html"}


def test_query_strings_add_a_wildcard_that_matches_nothing_but_them() -> None:
    assert paths_of("a.html", route(query_strings=True)) == {"/a.html", "/a.html?*"}
    assert paths_of("a*", route(query_strings=True)) == {"/a%2A", "/a%2A?*"}
    assert paths_of("index.html", route(query_strings=True)) == {"/index.html", "/index.html?*", "/", "/?*"}


# --- The tilde --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "depth", "expected"),
    [
        pytest.param("a/b~c/d", 0, {"/a/b*"}, id="cut before the first tilde"),
        pytest.param("a/b~c~d", 0, {"/a/b*"}, id="the first of two"),
        pytest.param("~", 0, {"/%7E"}, id="nothing but a tilde"),
        pytest.param("~a", 0, {"/%7Ea"}, id="nothing before it"),
        pytest.param("docs/~x", 0, {"/docs/%7Ex"}, id="nothing of the name before it"),
        pytest.param("docs/~x/a~b", 0, {"/docs/%7Ex/a%7Eb"}, id="the second does not help the first"),
        pytest.param("docs/ ~x", 0, {"/docs/%20*", "/docs/+*"}, id="a space is of the name"),
        pytest.param("a b/c~", 0, {"/a%20b/c*", "/a+b/c*"}, id="both spellings of what stands before"),
        pytest.param("a~b c", 0, {"/a*"}, id="one spelling where the space comes after"),
        pytest.param("a/b~c", 1, {"/a/b*"}, id="deep enough"),
        pytest.param("a/b~c", 2, {"/a/b%7Ec"}, id="not deep enough"),
        pytest.param("~a", 1, {"/%7Ea"}, id="never the whole distribution"),
        pytest.param("a%7Eb", 0, {"/a%257Eb"}, id="no tilde at all"),
    ],
)
def test_a_tilde_is_covered_by_the_tightest_wildcard_before_it(
    key: str, depth: int, expected: set[str]
) -> None:
    assert paths_of(key, PLAIN, "wildcard", depth) == expected


def test_a_wildcard_for_a_tilde_covers_query_strings_and_aliases_too() -> None:
    served = route(query_strings=True, strip_extensions=(".html",))
    assert paths_of("a/b~c/index.html", served, "wildcard") == {"/a/b*"}
    assert paths_of("a/b~c.html", served, "wildcard", depth=2) == {
        "/a/b%7Ec.html",
        "/a/b%7Ec.html?*",
        "/a/b%7Ec",
        "/a/b%7Ec?*",
    }


# --- Routes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("docs/a.html", {"/a.html"}),
        ("docs/index.html", {"/index.html", "/"}),
        ("docs/", {"/"}),
        ("docs//a", {"//a"}),
        ("docs/docs/a", {"/docs/a"}),
    ],
)
def test_the_origin_path_is_no_part_of_a_viewer_path(key: str, expected: set[str]) -> None:
    docs = route(origin_path="/docs")
    assert why_not_served("assets", key, docs) is None
    assert paths_of(key, docs) == expected


@pytest.mark.parametrize("key", ["docs2/a", "docs", "doc", "a/docs/b", "Docs/a", "/docs/a"])
def test_an_origin_path_ends_where_a_segment_ends(key: str) -> None:
    docs = route(origin_path="/docs")
    assert why_not_served("assets", key, docs) == "the key lies outside the origin path '/docs'"
    with pytest.raises(PathError, match=f"^key '{key}' lies outside the origin path '/docs'$"):
        viewer_paths(key, docs, "encoded", 0)


@pytest.mark.parametrize(
    ("bucket", "key", "fields", "reason"),
    [
        pytest.param("other", "a", {}, "it serves the bucket 'assets', not 'other'", id="bucket"),
        pytest.param("assets", "b/a", {"prefix": "a/"}, "the key does not start with 'a/'", id="prefix"),
        pytest.param("assets", "a.css", {"suffix": ".htm"}, "the key does not end with '.htm'", id="suffix"),
        pytest.param(
            "assets", "assets/app.0a1b2c3d.js", {"ignore": ("*.css", "assets/*.????????.js")},
            "the key matches 'assets/*.????????.js', which the route ignores", id="ignored",
        ),
        pytest.param(
            "assets", "a/b/c.css", {"ignore": ("*.css",)},
            "the key matches '*.css', which the route ignores", id="a star crosses slashes",
        ),
    ],
)  # fmt: skip
def test_an_object_that_a_route_does_not_serve_is_told_why(
    bucket: str, key: str, fields: dict[str, Any], reason: str
) -> None:
    assert why_not_served(bucket, key, route(**fields)) == reason


@pytest.mark.parametrize("key", ["assets/app.js", "ASSETS/app.0a1b2c3d.JS", "assets/app.0a1b2c3d.js.map"])
def test_patterns_match_the_whole_key_case_and_all(key: str) -> None:
    assert why_not_served("assets", key, route(ignore=("assets/*.????????.js",))) is None


def test_a_route_without_a_bucket_serves_no_object() -> None:
    by_hand = Route(name="by-hand", target=Target("E2QWRUHEXAMPLE"))
    assert why_not_served("", "a", by_hand) == why_not_served("assets", "a", by_hand) == "it serves no bucket"


@pytest.mark.parametrize(
    ("key", "path"),
    [("a b~/index.html", "/a%20b%7E/index.html"), ("a*", "/a%2A"), ("index.html", "/index.html")],
)
def test_the_primary_path_is_one_plain_path(key: str, path: str) -> None:
    assert primary_path(key, WEBSITE) == path


# --- Paths of a request ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/*",
        "/a",
        "/a/",
        "/a*",
        "/a%20b",
        "/a+b",
        "/%C3%A9",
        "/%c3%a9",
        "/a?b=c&d=e",
        "/a?*",
        "/a%2A",
        "/a%7Eb",
        "//",
    ],
)
def test_a_right_path_is_sent_as_it_was_written(path: str) -> None:
    assert checked_path(path) == path


NO_SLASH = "must start with a slash, as '/images/logo.png'"
ASTERISK = (
    "has a '*' before its end, where it is no wildcard for CloudFront: "
    "end the path at the '*', or write %2A for the character itself"
)


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        pytest.param("", NO_SLASH, id="empty"),
        pytest.param("a.html", NO_SLASH, id="no slash"),
        pytest.param("#tag", NO_SLASH, id="a tag"),
        pytest.param("*", NO_SLASH, id="a bare star"),
        pytest.param("/a*b", ASTERISK, id="a star within"),
        pytest.param("/a/*/b/*", ASTERISK, id="two stars"),
        pytest.param("/**", ASTERISK, id="a double star"),
        pytest.param("/a b", "must be percent-encoded: write '/a%20b'", id="a space"),
        pytest.param("/é", "must be percent-encoded: write '/%C3%A9'", id="an accent"),
        pytest.param("/~a", "must be percent-encoded: write '/%7Ea'", id="a tilde"),
        pytest.param("/50%", "must be percent-encoded: write '/50%25'", id="a bare percent"),
        pytest.param(
            "/%zz%20", "must be percent-encoded: write '/%25zz%20'", id="an escape beside one that is none"
        ),
        pytest.param("/a#b", "must be percent-encoded: write '/a%23b'", id="a fragment"),
        pytest.param("/a\nb", "must be percent-encoded: write '/a%0Ab'", id="a newline"),
        pytest.param("/a\n", "must be percent-encoded: write '/a%0A'", id="a newline at the end"),
        pytest.param("/[a]", "must be percent-encoded: write '/%5Ba%5D'", id="brackets"),
    ],
)
def test_a_wrong_path_is_refused_with_the_right_one(path: str, advice: str) -> None:
    with pytest.raises(PathError) as refused:
        checked_path(path)
    assert str(refused.value) == f"path {path!r} {advice}"


def test_a_requested_path_that_is_no_text_or_too_long_is_refused() -> None:
    with pytest.raises(
        PathError, match=r"^'/\\ud800' is not Unicode text: half of a surrogate pair stands alone$"
    ):
        checked_path("/\ud800")
    with pytest.raises(PathError) as refused:
        checked_path("/" + "a" * 4_000)
    assert str(refused.value) == f"path '/{'a' * 119}…' {TOO_LONG}"


@pytest.mark.parametrize(
    "tag", ["product-17", "#product-17", "!", "~", "a/b:c;d", "a#b", "x" * 256, "#" + "x" * 256]
)
def test_a_tag_is_sent_with_one_hash(tag: str) -> None:
    assert checked_tag(tag) == "#" + tag.removeprefix("#")


@pytest.mark.parametrize(
    "tag", ["", "#", "a b", "a,b", "é", "a\n", "\x7f", "a*", "*", "x" * 257, "#" + "x" * 257]
)
def test_a_tag_that_cloudfront_could_not_hold_is_refused(tag: str) -> None:
    with pytest.raises(PathError) as refused:
        checked_tag(tag)
    assert str(refused.value) == (
        f"tag {shown(tag)} must have 1 to 256 ASCII characters, "
        "without spaces, commas and '*', as 'product-17'"
    )


def test_every_ascii_character_is_decided_on_for_tags() -> None:
    accepted = set()
    for code in range(128):
        try:
            accepted.add(checked_tag(f"x{chr(code)}")[-1])
        except PathError:
            continue
    assert accepted == {chr(code) for code in range(33, 127)} - {",", "*"}
