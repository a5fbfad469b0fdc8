"""Odoo's errors, told apart by Odoo's own error name, never by HTTP status (a wrong field name is a 500 there).

OdooError
├── OdooUnreachable       the call never left: connection refused, unknown host
├── OutcomeUnknown        the call left and no answer came: it may or may not have been committed; look
├── NotOdoo               something answered, but it is not Odoo's API
├── DatabaseMissing       the server knows no such database
├── Unauthorized          wrong user or key
├── AccessDenied          the user lacks a right
├── NoSuchMethod          unknown model or method: a module is missing, or another version
├── BadCall               unknown field, bad selection value, wrong arguments: our mapping does not fit this server
├── RecordMissing         the record is gone
├── Refused               Odoo's own rules say no: UserError, ValidationError, SQL constraint
└── Retryable             serialization failure, deadlock, lock: nothing was committed, do it again
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

from migrate.errors import OdooError

__all__ = ["OdooError"]


class OdooUnreachable(OdooError):
    """Nothing was sent."""


class OutcomeUnknown(OdooError):
    """It may or may not have been committed."""


class NotOdoo(OdooError):
    """The answer is not one of Odoo's API."""


class DatabaseMissing(OdooError):
    """The server knows no such database."""


class Unauthorized(OdooError):
    """Wrong user or key."""


class AccessDenied(OdooError):
    """The user lacks a right."""


class NoSuchMethod(OdooError):
    """Unknown model or method."""


class BadCall(OdooError):
    """A field, selection value or argument that this server does not know."""


class RecordMissing(OdooError):
    """The record is gone."""


class Refused(OdooError):
    """Odoo's own rules say no."""


class Retryable(OdooError):
    """Nothing was committed and the same call may succeed."""


# One place that knows Odoo's names; the first pattern that matches decides.
_BY_NAME: tuple[tuple[re.Pattern[str], type[OdooError]], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (
            r"SerializationFailure|DeadlockDetected|LockNotAvailable|^odoo\.exceptions\.(LockError|ConcurrencyError)$",
            Retryable,
        ),
        (r"(InterfaceError|AdminShutdown|PoolError|ServiceUnavailable)$", OutcomeUnknown),
        (r"(Unauthorized|AccessDenied|SessionExpiredException)$", Unauthorized),
        (r"AccessError$|Forbidden$", AccessDenied),
        (r"MissingError$", RecordMissing),
        (r"NotFound$|AttributeError$", NoSuchMethod),
        (r"(UserError|ValidationError|RedirectWarning|IntegrityError|Violation|CheckViolation)$", Refused),
        (r"(ValueError|TypeError|KeyError|UnprocessableEntity|BadRequest|InvalidDomain)$", BadCall),
    )
)

# ``load`` reports concurrent updates as ordinary messages and commits nothing (facts/odoo19 §2b).
_CONCURRENT = re.compile(
    r"could not serialize access|deadlock detected|could not obtain lock|concurrent update"
    r"|ir_model_data_module_name_uniq",  # another transaction of ours created the record: the next attempt finds it
    re.IGNORECASE,
)
_NO_MODEL = re.compile(r"Object \S+ doesn't exist")
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist', re.IGNORECASE)


def is_concurrent(message: str) -> bool:
    """Whether an error text means that another transaction was in the way."""
    return bool(_CONCURRENT.search(message))


def from_odoo(payload: Mapping[str, Any], what: str) -> OdooError:
    """The error for Odoo's ``{"name", "message", ...}``. ``debug`` (a traceback with values) is left behind."""
    name, message = str(payload.get("name") or ""), one_line(str(payload.get("message") or ""))
    text = f"{what}: {message or name}"
    if _NO_DATABASE.search(message):
        return DatabaseMissing(f"{text}: check odoo.database in the configuration")
    if is_concurrent(message):
        return Retryable(text)
    if _NO_MODEL.match(message):  # JSON-RPC has no name of its own for it
        return NoSuchMethod(text)
    kind = next((kind for pattern, kind in _BY_NAME if pattern.search(name)), None)
    if kind is Unauthorized:
        return Unauthorized(f"{what}: Odoo refused the user or key ({message}): check odoo.user and the key")
    return kind(text) if kind else OdooError(f"{text} [{name}]")


def one_line(text: str, limit: int = 400) -> str:
    """Odoo's messages span lines and hold markup; people get one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Masked:
    """Removes a secret from error texts, however it got there."""

    def __init__(self, *secrets: str | None) -> None:
        given = [s for s in secrets if s]
        # as a server may quote them back: plain, in JSON, in a URL
        written = {f for s in given for f in (s, json.dumps(s)[1:-1], quote(s), quote(s, safe=""), quote_plus(s))}
        self._secrets = sorted(written, key=len, reverse=True)

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "•••")
        return text

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever of ours is raised inside carries no secret, neither in its message nor in its cause."""
        try:
            yield
        except OdooError as error:
            raise type(error)(self.text(str(error))) from None
