"""The signatures of a pack's two people: files beside it, made by a key each, checked offline.

    2026-07-001.zip                  the pack; every byte of it is what is signed, its seal and the one before included
    2026-07-001.zip.preparer.sig     who prepared it   (SSHSIG: ``ssh-keygen -Y verify`` reads it too)
    2026-07-001.zip.reviewer.sig     who reviewed it

Which of the two a signature is follows from whose key made it: the pack names both people, and the reader's file of
signers says whose key is whose. Without that file a signature proves only that one key signed these bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from mappings.errors import of_writing
from reports.errors import NotSigned
from reports.evidence.durable import give_name, partial_of, write_durably
from reports.evidence.report_facts import Fact
from reports.evidence.signers import Signer, Trust
from reports.evidence.sshsig import NAMESPACE, NotASignature, Signature, SigningKey, read_signature
from reports.paths import held_alone, opened, whole_file

LONGEST = 16_384  # bytes; a signature has 300


class Signatory(StrEnum):
    """Whom of its two people a pack names; also the name of the fact."""

    PREPARER = "preparer"
    REVIEWER = "reviewer"

    @property
    def other(self) -> Signatory:
        return Signatory.REVIEWER if self is Signatory.PREPARER else Signatory.PREPARER


class SignatureFlaw(StrEnum):
    """What is wrong with a signature; ``reports.texts.signatures`` says each in words."""

    MISSING = "missing_signature"
    UNREADABLE = "unreadable_signature"
    OTHER_USE = "other_use"  # the key signed something else than a pack: git, mail
    OTHER_PACK = "other_pack"
    CHANGED = "changed_pack"
    SAME_KEY = "same_key"
    SAME_PERSON = "same_person"
    REVOKED = "revoked_key"
    UNKNOWN = "unknown_key"
    NOT_THEN = "key_not_valid_then"
    OTHER_PERSON = "other_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySignature:
    """One person's signature as it was found. ``who``: whose key it is by the file of signers; empty: nobody says."""

    role: Signatory
    person: str  # whom the pack names
    fingerprint: str = ""  # empty: not signed by a key
    who: str = ""
    flaw: SignatureFlaw | None = None
    detail: str = ""


Keys = Mapping[Signatory, SigningKey]
Read = Signature | NotASignature | None  # None: there is no such file
Packs = Mapping[str, bytes]  # file name -> content, of all that are looked at


def signature_file(pack: Path, role: Signatory) -> Path:
    """Where a person's signature of a pack lies."""
    return pack.with_name(f"{pack.name}.{role}.sig")


# --- making ------------------------------------------------------------------------------------------------------


def check_keys(keys: Keys) -> None:
    """Two people have two keys."""
    if len({key.public for key in keys.values()}) < len(keys):
        raise NotSigned("preparer and reviewer have the same key: each signs with a key of their own")


def add_signature(pack: Path, data: bytes, role: Signatory, key: SigningKey) -> Path:
    """The person's signature beside the pack, if it is not there yet: a killed command is finished by the next one."""
    path, text = signature_file(pack, role), key.sign(data)
    _refuse_the_others_key(pack, role, key)
    partial = partial_of(path)
    try:
        with held_alone(partial):
            if path.exists():
                partial.unlink()
                return _same(path, text)
            write_durably(partial, text, "wb")
            give_name(partial, path)
    except OSError as error:
        written = NotSigned(f"{path}: the signature cannot be written: {error.strerror}")
        raise of_writing(written, error.errno) from None
    return path


def _same(path: Path, text: bytes) -> Path:
    if whole_file(path).split() != text.split():
        raise NotSigned(f"{path}: another signature is there, and none is ever overwritten; look at it, then move it")
    return path


def _refuse_the_others_key(pack: Path, role: Signatory, key: SigningKey) -> None:
    other = _read(signature_file(pack, role.other))
    if isinstance(other, Signature) and other.key == key.public:
        raise NotSigned(f"the {role.other} signed {pack.name} with this key: each signs with a key of their own")


# --- checking ----------------------------------------------------------------------------------------------------


def signatures_of(
    pack: Path, data: bytes, facts: Mapping[str, Fact], trust: Trust | None, packs: Packs
) -> tuple[KeySignature, ...]:
    """What is found of both people's signatures. ``packs``: the others, one of which a signature may be of."""
    read = {role: _read(signature_file(pack, role)) for role in Signatory}
    keys = [signature.key for signature in read.values() if isinstance(signature, Signature)]
    same = len(keys) > len(set(keys))
    signatures = []
    for role, signature in read.items():
        named = KeySignature(role=role, person=str(facts.get(role) or ""))
        judged = _judge(named, signature, data, packs)
        if trust is not None and judged.flaw is None:
            judged = _identify(judged, signature, facts, trust)
        signatures.append(replace(judged, flaw=SignatureFlaw.SAME_KEY) if same and judged.flaw is None else judged)
    return tuple(signatures)


def _read(path: Path) -> Read:
    try:
        with opened(path) as file:
            return read_signature(file.read(LONGEST))
    except FileNotFoundError:
        return None
    except OSError as error:
        return NotASignature(f"cannot be read: {error.strerror}")
    except NotASignature as error:
        return error


def _judge(named: KeySignature, signature: Read, data: bytes, packs: Packs) -> KeySignature:
    """What can be said without knowing whose key it is."""
    if signature is None:
        return named
    if isinstance(signature, NotASignature):
        return replace(named, flaw=SignatureFlaw.UNREADABLE, detail=str(signature))
    keyed = replace(named, fingerprint=signature.key.fingerprint)
    if signature.namespace != NAMESPACE:
        shown = "".join(sign if sign.isprintable() else "?" for sign in signature.namespace[:80])
        return replace(keyed, flaw=SignatureFlaw.OTHER_USE, detail=shown)
    if not signature.fits(data):
        other = next((name for name, content in packs.items() if signature.fits(content)), "")
        return replace(keyed, flaw=SignatureFlaw.OTHER_PACK if other else SignatureFlaw.CHANGED, detail=other)
    return keyed


def _identify(keyed: KeySignature, signature: Read, facts: Mapping[str, Fact], trust: Trust) -> KeySignature:
    """Whose key it is, and whether it may sign as whom the pack names."""
    if not isinstance(signature, Signature):
        return replace(keyed, flaw=SignatureFlaw.MISSING)
    signers = trust.of(signature.key)
    known = replace(keyed, who=", ".join(dict.fromkeys(name for signer in signers for name in signer.names)))
    flaw, detail = next(_barriers(known, signers, facts, trust), (None, ""))
    return replace(known, flaw=flaw, detail=detail)


def _barriers(
    known: KeySignature, signers: Sequence[Signer], facts: Mapping[str, Fact], trust: Trust
) -> Iterator[tuple[SignatureFlaw, str]]:
    """Whatever keeps the key from being that of the person, with a detail; the first is the one to tell."""
    persons = [signer for signer in signers if signer.is_person(known.person)]
    for_packs = [signer for signer in persons if signer.may_sign]
    moment = _moment(facts)
    if known.fingerprint in trust.revoked:
        yield SignatureFlaw.REVOKED, ""
    if not signers:
        yield SignatureFlaw.UNKNOWN, trust.name
    if not persons:
        yield SignatureFlaw.OTHER_PERSON, ""
    if any(signer.is_person(str(facts.get(known.role.other) or "")) for signer in signers):
        yield SignatureFlaw.SAME_PERSON, ""
    if not for_packs:
        yield SignatureFlaw.OTHER_USE, ", ".join(n for signer in persons for n in signer.namespaces)
    if moment is None or not any(signer.is_valid_at(moment) for signer in for_packs):
        yield SignatureFlaw.NOT_THEN, str(facts.get("signed_at"))


def _moment(facts: Mapping[str, Fact]) -> datetime | None:
    """When the pack says that it was signed."""
    try:
        moment = datetime.fromisoformat(str(facts.get("signed_at")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
