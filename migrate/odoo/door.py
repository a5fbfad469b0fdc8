"""The one door to Odoo's records: patient, for one company, in one language; every read of ours goes through it.

    door.search_read(model, domain, fields)      rows that the company may use: its own and those that all share
    door.read(model, ids, fields)                rows by id
    door.ask(model, method, ids, ...)            any other method that changes nothing
    door.send(model, method, ids, ...)           a method that changes something: once, whoever calls looks first

A read is repeated while the server is away, restarts, or answers with what is no answer to it: a proxy's page, a cut
text, null. Each row is held against what the types of its fields promise (``migrate.odoo.answers``): what is otherwise
three times in a row is an ``AnswerUnreadable``. That there is nothing is believed when Odoo says it twice in a row.

Odoo itself would show a user with several companies the records of all of them, and of whichever it is first where one
is asked for: the door names one company in the context and in each domain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, TypeVar

from migrate.errors import OdooError
from migrate.odoo.answers import (
    AnswerFlaw,
    Promise,
    among_of,
    flaws_of,
    is_id,
    promises_of,
    require_asked_for,
    require_fields,
    require_none,
    require_told_apart,
    shown,
    told,
)
from migrate.odoo.errors import AnswerUnreadable, OdooUnreachable, OutcomeUnknown, RecordMissing, Retryable
from migrate.odoo.protocol import Odoo

CHUNK = 2000  # ids or values in one call
LEAST = 3  # attempts of a read, however long each of them took
AWAY = (OdooUnreachable, OutcomeUnknown, Retryable)
_KNOWN = ("type", "required", "store", "searchable")  # what is asked of all fields of a model at once
CLASSIC = "_classic_read"  # Odoo's word for many2one fields as [id, name]; without it they are ids

T = TypeVar("T")
Row = dict[str, Any]
Domain = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server that is away, in seconds."""

    seconds: float = 120.0
    pause: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def wait_until_up(self, odoo: Odoo) -> None:
        """Return as soon as Odoo answers. Raises OdooUnreachable when patience is over."""
        end = self.clock() + self.seconds
        while True:
            try:
                odoo.call("res.users", "context_get")
            except AWAY as error:
                if self.clock() >= end:
                    raise _gone(error) from None
                self.sleep(self.pause)
            else:
                return

    def repeat(self, odoo: Odoo, attempt: Callable[[], T]) -> T:
        """The attempt's result, as soon as it has one. Raises OdooUnreachable when patience is over."""
        attempts, began = 0, self.clock()
        while True:
            try:
                return attempt()
            except AWAY as error:
                attempts += 1
                if attempts >= LEAST and self.clock() >= began + self.seconds:
                    raise _gone(error) from None
                if attempts > 1:  # the server is up, and yet this read fails
                    self.sleep(self.pause)
                self.wait_until_up(odoo)


def _gone(error: OdooError) -> OdooUnreachable:
    return OdooUnreachable(f"{error}; nothing is lost: run the same command again")


class Door:
    """One connection, held to one company. ``company_id`` is that of the user; it is asked for when first needed."""

    def __init__(self, odoo: Odoo, patience: Patience | None = None) -> None:
        self._odoo = odoo
        self.patience = patience or Patience()
        self._owners: dict[str, tuple[Any, ...]] = {}  # model -> the domain of what the company may use
        self._fields: dict[str, Mapping[str, Mapping[str, object]]] = {}  # model -> what fields_get tells of each
        self._promises: dict[str, Mapping[str, Promise]] = {}

    @cached_property
    def server_version(self) -> str:
        """For example ``19.0``."""
        return self.patience.repeat(self._odoo, lambda: self._odoo.server_version)

    @cached_property
    def company_id(self) -> int:
        """The company of the user: everything is read and written for it."""
        uid = self._answer("res.users", "context_get", None, {})["uid"]
        named: Row = {"fields": ["company_id"], "load": ""}
        rows: list[Row] = self._answer("res.users", "read", [uid], named)
        require_told_apart("res.users", rows)
        company: object = rows[0].get("company_id") if rows else None
        if not is_id(company):
            raise AnswerUnreadable(
                f"res.users {uid}: Odoo answers {shown(company)} as company_id, which is no many2one"
            )
        return company

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """What every call says of itself."""
        # UTC: load() takes datetimes in the context's zone; en_US: translated fields compare in one language.
        return MappingProxyType({"lang": "en_US", "tz": "UTC", "allowed_company_ids": [self.company_id]})

    # --- calls ---------------------------------------------------------------------------------------------------

    def ask(
        self, model: str, method: str, ids: Sequence[int] | None = None, /, *, active_test: bool, **arguments: Any
    ) -> Any:
        """A call that changes nothing: repeated until the server answers. ``active_test``: without archived records."""
        context = {**self.context, "active_test": active_test}
        return self._answer(model, method, ids, {**arguments, "context": context})

    def send(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        more_context: Mapping[str, Any] = MappingProxyType({}),
        /,
        **arguments: Any,
    ) -> Any:
        """A call that changes something, once: without an answer it may or may not have been done."""
        return self._odoo.call(model, method, ids, context={**self.context, **more_context}, **arguments)

    def wait_until_up(self) -> None:
        """Wait until Odoo answers."""
        self.patience.wait_until_up(self._odoo)

    def _answer(self, model: str, method: str, ids: Sequence[int] | None, arguments: Mapping[str, Any]) -> Any:
        def attempt() -> Any:
            answer = self._odoo.call(model, method, ids, **arguments)
            if (fits := SHAPES.get(method)) and not fits(answer):
                raise OutcomeUnknown(f"{model}.{method}: {_named(answer)} is no answer to it")
            return answer

        return self.patience.repeat(self._odoo, attempt)

    # --- reads ---------------------------------------------------------------------------------------------------

    def read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], *, names: bool = False, active_test: bool = False
    ) -> list[Row]:
        """Rows of those of these records that are there. ``names``: many2one fields as ``[id, name]``.

        ``active_test``: in lists of records.
        """
        rows, flaws = self.read_apart(model, ids, fields, names=names, active_test=active_test)
        require_none(model, flaws)
        return rows

    def read_apart(
        self, model: str, ids: Sequence[int], fields: Sequence[str], *, names: bool = False, active_test: bool = False
    ) -> tuple[list[Row], dict[int, str]]:
        """The same, and those whose answer is not what their fields promise, with why: each costs itself."""
        load = CLASSIC if names else ""

        def attempt(some: Sequence[int]) -> list[Row]:
            rows: list[Row] = self.ask(model, "read", some, fields=list(fields), load=load, active_test=active_test)
            require_told_apart(model, rows)
            lacking = [*{*some}.difference(row["id"] for row in rows)]
            if lacking and (there := self.existing(model, lacking)):
                raise OutcomeUnknown(f"{model}.read: an answer without {len(there)} records that are there")
            return rows

        def ask(some: Sequence[int]) -> list[Row]:
            rows = self.patience.repeat(self._odoo, partial(attempt, some))
            require_asked_for(model, "id", some, rows)
            return rows

        asked = [self._sound(model, fields, names, partial(ask, some)) for some in chunks(ids)]
        return [row for rows, _ in asked for row in rows], {n: why for _, flaws in asked for n, why in flaws.items()}

    def read_one(self, model: str, number: int, fields: Sequence[str], *, names: bool = False) -> Row:
        """The row of one record. Raises RecordMissing if it is not there."""
        rows = self.read(model, [number], fields, names=names)
        if not rows:
            raise RecordMissing(f"{model} {number} is not there any more")
        return rows[0]

    def search_read(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        names: bool = False,
        active_test: bool = False,
        **paging: Any,
    ) -> list[Row]:
        """Rows of the company's records that match, and of shared ones. ``paging``: Odoo's limit, order, offset."""
        asked = {"domain": self._within(model, domain), "fields": list(fields), "load": CLASSIC if names else ""}

        def ask() -> list[Row]:
            rows: list[Row] = self.ask(model, "search_read", active_test=active_test, **asked, **paging)
            require_told_apart(model, rows)
            for field, values in among_of(domain):
                require_asked_for(model, field, values, rows)
            return rows

        rows, flaws = self._sound(model, fields, names, partial(_twice_if_empty, ask))
        require_none(model, flaws)
        return rows

    def _sound(
        self, model: str, fields: Sequence[str], names: bool, ask: Callable[[], list[Row]]
    ) -> tuple[list[Row], dict[int, str]]:
        """Rows that hold what their fields promise; and the others, by id, as the last of some answers had them."""
        promises = self._promised(model)
        rows, flaws = list[Row](), dict[int, AnswerFlaw]()
        for _ in range(LEAST):
            rows = _again(ask)
            flaws = flaws_of(model, rows, fields, promises, named=names)
            if not flaws:
                break
        return [row for row in rows if row["id"] not in flaws], {n: told(model, n, flaw) for n, flaw in flaws.items()}

    def search_among(
        self,
        model: str,
        field: str,
        values: Sequence[Any],
        fields: Sequence[str],
        *,
        domain: Domain = (),
        names: bool = False,
        active_test: bool = False,
    ) -> Iterator[Row]:
        """``search_read`` of the records whose ``field`` is one of ``values``, however many those are."""
        for some in chunks(values):
            among = [*domain, [field, "in", list(some)]]
            yield from self.search_read(model, among, fields, names=names, active_test=active_test)

    def search(self, model: str, domain: Domain, *, active_test: bool = False, **paging: Any) -> list[int]:
        """Ids of the company's records that match, and of shared ones."""
        within = self._within(model, domain)
        asked = partial(self.ask, model, "search", domain=within, active_test=active_test, **paging)
        return _twice_if_empty(asked)

    def count(self, model: str, domain: Domain, *, active_test: bool = False) -> int:
        """How many of the company's records match, and of shared ones."""
        return int(self.ask(model, "search_count", domain=self._within(model, domain), active_test=active_test))

    def existing(self, model: str, ids: Sequence[int]) -> frozenset[int]:
        """Those of the records that are there, whosever they are by now. What is not is asked for a second time."""
        shown = self._shown(model, ids)
        return shown | self._shown(model, [number for number in ids if number not in shown])

    def _shown(self, model: str, ids: Sequence[int]) -> frozenset[int]:
        asked = (self.ask(model, "search", domain=[["id", "in", list(some)]], active_test=False)
                 for some in chunks(ids))  # fmt: skip
        return frozenset(number for numbers in asked for number in numbers).intersection(ids)

    def fields_get(
        self, model: str, names: Sequence[str] = (), attributes: Sequence[str] = ("type",)
    ) -> dict[str, dict[str, Any]]:
        """The fields of a model that this user may see: those of ``names`` that there are, or all.

        What every search asks of all its fields is asked once.
        """
        if names and set(attributes) <= set(_KNOWN):
            return _pick(self._all_fields(model), names, attributes)
        chosen = {"allfields": list(names)} if names else {}

        def ask() -> dict[str, dict[str, Any]]:
            fields: dict[str, dict[str, Any]] = self.ask(
                model, "fields_get", attributes=list(attributes), active_test=False, **chosen
            )
            require_fields(model, fields, attributes)
            return fields

        return _again(ask)

    def _all_fields(self, model: str) -> Mapping[str, Mapping[str, object]]:
        if model not in self._fields:
            self._fields[model] = self.fields_get(model, (), _KNOWN)
        return self._fields[model]

    def _promised(self, model: str) -> Mapping[str, Promise]:
        if model not in self._promises:
            self._promises[model] = promises_of(self._all_fields(model))
        return self._promises[model]

    # --- the company ---------------------------------------------------------------------------------------------

    def _within(self, model: str, domain: Domain) -> list[Any]:
        if model not in self._owners:
            self._owners[model] = tuple(self._usable(model))
        return [*self._owners[model], *domain]

    def _usable(self, model: str) -> Domain:
        """The domain of what the company may use. Its parents' records too: a branch has their taxes and journals."""
        if model == "res.company":
            return [["id", "=", self.company_id]]
        fields = self._all_fields(model)
        for name in ("company_ids", "company_id"):
            field = fields.get(name, {})
            if field and field.get("searchable", True):
                mine = [[name, "parent_of", [self.company_id]]]
                return mine if field.get("required") else ["|", [name, "=", False], *mine]
        return []


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Parts of ``items`` that are small enough for one call."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _pick(
    known: Mapping[str, Mapping[str, object]], names: Sequence[str], attributes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Those of these fields that there are, with these attributes."""
    return {
        name: {attribute: known[name][attribute] for attribute in attributes if attribute in known[name]}
        for name in names
        if name in known
    }


def _again(ask: Callable[[], T]) -> T:
    """The answer, also where it cannot be read at first."""
    for _ in range(LEAST - 1):
        try:
            return ask()
        except AnswerUnreadable:
            continue
    return ask()


def _twice_if_empty(ask: Callable[[], list[T]]) -> list[T]:
    """That there is nothing is believed when Odoo says it twice in a row."""
    return ask() or ask()


def _is_number(answer: Any) -> bool:
    return isinstance(answer, int) and not isinstance(answer, bool)


def _is_ids(answer: Any) -> bool:
    return isinstance(answer, list) and all(map(is_id, answer))


def _is_dict(answer: Any) -> bool:
    return isinstance(answer, dict)


def _is_dicts(answer: Any) -> bool:
    return isinstance(answer, list) and all(map(_is_dict, answer))


def is_done(method: str, answer: Any) -> bool:
    """Whether this is how Odoo says that a record was written or deleted. Other methods have no shape of their own."""
    return answer is True or method not in ("write", "unlink")


SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "read": _is_dicts,
    "search_read": _is_dicts,
    "search": _is_ids,
    "search_count": _is_number,
    "fields_get": _is_dict,
    "context_get": lambda answer: _is_dict(answer) and _is_number(answer.get("uid")),
    "has_access": lambda answer: isinstance(answer, bool),
    "fusion_rerun": lambda answer: isinstance(answer, list | dict),  # what is in it, its reader judges
}


def _named(answer: Any) -> str:
    """What came instead, in a word: its content may be long, or secret."""
    words = {type(None): "null", str: "a text", list: "a list of something else", dict: "an object"}
    return words.get(type(answer), type(answer).__name__)
