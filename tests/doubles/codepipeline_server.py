"""The CodePipeline that MiniStack lacks: the two calls by which an action says how it ended, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.doubles.serving import served


@dataclass
class CodePipeline:
    """Keeps the answers that it receives."""

    results: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """(operation, its parameters), as they came."""


class _Handler(BaseHTTPRequestHandler):
    codepipeline: CodePipeline

    def do_POST(self) -> None:
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.codepipeline.results.append((operation, json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The access log is not needed."""


@contextmanager
def serve_codepipeline(codepipeline: CodePipeline) -> Iterator[str]:
    """Serve until the block ends; yields the endpoint's URL."""
    handler = type("Handler", (_Handler,), {"codepipeline": codepipeline})
    with served(handler) as url:
        yield url
