"""What Terraform says to the function: the environment, parsed once into `Settings`.

`DISTRIBUTION_ID` holds the distribution of a direct request that names none. `SETTINGS` holds the
rest as one JSON document, whose version both sides know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSION = 1
"""The version of the SETTINGS document that this code reads."""


@dataclass(frozen=True, order=True)
class Target:
    """Whose cache an invalidation purges: a distribution, or one tenant of a multi-tenant one."""

    id: str
    kind: Literal["distribution", "tenant"] = "distribution"
    role_arn: str = ""
    """A role to assume for the call, where the distribution belongs to another account; else empty."""


@dataclass(frozen=True)
class Route:
    """Which objects are served by which distribution, and under which viewer paths."""

    name: str
    target: Target
    bucket: str = ""
    """Empty: the route serves direct requests alone."""
    prefix: str = ""
    suffix: str = ""
    origin_path: str = ""
    index_documents: tuple[str, ...] = ("index.html",)
    strip_extensions: tuple[str, ...] = ()
    query_strings: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """What the plan for one distribution may spend before it merges paths into wildcards."""

    max_paths: int = 100
    max_wildcards: int = 30
    min_wildcard_depth: int = 0
    """Complete directories that must stand before a wildcard made by merging: `/*` and `/im*` have 0, `/img/*` has 1."""


@dataclass(frozen=True)
class Settings:
    """Everything that the caller of the module decided."""

    routes: tuple[Route, ...]
    default_target: Target | None
    default_paths: tuple[str, ...] = ("/*",)
    budget: Budget = Budget()
    inventory: bool = False
    tilde: Literal["wildcard", "encoded"] = "wildcard"
