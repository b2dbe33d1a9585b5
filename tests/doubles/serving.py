"""A handler of HTTP requests served in a thread, for the doubles of AWS's services."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def served(
    handler: Callable[..., BaseHTTPRequestHandler], *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve until the block ends; yields the endpoint's URL. Port 0: any free one."""
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
