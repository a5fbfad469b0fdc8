"""The list of the matrix on a real Odoo: faults of the embedded one, and those that need Odoo's own behaviour."""

# ruff: noqa: E501 - the list of faults reads better one a line
from __future__ import annotations

from tests.faults import EXTRA as EXTRA_COUPON
from tests.faults import (
    FAULTS,
    OVERRIDE,
    PERCENT,
    PRO,
    STARTER,
    TEAM,
    TRIAL,
    WALLET,
    billed_at,
    charge_price,
    coupons,
    of_tax,
    on_charge,
    on_metric,
    on_order,
    together,
)
from tests.odoo.matrix.kinds import (
    ENTERPRISE,
    OCA,
    Kind,
    add_line,
    add_to_balance,
    as_kind,
    balance_id,
    by_sql,
    contact_of,
    copied_tax,
    copy_balance,
    copy_order,
    do,
    early_discount,
    foreign_company,
    forget_external_id,
    give_balance_to,
    kind,
    later,
    lesser_group,
    lone_invoice,
    lone_order,
    lone_receipt,
    lone_sale,
    merge_contacts,
    move_order,
    never_made,
    note_on_order,
    on_balance,
    on_balance_line,
    on_line,
    on_native,
    on_partner,
    order_id,
    pay_balance,
    province,
    run_scheduler,
    setting,
    stage_of_native,
    swap_product,
    tax_on_balance,
    undistributed,
    usage_again,
    usage_to,
)

BOTH = (ENTERPRISE, OCA)
# Faults of the embedded matrix that say something of OCA as well: its carrier is an order like any other.
ON_OCA = frozenset(
    {
        "base price raised",
        "usage price changed",
        "charge removed",
        "usage removed",
        "coupon not carried",
        "rate of a tax",
        "start moved",
        "commitment that Lago has not",
    }
)
# They need the embedded Odoo: a ledger of their own, or a state that a real Odoo does not take by a write.
EMBEDDED_ONLY = frozenset(
    {"another currency", "one of two orders still pending", "lines that cancel out by a quantity"}
)

SHARED = tuple(
    as_kind(fault, *(BOTH if fault.name in ON_OCA else ()))
    for fault in FAULTS
    if fault.side == "odoo" and fault.name not in EMBEDDED_ONLY
)
# Lago's own records are changed, Odoo stays as it was migrated.
OF_LAGO = (
    *(as_kind(fault) for fault in FAULTS if fault.side == "lago"),
    Kind(
        name="invoice never made",
        side="lago",
        causes=frozenset({"period_never_billed"}),
        customers=(STARTER,),
        plant=never_made,
    ),
)

SETTINGS = (
    kind("setting: CAD rounded to 0.05", STARTER, by_sql("update res_currency set rounding = 0.05 where name = 'CAD'"), causes="currency_rounding"),
    kind("setting: tax included in the price", STARTER, of_tax("hst_sale_tax_13", price_include_override="tax_included"), causes="tax_included"),
    kind("setting: the company's prices include taxes", STARTER, by_sql("update res_company set account_price_include = 'tax_included'"), causes="tax_included"),
    kind("setting: fiscal country is another", STARTER, foreign_company, causes="fiscal_country invoice_refused refused_by_odoo"),
    kind("setting: sales journals archived", STARTER, by_sql("update account_journal set active = false where type = 'sale'"), causes="journal_archived invoice_refused refused_by_odoo"),
    kind("setting: prices keep no digits", STARTER, setting("decimal.precision", [["name", "=", "Product Price"]], digits=0), moves=False),  # Odoo 19 only shows prices so
    kind("setting: quantities keep no digits", STARTER, setting("decimal.precision", [["name", "=", "Product Unit"]], digits=0), moves=False),
    kind("setting: tax archived", STARTER, of_tax("hst_sale_tax_13", active=False), moves=False),
    kind("setting: part of a group of taxes has another rate", PRO, of_tax("gst_sale_tax_5", amount=6.0), causes="tax_wrong"),
    kind("setting: part of a group is included in the price", PRO, of_tax("gst_sale_tax_5", price_include_override="tax_included"), causes="tax_included"),
    kind("setting: a group of taxes has lost a part", PERCENT, lesser_group(PERCENT, "gst_sale_tax_5"), causes="tax_missing"),
    kind("setting: what a tax brings is taken off again", STARTER, undistributed("hst_sale_tax_13"), causes="tax_wrong"),
    kind("setting: tax computed as a fixed amount", STARTER, of_tax("hst_sale_tax_13", amount_type="fixed"), causes="tax_wrong"),
)  # fmt: skip

EDITS = (
    kind("edit: discount of 10 % on the plan", STARTER, on_line(STARTER, discount=10.0), causes="discount", drift="discount"),
    kind("edit: a line of 500.00 more", STARTER, add_line(STARTER, 500.0), causes="order_line_added", drift="order_line"),
    kind("edit: a goodwill line of -20.00", STARTER, add_line(STARTER, -20.0), causes="order_line_added", drift="order_line"),
    kind("edit: price on the line of the plan", STARTER, on_line(STARTER, price_unit=99.0), causes="price", drift="price_unit"),
    kind("edit: two of the plan", STARTER, on_line(STARTER, product_uom_qty=2.0), causes="extra_usage price", drift="product_uom_qty"),
    kind("edit: none of the plan", STARTER, on_line(STARTER, product_uom_qty=0.0), causes="missing_line", drift="product_uom_qty"),
    kind("edit: another plan's product on the line", STARTER, swap_product(STARTER), causes="base_product_swapped tax_wrong tax_missing", each=("base_product_swapped",), drift="product_id"),
    kind("edit: order copied and running", STARTER, copy_order(STARTER), causes="extra_order", drift="extra_order"),
    kind("edit: order moved to another customer", STARTER, move_order(STARTER, PRO, "partner_id"), causes="other_customer", drift="partner_id"),
    kind("edit: invoices go to another customer", STARTER, move_order(STARTER, PRO, "partner_invoice_id"), causes="other_customer", drift="partner_invoice_id"),
    kind("edit: contacts merged", STARTER, merge_contacts(STARTER, PRO), causes="other_customer", drift="partner_id deleted"),
    kind("edit: next invoice five days later", STARTER, later(STARTER, days=5), causes="next_invoice", drift="next_invoice_date"),
    kind("edit: next invoice a year later", STARTER, later(STARTER, years=1), causes="next_invoice", drift="next_invoice_date"),
    kind("edit: subscription closed by its button", STARTER, do("sale.order", "set_close", order_id(STARTER)), causes="subscription_state", drift="subscription_state"),
    kind("edit: subscription paused by its button", STARTER, do("sale.order", "pause_subscription", order_id(STARTER)), causes="subscription_state", drift="subscription_state"),
    kind("edit: order has ended", STARTER, on_order(STARTER, fusion_ended_at="2026-06-20 10:00:00"), causes="plan_change_date", drift="fusion_ended_at"),
    kind("edit: billed elsewhere a year longer", STARTER, on_order(STARTER, fusion_billed_until="2027-08-01 00:00:00"), causes="plan_change_date", drift="fusion_billed_until"),
    kind("edit: billed elsewhere three months less", STARTER, on_order(STARTER, fusion_billed_until="2026-05-01 00:00:00"), causes="plan_change_date", drift="fusion_billed_until"),
    kind("edit: yearly instead of monthly", STARTER, on_order(STARTER, fusion_interval="yearly"), causes="period_boundary", drift="fusion_interval"),
    kind("edit: paid at the start instead of the end, or the other way round", STARTER, lambda c: on_order(STARTER, fusion_pay_in_advance=not c.order(STARTER)["fusion_pay_in_advance"])(c), causes="charge_terms period_boundary", drift="fusion_pay_in_advance"),
    kind("edit: external subscription id", STARTER, on_order(STARTER, fusion_external_id="another"), causes="missing_usage", drift="fusion_external_id"),
    kind("edit: the customer moved to Quebec", STARTER, province(STARTER, "QC"), drift="state_id", moves=False),
    kind("edit: the customer is archived", STARTER, on_partner(STARTER, active=False), drift="active", moves=False),
    kind("edit: the customer's name", STARTER, on_partner(STARTER, name="Another Name"), drift="name", moves=False),
    kind("edit: the customer becomes another one's contact", STARTER, contact_of(STARTER, PRO), causes="other_customer", drift="parent_id is_company"),
    kind("edit: a payment term with an early discount", STARTER, early_discount(STARTER), causes="early_discount", drift="payment_term_id"),
    kind("edit: a copy of the tax, included in the price, on the plan's line", STARTER, copied_tax(STARTER, "hst_sale_tax_13"), causes="tax_included", drift="tax_ids"),
    kind("edit: the same coupon entry twice", PERCENT, coupons(PERCENT, lambda held: [*held, *held]), drift="fusion_coupons", moves=False),  # Odoo takes what bears one Lago id once
    kind("edit: a note on the order", STARTER, note_on_order(STARTER), moves=False),
    kind("edit: the text of the line", STARTER, on_line(STARTER, name="Our best plan"), drift="name", moves=False),
)  # fmt: skip

TERMS = (
    kind("charge model", STARTER, on_charge("egress_gb", "nexacloud_starter", charge_model="volume"), causes="price", drift="charge_model"),
    kind("charge paid in advance", STARTER, on_charge("egress_gb", "nexacloud_starter", pay_in_advance=True), causes="charge_terms missing_line", drift="pay_in_advance"),
    kind("charge of another metric", STARTER, lambda c: on_charge("egress_gb", "nexacloud_starter", metric_id=c.rows("fusion.billing.metric", [["code", "=", "storage_gb"]], "id")[0]["id"])(c), causes="aggregation missing_line extra_line", drift="metric_id"),
    kind("usage price rounded up", STARTER, charge_price("egress_gb", "nexacloud_starter", ["amount"], "10"), causes="price", drift="properties"),
    kind("field of a metric", STARTER, on_metric("egress_gb", field_name="nothing"), causes="aggregation", drift="field_name"),
    kind("metric counts instead of adding up", STARTER, on_metric("egress_gb", aggregation="count_agg"), causes="aggregation", drift="aggregation"),
    kind("metric carries over", STARTER, on_metric("egress_gb", recurring=True), causes="aggregation", drift="recurring"),
    kind("usage of another subscription", STARTER, usage_to(STARTER, PRO, "egress_gb"), causes="missing_usage", drift="external_subscription_id"),
    kind("plan amount of an overridden plan", OVERRIDE, on_order(OVERRIDE, fusion_plan_amount="1.00"), causes="price", drift="fusion_plan_amount"),
    kind("trial prolonged", TRIAL, on_order(TRIAL, fusion_trial_days="60"), causes="trial", drift="fusion_trial_days", month="2026-03"),
)  # fmt: skip

ONE_SIDED = (
    kind("only Odoo: an order", STARTER, lone_order(STARTER), causes="extra_order", drift="extra_order"),
    kind("only Odoo: an invoice", STARTER, lone_invoice(STARTER), causes="extra_invoice", drift="extra_invoice"),
    kind("only Odoo: a receipt", STARTER, lone_receipt(STARTER), causes="extra_invoice", drift="extra_invoice"),
    kind("only Odoo: an order that is invoiced once", STARTER, lone_sale(STARTER), causes="extra_order", drift="extra_order"),
    kind("only Odoo: usage entered again, not billed yet", STARTER, usage_again(STARTER, "egress_gb", "2026-08"), causes="extra_open_usage"),
    kind("only Lago: the order's external id is gone", STARTER, forget_external_id(STARTER), causes="order_missing mapping_gap extra_order", drift="deleted"),
)  # fmt: skip

BALANCES = (
    kind("balance: cancelled", STARTER, do("account.move", "button_cancel", balance_id(STARTER, "2026-03")), causes="balance_missing", drift="state", month="2026-03"),
    kind("balance: posted and paid", STARTER, pay_balance(STARTER, "2026-03"), month="2026-03", moves=False),  # the books go on: told by status, and no drift
    kind("balance: posted with less", STARTER, together(on_balance_line(STARTER, "2026-03", price_unit=1.0), do("account.move", "action_post", balance_id(STARTER, "2026-03"))), causes="lacking_balance", drift="price_unit", month="2026-03"),
    kind("balance: another customer's", STARTER, give_balance_to(STARTER, "2026-03", PRO), causes="other_customer balance_missing", drift="partner_id", month="2026-03"),
    kind("balance: twice", STARTER, copy_balance(STARTER, "2026-03"), causes="extra_invoice", drift="extra_invoice", month="2026-03"),
    kind("balance: a discount on its line", STARTER, on_balance_line(STARTER, "2026-03", discount=10.0), causes="balance_wrong", drift="discount", month="2026-03"),
    kind("balance: a tax on its line", STARTER, tax_on_balance(STARTER, "2026-03", "hst_sale_tax_13"), causes="balance_wrong", drift="tax_ids", month="2026-03"),
    kind("balance: a line more in the entry", STARTER, add_to_balance(STARTER, "2026-03", 5.0), causes="balance_wrong", drift="lines", month="2026-03"),
    kind("balance: due a year later", STARTER, on_balance(STARTER, "2026-03", invoice_date_due="2027-12-31"), drift="invoice_date_due", month="2026-03", moves=False),
)  # fmt: skip

SEVERAL = (
    Kind(name="both bill another price than Lago's plan has", side="rerate", causes=frozenset({"rerate_differs"}), customers=(STARTER,), plant=together(lambda c: billed_at(c, 3900), on_order(STARTER, fusion_plan_amount="39.00"))),
    kind("two: discount and a tax's rate", STARTER, together(on_line(STARTER, discount=10.0), of_tax("hst_sale_tax_13", amount=14.0)), causes="tax_wrong discount", each=("tax_wrong", "discount")),
    kind("two: minimum of a charge and order ended", STARTER, together(on_charge("storage_gb", "nexacloud_starter", min_amount="50.00"), on_order(STARTER, fusion_ended_at="2026-06-20 10:00:00")), causes="minimum plan_change_date", each=("minimum min_amount", "plan_change_date fusion_ended_at")),
    kind("cancel out: plan 3.00 more, and a coupon of 3.00", STARTER, together(coupons(STARTER, lambda held: [*held, EXTRA_COUPON]), lambda c: on_order(STARTER, fusion_plan_amount=f"{float(c.order(STARTER)['fusion_plan_amount']) + 3:.2f}")(c)), causes="coupon_extra price", each=("coupon_extra", "price")),
    kind("cancel out: plan 10.00 dearer, a charge's minimum 10.00 lower", STARTER, together(on_order(STARTER, fusion_plan_amount="39.00"), on_charge("compute_hours", "nexacloud_starter", min_amount="10.00")), causes="price minimum", each=("price", "minimum")),
    kind("cancel out: plan 5.00 dearer, goodwill of 5.00", STARTER, together(on_order(STARTER, fusion_plan_amount="34.00"), add_line(STARTER, -5.0)), causes="price order_line_added", each=("price", "order_line_added")),
    kind("cancel out: one piece of 100 more, one less", TEAM, together(add_line(TEAM, 100.0), add_line(TEAM, 100.0, quantity=-1.0)), causes="order_line_added line_left_out"),
    kind("cancel out: 100 more on one line, 100 less on the other", TEAM, together(add_line(TEAM, 100.0), add_line(TEAM, -100.0)), causes="order_line_added"),
    kind("two: coupon of another customer, wallet's balance gone", WALLET, together(coupons(WALLET, lambda held: [*held, EXTRA_COUPON]), on_order(WALLET, fusion_commitment="500.00")), causes="coupon_extra minimum", each=("coupon_extra", "minimum")),
    kind("two: start moved, and the price on the plan's line raised", STARTER, together(on_order(STARTER, fusion_started_at="2026-02-10 15:54:08"), on_line(STARTER, price_unit=41.5)), causes="plan_change_date price", each=("plan_change_date", "price price_unit"), month="2026-03"),
    kind("two: percent coupon dropped and its plan dearer", PERCENT, together(coupons(PERCENT, lambda held: []), on_order(PERCENT, fusion_plan_amount="400.00")), causes="coupon_missing price", each=("coupon_missing", "price")),
)  # fmt: skip

SUBSCRIPTION_LINE = "sale.subscription.line"
# The addon lets OCA's own ways of invoicing go that of the order: the lines of OCA's subscription move no money.
OF_OCA = (
    kind("OCA: its own scheduler bills", STARTER, run_scheduler("subscription_oca.ir_cron_subscription_management"), drift="extra_invoice recurring_next_date", flavours=(OCA,), moves=False),
    kind("OCA: the subscription is closed", STARTER, stage_of_native(STARTER, "post"), causes="subscription_state", drift="stage_id in_progress", flavours=(OCA,)),
    kind("OCA: the subscription is paused", STARTER, on_native(STARTER, is_paused=True), causes="subscription_state", drift="is_paused", flavours=(OCA,)),
    kind("OCA: price on the line of the subscription", STARTER, on_line(STARTER, SUBSCRIPTION_LINE, price_unit=99.0), drift="price_unit", flavours=(OCA,), moves=False),
    kind("OCA: discount on the line of the subscription", STARTER, on_line(STARTER, SUBSCRIPTION_LINE, discount=10.0), drift="discount", flavours=(OCA,), moves=False),
    kind("OCA: quantity of the carrier's line", STARTER, on_line(STARTER, product_uom_qty=1.0), drift="product_uom_qty", flavours=(OCA,), moves=False),
)  # fmt: skip

KINDS: tuple[Kind, ...] = (*SHARED, *OF_LAGO, *SETTINGS, *EDITS, *TERMS, *ONE_SIDED, *BALANCES, *SEVERAL, *OF_OCA)  # fmt: skip

# What runs with every ``make test-odoo``.
QUICK = frozenset(
    {
        "base price raised",
        "usage removed",
        "charge not prorated",
        "charge removed",
        "charge twice",
        "setting: tax included in the price",
        "setting: fiscal country is another",
        "setting: part of a group of taxes has another rate",
        "edit: discount of 10 % on the plan",
        "edit: a line of 500.00 more",
        "edit: a goodwill line of -20.00",
        "OCA: price on the line of the subscription",
    }
)
