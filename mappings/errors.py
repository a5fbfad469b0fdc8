"""The root of the one error tree; ``migrate/errors.py`` draws the whole of it.

It stands here because every package may import this one: whatever is raised on purpose, and wherever, is caught in one
place, the door of the command line.
"""

from __future__ import annotations

from typing import TypeVar

E = TypeVar("E", bound="Lago2OdooError")


class Lago2OdooError(Exception):
    """Base of every error we raise on purpose. ``str()`` is one line that says what to do."""

    exit_code = 1
    errno_of_writing = 0  # with which the system refused to let a file be written or made; 0 where it is about no such


def of_writing(error: E, number: int | None) -> E:
    """The same, raised because a file could not be written or made. ``number``: the system's errno, if it is known."""
    error.errno_of_writing = number or 0
    return error
