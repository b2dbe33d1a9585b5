"""Paths past the budget → the wildcards with the least collateral."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from invalidator.collateral import Collateral, Measure, estimated
from invalidator.contraction import coarsened, contracted
from invalidator.knapsack import Limits, solve
from invalidator.prefix_tree import Fork, Tree, build_tree, is_wildcard, maximal, sorted_by_stem

WORTH_A_ROUND = 0.02
"""The share of the changes that a further round of wildcards must spare: it takes a call and some 25 s."""

MAX_FORKS = 600
"""The most forks for the knapsack; of a larger tree, the forks cheapest to close are contracted first."""

ROUGH_FORKS, ROUGH_NUMBERS = 120, 16
"""The most forks and numbers of paths of a rough choice, which tells the listing what to list next."""

ROUGH_SHARE = 1_000
"""A rough choice closes no fork with less than this part of the paths, so that it is made in milliseconds."""


def merge(
    paths: Iterable[str],
    max_paths: int,
    max_wildcards: int,
    min_wildcard_depth: int,
    measure: Measure | None,
) -> set[str]:
    """Items that cover all of `paths`, within the budget where `min_wildcard_depth` allows it.

    Where the unchanged objects are known and the tree has at most `MAX_FORKS` forks, the collateral is the
    least possible if as many wildcards as paths are allowed. If fewer are allowed, it is within a few
    thousandths of that, except for collateral that is not worth another round of wildcards.
    """
    members = sorted_by_stem(paths)
    tree = build_tree(members)
    limits = Limits(max_paths, max_wildcards)
    closed = _to_close(tree, members, limits, min_wildcard_depth, measure)
    merged = {at for fork in closed for at in range(fork.first, fork.last + 1)}
    wildcards = {tree.prefix(fork) + "*" for fork in closed}
    if len(closed) == 1 and len(merged) == len(members):
        wildcards = _within_directory(tree.prefix(tree.forks[-1]), members, limits) or wildcards
    return wildcards.union(path for at, path in enumerate(members) if at not in merged)


def _within_directory(directory: str, members: Iterable[str], limits: Limits) -> set[str]:
    """What covers paths that all are a directory's own or below it, and matches no neighbour of its name.

    `/uploads*` also matches `/uploads-of-others/`, where no path of a route with the prefix `uploads/` lies.
    Empty where some path is another, and where the limits allow no more than the one wildcard.
    """
    below = directory + "/"
    own = {path for path in members if path in (directory, below) or path.startswith(directory + "?")}
    items = own | {below + "*"}
    fits = len(items) <= limits.paths and sum(map(is_wildcard, items)) <= limits.wildcards
    return items if fits and all(path in own or path.startswith(below) for path in members) else set()


def _to_close(
    tree: Tree, members: Sequence[str], limits: Limits, min_wildcard_depth: int, measure: Measure | None
) -> Sequence[Fork]:
    """The forks to close; where even the broadest wildcards allowed exceed the budget, just these."""
    allowed = _deep_enough(tree, min_wildcard_depth)
    broadest = maximal(tree.forks, allowed)
    unmerged = [fork for fork, may_close in zip(tree.forks, allowed, strict=True) if not may_close]
    if not broadest or sum(fork.paths for fork in unmerged) + len(broadest) >= limits.paths:
        return broadest
    fewest_wildcards = sum(fork.wildcards for fork in unmerged) + len(broadest)
    limits = limits._replace(wildcards=max(limits.wildcards, fewest_wildcards))

    def within(costs: Sequence[float]) -> Sequence[float]:
        return [cost if may_close else math.inf for cost, may_close in zip(costs, allowed, strict=True)]

    def measured(measure: Measure) -> Collateral | None:
        # Without the broadest forks that may be closed there may be no choice within the limits.
        numbers, forks = coarsened(tree.forks, len(members) // ROUGH_SHARE, frozenset(broadest))
        may_close = [allowed[number] for number in numbers]

        def choose_roughly(costs: Sequence[float]) -> Sequence[Fork]:
            own = [costs[at] if may else math.inf for at, may in zip(numbers, may_close, strict=True)]
            return solve(*contracted(forks, own, ROUGH_FORKS), limits, max_numbers=ROUGH_NUMBERS)

        return measure(tree, members, choose_roughly)

    collateral = (measure and measured(measure)) or estimated(tree)
    return solve(
        *contracted(tree.forks, within(collateral.of_forks), MAX_FORKS),
        limits,
        collateral.changed * WORTH_A_ROUND,
    )


def _deep_enough(tree: Tree, min_wildcard_depth: int) -> Sequence[bool]:
    """For each fork, whether its wildcard has enough complete directories before it."""
    return [tree.stems[fork.first].count("/", 0, fork.end) > min_wildcard_depth for fork in tree.forks]
