"""Web servers that stand for a GitLab that redirects, and for the host that a redirect leads to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Elsewhere:
    """`seen`: the headers of every request."""

    url: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def answering(status: int, headers: dict[str, str] | None = None, body: bytes = b"[]") -> Iterator[Elsewhere]:
    """A server that answers every request in the same way."""
    known = Elsewhere()

    class Door(BaseHTTPRequestHandler):
        def answer(self) -> None:
            known.seen.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    known.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
