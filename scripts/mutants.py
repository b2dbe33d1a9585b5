"""`make mutants`: change the package in small ways, one at a time, and count those that no test notices.

`python -m scripts.mutants MODULE …` tries every change of these modules, `--sample NUMBER` that many of all
modules, drawn by `--seed`. It runs in the environment of the session `mutants` of noxfile.py. By hand,
because mutmut draws no sample, sums up no module, finds a package only at the root or under `src`, and is
wrong about some mutants (`noticed_alone`).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "mutants"
RESULTS = WORK / "mutants" / "src" / "invalidator"
COPIED = ("tests", "bench", "scripts", "docs", "README.md", "pyproject.toml", "variables.tf", "outputs.tf")
MUTMUT = (str(Path(sys.executable).with_name("mutmut")), "run")
FAILED = (1, 3)
"""Exit codes of pytest under a mutant, in mutmut's files, where a test failed."""

PASSED, NO_TESTS = 0, 5
"""Further exit codes of pytest. Any other is a mutant that was noticed: 4 where no test can be imported."""

LONGEST_SECONDS = 300
"""Tests that take longer than this under a mutant never end: all of them take a minute without one."""

ARGUMENTS = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--override-ini=pythonpath=src lambda .")


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


def without_strict(call: ast.Call) -> bool:
    """`strict` of a zip only makes it raise where lengths differ that never do."""
    is_zip = isinstance(call.func, ast.Name) and call.func.id == "zip"
    if is_zip:
        call.keywords = [each for each in call.keywords if each.arg != "strict"]
    return is_zip


def in_lower_case(call: ast.Call) -> bool:
    """Python reads the name of an encoding, and of a number as "-inf", in any case of its letters."""
    read = [each.value for each in call.keywords if each.arg == "encoding"]
    if isinstance(call.func, ast.Name) and call.func.id == "float":
        read += call.args
    for each in read:
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            each.value = each.value.lower()
    return bool(read)


Rule = Callable[[ast.Call], bool]
RULES: tuple[Rule, ...] = (without_strict, in_lower_case)
"""Each makes a call equal to another that does the same for certain, and returns whether it is such a call.
Mutants that are then equal to the original are left out."""


def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """Name → function, of the originals and the mutants that mutmut has written into a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def after(rule: Rule, function: ast.FunctionDef) -> str:
    """The text of a function after the rule, without its name; empty where the rule applies to no call."""
    changed = deepcopy(function)
    changed.name = "_"
    applies = [rule(node) for node in ast.walk(changed) if isinstance(node, ast.Call)]
    return ast.unparse(changed) if any(applies) else ""


def left_out(mutants: Collection[str]) -> dict[str, Rule]:
    """Mutant → the rule for which it is left out."""
    found = {}
    by_module = {name: functions(RESULTS / f"{name}.py") for name in set(map(module, mutants))}
    originals = cache(lambda rule, name, own: after(rule, by_module[name][own]))
    for mutant in mutants:
        name, own = module(mutant), mutant.rpartition(".")[2]
        for rule in RULES:
            original = originals(rule, name, f"{own.rpartition('_')[0]}_orig")
            if original and original == after(rule, by_module[name][own]):
                found[mutant] = rule
    return found


def tests_of(mutant: str) -> list[str]:
    """The tests that call the function that the mutant changes, and those of its module's own file."""
    known = json.loads((WORK / "mutants" / "mutmut-stats.json").read_text(encoding="utf-8"))
    own_file = f"tests/unit/test_{module(mutant)}.py::"
    found = {
        test
        for function, tests in known["tests_by_mangled_function_name"].items()
        for test in tests
        if function == mutant.rpartition("__mutmut_")[0] or test.startswith(own_file)
    }
    # Cases of a test may be named by what a mutant changes.
    return sorted({test.partition("[")[0] for test in found})


def fails(tests: Collection[str], mutant: str) -> bool:
    """Whether a test fails, or does not end, under the mutant; under none where its name is empty."""
    try:
        done = subprocess.run(
            [sys.executable, *ARGUMENTS, *tests],
            cwd=WORK / "mutants",
            env={**os.environ, "MUTANT_UNDER_TEST": mutant},
            capture_output=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode not in (PASSED, NO_TESTS)


def noticed_alone(mutants: Collection[str]) -> dict[str, bool]:
    """Mutant → whether a test notices it in a process of its own.

    mutmut forks a process that has imported the package: it changes no function that ran at import, as those
    that build the rules of `settings.py`. And it ends tests after a time that a busy machine exceeds.
    """
    tests = {mutant: tests_of(mutant) for mutant in mutants}
    every = set().union(*tests.values())
    if every and fails(every, ""):
        raise RuntimeError(f"without any mutant all of these tests must pass: {sorted(every)}")

    def noticed(mutant: str) -> bool:
        return bool(tests[mutant]) and fails(tests[mutant], mutant)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(mutants, pool.map(noticed, mutants), strict=True))


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
    # mutmut makes the mutants of all modules before it tries those of one.
    subprocess.run([*MUTMUT, "invalidator.verdicts.*"], cwd=WORK, check=True)
    every = exit_codes()
    equal = left_out(every)
    chosen = [
        mutant
        for mutant in sorted(every.keys() - equal.keys())
        if not options.modules or module(mutant) in options.modules
    ]
    if options.sample:
        draw = random.Random(options.seed)  # noqa: S311 (the seed repeats the sample)
        chosen = draw.sample(chosen, options.sample)
    subprocess.run([*MUTMUT, *chosen], cwd=WORK, check=True)
    codes = exit_codes()
    doubtful = [mutant for mutant in chosen if codes[mutant] not in FAILED]
    print(f"{len(doubtful)} of {len(chosen)} mutants are tried again, each in a process of its own")
    again = noticed_alone(doubtful)
    noticed = {mutant: again.get(mutant, True) for mutant in chosen}
    print("\n".join(mutant for mutant, was_noticed in noticed.items() if not was_noticed))
    print(table(noticed))
    print(f"{len(equal)} of {len(every)} mutants were left out, because they change no behaviour:")
    for rule in RULES:
        print(f"{Counter(equal.values())[rule]}: {rule.__doc__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
