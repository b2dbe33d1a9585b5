"""The environment that Terraform writes for the function, parsed into `Settings`.

`DISTRIBUTION_ID` holds the distribution of a direct request that names none. `SETTINGS` holds everything
else as one JSON document with a version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

VERSION = 1
"""The version of the SETTINGS document that this code reads."""


INVENTORY_PAGES = 50
"""Pages of 1,000 keys listed for a plan by default: 50 calls of ListObjectsV2, which cost about $0.00025."""


class SettingsError(ValueError):
    """The settings cannot be used; the text lists every problem, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        listed = "".join(f"\n- {problem}" for problem in self.problems)
        super().__init__(f"the function's settings cannot be used:{listed}")


class Target(NamedTuple):
    """The distribution whose cache is invalidated, or a tenant of a multi-tenant distribution."""

    id: str
    kind: Literal["distribution", "tenant"] = "distribution"
    role_arn: str = ""
    """The role to assume where the distribution belongs to another account; else empty."""
    external_id: str = ""
    """The external id that the role's trust policy requires; empty: none."""


class Route(NamedTuple):
    """Which objects a distribution serves, and under which viewer paths."""

    name: str
    target: Target
    bucket: str = ""
    """Empty: the route serves only direct requests."""
    prefix: str = ""
    suffix: str = ""
    origin_path: str = ""
    """What CloudFront puts before the viewer path; written as in the key, not percent-encoded."""
    index_documents: tuple[str, ...] = ("index.html",)
    strip_extensions: tuple[str, ...] = ()
    query_strings: bool = False
    ignore: tuple[str, ...] = ()
    """Shell patterns of whole keys; a `*` crosses slashes."""


class Budget(NamedTuple):
    """The items that a plan for one distribution may have before paths are merged into wildcards."""

    max_paths: int = 100
    max_wildcards: int = 30
    min_wildcard_depth: int = 0
    """How many complete directories a wildcard made by merging has before its `*`, at least.

    `/*` and `/im*` have 0, `/img/*` has 1.
    """


class Settings(NamedTuple):
    """The inputs of the module that the function needs."""

    routes: tuple[Route, ...]
    default_target: Target | None
    default_paths: tuple[str, ...] = ("/*",)
    budget: Budget = Budget()
    max_paths_per_hour: int | None = None
    """The most paths of all plans for one distribution in an hour; None: no limit."""
    inventory: bool = False
    max_inventory_pages: int = INVENTORY_PAGES
    tilde: Literal["wildcard", "encoded"] = "wildcard"
    codepipeline: bool = False
    """Whether the function is an action of a pipeline, and may read and answer its jobs."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Settings of a function whose environment Terraform wrote.

        Raises `SettingsError`, with every problem in its text.
        """
        if "SETTINGS" not in environ:
            raise SettingsError(["SETTINGS is not in the environment: deploy the function with the module"])
        try:
            document = json.loads(environ["SETTINGS"])
        except (ValueError, RecursionError) as error:
            raise SettingsError([f"SETTINGS is not a JSON document: {error}"]) from error
        return cls.from_document(document, environ.get("DISTRIBUTION_ID"))

    @classmethod
    def from_document(cls, document: object, distribution_id: str | None = None) -> Settings:
        """Settings of a parsed SETTINGS document.

        `distribution_id` is the target of a direct request that names none; without it, that is the
        only target of the routes, if there is only one. Raises `SettingsError`, with every problem
        in its text.
        """
        if not isinstance(document, dict):
            raise SettingsError(["SETTINGS must be a JSON object"])
        # The keys of another version may have another meaning: they are not checked.
        if not _IS_VERSION.holds(document.get("version")):
            raise SettingsError([f"version must be {_IS_VERSION.words}"])
        values, problems = _checked(document, _DOCUMENT)
        if "routes" not in document:
            problems.append(f"routes is missing; it must be {_DOCUMENT['routes'].words}")
        routes: list[Route] = []
        for name, fields in values.get("routes", {}).items():
            route, route_problems = _route(name, fields)
            routes += route
            problems += route_problems
        problems += _ambiguities(routes)
        targets = {route.target.id: route.target for route in routes}
        if distribution_id and not problems and distribution_id not in targets:
            problems.append(f"DISTRIBUTION_ID is {distribution_id!r}, which no route names")
        if problems:
            raise SettingsError(problems)
        default_id = distribution_id or (next(iter(targets)) if len(targets) == 1 else None)
        return cls(
            routes=tuple(routes),
            default_target=targets[default_id] if default_id else None,
            budget=Budget(**_only(values, _BUDGET)),
            **_only(values, _FREE),
        )

    def target(self, target_id: str) -> Target | None:
        """The configured distribution or tenant of that id; None where no route names it."""
        return next((route.target for route in self.routes if route.target.id == target_id), None)


class _Rule(NamedTuple):
    """What a value must be, in words and as a check."""

    words: str
    holds: Callable[[Any], bool]


def _matching(words: str, pattern: str) -> _Rule:
    matches = re.compile(pattern, re.DOTALL).fullmatch
    return _Rule(words, lambda value: isinstance(value, str) and matches(value) is not None)


def _list_of(each: _Rule) -> _Rule:
    return _Rule(
        f"a list, with each element {each.words}",
        lambda value: isinstance(value, list) and all(map(each.holds, value)),
    )


def _not_empty(some: _Rule) -> _Rule:
    return _Rule(f"{some.words}, and not empty", lambda value: some.holds(value) and len(value) > 0)


def _whole_number(least: int) -> _Rule:
    # To Python, JSON's true and false are integers too.
    return _Rule(f"a whole number, {least} or more", lambda value: type(value) is int and value >= least)


_IS_VERSION = _Rule(
    f"{VERSION}: deploy the function's package and its settings from one release",
    lambda value: type(value) is int and value == VERSION,
)
_FLAG = _Rule("true or false", lambda value: isinstance(value, bool))
_STRING = _matching("a string", r".*")
_NON_EMPTY_STRING = _matching("a non-empty string", r".+")
_OBJECTS = _Rule(
    "an object that holds an object under each name",
    lambda value: isinstance(value, dict) and all(isinstance(fields, dict) for fields in value.values()),
)

_BUDGET = {
    "max_paths": _whole_number(1),
    "max_wildcards": _whole_number(1),
    "min_wildcard_depth": _whole_number(0),
}
_FREE = {
    "codepipeline": _FLAG,
    "default_paths": _not_empty(_list_of(_matching("a string that starts with a slash", r"/.*"))),
    "inventory": _FLAG,
    "max_inventory_pages": _whole_number(1),
    "max_paths_per_hour": _whole_number(1),
    "tilde": _matching('"wildcard" or "encoded"', r"wildcard|encoded"),
}
_DOCUMENT = {"version": _IS_VERSION, "routes": _not_empty(_OBJECTS), **_BUDGET, **_FREE}

_TARGET = {
    "distribution_id": _NON_EMPTY_STRING,
    "distribution_tenant_id": _NON_EMPTY_STRING,
    "role_arn": _matching(
        'the ARN of a role, as "arn:aws:iam::111122223333:role/invalidate"',
        r"arn:[a-z-]+:iam::\d{12}:role/.+",
    ),
    "external_id": _NON_EMPTY_STRING,
}
_ROUTE = {
    **_TARGET,
    "bucket": _NON_EMPTY_STRING,
    "prefix": _STRING,
    "suffix": _STRING,
    # CloudFront's rule for OriginPath: a slash at the start, none at the end.
    "origin_path": _matching('empty, or as "/docs": a slash before and none behind', r"(/.*[^/])?"),
    "index_documents": _list_of(_matching('a file name as "index.html", without a slash', r"[^/]+")),
    "strip_extensions": _list_of(_matching('an extension as ".html", with its dot', r"\.[^/]+")),
    "query_strings": _FLAG,
    "ignore": _list_of(_NON_EMPTY_STRING),
}


def _checked(
    document: Mapping[str, Any], rules: Mapping[str, _Rule], where: str = ""
) -> tuple[dict[str, Any], list[str]]:
    """The valid values, lists as tuples, and a problem for each invalid one."""
    known = ", ".join(rules)
    problems = [f"{where}{key} is not a setting; there are {known}" for key in document if key not in rules]
    values = {}
    for key in (key for key in rules if key in document):
        value = document[key]
        if rules[key].holds(value):
            values[key] = tuple(value) if isinstance(value, list) else value
        else:
            problems.append(f"{where}{key} must be {rules[key].words}")
    return values, problems


def _only(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}


def _route(name: str, fields: Mapping[str, Any]) -> tuple[list[Route], list[str]]:
    """The route that the fields describe, or none and the problems."""
    values, problems = _checked(fields, _ROUTE, where=f"routes.{name}.")
    if ("distribution_id" in fields) == ("distribution_tenant_id" in fields):
        problems.append(f"routes.{name} must name either a distribution_id or a distribution_tenant_id")
    if problems:
        return [], problems
    target = Target(
        id=values.get("distribution_id") or values["distribution_tenant_id"],
        kind="distribution" if "distribution_id" in values else "tenant",
        role_arn=values.get("role_arn", ""),
        external_id=values.get("external_id", ""),
    )
    return [Route(name=name, target=target, **_only(values, _ROUTE.keys() - _TARGET.keys()))], []


def _ambiguities(routes: Iterable[Route]) -> list[str]:
    """A problem for each route that describes its target differently than an earlier route."""
    first: dict[str, Route] = {}
    problems = []
    for route in routes:
        known = first.setdefault(route.target.id, route)
        if known.target != route.target:
            problems.append(
                f"routes.{known.name} and routes.{route.name} must reach {route.target.id} in the same way: "
                "as a distribution or as a tenant, with one role_arn and one external_id"
            )
    return problems
