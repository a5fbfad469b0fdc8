"""Who is meant, however it is written: ``Ana Roy``, ``ana  roy``, ``Ana <ANA@example.com>``, ``ana@example.com``."""

from __future__ import annotations

import unicodedata


def same_person(one: str, other: str) -> bool:
    """By the addresses if both are given; else the name or address of one is also the other's. In doubt: the same."""
    first, second = _parts(one), _parts(other)
    if first[1] and second[1]:
        return first[1] == second[1]
    return bool({part for part in first if part} & {part for part in second if part})


def nobody(text: str) -> bool:
    """Whether this names no one: nothing but blanks and signs that cannot be seen."""
    return not any(_parts(text))


def is_plain(text: str) -> bool:
    """Whether nothing in it moves what is printed: no line break, no control character, no turn of direction."""
    return not any(map(_moves, text))


def plain(text: str) -> str:
    """The same, as it may be printed."""
    return "".join(" " if _moves(sign) else sign for sign in text)


def _moves(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in _TURNS


_TURNS = frozenset(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


def _parts(text: str) -> tuple[str, str]:
    """(name, address), either may be empty."""
    name, bracket, address = _plain(text).partition("<")
    if bracket:
        return name.strip(), address.partition(">")[0].strip()
    return ("", name) if "@" in name else (name, "")


def _plain(text: str) -> str:
    """Without regard to case, blanks, forms of letters, and signs that cannot be seen."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join(seen.casefold().split())
