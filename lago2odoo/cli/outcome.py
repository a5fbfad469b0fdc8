"""What a command found, and how it is told: data or text on stdout, an exit code, or the error it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from mappings.errors import Lago2OdooError
from migrate.masking import KNOWN


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """``data`` for ``--format json``, ``text`` for people, and the exit code.

    Or the ``error`` that the command ends with, told on stderr after them.

    Data that is large is given as a function: it is built only if it was asked for.
    """

    data: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    text: str
    exit_code: int = 0
    error: Lago2OdooError | None = None


def emit(outcome: CommandOutcome, form: str = "text") -> int:
    """Print an outcome's data or text on stdout; answer its exit code, or raise the error it ends with."""
    if form == "json":
        data = outcome.data() if callable(outcome.data) else outcome.data
        click.echo(KNOWN.text(json.dumps(data, ensure_ascii=False, indent=1, default=str)))
    else:
        click.echo(KNOWN.text(outcome.text))
    if outcome.error is not None:
        raise outcome.error
    return outcome.exit_code
