"""One mutation: one field of one record, or one file, made from a seed and a number alone.

mutation(company, seed, number)  ->  the same one every time, whatever else is tried in the same run
"""

from __future__ import annotations

import copy
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from dataclasses import field as field_of
from functools import cached_property
from random import Random
from typing import Any
from urllib.parse import quote, unquote

from mappings.decode import FOR_PEOPLE
from tests.fuzz.company import Answer, Company, Payload, records_of, text_of
from tests.fuzz.places import Path, Place, get_at, items_of, paths_in
from tests.fuzz.values import IMPOSSIBLE, POSSIBLE, is_id, is_time
from tests.fuzz.within import FREE_FORM, fees_within

Change = Callable[[Payload], None]
MISSING = "missing"
SWAPPED, DUPLICATE = "swapped times", "duplicate id"
FILE_KINDS = ("cut file", "CRLF", "byte order mark", "no UTF-8", "no file", "line twice")
VANISHED = "no record"  # what Lago does not show any more: extract tells how many of each kind
NAMELESS = ("record is null", "record is text")  # nothing of the record is left, its id neither
RECORD_KINDS = (*NAMELESS, "record twice", "record twice, not alike", VANISHED)
_OF_FILES = 0.014  # share of the other mutations that break a whole file
_OF_RECORDS = 0.055
CATALOG_KINDS = ("plan", "billable_metric", "coupon", "add_on")
EVERYBODYS = ("tax", "organization", "billing_entity")
IDENTITIES = ("lago_id", "code", "external_id", "number", "transaction_id")
SELDOM = (  # kinds of which a company has few records: a draw among all of them would seldom meet one
    *("tax", "organization", "billing_entity", "payment_method", "payment", "applied_coupon", "wallet"),
    *("wallet_transaction", "event", "billable_metric", "credit_note", "fixed_charge", "coupon", "add_on"),
)
_TURN = 50  # of so many mutations one is of each of them
_TRIES = 400
FIELD_KINDS = (MISSING, SWAPPED, DUPLICATE, *IMPOSSIBLE, *POSSIBLE)
_WITHOUT_OWNER = 0.15  # share of mutations of what no customer owns: plans, metrics, taxes
_ALIKE = 0.5  # share of mutations of a fee that its invoice shows alike
_FREE_FORM = 0.3  # share of those of a fee with free-form details that break one of them
_EVERYBODYS = 0.015  # share of those of what is everybody's


class Unfit(Exception):
    """A kind of mutation that says nothing about this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """What is broken. ``impossible``: no Lago gives that; ``values``: texts that came in with it."""

    seed: int
    number: int
    kind: str
    resource: str
    record: str  # Lago's id of it, or what stands for one
    field: str
    impossible: bool
    values: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # what the record is called by before
    files: Mapping[str, bytes] = field_of(default_factory=dict)
    places: Mapping[Place, Payload | str | None] = field_of(default_factory=dict)
    twice: bool = False  # the record is given again, beside itself
    renamed: tuple[str, str] | None = None  # what its pages are found by, before and after

    @property
    def is_of_file(self) -> bool:
        return bool(self.files)

    @property
    def replay(self) -> str:
        """How to see this one alone again."""
        return f"make fuzz SEED={self.seed} ONLY={self.number}"

    def __str__(self) -> str:
        return f"{self.replay}: {self.resource} {self.record} {self.field}: {self.kind}"


@dataclass(frozen=True)
class Records:
    """All records of a company, each with the places that show it."""

    company: Company

    @cached_property
    def places(self) -> Mapping[tuple[str, str], tuple[Place, ...]]:
        """(root in the singular, id) -> where it is shown by itself: in a list, on its own page."""
        places: dict[tuple[str, str], list[Place]] = {}
        for name, answers in self.company.files.items():
            for number, answer in enumerate(answers):
                for root, item, record in items_of(answer):
                    key = (singular(root), identity(record, answer))
                    places.setdefault(key, []).append(Place(name, number, root, item))
        return {key: tuple(found) for key, found in places.items()}

    @cached_property
    def by_kind(self) -> Mapping[str, tuple[str, ...]]:
        kinds: dict[str, list[str]] = {}
        for kind, record in self.places:
            kinds.setdefault(kind, []).append(record)
        return {kind: tuple(ids) for kind, ids in kinds.items()}

    def choose(self, rng: Random) -> tuple[str, str]:
        """(kind, id) of a record: a customer first, so that none is broken more than others; then a kind of its own."""
        share = rng.random()
        if share < _WITHOUT_OWNER:
            kinds = EVERYBODYS if share < _EVERYBODYS else [k for k in CATALOG_KINDS if k in self.by_kind]
            kind = rng.choice(kinds)
            return kind, rng.choice(self.by_kind[kind])
        owned = self.owned[rng.choice(sorted(self.owned))]
        kind = rng.choice(sorted(owned))
        return kind, rng.choice(owned[kind])

    @cached_property
    def owned(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Customer -> kind -> ids of what is theirs."""
        owned: dict[str, dict[str, list[str]]] = {}
        for (kind, record), places in self.places.items():
            if kind not in CATALOG_KINDS and kind not in EVERYBODYS:
                answer = self.company.files[places[0].file][places[0].answer]
                owner = self.owner_of(kind, self.view(places[0]), answer)
                owned.setdefault(owner, {}).setdefault(kind, []).append(record)
        return owned

    def owner_of(self, kind: str, value: Payload, answer: Answer) -> str:
        """External id of the customer that a record belongs to."""
        shown = value.get("customer")
        names = [value.get("external_customer_id"), shown.get("external_id") if isinstance(shown, dict) else None]
        names += [value.get("external_id")] if kind == "customer" else []
        texts = [value.get(name) for name in ("external_subscription_id", "lago_wallet_id")]
        texts += [unquote(part) for part in answer.path.split("/")]
        return next((str(n) for n in names if n), "") or next((self._of_id[t] for t in texts if t in self._of_id), "")

    @cached_property
    def _of_id(self) -> Mapping[object, str]:
        """Ids of customers, subscriptions and wallets -> the customer."""
        ids: dict[object, str] = {}
        for (kind, record), places in self.places.items():
            value = self.view(places[0])
            if kind in ("customer", "subscription", "wallet"):
                owner = str(value.get("external_customer_id") or value.get("external_id"))
                ids |= {record: owner, value.get("external_id") or record: owner}
        return ids

    def view(self, place: Place) -> Payload:
        """As it is."""
        shown = self.company.files[place.file][place.answer].body[place.root]
        found: Payload = shown if place.item is None else shown[place.item]
        return found

    @cached_property
    def within(self) -> Mapping[str, Sequence[tuple[Place, Path]]]:
        """Fee -> where others show it."""
        return fees_within(self.company)

    def at(self, place: Place) -> Payload:
        """A copy that may be changed."""
        return copy.deepcopy(self.view(place))


def mutation(records: Records, seed: int, number: int) -> Mutation:
    """The mutation of that number."""
    rng = Random(f"{seed}/{number}")
    share, kind = rng.random(), rng.choice(FIELD_KINDS)
    turn = number % _TURN
    for _ in range(_TRIES):  # until the kind says something about what it meets
        with suppress(Unfit):
            if turn < len(SELDOM):
                return _of_field(records, rng, rng.choice(FIELD_KINDS), seed, number, of=SELDOM[turn])
            if share < _OF_FILES:
                return _of_file(records, rng, seed, number)
            if share < _OF_FILES + _OF_RECORDS:
                return _of_record(records, rng, seed, number)
            return _of_field(records, rng, kind, seed, number)
    raise AssertionError(f"nothing to break by {kind!r}")


def _of_field(records: Records, rng: Random, kind: str, seed: int, number: int, of: str = "") -> Mutation:
    """A field is chosen by its name first: what is listed often is not broken more often for that. ``of``: its kind."""
    kind_of_record, record = (of, rng.choice(records.by_kind[of])) if of else records.choose(rng)
    places = records.places[kind_of_record, record]
    shown = records.view(rng.choice(places))
    paths = _paths_by_name(shown, kind)
    if not paths:
        raise Unfit
    apart = Random(f"{seed}/{number}/within")
    free_form = [name for name in sorted(paths) if name.startswith(FREE_FORM)]
    names = free_form if free_form and apart.random() < _FREE_FORM else sorted(paths)
    path = rng.choice(paths[rng.choice(names)])
    inner = rng.random()
    others = records.within.get(record, ()) if kind_of_record == "fee" and apart.random() < _ALIKE else ()

    def make(payload: Payload) -> None:
        _change(records, kind, kind_of_record, record, path, Random(inner))(payload)

    return of_field(records, (kind_of_record, record), path, make, others, seed=seed, number=number, kind=kind)


def of_field(
    records: Records,
    broken_record: tuple[str, str],
    path: Path,
    make: Change,
    others: Sequence[tuple[Place, Path]],
    *,
    seed: int,
    number: int,
    kind: str,
) -> Mutation:
    """A field of one record changed where it is shown by itself, and within ``others`` alike."""
    kind_of_record, record = broken_record
    places = records.places[broken_record]
    broken: dict[Place, Payload | str | None] = {}
    values: set[str] = set()
    for place, within in (*((place, ()) for place in places), *others):
        payload = records.at(place)
        shown = get_at(payload, within)
        if _has(shown, path):
            make(shown)
            broken[place] = payload
            values |= {text for text in (_texts_at(shown, path)) if text}
    if not broken:
        raise Unfit
    own = [broken[place] for place in places if place in broken]
    was = _value_at(records.view(places[0]), path)
    return Mutation(
        seed=seed,
        number=number,
        kind=kind,
        resource=kind_of_record,
        record=record,
        field=".".join(map(str, path)),
        impossible=kind in IMPOSSIBLE and not _may_be(kind, kind_of_record, path, was),
        values=tuple(sorted(values)),
        names=_names(records.view(places[0])),
        places=broken,
        renamed=_renamed(records.view(places[0]), path, own),
    )


def _may_be(kind: str, resource: str, path: Path, was: object) -> bool:
    """Whether a field may say even that: what follows from it has to be shown, for nobody can tell that it is wrong.

    Names, codes, numbers and ids are texts of any kind to who reads them; what an event says of itself is any JSON.
    """
    if resource == "event" and path[0] == "properties" and len(path) > 1:
        return kind not in ("NUL", "half a character")
    name = str(path[-1])
    if name == "invoice_grace_period":
        return kind == "other type" and was is None  # nobody set one: any number of days may be set
    is_any_text = name in IDENTITIES or name in FOR_PEOPLE or name.endswith(("_id", "_code"))
    return kind == "unknown word" and is_any_text


def _value_at(shown: object, path: Path) -> object:
    return get_at(shown, path) if _has(shown, path) else None


def _names(shown: Payload) -> tuple[str, ...]:
    return tuple(str(shown[name]) for name in IDENTITIES if isinstance(shown.get(name), str))


def _renamed(shown: Payload, path: Path, broken: Iterable[Payload | str | None]) -> tuple[str, str] | None:
    """Lago shows a record's pages under the name that it has now."""
    if len(path) != 1 or path[0] not in IDENTITIES:
        return None
    after = [payload.get(str(path[0])) for payload in broken if isinstance(payload, dict)]
    new = next((value for value in after if isinstance(value, str) and _is_text(value)), None)
    return (str(shown[str(path[0])]), new) if new else None


def _is_text(value: str) -> bool:
    """What Lago may show of a name: Unicode's marks of direction too, but nothing that no text holds."""
    return bool(value.strip()) and not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value)


def _change(records: Records, kind: str, root: str, record: str, path: Path, rng: Random) -> Change:
    if kind == MISSING:
        return lambda payload: _delete(payload, path)
    if kind == SWAPPED:
        return lambda payload: _swap(payload, path, rng)
    if kind == DUPLICATE:
        return lambda payload: _take_id(records, payload, root, record, path, rng)
    make = (IMPOSSIBLE.get(kind) or POSSIBLE[kind]).make
    return lambda payload: _put(payload, path, make(rng, get_at(payload, path)))


def _of_record(records: Records, rng: Random, seed: int, number: int) -> Mutation:
    root, record = records.choose(rng)
    kind = rng.choice(RECORD_KINDS)
    listed = [place for place in records.places[root, record] if place.item is not None]
    own = [place for place in records.places[root, record] if place.item is None]
    if not listed:
        raise Unfit
    broken: dict[Place, Payload | str | None] = {}
    for place in listed if kind == VANISHED or "twice" in kind else [*listed, *own]:
        payload = records.at(place)
        if kind == RECORD_KINDS[3]:
            name = rng.choice(sorted(key for key in payload if key not in ("lago_id", "code", "external_id")))
            payload[name] = "zz" if not isinstance(payload[name], str) else None
        broken[place] = {0: None, 1: "zz", 4: _GONE}.get(RECORD_KINDS.index(kind), payload)
    return Mutation(
        seed=seed,
        number=number,
        kind=kind,
        resource=root,
        record=record,
        field="(whole record)",
        impossible=kind in NAMELESS,
        names=_names(records.view(listed[0])),
        places=broken,
        twice="twice" in kind,
    )


_GONE = "\0gone"


def _of_file(records: Records, rng: Random, seed: int, number: int) -> Mutation:
    name = rng.choice(sorted(records.company.files))
    kind = rng.choice(FILE_KINDS)
    text = records.company.texts[f"{name}.jsonl"]
    if not text or kind == "no file":
        raise Unfit
    at = rng.randrange(1, len(text))
    line = text.split(b"\n")[0] + b"\n"
    made = {
        "cut file": text[:at],
        "CRLF": text.replace(b"\n", b"\r\n"),
        "byte order mark": b"\xef\xbb\xbf" + text,
        "no UTF-8": text[:at] + b"\xff" + text[at:],
        "line twice": line + text,
    }
    return Mutation(
        seed=seed,
        number=number,
        kind=kind,
        resource=name,
        record="(file)",
        field="(bytes)",
        impossible=False,
        files={f"{name}.jsonl": made[kind]},
    )


def broken_files(company: Company, mutations: Sequence[Mutation]) -> dict[str, bytes]:
    """The files that several mutations of different records change, as they are then."""
    files: dict[str, bytes] = {}
    changed: dict[str, list[Answer]] = {}
    for one in mutations:
        files |= one.files
        for place, payload in one.places.items():
            answers = changed.setdefault(place.file, list(company.files[place.file]))
            answers[place.answer] = _with(answers[place.answer], place, payload, one.twice)
        if one.renamed:
            _rename(company, changed, *one.renamed)
    files |= {f"{name}.jsonl": text_of([_counted(a) for a in answers]) for name, answers in changed.items()}
    return files


def _rename(company: Company, changed: dict[str, list[Answer]], old: str, new: str) -> None:
    """The pages of a record under its new name."""
    for name, answers in company.files.items():
        for number, answer in enumerate(answers):
            parts = answer.path.split("/")
            if quote(old, safe="") in parts[3:]:
                path = "/".join(quote(new, safe="") if part == quote(old, safe="") else part for part in parts)
                mine = changed.setdefault(name, list(answers))
                mine[number] = replace(mine[number], path=path)


def _with(answer: Answer, place: Place, payload: Payload | str | None, twice: bool) -> Answer:
    if place.item is None:
        return replace(answer, body={**answer.body, place.root: payload})
    items = list(answer.body[place.root])
    items[place.item] = [items[place.item], payload] if twice else payload
    return replace(answer, body={**answer.body, place.root: items})


def _counted(answer: Answer) -> Answer:
    """The list with what came twice beside each other, without what is gone, and Lago's count of it."""
    body = dict(answer.body)
    for root, value in answer.body.items():
        if isinstance(value, list) and "meta" in answer.body:
            flat = [one for item in value for one in (item if isinstance(item, list) else [item])]
            body[root] = [one for one in flat if one != _GONE]
            body["meta"] = {**answer.body["meta"], "total_count": len(body[root])}
    return replace(answer, body=body)


# --- records and their paths ---


def singular(root: str) -> str:
    """``billing_entities`` -> ``billing_entity``."""
    return f"{root[:-3]}y" if root.endswith("ies") else root.removesuffix("s") if root != "taxes" else "tax"


def identity(record: Payload, answer: Answer) -> str:
    """Lago's id; of what has none the page that shows it."""
    return str(record.get("lago_id") or f"{answer.path}?{answer.query}")


def _paths_by_name(payload: Payload, kind: str) -> dict[str, list[Path]]:
    """The fields that a kind of mutation fits, those inside too, by the names that lead to them."""
    paths: dict[str, list[Path]] = {}
    for path, value in paths_in(payload, ()):
        if not _fits(kind, path, value):
            continue
        paths.setdefault(".".join(part for part in path if isinstance(part, str)), []).append(path)
    return paths


def _fits(kind: str, path: Path, value: object) -> bool:
    if kind == MISSING:
        return isinstance(path[-1], str)
    if kind == SWAPPED:
        return is_time(value)
    if kind == DUPLICATE:
        return len(path) == 1 and path[0] in IDENTITIES and isinstance(value, str)
    return (IMPOSSIBLE.get(kind) or POSSIBLE[kind]).fits(value)


def _has(payload: Any, path: Path) -> bool:
    try:
        get_at(payload, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _put(payload: Any, path: Path, value: object) -> None:
    get_at(payload, path[:-1])[path[-1]] = value


def _delete(payload: Any, path: Path) -> None:
    del get_at(payload, path[:-1])[path[-1]]


def _swap(payload: Any, path: Path, rng: Random) -> None:
    """A time takes the place of another one beside it."""
    beside = get_at(payload, path[:-1])
    if not isinstance(beside, dict):
        raise Unfit
    others = sorted(key for key, value in beside.items() if is_time(value) and value != beside[path[-1]])
    if not others:
        raise Unfit
    other = rng.choice(others)
    beside[path[-1]], beside[other] = beside[other], beside[path[-1]]


def _take_id(records: Records, payload: Any, root: str, record: str, path: Path, rng: Random) -> None:
    """The id, code or external id of another record of the kind."""
    others = [other for other in records.by_kind[root] if other != record]
    if not others:
        raise Unfit
    other = records.at(records.places[root, rng.choice(others)][0])
    if not isinstance(other.get(str(path[0])), str):
        raise Unfit
    payload[path[0]] = other[str(path[0])]


def _texts_at(payload: Any, path: Path) -> Iterator[str]:
    """What identifies something: the value that was put there."""
    if _has(payload, path):
        value = get_at(payload, path)
        if isinstance(value, str) and (is_id(value) or len(value) < 60):
            yield value


__all__ = ["Mutation", "Place", "Records", "broken_files", "mutation", "records_of"]
