"""One company and its Odoo for all the blocks that a worker runs, and how many there are."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.fuzz.campaign import Campaign, driven

BLOCK = 125  # mutations of one test: enough for both workers to have some, and for many to go together
NUMBER, SEED, ONLY = "LAGO2ODOO_FUZZ", "LAGO2ODOO_FUZZ_SEED", "LAGO2ODOO_FUZZ_ONLY"
ORDINARY = 250  # in every run of the tests; make fuzz tries 20,000


def blocks() -> list[range]:
    """The numbers of the mutations, block by block; one alone where it is to be seen again."""
    only = os.environ.get(ONLY)
    if only:
        return [range(int(only), int(only) + 1)]
    number = int(os.environ.get(NUMBER) or ORDINARY)
    return [range(begin, min(begin + BLOCK, number)) for begin in range(0, number, BLOCK)]


def seed() -> int:
    """Of all mutations of this run."""
    return int(os.environ.get(SEED) or 11)


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with driven(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened
