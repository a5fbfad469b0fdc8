"""Odoo's rules for several companies: a client sees the records of the companies it works in, and those of none.

Companies are named by the context (``allowed_company_ids``); without it, all that the user may work in. What the server
does inside of a method is not held to them, as Odoo's own code mostly is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import faults
from .orm import Env
from .schema import RecordedField

# Readable whatever company they belong to: a user must find himself and where he may work.
FREE = frozenset({"res.users", "res.company"})


def rule(env: Env, model: str) -> list[Any]:
    """The domain of what a client may see of a model; empty with one company."""
    owner = _owner(env, model)
    if owner is None or len(env.with_context(active_test=False).search("res.company", [])) < 2:
        return []
    of_allowed = [owner.name, "in", allowed(env)]
    return ["|", [owner.name, "=", False], of_allowed]


def check_readable(env: Env, model: str, ids: Sequence[int]) -> None:
    """Odoo's AccessError for records of a company that the client does not work in."""
    within = rule(env, model)
    if not within:
        return
    seen = set(env.with_context(active_test=False).search(model, [*within, ["id", "in", list(ids)]]))
    hidden = [number for number in env.existing(model, ids) if number not in seen]
    if hidden:
        raise faults.access(
            f"Uh-oh! Looks like you have stumbled upon some top-secret records.\n\nSorry, Administrator (id={env.uid}) "
            f"doesn't have 'read' access to:\n- {env.model(model).description} ({model}: {hidden[0]})"
        )


def allowed(env: Env) -> list[int]:
    """The companies that the call works in."""
    companies_of_user = env.with_context(active_test=False).values("res.users", [env.uid], "company_ids")[env.uid]
    named = list(env.context.get("allowed_company_ids") or companies_of_user)
    if set(named) - set(companies_of_user):
        raise faults.access("Access to unauthorized or invalid companies.")
    return named


def _owner(env: Env, model: str) -> RecordedField | None:
    fields = env.model(model).fields
    if model in FREE or model.startswith("ir."):
        return None
    owner = fields.get("company_ids") or fields.get("company_id")
    return owner if owner and (owner.column or owner.related or owner.table) else None
