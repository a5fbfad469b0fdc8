"""The commands that Odoo's lists of records are written with: ``[0, 0, {...}]``, ``[6, 0, ids]``..."""

from __future__ import annotations

from typing import Any

from . import faults
from .schema import RecordedField


def table_of(spec: RecordedField) -> tuple[str, str, str]:
    """The table of a many2many list and its two columns."""
    if spec.table is None:
        raise faults.unsupported(f"the list {spec.name}, which has no table")
    return spec.table


def commands_of(value: Any) -> list[Any]:
    """What is written to a list, as commands."""
    if value is False:
        return [[5, 0, 0]]
    if not isinstance(value, list | tuple):
        raise faults.value_error(f"Wrong value: {value!r}")
    if value and all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return [[6, 0, list(value)]]
    return list(value)


def parts_of(command: Any) -> tuple[int, int, Any]:
    """Code, id and value of one command."""
    if not isinstance(command, list | tuple) or not command or command[0] not in range(7):
        raise faults.value_error(f"Wrong command: {command!r}")
    code = int(command[0])
    number = int(command[1]) if len(command) > 1 and command[1] else 0
    value = command[2] if len(command) > 2 else None
    return code, number, value if value is not None else ({} if code in (0, 1) else [])
