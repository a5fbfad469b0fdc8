"""Odoo's errors, told apart by Odoo's own error name, never by HTTP status (a wrong field name is a 500 there).

OdooError
├── OdooUnreachable       the call never left: connection refused, unknown host
├── OutcomeUnknown        the call left and no answer came: it may or may not have been committed; look
├── AnswerUnreadable      it came, and holds what its fields cannot: named by model, record and field
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

import re
from collections.abc import Mapping
from typing import Any

from migrate.errors import OdooError

__all__ = ["OdooError"]


class OdooUnreachable(OdooError):
    """Nothing was sent."""


class OutcomeUnknown(OdooError):
    """It may or may not have been committed."""


class AnswerUnreadable(OdooError):
    """What came is not what the types of its fields promise."""


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


class OdooRefused(OdooError):
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
        (r"NotFound$", NoSuchMethod),
        (r"(UserError|ValidationError|RedirectWarning|IntegrityError|Violation|CheckViolation)$", OdooRefused),
        (r"(ValueError|TypeError|KeyError|AttributeError|UnprocessableEntity|BadRequest|InvalidDomain)$", BadCall),
    )
)

# ``load`` reports concurrent updates as ordinary messages and commits nothing (facts/odoo19 §2b).
_CONCURRENT = re.compile(
    r"could not serialize access|deadlock detected|could not obtain lock|concurrent update"
    r"|ir_model_data_module_name_uniq",  # another transaction of ours created the record: the next attempt finds it
    re.IGNORECASE,
)
# JSON-RPC has no name of its own for either (service/model.py): an AttributeError of other words is a mistake inside of
# a method that is there, and costs that call only.
_NO_SUCH = re.compile(r"Object \S+ doesn't exist|The method '\S+' does not exist")
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
    if _NO_SUCH.match(message):
        return NoSuchMethod(text)
    kind = next((kind for pattern, kind in _BY_NAME if pattern.search(name)), None)
    if kind is Unauthorized:
        return Unauthorized(f"{what}: Odoo refused the user or key ({message}): check odoo.user and the key")
    return kind(text) if kind else OdooError(f"{text} [{name}]")


def one_line(text: str, limit: int = 400) -> str:
    """Odoo's messages span lines and hold markup; people get one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
