"""Subscriptions: native sale orders. What happens to them is in ``models/lifecycle.py``."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from odoo import fields, models

from ...api import answers, overrides, subscriptions
from ...rating import schedule
from ...rating.exact import exponent
from ..currency import NOT_KEPT
from ..lifecycle import now_exactly

RUNNING = [("state", "=", "sale"), ("fusion_started_at", "!=", False), ("fusion_ended_at", "=", False)]
NO_ORDER = [("id", "=", 0)]
BY_STATUS = {
    "active": RUNNING,
    "pending": [("state", "in", ("draft", "sent")), ("fusion_ended_at", "=", False)],
    "terminated": [("state", "=", "sale"), ("fusion_ended_at", "!=", False)],
    "canceled": [("state", "=", "cancel")],
    "incomplete": NO_ORDER,
}


class Subscriptions(models.AbstractModel):
    _inherit = "fusion.billing.gateway"

    def create_subscription(self, service, body):
        """A new subscription; or, under an external id that runs, a change of its plan."""
        given = answers.root(body, "subscription", dict)
        now = fields.Datetime.now()
        wanted, errors = subscriptions.wanted(given, now.replace(tzinfo=UTC))
        if errors:
            raise answers.invalid(errors)
        plan = self._offered(service, "plan", wanted.plan_code)
        link = self._links(service, wanted.external_customer_id) or self._save_customer(
            service, {"external_id": wanted.external_customer_id}, wanted.external_customer_id,
            self.env["fusion.billing.account.link"],
        )  # fmt: skip
        self._check_subscription(link, plan, wanted)
        current = self._current(link, wanted.external_id)
        if not current:
            order = self._subscribe(link, plan, wanted, now)
        elif current.fusion_plan_code == plan.default_code and not wanted.overrides:
            order = current
        else:
            order = self._change_plan(link, plan, wanted, current, now)
        return {"subscription": self._whole_subscription(order)}

    def list_subscriptions(self, service, query):
        domain = [("fusion_service_id", "=", service.id), ("fusion_external_id", "!=", False)]
        domain += self._in_statuses([s for s in query.get("status[]", ["active"]) if s in BY_STATUS])
        if query.get("external_customer_id"):
            domain.append(("fusion_account_id", "=", self._link(service, query["external_customer_id"]).id))
        for name, field in (("plan_code", "fusion_plan_code"), ("external_id", "fusion_external_id")):
            if query.get(name):
                domain.append((field, "=", query[name]))
        if query.get("overridden") in ("true", "1"):
            domain.append(("fusion_charge_ids", "!=", False))
        return self._page(
            "sale.order", domain, query, "subscriptions", self._subscription, "fusion_anchor desc, id desc"
        )

    def find_subscription(self, service, query, external_id):
        return {"subscription": self._whole_subscription(self._found(service, external_id, query.get("status")))}

    def update_subscription(self, service, body, external_id):
        given = answers.root(body, "subscription", dict)
        order = self._found(service, external_id, given.get("status"))
        errors = subscriptions.changes(given, datetime.now(UTC))
        if errors:
            raise answers.invalid(errors)
        self._update(order, given)
        return {"subscription": self._whole_subscription(order)}

    def terminate_subscription(self, service, query, external_id):
        credit_note, invoice = query.get("on_termination_credit_note"), query.get("on_termination_invoice")
        errors = subscriptions.ending_errors(credit_note, invoice)
        if errors:
            raise answers.invalid(errors)
        order = self._found(service, external_id, query.get("status"))
        if self._status(order) == "pending":
            order._fusion_withdraw()
        else:
            order.fusion_details = self._details(order, on_termination_credit_note=credit_note,
                                                 on_termination_invoice=invoice)  # fmt: skip
            order._fusion_end(now_exactly(), invoice=invoice != "skip", credit=credit_note != "skip")
        return {"subscription": self._whole_subscription(order)}

    # creating

    def _check_subscription(self, link, plan, wanted):
        errors = {}
        if not plan.fusion_interval or not plan.fusion_currency_id:
            errors["plan_code"] = ["plan_without_price"]
        elif not plan.fusion_currency_id._fusion_keeps():
            errors["currency"] = [NOT_KEPT]
        elif link.currency_id not in (plan.fusion_currency_id, link.currency_id.browse()):
            errors["currency"] = ["currencies_does_not_match"]
        others = self._orders(link.service_id, wanted.external_id) - self._orders_of(link)
        if others.filtered(lambda order: self._status(order) == "active"):
            errors["external_id"] = ["value_already_exist"]
        models = {self._charge_id(charge): charge.charge_model for charge in self._charges(plan)}
        errors |= overrides.charge_errors(wanted.overrides.get("charges") or [], models)
        if errors:
            raise answers.invalid(errors)

    def _current(self, link, external_id):
        """The running subscription of this id, else the one that waits for its day."""
        orders = self._orders_of(link).filtered(lambda order: order.fusion_external_id == external_id)
        running = orders.filtered(lambda order: self._status(order) == "active")
        waiting = orders.filtered(lambda order: self._status(order) == "pending" and not order.fusion_previous_order_id)
        return (running or waiting)[:1]

    def _subscribe(self, link, plan, wanted, now):
        anchor = naive(wanted.subscription_at) or now
        own = {"fusion_anchor": anchor, "fusion_billing_time": wanted.billing_time, "fusion_created_at": now}
        order = self._draft(link, plan, wanted, own, anchor)
        if not link.currency_id:
            link.currency_id = plan.fusion_currency_id
        self._take_coupons(link, order)
        if anchor <= now:
            ended = self._orders_of(link).filtered(
                lambda o: o.fusion_external_id == wanted.external_id and o.fusion_ended_at
            )
            start = max([anchor, *(order._fusion_ended_moment() for order in ended.filtered("fusion_started_at"))])
            order._fusion_start(start, billed=start.date() >= now.date())
        return order

    def _change_plan(self, link, plan, wanted, current, now):
        """Dearer or as dear: at once. Cheaper: when the period ends; the answer is then the running subscription."""
        taken_over = {name: current[name] for name in ("fusion_anchor", "fusion_billing_time", "fusion_coupons")}
        order = self._draft(link, plan, wanted, {**taken_over, "fusion_created_at": now}, now)
        order.origin = current.name
        if self._status(current) == "pending":
            current._fusion_withdraw()
            return order
        current._fusion_next()._fusion_withdraw()
        old = (Decimal(current.fusion_plan_amount or "0"), current.fusion_interval)
        if subscriptions.is_upgrade(old, (Decimal(order.fusion_plan_amount), order.fusion_interval)):
            order.fusion_previous_order_id = current
            current._fusion_replace_by(order, now_exactly())
            return order
        current._fusion_await(order)
        return current

    def _draft(self, link, plan, wanted, values, start):
        """The quotation of what is wanted, with charges of its own where its prices are."""
        own = wanted.overrides
        digits = exponent(plan.fusion_currency_id.name)
        amount = Decimal(plan.fusion_amount or "0")
        if own.get("amount_cents") is not None:
            amount = subscriptions.decimal(own["amount_cents"]).scaleb(-digits)
        name = wanted.name or own.get("invoice_display_name") or own.get("name")
        charges = self._charges(plan)
        parts = self.env["sale.order"]._fusion_parts(link, plan, amount, name, charges)
        values = {
            "fusion_external_id": wanted.external_id,
            "fusion_started_at": start,
            "fusion_ending_at": naive(wanted.ending_at),
            "fusion_plan_amount": f"{amount:f}",
            "fusion_details": json.dumps(
                {"name": wanted.name, "purchase_order_number": wanted.purchase_order_number}, ensure_ascii=False
            ),
            **self._override_values(own, digits),
            **values,
        }
        order = self.env["sale.order"].sudo()._fusion_draft_from(link, plan, values, parts)
        if own.get("charges"):
            self._own_charges(order, charges, own["charges"], digits)
        return order

    @staticmethod
    def _override_values(own, digits):
        values = {}
        if own.get("trial_period") is not None:
            values["fusion_trial_days"] = f"{subscriptions.decimal(own['trial_period']):f}"
        if own.get("minimum_commitment"):
            cents = subscriptions.decimal(own["minimum_commitment"]["amount_cents"])
            values["fusion_commitment"] = f"{cents.scaleb(-digits):f}"
        return values

    @staticmethod
    def _charges(plan):
        return plan.fusion_charge_ids.filtered(
            lambda charge: not charge.order_id and charge.company_id == plan.env.company
        )

    @staticmethod
    def _charge_id(charge):
        return charge.fusion_lago_id or charge.code

    def _own_charges(self, order, charges, own, digits):
        """All charges of the plan once more, with the prices of this order: they replace the plan's."""
        prices = {str(charge["id"]): charge for charge in own}
        for charge in charges:
            given = prices.get(self._charge_id(charge), {})
            values = {"order_id": order.id, "plan_id": False, "fusion_lago_id": charge.fusion_lago_id}
            if given.get("invoice_display_name"):
                values["name"] = str(given["invoice_display_name"])
            if isinstance(given.get("properties"), dict):
                values["properties"] = json.dumps(given["properties"], ensure_ascii=False)
            if given.get("min_amount_cents") is not None:
                values["min_amount"] = f"{subscriptions.decimal(given['min_amount_cents']).scaleb(-digits):f}"
            charge.copy(values)

    # finding

    def _found(self, service, external_id, status):
        """The newest of the service's subscriptions of that id in that status (default: active), or 404."""
        wanted = status if isinstance(status, str) and status in BY_STATUS else "active"
        found = self._orders(service, external_id).filtered(lambda order: self._status(order) == wanted)
        if not found:
            raise answers.not_found("subscription")
        return found[0]

    @staticmethod
    def _in_statuses(statuses):
        domains = [BY_STATUS[status] for status in statuses or ["active"]]
        return list(fields.Domain.OR(domains))

    @staticmethod
    def _status(order):
        if order.state == "cancel":
            return "canceled"
        if order.fusion_ended_at and order.fusion_ended_at <= fields.Datetime.now():
            return "terminated"
        return "active" if order.fusion_started_at and order.state == "sale" else "pending"

    # changing

    def _update(self, order, given):
        values = {}
        kept = {name: subscriptions.scalar(given[name]) for name in ("name", "purchase_order_number") if name in given}
        kept |= {
            name: given[name] for name in ("on_termination_credit_note", "on_termination_invoice") if name in given
        }
        if kept:
            values["fusion_details"] = self._details(order, **kept)
        if "ending_at" in given:
            values["fusion_ending_at"] = naive(subscriptions.moment(given["ending_at"]))
        if given.get("subscription_at") and self._status(order) == "pending":
            values["fusion_anchor"] = naive(subscriptions.moment(given["subscription_at"]))
        if kept.get("name"):
            order.order_line[:1].name = kept["name"]
        order.write(values)
        if "ending_at" in given:
            order._fusion_plan_end()

    @staticmethod
    def _details(order, **changed):
        kept = json.loads(order.fusion_details or "{}") | {name: value or None for name, value in changed.items()}
        return json.dumps({name: value for name, value in kept.items() if value}, ensure_ascii=False)

    # what is shown

    def _subscription(self, order):
        link = order.fusion_account_id
        details, status = json.loads(order.fusion_details or "{}"), self._status(order)
        return subscriptions.show(
            {
                "lago_id": order.fusion_lago_id or answers.stable_id("subscription", order.id),
                "external_id": order.fusion_external_id,
                "lago_customer_id": link.fusion_lago_id or None,
                "external_customer_id": link.external_id or None,
                "name": details.get("name"),
                "plan_code": order.fusion_plan_code or None,
                "amount_cents": self._amount_cents(order),
                "currency": order.currency_id.name,
                "status": status,
                "billing_time": order.fusion_billing_time or None,
                "subscription_at": order.fusion_anchor,
                "started_at": order.fusion_started_at,
                "started_us": order.fusion_started_us,
                "ending_at": order.fusion_ending_at,
                "ended_at": order.fusion_ended_at,
                "created_at": order.fusion_created_at or order.create_date,
                "previous_plan_code": order.fusion_previous_order_id.fusion_plan_code or None,
                "on_termination_credit_note": details.get("on_termination_credit_note")
                or ("credit" if order.fusion_pay_in_advance else None),
                "on_termination_invoice": details.get("on_termination_invoice") or "generate",
                "purchase_order_number": details.get("purchase_order_number"),
                **self._moments(order, status),
            }
        )

    def _whole_subscription(self, order):
        """With its plan, at this subscription's own prices."""
        shown = self._subscription(order)
        domain = [*self._offer_domain(order.fusion_service_id, "plan"), ("default_code", "=", order.fusion_plan_code)]
        template = self.env["product.template"].sudo().search(domain, limit=1, order="id desc")
        plan = self._plan_shown(template) if template and order.fusion_plan_code else None
        return subscriptions.whole(shown, plan)

    @staticmethod
    def _amount_cents(order):
        return int(Decimal(order.fusion_plan_amount or "0").scaleb(exponent(order.currency_id.name)))

    def _moments(self, order, status):
        """What its calendar says: the running period, the end of the trial, the change that is due."""
        following, now = order._fusion_next(), datetime.now(UTC)
        shown = {"period": (None, None), "trial_ended_at": None, "change_day": None,
                 "next_plan_code": following.fusion_plan_code or None}  # fmt: skip
        if not order.fusion_interval:
            return shown
        row, ended = order._fusion_row(), order.fusion_ended_at
        at = min(now, ended.replace(tzinfo=UTC)) if ended else now
        shown |= {"period": schedule.usage_period(row, at), "trial_ended_at": schedule.trial_ended(row, now)}
        if following and not following.fusion_started_at and status == "active":
            asked = (following.fusion_created_at or following.create_date).replace(tzinfo=UTC)
            shown["change_day"] = schedule.change_day(row, asked)
        return shown


def naive(at):
    """An aware moment as Odoo keeps it, or False."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0) if at else False
