"""An Odoo with the addon, as far as the facts need it: orders by external id, and the documented rerun."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.money import from_subunits
from mappings.target import xid
from reconcile.billed import BilledInvoice, BilledLine, LineKey

Answer = dict[str, Any]


@dataclass
class FakeOdoo:
    """Bills exactly what Lago billed, unless ``distort`` changes an answer."""

    lago: Sequence[BilledInvoice]
    tax_names: Mapping[str, str]  # Lago's code -> name in Odoo
    distort: Callable[[Answer], Answer | None] = lambda answer: answer
    installed: bool = True
    without_orders: frozenset[str] = frozenset()
    calls: list[tuple[str, str, Any, Mapping[str, Any]]] = field(default_factory=list)
    server_version: str = "19.0"

    def __post_init__(self) -> None:
        subscriptions = sorted({b.subscription for i in self.lago for b in i.billings})
        self.orders = {s: 100 + n for n, s in enumerate(subscriptions) if s not in self.without_orders}
        owners = {b.subscription: i.customer for i in self.lago for b in i.billings}
        people = {c: 500 + n for n, c in enumerate(sorted(set(owners.values())))}
        self.partners = {order: people[owners[s]] for s, order in self.orders.items()}
        currencies = {b.subscription: i.currency for i in self.lago for b in i.billings}
        self.currencies = {order: currencies[s] for s, order in self.orders.items()}

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **arguments: Any) -> Any:
        self.calls.append((model, method, ids, arguments))
        return getattr(self, f"_{model}_{method}".replace(".", "_"))(ids, **arguments)

    def close(self) -> None:
        pass

    def _res_users_context_get(self, _ids: Any) -> dict[str, Any]:
        return {"uid": 2}

    def _res_users_read(self, ids: Any, **_more: Any) -> list[dict[str, Any]]:
        return [{"id": number, "company_id": 1} for number in ids]

    def _ir_module_module_fields_get(self, _ids: Any, **_more: Any) -> dict[str, Any]:
        return {}

    def _ir_model_data_fields_get(self, _ids: Any, **_more: Any) -> dict[str, Any]:
        return {}

    def _sale_order_fields_get(self, _ids: Any, allfields: Any = ("company_id",), **_more: Any) -> dict[str, Any]:
        return {name: {"type": "many2one", "required": True} for name in allfields if name == "company_id"}

    def _ir_module_module_search_count(self, _ids: Any, domain: Any, **_more: Any) -> int:
        assert domain == [["name", "=", "fusion_billing"], ["state", "=", "installed"]]
        return int(self.installed)

    def _ir_model_data_search_read(self, _ids: Any, domain: Any, **_more: Any) -> list[dict[str, Any]]:
        """Orders by external id; no customer has one, so that nobody asks who would get an invoice."""
        module, (_, _, asked) = domain
        assert module == ["module", "=", "lago"]
        names = {xid("subscription", s).removeprefix("lago."): order for s, order in self.orders.items()}
        found = [(names[n], n) for n in asked if n in names]
        return [{"id": order, "name": n, "model": "sale.order", "res_id": order} for order, n in found]

    def _res_partner_fields_get(self, _ids: Any, **_more: Any) -> dict[str, Any]:
        return {}

    def _res_partner_search_read(self, _ids: Any, domain: Any, **_more: Any) -> list[dict[str, Any]]:
        return [{"id": n, "display_name": f"partner {n}", "commercial_partner_id": n} for n in domain[-1][2]]

    def _sale_order_search_read(self, _ids: Any, domain: Any, **_more: Any) -> list[dict[str, Any]]:
        own, (_, _, orders) = domain
        assert own == ["company_id", "parent_of", [1]]
        return [
            {
                "id": order,
                "name": f"S{order}",
                "partner_id": self.partners[order],
                "currency_id": [1, self.currencies[order]],
            }
            for order in orders
            if order in self.partners
        ]

    def _sale_order_fusion_rerun(self, ids: Any, billings: Any, keep: bool, **more: Any) -> list[Answer]:
        partners = [self.partners[b["order"]] for b in billings]
        asked: dict[int, set[tuple[int, str]]] = {}
        for partner, billing in zip(partners, billings, strict=True):
            asked.setdefault(partner, set()).add((billing["order"], billing["at"]))
        answers = (self._answer(partner, wanted, keep) for partner, wanted in asked.items())
        return [a for answer in answers if answer and (a := self.distort(answer))]

    def _answer(self, partner: int, wanted: set[tuple[int, str]], keep: bool) -> Answer | None:
        for invoice in self.lago:
            own = {(self.orders.get(b.subscription), f"{b.at:%Y-%m-%d %H:%M:%S}") for b in invoice.billings}
            if own == wanted:
                return self._billed(invoice, partner, keep)
        return None

    def _billed(self, invoice: BilledInvoice, partner: int, keep: bool) -> Answer:
        totals = invoice.totals
        assert totals is not None

        def text(cents: int) -> str:
            return str(from_subunits(cents, invoice.currency))

        lines = [odoo_line(line, invoice.currency) for line in invoice.lines]
        if totals.coupons_cents:
            lines.append(odoo_line(_coupon(totals.coupons_cents), invoice.currency))
        return {
            "partner_id": partner,
            "currency": invoice.currency,
            "lines": lines,
            "untaxed": text(totals.net_cents),
            "tax": text(totals.tax_cents),
            "total": text(totals.gross_cents),
            "taxes": {self.tax_names.get(code, code): text(cents) for code, cents in totals.taxes.items()},
            "move_id": 900 if keep else False,
            "refusals": [],
        }


def _coupon(cents: int) -> BilledLine:
    return BilledLine(key=LineKey("", "coupon", "c"), amount_cents=-cents, label="Coupon")


def odoo_line(line: BilledLine, currency: str) -> Answer:
    """A line as the addon answers it."""
    key = line.key
    amount = str(from_subunits(line.amount_cents, currency))
    return {
        "key": {
            "subscription": key.subscription,
            "kind": key.kind,
            "item": key.item,
            "filter": key.filter,
            "group": [list(pair) for pair in key.group],
            "event": key.event,
        },
        "name": line.label,
        "quantity": "1",
        "price_unit": amount,
        "subtotal": amount,
        "amount_cents": str(line.precise_cents or line.amount_cents),
        "units": None if line.units is None else str(line.units),
        "events": line.events,
        "tax_ids": [7],
        "steps": [
            {"kind": "tier", "values": {"lower": "0"}, "units": "2", "unit_price": "1.5", "amount": amount},
            "rounded",
        ],
    }


def rerates(lago: Iterable[BilledInvoice]) -> dict[str, BilledInvoice]:
    """A third vote that agrees with Lago."""
    return {invoice.lago_id: invoice for invoice in lago}
