"""Tools that cannot share an environment with the others: each gets one of its own under .cache/tools."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "tools"


@functools.cache
def programs(name: str) -> Path:
    """The directory of the programs that requirements/NAME.txt installs, which is done when that file is new.

    Raises CalledProcessError where the packages cannot be had.
    """
    requirements = ROOT / "requirements" / f"{name}.txt"
    environment = CACHE / name
    installed = environment / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        print(f"  installing requirements/{name}.txt …", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        pip = [str(environment / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(requirements)], check=True)
        installed.write_text(wanted, encoding="utf-8")
    return environment / "bin"
