"""Files of usage that went, or were cut, after they had been checked, and queries that the machine has no room for.

The check before a command finds what is lost by then (``migrate.state.event_files``). What happens while the command
counts usage shows wherever a query happens to stand; it is said here, for all of them.
"""

from __future__ import annotations

from migrate.state.usage_errors import is_of_files, is_of_value

REMEDY = (
    "files of usage ([store] events) went or changed while they were read, or there is no room for temporary ones: "
    "see to that, run 'lago2odoo extract' again if files are lost, then the same command"
)


def is_of_usage(error: BaseException) -> bool:
    """Whether DuckDB says that it cannot read its files, or go on. A query of ours that is wrong is none of these."""
    return is_of_files(error) or is_of_value(error)


def told_of_usage(error: BaseException) -> str:
    """DuckDB's first line, which names the file, with the way out."""
    first = str(error).strip().partition("\n")[0].rstrip(".")
    readable = "".join(letter if letter.isprintable() else "?" for letter in first)
    return f"usage cannot be counted: {readable}; {REMEDY}"
