"""The Lambda package, byte for byte the same wherever and whenever it is built.

`python -m scripts.package` writes lambda/dist/invalidator.zip; `--check` only says whether the committed
package is the one that the sources make, and exits 1 where it is not.

By hand, because no packager promises the same bytes from every zlib and every Python.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "lambda"
PACKAGE = SOURCES / "dist" / "invalidator.zip"

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip can hold: no build leaves its date behind."""
READABLE = 0o100644 << 16
"""Lambda runs the code as another user, so every file must be readable by all."""
UNIX = 3
"""The system that made the entry, which zipfile would otherwise take from the machine."""


def sources(directory: Path = SOURCES) -> list[Path]:
    """The files that run in Lambda, sorted by their name in the package."""
    modules = [directory / "index.py", *(directory / "invalidator").rglob("*.py")]
    return sorted(modules, key=lambda path: path.relative_to(directory).as_posix())


def build(directory: Path = SOURCES) -> bytes:
    """The package of these sources. Stored, not deflated: compressors differ between zlib versions."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        for path in sources(directory):
            entry = zipfile.ZipInfo(path.relative_to(directory).as_posix(), EPOCH)
            entry.external_attr = READABLE
            entry.create_system = UNIX
            archive.writestr(entry, path.read_bytes())
    return package.getvalue()


def is_current() -> bool:
    """Whether the committed package is what the sources make."""
    return PACKAGE.is_file() and PACKAGE.read_bytes() == build()


def main(arguments: list[str]) -> int:
    name = PACKAGE.relative_to(ROOT)
    if arguments == ["--check"]:
        if is_current():
            print(f"{name} is what the sources make.")
            return 0
        print(f"{name} is not what the sources make: run `make package` and commit it.", file=sys.stderr)
        return 1
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    PACKAGE.parent.mkdir(exist_ok=True)
    PACKAGE.write_bytes(build())
    print(f"{name}: {len(sources())} files, {PACKAGE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
