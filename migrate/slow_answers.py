"""An answer that drips, a byte now and then for ever, which no limit of a single read ever ends; and one without end.

From its first byte on an answer has as many seconds as the call's time limit, and one more for every ``FAIR`` bytes
that came: bound by what comes, so that a big page over a slow line is never cut, and a drip is. Until the first byte
the limit of a single read holds, as ever: what Odoo takes to think is not the answer's time.

At a fair speed an answer may take ``LONGEST`` times the call's time limit, and have ``MOST`` bytes, on the line as
unpacked: nothing that this program asks for comes near. What goes on is asked for once, and not again.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from http.cookiejar import CookieJar
from typing import Any

import httpx

Wrapped = Any  # of httpcore's and http.client's own: handed on as it came
FAIR = 1000  # bytes a second: less is no line that a migration can use
MOST = 256_000_000  # bytes of one answer
LONGEST = 10  # times the time limit of the call


class SlowAnswer(httpx.ReadTimeout, TimeoutError):
    """An answer came too slowly to ever end; handled like no answer in time, by httpx's callers and urllib's."""


class EndlessAnswer(SlowAnswer):
    """An answer came at a fair speed and did not end: no time-out, and not tried again."""

    def __init__(self, number: int, spent: float) -> None:
        super().__init__(
            f"an answer that does not end, {number:,} bytes in {spent:,.0f} seconds; look at what stands between and "
            "whether the address is right, or raise the timeout in the configuration"
        )


class _AnswerTime:
    """How long one answer takes. ``seconds``: from its first byte on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Another answer comes next."""
        self._since: float | None = None
        self._bytes = 0

    def take(self, number: int) -> None:
        """So many bytes more. Raises SlowAnswer, EndlessAnswer."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._bytes += number
        spent = now - self._since
        if spent > self._seconds + self._bytes / FAIR:
            raise SlowAnswer(
                f"an answer that drips, {self._bytes:,} bytes in {spent:,.0f} seconds; look at what stands between, "
                "or raise the timeout in the configuration"
            )
        if self._bytes > MOST or spent > LONGEST * self._seconds:
            raise EndlessAnswer(self._bytes, spent)


# --- httpx -------------------------------------------------------------------------------------------------------


def refuse_drips(client: httpx.Client, seconds: float) -> httpx.Client:
    """The client, whose answers raise SlowAnswer or EndlessAnswer, through a proxy of the environment too."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            # httpx hands no backend through; without it a drip cannot be seen in headers
            pool: Wrapped = transport._pool
            pool._network_backend = _WatchedNetwork(pool._network_backend, seconds)
    client.event_hooks["response"].append(_read_within)
    return client


def _read_within(response: httpx.Response) -> None:
    """Read the body as ``response.read`` would, and refuse one that a few bytes on the line unpack to without end."""
    began, size, parts = time.monotonic(), 0, list[bytes]()
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MOST:
            raise EndlessAnswer(size, time.monotonic() - began)
    response._content = b"".join(parts)


class _WatchedNetwork:
    """httpcore's way to the network."""

    def __init__(self, inner: Wrapped, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    def connect_tcp(self, *arguments: object, **named: object) -> _WatchedStream:
        return _WatchedStream(self._inner.connect_tcp(*arguments, **named), self._seconds)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class _WatchedStream:
    """A connection of httpcore's: what is written is a question, and what is read after it its answer."""

    def __init__(self, inner: Wrapped, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds
        self._time = _AnswerTime(seconds)

    def write(self, *arguments: object, **named: object) -> None:
        self._time.begin()
        self._inner.write(*arguments, **named)

    def read(self, *arguments: object, **named: object) -> bytes:
        data: bytes = self._inner.read(*arguments, **named)
        self._time.take(len(data))
        return data

    def start_tls(self, *arguments: object, **named: object) -> _WatchedStream:
        return _WatchedStream(self._inner.start_tls(*arguments, **named), self._seconds)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


# --- urllib, which odoorpc uses ----------------------------------------------------------------------------------


def open_steadily(seconds: float) -> urllib.request.OpenerDirector:
    """An opener as odoorpc makes its own (with cookies), whose answers raise as those of ``refuse_drips``."""

    class SteadyResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Wrapped, **named: Wrapped) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp = io.BufferedReader(_WatchedFile(self.fp.detach(), _AnswerTime(seconds)))

    class PlainConnection(http.client.HTTPConnection):
        response_class = SteadyResponse

    class SecureConnection(http.client.HTTPSConnection):
        response_class = SteadyResponse

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(PlainConnection, request)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(SecureConnection, request)

    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    return urllib.request.build_opener(cookies, PlainHandler, SecureHandler)


class _WatchedFile(io.RawIOBase):
    """The bytes of an answer, as a socket gives them."""

    def __init__(self, inner: io.RawIOBase, time: _AnswerTime) -> None:
        self._inner, self._time = inner, time

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Wrapped) -> int | None:
        number: int | None = self._inner.readinto(buffer)
        self._time.take(number or 0)
        return number

    def close(self) -> None:
        self._inner.close()
        super().close()
