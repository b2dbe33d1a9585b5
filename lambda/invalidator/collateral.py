"""What each fork's wildcard would throw out of the cache needlessly: counted, or estimated.

The collateral of a fork is the number of unchanged objects that its wildcard matches. Where these are
known they are counted; where only the changes are known, the collateral is estimated from them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from invalidator.prefix_tree import Fork, Tree, stem

LAST = "\U0010ffff"
"""Sorts behind every character of a path."""


class Collateral(NamedTuple):
    """What closing each fork costs, and the measure of it."""

    of_forks: Sequence[float]
    """In the order of the tree's forks; infinite where the budget forbids the wildcard."""
    changed: float
    """How much has changed, in the same measure: objects, or directories."""


Choose = Callable[[Sequence[float]], Sequence[Fork]]
"""Costs of closing each fork → the forks that would be closed: a quick answer, near the best."""

Measure = Callable[[Tree, Sequence[str], Choose], "Collateral | None"]
"""(tree, its paths in order, choice) → collateral of the tree's forks; None where nothing is known of it."""


def known(unchanged: Iterable[str]) -> Measure:
    """Collateral where the viewer paths of all unchanged objects are known: how many the wildcard matches."""

    def measure(tree: Tree, paths: Sequence[str], _choose: Choose) -> Collateral:
        stems = sorted(map(stem, set(unchanged).difference(paths)))
        counts: list[float] = []
        for fork in tree.forks:
            prefix = tree.prefix(fork)
            before = bisect_left(stems, prefix)
            counts.append(bisect_left(stems, prefix + LAST, before) - before)
        return Collateral(counts, len(tree.stems))

    return measure


def estimated(tree: Tree) -> Collateral:
    """Collateral where only the changes are known: the wildcard's share of each directory, and its forks.

    Every directory with changes is taken to hold as much that did not change as any other, evenly among its
    changed names. A wildcard over 3 of a directory's 12 changes then costs a quarter, and one over all 12
    no more than one over the only change of another directory: the more names of a directory have changed,
    the likelier it has changed as a whole (the rule of succession). Besides, unchanged names may stand
    wherever changed ones part, so each fork weighs an eighth of a directory; half that serves as well.
    """
    directories = [own.rpartition("/")[0] for own in tree.stems]
    changes = Counter(directories)
    shares = [0.0, *accumulate(1 / changes[directory] for directory in directories)]
    costs = [shares[fork.last + 1] - shares[fork.first] + fork.size / 8 for fork in tree.forks]
    return Collateral(costs, len(changes))
