"""What happened to an order before: coupons used up on invoices, units of fixed charges that changed."""

import json
from collections import defaultdict

from odoo.tools import SQL

from ..rating.moments import moment


def read_uses(orders):
    """Lago id of a held coupon -> {invoice: (when it was billed, cents it took)}, on real invoices that stand."""
    orders.env["account.move.line"].flush_model()
    orders.env["fusion.billing.period"].flush_model()
    orders.env.cr.execute(
        SQL(
            """SELECT line.fusion_key, line.move_id, min(period.at) AS at, line.id,
                      round(-line.price_subtotal::numeric * power(10, currency.decimal_places))::bigint AS cents
                 FROM account_move_line line
                 JOIN account_move move ON move.id = line.move_id
                 JOIN res_currency currency ON currency.id = line.currency_id
                 JOIN fusion_billing_period period ON period.move_id = move.id AND period.active
                WHERE move.state != 'cancel' AND move.fusion_shadow IS NOT TRUE
                  AND line.fusion_key LIKE '%%"kind": "coupon"%%'
                  AND move.partner_id IN %(partners)s
             GROUP BY line.id, line.move_id, currency.decimal_places""",
            partners=tuple((orders.partner_id | orders.partner_invoice_id).ids) or (0,),
        )
    )
    uses = defaultdict(dict)
    for row in orders.env.cr.dictfetchall():
        held = uses[json.loads(row["fusion_key"])["item"]]
        _at, before = held.get(row["move_id"], (row["at"], 0))
        held[row["move_id"]] = (row["at"], before + int(row["cents"]))
    return uses


def held(text, uses):
    """The coupons of an order with what invoices of Odoo took of them; those used up are left out."""
    coupons = json.loads(text) if text else []
    if not any(uses.get(str(coupon.get("lago_id"))) for coupon in coupons):
        return text
    found = (with_uses(coupon, list(uses.get(str(coupon.get("lago_id")), {}).values())) for coupon in coupons)
    return json.dumps([coupon for coupon in found if coupon])


def with_uses(coupon, uses):
    """The coupon with its uses; the last one that it allows ends it (None: it allowed none)."""
    if not uses:
        return coupon
    uses = sorted(uses)
    if coupon.get("frequency") == "once" and coupon.get("percentage_rate"):
        return {**coupon, "terminated_at": uses[0][0].isoformat()}
    if coupon.get("frequency") == "recurring":
        left = int(coupon.get("frequency_duration_remaining") or 0)
        if not left:
            return None
        return {**coupon, "terminated_at": uses[left - 1][0].isoformat()} if len(uses) >= left else coupon
    if coupon.get("frequency") == "once":
        return {**coupon, "credits": [*credits(coupon), *({"at": at.isoformat(), "amount_cents": c} for at, c in uses)]}
    return coupon


def from_now_on(text):
    """The coupons for a new invoice: what is left of them says what was taken, also where it was not noted when."""
    coupons = json.loads(text) if text else []
    return json.dumps([{**c, "credits": credits(c)} if c.get("frequency") == "once" else c for c in coupons])


def credits(coupon):
    """What Lago took of it: recorded use by use, else as one use before all others."""
    if coupon.get("credits") is not None:
        return coupon["credits"]
    left = coupon.get("amount_cents_remaining")
    taken = int(coupon.get("amount_cents") or 0) - int(left) if left is not None else 0
    return [{"at": coupon.get("created_at") or "1970-01-01T00:00:00Z", "amount_cents": taken}] if taken else []


def unit_events(row, order):
    """How the units of a fixed charge changed while this order ran; none: they are what they were at its start."""
    changes = json.loads(row["unit_changes"]) if row.get("unit_changes") else []
    started = moment(order.fusion_started_at, order.fusion_started_us or 0)
    if not changes or started is None:
        return ()
    before = [change for change in changes if moment(change["at"]) <= started]
    after = [change for change in changes if moment(change["at"]) > started]
    first = before[-1]["units"] if before else (after[0] if after else changes[0]).get("was", row["units"])
    return ({"at": None, "units": first}, *({"at": c["at"], "units": c["units"]} for c in after))
