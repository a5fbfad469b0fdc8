"""What goes wrong outside: one line that names the place and the remedy, exit code 1, nothing half-written."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lago2odoo.sandbox import odoo as embedded_odoo
from tests.cli.conftest import LAGO_KEY, ODOO_KEY, Project, Result
from tests.cli.test_journey import everything


def one_line(result: Result, *parts: str) -> None:
    """Exit code 1; the last line of the talk names all parts; no secret anywhere."""
    assert result.code == 1, result.out + result.err
    message = result.err.strip().splitlines()[-1]
    assert message.startswith("lago2odoo: ")
    assert [p for p in parts if p not in message] == [], message
    assert "Traceback" not in result.err
    assert LAGO_KEY not in result.err + result.out
    assert ODOO_KEY not in result.err + result.out


@pytest.fixture
def nobody() -> str:
    """A URL where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def answering() -> Iterator[Callable[[bytes, str], str]]:
    """A server that answers everything with the same body."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes, kind: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def url(project: Project, section: str) -> str:
    text = project.config.read_text("utf-8").split(f"[{section}]")[1]
    return text.split('url = "')[1].split('"')[0]


def test_the_key_of_lago_is_wrong(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGO_API_KEY", "wrong-key")
    result = project.run("extract")
    one_line(result, "401")
    assert "wrong-key" not in result.err


def test_lago_answers_html(project: Project, answering: Callable[[bytes, str], str]) -> None:
    project.replace(url(project, "lago"), answering(b"<html>Welcome</html>", "text/html"))
    one_line(project.run("extract"), "text/html", "check the base URL")


def test_the_key_of_odoo_is_wrong(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("extract")
    monkeypatch.setenv("ODOO_KEY", "wrong-key")
    result = project.run("preview")
    one_line(result, "key")
    assert "wrong-key" not in result.err


def test_the_database_of_odoo_does_not_exist(project: Project) -> None:
    project.run("extract")
    project.replace(f'database = "{embedded_odoo.DEFAULT_DATABASE}"', 'database = "nowhere"')
    one_line(project.run("preview"), "nowhere")


def test_nobody_answers_for_odoo(project: Project, nobody: str) -> None:
    project.run("extract")
    project.replace(url(project, "odoo"), nobody)
    one_line(project.run("preview"), nobody.removeprefix("http://"))


def test_a_recording_lacks_a_file(project: Project, recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(recording, broken)
    (broken / "fees.jsonl").unlink()
    one_line(project.run("extract", "--recording", str(broken)), "fees")


def test_a_recording_lacks_a_page(project: Project, recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(recording, broken)
    lines = (broken / "events.jsonl").read_text("utf-8").splitlines()
    assert len(lines) > 2
    (broken / "events.jsonl").write_text("\n".join([lines[0], *lines[2:]]), "utf-8")
    one_line(project.run("extract", "--recording", str(broken)), "events", "2")


def test_nothing_is_extracted_yet(project: Project) -> None:
    one_line(project.run("preview"), "lago2odoo extract")
    one_line(project.run("reconcile", "--period", "2026-07"), "lago2odoo extract")
    assert project.run("status").code == 0


def test_a_table_names_a_tax_that_odoo_lacks(project: Project, tmp_path: Path) -> None:
    project.run("extract")
    before = everything(tmp_path / "odoo.db")
    table = '[[taxes]]\ncodes = ["hst_on"]\nodoo = "account.{company}_tax_of_nowhere"\n'
    others = [["gst"], ["gst", "qst"], ["gst", "pst_bc"], ["hst_nb"], ["hst_ns"], ["zero_export"]]
    table += "".join(
        f'[[taxes]]\ncodes = {json.dumps(c)}\nodoo = "account.{{company}}_gst_sale_tax_5"\n' for c in others
    )
    (tmp_path / "tables.toml").write_text(table, "utf-8")
    project.replace("[mapping]\n", '[mapping]\ntables = "tables.toml"\n')
    one_line(project.run("apply"), "account.1_tax_of_nowhere")
    assert everything(tmp_path / "odoo.db") == before


def test_a_table_with_a_mistake_is_named_with_its_line(project: Project, tmp_path: Path) -> None:
    (tmp_path / "tables.toml").write_text('[[taxes]]\ncode = ["hst_on"]\n', "utf-8")
    project.replace("[mapping]\n", '[mapping]\ntables = "tables.toml"\n')
    project.run("extract")
    one_line(project.run("preview"), "tables.toml:2")


def test_a_canadian_customer_without_a_province_is_not_moved(project: Project, recording: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(recording, broken)
    for path in broken.glob("*.jsonl"):
        path.write_text(path.read_text("utf-8").replace('"state":"ON"', '"state":null'), "utf-8")
    assert project.run("extract", "--recording", str(broken)).code == 0
    shown = project.run("preview")
    assert shown.code == 1
    assert "customer_without_province" in shown.out


def test_a_month_without_invoices(project: Project) -> None:
    project.run("extract")
    one_line(project.run("reconcile", "--control", "--period", "2019-01"), "2019-01", "lago2odoo status")


def test_a_report_before_anything_is_reconciled(project: Project) -> None:
    one_line(project.run("report"), "lago2odoo reconcile")
    one_line(project.run("report", "--period", "2026-07"), "lago2odoo reconcile")


def test_a_damaged_result_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "2026-07.json").write_text('{"schema":', "utf-8")
    one_line(project.run("report"), "2026-07.json")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte; enlarge it with ``mount -o remount,size=...``."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_the_disk_is_full_then_larger(project: Project, small_disk: Path) -> None:
    config = small_disk / "lago2odoo.toml"
    shutil.copy(project.config, config)
    one_line(Project(small_disk).run("extract"), "disk")
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    done = Project(small_disk).run("extract")
    assert done.code == 0, done.err
    assert '"invoices"' in Project(small_disk).run("status", "--format", "json").out


def test_a_preview_cannot_be_saved(project: Project) -> None:
    project.run("extract")
    one_line(project.run("preview", "--out", "/dev/full/changes.json"), "/dev/full/changes.json")


def test_the_state_belongs_to_something_else(project: Project, tmp_path: Path) -> None:
    (tmp_path / ".lago2odoo").mkdir()
    (tmp_path / ".lago2odoo" / "state.db").write_bytes(b"this is no database" * 100)
    one_line(project.run("extract"), "state.db")


@pytest.mark.parametrize(
    "month",
    [
        "July",
        "0000-01",
        "1899-12",
        "2200-01",
        "2026-13",
        "\uff12\uff10\uff12\uff16-07",
        "2026-\u0660\u0667",
        "\u00b2026-07",
    ],
)
def test_a_command_line_with_a_mistake(project: Project, month: str) -> None:
    for command in ("reconcile", "report"):
        result = project.run(command, "--period", month)
        assert (result.code, "is not a month; write it like 2026-07" in result.err) == (1, True)
        assert "Traceback" not in result.err
