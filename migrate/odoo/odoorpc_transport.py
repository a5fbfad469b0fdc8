"""JSON-RPC through odoorpc: every Odoo up to 21 speaks it, and so do people's habits."""

from __future__ import annotations

import http.client
import logging
import urllib.error
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import odoorpc
import odoorpc.error

from migrate.errors import ConfigError
from migrate.masking import Masked
from migrate.odoo.errors import NotOdoo, OdooError, OdooUnreachable, OutcomeUnknown, Unauthorized, from_odoo
from migrate.slow_answers import EndlessAnswer, open_steadily

# At DEBUG odoorpc writes whole calls, key included: its masking only knows an argument named "password".
logging.getLogger("odoorpc.rpc.jsonrpclib").setLevel(logging.INFO)


class OdooRpc:
    """``migrate.odoo.protocol.Odoo`` over ``/jsonrpc``."""

    def __init__(self, url: str, database: str, user: str, key: str, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.path.strip("/"):
            raise ConfigError("odoo.url has a path, which odoorpc cannot use: set odoo.transport to json2")
        if parts.username:
            raise ConfigError("odoo.url names a user, which odoorpc cannot send: set odoo.transport to json2")
        self._url = url
        self._masked = Masked(key, parts.password)
        with self._masked.errors():
            way = {"timeout": timeout, "version": None, "opener": open_steadily(timeout)}
            self._odoo = self._attempt("connect", odoorpc.ODOO, *_address(parts), **way)
            self._attempt("login", self._odoo.login, database, user, key)

    @property
    def server_version(self) -> str:
        return str(self._odoo.version)

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        positional: list[Any] = [] if ids is None else [list(ids)]
        if method == "create":  # the server looks at the first positional argument to choose the answer's shape
            positional = [arguments.pop("vals_list")]
        with self._masked.errors():
            return self._attempt(f"{model}.{method}", self._odoo.execute_kw, model, method, positional, arguments)

    def close(self) -> None:
        self._odoo.logout()

    def _attempt(self, what: str, function: Any, /, *arguments: object, **named: object) -> Any:
        try:
            return function(*arguments, **named)
        except odoorpc.error.RPCError as error:
            raise self._refused(error, what) from None
        except urllib.error.HTTPError as error:
            raise self._status(error, what) from None
        except urllib.error.URLError as error:
            raise self._broken(error.reason, what) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error, what) from None
        except ValueError as error:  # an empty or cut answer: the worker died
            raise OutcomeUnknown(f"{what}: no usable answer ({error})") from None
        except (AttributeError, KeyError, TypeError) as error:  # JSON that is no answer: odoorpc reads on in null
            raise OutcomeUnknown(f"{what}: no usable answer ({type(error).__name__})") from None

    @staticmethod
    def _refused(error: Any, what: str) -> OdooError:
        info = error.info if isinstance(error.info, dict) else {}
        data = info.get("data")
        if isinstance(data, dict) and data.get("name"):
            return from_odoo(data, what)
        if what == "login":
            return Unauthorized("Odoo refused the user or key: check odoo.user and the key")
        return OdooError(f"{what}: {error}")

    def _status(self, error: urllib.error.HTTPError, what: str) -> OdooError:
        if error.code in (502, 503, 504):
            return OutcomeUnknown(f"{what}: HTTP {error.code} without an answer")
        return NotOdoo(f"{what}: HTTP {error.code} from {self._url}, which is not Odoo's: check odoo.url")

    def _broken(self, reason: Any, what: str) -> OdooError:
        if isinstance(reason, EndlessAnswer):
            return NotOdoo(f"{what}: {reason}")
        never_sent = isinstance(reason, ConnectionRefusedError) or "Name or service" in str(reason)
        if never_sent or what in ("connect", "login"):
            return OdooUnreachable(f"no Odoo at {self._url}: {reason}")
        return OutcomeUnknown(f"{what}: no answer ({type(reason).__name__}: {reason})")


def _address(parts: SplitResult) -> tuple[str, str, int]:
    secure = parts.scheme == "https"
    return parts.hostname or "", "jsonrpc+ssl" if secure else "jsonrpc", parts.port or (443 if secure else 80)
