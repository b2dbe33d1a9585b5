"""Edits of a live stack: each applies in one run, loses nothing, and leaves an empty plan."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.e2e.edits import EDITED, REACHED, REWIRED, Edit, Edited

STACKS = {"edited": EDITED, "reached": REACHED, "rewired": REWIRED}
ALL = [pytest.param(stack, edit, id=edit.name) for stack, chosen in STACKS.items() for edit in chosen]
QUEUED = [
    pytest.param(stack, edit, id=edit.name)
    for stack, chosen in STACKS.items()
    for edit in chosen
    if "batching o" not in edit.name
]


@pytest.fixture
def result(
    edited: Mapping[str, Edited],
    reached: Mapping[str, Edited],
    rewired: Mapping[str, Edited],
    stack: str,
    edit: Edit,
) -> Edited:
    return {"edited": edited, "reached": reached, "rewired": rewired}[stack][edit.name]


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_an_edit_applies_in_one_run_and_the_second_plan_is_empty(result: Edited, edit: Edit) -> None:
    assert result.error == ""
    assert result.planned
    assert result.second == {}


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_what_is_uploaded_during_an_edit_is_invalidated(result: Edited, edit: Edit) -> None:
    """An object a second through the whole apply. A gap is allowed only where the edit says why."""
    assert len(result.uploaded) >= 4
    if edit.gap:
        assert result.gap_seconds <= result.apply_seconds + 5, edit.gap
    elif edit.uploads:
        assert result.missing == []


@pytest.mark.parametrize(("stack", "edit"), QUEUED)
def test_no_queue_is_replaced_while_batching_stays_on(result: Edited, edit: Edit) -> None:
    assert len(result.queues_before) == 4
    assert result.queues_after == result.queues_before


@pytest.mark.parametrize(("stack", "edit"), ALL)
def test_the_role_has_all_of_its_policies_after_an_edit(result: Edited, edit: Edit) -> None:
    assert "invalidate" in result.policies
    assert result.policies == result.expected_policies
