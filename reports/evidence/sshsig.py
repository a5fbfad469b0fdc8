"""Signatures as ``ssh-keygen -Y sign`` makes them and ``ssh-keygen -Y verify`` reads them (OpenSSH's PROTOCOL.sshsig).

    -----BEGIN SSH SIGNATURE-----
    "SSHSIG", version, public key, namespace, reserved, hash, signature       base64; each part with its length
    -----END SSH SIGNATURE-----

What is signed is "SSHSIG", namespace, reserved, the hash's name and the hash of the file. The envelope is built here;
the mathematics are ``cryptography``'s. Keys are Ed25519 only: one kind, without parameters to choose wrongly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from reports.errors import NotSigned, ReportError

NAMESPACE = "lago2odoo"  # a signature that the same key made for git or for mail is none of a pack
KIND = "ssh-ed25519"
_MAGIC, _VERSION = b"SSHSIG", 1
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HASHES = ("sha512", "sha256")  # the first is what is written here
_LENGTH = struct.Struct(">I")


class NotASignature(ReportError):
    """A text is none that ``ssh-keygen -Y sign`` could have made, or of a kind that is not read here."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The 32 bytes of an Ed25519 key."""

    raw: bytes

    @property
    def wire(self) -> bytes:
        """As OpenSSH writes it, before base64."""
        return _string(KIND.encode()) + _string(self.raw)

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.wire).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a signature's text says; nothing of it is believed before ``fits``."""

    key: PublicKey
    namespace: str
    hash_name: str
    value: bytes

    def fits(self, data: bytes) -> bool:
        """Whether this key signed exactly these bytes."""
        try:
            signed = _signed(self.namespace, self.hash_name, data)
            Ed25519PublicKey.from_public_bytes(self.key.raw).verify(self.value, signed)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, which shows itself nowhere; ``public`` is what may be told of it."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """The text of the signature's file. The same key and bytes always give the same text."""
        value = self._private.sign(_signed(NAMESPACE, _HASHES[0], data))
        parts = (self.public.wire, NAMESPACE.encode(), b"", _HASHES[0].encode())
        blob = _MAGIC + _LENGTH.pack(_VERSION) + b"".join(map(_string, parts))
        blob += _string(_string(KIND.encode()) + _string(value))
        return "\n".join([_BEGIN, *wrap(base64.b64encode(blob).decode(), 70), _END, ""]).encode()


def load_key(content: bytes, passphrase: Callable[[], str], place: str) -> SigningKey:
    """The key of an OpenSSH private key's file; ``passphrase`` is asked for only if it is encrypted.

    Raises NotSigned, which quotes nothing of the file.
    """
    remedy = "name the private file of a key made with: ssh-keygen -t ed25519"
    if content.lstrip().startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise NotSigned(f"{place}: is a public key: {remedy}")
    secret = passphrase().encode() if _is_encrypted(content) else None
    try:
        key = load_ssh_private_key(content, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = f"is no OpenSSH key: {remedy}" if secret is None else "the passphrase is wrong, or the key is damaged"
        raise NotSigned(f"{place}: {wrong}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NotSigned(f"{place}: is not an Ed25519 key: {remedy}")
    return SigningKey(key)


def _is_encrypted(content: bytes) -> bool:
    try:
        load_ssh_private_key(content, None)
    except TypeError:  # how cryptography says that a passphrase lacks
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return False


def read_public(text: str) -> PublicKey | None:
    """The key of a line's base64; None if it is no Ed25519 key."""
    try:
        return _public(base64.b64decode(text, validate=True))
    except (binascii.Error, NotASignature):
        return None


def read_signature(text: bytes) -> Signature:
    """Take a signature's file apart. Raises NotASignature."""
    magic, version, rest = (blob := _unarmoured(text))[:6], blob[6:10], blob[10:]
    if magic != _MAGIC or version != _LENGTH.pack(_VERSION):
        raise NotASignature("is not an SSH signature of version 1")
    key, namespace, _reserved, hash_name, value = _parts(rest, 5)
    kind, signed = _parts(value, 2)
    if kind != KIND.encode() or len(signed) != 64:
        raise NotASignature(f"is by a key of another kind than {KIND}")
    if hash_name.decode("ascii", "replace") not in _HASHES:
        raise NotASignature("uses a hash that no version of OpenSSH writes")
    return Signature(
        key=_public(key),
        namespace=namespace.decode("utf-8", "replace"),
        hash_name=hash_name.decode(),
        value=signed,
    )


def _unarmoured(text: bytes) -> bytes:
    lines = text.decode("ascii", "replace").split()
    body = " ".join(lines)
    if not (body.startswith(_BEGIN) and body.endswith(_END)):
        raise NotASignature("is not an SSH signature")
    try:
        return base64.b64decode(body.removeprefix(_BEGIN).removesuffix(_END).replace(" ", ""), validate=True)
    except binascii.Error:
        raise NotASignature("is a damaged SSH signature") from None


def _public(wire: bytes) -> PublicKey:
    kind, *rest = _fields(wire)
    if kind != KIND.encode() or len(rest) != 1 or len(rest[0]) != 32:
        raise NotASignature(f"is by a key of another kind than {KIND}")
    return PublicKey(rest[0])


def _signed(namespace: str, hash_name: str, data: bytes) -> bytes:
    digest = hashlib.new(hash_name, data).digest()
    return _MAGIC + b"".join(map(_string, (namespace.encode(), b"", hash_name.encode(), digest)))


def _string(value: bytes) -> bytes:
    return _LENGTH.pack(len(value)) + value


def _parts(blob: bytes, number: int) -> list[bytes]:
    parts = list(_fields(blob))
    if len(parts) != number:
        raise NotASignature("is a damaged SSH signature")
    return parts


def _fields(blob: bytes) -> Iterator[bytes]:
    """Each part with its length before it; nothing may be left over."""
    while True:
        if len(blob) < 4 or len(blob) < 4 + (length := _LENGTH.unpack(blob[:4])[0]):
            raise NotASignature("is a damaged SSH signature")
        yield blob[4 : 4 + length]
        blob = blob[4 + length :]
        if not blob:
            return
