"""Settings + batch → plan: the pure half of the work, which the handler and the command line share."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from invalidator import paths
from invalidator.collateral import Measure
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.listing import Listing
from invalidator.plan import Invalidation, covering, plan, wildcard_stems
from invalidator.settings import Budget, Settings, Target
from invalidator.text import joined, listed, shown

Wanted = Mapping[Target, Mapping[str, frozenset[str]]]
"""Target → path or tag → ids of the messages that want it invalidated."""

AS_ASKED = Budget(max_paths=sys.maxsize, max_wildcards=sys.maxsize)
"""What somebody asked for is sent as it was asked: deduplicated, never merged into something broader."""


ROUTES_NAMED = 5
"""Routes whose reasons are told of one object that no route serves."""


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
    requested: frozenset[tuple[Target, str]] = frozenset()
    """Items that are sent as they were requested, whatever CloudFront says of them."""


@dataclass
class Found:
    """What is learnt beside the viewer paths while changes are read."""

    counts: dict[Target, int] = field(default_factory=lambda: defaultdict(int))
    """How many changed objects each target serves."""
    ignored: list[Ignored] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def prepare(settings: Settings, batch: Batch, listing: Listing | None = None) -> Prepared:
    """Plan a batch: every served change and every request is covered, whatever is wrong is rejected by name.

    The listing is used only with `settings.inventory`, and only where paths must be merged; what it cannot
    list is planned blind. A dry run is planned by itself, as if nothing else had come.
    """
    asked, unusable = checked_requests(settings, batch.requests)
    found, tried = Found(), Found()
    real = [each for each in asked if not each.request.dry_run]
    dry = [each for each in asked if each.request.dry_run]
    changed = _gathered((*served(settings, batch.changes, found), *served_keys(real, found)))
    requested, changed = without_covered(_requested(real), changed)
    rehearsed = without_covered(_requested(dry), _gathered(served_keys(dry, tried)))
    known = measures(settings, listing)
    return Prepared(
        invalidations=plan(requested, AS_ASKED) + plan(changed, settings.budget, known),
        rehearsed=plan(rehearsed[0], AS_ASKED) + plan(rehearsed[1], settings.budget, known),
        ignored=(*batch.ignored, *found.ignored, *tried.ignored),
        rejected=(*batch.rejected, *unusable, *found.rejected, *tried.rejected),
        changes=dict(found.counts),
        requested=frozenset((target, item) for target, by_item in requested.items() for item in by_item),
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
            f"distribution {shown(request.distribution_id)} is not one that this function serves: "
            f"name one of {known}, or add a route for it to the module"
        )
    return target


def _requested_items(settings: Settings, request: Request) -> tuple[str, ...]:
    names_nothing = request.paths is None and request.keys is None and not request.tags
    asked = settings.default_paths if names_nothing else request.paths or ()
    return tuple(map(paths.checked_path, asked)) + tuple(map(paths.checked_tag, request.tags))


@dataclass(frozen=True)
class Asked:
    """A request that can be carried out: whose cache, which items, and which objects."""

    request: Request
    target: Target | None
    """None: it names keys alone, and each goes where the routes take it."""
    items: tuple[str, ...]
    changes: tuple[Change, ...]
    """Its keys, as changes."""
    settings: Settings
    """By which those are planned: of a request that names its target, with the routes to that one."""


def checked_requests(settings: Settings, requests: Iterable[Request]) -> tuple[list[Asked], list[Rejected]]:
    """The requests that can be carried out, and a refusal with its reason for each of the others."""
    asked: list[Asked] = []
    rejected: list[Rejected] = []
    for request in requests:
        try:
            asked.append(_asked(settings, request))
        except (UnknownDistributionError, UnknownBucketError, paths.PathError) as error:
            rejected.append(Rejected(request.message_id, str(error), request.job_id))
    return asked, rejected


def _asked(settings: Settings, request: Request) -> Asked:
    items = _requested_items(settings, request)
    by_key_alone = request.keys is not None and not items and not request.distribution_id
    target = None if by_key_alone else _target(settings, request)
    if request.distribution_id:
        settings = replace(
            settings, routes=tuple(route for route in settings.routes if route.target == target)
        )
    bucket = _bucket(settings, request) if request.keys else ""
    changes = tuple(
        Change(request.message_id, bucket, key, request.time) for key in dict.fromkeys(request.keys or ())
    )
    return Asked(request, target, items, changes, settings)


class UnknownBucketError(ValueError):
    """A request by key names a bucket that no route serves, or none where there are several."""


def _bucket(settings: Settings, request: Request) -> str:
    buckets = sorted({route.bucket for route in settings.routes if route.bucket})
    if not buckets:
        raise UnknownBucketError("a request by key needs a route with a bucket: ask for paths instead")
    if not request.bucket and len(buckets) > 1:
        raise UnknownBucketError(f'the request must name its "bucket": one of {listed(buckets)}')
    if request.bucket and request.bucket not in buckets:
        raise UnknownBucketError(
            f"no route serves the bucket {shown(request.bucket)}: name one of {listed(buckets)}"
        )
    return request.bucket or buckets[0]


def _requested(asked: Iterable[Asked]) -> Wanted:
    return _gathered((each.target, each.items, each.request.message_id) for each in asked if each.target)


def served_keys(asked: Iterable[Asked], found: Found) -> Iterator[tuple[Target, tuple[str, ...], str]]:
    """The keys of requests, served as changes are."""
    for each in asked:
        yield from served(each.settings, each.changes, found)


def served(
    settings: Settings, changes: Iterable[Change], found: Found
) -> Iterator[tuple[Target, tuple[str, ...], str]]:
    """Each change, one at a time: the target that serves it, its viewer paths, and the id of its message.

    What is ignored, rejected and counted on the way is added to `found`.
    """
    for change in changes:
        reasons = []
        for route in settings.routes:
            reason = paths.unserved(change.bucket, change.key, route)
            if reason is not None:
                reasons.append(f"route {route.name}: {reason}")
                continue
            try:
                items = paths.viewer_paths(
                    change.key, route, settings.tilde, settings.budget.min_wildcard_depth
                )
            except paths.PathError as error:
                found.rejected.append(Rejected(change.message_id, str(error)))
                continue
            found.counts[route.target] += 1
            yield route.target, items, change.message_id
        if len(reasons) == len(settings.routes):
            found.ignored.append(Ignored(change.message_id, joined(reasons, ROUTES_NAMED)))


def _gathered(wanted: Iterable[tuple[Target, Iterable[str], str]]) -> Wanted:
    gathered: dict[Target, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for target, items, message_id in wanted:
        by_item = gathered[target]
        for item in items:
            by_item[item].add(message_id)
    return {
        target: {item: frozenset(ids) for item, ids in by_item.items()}
        for target, by_item in gathered.items()
    }


def without_covered(requested: Wanted, changed: Wanted) -> tuple[Wanted, Wanted]:
    """Changes that a request covers anyway ride along with it, and are not paid for twice."""
    served = {target: dict(by_item) for target, by_item in requested.items()}
    left: dict[Target, dict[str, frozenset[str]]] = {}
    for target, by_path in changed.items():
        by_item = served.get(target, {})
        stems = wildcard_stems(by_item)
        for path, ids in by_path.items():
            item = path if path in by_item else covering(stems, path)
            if item is None:
                left.setdefault(target, {})[path] = ids
            else:
                by_item[item] |= ids
    return served, left


def measures(settings: Settings, listing: Listing | None) -> dict[Target, Measure]:
    """Target → what tells the collateral of its wildcards from its buckets; without a listing, none."""
    if listing is None:
        return {}
    return {
        target: listing.measure([route for route in settings.routes if route.target == target])
        for target in {route.target for route in settings.routes if route.bucket}
    }
