"""The contract with Terraform, from the side of the function; tests/module holds the other to these files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from invalidator.settings import Budget, Route, Settings, SettingsError, Target

DOCUMENTS = Path(__file__).parents[1] / "fixtures" / "settings"

DISTRIBUTION = Target("E2QWRUHEXAMPLE")
TENANT = Target("dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB", "tenant")
DOCS = Target("E1DOCSEXAMPLE")
SHOP = Target("E1SHOPEXAMPLE")

BOOKS = Target("dt_3aBcDeFgHiJkLmNoPqRsTuVwXyZ", "tenant")
ELSEWHERE = Target(
    "E2QWRUHEXAMPLE",
    role_arn="arn:aws:iam::111122223333:role/invalidate-E2QWRUHEXAMPLE",
    external_id="invalidate-E2QWRUHEXAMPLE",
)


def rendered(**fields: Any) -> Settings:
    """Settings as Terraform renders them where the caller leaves out what is optional."""
    return Settings(**{"inventory": True, "max_paths_per_hour": 4000, **fields})


EXPECTED = {
    "cross-account": rendered(
        routes=(Route("site", ELSEWHERE, "www.example.com"),), default_target=ELSEWHERE
    ),
    "everything": rendered(
        routes=(
            Route(
                "site",
                DISTRIBUTION,
                "www.example.com",
                index_documents=("index.html", "index.htm"),
                strip_extensions=(".html",),
                query_strings=True,
                ignore=("assets/*.????????.js",),
            ),
            Route(
                "docs",
                DISTRIBUTION,
                "assets.example.com",
                prefix="docs/",
                suffix=".html",
                origin_path="/docs",
            ),
            Route("shop", TENANT, "assets.example.com", prefix="shop/"),
        ),
        default_target=None,
        default_paths=("/index.html", "/news/*"),
        budget=Budget(max_paths=50, max_wildcards=15, min_wildcard_depth=1),
        max_paths_per_hour=500,
        max_inventory_pages=100,
        codepipeline=True,
    ),
    "tenants": rendered(
        routes=(
            Route("books", BOOKS, "shops", prefix="books/", origin_path="/books"),
            Route("toys", TENANT, "shops", prefix="toys/", origin_path="/toys"),
        ),
        default_target=None,
    ),
    "distribution-alone": rendered(
        routes=(Route("default", DISTRIBUTION),), default_target=DISTRIBUTION, inventory=False
    ),
    "pipeline": rendered(
        routes=(Route("default", DISTRIBUTION),),
        default_target=DISTRIBUTION,
        inventory=False,
        codepipeline=True,
    ),
    "short-form": rendered(
        routes=(Route("default", DISTRIBUTION, "www.example.com"),), default_target=DISTRIBUTION
    ),
    "tenant": rendered(routes=(Route("shop", TENANT, "shop"),), default_target=TENANT),
    "two-sites": rendered(
        routes=(
            Route("docs", DOCS, "assets", prefix="docs/", origin_path="/docs"),
            Route("shop", SHOP, "assets", prefix="shop/", origin_path="/shop"),
        ),
        default_target=None,
    ),
    "whole-house": rendered(
        routes=(
            Route(
                "docs",
                Target(
                    "E1DOCSEXAMPLE",
                    role_arn="arn:aws:iam::111122223333:role/invalidate",
                    external_id="invalidation",
                ),
                "assets",
                prefix="docs/",
                suffix=".html",
                origin_path="/docs",
                index_documents=("index.html", "index.htm"),
                strip_extensions=(".html",),
                query_strings=True,
                ignore=("docs/assets/*.????????.js",),
            ),
            Route("everything", Target("E2EVERYEXAMPLE"), "assets", index_documents=()),
            Route("shop", TENANT, "shop"),
            Route("by-hand", Target("E3HANDEXAMPLE")),
        ),
        default_target=None,
        default_paths=("/", "/index.html"),
        budget=Budget(max_paths=50, max_wildcards=10, min_wildcard_depth=1),
        max_paths_per_hour=500,
        max_inventory_pages=200,
        tilde="encoded",
    ),
}


def document(name: str) -> Any:
    return json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))


def problems(settings: object, distribution_id: str | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        Settings.from_document(settings, distribution_id)
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


def with_route(**fields: object) -> dict[str, Any]:
    return {"version": 1, "routes": {"site": {"distribution_id": "E2QWRUHEXAMPLE", **fields}}}


def test_every_document_that_terraform_renders_is_read_as_meant() -> None:
    assert {file.stem for file in DOCUMENTS.glob("*.json")} == set(EXPECTED)
    assert {name: Settings.from_document(document(name)) for name in EXPECTED} == EXPECTED


def test_what_is_left_out_has_its_default() -> None:
    settings = Settings.from_document(with_route())
    assert settings.default_paths == ("/*",)
    assert settings.budget == Budget(max_paths=100, max_wildcards=30, min_wildcard_depth=0)
    assert (settings.inventory, settings.tilde, settings.codepipeline) == (False, "wildcard", False)
    assert settings.routes[0].index_documents == ("index.html",)


def test_the_environment_holds_the_document_and_the_default_target() -> None:
    text = (DOCUMENTS / "short-form.json").read_text(encoding="utf-8")
    environ = {"SETTINGS": text, "DISTRIBUTION_ID": "E2QWRUHEXAMPLE", "AWS_REGION": "eu-central-1"}
    assert Settings.from_environment(environ) == EXPECTED["short-form"]


def test_routes_to_several_distributions_leave_no_default_target_unless_one_is_named() -> None:
    two_sites = document("two-sites")
    assert Settings.from_environment({"SETTINGS": json.dumps(two_sites)}).default_target is None
    named = {"SETTINGS": json.dumps(two_sites), "DISTRIBUTION_ID": "E1SHOPEXAMPLE"}
    assert Settings.from_environment(named).default_target == SHOP


def test_routes_to_one_distribution_make_it_the_default_target() -> None:
    one = {"version": 1, "routes": {name: {"distribution_id": "E1", "bucket": name} for name in ("a", "b")}}
    assert Settings.from_document(one).default_target == Target("E1")


def test_a_target_is_found_by_its_id_and_no_other_is() -> None:
    settings = Settings.from_document(document("whole-house"))
    assert settings.target("dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB") == TENANT
    assert settings.target("E3HANDEXAMPLE") == Target("E3HANDEXAMPLE")
    assert settings.target("e3handexample") is None
    assert settings.target("") is None


NO_JSON = "Expecting value: line 1 column 1 (char 0)"
NAMES = 'a list, with each element a file name as "index.html", without a slash'
EXTENSIONS = 'a list, with each element an extension as ".html", with its dot'
PATHS = "a list, with each element a string that starts with a slash, and not empty"
ROUTES = "an object that holds an object under each name, and not empty"
SETTINGS = (
    "version, routes, max_paths, max_wildcards, min_wildcard_depth, codepipeline, default_paths, inventory, "
    "max_inventory_pages, max_paths_per_hour, tilde"
)
FIELDS = (
    "distribution_id, distribution_tenant_id, role_arn, external_id, bucket, prefix, suffix, origin_path, "
    "index_documents, strip_extensions, query_strings, ignore"
)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "SETTINGS is not in the environment: deploy the function with the module"),
        ({"SETTINGS": ""}, f"SETTINGS is not a JSON document: {NO_JSON}"),
        ({"SETTINGS": "{"}, "SETTINGS is not a JSON document: Expecting property name"),
        ({"SETTINGS": "[" * 100_000}, "SETTINGS is not a JSON document: maximum recursion depth exceeded"),
        ({"SETTINGS": "[]"}, "SETTINGS must be a JSON object"),
    ],
    ids=["absent", "empty", "cut off", "nested too deep", "a list"],
)
def test_an_environment_without_a_document_is_refused(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environ)
    assert str(refused.value).startswith(f"the function's settings cannot be used:\n- {problem}")


@pytest.mark.parametrize("version", [None, 0, 2, "1", 1.0, True])
def test_a_document_of_another_version_is_judged_by_that_alone(version: object) -> None:
    assert problems({"version": version, "roots": 3}) == (
        "version must be 1: deploy the function's package and its settings from one release",
    )


@pytest.mark.parametrize("name", ["routes", "default_paths"])
def test_settings_that_may_not_be_empty_are_refused_where_they_are(name: str) -> None:
    wanted = {"routes": ROUTES, "default_paths": PATHS}[name]
    assert problems(with_route() | {name: {} if name == "routes" else []}) == (f"{name} must be {wanted}",)


def test_a_default_target_that_no_route_names_is_refused() -> None:
    assert problems(with_route(), "E9") == ("DISTRIBUTION_ID is 'E9', which no route names",)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"max_paths": 0}, "max_paths must be a whole number, 1 or more"),
        ({"max_paths": True}, "max_paths must be a whole number, 1 or more"),
        ({"max_paths": 1.5}, "max_paths must be a whole number, 1 or more"),
        ({"max_paths": "100"}, "max_paths must be a whole number, 1 or more"),
        ({"max_wildcards": 0}, "max_wildcards must be a whole number, 1 or more"),
        ({"min_wildcard_depth": -1}, "min_wildcard_depth must be a whole number, 0 or more"),
        (
            {"default_paths": []},
            f"default_paths must be {PATHS}",
        ),
        (
            {"default_paths": "/*"},
            f"default_paths must be {PATHS}",
        ),
        (
            {"default_paths": ["*"]},
            f"default_paths must be {PATHS}",
        ),
        (
            {"default_paths": ["/*", None]},
            f"default_paths must be {PATHS}",
        ),
        ({"codepipeline": "true"}, "codepipeline must be true or false"),
        ({"max_inventory_pages": 0}, "max_inventory_pages must be a whole number, 1 or more"),
        ({"inventory": "false"}, "inventory must be true or false"),
        ({"tilde": "raw"}, 'tilde must be "wildcard" or "encoded"'),
        ({"tilde": None}, 'tilde must be "wildcard" or "encoded"'),
        ({"max_path": 3}, f"max_path is not a setting; there are {SETTINGS}"),
        ({"routes": {}}, f"routes must be {ROUTES}"),
        ({"routes": []}, f"routes must be {ROUTES}"),
        (
            {"routes": {"site": None}},
            f"routes must be {ROUTES}",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_a_right_one(settings: dict[str, Any], problem: str) -> None:
    (found,) = problems({**with_route(), **settings})
    assert found == problem


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"bucket": ""}, "routes.site.bucket must be a non-empty string"),
        ({"bucket": None}, "routes.site.bucket must be a non-empty string"),
        ({"prefix": 1}, "routes.site.prefix must be a string"),
        ({"suffix": None}, "routes.site.suffix must be a string"),
        (
            {"origin_path": "docs"},
            'routes.site.origin_path must be empty, or as "/docs": a slash before and none behind',
        ),
        (
            {"origin_path": "/docs/"},
            'routes.site.origin_path must be empty, or as "/docs": a slash before and none behind',
        ),
        (
            {"origin_path": "/"},
            'routes.site.origin_path must be empty, or as "/docs": a slash before and none behind',
        ),
        (
            {"index_documents": "index.html"},
            f"routes.site.index_documents must be {NAMES}",
        ),
        (
            {"index_documents": ["a/index.html"]},
            f"routes.site.index_documents must be {NAMES}",
        ),
        (
            {"strip_extensions": ["html"]},
            f"routes.site.strip_extensions must be {EXTENSIONS}",
        ),
        (
            {"strip_extensions": [""]},
            f"routes.site.strip_extensions must be {EXTENSIONS}",
        ),
        ({"query_strings": 1}, "routes.site.query_strings must be true or false"),
        ({"ignore": ["*.js", ""]}, "routes.site.ignore must be a list, with each element a non-empty string"),
        (
            {"role_arn": "invalidate"},
            'routes.site.role_arn must be the ARN of a role, as "arn:aws:iam::111122223333:role/invalidate"',
        ),
        (
            {"role_arn": "arn:aws:iam::111122223333:user/a"},
            'routes.site.role_arn must be the ARN of a role, as "arn:aws:iam::111122223333:role/invalidate"',
        ),
        ({"distribution_id": ""}, "routes.site.distribution_id must be a non-empty string"),
        (
            {"distribution_tenant_id": "dt_1"},
            "routes.site must name either a distribution_id or a distribution_tenant_id",
        ),
        ({"origin_paths": "/docs"}, f"routes.site.origin_paths is not a setting; there are {FIELDS}"),
    ],
)
def test_a_wrong_field_of_a_route_is_refused_with_a_right_one(fields: dict[str, Any], problem: str) -> None:
    (found,) = problems(with_route(**fields))
    assert found == problem


@pytest.mark.parametrize(
    "fields",
    [
        {"origin_path": ""},
        {"origin_path": "/a/b"},
        {"index_documents": []},
        {"role_arn": "arn:aws-cn:iam::111122223333:role/path/invalidate"},
        {"ignore": ["*\n*"]},
    ],
)
def test_a_right_field_of_a_route_is_taken(fields: dict[str, Any]) -> None:
    route = Settings.from_document(with_route(**fields)).routes[0]
    for name, value in fields.items():
        taken = route.target.role_arn if name == "role_arn" else getattr(route, name)
        assert taken == (tuple(value) if isinstance(value, list) else value)


def test_a_route_without_a_target_is_refused() -> None:
    assert problems({"version": 1, "routes": {"site": {"bucket": "assets"}}}) == (
        "routes.site must name either a distribution_id or a distribution_tenant_id",
    )


def test_a_document_without_routes_is_refused() -> None:
    assert problems({"version": 1}) == (f"routes is missing; it must be {ROUTES}",)


@pytest.mark.parametrize(
    "other",
    [{"role_arn": "arn:aws:iam::111122223333:role/invalidate"}, {"distribution_tenant_id": "E2QWRUHEXAMPLE"}],
    ids=["another role", "another kind"],
)
def test_a_distribution_is_reached_in_one_way_only(other: dict[str, str]) -> None:
    settings = with_route()
    target = {"distribution_id": "E2QWRUHEXAMPLE"} if "role_arn" in other else {}
    settings["routes"]["other"] = {**target, **other}
    assert problems(settings) == (
        "routes.site and routes.other must reach E2QWRUHEXAMPLE in the same way: "
        "as a distribution or as a tenant, with one role_arn and one external_id",
    )


def test_all_problems_are_reported_at_once() -> None:
    found = problems(
        {
            "version": 1,
            "max_paths": 0,
            "tilde": "~",
            "typo": 1,
            "routes": {"a": {"bucket": 3, "typo": 1}, "b": {"distribution_id": 1}},
        }
    )
    assert [problem.split(" ")[0] for problem in found] == [
        "typo",
        "max_paths",
        "tilde",
        "routes.a.typo",
        "routes.a.bucket",
        "routes.a",
        "routes.b.distribution_id",
    ]
