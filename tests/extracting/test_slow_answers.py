"""A real server whose answers drip or never end, in the headers or in the body, as Lago or as Odoo."""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from migrate.errors import LagoRefused, LagoUnreachable, OdooError
from migrate.lago.client import LagoClient, LagoPatience
from migrate.odoo.errors import NotOdoo, OutcomeUnknown
from migrate.odoo.json2 import Json2
from migrate.odoo.odoorpc_transport import OdooRpc

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n"
DRIPS = {"headers": b"HTTP/1.1 200 OK\r\nX-Long: ", "body": HEAD + b"{"}
LIMIT = 0.3  # seconds
Answering = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(answer: Answering) -> Iterator[str]:
    """URL of a server that reads each question and then answers it so."""
    ended, threads = threading.Event(), list[threading.Thread]()

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while connection.recv(65536):
                answer(connection, ended)

    def listen() -> None:
        while not ended.is_set():
            connection, _ = listener.accept()
            threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def dripping(first: bytes, most: float = 8) -> Answering:
    """``most``: seconds; without a limit of ours the test fails then, and does not hang."""

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(first)
        end = time.monotonic() + most
        while not ended.wait(0.03) and time.monotonic() < end:
            connection.sendall(b"z")
        connection.close()

    return answer


def steady(connection: socket.socket, _ended: threading.Event) -> None:
    """1.2 MB over a second: several times the limit, and at a fair speed."""
    text = json.dumps({"taxes": ["x" * 60_000] * 20, "result": {"server_version": "19.0"}}).encode()
    connection.sendall(HEAD.replace(b"9000000", str(len(text)).encode()))
    for start in range(0, len(text), 60_000):
        connection.sendall(text[start : start + 60_000])
        time.sleep(0.05)


def endless(
    connection: socket.socket, ended: threading.Event, *, pause: float = 0.01, head: bytes = b"", part: bytes = b"9,"
) -> None:
    """At a fair speed, until the other side has had enough; the test fails after 20 seconds, and does not hang."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + b"\r\n")
    end = time.monotonic() + 20
    while not ended.wait(pause) and time.monotonic() < end:
        connection.sendall(part * 5_000)
    connection.close()


def unpacking(connection: socket.socket, _ended: threading.Event) -> None:
    """300 kB on the line, 300 MB unpacked."""
    connection.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"))
    packer, blanks = zlib.compressobj(1, wbits=31), b" " * 5_000_000
    for _ in range(60):
        connection.sendall(packer.compress(blanks) + packer.flush(zlib.Z_SYNC_FLUSH))
    connection.close()


ENDLESS: dict[str, Answering] = {
    "fair": endless,
    "fast": partial(endless, pause=0, part=b"9," * 20),
    "packed": unpacking,
}


def lago_of(url: str, retries: int = 1) -> LagoClient:
    patience = LagoPatience(retries=retries, first_wait=0.01)
    return LagoClient(url, "a-key", requests_per_second=None, timeout=LIMIT, patience=patience)


@pytest.mark.parametrize("where", DRIPS)
def test_an_answer_of_lagos_that_drips_is_tried_again_and_then_named(where: str) -> None:
    began = time.monotonic()
    with serving(dripping(DRIPS[where])) as url, lago_of(url) as lago:
        with pytest.raises(LagoUnreachable, match=r"an answer that drips, \d+ bytes in .*, 2 times.*resumes") as error:
            lago.get("/api/v1/taxes")
        assert lago.counters.requests == 2
    assert "raise the timeout" in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 5


def test_a_big_page_at_a_fair_speed_is_not_cut() -> None:
    with serving(steady) as url, lago_of(url, retries=0) as lago:
        for _ in range(2):  # each answer has its own time, also on one connection
            assert len(lago.get("/api/v1/taxes")["taxes"].text) > 1_000_000


@pytest.mark.parametrize("how", ENDLESS)
def test_an_answer_of_lagos_that_does_not_end_is_named_at_once(how: str) -> None:
    """By its time, by its size on the line, by its size unpacked; not asked for again."""
    began = time.monotonic()
    with serving(ENDLESS[how]) as url, lago_of(url) as lago:
        with pytest.raises(
            LagoRefused, match=r"GET .*/taxes: an answer that does not end, [\d,]+ bytes in \d+ sec"
        ) as error:
            lago.get("/api/v1/taxes")
        assert lago.counters.requests == 1
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("how", ENDLESS)
def test_an_answer_of_odoos_that_does_not_end_ends_the_command(how: str) -> None:
    with (
        serving(after_login(b'{"uid": 2}', ENDLESS[how])) as url,
        pytest.raises(NotOdoo, match=r"res\.partner\.search: an answer that does not end"),
    ):
        json2(url)


@pytest.mark.parametrize("how", ["fair", "fast"])
def test_through_odoorpc_too(how: str) -> None:
    with serving(ENDLESS[how]) as url, pytest.raises(NotOdoo, match="an answer that does not end"):
        OdooRpc(url, "db", "admin", "a-key", LIMIT)


def after_login(body: bytes, then: Answering) -> Answering:
    """The login succeeds; what is asked then is answered so."""
    asked = list[int]()

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        asked.append(1)
        if len(asked) > 1:
            return then(connection, ended)
        connection.sendall(HEAD.replace(b"9000000", str(len(body)).encode()) + body)
        return None

    return answer


def json2(url: str) -> object:
    odoo = Json2(url, "db", "a-key", LIMIT)
    try:
        return odoo.call("res.partner", "search", domain=[])
    finally:
        odoo.close()


@pytest.mark.parametrize("where", DRIPS)
def test_an_answer_of_odoos_that_drips_is_one_that_never_came(where: str) -> None:
    """OutcomeUnknown: what every caller looks after or repeats, as after a time-out."""
    began = time.monotonic()
    with (
        serving(after_login(b'{"uid": 2}', dripping(DRIPS[where]))) as url,
        pytest.raises(OutcomeUnknown, match=r"res\.partner\.search: no answer .*an answer that drips, \d+ bytes"),
    ):
        json2(url)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("where", DRIPS)
def test_the_same_through_odoorpc(where: str) -> None:
    """Its first call asks for the version."""
    began = time.monotonic()
    with serving(dripping(DRIPS[where])) as url, pytest.raises(OdooError, match="an answer that drips"):
        OdooRpc(url, "db", "admin", "a-key", LIMIT)
    assert time.monotonic() - began < 3


def test_a_big_answer_through_odoorpc_is_not_cut() -> None:
    with serving(steady) as url:
        odoo = OdooRpc(url, "db", "admin", "a-key", LIMIT)
        assert odoo.server_version == "19.0"
        assert odoo.call("res.partner", "search", domain=[]) == {"server_version": "19.0"}
