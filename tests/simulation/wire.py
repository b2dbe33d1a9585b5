"""HTTP in memory: what botocore sends is written out, handled and parsed as HTTP/1.1, without a socket.

A storm makes a hundred thousand calls, and sockets would be most of their cost. The handlers are those that
the doubles serve over TCP.
"""

from __future__ import annotations

import http.client
import io
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from urllib3.response import HTTPResponse

Handler = type[BaseHTTPRequestHandler]


class _ResetError(Exception):
    """The handler closed the connection instead of answering."""


class _Connection:
    """Stands for the socket of a handler, which uses it only to reset the connection."""

    def setsockopt(self, *_: object) -> None:
        raise _ResetError


def in_memory(handler: Handler) -> Handler:
    """The handler with its files in memory: `request` holds the bytes that the client sent."""

    def setup(self: Any) -> None:
        self.connection, self.rfile, self.wfile = _Connection(), self.request, io.BytesIO()

    def finish(self: Any) -> None:
        self.server.write(self.wfile.getvalue())

    return type("InMemory", (handler,), {"setup": setup, "finish": finish})


def exchange(handler: Handler, request: Any) -> AWSResponse:
    """Botocore's answer to its prepared request. Raises ConnectionClosedError for a reset."""
    url = urlsplit(request.url)
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    head = [
        f"{request.method} {url.path}{'?' if url.query else ''}{url.query} HTTP/1.1",
        f"Host: {url.netloc}",
    ]
    for name, value in request.headers.items():
        head.append(f"{name}: {value.decode() if isinstance(value, bytes) else value}")
    if "Content-Length" not in request.headers:
        head.append(f"Content-Length: {len(content)}")
    sent = io.BytesIO("\r\n".join([*head, "", ""]).encode() + content)
    received = io.BytesIO()
    try:
        handler(sent, ("127.0.0.1", 0), received)  # type: ignore[arg-type]
    except _ResetError as error:
        raise ConnectionClosedError(endpoint_url=request.url) from error
    answer = http.client.HTTPResponse(_Received(received.getvalue()), method=request.method)  # type: ignore[arg-type]
    answer.begin()
    raw = HTTPResponse(
        body=io.BytesIO(answer.read()),
        headers=dict(answer.getheaders()),
        status=answer.status,
        preload_content=False,
    )
    found = AWSResponse(request.url, raw.status, raw.headers, raw)  # type: ignore[arg-type]
    found.content  # noqa: B018 - read at once, as botocore does
    return found


class _Received:
    """What `http.client` reads an answer from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._content)
