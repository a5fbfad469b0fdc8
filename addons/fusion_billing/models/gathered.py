"""Reads with the ORM what rating needs of orders; what belongs to what is ``rating.gather``'s to say."""

from collections import defaultdict

from odoo.tools import SQL

from ..rating import gather
from ..rating.rows import (
    CHARGE_FIELDS,
    CHARGE_LINKS,
    METRIC_FIELDS,
    ORDER_FIELDS,
    ORDER_LINKS,
    USAGE_FIELDS,
    USAGE_LINKS,
)


class Reader:
    """``gather.Reader`` of one company, whatever else the user may see."""

    def __init__(self, env, company):
        self.env = env
        self.company = company

    def orders(self, ids):
        orders = self.env["sale.order"].browse(ids)
        currencies = {order.id: order.currency_id.name for order in orders}
        rows = orders.read([*ORDER_FIELDS, *ORDER_LINKS], load="")
        return [{**row, "currency": currencies[row["id"]]} for row in rows]

    def ids_of_external(self, external_ids):
        domain = [("company_id", "=", self.company.id), ("fusion_external_id", "in", list(external_ids))]
        return self.env["sale.order"].search(domain).ids

    def ids_replacing(self, ids):
        return self.env["sale.order"].search([("fusion_previous_order_id", "in", list(ids))]).ids

    def sold_lines(self, orders):
        lines = self.env["sale.order"].browse(orders).order_line
        return [sold_line(line) for line in lines if sells(line)]

    def charges(self, orders, plans):
        """Plans are shared: those that another company put on one are no business of this one's orders."""
        domain = ["|", ("order_id", "in", list(orders)), "&", ("plan_id", "in", list(plans)), ("order_id", "=", False)]
        own = [("company_id", "=", self.company.id), *domain]
        return self.env["fusion.billing.charge"].search(own).read([*CHARGE_FIELDS, *CHARGE_LINKS], load="")

    def metrics(self):
        return self.env["fusion.billing.metric"].search([("company_id", "=", self.company.id)]).read(METRIC_FIELDS)

    def usage(self, query):
        """By SQL: rows become dicts, not records."""
        self.env["fusion.billing.usage"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT %(columns)s FROM fusion_billing_usage
                    WHERE company_id = %(company)s AND external_subscription_id = ANY(%(external_ids)s)
                      AND code = ANY(%(codes)s) AND (timestamp >= %(since)s OR code = ANY(%(recurring)s))
                 ORDER BY received_at, received_us, id""",
                columns=SQL(", ").join(SQL.identifier(name) for name in (*USAGE_FIELDS, *USAGE_LINKS)),
                company=self.company.id,
                external_ids=list(query.external_ids),
                codes=list(query.codes),
                since=query.since.replace(tzinfo=None),
                recurring=list(query.recurring),
            )
        )
        return self.env.cr.dictfetchall()

    def coupon_uses(self, partners):
        """On real invoices that stand."""
        self.env["account.move.line"].flush_model()
        self.env["fusion.billing.period"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT line.fusion_item AS item, line.move_id, min(period.at) AS at, line.currency_id,
                          line.price_subtotal AS amount
                     FROM account_move_line line
                     JOIN account_move move ON move.id = line.move_id
                     JOIN fusion_billing_period period ON period.move_id = move.id AND period.active
                    WHERE move.state != 'cancel' AND move.fusion_shadow IS NOT TRUE
                      AND line.fusion_kind = 'coupon'
                      AND move.company_id = %(company)s AND move.partner_id IN %(partners)s
                 GROUP BY line.id, line.move_id""",
                company=self.company.id,
                partners=tuple(partners) or (0,),
            )
        )
        uses = defaultdict(dict)
        for row in self.env.cr.dictfetchall():
            of_coupon = uses[row["item"]]
            _at, before = of_coupon.get(row["move_id"], (row["at"], 0))
            cents = self.env["res.currency"].browse(row["currency_id"])._fusion_cents(-float(row["amount"]))
            of_coupon[row["move_id"]] = (row["at"], before + cents)
        return {item: list(by_move.values()) for item, by_move in uses.items()}

    def grace_days(self, accounts):
        links = self.env["fusion.billing.account.link"].search([("id", "in", list(accounts)), ("grace_days", ">", 0)])
        return {link.id: link.grace_days for link in links}

    def product_taxes(self, order, product):
        order = self.env["sale.order"].browse(order)
        taxes = self.env["product.product"].browse(product).taxes_id._filter_taxes_by_company(order.company_id)
        return (order.fiscal_position_id.map_tax(taxes) if order.fiscal_position_id else taxes).ids


class Gathered(gather.Gathered):
    """Of orders of one company. ``moments``: when they are billed; none: usage is not read."""

    def __init__(self, orders, moments=()):
        super().__init__(Reader(orders.env, orders.company_id.ensure_one()), orders.ids, moments)


def plan_line(order):
    """The order's line of its price plan, if it has one."""
    lines = order.order_line.filtered(sells)
    plans = [plan(line.product_template_id, order.company_id) for line in lines]
    return lines[gather.plan_position(plans, order.fusion_plan_code or "")] if lines else lines


def sells(line):
    return line.product_id and not line.display_type


def sold_line(line):
    return gather.SoldLine(
        order=line.order_id.id,
        product=line.product_id.id,
        taxes=tuple(line.tax_ids.ids),
        plan=plan(line.product_template_id, line.company_id),
    )


def plan(template, company):
    return gather.Plan(
        id=template.id,
        code=template.default_code or "",
        name=template.name or "",
        lago_id=template.fusion_lago_id or "",
        charged=any(charge.company_id == company for charge in template.fusion_charge_ids),
    )
