"""How a webhook is signed: HMAC-SHA256 over the raw body, in base64, as Lago does."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(secret: str, body: bytes, unique_key: str) -> dict[str, str]:
    """``unique_key`` is the same at every attempt, so that a receiver can drop repetitions."""
    return {
        "Content-Type": "application/json",
        "X-Lago-Signature": signature(secret, body),
        "X-Lago-Signature-Algorithm": "hmac",
        "X-Lago-Unique-Key": unique_key,
    }


def delay_seconds(attempts: int) -> int:
    """How long to wait after that many failed attempts."""
    return attempts**4 + 2
