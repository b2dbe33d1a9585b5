"""The least collateral that any plan can have, were all known: an exact knapsack over the tree of prefixes.

Independent of the planner. A plan sends every changed path as it is, or under a wildcard at the longest
common prefix of some changed paths: every other wildcard that covers the same paths matches at least as much.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

Table = dict[tuple[int, int], int]
"""(paths, wildcards) → least collateral."""


def optimum(changed: Sequence[str], unchanged: Sequence[str], max_paths: int, max_wildcards: int) -> int:
    """How few unchanged paths a plan within the budget can match, if it covers all changed ones.

    Both lists are sorted and without duplicates.
    """
    counted = int(max_wildcards < max_paths)

    def table(first: int, last: int) -> Table:
        """For the changed paths from `first` to before `last`."""
        if last - first == 1:
            return {(1, 0): 0}
        prefix = os.path.commonprefix([changed[first], changed[last - 1]])  # noqa: RUF071 (any prefix, not only directories)
        start = bisect_left(unchanged, prefix)
        matched = bisect_left(unchanged, prefix + "\U0010ffff") - start
        if matched == 0:
            return within({(1, counted): 0, (last - first, 0): 0})
        joined: Table = {(0, 0): 0}
        for begin, end in groups(first, last, len(prefix)):
            child = table(begin, end)
            sums: Table = {}
            for (paths, wildcards), lost in joined.items():
                for (more_paths, more_wildcards), more_lost in child.items():
                    key = paths + more_paths, wildcards + more_wildcards
                    if key[0] <= max_paths and sums.get(key, matched + 1) > lost + more_lost:
                        sums[key] = lost + more_lost
            joined = within(sums)
        joined[1, counted] = min(matched, joined.get((1, counted), matched))
        return within(joined)

    def groups(first: int, last: int, shared: int) -> list[tuple[int, int]]:
        """The stretches of changed paths with the same next character."""
        bounds = [first]
        while bounds[-1] < last:
            here = changed[bounds[-1]]
            whole = here[: shared + 1]
            past = (
                bounds[-1] + 1
                if len(here) == shared
                else bisect_left(changed, whole + "\U0010ffff", bounds[-1], last)
            )
            bounds.append(past)
        return list(pairwise(bounds))

    def within(sums: Table) -> Table:
        """Those within the budget that none beats in all three."""
        least = [len(unchanged) + 1] * (max_wildcards + 1)
        kept: Table = {}
        for (paths, wildcards), lost in sorted(sums.items()):
            if paths <= max_paths and wildcards <= max_wildcards and lost < least[wildcards]:
                kept[paths, wildcards] = lost
                for more in range(wildcards, max_wildcards + 1):
                    least[more] = min(least[more], lost)
        return kept

    return min(table(0, len(changed)).values()) if changed else 0
