"""The steps of `make test`, one session each. `make unit` runs one.

`.venv/bin/nox -s unit -- -k decoded` hands options to pytest. Most sessions run in .venv. One that needs
what .venv cannot hold has an environment of its own in .cache/nox, which `.venv/bin/nox -s NAME
--install-only` makes without running the step.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

PYTHON = sys.executable
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
"""The runtimes of Lambda under which the package is tested: 3.14 is not among the tools of the tests yet."""

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
# pyenv puts only the versions in use on PATH; the others are wanted too.
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, sorted(PYENV.glob("versions/3.*/bin")))])

nox.needs_version = ">=2026.10"
nox.options.envdir = ".cache/nox"
nox.options.default_venv_backend = "none"
nox.options.reuse_venv = "yes"
nox.options.allow_parallel = True
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "e2e",  # the longest two, which mostly wait: the others run beside them
    "examples",
    "lint",
    "types",
    "package-check",
    "unit",
    "module",
    "compliance",
    "simulation",
    "runtimes",
]


def install(session: nox.Session, requirements: str) -> None:
    """Install pinned requirements into the session's environment, each file checked against its hash."""
    session.install("--require-hashes", "--requirement", f"requirements/{requirements}.txt")


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run tests in .venv, whatever else the session has installed."""
    session.run(PYTHON, "-m", "pytest", *arguments, *session.posargs, external=True)


@nox.session
def terraform(session: nox.Session) -> None:
    """Terraform from PATH, or else from its wheel, once before two sessions want it at a time."""
    session.run(PYTHON, "-m", "scripts.terraform", "version")


@nox.session(venv_backend="uv")
def awscli(session: nox.Session) -> None:
    """The command line of AWS, once before two sessions want it at a time."""
    install(session, "awscli")


@nox.session(requires=["terraform", "awscli"])
def e2e(session: nox.Session) -> None:
    """Real Terraform and provider, on a local AWS that enforces IAM."""
    pytest(session, "tests/e2e", "--ignore=tests/e2e/examples")


@nox.session(requires=["terraform", "awscli"])
def examples(session: nox.Session) -> None:
    """Every example on a local AWS of its own, and every command that a page shows for one."""
    pytest(session, "tests/e2e/examples")


@nox.session(requires=["terraform"])
def lint(session: nox.Session) -> None:
    """ruff, terraform fmt, and whether what is generated in the documents is current."""
    session.run(PYTHON, "-m", "ruff", "check")
    session.run(PYTHON, "-m", "ruff", "format", "--check")
    session.run(PYTHON, "-m", "cogapp", "--check", "--diff", "--check-fail-msg", "run make docs", "README.md")
    session.run(PYTHON, "-m", "scripts.terraform", "fmt", "-check", "-recursive", "-diff")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict, over the tests and benchmarks too."""
    session.run(PYTHON, "-m", "mypy", "lambda", "scripts", "tests", "bench", "noxfile.py")


@nox.session(name="package-check")
def package_check(session: nox.Session) -> None:
    """The committed package is what the sources make."""
    session.run(PYTHON, "-m", "scripts.package", "--check")
    pytest(session, "tests/package")


@nox.session
def unit(session: nox.Session) -> None:
    """Units, properties and doubles of the function."""
    pytest(session, "tests/unit", "tests/doubles")


@nox.session(requires=["terraform"])
def module(session: nox.Session) -> None:
    """terraform validate and terraform test, with a mocked provider."""
    run = (PYTHON, "-m", "scripts.terraform")
    session.run(*run, "init", "-backend=false", "-test-directory=tests/module", "-no-color")
    session.run(*run, "validate")
    session.run(*run, "test", "-test-directory=tests/module")


@nox.session(requires=["terraform"], venv_backend="uv")
def compliance(session: nox.Session) -> None:
    """The security promises, and checkov, on the plan of every example."""
    install(session, "scanners")
    pytest(session, "tests/compliance")


@nox.session
def simulation(session: nox.Session) -> None:
    """Storms through the packaged handler."""
    pytest(session, "tests/simulation")


@nox.session(python=VERSIONS, venv_backend="uv")
def runtimes(session: nox.Session) -> None:
    """The package, not the sources, under the Pythons of Lambda, as far as this machine has them."""
    install(session, "runtimes")
    alone = (
        "-p",
        "no:cacheprovider",
        "--noconftest",
    )  # without Hypothesis, which the handler's tests need not
    imports = "pythonpath=lambda/dist/invalidator.zip ."
    session.run("python", "-m", "pytest", "-q", *alone, "-o", imports, "tests/unit/test_handler.py")


@nox.session(venv_backend="uv")
def mutants(session: nox.Session) -> None:
    """Change the package in small ways and count what the tests notice."""
    install(session, "mutants")
    session.run("python", "-m", "scripts.mutants", *session.posargs)
