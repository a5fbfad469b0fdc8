"""A waiver that nothing has is told by every command that takes it: it may be misspelled, or not needed any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cases.conftest import Case

NOBODY = "0cc40000-0000-4000-8000-00000000dead"
WAIVERS = """
[[waiver]]
rule = "tax_rounding"
customer = "nobody"
reason = "until September"
author = "ana"
approver = "bo"
expires = 2199-12-31
"""


def test_what_covers_nothing_is_named_and_the_codes_stay(case: Callable[..., Case], tmp_path: Path) -> None:
    company = case("21", '[reconcile]\nwaivers = "waivers.toml"\n')
    (tmp_path / "waivers.toml").write_text(WAIVERS, encoding="utf-8")
    text = company.project.config.read_text("utf-8")
    skipped = ["wallet_negative", NOBODY]
    waive = f'[waive]\nskipped = {skipped}\ndrift = ["customer nobody: street"]\nchecks = ["tax_split"]\n'
    company.project.config.write_text(f"{text}\n{waive}", encoding="utf-8")
    assert company.run("extract").code == 0
    previewed, applied = company.run("preview"), company.run("apply")
    assert (previewed.code, applied.code) == (2, 0)
    for result in (previewed, applied, company.run("doctor")):
        assert "lago2odoo.toml [waive] checks: no check fails as 'tax_split': take out what is not needed" in result.err
    for result in (previewed, applied):
        assert (
            "lago2odoo.toml [waive]: nothing is left out as '0cc40000-0000-4000-8000-00000000dead': take out"
            in result.err
        )
    status = company.run("status")
    assert status.code == 0
    assert "[waive] drift: nothing is changed in Odoo as 'customer nobody: street'" in status.err
    control = company.run("reconcile", "--control", "--period", "all")
    assert control.code in (0, 2)
    told = "waivers.toml: waiver tax_rounding (nobody) covers nothing: Lago shows no customer of that external id"
    assert told in control.err
    (tmp_path / "waivers.toml").write_text(
        "".join(WAIVERS.replace("nobody", f"nobody {n}") for n in range(15)), "utf-8"
    )
    many = company.run("reconcile", "--control", "--period", "all").err.splitlines()
    lines = [line for line in many if "waivers.toml: " in line]
    assert (len(lines), lines[-1].partition(": ")[2]) == (
        11,
        "5 more waivers cover nothing (used = 0 in the report's JSON)",
    )
    (tmp_path / "waivers.toml").write_text(WAIVERS.replace('"until September"', '" "'), encoding="utf-8")
    refused = company.run("reconcile", "--control", "--period", "all")
    assert (refused.code, "waivers.toml:5: reason must be text" in refused.err) == (1, True)
