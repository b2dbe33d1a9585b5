"""What no list of paths may break, whatever its names."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.support.matcher import may_purge, surely_purges
from tests.support.optimum import optimum

from invalidator import knapsack, merging
from invalidator.plan import covering_items, must_merge, plan
from invalidator.settings import Budget, Target

SITE = Target("E2QWRUHEXAMPLE")

NAMES = st.one_of(st.text(alphabet="ab-", max_size=3), st.text(alphabet="aé€😀 +*%~", min_size=1, max_size=3))
"""Few characters, so that names share beginnings: of words, escapes and the bytes of one character."""


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A viewer path as CloudFront wants it; every ninth or so is a wildcard."""
    path = "/" + "/".join(quote(name) for name in draw(st.lists(NAMES, min_size=1, max_size=4)))
    return path + draw(st.sampled_from(["", "", "", "", "", "", "/", "*", "?*"]))


TAGS = st.sampled_from(["#a", "#b*", "#c/"])
ASKED = st.lists(st.one_of(paths(), paths(), paths(), TAGS), max_size=40)
EXACT = st.lists(paths().filter(lambda path: not path.endswith("*")), max_size=40)
BUDGETS = st.builds(
    Budget,
    max_paths=st.integers(1, 12),
    max_wildcards=st.integers(1, 8),
    min_wildcard_depth=st.sampled_from([0, 0, 0, 1, 2]),
)
INVENTORIES = st.one_of(st.none(), EXACT)


def surely_covered(item: str, path: str) -> bool:
    """By the independent judge: a wildcard is covered if both the shortest and a longer URL under it are."""
    if path.startswith("#") or item.startswith("#"):
        return item == path
    if path.endswith("*"):
        return item == path or all(surely_purges(item, path[:-1] + more) for more in ("x", "x/y", "/"))
    return surely_purges(item, path)


@given(ASKED, BUDGETS, INVENTORIES)
@example(["/a/", "/a/b", "/a/c"], Budget(1, 1), None)
@example(["/", "/a"], Budget(1, 1), [])
def test_every_path_is_covered(paths: list[str], budget: Budget, unchanged: list[str] | None) -> None:
    items = covering_items(paths, budget, unchanged)
    assert [path for path in paths if not any(surely_covered(item, path) for item in items)] == []


@given(ASKED, BUDGETS, INVENTORIES, st.randoms(use_true_random=False))
def test_order_and_duplicates_change_nothing(
    paths: list[str], budget: Budget, unchanged: list[str] | None, chance: object
) -> None:
    again = paths + paths[::2]
    chance.shuffle(again)  # type: ignore[attr-defined]
    assert covering_items(again, budget, unchanged) == covering_items(paths, budget, unchanged)


@given(ASKED, BUDGETS, INVENTORIES)
def test_no_item_is_sent_twice_or_beside_one_that_covers_it(
    paths: list[str], budget: Budget, unchanged: list[str] | None
) -> None:
    items = covering_items(paths, budget, unchanged)
    assert list(items) == sorted(set(items))
    assert [
        (item, other) for item in items for other in items if item != other and surely_covered(item, other)
    ] == []


@given(ASKED, BUDGETS, INVENTORIES)
def test_without_a_least_depth_the_budget_holds(
    paths: list[str], budget: Budget, unchanged: list[str] | None
) -> None:
    tags = {path for path in paths if path.startswith("#")}
    assume(len(tags) < budget.max_paths and budget.min_wildcard_depth == 0)
    items = covering_items(paths, budget, unchanged)
    assert len(items) <= budget.max_paths
    assert sum(item.endswith("*") and item not in tags for item in items) <= budget.max_wildcards


@given(ASKED, BUDGETS, INVENTORIES)
def test_merging_makes_no_wildcard_broader_than_the_least_depth(
    paths: list[str], budget: Budget, unchanged: list[str] | None
) -> None:
    made = set(covering_items(paths, budget, unchanged)).difference(paths)
    assert all(item.endswith("*") for item in made)
    assert [item for item in made if item.count("/") <= budget.min_wildcard_depth] == []


@given(ASKED, BUDGETS, INVENTORIES)
def test_nothing_is_merged_within_the_budget(
    paths: list[str], budget: Budget, unchanged: list[str] | None
) -> None:
    if not must_merge(paths, budget):
        assert set(covering_items(paths, budget, unchanged)) <= set(paths)


@given(ASKED, BUDGETS, INVENTORIES)
def test_a_wildcard_that_was_made_ends_where_its_paths_part_and_cuts_no_character(
    paths: list[str], budget: Budget, unchanged: list[str] | None
) -> None:
    for item in set(covering_items(paths, budget, unchanged)).difference(paths):
        assert not re.search("%.?$", item[:-1])
        unquote_to_bytes(item[:-1]).decode()
        covered = [path.rstrip("*") for path in paths if surely_covered(item, path)]
        longer = {path[len(item) - 1 :][:12] for path in covered}
        assert len(longer) > 1 or longer == {"/"}, "one path alone needs no wildcard"


@given(EXACT, st.integers(1, 8), EXACT)
def test_with_as_many_wildcards_as_paths_the_collateral_is_the_least_possible(
    changed: list[str], most: int, others: list[str]
) -> None:
    """Of plain ASCII files, for which the reference, which knows neither escapes nor disputes, is exact."""
    files = sorted({path.rstrip("/") + "/f" for path in changed if path.isascii() and "%" not in path})
    unchanged = sorted({path.rstrip("/") + "/f" for path in others if "%" not in path}.difference(files))
    items = covering_items(files, Budget(most, most), unchanged)
    reached = sum(any(may_purge(item, path) for item in items) for path in unchanged)
    assert reached == optimum(files, unchanged, most, most)


@given(st.dictionaries(st.one_of(paths(), TAGS), st.frozensets(st.sampled_from("mnop"), min_size=1)), BUDGETS)
def test_every_message_is_served_by_the_items_of_its_paths_and_no_others(
    messages: dict[str, frozenset[str]], budget: Budget
) -> None:
    calls = plan({SITE: messages}, budget)
    served = {item: ids for call in calls for item, ids in call.serves.items()}
    assert sorted(served) == sorted(item for call in calls for item in call.items)
    for path, ids in messages.items():
        assert any(surely_covered(item, path) and ids <= served[item] for item in served)
    for item, ids in served.items():
        paths = [messages[path] for path in messages if surely_covered(item, path)]
        assert ids
        assert ids <= frozenset().union(*paths)


@pytest.mark.parametrize("most_forks", [1, 4, 16])
@pytest.mark.parametrize("known", [True, False], ids=["with an inventory", "blind"])
def test_with_more_forks_than_there_is_time_for_the_plan_still_covers_within_the_budget(
    monkeypatch: pytest.MonkeyPatch, most_forks: int, known: bool
) -> None:
    monkeypatch.setattr(merging, "MAX_FORKS", most_forks)
    changed = [f"/{a}/{b}/{c}" for a in range(6) for b in range(6) for c in range(6) if (a + b * c) % 3]
    unchanged = [f"/{a}/{b}/{c}" for a in range(6) for b in range(6) for c in range(6) if not (a + b * c) % 3]
    items = covering_items(changed, Budget(20, 10), unchanged if known else None)
    assert len(items) <= 20
    assert sum(item.endswith("*") for item in items) <= 10
    assert all(any(surely_purges(item, path) for item in items) for path in changed)


def test_a_budget_of_more_paths_than_a_fork_tells_apart_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knapsack, "MAX_NUMBERS", 8)
    changed = [f"/{each // 7}/{each:03}" for each in range(0, 400, 2)]
    unchanged = [f"/{each // 7}/{each:03}" for each in range(1, 400, 2)]
    items = covering_items(changed, Budget(150, 20), unchanged)
    assert len(items) <= 150
    assert all(any(surely_purges(item, path) for item in items) for path in changed)
