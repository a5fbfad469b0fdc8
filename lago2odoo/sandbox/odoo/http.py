"""Real HTTP in front of the embedded Odoo: JSON-RPC as odoorpc speaks it, JSON-2, health and version."""

from __future__ import annotations

import hmac
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.exceptions import HTTPException, UnsupportedMediaType
from werkzeug.wrappers import Request, Response

from . import faults, methods
from .database import Database
from .orm import Env

PATH = re.compile(r"/json/2/(?P<model>[\w.]+)/(?P<method>\w+)")
NO_DATABASE = "<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>No database is selected.</p>"


class Application:
    """The WSGI application of one database."""

    def __init__(self, database: Database, name: str, user: str, key: str) -> None:
        self.database, self.name, self.user, self.key = database, name, user, key

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(dict(environ))
        try:
            response = self.dispatch(request)
        except HTTPException as error:
            response = Response(f"<h1>{error.name}</h1>\n<p>{error.description}</p>", error.code, mimetype="text/html")
        return response(dict(environ), start)

    def dispatch(self, request: Request) -> Response:
        if request.path == "/web/health":
            return _json({"status": "pass"})
        if request.path == "/json/version":
            return _json(self.database.schema.version)
        if path := PATH.fullmatch(request.path):
            return self.json2(request, path["model"], path["method"])
        handler = self._rpc_handlers().get(request.path)
        return self.rpc(request, handler) if handler else Response("<h1>Not Found</h1>", 404, mimetype="text/html")

    # ---- JSON-2

    def json2(self, request: Request, model: str, method: str) -> Response:
        if request.headers.get("X-Odoo-Database", self.name) != self.name:
            return Response(NO_DATABASE, 404, mimetype="text/html")
        try:
            return _json(self._json2(request, model, method))
        except faults.CallFault as fault:
            return _json(_error(fault), fault.status)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001  a server answers; the traceback goes to the log and to the client
            return _json(_error(_unexpected(error)), 500)

    def _json2(self, request: Request, model: str, method: str) -> Any:
        if request.method != "POST":
            raise faults.not_found("Did you mean POST /json/2/<model>/<method>?")
        if request.mimetype != "application/json":
            raise UnsupportedMediaType(
                "Request inferred type is compatible with 'http' but the route is of type 'json2'."
            )
        self._bearer(request.headers.get("Authorization", ""))
        body = _body(request)
        arguments = dict(body) if isinstance(body, dict) else {}
        ids, context = arguments.pop("ids", None), arguments.pop("context", None)

        def call(env: Env) -> Any:
            called, on_records = methods.find(env, model, method)
            if ids and not on_records:
                raise faults.unprocessable(f"cannot call {model}.{method} with ids")
            return methods.invoke(env, called, on_records, model, ids or [], (), arguments)

        answer = self.database.call(call, context or {})
        return [answer] if method == "create" and isinstance(answer, int) else answer

    def _bearer(self, header: str) -> None:
        if not header:
            text = "User not authenticated, use an API Key with a Bearer Authorization header."
            raise faults.CallFault("werkzeug.exceptions.Unauthorized", text, 401)
        scheme, _space, key = header.partition(" ")
        if scheme.lower() != "bearer" or not self._is_key(key):
            raise faults.CallFault("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401)

    def _is_key(self, key: object) -> bool:
        return isinstance(key, str) and hmac.compare_digest(key.strip().encode(), self.key.encode())

    # ---- JSON-RPC

    def _rpc_handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "/jsonrpc": self.service,
            "/web/webclient/version_info": lambda _params: self.version(),
            "/web/session/authenticate": self.session,
        }

    def rpc(self, request: Request, handler: Callable[[dict[str, Any]], Any]) -> Response:
        body = _body(request)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": body.get("id")}
        try:
            answer["result"] = handler(body.get("params") or {})
        except faults.CallFault as fault:
            answer["error"] = {"code": 0, "message": "Odoo Server Error", "data": _error(fault)}
        except Exception as error:  # noqa: BLE001  as above
            answer["error"] = {"code": 0, "message": "Odoo Server Error", "data": _error(_unexpected(error))}
        return _json(answer)

    def service(self, params: dict[str, Any]) -> Any:
        service, method, arguments = params.get("service"), params.get("method"), params.get("args") or []
        table = {"common": self.common, "object": self.execute, "db": self.db}
        if service not in table:
            raise faults.key_error(str(service))
        return table[service](str(method), arguments)

    def common(self, method: str, arguments: list[Any]) -> Any:
        if method == "version":
            return self.version()
        if method in ("login", "authenticate"):
            self._known_database(arguments[0])
            return self.database.uid if arguments[1] == self.user and self._is_key(arguments[2]) else False
        raise faults.CallFault("builtins.Exception", f"Method not found: {method}", 500)

    def db(self, method: str, _arguments: list[Any]) -> Any:
        answers: dict[str, Any] = {"list": [self.name], "server_version": self.database.schema.version["version"]}
        if method not in answers:
            raise faults.CallFault("builtins.Exception", f"Method not found: {method}", 500)
        return answers[method]

    def execute(self, service_method: str, arguments: list[Any]) -> Any:
        database, uid, key, model, method, *rest = arguments
        self._known_database(database)
        if uid != self.database.uid:
            raise faults.missing("res.users", [uid], uid)
        if not self._is_key(key):
            raise faults.CallFault("odoo.exceptions.AccessDenied", "Access Denied", 403)
        named = dict(rest[1]) if service_method == "execute_kw" and len(rest) > 1 else {}
        positional = list(rest[0]) if service_method == "execute_kw" else rest
        return self.database.call(
            lambda env: _positional(env, model, method, positional, named), named.pop("context", None) or {}
        )

    def session(self, params: dict[str, Any]) -> Any:
        self._known_database(params.get("db"))
        if params.get("login") != self.user or not self._is_key(params.get("password")):
            raise faults.CallFault("odoo.exceptions.AccessDenied", "Access Denied", 403)
        uid = self.database.uid
        context = {"lang": "en_US", "tz": False, "uid": uid}
        return {
            "uid": uid, "is_system": True, "is_admin": True, "user_context": context, "db": self.name,
            "username": self.user, **self.version(),
        }  # fmt: skip

    def _known_database(self, name: object) -> None:
        if name != self.name:
            raise faults.CallFault("psycopg2.OperationalError", f'FATAL:  database "{name}" does not exist\n', 500)

    def version(self) -> dict[str, Any]:
        version = self.database.schema.version
        return {
            "server_version": version["version"],
            "server_version_info": version["version_info"],
            "server_serie": version["version"],
            "protocol_version": 1,
        }


def _positional(env: Env, model: str, method: str, positional: list[Any], named: dict[str, Any]) -> Any:
    """A call with positional arguments: on records, the first one is the ids. JSON-RPC has its own error names."""
    if model not in env.schema.models:
        raise faults.user_error(f"Object {model} doesn't exist")
    try:
        method_found, on_records = methods.find(env, model, method)
    except faults.CallFault as fault:
        raise faults.attribute_error(fault.message) if fault.status == 404 else fault from None
    if on_records and not positional:
        raise faults.CallFault("builtins.IndexError", "list index out of range", 500)
    ids = positional.pop(0) if on_records else []
    try:
        answer = methods.invoke(
            env, method_found, on_records, model, [ids] if isinstance(ids, int) else ids, positional, named
        )
    except methods.WrongArguments as fault:
        raise faults.type_error(fault.message) from None
    return answer[0] if method == "create" and isinstance(positional[0] if positional else None, dict) else answer


def _body(request: Request) -> Any:
    try:
        return json.loads(request.get_data() or b"{}")
    except ValueError as error:
        text = f"could not parse the body as json: {error}"
        raise faults.CallFault("werkzeug.exceptions.BadRequest", text, 400) from None


def _unexpected(error: Exception) -> faults.CallFault:
    """A mistake of ours: named, logged, never swallowed."""
    logging.getLogger(__name__).exception("the embedded Odoo failed")
    fault = faults.CallFault(f"{type(error).__module__}.{type(error).__name__}", str(error), 500)
    fault.__cause__ = error
    return fault


def _error(fault: faults.CallFault) -> dict[str, Any]:
    return {
        "name": fault.name,
        "message": fault.spoken,
        "arguments": fault.arguments,
        "context": {},
        "debug": "".join(traceback.format_exception(fault)),  # a real server sends a traceback too: clients must cope
    }


def _json(payload: Any, status: int = 200) -> Response:
    return Response(json.dumps(payload, ensure_ascii=False), status, mimetype="application/json")
