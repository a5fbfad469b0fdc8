"""What the Lago-shaped API does: one method per call, each for one service, which sees only its own customers."""

import zoneinfo
from datetime import UTC, datetime

from odoo import fields, models
from odoo.tools import SQL

from ..api import answers, intake
from ..rating import current_usage
from .rerun import USAGE_FIELDS, Gathered

NEVER = fields.Datetime.to_datetime("1970-01-01 00:00:00")
EVENT_FIELDS = ("id", *USAGE_FIELDS)


PAID = ("paid", "in_payment", "reversed")


def is_coupon(line):
    return '"kind": "coupon"' in (line.fusion_key or "")


class FusionBillingGateway(models.AbstractModel):
    _name = "fusion.billing.gateway"
    _description = "Lago-shaped API"

    # events

    def create_event(self, service, body):
        event = answers.root(body, "event", dict)
        row, errors = intake.event_row(event, datetime.now(UTC))
        if errors:
            raise answers.invalid(errors)
        stored = self._store(service, [row])
        if not stored:
            raise answers.invalid({"transaction_id": ["value_already_exist"]})
        return {"event": answers.event(stored[0])}

    def create_events(self, service, body):
        events = answers.root(body, "events", list)
        if len(events) > intake.BATCH_LIMIT:
            raise answers.invalid({"events": ["too_many_events"]})
        if not all(isinstance(event, dict) for event in events):
            raise answers.missing("events")
        rows, errors = intake.batch_rows(events, datetime.now(UTC), self._taken(service, events))
        if errors:
            raise answers.invalid(errors)
        stored = self._store(service, rows)
        if len(stored) < len(rows):  # another request stored one of them meanwhile
            raise answers.invalid({"transaction_id": ["value_already_exist"]})
        return {"events": [answers.event(row) for row in stored]}

    def find_event(self, service, _query, transaction_id):
        usage = self.env["fusion.billing.usage"].sudo()
        found = usage.search([("transaction_id", "=", transaction_id), ("company_id", "=", service.company_id.id)])
        own = found.filtered(lambda event: self._may_meter(service, event.external_subscription_id, event.service_id))
        if not own:
            raise answers.not_found("event")
        return {"event": answers.event(own[0].read(EVENT_FIELDS)[0])}

    def _taken(self, service, events):
        """Which of these (subscription, transaction) are stored already."""
        names = [str(event.get("transaction_id") or "") for event in events]
        found = self.env["fusion.billing.usage"].sudo().search_fetch(
            [("company_id", "=", service.company_id.id), ("transaction_id", "in", names)],
            ["external_subscription_id", "transaction_id"],
        )  # fmt: skip
        return frozenset((usage.external_subscription_id, usage.transaction_id) for usage in found)

    def _may_meter(self, service, external_id, by=None):
        """A subscription is its service's own; an unknown one belongs to whoever sent its events."""
        orders = self._orders(service, external_id, own=False)
        return service in orders.fusion_service_id if orders else by == service

    def _store(self, service, rows):
        """Insert in one statement; rows that exist already are left out of the answer."""
        subscriptions = {row["external_subscription_id"] for row in rows}
        foreign = [name for name in subscriptions if not self._may_meter(service, name, service)]
        if foreign:
            raise answers.not_found("subscription")
        billed = self._billed_to(subscriptions)
        columns = [name for name in EVENT_FIELDS if name != "id"] + ["late", "service_id", "company_id"]
        values = [
            SQL(
                "%s",
                (
                    *(row[name] for name in EVENT_FIELDS if name != "id"),
                    billed.get(row["external_subscription_id"], NEVER) >= row["timestamp"],
                    service.id,
                    service.company_id.id,
                ),
            )
            for row in rows
        ]
        self.env.cr.execute(
            SQL(
                "INSERT INTO fusion_billing_usage (%s) VALUES %s ON CONFLICT DO NOTHING RETURNING %s",
                SQL(", ").join(SQL.identifier(name) for name in columns),
                SQL(", ").join(values),
                SQL(", ").join(SQL.identifier(name) for name in EVENT_FIELDS),
            )
        )
        return self.env.cr.dictfetchall()

    def _billed_to(self, external_ids):
        """External id -> the end of the usage that its last real invoice took."""
        lines = self.env["account.move.line"].sudo()._read_group(
            [
                ("fusion_order_id.fusion_external_id", "in", list(external_ids)),
                ("parent_state", "!=", "cancel"),
                ("move_id.fusion_shadow", "=", False),
                ("fusion_key", "like", '"kind": "charge"'),
            ],
            ["fusion_order_id"],
            ["fusion_to:max"],
        )  # fmt: skip
        return {order.fusion_external_id: end for order, end in lines if end}

    # customers

    def upsert_customer(self, service, body):
        given = answers.root(body, "customer", dict)
        external_id = str(given.get("external_id") or "").strip()
        link = self._links(service, external_id) if external_id else None
        self._check_customer(given, external_id)
        values = self._partner_values(given)
        if link:
            link.partner_id.write(values)
        else:
            partner = self.env["res.partner"].sudo().create({"name": external_id, **values})
            link = self.env["fusion.billing.account.link"].sudo().create(
                {"service_id": service.id, "partner_id": partner.id, "external_id": external_id,
                 "company_id": service.company_id.id}
            )  # fmt: skip
        link.write(self._link_values(given))
        return {"customer": self._customer(link)}

    def find_customer(self, service, _query, external_id):
        link = self._links(service, external_id)
        if not link:
            raise answers.not_found("customer")
        return {"customer": self._customer(link)}

    def list_customers(self, service, query):
        domain = [("service_id", "=", service.id)]
        if query.get("external_id"):
            domain.append(("external_id", "=", query["external_id"]))
        return self._page("fusion.billing.account.link", domain, query, "customers", self._customer, "id desc")

    def current_usage(self, service, query, external_id):
        """Usage of the running period; taxes as Odoo computes them on the amounts so far."""
        link = self._links(service, external_id)
        if not link:
            raise answers.not_found("customer")
        orders = self._orders(service, query.get("external_subscription_id") or "")
        order = orders.filtered(lambda o: o.partner_id == link.partner_id and self._status(o) == "active")[:1]
        if not order:
            raise answers.not_allowed("no_active_subscription")
        now = fields.Datetime.now()
        gathered = Gathered(order, [now])
        given = gathered.billing({"order": order, "at": now, "reason": "", "event": ""})
        usage = current_usage(given["order"], given["charges"], given["metrics"], given["usage"], now)
        if usage is None:
            raise answers.not_allowed("no_active_subscription")
        taxes = self._usage_taxes(order, usage, gathered)
        shown = {name: value for name, value in usage.items() if name != "refusals"}
        totals = {"total_amount_cents": usage["amount_cents"] + taxes, "taxes_amount_cents": taxes}
        return {"customer_usage": {**shown, **totals}}

    def _usage_taxes(self, order, usage, gathered):
        digits = order.currency_id.decimal_places
        total = 0.0
        for charge in usage["charges_usage"]:
            taxes = gathered.taxes(order, gathered.charge(order, charge["charge"]["lago_id"]))
            amount = charge["amount_cents"] / 10**digits
            found = taxes.compute_all(amount, currency=order.currency_id, rounding_method="round_globally")["taxes"]
            total += sum(tax["amount"] for tax in found)
        return round(order.currency_id.round(total) * 10**digits)

    def _links(self, service, external_id):
        return (
            self.env["fusion.billing.account.link"]
            .sudo()
            .search([("service_id", "=", service.id), ("external_id", "=", external_id)])
        )

    def _check_customer(self, given, external_id):
        errors = {}
        if not external_id:
            errors["external_id"] = ["value_is_mandatory"]
        if given.get("currency") and not self._currency(given["currency"]):
            errors["currency"] = ["value_is_invalid"]
        if given.get("timezone") and given["timezone"] not in zoneinfo.available_timezones():
            errors["timezone"] = ["value_is_invalid"]
        if given.get("country") and not self._country(given["country"]):
            errors["country"] = ["country_code_invalid"]
        if errors:
            raise answers.invalid(errors)

    def _currency(self, code):
        currencies = self.env["res.currency"].sudo().with_context(active_test=False)
        return currencies.search([("name", "=", str(code))], limit=1)

    def _country(self, code):
        return self.env["res.country"].sudo().search([("code", "=", str(code).upper())], limit=1)

    def _partner_values(self, given):
        """Only what was given: an upsert leaves the rest alone."""
        names = {
            "name": "name", "email": "email", "phone": "phone", "address_line1": "street", "address_line2": "street2",
            "zipcode": "zip", "city": "city", "tax_identification_number": "vat", "url": "website",
            "legal_number": "company_registry",
        }  # fmt: skip
        values = {field: given[name] or False for name, field in names.items() if name in given}
        if not values.get("name"):
            values.pop("name", None)
        if given.get("country"):
            values["country_id"] = self._country(given["country"]).id
        return values

    def _link_values(self, given):
        values = {}
        if given.get("currency"):
            values["currency_id"] = self._currency(given["currency"]).id
        if given.get("timezone"):
            values["timezone"] = given["timezone"]
        return values

    def _customer(self, link):
        partner = link.partner_id
        address = {"address_line1": partner.street or None, "address_line2": partner.street2 or None,
                   "city": partner.city or None, "zipcode": partner.zip or None,
                   "state": partner.state_id.name or None, "country": partner.country_id.code or None}  # fmt: skip
        return {
            "lago_id": link.fusion_lago_id,
            "external_id": link.external_id,
            "account_type": "customer",
            "name": partner.name,
            "customer_type": "company" if partner.is_company else None,
            "sequential_id": link.id,
            "slug": f"{link.service_id.code.upper()}-{link.id}",
            "created_at": answers.seconds(link.create_date),
            "updated_at": answers.seconds(max(link.write_date, partner.write_date)),
            **address,
            "email": partner.email or None,
            "phone": partner.phone or None,
            "url": partner.website or None,
            "legal_number": partner.company_registry or None,
            "tax_identification_number": partner.vat or None,
            "currency": link.currency_id.name or None,
            "timezone": link.timezone or None,
            "applicable_timezone": link.timezone or "UTC",
            "finalize_zero_amount_invoice": "inherit",
            "billing_configuration": {"invoice_grace_period": link.grace_days or None},
            "metadata": [],
        }

    # subscriptions

    def list_subscriptions(self, service, query):
        domain = [("fusion_service_id", "=", service.id), ("fusion_external_id", "!=", False), *self._active()]
        if query.get("external_customer_id"):
            link = self._links(service, query["external_customer_id"])
            if not link:
                raise answers.not_found("customer")
            domain.append(("partner_id", "=", link.partner_id.id))
        return self._page(
            "sale.order", domain, query, "subscriptions", self._subscription, "fusion_anchor desc, id desc"
        )

    def find_subscription(self, service, _query, external_id):
        orders = self._orders(service, external_id)
        running = orders.filtered(lambda order: self._status(order) == "active")
        if not running:
            raise answers.not_found("subscription")
        return {"subscription": self._subscription(running[0])}

    @staticmethod
    def _active():
        return [("state", "=", "sale"), ("fusion_started_at", "!=", False), ("fusion_ended_at", "=", False)]

    def _orders(self, service, external_id, own=True):
        domain = [("fusion_external_id", "=", external_id), ("company_id", "=", service.company_id.id)]
        if own:
            domain.append(("fusion_service_id", "=", service.id))
        return self.env["sale.order"].sudo().search(domain, order="fusion_started_at desc, id desc")

    @staticmethod
    def _status(order):
        if order.state == "cancel":
            return "canceled"
        if order.fusion_ended_at and order.fusion_ended_at <= fields.Datetime.now():
            return "terminated"
        return "active" if order.fusion_started_at and order.state == "sale" else "pending"

    def _subscription(self, order):
        link = self.env["fusion.billing.account.link"].sudo().search(
            [("service_id", "=", order.fusion_service_id.id), ("partner_id", "=", order.partner_id.id)], limit=1
        )  # fmt: skip
        digits = order.currency_id.decimal_places
        return {
            "lago_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
            "external_id": order.fusion_external_id,
            "lago_customer_id": link.fusion_lago_id or None,
            "external_customer_id": link.external_id or None,
            "name": None,
            "plan_code": order.fusion_plan_code or None,
            "plan_amount_cents": round(float(order.fusion_plan_amount or 0) * 10**digits),
            "plan_amount_currency": order.currency_id.name,
            "status": self._status(order),
            "billing_time": order.fusion_billing_time or None,
            "subscription_at": answers.seconds(order.fusion_anchor),
            "started_at": answers.millis(order.fusion_started_at, order.fusion_started_us),
            "ending_at": answers.seconds(order.fusion_ending_at),
            "terminated_at": answers.seconds(order.fusion_ended_at),
            "canceled_at": None,
            "created_at": answers.seconds(order.fusion_created_at or order.create_date),
            "previous_plan_code": order.fusion_previous_order_id.fusion_plan_code or None,
            "next_plan_code": None,
            "downgrade_plan_date": None,
        }

    # invoices

    def list_invoices(self, service, query):
        domain = self._invoice_domain(service)
        if query.get("external_customer_id"):
            domain.append(("partner_id", "=", self._links(service, query["external_customer_id"]).partner_id.id))
        return self._page(
            "account.move",
            domain,
            query,
            "invoices",
            lambda move: self._invoice(move, service),
            "invoice_date desc, id desc",
        )

    def find_invoice(self, service, _query, lago_id):
        moves = self.env["account.move"].sudo().search(self._invoice_domain(service))
        found = moves.filtered(lambda move: answers.stable_id("invoice", move.id) == lago_id)
        if not found:
            raise answers.not_found("invoice")
        return {"invoice": self._invoice(found, service)}

    @staticmethod
    def _invoice_domain(service):
        return [
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("fusion_shadow", "=", False),
            ("company_id", "=", service.company_id.id),
            "|",
            ("invoice_line_ids.fusion_order_id.fusion_service_id", "=", service.id),
            ("invoice_line_ids.sale_line_ids.order_id.fusion_service_id", "=", service.id),
        ]

    def _invoice(self, move, service):
        """A posted invoice as Lago shows one. Amounts in cents of its currency."""
        digits = move.currency_id.decimal_places
        coupon = sum(move.invoice_line_ids.filtered(is_coupon).mapped("price_subtotal"))

        def cents(amount):
            return round(amount * 10**digits)

        paid = move.amount_total - move.amount_residual
        today = fields.Date.context_today(move)
        link = (
            self.env["fusion.billing.account.link"]
            .sudo()
            .search(
                [
                    ("service_id", "=", service.id),
                    ("partner_id", "in", (move.partner_id | move.commercial_partner_id).ids),
                ],
                limit=1,
            )
        )
        return {
            "lago_id": answers.stable_id("invoice", move.id),
            "sequential_id": move.id,
            "number": move.name,
            "issuing_date": str(move.invoice_date),
            "payment_due_date": str(move.invoice_date_due or move.invoice_date),
            "net_payment_term": (move.invoice_date_due - move.invoice_date).days if move.invoice_date_due else 0,
            "invoice_type": "subscription",
            "status": "finalized",
            "payment_status": "succeeded" if move.payment_state in PAID else "pending",
            "payment_dispute_lost_at": None,
            "payment_overdue": bool(
                move.payment_state not in PAID and move.invoice_date_due and move.invoice_date_due < today
            ),
            "currency": move.currency_id.name,
            "fees_amount_cents": cents(move.amount_untaxed - coupon),
            "coupons_amount_cents": cents(-coupon),
            "taxes_amount_cents": cents(move.amount_tax),
            "credit_notes_amount_cents": 0,
            "progressive_billing_credit_amount_cents": 0,
            "prepaid_credit_amount_cents": 0,
            "sub_total_excluding_taxes_amount_cents": cents(move.amount_untaxed),
            "sub_total_including_taxes_amount_cents": cents(move.amount_total),
            "total_amount_cents": cents(move.amount_total),
            "total_paid_amount_cents": cents(paid),
            "total_due_amount_cents": cents(move.amount_residual),
            "total_offsetted_credit_note_amount_cents": 0,
            "version_number": 4,
            "file_url": None,
            "created_at": answers.seconds(move.create_date),
            "updated_at": answers.seconds(move.write_date),
            "customer": self._customer(link) if link else None,
        }

    def _page(self, model, domain, query, name, shape, order):
        number, per_page = answers.page(query)
        records = self.env[model].sudo()
        found = records.search(domain, offset=(number - 1) * per_page, limit=per_page, order=order)
        return {
            name: [shape(record) for record in found],
            "meta": answers.meta(number, per_page, records.search_count(domain)),
        }
