"""Lago's REST API over HTTP: pooled, within a rate limit, patient with what passes and plain about what does not.

Retried: 429 (after the time Lago names), 5xx, timeouts, answers that drip, broken or cut off; with exponential
backoff and jitter. Retried twice: a success that is no JSON object. Not retried: any other 4xx, redirections, answers
without end. The API key stands in the Authorization header only: no message here is made from a request, and where a
server quotes it back it is masked.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from migrate.errors import ConfigError, LagoRefused, LagoUnreachable
from migrate.lago.clock import moment_of
from migrate.lago.source import Answer, LagoRefusal, Query
from migrate.masking import Masked
from migrate.rawjson import members
from migrate.slow_answers import EndlessAnswer, SlowAnswer, refuse_drips

_ADVICE = {
    401: "the API key is missing, unknown or expired; check the key and that it belongs to this Lago",
    403: "the API key lacks this permission, or the feature needs a premium licence",
}
_NOT_LAGO = "this is not Lago's API; check the base URL (for example https://api.getlago.com, without /api/v1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What is asked of Lago. ``place``: its name and the path; ``body``: to be put there, None: it is got."""

    place: str
    path: str
    query: Query = ()
    body: object = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "PUT"

    def __str__(self) -> str:
        return f"{self.method} {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LagoPatience:
    """How often and how long a call is tried again. Seconds."""

    retries: int = 6  # after 5xx, timeouts and broken answers
    first_wait: float = 0.5
    longest_wait: float = 30.0
    rate_limited: int = 20  # times 429 is waited out
    foreign: int = 2  # after a success that is no answer of Lago's: a page, null, a list, nothing
    in_vain: float = 120.0  # for calls of the whole run that were given up; after that each is tried once more


@dataclass
class Counters:
    """What the run cost, for the report."""

    requests: int = 0
    retried: int = 0
    rate_limited: int = 0


@dataclass
class _InVain:
    """How long the run has waited for calls that came to nothing: what Lago never gives must not cost hours."""

    most: float
    told: Callable[[str], object]
    _seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_enough(self) -> bool:
        return self._seconds >= self.most

    def add(self, seconds: float) -> None:
        """Said once, when it becomes enough."""
        with self._lock:
            before, self._seconds = self._seconds, self._seconds + seconds
        if before < self.most <= before + seconds:
            self.told(
                f"note: {before + seconds:,.0f} seconds were spent on calls that Lago did not answer "
                f"([lago] patience = {self.most:g}): from now on a call that fails is tried once more, and no longer"
            )


@dataclass
class _Pace:
    """Spreads requests over time, for all threads together."""

    per_second: float | None
    monotonic: Callable[[], float]
    sleep: Callable[[float], object]
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        with self._lock:
            now = self.monotonic()
            start = max(now, self._next)
            self._next = start + (1 / self.per_second if self.per_second else 0.0)
        if start > now:
            self.sleep(start - now)

    def hold(self, seconds: float) -> None:
        """Nobody asks again before this: Lago's limit is shared by all keys of an organization."""
        with self._lock:
            self._next = max(self._next, self.monotonic() + seconds)


class ForeignAnswer(LagoRefused):
    """A success that is no answer of Lago's: a proxy's page may come once, and is gone when asked again."""


class LagoClient:
    """``get`` from one Lago. Threads may share it; use as a context manager, or call ``close``."""

    has_clock = True

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        requests_per_second: float | None = 40.0,  # Lago's cloud allows 50
        connections: int = 4,
        timeout: float = 30.0,
        patience: LagoPatience | None = None,
        transport: httpx.BaseTransport | None = None,
        told: Callable[[str], object] = lambda text: None,
        sleep: Callable[[float], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = _base(url)
        self._masked = Masked(api_key)
        self.connections = connections
        self.counters = Counters()
        self._patience = patience or LagoPatience()
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._pace = _Pace(requests_per_second, monotonic, self._sleep)
        self._in_vain = _InVain(self._patience.in_vain, told)
        self._random = random.Random()  # noqa: S311  (jitter, no secret)
        self._count = threading.Lock()
        http = httpx.Client(
            base_url=self.name,
            headers={"Authorization": f"Bearer {_checked(api_key)}", "Accept": "application/json"},
            timeout=timeout,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            transport=transport,
        )
        self._http = refuse_drips(http, timeout)

    def close(self) -> None:
        """Also wakes the threads that wait: they end instead of asking again."""
        self._closed.set()
        self._http.close()

    def __enter__(self) -> LagoClient:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def get(self, path: str, query: Query = ()) -> Answer:
        """Members of the JSON object at ``path``, with their text. Raises LagoRefusal, LagoRefused, LagoUnreachable."""
        with self._masked.errors():
            return self._asked(path, query)[0]

    def _asked(self, path: str, query: Query, body: object = None) -> tuple[Answer, httpx.Response]:
        """The answer, and the response that it came in. ``body``: to be put there; None: it is got."""
        call = _Call(place=f"{self.name}{path}", path=path, query=query, body=body)
        failures = limited = foreign = 0
        begun = self._pace.monotonic()
        while True:
            self._pace.wait()
            if self._closed.is_set():
                raise LagoUnreachable(f"{call}: given up, the connection was closed here")
            self._add("requests")
            problem, response = self._try(call)
            if response is not None and response.status_code == 429:
                limited += 1
                self._wait_out_limit(call, response, limited)
                continue
            try:
                answer = self._answer(call, response) if response is not None and not problem else None
            except ForeignAnswer:
                foreign += 1
                if foreign > self._patience.foreign:
                    raise
                answer = None
            if answer is not None and response is not None:
                return answer, response
            failures += 1
            self._back_off(call, problem or _not_text(response) or "an answer that breaks off", failures, begun)

    def clock(self) -> str:
        """The time in the server's ``Date`` header, asked for as patiently as anything; ours where it sends none.

        Raises LagoRefused for a header that is no time.
        """
        with self._masked.errors():
            try:
                response: httpx.Response | None = self._asked("/health", ())[1]
            except LagoRefusal:  # a no of Lago's has the time as well
                _, response = self._try(_Call(place=f"{self.name}/health", path="/health"))
        date = response.headers.get("date") if response is not None else None
        return (moment_of(date, self.name) if date else datetime.now(UTC)).isoformat()

    def _try(self, call: _Call) -> tuple[str, httpx.Response | None]:
        """(why it is worth another try, the response)."""
        try:
            response = self._http.request(call.method, call.path, params=list(call.query), json=call.body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise LagoRefused(f"Lago's URL {self.name} cannot be used; write it like https://api.getlago.com") from None
        except EndlessAnswer as error:
            raise LagoRefused(f"{call}: {error}; the same command resumes") from None
        except httpx.RequestError as error:
            return _told(error), None
        if response.status_code >= 500:
            return f"status {response.status_code}", response
        return "", response

    def _answer(self, call: _Call, response: httpx.Response) -> Answer | None:
        """The answer's members; None if it breaks off. Raises LagoRefused for a no, or an answer that is not Lago's."""
        if response.is_redirect:
            target = urlsplit(response.headers.get("location", ""))
            host = target.netloc.rpartition("@")[2]  # what stands before it may be a password
            where = f"{target.scheme}://{host}" if host else "another page"
            raise LagoRefused(f"{call} is redirected to {where}: {_NOT_LAGO}")
        text = _text(response)
        if text is None:
            return None
        try:
            answer = members(text)
        except ValueError:
            if text.lstrip()[:1] == "{":
                return None
            kind = response.headers.get("content-type", "no content type").split(";")[0]
            refusal = ForeignAnswer if response.is_success else LagoRefused
            raise refusal(f"{call} answers {response.status_code} {kind}: {_NOT_LAGO}") from None
        if response.is_success:
            return answer
        code = answer["code"].value if "code" in answer else ""
        advice = _ADVICE.get(response.status_code, "")
        if response.status_code == 422 and "error_details" in answer:
            advice = answer["error_details"].text
        raise LagoRefusal(call.place, response.status_code, str(code), advice, method=call.method)

    def _wait_out_limit(self, call: _Call, response: httpx.Response, times: int) -> None:
        self._add("rate_limited")
        if times > self._patience.rate_limited:
            raise LagoUnreachable(f"{call}: rate limited {times} times in a row", "lower lago.requests_per_second")
        self._pace.hold(_reset(response, self._patience) + self._random.uniform(0, 0.1))

    def _back_off(self, call: _Call, problem: str, failures: int, begun: float) -> None:
        """Wait before the next try. Raises LagoUnreachable where there is none; ``begun``: when the first was made."""
        if failures > (min(1, self._patience.retries) if self._in_vain.is_enough else self._patience.retries):
            self._in_vain.add(self._pace.monotonic() - begun)
            raise LagoUnreachable(
                f"{call}: {problem}, {failures} times",
                "check that Lago runs and can be reached, then run the same command again: it resumes",
            )
        self._add("retried")
        longest = min(self._patience.longest_wait, self._patience.first_wait * 2 ** (failures - 1))
        self._sleep(longest * self._random.uniform(0.5, 1.0))

    def _add(self, counter: str) -> None:
        with self._count:
            setattr(self.counters, counter, getattr(self.counters, counter) + 1)


def _text(response: httpx.Response) -> str | None:
    """JSON is UTF-8; a byte that is not would become a sign that Lago never wrote. None if there is one."""
    try:
        return response.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _not_text(response: httpx.Response | None) -> str:
    """Which byte of an answer is no text; empty if all are."""
    try:
        (response.content if response is not None else b"").decode()
    except UnicodeDecodeError as error:
        before = error.object[max(0, error.start - 40) : error.start].decode("utf-8", "replace")
        return f"byte {error.start + 1} of the answer, 0x{error.object[error.start]:02X} after {before!r}, is no UTF-8"
    return ""


def _base(url: str) -> str:
    """Without /api/v1 and a slash at the end: people paste both."""
    base = url.strip().rstrip("/").removesuffix("/api/v1")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ConfigError("lago.url must look like https://api.getlago.com, without user, password or query")
    return base


def _checked(api_key: str) -> str:
    """The client library would quote a header it cannot send, key and all; so it never gets one."""
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ConfigError("the Lago API key is empty or holds spaces or characters that no key has")
    return api_key


def _reset(response: httpx.Response, patience: LagoPatience) -> float:
    """Seconds to wait after a 429: what Lago's header says, within reason. A moment is held against its own clock."""
    named = response.headers.get("x-ratelimit-reset") or response.headers.get("retry-after") or ""
    try:
        seconds = float(named)
        seconds = 1.0 if math.isnan(seconds) else seconds
    except ValueError:
        seconds = _seconds_until(named, response.headers.get("date") or "")
    return min(max(seconds, 0.0), 2 * patience.longest_wait)


def _seconds_until(named: str, now: str) -> float:
    """From one moment of HTTP's to another; a second where ``named`` is none."""
    try:
        moment = parsedate_to_datetime(named).astimezone(UTC)
    except ValueError:
        return 1.0
    try:
        begun = parsedate_to_datetime(now).astimezone(UTC)
    except ValueError:
        begun = datetime.now(UTC)
    return (moment - begun).total_seconds()


def _told(error: httpx.RequestError) -> str:
    if isinstance(error, SlowAnswer):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ConnectError):
        return "no connection"
    return "the connection broke"
