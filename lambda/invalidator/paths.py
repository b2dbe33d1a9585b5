"""A change + a route → every viewer path under which its copies may be cached.

CloudFront matches an invalidation path with the URL that a viewer asked for, character by character.
So every function here is about one question: how may the URL of this object be written?
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import quote

from invalidator.settings import Route
from invalidator.text import shown

UNSAFE = ' <>"#%{}|\\^~[]`'
"""The characters that RFC 1738 §2.2 calls unsafe, with the controls and all that is not ASCII.

CloudFront wants exactly these percent-encoded: "Do not URL-encode any other characters in the path,
or CloudFront will not invalidate the old version" (Developer Guide, "Specify the files to invalidate").
"""

MAX_PATH_LENGTH = 4_000
"""Characters of an invalidation path, at most (CloudFront Developer Guide, same chapter)."""

MAX_TAG_LENGTH = 256
"""Characters of a cache tag, at most (CloudFront Developer Guide, "Invalidate by cache tag")."""

_SAFE_IN_PATH = "".join(char for char in map(chr, range(0x21, 0x7F)) if char not in UNSAFE)
# In the name of an object `?` would start a query string, and S3 reads `+` as a space.
_SAFE_IN_KEY = _SAFE_IN_PATH.replace("?", "").replace("+", "")

_ESCAPE = re.compile(r"(%[0-9A-Fa-f]{2})")


class PathError(ValueError):
    """A path or tag that CloudFront would refuse or misunderstand; the text says what to do."""


def unserved(bucket: str, key: str, route: Route) -> str | None:
    """Why the route does not serve that object; None when it does."""
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
        return f"the key matches {shown(pattern)}, which is to be ignored"
    return None


def viewer_paths(key: str, route: Route, tilde: str, min_wildcard_depth: int = 0) -> tuple[str, ...]:
    """Items that together match every URL of an object that the route serves.

    They are exact paths and, where `query_strings` or a `~` ask for it, wildcards, which end in `*`;
    a `*` at the end of a name is sent as `%2A`, so that a name never purges its neighbours.

    A `*` anywhere else stays raw, though `checked_path` refuses it there from a person, who means a wildcard:
    a viewer's browser sends it raw, as it is not in the path percent-encode set (WHATWG, URL Standard), and
    CloudFront knows no wildcard but the last character (Developer Guide, "Specify the files to invalidate").

    `tilde="wildcard"`: from the first `~` on, a path is cut to a wildcard, because it is disputed
    whether CloudFront matches `%7E` with a URL that a viewer wrote with `~` (aws-sdk issue 525);
    `"encoded"`, and wherever that wildcard had nothing left of the name that the `~` begins, or fewer than
    `min_wildcard_depth` complete directories before it: `%7E`. So no name, whoever chose it, is `/*` or
    its whole directory. Raises `PathError` where the object can have no URL.
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
    """The one plain viewer path of an object that the route serves: encoded, no aliases, no wildcard."""
    return next(_spellings(next(_names(key, route))))


def checked_path(path: str) -> str:
    """A path that somebody wrote, as it is, if CloudFront will understand it as it was meant.

    It starts with a slash, is percent-encoded already, and holds a `*` as its last character only.
    A query string may follow. Raises `PathError`.
    """
    if not path.startswith("/"):
        raise PathError(f"path {shown(path)} must start with a slash, as '/images/logo.png'")
    if "*" in path[:-1]:
        raise PathError(
            f"path {shown(path)} has a '*' before its end, where CloudFront knows no wildcard: "
            "end the path at the '*', or write %2A for the character itself"
        )
    encoded = "".join(
        part if _ESCAPE.fullmatch(part) else _quoted(part, _SAFE_IN_PATH) for part in _ESCAPE.split(path)
    )
    if encoded != path:
        raise PathError(f"path {shown(path)} must be percent-encoded: write {shown(encoded)}")
    return _check_length(path)


def checked_tag(tag: str) -> str:
    """A cache tag as the item `#tag`, whether or not it was written with its `#`.

    A tag has 1 to 256 characters of ASCII 33 to 126 without the comma, and tags know no wildcard
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
    """What CloudFront puts the origin path before, to ask S3 for that key; None where nothing is."""
    path = f"/{key}"
    # An origin path ends where a segment ends: docs2/x does not lie under /docs.
    if not path.startswith(f"{route.origin_path}/"):
        return None
    return path[len(route.origin_path) :]


def _names(key: str, route: Route) -> Iterator[str]:
    """The paths, not yet encoded, that lead to the object: its own, then its directory's and clean ones."""
    path = _path_at_viewer(key, route)
    if path is None:
        raise PathError(f"key {shown(key)} lies outside the origin path {shown(route.origin_path)}")
    yield path
    directory, name = path[: path.rindex("/") + 1], path[path.rindex("/") + 1 :]
    if name in route.index_documents:
        yield directory
        # `/` has no form without the slash, and that of `/a//` would be the directory `/a/`, another one.
        if directory != "/" and not directory.endswith("//"):
            yield directory[:-1]
    for extension in route.strip_extensions:
        # What is nothing but an extension has no clean URL: its directory's is another object's.
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
        # quote() takes `~` for safe, whatever it is told.
        return quote(text, safe=safe).replace("~", "%7E")
    except UnicodeEncodeError:
        raise PathError(f"{shown(text)} is not Unicode text: half of a surrogate pair stands alone") from None


def _check_length(path: str) -> str:
    if len(path) > MAX_PATH_LENGTH:
        raise PathError(
            f"path {shown(path)} has {len(path)} characters, and CloudFront takes {MAX_PATH_LENGTH}: "
            "invalidate a wildcard of its directory"
        )
    return path
