"""A tree too large for the knapsack → a smaller one that keeps the forks worth a choice.

This is only a speed-up: `knapsack.solve` takes any tree, in time that grows with the forks.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from typing import NamedTuple

from invalidator.prefix_tree import Fork


class Contracted(NamedTuple):
    """Forks in post-order, and what closing each costs."""

    forks: Sequence[Fork]
    collateral: Sequence[float]


def contracted(forks: Sequence[Fork], collateral: Sequence[float], max_forks: int) -> Contracted:
    """At most `max_forks` of the forks, where enough may be closed.

    First the forks without collateral become leaves. Then the price of a path rises until few enough forks
    are left: a fork that is worth closing at one price is worth it at any higher price. At first only small
    parts of the tree become leaves, and larger ones as the price rises; the top of the tree keeps its forks.
    """
    every = len(forks)
    tree = _at_price(Contracted(forks, collateral), 0.0, every)
    highest = max((cost for cost in tree.collateral if math.isfinite(cost)), default=0.0)
    price, largest = highest / max_forks / 64, every * 8 / max_forks
    # Without a price above 0 nothing more becomes a leaf: what is left costs nothing, or may not be closed.
    while len(tree.forks) > max_forks and price and (price <= highest or largest < every):
        tree = _at_price(tree, price, largest)
        price, largest = price * 1.5, largest * 1.25
    return tree


def coarsened(
    forks: Sequence[Fork], fewest_paths: int, kept_anyway: Container[Fork] = ()
) -> tuple[Sequence[int], Sequence[Fork]]:
    """The forks with so many paths or more, as a tree of their own; their numbers in `forks` come first.

    The paths of the forks left out become their parents' own. The root stays, and so do the forks in
    `kept_anyway` with those above them.
    """
    numbers: list[int] = []
    kept: list[Fork] = []
    complete: list[tuple[Fork | None, int, int]] = []
    """For each subtree whose parent is not reached: its fork if that is kept, its paths and its wildcards."""
    for number, fork in enumerate(forks):
        first_child = len(complete) - fork.children
        children = complete[first_child:]
        del complete[first_child:]
        paths = fork.last - fork.first + 1
        wildcards = fork.wildcards + sum(below for _, _, below in children)
        left_out = [each for each in children if each[0] is None]
        below = [each[0] for each in children if each[0] is not None]
        if paths < fewest_paths and not below and fork not in kept_anyway and number < len(forks) - 1:
            complete.append((None, paths, wildcards))
            continue
        coarse = fork._replace(
            children=len(below),
            size=1 + sum(each.size for each in below),
            paths=fork.paths + sum(each[1] for each in left_out),
            wildcards=fork.wildcards + sum(each[2] for each in left_out),
        )
        numbers.append(number)
        kept.append(coarse)
        complete.append((coarse, paths, wildcards))
    return numbers, kept


def _at_price(tree: Contracted, price: float, largest: float) -> Contracted:
    """The tree without the forks under any fork that is cheaper to close, at `price` for each path saved.

    Such a fork becomes a leaf. The knapsack may still keep it open; then all its paths are sent as they are.
    A fork with more than `largest` forks in its subtree does not become a leaf.
    """
    kept: list[Fork] = []
    costs: list[float] = []
    complete: list[tuple[float, int]] = []
    """For each subtree whose parent is not reached: its cost at that price, and its first index in `kept`."""
    for fork, cost in zip(*tree, strict=True):
        open_cost = price * fork.paths
        start = len(kept)
        if fork.children:
            children = complete[-fork.children :]
            del complete[-fork.children :]
            start = children[0][1]
            for child_cost, _ in children:
                open_cost += child_cost
        closed_cost = cost + price
        complete.append((min(open_cost, closed_cost), start))
        if fork.size <= largest and closed_cost <= open_cost and start < len(kept):
            below = kept[start:]
            del kept[start:], costs[start:]
            leaf = fork._replace(
                children=0,
                paths=fork.paths + sum(each.paths for each in below),
                wildcards=fork.wildcards + sum(each.wildcards for each in below),
            )
            kept.append(leaf)
        else:
            kept.append(fork)
        costs.append(cost)
    return Contracted(kept, costs)
