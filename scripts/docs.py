"""The README's tables of inputs and outputs, made from the module; `--check` fails where they are stale.

By hand, because terraform-docs is no Python package, so a machine without its registry could not run it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


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


def rendered(text: str) -> str:
    """The README with what stands between its markers made anew."""
    for name, table in (("inputs", inputs()), ("outputs", outputs())):
        start, end = f"<!-- {name}: made by `make docs` -->", f"<!-- /{name} -->"
        if start not in text or end not in text:
            raise SystemExit(
                f"README.md lacks the markers {start} … {end}: put them back, then run make docs"
            )
        before, rest = text.split(start, 1)
        text = f"{before}{start}\n{table}\n{end}{rest.split(end, 1)[1]}"
    return text


def main() -> int:
    """Write the tables, or with `--check` say whether they are current: 0 yes, 1 no."""
    current = README.read_text()
    wanted = rendered(current)
    if "--check" in sys.argv[1:]:
        if current != wanted:
            print(
                "README.md: the tables of inputs and outputs are stale; run make docs and commit",
                file=sys.stderr,
            )
        return int(current != wanted)
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
