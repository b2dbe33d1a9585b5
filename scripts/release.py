"""Tags a version: `make release VERSION=1.2.3`. Refuses a version that does not match the files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts import package

ROOT = package.ROOT


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def obstacles(root: Path, version: str, package_is_current: bool) -> Iterator[str]:
    """Whatever keeps the version from being released, each with what to do."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"{version!r} is no version: make release VERSION=1.2.3"
        return
    if git(root, "status", "--porcelain"):
        yield "the work tree is dirty: commit or stash what `git status` shows"
    if not package_is_current:
        yield "the package is not what the sources make: run `make package` and commit it"
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[?{re.escape(version)}\b", changelog, re.MULTILINE):
        yield f"CHANGELOG.md has no section {version}: name what is under Unreleased after it"
    if git(root, "tag", "--list", f"v{version}"):
        yield f"the tag v{version} exists: choose the next version"


def main(arguments: list[str]) -> int:
    version = arguments[0] if arguments else ""
    found = list(obstacles(ROOT, version, package.is_current()))
    if found:
        print("Not released:", *found, sep="\n- ", file=sys.stderr)
        return 1
    git(ROOT, "tag", "--annotate", f"v{version}", "--message", f"Version {version}")
    print(f"Tagged v{version}. Publish it: git push origin v{version}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
