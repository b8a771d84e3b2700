"""A threaded HTTP/1.1 server on the loopback, with keep-alive.

Werkzeug's own server closes each connection, and SDKs pool theirs: without keep-alive a test would
meet connection errors that AWS never gives.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .wire import CloseConnection, HttpRequest, Reply

BODY_BYTES_MAX = 128 * 1024 * 1024

Handle = Callable[[HttpRequest], Reply]


class SandboxServer(ThreadingHTTPServer):
    """Serves `handle` on 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, handle: Handle) -> None:
        self.handle = handle
        super().__init__(("127.0.0.1", port), _Connection)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that goes away in the middle of a reply is what half of our tests do.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            traceback.print_exc(file=sys.stderr)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Status line, headers and body leave in one write.
    wbufsize = 65536
    server: SandboxServer

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = self.server.handle(HttpRequest(self.command, path, query, headers, body))
        except CloseConnection:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        has_length = False
        for name, value in reply.headers:
            if name.lower() == "content-length":
                # A HEAD reply states the length of a body that it does not carry.
                if self.command != "HEAD":
                    continue
                has_length = True
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        if not has_length and reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD" and reply.status != 204:
            self.wfile.write(reply.body)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _serve

    def handle_expect_100(self) -> bool:
        """SDKs wait for this before they send the body of an object."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _read_body(self) -> bytes | None:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._read_chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.send_error(413)
            self.close_connection = True
            return None
        return self.rfile.read(length) if length else b""

    def _read_chunks(self) -> bytes:
        chunks = bytearray()
        while True:
            size = int(self.rfile.readline().split(b";")[0].strip() or b"0", 16)
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return bytes(chunks)
            chunks += self.rfile.read(size)
            self.rfile.readline()
            if len(chunks) > BODY_BYTES_MAX:
                raise ConnectionError("body too long")

    def log_message(self, format: str, *args: object) -> None:
        pass
