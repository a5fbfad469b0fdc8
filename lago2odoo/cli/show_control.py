"""``reconcile --control``: Lago against the re-rate alone, invoice by invoice and fee by fee: the noise floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mappings.text import plain
from reconcile.billed import BilledLine, Refusal, Totals
from reconcile.rerate.noise_floor import FeeCheck, InvoiceCheck
from reconcile.rerate.termination_notes import CreditNoteCheck
from reports.columns import table

OUTCOMES = ("equal", "differs", "refused")
SHOWN = 20


def document(checks: Sequence[InvoiceCheck], notes: Sequence[CreditNoteCheck]) -> dict[str, Any]:
    """Everything that was checked, as plain values; ``summary`` counts it."""
    return {
        "summary": {
            "invoices": dict(Counter(c.header for c in checks)),
            "fees": dict(Counter(fee.outcome for c in checks for fee in c.fees)),
            "credit_notes": dict(Counter(note.outcome for note in notes)),
            "reasons": reasons(checks, notes),
            "calendar_differences": sum(len(c.calendar) for c in checks),
        },
        "invoices": [_checked(check) for check in checks],
        "credit_notes": [_noted(note) for note in notes],
    }


def _checked(check: InvoiceCheck) -> dict[str, Any]:
    """Its fields, the details of refusals as text."""
    return {**asdict(check), "refusals": [_refused(each) for each in check.refusals], "equal": check.is_equal}


def _noted(note: CreditNoteCheck) -> dict[str, Any]:
    return {**asdict(note), "refusal": _refused(note.refusal) if note.refusal else None, "equal": note.is_equal}


def _refused(refusal: Refusal) -> dict[str, str]:
    return {"reason": refusal.reason, "detail": str(refusal.detail)}


def reasons(checks: Iterable[InvoiceCheck], notes: Iterable[CreditNoteCheck]) -> dict[str, int]:
    """Refusals by reason."""
    of_notes = [note.refusal.reason for note in notes if note.refusal]
    return dict(Counter([*(refusal.reason for check in checks for refusal in check.refusals), *of_notes]))


def render(checks: Sequence[InvoiceCheck], notes: Sequence[CreditNoteCheck]) -> str:
    """Counts, then every invoice and credit note that is not equal, with what is known of it."""
    shown = [c for c in checks if c.header != "hidden"]
    rows = [
        ("invoice headers", str(len(shown)), *(str(sum(c.header == o for c in shown)) for o in OUTCOMES)),
        *(_row(kind, checks) for kind in sorted({fee.kind for c in checks for fee in c.fees})),
        ("credit notes of terminations", str(len(notes)), *(str(sum(n.outcome == o for n in notes)) for o in OUTCOMES)),
    ]
    lines = [table(("Lago against the re-rate", "all", *OUTCOMES), rows)]
    lines += [f"refused {count} × {reason}" for reason, count in reasons(checks, notes).items()]
    open_checks = [c for c in checks if not c.is_equal]
    for check in open_checks[:SHOWN]:
        lines += _details(check)
    if len(open_checks) > SHOWN:
        lines.append(f"and {len(open_checks) - SHOWN} more invoices: --format json shows all")
    return "\n".join([*lines, *_notes(notes), *_calendar(checks)])


def hint(version: str, checks: Sequence[InvoiceCheck]) -> str:
    """What to try, where all that was checked is equal by another version's rules."""
    differing = sum(not check.is_equal for check in checks)
    return (
        f"hint: what is not equal here ({differing} invoices) is, as all others, under the rules of {version}. Where "
        f'Lago runs a later build than its version says, set rules = "{version}" under [lago]'
    )


def _row(kind: str, checks: Sequence[InvoiceCheck]) -> tuple[str, ...]:
    found = Counter(fee.outcome for c in checks for fee in c.fees if fee.kind == kind)
    return (f"{kind} fees", str(found.total()), *(str(found[outcome]) for outcome in OUTCOMES))


def _details(check: InvoiceCheck) -> Iterator[str]:
    yield f"{check.number} of {check.customer} ({check.type}, {check.state}): header {check.header}"
    for refusal in check.refusals:
        yield f"    refused: {refusal.reason}: {refusal.detail}"
    if check.header == "differs" and check.lago and check.rerate:
        yield from (f"    header: {told}" for told in _differing(_of_header(check.lago), _of_header(check.rerate)))
    for fee in check.fees:
        if fee.outcome == "differs":
            yield from (f"    {_name(fee)}: {told}" for told in _of_fee(fee.lago, fee.rerate))


def _differing(lago: Mapping[str, str], ours: Mapping[str, str]) -> Iterator[str]:
    """Each field that is not the same, with both values."""
    for name in dict.fromkeys((*lago, *ours)):
        left, right = lago.get(name, "nothing"), ours.get(name, "nothing")
        if left != right:
            yield f"{name}: Lago {left}, re-rate {right}"


def _of_fee(lago: BilledLine | None, ours: BilledLine | None) -> Iterator[str]:
    """The same of a fee: equal amounts may stand on different units. Of what one side does not tell nothing is said."""
    left, right = _of_line(lago), _of_line(ours)
    if lago is None or ours is None:
        yield f"Lago {left.get('amount', 'nothing')}, re-rate {right.get('amount', 'nothing')}"
        return
    told = left.keys() & right.keys()
    yield from _differing(
        {name: value for name, value in left.items() if name in told},
        {name: value for name, value in right.items() if name in told},
    )


def _of_header(header: Totals) -> dict[str, str]:
    amounts = {
        "fees": header.fees_cents,
        "coupons": header.coupons_cents,
        "sub-total": header.net_cents,
        "tax": header.tax_cents,
        "sub-total with taxes": header.gross_cents,
        "credit notes": header.credit_notes_cents,
        "prepaid credits": header.prepaid_cents,
        "total": header.total_cents,
        **{f"tax {code}": cents for code, cents in sorted(header.taxes.items())},
    }
    return {name: f"{cents} cents" for name, cents in amounts.items()}


def _of_line(line: BilledLine | None) -> dict[str, str]:
    """What ``noise_floor.same`` compares."""
    if line is None:
        return {}
    amounts = {"amount": f"{line.amount_cents} cents", "tax": f"{line.tax_cents} cents"}
    units = {} if line.units is None else {"units": plain(line.units.normalize())}
    return {**amounts, **units, **({} if line.events is None else {"events": f"{line.events:,}"})}


def _name(fee: FeeCheck) -> str:
    """What people call a fee. One that only one side has is told with all that it was sought by."""
    line = fee.lago or fee.rerate
    if line is None or (fee.lago and fee.rerate):
        return f"{fee.kind} {fee.label}"
    key = line.key
    parts = {"subscription": key.subscription, "item": key.item, "filter": key.filter, "event": key.event}
    sought = [f"{name} {value}" for name, value in parts.items() if value]
    sought += [f"{name} = {value or 'none'}" for name, value in key.group]
    return f"{fee.kind} {fee.label}".rstrip() + (f" ({', '.join(sought)})" if sought else "")


def _notes(notes: Sequence[CreditNoteCheck]) -> Iterator[str]:
    unequal = [note for note in notes if not note.is_equal]
    for note in unequal[:SHOWN]:
        ours = "nothing" if note.rerate_cents is None else f"{note.rerate_cents} cents"
        told = f"refused: {note.refusal.reason}: {note.refusal.detail}" if note.refusal else f"re-rate {ours}"
        yield f"credit note {note.number} of {note.customer}: Lago {note.lago_cents} cents, {told}"
    if len(unequal) > SHOWN:
        yield f"and {len(unequal) - SHOWN} more credit notes: --format json shows all"


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
