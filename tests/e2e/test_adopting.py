"""docs/adopting.md, followed where a function, a role, a log group and a notification exist already."""

from __future__ import annotations

from tests.e2e.adoption import ADOPTED, WAITED, Adoption


def test_the_commands_show_what_the_first_apply_will_remove(adopted: Adoption) -> None:
    output = "\n".join(adopted.outputs)
    for name in ("of-another-team", "by-hand", "attached-by-hand"):
        assert name in output


def test_switching_eventbridge_on_by_hand_keeps_what_the_bucket_notifies(adopted: Adoption) -> None:
    assert "EventBridgeConfiguration" in adopted.configuration
    (theirs,) = adopted.configuration["QueueConfigurations"]
    assert theirs["QueueArn"].endswith(":of-another-team")


def test_what_is_imported_is_changed_in_place_and_nothing_is_destroyed(adopted: Adoption) -> None:
    for address in ADOPTED:
        assert adopted.planned[address] == ["update"]
    assert not [address for address, actions in adopted.planned.items() if "delete" in actions]


def test_the_exclusive_lists_remove_the_policies_that_were_made_by_hand(adopted: Adoption) -> None:
    assert "invalidate" in adopted.inline
    assert "by-hand" not in adopted.inline
    assert adopted.attached == []


def test_an_imported_log_group_keeps_its_records(adopted: Adoption) -> None:
    assert "of before" in adopted.log


def test_what_waited_in_an_imported_queue_is_invalidated(adopted: Adoption) -> None:
    assert adopted.invalidated == [WAITED]


def test_the_plan_after_the_adoption_is_empty(adopted: Adoption) -> None:
    assert adopted.second_plan == {}
