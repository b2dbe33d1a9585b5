"""The figures of single runs in the page of the storms."""

from __future__ import annotations

from bench.storm import BEGIN, END, written
from tests.simulation.scenarios import BY_NAME, SCENARIOS


def test_a_run_that_is_repeated_alone_leaves_the_figures_of_the_others() -> None:
    assert len({scenario.title for scenario in SCENARIOS}) == len(SCENARIOS), (
        "the page finds a run by its title"
    )
    page = f"above\n{BEGIN}\n{END}\nbelow\n"
    gone, upgrade = {"calls": 540.0, "lost": 0.0}, {"calls": 4.0, "lost": 0.0, "disputed": 2.0}
    page = written(page, 1, {"upgrade": upgrade})
    page = written(page, 1, {"gone": gone})
    titles = [BY_NAME[name].title for name in ("gone", "upgrade")]
    assert [line.split(" | ")[0][2:] for line in page.splitlines() if line.startswith("| ")] == [
        "run",
        "---",
        *titles,
    ]
    assert "| 540 (≤ 600) |" in page
    assert "0, and 2 disputed" in page
    page = written(page, 1, {"gone": {"calls": 601.0, "lost": 0.0}})
    assert "| **601 (≤ 600) MISS** |" in page
    assert page.startswith("above\n")
    assert page.endswith("below\n")
    assert titles[1] not in written(page, 2, {"gone": gone}), "figures of two seeds do not stand together"
