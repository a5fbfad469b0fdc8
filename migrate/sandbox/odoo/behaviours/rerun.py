"""``sale.order.fusion_rerun`` on the embedded Odoo: its tables as plain inputs, the addon's own rating, and drafts if asked."""

from __future__ import annotations

from typing import Any

from .. import faults
from ..orm import Env


def fusion_rerun(
    env: Env,
    ids: list[int],
    billings: list[dict[str, Any]],
    keep: bool = False,
    journal_id: int | None = None,
    ref: str | None = None,
) -> list[dict[str, Any]]:
    raise faults.unsupported("fusion_rerun is not connected yet")
