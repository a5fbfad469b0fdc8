"""Evidence packs: signed by two people, and whatever is touched afterwards is named."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lago2odoo.cli import main as cli
from lago2odoo.cli.context import CommandContext, open_context
from lago2odoo.cli.inputs import gather
from lago2odoo.cli.outcome import CommandOutcome
from lago2odoo.cli.report_sign import outcome_of, sign_in
from lago2odoo.cli.report_verify import outcome_of as told_of
from mappings.accounting import RecordsAccount
from migrate.config import parse, without_secrets
from migrate.errors import LockHeld, StoreError
from migrate.state.records import EventFile
from reports import html, stored
from reports import json as report_json
from reports.data import Position, ReceivableView, RefusalView, ReportData, WaiverView
from reports.errors import NotSigned, ReportError
from reports.evidence import ageing
from reports.evidence import packs as evidence
from reports.evidence.chain import ChainError, Link, chain_line, link_flaws, read_chain
from reports.evidence.checking import check
from reports.evidence.packs import MANIFEST, REPORT, Pack, archive, canonical, sha256
from reports.evidence.signing import Signing
from reports.people import nobody, same_person
from reports.verdict import judge
from tests.reporting.sample import equal, finding, invoice, position, sample

REPORT_JSON = json.dumps({"outcome": "equal", "run": {"period": "2026-07"}}).encode()
FILES = {
    REPORT: evidence.packed(REPORT_JSON),
    "report.html": b"<p>equal</p>",
    "mapping/shipped.toml": b"[taxes]\n",
    "waivers.toml": "# dérogations\n".encode(),
}
FACTS: Mapping[str, evidence.Fact] = {
    "number": 1,
    "previous": evidence.START,
    "period": "2026-07",
    "preparer": "Ana",
    "reviewer": "Bo",
    "signed_at": "2026-08-21T10:00:00+00:00",
    "outcome": "equal",
    "report_sha256": sha256(REPORT_JSON),
    "accepted_open": None,
}


def pack(**facts: evidence.Fact) -> Pack:
    return evidence.build({**FACTS, **facts}, FILES)


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def flaws(data: bytes) -> list[str]:
    return [f"{flaw.kind}: {flaw.what}" for flaw in evidence.verify(data).flaws]


# --- pure: making ---


def test_the_same_contents_are_the_same_bytes_that_any_program_can_unpack() -> None:
    one = pack()
    backwards = evidence.build(FACTS, dict(reversed(FILES.items())))
    assert (one.data, one.seal) == (backwards.data, backwards.seal)
    assert {**members(one.data), MANIFEST: b""} == {**FILES, MANIFEST: b""}
    with zipfile.ZipFile(io.BytesIO(one.data)) as opened:
        assert opened.namelist() == sorted([*FILES, MANIFEST])
        assert {i.date_time for i in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_layout_never_moves() -> None:
    """Packs are checked byte by byte for years: this hash may only change with ``FORMAT``."""
    assert (
        sha256(archive({"b.txt": b"two", "a/é.txt": b"one"}))
        == "d83b8bbd0cb9459d40ff74392a7f1aac76eff3a26bd918fde94dbb96058529a1"
    )


def test_every_fact_moves_the_seal() -> None:
    seals = {pack(**{name: f"{value}x" if isinstance(value, str) else 7}).seal for name, value in FACTS.items()}
    assert len({*seals, pack().seal}) == len(FACTS) + 1


def test_a_pack_needs_its_facts() -> None:
    with pytest.raises(ValueError, match="reviewer"):
        evidence.build({name: value for name, value in FACTS.items() if name != "reviewer"}, FILES)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ana", " ana ", True),
        ("Ana Roy <ana@example.com>", "ANA@example.com", True),
        ("Ana  Roy", "ana roy", True),
        ("Ana", "Bo", False),
        ("Ana <ana@example.com>", "Ana <ana2@example.com>", False),
        ("Ana Roy", "Ana Roy <ana@example.com>", True),
        ("Ana Roy <ana@example.com>", "ana roy", True),
        ("ana@example.com", "Somebody Else <ana@example.com>", True),
        ("An\u200ba", "Ana", True),
        ("Ａｎａ", "Ana", True),
        ("Ana <>", "Ana", True),
        ("Ana Roy", "Bo Li <bo@example.com>", False),
    ],
)
def test_who_is_who(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same
    assert same_person(other, one) is same


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "<>", " < > "])
def test_who_is_nobody(text: str) -> None:
    assert nobody(text)
    assert not nobody("A")


# --- pure: checking ---


def test_an_untouched_pack_is_as_it_was_signed() -> None:
    found = evidence.verify(pack().data)
    assert found.flaws == ()
    assert found.seal == pack().seal
    assert dict(found.facts) == dict(FACTS)


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_altered_file_is_named(name: str) -> None:
    files = members(pack().data)
    for content in (files[name] + b" ", files[name][:-1], b"", bytes([files[name][0] ^ 1]) + files[name][1:]):
        assert flaws(archive({**files, name: content})) == [f"altered: {name}"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_missing_file_is_named(name: str) -> None:
    files = members(pack().data)
    del files[name]
    assert flaws(archive(files)) == [f"missing: {name}"]


def test_added_files_are_named() -> None:
    assert flaws(archive({**members(pack().data), "extra.txt": b"", "a/b": b"x"})) == ["added: a/b", "added: extra.txt"]


def test_two_files_that_changed_places_are_named() -> None:
    files = members(pack().data)
    files["report.html"], files["waivers.toml"] = files["waivers.toml"], files["report.html"]
    assert flaws(archive(files)) == ["altered: report.html", "altered: waivers.toml"]


def test_a_renamed_file_is_missing_and_added() -> None:
    files = members(pack().data)
    files["waiver.toml"] = files.pop("waivers.toml")
    assert flaws(archive(files)) == ["missing: waivers.toml", "added: waiver.toml"]


def test_a_missing_manifest_is_named() -> None:
    files = members(pack().data)
    del files[MANIFEST]
    assert flaws(archive(files)) == [f"missing: {MANIFEST}"]


def tampered(change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What is said of a pack whose manifest somebody edited."""
    files = members(pack().data)
    manifest = json.loads(files[MANIFEST])
    change(manifest)
    return flaws(archive({**files, MANIFEST: canonical(manifest)}))


@pytest.mark.parametrize("name", list(FACTS))
def test_each_altered_fact_is_named(name: str) -> None:
    def change(manifest: dict[str, Any]) -> None:
        entry = next(e for e in manifest["entries"] if e.get("fact") == name)
        entry["value"] = "Eve"

    assert tampered(change) == [f"altered: {MANIFEST}: fact {name}"]


@pytest.mark.parametrize(
    ("key", "value"), [("sha256", "0" * 64), ("bytes", 1), ("previous", "0" * 63 + "1"), ("hash", "0" * 64)]
)
def test_each_altered_entry_of_a_file_is_named(key: str, value: object) -> None:
    def change(manifest: dict[str, Any]) -> None:
        next(e for e in manifest["entries"] if e.get("file") == "report.html")[key] = value

    found = tampered(change)
    assert f"altered: {MANIFEST}: file report.html" in found
    assert not [flaw for flaw in found if "report.html" not in flaw]


def test_a_removed_entry_is_named() -> None:
    assert tampered(lambda manifest: manifest["entries"].pop(3)) == [f"missing: {MANIFEST}: entry 4"]


def test_a_removed_last_entry_breaks_the_seal() -> None:
    found = tampered(lambda manifest: manifest["entries"].pop())
    assert found == [f"altered: {MANIFEST}: the seal", "added: waivers.toml"]


def test_entries_in_another_order_are_named() -> None:
    assert tampered(lambda manifest: manifest["entries"].reverse()) == [f"reordered: {MANIFEST}: its entries"]


def test_an_entry_that_came_twice_is_named() -> None:
    found = tampered(lambda manifest: manifest["entries"].append(manifest["entries"][0]))
    assert f"added: {MANIFEST}: fact number" in found


def test_an_altered_seal_is_named() -> None:
    assert tampered(lambda manifest: manifest.update(seal="0" * 64)) == [f"altered: {MANIFEST}: the seal"]


def test_a_chain_rewritten_from_the_middle_is_named() -> None:
    def change(manifest: dict[str, Any]) -> None:
        entry = manifest["entries"][4]
        entry["value"] = "Eve"
        entry["hash"] = evidence.entry_hash(entry)

    assert tampered(change) == [f"altered: {MANIFEST}: the chain before entry 6"]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b'{"entries": 1, "seal": ""}', b'{"entries": [1], "seal": ""}',
        b"[" * 100_000, b'{"entries": [{}], "seal": ""}', b'{"entries": [{"fact": "x"}], "seal": ""}',
        b'{"entries": [], "seal": ""}',
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_named(raw: bytes) -> None:
    found = flaws(archive({**FILES, MANIFEST: raw}))
    assert f"altered: {MANIFEST}" in found


def test_blanks_in_the_manifest_are_named() -> None:
    files = members(pack().data)
    assert flaws(archive({**files, MANIFEST: files[MANIFEST] + b" "})) == [f"altered: {MANIFEST}"]


def rebuilt(facts: Mapping[str, evidence.Fact], report: bytes = REPORT_JSON) -> list[str]:
    """A forger who computes every hash again."""
    return flaws(evidence.build({**FACTS, **facts}, {**FILES, REPORT: evidence.packed(report)}).data)


def test_a_rebuilt_pack_must_still_say_what_its_report_says() -> None:
    other = REPORT_JSON.replace(b"equal", b"different")
    assert rebuilt({"reviewer": "ANA"}) == [f"altered: {MANIFEST}: fact reviewer"]
    assert rebuilt({"outcome": "waived"}) == [f"altered: {MANIFEST}: fact outcome"]
    assert rebuilt({"period": "2026-08"}) == [f"altered: {MANIFEST}: fact period"]
    assert rebuilt({}, other) == [f"altered: {MANIFEST}: fact report_sha256", f"altered: {MANIFEST}: fact outcome"]
    assert rebuilt({}, b"no report") == [f"altered: {REPORT}"]


def test_files_of_the_archive_in_another_order_are_named() -> None:
    files, made = members(pack().data), io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name in sorted(files, reverse=True):
            opened.writestr(zipfile.ZipInfo(name), files[name])
    assert flaws(made.getvalue()) == ["reordered: the files of the archive"]


@pytest.mark.parametrize(
    "change", [lambda d: d + b"x", lambda d: b"x" + d, lambda d: d[:-2] + b"\x01\x00x", lambda d: b"#!/bin/sh\n" + d]
)
def test_what_is_put_around_the_archive_is_named(change: Callable[[bytes], bytes]) -> None:
    assert flaws(change(pack().data)) == ["altered: the archive"]


def test_a_second_file_of_one_name_is_named() -> None:
    made = io.BytesIO(pack().data)
    with zipfile.ZipFile(made, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("report.html", b"<p>another</p>")
    assert "added: report.html" in flaws(made.getvalue())


def test_a_compressed_copy_is_not_unpacked() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in sorted(members(pack().data).items()):
            opened.writestr(name, content)
    assert flaws(made.getvalue()) == [f"missing: {MANIFEST}"]


def test_no_byte_can_be_changed_unseen() -> None:
    """Every byte of the pack, one bit each: something is always named, and nothing raises."""
    data, dice = pack().data, random.Random(7)
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        assert flaws(flipped), f"byte {at}"


def test_no_cut_is_unseen() -> None:
    data = pack().data
    assert all(flaws(data[:length]) for length in range(0, len(data), 7))
    assert flaws(b"not a zip file") == flaws(b"") == flaws(archive({})) == ["altered: the archive"]


# --- pure: the chain over packs ---


def chained() -> list[tuple[str, evidence.Verified]]:
    packs, previous = [], evidence.START
    for number in (1, 2, 3):
        made = pack(number=number, previous=previous)
        packs.append((f"{number}.zip", evidence.verify(made.data)))
        previous = made.seal
    return packs


def test_packs_follow_each_other_in_any_order() -> None:
    assert link_flaws(chained()) == []
    assert link_flaws(chained()[::-1]) == []
    assert link_flaws([]) == []


def test_a_missing_a_replaced_and_a_doubled_pack_are_named() -> None:
    first, second, third = chained()
    other = ("2.zip", evidence.verify(pack(number=2, previous=first[1].seal, reviewer="Eve").data))
    assert list(map(str, link_flaws([first, third]))) == ["missing: pack 2 (before 3.zip)"]
    assert list(map(str, link_flaws([first, other, third]))) == ["altered: pack 2 (3.zip was signed after another one)"]
    assert "added" in str(link_flaws([first, second, other, third])[0])


def test_the_projects_chain_is_read_with_care(tmp_path: Path) -> None:
    path = tmp_path / "chain.jsonl"
    assert read_chain(path) == ()
    links = [Link(number=n, period="2026-07", pack=f"{n}.zip", seal="s") for n in (1, 2)]
    path.write_text("".join(map(chain_line, links)), encoding="utf-8")
    assert list(read_chain(path)) == links
    path.write_text(chain_line(links[1]), encoding="utf-8")
    with pytest.raises(ChainError, match=r"chain\.jsonl:1: pack 1 is missing"):
        read_chain(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(ChainError, match=r"chain\.jsonl:1"):
        read_chain(path)


# --- the commands ---

AT = datetime(2026, 8, 21, 10, tzinfo=UTC)


class Project:
    """A reconciled project: configuration, tables, waivers, state, events."""

    def __init__(self, folder: Path, data: ReportData | None = None) -> None:
        self.folder = folder
        (folder / "lago2odoo.toml").write_text(
            '[lago]\nurl = "https://lago.example.com"\n[mapping]\ntables = "tables.toml"\n'
            '[reconcile]\nwaivers = "waivers.toml"\n',
            encoding="utf-8",
        )
        (folder / "tables.toml").write_text("# finance\n", encoding="utf-8")
        (folder / "waivers.toml").write_text("# none\n", encoding="utf-8")
        self.reconcile(data or equal())

    @property
    def context(self) -> CommandContext:
        with open_context(self.folder / "lago2odoo.toml") as context:
            return context

    @property
    def report(self) -> Path:
        return self.folder / "report" / "2026-07.json"

    def reconcile(self, data: ReportData, name: str = "2026-07.json") -> None:
        """What ``reconcile`` does once it has compared."""
        report = self.folder / "report" / name
        report.parent.mkdir(exist_ok=True)
        with self.context.store() as store:
            inputs = gather(self.context, store)
        report_json.write(ageing.apply(data, ageing.read(report.parent)), report)
        ageing.append(report, data, inputs.hashes)

    def sign(self, preparer: str = "Ana", reviewer: str = "Bo", **more: Any) -> CommandOutcome:
        out = more.pop("out", None)
        signing = Signing(period="2026-07", preparer=preparer, reviewer=reviewer, at=AT, **more)
        return outcome_of(sign_in(self.context, signing, out))

    def pack(self, **more: Any) -> Path:
        return Path(str(self.sign(**more).data["pack"]))


def verified(paths: list[Path], seal: str | None = None) -> CommandOutcome:
    """What ``report verify`` says."""
    return told_of(check(paths, seal=seal))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_month_is_signed_and_verified(project: Project) -> None:
    outcome = project.sign()
    path = Path(str(outcome.data["pack"]))
    assert outcome.exit_code == 0
    assert path == project.folder / "report" / "evidence" / "2026-07-001.zip"
    checked = verified([path], seal=str(outcome.data["seal"]))
    assert checked.exit_code == 0, checked.text
    assert {"Ana", "Bo", "2026-08-21T10:00:00+00:00", str(outcome.data["seal"])} <= set(checked.text.split())


def test_a_pack_holds_what_the_month_was_made_from(project: Project) -> None:
    data = project.pack().read_bytes()
    files, facts = members(data), evidence.verify(data).facts
    assert sorted(files) == [
        "manifest.json", "mapping/own.toml", "mapping/shipped.toml", "report.html", "report.json.gz", "settings.json",
        "waivers.toml",
    ]  # fmt: skip
    assert gzip.decompress(files[REPORT]) == project.report.read_bytes()
    assert facts["input waivers.toml"] == sha256(files["waivers.toml"])
    assert (facts["tool_version"], facts["lago_version"], facts["odoo_version"]) == ("0.1.0", "v1.51.0", "19.0")
    assert (facts["total CAD lago"], facts["total CAD odoo"], facts["total CAD difference"]) == (100, 100, 0)
    assert json.loads(files["settings.json"])["lago"]["url"] == "https://lago.example.com"


def test_signing_the_same_again_is_the_same_but_for_its_place(project: Project, tmp_path: Path) -> None:
    first, second = project.pack(), project.pack(accept_open="again")
    facts = [dict(evidence.verify(path.read_bytes()).facts) for path in (first, second)]
    assert (facts[1].pop("number"), facts[1].pop("previous")) == (2, evidence.verify(first.read_bytes()).seal)
    assert (facts[0].pop("number"), facts[0].pop("previous")) == (1, evidence.START)
    assert (facts[0].pop("accepted_open"), facts[1].pop("accepted_open")) == (None, "again")
    assert facts[0] == facts[1]
    assert verified([second, first]).exit_code == 0


def test_the_same_people_do_not_sign_the_same_report_twice(project: Project) -> None:
    """A command that was stopped after its work, before it could say so, is run again."""
    first, again = project.sign(), project.sign()
    assert again.data == {**first.data, "before": True}
    assert again.text.startswith("signed already, by the same people: 2026-07")
    assert len(list(project.folder.rglob("*.zip"))) == 1
    assert project.sign(reviewer="Cy").data["number"] == 2, "somebody else may"
    assert project.sign(reviewer="Cy").data["number"] == 2
    project.reconcile(replace(equal(), lapses=()), "2026-07.json")
    assert project.sign(reviewer="Cy").data["number"] == 2, "the same data again is the same report"


def test_a_signing_verifies_each_pack_before_it_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of its own month, and the last one, whose moment it must not be before."""
    for reviewer in ("Bo", "Cy", "Di"):
        project.sign(reviewer=reviewer)
    seals = list[str]()

    def counted(data: bytes) -> evidence.Verified:
        verified = verify(data)
        seals.append(verified.seal)
        return verified

    verify = evidence.verify
    monkeypatch.setattr(evidence, "verify", counted)
    assert project.sign(reviewer="Ed").data["number"] == 4
    assert (len(seals), len(set(seals))) == (3, 3)
    assert project.sign(reviewer="Ed").data["before"] is True
    assert (len(seals), len(set(seals))) == (7, 4)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ({"reviewer": "ana "}, "somebody else"),
        ({"preparer": "Ana <a@x.com>", "reviewer": "A@X.com"}, "somebody else"),
        ({"reviewer": "  "}, "--reviewer is empty"),
        ({"preparer": ""}, "--preparer is empty"),
        ({"accept_open": " "}, "give the reason"),
    ],
)
def test_two_people_must_sign(project: Project, people: dict[str, str], said: str) -> None:
    with pytest.raises(NotSigned, match=said):
        project.sign(**people)
    assert not list(project.folder.rglob("*.zip"))


def edit_report(project: Project) -> None:
    project.report.write_text(project.report.read_text("utf-8").replace("NX-1", "NX-2"), encoding="utf-8")


def edit_tables(project: Project) -> None:
    (project.folder / "tables.toml").write_text("# other\n", encoding="utf-8")


def edit_waivers(project: Project) -> None:
    (project.folder / "waivers.toml").write_text("# other\n", encoding="utf-8")


def edit_settings(project: Project) -> None:
    path = project.folder / "lago2odoo.toml"
    path.write_text(
        path.read_text("utf-8").replace("[reconcile]", "[reconcile]\ntolerance_cents = 5"), encoding="utf-8"
    )


def test_a_run_of_a_cohort_is_signed_by_itself(project: Project) -> None:
    """Later runs of other kinds leave the month's own report signable."""
    pilot = replace(sample(), invoices=sample().invoices[:1])
    project.reconcile(pilot, "2026-07.pilot.json")
    facts = [evidence.verify(project.pack(cohort=cohort).read_bytes()).facts for cohort in (None, "pilot")]
    assert [(f["cohort"], f["outcome"]) for f in facts] == [(None, "equal"), ("pilot", "different")]
    with pytest.raises(ReportError, match=r"no such file"):
        project.sign(cohort="other")


def drop_history(project: Project) -> None:
    (project.report.parent / "history" / "runs.jsonl").unlink()


def drop_report(project: Project) -> None:
    project.report.unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit_report, r"2026-07\.json: was changed since"),
        (edit_tables, r"mapping/own\.toml: changed since"),
        (edit_waivers, r"waivers\.toml: changed since"),
        (edit_settings, r"settings\.json: changed since"),
        (drop_history, "was never noted"),
        (drop_report, "no such file"),
    ],
)
def test_nothing_is_signed_that_moved_since_it_was_reconciled(
    project: Project, change: Callable[[Project], None], said: str
) -> None:
    change(project)
    with pytest.raises(ReportError, match=said) as refused:
        project.sign()
    assert "run 'lago2odoo reconcile" in str(refused.value)
    assert not list(project.folder.rglob("*.zip"))


def extract_events(project: Project, transaction: str) -> Path:
    """What an extract leaves: the file, and its hash in the state."""
    path = project.folder / ".lago2odoo/events/month=2026-07/events.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"transaction_id": [transaction]}), path)
    file = EventFile(path="month=2026-07/events.parquet", events=1, sha256=sha256(path.read_bytes()))
    with project.context.store() as store:
        store.finish(store.new_run("lago", "v1.51.0", AT), [file])
    return path


def test_an_event_file_that_moved_is_named(tmp_path: Path) -> None:
    project = Project(tmp_path)
    path = extract_events(project, "event")
    project.reconcile(equal())
    assert "input events/month=2026-07/events.parquet" in evidence.verify(project.pack().read_bytes()).facts
    extract_events(project, "another event")
    with pytest.raises(NotSigned, match=r"events/month=2026-07/events\.parquet: changed since"):
        project.sign()
    path.write_bytes(b"by hand")
    with pytest.raises(StoreError, match=r"not as it was written .*lago2odoo extract"):
        project.sign()
    path.unlink()
    with pytest.raises(StoreError, match=r"is missing .*lago2odoo extract"):
        project.sign()


def test_what_is_unexplained_needs_a_reason(tmp_path: Path) -> None:
    project = Project(tmp_path, sample())
    with pytest.raises(NotSigned, match=r"1 differences have no proven cause, 1 invoices were not compared"):
        project.sign()
    facts = evidence.verify(project.pack(accept_open="accepted by the CFO").read_bytes()).facts
    assert (facts["accepted_open"], facts["unexplained"], facts["not_compared"]) == ("accepted by the CFO", 1, 1)


@pytest.mark.parametrize("positions", [(), (position(1, 5, 5, 5),), (position(1, 5, None, 5),)])
def test_a_refused_invoice_needs_a_reason_or_a_waiver(tmp_path: Path, positions: tuple[Position, ...]) -> None:
    def refused(waiver: str | None) -> ReportData:
        refusal = RefusalView(side="odoo", reason="order_missing", detail="", waiver=waiver)
        return replace(equal(), invoices=(invoice(1, *positions, refusals=(refusal,)),))

    project = Project(tmp_path, refused(None))
    with pytest.raises(NotSigned, match="1 invoices were not compared"):
        project.sign()
    project.reconcile(refused("refused:order_missing"))
    assert project.sign().exit_code == 0


def test_what_is_explained_or_waived_needs_none(tmp_path: Path) -> None:
    doubt = finding(1, "unexplained", "unknown", proven=False, waiver="unexplained")
    both = position(3, 5, 7, 5, findings=(doubt, finding(1)))
    positions = (position(1, 5, 6, 5), position(2, 5, 6, 5, findings=(doubt,)), both)
    explained = replace(equal(), invoices=(invoice(1, *positions),))
    assert Project(tmp_path, explained).sign().exit_code == 0


def test_no_pack_is_overwritten(project: Project) -> None:
    path = project.pack(out=project.folder / "july.zip")
    before = path.read_bytes()
    with pytest.raises(NotSigned, match="exists already"):
        project.sign(out=path, reviewer="Cy")
    assert path.read_bytes() == before
    assert len(read_chain(project.report.parent / "evidence" / "chain.jsonl")) == 1
    assert not [p for p in project.folder.rglob("*") if p.name.endswith((".partial", ".pending"))]


def test_nothing_is_chained_to_an_altered_pack(project: Project) -> None:
    path = project.pack()
    files = members(path.read_bytes())
    path.write_bytes(archive({**files, "report.html": b""}))
    with pytest.raises(NotSigned, match=r"2026-07-001\.zip: is not as it was signed \(altered: report\.html\)"):
        project.sign()
    path.write_bytes(pack().data)
    with pytest.raises(NotSigned, match="another seal"):
        project.sign()


def chain_of(project: Project) -> Path:
    return project.report.parent / "evidence" / "chain.jsonl"


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def put_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


NOT_THERE = "and nothing is signed after a pack that cannot be looked at; restore it from a backup, or write into "
EARLIER: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "altered": (
        lambda first, _: first.write_bytes(archive({**members(first.read_bytes()), "report.html": b"<p>no</p>"})),
        "2026-07-001.zip: is not as it was signed (altered: report.html); restore it from a backup",
    ),
    "cut": (lambda first, _: first.write_bytes(first.read_bytes()[:100]), "is not as it was signed (altered: the arch"),
    "empty": (lambda first, _: first.write_bytes(b""), "is not as it was signed (altered: the archive"),
    "of another project": (lambda first, _: first.write_bytes(pack().data), "chain.jsonl beside it notes another seal"),
    "gone": (lambda first, _: first.unlink(), f"2026-07-001.zip: is gone, {NOT_THERE}"),
    "a folder": (lambda first, _: put_a_folder(first), f"zip: cannot be read: it is a folder, not a file, {NOT_THERE}"),
    "the last one's content": (swap, "is not as it was signed ("),
}


@pytest.mark.parametrize("again", [True, False], ids=["the same again", "another month"])
@pytest.mark.parametrize(("change", "said"), EARLIER.values(), ids=EARLIER)
def test_nothing_is_signed_over_an_earlier_pack_that_is_not_as_it_was(
    project: Project, change: Callable[[Path, Path], object], said: str, again: bool
) -> None:
    """Neither "signed already" with the seal of old, nor a further link over a hole."""
    first, last = project.pack(), project.pack(reviewer="Cy")
    change(first, last)
    noted = chain_of(project).read_bytes()
    with pytest.raises(NotSigned) as refused:
        project.sign(reviewer="Bo" if again else "Di")
    assert said in str(refused.value)
    assert (chain_of(project).read_bytes(), len(str(refused.value).splitlines())) == (noted, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"pack": "../../../../../../../../../../etc/passwd"}, "is not as it was signed (altered: the archive"),
        ({"pack": "/dev/zero"}, "/dev/zero: cannot be read: it is neither a file nor a folder"),
        ({"pack": "\0.zip"}, "cannot be read: the path holds a character"),
        ({"pack": "a" * 300}, "cannot be read: the name is longer"),
        ({"pack": 5}, "chain.jsonl:1: not a signed pack; restore the file from a backup"),
        ({"number": 1e400}, "chain.jsonl:1: not a signed pack; restore the file from a backup"),
        ({"seal": None}, "chain.jsonl:1: not a signed pack; restore the file from a backup"),
        ({"period": "2026-06"}, "chain.jsonl:1: 2026-07-001.zip is of 2026-07, not 2026-06"),
    ],
    ids=str,
)
def test_a_chain_that_names_what_is_no_pack_of_it_is_refused(project: Project, line: dict[str, Any], said: str) -> None:
    project.pack()
    path = chain_of(project)
    path.write_text(json.dumps({**json.loads(path.read_text()), **line}) + "\n")
    with pytest.raises(ReportError) as refused:
        project.sign()
    assert said in str(refused.value)


def test_a_pack_that_was_moved_is_found_where_the_chain_says(project: Project) -> None:
    first = project.pack()
    away = project.folder / "vault" / "july.zip"
    away.parent.mkdir()
    first.rename(away)
    path = chain_of(project)
    with pytest.raises(NotSigned, match="is gone"):
        project.sign(reviewer="Cy")
    path.write_text(path.read_text().replace(first.name, "../../vault/july.zip"))
    assert project.sign(reviewer="Cy").data["number"] == 2


def test_packs_that_changed_places_are_named(project: Project) -> None:
    first, second = project.pack(), project.pack(reviewer="Cy")
    swap(first, second)
    told = verified([first, second])
    assert told.exit_code == 1
    assert "reordered: pack 2 (chain.jsonl beside it notes pack 1 under this name)" in told.text
    assert verified([first]).exit_code == 1


def test_a_chain_that_is_a_folder_is_one_line_with_its_remedy(project: Project, tmp_path: Path) -> None:
    path = project.pack()
    put_a_folder(chain_of(project))
    who = ("--period", "2026-07", "--preparer", "Ana", "--reviewer", "Bo", "--config", str(tmp_path / "lago2odoo.toml"))
    code, _, err = command("report", "sign", *who)
    said = "chain.jsonl: cannot be read: it is a folder, not a file; restore the file from a backup"
    assert (code, said in err, len(err.splitlines())) == (1, True, 1)
    assert said in verified([path]).text


def test_a_lost_chain_is_noticed(project: Project) -> None:
    project.pack()
    (project.report.parent / "evidence" / "chain.jsonl").unlink()
    with pytest.raises(NotSigned, match=r"chain\.jsonl: is missing"):
        project.sign()


def test_signing_waits_for_no_other_run(project: Project) -> None:
    with project.context.store() as store, store.lock(), pytest.raises(LockHeld):
        project.sign()


def test_verify_names_what_was_altered_and_answers_1(project: Project) -> None:
    path = project.pack()
    path.write_bytes(archive({**members(path.read_bytes()), "report.html": b""}))
    outcome = verified([path])
    assert outcome.exit_code == 1
    assert "NOT as it was signed" in outcome.text
    assert "altered: report.html" in outcome.text
    assert outcome.data["packs"][0]["flaws"] == ["altered: report.html"]


def test_a_pack_rebuilt_as_a_whole_has_another_seal(project: Project) -> None:
    outcome = project.sign()
    path = Path(str(outcome.data["pack"]))
    found = evidence.verify(path.read_bytes())
    files = {name: content for name, content in members(path.read_bytes()).items() if name != MANIFEST}
    path.write_bytes(evidence.build({**found.facts, "reviewer": "Eve"}, files).data)
    alone = project.folder / "alone.zip"
    alone.write_bytes(path.read_bytes())
    said = verified([alone])  # nothing in the pack itself tells, and that is said
    assert (said.exit_code, "alone.zip: UNSEALED" in said.text, "as it was signed" in said.text) == (1, True, False)
    assert (said.data["intact"], said.data["proven"], said.data["packs"][0]["proof"]) == (True, False, "unsealed")
    assert "the pack as a whole (chain.jsonl beside it notes another seal)" in verified([path]).text
    told = verified([path], seal=str(outcome.data["seal"]))
    assert (told.exit_code, "its seal is not the one given" in told.text) == (1, True)


WAIVER = """[[waiver]]
rule = "tax_rounding"
reason = "until September"
author = "ana"
approver = "bo"
expires = 2026-09-30
"""


@pytest.fixture
def waived(tmp_path: Path) -> Project:
    """A month that was reconciled with a waiver."""
    view = WaiverView(
        rule="tax_rounding", reason="until September", author="ana", approver="bo", expires=date(2026, 9, 30),
        expired=False, used=1,
    )  # fmt: skip
    position_ = position(1, 5, 6, 5, findings=(finding(1, "tax_rounding", waiver="tax_rounding"),))
    project = Project(tmp_path, replace(equal(), invoices=(invoice(1, position_),), waivers=(view,)))
    (tmp_path / "waivers.toml").write_text(WAIVER, encoding="utf-8")
    project.reconcile(stored.read(project.report))
    return project


def forged(project: Project, change: Callable[[dict[str, bytes], dict[str, evidence.Fact]], object]) -> list[str]:
    """What is said, far from the project, of a pack that somebody changed and computed all hashes of again."""
    data = project.pack().read_bytes()
    files, facts = members(data), dict(evidence.verify(data).facts)
    del files[MANIFEST]
    change(files, facts)
    return flaws(evidence.build(facts, files).data)


def test_a_waiver_changed_in_a_rehashed_pack_is_named(waived: Project) -> None:
    def extend(files: dict[str, bytes], facts: dict[str, evidence.Fact]) -> None:
        files["waivers.toml"] = files["waivers.toml"].replace(b"2026-09-30", b"2029-09-30")

    def extend_and_note(files: dict[str, bytes], facts: dict[str, evidence.Fact]) -> None:
        extend(files, facts)
        facts["input waivers.toml"] = sha256(files["waivers.toml"])

    assert forged(waived, lambda files, facts: None) == []
    assert forged(waived, extend) == ["altered: waivers.toml"] * 2  # not what was noted; not what the report lists
    assert forged(waived, extend_and_note) == ["altered: waivers.toml"]


@pytest.mark.parametrize(
    ("fact", "value"),
    [("total CAD odoo", 7), ("organization", "Other"), ("invoices", 9), ("exit_code", 2), ("tolerance_cents", 5),
     ("compared_at", "2026-08-20T23:50:01+00:00"), ("customers", 0)],
)  # fmt: skip
def test_a_fact_changed_in_a_rehashed_pack_is_named(project: Project, fact: str, value: evidence.Fact) -> None:
    assert forged(project, lambda files, facts: facts.update({fact: value})) == [f"altered: {MANIFEST}: fact {fact}"]


def test_what_is_accounted_for_is_part_of_what_is_signed(tmp_path: Path) -> None:
    """Records of Lago, the tie to the trial balance, what was not compared: a change is named in a rehashed pack."""
    tie = ReceivableView(
        currency="CAD", lago_cents=9, missing_cents=0, draft_cents=2, posted_cents=7, other_cents=3, account_cents=10
    )
    records = (
        RecordsAccount(resource="customer", extracted=5, refused=1, loaded=4, left_out={"a": 1, "b": 1}),
        RecordsAccount(resource="plan", extracted=3, refused=0, loaded=2),
    )
    project = Project(tmp_path, replace(equal(), receivables=(tie,), records=records))
    assert stored.read(project.report).records == records
    facts = evidence.verify(project.pack().read_bytes()).facts
    told = {name: value for name, value in facts.items() if name.split()[0] in ("receivable", "outside")}
    assert told == {
        "outside CAD lago": 0, "outside CAD odoo": 0, "receivable CAD lago": 9, "receivable CAD draft": 2,
        "receivable CAD posted": 7, "receivable CAD other": 3, "receivable CAD account": 10,
    }  # fmt: skip
    numbers = [facts[f"records_{name}"] for name in ("extracted", "refused", "loaded", "left_out", "unaccounted")]
    assert numbers == [8, 1, 6, 2, 1]
    for fact in (*told, "records_loaded", "records_unaccounted", "not_compared CAD lago"):
        wrong = forged(project, lambda files, facts, fact=fact: facts.update({fact: 99}))
        assert wrong == [f"altered: {MANIFEST}: fact {fact}"]


@pytest.mark.parametrize("name", ["mapping/own.toml", "settings.json"])
def test_an_input_changed_in_a_rehashed_pack_is_named(project: Project, name: str) -> None:
    assert forged(project, lambda files, facts: files.update({name: b"{}"})) == [f"altered: {name}"]


def test_packs_are_held_against_the_chain_beside_them(project: Project) -> None:
    first, second, third = (project.pack(accept_open=f"for the {n}th time") for n in range(3))
    assert verified([first, second, third]).exit_code == 0
    assert "could have changed both" in verified([first]).text, "the chain beside it is as good as its folder"
    renamed = second.rename(second.with_name("july.zip"))
    assert verified([first, renamed, third]).exit_code == 0
    renamed.rename(second)
    third.unlink()
    told = verified([first, second])
    assert (told.exit_code, "chain: missing: pack 3 (2026-07-003.zip is gone)" in told.text) == (1, True)
    stranger = first.with_name("other.zip")
    contents = {name: content for name, content in members(first.read_bytes()).items() if name != MANIFEST}
    facts = evidence.verify(first.read_bytes()).facts
    stranger.write_bytes(evidence.build({**facts, "number": 9}, contents).data)
    assert "added: the pack as a whole (chain.jsonl beside it does not know it)" in verified([stranger]).text
    (first.parent / "chain.jsonl").write_text("{}\n")
    assert "altered: chain.jsonl" in verified([first]).text


def test_the_seal_of_the_last_pack_proves_those_before_it(project: Project, tmp_path: Path) -> None:
    made = [project.sign(accept_open=f"for the {n}th time") for n in range(3)]
    apart = tmp_path / "apart"
    apart.mkdir()
    for path in (Path(str(outcome.data["pack"])) for outcome in made):
        (apart / path.name).write_bytes(path.read_bytes())
    files, last = sorted(apart.iterdir()), str(made[2].data["seal"])
    assert (verified(files).exit_code, verified(files, seal=last).exit_code) == (1, 0)
    assert verified(files[:2], seal=last).exit_code == 1, "not the last one's"
    contents = {name: content for name, content in members(files[0].read_bytes()).items() if name != MANIFEST}
    facts = evidence.verify(files[0].read_bytes()).facts
    files[0].write_bytes(evidence.build({**facts, "reviewer": "Eve"}, contents).data)
    told = verified(files, seal=last)
    assert (told.exit_code, ": as it was signed" in told.text.splitlines()[0]) == (1, False)


def test_every_digit_of_the_page_is_held_against_the_data(project: Project) -> None:
    """In a rehashed pack whose seal is given as if it were the true one."""
    data = project.pack().read_bytes()
    files, facts = members(data), dict(evidence.verify(data).facts)
    del files[MANIFEST]
    page = files["report.html"].decode()
    change = str.maketrans("0123456789", "1234567890")
    made = evidence.build(facts, {**files, "report.html": page.translate(change).encode()})
    other = project.folder / "other.zip"
    other.write_bytes(made.data)
    told = verified([other], seal=made.seal)
    assert (told.exit_code, "altered: report.html (is not what its data makes)" in told.text) == (1, True)
    other.write_bytes((same := evidence.build(facts, files)).data)
    assert verified([other], seal=same.seal).exit_code == 0


def test_a_page_of_another_version_is_not_blamed_but_noted(tmp_path: Path) -> None:
    data = equal()
    project = Project(tmp_path, replace(data, run=replace(data.run, tool_version="0.0.1")))
    made = project.sign()
    path = Path(str(made.data["pack"]))
    contents = {name: content for name, content in members(path.read_bytes()).items() if name != MANIFEST}
    facts = evidence.verify(path.read_bytes()).facts
    other = evidence.build(facts, {**contents, "report.html": contents["report.html"] + b"\n"})
    (tmp_path / "other.zip").write_bytes(other.data)
    told = verified([tmp_path / "other.zip"], seal=other.seal)
    assert (told.exit_code, "note: report.html is not what" in told.text) == (0, True)


# --- killed between two writes ---


class Killed(BaseException):
    """What no handler of ours catches: the process is gone."""


SYSTEM_CALLS = ("fsync", "link", "unlink", "rename", "replace")


def dying_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    """The process is gone right after its ``number``-th call to the file system, of those that make something last."""
    calls: list[str] = []

    def dying(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **more: Any) -> Any:
            result = call(*arguments, **more)
            calls.append(name)
            if len(calls) == number:
                raise Killed
            return result

        return act

    for name in SYSTEM_CALLS:
        monkeypatch.setattr(os, name, dying(name, getattr(os, name)))
    return calls


def evidence_of(project: Project) -> tuple[tuple[Link, ...], list[str]]:
    folder = project.report.parent / "evidence"
    return read_chain(folder / "chain.jsonl"), sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("months", [0, 1])
def test_a_signing_that_is_killed_at_any_write_is_finished_or_never_was(
    tmp_path: Path, months: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first month's, and a later one's: as often signed as without the kill, and as often noted."""
    monkeypatch.setattr(html, "render", lambda *_: "<p>page</p>")  # it takes long, and is no write
    for number in count(1):
        folder = tmp_path / f"killed-{number}"
        folder.mkdir()
        project = Project(folder)
        for _ in range(months):
            project.pack(accept_open="the month before")
        with monkeypatch.context() as patched:
            made = dying_at(patched, number)
            with contextlib.suppress(Killed):
                project.sign()
        outcome = project.sign()
        links, names = evidence_of(project)
        assert len(links) == outcome.data["number"] == months + 1, (number, made)
        assert names == sorted(["chain.jsonl", *(link.pack for link in links)]), (number, made)
        assert verified([folder / "report" / "evidence" / name for name in names[:-1]]).exit_code == 0
        if len(made) < number:  # it came to its end: there is no later write
            break
    assert number > 10, "every write was one of them"


def test_a_line_of_the_chain_that_was_cut_by_the_kill_is_written_again(project: Project) -> None:
    made = project.sign()
    folder = project.report.parent / "evidence"
    chain, line = folder / "chain.jsonl", (folder / "chain.jsonl").read_text()
    (folder / "chain.pending").write_text(line)
    chain.write_text(line[:20])
    assert project.sign().data == {**made.data, "before": True}
    assert (chain.read_text(), (folder / "chain.pending").exists()) == (line, False)


def test_a_note_that_cannot_be_read_is_named(project: Project) -> None:
    folder = project.report.parent / "evidence"
    folder.mkdir()
    (folder / "chain.pending").write_text("{")
    with pytest.raises(NotSigned, match=r"chain\.pending: what a signing that was stopped noted cannot be read"):
        project.sign()


# --- clocks ---


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 6, 15, tzinfo=UTC), "the month was reconciled at 2026-08-"),
        (datetime(2006, 8, 21, tzinfo=UTC), "this machine's clock says 2006-08-21"),
    ],
)
def test_a_clock_before_what_is_known_signs_nothing(project: Project, at: datetime, said: str) -> None:
    signing = Signing(period="2026-07", preparer="Ana", reviewer="Bo", at=at)
    with pytest.raises(NotSigned, match=said):
        sign_in(project.context, signing)
    assert not list(project.folder.rglob("*.zip"))


def test_a_clock_before_the_snapshot_or_the_period_signs_nothing(tmp_path: Path) -> None:
    data = equal()
    early = replace(data.run, compared_at=datetime(2026, 6, 2, tzinfo=UTC))
    for name, run, said in (
        ("snapshot", early, "the snapshot was taken"),
        ("period", replace(early, snapshot_taken_at=datetime(2026, 6, 1, tzinfo=UTC)), "the period began"),
    ):
        (tmp_path / name).mkdir()
        project = Project(tmp_path / name, replace(data, run=run))
        signing = Signing(period="2026-07", preparer="Ana", reviewer="Bo", at=datetime(2026, 6, 3, tzinfo=UTC))
        with pytest.raises(NotSigned, match=said):
            sign_in(project.context, signing)


def test_a_clock_before_the_pack_before_signs_nothing(project: Project) -> None:
    later = Signing(period="2026-07", preparer="Ana", reviewer="Bo", at=datetime(2026, 9, 1, tzinfo=UTC))
    sign_in(project.context, later)
    with pytest.raises(NotSigned, match="the pack before was signed at 2026-09-01"):
        project.sign(reviewer="Cy")


def test_a_clock_before_the_last_run_reconciles_nothing(project: Project) -> None:
    past = ageing.read(project.report.parent)
    compared = past[-1].compared_at
    ageing.require_clock(past, compared)
    ageing.require_clock(past, compared - timedelta(minutes=4))
    with pytest.raises(ageing.HistoryError, match=r"clock says .* but a month was reconciled at 2026-08-20"):
        ageing.require_clock(past, compared - timedelta(minutes=6))
    ageing.require_clock((), compared)


def command(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    assert isinstance(end.value.code, int)
    return end.value.code, out.getvalue(), err.getvalue()


def test_the_command_line(project: Project, tmp_path: Path) -> None:
    config = ("--config", str(tmp_path / "lago2odoo.toml"))
    who = ("--preparer", "Ana", "--reviewer", "Bo")
    code, out, _ = command("report", "sign", "--period", "2026-07", *who, *config, "--format", "json")
    assert code == 0
    path, seal = json.loads(out)["pack"], json.loads(out)["seal"]
    assert command("report", "verify", path, "--seal", seal)[0] == 0
    assert command("report", "verify", path, "--seal", "0" * 64)[0] == 1
    code, _, err = command("report", "verify", str(tmp_path / "none.zip"))
    assert (code, "cannot be read" in err, len(err.splitlines())) == (1, True, 1)
    code, _, err = command("report", *config, "sign", "--period", "2026-07", *who)
    assert (code, "write --config after 'report sign'" in err) == (1, True)
    assert command("report", *config)[0] == 0
    assert (tmp_path / "report" / "2026-07.html").exists()


def test_a_shared_report_is_written_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, key = Project(tmp_path, sample()), tmp_path / "report.key"
    monkeypatch.setattr("lago2odoo.cli.report_files.load_snapshot", lambda store: _Nobody())
    config = ("--config", str(tmp_path / "lago2odoo.toml"))
    code, out, err = command("report", *config, "--pseudonymise", str(key), "--format", "json")
    assert code == 0, err
    written = json.loads(out)
    shared = stored.read(Path(written["json"]))
    assert Path(written["html"]).parent == tmp_path / "report" / "shared"
    assert "NX-2" not in Path(written["html"]).read_text("utf-8") + Path(written["json"]).read_text("utf-8")
    assert judge(shared) == judge(sample())
    assert stored.read(project.report) == ageing.apply(sample(), ())
    assert key.stat().st_mode & 0o777 == 0o600


class _Nobody:
    """A snapshot without names beyond the report's own."""

    class organization:  # noqa: N801
        name = "Hidden Inc."

    customers = plans = subscriptions = invoices = credit_notes = fees = quarantined = ()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:pass@word@host/db", "postgresql+psycopg://***@host/db"),
        (
            "postgresql://host/db?user=me&password=hidden&sslmode=require",
            "postgresql://host/db?user=***&password=***&sslmode=require",
        ),
        ("sqlite:///.lago2odoo/state.db", "sqlite:///.lago2odoo/state.db"),
    ],
)
def test_settings_carry_no_secret(url: str, shown: str) -> None:
    shown_settings = without_secrets(parse(f'[store]\nurl = "{url}"', Path("lago2odoo.toml")))
    assert shown_settings["store"]["url"] == shown
    assert "folder" not in shown_settings
    assert shown_settings["lago"]["api_key_env"] == "LAGO_API_KEY"
