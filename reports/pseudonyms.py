"""A report to share: customers, invoices and subscriptions under stable pseudonyms, every amount as it was.

A pseudonym is an HMAC of the original under a key that stays in a file of its own: the same key gives the same
pseudonyms in every report (so that months and ages can be followed), and without it none can be checked by guessing.
What is replaced as a whole stands in ``FIELDS``; every other text is searched for what is known to identify somebody:
names, external ids, numbers, and whatever looks like a UUID or an e-mail address. Words are compared without regard
to case and punctuation; an identifier of one or two characters is replaced only where it stands as a whole field.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from mappings.phrases import Phrase, Told
from mappings.records import Customer, Snapshot
from reports.data import Evidence, Position, ReportData

Original = tuple[str, str]  # what it is (the beginning of its pseudonym), the text itself

CUSTOMER, NAME, INVOICE, ID, VALUE, PERSON, MAIL = "customer", "Name", "INV", "id", "value", "person", "mail"
GROUP = "group"  # not to be hidden: by what usage is priced; it tells a group's name from a value that looks like one
KEEP, POSITION, WITHHELD = "keep", "position", "withheld"
FOLDER = "shared"  # where reports for others are kept, apart from those with names

# Class.field, or a field of any class -> how it is replaced; a text that is not named here is searched.
FIELDS: Mapping[str, str] = {
    "RunView.organization": NAME,
    "RunView.pair": KEEP,
    "RunView.period": KEEP,
    "RunView.lago_version": KEEP,
    "RunView.odoo_version": KEEP,
    "RunView.tool_version": KEEP,
    "InvoiceView.id": ID,
    "InvoiceView.number": INVOICE,
    "InvoiceView.customer": CUSTOMER,
    "InvoiceView.customer_name": NAME,
    "Position.id": POSITION,
    "Position.lookalikes": POSITION,
    "WaiverView.author": PERSON,
    "WaiverView.approver": PERSON,
    "Evidence.name": KEEP,
    "RefusalView.reason": KEEP,
    # names of things that mean the same wherever they come up
    "schema": KEEP,
    "currency": KEEP,
    "month": KEEP,
    "type": KEEP,
    "state": KEEP,
    "status": KEEP,
    "shape": KEEP,
    "kind": KEEP,
    "verdict": KEEP,
    "cause": KEEP,
    "side": KEEP,
    "transaction_id": ID,
    "properties": WITHHELD,  # of an event: may hold anything
}

# Parts of a position's key and of evidence that are identifiers, whatever they look like.
IDENTIFIERS = frozenset(
    ("subscription", "item", "filter", "event", "customer", "invoice", "order", "transaction_id", "external_id")
)

EVENTS = "fusion.billing.usage"  # where evidence about events begins
# What a record in quarantine, which nobody could read, says of somebody.
_NAMING = re.compile(
    r'"(?:name|legal_name|firstname|lastname|email|phone|address_line1|external_id|number)":\s*"([^"\\]+)"'
)
_GROUP_NAME = re.compile(r"[\w.-]+")
_LISTED = re.compile(r"\((.*)\)", re.DOTALL)  # to the last bracket: an id may hold some of its own
_UUID = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # scripts that do not part words
_SHORT = 2


def pseudonymise(data: ReportData, key: bytes, more: Iterable[Original] = ()) -> ReportData:
    """The report under pseudonyms. ``more``: what else identifies somebody (``originals`` of the snapshot)."""
    names, others = _Names(key), list(more)
    groups = frozenset(text for kind, text in others if kind == GROUP)
    for kind, text in (*_of_report(data, groups), *(original for original in others if original[0] != GROUP)):
        names.learn(kind, text)
    changed: ReportData = _Changing(names, groups).record(data)
    # Their order was that of Lago's numbers.
    return replace(changed, invoices=tuple(sorted(changed.invoices, key=lambda i: (i.issued_on, i.id))))


def originals(snapshot: Snapshot) -> Iterator[Original]:
    """Everything in a snapshot that names a customer, a subscription, an invoice or an event of a fee."""
    yield NAME, snapshot.organization.name
    for customer in snapshot.customers:
        yield from _of_customer(customer)
    for subscription in snapshot.subscriptions:
        yield ID, subscription.external_id
        yield NAME, subscription.name or ""
    for invoice in snapshot.invoices:
        yield INVOICE, invoice.number
    for note in snapshot.credit_notes:
        yield INVOICE, note.invoice_number  # also of an invoice that was lost
    for fee in snapshot.fees:
        yield ID, fee.event_transaction_id or ""
        yield from ((VALUE, str(value)) for value in fee.item.grouped_by.values() if value is not None)
        yield from ((GROUP, name) for name in fee.item.grouped_by)
    for plan in (*snapshot.plans, *(s.plan for s in snapshot.subscriptions if s.plan is not None)):
        yield from ((GROUP, name) for charge in plan.charges for name in _group_names(charge.properties))
    for unread in snapshot.quarantined:
        yield CUSTOMER, unread.customer
        yield from ((ID, text) for text in (unread.label, unread.id))
        yield from ((NAME, text) for text in _NAMING.findall(unread.raw))


def _group_names(properties: Mapping[str, Any]) -> Iterator[str]:
    """By what a charge groups usage; ``grouped_by`` is the name of older Lagos."""
    for key in ("pricing_group_keys", "grouped_by"):
        names = properties.get(key)
        yield from (str(name) for name in names) if isinstance(names, list | tuple) else ()


def _of_customer(customer: Customer) -> Iterator[Original]:
    yield CUSTOMER, customer.external_id
    names = (customer.name, customer.legal_name, customer.firstname, customer.lastname, customer.legal_number)
    others = (customer.tax_identification_number, customer.phone, customer.address_line1, customer.slug)
    yield from ((NAME, text or "") for text in (*names, *others))
    yield MAIL, customer.email or ""


def _of_report(data: ReportData, groups: frozenset[str]) -> Iterator[Original]:
    yield NAME, data.run.organization
    for lapse in data.lapses:
        yield CUSTOMER, lapse.customer
        yield NAME, lapse.customer_name
        yield ID, lapse.subscription
        yield from ((INVOICE, number) for number in lapse.invoices)
    for invoice in data.invoices:
        yield CUSTOMER, invoice.customer
        yield NAME, invoice.customer_name
        yield INVOICE, invoice.number
        yield ID, invoice.id
        for position in invoice.positions:
            yield from ((ID, text) for name, text in position.key.items() if name in IDENTIFIERS)
            yield from ((VALUE, text) for text in _group_values(position, groups))


def _group_values(position: Position, groups: frozenset[str]) -> Iterator[str]:
    """Values that customers chose, by which usage is priced: they stand in the key, and in labels."""
    return (value for _, value in _group_pairs(position.key.get("group", ""), groups) if value)


def _group_pairs(text: str, groups: frozenset[str]) -> list[tuple[str, str]]:
    """``region=eu, user=ana, bea`` -> region: eu, user: ana, bea. A value may hold commas and equal signs.

    A part is one of its own only if it begins with the name of a group: one of ``groups``, if those are known.
    """
    pairs: list[tuple[str, str]] = []
    for part in text.split(", "):
        name, sign, value = part.partition("=")
        if not pairs or (sign and (name in groups if groups else _GROUP_NAME.fullmatch(name))):
            pairs.append((name, value))
        else:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}, {part}")
    return pairs


# --- names -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Names:
    """Pseudonyms, and the search for originals in a text."""

    key: bytes
    known: dict[tuple[str, ...], str] = field(default_factory=dict)  # words of an original -> its pseudonym
    unspaced: dict[str, str] = field(default_factory=dict)
    lengths: list[int] = field(default_factory=list)  # numbers of words of the originals, the most first
    searched: dict[str, str] = field(default_factory=dict)  # texts repeat
    tokens: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str, text: str) -> str:
        """The pseudonym of a whole text; nothing stays nothing."""
        return f"{kind}-{self._token(text)}" if text else ""

    def position(self, text: str) -> str:
        """A position's id in the form that positions' ids have."""
        return self._digest(text).hex()[:12]

    def _token(self, text: str) -> str:
        if text not in self.tokens:
            self.tokens[text] = base64.b32encode(self._digest(text)).decode().lower()[:12]
        return self.tokens[text]

    def _digest(self, text: str) -> bytes:
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()

    def learn(self, kind: str, text: str) -> None:
        """Look for this text from now on. What was learnt first keeps its kind."""
        words = _words(text)
        if not words or (len(words) == 1 and len(words[0]) <= _SHORT):
            return
        self.known.setdefault(words, self.of(kind, text))
        if _UNSPACED.search(text):
            self.unspaced.setdefault(text, self.of(kind, text))
        if len(words) not in self.lengths:
            self.lengths = sorted({*self.lengths, len(words)}, reverse=True)

    def search(self, text: str) -> str:
        """The text with everything known in it replaced."""
        if text not in self.searched:
            self.searched[text] = self._search(text)
        return self.searched[text]

    def _search(self, text: str) -> str:
        pieces, end = [], 0
        spans = list(_WORD.finditer(text))
        at = 0
        while at < len(spans):
            count, pseudonym = self._match(spans, at)
            if count:
                pieces += [text[end : spans[at].start()], pseudonym]
                end = spans[at + count - 1].end()
            at += count or 1
        left = "".join([*pieces, text[end:]])
        for original in sorted(self.unspaced, key=len, reverse=True):
            left = left.replace(original, self.unspaced[original])
        left = _UUID.sub(lambda found: self.of(ID, found.group().lower()), left)
        return _MAIL.sub(lambda found: self.of(MAIL, found.group()), left)

    def _match(self, spans: list[re.Match[str]], at: int) -> tuple[int, str]:
        """How many words from here on are an original (the longest that fits), and its pseudonym."""
        for count in self.lengths:
            words = tuple(span.group().casefold() for span in spans[at : at + count])
            if len(words) == count and words in self.known:
                return count, self.known[words]
        return 0, ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))


_NUMBERS = (bool, int, Decimal, date)


# --- records -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Changing:
    """Walks through frozen records. Numbers, dates and flags are never touched."""

    names: _Names
    groups: frozenset[str]
    changes: dict[type, tuple[tuple[str, Callable[[str], str]], ...]] = field(default_factory=dict)  # by class

    def record(self, value: Any) -> Any:
        changed = {}
        if isinstance(value, Position):
            value = replace(value, label=self._label(value))
        if isinstance(value, Evidence):
            value = replace(value, values=dict(self._events(value.values)))
        for name, change in self._changes(type(value)):
            old = getattr(value, name)
            new = self._value(old, change)
            if new is not old:
                changed[name] = new
        return replace(value, **changed) if changed else value

    def _label(self, position: Position) -> str:
        """``Api · ana``: a group's value, even of one letter, stands as a part of its own."""
        values = sorted(_group_values(position, self.groups), key=len, reverse=True)
        label = f" · {position.label} · "
        for value in values:
            label = label.replace(f" · {value} · ", f" · {self.names.of(VALUE, value)} · ")
        return label.removeprefix(" · ").removesuffix(" · ")

    def _events(self, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Evidence about events lists some of their transactions in brackets: ``3 (tx-1, tx-2, tx-3)``.

        And it says whose they are: ``fusion.billing.usage of sub-1``. Both are replaced whole, whatever they hold.
        """
        listing = str(values.get("where", "")).startswith(EVENTS)
        for name, value in values.items():
            if isinstance(value, Phrase):
                yield name, self._phrase(value)
            else:
                yield name, self._event_text(value) if listing and isinstance(value, str) else value

    def _phrase(self, phrase: Phrase) -> Phrase:
        """Whose usage it is, and which transactions, replaced whole; any other text is searched as all are."""
        match phrase:
            case Phrase(kind=Told.USAGE_OF | Told.SUBSCRIPTION, values=(str(whose),)):
                return replace(phrase, values=(self.names.of(ID, whose),))
            case Phrase(kind=Told.WRITTEN_TO_NOBODY, values=(str(number), str(transactions))):
                listed = ", ".join(self.names.of(ID, transaction) for transaction in transactions.split(", "))
                return replace(phrase, values=(number, listed))
            case _:
                return phrase

    def _event_text(self, text: str) -> str:
        place, of, subscription = text.partition(f"{EVENTS} of ")
        if of and not place:
            return f"{of}{self.names.of(ID, subscription)}"
        return _LISTED.sub(self._listed, text)

    def _listed(self, found: re.Match[str]) -> str:
        return f"({', '.join(self.names.of(ID, one) for one in found[1].split(', '))})"

    def _changes(self, cls: Any) -> tuple[tuple[str, Callable[[str], str]], ...]:
        if cls not in self.changes:
            rules = {f.name: FIELDS.get(f"{cls.__name__}.{f.name}", FIELDS.get(f.name, "")) for f in fields(cls)}
            self.changes[cls] = tuple((name, self._change(rule)) for name, rule in rules.items())
        return self.changes[cls]

    def _change(self, rule: str) -> Callable[[str], str]:
        if not rule:
            return self.names.search
        special: Mapping[str, Callable[[str], str]] = {
            KEEP: str,
            POSITION: self.names.position,
            WITHHELD: lambda text: "…" if text else "",
        }
        return special.get(rule, lambda text: self.names.of(rule, text))

    def _value(self, value: Any, change: Callable[[str], str]) -> Any:
        if type(value) is str:
            return change(value)
        if value is None or isinstance(value, _NUMBERS):
            return value
        if isinstance(value, tuple):
            return tuple(self._value(item, change) for item in value)
        if isinstance(value, Mapping):
            return {name: self._named(name, item, change) for name, item in value.items()}
        return self.record(value) if is_dataclass(value) else value

    def _named(self, name: str, item: Any, change: Callable[[str], str]) -> Any:
        """An entry of a position's key, of evidence, of notes..."""
        if not isinstance(item, str):
            return self._value(item, change)
        if name in IDENTIFIERS:
            return self.names.of(ID, item)
        return self._group(item) if name == "group" else change(item)

    def _group(self, text: str) -> str:
        """``region=eu, user=ana``: values that customers chose."""
        pairs = _group_pairs(text, self.groups)
        return ", ".join(
            f"{name}={self.names.of(VALUE, value)}" if f"{name}=" in text else name for name, value in pairs
        )
