"""Reports, packs, keys and saved previews that are no files (a pipe, a device, a folder): named, never waited for.

A pipe that nobody writes to is never read to its end, so that a command would stand for ever.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from lago2odoo.cli.files import write_whole
from mappings.errors import Lago2OdooError
from reports import pseudonym_key, stored
from reports.evidence import ageing, project_chain
from reports.evidence.chain import CHAIN, read_chain
from reports.evidence.checking import check
from reports.evidence.durable import write_durably
from reports.evidence.signatures import signatures_of
from reports.evidence.signers import read_trust
from tests.cli.conftest import command

SECONDS = 2  # after which a command counts as one that waits for ever
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError("it waits for what never comes")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> Path:
    os.mkfifo(path, 0o600)
    return path


def device(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a report": ("2026-07.json", stored.read),
    "the chain": (CHAIN, read_chain),
    "the history": (ageing.FILE, lambda path: ageing.read(path.parents[1])),
    "a pack": ("2026-07.zip", lambda path: check([path])),
    "the signers": ("signers", read_trust),
    "a key of pseudonyms": ("key", pseudonym_key.load_key),
    "a pack that is to be continued": (CHAIN, lambda path: project_chain._read(path)),
}


@pytest.mark.parametrize("make", [pipe, device, folder])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_one_line(tmp_path: Path, reader: str, make: Callable[[Path], Path]) -> None:
    name, read = READERS[reader]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    path = make(tmp_path / name)
    with pytest.raises(Lago2OdooError, match=r"(neither a file nor a folder|it is a folder|others can read)") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [pipe, device, folder])
def test_a_signature_that_is_no_file_is_a_flaw_of_it(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    pack = tmp_path / "2026-07.zip"
    for role in ("preparer", "reviewer"):
        make(tmp_path / f"{pack.name}.{role}.sig")
    assert [bool(s.flaw) for s in signatures_of(pack, b"", {}, None, {})] == [True, True]


@pytest.mark.parametrize("make", [pipe, device, folder])
@pytest.mark.parametrize(
    "arguments",
    [
        ("apply", "--changes", "{}"),
        ("report", "verify", "{}"),
        ("report", "countersign", "--as", "reviewer", "--key", "{}", "{}"),
    ],
)
def test_a_file_given_to_a_command(tmp_path: Path, arguments: tuple[str, ...], make: Callable[[Path], Path]) -> None:
    path = make(tmp_path / "given")
    said = command(*(each.format(path) for each in arguments))
    assert said.code != 0
    assert said.err.startswith("lago2odoo: ") or said.err.startswith("Usage: ")
    assert "Traceback" not in said.err


@pytest.mark.parametrize("make", [pipe, device, folder])
def test_nothing_is_written_into_what_is_no_file(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(OSError, match="folder"):
        write_durably(make(tmp_path / "durable"), b"x", "ab")
    make(tmp_path / ".partial-report.json")
    with pytest.raises(Lago2OdooError, match=r"cannot be written: .*folder"):
        write_whole(tmp_path / "report.json", lambda path: path.write_text("x"), "report")


# What is no path of anybody's: files of our own package, and those that the same command has just written.
OWN = {
    "lago2odoo/cli/inputs.py": 1,
    "lago2odoo/cli/demo.py": 1,
    "reports/json.py": 1,
    "reports/html.py": 1,
    "reports/paths.py": 2,
    "migrate/lago/read_events.py": 1,
    "migrate/lago/usage_gaps.py": 1,
    "migrate/lago/read_resources.py": 1,
    "migrate/shipped_tables.py": 1,
}


def test_no_path_is_read_but_through_the_one_door() -> None:
    reading = re.compile(r"\.read_bytes\(|\.read_text\(|\.open\(\"rb\"\)")
    found = {
        str(path.relative_to(ROOT)): number
        for package in ("mappings", "reports", "migrate", "reconcile", "lago2odoo/cli")
        for path in (ROOT / package).rglob("*.py")
        if (number := len(reading.findall(path.read_text(encoding="utf-8"))))
    }
    assert found == OWN
