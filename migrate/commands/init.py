"""``init``: a commented starting configuration."""

from __future__ import annotations

from pathlib import Path

from migrate.commands.context import Outcome
from migrate.config import TEMPLATE
from migrate.errors import ConfigError


def run(path: Path) -> Outcome:
    """Write the template to ``path``; an existing file is never touched."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError(f"{path}: exists already and stays as it is; name another with --config") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    return Outcome({"written": str(path)}, f"wrote {path}; fill in [lago] and [odoo], then: lago2odoo doctor")
