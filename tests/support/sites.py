"""Made-up sites, each by a seed: the keys of a bucket, and which of them a deploy changed.

Four shapes: `directories` (a deploy changes directories as a whole), `assets` (it replaces hashed assets and
rewrites pages here and there), `scattered` (single objects anywhere) and `unkind` (one object in each of many
directories of very different sizes, with names of every script and of one endless common prefix).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from typing import NamedTuple

SHAPES = ("directories", "assets", "scattered", "unkind")
# fmt: off
WORDS = (
    "about", "article", "blog", "button", "chart", "docs", "event", "field", "frame", "guide", "help",
    "image", "index", "layer", "module", "news", "package", "product", "release", "review", "shop",
    "support", "theme", "user", "vendor", "video",
)
# fmt: on
SCRIPTS = ("größe", "año", "目录", "раздел", "資料", "😀", "a b", "a+b", "100%", "x~y", "(1)", "&co")


class Site(NamedTuple):
    """The keys of a bucket after a deploy, and the keys that the deploy changed or removed."""

    keys: list[str]
    """In the order of S3: by their bytes in UTF-8."""
    changed: list[str]


def made_up(shape: str, keys: int, changes: int, seed: int) -> Site:
    chance = random.Random(f"{shape} {keys} {changes} {seed}")  # noqa: S311 - repeatable by its seed
    before, changed = _MAKERS[shape](chance, keys, changes)
    changed.add("index.html")
    after = before | {key for key in changed if chance.random() < 0.9}
    return Site(sorted(after, key=str.encode), sorted(changed, key=str.encode))


def _directories(chance: random.Random, keys: int, names: tuple[str, ...] = WORDS) -> list[list[str]]:
    """Nested directories of very different sizes, as lists of their keys, with so many keys altogether."""
    folders = [""]
    made: list[list[str]] = []
    left = keys
    while left > 0:
        folder = f"{chance.choice(folders)}{chance.choice(names)}-{len(folders)}/"
        if folder.count("/") < 7:
            folders.append(folder)
        size = min(left, int(4 * chance.paretovariate(0.8)), keys // 8 + 1)
        kind = chance.choice(("html", "json", "png"))
        width = chance.choice((1, 4, 7))
        made.append([f"{folder}{chance.choice(names)}{each:0{width}}.{kind}" for each in range(size)])
        left -= size
    return made


def _subtrees(chance: random.Random, made: list[list[str]], size: int) -> list[str]:
    """About so many keys: whole directories with all that lies in them, none larger than a twelfth of it."""
    every = sorted(key for directory in made for key in directory)
    chosen: set[str] = set()
    while len(chosen) < size * 0.9:
        key = chance.choice(every)
        depth = chance.randrange(1, key.count("/") + 1)
        prefix = "/".join(key.split("/")[:depth]) + "/"
        under = every[bisect_left(every, prefix) : bisect_left(every, prefix + "\U0010ffff")]
        if size / 500 <= len(under) <= size / 12:
            chosen.update(under)
    return sorted(chosen)


def _whole_directories(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    made = _directories(chance, keys)
    changed = set(_subtrees(chance, made, changes))
    changed.update(chance.choice(chance.choice(made)) for _ in range(20))
    return {key for directory in made for key in directory}, changed


def _hashed_assets(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    """Half of the changes are hashed assets, old and new, beside assets that stay; half are pages."""
    made = _directories(chance, keys * 3 // 4)
    bundles = [f"{chance.choice(('', 'app/', 'docs/', 'shop/v2/'))}assets/{word}" for word in WORDS]
    static = {
        f"{chance.choice(bundles)}-{chance.getrandbits(40):010x}.js" for _ in range(keys // 4 - changes // 4)
    }
    released = chance.sample(bundles, 6)
    replaced = {
        f"{chance.choice(released)}/chunk-{chance.getrandbits(40):010x}.js" for _ in range(changes // 2)
    }
    pages = {key for key in _subtrees(chance, made, changes // 2) if chance.random() < 0.97}
    pages.update(chance.choice(chance.choice(made)) for _ in range(20))
    return {key for directory in made for key in directory} | static, replaced | pages


def _scattered(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    every = [key for directory in _directories(chance, keys) for key in directory]
    return set(every), set(chance.sample(every, changes))


def _unkind(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    made = _directories(chance, keys, (*SCRIPTS, *WORDS, "same-long-name-" * 8))
    chosen = chance.choices(made, weights=[len(each) ** 0.5 for each in made], k=changes * 3)
    changed: set[str] = set()
    for directory in chosen:
        if len(changed) < changes:
            changed.add(chance.choice(directory))
    return {key for directory in made for key in directory}, changed


_MAKERS = {
    "directories": _whole_directories,
    "assets": _hashed_assets,
    "scattered": _scattered,
    "unkind": _unkind,
}
