"""What we believe of Enterprise's ``sale_subscription``, which our tests cannot install: asked of the server at hand.

Each entry is a line of docs/enterprise.md, where its source and our confidence stand; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migrate.odoo.door import Door
from migrate.odoo.errors import NoSuchMethod

MODULE = "sale_subscription"


@dataclass(frozen=True, slots=True)
class Expected:
    """A field (or, without one, a model). ``needed``: apply writes it; the others are read, or left out if lacking.

    ``type``, ``relation``: as ``fields_get`` tells; ``choices``: what a selection must offer, perhaps among others.
    """

    model: str
    field: str = ""
    type: str = ""
    relation: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = False

    @property
    def name(self) -> str:
        """``sale.order.plan_id``, or the model's name."""
        return f"{self.model}.{self.field}" if self.field else self.model


@dataclass(frozen=True, slots=True)
class Unlike:
    """Something that is not as we believe. ``needed``: nothing may be written before a person looked."""

    what: str
    needed: bool


_PLAN, _ORDER = "sale.subscription.plan", "sale.order"
_STATES = ("1_draft", "2_renewal", "3_progress", "4_paused", "5_renewed", "6_churn", "7_upsell")

EXPECTED: tuple[Expected, ...] = (
    Expected(_PLAN, needed=True),
    Expected(_PLAN, "name", "char", needed=True),
    Expected(_PLAN, "billing_period_value", "integer", needed=True),
    Expected(_PLAN, "billing_period_unit", "selection", choices=("week", "month", "year"), needed=True),
    Expected(_PLAN, "auto_close_limit", "integer"),
    Expected(_PLAN, "user_closable", "boolean"),
    Expected(_PLAN, "active", "boolean"),
    Expected(_PLAN, "company_id", "many2one", "res.company"),
    Expected(_ORDER, "plan_id", "many2one", _PLAN, needed=True),
    Expected(_ORDER, "is_subscription", "boolean", needed=True),
    Expected(_ORDER, "subscription_state", "selection", choices=_STATES, needed=True),
    Expected(_ORDER, "start_date", "date", needed=True),
    Expected(_ORDER, "next_invoice_date", "date", needed=True),
    Expected(_ORDER, "end_date", "date", needed=True),
    Expected(_ORDER, "origin_order_id", "many2one", _ORDER),
    Expected(_ORDER, "subscription_id", "many2one", _ORDER),
    Expected(_ORDER, "close_reason_id", "many2one", "sale.order.close.reason"),
    Expected(_ORDER, "recurring_total", "monetary"),
    Expected(_ORDER, "recurring_monthly", "monetary"),
    Expected(_ORDER, "payment_token_id", "many2one", "payment.token"),
    Expected("product.template", "recurring_invoice", "boolean", needed=True),
    Expected("product.pricelist.item", "plan_id", "many2one", _PLAN),
)


def unlike(odoo: Door) -> tuple[Unlike, ...]:
    """Everything of ``EXPECTED`` that this server has not, or has otherwise. Reads only."""
    models = dict.fromkeys(e.model for e in EXPECTED)
    fields = {model: _fields(odoo, model) for model in models}
    differences = [u for e in EXPECTED if (u := _unlike(e, fields[e.model]))]
    return (*_module(odoo), *differences)


def _module(odoo: Door) -> Iterator[Unlike]:
    domain = [["name", "=", MODULE], ["state", "=", "installed"]]
    if not odoo.count("ir.module.module", domain):
        yield Unlike(f"module {MODULE} is not installed: the subscriptions here come from another module", False)


def _fields(odoo: Door, model: str) -> Mapping[str, Any] | None:
    names = [e.field for e in EXPECTED if e.model == model and e.field]
    try:
        return odoo.fields_get(model, names, ("type", "relation", "selection"))
    except NoSuchMethod:
        return None


def _unlike(expected: Expected, fields: Mapping[str, Any] | None) -> Unlike | None:
    if fields is None:
        return None if expected.field else Unlike(f"there is no model {expected.model}", expected.needed)
    if not expected.field:
        return None
    raw = fields.get(expected.field)
    reason = "is missing" if raw is None else _otherwise(expected, raw)
    return Unlike(f"{expected.name} {reason}", expected.needed) if reason else None


def _otherwise(expected: Expected, raw: Mapping[str, Any]) -> str:
    if raw["type"] != expected.type:
        return f"is {raw['type']}, not {expected.type}"
    if expected.relation and raw.get("relation") != expected.relation:
        return f"leads to {raw.get('relation')}, not {expected.relation}"
    offered = {value for value, _ in raw.get("selection") or ()}
    if lacking := [c for c in expected.choices if c not in offered]:
        return f"does not offer {', '.join(lacking)}"
    return ""
