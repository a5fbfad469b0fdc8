"""Places that must not be written, as the system itself refuses them: one line with file and way out, nothing half.

Root may write whatever the rights of a file say, so a file that must not change (``chattr +i``) and a file system that
is mounted read-only stand for all of them.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from lago2odoo.cli.read_only import REMEDY, is_of_read_only
from mappings.errors import of_writing
from migrate.errors import OdooError, StoreError
from tests.cli.conftest import Project, Result, command
from tests.cli.test_at_once import MONTH, ROOT
from tests.reporting.test_evidence import Project as SignedProject

SIGN = ("report", "sign", *MONTH, "--preparer", "Ana", "--reviewer", "Bo", "--accept-open", "a test")
Refusing = Callable[[Path], AbstractContextManager[None]]


def _done(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def unchangeable(path: Path) -> Iterator[None]:
    if not _done("chattr", "+i", str(path)):
        pytest.skip("this machine or file system has no 'chattr +i'")
    try:
        yield
    finally:
        assert _done("chattr", "-i", str(path))


@contextmanager
def mounted(path: Path) -> Iterator[None]:
    """The folder as it is, on a file system that is read-only."""
    if not _done("mount", "--bind", str(path), str(path)):
        pytest.skip("this machine lets nobody mount")
    try:
        assert _done("mount", "-o", "remount,bind,ro", str(path))
        yield
    finally:
        assert _done("umount", str(path))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, but for those that SQLite makes and drops again, and locks that hold nothing."""
    passing = (".lock", "-wal", "-shm")
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(passing))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def require_one_line(result: Result, *said: str) -> None:
    last = result.err.strip().splitlines()[-1]
    assert result.code == 1, result.err
    assert last.startswith("lago2odoo: ")
    assert [text for text in said if text not in last] == []
    assert "Traceback" not in result.err


@pytest.fixture
def extracted(project: Project) -> Project:
    """In a folder of its own, beside Odoo's database, which goes on."""
    inner = Project(project.folder / "project")
    inner.folder.mkdir()
    project.config.rename(inner.config)
    assert inner.run("extract").code == 0
    return inner


STATE = ".lago2odoo/state.db"
WITH_STATE = [("status",), ("preview",), ("apply",), ("extract",), ("reconcile", "--control", *MONTH), ("adopt",),
              ("rollback", "--dry-run"), ("rollback",)]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "refusing"), [("", mounted), (STATE, unchangeable), (".lago2odoo", unchangeable), (".lago2odoo", mounted)]
)
def test_a_state_that_must_not_be_written_is_named_by_every_command(
    extracted: Project, place: str, refusing: Refusing
) -> None:
    """Also by those that only read: why they cannot, and the way out."""
    before = contents(extracted.folder)
    with refusing(extracted.folder / place):
        for words in WITH_STATE:
            named = f"state {extracted.folder / STATE}: "
            require_one_line(extracted.run(*words), named, "let whoever runs this write the file and its folder")
        doctor = extracted.run("doctor", "--state")
        assert (doctor.code, "let whoever runs this write the file" in doctor.out + doctor.err) == (1, True)
    assert contents(extracted.folder) == before
    assert extracted.run("status").code == 0


def test_events_that_must_not_be_written_end_an_extract_before_it_begins(extracted: Project) -> None:
    """The snapshot that is there stays good."""
    events = extracted.folder / ".lago2odoo" / "events"
    before = contents(extracted.folder)
    for refusing in (unchangeable, mounted):
        with refusing(events):
            require_one_line(extracted.run("extract"), f"events: {events} cannot be written", REMEDY)
            assert extracted.run("status").code == 0, "it is not unfinished"
    assert {name: data for name, data in contents(extracted.folder).items() if name != STATE} == {
        name: data for name, data in before.items() if name != STATE
    }


@pytest.mark.parametrize("refusing", [unchangeable, mounted])
def test_results_that_must_not_be_written_leave_no_half(extracted: Project, refusing: Refusing) -> None:
    folder = extracted.folder / "out"
    folder.mkdir()
    with refusing(folder):
        for words, name in (
            (("preview", "--out", str(folder / "saved.json")), "saved.json"),
            (("reconcile", "--control", *MONTH, "--out", str(folder)), "2026-07.control.json"),
            (("addon", "export", str(folder)), "fusion_billing"),
            (("init", "--config", str(folder / "new.toml")), "new.toml"),
        ):
            of_project = words[0] in ("preview", "reconcile")
            result = extracted.run(*words) if of_project else command(*words)
            require_one_line(result, f"{folder / name}", "cannot be written: ", REMEDY)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("what", ["evidence", "evidence/chain.jsonl"])
def test_a_pack_that_cannot_be_kept_is_none(tmp_path: Path, what: str) -> None:
    """Nor is one whose line of the chain cannot be added."""
    signed = SignedProject(tmp_path)
    project = Project(tmp_path)
    assert project.run(*SIGN).code == 0
    before = contents(tmp_path / "report")
    again = [word if word != "Bo" else "Cy" for word in SIGN]
    place = signed.report.parent / what
    with unchangeable(place):
        require_one_line(project.run(*again), str(place), "cannot be written: ", REMEDY)
    assert contents(tmp_path / "report") == before
    assert project.run(*again).code == 0
    assert command("report", "verify", *map(str, sorted((tmp_path / "report/evidence").glob("*.zip")))).code == 0


@pytest.mark.parametrize("words", [("status",), ("status", "--format", "json"), ("preview",)])
def test_a_stdout_without_room_is_one_line(extracted: Project, words: tuple[str, ...]) -> None:
    """A process of its own: what is written at its end is written too."""
    program = "import sys; from lago2odoo.cli.main import main; main(sys.argv[1:])"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, *words, "--config", str(extracted.config)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    require_one_line(Result(done.returncode, "", done.stderr), "no space left on the disk")


def test_a_result_for_a_device_is_one_line(extracted: Project) -> None:
    require_one_line(extracted.run("preview", "--out", "/dev/full"), "/dev/full", "neither a file nor a folder")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EPERM, errno.EACCES])
def test_what_an_error_is_about_does_not_follow_from_its_words(number: int) -> None:
    """A name of somebody's may read like our sentences; and ours may be worded otherwise."""
    said = f"Odoo: 'the letter cannot be written: {os.strerror(number)}' is no name"
    assert not is_of_read_only(OdooError(said))
    assert is_of_read_only(of_writing(StoreError("otherwise worded"), number))
    assert not is_of_read_only(of_writing(StoreError("x: the report cannot be written: no such folder"), errno.ENOENT))
