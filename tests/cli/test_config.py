"""The configuration file: what is right is read, what is wrong is refused with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from migrate import config
from migrate.errors import ConfigError

FILE = Path("acme/lago2odoo.toml")


def test_the_template_is_a_valid_configuration() -> None:
    read = config.parse(config.TEMPLATE, FILE)
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
        ("[odoo]\nurl = 'x'\n[lago]\nconnections = 'four'", ":4", "lago.connections must be a whole number"),
        ("[lago]\nconnections = true", ":2", "must be a whole number, not True"),
        ("[reconcile]\nkeep_shadow_invoices = 1", ":2", "must be true or false"),
        ("[mapping]\nusage_since = '2026-06-01'", ":2", "must be a date like 2026-07-01"),
        ("[cohorts.pilot]\nplans = 'nexacloud_*'", ":2", "cohorts.pilot.plans must be a list"),
        ("[cohorts.pilot]\nplans = [1]", ":2", "must be text in quotes, not 1"),
        ("[cohorts.pilot]\nplan = ['x']", ":2", "did you mean 'plans'?"),
        ("store = 'x'", ":1", "store must be a table"),
        ("[lago", "", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FILE)
    assert str(caught.value).startswith(f"{FILE}{place}:")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lago2odoo init"):
        config.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: cannot be read"):
        config.load(path)


def test_an_unknown_cohort_names_the_known_ones() -> None:
    read = config.parse("[cohorts.pilot]\n[cohorts.rest]", FILE)
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
