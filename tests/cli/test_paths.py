"""Paths in the configuration that lead nowhere, or to what is no file: one line with the key, whatever is wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lago2odoo.cli.context import open_context
from mappings.errors import Lago2OdooError
from mappings.tables import TableError
from mappings.tables import parse as parse_tables
from mappings.toml import NotTomlError, read_toml
from migrate.config import load
from migrate.config_checks import problem_of
from migrate.errors import ConfigError
from migrate.state.event_files import check_event_files
from migrate.state.records import EventFile
from reconcile.compare.waivers import parse as parse_waivers

KEYS = (
    "lago.recording",
    "lago.api_key_file",
    "lago.write_key_file",
    "odoo.key_file",
    "store.url",
    "store.events",
    "mapping.tables",
    "reconcile.waivers",
    "stripe.key_file",
)


def through_a_file(folder: Path) -> str:
    (folder / "plain").write_text("x")
    return "plain/below"


def circle(folder: Path) -> str:
    (folder / "circle").symlink_to(folder / "circle")
    return "circle"


def pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return "pipe"


WRONG: dict[str, tuple[Callable[[Path], str], str]] = {
    "long": (lambda folder: "y" * 300, "longer than a file's may be"),
    "long on the way": (lambda folder: f"{'y' * 300}/x", "longer than a file's may be"),
    "through a file": (through_a_file, "is a file, not a folder"),
    "circle": (circle, "in a circle"),
    "pipe": (pipe, "neither a file nor a folder"),
    "device": (lambda folder: "/dev/zero", "neither a file nor a folder"),
}


def written(folder: Path, key: str, value: str) -> Path:
    section, _, name = key.partition(".")
    path = folder / "lago2odoo.toml"
    path.write_text(f'[{section}]\n{name} = "{value}"\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_path_that_cannot_be_followed_is_one_line_with_its_key(tmp_path: Path, key: str, wrong: str) -> None:
    make, why = WRONG[wrong]
    value = make(tmp_path)
    value = f"sqlite:///{value}" if key == "store.url" else value
    with pytest.raises(ConfigError, match=rf"toml:2: {key} names .*{why}") as error:
        load(written(tmp_path, key, value))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("lago.recording", "store.events")])
def test_a_folder_where_a_file_belongs_is_named(tmp_path: Path, key: str) -> None:
    (tmp_path / "folder").mkdir()
    value = "sqlite:///folder" if key == "store.url" else "folder"
    with pytest.raises(ConfigError, match=key):
        load(written(tmp_path, key, value))


@pytest.mark.parametrize("value", ["/", ".", "plain"])
def test_a_recording_that_is_none_is_named_by_every_command(tmp_path: Path, value: str) -> None:
    (tmp_path / "plain").write_text("no archive")
    with pytest.raises(ConfigError, match=r"lago\.recording names .*, which is no"):
        load(written(tmp_path, "lago.recording", value))


def test_a_file_where_the_events_belong_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with pytest.raises(ConfigError, match=r"store\.events names .* must be a folder"):
        load(written(tmp_path, "store.events", "plain"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(ConfigError, match="may not look there"):
        load(written(tmp_path, "odoo.key_file", "shut/key"))


def test_a_configuration_that_is_a_pipe_or_too_large_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        load(tmp_path / "pipe.toml")
    large = tmp_path / "large.toml"
    large.write_text("#" * 5_000_001)
    with pytest.raises(ConfigError, match="more than 5,000,000 bytes"):
        load(large)


@pytest.mark.parametrize("key", ["mapping.tables", "reconcile.waivers"])
def test_tables_and_waivers_that_are_too_large_are_not_read(tmp_path: Path, key: str) -> None:
    (tmp_path / "large.toml").write_text("#" * 5_000_001)
    with (
        pytest.raises(Lago2OdooError, match="more than 5,000,000 bytes"),
        open_context(written(tmp_path, key, "large.toml")),
    ):
        pass


def test_a_pipe_among_the_files_of_events_is_named_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "month=2026-07").mkdir()
    os.mkfifo(tmp_path / "month=2026-07" / "events.parquet")
    file = EventFile(path="month=2026-07/events.parquet", events=2, sha256="0" * 64)
    with pytest.raises(Lago2OdooError, match=r"cannot be read \(it is neither a file nor a folder"):
        check_event_files([file], tmp_path)


def test_many_names_are_read_in_the_time_of_their_number() -> None:
    """The clock of the processor: each of these took minutes when every name was held against all before it."""
    began = time.process_time()
    assert not problem_of("waive.skipped", tuple(f"name-{number}" for number in range(200_000)))
    partners = "\n".join(f'"customer-{number}" = {number + 1}' for number in range(20_000))
    assert len(parse_tables(f"[partners]\n{partners}\n", "tables.toml", None).partners) == 20_000
    waiver = 'rule = "r"\ncustomer = "c-{}"\nreason = "x"\nauthor = "a@b.c"\napprover = "d@e.f"\nexpires = 2026-09-30\n'
    waivers = "".join(f"[[waiver]]\n{waiver.format(number)}" for number in range(10_000))
    assert len(parse_waivers(waivers, "waivers.toml", ["r"])) == 10_000
    assert time.process_time() - began < 30


def test_twice_is_still_twice() -> None:
    assert problem_of("waive.skipped", ("a", "b", "a")) == "holds 'a' twice: take one away"


def test_many_wrong_keys_are_told_up_to_a_number(tmp_path: Path) -> None:
    path = tmp_path / "lago2odoo.toml"
    path.write_text("".join(f"zz{number} = 1\n" for number in range(20_000)))
    began = time.process_time()
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).count("unknown key") == 20
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000 + "b = 1",
        "[" + "a." * 50_000 + "b]",
        "x = {" + "'a' . " * 50_000 + "b = 1}",
        'y = 1\n  "a"' + ".a" * 50_000 + " = 1",
        '"a\\"b"' + '."a\\"b"' * 50_000 + " = 1",
    ],
)
def test_a_key_of_very_many_parts_is_refused_before_it_is_read(text: str) -> None:
    began = time.process_time()
    with pytest.raises(NotTomlError, match="more than 64 parts"):
        read_toml(text)
    assert time.process_time() - began < 5


def test_dots_in_values_are_no_parts_of_a_key() -> None:
    dotted = "a." * 200 + "b"
    text = f'x = ["{dotted}", \'{dotted}\']\ny = "{dotted} = 1" # {dotted} = 1\n{"a." * 60}b = 1\n'
    assert read_toml(text)["x"] == [dotted, dotted]


@pytest.mark.parametrize("rate", ["1e999", "-1", "nan", "inf", "1000.01", "1e-999"])
def test_a_rate_that_no_tax_has_is_refused_used_or_not(rate: str) -> None:
    text = f'[[taxes]]\ncodes = ["x"]\nodoo = "account.1_tax"\nrate = {rate}\n'
    if rate == "1e-999":  # small, and a number
        assert parse_tables(text, "tables.toml", None).taxes
        return
    with pytest.raises(TableError, match=r"tables\.toml:4: taxes\.rate must be a rate in percent"):
        parse_tables(text, "tables.toml", None)
