"""The rules by which other tools turn changed paths into invalidation paths, one path an object.

Written anew from what each tool documents or does; order among equals follows the sorted input. Each
takes the changed paths and returns what it would send. None of them knows what did not change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

Rule = Callable[[Sequence[str]], set[str]]


def one_path_per_object(paths: Sequence[str]) -> set[str]:
    """The classic recipe for an S3 trigger."""
    return set(paths)


def everything(paths: Sequence[str]) -> set[str]:
    """`/*`, as most deploy scripts send it."""
    return {"/*"} if paths else set()


def directory_over_ten(paths: Sequence[str]) -> set[str]:
    """thu-san/terraform-aws-static-site: over ten changes right in a directory make it a wildcard."""
    changes = Counter(map(_directory, paths))
    return {_directory(path) + "/*" if changes[_directory(path)] > 10 else path for path in paths}


def deepest_shared_directory(paths: Sequence[str], limit: int = 5) -> set[str]:
    """vladcosorg/action-s3-cloudfront-smart-deploy, "balanced": the deepest first, until five are left.

    Among directories of one depth, the one that appears last in the list comes first, as in the original.
    """
    members: dict[str, dict[str, int]] = defaultdict(dict)
    for position, path in enumerate(paths):
        for ancestor in _ancestors(path):
            members[ancestor][path] = position
    items, position = set(paths), len(paths)
    for depth in range(max(map(_depth, members), default=0), -1, -1):
        level = [directory for directory in members if _depth(directory) == depth]
        for directory in sorted(level, key=lambda directory: -min(members[directory].values())):
            if len(items) <= limit:
                return items
            merged = set(members[directory])
            if len(merged) < 2 and depth > 0:
                continue
            position += 1
            items = items - merged | {directory + "/*"}
            for ancestor in _ancestors(directory + "/*"):
                for path in merged:
                    members[ancestor].pop(path, None)
                members[ancestor][directory + "/*"] = position
    return items


def grandparents(paths: Sequence[str], limit: int = 8) -> set[str]:
    """bep/s3deploy: the deepest paths become a wildcard at their grandparent, until eight are left."""
    items = set(paths)
    if len(items) <= limit:
        return items
    for level in range(max(path.count("/") for path in items), 0, -1):
        items = {_grandparent(item) + "/*" if item.count("/") > level else item for item in items}
        if len(items) <= limit:
            return {"/*"} if "/*" in items else items
    return {"/*"}


def three_files_or_ten_siblings(paths: Sequence[str], stop_level: int = 1) -> set[str]:
    """63Klabs/atlantis-starter-03-serverless-cloudfront-cache-invalidation, whose default spares the root.

    An index or default file, or more than three files of a directory, make it a wildcard; more than ten
    sibling wildcards make their parent one, over and over; what a wildcard covers is dropped.
    """
    changes = Counter(map(_directory, paths))
    wildcards = {
        directory
        for path in paths
        for directory in [_directory(path)]
        if _depth(directory) >= stop_level
        and (changes[directory] > 3 or path.rsplit("/", 1)[1].startswith(("index.", "default.")))
    }
    while True:
        siblings = Counter(_directory(directory) for directory in wildcards if directory)
        parents = {
            parent for parent, number in siblings.items() if number > 10 and _depth(parent) >= stop_level
        }
        wildcards = {
            directory for directory in wildcards | parents if not parents & set(_ancestors(directory))
        }
        if parents <= wildcards and not any(parents & set(_ancestors(directory)) for directory in wildcards):
            break
    outermost = {directory for directory in wildcards if not wildcards & set(_ancestors(directory))}
    exact = {path for path in paths if not outermost & set(_ancestors(path))}
    return exact | {directory + "/*" for directory in outermost}


RULES: dict[str, Rule] = {
    "one path per object": one_path_per_object,
    "everything": everything,
    "directory with over ten changes": directory_over_ten,
    "deepest shared directory, five left": deepest_shared_directory,
    "grandparents, eight left": grandparents,
    "three files or ten siblings": three_files_or_ten_siblings,
}


def _directory(path: str) -> str:
    """Without the slash at its end; the root is empty."""
    return path.rsplit("/", 1)[0]


def _ancestors(path: str) -> list[str]:
    """Every directory that holds the path, the root first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _depth(directory: str) -> int:
    return directory.count("/")


def _grandparent(path: str) -> str:
    """The directory above the path's own; its own where that is at the root already."""
    directory = _directory(path)
    return _directory(directory) or directory
