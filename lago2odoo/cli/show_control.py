"""``reconcile --control``: Lago against the re-rate alone, invoice by invoice and fee by fee: the noise floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from reconcile.rerate.noise_floor import InvoiceCheck
from reports.columns import table

OUTCOMES = ("equal", "differs", "refused")
SHOWN = 20


def document(checks: Sequence[InvoiceCheck]) -> dict[str, Any]:
    """Everything that was checked, as plain values; ``summary`` counts it."""
    return {
        "summary": {
            "invoices": dict(Counter(c.header for c in checks)),
            "fees": dict(Counter(fee.outcome for c in checks for fee in c.fees)),
            "reasons": reasons(checks),
            "calendar_differences": sum(len(c.calendar) for c in checks),
        },
        "invoices": [{**asdict(c), "equal": c.is_equal} for c in checks],
    }


def reasons(checks: Iterable[InvoiceCheck]) -> dict[str, int]:
    """Refusals by reason."""
    return dict(Counter(refusal.reason for check in checks for refusal in check.refusals))


def render(checks: Sequence[InvoiceCheck]) -> str:
    """Counts, then every invoice that is not equal, with what is known of it."""
    shown = [c for c in checks if c.header != "hidden"]
    rows = [
        ("invoice headers", str(len(shown)), *(str(sum(c.header == o for c in shown)) for o in OUTCOMES)),
        *(_row(kind, checks) for kind in sorted({fee.kind for c in checks for fee in c.fees})),
    ]
    lines = [table(("Lago against the re-rate", "all", *OUTCOMES), rows)]
    lines += [f"refused {count} × {reason}" for reason, count in reasons(checks).items()]
    open_checks = [c for c in checks if not c.is_equal]
    for check in open_checks[:SHOWN]:
        lines += _details(check)
    if len(open_checks) > SHOWN:
        lines.append(f"and {len(open_checks) - SHOWN} more invoices: --format json shows all")
    return "\n".join([*lines, *_calendar(checks)])


def _row(kind: str, checks: Sequence[InvoiceCheck]) -> tuple[str, ...]:
    found = Counter(fee.outcome for c in checks for fee in c.fees if fee.kind == kind)
    return (f"{kind} fees", str(found.total()), *(str(found[outcome]) for outcome in OUTCOMES))


def _details(check: InvoiceCheck) -> Iterator[str]:
    yield f"{check.number} of {check.customer} ({check.type}, {check.state}): header {check.header}"
    for refusal in check.refusals:
        yield f"    refused: {refusal.reason}: {refusal.detail}"
    for fee in check.fees:
        if fee.outcome == "differs":
            lago, ours = (line.amount_cents if line else "nothing" for line in (fee.lago, fee.rerate))
            yield f"    {fee.kind} {fee.label}: Lago {lago}, re-rate {ours} cents"


def _calendar(checks: Sequence[InvoiceCheck]) -> list[str]:
    contradictions = [f"    {c.number}: {text}" for c in checks for text in c.calendar]
    if not contradictions:
        return ["calendar: every stored boundary is the one that Lago's rules give"]
    more = [f"    and {len(contradictions) - SHOWN} more"] if len(contradictions) > SHOWN else []
    return [
        f"calendar: {len(contradictions)} stored boundaries are not those of Lago's rules",
        *contradictions[:SHOWN],
        *more,
    ]
