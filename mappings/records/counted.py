"""What Lago has and this version counts only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Records of one kind. ``unread``: those of which something will be billed. ``unknown``: why nobody could count."""

    resource: str
    number: int = 0
    unread: int = 0
    unknown: str = ""
