"""From viewer paths to calls: nothing lost, nothing twice, and within the budget what the budget allows."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from tests.support.matcher import may_purge, surely_purges
from tests.support.optimum import optimum
from tests.support.redeploys import Workload, load
from tests.support.rules import RULES

from invalidator.plan import (
    Invalidation,
    covering_items,
    covering_wildcard,
    covers,
    must_merge,
    plan,
    wildcard_stems,
)
from invalidator.settings import Budget, Target

SITE = Target("E2QWRUHEXAMPLE")
SHOP = Target("dt_shop", kind="tenant")

WORKLOADS = load()
BUDGETS = (Budget(15, 15), Budget(30, 30), Budget(100, 30))
QUICK = [workload for workload in WORKLOADS if len(workload.changed) < 3_000]


def wanted(paths: Iterable[str], message: str = "m1") -> dict[Target, dict[str, frozenset[str]]]:
    return {SITE: {path: frozenset([message]) for path in paths}}


def numbered(pattern: str, number: int) -> list[str]:
    return [pattern.format(each) for each in range(number)]


def collateral(items: Iterable[str], unchanged: Iterable[str]) -> int:
    return sum(any(may_purge(item, path) for item in items) for path in unchanged)


@pytest.mark.parametrize(
    ("item", "path", "expected"),
    [
        pytest.param("/a", "/a", True, id="itself"),
        pytest.param("/a", "/ab", False, id="an exact path is no prefix"),
        pytest.param("/a*", "/a", True, id="what stands before the star"),
        pytest.param("/a*", "/ab/c", True, id="what begins with it"),
        pytest.param("/a*", "/b", False, id="another name"),
        pytest.param("/a/*", "/a/", False, id="the directory itself is disputed"),
        pytest.param("/a*", "/a/", True, id="the directory under a shorter wildcard"),
        pytest.param("/*", "/", True, id="everything covers the root"),
        pytest.param("/a*", "/a/*", True, id="a narrower wildcard"),
        pytest.param("/a/*", "/a*", False, id="a broader wildcard"),
        pytest.param("/a/*", "/a/*", True, id="the same wildcard"),
        pytest.param("/a**", "/a*", False, id="a star before the star is a character"),
        pytest.param("/*", "#tag", False, id="a tag is no path"),
        pytest.param("#tag*", "#tags", False, id="a tag has no wildcard"),
        pytest.param("#tag", "#tag", True, id="the same tag"),
    ],
)
def test_covers_claims_what_is_surely_purged(item: str, path: str, expected: bool) -> None:
    assert covers(item, path) is expected


def test_within_the_budget_every_path_is_sent_as_it_is() -> None:
    paths = ["/b", "/a/1", "/a/2", "/a/", "#tag", "/x*"]
    assert covering_items(paths, Budget(6, 1)) == tuple(sorted(paths))
    assert not must_merge(paths, Budget(6, 1))


def test_duplicates_and_paths_under_a_wildcard_of_the_input_go() -> None:
    paths = ["/a/b", "/a/*", "/a/b", "/a/c*", "/ab", "/a/"]
    assert covering_items(paths, Budget()) == ("/a/", "/a/*", "/ab")
    assert covering_items(["/a!", "/a*", "/b"], Budget()) == ("/a*", "/b"), "! sorts before *"


def test_duplicates_do_not_count_against_the_budget() -> None:
    assert not must_merge(["/a", "/a", "/b*", "/bc", "/bd*"], Budget(2, 1))


def test_more_paths_than_the_budget_are_merged() -> None:
    assert must_merge(["/a/1", "/a/2", "/b"], Budget(2, 2))
    assert covering_items(["/a/1", "/a/2", "/b"], Budget(2, 2), unchanged=[]) == ("/*",)
    assert covering_items(["/a/1", "/a/2", "/b"], Budget(2, 2), unchanged=["/c"]) == ("/a/*", "/b")


def test_more_wildcards_than_the_budget_are_merged() -> None:
    assert must_merge(["/a?*", "/b?*"], Budget(100, 1))
    assert covering_items(["/d/a?*", "/d/b?*"], Budget(100, 1)) == ("/d/*",)


def test_a_wildcard_is_as_long_as_what_it_covers_has_in_common() -> None:
    paths = numbered("/assets/app-{}.js", 10)
    assert covering_items([*paths, "/index.html"], Budget(2, 1)) == ("/assets/app-*", "/index.html")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("%C3%A9", "%C3%A8"), "/x*", id="two letters that share their first byte"),
        pytest.param(("%E2%82%AC", "%E2%82%AD"), "/x*", id="two signs that share two bytes"),
        pytest.param(("%F0%9F%98%80", "%F0%9F%98%81"), "/x*", id="two signs that share three bytes"),
        pytest.param(("%20a", "%21a"), "/x*", id="two escapes that share a digit"),
        pytest.param(("%c3%a9", "%c3%a8"), "/x*", id="small digits"),
        pytest.param(("%C3%A9a", "%C3%A9b"), "/x%C3%A9*", id="whole characters stay"),
        pytest.param(("%20%C3%A9", "%20%C3%A8"), "/x%20*", id="a whole escape before a cut one stays"),
    ],
)
def test_a_wildcard_cuts_no_escaped_character_in_two(names: tuple[str, str], expected: str) -> None:
    assert covering_items([f"/x{name}" for name in names], Budget(1, 1)) == (expected,)


def test_a_directory_and_its_files_merge_into_a_wildcard_that_surely_covers_both() -> None:
    paths = ["/a/", "/a/index.html", "/a/b.html"]
    assert covering_items(paths, Budget(1, 1)) == ("/a*",)
    assert covering_items(paths, Budget(2, 1), unchanged=["/a.html"]) == ("/a/", "/a/*")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param(["/a", "/a/", *"12345"], ("/a", "/a/", "/a/*"), id="with both of its aliases"),
        pytest.param(["/a", *"12345"], ("/a", "/a/*"), id="with the one without a slash"),
        pytest.param(
            ["/a", "/a?*", "/a/", "/a/?*", *"12345"], ("/a", "/a/", "/a/*", "/a?*"), id="with query strings"
        ),
        pytest.param(["/a", "/a/", "/a-b", *"1234"], ("/a*",), id="beside a neighbour that changed, too"),
    ],
)
def test_a_directory_that_is_all_that_changed_does_not_purge_its_neighbours(
    paths: list[str], expected: tuple[str, ...]
) -> None:
    """`/a*` would match `/a-b/`, of which no path says that it changed."""
    changed = [path if path.startswith("/") else f"/a/{path}" for path in paths]
    unchanged = [f"/a/{number}/x" for number in range(100)]
    assert covering_items(changed, Budget(4, 2), unchanged=[]) == expected
    assert covering_items(changed, Budget(1, 1), unchanged=unchanged) == ("/a*",)


def test_a_directory_of_which_some_files_are_merged_is_not_purged_as_a_whole() -> None:
    changed = ["/a", "/a/b1", "/a/b2", "/a/c"]
    assert covering_items(changed, Budget(3, 3), unchanged=["/a/d"]) == ("/a", "/a/b*", "/a/c")


def test_the_root_and_its_files_merge_into_everything() -> None:
    assert covering_items(["/", "/index.html"], Budget(1, 1)) == ("/*",)


def test_the_wildcard_with_the_least_collateral_is_made() -> None:
    changed = ["/a/1", "/a/2", "/b/1", "/b/2"]
    assert covering_items(changed, Budget(3, 3), unchanged=["/a/3"]) == ("/a/1", "/a/2", "/b/*")
    assert covering_items(changed, Budget(3, 3), unchanged=["/b/3"]) == ("/a/*", "/b/1", "/b/2")


def test_an_object_that_changed_is_no_collateral_even_if_the_inventory_names_it() -> None:
    changed = ["/a/1", "/a/2", "/a/3", "/b/1", "/b/2"]
    assert covering_items(changed, Budget(3, 3), unchanged=[*changed, "/b/3"]) == ("/a/*", "/b/1", "/b/2")


def test_blind_a_directory_that_changed_much_is_merged_before_those_that_changed_little() -> None:
    changed = [*numbered("/much/{}", 9), "/little/1", "/little/2", "/lone"]
    assert covering_items(changed, Budget(4, 4)) == ("/little/1", "/little/2", "/lone", "/much/*")


@pytest.mark.parametrize("known", [True, False], ids=["with an inventory", "blind"])
def test_no_wildcard_is_broader_than_the_least_depth_and_so_there_are_more_items(known: bool) -> None:
    paths = [path for letter in "abc" for path in numbered(f"/{letter}/{{}}", 5)]
    items = covering_items(paths, Budget(2, 1, min_wildcard_depth=1), unchanged=[] if known else None)
    assert items == ("/a/*", "/b/*", "/c/*")


def test_a_wildcard_that_was_asked_for_may_be_broader_than_the_least_depth() -> None:
    assert covering_items(["/a*", "/b/c"], Budget(min_wildcard_depth=2)) == ("/a*", "/b/c")


def test_the_least_depth_allows_as_many_wildcards_as_it_needs() -> None:
    paths = ["/c*", *numbered("/a/{}", 5), *numbered("/b/{}", 5)]
    assert covering_items(paths, Budget(4, 1, min_wildcard_depth=1)) == ("/a/*", "/b/*", "/c*")


@pytest.mark.parametrize(("most", "items"), [(5, 5), (4, 1)])
def test_the_least_depth_yields_only_where_a_plan_has_too_many_items(most: int, items: int) -> None:
    paths = {f"/a{number}": frozenset({"m"}) for number in range(5)}
    (invalidation,) = plan({SITE: paths}, Budget(2, 2, min_wildcard_depth=1), most=most)
    assert len(invalidation.items) == items


def test_paths_that_no_wildcard_may_cover_are_all_sent() -> None:
    paths = numbered("/{}", 40)
    assert covering_items(paths, Budget(10, 10, min_wildcard_depth=1)) == tuple(sorted(paths))


def test_tags_are_never_merged_and_count_as_paths() -> None:
    tags = numbered("#tag{}", 5)
    assert covering_items([*tags, "/a/1", "/a/2"], Budget(6, 6)) == (*tags, "/a/*")
    assert covering_items([*tags, "/a/1", "/a/2"], Budget(3, 3)) == (*tags, "/a/*")


def test_no_tag_is_a_wildcard() -> None:
    (call,) = plan(wanted(numbered("#tag{}*", 16)), Budget())
    assert call.wildcards == 0


def test_a_single_path_is_sent_whatever_the_budget() -> None:
    assert covering_items(["/a"], Budget(0, 0)) == ("/a",)
    assert covering_items(["/a*"], Budget(1, 0)) == ("/a*",)
    assert covering_items([], Budget(0, 0)) == ()


def items_of(calls: Iterable[Invalidation]) -> list[str]:
    return [item for call in calls for item in call.items]


def test_a_call_takes_no_more_than_3000_items() -> None:
    paths = numbered("/{}", 6_001)
    calls = plan(wanted(paths), Budget(10_000, 10_000))
    assert [len(call.items) for call in calls] == [3_000, 3_000, 1]
    assert sorted(items_of(calls)) == sorted(paths)


def test_a_call_takes_no_more_than_15_wildcards_and_exact_paths_fill_it_up() -> None:
    paths = [*numbered("/w{:02}/*", 31), *numbered("/{}.html", 3_100)]
    calls = plan(wanted(paths), Budget(10_000, 100))
    assert [call.wildcards for call in calls] == [15, 15, 1]
    assert [len(call.items) for call in calls] == [3_000, 130, 1]
    assert sorted(items_of(calls)) == sorted(paths)
    assert all(list(call.items) == sorted(call.items) for call in calls)


def test_the_messages_of_a_path_are_served_by_one_item_that_covers_it() -> None:
    messages = {f"/a/{each}": frozenset([f"m{each}"]) for each in range(20)}
    messages |= {"/b": frozenset(["m1", "both"]), "/a/": frozenset(["slash"]), "#tag": frozenset(["tag"])}
    (call,) = plan({SITE: messages}, Budget(4, 1), {SITE: ["/a.html"]})
    assert call.serves == {
        "#tag": frozenset(["tag"]),
        "/a/": frozenset(["slash"]),
        "/a/*": frozenset(f"m{each}" for each in range(20)),
        "/b": frozenset(["m1", "both"]),
    }


def test_each_target_has_calls_of_its_own() -> None:
    calls = plan({SHOP: {"/b": frozenset(["m2"])}, SITE: {"/a": frozenset(["m1"])}}, Budget())
    assert [(call.target, call.items, call.message_ids) for call in calls] == [
        (SITE, ("/a",), frozenset(["m1"])),
        (SHOP, ("/b",), frozenset(["m2"])),
    ]
    assert plan({}, Budget()) == ()


def test_the_same_work_has_the_same_caller_reference_and_other_work_another() -> None:
    def reference(paths: Iterable[str], message: str = "m1", target: Target = SITE) -> str:
        (call,) = plan({target: {path: frozenset([message]) for path in paths}}, Budget())
        return call.caller_reference

    same = reference(["/a", "/b"])
    assert reference(["/b", "/a", "/a"]) == same
    others = {reference(["/a"]), reference(["/a", "/b"], "m2"), reference(["/a", "/b"], target=SHOP)}
    assert len(others | {same}) == 4
    assert all(len(each) <= 128 for each in others | {same})


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
@pytest.mark.parametrize("workload", QUICK, ids=lambda workload: workload.name)
def test_on_real_redeploys_the_plan_is_at_the_optimum_and_blind_no_worse_than_other_rules(
    workload: Workload, budget: Budget
) -> None:
    known = covering_items(workload.changed, budget, workload.unchanged)
    blind = covering_items(workload.changed, budget)
    for items in (known, blind):
        assert len(items) <= budget.max_paths
        assert sum(item.endswith("*") for item in items) <= budget.max_wildcards
        assert all(any(surely_purges(item, path) for item in items) for path in workload.changed)
    least = optimum(workload.changed, workload.unchanged, budget.max_paths, budget.max_wildcards)
    assert least <= collateral(known, workload.unchanged) <= least * 1.01
    by_rules = [sent for rule in RULES.values() if len(sent := rule(workload.changed)) <= budget.max_paths]
    assert collateral(blind, workload.unchanged) <= min(
        collateral(sent, workload.unchanged) for sent in by_rules
    )


def test_of_many_wildcards_the_broadest_that_surely_covers_a_path_is_found() -> None:
    stems = wildcard_stems(["/a/*", "/a/b*", "/c*", "/c/d/*", "#tag*", "/exact"])
    assert stems == ["/a/", "/c"]
    found = [covering_wildcard(stems, path) for path in ("/a/b/c", "/a/", "/c/", "/c/d/*", "/b", "/", "#tag")]
    assert found == ["/a/*", None, "/c*", "/c*", None, None, None]
    assert covering_wildcard(wildcard_stems(["/*", "/a/*"]), "/") == "/*"


@pytest.mark.parametrize("limits", [(3_000, 2_999), (9_000, 8_999)], ids=str)
def test_a_budget_of_thousands_of_wildcards_is_planned_in_time(limits: tuple[int, int]) -> None:
    """Names nested by halves; a fork keeps no more numbers of wildcards than it can have."""
    names = [f"/{'/'.join(f'{each:014b}')}" for each in range(10_000)]
    start = time.process_time()
    items = covering_items(names, Budget(*limits))
    assert len(items) <= limits[0]
    assert time.process_time() - start < 6


def test_the_quick_workloads_are_most_of_them() -> None:
    assert len(QUICK) >= len(WORKLOADS) - 3 > 0
