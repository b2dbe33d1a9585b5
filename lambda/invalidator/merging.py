"""Paths past the budget → the wildcards with the least collateral."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from invalidator import knapsack
from invalidator.collateral import Measure
from invalidator.contraction import contracted
from invalidator.prefix_tree import Tree, grown, maximal, sorted_by_stem

WORTH_A_ROUND = 0.02
"""A further round takes a call and some 25 s. It must spare as much as this share of what has changed."""

MAX_FORKS = 600
"""The knapsack takes time by the fork: of more, those cheapest to close are closed beforehand."""


def merge(
    paths: Iterable[str], max_paths: int, max_wildcards: int, min_wildcard_depth: int, measure: Measure
) -> set[str]:
    """Items that cover all of `paths`, within the budget unless `min_wildcard_depth` forbids to merge enough.

    With the unchanged objects known, the collateral is the least possible where as many wildcards as paths
    are allowed, and within a few thousandths of it elsewhere, up to `MAX_FORKS` forks; but for what another
    round of wildcards is not worth, where fewer wildcards than paths are allowed.
    """
    members = sorted_by_stem(paths)
    tree = grown(members)
    allowed = deep_enough(tree, min_wildcard_depth)
    widest = maximal(tree.forks, allowed)
    unmerged = [fork for fork, may_close in zip(tree.forks, allowed, strict=True) if not may_close]
    closed = widest
    if widest and sum(fork.paths for fork in unmerged) + len(widest) < max_paths:
        collateral = measure(tree, members)
        costs = [
            cost if may_close else math.inf
            for cost, may_close in zip(collateral.of_forks, allowed, strict=True)
        ]
        fewest_wildcards = sum(fork.wildcards for fork in unmerged) + len(widest)
        limits = knapsack.Limits(
            max_paths, max(max_wildcards, fewest_wildcards), collateral.changed * WORTH_A_ROUND
        )
        closed = knapsack.solve(*contracted(tree.forks, costs, MAX_FORKS), limits)
    merged = {at for fork in closed for at in range(fork.first, fork.last + 1)}
    wildcards = {tree.prefix(fork) + "*" for fork in closed}
    return wildcards.union(path for at, path in enumerate(members) if at not in merged)


def deep_enough(tree: Tree, min_wildcard_depth: int) -> Sequence[bool]:
    """For each fork, whether its wildcard has enough complete directories before it."""
    return [tree.stems[fork.first].count("/", 0, fork.end) > min_wildcard_depth for fork in tree.forks]
