"""How changes look on a terminal: counts by phase, the coverage matrix, and field by field where it is short."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mappings.coverage import CoverageRow
from mappings.dependents import Dependents, Key
from mappings.lost import REASON as LOST
from mappings.lost import UNLISTED, LostInvoice
from mappings.money import told_money
from mappings.names import customer_name
from mappings.partners import NEW, PartnerProposal
from mappings.quarantine import Quarantined
from mappings.quarantine import tally as quarantined_reasons
from mappings.records import Fee
from mappings.target import Skipped
from migrate.adopt import Adoption
from migrate.apply import MEANWHILE, NOT_WRITTEN, NotTaken
from migrate.change_set.changes import WITHHELD, Action, Change, ChangeSet, FieldDiff, Removal
from migrate.lago.unreadable_pages import UNREADABLE
from migrate.odoo.dangling import REASON as NOT_IN_ODOO
from migrate.odoo.findings import CheckFinding
from migrate.preview import waiting_for_withheld
from reports.columns import table

SHOWN = 20
VALUE = 60


def counts(table_of: Mapping[str, Mapping[str, int]]) -> str:
    """Phase by action."""
    every = (*(a.value for a in Action), NOT_WRITTEN, MEANWHILE)
    actions = [a for a in every if any(a in row for row in table_of.values())]
    rows = [(phase, *(f"{row.get(a, 0):,}" for a in actions)) for phase, row in table_of.items()]
    return table(("phase", *actions), rows)


def adopted(adoption: Adoption) -> list[str]:
    """What stood in Odoo under our external ids, whose work Odoo says it is, and what nobody knows of it any more."""
    if not adoption.total:
        return []
    made = sum(adoption.made.values())
    kinds = ", ".join(f"{number:,} {model}" for model, number in adoption.made.items())
    lines = [f"adopted: {adoption.total:,} records stood in Odoo under our external ids, unknown to this state"]
    if made:
        lines.append(f"    {made:,} were made by us, as Odoo dates them ({kinds}): rollback deletes them")
    if adoption.older:
        lines.append(f"    {len(adoption.older):,} are older than their external id: what they were is not known")
        lines += [f"        {name}" for name in adoption.older[:SHOWN]]
    lines.append("    not known of them: what was sent before, so that edits since cannot be told from our work")
    return lines


def not_adopted(adoption: Adoption) -> list[str]:
    """What bears our external ids and Odoo does not show: not adopted, and not gone."""
    if not adoption.withheld:
        return []
    return [
        f"{len(adoption.withheld):,} records were not adopted: Odoo does not show them (readably), or not as ours",
        *(f"    {name}" for name in adoption.withheld[:SHOWN]),
        "    let a user who sees them run 'lago2odoo adopt' again (record rules, companies), mend what is named",
    ]


def matrix(rows: Sequence[CoverageRow]) -> str:
    """What becomes of each Lago resource; the reasons of what is left out are listed elsewhere, once."""
    heads = ("Lago", "records", "moved", "left out", "in part", "nothing to move", "becomes, or why not")
    listed = [row for row in rows if row.records is not None]
    text = table(heads, [_matrix_row(row) for row in listed])
    besides = ", ".join(f"{row.resource} {row.expressed:,}" for row in rows if row.records is None and row.expressed)
    return f"{text}\nmade besides, for all of them: {besides}" if besides else text


def _matrix_row(row: CoverageRow) -> tuple[str, ...]:
    numbers = (row.records, row.expressed, sum(row.skipped.values()), sum(row.parts.values()), row.nothing_to_move)
    why = f"rest: {row.why_nothing}" if row.models and row.why_nothing else row.why_nothing
    becomes = "; ".join(part for part in (_tally(row.models), why) if part)
    return (row.resource, *(f"{number:,}" if number else "" for number in numbers), becomes)


def _tally(found: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def skipped(changes: ChangeSet, waived: Collection[str]) -> Iterator[str]:
    """What is waived in one line; the rest with an example each: finance or a mender has to decide."""
    reasons: dict[str, list[Skipped]] = {}
    accepted: dict[str, int] = {}
    for change in changes.of(Action.SKIPPED):
        if change.skipped and change.skipped.is_waived(waived):
            accepted[change.skipped.reason] = accepted.get(change.skipped.reason, 0) + change.skipped.count
        elif change.skipped:
            reasons.setdefault(change.skipped.reason, []).append(change.skipped)
    if accepted:
        yield f"left out, waived: {_tally(accepted)}"
    rows = [
        (reason, f"{sum(item.count for item in items):,}", f"{items[0].source}: {items[0].detail}")
        for reason, items in reasons.items()
    ]
    if rows:
        yield table(("left out, NOT waived", "records", "for example"), rows)


def refused(refusals: Sequence[NotTaken]) -> Iterator[str]:
    """What Odoo did not take, each with Odoo's sentence, and under it what was not sent because it refers to it."""
    for refusal in refusals[:SHOWN]:
        yield f"not taken: {refusal.failure}"
        yield from (f"    waits: {waiting}" for waiting in refusal.waiting[:SHOWN])
        if len(refusal.waiting) > SHOWN:
            yield f"    and {len(refusal.waiting) - SHOWN:,} more that wait: --format json shows all"
    if len(refusals) > SHOWN:
        yield f"and {len(refusals) - SHOWN:,} more that were not taken: --format json shows all"


def proposals(found: Sequence[PartnerProposal], tables: str) -> Iterator[str]:
    """Customers that may stand in Odoo already, as lines for finance to choose from: none of them is in force."""
    if found:
        yield f"these customers may stand in Odoo already: copy one line of each into [partners] of {tables}, without #"
    for proposal in found[:SHOWN]:
        key = json.dumps(proposal.customer.external_id, ensure_ascii=False)
        yield f"    # {customer_name(proposal.customer)}"
        yield from (f"    #{key} = {match.partner.id}  # {match}" for match in proposal.matches)
        yield f'    #{key} = "{NEW}"  # a partner of its own'
    if len(found) > SHOWN:
        yield f"    and {len(found) - SHOWN:,} more: --format json shows all"


def misfits(findings: Iterable[CheckFinding]) -> Iterator[str]:
    """Where the mapping does not fit Odoo's own records; ``apply`` refuses for the same."""
    yield from (f"ERROR    {f.what} -> {f.remedy}" for f in findings)


def withheld(changes: ChangeSet) -> Iterator[str]:
    """What stands in Odoo and is not shown to us, each by name, and what is not written because it refers to it."""
    if not (kept := list(changes.of(Action.WITHHELD))):
        return
    waiting = waiting_for_withheld(changes)
    hidden = sum(change.note == WITHHELD for change in kept)
    if hidden:
        yield f"withheld: {hidden:,} records stay as they are: {WITHHELD}"
    if unread := len(kept) - hidden:
        yield f"withheld: {unread:,} records stay as they are, each for what is told of it"
    yield from (f"    {_kept_record(change)}" for change in kept[:SHOWN])
    yield from (f"    waits: {change.source} ({change.model})" for change in waiting[:SHOWN])
    if (more := max(len(kept) - SHOWN, 0) + max(len(waiting) - SHOWN, 0)) > 0:
        yield f"    and {more:,} more: --format json shows all"


def _kept_record(change: Change) -> str:
    named = f"{change.source} ({change.model} {change.res_id or change.xid})"
    return named if change.note == WITHHELD else f"{named}: {change.note}"


def removals(changes: ChangeSet) -> Iterator[str]:
    """What would go, apart from the rest, and what it takes; and the usage that stays although nobody wants it."""
    if changes.removals:
        rows = [(r.model, f"{r.number:,}", f"{r.known:,}", _consent(r)) for r in changes.removals]
        yield table(("removed or archived: Lago shows them no more", "records", "of", ""), rows)
    if changes.kept_usage:
        yield (
            f"{changes.kept_usage:,} usage records stay in Odoo: their period is over, or Lago keeps events no longer; "
            "that is no correction"
        )


def _consent(removal: Removal) -> str:
    return "a person must agree" if removal.needs_consent else ""


def details(changes: ChangeSet) -> Iterator[str]:
    """Field-level differences of updates, conflicts and what was kept; creations only by name."""
    worth = list(changes.of(Action.CONFLICT, Action.UPDATE, Action.REMOVE, Action.KEPT))
    for change in worth[:SHOWN]:
        yield f"{change.action.value} {change.source} ({change.model})"
        for diff in (*change.diffs, *(d for line in change.lines for d in line.diffs)):
            if diff.verdict in (Action.UPDATE, Action.KEPT, Action.CONFLICT):
                yield f"    {field(diff)}"
    if len(worth) > SHOWN:
        yield f"and {len(worth) - SHOWN:,} more: --format json shows all"


def field(diff: FieldDiff) -> str:
    """``street: 'Old Road' -> 'New Road'``."""
    return f"{diff.field}: {_short(diff.before)} -> {_short(diff.after)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= VALUE else f"{text[: VALUE - 1]}…"


def open_reasons(skipped: Iterable[Skipped], waived: Collection[str]) -> dict[str, int]:
    """Reasons of skipped records that nobody waived, and how many records each stands for."""
    counts_by_reason: dict[str, int] = {}
    for item in skipped:
        if not item.is_waived(waived):
            counts_by_reason[item.reason] = counts_by_reason.get(item.reason, 0) + item.count
    return counts_by_reason


def quarantine(items: Sequence[Quarantined], dependents: Mapping[Key, Dependents]) -> Iterator[str]:
    """What of Lago could not be read, one line each, with what depends on it."""
    if not items:
        return
    yield f"in quarantine: {len(items):,} records of Lago that cannot be read ({_tally(quarantined_reasons(items))})"
    for item in items[:SHOWN]:
        key = (item.resource, item.id)
        depend = f"; {dependents[key]}" if key in dependents else ""
        yield f"    {item.reason}: {item}{depend}"
    if len(items) > SHOWN:
        yield f"    and {len(items) - SHOWN:,} more: lago2odoo status --format json shows all"


def unread_credits(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """``prepaid credits that wait for a quarantine, moved by nobody: 2 wallets (50.00 CAD)``; nothing where none do."""
    told = [f"{row['wallets']:,} wallets ({readable_money(row['balance_cents'], row['currency'])})" for row in rows]
    if told:
        yield f"prepaid credits that wait for a quarantine, moved by nobody: {', '.join(told)}"


def readable_money(cents: int | None, currency: str) -> str:
    """An amount, or that it cannot be read."""
    return "their amount cannot be read" if cents is None else told_money(cents, currency)


def incomplete(items: Iterable[Quarantined]) -> Iterator[str]:
    """Lists and pages that Lago did not give: what is made from them may lack something."""
    for item in items:
        if item.reason == UNREADABLE:
            yield f"incomplete: {item.resource}, {item.id}: Lago did not give that page; extract again"


def lost(invoices: Sequence[LostInvoice]) -> Iterator[str]:
    """Invoices that Lago's records name and the snapshot lacks, one line each, with the money of their fees."""
    if not invoices:
        return
    yield f"lost: {len(invoices):,} invoices that Lago names are not in the snapshot: run 'lago2odoo extract' again"
    for invoice in invoices[:SHOWN]:
        yield f"    {invoice.name}: {invoice.money}; named by {' and '.join(map(str, invoice.named_by))}"
    if len(invoices) > SHOWN:
        yield f"    and {len(invoices) - SHOWN:,} more: lago2odoo status --format json shows all"


def lost_data(invoices: Iterable[LostInvoice]) -> list[dict[str, object]]:
    """The same as plain values, in cents."""
    return [
        {
            "id": invoice.lago_id,
            "number": invoice.number,
            "customer": invoice.customer,
            "currency": invoice.currency,
            "day": invoice.day.isoformat() if invoice.day else None,
            "net_cents": invoice.net_cents,
            "tax_cents": invoice.tax_cents,
            "named_by": list(map(str, invoice.named_by)),
        }
        for invoice in invoices
    ]


def remedies(items: Iterable[Skipped], waived: Collection[str]) -> str:
    """What to do about all that is left out and that nobody waived, in quarantine or not; empty if nothing is."""
    left = [item for item in items if not item.is_waived(waived)]
    told = [remedy(reasons)] if (reasons := open_reasons((i for i in left if not i.because), ())) else []
    lacking_in_odoo = [item for item in left if item.because and item.reason == NOT_IN_ODOO]
    waiting = [item for item in left if item.because and item.reason != NOT_IN_ODOO]
    told += [_remedy_in_odoo(lacking_in_odoo)] if lacking_in_odoo else []
    return "; ".join([*told, _remedy_of_quarantine(waiting)] if waiting else told)


def lacking(items: Iterable[Skipped]) -> str:
    """What the server lacks for everybody, in one line: nobody is written before somebody decided. Empty: nothing."""
    reasons = open_reasons((item for item in items if item.of_everybody), ())
    return f"apply writes nothing, for Odoo lacks a module or a field: {remedy(reasons)}" if reasons else ""


def _remedy_in_odoo(items: Sequence[Skipped]) -> str:
    reasons, ids = open_reasons(items, ()), sorted({item.because for item in items})
    return (
        f"{sum(reasons.values()):,} records wait for what is not in Odoo ({some(ids)}): correct it in Lago or add it "
        f"in Odoo, or add to the configuration [waive] skipped = {list(reasons)}, or their ids"
    )


def _remedy_of_quarantine(items: Sequence[Skipped]) -> str:
    reasons, ids = open_reasons(items, ()), sorted({item.because for item in items})
    return (
        f"{sum(reasons.values()):,} records wait for {len(ids):,} in quarantine ({some(ids)}): mend them in Lago and "
        f"extract again, or add to the configuration [waive] skipped = {list(reasons)}, or their ids"
    )


def remedy_of_unlisted(fees: Sequence[Fee]) -> str:
    """What to do about fees that their invoices show and the list of fees does not; empty if there are none."""
    if not fees:
        return ""
    return (
        f"{len(fees):,} fees that invoices show are not in Lago's list of fees any more "
        f"({some([fee.lago_id for fee in fees])}): {or_waive(UNLISTED)}"
    )


def or_waive(reason: str) -> str:
    """The way out of what a second extract may mend."""
    return f"run 'lago2odoo extract' again, or add to the configuration [waive] skipped = [{reason!r}]"


def open_quarantine(items: Iterable[Quarantined], waived: Collection[str]) -> tuple[Quarantined, ...]:
    """What could not be read and nobody waived by one of its names."""
    return tuple(item for item in items if item.names.isdisjoint(waived))


def some(names: Sequence[str]) -> str:
    """The first three, and how many more there are."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def remedy_of_counted(told: Sequence[str]) -> str:
    """What to do about what Lago has and nobody reads; empty if there is none."""
    if not told:
        return ""
    return f"{'; '.join(told)}: enter it in Odoo by hand, or add the reason to the configuration, [waive] skipped"


def remedy_of_unread(items: Sequence[Quarantined]) -> str:
    """What to do about records in quarantine, before anybody asks what depends on them."""
    named = some([item.id for item in items])
    return (
        f"{len(items):,} records of Lago are in quarantine ({named}): mend them in Lago and extract "
        f"again, or add to the configuration [waive] skipped = {list(quarantined_reasons(items))}, or their ids"
    )


def open_lost(invoices: Iterable[LostInvoice], waived: Collection[str]) -> tuple[LostInvoice, ...]:
    """Invoices that the snapshot lacks and nobody waived, by the reason or by their id."""
    return tuple(item for item in invoices if LOST not in waived and item.lago_id not in waived)


def remedies_of_unread(unread: Sequence[Quarantined], lost: Sequence[LostInvoice]) -> str:
    """What to do about records that could not be read or are not there; empty if there are none."""
    remedies = [remedy_of_unread(unread)] if unread else []
    if lost:
        names = ", ".join(invoice.name for invoice in lost[:3]) + (", ..." if len(lost) > 3 else "")
        remedies.append(
            f"{len(lost):,} invoices that Lago names are not in the snapshot ({names}): run 'lago2odoo extract' again, "
            f"or add to the configuration [waive] skipped = [{LOST!r}], or their ids"
        )
    return "; ".join(remedies)


def remedy(reasons: Mapping[str, int]) -> str:
    """What to do about skipped records that nobody waived."""
    return (
        f"{sum(reasons.values()):,} records cannot be expressed in Odoo and nobody waived it: mend them, or add to the "
        f"configuration [waive] skipped = {list(reasons)}, or their ids"
    )
