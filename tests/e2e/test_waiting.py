"""Chunks in the plan queue that nobody can plan, or that wait while the settings change."""

from __future__ import annotations

import json

from tests.e2e.edits import covers
from tests.e2e.waiting import DOCS, MAX_PATHS_AFTER, POISON, SHOP, UNREADABLE, Waiting


def test_the_dead_letter_queue_of_the_plan_queue_is_fifo_and_serves_it_alone(waiting: Waiting) -> None:
    plan, dead = waiting.plan_queue, waiting.plan_dead_letter_queue
    assert plan["FifoQueue"] == dead["FifoQueue"] == "true"
    redrive = json.loads(plan["RedrivePolicy"])
    assert redrive == {"deadLetterTargetArn": dead["QueueArn"], "maxReceiveCount": 1000}
    allowed = json.loads(dead["RedriveAllowPolicy"])
    assert allowed == {"redrivePermission": "byQueue", "sourceQueueArns": [plan["QueueArn"]]}


def test_a_message_that_exceeds_its_receives_is_moved_to_the_fifo_dead_letter_queue(waiting: Waiting) -> None:
    assert [(each.body, each.group) for each in waiting.exceeded] == [(POISON, "poison")]


def test_a_chunk_that_no_planner_can_read_is_a_dead_letter_with_its_reason(waiting: Waiting) -> None:
    reasons = [each.reason for each in waiting.dead_letters if each.body == UNREADABLE]
    assert reasons == ["the message of the plan queue is not a chunk of version 1"] * 2


def test_what_lies_behind_an_unreadable_chunk_of_its_group_is_planned(waiting: Waiting) -> None:
    items = [item for plan in waiting.plans["docs"] for item in plan]
    assert [key for key in DOCS if not any(covers(item, f"/{key}") for item in items)] == []
    assert waiting.left == 0


def test_what_waits_while_the_settings_change_is_planned_under_the_new_ones(waiting: Waiting) -> None:
    assert waiting.planned_before == []
    assert max(len(items) for items in waiting.plans["docs"]) <= MAX_PATHS_AFTER
    assert any(item.endswith("*") for items in waiting.plans["docs"] for item in items)


def test_what_waits_for_a_removed_route_is_a_dead_letter_whose_reason_says_what_to_do(
    waiting: Waiting,
) -> None:
    id_ = waiting.distribution_ids["shop"]
    letters = [each for each in waiting.dead_letters if id_ in each.body]
    assert {each.reason for each in letters} == {
        f"no route names the distribution '{id_}' any more: add one, then redrive"
    }
    paths = sorted(path for each in letters for path in json.loads(each.body)["paths"])
    assert paths == [f"/{key}" for key in SHOP]
    assert waiting.plans["shop"] == []


def test_only_unreadable_chunks_and_those_of_the_removed_route_are_dead_letters(waiting: Waiting) -> None:
    id_ = waiting.distribution_ids["shop"]
    assert [each for each in waiting.dead_letters if each.body != UNREADABLE and id_ not in each.body] == []


def test_the_paths_of_a_removed_route_are_invalidated_after_it_was_added_and_redriven(
    waiting: Waiting,
) -> None:
    assert waiting.redriven == [f"/{key}" for key in SHOP]
