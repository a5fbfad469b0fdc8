"""Loyalty cards: each gets a code of its own, as Odoo's default does, and no client may delete one.

What was recorded of the code is one card's.
"""

from __future__ import annotations

import uuid

from ..orm import Behaviour, Env, Vals


def _card_fill(env: Env, rows: list[Vals]) -> None:
    recorded = env.defaults("loyalty.card").get("code")
    for row in rows:
        if row.get("code") in (None, False, "", recorded):
            row["code"] = f"044{uuid.uuid4().hex[7:-14]}"


CARD = Behaviour(fill=_card_fill, denied=frozenset({"unlink"}))
