"""Edits of a live stack: each applies in one run, loses nothing, and leaves an empty plan."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from scripts.terraform import ROOT
from tests.e2e.edits import EDITED, REACHED, REKEYED, REWIRED, Edit, Edited

STACKS = {"edited": EDITED, "reached": REACHED, "rekeyed": REKEYED, "rewired": REWIRED}


def cases(without: str = "no such edit") -> list[Any]:
    """A case for each edit of each stack."""
    return [
        pytest.param(stack, edit, id=edit.name)
        for stack, chosen in STACKS.items()
        for edit in chosen
        if without not in edit.name
    ]


ALL = cases()
QUEUED = cases(without="batching o")


@pytest.fixture
def result(request: pytest.FixtureRequest, stack: str, edit: Edit) -> Edited:
    results: Mapping[str, Edited] = request.getfixturevalue(stack)
    return results[edit.name]


def test_every_input_is_edited() -> None:
    declared = re.findall(
        r'^variable "(\w+)"', (ROOT / "variables.tf").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {name for chosen in STACKS.values() for edit in chosen for name in edit.inputs} == set(declared)


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_an_edit_applies_in_one_run_and_the_second_plan_is_empty(result: Edited, edit: Edit) -> None:
    """Where the documentation asks for a second apply, that one makes again what it says, and no more."""
    assert result.error == ""
    assert any(address.startswith("module.") for address in result.planned) == edit.plans
    assert result.mended.keys() == edit.mends
    assert result.left == {}


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_what_is_uploaded_during_an_edit_is_invalidated(result: Edited, edit: Edit) -> None:
    """An object a second through the whole apply. A gap is allowed only where the edit says why and when."""
    assert len(result.uploaded) >= 4
    begins = result.apply_seconds - edit.gap_before_end
    if not edit.gap:
        assert result.missing == []
    assert [at for at in result.lost if not begins <= at <= result.after_seconds] == []
    assert not result.lost or result.lost[-1] - result.lost[0] <= edit.gap_seconds


@pytest.mark.parametrize(("stack", "edit"), QUEUED)
def test_no_queue_is_replaced_while_batching_stays_on(result: Edited, edit: Edit) -> None:
    assert len(result.queues_before) == 4
    assert result.queues_after == result.queues_before


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_the_role_has_all_of_its_policies_after_an_edit(result: Edited, edit: Edit) -> None:
    assert "invalidate" in result.policies
    assert result.policies == result.expected_policies
