"""The handler's tests against the package, under every Python of this machine that is a runtime of Lambda.

By hand, because nox makes one environment after the other, and these are made and tested side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.package import PACKAGE, ROOT
from scripts.tools import environment

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
REQUIREMENTS = ROOT / "requirements" / "runtimes.txt"
CACHE = ROOT / ".cache" / "runtimes"
TESTS = "tests/unit/test_handler.py"
AT_ONCE = 2


def interpreters() -> dict[str, Path]:
    """Version → a Python of that version which runs; a name on PATH may be a shim that does not."""
    found = {}
    for version in VERSIONS:
        for candidate in candidates(version):
            show = "import sys; print('%d.%d' % sys.version_info[:2])"
            done = subprocess.run([candidate, "-c", show], capture_output=True, text=True, check=False)
            if done.stdout.strip() == version:
                found[version] = candidate
                break
    return found


def candidates(version: str) -> Iterator[Path]:
    named = shutil.which(f"python{version}")
    if named:
        yield Path(named)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def prepared(version: str, python: Path) -> Path:
    """A Python with what the tests need: this one, or that of an environment made from REQUIREMENTS."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    return environment(CACHE / version, REQUIREMENTS, python)


def tested(version: str, python: Path) -> tuple[bool, str]:
    """Whether the package passes under that Python, and pytest's report. The sources are out of its sight."""
    imports = f"pythonpath={PACKAGE.relative_to(ROOT)} ."
    pytest = (prepared(version, python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", imports)
    done = subprocess.run([*pytest, TESTS], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def main() -> int:
    found = interpreters()
    if missing := set(VERSIONS) - set(found):
        print(f"not on this machine: Python {', '.join(sorted(missing))}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip(found, pool.map(tested, found, found.values()), strict=True))
    for version, (passed, report) in results.items():
        print(f"Python {version}: {report.strip().splitlines()[-1] if passed else report}")
    return 0 if results and all(passed for passed, _ in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
