"""The wire itself: addresses, statuses, error bodies, JSON-RPC's envelope."""

# ruff: noqa: E501 - tables of cases read better one a line
from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.fixture
def post(place: Any) -> Any:
    def send(path: str, body: Any, **headers: str) -> httpx.Response:
        own = {
            "Authorization": f"bearer {place.key}",
            "X-Odoo-Database": place.database,
            "Content-Type": "application/json",
        }
        content = body if isinstance(body, bytes) else None
        return httpx.post(
            place.url + path, content=content, json=None if content else body, headers=own | headers, timeout=120
        )

    return send


@pytest.fixture
def rpc(place: Any) -> Any:
    def send(service: str, method: str, *arguments: Any) -> Any:
        params = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "id": 7, "params": params}
        answer = httpx.post(place.url + "/jsonrpc", json=body, timeout=120).json()
        assert answer["id"] == 7
        return answer

    return send


@pytest.fixture
def execute(rpc: Any, place: Any) -> Any:
    return lambda model, method, *rest: rpc("object", "execute_kw", place.database, 2, place.key, model, method, *rest)


def failure(answer: Any) -> tuple[str, str]:
    assert answer["error"]["message"] == "Odoo Server Error"
    return answer["error"]["data"]["name"], answer["error"]["data"]["message"]


def test_health_and_version(place: Any) -> None:
    assert httpx.get(place.url + "/web/health").json() == {"status": "pass"}
    found = httpx.get(place.url + "/json/version").json()
    assert found["version"].startswith("19.") and found["version_info"][0] == 19


JSON2_REFUSALS = [
    ("create", {"vals_list": [{"name": "a", "foo": 1}]}, 500, "builtins.ValueError", "Invalid field 'foo' in 'res.partner'"),
    ("create", {"vals_list": [{"name": "a", "type": "zz"}]}, 500, "builtins.ValueError", "Wrong value for res.partner.type: 'zz'"),
    ("create", {"vals_list": [{"name": "a", "color": "xx"}]}, 500, "builtins.ValueError", "invalid literal for int() with base 10: 'xx'"),
    ("create", {"vals_list": [{"name": "a", "partner_latitude": "x"}]}, 500, "builtins.ValueError", "could not convert string to float: 'x'"),
    ("create", {"vals_list": [{"email": "x"}]}, 422, "odoo.exceptions.ValidationError", "The operation cannot be completed: Contacts require a name"),
    ("create", {}, 422, "werkzeug.exceptions.UnprocessableEntity", "missing a required argument: 'vals_list'"),
    ("create", {"vals_list": [], "foo": 1}, 422, "werkzeug.exceptions.UnprocessableEntity", "got an unexpected keyword argument 'foo'"),
    ("write", {"ids": [1], "vals": {"foo": "x"}}, 500, "builtins.KeyError", "foo"),
    ("read", {"ids": [1], "fields": ["foo"]}, 500, "builtins.ValueError", "Invalid field 'foo' on 'res.partner'"),
    ("search", {"domain": [["foo", "=", 1]]}, 500, "builtins.ValueError", "Invalid field res.partner.foo in condition ('foo', '=', 1)"),
    ("search", {"domain": [["name", "~~", 1]]}, 500, "builtins.ValueError", "Invalid operator in condition ('name', '~~', 1)"),
    ("search", {"domain": ["x"]}, 500, "builtins.ValueError", "Domain() invalid item in domain: 'x'"),
    ("search", {"domain": [], "order": "foo"}, 500, "builtins.ValueError", "Invalid field 'foo' on model 'res.partner'"),
    ("search", {"ids": [1], "domain": []}, 422, "werkzeug.exceptions.UnprocessableEntity", "cannot call res.partner.search with ids"),
    ("load", {"fields": ["foo"], "data": [["x"]]}, 500, "builtins.ValueError", "Invalid field name 'foo'"),
    ("load", {"fields": ["name", "is_company"], "data": [["x", True]]}, 500, "builtins.AttributeError", "'bool' object has no attribute 'lower'"),
    ("no_such_method", {"ids": [1]}, 404, "werkzeug.exceptions.NotFound", "The method 'res.partner.no_such_method' does not exist"),
    ("_private", {"ids": [1]}, 403, "odoo.exceptions.AccessError", "Private methods (such as 'res.partner._private') cannot be called remotely."),
]  # fmt: skip


@pytest.mark.parametrize(("method", "body", "status", "name", "message"), JSON2_REFUSALS)
def test_json2_refusals(post: Any, method: str, body: Any, status: int, name: str, message: str) -> None:
    answer = post(f"/json/2/res.partner/{method}", body)
    found = answer.json()
    assert (answer.status_code, found["name"], found["message"]) == (status, name, message)
    assert found["arguments"][0] == message
    assert "Traceback" in found["debug"]


def test_json2_missing_records(post: Any) -> None:
    for method, more in (("write", {"vals": {"name": "x"}}), ("unlink", {})):
        answer = post(f"/json/2/res.partner/{method}", {"ids": [999_999_999], **more})
        assert (answer.status_code, answer.json()["name"]) == (404, "odoo.exceptions.MissingError")
        assert (
            answer.json()["message"]
            == "Record does not exist or has been deleted.\n(Record: res.partner(999999999,), User: 2)"
        )
    assert post("/json/2/res.partner/read", {"ids": [999_999_999], "fields": ["name"]}).json() == []


def test_json2_unknown_model(post: Any) -> None:
    answer = post("/json/2/no.such.model/read", {"ids": [1]})
    assert (answer.status_code, answer.json()["message"]) == (404, "the model 'no.such.model' does not exist")


def test_json2_keys_and_databases(post: Any) -> None:
    wrong = post("/json/2/res.partner/search", {"domain": []}, Authorization="bearer nonsense")
    assert (wrong.status_code, wrong.json()["name"], wrong.json()["message"]) == (
        401,
        "werkzeug.exceptions.Unauthorized",
        "Invalid apikey",
    )
    assert post("/json/2/res.partner/search", {"domain": []}, Authorization="").status_code == 401
    lost = post("/json/2/res.partner/search", {"domain": []}, **{"X-Odoo-Database": "no_such_database"})
    assert lost.status_code == 404 and lost.headers["Content-Type"].startswith("text/html")


def test_json2_bodies(post: Any, place: Any) -> None:
    broken = post("/json/2/res.partner/search", b"{bad")
    assert (broken.status_code, broken.json()["name"]) == (400, "werkzeug.exceptions.BadRequest")
    assert post("/json/2/res.partner/search", b"{}", **{"Content-Type": "text/plain"}).status_code == 415
    headers = {"Authorization": f"bearer {place.key}", "X-Odoo-Database": place.database}
    got = httpx.get(place.url + "/json/2/res.partner/search", headers=headers)
    assert (got.status_code, got.json()["message"]) == (404, "Did you mean POST /json/2/<model>/<method>?")


def test_json2_create_always_answers_a_list(post: Any, word: str) -> None:
    assert isinstance(post("/json/2/res.partner/create", {"vals_list": {"name": word}}).json(), list)


def test_jsonrpc_login(rpc: Any, place: Any) -> None:
    assert rpc("common", "version")["result"]["server_version_info"][0] == 19
    assert rpc("common", "login", place.database, place.user, place.key)["result"] == 2
    assert rpc("common", "login", place.database, place.user, "nonsense")["result"] is False
    name, message = failure(rpc("common", "login", "no_such_database", place.user, place.key))
    assert name == "psycopg2.OperationalError" and 'database "no_such_database" does not exist' in message
    assert place.database in rpc("db", "list")["result"]


def test_jsonrpc_wrong_key(rpc: Any, place: Any) -> None:
    answer = rpc("object", "execute_kw", place.database, 2, "nonsense", "res.partner", "search", [[]])
    assert failure(answer) == ("odoo.exceptions.AccessDenied", "Access Denied")


def test_jsonrpc_names_its_errors(execute: Any) -> None:
    assert failure(execute("no.such.model", "search", [[]])) == (
        "odoo.exceptions.UserError",
        "Object no.such.model doesn't exist",
    )
    assert failure(execute("res.partner", "foo", [[]])) == (
        "builtins.AttributeError",
        "The method 'res.partner.foo' does not exist",
    )
    assert failure(execute("res.partner", "_foo", [[]]))[0] == "odoo.exceptions.AccessError"
    assert failure(execute("res.partner", "create", []))[0] == "builtins.TypeError"
    assert failure(execute("res.partner", "write", [[999_999_999], {"name": "x"}]))[0] == "odoo.exceptions.MissingError"
    assert failure(execute("res.partner", "create", [{"name": "x", "foo": 1}])) == (
        "builtins.ValueError",
        "Invalid field 'foo' in 'res.partner'",
    )


def test_jsonrpc_create_answers_as_asked(execute: Any, word: str) -> None:
    assert isinstance(execute("res.partner", "create", [{"name": word}])["result"], int)
    assert isinstance(execute("res.partner", "create", [[{"name": word}]])["result"], list)


def test_jsonrpc_reads_a_single_id(execute: Any) -> None:
    assert execute("res.partner", "read", [1, ["name"]])["result"][0]["id"] == 1
