"""``reconcile --push``: the verdicts of a month, written to Odoo where finance sees them.

By external id (``lago.verdict_<invoice>_<position>``), in batches, read back like any other record. A second push of
the same verdicts writes nothing; a rerun of the month writes what changed; positions that it has no more are archived.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappings.target import Desired
from migrate.change_set.changes import Action, Change, FieldDiff, Observed
from migrate.change_set.compare import diff
from migrate.change_set.verdicts import MODEL, PREFIX, RUN, references, without
from migrate.errors import Blocked, OdooError
from migrate.odoo.discover import addon_version
from migrate.odoo.door import Door, chunks
from migrate.odoo.errors import AccessDenied
from migrate.odoo.loader import Failure, Loader, Size
from migrate.odoo.resolve import OdooReader, wanted_of
from migrate.progress import Progress, quiet

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushScope:
    """What a push speaks for, and may archive in: a month (or all), everybody or the customers of a cohort."""

    period: str
    customers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Records by what happened to them; ``calls``: writing calls made."""

    created: int
    updated: int
    unchanged: int
    archived: int
    failures: tuple[Failure, ...] = ()
    calls: int = 0

    def __str__(self) -> str:
        parts = (("new", self.created), ("updated", self.updated), ("unchanged", self.unchanged))
        said = ", ".join(f"{number:,} {name}" for name, number in parts)
        return f"verdicts in Odoo: {said}" + (f", {self.archived:,} archived" if self.archived else "")

    def raise_if_failed(self) -> None:
        """OdooError naming the first verdicts that Odoo did not take."""
        if self.failures:
            named = "; ".join(str(f) for f in self.failures[:3])
            raise OdooError(f"{len(self.failures)} verdicts were not taken, the others were: {named}")


def require_addon(odoo: Door, version: str) -> None:
    """Raise Blocked, with the remedy, unless the installed addon is the one this tool speaks to."""
    try:
        installed = addon_version(odoo)
    except AccessDenied as error:
        raise Blocked(f"the version of the addon cannot be asked ({error}): use an administrator's key") from None
    if not installed:
        raise Blocked(
            "the addon fusion_billing is not installed in Odoo, verdicts have no place there: "
            "'lago2odoo addon export DIR', then install it"
        )
    if installed != version:
        raise Blocked(f"{mismatch(installed, version)}: {remedy(installed, version)}")


def mismatch(installed: str, version: str) -> str:
    """The two versions in a sentence."""
    return f"addon fusion_billing is {installed} in Odoo, {version} here"


def remedy(installed: str, version: str) -> str:
    """What brings the two versions together: the older one is to be updated."""
    if _parts(installed) > _parts(version):
        return "install the lago2odoo that came with that addon"
    return "'lago2odoo addon export DIR', then upgrade the module"


def _parts(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


def push(
    odoo: Door,
    desired: tuple[Desired, ...],
    scope: PushScope,
    *,
    progress: Progress = quiet,
) -> Pushed:
    """Make Odoo hold exactly ``desired`` within ``scope``. Verdicts that Odoo refuses do not stop the others."""
    reader = OdooReader(odoo, progress)
    desired, observed = _observe(reader, desired)
    changes = [_with_run(change, observed) for change in diff(desired, observed, {}).changes]
    loader = Loader(reader, observed)
    failures = [Failure(change, change.note) for change in changes if change.action is Action.WITHHELD]
    failures += [f for action in (Action.CREATE, Action.UPDATE) for f in _write(loader, changes, action, progress)]
    failures += [Failure(edited.change, edited.what) for edited in loader.meanwhile.values()]
    failed = {f.change.xid for f in failures}
    counts = {a: sum(c.action is a and c.xid not in failed for c in changes) for a in Action}
    gone = _gone(reader, scope, {w.xid for w in desired})
    for some in chunks(gone):
        reader.write(MODEL, "write", some, vals={"active": False})
    return Pushed(
        created=counts[Action.CREATE],
        updated=counts[Action.UPDATE],
        unchanged=counts[Action.UNCHANGED],
        archived=len(gone),
        failures=tuple(failures),
        calls=loader.calls + len(list(chunks(gone))),
    )


def _observe(reader: OdooReader, desired: tuple[Desired, ...]) -> tuple[tuple[Desired, ...], Observed]:
    """What stands in Odoo of these verdicts; and the verdicts without references that lead nowhere."""
    reader.learn_fields({MODEL: {name for verdict in desired for name in verdict.values}})
    currencies = {str(getattr(verdict.values["currency_id"], "xid", "")) for verdict in desired}
    reader.learn_xids({*(verdict.xid for verdict in desired), *references(desired), *currencies})
    desired = without(desired, reader.ids.__contains__)
    seen = reader.look({verdict.xid: wanted_of(verdict) for verdict in desired})
    return desired, Observed(
        reader.fields, seen, reader.ids, reader.found, reader.names, reader.withheld(v.xid for v in desired)
    )


def _with_run(change: Change, observed: Observed) -> Change:
    """A verdict that changed was given by this run."""
    if change.action is not Action.UPDATE or change.desired is None:
        return change
    before = observed.records[change.xid].values[RUN]
    given = FieldDiff(RUN, before, str(change.desired.values[RUN]), Action.UPDATE)
    return replace(change, desired=replace(change.desired, once=frozenset()), diffs=(*change.diffs, given))


def _write(loader: Loader, changes: Sequence[Change], action: Action, progress: Progress) -> Iterator[Failure]:
    some = [change for change in changes if change.action is action]
    size, start = Size(), 0
    while start < len(some):
        batch, began = some[start : start + size.now], time.monotonic()
        _, failures = (loader.create if action is Action.CREATE else loader.update)(batch)
        yield from failures
        size.learn(len(batch), time.monotonic() - began)
        start += len(batch)
        progress(f"push: {action.value}", start, len(some))


def _gone(reader: OdooReader, scope: PushScope, kept: Collection[str]) -> list[int]:
    """Ids of the verdicts within the scope that this run does not have, and that a push has written."""
    domain: list[Any] = [["active", "=", True], ["company_id", "=", reader.door.company_id]]
    if scope.period != ALL:
        domain.append(["period", "=", scope.period])
    rows = reader.door.search_read(MODEL, domain, ["customer"])
    ids = [row["id"] for row in rows if scope.customers is None or row["customer"] in scope.customers]
    reader.learn_names((MODEL, number) for number in ids)
    names = {number: reader.name_of(MODEL, number) for number in ids}
    return [number for number, name in names.items() if name.startswith(PREFIX) and name not in kept]
