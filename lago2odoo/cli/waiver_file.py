"""The reviewed file of waivers that the configuration names."""

from __future__ import annotations

from pathlib import Path

from mappings.text import NotTextError, composed, decode_text
from migrate.config import Config
from migrate.errors import ConfigError
from reconcile.causes.extras import NAMES as ONLY_IN_ODOO
from reconcile.causes.rules import CAUSES
from reconcile.compare.waivers import UNTIED, Waiver, parse
from reconcile.rerate.lapses import KINDS
from reports.paths import NotReadableError, read_file


def read_waivers(config: Config) -> tuple[Waiver, ...]:
    """What the file holds; nothing without one. Raises ConfigError."""
    name = config.reconcile.waivers
    if not name:
        return ()
    path = config.path(name)
    return parse(waiver_text(path), str(path), [*(cause.name for cause in CAUSES), *ONLY_IN_ODOO, *KINDS, UNTIED])


def waiver_text(path: Path) -> str:
    """The text of a waiver file. Raises ConfigError."""
    try:
        return composed(decode_text(read_file(path)))
    except (NotTextError, NotReadableError) as error:
        raise ConfigError(f"{path}: the waivers cannot be read: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: the waivers cannot be read: {error.strerror}") from error
