"""Records of Lago that cannot be read: kept raw, named, left out with whatever depends on them. Pure.

    raw record -> decode -> a record of ``mappings.records``
                         -> Quarantined: this one alone is left out, and everything else goes on

What depends on one is skipped for the same reason, and names it (``Skipped.because``): one waiver covers all of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mappings.phrases import Said

FieldProblem = tuple[str, str, Said]  # field, reason, words that go on after the field
_MOST = 80  # characters of a text of Lago's in one of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record. ``reason`` is a stable name (``unknown_interval``), ``problem`` the words after ``field``.

    ``raw`` is Lago's own text. ``customer``: the external id of whom it belongs to, as far as it can be read.
    """

    resource: str  # Lago's plural name: plans, invoices
    id: str
    field: str
    reason: str
    problem: Said
    raw: str
    label: str = ""  # what people call it: a number, a code
    customer: str = ""
    customer_id: str = ""  # Lago's
    of_page: bool = False  # no record, but a page that Lago does not give: what stands there nobody knows

    def __str__(self) -> str:
        return f"{self.resource} {self.name}: field {self.field} {self.problem}"

    @property
    def names(self) -> frozenset[str]:
        """As what somebody may waive it: its reason, its id, its customer's external id."""
        return frozenset({self.reason, self.id, self.customer}) - {""}

    @property
    def name(self) -> str:
        """How it is called to people."""
        return f"{self.label} ({self.id[:8]})" if self.label and self.label != self.id else self.id

    @property
    def detail(self) -> str:
        """One sentence, with the way out."""
        return f"in quarantine: field {self.field} {self.problem}; mend it in Lago, then extract again"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageGap:
    """Usage events that Lago does not give: of some moment from ``since`` to ``until`` (both included; None: open).

    Whose they are, nobody knows. ``unread`` names them among what is in quarantine.
    """

    since: datetime | None
    until: datetime | None
    unread: Quarantined

    def touches(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether an event of it may lie between two moments (None: open)."""
        is_before = self.until is not None and start is not None and self.until < start
        is_after = self.since is not None and end is not None and self.since > end
        return not (is_before or is_after)


def quarantined(resource: str, identity: str, problem: FieldProblem, raw: str, payload: object) -> Quarantined:
    """Whom it belongs to is read from what of ``payload`` can be read."""
    field, reason, said = problem
    external, lago_id = _customer(resource, payload)
    return Quarantined(
        resource=resource,
        id=_short(identity),
        field=field,
        reason=reason,
        problem=said,
        raw=raw,
        label=next(_texts(payload, ("number", "code", "external_id", "transaction_id")), ""),
        customer=external,
        customer_id=lago_id,
    )


def with_ids(waived: Collection[str], items: Iterable[Quarantined]) -> frozenset[str]:
    """The same, and the ids of what is waived by another name: what depends on a record names it by its id."""
    return frozenset(waived) | {item.id for item in items if item.names & frozenset(waived)}


def tally(items: Iterable[Quarantined]) -> dict[str, int]:
    """Records per reason."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.reason] = counts.get(item.reason, 0) + 1
    return counts


def _customer(resource: str, payload: object) -> tuple[str, str]:
    """(external id, Lago's id) of the customer a record belongs to."""
    if not isinstance(payload, Mapping):
        return "", ""
    if resource == "customers":
        return next(_texts(payload, ("external_id",)), ""), next(_texts(payload, ("lago_id",)), "")
    shown = payload.get("customer")
    if isinstance(shown, Mapping):
        return next(_texts(shown, ("external_id",)), ""), next(_texts(shown, ("lago_id",)), "")
    external = next(_texts(payload, ("external_customer_id",)), "")
    return external, next(_texts(payload, ("lago_customer_id",)), "")


def _texts(payload: object, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value: object = payload.get(name) if isinstance(payload, Mapping) else None
        if isinstance(value, str) and value.strip():
            yield _short(value)


def _short(text: str) -> str:
    """Printable, and no longer than a line of a table."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= _MOST else f"{clean[: _MOST - 1]}…"
