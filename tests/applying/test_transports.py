"""Both transports against a server that answers what Odoo, proxies and strangers answer; errors go by Odoo's names."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from migrate.errors import ConfigError, OdooError
from migrate.odoo import errors
from migrate.odoo.connect import OdooSettings, connect

KEY = "0123456789abcdef0123456789abcdef01234567"
both = pytest.mark.parametrize("transport", ["json2", "odoorpc"])


class Script:
    """What the server answers to the next call after the login: an Odoo error, a status with a body, or silence."""

    def __init__(self) -> None:
        self.error: dict[str, Any] | None = None
        self.raw: tuple[int, str] | None = None
        self.hang_up = False
        self.delay: threading.Event | None = None
        self.bodies: list[Any] = []


def handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, json.dumps({"version": "19.0", "version_info": [19, 0]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
            script.bodies.append((self.path, body, dict(self.headers)))
            login = _is_login(self.path, body)
            if not login and script.delay:
                script.delay.wait(5)
            if not login and script.hang_up:
                self.close_connection = True
                self.connection.close()
            elif not login and script.raw:
                self._answer(*script.raw)
            else:
                self._odoo(login)

        def _odoo(self, login: Any) -> None:
            rpc = self.path == "/jsonrpc" or "version_info" in self.path
            if login is None and script.error:
                failed = {"error": {"code": 0, "message": "Odoo Server Error", "data": script.error}}
                self._answer(200, json.dumps(failed)) if rpc else self._answer(500, json.dumps(script.error))
                return
            result = login if login is not None else [7]
            self._answer(200, json.dumps({"result": result} if rpc else result))

        def _answer(self, status: int, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if body.startswith(("{", "[")) else "text/html")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler


def _is_login(path: str, body: Any) -> Any:
    """The answer to one of the calls that make up the login, else None."""
    if "version_info" in path:
        return {"server_version": "19.0"}
    if path.endswith("/context_get"):
        return {"uid": 2}
    params = body.get("params", {})
    if params.get("service") == "common":
        return 2
    return {"lang": "en_US"} if "context_get" in params.get("args", []) else None


@pytest.fixture
def script() -> Script:
    return Script()


Opener = Callable[..., Any]


@pytest.fixture
def opened(script: Script) -> Iterator[Opener]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(script))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made = []

    def make(transport: str, timeout: int = 5, key: str = KEY) -> Any:
        url = f"http://127.0.0.1:{server.server_port}"
        settings = OdooSettings(url=url, database="db", user="admin", key=key, transport=transport, timeout=timeout)
        made.append(connect(settings))
        return made[-1]

    yield make
    for connection in made:
        connection.close()
    server.shutdown()
    thread.join()
    server.server_close()


NAMES: list[tuple[str, str, type[OdooError]]] = [
    ("odoo.exceptions.AccessError", "no right", errors.AccessDenied),
    ("odoo.exceptions.MissingError", "gone", errors.RecordMissing),
    ("odoo.exceptions.UserError", "no", errors.OdooRefused),
    ("odoo.exceptions.ValidationError", "no", errors.OdooRefused),
    ("psycopg2.errors.UniqueViolation", "twice", errors.OdooRefused),
    ("psycopg2.errors.SerializationFailure", "could not serialize access", errors.Retryable),
    ("psycopg2.errors.DeadlockDetected", "deadlock detected", errors.Retryable),
    ("odoo.exceptions.ValidationError", 'duplicate key ... "ir_model_data_module_name_uniq_index"', errors.Retryable),
    ("werkzeug.exceptions.NotFound", "the model does not exist", errors.NoSuchMethod),
    ("builtins.AttributeError", "The method 'a.b' does not exist", errors.NoSuchMethod),
    ("builtins.AttributeError", "'NoneType' object has no attribute 'items'", errors.BadCall),
    ("odoo.exceptions.UserError", "Object res.nope doesn't exist", errors.NoSuchMethod),
    ("builtins.ValueError", "Invalid field 'x'", errors.BadCall),
    ("werkzeug.exceptions.UnprocessableEntity", "missing a required argument", errors.BadCall),
    ("werkzeug.exceptions.Unauthorized", "Invalid apikey", errors.Unauthorized),
    ("odoo.exceptions.AccessDenied", "Access Denied", errors.Unauthorized),
    ("psycopg2.InterfaceError", "connection already closed", errors.OutcomeUnknown),
    ("psycopg2.OperationalError", 'FATAL: database "db" does not exist', errors.DatabaseMissing),
    ("builtins.ZeroDivisionError", "division by zero", OdooError),
]


@both
@pytest.mark.parametrize(("name", "message", "kind"), NAMES)
def test_errors_go_by_their_names(
    script: Script, opened: Opener, transport: str, name: str, message: str, kind: type[OdooError]
) -> None:
    debug = f"Traceback ... password={KEY}"
    script.error = {"name": name, "message": f"{message}\n for {KEY}", "arguments": [], "context": {}, "debug": debug}
    with pytest.raises(OdooError) as caught:
        opened(transport).call("res.partner", "write", [1], vals={"name": "x"})
    assert type(caught.value) is kind
    text = str(caught.value)
    assert KEY not in text
    assert "Traceback" not in text
    assert "\n" not in text
    assert caught.value.__cause__ is None


@both
@pytest.mark.parametrize(("status", "body"), [(502, "<h1>Bad Gateway</h1>"), (504, "<h1>Timeout</h1>"), (200, "")])
def test_an_answer_without_content_leaves_the_outcome_unknown(
    script: Script, opened: Opener, transport: str, status: int, body: str
) -> None:
    connection = opened(transport)
    script.raw = (status, body)
    with pytest.raises(errors.OutcomeUnknown):
        connection.call("res.partner", "write", [1], vals={})


@both
def test_a_broken_line_leaves_the_outcome_unknown(script: Script, opened: Opener, transport: str) -> None:
    connection = opened(transport)
    script.hang_up = True
    with pytest.raises(errors.OutcomeUnknown):
        connection.call("res.partner", "write", [1], vals={})


@both
def test_a_timeout_leaves_the_outcome_unknown(script: Script, opened: Opener, transport: str) -> None:
    connection = opened(transport, timeout=1)
    script.delay = threading.Event()
    with pytest.raises(errors.OutcomeUnknown):
        connection.call("res.partner", "write", [1], vals={})
    script.delay.set()


@both
def test_a_page_that_is_not_odoos_is_named(script: Script, opened: Opener, transport: str) -> None:
    connection = opened(transport)
    script.raw = (403, "<h1>Forbidden by the proxy</h1>")
    with pytest.raises(errors.NotOdoo, match="403"):
        connection.call("res.partner", "write", [1], vals={})


def test_json2_sends_named_arguments_the_key_and_the_database(script: Script, opened: Opener) -> None:
    opened("json2").call("res.partner", "write", [1, 2], vals={"name": "x"}, context={"lang": "en_US"})
    path, body, headers = script.bodies[-1]
    assert path == "/json/2/res.partner/write"
    assert body == {"ids": [1, 2], "vals": {"name": "x"}, "context": {"lang": "en_US"}}
    assert (headers["Authorization"], headers["X-Odoo-Database"]) == (f"bearer {KEY}", "db")


def test_odoorpc_sends_ids_first_and_create_by_position(script: Script, opened: Opener) -> None:
    connection = opened("odoorpc")
    connection.call("res.partner", "write", [1], vals={"name": "x"})
    assert script.bodies[-1][1]["params"]["args"][3:] == ["res.partner", "write", [[1]], {"vals": {"name": "x"}}]
    connection.call("res.partner", "create", vals_list=[{"name": "x"}], context={})
    assert script.bodies[-1][1]["params"]["args"][4:] == ["create", [[{"name": "x"}]], {"context": {}}]
    assert connection.server_version == "19.0"


@both
def test_the_key_is_in_no_log_however_talkative(
    opened: Opener, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        opened(transport).call("res.partner", "write", [1], vals={})
    assert KEY not in caplog.text


@both
@pytest.mark.parametrize("secret", [KEY, 'a "quoted" key', "key/with+signs & more"])
def test_a_key_that_odoo_quotes_back_is_masked(script: Script, opened: Opener, transport: str, secret: str) -> None:
    """However it is written: plain, in JSON, in an address. Neither message nor chain of causes shows it."""
    connection = opened(transport, key=secret)
    for form in (secret, json.dumps(secret), quote(secret), quote_plus(secret)):
        text = f"bad token {form} given"
        script.error = {"name": "odoo.exceptions.UserError", "message": text, "debug": f"Traceback {secret}"}
        with pytest.raises(errors.OdooRefused) as caught:
            connection.call("res.partner", "write", [1], vals={})
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert not any(form in shown for form in (secret, json.dumps(secret)[1:-1], quote(secret), quote_plus(secret)))


def test_a_password_in_the_address_is_not_shown() -> None:
    for url in ("http://me:hush@127.0.0.1:1", "ftp://me:hush@example.com", "me:hush@example.com"):
        with pytest.raises((ConfigError, errors.OdooUnreachable)) as caught:
            connect(OdooSettings(url=url, database="db", user="a", key=KEY))
        assert "hush" not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ConfigError, match="names a user"):
        connect(OdooSettings(url="http://me:hush@x.com", database="db", user="a", key=KEY, transport="odoorpc"))


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(OdooSettings(url="http://x", database="db", user="a", key=KEY))


@pytest.mark.parametrize(
    ("url", "transport", "message"),
    [
        ("odoo.example.com", "json2", "is not an address"),
        ("ftp://odoo.example.com", "json2", "is not an address"),
        ("http://odoo.example.com/erp", "odoorpc", "has a path"),
        ("http://odoo.example.com", "soap", "json2 or odoorpc"),
    ],
)
def test_settings_that_cannot_work_say_why(url: str, transport: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        connect(OdooSettings(url=url, database="db", user="a", key=KEY, transport=transport))
