"""Made-up sites, each by a seed: the keys of a bucket, and which of them a deploy changed.

Eight shapes: `directories` (a deploy changes directories as a whole), `assets` (it replaces hashed assets and
rewrites pages here and there), `versions` (documentation: it rewrites the newest versions, and the start
pages and search indexes of all others), `catalogue` (a shop: it rewrites whole categories, hashed assets and
single products elsewhere), `sections` (it rewrites a hundred parts of a site, large and small), `grown` (many
trees of the names of real redeploys, of which some change as they really did), `scattered` (single objects
anywhere) and `unkind` (one object in each of many directories of very different sizes, with names of every
script and of one endless common prefix).
"""

from __future__ import annotations

import functools
import random
from bisect import bisect_left
from typing import NamedTuple

from tests.support import redeploys

SHAPES = ("directories", "assets", "versions", "catalogue", "sections", "grown", "scattered", "unkind")
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
    chance = random.Random(f"{shape} {keys} {changes} {seed}")
    before, changed = _MAKERS[shape](chance, keys, changes)
    changed.add("index.html")
    after = before | {key for key in sorted(changed) if chance.random() < 0.9}
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


def _versions(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    """Forty versions of a manual with about the same pages; most chapters of the newest ones change."""
    size = keys // 40
    chapters = [f"{chance.choice(WORDS)}-{number}" for number in range(max(3, size // 150))]
    weights = [chance.paretovariate(1.1) for _ in chapters]
    pages = sorted(
        {
            f"{chapter}/{chance.choice(WORDS)}-{number}{chance.choice(('/index', ''))}.html"
            for number, chapter in enumerate(chance.choices(chapters, weights, k=size))
        }
    )
    versions = [f"en/{number // 10}.{number % 10}/" for number in range(40)]
    every: set[str] = set()
    changed: set[str] = set()
    for version in versions:
        own = [f"{version}{page}" for page in pages if chance.random() < 0.9]
        every.update(own)
        changed.update(f"{version}{name}" for name in ("index.html", "search.json", "sitemap.xml"))
        changed.update(chance.sample(own, min(len(own), 2)))
    for version in reversed(versions):
        own = sorted(key for key in every if key.startswith(version))
        for chapter in chapters:
            part = [key for key in own if key.startswith(f"{version}{chapter}/")]
            if len(changed) < changes * 0.8 and chance.random() < 0.8:
                changed.update(part[: changes // 4])
    bundle = [f"_static/{chance.getrandbits(32):08x}.{chance.choice(('js', 'css'))}" for _ in range(size)]
    every.update(bundle[: size // 2])
    changed.update(bundle[size // 2 :][: changes // 5])
    return every, changed


def _catalogue(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    """Products of a few objects, in categories of like sizes; whole categories change, and 30 products."""
    products: dict[str, list[list[str]]] = {}
    left = keys
    while left > 0:
        category = f"shop/{chance.choice(WORDS)}/{chance.choice(WORDS)}-{len(products)}/"
        products[category] = []
        for _ in range(chance.randrange(20, 120)):
            name = f"{category}{chance.getrandbits(28):07x}/"
            kinds = ["index.html", "price.json", *(f"{at}.jpg" for at in range(chance.randrange(1, 8)))]
            products[category].append([name + kind for kind in kinds])
            left -= len(kinds)
    changed: set[str] = set()
    for category in chance.sample(sorted(products), len(products)):
        if len(changed) < changes * 0.7:
            changed.update(key for product in products[category] for key in product)
    static = {f"assets/{chance.choice(WORDS)}.{chance.getrandbits(40):010x}.js" for _ in range(keys // 50)}
    for _ in range(30):
        changed.update(chance.choice(products[chance.choice(sorted(products))]))
    changed.update(f"assets/bundle/{chance.getrandbits(40):010x}.js" for _ in range(changes // 4))
    every = {key for category in products.values() for product in category for key in product}
    return every | static, changed


def _sections(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    """Directories with an index and pages, nested up to six deep; parts of them change as a whole."""
    folders = [""]
    every: set[str] = set()
    while len(every) < keys:
        parent = chance.choice(folders)
        folder = f"{parent}{chance.choice(WORDS)}-{len(folders)}/"
        if folder.count("/") < 6:
            folders.append(folder)
        size = min(int(6 * chance.paretovariate(1.2)), keys // 50 + 1, keys - len(every))
        every.add(f"{folder}index.html")
        every.update(f"{folder}{chance.choice(WORDS)}-{number}.html" for number in range(1, size))
    ordered = sorted(every)
    changed: set[str] = set()
    for folder in chance.sample(folders[1:], len(folders) - 1):
        first, end = bisect_left(ordered, folder), bisect_left(ordered, folder + "\U0010ffff")
        if len(changed) < changes and changes // 400 <= end - first <= changes // 20:
            changed.update(ordered[first:end])
    return every, changed


@functools.cache
def _real_trees() -> list[tuple[list[str], frozenset[str]]]:
    """For each real redeploy its keys in order, and those that changed."""
    trees = []
    for each in redeploys.load():
        changed, unchanged = ([path[1:] for path in paths] for paths in (each.changed, each.unchanged))
        trees.append((sorted(changed + unchanged), frozenset(changed)))
    return trees


def _grown(chance: random.Random, keys: int, changes: int) -> tuple[set[str], set[str]]:
    """Parts of the real trees beside each other; of some, what really changed changes."""
    every: set[str] = set()
    trees: list[list[str]] = []
    while len(every) < keys:
        names, really_changed = chance.choice(_real_trees())
        name = chance.choice(names)
        part = "/".join(name.split("/")[: chance.randrange(name.count("/") + 1)])
        own = names[bisect_left(names, part) : bisect_left(names, part + "\U0010ffff")]
        if not 10 <= len(own) <= changes // 4:
            continue
        below = chance.choice(("", "en/", "v2/"))
        folder = f"{chance.choice(WORDS)}/{chance.choice(WORDS)}-{len(trees)}/{below}"
        every.update(f"{folder}{each}" for each in own)
        trees.append([f"{folder}{each}" for each in own if each in really_changed])
    changed: set[str] = set()
    for tree in chance.sample(trees, len(trees)):
        if len(changed) < changes * 0.9:
            changed.update(tree)
    return every, changed


_MAKERS = {
    "directories": _whole_directories,
    "assets": _hashed_assets,
    "versions": _versions,
    "catalogue": _catalogue,
    "sections": _sections,
    "grown": _grown,
    "scattered": _scattered,
    "unkind": _unkind,
}
