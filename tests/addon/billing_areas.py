"""Areas of whole billings: subscriptions replayed run by run through ``Run``, as the addon bills them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from tests.addon.plain import advance, events, exact, inputs, intake, invoice, rows, unused
from tests.addon.shapes import Row, charges, differing, metrics, milliseconds, order, usage

Input = Mapping[str, Any]
CLOCK = datetime(2024, 1, 1, tzinfo=UTC)
FEE_TYPES = {"true_up": "charge"}
KINDS = ("charge", "subscription")
ALL = (*KINDS, "commitment")


@dataclass
class World:
    """The orders of a case with their plans, usage so far, and what was billed before."""

    timezone: str
    premium: bool
    usage: list[Row]
    orders: dict[str, Row] = field(default_factory=dict)
    plans: dict[str, Input] = field(default_factory=dict)
    billed: dict[str, list[Any]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def add(self, key: str, row: Row, plan: Input) -> None:
        self.orders[key], self.plans[key] = row, plan

    def end(self, key: str, at: str) -> None:
        self.orders[key] = {**self.orders[key], "fusion_ended_at": at}

    def replace(self, old: str, key: str, row: Row, plan: Input) -> None:
        """``row`` replaces the order ``old``."""
        codes = [c["billable_metric"]["code"] for c in plan.get("charges") or []]
        self.orders[old] = {**self.orders[old], "next": {**row, "metric_codes": codes}}
        self.add(key, {**row, "previous": {**self.orders[old], "next": None}}, plan)

    def bill(self, keys: Sequence[str], at: str, reason: str) -> list[tuple[str, Any]]:
        """(key, Run) of each order on the invoice."""
        runs = []
        for key in keys:
            plan = self.plans[key]
            found = [charge for charge in charges(plan) if charge["metric"] not in self.deleted]
            before = list(self.billed.setdefault(key, []))
            run = invoice.prepare(
                self.orders[key], found, metrics(plan), self.usage, at, reason, before, None, self.premium
            )
            runs.append((key, run))
            fee = any(line.kind == "subscription" for line in exact.precise(run.lines)()[0])
            self.billed[key].append(rows.Billed(run.at, reason, fee))
        return runs


def replay_runs(given: Input) -> Iterator[list[tuple[str, Any]]]:
    """``billing_runs``: one subscription, perhaps replaced by a second one."""
    timezone, plan = given["customer"]["applicable_timezone"], given["plan"]
    sub = given["subscription"]
    world = World(timezone, given.get("premium", True), usage(given.get("events") or [], "sub"))
    world.add("subscription", order("sub", plan, {**sub, "key": "subscription"}, timezone), plan)
    for run in given["billing_runs"]:
        change = run.get("upgrade_to") or run.get("downgrade_to")
        if change:
            later = {**sub, "key": "next_subscription", "started_at": run["at"], "created_at": run["at"]}
            world.end("subscription", run["at"])
            row = order("sub", change["plan"], later, timezone)
            world.replace("subscription", "next_subscription", row, change["plan"])
        if run.get("terminate"):
            world.end("next_subscription" if "next_subscription" in world.orders else "subscription", run["at"])
        yield world.bill(run.get("bill") or ["subscription"], run["at"], run["invoicing_reason"])


def ingest(given: Input, default: str) -> tuple[list[Row], list[Input]]:
    """The events as the API takes them: (rows stored, answers)."""
    sent = usage(given["events"], default)
    if given["ingest_through"] == "batch":
        rows, errors = intake.batch_rows(sent, CLOCK)
        names = [event["transaction_id"] for event in sent]
        return rows, [{"batch": names, "accepted": not errors, "error": errors or None}]
    rows, answers = [], []
    for event in sent:
        row, errors = intake.event_row(event, CLOCK)
        known = {(r["external_subscription_id"], r["transaction_id"]) for r in rows}
        if row and (row["external_subscription_id"], row["transaction_id"]) in known:
            row, errors = None, {"transaction_id": ["value_already_exist"]}
        rows += [row] if row else []
        answers.append({"transaction_id": event["transaction_id"], "accepted": bool(row), "error": errors or None})
    return rows, answers


def start(world: World, given: Input, key: str) -> None:
    sub = next(s for s in given["subscriptions"] if (s.get("key") or s["external_id"]) == key)
    plan = next(p for p in given["plans"] if p["code"] == sub["plan_code"])
    row = order(sub["external_id"], plan, {**sub, "key": key}, world.timezone)
    previous = sub.get("previous_external_id_of")
    if previous:
        world.replace(previous, key, row, plan)
        return
    same = [
        other
        for name, other in world.orders.items()
        if other["fusion_external_id"] == sub["external_id"] and world.plans[name] is plan
    ]
    world.add(key, {**row, "earlier": same}, plan)


def replay_timeline(given: Input) -> Iterator[list[tuple[str, Any]]]:
    """``timeline``: several subscriptions and what happens to them, in time order."""
    default = given["subscriptions"][0]["external_id"]
    rows = ingest(given, default)[0] if given.get("ingest_through") else usage(given.get("events") or [], default)
    world = World(given["customer"]["applicable_timezone"], given.get("premium", True), rows)
    for sub in given["subscriptions"]:
        if not sub.get("deferred"):
            start(world, given, sub.get("key") or sub["external_id"])
    for step in given["timeline"]:
        if step["do"] == "events":
            world.usage += usage([{**event, "received_at": step["at"]} for event in step["events"]], default)
        if step["do"] == "delete_metric":
            world.deleted.add(step["code"])
        for key in step.get("terminate") or ([step["subscription"]] if step["do"] == "terminate" else []):
            world.end(key, step["at"])
        for key in step.get("start") or ([step["subscription"]] if step["do"] == "start" else []):
            start(world, given, key)
        if step["do"] == "bill":
            yield world.bill(step["subscriptions"], step["at"], step["invoicing_reason"])


def fee_key(fee: Input) -> tuple[Any, ...]:
    place = fee.get("charge_filter")
    return (
        fee.get("fee_type", "charge"),
        fee["subscription"],
        fee.get("charge_code") or "",
        bool(fee.get("true_up")),
        place["position"] if place else -1,
        json.dumps(fee.get("grouped_by") or {}, sort_keys=True),
    )


def line_fee(key: str, line: Any) -> Row:
    """A line as the vectors write a fee."""
    return {
        "fee_type": FEE_TYPES.get(line.kind, line.kind),
        "subscription": key,
        "charge_code": line.code,
        "true_up": line.kind == "true_up",
        "charge_filter": None if line.position is None else {"position": line.position},
        "grouped_by": dict(line.group),
    }


def order_of(fee: Input, units: Any, count: int, cents: int) -> tuple[Any, ...]:
    return (fee_key(fee), Decimal(str(units)), count or 0, cents)


def compare(runs: Sequence[tuple[str, Any]], expected: Input, kinds: Sequence[str]) -> list[str]:
    wrong: list[str] = []
    lines: list[tuple[Row, Any]] = []
    for (key, run), wanted in zip(runs, expected["invoice_subscriptions"], strict=True):
        windows = run.windows
        exactly = {
            "from_datetime": milliseconds(windows.start),
            "to_datetime": milliseconds(windows.end),
            "charges_from_datetime": milliseconds(windows.charges_start),
            "charges_to_datetime": milliseconds(windows.charges_end),
        }
        wrong += differing(wanted, exactly, {})
        found, refusals = exact.precise(run.lines)()
        wrong += [f"refused: {refusal['reason']}" for refusal in refusals]
        lines += [(line_fee(key, line), line) for line in found]
    fees = [fee for fee in expected["fees"] if fee.get("fee_type", "charge") in kinds]
    lines = [(fee, line) for fee, line in lines if fee["fee_type"] in kinds]
    fees.sort(key=lambda fee: order_of(fee, fee["units"], fee.get("events_count") or 0, fee["amount_cents"]))
    lines.sort(key=lambda entry: order_of(entry[0], entry[1].units, entry[1].events, entry[1].cents))
    if [fee_key(fee) for fee in fees] != [fee_key(fee) for fee, _ in lines]:
        return [*wrong, f"fees {[fee_key(f) for f in fees]} not {[fee_key(f) for f, _ in lines]}"]
    for fee, (_, line) in zip(fees, lines, strict=True):
        wrong += compare_fee(fee, line)
    return wrong


def compare_fee(fee: Input, line: Any) -> list[str]:
    units = {} if Decimal(str(fee["units"])) == line.units else {"units": (fee["units"], line.units)}
    nearly = {
        "precise_amount_cents": line.precise,
        "precise_unit_amount": line.unit_amount,
        "total_aggregated_units": line.total_units,
    }
    exactly = {"amount_cents": line.cents}
    if fee.get("events_count") is not None:
        exactly["events_count"] = line.events
    found = differing(fee, exactly, nearly) + [f"{name}: {pair}" for name, pair in units.items()]
    return [f"{fee_key(fee)} {text}" for text in found]


def billing(given: Input, expected: Input, kinds: Sequence[str] = KINDS) -> list[str]:
    """All billings of a case; where Lago fails, one of ours must be refused."""
    replay = replay_timeline if "timeline" in given else replay_runs
    if "error" in expected:
        refused = any(exact.precise(run.lines)()[1] for runs in replay(given) for _, run in runs)
        return [] if refused else [f"Lago fails here ({expected['error']['class']}), we do not"]
    wrong: list[str] = []
    if given.get("ingest_through"):
        answers = ingest(given, given["subscriptions"][0]["external_id"])[1]
        wrong += [] if answers == expected["ingestion"] else [f"ingestion: {expected['ingestion']} not {answers}"]
    found = list(replay(given))
    if len(found) != len(expected["invoices"]):
        return [f"{len(expected['invoices'])} invoices, not {len(found)}"]
    for runs, wanted in zip(found, expected["invoices"], strict=True):
        wrong += compare(runs, wanted, kinds)
    return wrong


def in_advance(given: Input, expected: Input) -> list[str]:
    """Charges paid in advance: the fee of each event as it comes."""
    timezone, plan = given["customer"]["applicable_timezone"], given["plan"]
    default = {
        "billing_time": "calendar",
        "subscription_at": "2024-01-01T00:00:00Z",
        "started_at": "2024-01-01T00:00:00Z",
    }
    read = inputs.read_order(order("sub", plan, given.get("subscription") or default, timezone))
    charge = inputs.read_charge(charges(plan)[0])
    metric = inputs.read_metric(metrics(plan)[charge.metric])
    rows = events.read_events(usage(given["events"], "sub")).get(("sub", metric.code), [])
    wrong = []
    for wanted in expected["fees_per_event"]:
        line = exact.precise(advance.advance_line)(read, charge, metric, rows, wanted["transaction_id"], True)
        found = [line] if line else []
        if len(found) != len(wanted["fees"]):
            wrong.append(f"{wanted['transaction_id']}: {len(wanted['fees'])} fees, not {len(found)}")
            continue
        for fee, line in zip(wanted["fees"], found, strict=True):
            nearly = {
                "precise_amount_cents": line.precise,
                "units": line.units,
                "precise_unit_amount": line.unit_amount,
            }
            wrong += differing(fee, {"amount_cents": line.cents, "events_count": line.events}, nearly)
    return wrong


def termination(given: Input, expected: Input) -> list[str]:
    """Cents of the last base fee that an end gives back. Its coupons and taxes are the native credit note's."""
    fees = [line for runs in replay_runs(given) for _, run in runs for line in exact.precise(run.lines)()[0]]
    base = [line for line in fees if line.kind == "subscription"]
    if not base:
        return [] if expected["credit_note"] is None else ["there is no base fee to credit"]
    row = order("sub", given["plan"], {**given["subscription"], "key": "s"}, given["customer"]["applicable_timezone"])
    at = datetime.fromisoformat(given["terminated_at"].replace("Z", "+00:00"))
    cents = unused.unused_cents(row, base[-1].cents, at, upgrade=given["upgrade"])
    if expected["credit_note"] is None:
        used_up = cents == 0 or bool(given.get("coupons")) or cents < Decimal("0.5")
        return [] if used_up else [f"{cents} cents, and Lago credits none"]
    (item,) = expected["credit_note"]["items"]
    wanted = Decimal(item["precise_amount_cents"])
    return [] if cents == wanted else [f"{cents} cents instead of {wanted}"]


AREAS = {
    "aggregations": billing,
    "charge_filters": billing,
    "charge_filters_pay_in_advance": in_advance,
    "charge_pay_in_advance": in_advance,
    "commitments": partial(billing, kinds=ALL),
    "consolidated_invoices": partial(billing, kinds=ALL),
    "events_selection": partial(billing, kinds=("charge",)),  # these vectors list charge fees only
    "invoice_e2e": partial(billing, kinds=ALL),
    "percentage_transactions": billing,
    "subscription_proration": billing,
    "termination_credit_notes": termination,
}
