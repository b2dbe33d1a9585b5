"""The two stages without SQS: what is sent into the plan queue, and what is made of it."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.collecting import collected, parcels_of
from tests.support.effort import counted

from invalidator import chunks, limits, pace, planner
from invalidator.chunks import Chunk, ChunkError
from invalidator.collateral import Measure, known
from invalidator.collector import dead_letters
from invalidator.events import Batch, Change, Ignored, Rejected, Request
from invalidator.pace import Memory
from invalidator.plan import Invalidation, covers, part
from invalidator.planner import Ready, Received, Wait
from invalidator.settings import Budget, Settings, Target
from invalidator.submission import Outcome

ROUTE = {"distribution_id": "ESITE", "bucket": "assets", "index_documents": []}
SETTINGS = Settings.from_document({"version": 1, "routes": {"site": ROUTE}})
BOUND = Settings.from_document({"version": 1, "routes": {"site": ROUTE}, "max_paths_per_hour": 24})
DEEP = Settings.from_document({"version": 1, "routes": {"site": ROUTE}, "min_wildcard_depth": 9})
(SITE,) = {route.target for route in SETTINGS.routes}
NOW = 1_000.0


def changes(*keys: str) -> Batch:
    found = tuple(Change(f"m{number}", "assets", key, NOW - 1) for number, key in enumerate(keys))
    return Batch(True, tuple(change.message_id for change in found), changes=found)


def received(
    *paths: str, number: int = 0, since: float = NOW, group: str = "ESITE/merge", **more: Any
) -> Received:
    chunk = Chunk(
        "ESITE", "distribution", since, dict.fromkeys(paths, since), change_count=len(paths), **more
    )
    return Received(f"c{number}", f"r{number}", 1, group, chunk.body(), chunk)


def decided(
    *messages: Received, settings: Settings = SETTINGS, memory: Memory | None = None, wall: float = NOW
) -> Wait | Ready:
    return planner.decide(settings, SITE, messages, memory or Memory(), dict, now=500.0, wall=wall)


def test_a_chunk_reads_what_it_wrote() -> None:
    chunk = Chunk("dt_1", "tenant", 5.0, {"/a": 3.0}, {"/*": 4.0}, 7)
    assert Chunk.parse(chunk.body()) == chunk
    assert "reference" not in chunk.body()
    assert chunk.oldest == 3.0


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", '{"version": 1}', '{"version": 2}'),
        received("/a").body.replace('"since":1000.0', '"since":1e999'),
        received("/a").body.replace('"/a":1000.0', '"/a":NaN'),
    ],
)
def test_anything_else_is_no_chunk(body: str) -> None:
    with pytest.raises(ChunkError):
        Chunk.parse(body)


def test_single_changes_do_not_wait_in_the_lane_of_a_deploy() -> None:
    found = parcels_of(SETTINGS, changes("news/1", *(f"docs/{number}" for number in range(300))), NOW)
    by_group = {parcel.group: set(parcel.chunk.paths) for parcel in found}
    assert by_group["ESITE/exact"] == {"/news/1"}
    assert len(by_group["ESITE/merge"]) == 300


@pytest.mark.parametrize(
    ("number", "lane"),
    [(chunks.MAX_SINGLE_PATHS, "exact"), (chunks.MAX_SINGLE_PATHS + 1, "merge")],
)
def test_from_so_many_paths_of_a_directory_on_they_are_a_deploy(number: int, lane: str) -> None:
    (parcel,) = parcels_of(SETTINGS, changes(*(f"docs/{each}" for each in range(number))), NOW)
    assert parcel.group == f"ESITE/{lane}"


@pytest.mark.parametrize(
    ("directories", "files", "single"),
    [(4, 5, 20), (3, 6, 0), (5, 5, 0)],
    ids=["as many as may be", "too many in each", "too many together"],
)
def test_single_changes_beside_a_deploy_are_few_in_each_top_directory_and_few_together(
    directories: int, files: int, single: int
) -> None:
    keys = [f"{top}/a/b{each}/c" for top in range(directories) for each in range(files)]
    found = parcels_of(SETTINGS, changes(*keys, *(f"docs/a/b/{number}" for number in range(300))), NOW)
    by_lane = {chunks.lane_of(parcel.group): len(parcel.chunk.paths) for parcel in found}
    assert by_lane.get("exact", 0) == single
    assert sum(by_lane.values()) == directories * files + 300


def test_many_files_of_the_root_are_a_deploy_too() -> None:
    found = parcels_of(SETTINGS, changes("news/1", *(f"{number}.html" for number in range(300))), NOW)
    by_group = {parcel.group: set(parcel.chunk.paths) for parcel in found}
    assert by_group["ESITE/exact"] == {"/news/1"}
    assert len(by_group["ESITE/merge"]) == 300


def test_an_item_that_one_message_requests_and_another_changes_stays_requested() -> None:
    requested = Chunk("ESITE", "distribution", NOW, {}, {"/a": NOW})
    changed = Chunk("ESITE", "distribution", NOW, {"/a": NOW - 1}, change_count=1)
    for order in ((requested, changed), (changed, requested)):
        (found,) = chunks.combined(zip("cd", order, strict=True)).values()
        assert (found.requested, found.time, found.change_count) == (True, NOW - 1, 1)


def test_what_is_collected_of_a_batch_names_what_is_ignored() -> None:
    batch = Batch(
        True,
        ("m0", "q", "m1"),
        (Change("m0", "another", "a", NOW),),
        (Request("q", paths=("/a",), dry_run=True),),
        (Ignored("m1", "a test event"),),
    )
    _, found = collected(SETTINGS, batch, NOW)
    assert found.ignored == (
        Ignored("m1", "a test event"),
        Ignored("q", "a dry run of a request that came through a queue"),
        Ignored("m0", "route site: it serves the bucket 'assets', not 'another'", "a"),
    )
    assert (found.chunk_count, found.rejected) == (0, ())


def test_all_that_is_wrong_with_a_batch_is_rejected_with_its_message() -> None:
    batch = Batch(
        True,
        ("m0", "q", "m1", "m2"),
        (Change("m1", "assets", "\ud800", NOW), Change("m2", "assets", "a", NOW)),
        (Request("q", paths=("a",)),),
        rejected=(Rejected("m0", "no JSON"),),
    )
    _, found = collected(SETTINGS, batch, NOW)
    assert [each.message_id for each in found.rejected] == ["m0", "q", "m1"]


def test_a_change_that_a_request_covers_is_sent_with_the_request() -> None:
    batch = Batch(True, ("m0", "q"), changes("a").changes, (Request("q", paths=("/*",)),))
    (parcel,) = parcels_of(SETTINGS, batch, NOW)
    assert (set(parcel.chunk.paths), set(parcel.chunk.requested)) == (set(), {"/*"})
    assert parcel.message_ids == {"m0", "q"}


def test_keys_of_a_request_are_collected_as_changes() -> None:
    request = Request("q", paths=(), keys=("a b", "c"), time=NOW - 5)
    (parcel,), found = collected(SETTINGS, Batch(True, ("q",), requests=(request,)), NOW)
    assert parcel.chunk.paths == {"/a%20b": NOW - 5, "/a+b": NOW - 5, "/c": NOW - 5}
    assert (parcel.chunk.requested, parcel.chunk.change_count, parcel.message_ids) == (
        {},
        2,
        frozenset({"q"}),
    )
    assert (found.change_counts, found.request_count) == ({SITE: 2}, 1)
    dry = Request("q", paths=(), keys=("a",), dry_run=True)
    assert parcels_of(SETTINGS, Batch(True, ("q",), requests=(dry,)), NOW) == []


def test_the_deduplication_depends_on_group_paths_and_messages_not_on_the_time() -> None:
    (first,) = parcels_of(SETTINGS, changes("a"), NOW)
    (again,) = parcels_of(SETTINGS, changes("a"), NOW + 60)
    (other,) = parcels_of(SETTINGS, changes("b"), NOW)
    assert first.deduplication_id == again.deduplication_id != other.deduplication_id


def test_a_chunk_stays_below_the_size_of_a_message_and_nothing_is_lost() -> None:
    found = parcels_of(SETTINGS, changes(*(f"{'x' * 900}/{number}" for number in range(1_000))), NOW)
    assert len(found) > 1
    assert 0.97 * chunks.MAX_BYTES < max(len(each.chunk.body()) for each in found) <= chunks.MAX_BYTES
    assert sum(len(each.chunk.paths) for each in found) == 1_000


@pytest.mark.parametrize(("receives", "dead"), [(2, False), (3, True)])
def test_what_cannot_be_read_is_given_up_at_the_third_read_with_its_reason(receives: int, dead: bool) -> None:
    record = {"messageId": "m", "body": "{", "attributes": {"ApproximateReceiveCount": str(receives)}}
    found = dead_letters({"Records": [record]}, [Rejected("m", "not JSON")])
    assert [(dead_letter.body, dead_letter.reason) for dead_letter in found.values()] == [
        ("{", "not JSON")
    ] * dead


def test_what_need_not_be_merged_is_planned_at_once() -> None:
    step = decided(received("/a", "/b"))
    assert isinstance(step, Ready)
    assert [each.items for each in step.invalidations] == [("/a", "/b")]


def test_what_must_be_merged_is_gathered_first() -> None:
    many = received(*(f"/docs/{number}" for number in range(300)))
    step = decided(many)
    assert isinstance(step, Wait)
    assert step.seconds == planner.GATHER_SECONDS
    later = decided(many, wall=NOW + planner.GATHER_SECONDS)
    assert isinstance(later, Ready)
    assert sum(len(each.items) for each in later.invalidations) <= 100


def test_as_the_hour_is_spent_a_plan_gets_fewer_paths_and_gathers_longer() -> None:
    many = received(*(f"/docs/{number}" for number in range(50)))
    step = decided(many, settings=BOUND)
    assert isinstance(step, Wait)
    assert planner.GATHER_SECONDS < step.seconds <= planner.LONGEST_GATHER_SECONDS
    later = decided(many, settings=BOUND, wall=NOW + planner.LONGEST_GATHER_SECONDS)
    assert isinstance(later, Ready)
    assert [each.items for each in later.invalidations] == [("/docs/*",)]


@pytest.mark.parametrize("lane", ["merge", "exact"])
def test_a_path_that_need_not_merge_waits_where_the_hour_is_spent(lane: str) -> None:
    memory = Memory()
    memory.path_allowance("ESITE", 24, 500.0).spend(24, 500.0)
    bound = SETTINGS._replace(max_paths_per_hour=24)
    message = received("/status.json")._replace(group=f"ESITE/{lane}")
    step = decided(message, settings=bound, memory=memory)
    assert step == Wait(planner.LONGEST_GATHER_SECONDS, "max_paths_per_hour")
    later = decided(message, settings=bound, memory=memory, wall=NOW + planner.LONGEST_GATHER_SECONDS)
    assert isinstance(later, Ready)
    requested = received(requested={"/status.json": NOW})
    assert isinstance(decided(requested, settings=bound, memory=memory), Ready), "a request does not count"


def test_a_plan_of_which_nothing_was_accepted_is_no_part_of_the_deploy() -> None:
    memory = Memory()
    memory.planned("ESITE/merge", (), 100, merged=True)
    assert memory.same_deploy("ESITE/merge", 101) == []


def test_with_an_inventory_a_full_batch_is_merged_only_where_nothing_else_makes_it_fewer_messages() -> None:
    paths = [f"/docs/{number}/{'x' * 900}" for number in range(400)]
    batch = [received(*paths[each::10], number=each) for each in range(10)]
    listing = SETTINGS._replace(inventory=True)
    joined = planner.in_fewer_messages(listing, SITE, batch, no_measures) or []
    assert 1 < len(joined) < 10
    assert {path for each in joined for path in each.chunk.paths} == set(paths)

    asked: list[str] = []

    def measures() -> Mapping[Target, Measure]:
        asked.append("measures")
        return {}

    full = [received(*(f"/{each}{path}" for path in paths[:200]), number=each) for each in range(10)]
    merged = planner.in_fewer_messages(listing, SITE, full, measures) or []
    assert (len(merged), asked) == (1, ["measures"])


def no_measures() -> Mapping[Target, Measure]:
    raise AssertionError("nothing is merged")


def test_a_plan_has_at_most_three_thousand_items_in_every_setting() -> None:
    many = [
        received(*(f"/docs/{batch}-{number}" for number in range(1_000)), number=batch) for batch in range(4)
    ]
    step = decided(*many, settings=DEEP, wall=NOW + 60)
    assert isinstance(step, Ready)
    assert sum(len(each.items) for each in step.invalidations) <= 3_000


@pytest.mark.parametrize(("max_paths_per_hour", "items"), [(None, 200), (4_000, 100)])
def test_where_no_wildcard_is_broad_enough_the_bound_of_the_hour_decides(
    max_paths_per_hour: int | None, items: int
) -> None:
    """Without the bound a plan may have 3,000 items; with it, `min_wildcard_depth` yields."""
    deep = DEEP._replace(max_paths_per_hour=max_paths_per_hour)
    step = decided(received(*(f"/a{number}" for number in range(200))), settings=deep, wall=NOW + 60)
    assert isinstance(step, Ready)
    assert sum(len(each.items) for each in step.invalidations) == items


def test_with_no_allowance_left_a_plan_has_one_path_whatever_the_least_depth() -> None:
    memory = Memory()
    memory.path_allowance("ESITE", 24, 500.0).spend(24, 500.0)
    deep = DEEP._replace(max_paths_per_hour=24)
    step = decided(received("/a", "/b"), settings=deep, memory=memory, wall=NOW + 300)
    assert isinstance(step, Ready)
    assert [each.items for each in step.invalidations] == [("/*",)]


@pytest.mark.parametrize(
    ("free", "first", "most"), [(15, True, 12), (7, False, 7), (3, False, 3), (2, False, 12)]
)
def test_a_plan_has_the_wildcards_that_are_free_unless_they_are_too_few(
    free: int, first: bool, most: int
) -> None:
    assert planner.usable_wildcards(free, first=first) == most


def test_a_full_batch_is_sent_again_as_one_chunk_with_the_oldest_times() -> None:
    batch = [
        received("/a", *(f"/{number}/{each}" for each in range(20)), number=number, since=NOW + number)
        for number in range(10)
    ]
    assert planner.in_fewer_messages(SETTINGS, SITE, batch[:9], dict) is None
    (parcel,) = planner.in_fewer_messages(SETTINGS, SITE, batch, dict) or []
    paths = {f"/{number}/{each}": NOW + number for number in range(10) for each in range(20)}
    chunk = Chunk("ESITE", "distribution", NOW, {"/a": NOW, **paths}, change_count=210)
    ids = frozenset(f"c{number}" for number in range(10))
    assert (parcel.group, parcel.message_ids) == ("ESITE/merge", ids)
    assert parcel.chunk == chunk, "nothing is merged"


def test_what_does_not_fit_into_one_chunk_is_merged_and_sent_to_the_same_target() -> None:
    batch = [
        received(
            *(f"/docs/{number}/{'x' * 900}{each}" for each in range(40)),
            number=number,
            requested={f"/img/{number}/*": NOW},
        )
        for number in range(10)
    ]
    (parcel,) = planner.in_fewer_messages(SETTINGS, SITE, batch, dict) or []
    chunk = parcel.chunk
    assert (chunk.target_id, chunk.kind, chunk.since, parcel.group) == (
        "ESITE",
        "distribution",
        NOW,
        "ESITE/merge",
    )
    assert len(chunk.paths) < 400
    assert all(
        any(covers(item, path) for item in (*chunk.paths, *chunk.requested)) for path in planner.wanted(batch)
    )
    assert set(chunk.requested) == {f"/img/{number}/*" for number in range(10)}, "no request is merged"


def test_a_full_batch_that_fits_into_no_fewer_messages_stays_as_it_is() -> None:
    """Requests are never merged."""
    batch = [
        received(number=number, requested={f"/{number}/{'x' * 3_000}{each}": NOW for each in range(60)})
        for number in range(10)
    ]
    assert planner.in_fewer_messages(SETTINGS, SITE, batch, dict) is None


def test_each_distribution_has_an_allowance_of_its_own() -> None:
    memory = Memory()
    memory.path_allowance("ESITE", 24, 500.0).spend(24, 500.0)
    memory.path_allowance("EDOCS", 24, 500.0)
    poor, rich = (
        planner.affordable_budget(BOUND, SITE._replace(id=id_), memory, 500.0) for id_ in ("ESITE", "EDOCS")
    )
    assert poor.max_paths == 1
    assert rich.max_paths >= 1
    assert set(memory.path_allowances) == {"ESITE", "EDOCS"}


def test_a_requested_item_also_serves_the_messages_of_the_changes_that_it_covers() -> None:
    request = received(number=0, requested={"/docs/*": NOW})
    change = received("/docs/a", "/news", number=1)
    plan_now = decided(request, change)
    assert isinstance(plan_now, Ready)
    serves = {item: ids for each in plan_now.invalidations for item, ids in each.serves.items()}
    assert serves == {"/docs/*": {"c0", "c1"}, "/news": {"c1"}}
    assert plan_now.verbatim == {(SITE, "/docs/*")}


def test_a_repeated_call_begins_the_allowance_of_a_new_planner() -> None:
    settings, memory = SETTINGS._replace(max_paths_per_hour=6_400), Memory()
    again = received("/a", reference="once")._replace(receives=2)
    assert isinstance(decided(again, settings=settings, memory=memory, wall=NOW + 60), Ready)
    assert memory.path_allowances["ESITE"].left(500.0) == 100


@pytest.mark.parametrize(
    ("receives", "age", "warm", "most"),
    [
        pytest.param(1, 60, False, 100, id="new"),
        pytest.param(2, 40, False, 100, id="gathered"),
        pytest.param(2, 60, False, 31, id="hidden-for-a-minute"),
        pytest.param(2, 60, True, 100, id="received-before-by-this-sandbox"),
    ],
)
def test_a_new_planner_sends_fewer_paths_for_changes_that_another_may_have_paid_for(
    receives: int, age: float, *, warm: bool, most: int
) -> None:
    settings = SETTINGS._replace(max_paths_per_hour=4_000)
    memory = Memory()
    message = received(*(f"/{number // 2}/{number}" for number in range(400)), since=NOW - age)
    if warm:
        decided(message, settings=settings, memory=memory, wall=NOW - age)
    again = message._replace(receives=receives)
    plan_now = decided(again, settings=settings, memory=memory)
    assert isinstance(plan_now, Ready)
    assert most * 0.9 < sum(len(each.items) for each in plan_now.invalidations) <= most


@pytest.mark.parametrize(
    ("most", "used", "left"), [(100, 0, 100), (100, 60, 40), (100, 95, 20), (3, 3, 1), (1, 5, 1)]
)
def test_a_deploy_has_what_is_left_of_its_budget_and_a_fifth_at_least(
    most: int, used: int, left: int
) -> None:
    assert planner.rest_of_budget(most, used) == left


def test_a_later_round_of_a_plan_is_repeated_exactly_and_a_plan_that_was_not_begun_is_made_anew() -> None:
    messages = [received(*(f"/docs/{number}" for number in range(4)))]
    first = Invalidation(SITE, ("/img/*",), {"/img/*": frozenset({"c0"})}, "first")
    second = Invalidation(SITE, ("/docs/*",), {"/docs/*": frozenset({"c0"})}, "second")
    known = planner.wanted(messages)
    later = Outcome(second, "deferred")
    assert planner.calls_to_repeat([Outcome(first, "accepted"), later], known) == [second]
    assert planner.calls_to_repeat([Outcome(first, "refused"), later], known) == []


def test_each_message_is_done_or_waits_or_is_replaced_by_what_is_left_of_it() -> None:
    messages = [received("/a", "/b"), received("/c", number=1), received("/d", number=2)]
    step = decided(*messages)
    assert isinstance(step, Ready)
    (invalidation,) = step.invalidations
    outcomes = [
        Outcome(part(invalidation, ["/a"]), "accepted", id="I1"),
        Outcome(part(invalidation, ["/b", "/c"]), "deferred", error="later", retry_at=512.0),
        Outcome(part(invalidation, ["/d"]), "refused", error="no such path"),
    ]
    settled = planner.settle(SITE, messages, outcomes, 500.0)
    assert settled.waiting == {"c1": 12.0}
    assert settled.done == set()
    (rest,) = settled.rest
    assert (set(rest.chunk.paths), rest.message_ids) == ({"/b"}, frozenset({"c0"}))
    (dead_letter,) = settled.dead_letters
    assert json.loads(dead_letter.body) == {"distribution_id": "ESITE", "paths": ["/d"]}
    assert dead_letter.reason == "no such path"


def test_a_call_without_an_answer_that_fits_into_no_message_is_planned_anew_and_loses_nothing() -> None:
    messages = [
        received(*(f"/{number}/{'x' * 3_000}{each}" for each in range(40)), number=number)
        for number in range(2)
    ]
    items = sorted(planner.wanted(messages))
    ids = frozenset({"c0", "c1"})
    call = Invalidation(SITE, tuple(items), dict.fromkeys(items, ids), "reference")
    settled = planner.settle(SITE, messages, [Outcome(call, "deferred", doubtful=True)], 500.0)
    assert set(settled.waiting) == ids
    assert settled.rest == ()


@pytest.mark.parametrize("count", [199, 200])
def test_as_many_items_as_fit_are_in_one_message(count: int) -> None:
    """A chunk and a dead letter are filled up to 1,000 bytes below their bound."""
    chunked = {
        f"/{'x' * 969}{number:03}": chunks.WantedItem(NOW, frozenset({"m"})) for number in range(count)
    }
    found = list(chunks.parcels("ESITE", "distribution", "merge", chunked, NOW))
    assert [len(each.chunk.paths) for each in found] == [199, 1][: count - 198]
    dead = [f"/{'x' * 992}{number:03}" for number in range(count)]
    letters = planner.dead_letters_of_items("ESITE", dead, "no")
    assert [len(json.loads(each.body)["paths"]) for each in letters] == [199, 1][: count - 198]


def test_a_call_without_an_answer_is_repeated_exactly_before_anything_new() -> None:
    messages = [received("/a", "/b"), received("/c", number=1)]
    step = decided(*messages)
    assert isinstance(step, Ready)
    (call,) = step.invalidations
    settled = planner.settle(SITE, messages, [Outcome(call, "deferred", doubtful=True)], 500.0)
    assert settled.waiting == {}
    (parcel,) = settled.rest
    chunk = Chunk.parse(parcel.chunk.body())
    again = Received("d", "r", 1, parcel.group, chunk.body(), chunk)
    first, second = planner.by_group([received("/a", number=2), again])
    assert [each.message_id for each in first] == ["d"]
    step = decided(*first)
    assert isinstance(step, Ready)
    (repeated,) = step.invalidations
    assert repeated == call._replace(serves=dict.fromkeys(call.items, frozenset({"d"})))
    assert [each.message_id for each in second] == ["c2"]
    failed = planner.settle(SITE, first, [Outcome(repeated, "deferred", doubtful=True)], 500.0)
    assert (dict(failed.waiting), failed.rest) == ({"d": 1.0}, ())


def test_the_rest_of_a_deploy_goes_by_the_wildcards_of_the_plan_before() -> None:
    memory = Memory()
    memory.planned("ESITE/merge", ("/docs/a*", "/index.html"), 497.0, merged=True)
    rest = [*(f"/docs/a{number}" for number in range(50)), "/docs/b"]
    step = decided(received(*rest), memory=memory)
    assert step == Wait(2.0, "spacing")
    memory.planned_at.clear()
    step = decided(received(*rest), memory=memory)
    assert isinstance(step, Ready)
    assert [each.items for each in step.invalidations] == [("/docs/a*", "/docs/b")]
    memory = Memory()
    memory.planned("ESITE/merge", ("/docs/a*",), 500.0 - pace.TAIL_SECONDS, merged=True)
    step = decided(received(*rest), memory=memory)
    assert isinstance(step, Ready)
    assert sum(len(each.items) for each in step.invalidations) == 51


def test_a_plan_waits_for_the_wildcards_that_it_will_make() -> None:
    memory = Memory()
    memory.in_progress.accepted(
        Invalidation(SITE, tuple(f"/{number}*" for number in range(14)), {}, "before"), 490.0
    )
    many = received(*(f"/{directory}/{name}" for directory in range(20) for name in range(20)))
    step = decided(many, memory=memory, wall=NOW + planner.GATHER_SECONDS)
    assert step == Wait(490.0 + limits.COMPLETION_SECONDS - 500.0, "invalidations in progress")


def test_the_first_plan_of_a_deploy_leaves_wildcards_for_the_next() -> None:
    """Seventeen directories take thirteen wildcards: the first plan may have twelve, the next fifteen."""
    many = received(*(f"/{letter}/{name}" for letter in string.ascii_lowercase[:17] for name in range(20)))
    wildcards = []
    for deploy in ([], [pace.MergedPlan(490.0, 1, ())]):
        memory = Memory()
        memory.merged = {"ESITE/merge": deploy}
        step = decided(many, memory=memory, wall=NOW + planner.GATHER_SECONDS)
        assert isinstance(step, Ready)
        wildcards.append(sum(each.wildcards for each in step.invalidations))
    assert wildcards == [1, 13]


@pytest.mark.parametrize(
    ("running", "message", "waits"),
    [
        pytest.param("/{}", received(requested={"/a": NOW}), True, id="a file beside files"),
        pytest.param("/{}", received(requested={"/a*": NOW}), False, id="a wildcard beside files"),
        pytest.param("/{}*", received(requested={"/a*": NOW}), True, id="a wildcard beside wildcards"),
        pytest.param("/{}*", received(requested={"/a": NOW}), False, id="a file beside wildcards"),
        pytest.param("/{}", received("/a*", reference="r"), False, id="a repeated wildcard beside files"),
        pytest.param("/{}*", received("/a", reference="r"), False, id="a repeated file beside wildcards"),
        pytest.param("/{}", received("/a", reference="r"), True, id="a repeated file beside files"),
    ],
)
def test_a_request_waits_only_for_the_quota_that_it_needs(
    running: str, message: Received, waits: bool
) -> None:
    memory = Memory()
    number = limits.WILDCARDS_IN_PROGRESS if running.endswith("*") else limits.FILES_IN_PROGRESS
    items = tuple(running.format(each) for each in range(number))
    memory.in_progress.accepted(Invalidation(SITE, items, {}, "before"), 490.0)
    step = decided(message, memory=memory)
    assert isinstance(step, Wait if waits else Ready)


@pytest.mark.parametrize(
    ("entered", "seconds"),
    [((0, 0), 20), ((5, 0), 15), ((30, 0), 12), ((40, 0), 5), ((45, 0), 0)],
    ids=["at once", "a little later", "later", "for long", "for too long"],
)
def test_while_more_of_a_deploy_arrives_it_is_gathered_but_not_for_ever(
    entered: tuple[int, int], seconds: float
) -> None:
    """`entered`: so many seconds ago the first and the last chunk came."""
    messages = [
        received(*(f"/docs/{number}-{each}" for each in range(100)), number=number, since=NOW - ago)
        for number, ago in enumerate(entered)
    ]
    step = decided(*messages)
    if seconds:
        assert step == Wait(seconds, "gathering")
    else:
        assert isinstance(step, Ready)


@pytest.mark.parametrize(
    ("most", "paths", "seconds"),
    [(1, 2, 240.0), (5, 6, 130.0), (8, 9, 47.5), (9, 10, 20.0), (100, 101, 20.0), (1, 1, 20.0)],
)
def test_the_fewer_paths_a_plan_may_have_the_longer_more_are_waited_for(
    most: int, paths: int, seconds: float
) -> None:
    assert planner.gather_seconds(Budget(max_paths=most), paths) == seconds


def test_a_plan_that_is_made_again_is_the_same_whatever_the_listing_says_by_then() -> None:
    """So it has the same caller reference, and CloudFront carries it out once."""
    memory = Memory()
    many = received(*(f"/{directory}1/{page}" for directory in "abcdefgh" for page in range(40)))

    def made(unchanged: list[str]) -> tuple[Invalidation, ...]:
        step = planner.decide(
            SETTINGS, SITE, [many], memory, lambda: {SITE: known(unchanged)}, now=500.0, wall=NOW + 60
        )
        assert isinstance(step, Ready)
        return step.invalidations

    first = made([f"/{directory}2/{page}" for directory in "abcd" for page in range(40)])
    assert made([f"/{directory}1/x{page}" for directory in "efgh" for page in range(40)]) == first


def test_an_item_of_a_plan_stands_for_all_that_it_covers() -> None:
    found = planner.as_wanted_items(
        ["/a/*", "/b", "/none"],
        {
            "/a/1": chunks.WantedItem(5.0, frozenset({"m1"}), change_count=1),
            "/a/2": chunks.WantedItem(3.0, frozenset({"m2"}), change_count=2),
            "/b": chunks.WantedItem(4.0, frozenset({"m3"}), requested=True, change_count=4),
            "/c": chunks.WantedItem(1.0, frozenset({"m4"}), change_count=8),
        },
    )
    assert found == {
        "/a/*": chunks.WantedItem(3.0, frozenset({"m1", "m2"}), change_count=3),
        "/b": chunks.WantedItem(4.0, frozenset({"m3"}), requested=True, change_count=4),
    }


def test_a_plan_of_exact_paths_waits_for_room_among_the_files() -> None:
    memory = Memory()
    files = tuple(f"/{number}" for number in range(limits.FILES_IN_PROGRESS))
    memory.in_progress.accepted(Invalidation(SITE, files, {}, "before"), 490.0)
    step = decided(received("/a"), memory=memory)
    assert step == Wait(490.0 + limits.COMPLETION_SECONDS - 500.0, "invalidations in progress")


def test_what_is_left_of_two_messages_that_share_an_item_belongs_to_the_one_that_was_begun() -> None:
    messages = [received("/a", "/b"), received("/b", number=1)]
    step = decided(*messages)
    assert isinstance(step, Ready)
    (invalidation,) = step.invalidations
    outcomes = [
        Outcome(part(invalidation, ["/a"]), "accepted", id="I1"),
        Outcome(part(invalidation, ["/b"]), "deferred", error="later", retry_at=512.0),
    ]
    settled = planner.settle(SITE, messages, outcomes, 500.0)
    assert settled.waiting == {"c1": 12.0}
    assert [parcel.message_ids for parcel in settled.rest] == [{"c0"}]


def test_the_rate_of_calls_holds_a_plan_up() -> None:
    memory = Memory()
    for _ in range(limits.CALLS_AT_ONCE):
        memory.rate.record_call(500.0)
    assert decided(received("/a"), memory=memory) == Wait(
        limits.SECONDS_PER_CALL, "the account's rate of calls"
    )


def test_where_cloudfront_keeps_refusing_names_plans_get_fewer_paths() -> None:
    memory = Memory()
    many = received(*(f"/docs/{number}" for number in range(50)))
    for _ in range(planner.MANY_REFUSED_NAMES):
        step = decided(many, memory=memory, wall=NOW + planner.GATHER_SECONDS)
        assert isinstance(step, Ready)
        assert sum(len(each.items) for each in step.invalidations) == 50
        memory.record_refused_name(SITE, 499.0)
    step = decided(many, memory=memory, wall=NOW + planner.GATHER_SECONDS)
    assert isinstance(step, Ready)
    assert sum(len(each.items) for each in step.invalidations) <= planner.MAX_PATHS_AFTER_REFUSED_NAMES


def test_the_plans_of_one_deploy_share_a_budget_of_which_the_last_keeps_a_fifth() -> None:
    memory = Memory()
    memory.planned("ESITE/merge", ("/img/a*", *(f"/{number}" for number in range(59))), 470.0, merged=True)
    rest = received(*(f"/docs/{number % 70}/{number}" for number in range(300)), since=NOW - 30)
    assert paths_of(decided(rest, memory=memory)) == 40
    memory.planned("ESITE/merge", ("/img/b*", *(f"/b{number}" for number in range(39))), 480.0, merged=True)
    assert paths_of(decided(rest, memory=memory)) == 20
    memory.planned("ESITE/exact", ("/img/c*",), 480.0, merged=True)
    assert paths_of(decided(rest, memory=memory)) == 20, "the other lane has a budget of its own"
    memory.merged = {"ESITE/merge": [pace.MergedPlan(500.0 - pace.TAIL_SECONDS, 100, ("/img/a*",))]}
    assert paths_of(decided(rest, memory=memory)) == 100


def paths_of(step: Wait | Ready) -> int:
    assert isinstance(step, Ready)
    return sum(len(each.items) for each in step.invalidations)


def test_what_comes_after_a_plan_of_its_deploy_hardly_waits_for_more() -> None:
    memory = Memory()
    memory.merged = {"ESITE/merge": [pace.MergedPlan(490.0, 1, ())]}
    rest = received(*(f"/docs/{number % 70}/{number}" for number in range(300)))
    assert decided(rest, memory=memory) == Wait(planner.LATE_GATHER_SECONDS, "gathering")


def test_a_plan_with_fewer_paths_has_no_more_wildcards_than_paths() -> None:
    assert planner.limited(Budget(100, 30, 1), 8) == Budget(8, 8, 1)
    assert planner.limited(Budget(5, 3), 8) == Budget(5, 3)


def test_plans_that_merged_nothing_use_nothing_of_the_budget_of_a_deploy() -> None:
    memory = Memory()
    memory.planned("ESITE/merge", ("/page?*", *(f"/{number}" for number in range(90))), 480.0, merged=False)
    rest = received(*(f"/docs/{number % 70}/{number}" for number in range(300)), since=NOW - 30)
    assert paths_of(decided(rest, memory=memory)) == 100


@pytest.mark.parametrize(("age", "seconds"), [(59.0, 20.0), (61.0, 2.0)])
def test_what_changed_a_minute_ago_hardly_waits_for_more(age: float, seconds: float) -> None:
    """The news of it was held up: a function was killed with it, or there was an outage."""
    paths = {f"/docs/{number % 70}/{number}": NOW - age for number in range(300)}
    chunk = Chunk("ESITE", "distribution", NOW, {**paths, "/old": NOW - 9_000})
    message = Received("c", "r", 1, "ESITE/merge", chunk.body(), chunk)
    assert decided(message) == Wait(seconds, "gathering")
    step = decided(message, wall=NOW + seconds)
    assert isinstance(step, Ready)
    assert step.merged


def test_one_change_of_two_distributions_is_two_pieces_of_work() -> None:
    routes = {name: {**ROUTE, "distribution_id": f"E{name}"} for name in ("ONE", "TWO")}
    settings = Settings.from_document({"version": 1, "routes": routes})
    found = parcels_of(settings, changes("a"), NOW)
    assert {parcel.group for parcel in found} == {"EONE/exact", "ETWO/exact"}
    assert len({parcel.deduplication_id for parcel in found}) == 2


def test_two_changes_of_one_key_are_two_pieces_of_work() -> None:
    first, second = (
        Batch(True, (each,), changes=(Change(each, "assets", "a", NOW),)) for each in ("m1", "m2")
    )
    assert len({parcels_of(SETTINGS, each, NOW)[0].deduplication_id for each in (first, second)}) == 2


def test_dead_letters_are_requests_that_stay_below_the_size_of_a_message() -> None:
    paths = [f"/{'x' * 900}/{number}" for number in range(1_000)]
    found = planner.dead_letters_of_message(received(*paths, requested={"#tag": NOW}), "gone")
    assert len(found) > 1
    assert max(len(each.body) for each in found) <= chunks.MAX_BYTES
    assert {each.reason for each in found} == {"gone"}
    requests = [json.loads(each.body) for each in found]
    assert sorted(path for each in requests for path in each.get("paths", ())) == sorted(paths)
    assert [tag for each in requests for tag in each.get("tags", ())] == ["#tag"]
    assert {each["distribution_id"] for each in requests} == {"ESITE"}


def test_paths_that_no_request_may_hold_have_a_dead_letter_of_their_own() -> None:
    """A key may have a `*` within its name; who redrives the others must not lose them for it."""
    found = planner.dead_letters_of_message(received("/a*b.html", "/ok.html", "/c/*"), "gone")
    assert [json.loads(each.body)["paths"] for each in found] == [["/ok.html", "/c/*"], ["/a*b.html"]]


def test_the_work_to_settle_a_request_grows_with_its_wildcards_and_not_with_their_square() -> None:
    """CloudFront takes 15 at once, and each of the other calls is kept."""
    requested = {f"/{number:05}/*": NOW for number in range(4_500)}
    chunk = Chunk("ESITE", "distribution", NOW, {}, requested)
    message = Received("c", "r", 1, "ESITE/merge", chunk.body(), chunk)
    step = decided(message)
    assert isinstance(step, Ready)
    first, *others = step.invalidations
    outcomes = [Outcome(first, "accepted", id="I1")]
    outcomes += [Outcome(each, "deferred", error="full", retry_at=512.0) for each in others]
    settled, calls = counted(lambda: planner.settle(SITE, [message], outcomes, 500.0))
    assert calls < 100 * len(requested)
    assert sum(len(each.chunk.requested) for each in settled.rest) == 4_485


def test_the_work_to_collect_changes_does_not_grow_with_the_wildcards_beside_them() -> None:
    wildcards = tuple(f"/{number:05}/*" for number in range(4_500))
    batch = Batch(
        True,
        ("q", "m"),
        changes=tuple(Change("m", "assets", f"{number:05}/a", NOW) for number in range(9_000)),
        requests=(Request("q", paths=wildcards),),
    )
    found, calls = counted(lambda: parcels_of(SETTINGS, batch, NOW))
    assert calls < 100 * len(batch.changes)
    assert sum(len(each.chunk.requested) for each in found) == 4_500
    assert sum(len(each.chunk.paths) for each in found) == 4_500


def test_a_chunk_that_was_received_often_is_sent_anew_long_before_sqs_gives_it_up() -> None:
    often, seldom = (
        received(f"/{receives}")._replace(receives=receives)
        for receives in (planner.RECEIVES_BEFORE_RESENDING, planner.RECEIVES_BEFORE_RESENDING - 1)
    )
    (parcel,) = planner.as_new_messages([often, seldom])
    assert parcel.chunk == often.chunk
    assert parcel.message_ids == {often.message_id}


def test_a_chunk_that_was_received_often_is_sent_anew_after_a_call_that_was_put_off() -> None:
    """A lonely chunk is tried each time that it is received, and so is never handed back untried."""
    often = received("/a", number=0)._replace(receives=planner.RECEIVES_BEFORE_RESENDING)
    seldom = received("/b", number=1)._replace(receives=planner.RECEIVES_BEFORE_RESENDING - 1)
    step = decided(often, seldom)
    assert isinstance(step, Ready)
    outcomes = [Outcome(call, "deferred", retry_at=512.0) for call in step.invalidations]
    settled = planner.settle(SITE, [often, seldom], outcomes, 500.0)
    assert settled.waiting == {"c1": 12.0}
    (anew,) = settled.rest
    assert anew.chunk == often.chunk
    assert anew.message_ids == {"c0"}


@pytest.mark.parametrize(
    ("chunk", "days", "error"),
    [
        (Chunk("EOTHER", "distribution", NOW, {"/a": NOW}), 0, "no route names the distribution 'EOTHER'"),
        (Chunk("ESITE", "tenant", NOW, {"/a": NOW}), 0, "no route names the tenant 'ESITE'"),
        (Chunk("ESITE", "distribution", NOW, {"/a": NOW}), 9.6, "it waited for 9.6 days"),
        (Chunk("ESITE", "distribution", NOW, {"/a": NOW}), 9.4, ""),
    ],
)
def test_a_chunk_is_given_up_without_a_route_or_when_sqs_would_soon_delete_it(
    chunk: Chunk, days: float, error: str
) -> None:
    receives = planner.RECEIVES_WHEN_LATE + 1
    message = Received("c", "r", receives, "ESITE/merge", chunk.body(), chunk)
    found = planner.permanent_error(SETTINGS, message, NOW + days * 86_400)
    assert found.startswith(error)
    assert bool(found) == bool(error)


def test_with_an_inventory_a_plan_takes_the_rounds_of_wildcards_that_are_worth_it() -> None:
    """Twenty directories changed beside twenty that did not: fifteen wildcards would purge the others."""
    changed = received(
        *(f"/{letter}1/{page}" for letter in string.ascii_lowercase[:20] for page in range(40))
    )
    unchanged = [f"/{letter}2/{page}" for letter in string.ascii_lowercase[:20] for page in range(40)]
    memory = Memory()

    def measured(message: Received, now: float) -> Wait | Ready:
        return planner.decide(
            SETTINGS, SITE, [message], memory, lambda: {SITE: known(unchanged)}, now=now, wall=NOW + 60
        )

    step = measured(changed, 500.0)
    assert isinstance(step, Ready)
    first, second = step.invalidations
    assert (first.wildcards, second.wildcards) == (15, 5)
    assert not [path for path in unchanged if any(covers(item, path) for item in first.items + second.items)]
    memory.in_progress.accepted(first, 500.0)
    memory.planned(changed.group, first.items, 500.0, merged=True)
    outcomes = [Outcome(first, "accepted", id="I1"), Outcome(second, "deferred", retry_at=525.0)]
    settled = planner.settle(SITE, [changed], outcomes, 500.0)
    assert dict(settled.waiting) == {}
    (parcel,) = settled.rest
    assert (set(parcel.chunk.paths), set(parcel.message_ids)) == (set(second.items), {"c0"})
    later = Received("d", "r", 1, parcel.group, parcel.chunk.body(), parcel.chunk)
    wait = measured(later, 510.0)
    assert isinstance(wait, Wait)
    assert wait == Wait(limits.COMPLETION_SECONDS - 10.0, "invalidations in progress")
    step = measured(later, 500.0 + limits.COMPLETION_SECONDS)
    assert isinstance(step, Ready)
    assert step.invalidations[0].items == second.items
    assert step.verbatim == frozenset()
