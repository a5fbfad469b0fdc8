"""A network that is bad in a seeded way: it loses, repeats, cuts, delays, and answers with a page or with nothing.

What happens to a request follows from the seed, its path and how often that was asked: threads change nothing.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx

KINDS = ("lose the request", "lose the answer", "repeat", "cut", "delay", "page", "empty", "null", "list", "502")
KINDS += ("empty list",)
PAGE = b"<!DOCTYPE html><html><title>Bad proxy</title><p>Please log in.</p></html>"
FALSE = {"page": (200, PAGE), "empty": (200, b""), "null": (200, b"null"), "list": (200, b"[]"), "502": (502, PAGE)}


class BadNetwork:
    """Put before every request of httpx in this process. ``share``: how many of them something happens to."""

    def __init__(self, seed: int, share: float, kinds: tuple[str, ...] = KINDS) -> None:
        self.seed, self.share, self.kinds = seed, share, kinds
        self.asked = Counter[bytes]()
        self.emptied: set[bytes] = set()
        self._lock = threading.Lock()
        self._send: Callable[..., httpx.Response] = httpx.HTTPTransport.handle_request

    def install(self) -> None:
        network = self

        def handle(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            return network.handle(transport, request)

        httpx.HTTPTransport.handle_request = handle  # type: ignore[method-assign]

    def handle(self, transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        kind = self._kind(request)
        if kind == "lose the request":
            raise httpx.ConnectError("lost", request=request)
        if kind in FALSE and (kind != "list" or "search" not in request.url.path):  # a list may be an honest answer
            status, content = FALSE[kind]
            return httpx.Response(status, content=content, headers={"content-type": "text/html"}, request=request)
        if kind == "delay":
            time.sleep(0.02)
        content = request.read()
        if kind == "repeat":
            self._send(transport, _copy(request, content)).read()
        response = self._send(transport, _copy(request, content))
        body = response.read()
        if kind == "lose the answer":
            raise httpx.ReadTimeout("lost", request=request)
        if kind == "cut":
            body = body[: len(body) // 2]
        if kind == "empty list":
            body = self._emptied(request, body)
        headers = {"content-type": "application/json", "date": response.headers.get("date", "")}
        return httpx.Response(response.status_code, content=body, headers=headers, request=request)

    def _kind(self, request: httpx.Request) -> str:
        path = request.url.raw_path
        with self._lock:
            self.asked[path] += 1
            chance = random.Random(f"{self.seed} {path!r} {self.asked[path]}")
        return chance.choice(self.kinds) if chance.random() < self.share else ""

    def _emptied(self, request: httpx.Request, body: bytes) -> bytes:
        """A list of Lago's without its records, once for each page: nothing tells it from an honest answer."""
        answer = json.loads(body)
        path = request.url.raw_path
        lists = {n for n, v in answer.items() if isinstance(v, list)} if isinstance(answer, dict) else set()
        with self._lock:
            if request.method != "GET" or not lists or path in self.emptied:
                return body
            self.emptied.add(path)
        nothing = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
        meta = {"meta": nothing} if "meta" in answer else {}
        return json.dumps({**answer, **{name: [] for name in lists}, **meta}).encode()


def _copy(request: httpx.Request, content: bytes) -> httpx.Request:
    return httpx.Request(request.method, request.url, headers=request.headers, content=content)
