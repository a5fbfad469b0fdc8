"""What Odoo says when it refuses: its error names, its messages, its HTTP statuses.

``CallFault`` is not part of our own error tree on purpose: it never leaves the embedded server but as an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MISSING_HINT = (
    "- create/update: a mandatory field is not set\n"
    "- delete: another model requires the record being deleted, you can archive it instead\n"
)
CANNOT = "The operation cannot be completed: "


class CallFault(Exception):
    """One refused call. ``message`` without Odoo's "operation cannot be completed" is what ``load`` reports."""

    def __init__(self, name: str, message: str, status: int, *, database: bool = False) -> None:
        super().__init__(message)
        self.name, self.message, self.status, self.database = name, message, status, database

    @property
    def spoken(self) -> str:
        """The message as a direct call shows it."""
        return CANNOT + self.message if self.database else self.message

    @property
    def arguments(self) -> list[Any]:
        return [self.spoken, self.status] if self.name.startswith("werkzeug.") else [self.spoken]


def value_error(message: str) -> CallFault:
    return CallFault("builtins.ValueError", message, 500)


def key_error(key: str) -> CallFault:
    return CallFault("builtins.KeyError", key, 500)


def type_error(message: str) -> CallFault:
    return CallFault("builtins.TypeError", message, 500)


def attribute_error(message: str) -> CallFault:
    return CallFault("builtins.AttributeError", message, 500)


def bad_text(value: object) -> CallFault:
    return CallFault(
        "psycopg2.errors.InvalidTextRepresentation",
        f'invalid input syntax for type integer: "{value}"',
        500,
        database=False,
    )


def user_error(message: str) -> CallFault:
    return CallFault("odoo.exceptions.UserError", message, 422)


def validation(message: str) -> CallFault:
    return CallFault("odoo.exceptions.ValidationError", message, 422)


def constraint(message: str) -> CallFault:
    """A constraint of the database: Odoo turns PostgreSQL's error into a ValidationError."""
    return CallFault("odoo.exceptions.ValidationError", message, 422, database=True)


def required(label: str, field: str, description: str, model: str) -> CallFault:
    return constraint(
        f"Missing required value for the field '{label}' ({field}).\nModel: '{description}' ({model})\n{MISSING_HINT}"
    )


def still_used(description: str, model: str, label: str, field: str) -> CallFault:
    return constraint(
        "Another model is using the record you are trying to delete.\n\n"
        f"The troublemaker is: '{description}' ({model})\n"
        f"Thanks to the following constraint: '{label}' ({field})\n"
        "How about archiving the record instead?"
    )


def duplicate(index: str, columns: Iterable[str], values: Iterable[object]) -> CallFault:
    shown = ", ".join("null" if value is None else str(value) for value in values)
    return constraint(
        f'duplicate key value violates unique constraint "{index}"\n'
        f"DETAIL:  Key ({', '.join(columns)})=({shown}) already exists.\n"
    )


def missing(model: str, ids: Iterable[int], uid: int) -> CallFault:
    shown = "(" + ", ".join(str(number) for number in ids) + ",)"
    return CallFault(
        "odoo.exceptions.MissingError",
        f"Record does not exist or has been deleted.\n(Record: {model}{shown}, User: {uid})",
        404,
    )


def access(message: str) -> CallFault:
    return CallFault("odoo.exceptions.AccessError", message, 403)


def denied(operation: str, description: str, model: str) -> CallFault:
    """What no group may do."""
    return access(
        f"You are not allowed to {operation} '{description}' ({model}) records.\n\n"
        "No group currently allows this operation.\n\nContact your administrator to request access if necessary."
    )


def not_found(message: str) -> CallFault:
    return CallFault("werkzeug.exceptions.NotFound", message, 404)


def unprocessable(message: str) -> CallFault:
    return CallFault("werkzeug.exceptions.UnprocessableEntity", message, 422)


def unsupported(what: str) -> CallFault:
    """The embedded Odoo says plainly what only a real server can do, instead of inventing an answer."""
    return CallFault(
        "lago2odoo.sandbox.Unsupported", f"the embedded Odoo cannot do this, use a real server: {what}", 501
    )
