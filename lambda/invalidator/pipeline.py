"""Settings + batch → plan: the pure half of the work, shared by the handler and the command line."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from invalidator import paths
from invalidator.collateral import Measure
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.listing import Listing
from invalidator.plan import Invalidation, covering_wildcard, plan, wildcard_stems
from invalidator.settings import Budget, Settings, Target
from invalidator.text import clipped, joined, listed, shown

MessagesByItem = Mapping[Target, Mapping[str, frozenset[str]]]
"""Target → path or tag → ids of the messages that ask for its invalidation."""

UNLIMITED = Budget(max_paths=sys.maxsize, max_wildcards=sys.maxsize)
"""The budget of requests: their paths are deduplicated, and never merged into wildcards."""

MAX_REASONS = 5
"""Routes whose reasons are given for one object that no route serves."""

MAX_CHARACTERS = 24_000_000
"""The most characters of paths that are held at once: a batch of 6 MB may name keys that make 120 MB.

A key of 1,024 spaces has paths of 3,072 characters, one for each alias and each spelling. So much, the batch
and the interpreter take less than 160 MB.
"""

MAX_KEYS = 50_000
"""The most keys of a request: each takes about a kilobyte of memory until the plan is made."""


class Prepared(NamedTuple):
    """The plan of a batch, before any call."""

    invalidations: tuple[Invalidation, ...]
    dry_run_invalidations: tuple[Invalidation, ...]
    """The plan of the requests with `dry_run`: it is never sent."""
    ignored: tuple[Ignored, ...]
    rejected: tuple[Rejected, ...]
    change_counts: Mapping[Target, int]
    """How many changed objects each target serves, repeated events included."""
    requested: frozenset[tuple[Target, str]] = frozenset()
    """Items of requests: each is sent unchanged, and no wildcard replaces it when CloudFront refuses it."""


class Routed(NamedTuple):
    """What the routes make of one changed object."""

    message_id: str
    served: tuple[tuple[Target, tuple[str, ...]], ...]
    """Each target that serves the object, and its viewer paths there; one target may be named twice."""
    rejected: tuple[Rejected, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    """Why no route serves the object; empty where one does."""


@dataclass
class ServedChanges:
    """Changed objects, routed and added one at a time."""

    paths: dict[Target, dict[str, set[str]]] = field(default_factory=dict)
    """Target → viewer path → ids of the messages that ask for its invalidation."""
    change_counts: dict[Target, int] = field(default_factory=lambda: defaultdict(int))
    """How many changed objects each target serves, repeated events included."""
    ignored: list[Ignored] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    _characters: int = 0
    _too_many: set[str] = field(default_factory=set)

    def add(self, change: Routed) -> None:
        """Add a change, or reject it where the paths are too many for one plan.

        The messages of what is rejected are delivered again by a queue.
        """
        self.ignored += change.ignored
        self.rejected += change.rejected
        for target, paths_there in change.served:
            self.change_counts[target] += 1
            self._characters += sum(map(len, paths_there))
            if self._characters <= MAX_CHARACTERS:
                by_path = self.paths.setdefault(target, {})
                for path in paths_there:
                    by_path.setdefault(path, set()).add(change.message_id)
            elif change.message_id not in self._too_many:
                self._too_many.add(change.message_id)
                self.rejected.append(
                    Rejected(
                        change.message_id,
                        f"the paths have over {MAX_CHARACTERS:,} characters, too many for one plan: "
                        "request the keys in several requests",
                    )
                )

    def messages_by_item(self) -> MessagesByItem:
        """The paths as `plan` takes them."""
        return _frozen(self.paths)


def prepare(settings: Settings, batch: Batch, listing: Listing | None = None) -> Prepared:
    """Plan a batch: the plan covers every served change and every request, or rejects it with a reason.

    The listing is used only where paths must be merged; a bucket that cannot be listed is planned without
    it. A dry run is planned on its own, as if it were the only request.
    """
    requests, invalid = checked_requests(settings, batch.requests)
    sent = [each for each in requests if not each.request.dry_run]
    dry_runs = [each for each in requests if each.request.dry_run]
    changes = chain(((settings, change) for change in batch.changes), changes_by_key(sent))
    served, dry_run_served = _served(changes), _served(changes_by_key(dry_runs))
    requested, changed = without_covered(_requested(sent), served.messages_by_item())
    dry_run_requested, dry_run_changed = without_covered(
        _requested(dry_runs), dry_run_served.messages_by_item()
    )
    measure_of = measures(settings, listing)
    return Prepared(
        invalidations=plan(requested, UNLIMITED) + plan(changed, settings.budget, measure_of),
        dry_run_invalidations=plan(dry_run_requested, UNLIMITED)
        + plan(dry_run_changed, settings.budget, measure_of),
        ignored=(*batch.ignored, *served.ignored, *dry_run_served.ignored),
        rejected=(*batch.rejected, *invalid, *served.rejected, *dry_run_served.rejected),
        change_counts=dict(served.change_counts),
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


def described_ignored(ignored: Ignored) -> dict[str, str]:
    """An ignored part as an answer shows it: a key that no route serves is named."""
    return {
        "id": ignored.message_id,
        "reason": ignored.reason,
        **({"key": clipped(ignored.key)} if ignored.key else {}),
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
    requested_paths = settings.default_paths if names_nothing else request.paths or ()
    return tuple(map(paths.checked_path, requested_paths)) + tuple(map(paths.checked_tag, request.tags))


class CheckedRequest(NamedTuple):
    """A request that can be carried out: its target, its items, and its objects."""

    request: Request
    target: Target | None
    """None: the request names keys only, and the routes decide the targets of each."""
    items: tuple[str, ...]
    changes: tuple[Change, ...]
    """Its keys, as changes."""
    settings: Settings
    """The settings for its keys; where the request names a target, with the routes of that target only."""


def checked_requests(
    settings: Settings, requests: Iterable[Request]
) -> tuple[list[CheckedRequest], list[Rejected]]:
    """The requests that can be carried out, and a `Rejected` with its reason for each of the others."""
    checked: list[CheckedRequest] = []
    rejected: list[Rejected] = []
    for request in requests:
        try:
            checked.append(_checked_request(settings, request))
        except (UnknownDistributionError, UnknownBucketError, TooManyKeysError, paths.PathError) as error:
            rejected.append(Rejected(request.message_id, str(error), request.job_id))
    return checked, rejected


def _checked_request(settings: Settings, request: Request) -> CheckedRequest:
    items = _requested_items(settings, request)
    has_only_keys = request.keys is not None and not items and not request.distribution_id
    target = None if has_only_keys else _target(settings, request)
    if request.distribution_id:
        settings = settings._replace(
            routes=tuple(route for route in settings.routes if route.target == target)
        )
    bucket = _bucket(settings, request) if request.keys else ""
    if len(request.keys or ()) > MAX_KEYS:
        raise TooManyKeysError(
            f"the request has {len(request.keys or ()):,} keys, and at most {MAX_KEYS:,} fit into one: "
            "send several requests"
        )
    changes = tuple(
        Change(request.message_id, bucket, key, request.time) for key in dict.fromkeys(request.keys or ())
    )
    return CheckedRequest(request, target, items, changes, settings)


class TooManyKeysError(ValueError):
    """A request has more keys than the function has memory for."""


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


def _requested(requests: Iterable[CheckedRequest]) -> MessagesByItem:
    wanted: dict[Target, dict[str, set[str]]] = {}
    for each in requests:
        if each.target:
            by_item = wanted.setdefault(each.target, {})
            for item in each.items:
                by_item.setdefault(item, set()).add(each.request.message_id)
    return _frozen(wanted)


def _frozen(wanted: Mapping[Target, Mapping[str, set[str]]]) -> MessagesByItem:
    return {
        target: {item: frozenset(ids) for item, ids in by_item.items()} for target, by_item in wanted.items()
    }


def changes_by_key(requests: Iterable[CheckedRequest]) -> Iterator[tuple[Settings, Change]]:
    """The keys of requests as changes, each with the settings that apply to it."""
    return ((each.settings, change) for each in requests for change in each.changes)


def _served(changes: Iterable[tuple[Settings, Change]]) -> ServedChanges:
    served = ServedChanges()
    for settings, change in changes:
        served.add(routed(settings, change))
    return served


def routed(settings: Settings, change: Change) -> Routed:
    """The targets that serve a change, with its viewer paths; or why there is none."""
    served, rejected, reasons = [], [], []
    for route in settings.routes:
        reason = paths.why_not_served(change.bucket, change.key, route)
        if reason is not None:
            reasons.append(f"route {route.name}: {reason}")
            continue
        try:
            viewer_paths = paths.viewer_paths(
                change.key, route, settings.tilde, settings.budget.min_wildcard_depth
            )
        except paths.PathError as error:
            rejected.append(Rejected(change.message_id, str(error)))
        else:
            served.append((route.target, viewer_paths))
    nowhere = len(reasons) == len(settings.routes)
    ignored = (Ignored(change.message_id, joined(reasons, MAX_REASONS), change.key),) if nowhere else ()
    return Routed(change.message_id, tuple(served), tuple(rejected), ignored)


def without_covered(
    requested: MessagesByItem, changed: MessagesByItem
) -> tuple[MessagesByItem, MessagesByItem]:
    """The requested items, which also serve the changes that they cover, and the changes that are left.

    A path that a request covers is not paid for twice.
    """
    serving = {target: dict(by_item) for target, by_item in requested.items()}
    left: dict[Target, dict[str, frozenset[str]]] = {}
    for target, by_path in changed.items():
        by_item = serving.get(target, {})
        stems = wildcard_stems(by_item)
        for path, ids in by_path.items():
            item = path if path in by_item else covering_wildcard(stems, path)
            if item is None:
                left.setdefault(target, {})[path] = ids
            else:
                by_item[item] |= ids
    return serving, left


def given_up(settings: Settings, target: Target | None = None) -> dict[str, str]:
    """Bucket → why it is not listed, where a plan failed with the inventory; of all targets, or of one."""
    return {
        route.bucket: "the plan failed with it: see the log"
        for route in settings.routes
        if route.bucket and target in (None, route.target)
    }


def blind(settings: Settings, unlisted: Collection[str]) -> dict[Target, int]:
    """Target → how many of its buckets are among those that were not listed."""
    buckets: dict[Target, set[str]] = defaultdict(set)
    for route in settings.routes:
        if route.bucket in unlisted:
            buckets[route.target].add(route.bucket)
    return {target: len(names) for target, names in buckets.items()}


def measures(settings: Settings, listing: Listing | None) -> dict[Target, Measure]:
    """Target → the measure of its wildcards' collateral in its buckets; empty without a listing."""
    if listing is None:
        return {}
    return {
        target: listing.measure([route for route in settings.routes if route.target == target])
        for target in {route.target for route in settings.routes if route.bucket}
    }
