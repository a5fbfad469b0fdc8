"""The embedded Lago: a recording behind real HTTP, with Lago's authentication, and faults on purpose for tests."""

from __future__ import annotations

import hmac
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from lago2odoo.sandbox.living.lago import LivingLago
from migrate.errors import LagoError
from migrate.lago.recorded import RecordedLago, Reply, error
from migrate.lago.recording import Recording, bundled
from migrate.rawjson import loads

_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Sent:
    """What goes over the wire."""

    status: int
    text: str
    content_type: str = _JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class Faults:
    """What goes wrong on purpose, for tests. ``every_*`` = n: each n-th API call; 0: never."""

    latency: float = 0.0  # seconds, every call
    every_rate_limited: int = 0
    reset: str = "0"  # X-RateLimit-Reset of those
    every_error: int = 0  # 500 with an HTML body
    every_half: int = 0  # JSON that breaks off
    html: bool = False  # always a web page, as a wrong base URL gives
    before: Callable[[str, RecordedLago], None] | None = None  # called before each answer: shift pages here
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def instead(self) -> _Sent | None:
        """What is sent in place of the answer to the next call."""
        with self.lock:
            self.calls += 1
            number = self.calls
        time.sleep(self.latency)
        if self.html:
            return _Sent(200, "<!doctype html><title>Welcome</title>", "text/html")
        if self.every_rate_limited and number % self.every_rate_limited == 0:
            names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
            return _Sent(429, "{}", headers=tuple(zip(names, ("50", "0", self.reset), strict=True)))
        if self.every_error and number % self.every_error == 0:
            return _Sent(500, "<html>We're sorry, but something went wrong.</html>", "text/html")
        return None

    def cut(self, text: str) -> str:
        half = self.every_half and self.calls % self.every_half == 0
        return text[: len(text) // 2] if half else text


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], lago: RecordedLago, api_key: str, faults: Faults) -> None:
        super().__init__(address, _Handler)
        self.lago, self.api_key, self.faults = lago, api_key, faults
        self._recorded = lago.clock()

    @property
    def date(self) -> str:
        """The server's clock is the recording's: what it shows is the state of then. A living one's goes on."""
        now = self.lago.now if isinstance(self.lago, LivingLago) else self._recorded
        return format_datetime(now.astimezone(UTC), usegmt=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no trouble of the server's; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"  # connections stay open, as a real server keeps them
    disable_nagle_algorithm = True  # headers and body are two writes: Nagle would hold the second for 40 ms
    timeout = 60

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = self._sent(body)
        content = sent.text.encode()
        self.send_response(sent.status)
        for name, value in (("Content-Type", sent.content_type), ("Content-Length", str(len(content))), *sent.headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _respond  # noqa: N815  (http.server's names)

    def _sent(self, body: bytes) -> _Sent:
        faults, lago = self.server.faults, self.server.lago
        instead = faults.instead() if not self.path.startswith("/health") else None
        if instead:
            return instead
        if faults.before:
            faults.before(self.path, lago)
        reply = self._reply(body)
        return _Sent(reply.status, reply.text if self.path.startswith("/health") else faults.cut(reply.text))

    def _reply(self, body: bytes) -> Reply:
        target = urlsplit(self.path)
        if target.path != "/health" and not self._authorized():
            return error(401)
        try:
            written = loads(body.decode() or "null")
        except ValueError:
            return Reply(400, json.dumps({"status": 400, "error": "BadRequest: the body is no JSON"}))
        query = parse_qsl(target.query, keep_blank_values=True)
        try:
            return self.server.lago.answer(self.command, target.path, query, written)
        except LagoError as hole:
            return Reply(500, json.dumps({"status": 500, "error": str(hole)}))

    def _authorized(self) -> bool:
        """Lago takes the second word, whatever the first one is."""
        words = self.headers.get("Authorization", "").split()
        return len(words) > 1 and hmac.compare_digest(words[1].encode(), self.server.api_key.encode())

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.date if timestamp is None else super().date_time_string(timestamp)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class LagoServer:
    """An embedded Lago. ``close`` stops it; also a context manager."""

    def __init__(self, server: _HttpServer) -> None:
        self.lago = server.lago
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://{self._server.server_address[0]!s}:{self._server.server_port}"

    def start(self) -> LagoServer:
        self._thread.start()
        return self

    def run(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> LagoServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def make(
    recording: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str,
    faults: Faults | None = None,
    living: bool = False,
) -> LagoServer:
    """An embedded Lago, not yet serving: ``run`` serves in this thread, ``start`` in another.

    ``recording``: directory or archive (default: the bundled NexaSystems); ``port`` 0: any free one (``Server.url``).
    ``living``: subscriptions can be ended and made in it, and its clock be moved (``Server.lago``).
    Raises LagoError if the recording cannot be used or the port is taken.
    """
    kept = Recording.open(recording or bundled())
    lago = LivingLago(kept) if living else RecordedLago(kept)
    try:
        return LagoServer(_HttpServer((host, port), lago, api_key, faults or Faults()))
    except OSError as problem:
        raise LagoError(f"the embedded Lago cannot listen on {host}:{port}: {problem.strerror}") from None


def serve(
    recording: Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    api_key: str,
    faults: Faults | None = None,
    living: bool = False,
) -> LagoServer:
    """As ``make``, and start it."""
    return make(recording, host=host, port=port, api_key=api_key, faults=faults, living=living).start()
