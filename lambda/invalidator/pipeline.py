"""Settings + batch → plan: the pure half of the work, which the handler and the command line share."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from invalidator import paths
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.plan import Invalidation, covers, must_merge, plan, prefixes_in_question
from invalidator.settings import Budget, Route, Settings, Target

Wanted = Mapping[Target, Mapping[str, frozenset[str]]]
"""Target → path or tag → ids of the messages that want it invalidated."""

ListKeys = Callable[[str, str], Iterable[str] | None]
"""(bucket, key prefix) → the keys under it, or None where they are too many or cannot be had."""

AS_ASKED = Budget(max_paths=sys.maxsize, max_wildcards=sys.maxsize)
"""What somebody asked for is sent as it was asked: deduplicated, never merged into something broader."""

LISTED_PREFIXES = 20
"""How many prefixes of a bucket an inventory may look into for one plan."""


@dataclass(frozen=True)
class Prepared:
    """What a batch comes to, before anything was sent."""

    invalidations: tuple[Invalidation, ...]
    rehearsed: tuple[Invalidation, ...]
    """The plan of the requests that asked for a dry run: never to be sent."""
    ignored: tuple[Ignored, ...]
    rejected: tuple[Rejected, ...]
    changes: Mapping[Target, int]
    """How many changed objects each target serves, with all the repetitions that were received."""


def prepare(settings: Settings, batch: Batch, list_keys: ListKeys | None = None) -> Prepared:
    """Plan a batch: every served change and every request is covered, whatever is wrong is rejected by name.

    `list_keys` is asked only with `settings.inventory`, only where paths must be merged, and only for
    the prefixes in question; where it answers None the plan is made blind.
    """
    asked, unusable = checked_requests(settings, batch.requests)
    rejected = [*batch.rejected, *unusable]
    changed, counts, ignored, unsent = _changed(settings, batch.changes)
    rejected += unsent
    requested = _gather(
        (each.target, each.items, each.request.message_id) for each in asked if not each.request.dry_run
    )
    rehearsed = _gather(
        (each.target, each.items, each.request.message_id) for each in asked if each.request.dry_run
    )
    requested, changed = _settle(requested, changed)
    return Prepared(
        invalidations=plan(requested, AS_ASKED)
        + plan(changed, settings.budget, _unchanged(settings, changed, list_keys) if list_keys else None),
        rehearsed=plan(rehearsed, AS_ASKED),
        ignored=batch.ignored + tuple(ignored),
        rejected=tuple(rejected),
        changes=counts,
    )


def described(invalidation: Invalidation) -> dict[str, Any]:
    """An invalidation as the command line and the direct answer show it."""
    name = "distribution_tenant_id" if invalidation.target.kind == "tenant" else "distribution_id"
    return {
        name: invalidation.target.id,
        "items": list(invalidation.items),
        "caller_reference": invalidation.caller_reference,
    }


class UnknownDistributionError(ValueError):
    """A request names a distribution that the function does not serve, or none where it serves several."""


def _target(settings: Settings, request: Request) -> Target:
    known = ", ".join(sorted({route.target.id for route in settings.routes}))
    if not request.distribution_id:
        if settings.default_target is None:
            raise UnknownDistributionError(f'the request must name its "distribution_id": one of {known}')
        return settings.default_target
    target = settings.target(request.distribution_id)
    if target is None:
        raise UnknownDistributionError(
            f"distribution {request.distribution_id!r} is not one that this function serves: "
            f"name one of {known}, or add a route for it to the module"
        )
    return target


def _requested_items(settings: Settings, request: Request) -> tuple[str, ...]:
    asked = settings.default_paths if request.paths is None and not request.tags else request.paths or ()
    return tuple(map(paths.checked_path, asked)) + tuple(map(paths.checked_tag, request.tags))


@dataclass(frozen=True)
class Asked:
    """A request that can be carried out: whose cache, and which items."""

    request: Request
    target: Target
    items: tuple[str, ...]


def checked_requests(settings: Settings, requests: Iterable[Request]) -> tuple[list[Asked], list[Rejected]]:
    """The requests that can be carried out, and a refusal with its reason for each of the others."""
    asked: list[Asked] = []
    rejected: list[Rejected] = []
    for request in requests:
        try:
            asked.append(Asked(request, _target(settings, request), _requested_items(settings, request)))
        except (UnknownDistributionError, paths.PathError) as error:
            rejected.append(Rejected(request.message_id, str(error), request.job_id))
    return asked, rejected


@dataclass(frozen=True)
class Served:
    """What one change comes to: items by target, or why it comes to none."""

    items: tuple[tuple[Target, tuple[str, ...]], ...]
    ignored: tuple[Ignored, ...]
    rejected: tuple[Rejected, ...]


def served(settings: Settings, change: Change) -> Served:
    """The viewer paths of a changed object, by the route that serves it."""
    reasons = []
    rejected: list[Rejected] = []
    found: list[tuple[Target, tuple[str, ...]]] = []
    for route in settings.routes:
        reason = paths.unserved(change.bucket, change.key, route)
        if reason is not None:
            reasons.append(f"route {route.name}: {reason}")
            continue
        try:
            items = paths.viewer_paths(change.key, route, settings.tilde, settings.budget.min_wildcard_depth)
        except paths.PathError as error:
            rejected.append(Rejected(change.message_id, str(error)))
            continue
        found.append((route.target, items))
    nobody = len(reasons) == len(settings.routes)
    ignored = (Ignored(change.message_id, "; ".join(reasons)),) if nobody else ()
    return Served(tuple(found), ignored, tuple(rejected))


def _changed(
    settings: Settings, changes: Iterable[Change]
) -> tuple[Wanted, dict[Target, int], list[Ignored], list[Rejected]]:
    counts: dict[Target, int] = defaultdict(int)
    ignored: list[Ignored] = []
    rejected: list[Rejected] = []
    wanted: list[tuple[Target, tuple[str, ...], str]] = []
    for change in changes:
        found = served(settings, change)
        ignored += found.ignored
        rejected += found.rejected
        for target, items in found.items:
            wanted.append((target, items, change.message_id))
            counts[target] += 1
    return _gather(wanted), dict(counts), ignored, rejected


def _gather(wanted: Iterable[tuple[Target, tuple[str, ...], str]]) -> Wanted:
    gathered: dict[Target, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for target, items, message_id in wanted:
        for item in items:
            gathered[target][item].add(message_id)
    return {
        target: {item: frozenset(ids) for item, ids in by_item.items()}
        for target, by_item in gathered.items()
    }


def _settle(requested: Wanted, changed: Wanted) -> tuple[Wanted, Wanted]:
    """Changes that a request covers anyway ride along with it, and are not paid for twice."""
    settled = {target: dict(by_item) for target, by_item in requested.items()}
    left: dict[Target, dict[str, frozenset[str]]] = {}
    for target, by_path in changed.items():
        asked = settled.get(target, {})
        broad = [item for item in asked if item.endswith("*")]
        for path, ids in by_path.items():
            cover = path if path in asked else next((item for item in broad if covers(item, path)), None)
            if cover is None:
                left.setdefault(target, {})[path] = ids
            else:
                asked[cover] |= ids
    return settled, left


def _unchanged(settings: Settings, changed: Wanted, list_keys: ListKeys) -> dict[Target, list[str]]:
    """Target → viewer paths of the unchanged objects, for the targets whose paths must be merged."""
    unchanged: dict[Target, list[str]] = {}
    for target, by_path in changed.items():
        if not must_merge(by_path, settings.budget):
            continue
        prefixes = prefixes_in_question(by_path, LISTED_PREFIXES, settings.budget.min_wildcard_depth)
        found: list[str] | None = []
        for route in settings.routes:
            if route.target == target and route.bucket and found is not None:
                listed = _viewer_paths_under(prefixes, route, list_keys)
                found = None if listed is None else found + [path for path in listed if path not in by_path]
        if found is not None:
            unchanged[target] = found
    return unchanged


def _viewer_paths_under(prefixes: Iterable[str], route: Route, list_keys: ListKeys) -> list[str] | None:
    found: list[str] = []
    for prefix in prefixes:
        keys = list_keys(route.bucket, _key_prefix(prefix, route))
        if keys is None:
            return None
        found.extend(_primary_paths(keys, route))
    return found


def _key_prefix(viewer_prefix: str, route: Route) -> str:
    return unquote((route.origin_path + viewer_prefix).lstrip("/"))


def _primary_paths(keys: Iterable[str], route: Route) -> Iterator[str]:
    for key in keys:
        if paths.unserved(route.bucket, key, route) is None:
            yield paths.primary_path(key, route)
