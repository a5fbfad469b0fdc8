"""What cannot be rated, by name."""

from __future__ import annotations


class Unratable(Exception):
    """This usage has no amount under Lago's rules; ``reason`` is a stable name."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
