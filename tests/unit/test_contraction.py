"""A coarse tree: the same paths under fewer forks, which still make a tree in post-order."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from invalidator.contraction import coarsened, contracted
from invalidator.prefix_tree import Fork, build_tree, sorted_by_stem

PATHS = st.sets(
    st.text(alphabet="ab/", min_size=1, max_size=8).map(lambda name: f"/{name}"), min_size=2, max_size=60
)


@given(PATHS, st.integers(0, 20))
def test_a_coarse_tree_has_the_same_paths_and_each_fork_after_those_under_it(
    paths: set[str], fewest: int
) -> None:
    tree = build_tree(sorted_by_stem(paths))
    numbers, kept = coarsened(tree.forks, fewest)
    assert numbers[-1] == len(tree.forks) - 1
    assert sum(fork.paths for fork in kept) == len(paths)
    complete: list[Fork] = []
    for number, fork in zip(numbers, kept, strict=True):
        assert (fork.first, fork.last, fork.end) == tree.forks[number][:3]
        assert fork.last - fork.first + 1 >= fewest or fork is kept[-1]
        below = [complete.pop() for _ in range(fork.children)]
        assert fork.size == 1 + sum(each.size for each in below)
        assert all(fork.first <= each.first and each.last <= fork.last for each in below)
        complete.append(fork)
    assert len(complete) == 1


COLLATERAL = st.sampled_from([0.0, 5e-324, math.inf]) | st.floats(0, 100)
"""Infinite where the wildcard is not allowed."""


@given(PATHS, st.sets(st.text(alphabet="ab/", min_size=1, max_size=4), max_size=5), st.data())
def test_a_contracted_tree_has_the_same_paths_and_wildcards(
    paths: set[str], stems: set[str], data: st.DataObject
) -> None:
    forks = build_tree(sorted_by_stem(paths | {f"/{each}*" for each in stems})).forks
    collateral = [data.draw(COLLATERAL) for _ in forks]
    most = data.draw(st.integers(1, 20))
    tree = contracted(forks, collateral, most)
    assert len(tree.forks) == len(tree.collateral) <= len(forks)
    assert sum(fork.paths for fork in tree.forks) == sum(fork.paths for fork in forks)
    assert sum(fork.wildcards for fork in tree.forks) == sum(fork.wildcards for fork in forks)
    cost_of = {fork[:3]: cost for fork, cost in zip(forks, collateral, strict=True)}
    assert [cost_of[fork[:3]] for fork in tree.forks] == list(tree.collateral)


def test_a_coarse_tree_keeps_the_forks_that_are_needed_and_those_above_them() -> None:
    forks = build_tree(["/a/b/c1", "/a/b/c2", "/a/d", "/e/f", "/e/g", "/h1", "/h2", "/i"]).forks
    (needed,) = (fork for fork in forks if fork.end == len("/a/b/c"))
    numbers, kept = coarsened(forks, 4, {needed})
    assert [forks[number].end for number in numbers] == [6, 3, 1]
    assert [(fork.paths, fork.children) for fork in kept] == [(2, 0), (1, 1), (5, 1)]


def test_forks_that_may_not_be_closed_stay_where_the_others_cost_nothing() -> None:
    forks = build_tree([f"/{directory:03}/{name}" for directory in range(40) for name in "ab"]).forks
    collateral = [math.inf if fork.children else 0.0 for fork in forks]
    tree = contracted(forks, collateral, 10)
    assert (list(tree.forks), list(tree.collateral)) == (list(forks), collateral)


@given(PATHS)
def test_no_fork_is_left_out_where_each_has_enough_paths(paths: set[str]) -> None:
    forks = build_tree(sorted_by_stem(paths)).forks
    assert coarsened(forks, 2) == (list(range(len(forks))), forks)
