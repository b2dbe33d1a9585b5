"""What the documents name exists: files, commands, sections; and `make` lists every command."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.package import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "tests/**/*.md", "bench/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, re.MULTILINE))
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

OURS = r"lambda|tests|bench|scripts|requirements|examples"
FILE = re.compile(r"^[\w./-]+\.(?:py|tf|md|toml|yml|sh|svg|tftest\.hcl)$")
FOLDER = re.compile(rf"^(?:{OURS})/(?!.*[A-Z]{{3}})[\w./-]*/?$")
"""Not one with a placeholder in capitals."""
SOURCES = {
    path.name
    for pattern in ("*.*", "lambda/**/*.*", "tests/**/*.*", "bench/*.*", "scripts/*.*")
    for path in ROOT.glob(pattern)
}


@pytest.fixture(params=DOCUMENTS, ids=NAMES)
def document(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def code(document: Path) -> Iterator[str]:
    """What stands between backticks."""
    for found in re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")):
        yield str(found)


def commands(document: Path) -> Iterator[str]:
    """What stands between backticks or in a block of code, line by line."""
    yield from code(document)
    for block in re.findall(r"```\w*\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
        yield from str(block).splitlines()


def sections(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_link_leads_somewhere(document: Path) -> None:
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", document.read_text(encoding="utf-8")
    ):
        linked = document.parent / target if target else document
        assert linked.exists(), target
        assert not anchor or anchor in sections(linked), f"{target}#{anchor}"


def test_a_file_that_is_named_exists(document: Path) -> None:
    """A name without a folder is that of any source."""
    for name in code(document):
        if FILE.match(name) and name not in SOURCES:
            assert (ROOT / name).exists() or (document.parent / name).exists(), name
        if FOLDER.match(name):
            assert (ROOT / name).exists(), name


def test_a_command_that_is_named_exists(document: Path) -> None:
    for command in commands(document):
        if made := re.match(r"make((?: [a-z][a-z0-9-]*)+)", command):
            assert set(made[1].split()) <= TARGETS, command
        for module in re.findall(rf"python -m ((?:{OURS}|invalidator)[\w.]*)", command):
            path = ROOT / ("lambda/" if module == "invalidator" else "") / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command


def test_make_alone_lists_every_command() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^  make ([a-z0-9-]+)  +\w", listed.stdout, re.MULTILINE)) == TARGETS - {"help"}


def test_every_step_of_make_test_is_a_command_of_its_own() -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    (sessions,) = re.findall(r"^nox\.options\.sessions = \[(.*?)^\]", noxfile, re.MULTILINE | re.DOTALL)
    (steps,) = re.findall(r"^STEPS := (.*)$", MAKEFILE, re.MULTILINE)
    assert steps.split() == re.findall(r'^    "([a-z0-9-]+)"', sessions, re.MULTILINE)


def test_continuous_integration_runs_the_commands_of_a_developer() -> None:
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1].endswith("exec make test")
    run = re.findall(r"^ +- run: (.*)$", WORKFLOW, re.MULTILINE)
    assert run == ["make test", "make demo", "make compat"]


def test_actions_are_pinned_and_may_only_read() -> None:
    actions = re.findall(r"uses: (.*)$", WORKFLOW, re.MULTILINE)
    assert actions
    assert [action for action in actions if not re.match(r"[\w/-]+@[0-9a-f]{40} # v", action)] == []
    assert re.findall(r"permissions:\n((?:  .*\n)+)", WORKFLOW) == ["  contents: read\n"]
