"""The evidence pack: what a reviewer signed, frozen in one file that anybody can check without this project.

    pack.zip                      stored, names sorted, times fixed: the same contents are the same bytes
    ├── manifest.json             entries, each with the hash of the one before; the last hash is the pack's seal
    │     facts                   who prepared, who reviewed, when, versions, inputs, results, the pack before
    │     files                   name, length and SHA-256 of every other file
    ├── report.html  report.json.gz
    └── settings.json  mapping/*.toml  waivers.toml

No secret key is involved in it: whoever rewrites everything gets another seal. So the seal is printed when signing, in
the project's chain (``chain``) and part of the next pack; and people sign the file with keys (``signatures``).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.evidence.report_facts import Fact, said_by, waived, waivers_of
from reports.people import same_person

FORMAT = "lago2odoo-evidence/1"
MANIFEST = "manifest.json"
PAGE, REPORT, WAIVERS = "report.html", "report.json.gz", "waivers.toml"
START = "0" * 64  # what the first entry of a manifest, and the first pack of a project, name as the one before
SIGNED = ("number", "previous", "period", "preparer", "reviewer", "signed_at", "outcome", "report_sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A finished pack: its bytes, its seal (64 hexadecimal digits) and its number in the project's chain."""

    data: bytes
    seal: str
    number: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is not as it was signed. ``kind``: altered, added, missing, reordered."""

    kind: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a pack says, and everything that is wrong with it. ``facts`` and ``seal`` are as found, flaws or not."""

    flaws: tuple[Flaw, ...]
    facts: Mapping[str, Fact]
    seal: str
    notes: tuple[str, ...] = ()  # what could not be held against the data, because another version made it

    @property
    def intact(self) -> bool:
        return not self.flaws


def sha256(data: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


# --- making ------------------------------------------------------------------------------------------------------


def build(facts: Mapping[str, Fact], files: Mapping[str, bytes]) -> Pack:
    """Freeze a pack. ``facts`` must have those of ``SIGNED`` (``previous``: seal of the pack before, or ``START``)."""
    missing = [name for name in SIGNED if name not in facts]
    if missing:
        raise ValueError(f"a pack without {missing[0]} cannot be verified")
    rows: list[dict[str, Any]] = [{"fact": name, "value": value} for name, value in facts.items()]
    rows += [{"file": name, "bytes": len(files[name]), "sha256": sha256(files[name])} for name in sorted(files)]
    entries = _chained(rows)
    seal = entries[-1]["hash"]
    manifest = canonical({"format": FORMAT, "entries": entries, "seal": seal})
    return Pack(data=archive({**files, MANIFEST: manifest}), seal=seal, number=int(facts["number"] or 0))


def _chained(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    previous, entries = START, []
    for number, row in enumerate(rows, 1):
        entry = {"number": number, **row, "previous": previous}
        previous = entry_hash(entry)
        entries.append({**entry, "hash": previous})
    return entries


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Of everything in an entry but the hash itself."""
    return sha256(canonical({key: value for key, value in entry.items() if key != "hash"}))


def canonical(value: Any) -> bytes:
    """The one way to write a JSON value here."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def packed(report: bytes) -> bytes:
    """The report's JSON, compressed without time or name."""
    return gzip.compress(report, 9, mtime=0)


_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s4B4H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DAY = (1 << 5) | 1  # 1980-01-01, the first day a zip file knows
_MODE = 0o100644 << 16


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip file of stored members in the order of their names.

    Written by hand, because packs are compared byte by byte for years: the layout must not follow a library's version.
    """
    body, directory = io.BytesIO(), io.BytesIO()
    for name in sorted(files):
        data, title, start = files[name], name.encode(), body.tell()
        crc, size = zlib.crc32(data), len(data)
        flags = 0 if name.isascii() else 0x800
        body.write(_LOCAL.pack(b"PK\3\4", 20, flags, 0, 0, _DAY, crc, size, size, len(title), 0) + title + data)
        sizes = (crc, size, size, len(title), 0, 0, 0, 0, _MODE, start)
        directory.write(_CENTRAL.pack(b"PK\1\2", 20, 3, 20, 0, flags, 0, 0, _DAY, *sizes) + title)
    counts = (len(files), len(files), len(directory.getvalue()), body.tell())
    return body.getvalue() + directory.getvalue() + _END.pack(b"PK\5\6", 0, 0, *counts, 0)


# --- checking ----------------------------------------------------------------------------------------------------


def verify(data: bytes) -> Verified:
    """Check every hash, the chain and the archive itself. Needs nothing but the pack; raises nothing about it."""
    members, flaws = _members(data)
    if not members:
        return Verified(flaws=tuple(flaws), facts={}, seal="")
    manifest, wrong = _manifest(members.get(MANIFEST))
    flaws += wrong
    if manifest is None:
        return Verified(flaws=tuple(flaws), facts={}, seal="")
    entries, seal = manifest
    facts = {entry["fact"]: entry["value"] for entry in entries if "fact" in entry}
    flaws += [*_chain_flaws(entries, seal), *_file_flaws(entries, members)]
    whole = {name: content for name, content in members.items() if content is not None}
    if not flaws:  # else they would only repeat in other words what is altered
        flaws += [*_doubles(entries), *_claim_flaws(facts, whole)]
    if not flaws and archive(whole) != data:
        flaws.append(Flaw("altered", "the archive", "bytes outside its files: times, comments, or something appended"))
    return Verified(flaws=tuple(flaws), facts=facts, seal=seal)


def contents(data: bytes) -> Mapping[str, bytes]:
    """The readable files of a pack, by name."""
    return {name: content for name, content in _members(data)[0].items() if content is not None}


_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(RuntimeError, ValueError, LookupError, OverflowError),
)


def _members(data: bytes) -> tuple[dict[str, bytes | None], list[Flaw]]:
    """Name -> content (None: unreadable), and what is wrong with the archive. RuntimeError: zipfile on encryption."""
    flaws: list[Flaw] = []
    contents: dict[str, bytes | None] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            names = [info.filename for info in opened.infolist()]
            for info in opened.infolist():
                if info.filename in contents:
                    flaws.append(Flaw("added", info.filename, "a second time"))
                    continue
                contents[info.filename] = _content(opened, info)
    except _UNREADABLE as error:
        return {}, [Flaw("altered", "the archive", f"not a readable zip file: {error}")]
    if not contents:
        flaws.append(Flaw("altered", "the archive", "it is empty"))
    if names != sorted(names):
        flaws.append(Flaw("reordered", "the files of the archive"))
    return contents, flaws


def _content(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | None:
    """A stored member; a compressed one is not ours, and is not unpacked (it might be a bomb)."""
    if info.compress_type != zipfile.ZIP_STORED:
        return None
    try:
        return opened.read(info)
    except _UNREADABLE:
        return None


def _manifest(raw: bytes | None) -> tuple[tuple[list[dict[str, Any]], str] | None, list[Flaw]]:
    """(entries, seal), or None if nothing can be read out of it; and what is wrong with its form."""
    if raw is None:
        return None, [Flaw("missing", MANIFEST, "or its bytes cannot be read")]
    try:
        parsed = json.loads(raw)
        entries, seal = list(map(dict, parsed["entries"])), str(parsed["seal"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        return None, [Flaw("altered", MANIFEST, f"cannot be read: {error!r:.80}")]
    if not all(_sound(entry) for entry in entries):
        return None, [Flaw("altered", MANIFEST, "an entry is neither a fact nor a file")]
    known = parsed.get("format") == FORMAT and set(parsed) == {"format", "entries", "seal"}
    return (entries, seal), ([] if known and _again(parsed) == raw else [Flaw("altered", MANIFEST, "its form")])


def _again(parsed: Any) -> bytes:
    try:
        return canonical(parsed)
    except ValueError:  # NaN and lone surrogates: never written by us
        return b""


_FACT = {"number": int, "fact": str, "value": (str, int, type(None)), "previous": str, "hash": str}
_FILE = {"number": int, "file": str, "bytes": int, "sha256": str, "previous": str, "hash": str}


def _sound(entry: Mapping[str, Any]) -> bool:
    kinds: Mapping[str, Any] = _FACT if "fact" in entry else _FILE
    return set(entry) == set(kinds) and all(isinstance(entry[key], kind) for key, kind in kinds.items())


def _name(entry: Mapping[str, Any]) -> str:
    kind = "fact" if "fact" in entry else "file"
    return f"{MANIFEST}: {kind} {entry[kind]}"


def _chain_flaws(entries: Sequence[Mapping[str, Any]], seal: str) -> Iterator[Flaw]:
    """Entries that changed, are gone, came twice or moved; then links that do not hold although the entries do."""
    whole = [_hash_or_none(entry) == entry["hash"] for entry in entries]
    yield from (Flaw("altered", _name(e)) for e, good in zip(entries, whole, strict=True) if not good)
    numbers = [entry["number"] for entry in entries]
    yield from (Flaw("missing", f"{MANIFEST}: entry {n}") for n in _gaps(numbers))
    yield from (Flaw("added", _name(e), "a second time") for i, e in enumerate(entries) if e["number"] in numbers[:i])
    if numbers != sorted(numbers):
        yield Flaw("reordered", f"{MANIFEST}: its entries")
    if all(whole) and numbers == list(range(1, len(numbers) + 1)):
        yield from _broken_links(entries)
    last = max(entries, key=lambda e: e["number"], default=None)
    if last is None or last["hash"] != seal:
        yield Flaw("altered", f"{MANIFEST}: the seal", "or entries after the last are missing")


def _doubles(entries: Sequence[Mapping[str, Any]]) -> Iterator[Flaw]:
    """Readers would differ in which one they believe."""
    counted = Counter(map(_name, entries))
    yield from (Flaw("added", name, "a second time") for name, number in counted.items() if number > 1)


def _hash_or_none(entry: Mapping[str, Any]) -> str | None:
    try:
        return entry_hash(entry)
    except ValueError:
        return None


def _gaps(numbers: Sequence[int]) -> Iterator[int]:
    """Numbers that should be there: at most as many as would be missing if the rest were in place."""
    present, expected = set(numbers), 1
    for number in sorted(present):
        if number - expected > 1000:  # somebody's number, not a gap: the entry itself is altered already
            return
        yield from range(expected, number)
        expected = number + 1


def _broken_links(entries: Sequence[Mapping[str, Any]]) -> Iterator[Flaw]:
    previous = START
    for entry in entries:
        if entry["previous"] != previous:
            yield Flaw("altered", f"{MANIFEST}: the chain before entry {entry['number']}", "rewritten from there on")
        previous = entry["hash"]


def _file_flaws(entries: Sequence[Mapping[str, Any]], members: Mapping[str, bytes | None]) -> Iterator[Flaw]:
    listed = {entry["file"]: entry for entry in entries if "file" in entry}
    for name, entry in listed.items():
        if name not in members:
            yield Flaw("missing", name)
            continue
        content = members[name]
        if content is None or (sha256(content), len(content)) != (entry["sha256"], entry["bytes"]):
            yield Flaw("altered", name)
    yield from (Flaw("added", name) for name in members if name not in listed and name != MANIFEST)


def _claim_flaws(facts: Mapping[str, Fact], members: Mapping[str, bytes]) -> Iterator[Flaw]:
    """Of a pack whose hashes all hold: what was signed is what the report says, and two people signed it."""
    absent = [name for name in SIGNED if name not in facts]
    yield from (Flaw("missing", f"{MANIFEST}: fact {name}") for name in absent)
    if absent:
        return
    if same_person(str(facts["preparer"]), str(facts["reviewer"])):
        yield Flaw("altered", f"{MANIFEST}: fact reviewer", "is the preparer")
    if REPORT not in members:
        yield Flaw("missing", REPORT)
        return
    said = said_by(members[REPORT])
    if said is None:
        yield Flaw("altered", REPORT, "is not a report")
        return
    for name, value in said.items():
        if name in facts and facts[name] != value:
            yield Flaw("altered", f"{MANIFEST}: fact {name}", f"the report says {value}")
    yield from _input_flaws(facts, members)


def _input_flaws(facts: Mapping[str, Fact], members: Mapping[str, bytes]) -> Iterator[Flaw]:
    """What the month was made from is noted twice: as an input when it was reconciled, and as a file of the pack."""
    for name, content in members.items():
        noted = facts.get(f"input {name}")
        if noted is not None and noted != sha256(content):
            yield Flaw("altered", name, "it is not what the month was reconciled with")
    if WAIVERS in members and waived(members[WAIVERS]) != waivers_of(members[REPORT]):
        yield Flaw("altered", WAIVERS, "the report was made with other waivers")
