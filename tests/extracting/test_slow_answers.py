"""A real server that drips: a byte now and then, for ever, in the headers or in the body, of Lago's or of Odoo's."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from migrate.errors import LagoUnreachable, OdooError
from migrate.lago.client import LagoClient, LagoPatience
from migrate.odoo.errors import OutcomeUnknown
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


def odoo_answer(body: bytes, drip: bytes) -> Answering:
    """The login succeeds; what is asked then drips."""
    asked = list[int]()

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        asked.append(1)
        if len(asked) > 1:
            return dripping(drip)(connection, ended)
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
        serving(odoo_answer(b'{"uid": 2}', DRIPS[where])) as url,
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
