"""How a webhook is signed: HMAC-SHA256 over the raw body, in base64, as Lago does. JWT: see ``keypair``."""

from __future__ import annotations

import base64
import hashlib
import hmac


def signature(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def headers(algorithm: str, signed: str, unique_key: str) -> dict[str, str]:
    """``algorithm``: hmac or jwt; ``unique_key``: the same at every attempt, so that a receiver drops repetitions."""
    return {
        "Content-Type": "application/json",
        "X-Lago-Signature": signed,
        "X-Lago-Signature-Algorithm": algorithm,
        "X-Lago-Unique-Key": unique_key,
    }


def delay_seconds(attempts: int, jitter: float = 0.0) -> float:
    """How long to wait after that many failed attempts. ``jitter``: 0 to 1, so that not all come back at once."""
    return attempts**4 * (1 + 0.15 * jitter) + 2
