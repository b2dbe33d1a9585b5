"""Which forks to close for the least collateral, within a number of paths and of wildcards.

To close a fork is to send its wildcard instead of the paths under it. From the leaves to the root, each fork
keeps the solutions for its subtree that no other solution beats; the best one of the root is the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from invalidator.limits import WILDCARDS_IN_PROGRESS
from invalidator.prefix_tree import Fork

MAX_NUMBERS = 128
"""The most numbers of paths in a frontier; of more, an evenly spread selection is kept."""


class Limits(NamedTuple):
    """What a solution may send."""

    paths: int
    wildcards: int


Closed: TypeAlias = "Fork | tuple[Closed, Closed] | None"
"""The forks that a solution closes; nested pairs, so that combining two solutions copies neither."""

Solution: TypeAlias = tuple[int, float, Closed]
"""One way to send a part of the tree: wildcards, collateral, and the forks closed."""


class Frontier:
    """The solutions for a part of the tree that are worth having.

    Rising numbers of paths → solutions by rising wildcards and falling collateral.
    """

    __slots__ = ("most_wildcards", "solutions")

    def __init__(self, solutions: Mapping[int, list[Solution]], most_wildcards: int) -> None:
        self.solutions = solutions
        self.most_wildcards = most_wildcards
        """No solution has more: a small part of the tree needs few, however many the budget allows."""

    def add(self, paths: int, wildcards: int) -> Frontier:
        """The solutions, each with that many more paths and wildcards."""
        return Frontier(
            {
                number + paths: [(own + wildcards, collateral, closed) for own, collateral, closed in some]
                for number, some in self.solutions.items()
            },
            self.most_wildcards + wildcards,
        )

    def closing(self, fork: Fork, wildcards: int, collateral: float) -> Frontier:
        """The solutions, and the one that sends only the fork's wildcard."""
        closed: Solution = (wildcards, collateral, fork)
        with_one_path = {1: [*self.solutions.get(1, ()), closed]}
        return Frontier({**self.solutions, **with_one_path}, max(self.most_wildcards, wildcards))

    def combine(self, other: Frontier, max_paths: int) -> Frontier:
        """The solutions for two parts of the tree together that `prune` can keep; both are pruned."""
        combined: dict[int, list[Solution]] = {}
        for paths, some in self.solutions.items():
            for more_paths, others in other.solutions.items():
                if paths + more_paths > max_paths:
                    break
                combined.setdefault(paths + more_paths, []).extend(_sums(some, others))
        return Frontier(combined, self.most_wildcards + other.most_wildcards)

    def prune(self, limits: Limits, max_numbers: int) -> Frontier:
        """The solutions within the limits that none beats in paths, wildcards and collateral at once.

        Of those with the same number of paths only the lower convex hull is kept, of collateral over
        wildcards: what lies above it is seldom part of the best solution, and would multiply the work.
        """
        max_wildcards = min(limits.wildcards, self.most_wildcards)
        least = [math.inf] * (max_wildcards + 1)
        kept: dict[int, list[Solution]] = {}
        for paths in _evenly_spread(
            sorted(paths for paths in self.solutions if paths <= limits.paths), max_numbers
        ):
            hull: list[Solution] = []
            for solution in sorted(self.solutions[paths], key=itemgetter(0, 1)):
                wildcards, collateral, _ = solution
                if wildcards > max_wildcards or collateral >= least[wildcards]:
                    continue
                while len(hull) > 1 and _on_or_above(hull[-1], hull[-2], solution):
                    hull.pop()
                hull.append(solution)
                for more in range(wildcards, max_wildcards + 1):
                    if least[more] <= collateral:
                        break  # `least` falls with the wildcards
                    least[more] = collateral
            if hull:
                kept[paths] = hull
        return Frontier(kept, max_wildcards)

    def best(self, round_price: float) -> Solution:
        """The solution with the least collateral plus price of its rounds, then with the fewest paths."""

        def price(solution: Solution) -> float:
            wildcards, collateral, _ = solution
            return collateral + round_price * math.ceil(wildcards / WILDCARDS_IN_PROGRESS)

        every = ((paths, solution) for paths, some in self.solutions.items() for solution in some)
        _, best = min(every, key=lambda each: (price(each[1]), each[0]))
        return best


NOTHING_SENT = Frontier({0: [(0, 0.0, None)]}, 0)
"""The only solution for no paths."""


def solve(
    forks: Sequence[Fork],
    collateral: Sequence[float],
    limits: Limits,
    round_price: float = 0.0,
    max_numbers: int | None = None,
) -> list[Fork]:
    """The forks to close for the least collateral within the limits, and among equals for the fewest items.

    `forks` are in post-order, and `collateral` in the order of the forks: infinite for a fork that may not be
    closed. The limits must allow to close the broadest of the others. A further round of
    `WILDCARDS_IN_PROGRESS` wildcards must spare a collateral of `round_price` to be worth its time.
    """
    max_numbers = max_numbers or MAX_NUMBERS
    # Where as many wildcards as paths are allowed, the limit of paths suffices, and each wildcard counts 0.
    wildcard_weight = 1 if limits.wildcards < limits.paths else 0
    limits = limits._replace(wildcards=limits.wildcards * wildcard_weight)
    complete: list[Frontier] = []
    for fork, cost in zip(forks, collateral, strict=True):
        first_child = len(complete) - fork.children
        kept_open = NOTHING_SENT
        for child in complete[first_child:]:
            kept_open = kept_open.combine(child, limits.paths).prune(limits, max_numbers)
        del complete[first_child:]
        frontier = kept_open.add(fork.paths, fork.wildcards * wildcard_weight)
        if math.isfinite(cost):
            frontier = frontier.closing(fork, wildcard_weight, cost)
        complete.append(frontier.prune(limits, max_numbers))
    (whole,) = complete  # all paths share their first slash
    _, _, closed = whole.best(round_price)
    return _flattened(closed)


def _sums(some: Sequence[Solution], others: Sequence[Solution]) -> list[Solution]:
    """The lower convex hull of every sum of two hulls: it has the edges of both, by their slopes."""
    wildcards, collateral, closed = some[0]
    more_wildcards, more_collateral, more_closed = others[0]
    sums: list[Solution] = [(wildcards + more_wildcards, collateral + more_collateral, (closed, more_closed))]
    at, more_at = 1, 1
    while at < len(some) or more_at < len(others):
        if more_at == len(others) or (
            at < len(some)
            and (some[at][1] - collateral) * (others[more_at][0] - more_wildcards)
            <= (others[more_at][1] - more_collateral) * (some[at][0] - wildcards)
        ):
            wildcards, collateral, closed = some[at]
            at += 1
        else:
            more_wildcards, more_collateral, more_closed = others[more_at]
            more_at += 1
        sums.append((wildcards + more_wildcards, collateral + more_collateral, (closed, more_closed)))
    return sums


def _on_or_above(middle: Solution, left: Solution, right: Solution) -> bool:
    """Whether the middle solution costs at least what the line between the other two does."""
    wildcards, collateral, _ = left
    middle_wildcards, middle_collateral, _ = middle
    right_wildcards, right_collateral, _ = right
    rise, run = right_collateral - collateral, right_wildcards - wildcards
    return (middle_collateral - collateral) * run >= rise * (middle_wildcards - wildcards)


def _evenly_spread(numbers: list[int], most: int) -> list[int]:
    """At most that many of the sorted numbers, evenly spread, with the first."""
    return numbers[:: max(1, -(-len(numbers) // most))]


def _flattened(closed: Closed) -> list[Fork]:
    """The forks of the nested pairs."""
    forks: list[Fork] = []
    nested = [closed]
    while nested:
        one = nested.pop()
        if isinstance(one, Fork):
            forks.append(one)
        elif one:
            nested.extend(one)
    return forks
