"""Signatures by a key prove who: a pack that somebody rebuilt as a whole, with all hashes and its chain, is found."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from lago2odoo.cli.report_sign import sign_in
from lago2odoo.cli.report_verify import outcome_of as told_of
from migrate.config import parse
from migrate.errors import ConfigError
from reports import html
from reports.errors import NotSigned
from reports.evidence import packs as evidence
from reports.evidence.chain import Link, chain_line
from reports.evidence.checking import check
from reports.evidence.packs import MANIFEST
from reports.evidence.signatures import Signatory, SignatureFlaw, add_signature, signature_file
from reports.evidence.signers import SignersError, parse_revoked, parse_signers, read_trust
from reports.evidence.signing import Signing
from reports.evidence.sshsig import NotASignature, PublicKey, Signature, SigningKey, load_key, read_signature
from reports.texts.signatures import SIGNATURES
from reports.version import tool_version
from tests.reporting.test_evidence import AT, Killed, Project, command, dying_at, members

ANA, BO, EVE = "Ana Roy <ana@example.com>", "Bo Li <bo@example.com>", "Eve <eve@example.com>"
OLD = Path(__file__).parents[1] / "data" / "packs"
KEYGEN = shutil.which("ssh-keygen")
needs_keygen = pytest.mark.skipif(KEYGEN is None, reason="ssh-keygen is not installed")


def private(name: str) -> Ed25519PrivateKey:
    """A person's key, the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def key(name: str) -> SigningKey:
    return SigningKey(private(name))


def text_of(public: PublicKey) -> str:
    return f"ssh-ed25519 {base64.b64encode(public.wire).decode()}"


def key_file(folder: Path, name: str, passphrase: str = "") -> Path:
    path = folder / f"{name}.key"
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(private(name).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock))
    path.chmod(0o600)
    return path


def signers_file(folder: Path, *lines: str) -> Path:
    path = folder / "allowed_signers"
    path.write_text("# finance\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def line(name: str, options: str = "") -> str:
    return f"{name}@example.com {options + ' ' if options else ''}{text_of(key(name).public)} {name}'s laptop"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def pack(project: Project) -> Path:
    """A pack that Ana and Bo signed, alone in a folder: no project, no chain."""
    return apart(signed(project))


@pytest.fixture
def signers(tmp_path: Path) -> Path:
    return signers_file(tmp_path, line("ana"), line("bo"))


def signed(project: Project, preparer: str = "ana", reviewer: str = "bo", **more: Any) -> Path:
    keys = {Signatory.PREPARER: key(preparer), Signatory.REVIEWER: key(reviewer)}
    signing = Signing(period="2026-07", preparer=ANA, reviewer=BO, at=AT, **more)
    return sign_in(project.context, signing, None, keys).path


def apart(pack: Path) -> Path:
    folder = pack.parents[2] / "apart"
    folder.mkdir(exist_ok=True)
    for path in (pack, *(signature_file(pack, role) for role in Signatory)):
        shutil.copy(path, folder)
    return folder / pack.name


def verified(pack: Path, *arguments: object) -> tuple[int, str]:
    code, out, err = command("report", "verify", str(pack), *map(str, arguments))
    assert not err
    return code, out


def flaws(pack: Path, signers: Path | None, *others: Path, revoked: Path | None = None) -> dict[str, str]:
    """Role -> the name of what is wrong with its signature."""
    checked = check([pack, *others], trust=read_trust(signers, revoked) if signers else None)
    return {s.role.value: s.flaw.value for s in checked.signatures[pack.name] if s.flaw}


# --- what it is for ---


def test_two_keys_prove_a_pack_without_seal_and_chain(pack: Path, signers: Path) -> None:
    code, out = verified(pack, "--signers", signers)
    assert (code, out.splitlines()[0]) == (0, f"{pack.name}: as both people signed it, by their keys")
    assert f"prepared by {ANA}: signed with the key of ana@example.com ({key('ana').public.fingerprint})" in out
    assert f"reviewed by {BO}: signed with the key of bo@example.com ({key('bo').public.fingerprint})" in out
    seal = evidence.verify(pack.read_bytes()).seal
    assert verified(pack, "--signers", signers, "--seal", seal)[0] == 0
    assert verified(pack, "--signers", signers, "--seal", "0" * 64)[0] == 1, "a wrong seal stays wrong"


def rebuilt(pack: Path) -> str:
    """The whole pack anew, by who can write the files: another reviewer, date and page; its new seal."""
    data = pack.read_bytes()
    files, facts = members(data), dict(evidence.verify(data).facts)
    del files[MANIFEST]
    facts |= {"reviewer": EVE, "signed_at": "2026-09-01T10:00:00+00:00", "tool_version": "0.0.1"}
    digits = str.maketrans("0123456789", "1234567890")
    files["report.html"] = files["report.html"].decode().translate(digits).encode()
    report = json.loads(evidence.gzip.decompress(files["report.json.gz"]))
    report["run"]["tool_version"] = "0.0.1"  # a page of another version is only noted
    raw = json.dumps(report).encode()
    files["report.json.gz"] = evidence.packed(raw)
    made = evidence.build({**facts, "report_sha256": evidence.sha256(raw)}, files)
    pack.write_bytes(made.data)
    chain = Link(number=made.number, period="2026-07", pack=pack.name, seal=made.seal)
    (pack.parent / "chain.jsonl").write_text(chain_line(chain), encoding="utf-8")
    return made.seal


def test_a_pack_that_was_rebuilt_as_a_whole_is_found(pack: Path, signers: Path) -> None:
    """Every hash, the seal and the chain anew: what the keys signed is another pack, whatever its writer does."""
    seal = rebuilt(pack)
    for arguments in ((), ("--seal", seal), ("--signers", signers), ("--signers", signers, "--seal", seal)):
        code, out = verified(pack, *arguments)
        assert (code, out.count("changed_pack: the key SHA256:")) == (1, 2), arguments
        assert out.startswith(f"{pack.name}: NOT signed as it says")
    for role in Signatory:
        signature_file(pack, role).unlink()
    assert verified(pack, "--seal", seal)[0] == 0, "without keys nothing else could tell: that is why they are there"
    assert flaws(pack, signers) == {"preparer": "missing_signature", "reviewer": "missing_signature"}
    assert verified(pack, "--signers", signers, "--seal", seal)[0] == 1
    for name in ("eve", "mallory"):
        add_signature(
            pack, pack.read_bytes(), Signatory(Signatory.PREPARER if name == "eve" else "reviewer"), key(name)
        )
    assert flaws(pack, signers) == {"preparer": "unknown_key", "reviewer": "unknown_key"}
    known = signers_file(signers.parent, line("ana"), line("bo"), line("eve"), line("mallory"))
    assert flaws(pack, known) == {"preparer": "other_person", "reviewer": "other_person"}


@pytest.mark.parametrize(
    "fact", ["reviewer", "preparer", "signed_at", "accepted_open", "number", "previous", "organization"]
)
def test_any_fact_of_a_rehashed_pack_breaks_both_signatures(pack: Path, signers: Path, fact: str) -> None:
    data = pack.read_bytes()
    files = {name: content for name, content in members(data).items() if name != MANIFEST}
    other = 2 if fact == "number" else "other <other@example.com>"
    pack.write_bytes(evidence.build({**evidence.verify(data).facts, fact: other}, files).data)
    assert flaws(pack, signers) == {"preparer": "changed_pack", "reviewer": "changed_pack"}


# --- every flaw by its name ---


def drop(pack: Path) -> None:
    signature_file(pack, Signatory.REVIEWER).unlink()


def cut(pack: Path) -> None:
    path = signature_file(pack, Signatory.REVIEWER)
    path.write_bytes(path.read_bytes()[:200])


def sign_as(name: str) -> Callable[[Path], None]:
    def change(pack: Path) -> None:
        signature_file(pack, Signatory.REVIEWER).write_bytes(key(name).sign(pack.read_bytes()))

    return change


def swap(pack: Path) -> None:
    paths = [signature_file(pack, role) for role in Signatory]
    texts = [path.read_bytes() for path in paths]
    for path, text in zip(paths, reversed(texts), strict=True):
        path.write_bytes(text)


def nothing(pack: Path) -> None:
    """As it is."""


BOTH = (line("ana"), line("bo"))
ANAS_KEY = text_of(key("ana").public)


@pytest.mark.parametrize(
    ("change", "lines", "found"),
    [
        (nothing, BOTH, {}),
        (drop, BOTH, {"reviewer": "missing_signature"}),
        (cut, BOTH, {"reviewer": "unreadable_signature"}),
        (sign_as("eve"), BOTH, {"reviewer": "unknown_key"}),
        (sign_as("eve"), (*BOTH, line("eve")), {"reviewer": "other_person"}),
        (sign_as("ana"), BOTH, {"reviewer": "other_person", "preparer": "same_key"}),
        (sign_as("ana"), (*BOTH, f"bo@example.com {ANAS_KEY}"), {role.value: "same_person" for role in Signatory}),
        (swap, BOTH, {"preparer": "other_person", "reviewer": "other_person"}),
        (nothing, (line("ana"),), {"reviewer": "unknown_key"}),
        (nothing, (line("ana"), f"cy@example.com {text_of(key('bo').public)}"), {"reviewer": "other_person"}),
        (nothing, (f"ana@example.com,bo@example.com {ANAS_KEY}", line("bo")), {"preparer": "same_person"}),
        (nothing, (line("ana"), line("bo", 'namespaces="git"')), {"reviewer": "other_use"}),
        (nothing, (line("ana"), line("bo", 'namespaces="git,lago*"')), {}),
        (nothing, (line("ana"), line("bo", 'namespaces="lago*,!lago2odoo"')), {"reviewer": "other_use"}),
        (nothing, (line("ana"), line("bo", 'valid-before="20260821"')), {"reviewer": "key_not_valid_then"}),
        (nothing, (line("ana"), line("bo", 'valid-after="202608211001Z"')), {"reviewer": "key_not_valid_then"}),
        (nothing, (line("ana"), line("bo", 'valid-after="20260821",valid-before="20260822"')), {}),
        (nothing, (line("ana"), line("bo", 'valid-before="20260821"'), line("bo")), {}),
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_name(
    pack: Path, tmp_path: Path, change: Callable[[Path], None], lines: tuple[str, ...], found: dict[str, str]
) -> None:
    change(pack)
    signers = signers_file(tmp_path, *lines)
    assert flaws(pack, signers) == found
    code, out = verified(pack, "--signers", signers)
    assert code == (1 if found else 0)
    for flaw in found.values():
        assert f": {flaw}: " in out


def test_one_key_of_two_people_is_found_without_signers(pack: Path) -> None:
    sign_as("ana")(pack)
    assert flaws(pack, None) == {"preparer": "same_key", "reviewer": "same_key"}


def test_a_signature_of_another_pack_is_named_with_it(project: Project, signers: Path) -> None:
    first = signed(project)
    second = signed(project, accept_open="again")
    for role in Signatory:
        shutil.copy(signature_file(first, role), signature_file(second, role))
    assert flaws(second, signers, first) == {"preparer": "other_pack", "reviewer": "other_pack"}
    assert flaws(second, signers) == {"preparer": "changed_pack", "reviewer": "changed_pack"}, "nobody knows the other"
    code, out, _ = command("report", "verify", str(second), str(first), "--signers", str(signers))
    assert (code, "is that of 2026-07-001.zip" in out) == (1, True)


@pytest.mark.parametrize("listed", [key("bo").public.fingerprint, text_of(key("bo").public), line("bo")])
def test_a_revoked_key_is_named_whoever_still_lists_it(pack: Path, signers: Path, tmp_path: Path, listed: str) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(f"# lost in May\nssh-rsa AAAA\n{listed}\n", encoding="utf-8")
    assert flaws(pack, signers, revoked=revoked) == {"reviewer": "revoked_key"}
    code, out = verified(pack, "--signers", signers, "--revoked", revoked)
    assert (code, f"revoked_key: the key {key('bo').public.fingerprint} is revoked" in out) == (1, True)
    code, _, err = command("report", "verify", str(pack), "--revoked", str(revoked))
    assert (code, "--revoked says nothing without --signers" in err) == (1, True)


def test_the_signature_of_something_else_is_none_of_a_pack(pack: Path, signers: Path, tmp_path: Path) -> None:
    """The same key, the same bytes, another namespace: what git or a mail program would sign."""
    text = signature_file(pack, Signatory.REVIEWER).read_bytes()
    found = read_signature(text)
    other = Signature(key=found.key, namespace="git", hash_name=found.hash_name, value=found.value)
    assert (found.fits(pack.read_bytes()), other.fits(pack.read_bytes())) == (True, False)
    blob = base64.b64decode("".join(text.decode().splitlines()[1:-1]))
    blob = blob.replace(b"\0\0\0\x09lago2odoo", b"\0\0\0\x06gi\x1b[2J")
    armoured = f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(blob).decode()}\n-----END SSH SIGNATURE-----\n"
    signature_file(pack, Signatory.REVIEWER).write_text(armoured)
    assert flaws(pack, signers) == {"reviewer": "other_use"}
    assert "signed for “gi?[2J”" in verified(pack)[1], "what somebody else wrote does nothing to a terminal"


def test_two_packs_of_one_name_are_told_apart(pack: Path, signers: Path, tmp_path: Path) -> None:
    """A good copy that comes last hides nothing of a bad one before it."""
    bad = tmp_path / "bad"
    shutil.copytree(pack.parent, bad)
    drop(bad / pack.name)
    code, out, _ = command("report", "verify", str(bad / pack.name), str(pack), "--signers", str(signers))
    assert (code, f"{bad / pack.name}: NOT signed as it says" in out) == (1, True)
    assert f"{pack}: as both people signed it, by their keys" in out


def test_without_signers_it_says_which_keys_and_that_nothing_says_whose(pack: Path) -> None:
    code, out = verified(pack)
    assert (code, "UNSEALED" in out) == (1, True)
    assert out.count("nothing says whose it is: give --signers") == 2
    assert all(key(name).public.fingerprint in out for name in ("ana", "bo"))
    assert verified(pack, "--seal", evidence.verify(pack.read_bytes()).seal)[0] == 0
    drop(pack)
    code, out = verified(pack, "--seal", evidence.verify(pack.read_bytes()).seal)
    assert (code, f"reviewed by {BO}: not signed by a key" in out) == (0, True)


def test_the_same_in_json(pack: Path, signers: Path) -> None:
    drop(pack)
    code, out = verified(pack, "--signers", signers, "--format", "json")
    said = json.loads(out)
    assert (code, said["intact"], said["proven"]) == (1, False, False)
    assert [(s["role"], s["who"], s["flaw"]) for s in said["packs"][0]["signatures"]] == [
        ("preparer", "ana@example.com", None),
        ("reviewer", "", "missing_signature"),
    ]


def test_every_flaw_is_said_in_both_languages(pack: Path, signers: Path) -> None:
    assert {f"signature.{flaw.value}" for flaw in SignatureFlaw} <= set(SIGNATURES)
    drop(pack)
    code, out = verified(pack, "--signers", signers, "--language", "fr_CA")
    assert code == 1
    assert out.startswith(f"{pack.name}: PAS signé comme il le dit")
    assert f"révisé par {BO}: missing_signature: aucune signature par une clé" in out


# --- packs of before ---


def test_packs_of_before_keys_are_what_they_were(tmp_path: Path) -> None:
    files = sorted(OLD.glob("*.zip"))
    told = told_of(check(files))
    lines = [each for each in told.text.splitlines() if each != "  not signed by a key"]
    before = (OLD / "said.txt").read_text("utf-8").replace("0.1.0 makes", f"{tool_version()} makes")
    assert (told.exit_code, lines) == (0, before.splitlines())
    assert told.text.count("  not signed by a key") == 2
    seal = evidence.verify(files[1].read_bytes()).seal
    assert check(files, seal=seal).proven
    trust = read_trust(signers_file(tmp_path, *BOTH))
    assert not check(files, seal=seal, trust=trust).proven, "who asks for keys is told that there are none"


# --- OpenSSH ---


def keygen(*arguments: object, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(KEYGEN), *map(str, arguments)], input=data, capture_output=True, check=False)


@needs_keygen
def test_ssh_keygen_verifies_what_is_signed_here(pack: Path, signers: Path) -> None:
    path = signature_file(pack, Signatory.REVIEWER)
    check_as = ("-Y", "verify", "-f", signers, "-n", "lago2odoo", "-s", path, "-I")
    done = keygen(*check_as, "bo@example.com", data=pack.read_bytes())
    assert done.returncode == 0, done.stderr
    assert key("bo").public.fingerprint.encode() in done.stdout
    assert keygen(*check_as, "ana@example.com", data=pack.read_bytes()).returncode != 0
    assert keygen(*check_as, "bo@example.com", data=pack.read_bytes() + b"x").returncode != 0


@needs_keygen
def test_what_ssh_keygen_signs_is_verified_here(pack: Path, signers: Path, tmp_path: Path) -> None:
    """Who keeps their key in ssh's hands, an agent for example, signs without this tool: to the same bytes."""
    drop(pack)
    done = keygen("-Y", "sign", "-f", key_file(tmp_path, "bo"), "-n", "lago2odoo", data=pack.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout == key("bo").sign(pack.read_bytes())
    signature_file(pack, Signatory.REVIEWER).write_bytes(done.stdout)
    assert flaws(pack, signers) == {}


@needs_keygen
@pytest.mark.parametrize("passphrase", ["", "a secret of Ana's"])
def test_keys_that_ssh_keygen_makes_are_read(tmp_path: Path, passphrase: str) -> None:
    path = tmp_path / "id_ed25519"
    assert keygen("-q", "-t", "ed25519", "-N", passphrase, "-f", path).returncode == 0
    loaded = load_key(path.read_bytes(), lambda: passphrase, "key")
    shown = keygen("-l", "-f", path).stdout.decode().split()
    assert loaded.public.fingerprint == shown[1]
    signers = signers_file(tmp_path, f"ana@example.com {path.with_suffix('.pub').read_text()}")
    assert [signer.key for signer in read_trust(signers).signers] == [loaded.public]


@needs_keygen
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_signatures_by_keys_of_other_kinds_are_named(pack: Path, signers: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "other"
    assert keygen("-q", "-t", kind, "-N", "", "-f", path).returncode == 0
    made = keygen("-Y", "sign", "-f", path, "-n", "lago2odoo", data=pack.read_bytes()).stdout
    signature_file(pack, Signatory.REVIEWER).write_bytes(made)
    assert flaws(pack, signers) == {"reviewer": "unreadable_signature"}
    assert "is by a key of another kind than ssh-ed25519" in verified(pack, "--signers", signers)[1]


def test_no_byte_of_a_signature_can_be_changed_unseen() -> None:
    """One bit of each byte: it cannot be read, or does not fit, or is another key's or use's."""
    text = key("ana").sign(b"pack")
    blob = base64.b64decode("".join(text.decode().splitlines()[1:-1]))
    good = read_signature(text)
    assert good.fits(b"pack")
    reserved = blob.index(b"lago2odoo") + len(b"lago2odoo") + 3
    for at in range(len(blob)):
        changed = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
        armoured = f"-----BEGIN SSH SIGNATURE-----\n{base64.b64encode(changed).decode()}\n-----END SSH SIGNATURE-----\n"
        with suppress(NotASignature):
            assert not read_signature(armoured.encode()).fits(b"pack"), (at, reserved)
    for length in range(len(text) - 1):
        with suppress(NotASignature):
            assert not read_signature(text[:length]).fits(b"pack"), length


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", b"x" * 99]
)
def test_what_is_no_signature_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(NotASignature):
        read_signature(text)


# --- the file of signers ---


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ana@example.com", "allowed:1: is not a signer: write it like ana@example.com ssh-ed25519 AAAA..."),
        ("\nana@example.com ssh-ed25519", "allowed:2: is not a signer"),
        ("ana@example.com ssh-ed25519 AAAA", "allowed:1: the key is damaged"),
        ("ana@example.com ssh-ed25519 %%%", "allowed:1: the key is damaged"),
        (f"*@example.com {text_of(key('ana').public)}", "allowed:1: *@example.com names nobody"),
        (f'"" {text_of(key("ana").public)}', "names nobody"),
        (line("ana", "no-such-option"), "allowed:1: option 'no-such-option' is not known here"),
        (line("ana", 'valid-before="soon"'), "allowed:1: 'soon' is no day: write it like 20270131"),
        (line("ana", 'valid-before="20261301"'), "'20261301' is no day"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(text: str, says: str) -> None:
    with pytest.raises(SignersError) as refused:
        list(parse_signers(text, "allowed"))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_signers_as_openssh_writes_them() -> None:
    text = "\n".join(
        [
            "# a comment", "", f'"Bo Li,bo@example.com" {text_of(key("bo").public)} a comment with words',
            "cy@example.com ssh-rsa AAAAB3NzaC1yc2E=", "ca@example.com cert-authority ssh-ed25519 AAAA",
            line("ana", 'NAMESPACES="lago2odoo,file",valid-after="20260101120000Z"'),
        ]
    )  # fmt: skip
    bo, ana = parse_signers(text, "allowed")
    assert (bo.names, bo.key) == (("Bo Li", "bo@example.com"), key("bo").public)
    assert all(bo.is_person(name) for name in ("Bo Li", "bo li <BO@example.com>", "BO@example.com"))
    assert not any(bo.is_person(name) for name in ("Bo", "Bo Lin", "ana@example.com", ""))
    assert (ana.names, ana.namespaces, str(ana.after)) == (
        ("ana@example.com",), ("lago2odoo", "file"), "2026-01-01 12:00:00+00:00",
    )  # fmt: skip


def test_files_that_cannot_be_read_are_named(pack: Path, tmp_path: Path, signers: Path) -> None:
    for content, says in (
        (None, "cannot be read: No such file"),
        (b"# nobody\n", "names no ssh-ed25519 key"),
        (b"SSHKRL\n\0\xff", "is no text"),
    ):
        path = tmp_path / "file"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        code, _, err = command("report", "verify", str(pack), "--signers", str(path))
        assert (code, says in err, len(err.splitlines())) == (1, True, 1)
    with pytest.raises(SignersError, match=r"revoked:1: neither a public key nor a fingerprint"):
        list(parse_revoked("bo@example.com", "revoked"))


# --- signing ---

PEOPLE = ("--preparer", ANA, "--reviewer", BO)


def sign_command(project: Project, *arguments: object) -> tuple[int, str, str]:
    config = ("--config", str(project.folder / "lago2odoo.toml"))
    return command("report", "sign", "--period", "2026-07", *PEOPLE, *config, *map(str, arguments))


def test_the_command_line_signs_with_keys(project: Project, tmp_path: Path, signers: Path) -> None:
    ana, bo = key_file(tmp_path, "ana"), key_file(tmp_path, "bo")
    code, out, err = sign_command(project, "--preparer-key", ana, "--reviewer-key", bo)
    assert code == 0, err
    assert f"signed with the key of the reviewer: {key('bo').public.fingerprint}" in out
    path = project.folder / "report" / "evidence" / "2026-07-001.zip"
    assert verified(path, "--signers", signers)[0] == 0
    code, out, _ = sign_command(project, "--preparer-key", ana, "--reviewer-key", bo, "--format", "json")
    assert (code, json.loads(out)["before"], json.loads(out)["keys"]["preparer"]) == (
        0, True, key("ana").public.fingerprint,
    )  # fmt: skip


def test_the_second_signature_comes_later(project: Project, tmp_path: Path, signers: Path) -> None:
    """By the same command in the project, or anywhere by ``countersign``, which needs the pack only."""
    ana, bo = key_file(tmp_path, "ana"), key_file(tmp_path, "bo")
    assert sign_command(project, "--preparer-key", ana)[0] == 0
    path = project.folder / "report" / "evidence" / "2026-07-001.zip"
    assert flaws(path, signers) == {"reviewer": "missing_signature"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copied = Path(shutil.copy(path, elsewhere))
    shutil.copy(signature_file(path, Signatory.PREPARER), elsewhere)
    for _ in range(2):
        code, out, err = command("report", "countersign", str(copied), "--as", "reviewer", "--key", str(bo))
        assert (code, err) == (0, "")
        assert f"signed as reviewer, {BO}: 2026-07" in out
    assert flaws(copied, signers) == {}
    assert sign_command(project, "--as", "reviewer", "--reviewer-key", bo, "--preparer-key", tmp_path / "none")[0] == 0
    assert flaws(path, signers) == {}
    assert len(list(path.parent.glob("*.zip"))) == 1
    assert [signature_file(p, Signatory.REVIEWER).read_bytes() for p in (path, copied)] == [
        key("bo").sign(path.read_bytes())
    ] * 2


def test_nobody_countersigns_what_is_not_as_it_was_signed(pack: Path, tmp_path: Path) -> None:
    bo = str(key_file(tmp_path, "bo"))
    drop(pack)
    data = pack.read_bytes()
    for content, says in (
        (data[:-1], "is not as it was signed (altered: the archive"),
        (b"", "is not as it was signed"),
    ):
        pack.write_bytes(content)
        code, _, err = command("report", "countersign", str(pack), "--as", "reviewer", "--key", bo)
        assert (code, says in err, len(err.splitlines())) == (1, True, 1)
    pack.write_bytes(data)
    rebuilt(pack)
    code, _, err = command("report", "countersign", str(pack), "--as", "reviewer", "--key", bo)
    assert (code, "changed_pack: signature of the preparer" in err) == (1, True)
    assert not signature_file(pack, Signatory.REVIEWER).exists()


def test_one_key_is_not_two_people(project: Project, tmp_path: Path) -> None:
    ana = key_file(tmp_path, "ana")
    code, _, err = sign_command(project, "--preparer-key", ana, "--reviewer-key", ana)
    assert (code, "preparer and reviewer have the same key" in err) == (1, True)
    assert not list(tmp_path.rglob("*.zip"))
    assert sign_command(project, "--preparer-key", ana)[0] == 0
    path = project.folder / "report" / "evidence" / "2026-07-001.zip"
    code, _, err = command("report", "countersign", str(path), "--as", "reviewer", "--key", str(ana))
    assert (code, "the preparer signed 2026-07-001.zip with this key" in err) == (1, True)
    assert not signature_file(path, Signatory.REVIEWER).exists()


def test_no_signature_is_overwritten(pack: Path, tmp_path: Path) -> None:
    before = signature_file(pack, Signatory.REVIEWER).read_bytes()
    code, _, err = command(
        "report", "countersign", str(pack), "--as", "reviewer", "--key", str(key_file(tmp_path, "eve"))
    )
    assert (code, "another signature is there, and none is ever overwritten" in err) == (1, True)
    assert signature_file(pack, Signatory.REVIEWER).read_bytes() == before


def configure(project: Project, text: str) -> None:
    path = project.folder / "lago2odoo.toml"
    path.write_text(f"{path.read_text('utf-8')}\n[evidence]\n{text}\n", encoding="utf-8")


def test_keys_are_configured_and_are_no_input_of_the_result(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set after the month was reconciled; the option goes before the environment, that before the file."""
    for name in ("ana", "bo", "cy"):
        key_file(tmp_path, name)
    monkeypatch.setenv("HOME", str(tmp_path))
    configure(project, 'preparer_key = "ana.key"\nreviewer_key = "~/cy.key"')
    monkeypatch.setenv("LAGO2ODOO_REVIEWER_KEY", str(tmp_path / "bo.key"))
    code, out, err = sign_command(project, "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["keys"] == {
        n: key(k).public.fingerprint for n, k in (("preparer", "ana"), ("reviewer", "bo"))
    }
    settings = members(Path(json.loads(out)["pack"]).read_bytes())["settings.json"].decode()
    assert not [word for word in ("evidence", ".key", "PASSPHRASE") if word in settings]
    for name in Signatory:
        signature_file(Path(json.loads(out)["pack"]), name).unlink()
    monkeypatch.delenv("LAGO2ODOO_REVIEWER_KEY")
    _, out, _ = sign_command(project, "--format", "json", "--preparer-key", tmp_path / "bo.key")
    assert json.loads(out)["keys"] == {
        n: key(k).public.fingerprint for n, k in (("preparer", "bo"), ("reviewer", "cy"))
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("preparer_key = '-----BEGIN OPENSSH PRIVATE KEY-----'", "must be the name of the key's file, not the key"),
        ("reviewer_key = ''", "must not be empty"),
        ("reviewer_passphrase_env = 'my secret!'", "must be the name of an environment variable"),
        ("reviewers_key = 'x'", "did you mean 'reviewer_key'?"),
    ],
)
def test_a_configuration_that_holds_the_secret_itself_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"[evidence]\n{text}", Path("lago2odoo.toml"))
    assert says in str(refused.value)
    assert "secret!" not in str(refused.value)


SECRET = "canary passphrase 5f3a/9+b="


def searched(folder: Path, *texts: str) -> list[str]:
    """Where the passphrase, or a line of a private key, can be read."""
    found = [text[:80] for text in texts if SECRET in text]
    lines = private("bo").private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode().splitlines()[3:-1]
    keyed = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".key"]
    contents = {str(path): path.read_bytes().decode("utf-8", "replace") for path in keyed}
    return found + [n for n, text in contents.items() if SECRET in text or any(each in text for each in lines)]


def test_an_encrypted_key_is_opened_and_its_passphrase_is_nowhere(
    project: Project, tmp_path: Path, signers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo = key_file(tmp_path, "bo", SECRET)
    configure(project, "reviewer_passphrase_env = 'OF_BO'")
    code, out, err = sign_command(project, "--reviewer-key", bo)
    assert (code, "set the environment variable OF_BO" in err) == (1, True)
    monkeypatch.setenv("OF_BO", "another one")
    code, more, err = sign_command(project, "--reviewer-key", bo)
    assert (code, f"{bo}: the passphrase is wrong, or the key is damaged" in err) == (1, True)
    assert not list(tmp_path.rglob("*.zip")), "nothing is signed before every key is open"
    monkeypatch.setenv("OF_BO", SECRET)
    code, told, talk = sign_command(project, "--reviewer-key", bo)
    assert code == 0, talk
    path = project.folder / "report" / "evidence" / "2026-07-001.zip"
    assert flaws(path, signers) == {"preparer": "missing_signature"}
    assert searched(tmp_path, out, err, more, told, talk) == []


def test_a_bug_shows_no_secret_in_its_traceback(project: Project, tmp_path: Path) -> None:
    bo = key_file(tmp_path, "bo", SECRET)
    program = (
        "import sys\n"
        "from lago2odoo.cli import main, report_sign\n"
        "def fail(path, data, role, key):\n"
        "    import os\n"
        "    raise RuntimeError(os.environ['LAGO2ODOO_REVIEWER_PASSPHRASE'] + repr(key) + open(sys.argv[-1]).read())\n"
        "report_sign.add_signature = fail\n"
        "main.main(sys.argv[1:])\n"
    )
    config = ["--config", str(project.folder / "lago2odoo.toml")]
    arguments = ["report", "sign", "--period", "2026-07", *PEOPLE, *config, "--reviewer-key", str(bo)]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LAGO2ODOO_REVIEWER_PASSPHRASE": SECRET},
    )
    assert "RuntimeError: •••SigningKey()" in done.stderr, done.stderr
    assert SECRET not in done.stderr
    body = bo.read_text("utf-8").splitlines()[1:-1]
    assert not [each for each in body if len(each) > 8 and each in done.stderr]


def rsa_key(path: Path) -> None:
    made = rsa.generate_private_key(65537, 2048)
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def ec_key(path: Path) -> None:
    made = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (rsa_key, "is not an Ed25519 key: name the private file of a key made with: ssh-keygen -t ed25519"),
        (ec_key, "is not an Ed25519 key"),
        (lambda path: path.write_text(text_of(key("bo").public)), "is a public key: name the private file"),
        (lambda path: path.write_text("sesame"), "is no OpenSSH key"),
        (lambda path: path.write_bytes(b"\xff\0"), "is no OpenSSH key"),
        (lambda path: None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_key_is_refused_with_the_way_out(
    project: Project, tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "some.key"
    make(path)
    if path.exists():
        path.chmod(0o600)
    code, _, err = sign_command(project, "--reviewer-key", path)
    assert (code, says in err, len(err.splitlines())) == (1, True, 1), err
    assert "sesame" not in err
    assert not list(tmp_path.rglob("*.zip"))


def test_a_key_that_others_can_read_is_refused_as_ssh_does(project: Project, tmp_path: Path) -> None:
    path = key_file(tmp_path, "bo")
    path.chmod(0o640)
    code, _, err = sign_command(project, "--reviewer-key", path)
    assert (code, "others can read this key: chmod 600 it" in err) == (1, True)


def test_who_signs_as_somebody_needs_a_key(project: Project, pack: Path, tmp_path: Path) -> None:
    code, _, err = sign_command(project, "--as", "reviewer")
    assert (code, "the reviewer has no key: name its file with --reviewer-key" in err) == (1, True)
    code, _, err = command("report", "countersign", str(pack), "--as", "reviewer")
    assert (code, "the reviewer has no key: name its file with --key" in err) == (1, True)
    named = tmp_path / "none.toml"
    code, _, err = command("report", "countersign", str(pack), "--as", "reviewer", "--config", str(named))
    assert (code, "no such file" in err) == (1, True)


# --- killed between two writes ---


def test_a_signing_with_keys_that_is_killed_is_finished_by_the_next(
    tmp_path: Path, signers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every write of the pack, its chain and the two signatures: the end is the undisturbed one's, byte by byte."""
    monkeypatch.setattr(html, "render", lambda *_: "<p>page</p>")  # it takes long, and is no write
    names = ["2026-07-001.zip", "2026-07-001.zip.preparer.sig", "2026-07-001.zip.reviewer.sig", "chain.jsonl"]
    for number in count(1):
        folder = tmp_path / f"killed-{number}"
        folder.mkdir()
        project = Project(folder)
        with monkeypatch.context() as patched:
            made = dying_at(patched, number)
            with suppress(Killed):
                signed(project)
        path = signed(project)
        assert sorted(each.name for each in path.parent.iterdir()) == names, (number, made)
        contents = {role: signature_file(path, role).read_bytes() for role in Signatory}
        data = path.read_bytes()
        assert contents == {Signatory.PREPARER: key("ana").sign(data), Signatory.REVIEWER: key("bo").sign(data)}
        assert flaws(path, signers) == {}
        if len(made) < number:  # it came to its end: there is no later write
            break
    assert number > 18, "every write was one of them"


def test_a_signature_that_cannot_be_written_is_named(pack: Path) -> None:
    drop(pack)
    path = signature_file(pack, Signatory.REVIEWER)
    path.with_name(f".{path.name}.partial").mkdir()
    with pytest.raises(NotSigned, match=r"reviewer\.sig: the signature cannot be written"):
        add_signature(pack, pack.read_bytes(), Signatory.REVIEWER, key("bo"))
