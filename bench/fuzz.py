"""A seeded fuzz of what comes from outside: broken payloads, broken texts of messages, and arbitrary names.

`python -m bench.fuzz` tries a million of each, texts a tenth of that, and prints its figures; `--count` takes
fewer, `--seed` others. What is tried and checked, `tests/support/fuzzing.py` says. Exits 1 where a promise is
broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "lambda")]

from tests.support.fuzzing import BrokenPromiseError, run  # noqa: E402 (the path above makes it importable)


def main() -> None:
    """Try, print the figures, and exit 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="payloads, and as many names")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        found = run(arguments.count, arguments.seed)
    except BrokenPromiseError as error:
        sys.exit(f"seed {arguments.seed}: {error}")
    figures = ", ".join(f"{name} {number:,}" for name, number in sorted(found.items()))
    print(f"seed {arguments.seed}: {figures}; no promise broken [{time.monotonic() - began:.0f} s]")


if __name__ == "__main__":
    main()
