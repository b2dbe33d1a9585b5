"""No input without an effect that a test sees, and no output without a reader.

Said by name alone: that the effect is the right one, the tests that are found here say themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.docs import blocks

ROOT = Path(__file__).resolve().parents[2]


def text(*patterns: str) -> str:
    files = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    assert files
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


ASSERTIONS = text("tests/module/*.tftest.hcl", "tests/e2e/*.py")
READERS = text("tests/module/*.tftest.hcl", "tests/e2e/*.py", "examples/*/main.tf", "scripts/demo.py")
INPUTS = blocks("variables.tf", "variable")
OUTPUTS = blocks("outputs.tf", "output")


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_is_set_by_a_test(name: str) -> None:
    assert re.search(rf"^\s*\"?{name}\"?\s*[=:]|\b{name}=", ASSERTIONS, re.MULTILINE)


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_is_read(name: str) -> None:
    assert re.search(rf"\b(output|invalidation)\.{name}\b|outputs\[\"{name}\"\]", READERS)


def test_the_interface_was_found() -> None:
    assert {"distribution_id", "buckets", "routes"} <= set(INPUTS)
    assert {"function_name", "queue_arn"} <= set(OUTPUTS)
