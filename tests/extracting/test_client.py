"""The client over real HTTP: patient with what passes, plain about what does not, and silent about the key."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from lago2odoo.sandbox.lago import Faults, serve
from migrate.errors import ConfigError, LagoError, LagoRefused, LagoUnreachable
from migrate.lago.client import LagoClient, LagoPatience
from migrate.lago.extract import extract
from migrate.lago.source import LagoRefusal
from migrate.rawjson import Piece
from migrate.state.store import Store

KEY = "lago_key_4f7b2d44-24ae-cfc1"
PATH = "/api/v1/taxes"

Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def client(handler: Handler, clock: Clock | None = None, **options: object) -> LagoClient:
    clock = clock or Clock()
    settings: dict[str, object] = {"requests_per_second": None, "sleep": clock.sleep, "monotonic": clock, **options}
    return LagoClient("https://lago.example", KEY, transport=httpx.MockTransport(handler), **settings)  # type: ignore[arg-type]


def scripted(*responses: httpx.Response | Exception) -> Handler:
    remaining = iter(responses)

    def handler(request: httpx.Request) -> httpx.Response:
        response = next(remaining)
        if isinstance(response, Exception):
            raise response
        return response

    return handler


OK = httpx.Response(200, json={"taxes": []})
FOREIGN = {
    "a page": httpx.Response(200, html="<!doctype html><title>Welcome</title>"),
    "nothing": httpx.Response(200, text=""),
    "null": httpx.Response(200, text="null"),
    "a list": httpx.Response(200, json=[1]),
    "a text": httpx.Response(200, json="fine"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_success_that_is_no_answer_is_tried_again_and_then_named(kind: str) -> None:
    """A proxy's page comes once; an address that is not Lago's answers so every time."""
    clock = Clock()
    with client(scripted(FOREIGN[kind], FOREIGN["a page"], OK), clock) as lago:
        assert lago.get(PATH)["taxes"] == Piece("[]", [])
        assert (lago.counters.requests, lago.counters.retried) == (3, 2)
    with client(scripted(*[FOREIGN[kind]] * 9)) as lago:
        with pytest.raises(LagoRefused, match=r"answers 200 .*check the base URL") as refused:
            lago.get(PATH)
        assert lago.counters.requests == 3
    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_the_time_of_lago_is_asked_for_as_patiently_as_anything() -> None:
    """One lost answer must not put our clock in the place of Lago's."""
    dated = httpx.Response(200, json={"version": "1"}, headers={"date": "Wed, 20 Aug 2031 18:59:57 GMT"})
    troubles = (httpx.ConnectError("lost"), httpx.Response(502, text="sorry"), FOREIGN["a page"])
    with client(scripted(*troubles, dated)) as lago:
        assert lago.clock() == "2031-08-20T18:59:57+00:00"
    refused = httpx.Response(404, json={"status": 404}, headers={"date": "Wed, 20 Aug 2031 18:59:58 GMT"})
    with client(lambda _: refused) as lago:
        assert lago.clock() == "2031-08-20T18:59:58+00:00", "a no has the time as well"


def test_what_passes_is_tried_again() -> None:
    troubles = (
        httpx.Response(500, text="<html>sorry</html>"),
        httpx.Response(502, json={"status": 502}),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, text='{"taxes":[{"lago_id"'),
    )
    clock = Clock()
    with client(scripted(*troubles, OK), clock) as lago:
        assert lago.get(PATH)["taxes"] == Piece("[]", [])
        assert (lago.counters.requests, lago.counters.retried) == (7, 6)
    waits = [seconds for seconds in clock.slept if seconds]
    longest = [0.5 * 2**n for n in range(6)]
    assert all(0.5 * most <= wait <= most for wait, most in zip(waits, longest, strict=True))


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (httpx.Response(503, text="down"), "status 503, 3 times"),
        (httpx.ConnectError("nope"), "no connection, 3 times"),
        (httpx.ReadTimeout("slow"), "no answer in time, 3 times"),
        (httpx.Response(200, text='{"taxes":['), "an answer that breaks off, 3 times"),
        (httpx.Response(500, text=""), "status 500, 3 times"),
    ],
)
def test_what_does_not_pass_is_said_in_one_line(trouble: httpx.Response | Exception, said: str) -> None:
    with (
        client(scripted(*[trouble] * 9), patience=LagoPatience(retries=2)) as lago,
        pytest.raises(LagoUnreachable, match=f"GET https://lago.example{PATH}: {said}.* it resumes") as refused,
    ):
        lago.get(PATH)
    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)


def limited(reset: str) -> httpx.Response:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    return httpx.Response(429, json={"status": 429, "error": "Too Many Requests"}, headers=headers)


def test_a_rate_limit_is_waited_out_as_lago_says() -> None:
    clock = Clock()
    with client(scripted(limited("7"), limited("2.5"), OK), clock) as lago:
        lago.get(PATH)
        assert (lago.counters.rate_limited, lago.counters.retried) == (2, 0)
    assert 9.5 <= sum(clock.slept) <= 9.8


@pytest.mark.parametrize(("reset", "most"), [("soon", 1.2), ("-5", 0.2), ("86400", 60.2), ("", 1.2)])
def test_a_reset_that_makes_no_sense(reset: str, most: float) -> None:
    clock = Clock()
    with client(scripted(limited(reset), OK), clock) as lago:
        lago.get(PATH)
    assert sum(clock.slept) <= most


NOON, LATER = "Thu, 20 Aug 2026 12:00:00 GMT", "Thu, 20 Aug 2026 12:00:09 GMT"


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        ("4", 4, 4.2),
        (LATER, 9, 9.2),
        (NOON, 0, 0.2),
        ("Thu, 20 Aug 2026", 1, 1.2),
        ("nan", 1, 1.2),
        ("Infinity", 60, 60.2),
    ],
)
def test_a_moment_to_ask_again_is_read_by_the_clock_that_named_it(after: str, least: float, most: float) -> None:
    clock = Clock()
    busy = httpx.Response(429, json={"status": 429}, headers={"Retry-After": after, "Date": NOON})
    with client(scripted(busy, OK), clock) as lago:
        lago.get(PATH)
    assert least <= sum(clock.slept) <= most


def test_a_moment_to_ask_again_without_a_clock_is_read_by_this_machines() -> None:
    clock = Clock()
    after = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with client(scripted(httpx.Response(429, json={}, headers={"Retry-After": after}), OK), clock) as lago:
        lago.get(PATH)
    assert 15 <= sum(clock.slept) <= 30.2


def test_where_a_redirection_leads_is_told_without_its_password() -> None:
    moved = httpx.Response(302, headers={"location": "https://user:p%40ss@login.example:8443/?key=1"})
    with (
        client(scripted(moved)) as lago,
        pytest.raises(LagoRefused, match=r"redirected to https://login\.example:8443: ") as refused,
    ):
        lago.get(PATH)
    assert not {"user", "ss@", "key=1"} & set(re.findall(r"user|ss@|key=1", str(refused.value)))


def test_a_rate_limit_that_never_ends() -> None:
    with (
        client(lambda request: limited("1")) as lago,
        pytest.raises(LagoUnreachable, match=r"lower lago\.requests_per_second"),
    ):
        lago.get(PATH)


def test_the_pace_is_kept_by_all_threads_together() -> None:
    clock = Clock()
    with client(lambda request: OK, clock, requests_per_second=10) as lago:
        for _ in range(21):
            lago.get(PATH)
    assert clock.now - 100 == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx.Response(401, json={"status": 401, "error": "Unauthorized"}), "401 .*check the key"),
        (httpx.Response(403, json={"status": 403, "code": "feature_unavailable"}), "403 feature_unavailable"),
        (httpx.Response(404, json={"status": 404, "code": "tax_not_found"}), "404 tax_not_found"),
        (httpx.Response(404, html="<h1>nginx</h1>"), "answers 404 text/html.*base URL"),
        (
            httpx.Response(302, headers={"location": "https://login.example/?key=1"}),
            "redirected to https://login.example:",
        ),
    ],
)
def test_a_no_is_a_no_at_once(response: httpx.Response, said: str) -> None:
    clock = Clock()
    with client(scripted(response), clock) as lago, pytest.raises(LagoRefused, match=said) as refused:
        lago.get(PATH)
    assert not clock.slept
    assert PATH in str(refused.value)
    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_no_carries_its_code() -> None:
    with client(scripted(httpx.Response(405, json={"code": "no_active_subscription"}))) as lago:
        with pytest.raises(LagoRefusal) as refused:
            lago.get(PATH)
        assert (refused.value.status, refused.value.code) == (405, "no_active_subscription")


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "clé", "a\x00"])
def test_a_key_that_cannot_be_one_is_not_quoted(key: str) -> None:
    with pytest.raises(ConfigError, match="the Lago API key is empty or holds") as refused:
        LagoClient("https://lago.example", key)
    assert not key or key not in str(refused.value).replace("a b", "")


@pytest.mark.parametrize("url", ["", "lago.example", "ftp://lago.example", "https://", "https://me:pw@lago.example"])
def test_a_url_that_cannot_be_one(url: str) -> None:
    with pytest.raises(ConfigError, match=r"lago.url must look like") as refused:
        LagoClient(url, KEY)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://lago.example/", "https://lago.example/api/v1", "https://lago.example/api/v1/"]
)
def test_what_people_paste_as_url(url: str) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return OK

    with LagoClient(url, KEY, transport=httpx.MockTransport(handler)) as lago:
        lago.get(PATH, [("status[]", "active"), ("external_id", "a.b@c d")])
    assert asked == [f"https://lago.example{PATH}?status%5B%5D=active&external_id=a.b%40c+d"]


def test_close_wakes_those_who_wait() -> None:
    lago = LagoClient("https://lago.example", KEY, transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    said: list[str] = []

    def work() -> None:
        try:
            for _ in range(100):
                lago.get(PATH)
        except (LagoError, RuntimeError) as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    lago.close()
    thread.join(30)
    assert not thread.is_alive()
    assert said


# --- against a server -----------------------------------------------------------------------------------------------


def attempt(url: str, folder: Path, key: str = KEY, **options: object) -> None:
    patience = LagoPatience(retries=2, first_wait=0.01)
    with (
        LagoClient(url, key, requests_per_second=None, patience=patience, **options) as lago,  # type: ignore[arg-type]
        Store.open(folder / "state.db") as store,
    ):
        extract(lago, store, folder / "events")


def test_a_wrong_key(some: Path, tmp_path: Path) -> None:
    with (
        serve(some, api_key="another") as server,
        pytest.raises(LagoRefused, match=r"401 to GET .* the API key is missing, unknown or expired") as refused,
    ):
        attempt(server.url, tmp_path)
    assert KEY not in str(refused.value)


def test_a_web_page_instead_of_lago(some: Path, tmp_path: Path) -> None:
    with (
        serve(some, api_key=KEY, faults=Faults(html=True)) as server,
        pytest.raises(LagoRefused, match=r"answers 200 text/html: this is not Lago's API; check the base URL"),
    ):
        attempt(server.url, tmp_path)


def test_a_wrong_path_below_the_host(some: Path, tmp_path: Path) -> None:
    with (
        serve(some, api_key=KEY) as server,
        pytest.raises(LagoRefused, match=r"404 resource_not_found to GET .*/billing/api/v1/organizations"),
    ):
        attempt(f"{server.url}/billing", tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(LagoUnreachable, match=f"GET http://127.0.0.1:{port}/health: no connection, 3 times"):
        attempt(f"http://127.0.0.1:{port}", tmp_path)


def test_a_server_too_slow(some: Path, tmp_path: Path) -> None:
    with (
        serve(some, api_key=KEY, faults=Faults(latency=1.0)) as server,
        pytest.raises(LagoUnreachable, match="no answer in time, 3 times"),
    ):
        attempt(server.url, tmp_path, timeout=0.1)


@contextmanager
def mute() -> Iterator[int]:
    """A port that accepts and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def hang_up() -> None:
            while not ended.is_set():
                connection, _ = listener.accept()
                connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield port
        finally:
            ended.set()
            socket.create_connection(("127.0.0.1", port)).close()
            thread.join()


def test_a_server_that_hangs_up(tmp_path: Path) -> None:
    with mute() as port, pytest.raises(LagoUnreachable, match="the connection broke, 3 times"):
        attempt(f"http://127.0.0.1:{port}", tmp_path)


def test_calls_that_never_succeed_cost_a_run_no_more_than_its_patience() -> None:
    """After that each is tried once more only, which is said once; what Lago answers is waited for as before."""
    clock, said, asked = Clock(), list[str](), list[str]()

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(500)

    with client(handler, clock, told=said.append, patience=LagoPatience(in_vain=60.0)) as lago:
        for number in range(20):
            with pytest.raises(LagoUnreachable):
                lago.get(f"/api/v1/invoices/{number}")
    tries = [asked.count(f"/api/v1/invoices/{number}") for number in range(20)]
    assert tries[0] == 7
    assert tries[-10:] == [2] * 10
    assert tries == sorted(tries, reverse=True)
    assert clock.now - 100 < 60 + 31.5 + 20 * 0.5
    (text,) = said
    assert "[lago] patience = 60" in text


def test_patience_with_what_comes_in_the_end_is_not_used_up() -> None:
    clock, said = Clock(), list[str]()
    many = [response for _ in range(20) for response in (*[httpx.Response(502)] * 6, OK)]
    with client(scripted(*many), clock, told=said.append, patience=LagoPatience(in_vain=60.0)) as lago:
        for _ in range(20):
            lago.get(PATH)
    assert said == []
