"""Partners that stand in Odoo before us: read, and given the external id of the customer that finance says they are.

    find_standing(door, customers) -> Standing        what may be a customer of Lago already
    bind(door, changes)                               before the first write of the phase
    unbind(door, xids)                                when a rollback gives the partner back

A bound partner carries our external id with ``noupdate``, which Odoo's own ``load`` never sets: so it can be told from
a partner that we made even when the state is lost, and is never deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mappings.partners import Partner, Standing
from mappings.records import Customer
from migrate.change_set.changes import Change
from migrate.odoo.door import AWAY, Door
from migrate.odoo.external_ids import made_of
from migrate.odoo.resolve import MODULE, OdooReader
from migrate.odoo.withheld import standing

MODEL = "res.partner"
_FIELDS = ("name", "ref", "vat", "email", "street", "city", "zip", "active")
_PAGE = 5_000
_ATTEMPTS = 5


def find_standing(door: Door, customers: Iterable[Customer]) -> Standing:
    """Odoo's partners as far as they may be customers. They are read only if a customer has none yet."""
    bound = _bound(door, [customer for customer in customers if not customer.deleted])
    ours = {number for number in bound.values() if number}
    if all(bound.values()):
        return Standing({}, {lago_id: number for lago_id, number in bound.items() if number})
    taken = ours | _others_of_ours(door)
    partners = {row.id: row for row in _partners(door) if row.id not in taken}
    return Standing(partners, {lago_id: number for lago_id, number in bound.items() if number})


def _bound(door: Door, customers: Sequence[Customer]) -> dict[str, int]:
    """Lago id -> the partner that carries its external id, also where Odoo does not show it; 0 where none does."""
    numbers = made_of(door, MODEL, "customer", [customer.lago_id for customer in customers])
    shown, kept = standing(door, MODEL, sorted(numbers.values()))
    return {c.lago_id: number if (number := numbers.get(c.lago_id, 0)) in shown | kept else 0 for c in customers}


def _others_of_ours(door: Door) -> set[int]:
    """Partners of customers that Lago does not list any more, and contacts: all of ours."""
    rows = door.search_read("ir.model.data", [["module", "=", MODULE], ["model", "=", MODEL]], ["res_id"])
    return {int(row["res_id"]) for row in rows}


def _partners(door: Door) -> Iterable[Partner]:
    """Those of this company and of all, that are nobody's contact, archived ones too."""
    last = 0
    while True:
        domain = [["parent_id", "=", False], ["id", ">", last]]
        rows = door.search_read(MODEL, domain, list(_FIELDS), limit=_PAGE, order="id")
        for row in rows:
            texts = {name: str(row[name] or "") for name in _FIELDS if name != "active"}
            yield Partner(id=row["id"], active=bool(row["active"]), **texts)
        if len(rows) < _PAGE:
            return
        last = rows[-1]["id"]


def bind(door: Door, changes: Iterable[Change]) -> None:
    """Give each partner that a customer is to become its external id, where it does not have it yet."""
    chosen = {c.xid: c.desired.existing for c in changes if c.desired is not None and c.desired.existing}
    for xid, number in chosen.items():
        _name(door, xid.partition(".")[2], number)


def _name(door: Door, name: str, number: int) -> None:
    """Once: the answer to an earlier attempt may have been lost."""
    row = {"module": MODULE, "name": name, "model": MODEL, "res_id": number, "noupdate": True}
    for _ in range(_ATTEMPTS):
        if door.search("ir.model.data", [["module", "=", MODULE], ["name", "=", name]]):
            return
        try:
            door.send("ir.model.data", "create", None, vals_list=[row])
        except AWAY:
            door.wait_until_up()


def unbind(door: Door, xids: Iterable[str]) -> bool:
    """Take our external id from partners that stood before us; those that we made keep theirs. Whether any lost it."""
    names = [name for module, _, name in (xid.partition(".") for xid in xids) if module == MODULE]
    domain = [["module", "=", MODULE], ["model", "=", MODEL], ["noupdate", "=", True]]
    rows = [row["id"] for row in door.search_among("ir.model.data", "name", names, ["id"], domain=domain)]
    if rows:
        OdooReader(door).write("ir.model.data", "unlink", rows)
    return bool(rows)
