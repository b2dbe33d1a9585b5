"""Terraform with its provider, on a machine that may lack either.

`python scripts/terraform.py ARGUMENTS` runs Terraform with them. Terraform is the one on PATH, else the
wheel of requirements/terraform.txt. The provider comes from a mirror, found in this order: the directory
that AWS_PROVIDER_MIRROR names; what `terraform init` can fetch by itself, kept in .cache; an unpacked mirror
somewhere on this machine's disk.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "terraform"
WHEEL = ROOT / "requirements" / "terraform.txt"
SHIM = ROOT / "scripts" / "terraform_wheel.py"
MIRROR_VARIABLE = "AWS_PROVIDER_MIRROR"

PROVIDER_VERSION = "5.100.0"
"""The version that every test runs on: the oldest one that versions.tf allows."""

FETCH_SECONDS = 900
"""For the 150 MB of the provider. A registry that does not answer is given up after REGISTRY_SECONDS."""
REGISTRY_SECONDS = 10
SEARCH_SECONDS = 60
PSEUDO_FILE_SYSTEMS = ("/proc", "/sys", "/dev", "/run")

PROBE = f"""terraform {{
  required_providers {{
    aws = {{
      source  = "hashicorp/aws"
      version = "{PROVIDER_VERSION}"
    }}
  }}
}}
"""
CLI_CONFIGURATION = """provider_installation {{
  filesystem_mirror {{
    path = "{mirror}"
  }}
}}
"""


class MissingError(Exception):
    """Something that this machine lacks; the text says what to do about it."""


@functools.cache
def command() -> tuple[str, ...]:
    """How to start Terraform: from PATH, else from a wheel that is installed now. Raises MissingError."""
    on_path = shutil.which("terraform")
    if on_path:
        return (on_path,)
    shim = (sys.executable, str(SHIM))
    if subprocess.run([*shim, "version"], env=_quiet(), capture_output=True, check=False).returncode:
        print("  no terraform on PATH: installing the one of requirements/terraform.txt …", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--requirement", str(WHEEL)], check=False).returncode:
            raise MissingError(
                "No terraform on PATH, and its wheel cannot be had: install Terraform 1.7 or later."
            )
    return shim


@functools.cache
def environment() -> dict[str, str]:
    """The variables under which Terraform finds the provider offline. Raises MissingError."""
    configuration = CACHE / "mirror.tfrc"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    wanted = CLI_CONFIGURATION.format(mirror=provider_mirror())
    if not configuration.is_file() or configuration.read_text(encoding="utf-8") != wanted:
        # At one stroke: another Terraform may be reading it.
        made = configuration.with_suffix(f".{os.getpid()}")
        made.write_text(wanted, encoding="utf-8")
        made.replace(configuration)
    return _quiet() | {"TF_CLI_CONFIG_FILE": str(configuration)}


def provider_mirror() -> Path:
    """A directory that holds the unpacked provider in the layout of a filesystem mirror."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        if not _holds_provider(Path(named)):
            raise MissingError(f"{MIRROR_VARIABLE}={named} holds no hashicorp/aws {PROVIDER_VERSION}.")
        return Path(named)
    remembered = CACHE / "mirror.path"
    if remembered.is_file():
        mirror = Path(remembered.read_text(encoding="utf-8"))
        if _holds_provider(mirror):
            return mirror
    found = _fetched() or next(_on_disk(), None)
    if found is None:
        raise MissingError(
            f"Terraform's registry is out of reach and no hashicorp/aws {PROVIDER_VERSION} lies here: "
            f"let {MIRROR_VARIABLE} name an unpacked mirror, as `terraform providers mirror` makes one."
        )
    remembered.write_text(str(found), encoding="utf-8")
    return found


def _quiet() -> dict[str, str]:
    """The environment as it is, without what would make Terraform ask, or fail before it starts."""
    variables = dict(os.environ) | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    # A configuration file that is named but missing is an error to Terraform, whatever it is asked to do.
    if not Path(variables.get("TF_CLI_CONFIG_FILE", "")).is_file():
        variables.pop("TF_CLI_CONFIG_FILE", None)
    return variables


def _holds_provider(mirror: Path) -> bool:
    pattern = f"*/hashicorp/aws/{PROVIDER_VERSION}/*/terraform-provider-aws_v{PROVIDER_VERSION}*"
    return any(mirror.glob(pattern))


def _fetched() -> Path | None:
    """What `terraform init` gets by itself: from the registry, or where the user's configuration says."""
    directory = CACHE / "fetched"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "versions.tf").write_text(PROBE, encoding="utf-8")
    bounds = {"TF_REGISTRY_CLIENT_TIMEOUT": str(REGISTRY_SECONDS), "TF_REGISTRY_DISCOVERY_RETRY": "0"}
    init = [*command(), f"-chdir={directory}", "init", "-no-color"]
    try:
        subprocess.run(init, env=_quiet() | bounds, capture_output=True, timeout=FETCH_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    return directory / ".terraform" / "providers"


def _on_disk() -> Iterator[Path]:
    """Unpacked mirrors on this machine's disks: six directories above the provider's executable."""
    print("  Terraform's registry is out of reach: searching this machine for the provider", file=sys.stderr)
    deadline = time.monotonic() + SEARCH_SECONDS
    for directory, names, files in os.walk("/"):
        if time.monotonic() > deadline:
            return
        names[:] = [name for name in names if str(Path(directory, name)) not in PSEUDO_FILE_SYSTEMS]
        for name in files:
            if name.startswith(f"terraform-provider-aws_v{PROVIDER_VERSION}"):
                mirror = Path(directory, name).parents[5]
                if _holds_provider(mirror):
                    yield mirror


def main(arguments: list[str]) -> int:
    try:
        return subprocess.run([*command(), *arguments], env=environment(), check=False).returncode
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
