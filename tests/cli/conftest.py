"""A small company on embedded servers, and the command line called as a person would."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lago2odoo.cli import main as cli
from lago2odoo.sandbox import lago as embedded_lago
from lago2odoo.sandbox import odoo as embedded_odoo
from tests.extracting.company import LIGHT, SOME, recorded

LAGO_KEY, ODOO_KEY = "lago-key-of-the-tests", "odoo-key-of-the-tests"
WAIVED = (
    "language_not_installed",
    "event_metric_unknown",
    "event_subscription_unknown",
    "payment_dispute_lost",
    "invoice_not_final",
    "stripe_provider_not_enabled",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: exit code, data, talk."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a configuration."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "lago2odoo.toml"

    def run(self, *arguments: str) -> Result:
        """``lago2odoo ARGUMENTS --config ...`` in this process."""
        return command(*arguments, "--config", str(self.config))

    def replace(self, old: str, new: str) -> None:
        text = self.config.read_text("utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")


def command(*arguments: str) -> Result:
    """``lago2odoo ARGUMENTS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(list(arguments))
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Result(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("light"), LIGHT)


@pytest.fixture(scope="session")
def heavier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the light ones do not have: an upgrade in force, an own price, a customer deleted since."""
    return recorded(tmp_path_factory.mktemp("some"), SOME)


@pytest.fixture(scope="session")
def lago(recording: Path) -> Iterator[embedded_lago.LagoServer]:
    with embedded_lago.serve(recording, api_key=LAGO_KEY) as server:
        yield server


def new_project(folder: Path, lago_url: str, odoo_url: str) -> Project:
    """A project for these servers."""
    project = Project(folder)
    project.config.write_text(
        f"""
[lago]
url = "{lago_url}"
requests_per_second = 5000
[odoo]
url = "{odoo_url}"
database = "{embedded_odoo.DEFAULT_DATABASE}"
[mapping]
usage_since = 2025-01-01
[cohorts.pilot]
plans = ["nexacloud_*"]
[waive]
skipped = {list(WAIVED)}
""",
        encoding="utf-8",
    )
    return project


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAGO_API_KEY", LAGO_KEY)
    monkeypatch.setenv("ODOO_KEY", ODOO_KEY)


@contextlib.contextmanager
def begun(folder: Path, lago: embedded_lago.LagoServer) -> Iterator[Project]:
    """A fresh project with an Odoo of its own."""
    server = embedded_odoo.serve(folder / "odoo.db", api_key=ODOO_KEY)
    try:
        yield new_project(folder, lago.url, server.url)
    finally:
        server.close()


@pytest.fixture
def project(tmp_path: Path, lago: embedded_lago.LagoServer) -> Iterator[Project]:
    with begun(tmp_path, lago) as fresh:
        yield fresh


@pytest.fixture
def heavier_project(tmp_path: Path, heavier: Path) -> Iterator[Project]:
    with embedded_lago.serve(heavier, api_key=LAGO_KEY) as lago, begun(tmp_path, lago) as fresh:
        yield fresh
