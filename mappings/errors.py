"""The root of the one error tree; ``migrate/errors.py`` draws the whole of it.

It stands here because every package may import this one: whatever is raised on purpose, and wherever, is caught in one
place, the door of the command line.
"""

from __future__ import annotations


class Lago2OdooError(Exception):
    """Base of every error we raise on purpose. ``str()`` is one line that says what to do."""

    exit_code = 1
