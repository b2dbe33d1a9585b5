"""The demonstration: from an upload to the edge on a local AWS, and nothing left behind.

Applies examples/site on MiniStack with IAM enforced, uploads a site, and shows which invalidations follow.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.json import JSON
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from scripts import terraform
from scripts.local_aws import FunctionError, LocalAws, LocalAwsError, local_aws
from scripts.progress import step
from scripts.stack import Stack, TerraformError, copy_of

sys.path.insert(0, str(terraform.ROOT / "lambda"))

from invalidator.paths import viewer_paths
from invalidator.plan import covers
from invalidator.settings import Route, Target

EXAMPLE = terraform.ROOT / "examples" / "site"
WORK = terraform.ROOT / ".cache"
PATIENCE_SECONDS = 60

SITE = (
    "index.html",
    "404.html",
    "about/index.html",
    "about/team/index.html",
    "blog/index.html",
    "blog/2026/index.html",
    "blog/2026/hello world.html",
    "blog/2026/1+1=2.html",
    "blog/2026/50% off.html",
    "blog/2026/black&white.html",
    "blog/2026/#1.html",
    "blog/2026/why?.html",
    "downloads/REPORT~1.pdf",
    "blog/2026/[solved].html",
    "blog/2026/{template}.html",
    "blog/2026/crème brûlée.html",
    "blog/2026/日本語.html",
    "blog/2026/🚀 launch.html",
    'blog/2026/"quoted".html',
    "blog/2026/a|b.html",
    "blog/2026/c^2.html",
    "blog/2026/`code`.html",
    "blog/2026/<tag>.html",
    "blog/2026/star*.html",
    "blog/2026/all*",
    "blog/2026/semi;colon,comma.html",
    "blog/2026/it's (really) good!.html",
    "blog/2026/user@example.com.html",
    "blog/2026/$100.html",
    "blog/2026/already%20encoded.html",
    "blog/2026/back\\slash.html",
    "css/site.css",
    "js/app.3f9a1c2b.js",
    "img/logo.svg",
    "img/photo 1 (large).jpg",
    "downloads/manual v2.pdf",
)
REPLACED = ("index.html", "blog/2026/hello world.html", "css/site.css")
DELETED = "blog/2026/50% off.html"

AFTERWARDS = "The local AWS is gone with all that was made in it. `make demo` starts anew."

Invalidations = Mapping[str, Sequence[str]]
"""Id → items."""


class DemoError(Exception):
    """The demonstration ran, and showed something else than it promises."""


@dataclass(frozen=True)
class Site:
    """The site on the local AWS: its bucket, its distribution, its function."""

    aws: LocalAws
    bucket: str
    distribution_id: str
    function_name: str

    def upload(self, keys: Sequence[str]) -> None:
        for key in keys:
            body = f"{key}, written {time.time()}".encode()
            self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.aws.client("s3").delete_object(Bucket=self.bucket, Key=key)

    def paths(self, key: str) -> tuple[str, ...]:
        """The viewer paths under which an edge may have cached the object."""
        route = Route("default", Target(self.distribution_id), self.bucket)
        return viewer_paths(key, route, tilde="wildcard", min_wildcard_depth=0)

    def invalidations(self, *, since: Invalidations) -> Invalidations:
        every = self.aws.invalidations(self.distribution_id)
        return {id_: items for id_, items in every.items() if id_ not in since}

    def await_coverage(self, keys: Sequence[str], *, since: Invalidations) -> Invalidations:
        """The invalidations that came after `since`, once they cover all paths of these objects."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            new = self.invalidations(since=since)
            missing = [path for key in keys for path in self.paths(key) if not covering_items_of(path, new)]
            if not missing:
                return new
            if time.monotonic() > deadline:
                raise DemoError(f"Not invalidated in {PATIENCE_SECONDS} s: {', '.join(missing)}")
            time.sleep(0.5)


def covering_items_of(path: str, invalidations: Invalidations) -> list[str]:
    """The ids of the invalidations with an item that covers the path."""
    return [id_ for id_, items in invalidations.items() if any(covers(item, path) for item in items)]


def table(site: Site, keys: Sequence[str], invalidations: Invalidations) -> Table:
    """Object → viewer paths → the invalidation that purges each."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    drawn.add_column("object", overflow="fold")
    drawn.add_column("viewer paths", overflow="fold", style="cyan")
    drawn.add_column("invalidation", no_wrap=True, style="dim")
    for key in keys:
        first, *others = site.paths(key)
        drawn.add_row(escape(key), escape(first), covering_items_of(first, invalidations)[0])
        for path in others:
            drawn.add_row("", escape(path), covering_items_of(path, invalidations)[0])
    return drawn


def paths_in(invalidations: Invalidations) -> int:
    return sum(map(len, invalidations.values()))


def demonstrate(console: Console, directory: Path) -> None:
    """Run it all, and say at the end what it came to. Raises DemoError."""
    began = time.monotonic()
    with ExitStack() as running:
        with step(console, "Terraform and its provider"):
            terraform.environment()
        with step(console, "A local AWS that enforces IAM") as say:
            aws = running.enter_context(local_aws(directory / "aws"))
            say(aws.endpoint)
        stack = Stack(copy_of(EXAMPLE, directory / "site"), aws.environment, {"bucket": "demonstration"})
        held_before = aws.holdings()
        with step(console, "terraform init"):
            stack.init()
        with step(console, "terraform apply") as say:
            stack.apply(watch=counting(say, "created", "Creation complete"))
        site = Site(aws, *(stack.outputs()[name] for name in ("bucket", "distribution_id", "function_name")))
        calls = show_the_site(console, site)
        with step(console, "A second plan") as say:
            if planned := stack.changes():
                raise DemoError(f"It would change {planned}")
            say("empty: what runs is what the configuration says")
        with step(console, "terraform destroy") as say:
            site.delete(SITE)
            stack.destroy(watch=counting(say, "destroyed", "Destruction complete"))
            if left := aws.holdings() - held_before:
                raise DemoError(f"It left {', '.join(sorted(left))}")
    console.print()
    console.print(
        f"[bold green]Done[/] in {time.monotonic() - began:.0f} s: {len(SITE)} uploads, {len(REPLACED)} "
        f"replacements, 1 deletion and 1 request → {len(calls)} invalidations of {paths_in(calls)} paths; "
        "none missed, nothing left behind."
    )


def show_the_site(console: Console, site: Site) -> Invalidations:
    """Upload, replace, delete, ask, and show what followed. Returns every invalidation that it came to."""
    with step(console, f"{len(SITE)} objects uploaded and their viewer paths invalidated") as say:
        site.upload(SITE)
        first = site.await_coverage(SITE, since={})
        say(f"{len(first)} invalidations, {paths_in(first)} paths")
    console.print(Padding(table(site, SITE, first), (1, 2), expand=False))

    changed = (*REPLACED, DELETED)
    with step(console, f"{len(REPLACED)} objects replaced, 1 deleted") as say:
        site.upload(REPLACED)
        site.delete([DELETED])
        second = site.await_coverage(changed, since=first)
        say(f"{len(second)} invalidations, {paths_in(second)} paths")
    console.print(Padding(table(site, changed, second), (1, 2), expand=False))

    request = {"paths": ["/blog/*"]}
    with step(console, f"The function invoked with {json.dumps(request)}"):
        answer = site.aws.invoke(site.function_name, request)
    console.print(Padding(JSON.from_data(answer), (1, 2), expand=False))
    return site.invalidations(since={})


def counting(say: Callable[[str], None], word: str, sign: str) -> Callable[[str], None]:
    """Counts the lines of Terraform's output that hold the sign."""
    count = 0

    def watch(line: str) -> None:
        nonlocal count
        if sign in line:
            count += 1
            say(f"{count} resources {word}")

    return watch


FAILURES = (DemoError, FunctionError, LocalAwsError, TerraformError, terraform.MissingError)


def main() -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    # A polite end, so that the cleaning up takes place.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console.print("[bold]From an upload to the edge.[/] All of it on this machine: no account, no cost.\n")
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=WORK) as directory:
        try:
            demonstrate(console, Path(directory))
        except KeyboardInterrupt:
            console.print(f"\n[yellow]Interrupted.[/] {AFTERWARDS}")
            return 130
        except FAILURES as error:
            log = keep_log(Path(directory))
            console.print(f"\n[red]Failed.[/] {escape(str(error))}\n{AFTERWARDS}{log}")
            return 1
    return 0


def keep_log(directory: Path) -> str:
    """Where the log of the local AWS can be read after the demonstration has cleaned up."""
    log = directory / "aws" / "ministack.log"
    if not log.is_file():
        return ""
    return f" What the local AWS said is in {shutil.copy(log, WORK / 'demo-failed.log')}."


if __name__ == "__main__":
    sys.exit(main())
