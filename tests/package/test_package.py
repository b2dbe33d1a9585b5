"""The package that Lambda runs is the sources, in the same bytes wherever and whenever it is built."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from scripts import package

DAY = 86_400


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of lambda/ that a test may change."""
    return Path(shutil.copytree(package.SOURCES, tmp_path / "lambda"))


@pytest.fixture
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(package.PACKAGE)


def test_the_committed_package_is_what_the_sources_make() -> None:
    assert package.PACKAGE.read_bytes() == package.build()


def test_the_package_holds_every_module_of_the_sources_unchanged_and_nothing_else(
    archive: zipfile.ZipFile,
) -> None:
    modules = {
        path.relative_to(package.SOURCES).as_posix(): path.read_bytes()
        for path in package.SOURCES.rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert "index.py" in modules
    assert {name: archive.read(name) for name in archive.namelist()} == modules


@pytest.mark.parametrize("module", ["index.py", "invalidator/paths.py"])
def test_one_changed_character_in_a_module_changes_the_package(sources: Path, module: str) -> None:
    (sources / module).write_text((sources / module).read_text(encoding="utf-8") + "#", encoding="utf-8")
    assert package.build(sources) != package.PACKAGE.read_bytes()


def test_a_new_module_changes_the_package(sources: Path) -> None:
    (sources / "invalidator" / "new.py").write_text("", encoding="utf-8")
    assert package.build(sources) != package.PACKAGE.read_bytes()


def test_two_builds_on_two_dates_with_two_umasks_are_the_same_bytes(sources: Path) -> None:
    first = package.build(sources)
    for path in package.sources(sources):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 400 * DAY))
        path.chmod(0o600)
    assert package.build(sources) == first


def test_what_python_leaves_beside_its_modules_stays_out(sources: Path) -> None:
    before = package.build(sources)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(sources)], check=True)
    assert list(sources.rglob("*.pyc"))
    assert package.build(sources) == before


def test_lambda_can_read_every_file_and_finds_it_uncompressed(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    assert entries
    assert {entry.external_attr >> 16 & 0o777 for entry in entries} == {0o644}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}


def test_the_package_imports_on_its_own_under_the_name_that_terraform_gives_the_handler(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(io.BytesIO(package.build())) as built:
        built.extractall(tmp_path)
    code = "import index; assert callable(index.lambda_handler); print(index.__file__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "index.py"
