"""Adapters of areas: filled in next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

AREAS: dict[str, Callable[[dict[str, Any]], Mapping[str, Any]]] = {}
