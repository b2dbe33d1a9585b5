"""The provider that runs is the one that is pinned, wherever it was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from scripts import terraform

PLATFORM_FOLDER = f"registry.terraform.io/hashicorp/aws/{terraform.PROVIDER_VERSION}"


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Plants an impostor, a mirror with another program under the provider's name, in a folder."""
    monkeypatch.setattr(terraform, "this_platform", lambda: "linux_amd64")
    monkeypatch.delenv(terraform.HASH_VARIABLE, raising=False)

    def planted(mirror: Path) -> Path:
        package = mirror / PLATFORM_FOLDER / "linux_amd64"
        package.mkdir(parents=True)
        (package / f"terraform-provider-aws_v{terraform.PROVIDER_VERSION}_x5").write_text("#!/bin/sh\n")
        return mirror

    return planted


def test_an_impostor_is_refused_with_the_variable_that_overrides(
    tmp_path: Path, plant: Callable[[Path], Path]
) -> None:
    with pytest.raises(terraform.MissingError, match=terraform.HASH_VARIABLE):
        terraform.verified(plant(tmp_path))


def test_an_impostor_is_refused_where_the_mirror_was_named(
    tmp_path: Path, plant: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(terraform.MIRROR_VARIABLE, str(plant(tmp_path)))
    with pytest.raises(terraform.MissingError, match="not the provider"):
        terraform.provider()


def test_a_package_whose_hash_the_developer_gives_is_taken(
    tmp_path: Path, plant: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = plant(tmp_path)
    package = mirror / PLATFORM_FOLDER / "linux_amd64"
    monkeypatch.setenv(terraform.HASH_VARIABLE, terraform.package_hash(package))
    assert terraform.verified(mirror) == package


def test_terraform_sees_nothing_beside_the_trusted_provider(
    tmp_path: Path, plant: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the versions in a mirror it would take the newest, and of packed ones any."""
    monkeypatch.setattr(terraform, "CACHE", tmp_path / "cache")
    mirror = plant(tmp_path / "mirror")
    package = mirror / PLATFORM_FOLDER / "linux_amd64"
    newer = package.parent.with_name("5.999.0") / "linux_amd64"
    newer.mkdir(parents=True)
    (newer / "terraform-provider-aws_v5.999.0_x5").write_text("#!/bin/sh\n")
    (mirror / "registry.terraform.io/hashicorp/aws/terraform-provider-aws_5.100.0_linux_amd64.zip").touch()
    for _ in range(2):
        seen = terraform.with_nothing_else(package)
        assert [each.resolve() for each in seen.glob("*/*/*/*/*")] == [package]
        assert [each.name for each in seen.glob("*/*/*/*")] == [terraform.PROVIDER_VERSION]


def test_the_hash_is_that_of_go_s_dirhash(tmp_path: Path) -> None:
    """Reckoned by hand: sha256 over one line "SHA-256 of the content, two spaces, name" a file."""
    (tmp_path / "a").write_bytes(b"")
    assert terraform.package_hash(tmp_path) == "h1:+6GTBXDPLTOioF/0Ok/qUyOCYR9Dh2mI/Jwx/ZzhAtE="


def test_a_platform_without_a_pinned_hash_is_refused_with_the_variable_that_gives_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(terraform.HASH_VARIABLE, raising=False)
    monkeypatch.setattr(terraform, "this_platform", lambda: "plan9_mips")
    with pytest.raises(terraform.MissingError, match=f"plan9_mips.*{terraform.HASH_VARIABLE}"):
        terraform.verified(tmp_path)


def test_the_search_of_the_disk_skips_what_everyone_may_write_to(
    tmp_path: Path, plant: Callable[[Path], Path]
) -> None:
    private = plant(tmp_path / "private")
    plant(tmp_path / "public" / "mirror")
    (tmp_path / "public").chmod(0o1777)
    assert list(terraform._on_disk(tmp_path)) == [private]


def test_the_search_of_the_disk_skips_what_another_user_owns(
    tmp_path: Path, plant: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tmp_path / "theirs")
    monkeypatch.setattr(terraform, "OWNERS", (tmp_path.stat().st_uid + 1,))
    assert list(terraform._on_disk(tmp_path)) == []
