"""The collateral of each fork: how many unchanged objects its wildcard would remove from the cache.

Where the unchanged objects are known, they are counted; where only the changes are known, the collateral is
estimated from them.
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
    """The collateral of closing each fork, and the size of the change in the same unit."""

    of_forks: Sequence[float]
    """In the order of the tree's forks; infinite where the budget forbids the wildcard."""
    changed: float
    """How much has changed, in the same unit: objects, or directories."""


Choose = Callable[[Sequence[float]], Sequence[Fork]]
"""Cost of closing each fork → the forks to close: a quick choice, close to the best."""

Measure = Callable[[Tree, Sequence[str], Choose], "Collateral | None"]
"""(tree, its paths in order, choice) → collateral of the tree's forks; None where nothing is known."""


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
    """Collateral where only the changes are known: the share of each directory under the wildcard.

    The estimate assumes that every directory with changes holds the same number of unchanged objects, spread
    evenly among its changed names. A wildcard over 3 of a directory's 12 changes then costs a quarter of a
    directory, and a wildcard over all 12 costs as much as one over the only change of another directory: the
    more names of a directory have changed, the likelier the whole directory has (the rule of succession).
    Unchanged names may also lie where changed names differ, so each fork adds an eighth of a directory; a
    sixteenth works as well.
    """
    directories = [own.rpartition("/")[0] for own in tree.stems]
    changed_names = Counter(directories)
    shares = [0.0, *accumulate(1 / changed_names[directory] for directory in directories)]
    costs = [shares[fork.last + 1] - shares[fork.first] + fork.size / 8 for fork in tree.forks]
    return Collateral(costs, len(changed_names))
