"""The books kept: drafts, their taxes, what may be posted, posted, settled, tied. Hold ``ledger.store.lock()``.

    apply drafts -> set taxes -> look -> post what is as Lago has it -> settle -> tie

What is posted is never written again: it is held against Lago, and named where Lago says otherwise by now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mappings.books.book import BooksScope
from mappings.books.documents import BookedDocument, BooksMap
from mappings.books.odoo_books import OdooBooks
from mappings.books.tie import BooksTie, open_rows, register_rows, tax_names
from mappings.books.to_odoo import POST, records
from mappings.context import Context
from mappings.target import Desired, Phase, Skipped, Source
from migrate.apply import Applied, apply
from migrate.books.adjust_taxes import write_taxes
from migrate.books.journal import foreign_entries, journal_accounts, journal_cells, receivables
from migrate.books.settle import Reconciled, settle
from migrate.books.standing_books import StandingBooks, flaw, standing_books
from migrate.change_set.changes import ChangeSet
from migrate.odoo.door import Door
from migrate.odoo.resolve import OdooReader
from migrate.phases import Cohort
from migrate.preview import preview
from migrate.progress import Progress, quiet
from migrate.state.ledger import Ledger

DRAFTED_OTHERWISE = "books_drafted_otherwise"
POSTED_OTHERWISE = "books_posted_otherwise"
SETTLED_OTHERWISE = "books_settled_otherwise"
PHASES = (Phase.BOOKS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksRun:
    """What a run is about."""

    odoo: Door
    ledger: Ledger
    context: Context
    odoo_books: OdooBooks
    scope: BooksScope
    books: BooksMap
    cohort: Cohort
    snapshot_digest: str
    waived: frozenset[str] = frozenset()
    progress: Progress = quiet

    def records(self, but: Collection[str], posting: Collection[str] = ()) -> list[Desired]:
        """What is wanted, but for what is posted already; ``posting``: what is to be posted."""
        every = records(self.context, self.odoo_books, self.books)
        due = (record for record in every if record.xid not in but)
        return [replace(record, after=POST) if record.xid in posting else record for record in due]

    def apply(self, records_: Sequence[Desired]) -> Applied:
        """Written through the one door, with the ledger; nothing goes."""
        return apply(
            self.odoo,
            self.ledger,
            [*records_, *self.books.refused],
            phases=PHASES,
            cohort=self.cohort,
            snapshot_digest=self.snapshot_digest,
            waived=self.waived,
            removing=False,
            progress=self.progress,
        )


@dataclass(slots=True, kw_only=True)
class BooksKept:
    """What was done. ``wrong``: documents that Odoo has otherwise, by name."""

    drafted: Applied
    posted: Applied | None = None
    adjusted: int = 0
    settled: int = 0
    wrong: list[Skipped] = field(default_factory=list)
    tie: BooksTie = field(default_factory=BooksTie)

    @property
    def written(self) -> int:
        """Records that were drafted or posted, taxes that were set, and settlements."""
        runs = [self.drafted, self.posted] if self.posted else [self.drafted]
        records_ = sum(sum(row.values()) for run in runs for row in run.written.values())
        return records_ + self.adjusted + self.settled


def foresee_books(run: BooksRun, *, post: bool) -> ChangeSet:
    """What ``keep_books`` would draft, or post. Reads only."""
    standing = standing_books(run.odoo, run.books)
    every = {document.xid for document in run.books.documents} | {payment.xid for payment in run.books.payments}
    posting = every if post else ()
    return preview(
        run.odoo,
        run.ledger,
        [*run.records(standing.posted, posting), *run.books.refused],
        phases=PHASES,
        cohort=run.cohort,
        snapshot_digest=run.snapshot_digest,
        waived=run.waived,
        removing=False,
        progress=run.progress,
    )


def keep_books(run: BooksRun, *, post: bool) -> BooksKept:
    """Draft everything, and post it if asked to."""
    reader = OdooReader(run.odoo, run.progress)
    before = standing_books(run.odoo, run.books)
    kept = BooksKept(drafted=run.apply(run.records(before.posted)))
    standing = standing_books(run.odoo, run.books)
    kept.adjusted = _adjust(reader, run.books, standing)
    standing = standing_books(run.odoo, run.books) if kept.adjusted else standing
    kept.wrong += _flaws(run.books, standing)
    if post:
        ready = _ready(run.books, standing, {item.source.lago_id for item in kept.wrong})
        kept.posted = run.apply(run.records(standing.posted, ready))
        standing = standing_books(run.odoo, run.books)
        reconciled = settle(reader, run.books, standing)
        kept.settled = reconciled.done
        kept.wrong += [*_moved(run.books, standing, kept.wrong), *_unsettled(run.books, reconciled)]
    kept.tie = tie(run, standing, posted=post)
    return kept


def _adjust(reader: OdooReader, books: BooksMap, standing: StandingBooks) -> int:
    drafts = [(d, move) for d in books.documents if (move := standing.moves.get(d.xid)) and move.is_draft]
    return sum(write_taxes(reader, document, move) for document, move in drafts)


def _flaws(books: BooksMap, standing: StandingBooks) -> Iterator[Skipped]:
    for document in books.documents:
        move = standing.moves.get(document.xid)
        if move is not None and (why := flaw(document, move)):
            yield _wrong(document, DRAFTED_OTHERWISE if move.is_draft else POSTED_OTHERWISE, why)


def _moved(books: BooksMap, standing: StandingBooks, told: Sequence[Skipped]) -> list[Skipped]:
    """What is otherwise only since it was posted."""
    known = {item.source.lago_id for item in told}
    return [item for item in _flaws(books, standing) if item.source.lago_id not in known]


def _unsettled(books: BooksMap, reconciled: Reconciled) -> Iterator[Skipped]:
    documents = {document.xid: document for document in books.documents}
    for xid, why in reconciled.wrong:
        yield _wrong(documents[xid], SETTLED_OTHERWISE, why)


def _wrong(document: BookedDocument, reason: str, why: str) -> Skipped:
    source = Source(document.kind.value, f"{document.number} ({document.lago_id[:8]})", document.lago_id)
    return Skipped(phase=Phase.BOOKS, source=source, reason=reason, detail=why)


def _ready(books: BooksMap, standing: StandingBooks, flawed: Collection[str]) -> frozenset[str]:
    """Drafts to be posted: what is as Lago has it, with its reversal, and payments of nothing else."""
    wrong = {*flawed, *(d.lago_id for d in books.documents if d.xid not in standing.moves)}
    documents = {d.xid: d for d in books.documents if d.lago_id not in wrong}
    needs: Mapping[str, set[str]] = _needs(books)
    payments = {p.xid for p in books.payments if needs.get(p.xid, set()) <= documents.keys()}
    return frozenset((documents.keys() | payments) - standing.posted)


def _needs(books: BooksMap) -> dict[str, set[str]]:
    """Payment -> the documents that it settles."""
    needs: dict[str, set[str]] = {}
    for each in books.applications:
        needs.setdefault(each.by, set()).add(each.settled)
    return needs


def tie(run: BooksRun, standing: StandingBooks, *, posted: bool) -> BooksTie:
    """Register against journal; once all months are posted, also what is outstanding.

    Drafts are no receivables yet, and a note of one month settles an invoice of another.
    """
    names = tax_names(run.context, run.odoo_books)
    accounts = journal_accounts(run.context.tables.books, run.odoo_books.accounts, names)
    cells = journal_cells(run.odoo, run.books, standing, accounts)
    rows = register_rows(run.context, run.odoo_books, run.scope, run.books, standing.moves.keys(), cells)
    foreign = tuple(foreign_entries(run.odoo))
    if not (posted and run.scope.is_of_all_months):
        return BooksTie(rows=rows, foreign=foreign)
    open_cents = receivables(run.odoo, run.books, standing)
    more, others = open_rows(run.context, run.scope, run.books, standing.posted, open_cents)
    return BooksTie(rows=(*rows, *more), left_open=others, foreign=foreign)
