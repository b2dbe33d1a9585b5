"""Which folder may import which: what tests share lives in tests/support and tests/doubles alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from scripts.package import ROOT

SHARED = {"tests.support", "tests.doubles"}

MAY_IMPORT = {
    "scripts": {"scripts"},
    "bench": {"bench", "scripts", "tests.simulation", *SHARED},
    **{
        f"tests.{folder.name}": {f"tests.{folder.name}", "scripts", *SHARED}
        for folder in (ROOT / "tests").iterdir()
        if any(folder.glob("*.py"))
    },
    "tests.doubles": {"tests.doubles"},
    "tests.package": {"tests.package", "bench", "scripts", "tests.simulation", *SHARED},
}
"""Folder → the folders of this repository that its files may import from."""


def imported(file: Path) -> set[str]:
    """The folders of this repository that a file imports from, wherever in it."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    ours = [module.split(".") for module in modules if module.split(".")[0] in ("tests", "bench", "scripts")]
    return {".".join(parts[: 2 if parts[0] == "tests" else 1]) for parts in ours}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    files = sorted((ROOT / folder.replace(".", "/")).glob("*.py"))
    assert files
    wrong = {file.name: found for file in files if (found := imported(file) - MAY_IMPORT[folder])}
    assert wrong == {}


def test_the_picture_of_the_benchmark_does_not_import_the_benchmark() -> None:
    source = (ROOT / "bench" / "chart.py").read_text(encoding="utf-8")
    assert "bench.planner" not in source
    assert "bench.comparison" in source
