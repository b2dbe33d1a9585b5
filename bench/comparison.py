"""A workload as planners and rules handle it, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.redeploys import Workload

from invalidator.settings import Budget

DOLLARS_PER_PATH = 0.005
"""After the first 1,000 a month."""


@dataclass(frozen=True)
class Result:
    """What a planner or rule makes of a workload."""

    workload: str
    planner: str
    budget: Budget | None
    """None: the planner knows none."""
    paths: int
    wildcards: int
    collateral: int
    missed: int
    calls: int

    @property
    def rounds(self) -> int:
        """How many times CloudFront must run the fifteen wildcards that it takes at once."""
        return -(-self.wildcards // 15)

    @property
    def dollars(self) -> float:
        return self.paths * DOLLARS_PER_PATH


@dataclass(frozen=True)
class Comparison:
    """A workload under one budget."""

    workload: Workload
    budget: Budget
    optimum: int
    known: Result
    blind: Result
    best_rule: Result
    """The least collateral among the rules that make do with as many paths as the budget has."""
