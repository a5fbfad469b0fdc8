"""The configuration file, checked: the only reader of the environment.

A key that is unknown or has the wrong type is refused with its file, line and the nearest known name. Secrets are
never in the file: it names an environment variable or a file that holds them.
"""

from __future__ import annotations

import difflib
import os
import re
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mappings.errors import of_writing
from mappings.reasons import spell
from mappings.text import NotTextError, composed, decode_text
from mappings.toml import NotTomlError, read_toml
from mappings.toml_lines import TomlLines
from migrate.config_checks import LONGEST_SECRET, contradictions, problem_of, problem_of_secret
from migrate.config_files import missing_files
from migrate.config_template import TEMPLATE
from migrate.errors import ConfigError
from migrate.masking import KNOWN
from reports.paths import NotReadableError, read_file

DEFAULT_FILE = Path("lago2odoo.toml")
_TOLD = 20  # problems of one file at once

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
    write_key_env: str = "LAGO_WRITE_KEY"  # of a key that may write subscriptions; asked for by the cut-over alone
    write_key_file: str | None = None
    recording: str | None = None
    requests_per_second: int = 40
    connections: int = 4
    timeout: int = 30  # seconds a single request may take
    patience: int = 120  # seconds of a run for calls that Lago never answers; then each is tried twice only
    rules: str | None = None  # the version whose rules it bills by, of a build that calls itself otherwise


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
    """What someone has looked at and accepts, by name.

    Reasons or ids of skipped records, ``doctor``'s checks, and changes in Odoo, as ``status`` names them.
    """

    skipped: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def reasons(self) -> frozenset[str]:
        """The names as they stand, for they may be ids, and as reasons are spelled now: the file may hold old ones."""
        return frozenset((*self.skipped, *map(spell, self.skipped)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileConfig:
    """Declared before the run, in minor units of the invoice's currency; ``waivers`` is a reviewed file."""

    tolerance_cents: int = 0
    materiality_cents: int = 0
    waivers: str | None = None
    keep_shadow_invoices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    """The language of reports when none is asked for."""

    language: str = "en_CA"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceConfig:
    """With which keys people sign packs: files of OpenSSH private keys, each on the machine of its owner."""

    preparer_key: str | None = None
    preparer_passphrase_env: str = "LAGO2ODOO_PREPARER_PASSPHRASE"  # noqa: S105  (a variable's name)
    reviewer_key: str | None = None
    reviewer_passphrase_env: str = "LAGO2ODOO_REVIEWER_PASSPHRASE"  # noqa: S105  (a variable's name)

    def key_of(self, role: str) -> str | None:
        """The file of the preparer's or the reviewer's key."""
        return self.preparer_key if role == "preparer" else self.reviewer_key

    def passphrase_env_of(self, role: str) -> str:
        """The variable that holds the passphrase of that key."""
        return self.preparer_passphrase_env if role == "preparer" else self.reviewer_passphrase_env


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksConfig:
    """What Odoo's books hold of Lago's invoices: open ``balances``, or all of them (``ledger``); never both."""

    keep: str = "balances"


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
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    books: BooksConfig = field(default_factory=BooksConfig)
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
        text = composed(decode_text(read_file(path)))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; 'lago2odoo init' writes one") from None
    except NotTextError as error:
        raise ConfigError(f"{path}: {error}") from None
    except NotReadableError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    config = parse(text, path)
    place = _Reader(path, TomlLines(text)).place
    if problems := [f"{place(key)}: {key} {problem}" for key, problem in missing_files(config, config.path)]:
        raise ConfigError("; ".join(problems))
    return config


def parse(text: str, path: Path) -> Config:
    """Check the text of a configuration file that stands (or would stand) at ``path``."""
    try:
        raw = read_toml(text)
    except NotTomlError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    reader = _Reader(path, TomlLines(text))
    known = {f.name for f in fields(Config)} - {"folder"}
    sections = reader.each(raw, known, "", get_type_hints(Config))
    if not reader.problems:
        for key, problem in islice(contradictions(raw), _TOLD):
            reader.problems.append(f"{reader.place(key)}: {key} {problem}")
    if reader.problems:
        raise ConfigError("; ".join(reader.problems))
    return Config(folder=path.absolute().parent, **sections)


def write_template(path: Path) -> None:
    """A commented starting configuration at ``path``; an existing file is never touched."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError(f"{path}: exists already and stays as it is; name another with --config") from None
    except OSError as error:
        raise of_writing(ConfigError(f"{path}: cannot be written: {error.strerror}"), error.errno) from error


def secret(env: str, file: str | None, folder: Path, purpose: str) -> str:
    """The secret of a file, or of an environment variable, fit for a header; its value appears nowhere else."""
    value = passphrase(env, purpose) if file is None else _from_file(folder / file, purpose, file)
    if problem := problem_of_secret(value):
        where = f"set the environment variable {env}" if file is None else f"write it into {file}"
        raise ConfigError(f"the {purpose} cannot be used: {problem}; {where}")
    KNOWN.learn(value)
    return value


def passphrase(env: str, purpose: str) -> str:
    """What an environment variable holds, blanks and letters of any script too: no header has to carry it."""
    value = os.environ.get(env, "").strip()
    if not value:
        raise ConfigError(f"the {purpose} is missing: set the environment variable {env}")
    KNOWN.learn(value)
    return value


def signing_key_file(config: Config, role: str, given: Path | None) -> Path | None:
    """Where the private key of the preparer or the reviewer is: as given, or by the environment, or configured."""
    if given is not None:
        return given.expanduser()
    if from_environment := os.environ.get(f"LAGO2ODOO_{role.upper()}_KEY", "").strip():
        return Path(from_environment).expanduser()
    configured = config.evidence.key_of(role)
    return config.folder / Path(configured).expanduser() if configured else None


def _from_file(path: Path, purpose: str, file: str) -> str:
    try:
        value = decode_text(read_file(path, LONGEST_SECRET)).strip()
    except (FileNotFoundError, NotReadableError, NotTextError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"{path}: the {purpose} cannot be read: {said}") from None
    if not value:
        raise ConfigError(f"the {purpose} is missing: write it into {file}")
    return value


_CREDENTIALS = re.compile(r"(?<=://)\S*@")  # user:password@ in front of a host
_PARAMETER = re.compile(r"(?i)([?&;](?:password|passwd|pwd|user|token|secret|key|api_key|sslkey|sslpassword)=)[^&;#]*")


def without_secrets(config: Config) -> dict[str, Any]:
    """The configuration in force as JSON values, defaults included, without secrets and without its folder.

    Nor with the files of people's keys: those are of the machine on which somebody signs, and decide nothing.
    """
    return {name: _plain(value) for name, value in asdict(config).items() if name not in ("folder", "evidence")}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return _PARAMETER.sub(r"\1***", _CREDENTIALS.sub("***@", value))
    return value if value is None or isinstance(value, int) else str(value)


def environment() -> dict[str, str]:
    """A copy of the environment, to start our own programs with."""
    return dict(os.environ)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns parsed TOML into the dataclasses, and knows where a key stands in the file. Collects what is wrong."""

    path: Path
    lines: TomlLines
    problems: list[str] = field(default_factory=list)

    def each(self, raw: Mapping[str, Any], known: set[str], prefix: str, hints: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a table's keys: those that are right."""
        values = {}
        for name, item in raw.items():
            if len(self.problems) >= _TOLD:  # each is looked up in the file
                break
            key = prefix + name
            try:
                self.refuse_unknown(name, known, prefix)
                values[name] = self.value(hints[name], item, key)
            except ConfigError as error:
                self.problems.append(str(error))
                continue
            if problem := problem_of(key, values[name]):
                self.problems.append(f"{self.place(key)}: {key} {problem}")
        return values

    def refuse_unknown(self, key: str, known: set[str], prefix: str) -> None:
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
        values = self.each(table, set(hints), f"{key}.", hints)
        return cls(**values)

    def scalar(self, kind: type[T], raw: Any, key: str) -> T:
        if type(raw) is not kind:
            raise ConfigError(f"{self.place(key)}: {key} must be {_NAMES[kind]}, not {raw!r}")
        return raw

    def place(self, key: str) -> str:
        """``file:line`` of a dotted key."""
        return f"{self.path}:{self.lines.of(key)}"
