"""Tools that cannot share an environment with the others: each gets one of its own under .cache/tools.

`python -m scripts.tools NAME …` makes them side by side, before steps that need them. By hand because the
tests call these programs by their paths, and a task runner hands out no path of an environment.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "tools"


def install(python: Path, requirements: Path) -> None:
    """Install pinned requirements, each file checked against its hash. Raises CalledProcessError."""
    pinned = ["--quiet", "--require-hashes", "--requirement", str(requirements)]
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--python", str(python), *pinned], check=True
    )


def environment(directory: Path, requirements: Path, python: Path | None = None) -> Path:
    """The Python of an environment with these requirements, which is made anew when their file is new.

    Raises CalledProcessError where the packages cannot be had.
    """
    made_of = directory / "requirements.txt"
    program = directory / "bin" / "python"
    if not made_of.is_file() or made_of.read_bytes() != requirements.read_bytes():
        base = str(python or sys.executable)
        make = [sys.executable, "-m", "uv", "venv", "--quiet", "--clear", "--python", base, str(directory)]
        subprocess.run(make, check=True)
        install(program, requirements)
        shutil.copy(requirements, made_of)
    return program


@functools.cache
def programs(name: str) -> Path:
    """The directory of the programs that requirements/NAME.txt installs."""
    return environment(CACHE / name, ROOT / "requirements" / f"{name}.txt").parent


def main(names: Sequence[str]) -> int:
    with ThreadPoolExecutor() as pool:
        for directory in pool.map(programs, names):
            print(f"  {directory.relative_to(ROOT)} is ready")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
