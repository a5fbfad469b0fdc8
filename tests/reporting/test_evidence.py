"""Evidence packs: signed by two people, and whatever is touched afterwards is named."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from migrate import cli
from migrate.commands import history, sign, verify
from migrate.commands.context import Context, Outcome, open_context
from migrate.commands.inputs import gather, settings
from migrate.config import parse
from migrate.errors import Blocked, LockHeld, StoreError
from reports import evidence, stored
from reports import json as report_json
from reports.data import Position, RefusalView, ReportData, WaiverView
from reports.evidence import MANIFEST, REPORT, ChainError, Pack, archive, canonical, sha256
from reports.people import nobody, same_person
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
    assert evidence.link_flaws(chained()) == []
    assert evidence.link_flaws(chained()[::-1]) == []
    assert evidence.link_flaws([]) == []


def test_a_missing_a_replaced_and_a_doubled_pack_are_named() -> None:
    first, second, third = chained()
    other = ("2.zip", evidence.verify(pack(number=2, previous=first[1].seal, reviewer="Eve").data))
    assert list(map(str, evidence.link_flaws([first, third]))) == ["missing: pack 2 (before 3.zip)"]
    assert list(map(str, evidence.link_flaws([first, other, third]))) == [
        "altered: pack 2 (3.zip was signed after another one)"
    ]
    assert "added" in str(evidence.link_flaws([first, second, other, third])[0])


def test_the_projects_chain_is_read_with_care(tmp_path: Path) -> None:
    path = tmp_path / "chain.jsonl"
    assert evidence.read_chain(path) == ()
    links = [evidence.Link(number=n, period="2026-07", pack=f"{n}.zip", seal="s") for n in (1, 2)]
    path.write_text("".join(map(evidence.chain_line, links)), encoding="utf-8")
    assert list(evidence.read_chain(path)) == links
    path.write_text(evidence.chain_line(links[1]), encoding="utf-8")
    with pytest.raises(ChainError, match=r"chain\.jsonl:1: pack 1 is missing"):
        evidence.read_chain(path)
    path.write_bytes(b"\xff\n")
    with pytest.raises(ChainError, match=r"chain\.jsonl:1"):
        evidence.read_chain(path)


# --- the commands ---

AT = datetime(2026, 8, 21, 10, tzinfo=UTC)


class Project:
    """A reconciled project: configuration, tables, waivers, state, events."""

    def __init__(self, folder: Path, data: ReportData | None = None) -> None:
        self.folder = folder
        (folder / "lago2odoo.toml").write_text(
            '[lago]\nurl = "https://ana:secret@lago.example.com"\n[mapping]\ntables = "tables.toml"\n'
            '[reconcile]\nwaivers = "waivers.toml"\n',
            encoding="utf-8",
        )
        (folder / "tables.toml").write_text("# finance\n", encoding="utf-8")
        (folder / "waivers.toml").write_text("# none\n", encoding="utf-8")
        self.reconcile(data or equal())

    @property
    def context(self) -> Context:
        return open_context(self.folder / "lago2odoo.toml")

    @property
    def report(self) -> Path:
        return self.folder / "report" / "2026-07.json"

    def reconcile(self, data: ReportData, name: str = "2026-07.json") -> None:
        """What ``reconcile`` does once it has compared."""
        report = self.folder / "report" / name
        report.parent.mkdir(exist_ok=True)
        with self.context.store() as store:
            inputs = gather(self.context, store)
        report_json.write(history.aged(data, report.parent), report)
        history.note(data, report, inputs)

    def sign(self, preparer: str = "Ana", reviewer: str = "Bo", **more: Any) -> Outcome:
        options = {"out": None, "accept_open": None, "clock": lambda: AT, **more}
        return sign.run(self.context, period="2026-07", preparer=preparer, reviewer=reviewer, **options)

    def pack(self, **more: Any) -> Path:
        return Path(str(self.sign(**more).data["pack"]))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_month_is_signed_and_verified(project: Project) -> None:
    outcome = project.sign()
    path = Path(str(outcome.data["pack"]))
    assert outcome.exit_code == 0
    assert path == project.folder / "report" / "evidence" / "2026-07-001.zip"
    checked = verify.run([path], seal=str(outcome.data["seal"]))
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
    assert b"secret" not in data
    assert json.loads(files["settings.json"])["lago"]["url"] == "https://***@lago.example.com"


def test_signing_the_same_again_is_the_same_but_for_its_place(project: Project, tmp_path: Path) -> None:
    first, second = project.pack(), project.pack()
    facts = [dict(evidence.verify(path.read_bytes()).facts) for path in (first, second)]
    assert (facts[1].pop("number"), facts[1].pop("previous")) == (2, evidence.verify(first.read_bytes()).seal)
    assert (facts[0].pop("number"), facts[0].pop("previous")) == (1, evidence.START)
    assert facts[0] == facts[1]
    assert verify.run([second, first]).exit_code == 0


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
    with pytest.raises(Blocked, match=said):
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
    with pytest.raises(Blocked, match=r"no such file"):
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
    with pytest.raises(Blocked, match=said) as refused:
        project.sign()
    assert "run 'lago2odoo reconcile" in str(refused.value)
    assert not list(project.folder.rglob("*.zip"))


def test_an_event_file_that_moved_is_named(tmp_path: Path) -> None:
    (tmp_path / ".lago2odoo/events/month=2026-07").mkdir(parents=True)
    path = tmp_path / ".lago2odoo/events/month=2026-07/events.parquet"
    path.write_bytes(b"events")
    project = Project(tmp_path)
    with project.context.store() as store:
        store.finish(store.new_run("lago", "v1.51.0", AT), {"month=2026-07/events.parquet": 1})
    project.reconcile(equal())
    assert "input events/month=2026-07/events.parquet" in evidence.verify(project.pack().read_bytes()).facts
    path.write_bytes(b"other events")
    with pytest.raises(Blocked, match=r"events/month=2026-07/events\.parquet: changed since"):
        project.sign()
    path.unlink()
    with pytest.raises(StoreError, match="extract"):
        project.sign()


def test_what_is_unexplained_needs_a_reason(tmp_path: Path) -> None:
    project = Project(tmp_path, sample())
    with pytest.raises(Blocked, match=r"1 differences have no proven cause, 1 invoices were not compared"):
        project.sign()
    facts = evidence.verify(project.pack(accept_open="accepted by the CFO").read_bytes()).facts
    assert (facts["accepted_open"], facts["unexplained"], facts["not_compared"]) == ("accepted by the CFO", 1, 1)


@pytest.mark.parametrize("positions", [(), (position(1, 5, 5, 5),), (position(1, 5, None, 5),)])
def test_a_refused_invoice_needs_a_reason_or_a_waiver(tmp_path: Path, positions: tuple[Position, ...]) -> None:
    def refused(waiver: str | None) -> ReportData:
        refusal = RefusalView(side="odoo", reason="order-missing", detail="", waiver=waiver)
        return replace(equal(), invoices=(invoice(1, *positions, refusals=(refusal,)),))

    project = Project(tmp_path, refused(None))
    with pytest.raises(Blocked, match="1 invoices were not compared"):
        project.sign()
    project.reconcile(refused("refused:order-missing"))
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
    with pytest.raises(Blocked, match="exists already"):
        project.sign(out=path)
    assert path.read_bytes() == before
    assert len(evidence.read_chain(project.report.parent / "evidence" / "chain.jsonl")) == 1
    assert not [p for p in project.folder.iterdir() if p.name.endswith(".partial")]


def test_nothing_is_chained_to_an_altered_pack(project: Project) -> None:
    path = project.pack()
    files = members(path.read_bytes())
    path.write_bytes(archive({**files, "report.html": b""}))
    with pytest.raises(Blocked, match=r"2026-07-001\.zip: is not as it was signed \(altered: report\.html\)"):
        project.sign()
    path.write_bytes(pack().data)
    with pytest.raises(Blocked, match="another seal"):
        project.sign()


def test_a_lost_chain_is_noticed(project: Project) -> None:
    project.pack()
    (project.report.parent / "evidence" / "chain.jsonl").unlink()
    with pytest.raises(Blocked, match=r"chain\.jsonl: is missing"):
        project.sign()


def test_signing_waits_for_no_other_run(project: Project) -> None:
    with project.context.store() as store, store.lock(), pytest.raises(LockHeld):
        project.sign()


def test_verify_names_what_was_altered_and_answers_1(project: Project) -> None:
    path = project.pack()
    path.write_bytes(archive({**members(path.read_bytes()), "report.html": b""}))
    outcome = verify.run([path])
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
    assert verify.run([alone]).exit_code == 0  # nothing in the pack itself tells
    assert "the pack as a whole (chain.jsonl beside it notes another seal)" in verify.run([path]).text
    told = verify.run([path], seal=str(outcome.data["seal"]))
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


@pytest.mark.parametrize("name", ["mapping/own.toml", "settings.json"])
def test_an_input_changed_in_a_rehashed_pack_is_named(project: Project, name: str) -> None:
    assert forged(project, lambda files, facts: files.update({name: b"{}"})) == [f"altered: {name}"]


def test_packs_are_held_against_the_chain_beside_them(project: Project) -> None:
    first, second, third = (project.pack() for _ in range(3))
    assert verify.run([first, second, third]).exit_code == 0
    renamed = second.rename(second.with_name("july.zip"))
    assert verify.run([first, renamed, third]).exit_code == 0
    renamed.rename(second)
    third.unlink()
    told = verify.run([first, second])
    assert (told.exit_code, "chain: missing: pack 3 (2026-07-003.zip is gone)" in told.text) == (1, True)
    stranger = first.with_name("other.zip")
    stranger.write_bytes(pack(number=9).data)
    assert "added: the pack as a whole (chain.jsonl beside it does not know it)" in verify.run([stranger]).text
    (first.parent / "chain.jsonl").write_text("{}\n")
    assert "altered: chain.jsonl" in verify.run([first]).text


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
    monkeypatch.setattr("migrate.commands.report.load_snapshot", lambda store: _Nobody())
    config = ("--config", str(tmp_path / "lago2odoo.toml"))
    code, out, err = command("report", *config, "--pseudonymise", str(key), "--format", "json")
    assert code == 0, err
    written = json.loads(out)
    shared = stored.read(Path(written["json"]))
    assert Path(written["html"]).parent == tmp_path / "report" / "shared"
    assert "NX-2" not in Path(written["html"]).read_text("utf-8") + Path(written["json"]).read_text("utf-8")
    assert shared.outcome == sample().outcome
    assert stored.read(project.report) == history.aged(sample(), tmp_path / "nowhere")
    assert key.stat().st_mode & 0o777 == 0o600


class _Nobody:
    """A snapshot without names beyond the report's own."""

    class organization:  # noqa: N801
        name = "Hidden Inc."

    customers = subscriptions = invoices = fees = ()


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
    shown_settings = settings(parse(f'[store]\nurl = "{url}"', Path("lago2odoo.toml")))
    assert shown_settings["store"]["url"] == shown
    assert "folder" not in shown_settings
    assert shown_settings["lago"]["api_key_env"] == "LAGO_API_KEY"
