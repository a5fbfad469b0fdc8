"""A shared report names nobody, and says the same in numbers."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mappings.phrases import Phrase, Told
from mappings.records import Snapshot
from reconcile.billed import BilledInvoice, Refusal
from reconcile.dual_run import Settings, dual_run
from reconcile.sides.lago import lago_invoices
from reports import csv, html, junit, markdown, stored, text, xlsx
from reports import json as report_json
from reports.data import Age, Evidence, InvoiceView, RefusalView, ReportData
from reports.pseudonym_key import KeyFileError, load_key
from reports.pseudonyms import originals, pseudonymise
from reports.tallies import check_ties
from reports.verdict import judge
from tests.reporting.sample import NOW, equal, finding, invoice, position, sample

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture(scope="module")
def snapshot(nexasystems: tuple[Snapshot, Path]) -> Snapshot:
    return nexasystems[0]


@pytest.fixture(scope="module")
def real(snapshot: Snapshot) -> ReportData:
    """The whole company, with a difference in every third invoice and a refusal that names names in every fifth."""
    invoices = lago_invoices(snapshot, "all", None)
    odd = {i.lago_id: _odd(i, n) for n, i in enumerate(invoices)}
    settings = Settings(period="all", compared_at=NOW, tool_version="0.1.0")
    data = dual_run(snapshot, settings, odoo=None, rerate=lambda lago: {i.lago_id: odd[i.lago_id] for i in lago})
    assert len(data.invoices) > 400
    return data


@pytest.fixture(scope="module")
def month(real: ReportData) -> ReportData:
    return replace(real, invoices=tuple(i for i in real.invoices if i.month == "2026-07"))


def _odd(billed: BilledInvoice, number: int) -> BilledInvoice:
    if number % 5 == 0:
        detail = f"{billed.customer_name} ({billed.customer}): {billed.number} has no order {billed.lago_id}"
        return replace(billed, refusals=(Refusal(reason="order_missing", detail=detail),))
    if number % 3 or not billed.lines:
        return billed
    first = billed.lines[0]
    named = replace(first, amount_cents=first.amount_cents + 7, label=f"{first.label} of {billed.customer}")
    return replace(billed, lines=(named, *billed.lines[1:]))


def identifying(snapshot: Snapshot) -> set[str]:
    """Read off the records here, not by the code under test."""
    found = {snapshot.organization.name}
    for customer in snapshot.customers:
        person = f"{customer.firstname} {customer.lastname}" if customer.lastname else ""
        found |= {customer.lago_id, customer.external_id, customer.name or "", customer.email or "", person}
        found |= {customer.legal_name or "", customer.slug or ""}
    found |= {value for s in snapshot.subscriptions for value in (s.lago_id, s.external_id, s.name or "")}
    found |= {value for i in snapshot.invoices for value in (i.lago_id, i.number)}
    found |= {value for f in snapshot.fees for value in (f.lago_id, f.event_transaction_id or "")}
    return found - {""}


def outputs(data: ReportData, folder: Path) -> dict[str, str]:
    """Every text format, with what the page carries compressed."""
    for name, writer in {"csv": csv.write, "md": markdown.write, "xml": junit.write}.items():
        writer(data, folder / name, "en_CA")
    xlsx.write(data, folder / "xlsx")
    with zipfile.ZipFile(folder / "xlsx") as book:
        sheets = "\n".join(book.read(name).decode() for name in book.namelist())
    page = html.render(data)
    packed = [gzip.decompress(base64.b64decode(part)).decode() for part in re.findall(r"H4sI[A-Za-z0-9+/=]{80,}", page)]
    return {
        "html": page,
        "page data": "\n".join(packed),
        "json": json.dumps(report_json.document(data), ensure_ascii=False),
        "text": text.render(data),
        "xlsx": sheets,
        **{name: (folder / name).read_text("utf-8") for name in ("csv", "md", "xml")},
    }


def test_nobody_of_a_real_company_is_named_in_any_output(real: ReportData, snapshot: Snapshot, tmp_path: Path) -> None:
    wanted = identifying(snapshot)
    before = json.dumps(report_json.document(real), ensure_ascii=False)
    assert len(wanted) > 3000
    assert sum(name in before for name in wanted) > 500  # the search does find them
    shared = outputs(pseudonymise(real, KEY, originals(snapshot)), tmp_path)
    leaks = {(where, name) for where, content in shared.items() for name in wanted if name in content}
    assert not leaks, sorted(leaks)[:10]


def numbers(data: ReportData) -> list[object]:
    """Everything of each invoice that is not a text, in an order that does not depend on names."""
    rows = [
        (
            i.issued_on,
            i.currency,
            i.type,
            sorted(
                (p.kind, p.status, p.verdict, p.delta_cents, sorted((s, v.cents, v.lines) for s, v in p.sides.items()))
                for p in i.positions
            ),
        )
        for i in data.invoices
    ]
    return sorted(rows, key=repr)


def test_amounts_stay_and_the_report_still_ties_out(real: ReportData, snapshot: Snapshot) -> None:
    shared = pseudonymise(real, KEY, originals(snapshot))
    assert numbers(shared) == numbers(real)
    assert check_ties(shared) == check_ties(real)
    assert judge(shared) == judge(real)


def test_the_same_key_gives_the_same_pseudonyms_and_another_key_others(month: ReportData) -> None:
    assert pseudonymise(month, KEY) == pseudonymise(month, KEY)
    mine = {i.customer for i in pseudonymise(month, KEY).invoices}
    theirs = {i.customer for i in pseudonymise(month, OTHER).invoices}
    assert len(mine) == len(theirs) == len({i.customer for i in month.invoices})
    assert not mine & theirs


def test_pseudonyms_are_the_same_in_another_months_report() -> None:
    july, august = (invoice(day, position(day, 1, 1, 1), customer="NX-1") for day in (1, 2))
    alone = pseudonymise(replace(equal(), invoices=(july,)), KEY).invoices[0].customer
    assert {i.customer for i in pseudonymise(replace(equal(), invoices=(august, july)), KEY).invoices} == {alone}


def test_a_shared_report_can_be_written_and_read_again(month: ReportData, tmp_path: Path) -> None:
    shared = pseudonymise(month, KEY)
    report_json.write(shared, tmp_path / "shared.json")
    assert stored.read(tmp_path / "shared.json") == shared


def one(data: ReportData) -> InvoiceView:
    return pseudonymise(data, KEY).invoices[0]


@pytest.mark.parametrize(
    "told",
    ["NX-1042", "nx-1042", "lago.customer_NX-1042", "(NX-1042)", "NX-1042: no order", "Œuvre & Cie", "ŒUVRE & CIE",
     "株式会社さくら様", "8c2f0b7e-3d1a-4c55-9e0a-0123456789ab", "jo@example.com", "NEX-001"],
)  # fmt: skip
def test_free_text_is_searched(told: str) -> None:
    names = {
        "customer": "NX-1042",
        "customer_name": "Œuvre & Cie",
        "refusals": (RefusalView(side="odoo", reason="r", detail=told),),
    }
    people = invoice(2, position(2, 1, 1, 1), customer_name="株式会社さくら")
    data = replace(equal(), invoices=(invoice(1, position(1, 1, 1, 1, label=told), **names), people))
    shown = one(data)
    for left in (shown.refusals[0].detail, shown.positions[0].label):
        known = ("1042", "œuvre", "cie", "株", "8c2f", "jo@", "001")
        assert not [word for word in known if word in left.casefold().replace(shown.number.casefold(), "")], left


def test_what_is_no_name_stays() -> None:
    label = "API calls, tier 1 (0 to 1042)"
    shown = one(replace(equal(), invoices=(invoice(1, position(1, 1, 1, 1, label=label), customer="NX-1042"),)))
    assert (shown.positions[0].label, shown.positions[0].service) == (label, "NexaCloud")


def test_the_longest_name_wins() -> None:
    two = (
        invoice(1, position(1, 1, 1, 1, label="for Maple Leaf Foods"), customer_name="Maple Leaf Foods"),
        invoice(2, position(2, 1, 1, 1), customer_name="Maple"),
    )
    shown = {i.issued_on.day: i for i in pseudonymise(replace(equal(), invoices=two), KEY).invoices}
    assert shown[1].positions[0].label == f"for {shown[1].customer_name}"


def test_keys_waivers_and_evidence() -> None:
    told = Evidence(
        name="not_billed", values={"subscription": "sub_9", "cents": 5, "units": Decimal("1.5"), "note": "of NX-1"}
    )
    changed = position(
        1, 5, 6, 5,
        key={"subscription": "sub_9", "kind": "charge", "group": "region=eu-east, user=ana", "event": "tx-7"},
        findings=(finding(1, "tax_rounding", waiver="tax_rounding (NX-1)", evidence=(told,)),),
        lookalikes=("000000000002",),
        age=Age(since=date(2026, 7, 1), runs=3, days=50),
    )  # fmt: skip
    data = replace(sample(), invoices=(invoice(1, changed, position(2, 5, 5, 5), customer="NX-1"),))
    shared = pseudonymise(data, KEY)
    first, second = shared.invoices[0].positions
    assert first.key["kind"] == "charge"
    assert not re.search("sub_9|eu-east|ana|tx-7", json.dumps(report_json.plain(first)))
    assert first.key["group"].startswith("region=value-")
    assert first.lookalikes == (second.id,) != ("000000000002",)
    assert first.age == changed.age
    values: Mapping[str, object] = first.findings[0].evidence[0].values
    assert (values["cents"], values["units"]) == (5, Decimal("1.5"))
    assert values["subscription"] == first.key["subscription"]
    assert first.findings[0].waiver == f"tax_rounding ({shared.invoices[0].customer})"
    assert "NX-1" not in str(values["note"])
    assert {w.author for w in shared.waivers} & {"a"} == set()
    assert [w.used for w in shared.waivers] == [w.used for w in data.waivers]


def test_transactions_among_evidence() -> None:
    told = {"where": "fusion.billing.usage of sub_9", "what": "not there", "lago": "2 (tx-1, tx-2)", "odoo": "0"}
    finding_ = finding(1, "missing_usage", remedy=Evidence(name="mend_usage", values=told))
    changed = position(1, 5, 6, 5, key={"subscription": "sub_9", "kind": "charge"}, findings=(finding_,))
    shown = one(replace(equal(), invoices=(invoice(1, changed),))).positions[0]
    assert shown.findings[0].remedy is not None
    values = shown.findings[0].remedy.values
    assert re.fullmatch(r"2 \(id-\w{12}, id-\w{12}\)", str(values["lago"]))
    assert values["where"] == f"fusion.billing.usage of {shown.key['subscription']}"


def test_whose_usage_it_is_goes_under_a_pseudonym_within_words_of_ours() -> None:
    told = {
        "where": Phrase(Told.USAGE_OF, ("sub_9",)),
        "what": Phrase(Told.NOT_THERE),
        "lago": "2 (tx-1, tx-2)",
        "odoo": Phrase(Told.WRITTEN_TO_NOBODY, ("2", "tx-1, tx-2")),
    }
    finding_ = finding(1, "missing_usage", remedy=Evidence(name="mend_usage", values=told))
    changed = position(1, 5, 6, 5, key={"subscription": "sub_9", "kind": "charge"}, findings=(finding_,))
    shown = one(replace(equal(), invoices=(invoice(1, changed),))).positions[0]
    assert shown.findings[0].remedy is not None
    values = shown.findings[0].remedy.values
    assert re.fullmatch(r"2 \(id-\w{12}, id-\w{12}\)", str(values["lago"]))
    assert re.fullmatch(r"none: 2 \(id-\w{12}, id-\w{12}\)", str(values["odoo"]))
    assert values["where"] == Phrase(Told.USAGE_OF, (shown.key["subscription"],))
    assert values["what"] == Phrase(Told.NOT_THERE)


def test_structure_survives_a_customer_named_like_it() -> None:
    data = replace(equal(), invoices=(invoice(1, position(1, 1, 2, 1), customer="odoo", customer_name="differs"),))
    shared = one(data)
    assert (shared.positions[0].status, shared.positions[0].verdict) == ("differs", "odoo")
    assert set(shared.positions[0].sides) == {"lago", "odoo", "rerate"}


def test_a_missing_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "report.key"
    key = load_key(path)
    assert (len(key), path.stat().st_mode & 0o777, load_key(path)) == (32, 0o600, key)
    assert load_key(tmp_path / "other.key") != key


@pytest.mark.parametrize(("content", "mode", "said"), [
    ("00" * 32, 0o644, "chmod 600"), ("not a key", 0o600, "not a key file"), ("", 0o600, "not a key file"),
    ("00" * 4, 0o600, "not a key file"), ("clé", 0o600, "not a key file"),
])  # fmt: skip
def test_bad_key_files(tmp_path: Path, content: str, mode: int, said: str) -> None:
    path = tmp_path / "report.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=said):
        load_key(path)


def test_a_key_cannot_be_made_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be made"):
        load_key(tmp_path / "none" / "report.key")


def test_a_value_of_two_letters_by_which_usage_is_priced_is_no_part_of_a_label() -> None:
    """As a word of a text it is too short to be looked for; as a part of a label it is somebody."""
    data = sample()
    first = data.invoices[0]
    priced = replace(first.positions[0], key={"kind": "charge", "group": "user=jd"}, label="Api · jd")
    shared = pseudonymise(replace(data, invoices=(replace(first, positions=(priced,)),)), KEY)
    (told,) = shared.invoices[0].positions
    assert told.label.startswith("Api · value-")
    assert told.key["group"].startswith("user=value-")
