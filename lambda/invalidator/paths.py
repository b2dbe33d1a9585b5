"""A change + a route → every viewer path under which its copies may be cached.

CloudFront compares an invalidation path with the URL of a viewer's request, character by character. So every
function here answers one question: how may the URL of this object be written?
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import quote

from invalidator.settings import Route
from invalidator.text import shown

UNSAFE = ' <>"#%{}|\\^~[]`'
"""The unsafe characters of RFC 1738 §2.2 in ASCII; control characters and all others are unsafe as well.

CloudFront requires exactly these to be percent-encoded: "Do not URL-encode any other characters in the path,
or CloudFront will not invalidate the old version" (Developer Guide, "Specify the files to invalidate").
"""

MAX_PATH_LENGTH = 4_000
"""The most characters of an invalidation path (CloudFront Developer Guide, same chapter)."""

MAX_TAG_LENGTH = 256
"""The most characters of a cache tag (CloudFront Developer Guide, "Invalidate by cache tag")."""

_SAFE_IN_PATH = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in UNSAFE)
# In an object's name, `?` would start a query string, and S3 reads `+` as a space.
_SAFE_IN_KEY = _SAFE_IN_PATH.replace("?", "").replace("+", "")

_ESCAPE = re.compile(r"(%[0-9A-Fa-f]{2})")


class PathError(ValueError):
    """A path or tag that CloudFront would refuse or read differently; the text says what to do."""


def why_not_served(bucket: str, key: str, route: Route) -> str | None:
    """Why the route does not serve the object; None where it does."""
    if not route.bucket:
        return "it serves no bucket"
    if bucket != route.bucket:
        return f"it serves the bucket {shown(route.bucket)}, not {shown(bucket)}"
    if not key.startswith(route.prefix):
        return f"the key does not start with {shown(route.prefix)}"
    if not key.endswith(route.suffix):
        return f"the key does not end with {shown(route.suffix)}"
    if _path_at_viewer(key, route) is None:
        return f"the key lies outside the origin path {shown(route.origin_path)}"
    pattern = next((pattern for pattern in route.ignore if fnmatchcase(key, pattern)), None)
    if pattern is not None:
        return f"the key matches {shown(pattern)}, which the route ignores"
    return None


def viewer_paths(key: str, route: Route, tilde: str, min_wildcard_depth: int) -> tuple[str, ...]:
    """Items that together match every URL of an object that the route serves.

    The items are exact paths, and wildcards where `query_strings` or a `~` require them. A `*` at the end of
    a name is sent as `%2A`, so that it does not invalidate other objects.

    A `*` anywhere else stays raw: a browser sends it raw, as it is not in the path percent-encode set
    (WHATWG, URL Standard), and CloudFront reads only the last character as a wildcard (Developer Guide,
    "Specify the files to invalidate"). `checked_path` refuses it in a request, where it is most likely meant
    as a wildcard.

    With `tilde="wildcard"` a path is cut to a wildcard at its first `~`, because sources differ on whether
    CloudFront matches `%7E` with a URL in which a viewer wrote `~` (aws-sdk issue 525). With `"encoded"` the
    path has `%7E`. It also has `%7E` where the name begins with the `~`, or where the wildcard would have
    fewer than `min_wildcard_depth` complete directories before it, so that no name becomes a wildcard of its
    whole directory. Raises `PathError` where the object can have no URL.
    """
    items = dict.fromkeys(
        item
        for name in _names(key, route)
        for path in _spellings(name)
        for item in _items(path, route.query_strings, tilde == "wildcard", min_wildcard_depth)
    )
    for item in items:
        _check_length(item)
    return tuple(items)


def primary_path(key: str, route: Route) -> str:
    """The main viewer path of an object that the route serves: encoded, no alias, no wildcard."""
    return next(_spellings(next(_names(key, route))))


def has_inner_asterisk(path: str) -> bool:
    """Whether the path of a key has a `*` where it is no wildcard; a request may not hold such a path."""
    return "*" in path[:-1]


def checked_path(path: str) -> str:
    """The path of a request, unchanged, if it is valid.

    A valid path starts with a slash, is percent-encoded, and has a `*` only as its last character. It may
    have a query string. Raises `PathError` for any other.
    """
    if not path.startswith("/"):
        raise PathError(f"path {shown(path)} must start with a slash, as '/images/logo.png'")
    if has_inner_asterisk(path):
        raise PathError(
            f"path {shown(path)} has a '*' before its end, where it is no wildcard for CloudFront: "
            "end the path at the '*', or write %2A for the character itself"
        )
    encoded = "".join(
        part if _ESCAPE.fullmatch(part) else _quoted(part, _SAFE_IN_PATH) for part in _ESCAPE.split(path)
    )
    if encoded != path:
        raise PathError(f"path {shown(path)} must be percent-encoded: write {shown(encoded)}")
    return _check_length(path)


def checked_tag(tag: str) -> str:
    """A cache tag as the item `#tag`; the `#` may be left out in `tag`.

    A tag has 1 to 256 characters of ASCII 33 to 126 without the comma, and tags have no wildcards
    (CloudFront Developer Guide, "Invalidate by cache tag"). Raises `PathError`.
    """
    name = tag.removeprefix("#")
    if not re.fullmatch(r"[!-+\--~]+", name) or "*" in name or len(name) > MAX_TAG_LENGTH:
        raise PathError(
            f"tag {shown(tag)} must have 1 to {MAX_TAG_LENGTH} ASCII characters, "
            "without spaces, commas and '*', as 'product-17'"
        )
    return f"#{name}"


def _path_at_viewer(key: str, route: Route) -> str | None:
    """The path of a viewer for which CloudFront requests that key from S3; None where there is none."""
    path = f"/{key}"
    # An origin path ends where a segment ends: docs2/x does not lie under /docs.
    if not path.startswith(f"{route.origin_path}/"):
        return None
    return path[len(route.origin_path) :]


def _names(key: str, route: Route) -> Iterator[str]:
    """The unencoded paths of the object: its own, those of its directory, and clean URLs."""
    path = _path_at_viewer(key, route)
    if path is None:
        raise PathError(f"key {shown(key)} lies outside the origin path {shown(route.origin_path)}")
    yield path
    directory, name = path[: path.rindex("/") + 1], path[path.rindex("/") + 1 :]
    if name in route.index_documents:
        yield directory
        # `/` has no form without the slash, and `/a//` without it is `/a/`, another directory.
        if directory != "/" and not directory.endswith("//"):
            yield directory[:-1]
    for extension in route.strip_extensions:
        # A name that is only an extension has no clean URL: its directory's URL belongs to another object.
        if name.endswith(extension) and name != extension:
            yield path[: -len(extension)]


def _spellings(path: str) -> Iterator[str]:
    """The percent-encoded forms of a path: S3 reads a space from `%20` and from `+`."""
    encoded = _quoted(path, _SAFE_IN_KEY)
    if encoded.endswith("*"):
        encoded = f"{encoded[:-1]}%2A"
    yield encoded
    if "%20" in encoded:
        yield encoded.replace("%20", "+")


def _items(path: str, query_strings: bool, cut_at_tilde: bool, min_wildcard_depth: int) -> Iterator[str]:
    before, tilde, _ = path.partition("%7E")
    deep_enough = before.count("/") > min_wildcard_depth and not before.endswith("/")
    if tilde and cut_at_tilde and deep_enough:
        yield f"{before}*"
        return
    yield path
    if query_strings:
        yield f"{path}?*"


def _quoted(text: str, safe: str) -> str:
    try:
        # quote() never encodes `~`.
        return quote(text, safe=safe).replace("~", "%7E")
    except UnicodeEncodeError:
        raise PathError(f"{shown(text)} is not Unicode text: half of a surrogate pair stands alone") from None


def _check_length(path: str) -> str:
    if len(path) > MAX_PATH_LENGTH:
        raise PathError(
            f"path {shown(path)} has {len(path)} characters, and CloudFront allows {MAX_PATH_LENGTH}: "
            "request a wildcard of its directory"
        )
    return path
