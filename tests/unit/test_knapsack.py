"""The frontiers of the knapsack: what is kept of two parts of a tree together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invalidator.knapsack import Frontier, Limits, Solution, solve
from invalidator.prefix_tree import Fork, build_tree, maximal, sorted_by_stem

LIMITS = Limits(paths=9, wildcards=60)
HULLS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), min_size=1, max_size=9)


def pruned(paths: int, points: Sequence[tuple[int, int]]) -> Frontier:
    solutions: list[Solution] = [(wildcards, float(collateral), None) for wildcards, collateral in points]
    return Frontier({paths: solutions}, LIMITS.wildcards).prune(LIMITS, max_numbers=8)


def points(frontier: Frontier, paths: int) -> list[tuple[int, float]]:
    return [solution[:2] for solution in frontier.solutions[paths]]


@given(HULLS, HULLS)
def test_of_two_parts_together_what_is_worth_having_is_kept(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    """As if every solution for one had been added to every solution for the other."""
    one, other = pruned(1, some), pruned(2, others)
    every = [
        (wildcards + more_wildcards, int(collateral + more_collateral))
        for wildcards, collateral in points(one, 1)
        for more_wildcards, more_collateral in points(other, 2)
    ]
    combined = one.combine(other, LIMITS.paths).prune(LIMITS, max_numbers=8)
    assert points(combined, 3) == points(pruned(3, every), 3)


def test_what_two_parts_need_together_may_be_too_much() -> None:
    assert pruned(5, [(0, 0)]).combine(pruned(5, [(0, 0)]), 9).solutions == {}


@pytest.mark.parametrize(("round_price", "wildcards"), [(9.0, 16), (11.0, 15)])
def test_a_further_round_of_wildcards_must_be_worth_its_price(round_price: float, wildcards: int) -> None:
    best = pruned(1, [(15, 20), (16, 10)]).best(round_price)
    assert best[0] == wildcards


@given(
    st.sets(st.text(alphabet="ab/", max_size=4).map("/{}".format), min_size=2, max_size=7),
    st.data(),
)
def test_where_each_path_sent_may_be_a_wildcard_the_collateral_is_the_least_possible(
    paths: set[str], data: st.DataObject
) -> None:
    """As if every choice of forks had been tried; among equal ones, that which sends the fewest items."""
    tree = build_tree(sorted_by_stem(paths))
    most = data.draw(st.integers(1, len(paths)))
    costs = [float(data.draw(st.integers(0, 4))) for _ in tree.forks]

    def sent(closed: Sequence[Fork]) -> int:
        return len(paths) - sum(fork.last - fork.first for fork in closed)

    def cost(closed: Sequence[Fork]) -> float:
        return sum(costs[tree.forks.index(fork)] for fork in closed)

    choices = [
        closed
        for number in range(len(tree.forks) + 1)
        for closed in combinations(tree.forks, number)
        if sent(closed) <= most
        and all(one.last < other.first or other.last < one.first for one, other in combinations(closed, 2))
    ]
    closed = solve(tree.forks, costs, Limits(most, most))
    assert (cost(closed), sent(closed)) == min((cost(each), sent(each)) for each in choices)


@given(
    st.sets(st.text(alphabet="ab/", min_size=2, max_size=8).map("/{}".format), min_size=2, max_size=60),
    st.data(),
    st.integers(1, 8),
)
def test_where_the_limits_allow_the_broadest_forks_there_is_a_choice(
    paths: set[str], data: st.DataObject, max_numbers: int
) -> None:
    """However few numbers of paths are kept, and whatever may not be closed."""
    tree = build_tree(sorted_by_stem(paths))
    allowed = [tree.prefix(fork).count("/") > 1 for fork in tree.forks]
    broadest = maximal(tree.forks, allowed)
    unmerged = [fork for fork, may_close in zip(tree.forks, allowed, strict=True) if not may_close]
    fewest = sum(fork.paths for fork in unmerged) + len(broadest)
    limits = Limits(fewest + data.draw(st.integers(0, 3)), len(broadest))
    costs = [float(data.draw(st.integers(0, 9))) if may_close else math.inf for may_close in allowed]
    closed = solve(tree.forks, costs, limits, max_numbers=max_numbers)
    assert all(allowed[tree.forks.index(fork)] for fork in closed)
    sent = len(paths) - sum(fork.last - fork.first for fork in closed)
    assert sent <= limits.paths
    assert len(closed) <= limits.wildcards
