"""The addon's own rating against Lago's numbers, without Odoo: ``LAGO_VECTORS=DIR pytest tests/test_addon_vectors.py``.

Only areas that the addon claims are run (``AREAS``); each must be equal in every case. Taxes are Odoo's to compute and
are not compared here. The table is printed at the end (``tests/conftest.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.addon import billing_areas, charge_areas
from tests.vectors_support.load import area_files, cases, directories

AREAS = {**charge_areas.AREAS, **billing_areas.AREAS}
FILES = [area_files(directory) for directory in directories()]
FOUND = {area for files in FILES for area in files}


@pytest.mark.parametrize("area", sorted(AREAS.keys() & FOUND))
def test_area(area: str, record_property: Callable[[str, object], None]) -> None:
    total = 0
    failures = []
    for case in (case for files in FILES if area in files for case in cases(files[area])):
        total += 1
        wrong = AREAS[area](case["input"], case["expected"])
        if wrong:
            failures.append(f"{case['id']}: {'; '.join(wrong[:3])}")
    record_property("vectors", (f"addon {area}", total, total - len(failures), 0))
    assert total
    assert not failures, f"{len(failures)} of {total} differ:\n" + "\n".join(failures[:20])
