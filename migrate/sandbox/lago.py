"""The embedded Lago: a recording behind real HTTP, with Lago's authentication, and faults on purpose for tests."""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from migrate.errors import LagoError
from migrate.lago.recorded import RecordedLago, Reply, error
from migrate.lago.recording import Recording, bundled


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

    def response(self) -> Response | None:
        with self.lock:
            self.calls += 1
            number = self.calls
        time.sleep(self.latency)
        if self.html:
            return Response("<!doctype html><title>Welcome</title>", 200, content_type="text/html")
        if self.every_rate_limited and number % self.every_rate_limited == 0:
            headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": self.reset}
            return Response("{}", 429, headers, content_type="application/json")
        if self.every_error and number % self.every_error == 0:
            return Response("<html>We're sorry, but something went wrong.</html>", 500, content_type="text/html")
        return None

    def halves(self) -> bool:
        return bool(self.every_half) and self.calls % self.every_half == 0


class Server:
    """A running embedded Lago. ``close`` stops it; also a context manager."""

    def __init__(self, app: Callable[..., Iterable[bytes]], lago: RecordedLago, host: str, port: int) -> None:
        self.lago = lago
        self._server: BaseWSGIServer = make_server(host, port, app, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.1})

    @property
    def url(self) -> str:
        return f"http://{self._server.host}:{self._server.server_port}"

    def start(self) -> Server:
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

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open, as a real server keeps them
    disable_nagle_algorithm = True  # headers and body are two writes: Nagle would hold the second for 40 ms
    timeout = 60

    def log(self, type: str, message: str, *args: Any) -> None:
        """Quiet."""


def serve(
    recording: Path | None = None, *, host: str = "127.0.0.1", port: int = 0, api_key: str, faults: Faults | None = None
) -> Server:
    """Start an embedded Lago in a thread. ``port`` 0: any free one (see ``Server.url``). Raises LagoError, OSError."""
    return make(recording, host=host, port=port, api_key=api_key, faults=faults).start()


def make(
    recording: Path | None = None, *, host: str = "127.0.0.1", port: int = 0, api_key: str, faults: Faults | None = None
) -> Server:
    """As ``serve``, not yet started: call ``run`` to serve in this thread."""
    lago = RecordedLago(Recording.open(recording or bundled()))
    return Server(_application(lago, api_key, faults or Faults()), lago, host, port)


def _application(lago: RecordedLago, api_key: str, faults: Faults) -> Callable[..., Iterable[bytes]]:
    now = lago.clock()  # the server's clock is the recording's: what it shows is the state of then

    @Request.application
    def application(request: Request) -> Response:
        trouble = faults.response() if request.path != "/health" else None
        if trouble:
            return trouble
        if faults.before:
            faults.before(request.path, lago)
        reply = _reply(lago, api_key, request)
        text = reply.text[: len(reply.text) // 2] if faults.halves() else reply.text
        response = Response(text, reply.status, content_type="application/json; charset=utf-8")
        response.date = now
        return response

    return application


def _reply(lago: RecordedLago, api_key: str, request: Request) -> Reply:
    target = urlsplit(request.environ.get("REQUEST_URI") or request.full_path)
    if target.path != "/health" and not _authorized(request, api_key):
        return error(401)
    try:
        body = json.loads(request.get_data() or b"null")
    except ValueError:
        return error(400)
    query = parse_qsl(target.query, keep_blank_values=True)
    try:
        return lago.answer(request.method, target.path, query, body)
    except LagoError as hole:
        return Reply(500, json.dumps({"status": 500, "error": str(hole)}))


def _authorized(request: Request, api_key: str) -> bool:
    """Lago takes the second word, whatever the first one is."""
    words = request.headers.get("Authorization", "").split()
    return len(words) > 1 and hmac.compare_digest(words[1].encode(), api_key.encode())
