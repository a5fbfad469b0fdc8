"""The tables for finance that this project ships: read here, because ``mappings`` reads nothing."""

from __future__ import annotations

from pathlib import Path

import mappings
from mappings.tables import Tables, parse

SHIPPED = Path(mappings.__file__).with_name("tables.toml")


def shipped() -> Tables:
    """The tables of ``mappings/tables.toml``."""
    return parse(SHIPPED.read_text(encoding="utf-8"), SHIPPED.name, None)
