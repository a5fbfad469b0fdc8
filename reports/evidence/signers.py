"""Whose key is whose: a file as ``ssh-keygen -Y verify -f`` reads it (allowed_signers), and keys that are revoked.

    ana@example.com ssh-ed25519 AAAA...                                  who, kind, key; several names with commas
    "Bo Li,bo@example.com" valid-before="20270101" ssh-ed25519 AAAA...   options: valid-after, valid-before, namespaces

Lines with keys of other kinds are for others (git, mail) and passed over. Dates are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from reports.errors import ReportError
from reports.evidence.sshsig import KIND, NAMESPACE, PublicKey, read_public
from reports.paths import whole_file
from reports.people import nobody, same_person


class SignersError(ReportError):
    """A file of signers or of revoked keys cannot be read; ``str()`` is one line with file, line and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One line: these names are the person whose key it is. ``namespaces``: what the key may sign; empty: anything."""

    names: tuple[str, ...]
    key: PublicKey
    namespaces: tuple[str, ...] = ()
    after: datetime | None = None
    before: datetime | None = None

    def is_person(self, name: str) -> bool:
        """Whether a pack's preparer or reviewer is meant by one of the names."""
        return any(same_person(each, name) for each in self.names)

    @property
    def may_sign(self) -> bool:
        """Whether the key is for packs, as far as the line says."""
        wanted = [n for n in self.namespaces if not n.startswith("!")]
        barred = [n[1:] for n in self.namespaces if n.startswith("!")]
        allowed = not self.namespaces or any(fnmatchcase(NAMESPACE, n) for n in wanted)
        return allowed and not any(fnmatchcase(NAMESPACE, n) for n in barred)

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether the line held at that moment."""
        return (self.after is None or self.after <= moment) and (self.before is None or moment <= self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the reader of a pack believes of keys. ``name``: of the file of signers."""

    name: str
    signers: tuple[Signer, ...]
    revoked: frozenset[str] = frozenset()  # fingerprints

    def of(self, key: PublicKey) -> tuple[Signer, ...]:
        """The lines of a key; one person may have several, and a key of several people is found by that."""
        return tuple(signer for signer in self.signers if signer.key == key)


def read_trust(signers: Path, revoked: Path | None = None) -> Trust:
    """Both files. Raises SignersError."""
    people = tuple(parse_signers(_text(signers), str(signers)))
    if not people:
        raise SignersError(f"{signers}: names no {KIND} key: one a line, like: ana@example.com {KIND} AAAA...")
    gone = frozenset(parse_revoked(_text(revoked), str(revoked))) if revoked else frozenset()
    return Trust(name=signers.name, signers=people, revoked=gone)


def _text(path: Path) -> str:
    try:
        return whole_file(path).decode("utf-8-sig")
    except OSError as error:
        raise SignersError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        remedy = "give a list of public keys, one a line (a binary list of ssh-keygen -k is not read)"
        raise SignersError(f"{path}: is no text, from byte {error.start} on: {remedy}") from None


_WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
_OPTION = re.compile(r'(?:"[^"]*"|[^,"])+')
_KEY_KIND = re.compile(r"(ssh-|ecdsa-|sk-)[\w@.-]+")


def parse_signers(text: str, place: str) -> Iterator[Signer]:
    """The people of an allowed_signers file. Raises SignersError."""
    for number, line in _lines(text):
        where, words = f"{place}:{number}", _WORD.findall(line)
        names, options, kind, key = _taken_apart(words, where)
        if kind != KIND or "cert-authority" in options:
            continue
        yield Signer(
            names=_names(names, where),
            key=_key(key, where),
            namespaces=tuple(filter(None, options.get("namespaces", "").split(","))),
            after=_day(options.get("valid-after"), where),
            before=_day(options.get("valid-before"), where),
        )


def parse_revoked(text: str, place: str) -> Iterator[str]:
    """Fingerprints of a list of public keys, as ``ssh-keygen -Y verify -r`` reads it, or of fingerprints."""
    for number, line in _lines(text):
        words = line.split()
        if words[0].startswith("SHA256:"):
            yield words[0].rstrip("=")
            continue
        kinds = [at for at, word in enumerate(words[:-1]) if _KEY_KIND.fullmatch(word)]
        if not kinds:
            raise SignersError(f"{place}:{number}: neither a public key nor a fingerprint (SHA256:...)")
        if words[kinds[0]] == KIND:
            yield _key(words[kinds[0] + 1], f"{place}:{number}").fingerprint


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if (plain := line.strip()) and not plain.startswith("#"):
            yield number, plain


def _taken_apart(words: list[str], where: str) -> tuple[str, Mapping[str, str], str, str]:
    """(names, options, kind of key, key) of a line; options may lack."""
    at = next((n for n, word in enumerate(words[1:3], 1) if _KEY_KIND.fullmatch(word)), None)
    if at is None or len(words) < at + 2:
        raise SignersError(f"{where}: is not a signer: write it like ana@example.com {KIND} AAAA...")
    return words[0], _options(words[1], where) if at == 2 else {}, words[at], words[at + 1]


_KNOWN: Mapping[str, Callable[[str], bool]] = {
    "cert-authority": lambda value: not value,
    "namespaces": bool,
    "valid-after": bool,
    "valid-before": bool,
}


def _options(text: str, where: str) -> Mapping[str, str]:
    """An option that is not known might forbid what is asked, and is refused."""
    options = {}
    for option in _OPTION.findall(text):
        name, _, value = option.partition("=")
        name, value = name.lower(), value.strip('"')
        if name not in _KNOWN or not _KNOWN[name](value):
            raise SignersError(f"{where}: option {option!r} is not known here; known: {', '.join(_KNOWN)}")
        options[name] = value
    return options


def _names(text: str, where: str) -> tuple[str, ...]:
    names = tuple(each.strip() for each in text.replace('"', "").split(","))
    if any(nobody(each) or set("*?!") & set(each) for each in names):
        raise SignersError(f"{where}: {text} names nobody: write each person in full, without *, ? and !")
    return names


def _key(text: str, where: str) -> PublicKey:
    key = read_public(text)
    if key is None:
        raise SignersError(f"{where}: the key is damaged: copy the line of the person's .pub file again")
    return key


_DAY = re.compile(r"(\d{8})(\d{4})?(\d{2})?Z?")


def _day(text: str | None, where: str) -> datetime | None:
    if text is None:
        return None
    parts = _DAY.fullmatch(text)
    try:
        if parts is None:
            raise ValueError
        digits = (parts[1] + (parts[2] or "0000") + (parts[3] or "00")).ljust(14, "0")
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise SignersError(f"{where}: {text!r} is no day: write it like 20270131 or 202701311200") from None
