"""A version is tagged only where the tag tells the truth."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.release import git, obstacles


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clean repository whose changelog has a section 1.2.3, and whose last tag is v1.2.2."""
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3\n\n## 1.2.2\n", encoding="utf-8")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "CHANGELOG.md")
    git(tmp_path, *author, "commit", "--quiet", "--message", "Change")
    git(tmp_path, *author, "tag", "--annotate", "v1.2.2", "--message", "Version 1.2.2")
    return tmp_path


def test_nothing_is_in_the_way_of_a_clean_tree_with_its_package_and_its_changelog(repository: Path) -> None:
    assert list(obstacles(repository, "1.2.3", package_is_current=True)) == []


def test_a_dirty_tree_is_refused(repository: Path) -> None:
    (repository / "new").write_text("", encoding="utf-8")
    (obstacle,) = obstacles(repository, "1.2.3", package_is_current=True)
    assert "dirty" in obstacle


def test_a_stale_package_is_refused(repository: Path) -> None:
    (obstacle,) = obstacles(repository, "1.2.3", package_is_current=False)
    assert "make package" in obstacle


@pytest.mark.parametrize("version", ["1.2.4", "1.2.33", "0.1.2"])
def test_a_version_that_the_changelog_does_not_know_is_refused(repository: Path, version: str) -> None:
    (obstacle,) = obstacles(repository, version, package_is_current=True)
    assert f"no section {version}" in obstacle


def test_a_version_that_was_released_is_refused(repository: Path) -> None:
    (obstacle,) = obstacles(repository, "1.2.2", package_is_current=True)
    assert "v1.2.2 exists" in obstacle


@pytest.mark.parametrize("version", ["", "v1.2.3", "1.2", "1.2.3-rc1"])
def test_what_is_no_version_is_refused_with_a_right_one(repository: Path, version: str) -> None:
    (obstacle,) = obstacles(repository, version, package_is_current=True)
    assert "VERSION=1.2.3" in obstacle
