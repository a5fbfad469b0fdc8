"""Where webhooks may go, and that they go nowhere else: the addon's ``api/delivery.py`` against real sockets."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.addon.plain import delivery, event_checks, signature

LOCAL = delivery.Allowed.parse("127.0.0.1")


class App(BaseHTTPRequestHandler):
    heard: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        self.heard.append((self.headers["Host"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/")
        self.end_headers()
        self.wfile.write(b"y" * 5000)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def app() -> Iterator[int]:
    App.heard.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "198.18.0.1", "::",
        "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::127.0.0.1",
        "fd00:ec2::254", "fe80::1%eth0", "ff02::1", "fc00::1",
    ],
)  # fmt: skip
def test_addresses_that_are_never_called(address: str) -> None:
    with pytest.raises(delivery.Undelivered, match="not public"):
        delivery.checked("https://app.example/", delivery.Allowed(), lambda _host, _port: [address])


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(delivery.Undelivered, match=r"10\.0\.0\.1"):
        delivery.checked("https://app.example/", delivery.Allowed(), lambda _host, _port: ["93.184.216.34", "10.0.0.1"])


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_called(address: str) -> None:
    assert delivery.checked("https://app.example/", delivery.Allowed(), lambda _host, _port: [address])[1] == [address]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "localhost", "[::1]", "[::ffff:7f00:1]"])
def test_other_ways_to_write_this_machine(host: str, app: int) -> None:
    with pytest.raises(delivery.Undelivered):
        delivery.post(f"http://{host}:{app}/", b"{}", {}, allowed=delivery.Allowed(), timeout=5)
    assert not App.heard


@pytest.mark.parametrize(
    "url", ["ftp://app.example/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "app.example", "", "http://",
            "https://user:word@app.example/", "http://app.example:99999/"]
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(delivery.Undelivered, match="address"):
        delivery.post(url, b"{}", {}, allowed=LOCAL, timeout=5)


def test_allowed_by_network_or_by_name() -> None:
    allowed = delivery.Allowed.parse("10.1.0.0/16, App.Internal.")

    def reach(host: str, address: str) -> None:
        delivery.checked(f"http://{host}/", allowed, lambda _host, _port: [address])

    reach("app.example", "10.1.9.9")
    reach("app.internal", "192.168.0.1")
    for host, address in (("app.example", "10.2.0.1"), ("other.internal", "192.168.0.1")):
        with pytest.raises(delivery.Undelivered):
            reach(host, address)


def test_the_connection_goes_to_the_address_that_was_checked(app: int) -> None:
    """A name that is resolved differently a moment later (DNS rebinding) is never resolved again."""
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    answer = delivery.post(f"http://app.invalid:{app}/", b"{}", {}, allowed=LOCAL, timeout=5, resolver=resolver)
    assert (answer.status, asked) == (200, ["app.invalid"])
    assert App.heard == [(f"app.invalid:{app}", b"{}")]


def test_an_address_that_is_down_is_followed_by_the_next(app: int) -> None:
    allowed = delivery.Allowed.parse("127.0.0.0/8")
    url, found = f"http://app.invalid:{app}/", ["127.0.0.2", "127.0.0.1"]
    answer = delivery.post(url, b"{}", {}, allowed=allowed, timeout=5, resolver=lambda _host, _port: found)
    assert answer.status == 200


def test_redirects_are_answers_and_long_answers_are_cut(app: int) -> None:
    answer = delivery.post(f"http://127.0.0.1:{app}/moved", b"{}", {}, allowed=LOCAL, timeout=5)
    assert (answer.status, len(answer.text), len(App.heard)) == (302, delivery.KEPT, 1)


def test_an_answer_that_drips_is_cut_off_at_the_deadline() -> None:
    """Each byte comes well within a socket's time-out; the whole never ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"z")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    try:
        with pytest.raises(delivery.Unreachable, match=r"no answer within 0\.3 seconds"):
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            delivery.post(url, b"{}", {}, allowed=LOCAL, timeout=0.3)
    finally:
        ended.set()
        thread.join()
        listener.close()
    assert time.monotonic() - started < 20


def test_no_proxy_of_the_environment_is_used(app: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert delivery.post(f"http://127.0.0.1:{app}/", b"{}", {}, allowed=LOCAL, timeout=5).status == 200


def test_signature_is_lagos() -> None:
    """The worked example of RFC 4231 (case 2), in base64; delays grow as Lago's do."""
    digest = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert base64.b64decode(signature.signature("Jefe", b"what do ya want for nothing?")) == digest
    assert [signature.delay_seconds(n) for n in (1, 2)] == [3, 18]
    assert signature.delay_seconds(2, 1.0) == pytest.approx(20.4)


def test_events_that_cannot_be_billed() -> None:
    metrics = {
        "gb": {"aggregation": "sum_agg", "field_name": "gb", "filters": [{"key": "region", "values": ["eu", "1"]}]},
        "seats": {"aggregation": "unique_count_agg", "field_name": "user", "filters": []},
        "calls": {"aggregation": "count_agg", "field_name": False, "filters": []},
    }
    rows = [
        ("1", "s", "gb", '{"gb": 1.5, "region": 1}'), ("2", "s", "gb", '{"gb": "x", "region": "us"}'),
        ("3", "s", "seats", '{"user": "a"}'), ("4", "s", "seats", "{}"), ("5", "s", "calls", ""),
        ("6", "t", "calls", "{}"), ("7", "t", "none", "{}"),
    ]  # fmt: skip
    assert event_checks.problems(rows, metrics, frozenset({"s"})) == {
        "invalid_code": ["7"], "missing_aggregation_property": ["2", "4"], "missing_group_key": [],
        "invalid_filter_values": ["2"], "unknown_subscription": ["6", "7"],
    }  # fmt: skip
