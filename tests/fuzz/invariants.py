"""What one broken record may cost: itself, and what depends on it; by name, and never a cent unseen.

clean error    the file cannot be read, and the command says so in one line
quarantined    the record is named, and left out with what depends on it
shown          another value that may be right: a pending change, a difference, a named skip shows what follows
harmless       the same records, bills and verdicts come out
traceback, silent, hang, stops others   what must not be
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

from mappings.quarantine import Quarantined
from mappings.target import Desired, Ref
from migrate.change_set.changes import PENDING, Change
from migrate.lago.list_pages import NO_ID
from migrate.rawjson import loads
from reconcile.rating.unforeseen import REASON as UNFORESEEN
from reports.data import InvoiceView
from tests.fuzz.company import Answer, Company
from tests.fuzz.driver import Result
from tests.fuzz.mutations import IDENTITIES, NAMELESS, VANISHED, Mutation, Place, Records

CLEAN, QUARANTINED, SHOWN, HARMLESS = "clean error", "quarantined", "shown", "harmless"
TRACEBACK, SILENT, HANG, STOPS = "traceback", "silent", "hang", "stops others"
CLASSES = (CLEAN, QUARANTINED, SHOWN, HARMLESS, TRACEBACK, SILENT, HANG, STOPS)
OWED = ("invoices", "credit_notes")  # what is of a month, with money
FORBIDDEN = frozenset({TRACEBACK, SILENT, HANG, STOPS})

# Fields of Odoo's that no amount follows from: what people read, and where they are reached.
_TEXTS = frozenset({"name", "comment", "ref", "street", "street2", "city", "zip", "email", "phone", "website", "vat"})
_TEXTS |= {"company_registry", "lang", "description", "details", "is_company", "country_id", "state_id", "note", "tz"}
_TEXTS |= {"client_order_ref", "origin", "code", "payment_ref", "default_code", "active", "fusion_description"}
_CATALOG = frozenset({"tax", "billable_metric", "add_on", "coupon", "plan", "billing_entity"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one mutation; ``why`` tells what was seen where that is forbidden."""

    mutation: Mutation
    kind: str
    why: str = ""


@dataclass(frozen=True)
class Owners:
    """Whom of the company's customers a record concerns."""

    records: Records

    @property
    def company(self) -> Company:
        return self.records.company

    @cached_property
    def customers(self) -> frozenset[str]:
        shown = (
            self.records.view(places[0]) for (kind, _), places in self.records.places.items() if kind == "customer"
        )
        return frozenset(str(value["external_id"]) for value in shown if value.get("external_id"))

    def of(self, mutation: Mutation) -> frozenset[str]:
        """External ids of those whose records and bills may be others than before."""
        if mutation.is_of_file or mutation.resource == "organization":
            return self.customers
        changed = {place: self._strings_at(place) for place in mutation.places}
        found = {c for strings in changed.values() for c in self._named(strings)}
        if mutation.resource in _CATALOG:
            found |= self._holders(mutation.resource, mutation.record)
        found |= self._named(frozenset(mutation.values))
        if mutation.field in IDENTITIES:
            for kind, record in self._identified(mutation.values):
                found |= self._holders(kind, record)
        return frozenset(found)

    def _identified(self, values: Iterable[str]) -> Iterator[tuple[str, str]]:
        for key, tokens in self._tokens.items():
            if tokens & set(values):
                yield key

    def _holders(self, kind: str, record: str) -> set[str]:
        """The customers whose records name this one, or one that names it."""
        reached, waiting = {(kind, record)}, [(kind, record)]
        customers = set(self._named(self._strings[kind, record]))
        while waiting:
            tokens = self._tokens[waiting.pop()]
            for key, strings in self._strings.items():
                if key not in reached and tokens & strings:
                    reached.add(key)
                    customers |= self._named(strings)
                    if key[0] in _CATALOG:
                        waiting.append(key)
        return customers

    @cached_property
    def _tokens(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """What each record is called by."""
        tokens = {}
        for key, places in self.records.places.items():
            value = self.records.view(places[0])
            tokens[key] = frozenset(str(value[name]) for name in IDENTITIES if isinstance(value.get(name), str))
        return tokens

    @cached_property
    def _strings(self) -> Mapping[tuple[str, str], frozenset[str]]:
        return {
            key: frozenset(text for place in places for text in self._strings_at(place))
            for key, places in self.records.places.items()
        }

    def _strings_at(self, place: Place) -> frozenset[str]:
        answer: Answer = self.company.files[place.file][place.answer]
        return frozenset((*_strings(self.records.view(place)), *answer.path.split("/")))

    def _named(self, strings: frozenset[str]) -> set[str]:
        """The customers that a record names, by their own ids or by those of what is theirs."""
        return {self._theirs[text] for text in strings & self._theirs.keys()}

    @cached_property
    def _theirs(self) -> Mapping[str, str]:
        """Ids of customers, subscriptions, invoices and wallets -> the customer."""
        theirs: dict[str, str] = {}
        for kind, key in (("customer", ""), ("subscription", ""), ("wallet", ""), ("invoice", "")):
            for record in self.records.by_kind.get(kind, ()):
                value = self.records.view(self.records.places[kind, record][0])
                shown = value["customer"] if isinstance(value.get("customer"), dict) else {}
                owner = value.get("external_customer_id") or shown.get("external_id") or value.get("external_id")
                own = (value.get("lago_id"), value.get("external_id"), key)
                theirs |= {str(text): str(owner) for text in own if text}
        return theirs


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


@dataclass(frozen=True, slots=True)
class Concerned:
    """Whom a mutation concerns; of what no customer has, only what names the mutated record, or what came into it."""

    mutation: Mutation
    customers: frozenset[str]

    def by(self, customer: str | None, text: str) -> bool:
        """Whether something of a customer, or of nobody (``text`` says what it is), is this mutation's."""
        if customer:
            now = self.mutation.renamed[1:] if self.mutation.renamed and self.mutation.resource == "customer" else ()
            is_own = self.mutation.resource == "customer" and self.mutation.record in text  # under whatever name
            return customer in self.customers or customer in now or is_own
        names = (self.mutation.record, *self.mutation.names, *self.mutation.values)
        return any(name and name in text for name in names)


@dataclass(frozen=True)
class Judge:
    """Holds runs against the undisturbed one."""

    owners: Owners
    before: Result

    def judge(self, mutations: Sequence[Mutation], after: Result) -> list[Verdict]:
        """A verdict on each of some mutations that do not concern the same customers."""
        concerned = {m.number: self.owners.of(m) for m in mutations}
        touched = frozenset(c for customers in concerned.values() for c in customers)
        if after.bug or after.stopped:
            return [Verdict(m, *self._ended(m, after)) for m in mutations]
        if mistake := _mistake(after):
            return [Verdict(m, TRACEBACK, mistake) for m in mutations]
        others = self._others(after, self.owners.customers - touched)
        if others:
            return [Verdict(m, STOPS, others) for m in mutations]
        return [Verdict(m, *self._of(m, concerned[m.number], after)) for m in mutations]

    def _ended(self, mutation: Mutation, after: Result) -> tuple[str, str]:
        if after.bug:
            return (HANG if after.bug.startswith("hang") else TRACEBACK), after.bug
        may_end = mutation.is_of_file or mutation.resource == "organization"
        return (CLEAN if may_end else STOPS), f"ended: {after.stopped}"

    # --- nobody else ---

    def _others(self, after: Result, customers: frozenset[str]) -> str:
        """The first thing that is otherwise for those whom nothing concerns."""
        for xid in sorted(self._reached(customers)):
            if self.before.wanted[xid] != after.wanted.get(xid):
                return f"{xid} of others is {_shown(self.before.wanted[xid], after.wanted.get(xid))}"
            if self.before.changes.get(xid) != after.changes.get(xid):
                return f"change of {xid} of others: {_action(after.changes.get(xid))}"
        for name in ("control", "report"):
            was, now = getattr(self.before, name), getattr(after, name)
            for key, value in was.items():
                if value.customer in customers and repr(value) != repr(now.get(key)):
                    return f"{name} of {value.number}, of others: {_shown(value, now.get(key))}"
        removed = [c for c in after.changes.values() if c.action == "remove" and c.customer in customers]
        return f"{removed[0].xid} of others would be removed" if removed else ""

    def _reached(self, customers: frozenset[str]) -> set[str]:
        """All that stands in Odoo for these customers, and what that refers to."""
        wanted = self.before.wanted
        reached = {xid for xid, item in wanted.items() if item.customer in customers}
        waiting = list(reached)
        while waiting:
            for xid in _refs(wanted[waiting.pop()]):
                if xid in wanted and xid not in reached:
                    reached.add(xid)
                    waiting.append(xid)
        return reached

    # --- the record itself ---

    def _of(self, mutation: Mutation, customers: frozenset[str], after: Result) -> tuple[str, str]:
        if self._is_quarantined(mutation, customers, after):
            hidden = self._hidden(after)
            return (SILENT, hidden) if hidden else (QUARANTINED, "")
        if self._is_dropped(mutation, after):
            return SILENT, f"{mutation.resource} {mutation.record} is read no more, and nothing says so"
        concerned = Concerned(mutation, customers)
        weighty, money = self._weighty(concerned, after), self._money(concerned, after)
        named, pending = self._named(concerned, after), self._is_pending(concerned, after)
        if weighty and mutation.impossible and not named:
            return SILENT, f"an impossible value was taken for something: {weighty}"
        if money and not (named or pending):
            return SILENT, money
        if named or money or pending:
            return SHOWN, named or "a pending change"
        return HARMLESS, ""

    def _is_quarantined(self, mutation: Mutation, customers: frozenset[str], after: Result) -> bool:
        ids, new = {mutation.record, *mutation.values}, self._new_in_quarantine(after)
        return any(q.id in ids or q.customer in customers or q.label in ids or _about(q, mutation) for q in new)

    def _is_dropped(self, mutation: Mutation, after: Result) -> bool:
        """Whether the record came in before, and does no more: no money may hang on it, and somebody looks for it."""
        is_other = mutation.kind == VANISHED or mutation.field == "lago_id"
        return not is_other and mutation.record in self.before.read - after.read

    def _new_in_quarantine(self, after: Result) -> list[Quarantined]:
        known = {(q.resource, q.id) for q in self.before.quarantined}
        return [q for q in after.quarantined if (q.resource, q.id) not in known]

    def _hidden(self, after: Result) -> str:
        """What is in quarantine with money that ``reconcile`` does not refuse; empty where that was not run."""
        if "reconcile" not in after.codes:
            return ""
        refused = {lago_id for lago_id, view in after.report.items() if view.refusals}
        owed = [(q, owed) for q in self._new_in_quarantine(after) if not q.of_page for owed in self._owed(q)]
        if owed and after.codes["reconcile"] == 0:
            return f"reconcile ends with 0, and {owed[0][0].resource} {owed[0][0].id} is in quarantine"
        hidden = (
            f"{q.resource} {q.id} is in quarantine, and no month says so" for q, name in owed if name not in refused
        )
        return next(hidden, "")

    def _owed(self, unread: Quarantined) -> Iterable[str]:
        """Ids of what has to be refused: itself where it moves what its customer owes; a subscription's bills."""
        shown = loads(unread.raw)
        has = shown if isinstance(shown, dict) else {}
        billed = {view.customer for view in self.before.report.values()}
        counts = {
            "wallets": has.get("status") != "terminated" and has.get("balance_cents") != 0,
            "applied_coupons": unread.customer in (*billed, ""),
            "payments": has.get("payment_status") != "failed",
        }
        if unread.resource == "subscriptions":
            return sorted(self._billed.get(unread.id, ()))
        return [unread.id] if unread.resource in OWED or counts.get(unread.resource) else []

    @cached_property
    def _billed(self) -> Mapping[str, set[str]]:
        """Subscription -> its invoices."""
        records, billed = self.owners.records, dict[str, set[str]]()
        for fee in (records.view(records.places["fee", fee][0]) for fee in records.by_kind["fee"]):
            if fee["lago_invoice_id"] in self.before.report:
                billed.setdefault(str(fee.get("lago_subscription_id")), set()).add(str(fee["lago_invoice_id"]))
        return billed

    def _named(self, concerned: Concerned, after: Result) -> str:
        """What tells of them: a skip, a difference or a refusal; empty for nothing."""
        skips = (
            f"skipped: {item.reason}"
            for key, item in after.skipped.items()
            if self.before.skipped.get(key) != item
            and concerned.by(item.customer, f"{item.because} {item.source.lago_id} {item.source} {item.detail}")
        )
        theirs = concerned.customers
        gone = [f"extract: {after.gone} gone"] if concerned.mutation.kind == VANISHED and after.gone else []
        checks = (f"control: {c.number}" for c in after.control.values() if c.customer in theirs and not c.is_equal)
        views = (f"report: {v.number}" for v in after.report.values() if v.customer in theirs and is_open(v))
        return next((said for found in (skips, checks, views, gone) for said in found), "")

    def _is_pending(self, concerned: Concerned, after: Result) -> bool:
        changes = (change for change in after.changes.values() if change.action in PENDING)
        return any(concerned.by(c.customer, f"{c.xid} {c.source} {c.diffs}") for c in changes)

    def _weighty(self, concerned: Concerned, after: Result) -> str:
        """What Odoo would bill otherwise, or what is gone without a word."""
        for xid, was in self.before.wanted.items():
            now = after.wanted.get(xid)
            if was is now or not concerned.by(was.customer, f"{xid} {was.source}"):
                continue
            if now is None:
                return f"{xid} is gone"
            if _weight(was) != _weight(now):
                return f"{xid}: {_shown(_weight(was), _weight(now))}"
        new = [item for xid, item in after.wanted.items() if xid not in self.before.wanted]
        return next((f"{i.xid} is new" for i in new if concerned.by(i.customer, f"{i.xid} {i.values}")), "")

    def _money(self, concerned: Concerned, after: Result) -> str:
        """What is otherwise in amounts: wanted in Odoo, or said in the report."""
        weighty = self._weighty(concerned, after)
        if weighty:
            return weighty
        numbers = {view.number: view for view in after.report.values()}  # the same under another id is the same
        for key, was in self.before.report.items():
            now = after.report.get(key) or numbers.get(was.number)
            if was.customer in concerned.customers and (now is None or _cents(was) != _cents(now)):
                return f"report of {was.number}: {_shown(_cents(was), _cents(now) if now else None)}"
        known = {view.number for view in self.before.report.values()}
        new = [v for key, v in after.report.items() if key not in self.before.report and v.number not in known]
        return next((f"invoice {v.number} is new" for v in new if v.customer in concerned.customers), "")


def _mistake(after: Result) -> str:
    """A mistake of ours that the last guard caught: it cost one invoice only, and is one all the same."""
    refusals = [r for run in (after.control, after.report) for each in run.values() for r in each.refusals]
    findings = [f for view in after.report.values() for p in view.positions for f in p.findings]
    told = [str(r.detail) for r in refusals if r.reason == UNFORESEEN]
    told += [str(e.values["why"]) for f in findings for e in f.evidence if e.name == UNFORESEEN]
    return next(iter(told), "")


def is_open(view: InvoiceView) -> bool:
    """Whether an invoice of the report has a difference or a refusal."""
    return bool(view.refusals) or any(p.delta_cents or p.status not in ("equal", "outside") for p in view.positions)


def _about(found: Quarantined, mutation: Mutation) -> bool:
    """Whether what has no id, or one that is another's, is kept under the mutated record's, or in its place."""
    nameless = mutation.kind in NAMELESS and found.id.startswith(NO_ID)
    in_its_place = nameless and found.resource in {place.file for place in mutation.places}
    return in_its_place or mutation.record in found.id


def _cents(view: InvoiceView) -> dict[str, object]:
    """The amounts of each kind of line, whatever the lines are called."""
    sides: dict[str, list[object]] = {}
    for position in view.positions:
        for name, side in position.sides.items():
            sides.setdefault(f"{position.kind} {name}", []).append(side.cents)
    in_order = {name: sorted(cents, key=repr) for name, cents in sides.items()}
    return {**in_order, "state": view.claim, **view.open_cents}


def _weight(item: Desired) -> dict[str, object]:
    """The values that amounts follow from."""
    values: dict[str, object] = {name: value for name, value in item.values.items() if name not in _TEXTS}
    lines = {line.xid: _weight(line) for children in item.children.values() for line in children}
    return {**values, **lines}


def _refs(item: Desired) -> Iterator[str]:
    for value in item.values.values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Ref):
                yield one.xid
    for children in item.children.values():
        for line in children:
            yield from _refs(line)


def _action(change: Change | None) -> str:
    return "none" if change is None else f"{change.action} {change.diffs} {change.note}"[:300]


def _shown(was: object, now: object) -> str:
    """What differs between two of a kind, in a few words."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        return "; ".join(f"{name}: {was.get(name)!r:.60} -> {now.get(name)!r:.60}" for name in names[:3])
    if now is None:
        return "gone"
    if type(was) is type(now) and hasattr(was, "__dataclass_fields__"):
        pairs = [(f.name, getattr(was, f.name), getattr(now, f.name)) for f in fields(was)]  # type: ignore[arg-type]
        return "; ".join(f"{name}: {a!r:.120} -> {b!r:.120}" for name, a, b in pairs if repr(a) != repr(b))[:400]
    return f"{was!r:.80} -> {now!r:.80}"
