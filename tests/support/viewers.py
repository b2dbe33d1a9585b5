"""Which URLs a viewer can use for an object, written from the rules and from no code under test.

`stale` judges with the matcher beside this file whether an invalidation leaves one of them in a cache.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.matcher import surely_purges

from invalidator.settings import Route

QUERIES = ("?", "?v=1", "?a=/b/c*&d=%20~")
RFC_1738_UNSAFE = ' <>"#%{}|\\^~[]`'
WORKLOADS = Path(__file__).parents[2] / "bench" / "workloads"
HARD = {"cppreference": "~+=!()", "gradio": " "}
"""Real sites with hard names, and the characters that make them so."""


def escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def spelled(path: str, space: str, tilde: str) -> str:
    """One way to write a path: its spaces as `%20` or as `+`, its tildes as `%7E` or raw."""
    special = {" ": space, "~": tilde, "+": "%2B", "?": "%3F"}
    written = [
        special.get(char) or (escaped(char) if char in RFC_1738_UNSAFE or not "!" <= char <= "~" else char)
        for char in path
    ]
    # Raw it would stand for any characters.
    return "".join([*written[:-1], "%2A" if path.endswith("*") else written[-1]])


def names(key: str, route: Route) -> Iterator[str]:
    """The paths that lead to an object, before they are written as URLs."""
    path = "/" + key
    assert path.startswith(route.origin_path + "/")
    path = path[len(route.origin_path) :]
    yield path
    *directories, name = path.split("/")
    if name in route.index_documents:
        yield "/".join([*directories, ""])
        if directories[1:] and directories[-1]:
            yield "/".join(directories)
    for extension in route.strip_extensions:
        if name != extension and name.endswith(extension):
            yield path[: len(path) - len(extension)]


def is_cut(path: str, tilde: str, min_wildcard_depth: int) -> bool:
    """Whether the settings allow a wildcard before the first tilde of that path."""
    before, found, _ = path.partition("~")
    *directories, left_of_name = before.split("/")
    deep_enough = len(directories) - 1 >= min_wildcard_depth
    return bool(found and left_of_name) and tilde == "wildcard" and deep_enough


def urls(key: str, route: Route, tilde: str = "encoded", min_wildcard_depth: int = 0) -> set[str]:
    """Every URL under which a viewer may have made CloudFront cache the object."""
    plain = {
        spelled(name, space, raw_or_not)
        for name in names(key, route)
        for space in ("%20", "+")
        for raw_or_not in (("%7E", "~") if is_cut(name, tilde, min_wildcard_depth) else ("%7E",))
    }
    queries = ("", *QUERIES) if route.query_strings else ("",)
    return {url + query for url in plain for query in queries}


def stale(of_objects: Iterable[str], items: Iterable[str]) -> list[str]:
    """The URLs that no item surely purges."""
    exact = {item for item in items if not item.endswith("*")}
    wildcards = [item for item in items if item.endswith("*")]
    return [
        url
        for url in of_objects
        if url not in exact and not any(surely_purges(wildcard, url) for wildcard in wildcards)
    ]


def keys_of(site: str) -> list[str]:
    keys: list[str] = json.loads(gzip.decompress((WORKLOADS / f"{site}.json.gz").read_bytes()))["after"]
    assert len(keys) > 1_000
    assert all(any(char in key for key in keys) for char in HARD[site])
    return keys
