"""A small company for the fuzz: some customers of the bundled recording, one month of their bills, in memory.

Every kind that a migration meets is there, once or twice: a plan that is pending, one that ended with a credit note, a
quarterly one, filters, own prices, percentages, usage paid in advance, coupons, a wallet, one-off invoices, Stripe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from migrate.lago.recorded import API, RecordedLago, RecordingSource
from migrate.lago.recording import Call, Recording, bundled

MONTH = "2026-07"
CUT = (  # whose invoices of one month are kept
    "cust_0044",  # usage by tiers, ended, a credit note
    "NX-1061",  # quarterly, pays by Stripe
    "acct59a",  # filters, own prices, percentages, events paid in advance
    "NX-1053",  # another currency, charges without usage
)
WHOLE = (  # who is kept with all that was ever billed
    "ac275a4a-9846-e743-50ab-ad9ae06e5ee3",  # two coupons, a metric that carries over
    "NX-1041",  # a wallet
    "3ccc813b-e92f-5b23-ee9c-eb5eb53597ff",  # not begun yet: packages, volumes
    "f8cbabb8-f42c-0eeb-2bc9-7ee69e4e23fa",  # one-off invoices
    "6ce1c895-ff95-9581-75af-6f9e979e1828",  # a year at once
    "cust_0032",  # a year that was ended, and given back in part
    "NX-1049",  # an invoice that was voided
    "NX-1017",  # half a year
    "cust_0052",  # nothing billed yet
)
CUSTOMERS = (*CUT, *WHOLE)
CATALOG: tuple[str, ...] = ("taxes", "billable_metrics", "add_ons", "coupons", "plans")
OF_CUSTOMERS: tuple[str, ...] = (
    "customers",
    "subscriptions",
    "wallets",
    "applied_coupons",
    "invoices",
    "fees",
    "credit_notes",
)
OF_CUSTOMERS += ("payments", "events")
OWN_PAGES: tuple[str, ...] = (
    "organizations",
    "billing_entities",
    "billable_metrics",
    "plans",
    "customers",
    "subscriptions",
)
OWN_PAGES += ("invoices_show", "payment_methods", "subscription_fixed_charges", "wallet_transactions")
OWN_PAGES += ("current_usage", "misc")
FILES = tuple(dict.fromkeys((*CATALOG, *OF_CUSTOMERS, *OWN_PAGES)))
_OPEN = 2  # events of the open period that are kept, of each metric of a subscription

_HALVES = re.compile("[\ud800-\udfff]")

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One recorded answer; ``body`` is its JSON, read."""

    method: str
    path: str
    query: str
    status: int
    body: Payload

    def line(self) -> str:
        """As a recording keeps it."""
        head = {"method": self.method, "path": self.path, "query": self.query or None, "status": self.status}
        return f'{json.dumps(head)[:-1]}, "body": {dumps(self.body)}}}'


def dumps(value: object) -> str:
    """JSON as Lago writes it; halves of characters can only be written as escapes."""
    return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


@dataclass(frozen=True)
class Company:
    """The answers of a Lago, file by file."""

    files: Mapping[str, tuple[Answer, ...]]

    @cached_property
    def texts(self) -> Mapping[str, bytes]:
        return {f"{name}.jsonl": text_of(answers) for name, answers in self.files.items()}

    @cached_property
    def recording(self) -> Recording:
        """Read once; what is not broken is not read again."""
        recording = Recording(Path("company"), self.texts)
        for name in self.files:
            recording.calls(name)
        return recording

    def source(self, broken: Mapping[str, bytes]) -> RecordingSource:
        """Lago with some files put in place of others. Raises LagoError."""
        names = {name.removesuffix(".jsonl") for name in broken}
        calls = {name: self.recording.calls(name) for name in self.files if name not in names}
        recording = Recording(Path("company"), {**self.texts, **broken}, calls)
        recording.calls("organizations")
        return _AtOnce(RecordedLago(recording), self.clock)

    @cached_property
    def clock(self) -> str:
        """When all of it was read: no broken record moves that, Lago says it with every answer."""
        return RecordedLago(self.recording).clock().isoformat()


class _AtOnce(RecordingSource):
    """A recording that is always read at the same moment."""

    def __init__(self, lago: RecordedLago, at: str) -> None:
        super().__init__(lago)
        self.at = at

    def clock(self) -> str:
        return self.at


def text_of(answers: Iterable[Answer]) -> bytes:
    """The file of a recording."""
    return "".join(f"{answer.line()}\n" for answer in answers).encode()


def small_company(path: Path | None = None) -> Company:
    """The company, cut out of a recording (default: the bundled one)."""
    return _Cutting(RecordedLago(Recording.open(path or bundled()))).company()


def whole_company(path: Path, until: str) -> Company:
    """All of a recording, each list as one page; of its usage only what was before that day."""
    recording = Recording.open(path)
    lists = {name: recording.listed(name, f"{API}/{name}", name) for name in (*CATALOG, *OF_CUSTOMERS)}
    files: dict[str, list[Answer]] = {name: [] for name in sorted(recording.names)}
    for name, pieces in lists.items():
        values = [json.loads(piece.text) for piece in pieces]
        files[name].append(_page(name, [v for v in values if name != "events" or v["timestamp"] < until]))
    for name, answers in files.items():
        calls = (call for call in recording.calls(name) if call.method == "GET" and call.status == 200)
        answers.extend(_answer(call) for call in calls if call.path.removeprefix(f"{API}/") not in lists)
    return Company({name: tuple(answers) for name, answers in files.items()})


@dataclass(frozen=True)
class _Cutting:
    lago: RecordedLago

    def company(self) -> Company:
        files: dict[str, list[Answer]] = {name: [] for name in FILES}
        for name in (*CATALOG, *OF_CUSTOMERS):
            files[name].append(_page(name, [value for value in self._listed(name) if self._keeps(name, value)]))
        for name in OWN_PAGES:
            calls = self.lago.recording.calls(name)
            files[name].extend(_answer(call) for call in calls if self._keeps_page(call))
        return Company({name: tuple(answers) for name, answers in files.items()})

    def _listed(self, name: str) -> list[Payload]:
        return [json.loads(piece.text) for piece in self.lago.recording.listed(name, f"{API}/{name}", name)]

    def _keeps(self, name: str, value: Payload) -> bool:
        rules: dict[str, Callable[[Payload], bool]] = {
            "plans": lambda plan: plan["code"] in self._plans,
            "billable_metrics": lambda metric: metric["lago_id"] in self._metrics,
            "taxes": lambda _: True,
            "add_ons": lambda _: True,
            "coupons": lambda coupon: coupon["code"] in self._coupons,
            "customers": lambda customer: customer["external_id"] in CUSTOMERS,
            "invoices": lambda invoice: invoice["lago_id"] in self._invoices,
            "fees": lambda fee: fee["lago_invoice_id"] in self._invoices,
            "payments": lambda payment: _owner(payment) in CUSTOMERS and set(payment["invoice_ids"]) <= self._invoices,
            "credit_notes": lambda note: _owner(note) in CUSTOMERS and note["lago_invoice_id"] in self._invoices,
            "events": lambda event: event["lago_id"] in self._events,
        }
        return rules[name](value) if name in rules else _owner(value) in CUSTOMERS

    def _keeps_page(self, call: Call) -> bool:
        """A record's own page, or a list below one: what is left of them."""
        parts = call.path.removeprefix(f"{API}/").split("/")
        if call.method != "GET" or call.status != 200 or (len(parts) == 1 and parts[0] in (*CATALOG, *OF_CUSTOMERS)):
            return False
        kept: Mapping[str, frozenset[str]] = {
            "plans": self._plans,
            "billable_metrics": self._metric_codes,
            "customers": frozenset(CUSTOMERS),
            "subscriptions": frozenset(s["external_id"] for s in self._subscriptions),
            "invoices": self._invoices,
            "wallets": self._wallets,
        }
        if parts[0] == "wallet_transactions":  # who paid for what: nothing that extract asks for
            return False
        return len(parts) == 1 or parts[0] not in kept or unquote(parts[1]) in kept[parts[0]]

    @cached_property
    def _subscriptions(self) -> list[Payload]:
        return [value for value in self._listed("subscriptions") if _owner(value) in CUSTOMERS]

    @cached_property
    def _plans(self) -> frozenset[str]:
        return frozenset(s["plan_code"] for s in self._subscriptions)

    @cached_property
    def _metrics(self) -> frozenset[str]:
        plans = (plan for plan in self._listed("plans") if plan["code"] in self._plans)
        return frozenset(charge["lago_billable_metric_id"] for plan in plans for charge in plan["charges"])

    @cached_property
    def _metric_codes(self) -> frozenset[str]:
        return frozenset(m["code"] for m in self._listed("billable_metrics") if m["lago_id"] in self._metrics)

    @cached_property
    def _coupons(self) -> frozenset[str]:
        held = (value for value in self._listed("applied_coupons") if _owner(value) in CUSTOMERS)
        return frozenset(value["coupon_code"] for value in held)

    @cached_property
    def _wallets(self) -> frozenset[str]:
        return frozenset(w["lago_id"] for w in self._listed("wallets") if _owner(w) in CUSTOMERS)

    @cached_property
    def _invoices(self) -> frozenset[str]:
        own = [value for value in self._listed("invoices") if _owner(value) in CUSTOMERS]
        one_off = [v for v in own if v["invoice_type"] == "one_off"]
        kept = (v for v in own if _owner(v) in WHOLE or v["issuing_date"].startswith(MONTH))
        return frozenset(value["lago_id"] for value in kept if value not in one_off[2:])

    @cached_property
    def _events(self) -> frozenset[str]:
        """What the kept invoices bill, all of what carries over, and a little of the open period."""
        recurring = {m["code"] for m in self._listed("billable_metrics") if m["recurring"]}
        kept: list[str] = []
        still_open: dict[tuple[str, str], int] = {}
        own = {s["external_id"] for s in self._subscriptions}
        for event in self._listed("events"):
            external, code = event["external_subscription_id"], event["code"]
            if external not in own:
                continue
            billed = any(begin <= _moment(event["timestamp"]) <= end for begin, end in self._windows.get(external, ()))
            if not billed and code not in recurring:
                still_open[external, code] = still_open.get((external, code), 0) + 1
            if billed or code in recurring or still_open[external, code] <= _OPEN:
                kept.append(event["lago_id"])
        return frozenset(kept)

    @cached_property
    def _windows(self) -> Mapping[str, list[tuple[datetime, datetime]]]:
        """External subscription id -> the stretches of usage that its kept invoices bill."""
        windows: dict[str, list[tuple[datetime, datetime]]] = {}
        for call in self.lago.recording.calls("invoices_show"):
            invoice = call.body.value.get("invoice", {})
            for period in invoice.get("billing_periods", ()) if invoice.get("lago_id") in self._invoices else ():
                if period["charges_from_datetime"]:
                    begin, end = _moment(period["charges_from_datetime"]), _moment(period["charges_to_datetime"])
                    second = timedelta(seconds=1)
                    windows.setdefault(period["external_subscription_id"], []).append((begin, end + second))
        return windows


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _owner(value: Payload) -> str:
    """External id of the customer a record belongs to."""
    found = value.get("external_customer_id") or (value.get("customer") or {}).get("external_id")
    return str(found or value.get("external_id"))


def _answer(call: Call) -> Answer:
    return Answer(call.method, call.path, urlencode(call.query, safe="[]"), call.status, json.loads(call.body.text))


def _page(name: str, values: Sequence[Payload]) -> Answer:
    """The one page of a list."""
    count = len(values)
    meta = {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": count}
    states = "&".join(f"status[]={s}" for s in ("active", "pending", "terminated", "canceled", "incomplete"))
    query = f"{states}&page=1&per_page=100000" if name == "subscriptions" else "page=1&per_page=100000"
    assert parse_qsl(query)
    return Answer("GET", f"{API}/{name}", query, 200, {name: list(values), "meta": meta})


def records_of(answer: Answer) -> Iterator[tuple[str, Payload]]:
    """(root, record) of each record that an answer shows."""
    for root, value in answer.body.items():
        if root == "meta":
            continue
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                yield root, item
