"""An app's endpoint: a real HTTP server on this machine that keeps what it gets and answers as told."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status, answer = self.server.answer()
        try:
            self.reply(status, answer)
        except BrokenPipeError:
            return  # the caller did not wait

    def reply(self, status, answer):
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", self.server.elsewhere)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  the base class calls it so

    def log_message(self, *_args):
        """Odoo's log is not ours to fill."""


class Receiver(ThreadingHTTPServer):
    """``answers``: statuses or (status, body) of the next, then 200. ``open``: until set, nothing is answered."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers, self.elsewhere = [], [], "/"
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hooks"

    def answer(self):
        self.open.wait()
        said = self.answers.pop(0) if self.answers else 200
        return said if isinstance(said, tuple) else (said, b"")


@contextmanager
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
