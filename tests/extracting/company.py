"""Recordings for tests: a few customers of the bundled one, or another company made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from migrate.lago.recorded import API, RecordedLago
from migrate.lago.recording import Call, Recording, bundled
from migrate.rawjson import Piece

# An override, a wallet, a deleted customer, a dot in the id, Stripe, an upgrade chain, a credit note, a coupon.
SOME = ("cust_0024", "acct39a", "2a3fbf32-5170-b3ad-f11b-e360d4a5c290", "ops.team@fjord-analytics.example")
SOME += ("NX-1009", "bd8aaac6-f141-37fe-6d96-9b6dfb5204c7", "cust_0044", "acct35a")

# A credit note, coupons, a dot in the id, Stripe, a wallet, dollars, two plans in turn: a third of the usage.
LIGHT = ("cust_0044", "ac275a4a-9846-e743-50ab-ad9ae06e5ee3", "ops.team@fjord-analytics.example", "NX-1061", "NX-1041")
LIGHT += ("NX-1053", "a228a637-e6ef-7f51-ff85-affeb83d6c0f")

CATALOG = ("taxes", "billable_metrics", "add_ons", "coupons", "plans")
OF_CUSTOMERS = ("customers", "subscriptions", "wallets", "applied_coupons", "invoices", "fees", "credit_notes")
OF_CUSTOMERS += ("payments", "events")
OWN_PAGES = ("organizations", "billing_entities", "billable_metrics", "plans", "subscriptions", "invoices_show")
OWN_PAGES += ("payment_methods", "subscription_fixed_charges", "wallet_transactions", "current_usage", "misc")
PER_PAGE = 100


def write_some(lago: RecordedLago, folder: Path, customers: Sequence[str] = SOME) -> Path:
    """A recording of these customers only, with all of the catalog."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = {name: lago.recording.listed(name, f"{API}/{name}", name) for name in (*CATALOG, *OF_CUSTOMERS)}
    subscriptions = [p for p in listed["subscriptions"] if p.value["external_customer_id"] in customers]
    external = {piece.value["external_id"] for piece in subscriptions}
    keep: dict[str, Callable[[Any], bool]] = dict.fromkeys(CATALOG, lambda value: True)
    keep |= dict.fromkeys(OF_CUSTOMERS, lambda value: _customer(value) in customers)
    keep |= {"customers": lambda value: value["external_id"] in customers}
    keep |= {"events": lambda value: value["external_subscription_id"] in external}
    lines: dict[str, list[str]] = {
        name: list(_pages(name, [piece for piece in pieces if keep[name](piece.value)]))
        for name, pieces in listed.items()
    }
    for name in OWN_PAGES:
        calls = (call for call in lago.recording.calls(name) if _single(call) and _concerns(call, customers))
        lines.setdefault(name, []).extend(_line(call) for call in calls)
    for name, content in lines.items():
        (folder / f"{name}.jsonl").write_text("\n".join(content) + "\n", encoding="utf-8")
    return folder


def recorded(folder: Path, customers: Sequence[str]) -> Path:
    """These customers of NexaSystems, in a folder below."""
    return write_some(RecordedLago(Recording.open(bundled())), folder / "recording", customers)


def write_another(lago: RecordedLago, folder: Path) -> Path:
    """Another company: other years, currency, codes and ids; the amounts stay, so that its totals are known."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in lago.recording.names:
        lines = (_line(call) for call in lago.recording.calls(name))
        (folder / f"{name}.jsonl").write_text("\n".join(map(_renamed, lines)) + "\n", encoding="utf-8")
    return folder


def _renamed(line: str) -> str:
    for old, new in (('"2026-', '"2031-'), ('"CAD"', '"KWD"'), ("nexa", "umbra"), ("acct", "konto")):
        line = line.replace(old, new)
    line = re.sub(r"\bsub_(?!total_)", "abo-", line)
    return re.sub(r"\b([0-9a-f])([0-9a-f]{7}-[0-9a-f]{4}-)", lambda m: f"{15 - int(m[1], 16):x}{m[2]}", line)


def _customer(value: Mapping[str, Any]) -> str | None:
    return value.get("external_customer_id") or (value.get("customer") or {}).get("external_id")


def _concerns(call: Call, customers: Sequence[str]) -> bool:
    """Whether a record's own page is that of one of the customers (or of none at all)."""
    parts = call.path.removeprefix(f"{API}/").split("/")
    value = next(iter(call.body.value.values()), None)
    owner = unquote(parts[1]) if parts[0] == "customers" else isinstance(value, dict) and _customer(value)
    return not owner or owner in customers


def _single(call: Call) -> bool:
    """A record's own page, or a list below a record: not one of the lists that are written anew."""
    return call.method == "GET" and (call.path.removeprefix(f"{API}/") not in (*CATALOG, *OF_CUSTOMERS))


def _pages(name: str, pieces: Sequence[Piece]) -> Iterator[str]:
    total = -(-len(pieces) // PER_PAGE)
    states = "&".join(f"status[]={s}" for s in ("active", "pending", "terminated", "canceled", "incomplete"))
    head = f"{states}&" if name == "subscriptions" else ""
    for page in range(1, max(total, 1) + 1):
        texts = [piece.text for piece in pieces[(page - 1) * PER_PAGE : page * PER_PAGE]]
        yield page_line(name, texts, page, total, len(pieces), head)


def page_line(name: str, texts: Iterable[str], page: int, pages: int, count: int, query: str = "") -> str:
    meta = {
        "current_page": page if count else 0,
        "next_page": page + 1 if page < pages else None,
        "prev_page": page - 1 or None,
        "total_pages": pages,
        "total_count": count,
    }
    body = f'{{"{name}":[{",".join(texts)}],"meta":{json.dumps(meta)}}}'
    return _text("GET", f"{API}/{name}", f"{query}page={page}&per_page={PER_PAGE}", 200, body)


def _line(call: Call) -> str:
    query = "&".join(f"{name}={value}" for name, value in call.query) or None
    return _text(call.method, call.path, query, call.status, call.body.text)


def _text(method: str, path: str, query: str | None, status: int, body: str) -> str:
    head = json.dumps({"method": method, "path": path, "query": query, "status": status})
    return f'{head[:-1]}, "body":{body}}}'
