"""Secrets that are marked, every command on success and on failure, and a search through all that was said or written.

Failure: servers that quote back whatever they are sent, in every form that a person has seen a server do it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lago2odoo.cli import doctor as doctor_module
from lago2odoo.cli import main as cli
from lago2odoo.sandbox import lago as embedded_lago
from lago2odoo.sandbox import odoo as embedded_odoo
from migrate.config import secret
from migrate.errors import ConfigError
from migrate.lago.client import LagoPatience
from migrate.masking import MASK, Masked
from migrate.odoo.door import Patience
from migrate.stripe import StripeApi
from tests.cli.conftest import Project, Result, command

CANARIES = {
    "LAGO_API_KEY": "canary-lago-5f3a/9+b=",
    "ODOO_KEY": "canary-odoo-77c1/x+y=",
    "STRIPE_KEY": "rk_canary_stripe_0d9e8f",
}
USER, QUERY = "canary-dbuser-31ab", "canary-dbquery-62cd"
SECRETS = (*CANARIES.values(), USER, QUERY)

# Every command of the table, as it may be called; the rest says why it is not.
CALLS: dict[str, tuple[str, ...]] = {
    "doctor": (),
    "extract": (),
    "preview": ("--out", "preview.json"),
    "apply": (),
    "status": ("--format", "json"),
    "reconcile": ("--period", "2026-08"),
    "report": ("--period", "2026-08"),
    "report sign": ("--period", "2026-08", "--preparer", "Ann", "--reviewer", "Bea", "--accept-open", "known"),
    "cutover": ("--cohort", "all", "--check"),
    "adopt": (),
    "rollback": (),
}
WITHOUT_SECRETS = {
    "init": "writes a text that never changes",
    "report verify": "reads packs alone",
    "ledger": "is refused to who keeps balances, as this company does",
    "report countersign": "its passphrase and key: tests/reporting/test_signatures.py",
    "demo": "makes keys of its own, and hands them on by environment (test below)",
    "sandbox": "a group",
    "sandbox lago": "prints its address; the key is read as everywhere",
    "sandbox odoo": "prints its address; the key is read as everywhere",
    "addon": "a group",
    "addon export": "copies files",
}


def forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}


def leaks(where: str, text: str) -> list[tuple[str, str]]:
    return [(where, secret) for secret in SECRETS for form in forms(secret) if form in text]


def leaks_of(result: Result, what: str) -> list[tuple[str, str]]:
    return [*leaks(f"{what}: stdout", result.out), *leaks(f"{what}: stderr", result.err)]


def leaks_in(folder: Path, *, but: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """In files, in what is packed in them, and in the rows of the state."""
    found: list[tuple[str, str]] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in but):
        found += leaks(str(path.relative_to(folder)), path.read_bytes().decode("utf-8", "replace"))
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                members = {name: packed.read(name).decode("utf-8", "replace") for name in packed.namelist()}
            found += [leak for name, text in members.items() for leak in leaks(f"{path.name}/{name}", text)]
    for state in folder.glob(".lago2odoo/*.db"):
        with contextlib.closing(sqlite3.connect(state)) as db:
            found += leaks(state.name, "\n".join(db.iterdump()))
    return found


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)


def write_config(folder: Path, lago: str, odoo: str, state: str = "sqlite:///.lago2odoo/state.db") -> Project:
    project = Project(folder)
    project.config.write_text(
        f'[lago]\nurl = "{lago}"\nrequests_per_second = 5000\n'
        f'[odoo]\nurl = "{odoo}"\ndatabase = "{embedded_odoo.DEFAULT_DATABASE}"\n'
        f'[store]\nurl = "{state}"\n[mapping]\nusage_since = 2025-01-01\n'
        '[cohorts.all]\nplans = ["*"]\n',
        encoding="utf-8",
    )
    return project


def test_every_command_is_called_or_says_why_not() -> None:
    assert {*CALLS, *WITHOUT_SECRETS} == set(cli.COMMANDS)


def test_success_leaves_no_secret_anywhere(
    companies: Path, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recording,) = companies.glob("25-*")
    monkeypatch.chdir(tmp_path)
    odoo = embedded_odoo.serve(tmp_path.with_name(f"{tmp_path.name}-odoo.db"), api_key=CANARIES["ODOO_KEY"])
    with (
        contextlib.closing(odoo),
        embedded_lago.serve(recording, api_key=CANARIES["LAGO_API_KEY"]) as lago,
        quoting() as echo,
    ):
        monkeypatch.setattr(doctor_module, "StripeApi", functools.partial(StripeApi, base=echo))
        project = write_config(tmp_path, lago.url, odoo.url)
        found: list[tuple[str, str]] = []
        for name, arguments in (
            *CALLS.items(),
            ("extract", ()),
            ("doctor", ()),
        ):  # doctor knows more once there is data
            result = project.run(*name.split(), *arguments)
            assert result.code in (0, 2), (name, result.err)
            found += leaks_of(result, name)
    assert (tmp_path / "report" / "evidence").exists()
    assert found + leaks_in(tmp_path, but=frozenset({"lago2odoo.toml"})) == []


@pytest.mark.parametrize("form", ["json", "page", "redirect", "broken", "rpc"])
def test_failure_leaves_no_secret_anywhere(
    tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lago2odoo.cli.context.LagoPatience", functools.partial(LagoPatience, retries=0))
    monkeypatch.setattr("migrate.odoo.connect.PAUSES", ())
    monkeypatch.setattr("migrate.odoo.door.Patience", functools.partial(Patience, seconds=0, pause=0))
    with quoting(form) as echo:
        monkeypatch.setattr(doctor_module, "StripeApi", functools.partial(StripeApi, base=echo))
        project = write_config(tmp_path, echo, echo)
        found: list[tuple[str, str]] = []
        for transport in ("json2", "odoorpc"):
            for name in ("doctor", "extract", "preview", "apply", "status", "reconcile", "rollback"):
                result = project.run(*name.split(), *CALLS[name])
                found += leaks_of(result, f"{transport} {name}")
                assert "Traceback" not in result.err
            project.replace("[odoo]\n", '[odoo]\ntransport = "odoorpc"\n') if transport == "json2" else None
    assert found + leaks_in(tmp_path, but=frozenset({"lago2odoo.toml"})) == []


@pytest.mark.parametrize("name", list(CALLS))
def test_the_address_of_the_state_is_told_without_its_passwords(
    tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    address = f"postgresql://me:{USER}@127.0.0.1:1/books?password={QUERY}&sslpassword={QUERY}&application_name=x"
    project = write_config(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1", address)
    monkeypatch.setattr("lago2odoo.cli.context.LagoPatience", functools.partial(LagoPatience, retries=0))
    result = project.run(*name.split(), *CALLS[name])
    assert result.code == 1
    assert leaks_of(result, name) == []


def test_no_secret_is_an_argument_of_a_process(tmp_path: Path, keys: None) -> None:
    """Anybody on the machine may list those."""
    with quoting("slow") as echo:
        project = write_config(tmp_path, echo, echo)
        arguments = [sys.executable, "-m", "lago2odoo.cli.main", "extract", "--config", str(project.config)]
        with subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}) as process:
            time.sleep(1)
            lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)]
            assert any(str(project.config).encode() in line for line in lines)
            assert leaks("process list", b"\n".join(lines).replace(b"\0", b" ").decode("utf-8", "replace")) == []
            process.kill()


def readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def test_a_traceback_is_masked_too(keys: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write_config(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1")
    project.run("preview")  # it has been told the key of Odoo
    error = ValueError(f"no header {CANARIES['ODOO_KEY']!r}")
    cli._show_traceback(ValueError, error, None)
    shown = capsys.readouterr().err
    assert "ValueError: no header" in shown
    assert leaks("traceback", shown) == []


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("admin", "administrator and admin's 'admin'", f"administrator and {MASK}'s '{MASK}'"),
        ("a", "a field has an a", "a field has an a"),
        ("key", "the key is wrong", "the key is wrong"),
        ("longenough", "xlongenoughx", f"x{MASK}x"),
        ("p@ss/word+1", "GET /?k=p%40ss%2Fword%2B1 p@ss/word+1", f"GET /?k={MASK} {MASK}"),
        ('qu"oted-secret', r'{"said": "qu\"oted-secret"}', f'{{"said": "{MASK}"}}'),
    ],
)
def test_a_short_key_does_not_garble_texts(secret: str, text: str, masked: str) -> None:
    assert Masked(secret).text(text) == masked


def test_the_state_and_the_events_are_for_their_owner(companies: Path, tmp_path: Path) -> None:
    (recording,) = companies.glob("25-*")
    project = Project(tmp_path)
    project.config.write_text(f'[lago]\nrecording = "{recording}"\n', encoding="utf-8")
    old = os.umask(0o022)
    try:
        assert project.run("extract").code == 0
        state = tmp_path / ".lago2odoo" / "state.db"
        state.chmod(0o644)  # as an older release left it
        assert project.run("extract").code == 0
    finally:
        os.umask(old)
    home = tmp_path / ".lago2odoo"
    open_ones = [p for p in (home, *home.rglob("*")) if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert list(home.rglob("*.parquet"))
    assert open_ones == []


# --- a server that quotes -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def quoting(form: str = "json") -> Iterator[str]:
    """Its address. It says no in that form, with everything it knows of whoever asks."""
    handler = type("Handler", (_Quoting,), {"form": form})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Quoting(BaseHTTPRequestHandler):
    form = "json"

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        said = " ".join([self.path, *self.headers.values(), sent])  # what it was told, and nothing else
        if self.form == "slow":
            time.sleep(5)
        status, kind, body = 401, "application/json", json.dumps(said_of(said)).encode()
        if self.form == "page":
            status, kind, body = 500, "text/html", f"<h1>{said}</h1>".encode()
        if self.form == "broken":
            status, body = 200, json.dumps(said_of(said)).encode()[:-5]
        if self.form == "rpc":
            status, body = 200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": said_of(said)}).encode()
        self.send_response(302 if self.form == "redirect" else status)
        if self.form == "redirect":
            key = str(self.headers.get("authorization")).split()[-1]
            self.send_header("location", f"http://{quote(key, safe='')}.example/{quote(key, safe='')}")
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def said_of(said: str) -> dict[str, Any]:
    """Lago's, Odoo's and Stripe's forms of an error in one."""
    error = {"message": said, "type": "invalid_request_error", "code": said}
    return {
        "status": 401,
        "error": error,
        "code": said,
        "name": f"odoo.exceptions.UserError {said}",
        "message": said,
        "data": {"name": f"x {said}", "message": said, "debug": said},
    }


def test_the_command_of_the_demo_has_no_key() -> None:
    """It hands keys on by the environment."""
    from lago2odoo.cli.demo import _command

    assert "key" not in " ".join(_command(["sandbox", "lago"])).lower().replace(str(Path.cwd()).lower(), "")


def test_a_key_file_that_is_empty_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    config = tmp_path / "lago2odoo.toml"
    config.write_text('[lago]\nurl = "http://127.0.0.1:1"\napi_key_file = "key"\n', encoding="utf-8")
    told = command("extract", "--config", str(config)).err
    assert "the Lago API key cannot be read: is UTF-16" in told
    (tmp_path / "key").write_text("\n")
    assert "is missing: write it into key" in command("extract", "--config", str(config)).err


UNFIT = {
    "two lines": b"CANARYAAAA1\nCANARYBBBB2\n",
    "two lines of Windows": b"CANARYAAAA1\r\nCANARYBBBB2",
    "a tab": b"CANARYAAAA1\tCANARYBBBB2",
    "a blank": b"CANARYAAAA1 CANARYBBBB2",
    "no ASCII": "CANARY\u00e9\u20acAAA".encode(),
    "a NUL": b"CANARYAAAA1\x00x",
    "a control character": b"CANARYAAAA1\x0bCANARYCC",
    "very long": b"CANARYAAAA1" * 400,
}


@pytest.mark.parametrize("where", ["file", "environment"])
@pytest.mark.parametrize("unfit", UNFIT)
def test_a_key_that_no_header_may_hold_is_refused_by_its_place_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unfit: str, where: str
) -> None:
    (tmp_path / "key").write_bytes(UNFIT[unfit])
    if where == "environment":
        if b"\0" in UNFIT[unfit]:
            return  # no environment holds it
        monkeypatch.setenv("THE_KEY", UNFIT[unfit].decode())
    for purpose in ("Lago API key", "Odoo API key", "Stripe key"):
        with pytest.raises(ConfigError) as error:
            secret("THE_KEY", "key" if where == "file" else None, tmp_path, purpose)
        said = str(error.value)
        assert purpose in said
        assert ("key" if where == "file" else "THE_KEY") in said
        assert "CANARY" not in said
        assert "\n" not in said


def test_a_file_that_is_no_key_is_not_printed(tmp_path: Path, keys: None) -> None:
    """The name of the wrong file stands there, here that of the configuration: what is in it is nobody's key."""
    config = tmp_path / "lago2odoo.toml"
    config.write_text(
        '# CANARYCCCC\n[odoo]\nurl = "http://127.0.0.1:1"\ndatabase = "x"\nkey_file = "lago2odoo.toml"\n',
        encoding="utf-8",
    )
    for name in ("doctor", "adopt", "rollback"):
        result = command(name, "--config", str(config))
        assert (result.code, "Traceback" in result.err) == (1, False)
        assert "CANARY" not in result.out + result.err


@pytest.mark.parametrize("key", ["canary-odoo-77c1/x+y=", 'it\'s "a" <canary> & more\\'])
def test_a_secret_is_masked_in_every_form_in_which_it_is_quoted_back(key: str) -> None:
    masked, encoded = Masked(key), key.encode()
    forms = [key, repr(key), ascii(key), json.dumps(key), quote(key), quote(key, safe="").lower(), html.escape(key)]
    assert [form for form in forms if MASK not in masked.text(f"x {form} y")] == []
    for before in ("", "x", "user:", "Bearer ", "ab"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(before.encode() + encoded + b" more").decode()
            assert MASK in masked.text(whole)
            left = masked.text(whole).replace(MASK, "")
            assert len(left) <= len(before) * 4 / 3 + 4 + 8
