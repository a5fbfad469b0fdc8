"""JSON that is kept as Lago gave it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]  # values: text, int, Decimal, bool, None, lists and mappings of them
