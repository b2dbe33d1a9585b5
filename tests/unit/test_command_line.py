"""`python -m invalidator plan`: what it prints, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.payloads import DIRECTORY

import invalidator
from invalidator.__main__ import main

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "tests" / "fixtures" / "settings"
CUT_OFF = "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
NO_SDK = """
import runpy, sys

sys.modules["boto3"] = sys.modules["botocore"] = None
sys.argv[0] = "invalidator"
runpy.run_module("invalidator", run_name="__main__")
"""


def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command in this process."""
    printed, complained = io.StringIO(), io.StringIO()
    given = list(map(str, arguments))
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complained),
    ):
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            status = main(given)
        except SystemExit as ended:
            status = int(ended.code or 0)
    return subprocess.CompletedProcess(given, status, printed.getvalue(), complained.getvalue())


def run_alone(*arguments: object, stdin: str = "", code: str = "") -> subprocess.CompletedProcess[str]:
    """The command in an interpreter of its own, without an environment: no credentials, no region."""
    return subprocess.run(
        [sys.executable, *(["-c", code] if code else ["-m", "invalidator"]), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONPATH": str(Path(invalidator.__file__).parents[1]), "PYTHONUTF8": "1"},
        check=False,
    )


def plan(event: str, settings: str = "short-form", *options: object) -> tuple[int, Any]:
    """The exit status and the answer for one of the payload files."""
    done = run("plan", "--settings", SETTINGS / f"{settings}.json", *options, DIRECTORY / f"{event}.json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def invalidated(answer: Any) -> list[tuple[str, list[str]]]:
    return [
        (each.get("distribution_id") or each["distribution_tenant_id"], each["items"])
        for each in answer["invalidations"]
    ]


def test_a_request_is_planned_as_the_function_would() -> None:
    status, answer = plan("direct/paths-named")
    assert status == 0
    assert list(answer) == ["invalidations", "ignored", "rejected"]
    assert invalidated(answer) == [("E2QWRUHEXAMPLE", ["/images/*", "/index.html"])]
    assert list(answer["invalidations"][0]) == ["distribution_id", "items", "caller_reference"]
    assert (answer["ignored"], answer["rejected"]) == ([], [])


def test_the_same_event_has_the_same_caller_reference() -> None:
    (_, first), (_, second), (_, other) = map(
        plan, ["direct/paths-named", "direct/paths-named", "direct/nothing-named"]
    )
    references = [answer["invalidations"][0]["caller_reference"] for answer in (first, second, other)]
    assert references[0] == references[1] != references[2]


def test_a_request_for_a_dry_run_is_planned_like_any_other() -> None:
    assert invalidated(plan("direct/dry-run")[1]) == [("E2QWRUHEXAMPLE", ["/a"])]


def test_the_plan_is_printed_for_a_reader() -> None:
    done = run("plan", "--settings", SETTINGS / "short-form.json", DIRECTORY / "direct" / "paths-named.json")
    assert done.stdout.startswith(
        '{\n  "invalidations": [\n    {\n      "distribution_id": "E2QWRUHEXAMPLE",'
    )


def test_a_job_is_planned_only_for_a_function_that_is_an_action_of_a_pipeline() -> None:
    assert invalidated(plan("codepipeline/job-started", "pipeline")[1]) == [("E2QWRUHEXAMPLE", ["/*"])]
    status, answer = plan("codepipeline/job-started")
    assert (status, answer["invalidations"]) == (1, [])


def test_a_request_by_key_is_planned_with_its_encoding(tmp_path: Path) -> None:
    done = run("plan", "--settings", settings_of(tmp_path), DIRECTORY / "direct" / "keys-named.json")
    ((_, items),) = invalidated(json.loads(done.stdout))
    assert items == ["/a%2Bb%252B.html", "/docs/it's%20%C3%BC.html", "/docs/it's+%C3%BC.html"]


def test_a_tenant_is_named_as_such() -> None:
    _, answer = plan("direct/nothing-named", "tenant")
    assert list(answer["invalidations"][0]) == ["distribution_tenant_id", "items", "caller_reference"]
    assert invalidated(answer) == [("dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", ["/*"])]


def test_what_is_rejected_is_listed_with_its_message_and_ends_the_command_with_1() -> None:
    status, answer = plan("sqs/mixed-batch")
    assert status == 1
    assert invalidated(answer) == [("E2QWRUHEXAMPLE", ["/asked.html"])]
    assert [each["id"][-1] for each in answer["rejected"]] == ["2", "5", "6"]
    assert all(list(each) == ["id", "error"] and each["error"] for each in answer["rejected"])
    assert [each["id"][-1] for each in answer["ignored"]] == ["4", "1", "3", "6"]
    assert all(each["reason"] for each in answer["ignored"])
    named = {each["id"][-1]: each["key"] for each in answer["ignored"] if "key" in each}
    assert named == {"1": "images/red flower.jpg", "3": "by sns.html", "6": "a.html"}


def test_a_distribution_that_is_not_configured_is_rejected() -> None:
    status, answer = plan("direct/distribution-named", "two-sites")
    assert (status, answer["invalidations"]) == (1, [])
    assert answer["rejected"][0]["id"] == "command-line"
    assert "E1DOCSEXAMPLE, E1SHOPEXAMPLE" in answer["rejected"][0]["error"]


def test_a_request_that_names_none_of_several_distributions_is_rejected() -> None:
    status, answer = plan("direct/nothing-named", "two-sites")
    assert (status, answer["invalidations"]) == (1, [])
    assert "distribution_id" in answer["rejected"][0]["error"]


def settings_of(directory: Path, **settings: Any) -> Path:
    file = directory / "settings.json"
    routes = {
        "site": {"distribution_id": "E2QWRUHEXAMPLE", "bucket": "amzn-s3-demo-bucket", "index_documents": []}
    }
    file.write_text(json.dumps({"version": 1, "routes": routes, **settings}), encoding="utf-8")
    return file


def uploads(*keys: str) -> str:
    record = json.loads((DIRECTORY / "s3" / "object-created.json").read_text(encoding="utf-8"))["Records"][0]
    records = [{**record, "s3": {**record["s3"], "object": {"key": key}}} for key in keys]
    return json.dumps({"Records": records})


@pytest.mark.parametrize("event", [["-"], []], ids=["a dash", "nothing"])
def test_the_event_is_read_from_the_standard_input(tmp_path: Path, event: list[str]) -> None:
    done = run("plan", "--settings", settings_of(tmp_path), *event, stdin=uploads("a%2Bb+c.html"))
    assert done.returncode == 0
    assert invalidated(json.loads(done.stdout)) == [("E2QWRUHEXAMPLE", ["/a%2Bb%20c.html", "/a%2Bb+c.html"])]


def test_files_with_a_byte_order_mark(tmp_path: Path) -> None:
    """As some editors and shells of Windows write them."""
    files = [settings_of(tmp_path), tmp_path / "event.json"]
    files[1].write_text('{"paths": ["/a"]}', encoding="utf-8")
    for file in files:
        file.write_text("\ufeff" + file.read_text(encoding="utf-8"), encoding="utf-8")
    done = run("plan", "--settings", files[0], str(files[1]))
    assert invalidated(json.loads(done.stdout)) == [("E2QWRUHEXAMPLE", ["/a"])]


def test_an_inventory_tells_which_wildcards_spare_what_did_not_change(tmp_path: Path) -> None:
    """Two of four must merge: `b` has a neighbour that did not change, and `a` has none."""
    changed = ["a/1", "a/2", "b/1", "b/2"]
    inventory = tmp_path / "inventory.json"
    settings = settings_of(tmp_path, max_paths=3, max_wildcards=1)
    event = uploads(*changed)
    for spared, merged in (("b", "a"), ("a", "b")):
        inventory.write_text(json.dumps([*changed, f"{spared}/3"]), encoding="utf-8")
        done = run("plan", "--settings", settings, "--inventory", inventory, stdin=event)
        ((_, items),) = invalidated(json.loads(done.stdout))
        assert items == sorted([f"/{merged}/*", f"/{spared}/1", f"/{spared}/2"])


@pytest.mark.parametrize(
    ("settings", "inventory", "event", "said"),
    [
        pytest.param(
            "absent",
            None,
            "{}",
            "error: [Errno 2] No such file or directory: '{directory}/absent'\n",
            id="no such settings",
        ),
        pytest.param("cut-off", None, "{}", f"error: {{directory}}/cut-off {CUT_OFF}", id="settings cut off"),
        pytest.param(
            "wrong",
            None,
            "{}",
            "the function's settings cannot be used:\n"
            "- version must be 1: deploy the function's package and its settings from one release\n",
            id="settings of another version",
        ),
        pytest.param("right", None, "{", f"error: - {CUT_OFF}", id="an event cut off"),
        pytest.param(
            "right",
            None,
            "[" * 100_000,
            "error: - is not JSON: maximum recursion depth exceeded while decoding a JSON array from a "
            "unicode string\n",
            id="an event nested too deep",
        ),
        pytest.param(
            "right", "cut-off", "{}", f"error: {{directory}}/cut-off {CUT_OFF}", id="an inventory cut off"
        ),
        pytest.param(
            "right",
            "wrong",
            "{}",
            "error: an inventory is a JSON list of the bucket's keys, each a string\n",
            id="an inventory of another kind",
        ),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why_and_ends_with_2(
    tmp_path: Path, settings: str, inventory: str | None, event: str, said: str
) -> None:
    (tmp_path / "cut-off").write_text("{", encoding="utf-8")
    (tmp_path / "wrong").write_text('{"version": 2}', encoding="utf-8")
    (tmp_path / "right").write_text(
        (SETTINGS / "short-form.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    options = ["--inventory", tmp_path / inventory] if inventory else []
    done = run("plan", "--settings", tmp_path / settings, *options, stdin=event)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == said.format(directory=tmp_path)


def test_without_a_command_it_says_how_it_is_used() -> None:
    done = run()
    assert done.returncode == 2
    assert "usage: python -m invalidator" in done.stderr


def test_it_says_which_options_it_has() -> None:
    done = run("plan", "--help")
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    for part in (
        "positional arguments: EVENT a file, or - for standard input options:",
        "--settings FILE the SETTINGS document of the function",
        "--inventory FILE a JSON list of the bucket's keys",
        "exit code is 2",
    ):
        assert part in said


def test_it_says_which_commands_it_has() -> None:
    said = " ".join(run("--help").stdout.split())
    assert "what an event would invalidate. It makes no calls, and needs no AWS SDK." in said
    assert "positional arguments: COMMAND plan print what an event would invalidate options:" in said


def test_it_needs_settings() -> None:
    done = run("plan", stdin="{}")
    assert done.returncode == 2
    assert "--settings" in done.stderr


def test_it_works_where_no_sdk_is_installed_in_an_interpreter_of_its_own() -> None:
    done = run_alone("plan", "--settings", SETTINGS / "short-form.json", stdin="{}", code=NO_SDK)
    assert done.stderr == ""
    assert invalidated(json.loads(done.stdout)) == [("E2QWRUHEXAMPLE", ["/*"])]
    started = run_alone("plan", "--settings", SETTINGS / "short-form.json", stdin="{}")
    assert (started.returncode, started.stdout) == (done.returncode, done.stdout)
