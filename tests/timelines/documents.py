"""The documents of a life: invoices with fees and credits, credit notes, wallets, coupons held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any

from mappings.decode import decode
from mappings.records import AppliedCoupon, Fee, Invoice, Plan, Snapshot, Tax, Wallet, WalletTransaction
from tests.timelines import catalog
from tests.timelines.life import CUSTOMER, Life, moment, zoned

Raw = Mapping[str, Any]
_WINDOWS = {"subscription": "subscription", "fixed_charge": "fixed_charges"}  # of fees; the others: charges
_MINUTE = timedelta(minutes=1)
LICENSED: Raw = {"min_max_adjustment_total_amount": "1"}  # how the licence shows; the cases leave the rest of it out


def with_documents(life: Life) -> Snapshot:
    """The whole snapshot."""
    papers = Documents(life)
    return replace(
        life.snapshot,
        invoices=papers.invoices,
        fees=papers.fees,
        applied_coupons=papers.applied_coupons,
        wallets=papers.wallets,
        wallet_transactions=papers.transactions,
    )


@dataclass(frozen=True)
class Documents:
    """Invoices are numbered in the order in which Lago made them."""

    life: Life

    @cached_property
    def invoices(self) -> tuple[Invoice, ...]:
        return tuple(self._invoice(number, raw) for number, raw in enumerate(self.life.expected["invoices"]))

    @cached_property
    def fees(self) -> tuple[Fee, ...]:
        return tuple(fee for invoice in self.invoices for fee in invoice.fees)

    def _invoice(self, number: int, raw: Raw) -> Invoice:
        created_at = self._created_at(raw)
        periods = [self._period(period, created_at) for period in raw["billing_periods"]]
        fees = [self._fee(number, index, fee, periods, created_at) for index, fee in enumerate(raw["fees"])]
        return decode(
            Invoice,
            {
                **raw,
                "lago_id": f"invoice-{number}",
                "number": f"N-{number:04}",
                "created_at": created_at,
                "customer": {
                    "lago_id": CUSTOMER,
                    "external_id": CUSTOMER,
                    "applicable_timezone": self.life.customer.applicable_timezone,
                },
                "billing_periods": periods,
                "fees": _with_true_ups(fees),
                "credits": [self._credit(credit, f"{number}-{n}") for n, credit in enumerate(raw["credits"])],
            },
            "invoices",
        )

    def _created_at(self, raw: Raw) -> str:
        """To the second: of the request that made it, else of the minute at which Lago's schedulers ran."""
        minute = moment(raw["created_at"])
        asked = [step["at"] for step in self.life.steps if minute <= moment(step["at"]) < minute + _MINUTE]
        ends = (one.terminated_at for one in self.life.subscriptions if one.terminated_at is not None)
        ended = [end.isoformat() for end in ends if minute <= end < minute + _MINUTE]
        return str([*asked, *ended, minute.isoformat()][0 if not asked else len(asked) - 1])

    def _period(self, raw: Raw, created_at: str) -> dict[str, Any]:
        """With the subscription it bills: the one of that plan that had begun, and had not ended long before."""
        code = raw.get("plan_code")
        mine = [
            one
            for one in self.life.subscriptions
            if one.external_id == raw["subscription"]
            and (code is None or one.plan_code == code)
            and one.started_at is not None
        ]
        start = moment(raw["subscription_from_datetime"] or raw["charges_from_datetime"])
        end = moment(raw["subscription_to_datetime"] or raw["charges_to_datetime"])
        running = [one for one in mine if one.terminated_at is None or one.terminated_at >= start]
        known = [one for one in running if one.created_at <= moment(created_at)]
        begun = [one for one in known if one.started_at and one.started_at <= end]
        chosen = (begun or running or mine)[-1 if raw["invoicing_reason"] == "subscription_starting" else 0]
        return {
            **{name: value for name, value in raw.items() if name not in ("subscription", "plan_code")},
            "lago_subscription_id": chosen.lago_id,
            "external_subscription_id": chosen.external_id,
            "lago_plan_id": f"plan-{chosen.plan_code}",
        }

    @cached_property
    def _unnamed_events(self) -> Mapping[tuple[int, int], str]:
        """Some areas leave out the events of fees paid in advance: the nth fee of a metric is of its nth event."""
        sent: dict[str, Iterator[str]] = {}
        for code in {event.code for event in self.life.events}:
            sent[code] = iter([event.transaction_id for event in self.life.events if event.code == code])
        return {
            (number, index): next(sent[fee["code"]])
            for number, invoice in enumerate(self.life.expected["invoices"])
            for index, fee in enumerate(invoice["fees"])
            if fee["type"] == "charge" and fee.get("pay_in_advance") and not fee.get("event") and fee["events_count"]
        }

    def _fee(self, number: int, index: int, raw: Raw, periods: list[dict[str, Any]], created_at: str) -> dict[str, Any]:
        invoice, period = f"invoice-{number}", _period_of(raw, periods, self.life)
        plan = self.life.plans[period["lago_plan_id"].removeprefix("plan-")] if period else None
        kind = raw["type"]
        charge = _charge_of(raw, plan) if plan and kind == "charge" else None
        fixed = _fixed_charge_of(raw, plan) if plan and kind == "fixed_charge" else None
        item = {
            "type": kind,
            "code": raw.get("code"),
            "lago_item_id": self._item(kind, invoice),
            "grouped_by": raw.get("grouped_by") or {},
        }
        details: Raw = {"plan_amount_cents": plan.amount_cents} if plan and kind == "subscription" else LICENSED
        return {
            **{name: value for name, value in raw.items() if name not in ("type", "code", "charge", "filter", "event")},
            "lago_id": f"{invoice}-fee-{index}",
            "lago_invoice_id": invoice,
            "item": item,
            "amount_currency": self.life.currency,
            "created_at": created_at,
            "lago_subscription_id": period["lago_subscription_id"] if period else None,
            "external_subscription_id": period["external_subscription_id"] if period else None,
            "lago_customer_id": CUSTOMER,
            "lago_charge_id": charge,
            "lago_charge_filter_id": catalog.filter_id(charge, raw["filter"]) if charge and raw.get("filter") else None,
            "lago_fixed_charge_id": fixed,
            "event_transaction_id": raw.get("event") or self._unnamed_events.get((number, index)),
            "taxes_rate": str(raw["taxes_rate"]),
            "amount_details": details,
            "applied_taxes": self._taxes(raw, plan),
            "true_up": raw.get("true_up"),
        }

    def _taxes(self, raw: Raw, plan: Plan | None) -> list[Raw]:
        """The first set that is not empty: of the charge, the plan or the customer."""
        sets = [*(_own_taxes(raw, plan) if plan else ()), self.life.customer.taxes]
        return [
            {"lago_tax_id": tax.lago_id, "tax_code": tax.code, "tax_rate": str(tax.rate), "amount_cents": 0}
            for tax in next((taxes for taxes in sets if taxes and raw["type"] != "credit"), ())
        ]

    def _item(self, kind: str, invoice: str) -> str | None:
        """What a top-up sold."""
        if kind != "credit":
            return None
        return next((one.lago_id for one in self.transactions if one.lago_invoice_id == invoice), None)

    def _credit(self, raw: Raw, name: str) -> Raw:
        item = {"type": raw["type"], "code": raw["code"]}
        return {
            "lago_id": f"credit-{name}",
            "amount_cents": raw["amount_cents"],
            "amount_currency": self.life.currency,
            "before_taxes": raw["before_taxes"],
            "item": item,
        }

    # --- what reduces invoices

    @cached_property
    def applied_coupons(self) -> tuple[AppliedCoupon, ...]:
        held = {raw["code"]: raw for raw in self.life.expected.get("applied_coupons") or ()}
        steps = self.life.done("coupon")
        return tuple(self._applied(step, held.get(_code(step), {})) for step in steps)

    def _applied(self, step: Raw, held: Raw) -> AppliedCoupon:
        raw = self.life.coupons[_code(step)]
        fixed = raw["coupon_type"] == "fixed_amount"
        uses = list(self._uses(raw["code"]))
        last = max((self._finalised_at(self.invoices[int(use["number"])]) for use in uses), default=None)
        ended = last.isoformat() if last and held.get("status") == "terminated" else None
        return decode(
            AppliedCoupon,
            {
                **held,
                "lago_id": f"applied-{raw['code']}",
                "lago_coupon_id": f"coupon-{raw['code']}",
                "coupon_code": raw["code"],
                "lago_customer_id": CUSTOMER,
                "external_customer_id": CUSTOMER,
                "status": held.get("status", "active"),
                "frequency": raw["frequency"],
                "frequency_duration": raw.get("frequency_duration"),
                "amount_cents": raw.get("amount_cents") if fixed else None,
                "amount_currency": self.life.currency if fixed else None,
                "percentage_rate": None if fixed else str(raw["percentage_rate"]),
                "created_at": step["at"],
                "terminated_at": ended,
                "credits": uses,
            },
            "applied_coupons",
        )

    def _finalised_at(self, invoice: Invoice) -> datetime:
        """When it took coupons: a draft at the end of its grace."""
        if not self.life.customer.billing_configuration.invoice_grace_period:
            return invoice.created_at
        return datetime.combine(invoice.issuing_date, time(23, 59), UTC)

    def _uses(self, code: str) -> Iterator[Raw]:
        for number, raw in enumerate(self.life.expected["invoices"]):
            for place, credit in enumerate(raw["credits"]):
                if (credit["type"], credit["code"]) == ("coupon", code):
                    invoice = {"lago_id": f"invoice-{number}", "payment_status": raw["payment_status"]}
                    yield {**self._credit(credit, f"{number}-{place}"), "invoice": invoice, "number": number}

    @cached_property
    def wallets(self) -> tuple[Wallet, ...]:
        asked = {step.get("name"): step for step in self.life.done("wallet")}
        return tuple(self._wallet(raw, asked[raw["name"]]) for raw in self.life.expected.get("wallets") or ())

    def _wallet(self, raw: Raw, step: Raw) -> Wallet:
        return decode(
            Wallet,
            {
                **{name: value for name, value in raw.items() if name != "transactions"},
                "lago_id": f"wallet-{raw['name']}",
                "lago_customer_id": CUSTOMER,
                "external_customer_id": CUSTOMER,
                "currency": self.life.currency,
                "rate_amount": step["rate_amount"],
                "priority": step.get("priority", 50),
                "created_at": step["at"],
                "expiration_at": step.get("expiration_at"),
                "applies_to": step.get("applies_to") or {},
            },
            "wallets",
        )

    @cached_property
    def transactions(self) -> tuple[WalletTransaction, ...]:
        return tuple(
            decode(
                WalletTransaction,
                {
                    **{name: value for name, value in raw.items() if name not in ("at", "invoice")},
                    "lago_id": f"transaction-{wallet['name']}-{index}",
                    "lago_wallet_id": f"wallet-{wallet['name']}",
                    "created_at": zoned(raw["at"]),
                    "lago_invoice_id": None if raw.get("invoice") is None else f"invoice-{raw['invoice']}",
                },
                "wallet_transactions",
            )
            for wallet in self.life.expected.get("wallets") or ()
            for index, raw in enumerate(wallet["transactions"])
        )


def _code(step: Raw) -> str:
    coupon = step["coupon"]
    return str(coupon if isinstance(coupon, str) else coupon["code"])


def _period_of(raw: Raw, periods: list[dict[str, Any]], life: Life) -> dict[str, Any] | None:
    """The billing period that a fee is of: its plan has the charge, and its window is the fee's."""
    fitting = [period for period in periods if _sells(raw, life.plans[period["lago_plan_id"].removeprefix("plan-")])]
    name = _WINDOWS.get(raw["type"], "charges")
    for period in fitting:
        window = (period[f"{name}_from_datetime"], period[f"{name}_to_datetime"])
        if (
            all(window)
            and raw.get("from_date")
            and [moment(end) for end in window] == [moment(raw["from_date"]), moment(raw["to_date"])]
        ):
            return period
    return (fitting or periods or [None])[0]


def _sells(raw: Raw, plan: Plan) -> bool:
    if raw["type"] == "charge":
        return _charge_of(raw, plan) is not None
    if raw["type"] == "fixed_charge":
        return _fixed_charge_of(raw, plan) is not None
    return bool(raw["code"] == plan.code)


def _charge_of(raw: Raw, plan: Plan) -> str | None:
    for charge in plan.charges:
        if charge.billable_metric_code == raw["code"] and raw.get("charge") in (None, charge.code):
            return charge.lago_id
    return None


def _fixed_charge_of(raw: Raw, plan: Plan) -> str | None:
    """By the code of its add-on, which some cases write with the currency."""
    for charge in plan.fixed_charges:
        if raw["code"] == charge.add_on_code or raw["code"].startswith(f"{charge.add_on_code}_"):
            return charge.lago_id
    return None


def _own_taxes(raw: Raw, plan: Plan) -> Iterator[Sequence[Tax]]:
    """The sets that come before the customer's, as the plan has them."""
    for charge in plan.charges:
        if charge.lago_id == _charge_of(raw, plan):
            yield charge.taxes
    for fixed in plan.fixed_charges:
        if fixed.lago_id == _fixed_charge_of(raw, plan):
            yield fixed.taxes
    if raw["type"] == "commitment" and plan.minimum_commitment:
        yield plan.minimum_commitment.taxes
    yield plan.taxes


def _with_true_ups(fees: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A true-up names the fee whose minimum it fills: the charge's first one."""
    for fee in fees:
        if not fee.pop("true_up"):
            continue
        same = (other for other in fees if other["lago_charge_id"] == fee["lago_charge_id"] and other is not fee)
        parent = next(same, None)
        fee["lago_true_up_parent_fee_id"] = parent["lago_id"] if parent else "gone"
    return fees
