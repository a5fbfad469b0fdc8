"""A Lago that bills by other rules than its version says: named by the control run, and set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lago2odoo.cli.context import CommandContext
from lago2odoo.cli.show_control import hint
from lago2odoo.cli.talk import Talk
from mappings.records import Snapshot
from migrate import config as settings
from migrate.errors import ConfigError
from migrate.state.store import Store
from reconcile.rating.rules import rules_for, versions
from reconcile.rerate.noise_floor import control
from reconcile.rerate.other_rules import fitting_version

NUMBER = "NEX-066-004"  # an anniversary on the 31st: its quarters overlap by the rules of v1.51.0


def test_there_is_a_version_for_each_set_of_rules() -> None:
    assert versions()[0] == "v1.52.0"
    assert len({rules_for(version) for version in versions()}) == len(versions()) == 7


def test_a_build_that_calls_itself_by_the_release_before_it(nexasystems: tuple[Snapshot, Path]) -> None:
    """What differs by that release's rules is equal by those of the next: said, with the setting."""
    snapshot, events = nexasystems
    invoice = next(i for i in snapshot.invoices if i.number == NUMBER)
    month = f"{invoice.issuing_date:%Y-%m}"
    disguised = replace(snapshot, lago_version="v1.51.0")
    checks = control(disguised, events, period=month)
    assert [check.number for check in checks if not check.is_equal] == [NUMBER]
    assert fitting_version(disguised, events, checks, month) == "v1.52.0"
    assert 'set rules = "v1.52.0" under [lago]' in hint("v1.52.0", checks)
    edited = tuple(
        replace(i, fees_amount_cents=i.fees_amount_cents + 1) if i is invoice else i for i in snapshot.invoices
    )
    wrong = replace(disguised, invoices=edited)
    assert fitting_version(wrong, events, control(wrong, events, period=month), month) is None
    equal = control(snapshot, events, period=month)
    assert fitting_version(snapshot, events, equal, month) is None, "nothing differs"


def test_the_configuration_says_by_whose_rules_lago_bills(
    nexasystems: tuple[Snapshot, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lago2odoo.cli.context.load_snapshot", lambda _store: nexasystems[0])
    file = tmp_path / "lago2odoo.toml"
    with Store.open("sqlite://") as store:
        for text, version in (("", "v1.51.0-live"), ('rules = "v1.52.0"\n', "v1.52.0")):
            file.write_text(f'[lago]\nurl = "https://lago.example.com"\n{text}', encoding="utf-8")
            context = CommandContext(config=settings.load(file), config_file=file, talk=Talk())
            assert context.snapshot(store).lago_version == version
    file.write_text('[lago]\nurl = "https://lago.example.com"\nrules = "newest"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lago\.rules must be a version like v1\.52\.0"):
        settings.load(file)
