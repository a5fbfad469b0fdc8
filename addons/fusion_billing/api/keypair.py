"""Lago's other signature: an RS256 JWT over the payload, checked with a public key that the API serves."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BITS = 2048


def generate() -> tuple[str, str]:
    """A new key pair as PEM: (private, public)."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), public_of(private)


def public_of(private: rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pem: bytes = private.public_key().public_bytes(encoding, form)
    return pem.decode()


def served(public_pem: str) -> str:
    """The public key as Lago's API shows it: base64 of the PEM, broken into lines."""
    return base64.encodebytes(public_pem.encode()).decode()


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(private_pem: str, payload: str, issuer: str) -> str:
    """The token: claims ``data`` (the JSON text of the message, not the object) and ``iss``."""
    private = serialization.load_pem_private_key(private_pem.encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the signing key is not an RSA key")
    claims = [{"alg": "RS256", "typ": "JWT"}, {"data": payload, "iss": issuer}]
    text = ".".join(part(json.dumps(claim, separators=(",", ":")).encode()) for claim in claims)
    return f"{text}.{part(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
