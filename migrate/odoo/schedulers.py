"""Which scheduled action bills the migrated orders, when and as whom: none, one, or two beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mappings.target import Target
from migrate.odoo.door import Door, Row
from migrate.odoo.findings import CheckFinding

OURS = "_fusion_cron_invoice"
NATIVE = {"enterprise": "_cron_recurring_create_invoice", "oca": "cron_subscription_management"}
OTHERS = ("_create_invoices", "create_invoices(", "generate_invoice(", "create_invoice(")
FIELDS = ("cron_name", "code", "active", "nextcall", "user_id", "interval_number", "interval_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingAction:
    """A scheduled action that makes invoices. ``known``: the method of ours or of the subscriptions, else empty."""

    name: str
    known: str
    active: bool
    following: str
    user: str
    every: str

    def __str__(self) -> str:
        state = f"next {self.following} UTC" if self.active else "switched off"
        return f"'{self.name}' ({state}, as {self.user}, every {self.every})"


def actions(odoo: Door) -> tuple[BillingAction, ...]:
    """Every scheduled action whose code makes invoices, switched off ones too."""
    methods = (OURS, *NATIVE.values(), *OTHERS)
    domain = [*["|"] * (len(methods) - 1), *(["code", "like", method] for method in methods)]
    known = odoo.fields_get("ir.cron", FIELDS)
    rows = odoo.search_read("ir.cron", domain, [name for name in FIELDS if name in known], names=True)
    return tuple(_action(row) for row in rows)


def _action(row: Row) -> BillingAction:
    methods = (method for method in (OURS, *NATIVE.values()) if f"{method}(" in row["code"])
    user = row.get("user_id")
    return BillingAction(
        name=str(row.get("cron_name") or row["code"]),
        known=next(methods, ""),
        active=bool(row["active"]),
        following=str(row["nextcall"]),
        user=str(user[1]) if isinstance(user, list | tuple) else "–",
        every=f"{row['interval_number']} {row['interval_type']}",
    )


def look_at_schedulers(odoo: Door, target: Target) -> Iterator[CheckFinding]:
    """What bills the orders, by name. The addon's guard lets each period be billed once, whoever comes first."""
    makers = actions(odoo)
    native = NATIVE.get(target.subscriptions, "")
    billing = [a for a in makers if a.active and a.known in (native, OURS)]
    yield from _who(billing, [a for a in makers if a.known in (native, OURS)])
    yield from _unguarded(billing, native, target)
    for action in makers:
        if action.active and not action.known:
            remedy = "look at its code: what it invoices of migrated orders is billed beside the calendar"
            yield CheckFinding("warning", f"scheduled action {action} makes invoices, too", remedy)


def _who(billing: Sequence[BillingAction], known: Sequence[BillingAction]) -> Iterator[CheckFinding]:
    if not billing:
        asleep = ", ".join(map(str, known)) or "there is none"
        remedy = "switch one on before the cutover (Settings, Technical, Scheduled Actions), or invoice by hand"
        yield CheckFinding("warning", f"no scheduled action bills the migrated orders: {asleep}", remedy)
    elif len(billing) == 1:
        yield CheckFinding("ok", f"the migrated orders are billed by {billing[0]}")
    else:
        names = " and ".join(map(str, billing))
        remedy = "each period is billed once, by the first one; switch the other off where only one shall bill"
        yield CheckFinding("warning", f"two scheduled actions bill the migrated orders: {names}", remedy)


def _unguarded(billing: Sequence[BillingAction], native: str, target: Target) -> Iterator[CheckFinding]:
    """Without the addon the native action bills the lines as they stand: without usage, and every month anew."""
    for action in billing:
        if action.known == native and not target.addon:
            yield CheckFinding(
                "warning",
                f"{action} bills the lines of orders as they stand, without their usage",
                "install fusion_billing ('lago2odoo addon export DIR'), or switch the action off until it is",
            )
