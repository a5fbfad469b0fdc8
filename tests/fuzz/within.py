"""Records that are shown within others too: a fee in its invoice, and in a credit note. Lago shows the same in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.fuzz.company import Company
from tests.fuzz.places import Path, Place, items_of, paths_in

FREE_FORM = "amount_details"


def fees_within(company: Company) -> Mapping[str, tuple[tuple[Place, Path], ...]]:
    """Fee -> the pages of other records that show it, and where within them."""
    found: dict[str, list[tuple[Place, Path]]] = {}
    for lago_id, place, path in _shown(company):
        found.setdefault(lago_id, []).append((place, path))
    return {lago_id: tuple(places) for lago_id, places in found.items()}


def _shown(company: Company) -> Iterator[tuple[str, Place, Path]]:
    for name, answers in company.files.items():
        for number, answer in enumerate(answers):
            for root, item, record in items_of(answer):
                for path, value in paths_in(record, ()):
                    if isinstance(value, dict) and FREE_FORM in value:
                        yield str(value.get("lago_id")), Place(name, number, root, item), path
