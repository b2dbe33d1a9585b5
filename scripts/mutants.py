"""`make mutants`: change the package in small ways, one at a time, and count those that no test notices.

`python -m scripts.mutants MODULE …` tries every change of these modules, `--sample NUMBER` that many of all
modules, drawn by `--seed`. It runs in the environment of the session `mutants` of noxfile.py. By hand,
because mutmut draws no sample, sums up no module, and finds a package only at the root or under `src`.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "mutants"
RESULTS = WORK / "mutants" / "src" / "invalidator"
COPIED = ("tests", "bench", "scripts", "docs", "README.md", "pyproject.toml", "variables.tf", "outputs.tf")
MUTMUT = (str(Path(sys.executable).with_name("mutmut")), "run")
SURVIVED, NO_TESTS = 0, (5, 33)
"""Exit codes of pytest under a mutant, in mutmut's files. Any other is a test that failed or hung."""


def lay_out() -> None:
    """Copy the package to `src` in the work folder, and what its tests need beside it."""
    for name in ("src", "lambda", *COPIED):
        if (WORK / name).is_dir():
            shutil.rmtree(WORK / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lambda" / "invalidator", WORK / "src" / "invalidator", ignore=ignored)
    (WORK / "lambda").mkdir()
    shutil.copy(ROOT / "lambda" / "index.py", WORK / "lambda")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, WORK / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, WORK)


def exit_codes() -> dict[str, int | None]:
    """Mutant → exit code of its tests, of every mutant that mutmut has made."""
    found: dict[str, int | None] = {}
    for path in sorted(RESULTS.glob("*.meta")):
        found |= json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


def module(mutant: str) -> str:
    """The module that a mutant changes: `invalidator.paths.x_viewer_paths__mutmut_7` → `paths`."""
    return mutant.split(".")[1]


def table(noticed: Mapping[str, bool]) -> str:
    """A row for each module: mutants tried, those noticed, their share; the sum last."""
    by_module: dict[str, list[bool]] = {}
    for mutant, was_noticed in sorted(noticed.items()):
        by_module.setdefault(f"`{module(mutant)}.py`", []).append(was_noticed)
    by_module["**together**"] = list(noticed.values())
    rows = [
        f"| {name} | {len(some)} | {sum(some)} | {sum(some) / len(some):.0%} |"
        for name, some in by_module.items()
    ]
    return "\n".join(["| module | mutants | noticed | share |", "| --- | --: | --: | --: |", *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as paths; all without")
    parser.add_argument("--sample", type=int, help="the number of mutants to try; all without")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    lay_out()
    chosen = [f"invalidator.{name}.*" for name in options.modules]
    if options.sample:
        if not exit_codes():
            # mutmut makes the mutants of all modules before it tries those of one.
            subprocess.run([*MUTMUT, "invalidator.verdicts.*"], cwd=WORK, check=True)
        draw = random.Random(options.seed)  # noqa: S311 (the seed repeats the sample)
        chosen = draw.sample(sorted(exit_codes()), options.sample)
    subprocess.run([*MUTMUT, *chosen], cwd=WORK, check=True)
    noticed = {
        mutant: code not in (SURVIVED, *NO_TESTS)
        for mutant, code in exit_codes().items()
        if (mutant in chosen if options.sample else not options.modules or module(mutant) in options.modules)
    }
    print("\n".join(mutant for mutant, was_noticed in noticed.items() if not was_noticed))
    print(table(noticed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
