"""Vectors from a directory of ``<area>.jsonl`` or ``<area>.jsonl.xz`` files."""

from __future__ import annotations

import json
import lzma
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

Case = dict[str, Any]
OWN = Path(__file__).parents[1] / "data" / "vectors"
MORE = OWN.with_name("vectors_2")
SUFFIXES = (".jsonl", ".jsonl.xz")


def directory() -> Path:
    """``LAGO_VECTORS``, or the project's own copy."""
    return Path(os.environ.get("LAGO_VECTORS") or OWN)


def directories() -> tuple[Path, ...]:
    """``LAGO_VECTORS``, or all of the project's own copies."""
    return (directory(),) if os.environ.get("LAGO_VECTORS") else (OWN, MORE)


def area_files(where: Path) -> dict[str, Path]:
    """Area -> file, sorted by area. A directory without a single area is an error, not an empty success."""
    found = {_area(path): path for path in sorted(where.iterdir()) if path.name.endswith(SUFFIXES)}
    if not found:
        raise FileNotFoundError(f"no *.jsonl or *.jsonl.xz in {where}: set LAGO_VECTORS to a directory of vectors")
    return found


def cases(path: Path) -> Iterator[Case]:
    """The cases of one file; numbers with a fraction come as Decimal."""
    opener = lzma.open if path.name.endswith(".xz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line, parse_float=Decimal)


def _area(path: Path) -> str:
    return path.name.split(".", 1)[0]
