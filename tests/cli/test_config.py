"""The configuration file: what is right is read, what is wrong is refused with its place."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from lago2odoo.cli.migration import note_unused
from migrate import config
from migrate.config_checks import CHECKS, LANGUAGES, TRANSPORTS, WAIVABLE
from migrate.config_template import TEMPLATE
from migrate.errors import ConfigError
from migrate.lago.recording import bundled
from migrate.odoo.connect import _TRANSPORTS
from reports.texts import LOCALES
from tests.cli.conftest import command

FILE = Path("acme/lago2odoo.toml")


def test_the_template_is_a_valid_configuration() -> None:
    read = config.parse(TEMPLATE, FILE)
    assert read.lago.url == "https://api.getlago.com"
    assert read.cohort("nexacloud").plans == ("nexacloud_*",)


def test_an_empty_file_has_all_defaults() -> None:
    assert config.parse("", FILE) == config.Config(folder=FILE.absolute().parent)


def test_values_arrive_with_their_types() -> None:
    read = config.parse("[mapping]\nusage_since = 2026-06-01\n[waive]\nskipped = ['a', 'b']", FILE)
    assert read.mapping.usage_since == date(2026, 6, 1)
    assert read.waive.skipped == ("a", "b")


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("[lago]\n\nurll = 'x'", ":3", "unknown key 'lago.urll'; did you mean 'url'?"),
        ("\n[lagoo]\nurl = 'x'", ":2", "unknown key 'lagoo'; did you mean 'lago'?"),
        ("[odoo]\nurl = 'http://x'\n[lago]\nconnections = 'four'", ":4", "lago.connections must be a whole number"),
        ("[lago]\nconnections = true", ":2", "must be a whole number, not True"),
        ("[reconcile]\nkeep_shadow_invoices = 1", ":2", "must be true or false"),
        ("[mapping]\nusage_since = '2026-06-01'", ":2", "must be a date like 2026-07-01"),
        ("[cohorts.pilot]\nplans = 'nexacloud_*'", ":2", "cohorts.pilot.plans must be a list"),
        ("[cohorts.pilot]\nplans = [1]", ":2", "must be text in quotes, not 1"),
        ("[cohorts.pilot]\nplan = ['x']", ":2", "did you mean 'plans'?"),
        ("store = 'x'", ":1", "store must be a table"),
        ("[lago", "", "not valid TOML"),
        (f"a = {'[' * 5000}{']' * 5000}", "", "not valid TOML: tables or lists are nested too deeply"),
        (f"a = {'9' * 5000}", "", "not valid TOML: an integer has more than the 64 bits"),
        (f"a.b = [1, 0x{'f' * 5000}]", "", "not valid TOML: an integer has more than the 64 bits"),
        ("a = -9223372036854775809", "", "not valid TOML: an integer has more than the 64 bits"),
        ("[lago]\nurl = 'https://x.example'\nrecording = 'r'", ":3", "lago.recording and lago.url are two sources"),
        ("[cohorts.pilot]\ncustomers = []", ":1", "cohorts.pilot names nobody: list customers or plans"),
        ("[cohorts]\n[cohorts.pilot]", ":2", "cohorts.pilot names nobody: list customers or plans"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FILE)
    assert str(caught.value).startswith(f"{FILE}{place}:")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[lago]\nconnections = 0", "lago.connections must be from 1 to 64, not 0"),
        ("[lago]\nrequests_per_second = -1", "lago.requests_per_second must be from 1 to 10,000"),
        ("[lago]\ntimeout = 0", "lago.timeout must be from 1"),
        ("[odoo]\ntimeout = 0", "odoo.timeout must be from 1"),
        ("[lago]\nurl = 'localhost:3000'", "lago.url must be an address like https://"),
        ("[lago]\nurl = 'https://a b.example'", "lago.url must be an address like https://"),
        ("[odoo]\nurl = 'ftp://odoo.example'", "odoo.url must be an address like https://"),
        ("[odoo]\nurl = 'https://odoo.example:99999'", "odoo.url must be an address like https://"),
        ("[odoo]\nurl = 'https://me:geheim@odoo.example'", "odoo.url must be an address without user, password"),
        ("[odoo]\nurl = 'https://odoo.example/?key=geheim'", "odoo.url must be an address without user, password"),
        ("[odoo]\nkey_env = 'geheim-5f3a/9'", "odoo.key_env must be the name of an environment variable"),
        ("[lago]\napi_key_env = ''", "lago.api_key_env must be the name of an environment variable"),
        ("[stripe]\nkey_env = 'rk_live_geheim 1'", "stripe.key_env must be the name of an environment variable"),
        ("[odoo]\ntransport = 'xmlrpc'", "odoo.transport must be one of json2, odoorpc, not 'xmlrpc'"),
        ("[odoo]\ndatabase = ' '", "odoo.database must not be empty"),
        ("[store]\nurl = 'mysql://me:geheim@host/db'", "store.url must be sqlite:///FILE or postgresql+psycopg://"),
        ("[store]\nurl = 'postgresql://'", "store.url must be sqlite:///FILE or postgresql+psycopg://"),
        ("[store]\nevents = ''", "store.events must not be empty"),
        ('[odoo]\nurl = "https://odoo.example/\\u0000"', "odoo.url must be an address like https://"),
        ('[odoo]\ndatabase = "a\\u0000"', "odoo.database must not hold control characters"),
        ('[store]\nurl = "sqlite:///a\\u0000"', "store.url must not hold control characters"),
        ("[mapping]\nusage_since = 0026-07-01", "mapping.usage_since must be a day of the years 2000 to 2199"),
        ("[mapping]\ntables = ''", "mapping.tables must not be empty"),
        ("[cohorts.pilot]\ncustomers = ['']", "cohorts.pilot.customers must not hold an empty text"),
        ("[waive]\nskipped = [' ']", "waive.skipped must not hold an empty text"),
        ("[waive]\nchecks = ['tax_splits']", "waive.checks may name currency_rounding, income_account_type, tax_split"),
        ("[reconcile]\ntolerance_cents = -1", "reconcile.tolerance_cents must be from 0"),
        ("[reconcile]\nmateriality_cents = 99_999_999_999", "reconcile.materiality_cents must be from 0"),
        ("[report]\nlanguage = 'de_DE'", "report.language must be one of en_CA, fr_CA, not 'de_DE'"),
    ],
)
def test_a_value_that_cannot_be_is_named_before_anything_runs(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FILE)
    told = str(caught.value)
    assert told.startswith(f"{FILE}:2: {says}")
    assert "geheim" not in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse("[lago]\nconnections = 0\nurll = 'x'\n[odoo]\ntimeout = 'x'\n[report]\nlanguage = 'x'", FILE)
    places = [part.split(": ")[0] for part in str(caught.value).split("; ") if part.startswith(str(FILE))]
    assert places == [f"{FILE}:{line}" for line in (2, 3, 5, 7)]


def test_every_key_has_a_check_or_cannot_be_wrong() -> None:
    keys = {
        f"{section.name}.{'*.' if section.name == 'cohorts' else ''}{key.name}"
        for section in fields(config.Config)
        if section.name != "folder"
        for key in fields(
            config.CohortConfig if section.name == "cohorts" else type(getattr(config.Config(), section.name))
        )
    }
    assert keys - CHECKS.keys() == {"reconcile.keep_shadow_invoices"}
    assert CHECKS.keys() <= keys


def test_what_may_be_chosen_is_what_there_is() -> None:
    assert LANGUAGES == LOCALES
    assert set(TRANSPORTS) == set(_TRANSPORTS)
    sources = "".join(path.read_text("utf-8") for path in (Path(config.__file__).parent / "odoo").glob("*.py"))
    assert all(f'"{name}"' in sources for name in WAIVABLE)


def test_a_waiver_that_nothing_has_is_told_and_what_was_meant() -> None:
    waived = {"invoice_not_finall", "plan_unknown", "coupon_unknown", "0cc4-gone"}
    assert [*note_unused(waived, {"invoice_not_final", "plan_unknown"}, "x.toml [waive]")] == [
        "x.toml [waive]: nothing is left out as 'invoice_not_finall'; did you mean 'invoice_not_final'?",
        "x.toml [waive]: nothing is left out as '0cc4-gone', 'coupon_unknown': take out what is not needed any more",
    ]


def test_of_many_waivers_that_nothing_has_ten_are_shown_and_the_others_counted() -> None:
    ids, misspelled = ({f"{number:05}{end}" for number in range(10_000)} for end in ("-dead", "-invoice_not_finall"))
    (hollow,) = note_unused(ids, {"plan_unknown"}, "x.toml [waive]")
    shown = ", ".join(repr(name) for name in sorted(ids)[:10])
    said = f"nothing is left out as {shown} and 9,990 more: take out what is not needed any more"
    assert hollow == f"x.toml [waive]: {said}"
    few = sorted(misspelled)[:12]
    lines = [*note_unused(few, {name[:-1] for name in few}, "x.toml [waive]")]
    assert (len(lines), lines[-1]) == (11, "x.toml [waive]: 2 more are called almost so")


@pytest.mark.parametrize(
    "line",
    ['[waive]\nskipped = ["a", "b", "a"]', '[waive]\ndrift = ["a", "a"]'],
)
def test_a_name_that_stands_there_twice_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ConfigError, match=r"x.toml:2: \S+ holds 'a' twice: take one away"):
        config.parse(line, Path("x.toml"))


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lago2odoo init"):
        config.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: is UTF-16: save it as UTF-8"):
        config.load(path)


def test_an_unknown_cohort_names_the_known_ones() -> None:
    read = config.parse("[cohorts.pilot]\nplans = ['a']\n[cohorts.rest]\nplans = ['b']", FILE)
    with pytest.raises(ConfigError, match=r"no cohort 'all'.*pilot, rest"):
        read.cohort("all")


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("from-file\n")
    monkeypatch.setenv("ACME_KEY", "from-env")
    assert config.secret("ACME_KEY", None, tmp_path, "Odoo key") == "from-env"
    assert config.secret("ACME_KEY", "key", tmp_path, "Odoo key") == "from-file"


def test_a_missing_secret_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_KEY", raising=False)
    with pytest.raises(ConfigError, match="Odoo key is missing: set the environment variable ACME_KEY"):
        config.secret("ACME_KEY", None, tmp_path, "Odoo key")
    with pytest.raises(ConfigError, match="nowhere: the Odoo key cannot be read"):
        config.secret("ACME_KEY", "nowhere", tmp_path, "Odoo key")


NAMED = (
    ("lago", "recording", "gone", "there is no such folder or archive"),
    ("lago", "api_key_file", "gone.key", "there is no such file"),
    ("lago", "write_key_file", "gone.key", "there is no such file"),
    ("odoo", "key_file", "gone.key", "there is no such file"),
    ("mapping", "tables", "gone.toml", "there is no such file"),
    ("reconcile", "waivers", "gone.toml", "there is no such file"),
)
READING = ("doctor", "extract", "preview", "apply", "status", "rollback", "adopt", "reconcile", "report")


@pytest.mark.parametrize(("section", "key", "name", "says"), NAMED)
def test_a_file_that_is_named_and_not_there_is_told(
    section: str, key: str, name: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "lago2odoo.toml"
    path.write_text(f"[{section}]\n{key} = '{name}'\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value) == f"{path}:2: {section}.{key} names {tmp_path / name}, and {says}"


def test_a_recording_may_be_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "lago2odoo.toml"
    path.write_text(f"[lago]\nrecording = '{bundled()}'\n", "utf-8")
    assert config.load(path).lago.recording == str(bundled())


def test_all_of_them_are_told_at_once_but_for_keys_of_people(tmp_path: Path) -> None:
    path = tmp_path / "lago2odoo.toml"
    text = "".join(
        f"[{section}]\n{key} = '{name}'\n" for section, key, name, _ in NAMED if section != "lago" or key == "recording"
    )
    path.write_text(f"{text}[evidence]\npreparer_key = 'not-here'\nreviewer_key = 'nor-here'\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).count("there is no such") == 4
    assert "evidence" not in str(caught.value)


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize(
    ("section", "key", "content", "says"),
    [
        (
            "mapping",
            "tables",
            f"a = {'[' * 5000}{']' * 5000}",
            "wrong.toml: not valid TOML: tables or lists are nested",
        ),
        ("mapping", "tables", "[taxess]", "wrong.toml:1: taxess is unknown"),
        ("reconcile", "waivers", f"a = {'9' * 5000}", "wrong.toml: not valid TOML: an integer has more than the 64"),
        ("reconcile", "waivers", "[[waiver]]\nrule = 'none'", "wrong.toml:"),
    ],
)
def test_every_command_reads_all_of_it(
    name: str, section: str, key: str, content: str, says: str, tmp_path: Path
) -> None:
    """Also what only another command needs: it is told before anything is begun, in one line."""
    (tmp_path / "wrong.toml").write_text(content, "utf-8")
    path = tmp_path / "lago2odoo.toml"
    path.write_text(f"[{section}]\n{key} = 'wrong.toml'\n", "utf-8")
    told = command(name, *(["--period", "2026-07"] if name == "reconcile" else []), "--config", str(path))
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.strip().splitlines()
    assert line.startswith("lago2odoo: ")
    assert says in line
    assert not (tmp_path / ".lago2odoo").exists()
