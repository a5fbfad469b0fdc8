"""The addon's own rating, loaded from its folder, and the rows that it reads here.

Which rows belong to what is the addon's to say (``rating.gather``): here they are only read, as its models read them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

from lago2odoo import shipped_addon
from migrate.errors import ConfigError

from .. import values
from ..orm import Env, Vals
from .fiscal import map_taxes


@lru_cache(maxsize=1)
def rating() -> ModuleType:
    """The addon's rating as a package of its own: it imports nothing from Odoo."""
    folder = shipped_addon.find() / "rating"
    spec = importlib.util.spec_from_file_location(
        "fusion_rating", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ConfigError(f"{folder} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["fusion_rating"] = module
    spec.loader.exec_module(module)
    return module


def part(name: str) -> ModuleType:
    """One of its modules, as ``gather``."""
    rating()
    return importlib.import_module(f"fusion_rating.{name}")


class CompanyReader:
    """``gather.Reader`` of one company."""

    def __init__(self, env: Env, company: int) -> None:
        self.env = env.with_context(active_test=False)
        self.company = company

    def _rows(self, model: str, ids: Iterable[Any], columns: Sequence[str], by: str = "id") -> list[Vals]:
        """Rows as a client reads them, many2one as an id; an addon of before a field was there has none of it."""
        fields = self.env.model(model).fields
        known = [name for name in columns if name in fields and fields[name].column]
        rows = self.env.rows(model, ids, known, by)
        return [
            {name: value if name == "id" else values.to_client(fields[name], value) for name, value in row.items()}
            for row in rows
        ]

    def _ids(self, model: str, wanted: Iterable[Any], by: str) -> list[int]:
        return [row["id"] for row in self.env.rows(model, wanted, (), by=by)]

    def orders(self, ids: Collection[int]) -> list[Vals]:
        names = part("rows")
        rows = self._rows("sale.order", ids, (*names.ORDER_FIELDS, *names.ORDER_LINKS, "currency_id"))
        currencies = self.env.names("res.currency", sorted({row["currency_id"] for row in rows}))
        return [{**row, "currency": currencies[row["currency_id"]]} for row in rows]

    def ids_of_external(self, external_ids: Collection[str]) -> list[int]:
        rows = self.env.rows("sale.order", external_ids, ("company_id",), by="fusion_external_id")
        return [row["id"] for row in rows if row["company_id"] == self.company]

    def ids_replacing(self, ids: Collection[int]) -> list[int]:
        return self._ids("sale.order", ids, "fusion_previous_order_id")

    def sold_lines(self, orders: Collection[int]) -> list[Any]:
        columns = ("order_id", "product_id", "sequence", "display_type")
        rows = self.env.rows("sale.order.line", orders, columns, by="order_id")
        rows = [row for row in rows if row["product_id"] and not row["display_type"]]
        rows.sort(key=lambda row: (row["sequence"] or 0, row["id"]))
        taxes = self.env.values("sale.order.line", [row["id"] for row in rows], "tax_ids")
        templates = self.env.values("product.product", sorted({row["product_id"] for row in rows}), "product_tmpl_id")
        plans = self._plans(set(templates.values()))
        return [
            part("gather").SoldLine(
                order=row["order_id"],
                product=row["product_id"],
                taxes=tuple(taxes[row["id"]]),
                plan=plans[templates[row["product_id"]]],
            )
            for row in rows
        ]

    def _plans(self, templates: Collection[int]) -> dict[int, Any]:
        columns = ("plan_id", "company_id")
        rows = self.env.rows("fusion.billing.charge", templates, columns, by="plan_id")
        charged = {row["plan_id"] for row in rows if row["company_id"] == self.company}
        return {
            row["id"]: part("gather").Plan(
                id=row["id"],
                code=row["default_code"] or "",
                name=row["name"] or "",
                lago_id=row["fusion_lago_id"] or "",
                charged=row["id"] in charged,
            )
            for row in self.env.rows("product.template", templates, ("name", "fusion_lago_id", "default_code"))
        }

    def charges(self, orders: Collection[int], plans: Collection[int]) -> list[Vals]:
        names = part("rows")
        columns = (*names.CHARGE_FIELDS, *names.CHARGE_LINKS, "sequence", "company_id")
        rows = self._rows("fusion.billing.charge", orders, columns, by="order_id")
        rows += [r for r in self._rows("fusion.billing.charge", plans, columns, by="plan_id") if not r["order_id"]]
        rows = [row for row in rows if row["company_id"] == self.company]
        taxes = self.env.values("fusion.billing.charge", [row["id"] for row in rows], "tax_ids")
        return sorted(
            ({**row, "tax_ids": taxes[row["id"]]} for row in rows), key=lambda row: (row["sequence"], row["id"])
        )

    def metrics(self) -> list[Vals]:
        return self._rows("fusion.billing.metric", [self.company], part("rows").METRIC_FIELDS, by="company_id")

    def usage(self, query: Any) -> list[Vals]:
        names = (*part("rows").USAGE_FIELDS, *part("rows").USAGE_LINKS, "company_id")
        rows = self._rows("fusion.billing.usage", query.external_ids, names, by="external_subscription_id")
        since = query.since.strftime(values.DATETIME)
        rows = [
            row
            for row in rows
            if row["company_id"] == self.company
            and row["code"] in query.codes
            and (row["timestamp"] >= since or row["code"] in query.recurring)
        ]
        return sorted(rows, key=lambda row: (row["received_at"] or "", row["received_us"], row["id"]))

    def coupon_uses(self, _partners: Collection[int]) -> Mapping[str, Sequence[tuple[Any, int]]]:
        """Native invoicing, which uses coupons up, does not run here."""
        return {}

    def grace_days(self, accounts: Collection[int]) -> dict[int, int]:
        links = self.env.rows("fusion.billing.account.link", accounts, ("grace_days", "active"))
        return {row["id"]: row["grace_days"] for row in links if row["active"] and row["grace_days"]}

    def product_taxes(self, order: int, product: int) -> list[int]:
        sold = self.env.row("sale.order", order, ("fiscal_position_id", "company_id"))
        taxes = self.env.values("product.product", [product], "taxes_id")[product] or []
        companies = self.env.values("account.tax", taxes, "company_id")
        of_company = [tax for tax in taxes if companies[tax] == sold["company_id"]]
        return map_taxes(self.env, sold["fiscal_position_id"] or None, of_company)
