"""Reading Odoo's side: external ids, records with their lines, and the records that Odoo owns (``Find``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.target import OURS, Desired, Find, Ref, is_ours
from migrate.change_set.changes import Known, Seen, each_line
from migrate.change_set.watched import WATCHED
from migrate.errors import Blocked
from migrate.odoo.door import AWAY, Door, chunks, is_done
from migrate.odoo.errors import NoSuchMethod
from migrate.odoo.known_places import KnownPlaces, misnamed
from migrate.odoo.methods import done_field, done_methods
from migrate.odoo.withheld import readable_rows
from migrate.progress import Progress, quiet
from migrate.values import Canon, OdooField, answered, related

MODULE = OURS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of one record: its fields, methods to check, and lines by one2many field."""

    model: str
    fields: frozenset[str]
    methods: tuple[str, ...] = ()
    lines: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)  # one2many -> (model, fields)


def wanted_of(desired: Desired) -> Wanted:
    """Everything of ``desired`` that is compared."""
    lines: dict[str, tuple[str, frozenset[str]]] = {}
    for name, line in each_line(desired):
        _, fields = lines.get(name, ("", frozenset()))
        lines[name] = (line.model, fields | line.values.keys())
    return Wanted(desired.model, frozenset(desired.values), desired.after, lines)


def wanted_known(known: Known, line_fields: Mapping[tuple[str, str], str]) -> Wanted:
    """Everything the ledger remembers. ``line_fields``: (model, line model) -> one2many field."""
    fields = frozenset(n for n in known.sent if not n.endswith("()"))
    methods = tuple(n[:-2] for n in known.sent if n.endswith("()"))
    lines: dict[str, tuple[str, frozenset[str]]] = {}
    for line in known.lines.values():
        name = line_fields[known.model, line.model]
        _, seen = lines.get(name, ("", frozenset()))
        lines[name] = (line.model, seen | line.sent.keys())
    return Wanted(known.model, fields, methods, lines)


QUIETLY: Mapping[str, Any] = {"tracking_disable": True}  # context of what we write: no message for each field


class OdooReader:
    """Reads through the door, and remembers fields, external ids and names. ``ids`` grow while apply creates.

    A record that may not be read, or a line of it, costs itself alone: it is in ``denied``, and nobody sees it.
    """

    def __init__(self, door: Door, progress: Progress = quiet) -> None:
        self.denied: dict[tuple[str, int], str] = {}  # with why
        self.door = door
        self.progress = progress
        self.fields: dict[str, dict[str, OdooField]] = {}
        self.ids: dict[str, tuple[str, int]] = {}
        self.names: dict[tuple[str, int], str] = {}
        self.places = KnownPlaces()
        self.misplaced: dict[str, str] = {}  # external ids of ours that do not name what we wrote, with what they name
        self.found: dict[Find, int] = {}

    # --- calls -------------------------------------------------------------------------------------------------

    def write(self, model: str, method: str, ids: Sequence[int], /, **arguments: Any) -> Any:
        """A call that changes something and may be repeated: deletion, archiving, cancelling.

        An answer that is not Odoo's own, as a bad proxy gives it, is taken only if it is all that ever comes.
        """
        for _ in range(5):
            try:
                answer = self.door.send(model, method, ids, QUIETLY, **arguments)
            except AWAY:
                self.door.wait_until_up()
            else:
                if is_done(method, answer):
                    return answer
        return self.door.send(model, method, ids, QUIETLY, **arguments)

    def learn_fields(self, needed: Mapping[str, Iterable[str]]) -> None:
        """``fields_get`` of the models; a field that the server lacks is refused."""
        for model, names in needed.items():
            known = self.fields.setdefault(model, {})
            missing = sorted({n for n in names if not n.endswith("()")} - known.keys())
            if not missing and known:
                continue
            missing.append("active")
            try:
                self.learn_present(model, [*missing, *WATCHED.get(model, ())])
            except NoSuchMethod:
                raise Blocked(f"Odoo has no model {model}: a module is missing; 'lago2odoo doctor' names it") from None
            if lacking := set(missing) - known.keys() - {"active"}:
                raise Blocked(
                    f"{model} has no field {sorted(lacking)[0]}: a module is missing, or an older version of it"
                )

    def learn_present(self, model: str, names: Iterable[str]) -> None:
        """``fields_get`` of those of ``names`` that the server has."""
        attributes = ["type", "relation", "digits", "readonly"]
        raw = self.door.fields_get(model, list(names), attributes)
        self.fields.setdefault(model, {}).update({name: OdooField.read(entry) for name, entry in raw.items()})

    # --- external ids ------------------------------------------------------------------------------------------

    def learn_ours(self) -> None:
        """All external ids of ours at once: cheap (facts: 15,000 in 0.1 s), and tells what we do not want any more."""
        last = 0
        while True:
            domain = [["module", "=", MODULE], ["id", ">", last]]
            fields = ["name", "model", "res_id"]
            rows = self.door.search_read("ir.model.data", domain, fields, limit=50_000, order="id")
            for row in rows:
                self._learn(f"{MODULE}.{row['name']}", row["model"], row["res_id"])
            if len(rows) < 50_000:
                return
            last = rows[-1]["id"]

    def learn_xids(self, xids: Iterable[str]) -> None:
        """Look these external ids up, again if need be; one that is gone is forgotten."""
        by_module: dict[str, list[str]] = defaultdict(list)
        for xid in set(xids):
            module, _, name = xid.partition(".")
            by_module[module].append(name)
            self.ids.pop(xid, None)
        for module, names in by_module.items():
            fields, domain = ["name", "model", "res_id"], [["module", "=", module]]
            for row in self.door.search_among("ir.model.data", "name", sorted(names), fields, domain=domain):
                self._learn(f"{module}.{row['name']}", row["model"], row["res_id"])

    def take_for(self, xid: str, model: str, res_id: int) -> None:
        """Take a record for the one of this external id, unless another has it already."""
        if xid not in self.ids:
            self._learn(xid, model, res_id)

    def _learn(self, xid: str, model: str, res_id: int) -> None:
        self.ids[xid] = place = (model, res_id)
        name = self.names.get(place)
        if self.places.may_name(xid, model) and (
            name is None or self.places.rank(xid, place) < self.places.rank(name, place)
        ):
            self.names[place] = xid

    def learn_names(self, places: Iterable[tuple[str, int]]) -> None:
        """Names of records by id: their external id, ours first; those without one get ``model#id``."""
        by_model: dict[str, set[int]] = defaultdict(set)
        for model, res_id in places:
            if (model, res_id) not in self.names:
                by_model[model].add(res_id)
        for model, ids in by_model.items():
            fields, domain = ["module", "name", "res_id"], [["model", "=", model]]
            for row in self.door.search_among("ir.model.data", "res_id", sorted(ids), fields, domain=domain):
                self._learn(f"{row['module']}.{row['name']}", model, row["res_id"])
            for res_id in ids:
                self.names.setdefault((model, res_id), self.places.owner_of(model, res_id) or f"{model}#{res_id}")

    def find(self, finds: Iterable[Find]) -> list[str]:
        """Resolve each; answers what a person must do for those that match none or several."""
        problems = []
        for wish in finds:
            if wish not in self.found:
                ids = self._search(wish)
                if len(ids) == 1:
                    self.found[wish] = ids[0]
                else:
                    terms = ", ".join(f"{a} {b} {c}" for a, b, c in wish.domain)
                    problems.append(f"{'no' if not ids else 'more than one'} {wish.model} with {terms}: {wish.hint}")
        self.learn_names((wish.model, self.found[wish]) for wish in finds if wish in self.found)
        return problems

    def _search(self, wish: Find) -> list[int]:
        """Active records first: an archived twin does not make the choice ambiguous, but may be the only one."""
        domain = [list(term) for term in wish.domain]
        active = self.door.search(wish.model, domain, active_test=True, limit=2, order="id")
        return active or self.door.search(wish.model, domain, limit=2, order="id")

    # --- records -----------------------------------------------------------------------------------------------

    def look(self, wishes: Mapping[str, Wanted]) -> dict[str, Seen]:
        """External id -> the record, of those that exist. The external ids must have been learned."""
        by_model: dict[str, list[str]] = defaultdict(list)
        for xid, wish in wishes.items():
            place = self.ids.get(xid)
            if place and place[0] != wish.model:
                self.misplaced[xid] = misnamed(xid, place, wish.model)
            elif place:
                by_model[wish.model].append(xid)
        rows = {model: self._rows(model, [(x, wishes[x]) for x in xids]) for model, xids in by_model.items()}
        lines = self._line_rows(rows, wishes)
        self._name_relations(_merged(rows, lines))
        seen = {}
        for model, rows_by_id in rows.items():
            for xid in by_model[model]:
                raw = rows_by_id.get(self.ids[xid][1])
                if raw is not None and self.ids[xid] not in self.denied:
                    seen[xid] = self._seen(model, raw, wishes[xid], lines)
        return seen

    def _rows(self, model: str, wishes: Sequence[tuple[str, Wanted]]) -> dict[int, dict[str, Any]]:
        fields = set().union(*(w.fields | w.lines.keys() for _, w in wishes))
        fields |= {done_field(model, method).field for _, w in wishes for method in w.methods}
        return self._read(model, sorted({self.ids[x][1] for x, _ in wishes}), fields)

    def _read(self, model: str, ids: Sequence[int], fields: Iterable[str]) -> dict[int, dict[str, Any]]:
        rows: dict[int, dict[str, Any]] = {}
        known = {"active", *WATCHED.get(model, ())} & self.fields[model].keys()
        names = sorted({*fields, *known}) or ["id"]  # asked for nothing, Odoo reads and computes every field there is
        for some in chunks(ids):
            readable, kept = readable_rows(self.door, model, some, names)
            rows.update({row["id"]: row for row in readable})
            self.denied |= {(model, number): why for number, why in kept.items()}
            self.progress(f"reading {model}", len(rows), len(ids))
        return rows

    def _line_rows(
        self, rows: Mapping[str, Mapping[int, Mapping[str, Any]]], wishes: Mapping[str, Wanted]
    ) -> dict[str, dict[int, dict[str, Any]]]:
        """Line model -> id -> row, of the lines that carry an external id of ours."""
        fields: dict[str, set[str]] = defaultdict(set)
        one2many: dict[str, dict[str, str]] = defaultdict(dict)
        for wish in wishes.values():
            for name, (model, line_fields) in wish.lines.items():
                fields[model] |= line_fields
                one2many[wish.model][name] = model
        ids: dict[str, set[int]] = defaultdict(set)
        for model, rows_by_id in rows.items():
            for name, line_model in one2many[model].items():
                ids[line_model].update(
                    i for row in rows_by_id.values() for i in row.get(name) or () if self._ours(line_model, i)
                )
        lines = {model: self._read(model, sorted(some), fields[model]) for model, some in ids.items()}
        for model, rows_by_id in rows.items():  # without a line that is kept from us a record would look cut
            for name, line_model in one2many[model].items():
                for number, row in rows_by_id.items():
                    whys = (self.denied[line_model, n] for n in row[name] if (line_model, n) in self.denied)
                    if why := next(whys, ""):
                        self.denied[model, number] = why
        return lines

    def withheld(self, xids: Iterable[str]) -> dict[str, str]:
        """Those whose record is there and was kept from us, cannot be read, or is not what its id names, with why."""
        places = {xid: self.ids.get(xid) for xid in xids}
        denied = {
            xid: self.denied[place] for xid, place in places.items() if place is not None and place in self.denied
        }
        return denied | {xid: self.misplaced[xid] for xid in places if xid in self.misplaced}

    def _ours(self, model: str, res_id: int) -> bool:
        return is_ours(self.names.get((model, res_id), ""))

    def _name_relations(self, rows: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> None:
        self.learn_names({place for model, found in rows.items() for place in self._relations(model, found.values())})

    def _relations(self, model: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
        fields = self.fields[model]
        relations = [(n, f.type, f.relation or "") for n, f in fields.items() if f.type in ("many2one", "many2many")]
        for row in rows:
            for name, kind, relation in relations:
                if raw := row.get(name):
                    yield from ((relation, i) for i in ([raw] if kind == "many2one" else raw))

    def _seen(
        self, model: str, raw: Mapping[str, Any], wish: Wanted, lines: Mapping[str, Mapping[int, Mapping[str, Any]]]
    ) -> Seen:
        values = self._values(model, raw, wish.lines.keys())
        values.update(done_methods(model, wish.methods, raw))
        ours: dict[str, dict[str, Seen]] = {}
        foreign = 0
        for name, (line_model, _) in wish.lines.items():
            line_rows = lines.get(line_model, {})
            present = [i for i in raw.get(name) or () if i in line_rows]
            foreign += len(raw.get(name) or ()) - len(present)
            ours[name] = {
                self.names[line_model, i]: Seen(line_model, i, self._values(line_model, line_rows[i], ()))
                for i in present
            }
        return Seen(model, raw["id"], values, ours, foreign)

    def _values(self, model: str, raw: Mapping[str, Any], without: Iterable[str]) -> dict[str, Canon]:
        fields = self.fields[model]
        left_out = {"id", *without}
        values: dict[str, Canon] = {}
        for name, value in raw.items():
            if name not in left_out and name in fields:
                values[name] = answered(value, fields[name], self.name_of)
        return values

    def name_of(self, model: str, res_id: int) -> str:
        """The canonical name of a record."""
        return self.names.get((model, res_id)) or f"{model}#{res_id}"


def _merged(
    first: Mapping[str, Mapping[int, Mapping[str, Any]]], second: Mapping[str, Mapping[int, Mapping[str, Any]]]
) -> dict[str, dict[int, Mapping[str, Any]]]:
    return {m: {**first.get(m, {}), **second.get(m, {})} for m in {**first, **second}}


def references(desired: Iterable[Desired]) -> tuple[dict[str, None], dict[Find, None]]:
    """All external ids and searches that records and their lines refer to, in order, once each."""
    refs: dict[str, None] = {}
    finds: dict[Find, None] = {}
    for record in desired:
        for part in (record, *(line for _, line in each_line(record))):
            for value in part.values.values():
                if type(value) is str:  # nearly all; the rest is looked at more closely
                    continue
                for each in related(value):
                    if isinstance(each, Ref):
                        refs[each.xid] = None
                    else:
                        finds[each] = None
    return refs, finds


# Where the ledger's lines hang when no mapper wants a record of that kind any more.
LINE_FIELDS: Mapping[tuple[str, str], str] = {
    ("sale.order", "sale.order.line"): "order_line",
    ("account.move", "account.move.line"): "invoice_line_ids",
    ("account.journal", "account.payment.method.line"): "inbound_payment_method_line_ids",
    ("product.template", "product.product"): "product_variant_ids",
    ("product.pricelist", "product.pricelist.item"): "item_ids",
    ("account.payment.term", "account.payment.term.line"): "line_ids",
    ("loyalty.program", "loyalty.rule"): "rule_ids",
    ("loyalty.program", "loyalty.reward"): "reward_ids",
    ("sale.subscription", "sale.subscription.line"): "sale_subscription_line_ids",
}


def line_fields(desired: Iterable[Desired]) -> Mapping[tuple[str, str], str]:
    """(model, line model) -> one2many field, as the mappers use them."""
    return {**LINE_FIELDS, **{(d.model, line.model): name for d in desired for name, line in each_line(d)}}
