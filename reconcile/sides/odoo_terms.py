"""What Odoo holds of subscriptions: prices, dates, usage, coupons, taxes. Read where a difference is to be explained.

Only the reading: these are Odoo's own rows, as they are now. ``mappings.read_back`` makes Lago's records of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from mappings import fields
from mappings.fields import Row, columns
from mappings.target import xid
from mappings.usage import MODEL as USAGE
from migrate.odoo.door import Door
from migrate.odoo.external_ids import made_of, records_named
from migrate.values import number_or_none
from reconcile.sides.held_rows import Rows, by_id, held_rows
from reconcile.sides.held_terms import (
    PRICE,
    UNIT,
    EarlyDiscount,
    Held,
    HeldOrder,
    HeldPlan,
    HeldProduct,
    HeldSettings,
    HeldTax,
)
from reconcile.sides.numbers import decimal_in
from reconcile.sides.odoo_homes import charges_anywhere, own_lines, own_names, plan_ids, plans_lines, strangers
from reconcile.sides.odoo_neighbours import BEFORE, neighbours_of

Surplus = Mapping[str, Mapping[int, str]]  # subscription -> records of usage in excess, and their transactions

METRIC = "fusion.billing.metric"
REPARTITION = "account.tax.repartition.line"
INCLUDED = "tax_included"  # of a tax, or of the company for taxes that do not say
LINE = ("order_id", "product_id", "display_type", "sequence")


def order_fields() -> tuple[str, ...]:
    """What is read of an order."""
    told = columns((*fields.SUBSCRIPTION, *fields.PLAN, *fields.COMMITMENT, *fields.CUSTOMER))
    linked = ("partner_id", "fiscal_position_id", "payment_term_id", BEFORE)
    return ("name", *linked, "fusion_lago_id", "fusion_coupons", *told)


def charge_fields() -> tuple[str, ...]:
    """What is read of a charge."""
    told = dict.fromkeys(columns((*fields.CHARGE, *fields.FIXED_CHARGE)))
    return (
        "code",
        "kind",
        "fusion_lago_id",
        "filters",
        "metric_id",
        "plan_id",
        "order_id",
        "unit_changes",
        "tax_ids",
        *told,
    )


def metric_fields() -> tuple[str, ...]:
    """What is read of a metric."""
    return ("code", "fusion_lago_id", "filters", *columns(fields.METRIC))


def read(odoo: Door, subscriptions: Sequence[str], metrics_of_lago: Collection[str] | None = None) -> Held:
    """Everything Odoo holds of these subscriptions (Lago ids). Those without an order are left out.

    ``metrics_of_lago``: their Lago ids. Where they are known, another id is none: the addon gives one to what is
    entered in Odoo.
    """
    numbers = made_of(odoo, "sale.order", "subscription", subscriptions)
    orders = by_id(held_rows(odoo, "sale.order", [["id", "in", sorted(numbers.values())]], order_fields()))
    metrics = _metrics(odoo, metrics_of_lago)
    lines = held_rows(odoo, "sale.order.line", [["order_id", "in", sorted(orders)]], LINE)
    templates = _templates(odoo, lines)
    charges, plans = _charges(odoo, orders, metrics, lines, templates)
    external = {number: _text(row["fusion_external_id"]) for number, row in orders.items()}
    usage = _usage(odoo, sorted(filter(None, external.values())))
    away, early = _away(odoo, orders), _early(odoo)
    neighbours = neighbours_of(odoo, orders, order_fields())
    by_subscription = {name: orders[number] for name, number in numbers.items() if number in orders}
    homes = _Homes(odoo, by_subscription, lines, templates)
    return Held(
        orders={
            subscription: HeldOrder(
                row=orders[number],
                charges=tuple(charges.get(number, ())),
                usage=tuple(usage.get(external[number], ())),
                away=away.get(number, ""),
                plan=plans.get(number),
                lines=dict(own_lines(subscription, homes.names)),
                early=early.get(number_or_none(orders[number].get("payment_term_id")) or 0),
                base=homes.bases.get(subscription),
                strangers={n: line for n, line in homes.strangers.items() if line.order == orders[number]["name"]},
                anywhere=homes.charges,
                chain=neighbours[number].chain,
                followers=neighbours[number].followers,
                namesakes=neighbours[number].namesakes,
            )
            for subscription, number in numbers.items()
            if number in orders
        },
        metrics={_text(row["fusion_lago_id"]) or _text(row["code"]): row for row in metrics.values()},
        taxes=_taxes(odoo),
        settings=_settings(odoo),
    )


def with_whereabouts(odoo: Door, held: Held, lacking: Mapping[str, Sequence[str]]) -> Held:
    """The same, told where the usage is that orders lack. ``lacking``: subscription -> external ids of usage."""
    rows = _whereabouts(odoo, {name for names in lacking.values() for name in names}) if lacking else {}
    place = {name: number for number, name in enumerate(rows)}
    orders = {}
    for subscription, names in lacking.items():
        there = sorted(place.keys() & names, key=place.__getitem__)
        orders[subscription] = replace(held.orders[subscription], elsewhere={name: rows[name] for name in there})
    return replace(held, orders={**held.orders, **orders})


def names_of_usage(odoo: Door, surplus: Surplus) -> dict[int, str]:
    """External ids of the usage in excess that the migration made; what others entered has none."""
    numbers = {number for records in surplus.values() for number in records}
    return own_names(odoo, USAGE, numbers) if numbers else {}


def with_owners(held: Held, surplus: Surplus, names: Mapping[int, str], owners: Mapping[str, str]) -> Held:
    """The same, told whose the usage is in Lago that orders have in excess. ``owners``: external id -> subscription."""
    orders = {
        subscription: replace(
            held.orders[subscription],
            foreign={name: owners[names[number]] for number, name in records.items() if names.get(number) in owners},
        )
        for subscription, records in surplus.items()
    }
    return replace(held, orders={**held.orders, **orders})


class _Homes:
    """Where lines and charges belong. ``orders``: by subscription; ``names``: external ids of the lines."""

    def __init__(self, odoo: Door, orders: Mapping[str, Row], lines: Rows, templates: Mapping[int, Row]) -> None:
        self.names = own_names(
            odoo, "sale.order.line", [number for line in lines if (number := number_or_none(line["id"]))]
        )
        called = {subscription: _text(row["name"]) for subscription, row in orders.items()}
        self.bases = plans_lines(odoo, called, _sold(lines, templates))
        prefixes = {number_or_none(row["id"]): xid("line", name, "") for name, row in orders.items()}
        stands = {number_or_none(line["id"]): prefixes[number_or_none(line["order_id"])] for line in lines}
        self.strangers = strangers(odoo, {n: name for n, name in self.names.items() if not name.startswith(stands[n])})
        rows = odoo.search_read("fusion.billing.charge", [], ["code", "plan_id", "order_id"], names=True)
        self.charges = charges_anywhere(odoo, rows)


def _sold(lines: Rows, templates: Mapping[int, Row]) -> dict[int, HeldProduct]:
    """Line -> what it sells."""
    pairs = ((number_or_none(line["id"]) or 0, number_or_none(line["product_id"]) or 0) for line in lines)
    return {line: _sold_as(templates[product]) for line, product in pairs if product in templates}


def _metrics(odoo: Door, lagos: Collection[str] | None) -> dict[int, dict[str, object]]:
    """The migration's own bear their Lago id in their external id, whatever their field says; a copy has none."""
    rows, prefix = by_id(held_rows(odoo, METRIC, [], metric_fields())), xid("metric", "")
    named = {number: name.removeprefix(prefix) for number, name in own_names(odoo, METRIC, rows).items()}
    ids = {number: _text(row["fusion_lago_id"]) for number, row in rows.items()}
    strange = {i for i in ids.values() if i in named.values() or (lagos is not None and i not in lagos)}
    ids = {number: named.get(number, "" if lago_id in strange else lago_id) for number, lago_id in ids.items()}
    return {number: {**row, "fusion_lago_id": ids[number] or None} for number, row in rows.items()}


def _settings(odoo: Door) -> HeldSettings:
    company = held_rows(odoo, "res.company", [], ("tax_calculation_rounding_method",))
    currencies = held_rows(odoo, "res.currency", [], ("name", "rounding"))
    digits = held_rows(odoo, "decimal.precision", [], ("name", "digits"))
    return HeldSettings(
        per_line=any(row["tax_calculation_rounding_method"] == "round_per_line" for row in company[:1]),
        rounding={_text(row["name"]): Decimal(str(row["rounding"])) for row in currencies if row["rounding"]},
        price_digits=_digits(digits, PRICE),
        unit_digits=_digits(digits, UNIT),
    )


def _digits(rows: Rows, name: str) -> int:
    return max((number_or_none(row["digits"]) or 0 for row in rows if _text(row["name"]).startswith(name)), default=2)


def numbers_of(values: object) -> tuple[int, ...]:
    """The ids of a many2many field."""
    return tuple(value for value in values if isinstance(value, int)) if isinstance(values, list | tuple) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _charges(
    odoo: Door, orders: Mapping[int, Row], metrics: Mapping[int, Row], lines: Rows, templates: Mapping[int, Row]
) -> tuple[dict[int, Rows], dict[int, HeldPlan]]:
    """Order -> its charges, as rating takes them: its own ones replace those of its plan; and its plan's line."""
    known = {number for row in templates.values() if (number := number_or_none(row["id"]))}
    of_plans: list[object] = ["&", ["plan_id", "in", sorted(known)], ["order_id", "=", False]]
    by_order: dict[int, Rows] = defaultdict(list)
    by_plan: dict[int, Rows] = defaultdict(list)
    for row in held_rows(
        odoo, "fusion.billing.charge", ["|", ["order_id", "in", sorted(orders)], *of_plans], charge_fields()
    ):
        order, plan = number_or_none(row["order_id"]), number_or_none(row["plan_id"])
        (by_order[order] if order else by_plan[plan or 0]).append(_with_metric(row, metrics))
    plans = dict(_plans(orders, lines, templates, by_plan))
    of_lines = {order: by_plan[number_or_none(template["id"]) or 0] for order, (_, template) in plans.items()}
    plan_by_order = {
        order: HeldPlan(line=number_or_none(line["id"]) or 0, sold=_sold_as(template))
        for order, (line, template) in plans.items()
    }
    return {order: by_order.get(order) or of_lines.get(order, []) for order in orders}, plan_by_order


def _plans(
    orders: Mapping[int, Row], lines: Rows, templates: Mapping[int, Row], charged: Mapping[int, Rows]
) -> Iterator[tuple[int, tuple[Row, Row]]]:
    """Order -> its plan's line and what it sells: charges or the order's code say so, else it is the first."""
    sold: dict[int, list[tuple[Row, Row]]] = defaultdict(list)
    for line in sorted(lines, key=_place):
        template = templates.get(number_or_none(line["product_id"]) or 0)
        if template and not line["display_type"]:
            sold[number_or_none(line["order_id"]) or 0].append((line, template))
    for order, pairs in sold.items():
        code = orders[order]["fusion_plan_code"]
        yield order, next((p for p in pairs if number_or_none(p[1]["id"]) in charged or _is_code(p[1], code)), pairs[0])


def _is_code(template: Row, code: object) -> bool:
    return bool(code) and template["default_code"] == code


def _sold_as(template: Row) -> HeldProduct:
    code, plan = _text(template["default_code"]) or _text(template["name"]), _text(template["plan"])
    return HeldProduct(product=code if plan else f"{code} (product.template {template['id']})", code=code, plan=plan)


def _place(line: Row) -> tuple[int, int]:
    return number_or_none(line["sequence"]) or 0, number_or_none(line["id"]) or 0


def _templates(odoo: Door, lines: Rows) -> dict[int, Row]:
    """Product on a line -> its template, on which the charges of a plan hang."""
    products = sorted({number for line in lines if (number := number_or_none(line["product_id"]))})
    rows = by_id(held_rows(odoo, "product.product", [["id", "in", products]], ("product_tmpl_id",)))
    template_by_product = {
        number: template for number, row in rows.items() if (template := number_or_none(row["product_tmpl_id"]))
    }
    names = ("name", "default_code", "fusion_lago_id")
    templates = by_id(
        held_rows(odoo, "product.template", [["id", "in", sorted(set(template_by_product.values()))]], names)
    )
    plans = plan_ids(odoo, templates.values())
    templates = {number: {**row, "plan": plans[number]} for number, row in templates.items()}
    return {number: templates[template] for number, template in template_by_product.items() if template in templates}


def _with_metric(row: Row, metrics: Mapping[int, Row]) -> dict[str, object]:
    metric = metrics.get(number_or_none(row["metric_id"]) or 0, {"code": None, "fusion_lago_id": None})
    return {**row, "metric": metric["code"], "metric_lago_id": metric["fusion_lago_id"]}


def _usage(odoo: Door, external: Sequence[str]) -> dict[str, Rows]:
    names = columns(fields.USAGE)
    return {name: held_rows(odoo, USAGE, [["external_subscription_id", "=", name]], names) for name in external}


def _whereabouts(odoo: Door, external_ids: Collection[str]) -> dict[str, Row]:
    """What migrated usage says today of whose it is; of records that are there."""
    numbers = {number: name for name, (_, number) in records_named(odoo, external_ids).items()}
    asked = ("external_subscription_id", "transaction_id")
    rows = odoo.search_among(USAGE, "id", sorted(numbers), list(asked))
    return {numbers[number]: row for number, row in by_id(list(rows)).items()}


TAX = (
    "name", "amount", "children_tax_ids", "amount_type", "price_include_override", "include_base_amount",
    "is_base_affected", "sequence",
)  # fmt: skip


def _taxes(odoo: Door) -> dict[int, HeldTax]:
    rows, shares = held_rows(odoo, "account.tax", [], TAX), _shares(odoo)
    company = held_rows(odoo, "res.company", [], ("account_price_include",))
    by_default = any(row["account_price_include"] == INCLUDED for row in company[:1])
    taxes = {number: _tax(number, row, by_default) for number, row in by_id(rows).items()}
    return {number: replace(tax, share=shares.get(number, tax.share)) for number, tax in taxes.items()}


def _shares(odoo: Door) -> dict[int, Decimal]:
    """Tax -> percent of it that comes onto an invoice: two lines that cancel out charge nothing."""
    domain: list[object] = [["document_type", "=", "invoice"]]
    shares: dict[int, Decimal] = {}
    for row in held_rows(odoo, REPARTITION, domain, ("tax_id", "repartition_type", "factor_percent")):
        part = decimal_in(row["factor_percent"]) if row["repartition_type"] == "tax" else Decimal(0)
        tax = number_or_none(row["tax_id"]) or 0
        shares[tax] = shares.get(tax, Decimal(0)) + part
    return shares


def _tax(number: int, row: Row, by_default: bool) -> HeldTax:
    """``by_default``: the company's prices hold their taxes, unless a tax says otherwise."""
    return HeldTax(
        name=_text(row["name"]),
        rate=decimal_in(row["amount"]),
        parts=numbers_of(row["children_tax_ids"]),
        kind=_text(row["amount_type"]),
        included=row["price_include_override"] == INCLUDED or (by_default and not row["price_include_override"]),
        on_next=bool(row["include_base_amount"]),
        affected=bool(row["is_base_affected"]),
        place=(number_or_none(row["sequence"]) or 0, number),
    )


TERM = ("name", "early_discount", "discount_percentage", "early_pay_discount_computation")


def _early(odoo: Door) -> dict[int, EarlyDiscount]:
    """Payment terms whose early discount lowers the taxes whether or not it is taken ("Always (upon invoice)")."""
    rows = by_id(held_rows(odoo, "account.payment.term", [], TERM))
    return {
        number: EarlyDiscount(_text(row["name"]), decimal_in(row["discount_percentage"]))
        for number, row in rows.items()
        if row.get("early_discount") and row.get("early_pay_discount_computation") == "mixed"
    }


def _away(odoo: Door, orders: Mapping[int, Row]) -> dict[int, str]:
    """Orders whose fiscal position is for another place than the customer's address: order -> the position's name."""
    partners = sorted({number_or_none(order["partner_id"]) or 0 for order in orders.values()})
    places = {
        number: (number_or_none(row["country_id"]), number_or_none(row["state_id"]))
        for number, row in by_id(
            held_rows(odoo, "res.partner", [["id", "in", partners]], ("country_id", "state_id"))
        ).items()
    }
    positions = by_id(held_rows(odoo, "account.fiscal.position", [], ("name", "country_id", "state_ids")))
    return dict(_elsewhere(orders, places, positions))


def _elsewhere(
    orders: Mapping[int, Row], places: Mapping[int, tuple[int | None, int | None]], positions: Mapping[int, Row]
) -> Iterator[tuple[int, str]]:
    for number, order in orders.items():
        position = positions.get(number_or_none(order["fiscal_position_id"]) or 0)
        country, state = places.get(number_or_none(order["partner_id"]) or 0, (None, None))
        if position is None:
            continue
        states = numbers_of(position["state_ids"])
        wrong_country = number_or_none(position["country_id"]) not in (None, country)
        if wrong_country or (states and state not in states):
            yield number, _text(position["name"])
