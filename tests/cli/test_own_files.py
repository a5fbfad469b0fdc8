"""What is written may hit nothing that the project lives on, and waits for no pipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lago2odoo.shipped_addon import copy_to
from mappings.errors import Lago2OdooError
from reports.paths import held_alone
from reports.pseudonym_key import load_key
from tests.cli.conftest import Project, command

CONFIG = """[lago]
url = "http://127.0.0.1:9"
api_key_file = "lago.key"
[odoo]
url = "http://127.0.0.1:9"
database = "o"
key_file = "odoo.key"
[mapping]
tables = "tables.toml"
[reconcile]
waivers = "waivers.toml"
"""
SIGN = ("report", "sign", "--period", "2026-07", "--reviewer", "R", "--preparer", "P")


@pytest.fixture
def settled(tmp_path: Path) -> Project:
    """A project whose files are all there; none of its commands comes as far as a server."""
    project = Project(tmp_path)
    project.config.write_text(CONFIG, encoding="utf-8")
    for name in ("lago.key", "odoo.key", "tables.toml", "waivers.toml"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / ".lago2odoo" / "events" / "2026-07").mkdir(parents=True)
    (tmp_path / ".lago2odoo" / "state.db").write_bytes(b"")
    return project


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (".lago2odoo/state.db", "state"),
        (".lago2odoo/state.db-wal", "state"),
        ("lago2odoo.toml", "configuration"),
        ("./x/../lago2odoo.toml", "configuration"),
        ("link", "configuration"),
        (".lago2odoo/events/2026-07/events.parquet", "usage"),
        ("tables.toml", "mapping tables"),
        ("waivers.toml", "waivers"),
        ("lago.key", "key"),
    ],
)
@pytest.mark.parametrize("asked", [("preview",), SIGN])
def test_no_result_is_written_over_the_projects_own_files(
    settled: Project, name: str, what: str, asked: tuple[str, ...]
) -> None:
    (settled.folder / "x").mkdir()
    (settled.folder / "link").symlink_to(settled.config)
    before = {path: path.read_bytes() for path in settled.folder.rglob("*") if path.is_file()}
    result = settled.run(*asked, "--out", str(settled.folder / name))
    assert result.code == 1
    assert f"that is the project's {what}; name another file" in result.err
    assert {path: path.read_bytes() for path in settled.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("name", "refused"), [("preview.json", False), ("events.jsonl", True), ("organizations.jsonl", True)]
)
def test_of_a_recording_only_its_files_are_the_projects(settled: Project, name: str, refused: bool) -> None:
    """The project may stand in the recording's folder."""
    text = CONFIG.replace('url = "http://127.0.0.1:9"\napi_key_file = "lago.key"', 'recording = "."', 1)
    settled.config.write_text(text, encoding="utf-8")
    (settled.folder / "organizations.jsonl").touch()
    result = settled.run("preview", "--out", str(settled.folder / name))
    assert result.code != 0  # there is no Odoo
    assert ("that is the project's recording" in result.err) is refused


@pytest.mark.parametrize("asked", [("preview", "--out", ""), ("reconcile", "--period", "all", "--out", "")])
def test_an_empty_path_is_none(settled: Project, asked: tuple[str, ...]) -> None:
    result = settled.run(*asked)
    assert result.code != 0
    assert "is empty: name a file or a folder" in result.err
    assert "Traceback" not in result.err


def test_an_empty_folder_for_the_addon_is_none() -> None:
    assert "is empty" in command("addon", "export", "").err


def hold(path: Path) -> None:
    with held_alone(path):
        pass


WAITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "any file": ("file", lambda folder: hold(folder / "file")),
    "a key of pseudonyms": (".k.key.partial", lambda folder: load_key(folder / "k.key")),
    "a copy of the addon": (".fusion_billing.lock", copy_to),
}


@pytest.mark.parametrize("name", WAITERS)
def test_a_pipe_in_the_way_is_refused_at_once(tmp_path: Path, name: str) -> None:
    pipe, act = WAITERS[name]
    os.mkfifo(tmp_path / pipe)
    with pytest.raises((OSError, Lago2OdooError, ValueError)) as refused:
        act(tmp_path)
    assert "neither a file nor a folder" in str(refused.value)
