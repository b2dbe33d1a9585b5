"""The tree of prefixes, and coarse ones: the same paths under fewer forks, still in post-order."""

from __future__ import annotations

import math
from itertools import pairwise
from os.path import commonprefix

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invalidator.collateral import estimated, known
from invalidator.contraction import coarsened, contracted
from invalidator.prefix_tree import (
    Fork,
    build_tree,
    is_wildcard,
    maximal,
    shared_prefix,
    sorted_by_stem,
    stem,
)

PATHS = st.sets(
    st.text(alphabet="ab/", min_size=1, max_size=8).map(lambda name: f"/{name}"), min_size=2, max_size=60
)


@given(st.sets(st.text(alphabet="ab/*", max_size=6).map(lambda name: f"/{name}"), min_size=1, max_size=30))
def test_a_tree_has_a_fork_wherever_sorted_paths_differ(paths: set[str]) -> None:
    members = sorted_by_stem(paths)
    stems = list(map(stem, members))
    tree = build_tree(members)
    expected = set()
    for pair in pairwise(stems):
        prefix = commonprefix(pair)  # noqa: RUF071 (of texts, not of directories)
        under = [at for at, each in enumerate(stems) if each.startswith(prefix)]
        expected.add((under[0], under[-1], len(prefix)))
    assert {fork[:3] for fork in tree.forks} == expected
    assert len(tree.forks) == len(expected)
    for number, fork in enumerate(tree.forks):
        below = [
            each
            for each in tree.forks
            if each.end > fork.end and fork.first <= each.first and each.last <= fork.last
        ]
        assert list(tree.forks[number - fork.size + 1 : number]) == below
        covered = {at for each in below for at in range(each.first, each.last + 1)}
        own = [members[at] for at in range(fork.first, fork.last + 1) if at not in covered]
        assert (fork.paths, fork.wildcards) == (len(own), sum(map(is_wildcard, own)))
        children = [tree.forks[child] for child in tree.children()[number]]
        assert sum(each.size for each in children) == len(below)
        assert fork.children == len(children)
        assert tree.prefix(fork) == stems[fork.first][: fork.end]
        assert maximal(tree.forks[: number + 1], [each is fork for each in tree.forks[: number + 1]]) == [
            fork
        ]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        pytest.param("/abc", "/abd", "/ab", id="a letter differs"),
        pytest.param("/ab", "/abc", "/ab", id="the end of one"),
        pytest.param("/abc", "/ab", "/ab", id="the end of the other"),
        pytest.param("/ab", "/ab", "/ab", id="equal"),
        pytest.param("a", "b", "", id="nothing"),
        pytest.param("/a%20", "/a%21", "/a", id="the second digit of an escape"),
        pytest.param("/a%20", "/a%30", "/a", id="the first digit of an escape"),
        pytest.param("/a%20b", "/a%20c", "/a%20", id="behind an escape"),
        pytest.param("/a%20", "/ab", "/a", id="an escape and a letter"),
        pytest.param("/ab", "/a%20", "/a", id="a letter and an escape"),
        pytest.param("/%C3%A9", "/%C3%A8", "/", id="the second byte of a character"),
        pytest.param("/%C3%A9x", "/%C3%A9", "/%C3%A9", id="behind a character"),
        pytest.param("/%C3%A9", "/%C3x", "/", id="a byte and a broken character"),
        pytest.param("/%C3x", "/%C3%A9", "/", id="a broken character and a byte"),
        pytest.param("/%c3%a9", "/%c3%a8", "/", id="small letters"),
        pytest.param("/%20%8", "/%20%9", "/", id="continuation bytes after a space"),
        pytest.param("/%20%41", "/%20%42", "/%20", id="no continuation byte"),
        pytest.param("/x%8", "/x%9", "/x", id="a continuation byte after a letter"),
    ],
)
def test_two_paths_share_no_part_of_an_escaped_character(one: str, other: str, shared: str) -> None:
    assert one[: shared_prefix(one, other)] == other[: shared_prefix(one, other)] == shared
    assert shared_prefix(other, one) == len(shared)


def test_blind_a_wildcard_costs_its_share_of_each_directory_and_an_eighth_for_each_fork() -> None:
    tree = build_tree(["/a/x1", "/a/x2", "/a/y", "/b/z"])
    assert [tree.prefix(fork) for fork in tree.forks] == ["/a/x", "/a/", "/"]
    assert estimated(tree).of_forks == pytest.approx([2 / 3 + 1 / 8, 1 + 2 / 8, 2 + 3 / 8])
    assert estimated(tree).changed == 2


def test_a_wildcard_costs_the_unchanged_objects_that_it_matches() -> None:
    members = sorted_by_stem(["/a/x1", "/a/x2", "/a/y", "/b/z"])
    tree = build_tree(members)
    unchanged = ["/a/x1", "/a/x", "/a/x\U0010fffd", "/a/z", "/a", "/a/", "/c"]
    collateral = known(unchanged)(tree, members, lambda _: [])
    assert collateral is not None
    assert (list(collateral.of_forks), collateral.changed) == ([2, 3, 6], 4)


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
