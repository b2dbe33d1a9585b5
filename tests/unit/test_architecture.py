"""The rules that docs/architecture.md states: imports go one way, and few modules know botocore."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from botocore.config import Config

from invalidator.aws import SERVICES, client

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lambda" / "invalidator"

ORDER = re.findall(r"^\| `(\w+)\.py` \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
"""The modules as the table there has them, each importing only from above its own row."""

KNOW_BOTOCORE = {"aws", "cloudfront", "codepipeline", "inventory", "queues"}


def imports(module: Path) -> set[str]:
    """Whole names of what a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = {
    path.stem: imports(path) for path in sorted(PACKAGE.glob("*.py")) if not path.stem.startswith("__")
}


def test_the_table_of_modules_lists_the_package_and_nothing_else() -> None:
    assert set(ORDER) == set(MODULES)


def test_a_module_imports_only_from_above_its_row_of_the_table() -> None:
    checked = 0
    for name, imported in MODULES.items():
        for other in MODULES:
            used = any(f"{each}.".startswith(f"invalidator.{other}.") for each in imported)
            assert not used or ORDER.index(other) < ORDER.index(name), f"{name}.py imports {other}.py"
            checked += used
    assert checked > len(MODULES)


def test_five_modules_alone_know_botocore() -> None:
    know = {
        name
        for name, imported in MODULES.items()
        if any(each.startswith(("boto3", "botocore")) for each in imported)
    }
    assert know == KNOW_BOTOCORE


def test_all_clients_are_made_in_one_session() -> None:
    """Another session takes 7 ms of a whole processor, and boto3 another 13."""
    make = {
        name
        for name, imported in MODULES.items()
        if any(f"{each}.".startswith(("boto3.", "botocore.session.")) for each in imported)
    }
    assert make == {"aws"}


def test_the_services_whose_data_is_loaded_are_those_that_are_called() -> None:
    called = {
        node.args[0].value
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "aws.client"
        if isinstance(node.args[0], ast.Constant)
    }
    assert called == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_of_each_service_is_made(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert client(service, Config()).meta.service_model.service_name == service


def test_the_function_depends_on_nothing_but_python_and_boto3() -> None:
    ours = {"invalidator", "boto3", "botocore", "__future__"} | set(sys.stdlib_module_names)
    files = [*PACKAGE.glob("*.py"), ROOT / "lambda" / "index.py"]
    foreign = {name for path in files for name in imports(path) if name.split(".")[0] not in ours}
    assert files
    assert foreign == set()
