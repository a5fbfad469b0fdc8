"""What a reconciliation was made from: the files that finance decides by, and hashes of everything that was read.

``reconcile`` notes the hashes with the run; ``report sign`` freezes the files, and refuses if a hash has moved since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SETTINGS = "settings.json"
SHIPPED_TABLES, TABLES = "mapping/shipped.toml", "mapping/own.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackInputs:
    """``files``: name in the evidence pack -> content. ``hashes``: name -> SHA-256; ``snapshot``: its digest."""

    files: Mapping[str, bytes]
    hashes: Mapping[str, str]

    def moved(self, noted: Mapping[str, str]) -> tuple[str, ...]:
        """Names whose hash is another one than the noted one, or is there on one side only."""
        names = sorted({*self.hashes, *noted})
        return tuple(name for name in names if self.hashes.get(name) != noted.get(name))
