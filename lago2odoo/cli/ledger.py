"""``ledger``: every invoice, credit note, void and payment of Lago in Odoo's books, and the proof that they tie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from lago2odoo.cli import show, show_books
from lago2odoo.cli.books_choice import LEDGER, require_choice
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.migration import cohort_of, inputs_of
from lago2odoo.cli.options import check_month, cohort_option, config_option, format_option
from lago2odoo.cli.outcome import CommandOutcome, emit
from mappings.books.book import BooksScope, book
from mappings.owed import billed_to
from mappings.target import Skipped
from migrate.books.keep import BooksKept, BooksRun, foresee_books, keep_books
from migrate.books.look import odoo_books
from migrate.change_set.changes import ChangeSet
from migrate.errors import Blocked, ConfigError
from migrate.odoo.door import Door
from migrate.state.digest import digest
from migrate.state.ledger import Ledger
from migrate.state.store import Store


@click.command("ledger")
@config_option
@format_option
@cohort_option
@click.option("--since", metavar="MONTH", callback=check_month, help="Documents of this month and later ones.")
@click.option("--period", metavar="MONTH", callback=check_month, help="Documents of this month only.")
@click.option("--draft/--post", "draft", default=True, show_default=True, help="Leave drafts, or post them in bulk.")
@click.option("--dry-run", is_flag=True, help="Only show what would be written; exit code 2 if there is anything.")
def command(
    config: Path, form: str, cohort: str | None, since: str | None, period: str | None, draft: bool, dry_run: bool
) -> int:
    """Bring every invoice, credit note, void and payment of Lago into Odoo's books, and show that they tie.

    Drafts first; --post posts them, registers the payments and settles. What does not add up is named and left out.
    """
    scope = _months(since, period)
    with open_context(config) as context, context.store() as store, store.lock(), context.odoo() as odoo:
        run = _open_run(context, store, odoo, cohort, scope)
        outcome = _foresee(run, post=not draft) if dry_run else _keep(run, post=not draft)
    return emit(outcome, form)


def _months(since: str | None, period: str | None) -> tuple[str, str]:
    """First and last month; empty where there is no end."""
    if since and period:
        raise ConfigError("--since and --period: name one of the two")
    first, last = ("" if month in (None, "all") else str(month) for month in (period or since, period))
    return first, last


def _open_run(
    context: CommandContext, store: Store, odoo: Door, cohort: str | None, months: tuple[str, str]
) -> BooksRun:
    """Read the snapshot, ask Odoo what the books need, and map."""
    require_choice(context, store, LEDGER)
    context.talk.say("reading the snapshot")
    snapshot = context.snapshot(store)
    inputs, members = inputs_of(context, snapshot, odoo), cohort_of(context, snapshot, cohort)
    scope = BooksScope(first=months[0], last=months[1], customers=members.customers)
    customers = {billed_to(invoice) for invoice in snapshot.invoices} | inputs.customers.keys()
    books = odoo_books(odoo, inputs.tables, customers - {""})
    context.talk.say("mapping")
    return BooksRun(
        odoo=odoo,
        ledger=Ledger(store),
        context=inputs,
        odoo_books=books,
        scope=scope,
        books=book(inputs, books, scope),
        cohort=members,
        snapshot_digest=digest(store),
        waived=inputs.options.waived,
        progress=context.talk.progress,
    )


def _foresee(run: BooksRun, *, post: bool) -> CommandOutcome:
    changes = foresee_books(run, post=post)
    left = _left_out(run, ())
    lines = [show.counts(changes.counts()), *show.skipped(changes, run.waived)]
    lines.append("nothing was written; without --dry-run it is" if changes.pending else "nothing to do")
    code = 1 if left else 2 if changes.pending else 0
    return CommandOutcome(_foreseen(changes), "\n".join(lines), code)


def _foreseen(changes: ChangeSet) -> dict[str, object]:
    return {"counts": changes.counts(), "refused": show_books.refused_data(c.skipped for c in changes.changes)}


def _keep(run: BooksRun, *, post: bool) -> CommandOutcome:
    kept = keep_books(run, post=post)
    return CommandOutcome(show_books.data(kept), show_books.text(kept, run.waived), error=_error(run, kept))


def _left_out(run: BooksRun, wrong: tuple[Skipped, ...]) -> str:
    """What to do about what is not in the books as Lago has it, and nobody accepted."""
    return show.remedies((*run.books.refused, *wrong), run.waived)


def _error(run: BooksRun, kept: BooksKept) -> Blocked | None:
    told = "; ".join(filter(None, [*_not_taken(kept), _left_out(run, tuple(kept.wrong)), *_untied(kept)]))
    return Blocked(f"everything else is in the books; {told}") if told else None


def _not_taken(kept: BooksKept) -> Iterator[str]:
    for applied in (kept.drafted, kept.posted):
        if applied is not None and applied.error is not None:
            yield str(applied.error)


def _untied(kept: BooksKept) -> Iterator[str]:
    if kept.tie.differences:
        yield f"{len(kept.tie.differences):,} sums of the register do not tie with Odoo's journal"
    if kept.tie.foreign:
        yield f"somebody else uses the journal: {show.some(kept.tie.foreign)}"
