"""What the files of a pack say of themselves, by the names of its facts: read without this version's records."""

from __future__ import annotations

import gzip
import hashlib
import json
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

Fact = str | int | None
Json = Mapping[str, Any]
UNREADABLE = (zlib.error, OSError, EOFError, RuntimeError, ValueError, LookupError, OverflowError)
Waived = list[tuple[str, ...]]


def waived(content: bytes) -> Waived | None:
    """(reason, author, approver, last day) of every waiver of a file; None if it is none."""
    try:
        return [_waiver(w) for w in tomllib.loads(content.decode()).get("waiver", [])]
    except (*UNREADABLE, TypeError, AttributeError):
        return None


def waivers_of(packed_report: bytes) -> Waived | None:
    """The same as the report lists them."""
    try:
        return [_waiver(w) for w in json.loads(gzip.decompress(packed_report)).get("waivers", [])]
    except (*UNREADABLE, TypeError, AttributeError):
        return None


def _waiver(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(values[name]) for name in ("reason", "author", "approver", "expires"))


def said_by(packed_report: bytes) -> dict[str, Fact] | None:
    """What the report in a pack says of itself, by the names of the facts; None if it is none."""
    try:
        report = gzip.decompress(packed_report)
        read = json.loads(report)
        digest = hashlib.sha256(report).hexdigest()
        return {"report_sha256": digest, "outcome": read["outcome"], **_of_run(read["run"]), **_counted(read)}
    except (*UNREADABLE, TypeError, RecursionError):
        return None


_RUN = (
    *("period", "cohort", "organization", "tool_version", "lago_version", "odoo_version"),
    *("tolerance_cents", "materiality_cents", "compared_at", "snapshot_taken_at"),
)


def _of_run(run: Json) -> dict[str, Fact]:
    """Conditions of the run, as far as the report states them."""
    said = {name: run[name] for name in _RUN if name in run}
    return {name: v.replace("Z", "+00:00") if name.endswith("_at") else v for name, v in said.items()}


def _counted(report: Json) -> dict[str, Fact]:
    """Totals and numbers that were signed."""
    found: dict[str, Fact] = {name: report[name] for name in ("exit_code", "state") if name in report}
    found |= _totals_of(report)
    if "invoices" in report:
        found |= {"invoices": len(report["invoices"]), "customers": len({i["customer"] for i in report["invoices"]})}
        found["lapses"] = len(report.get("lapses", ()))
    return found | what_is_accounted(report)


def what_is_accounted(report: Json) -> dict[str, Fact]:
    """What was not compared, the tie to the trial balance, and every record of Lago's: as the report states them."""
    stated: dict[str, Fact] = {}
    for total in report.get("totals", ()):
        for side, sums in zip(report["run"]["pair"], (total["left"], total["right"]), strict=True):
            for part in ("not_compared", "outside"):
                stated[f"{part} {total['currency']} {side}"] = sums.get(f"{part}_cents", 0)
    stated |= {f"doubted {doubt['currency']}": doubt["gross_cents"] for doubt in report.get("doubts", ())}
    for tie in report.get("receivables", ()):
        names = ("lago", "draft", "posted", "other", "account")
        stated |= {f"receivable {tie['currency']} {name}": tie[f"{name}_cents"] for name in names}
    return stated | _records(report.get("records", ()))


def _records(accounts: Sequence[Json]) -> dict[str, Fact]:
    """Extracted + refused = loaded + left out; ``unaccounted``: by how many records that is not so, 0."""
    if not accounts:
        return {}
    stated = {name: sum(each[name] for each in accounts) for name in ("extracted", "refused", "loaded")}
    stated["left_out"] = sum(sum(each["left_out"].values()) for each in accounts)
    gaps = (e["extracted"] + e["refused"] - e["loaded"] - sum(e["left_out"].values()) for e in accounts)
    return {f"records_{name}": n for name, n in (stated | {"unaccounted": sum(map(abs, gaps))}).items()}


def _totals_of(report: Json) -> dict[str, Fact]:
    """By currency. Reports of version 1.0 had no registers: their totals were those of all positions."""
    if "totals" in report:
        sums = {
            t["currency"]: (t["left"]["gross_cents"], t["right"]["gross_cents"], t["delta_cents"])
            for t in report["totals"]
        }
    else:
        ties = [t for t in report.get("ties", ()) if t["level"] == "all"]
        sums = {t["currency"]: (t["left_cents"], t["right_cents"], t["delta_cents"]) for t in ties}
    names = (*report["run"]["pair"], "difference") if sums else ()
    return {
        f"total {currency} {name}": cents
        for currency, amounts in sums.items()
        for name, cents in zip(names, amounts, strict=True)
    }
