"""The waiver file: reviewed, checked, and never a match."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lago2odoo.cli.waiver_file import waiver_text
from migrate.errors import ConfigError
from reconcile.compare.waivers import Waiver, apply, parse, unused
from reports.data import Finding, InvoiceView, Position, RefusalView, ReportData, RunView, SideView
from reports.json import document
from reports.summary import waived_by
from reports.verdict import judge

RULES = ("price", "tax_rounding")
GOOD = """\
[[waiver]]
rule = "tax_rounding"
reason = "until September"
author = "ana"
approver = "bo"
expires = 2026-09-30

[[waiver]]
rule = "refused:order_missing"
customer = "NX-1"
reason = "moves in wave 2"
author = "ana"
approver = "bo"
expires = 2026-09-30
"""


def test_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(GOOD, encoding="utf-8-sig")
    first, second = parse(waiver_text(file), "waivers.toml", RULES)
    assert (first.rule, first.customer, first.expires) == ("tax_rounding", None, date(2026, 9, 30))
    assert second.name == "refused:order_missing (NX-1)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'approver = "bo"\nexpires = 2026-09-30\n\n',
            'approver = "Ana "\nexpires = 2026-09-30\n\n',
            "w.toml:5: the approver must",
        ),
        (
            'approver = "bo"\nexpires = 2026-09-30\n\n',
            'approver = "ANA <ana@example.com>"\nexpires = 2026-09-30\n\n',
            "w.toml:5: the approver must",
        ),
        (
            'rule = "tax_rounding"',
            'rule = "tax_rouding"',
            "w.toml:2: unknown rule 'tax_rouding'; known: price, tax_rounding",
        ),
        (
            "expires = 2026-09-30\n\n",
            'expires = "soon"\n\n',
            "w.toml:6: expires must be a date like 2026-09-30, not 'soon'",
        ),
        ('reason = "moves in wave 2"\n', "", "w.toml:8: this waiver has no reason"),
        ('reason = "until September"', 'reason = ""', "w.toml:3: reason must be text"),
        ('reason = "until September"', 'reason = " \\t"', "w.toml:3: reason must be text"),
        ('author = "ana"', 'author = "  "', "w.toml:4: author must be text"),
        ('customer = "NX-1"', 'customer = " "', "w.toml:10: customer must be text"),
        ('customer = "NX-1"', "max_cents = -5", "w.toml:10: max_cents must be 0 or more, not -5"),
        ('customer = "NX-1"', 'client = "NX-1"', "w.toml:10: unknown key 'client'"),
        ('[[waiver]]\nrule = "tax', '[[waver]]\nrule = "tax', "w.toml:1: unknown table 'waver'"),
        ('[[waiver]]\nrule = "tax', '[[waiver]\nrule = "tax', "w.toml: not valid TOML: .*line 1"),
    ],
)
def test_a_broken_file_is_named_with_its_line(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        parse(GOOD.replace(old, new, 1), "w.toml", RULES)


def test_a_waiver_that_stands_there_twice_is_refused_and_one_of_another_bound_or_day_is_not() -> None:
    tax = GOOD[: GOOD.index("[[waiver]]", 1)]
    with pytest.raises(ConfigError, match=r"w.toml:17: a second waiver of tax_rounding until 2026-09-30: take one"):
        parse(f"{GOOD}\n{tax}", "w.toml", RULES)
    again = tax.replace("2026-09-30", "2026-12-31")
    assert len(parse(f"{GOOD}\n{again}\n{again}max_cents = 5\n", "w.toml", RULES)) == 4


def test_waivers_that_cover_nothing_are_named_with_why() -> None:
    day = date(2026, 8, 20)
    waivers = (
        waiver(),
        waiver(rule="tax_rounding"),
        waiver(customer="NX-9"),
        waiver(rule="refused:zz", expires=date(2026, 8, 1)),
    )
    applied = apply(data(PRICE), waivers, day)
    assert list(unused(waivers, applied, {"NX-1"}, day)) == [
        "waiver tax_rounding covers nothing here",
        "waiver price (NX-9) covers nothing: Lago shows no customer of that external id",
        "waiver refused:zz expired after 2026-08-01, and covers nothing any more",
    ]


def test_two_waivers_of_one_name_are_told_apart() -> None:
    day = date(2026, 8, 20)
    small, large = waiver(max_cents=5, reason="small"), waiver(max_cents=100, reason="large", approver="cy")
    applied = apply(data(replace(PRICE, delta_cents=50)), (small, large), day)
    [finding] = applied.invoices[0].positions[0].findings
    assert (finding.waiver, finding.waiver_number) == ("price", 2)
    assert [view.used for view in applied.waivers] == [0, 1]
    assert list(unused((small, large), applied, {"NX-1"}, day)) == [
        "waiver price, number 1 in the file, covers nothing here"
    ]
    assert waived_by(finding, applied.waivers) == "price: large (cy)"
    assert document(applied)["invoices"][0]["positions"][0]["findings"][0]["waiver_number"] == 2


def test_one_table_is_no_list_of_waivers() -> None:
    with pytest.raises(ConfigError, match=r"w.toml:2: write each waiver as a \[\[waiver\]\] table"):
        parse("# review\n[waiver]\nrule = 'price'\n", "w.toml", RULES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="waivers cannot be read"):
        waiver_text(tmp_path / "none.toml")


def waiver(**more: object) -> Waiver:
    values = {"rule": "price", "reason": "r", "author": "a", "approver": "b", "expires": date(2026, 8, 31), **more}
    return Waiver(**values)  # type: ignore[arg-type]


def data(*findings: Finding, refusals: tuple[RefusalView, ...] = ()) -> ReportData:
    delta = sum(f.delta_cents for f in findings)
    position = Position(
        id="0" * 12,
        kind="charge",
        header=False,
        label="x",
        service="s",
        key={},
        status="differs" if delta else "equal",
        shape="1:1",
        delta_cents=delta,
        verdict="odoo",
        sides={"lago": SideView(cents=100), "odoo": SideView(cents=100 + delta)},
        findings=findings,
    )
    invoice = InvoiceView(
        id="i", number="n", customer="NX-1", customer_name="N", currency="CAD", month="2026-07",
        issued_on=date(2026, 7, 1), type="subscription", state="finalized", positions=(position,), refusals=refusals,
    )  # fmt: skip
    now = datetime(2026, 8, 20, tzinfo=UTC)
    run = RunView(
        period="2026-07", organization="o", pair=("lago", "odoo"), lago_version="", odoo_version="", tool_version="",
        snapshot_taken_at=now, compared_at=now,
    )  # fmt: skip
    return ReportData(run=run, invoices=(invoice,))


PRICE = Finding(cause="price", side="odoo", delta_cents=-5, proven=True)
TODAY = date(2026, 8, 20)


def test_exit_codes() -> None:
    assert judge(data()).exit_code == 0
    assert judge(data(PRICE)).exit_code == 2
    assert judge(apply(data(PRICE), [waiver()], TODAY)).exit_code == 3


@pytest.mark.parametrize("rule", ["refused:order_missing", "refused:order-missing"])
def test_both_spellings_of_a_refusal_cover_it(rule: str) -> None:
    refusal = RefusalView(side="odoo", reason="order_missing", detail="d")
    assert apply(data(refusals=(refusal,)), [waiver(rule=rule)], TODAY).waivers[0].used == 1
    assert not apply(data(refusals=(refusal,)), [waiver(rule=f"{rule}_today")], TODAY).waivers[0].used


def test_a_waived_difference_stays_a_difference() -> None:
    waived = apply(data(PRICE), [waiver()], TODAY)
    position = waived.invoices[0].positions[0]
    assert (position.status, position.open, position.findings[0].waiver) == ("differs", False, "price")
    assert waived.waivers[0].used == 1


def test_a_waiver_holds_through_its_last_day_and_then_counts_again() -> None:
    assert judge(apply(data(PRICE), [waiver(expires=TODAY)], TODAY)).exit_code == 3
    expired = apply(data(PRICE), [waiver(expires=date(2026, 8, 19))], TODAY)
    assert judge(expired).exit_code == 2
    assert (expired.waivers[0].expired, expired.waivers[0].used) == (True, 0)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"customer": "NX-1"}, 3),
        ({"customer": "NX-2"}, 2),
        ({"max_cents": 5}, 3),
        ({"max_cents": 4}, 2),
        ({"rule": "tax_rounding"}, 2),
    ],
)
def test_a_waiver_covers_no_more_than_it_says(more: dict[str, object], code: int) -> None:
    assert judge(apply(data(PRICE), [waiver(**more)], TODAY)).exit_code == code


def test_half_waived_is_open() -> None:
    other = replace(PRICE, cause="unexplained", delta_cents=-1)
    assert judge(apply(data(PRICE, other), [waiver()], TODAY)).exit_code == 2


def test_refusals_count_until_they_are_waived() -> None:
    refusal = RefusalView(side="odoo", reason="order_missing", detail="d")
    assert judge(data(refusals=(refusal,))).exit_code == 2
    assert judge(apply(data(refusals=(refusal,)), [waiver(rule="refused:order_missing")], TODAY)).exit_code == 3
