"""JSON-2, Odoo's own way since 19: named arguments, a bearer key, errors with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from migrate.masking import Masked
from migrate.odoo.errors import DatabaseMissing, NotOdoo, OdooError, OdooUnreachable, OutcomeUnknown, from_odoo
from migrate.slow_answers import EndlessAnswer, refuse_drips


class Json2:
    """``migrate.odoo.protocol.Odoo`` over ``POST /json/2/<model>/<method>``."""

    def __init__(self, url: str, database: str, key: str, timeout: float) -> None:
        self._masked = Masked(key, urlsplit(url).password)
        self._database = database
        client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"bearer {key}", "X-Odoo-Database": database},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10)),
        )
        self._client = refuse_drips(client, timeout)
        self._version: str | None = None
        try:
            # Proves database and key at once, and that the user may read something.
            self.call("res.users", "context_get")
        except OdooError:
            self.close()
            raise

    @property
    def server_version(self) -> str:
        if self._version is None:
            with self._masked.errors():
                answer = self._send("GET", "/json/version", None, "version")
                if not isinstance(answer, dict) or "version" not in answer:
                    raise OutcomeUnknown("version: the answer names none")
                self._version = str(answer["version"])
        return self._version

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        body = arguments if ids is None else {"ids": list(ids), **arguments}
        with self._masked.errors():
            return self._send("POST", f"/json/2/{model}/{method}", body, f"{model}.{method}")

    def close(self) -> None:
        self._client.close()

    def _send(self, verb: str, path: str, body: Any, what: str) -> Any:
        try:
            response = self._client.request(verb, path, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise OdooUnreachable(f"no Odoo at {self._client.base_url}: {error}") from error
        except EndlessAnswer as error:
            raise NotOdoo(f"{what}: {error}") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise OutcomeUnknown(f"{what}: no answer ({type(error).__name__}: {error})") from error
        return self._answer(response, what)

    def _answer(self, response: httpx.Response, what: str) -> Any:
        try:
            payload = response.json()
        except ValueError:
            raise self._not_json(response, what) from None
        if response.is_success:
            return payload
        if isinstance(payload, dict) and "name" in payload:
            raise from_odoo(payload, what)
        raise NotOdoo(f"{what}: HTTP {response.status_code} that is not Odoo's from {self._client.base_url}")

    def _not_json(self, response: httpx.Response, what: str) -> OdooError:
        """A page: a proxy's 502 while the server restarts, Odoo's 404 without a database, or not Odoo at all."""
        if response.is_success or response.status_code in (502, 503, 504):
            return OutcomeUnknown(f"{what}: HTTP {response.status_code} without an answer")
        if response.status_code == 404:
            return DatabaseMissing(
                f"{what}: {self._client.base_url} has no database {self._database!r}, or is no Odoo 19: "
                "check odoo.url and odoo.database in the configuration"
            )
        return NotOdoo(f"{what}: HTTP {response.status_code} that is not Odoo's from {self._client.base_url}")
