"""Lago -> store and Parquet: everything of ``migrate.lago.resources``, then the events window by window.

Each finished piece of work (a page, a record's own page, a window of events) is written down in the same transaction
as what it brought. So an extract that was killed goes on where it stopped, and ends in the same state.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from mappings import records as r
from mappings.decode import DecodeError, decode, unknown_fields
from migrate import events
from migrate.errors import Blocked, LagoError, LagoRefused, PayloadError, StoreError
from migrate.lago.rawjson import Piece, elements, loads
from migrate.lago.readings import NeverSettles, Readings
from migrate.lago.recorded import API, RecordingSource
from migrate.lago.resources import EVENTS, RESOURCES, Resource, Shape
from migrate.lago.source import Answer, Query, Refusal, Source, segment
from migrate.lago.windows import SECOND, Window, split
from migrate.store import Changes, Page, Raw, Run, Store

Progress = Callable[[str, int, int | None], None]  # resource, how many records, of how many (None: unknown)
T = TypeVar("T")
S = TypeVar("S")

PER_PAGE = 100
_PLAN = "events-plan"
_PREMIUM = ("feature_unavailable", "endpoint_not_available")
_BATCH = 50  # own pages written in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractReport:
    """What an extract found. ``left_out`` names what Lago did not show, and why."""

    lago_version: str
    taken_at: datetime
    resources: Mapping[str, Changes]
    events: int
    unknown_fields: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "lago_version": self.lago_version,
            "taken_at": self.taken_at.isoformat(),
            "resources": {name: asdict(changes) for name, changes in self.resources.items()},
            "events": self.events,
            "unknown_fields": {name: list(paths) for name, paths in self.unknown_fields.items()},
            "left_out": list(self.left_out),
        }


def extract(
    source: Source,
    store: Store,
    events_dir: Path,
    *,
    progress: Progress = lambda *_: None,
    per_page: int = PER_PAGE,
) -> ExtractReport:
    """Read all of ``source`` into ``store`` and ``events_dir``; resumes an interrupted run of the same organization.

    Raises LockHeld, LagoError and its kinds, PayloadError, StoreError; what was read until then is kept.
    """
    with store.lock():
        run = _begin(source, store)
        reading = _Reading(source, store, run, progress, per_page)
        for resource in RESOURCES:
            reading.read(resource)
        staged = _staging(events_dir) / f"run-{run.id}"
        _read_events(reading, staged)
        written = {file.path: file.rows for file in events.partition(staged, events_dir)}
        progress("events", sum(written.values()), sum(written.values()))
        store.finish(run, written)
        shutil.rmtree(_staging(events_dir), ignore_errors=True)
        return report(store)


def report(store: Store) -> ExtractReport:
    """The latest finished extract. Raises Blocked if there is none."""
    run = _finished(store)
    return ExtractReport(
        lago_version=run.lago_version,
        taken_at=run.taken_at,
        resources=store.changes(run),
        events=sum(store.event_files().values()),
        unknown_fields=store.unknown(run),
        left_out=tuple(sorted(f"{unit}: {note}" for unit, note in store.done(run).items() if note and unit != _PLAN)),
    )


def counts(store: Store) -> dict[str, int]:
    """Records per resource as Lago's API shows them, and the events. Raises Blocked without a finished extract."""
    found = report(store)
    return {name: changes.total for name, changes in found.resources.items()} | {"events": found.events}


def _finished(store: Store) -> Run:
    run = store.latest()
    if run is None:
        raise Blocked("nothing is extracted yet: run 'lago2odoo extract'")
    if not run.finished:
        raise Blocked("the extract is unfinished: run 'lago2odoo extract' again, it resumes")
    return run


def _begin(source: Source, store: Store) -> Run:
    """Resume or begin a run. The organization's id, not the URL, says what belongs together."""
    try:
        version = str(source.get("/health")["version"].value)
    except (Refusal, KeyError):
        version = "unknown"
    organization = source.get(f"{API}/organizations").get("organization")
    identity = organization.value.get("lago_id") if organization and isinstance(organization.value, dict) else None
    if not isinstance(identity, str):
        raise LagoRefused(f"{source.name} does not show an organization; check that it is Lago's API")
    latest = store.latest()
    if latest and latest.finished and latest.source != identity:
        raise StoreError(
            f"the state holds another organization ({latest.source}) than {source.name} shows ({identity}); "
            "set another [store] url and events folder for it"
        )
    return store.unfinished(identity) or store.new_run(identity, version, datetime.fromisoformat(source.clock()))


# --- resources ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """What one call for a parent brought: records, or a note why there are none."""

    parent: Raw
    records: tuple[Raw, ...] = ()
    unknown: frozenset[str] = frozenset()
    note: str | None = None
    parent_gone: bool = False


@dataclass
class _Reading:
    """One run's tools. Only the calling thread writes to the store; workers fetch and check."""

    source: Source
    store: Store
    run: Run
    progress: Progress
    per_page: int
    done: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.done = self.store.done(self.run)

    def read(self, resource: Resource) -> None:
        """Read all of ``resource`` unless this run has it already."""
        if resource.name in self.done:
            return
        note = None
        if resource.under:
            self._read_below(resource, resource.under)
        else:
            try:
                self._read_list(resource) if resource.shape is Shape.LIST else self._read_one(resource)
            except Refusal as refusal:
                note = _left_out(resource, refusal)
        with self.store.begin() as db:
            self.store.mark(db, self.run, resource.name, note)

    def _read_one(self, resource: Resource) -> None:
        piece = self.source.get(f"{API}{resource.path}", resource.query).get(resource.root)
        if piece is None:
            raise PayloadError(f"{resource.name}: the answer has no {resource.root!r}")
        raw, unknown = _checked(resource, piece, None)
        with self.store.begin() as db:
            self.store.put(db, self.run, [raw])
            self.store.add_unknown(db, self.run, ((resource.name, path) for path in unknown))

    def _read_list(self, resource: Resource) -> None:
        """Page by page, each kept at once, until two readings agree."""
        readings = Readings(resource.name, self.store.pages(self.run, resource.name))
        shown = 0
        try:
            while wanted := readings.wanted():
                page, pieces = fetch_page(self.source, resource, resource.path, resource.query, wanted, self.per_page)
                found = [_checked(resource, piece, None) for piece in pieces]
                with self.store.begin() as db:
                    self.store.put(db, self.run, (raw for raw, _ in found))
                    unknown = {(resource.name, path) for _, paths in found for path in paths}
                    self.store.add_unknown(db, self.run, unknown)
                    self.store.add_page(db, self.run, resource.name, page)
                readings.add(page)
                shown = len(pieces) + (shown if page.number > 1 else 0)
                self.progress(resource.name, shown, None)
        except NeverSettles:
            self.store.drop_pages(self.run, resource.name)  # so that the command can be run again
            raise
        vanished = self.store.keys(resource.name, self.run) - readings.keys()
        with self.store.begin() as db:
            self.store.forget(db, self.run, resource.name, sorted(vanished))
        self.progress(resource.name, len(readings.keys()), len(readings.keys()))

    def _read_below(self, resource: Resource, under: str) -> None:
        """One call (or list) for each parent, several at a time."""
        total = len(self.store.keys(under, self.run))
        finished = 0
        pending: list[_Found] = []
        try:
            for found in self.together(lambda parent: self._below(resource, parent), self._parents(resource, under)):
                pending.append(found)
                finished += 1
                if len(pending) >= _BATCH:
                    self._keep(resource, pending)
                self.progress(resource.name, finished, total)
        finally:
            self._keep(resource, pending)  # also what came before something broke
        if finished != total:  # not every parent has one
            self.progress(resource.name, finished, finished)

    def _parents(self, resource: Resource, under: str) -> Iterator[Raw]:
        """Those that are still to be asked for, a few at a time: there may be many, and their payloads are long."""
        for raw in self.store.seen(under, self.run):
            if _unit(resource, raw) not in self.done and resource.only_if(loads(raw.payload)):
                yield raw

    def _keep(self, resource: Resource, pending: list[_Found]) -> None:
        """Write what was found for some parents, and empty the list."""
        with self.store.begin() as db:
            self.store.put(db, self.run, (raw for found in pending for raw in found.records))
            unknown = {(resource.name, path) for found in pending for path in found.unknown}
            self.store.add_unknown(db, self.run, unknown)
            for found in pending:
                self.store.mark(db, self.run, _unit(resource, found.parent), found.note)
            gone = [found.parent.key for found in pending if found.parent_gone]
            if resource.under:
                self.store.forget(db, self.run, resource.under, gone)
        pending.clear()

    def _below(self, resource: Resource, parent: Raw) -> _Found:
        """Runs in a worker: fetch and check what ``parent`` has."""
        payload = loads(parent.payload)
        dotted = _dotted(resource, payload)
        if dotted:
            return _Found(parent, note=f"unreachable: Lago finds no customer by an id with a dot ({dotted})")
        path = _filled(resource.path, payload, segment)
        query = tuple((name, _filled(value, payload, str)) for name, value in resource.query)
        try:
            pieces = self._pieces(resource, path, query)
        except Refusal as refusal:
            note = _left_out(resource, refusal)
            gone = resource.absent == "parent gone" and refusal.status == 404
            return _Found(parent, note=None if gone else note, parent_gone=gone)
        checked = [_checked(resource, piece, Raw(parent.resource, parent.key, parent.payload)) for piece in pieces]
        records = tuple(raw for raw, _ in checked if resource.shape is not Shape.RECORD or raw.key == parent.key)
        return _Found(parent, records, frozenset(path for _, unknown in checked for path in unknown))

    def _pieces(self, resource: Resource, path: str, query: Query) -> Sequence[Piece]:
        if resource.shape is not Shape.LIST:
            answer = self.source.get(API + path, query)
            if resource.root not in answer:
                raise PayloadError(f"{resource.name}: the answer to {path} has no {resource.root!r}")
            return [answer[resource.root]]
        readings, kept = Readings(f"{resource.name} of {path}"), dict[str, Piece]()
        while wanted := readings.wanted():
            page, pieces = fetch_page(self.source, resource, path, query, wanted, self.per_page)
            readings.add(page)
            kept.update(zip(page.keys, pieces, strict=True))
        return [kept[key] for key in sorted(readings.keys())]

    def together(self, work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
        yield from together(work, items, self.source.connections, self.source.close)


def fetch_page(
    source: Source, resource: Resource, path: str, query: Query, wanted: tuple[int, int], per_page: int
) -> tuple[Page, list[Piece]]:
    """One page of a list, and its records. ``wanted``: (reading, page number)."""
    reading, number = wanted
    answer = source.get(API + path, [*query, ("page", str(number)), ("per_page", str(per_page))])
    pieces = _listed(answer, resource, path)
    # Lago keeps the count of invoices and fees for half an hour: a full page may have a next one all the same.
    more = bool(pieces) and "meta" in answer and (_meta(answer, "next_page") is not None or len(pieces) >= per_page)
    return Page(reading, number, tuple(_key(resource, piece) for piece in pieces), not more), pieces


def _listed(answer: Answer, resource: Resource, path: str) -> list[Piece]:
    """The records under the answer's root."""
    if resource.root not in answer or not isinstance(answer[resource.root].value, list):
        raise PayloadError(f"{resource.name}: the answer to {path} has no list {resource.root!r}")
    return elements(answer[resource.root].text)


def together(
    work: Callable[[S], T], items: Iterable[S], workers: int, give_up: Callable[[], None] = lambda: None
) -> Iterator[T]:
    """Run ``work`` on ``items`` in ``workers`` threads; results as they come, a bounded number ahead of the caller."""
    pool = ThreadPoolExecutor(max_workers=workers)
    remaining = iter(items)
    running: set[Future[T]] = {pool.submit(work, item) for item in islice(remaining, 4 * workers)}
    try:
        while running:
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, item) for item in islice(remaining, len(ready))}
            yield from (future.result() for future in ready)
    except (KeyboardInterrupt, GeneratorExit):  # the caller stops, here or where it uses the results
        give_up()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _checked(resource: Resource, piece: Piece, parent: Raw | None) -> tuple[Raw, frozenset[str]]:
    """The record to keep and its unknown fields. Raises PayloadError: a bad record is never kept."""
    whole = resource.shape is Shape.WHOLE
    key = (parent.key if parent else resource.name) if whole else _key(resource, piece)
    if resource.decoded_as:
        inherited = {name: loads(parent.payload).get(of) for name, of in resource.inherits.items()} if parent else {}
        try:
            decode(resource.decoded_as, {**piece.value, **inherited}, resource.name)
        except DecodeError as error:
            raise PayloadError(str(error)) from None
    unknown = unknown_fields(piece.value, resource.schema, _schemas()) if resource.schema else frozenset[str]()
    return Raw(resource.name, key, piece.text, parent.key if parent else ""), unknown


@cache
def _schemas() -> Mapping[str, Mapping[str, str | None]]:
    """The fields this version knows: made from the table of Lago's serializers and the recordings."""
    text = (files("migrate.lago") / "known_fields.json").read_text(encoding="utf-8")
    schemas: Mapping[str, Mapping[str, str | None]] = json.loads(text)
    return schemas


def _key(resource: Resource, piece: Piece) -> str:
    key = piece.value.get("lago_id") if isinstance(piece.value, dict) else None
    if isinstance(key, str):
        return key
    if resource.name == "features" and isinstance(piece.value, dict):  # features have a code only
        return str(piece.value.get("code"))
    raise PayloadError(f"{resource.name}: field lago_id is missing or no string in {piece.text[:60]}...")


def _unit(resource: Resource, parent: Raw) -> str:
    return f"{resource.name}/{parent.key}"


def _dotted(resource: Resource, payload: Mapping[str, Any]) -> str | None:
    """The customer's external id if it stands in the path and holds a dot: Rails would cut it there."""
    for name in ("external_customer_id", "external_id"):
        if resource.path.startswith(f"/customers/{{{name}}}") and "." in str(payload.get(name)):
            return str(payload[name])
    return None


def _left_out(resource: Resource, refusal: Refusal) -> str | None:
    """The note for the report, None for a plain absence. Raises the refusal if it must stop the extract."""
    if refusal.status == 403 and (refusal.code in _PREMIUM or refusal.code.endswith("_not_enabled")):
        return f"refused: {refusal.code} (needs a premium licence)"
    if refusal.status == 403:
        raise LagoRefused(
            f"the API key may not read {resource.name} ({refusal.code or 403}); give it that permission in Lago"
        ) from None
    if refusal.status in (404, 405) and (
        resource.absent == "none" or (resource.absent == "parent gone" and refusal.status == 404)
    ):
        return None
    raise refusal


def _filled(template: str, payload: Mapping[str, Any], write: Callable[[str], str]) -> str:
    """``template`` with the payload's fields in place of their names in braces."""
    return re.sub(r"\{(\w+)\}", lambda field: write(str(payload[field[1]])), template)


def _meta(answer: Answer, name: str) -> Any:
    meta = answer["meta"].value
    return meta.get(name) if isinstance(meta, dict) else None


# --- events ---------------------------------------------------------------------------------------------------------


def _plan(reading: _Reading) -> list[Window]:
    """The windows of this run, made once: one that resumes must not cut otherwise than its files are cut."""
    kept = reading.done.get(_PLAN)
    if kept:
        return [Window(*(end and datetime.fromisoformat(end) for end in ends)) for ends in json.loads(kept)]
    first, last = _first_use(reading), reading.run.taken_at.replace(microsecond=0) + SECOND
    plan = [Window(None, None)]
    if first and first < last:
        total = _count(reading, Window(None, None))
        most = min(max(total // 400, 2_000), 20_000)  # few files, few slow pages, little memory
        inside = split(Window(first.replace(microsecond=0), last), lambda w: _count(reading, w), most)
        plan = [Window(None, inside[0].since), *inside, Window(inside[-1].until, None)]
    text = json.dumps([[end and end.isoformat() for end in (w.since, w.until)] for w in plan])
    with reading.store.begin() as db:
        reading.store.mark(db, reading.run, _PLAN, text)
    return plan


def _count(reading: _Reading, window: Window) -> int:
    answer = reading.source.get(API + EVENTS.path, [*window.query(), ("page", "1"), ("per_page", "1")])
    return int(_meta(answer, "total_count") or 0) if "meta" in answer else 0


def _read_events(reading: _Reading, staged: Path) -> None:
    """Each window becomes a Parquet file, written in the worker: a window that has its file is done."""
    staged.mkdir(parents=True, exist_ok=True)
    plan = [window for window in _plan(reading) if not _file(staged, window).exists()]
    total = 0
    for rows in reading.together(lambda window: _read_window(reading, window, staged), plan):
        total += rows
        reading.progress("events", total, None)


def _file(staged: Path, window: Window) -> Path:
    return staged / f"{window.name}.parquet"


def _first_use(reading: _Reading) -> datetime | None:
    """When the first subscription began; None if there is none."""
    payloads = (loads(raw.payload) for raw in reading.store.seen("subscriptions", reading.run))
    begins = (p.get("started_at") or p.get("subscription_at") or p["created_at"] for p in payloads)
    return min((datetime.fromisoformat(text) for text in begins), default=None)


def _read_window(reading: _Reading, window: Window, staged: Path) -> int:
    """Events are only ever added, newest first: later ones shift down, so that a reading repeats some, misses none."""
    for _ in range(3):
        found, counted = _window_events(reading, window)
        if len(found) >= counted:
            kept = [event for event in found if window.holds(event)]
            events.write_parquet(events.table(kept), _file(staged, window))
            return len(kept)
    raise LagoError(f"events from {window.name}: Lago counts {counted} and gives {len(found)}; run the command again")


def _window_events(reading: _Reading, window: Window) -> tuple[list[Piece], int]:
    """The window's events without repetitions, and how many Lago counted when the reading began."""
    found: list[Piece] = []
    counted: list[int] = []
    number = 1
    while True:
        query = [*window.query(), ("page", str(number)), ("per_page", str(reading.per_page))]
        answer = reading.source.get(API + EVENTS.path, query)
        found += _listed(answer, EVENTS, f"page {number} from {window.name}")
        counted.append(int(_meta(answer, "total_count") or 0) if "meta" in answer else len(found))
        if "meta" not in answer or _meta(answer, "next_page") is None:
            break
        number += 1
    # Nothing was added while we read: what looks repeated are Lago's own (its ClickHouse store keeps duplicates).
    if counted[0] == counted[-1] == len(found):
        return found, counted[0]
    return list(events.unique(found)), min(counted[0], counted[-1])


def _staging(events_dir: Path) -> Path:
    return events_dir.with_name(f"{events_dir.name}.staging")


# --- snapshot -------------------------------------------------------------------------------------------------------


def load_snapshot(store: Store) -> r.Snapshot:
    """Everything of the latest finished extract as records, ordered by id. Raises Blocked, PayloadError."""
    run = _finished(store)
    load = _Loading(store, run)
    invoices = load.many(r.Invoice, "invoices", details="invoice_details")
    credit_notes = load.many(r.CreditNote, "credit_notes")
    subscriptions = tuple(load.subscriptions())
    customers = load.many(r.Customer, "customers")
    return r.Snapshot(
        lago_version=run.lago_version,
        taken_at=run.taken_at,
        organization=load.many(r.Organization, "organizations")[0],
        billing_entities=load.many(r.BillingEntity, "billing_entities", details="billing_entity_details"),
        taxes=load.many(r.Tax, "taxes"),
        billable_metrics=load.many(r.BillableMetric, "billable_metrics"),
        add_ons=load.many(r.AddOn, "add_ons"),
        plans=load.many(r.Plan, "plans", details="plan_details"),
        coupons=load.many(r.Coupon, "coupons"),
        applied_coupons=load.many(r.AppliedCoupon, "applied_coupons"),
        customers=(*customers, *deleted_customers(customers, invoices, credit_notes, subscriptions)),
        payment_methods=tuple(load.payment_methods()),
        subscriptions=subscriptions,
        wallets=load.many(r.Wallet, "wallets"),
        wallet_transactions=load.many(r.WalletTransaction, "wallet_transactions"),
        invoices=invoices,
        fees=load.many(r.Fee, "fees"),
        credit_notes=credit_notes,
        payments=load.many(r.Payment, "payments"),
    )


def deleted_customers(
    customers: Iterable[r.Customer],
    invoices: Iterable[r.Invoice],
    credit_notes: Iterable[r.CreditNote],
    subscriptions: Iterable[r.Subscription],
) -> tuple[r.Customer, ...]:
    """Customers that Lago's list no longer shows, from what still names them; of some only the ids are known."""
    listed = {customer.lago_id for customer in customers}
    shown = [d.customer for documents in (invoices, credit_notes) for d in documents if d.customer]
    ids = [r.Customer(lago_id=s.lago_customer_id, external_id=s.external_customer_id) for s in subscriptions]
    found = {customer.lago_id: customer for customer in (*ids, *shown) if customer.lago_id not in listed}
    return tuple(replace(customer, deleted=True) for _, customer in sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Loading:
    """Reads one run's records back."""

    store: Store
    run: Run

    def many(self, cls: type[T], resource: str, *, details: str | None = None) -> tuple[T, ...]:
        """All records; ``details``: the resource of their own pages, which hold more and stand in for the list's."""
        own = {raw.key: raw for raw in self.store.seen(details, self.run)} if details else {}
        raws = (own.get(raw.key, raw) for raw in self.store.seen(resource, self.run))
        return tuple(_decoded(cls, loads(raw.payload), resource) for raw in raws)

    def subscriptions(self) -> Iterator[r.Subscription]:
        plans = {raw.key: loads(raw.payload).get("plan") for raw in self.store.seen("subscription_details", self.run)}
        fixed = {raw.key: loads(raw.payload) for raw in self.store.seen("subscription_fixed_charges", self.run)}
        for raw in self.store.seen("subscriptions", self.run):
            extra = {"plan": plans.get(raw.key), "fixed_charges": fixed.get(raw.key)}
            yield _decoded(r.Subscription, {**loads(raw.payload), **extra}, "subscriptions")

    def payment_methods(self) -> Iterator[r.PaymentMethod]:
        external = {raw.key: loads(raw.payload)["external_id"] for raw in self.store.seen("customers", self.run)}
        for raw in self.store.seen("payment_methods", self.run):
            payload = {**loads(raw.payload), "external_customer_id": external[raw.parent]}
            yield _decoded(r.PaymentMethod, payload, "payment_methods")


def _decoded(cls: type[T], payload: Mapping[str, Any], resource: str) -> T:
    try:
        return decode(cls, payload, resource)
    except DecodeError as error:
        raise PayloadError(str(error)) from None


def snapshot_of_recording(path: Path, workdir: Path) -> tuple[r.Snapshot, Path]:
    """All of a recording, through the ordinary extract: the snapshot, and the folder of the events' Parquet."""
    events_dir = workdir / "events"
    with Store.open(workdir / "state.db") as store:
        extract(RecordingSource.open(path), store, events_dir)
        return load_snapshot(store), events_dir
