"""The README's tables of inputs and outputs, made from the module, for cog: `make docs` writes them.

By hand, because terraform-docs is no Python package, so a machine without its registry could not run it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parent.parent


def blocks(file: str, kind: str) -> dict[str, dict[str, Any]]:
    """Name → attributes of every block of that kind, in the order of the file."""
    options = hcl2.SerializationOptions(
        strip_string_quotes=True, explicit_blocks=False, with_comments=False, preserve_heredocs=False
    )
    with (ROOT / file).open() as source:
        parsed = hcl2.load(source, serialization_options=options)
    return {name: body for block in parsed[kind] for name, body in block.items()}


def inputs() -> str:
    """A row for each variable: its name, what it means, its default."""
    rows = [
        f"| `{name}` | {_prose(body)} | {_default(body)} |"
        for name, body in blocks("variables.tf", "variable").items()
    ]
    return "\n".join(["| input | what it means | default |", "| --- | --- | --- |", *rows])


def outputs() -> str:
    """A row for each output: its name and what it holds."""
    rows = [f"| `{name}` | {_prose(body)} |" for name, body in blocks("outputs.tf", "output").items()]
    return "\n".join(["| output | what it holds |", "| --- | --- |", *rows])


def _prose(body: dict[str, Any]) -> str:
    text = body["description"].strip().replace("\\n", "\n").replace('\\"', '"')
    return re.sub(r"\s*\n- ", "<br>• ", text).replace("\n", " ").replace("|", "\\|")


def _default(body: dict[str, Any]) -> str:
    if "default" not in body:
        return "required"
    return f"`{json.dumps(body['default'])}`"
