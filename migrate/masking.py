"""Secrets stay out of what people and files are told, however they got there: a server may quote a key back.

``Masked`` takes some secrets out of texts. ``KNOWN`` holds every secret that this process was given (``migrate.config``
and the state's address tell it): the command line passes what it says through it, tracebacks too.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from urllib.parse import quote, quote_plus

from mappings.errors import Lago2OdooError

MASK = "•••"
# A password like "admin" is a word of ordinary sentences: shorter ones are masked only where they stand alone, and
# what has three characters or less is no secret, but would garble every text.
WHOLE_WORD, SHORTEST = 8, 4


class Masked:
    """Takes secrets out of texts."""

    def __init__(self, *secrets: str | None) -> None:
        self._forms: list[str] = []
        self._pattern: re.Pattern[str] | None = None
        self.learn(*secrets)

    def learn(self, *secrets: str | None) -> None:
        """Mask these from now on, as a server may quote them back: plain, in JSON, in a URL, in base64."""
        forms = {form for secret in secrets if secret and len(secret) >= SHORTEST for form in _forms(secret)}
        if forms <= set(self._forms):
            return
        self._forms = sorted({*self._forms, *forms}, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(_bounded, self._forms)))

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Whatever of ours is raised inside carries no secret, neither in its message nor in its cause."""
        try:
            yield
        except Lago2OdooError as error:
            error.args = tuple(self.text(arg) if isinstance(arg, str) else arg for arg in error.args)
            raise error from None


def _forms(secret: str) -> set[str]:
    in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    in_urls |= {_ESCAPE.sub(lambda escaped: escaped[0].lower(), form) for form in in_urls}
    quoted = {json.dumps(secret)[1:-1], repr(secret)[1:-1], ascii(secret)[1:-1], escape(secret)}
    return {secret, *quoted, *in_urls, *_in_base64(secret.encode("utf-8", "surrogateescape"))}


_ESCAPE = re.compile("%[0-9A-F]{2}")


def _in_base64(secret: bytes) -> set[str]:
    """As it stands in a text that was encoded, wherever it begins there: ``user:secret``, ``Bearer secret``."""
    forms = set()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret).rstrip(b"=").decode()
        whole = (before + len(secret)) % 3 == 0
        inner = encoded[(0, 2, 3)[before] : len(encoded) if whole else -1]  # its edges hold bits of what is beside it
        forms |= {inner, inner.translate(_URL_SAFE)}
    return {form for form in forms if len(form) >= WHOLE_WORD}


_URL_SAFE = str.maketrans("+/", "-_")


def _bounded(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= WHOLE_WORD else rf"(?<!\w){escaped}(?!\w)"


KNOWN = Masked()
