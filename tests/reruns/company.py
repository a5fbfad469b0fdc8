"""A company with ties on purpose, and the same company as a Lago shows it that promises no order.

Some customers of the fuzz's company have a twin: the same name, plans, moments and amounts, under other ids. Charges of
all plans bear the same codes and names, so that two plans have a charge of one code.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote
from uuid import NAMESPACE_URL, uuid5

from tests.fuzz.company import Answer, Company, Payload, records_of

TWINS = (
    "cust_0044",  # usage by tiers, ended, a credit note
    "acct59a",  # filters, own prices, percentages, events paid in advance
)
SUFFIX = "-twin"
NUMBERS = ("number", "invoice_number")
UNORDERED = (
    "fees",
    "charges",
    "fixed_charges",
    "taxes",
    "applied_taxes",
    "billing_periods",
    "subscriptions",
    "credits",
    "applied_coupons",
    "items",
    "metadata",
    "invoice_ids",
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CATALOG = ("taxes", "billable_metrics", "add_ons", "coupons", "plans", "billing_entities", "organizations")


def with_twins(company: Company) -> Company:
    """The company and its twins, with the same codes and names in all plans."""
    company = _only(company)
    files = {name: list(answers) for name, answers in company.files.items()}
    for customer in TWINS:
        twin = _Twin(company, customer)
        for name, answers in company.files.items():
            files[name] = [*twin.in_lists(files[name]), *twin.pages(answers)]
    named = {name: tuple(replace(a, body=same_codes(a.body)) for a in answers) for name, answers in files.items()}
    return Company(named)


def _only(company: Company) -> Company:
    """Without everybody else, so that many runs cost little."""
    twins = [_Twin(company, customer) for customer in TWINS]
    return Company(
        {
            name: answers
            if name in _CATALOG
            else tuple(_kept(answer, lambda item: any(twin.owns(item) for twin in twins)) for answer in answers)
            for name, answers in company.files.items()
        }
    )


def _kept(answer: Answer, keep: Callable[[Payload], bool]) -> Answer:
    if "meta" not in answer.body:
        return answer
    lists = {root: [item for item in value if keep(item)] for root, value in answer.body.items() if root != "meta"}
    (count,) = map(len, lists.values())
    return replace(answer, body={**lists, "meta": answer.body["meta"] | {"total_count": count}})


def same_codes(value: Any) -> Any:
    """Charges numbered within their plan, all called the same."""
    if isinstance(value, dict):
        changed = {name: same_codes(inner) for name, inner in value.items()}
        for kind in ("charges", "fixed_charges"):
            if isinstance(changed.get(kind), list):
                ordered = sorted(changed[kind], key=lambda charge: str(charge.get("lago_id")))
                for number, charge in enumerate(ordered):
                    charge |= {"code": f"{kind}_{number}", "invoice_display_name": "Usage"}
        return changed
    return [same_codes(inner) for inner in value] if isinstance(value, list) else value


class _Twin:
    """What of a company is a customer's, and the same of the twin."""

    def __init__(self, company: Company, customer: str) -> None:
        self.customer = customer
        self.subscriptions: set[str] = set()
        records = [
            (name, record) for name, answers in company.files.items() for a in answers for _, record in records_of(a)
        ]
        shared = {text for name, record in records if name in _CATALOG for text in _uuids(record)}
        self.subscriptions = {
            str(record["external_id"]) for name, record in records if name == "subscriptions" and self.owns(record)
        }
        own = [record for name, record in records if name not in _CATALOG and self.owns(record)]
        self.names = {text: str(uuid5(NAMESPACE_URL, text)) for record in own for text in _uuids(record) - shared}
        externals = {str(r["external_id"]) for r in own if "external_id" in r} | {customer}
        self.names |= {text: f"{text}{SUFFIX}" for text in externals}

    def owns(self, record: Mapping[str, Any]) -> bool:
        shown = record.get("customer")
        theirs = record.get("external_customer_id") or (shown.get("external_id") if isinstance(shown, dict) else None)
        its_own = (theirs or record.get("external_id")) == self.customer
        return its_own or record.get("external_subscription_id") in self.subscriptions

    def in_lists(self, answers: list[Answer]) -> Iterator[Answer]:
        """The lists, with the twin's records among the others."""
        for answer in answers:
            body = dict(answer.body)
            for root, value in answer.body.items():
                if isinstance(value, list) and "meta" in answer.body:
                    body[root] = [*value, *(self.renamed(item) for item in value if self.owns(item))]
                    body["meta"] = answer.body["meta"] | {"total_count": len(body[root])}
            yield replace(answer, body=body)

    def pages(self, answers: tuple[Answer, ...]) -> Iterator[Answer]:
        """The twin's own pages, and lists below them."""
        for answer in answers:
            parts = answer.path.split("/")
            if any(unquote(part) in self.names for part in parts):
                path = "/".join(quote(self.names.get(unquote(part), unquote(part)), safe="") for part in parts)
                query = "&".join(
                    f"{n}={self.names.get(v, v)}"
                    for n, _, v in (p.partition("=") for p in answer.query.split("&") if p)
                )
                yield replace(answer, path=path, query=query, body=self.renamed(answer.body))

    def renamed(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self.renamed(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.renamed(inner, key) for inner in value]
        if key in NUMBERS and isinstance(value, str):
            return f"{value}-T"
        return self.names.get(value, value) if isinstance(value, str) else value


def _uuids(value: object) -> set[str]:
    if isinstance(value, dict):
        return {text for inner in value.values() for text in _uuids(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in _uuids(inner)}
    return {value} if isinstance(value, str) and _UUID.fullmatch(value) else set()


def shuffled(company: Company, rng: random.Random) -> Company:
    """The same records: those of a list, and those within a record, in another order."""
    return Company(
        {name: tuple(replace(a, body=mixed(a.body, rng)) for a in found) for name, found in company.files.items()}
    )


def mixed(body: Payload, rng: random.Random) -> Payload:
    """An answer whose list, and those lists within records that promise no order, are shuffled."""

    def within(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: within(inner, name) for name, inner in value.items()}
        if not isinstance(value, list):
            return value
        items = [within(item, key) for item in value]
        if key in UNORDERED:
            rng.shuffle(items)
        return items

    mixed_body = {}
    for name, value in body.items():
        mixed_body[name] = within(value)
        if "meta" in body and isinstance(value, list):
            rng.shuffle(mixed_body[name])
    return mixed_body
