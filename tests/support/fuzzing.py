"""What bench/fuzz.py tries: broken payloads, broken texts of messages, and arbitrary names.

The same seed and count try the same again, whatever the number of processes. Of a payload it is checked that
nothing is raised, that no message vanishes, and that few records tell of it. Of a text, a tenth as many, the
whole way to the plan and to the plan queue is tried: CloudFront would take every item. Of a name it is
checked that every URL of the object is surely purged, and that no URL of a neighbour may be.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from typing import Any, Literal
from urllib.parse import unquote

from tests.doubles.cloudfront_server import is_valid_item
from tests.support import payloads
from tests.support.collecting import parcels_of
from tests.support.malformed import places, put_together, taken_apart
from tests.support.matcher import may_purge
from tests.support.viewers import is_cut, names, spelled, stale, urls

from invalidator.chunks import Chunk
from invalidator.events import BROKEN_PER_BATCH, BROKEN_PER_MESSAGE, Part, read
from invalidator.paths import viewer_paths, why_not_served
from invalidator.pipeline import prepare
from invalidator.settings import Route, Settings, Target

PAYLOADS_A_TEXT = 10

SHARE = 5_000
"""Tries of one seed of their own, which one process makes."""

BUCKET = "assets"
OF_PAYLOADS = "amzn-s3-demo-bucket"
"""The bucket of most payloads of the corpus."""
INVOCATION = "invocation"

JUNK: Sequence[Any] = (
    *(None, True, False, 0, -1, 2.5, 10**30, float("nan"), float("inf")),
    *([], {}, [[]], [None], {"x": 1}, {"Records": [0]}),
    *("", "0", "2.1", "3", "x", "%", "%ff", "\ud800", "\x00", "{}", "[", "~", "index.html"),
    *("aws:s3", "aws:sqs", "aws:sns", "aws.s3", "aws.x", "x" * 5_000),
)
FIELDS = ("x", "Records", "paths", "tags", "keys", "bucket", "detail", "Message", "body", "CodePipeline.job")
MOST_COPIES = 300

WORDS = (
    *("index.html", ".html", "a.html", "index", "docs", "a b", "..", ".", "~", "*", "?*", "%2A", "%7E"),
    *("uploads", "a~b", "it's", "c++", "#1", "späße", "😀", "e\u0301", "\u202e", "&#42;", "\n", "\x00"),
)
CHARACTERS = "~ +%*?#&=/.:@!'()[]{}|\\^`\"<>;,$-_aZ0\n\r\t\x00\x7f\x80éß語\u0301\u202e\ufeff\uffff😀"
FRAGMENTS = (
    "\ufeff",
    "NaN",
    "[",
    "{",
    '"',
    ",",
    '{"a":1,"a":2}',
    '"\\ud800"',
    "\\u0000",
    "1e999",
    "9" * 5_000,
    "-",
)
TILDES: Sequence[Literal["wildcard", "encoded"]] = ("wildcard", "encoded")

SETTINGS = [
    Settings.from_document({"version": 1, **each})
    for each in (
        {
            "routes": {
                "site": {"distribution_id": "E2QWRUHEXAMPLE", "bucket": OF_PAYLOADS, "query_strings": True}
            }
        },
        {
            "max_paths": 2,
            "max_wildcards": 1,
            "routes": {
                "images": {"distribution_id": "E1", "bucket": OF_PAYLOADS, "origin_path": "/images"},
                "tenant": {"distribution_tenant_id": "dt_1", "bucket": "x"},
                "requests": {"distribution_id": "E2"},
            },
        },
    )
]

Figures = Counter[str]


class BrokenPromiseError(AssertionError):
    """What was tried, and what came of it."""


def run(count: int, seed: int) -> Figures:
    """Try so many payloads and so many names; the figures of both. Raises BrokenPromiseError."""
    found: Figures = Counter()
    shares = [(each, min(SHARE, count - each * SHARE)) for each in range(-(-count // SHARE))]
    with ProcessPoolExecutor() as processes:
        for figures in processes.map(_share, repeat(seed), shares):
            found.update(figures)
    return found


def _share(seed: int, share: tuple[int, int]) -> Figures:
    number, count = share
    chance = random.Random(f"{seed} {number}")  # noqa: S311 - repeatable by its seed
    chance_of_texts = random.Random(f"{seed} {number} texts")  # noqa: S311 - repeatable by its seed
    found: Figures = Counter()
    for _ in range(count):
        found.update(try_payload(malformed(chance)))
        found.update(try_name(chance))
    for _ in range(count // PAYLOADS_A_TEXT):
        found.update(try_text(broken_text(chance_of_texts)))
    return found


# --- Payloads -----------------------------------------------------------------------------------


@cache
def _opened() -> Sequence[str]:
    return [json.dumps(taken_apart({"payload": payloads.load(name)})) for name in payloads.names()]


def malformed(chance: random.Random) -> Any:
    """A payload of the corpus with up to four parts dropped, replaced, multiplied or renamed."""
    around = json.loads(chance.choice(_opened()))
    for _ in range(chance.randint(1, 4)):
        holder, where = chance.choice(list(places(around)))
        how = chance.choice(("drop", "replace", "multiply", "rename"))
        if how == "drop" and holder is not around:
            del holder[where]
        elif how == "multiply" and isinstance(holder, list):
            holder.extend(repeat(holder[where], chance.choice((1, 2, MOST_COPIES))))
        elif how == "rename" and isinstance(holder, dict) and holder is not around:
            holder[chance.choice(FIELDS)] = holder.pop(where)
        else:
            holder[where] = copy.deepcopy(chance.choice(JUNK))
    return put_together(around)["payload"]


def try_payload(payload: Any) -> Figures:
    """Figures of one payload. Raises BrokenPromiseError."""
    try:
        batch = read(payload, INVOCATION, answers_jobs=True)
    except Exception as error:
        raise BrokenPromiseError(f"{error!r} of {json.dumps(payload)[:2_000]}") from error
    broken: Sequence[Part] = (*batch.ignored, *batch.rejected)
    parts: Sequence[Part] = (*batch.changes, *batch.requests, *broken)
    if {each.message_id for each in parts} != set(batch.message_ids):
        raise BrokenPromiseError(f"a message vanished of {json.dumps(payload)[:2_000]}")
    deliveries = len(payload["Records"]) if batch.queued else 1
    # Two more of each message say how many were left out.
    most = min((BROKEN_PER_MESSAGE + 2) * deliveries, BROKEN_PER_BATCH + 3 * deliveries)
    if len(broken) > most:
        raise BrokenPromiseError(f"{len(broken)} records of {json.dumps(payload)[:2_000]}")
    longest = max((len(each.error) for each in batch.rejected), default=0)
    if longest > 2_500:
        raise BrokenPromiseError(f"an error of {longest} characters of {json.dumps(payload)[:2_000]}")
    return Counter({"payloads": 1, "rejected": bool(batch.rejected), "changes": len(batch.changes)})


# --- Texts --------------------------------------------------------------------------------------


def broken_text(chance: random.Random) -> str:
    """The JSON text of a broken payload, with up to three places damaged: no longer JSON in most cases."""
    text = json.dumps(malformed(chance), ensure_ascii=chance.random() < 0.5)
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(text) + 1)
        how = chance.choice(("insert", "cut", "repeat"))
        if how == "insert":
            text = text[:at] + chance.choice(FRAGMENTS) + text[at:]
        elif how == "cut":
            text = text[:at] + text[at + chance.randint(1, 5) :]
        else:
            text = text[:at] + text[max(0, at - 30) :]
    return text


def try_text(text: str) -> Figures:
    """Figures of one message of a queue. Raises BrokenPromiseError."""
    message = {"messageId": "m", "eventSource": "aws:sqs", "body": text}
    try:
        batch = read({"Records": [message]}, INVOCATION)
        plans = [(prepare(each, batch), parcels_of(each, batch, 0.0)) for each in SETTINGS]
    except Exception as error:
        raise BrokenPromiseError(f"{error!r} of the text {text[:2_000]!r}") from error
    empty = all(request.keys == () for request in batch.requests)
    items = 0
    for prepared, parcels in plans:
        planned = prepared.invalidations + prepared.dry_run_invalidations
        wrong = [item for each in planned for item in each.items if not is_valid_item(item)]
        if wrong:
            raise BrokenPromiseError(f"{wrong[:3]} are no items for CloudFront, of the text {text[:2_000]!r}")
        if not (planned or prepared.ignored or prepared.rejected or (batch.requests and empty)):
            raise BrokenPromiseError(f"a message vanished of the text {text[:2_000]!r}")
        if any(Chunk.parse(each.chunk.body()) != each.chunk for each in parcels):
            raise BrokenPromiseError(f"a chunk reads differently of the text {text[:2_000]!r}")
        items += sum(len(each.items) for each in planned)
    return Counter({"texts": 1, "rejected texts": bool(batch.rejected), "planned of texts": items})


# --- Names --------------------------------------------------------------------------------------


def name_of(chance: random.Random) -> str:
    """Up to 1,000 bytes: words with a meaning in a URL or a key, or any characters."""
    how = chance.random()
    if how < 0.6:
        text = "/".join(chance.choices(WORDS, k=chance.randint(1, 5)))
    elif how < 0.95:
        text = "".join(chance.choices(CHARACTERS, k=chance.randint(1, 30)))
    else:
        text = chance.choice(WORDS) * chance.randint(20, 300)
    return text.encode()[:1_000].decode(errors="ignore") or "a"


def neighbour_of(name: str, chance: random.Random) -> str:
    """The name of another object, often chosen with an eye on the first."""
    inserted = chance.choice(WORDS)
    near = (
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
        name[: name.rfind("/") + 1] + inserted,
        name.split("/", maxsplit=1)[0],
        name_of(chance),
    )
    return chance.choice([each for each in near if each])


def route_of(chance: random.Random) -> Route:
    """A route of any kind to one bucket."""
    return Route(
        "site",
        Target("E2QWRUHEXAMPLE"),
        BUCKET,
        origin_path=chance.choice(("", "", "/docs", "/a b/~c", "/é+/%2A")),
        index_documents=chance.choice(((), ("index.html",), ("index.html", "a.html", "~"))),
        strip_extensions=chance.choice(((), (".html",), (".html", ".htm", ".b"))),
        query_strings=chance.random() < 0.5,
    )


def try_name(chance: random.Random) -> Figures:
    """Figures of one name and a neighbour. Raises BrokenPromiseError."""
    route, tilde, depth = route_of(chance), chance.choice(TILDES), chance.choice((0, 0, 1, 2))
    name = name_of(chance)
    key, other = (f"{route.origin_path}/{each}"[1:] for each in (name, neighbour_of(name, chance)))
    case = f"{key!r}, {other!r}, {route}, {tilde}, depth {depth}"
    try:
        assert why_not_served(BUCKET, key, route) is None
        items = viewer_paths(key, route, tilde, depth)
    except Exception as error:
        raise BrokenPromiseError(f"{error!r} of {case}") from error
    left = stale(urls(key, route, tilde, depth), items)
    if left:
        raise BrokenPromiseError(f"{left} stay stale of {case}")
    innocent = urls(other, route, "wildcard") - urls(key, route, "wildcard")
    purged = [item for item in _beyond_tildes(key, route, tilde, depth, items) if _purges(item, innocent)]
    if purged:
        raise BrokenPromiseError(f"{purged} purge a neighbour of {case}")
    wide = [item for item in items if item.endswith("/*")]
    if wide:
        raise BrokenPromiseError(f"{wide} hold nothing of the name of {case}")
    return Counter({"names": 1, "items": len(items), "wildcards": sum(item.endswith("*") for item in items)})


def _purges(item: str, of_others: Iterable[str]) -> bool:
    return any(may_purge(item, url) for url in of_others)


def _beyond_tildes(key: str, route: Route, tilde: str, depth: int, items: Iterable[str]) -> list[str]:
    """The items that are not the wildcard before a `~`, which is as tight as it can be."""
    cuts = {
        spelled(f"{name.partition('~')[0]}x", space, "%7E")[:-1] + "*"
        for name in names(key, route)
        if is_cut(name, tilde, depth)
        for space in ("%20", "+")
    }
    return [item for item in items if item not in cuts]
