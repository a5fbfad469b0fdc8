"""The configuration file, checked: the only reader of the environment.

A key that is unknown or has the wrong type is refused with its file, line and the nearest known name. Secrets are
never in the file: it names an environment variable or a file that holds them.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from migrate.errors import ConfigError

DEFAULT_FILE = Path("lago2odoo.toml")

T = TypeVar("T")

_NAMES: dict[type[Any], str] = {
    str: "text in quotes",
    int: "a whole number",
    bool: "true or false",
    date: "a date like 2026-07-01",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LagoConfig:
    """Where Lago is. ``recording`` reads a recorded directory or archive instead of a server."""

    url: str | None = None
    api_key_env: str = "LAGO_API_KEY"
    api_key_file: str | None = None
    recording: str | None = None
    requests_per_second: int = 40
    connections: int = 4
    timeout: int = 30  # seconds a single request may take


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooConfig:
    """Where Odoo is. ``transport``: ``odoorpc`` (JSON-RPC) or ``json2`` (bearer key)."""

    url: str | None = None
    database: str | None = None
    user: str = "admin"
    key_env: str = "ODOO_KEY"
    key_file: str | None = None
    transport: str = "json2"
    timeout: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """The tool's own state: an SQLAlchemy URL, and the folder of the usage events (Parquet)."""

    url: str = "sqlite:///.lago2odoo/state.db"
    events: str = ".lago2odoo/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig:
    """``usage_since``: load usage events from this day on (default: those of the periods still open)."""

    tables: str | None = None
    usage_since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortConfig:
    """A named set of customers: listed by external id, or everyone who holds one of the plans (``*`` matches any)."""

    customers: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiveConfig:
    """Reasons of skipped records that someone has looked at and accepts, by their names."""

    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileConfig:
    """Declared before the run, in minor units of the invoice's currency; ``waivers`` is a reviewed file."""

    tolerance_cents: int = 0
    materiality_cents: int = 0
    waivers: str | None = None
    keep_shadow_invoices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    language: str = "en_CA"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeConfig:
    """Read-only key with which the tool proves that both sides use one Stripe account."""

    key_env: str = "STRIPE_KEY"
    key_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole file. Relative paths count from the folder of the file."""

    lago: LagoConfig = field(default_factory=LagoConfig)
    odoo: OdooConfig = field(default_factory=OdooConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    mapping: MappingConfig = field(default_factory=MappingConfig)
    cohorts: Mapping[str, CohortConfig] = field(default_factory=dict)
    waive: WaiveConfig = field(default_factory=WaiveConfig)
    reconcile: ReconcileConfig = field(default_factory=ReconcileConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    stripe: StripeConfig = field(default_factory=StripeConfig)
    folder: Path = Path()  # set by load(); not a key of the file

    def path(self, name: str) -> Path:
        """A path of the file, made absolute against the file's folder."""
        return (self.folder / name).absolute()

    def cohort(self, name: str) -> CohortConfig:
        """The cohort of that name; an unknown one is refused with those that exist."""
        if name not in self.cohorts:
            known = ", ".join(sorted(self.cohorts)) or "none is defined"
            raise ConfigError(f"no cohort {name!r} in the configuration ({known}): add [cohorts.{name}]")
        return self.cohorts[name]


def load(path: Path) -> Config:
    """Read and check ``path``. A missing or wrong file is a ``ConfigError`` that says what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; 'lago2odoo init' writes one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Check the text of a configuration file that stands (or would stand) at ``path``."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    reader = _Reader(path, text)
    known = {f.name for f in fields(Config)} - {"folder"}
    reader.refuse_unknown(raw, known, "")
    hints = get_type_hints(Config)
    return Config(folder=path.absolute().parent, **{key: reader.value(hints[key], raw[key], key) for key in raw})


def secret(env: str, file: str | None, folder: Path, purpose: str) -> str:
    """The secret of a file, or of an environment variable; its value appears nowhere else."""
    if file is not None:
        try:
            return (folder / file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{file}: the {purpose} cannot be read: {error.strerror}") from None
    value = os.environ.get(env, "").strip()
    if not value:
        raise ConfigError(f"the {purpose} is missing: set the environment variable {env}")
    return value


def environment() -> dict[str, str]:
    """A copy of the environment, to start our own programs with."""
    return dict(os.environ)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns parsed TOML into the dataclasses, and knows where a key stands in the file."""

    path: Path
    text: str

    def refuse_unknown(self, raw: Mapping[str, Any], known: set[str], prefix: str) -> None:
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                advice = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
                raise ConfigError(f"{self.place(prefix + key)}: unknown key {prefix + key!r}; {advice}")

    def value(self, hint: Any, raw: Any, key: str) -> Any:
        if is_dataclass(hint):
            return self.section(hint, raw, key)
        origin = get_origin(hint)
        if origin in (Union, types.UnionType):
            return self.value(next(a for a in get_args(hint) if a is not type(None)), raw, key)
        if origin is tuple:
            return tuple(self.scalar(str, item, key) for item in self.scalar(list, raw, key))
        if origin is Mapping:
            table = self.scalar(dict, raw, key)
            return {name: self.value(get_args(hint)[1], item, f"{key}.{name}") for name, item in table.items()}
        return self.scalar(hint, raw, key)

    def section(self, cls: Any, raw: Any, key: str) -> Any:
        table = self.scalar(dict, raw, key)
        hints = get_type_hints(cls)
        self.refuse_unknown(table, set(hints), f"{key}.")
        missing = [f.name for f in fields(cls) if _required(f) and f.name not in table]
        if missing:
            raise ConfigError(f"{self.place(key)}: {key}.{missing[0]} is missing")
        return cls(**{name: self.value(hints[name], item, f"{key}.{name}") for name, item in table.items()})

    def scalar(self, kind: type[T], raw: Any, key: str) -> T:
        if type(raw) is not kind:
            raise ConfigError(f"{self.place(key)}: {key} must be {_NAMES[kind]}, not {raw!r}")
        return raw

    def place(self, key: str) -> str:
        """``file:line`` of a dotted key: its last part, at or after the header of its table."""
        *tables, name = key.split(".")
        lines = self.text.splitlines()
        header = re.compile(rf"\s*\[+\s*{re.escape('.'.join(tables) or name)}\b")
        start = next((i for i, line in enumerate(lines) if header.match(line)), 0)
        assignment = re.compile(rf"\s*(\[+\s*)?(\S*\.)?[\"']?{re.escape(name)}[\"']?\s*(=|\])")
        found = next((i for i in range(start, len(lines)) if assignment.match(lines[i])), start)
        return f"{self.path}:{found + 1}"


def _required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


TEMPLATE = """\
# lago2odoo: where Lago is, where Odoo is, and what finance decided. Secrets are never in this file:
# it names environment variables (or files) that hold them.

[lago]
url = "https://api.getlago.com"     # or your own Lago; EU cloud: https://api.eu.getlago.com
api_key_env = "LAGO_API_KEY"        # the variable that holds the API key (or: api_key_file = "path")
requests_per_second = 40            # Lago's cloud allows 50
connections = 4
# recording = "recordings/acme"     # read a recorded directory instead of a server

[odoo]
url = "https://odoo.example.com"
database = "production"
user = "migration@example.com"      # JSON-RPC only; JSON-2 takes the user from the key
key_env = "ODOO_KEY"                # an API key of that user (or: key_file = "path")
transport = "json2"                 # json2 (bearer key) | odoorpc (JSON-RPC)

[store]
url = "sqlite:///.lago2odoo/state.db"   # or postgresql+psycopg://user@host/db
events = ".lago2odoo/events"            # usage events, Parquet

[mapping]
# tables = "tables.toml"            # finance's look-ups: taxes, services, accounts (default: the one shipped)
# usage_since = 2026-06-01          # load usage from this day on, to rerun past months in Odoo

[cohorts.nexacloud]                 # the pilot: everyone who holds one of these plans
plans = ["nexacloud_*"]

[waive]
skipped = []                        # reasons of skipped records that someone has looked at and accepts

[reconcile]
tolerance_cents = 0                 # a difference up to this counts as equal, and is printed as tolerated
materiality_cents = 100             # only for the order of the report: what is shown first
# waivers = "waivers.toml"

[report]
language = "en_CA"                  # en_CA | fr_CA

[stripe]
key_env = "STRIPE_KEY"              # a restricted, read-only key: proves that both sides use one account
"""
