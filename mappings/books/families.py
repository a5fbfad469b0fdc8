"""The lines of a document: fees by family (service, account) and tax, with what coupons took off beside them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from mappings.books.documents import BookedLine, LineKind
from mappings.books.table import account_of
from mappings.context import Context, Problem
from mappings.money import told_money
from mappings.phrases import Told
from mappings.records import Fee, Tax
from mappings.services import service_of
from mappings.taxes import odoo_taxes

NO_ACCOUNT = "books_no_account"


@dataclass(frozen=True, slots=True, order=True)
class Family:
    """What stands on one line."""

    name: str
    account: str
    tax: str = ""
    kind: LineKind = LineKind.NET


@dataclass(frozen=True, slots=True)
class FeePart:
    """A fee, or what a credit note gives back of it. ``discount``: its share of coupons, in fractions of a cent."""

    fee: Fee
    cents: int
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class FeeLedger:
    """What is known of fees beside themselves. ``listed``: with their taxes; ``plans``: subscription -> plan's code."""

    listed: Mapping[str, Fee]
    plans: Mapping[str, str]

    @classmethod
    def of(cls, context: Context) -> FeeLedger:
        """Of the whole snapshot."""
        snapshot = context.snapshot
        on_invoices = (s for invoice in snapshot.invoices for s in invoice.subscriptions)
        plans = {s.lago_id: s.plan_code for s in (*on_invoices, *snapshot.subscriptions)}
        return cls({fee.lago_id: fee for fee in snapshot.fees}, plans)

    def taxes(self, fee: Fee) -> tuple[Tax, ...]:
        """The taxes that Lago stored with a fee."""
        applied = self.listed.get(fee.lago_id, fee).applied_taxes
        return tuple(
            Tax(lago_id=tax.lago_tax_id or "", code=tax.tax_code, name=tax.tax_name or "", rate=tax.tax_rate)
            for tax in applied
        )


def family_lines(
    context: Context, ledger: FeeLedger, parts: Sequence[FeePart], discount: int
) -> tuple[BookedLine, ...] | Problem:
    """One line a family, and one for what was taken off of it. ``discount``: in all; shares are made to be it."""
    gross: dict[Family, int] = {}
    shares: dict[Family, Decimal] = {}
    for part in parts:
        family = _family(context, ledger, part.fee)
        if isinstance(family, Problem):
            return family
        gross[family] = gross.get(family, 0) + part.cents
        shares[family] = shares.get(family, Decimal(0)) + part.discount
    taken = _whole_cents(shares if any(shares.values()) else {f: Decimal(c) for f, c in gross.items()}, discount)
    if sum(taken.values()) != discount:
        return _unplaced(discount, parts)
    return tuple(_lines(gross, taken))


def _lines(gross: Mapping[Family, int], taken: Mapping[Family, int]) -> Iterable[BookedLine]:
    for family in sorted(gross):
        yield _line(family, family.name, gross[family])
        if taken.get(family):
            yield _line(family, f"{family.name}: coupons", -taken[family])


def _line(family: Family, label: str, cents: int) -> BookedLine:
    return BookedLine(kind=family.kind, label=label, account=family.account, cents=cents, tax=family.tax)


def _family(context: Context, ledger: FeeLedger, fee: Fee) -> Family | Problem:
    table = context.tables.books
    taxes = odoo_taxes(context, ledger.taxes(fee))
    if isinstance(taxes, Problem):
        return taxes
    tax = taxes[0].xid if taxes else ""
    if fee.item.type == "credit":
        prepaid = Family("Prepaid credits", table.prepaid, tax, LineKind.PREPAID)
        return prepaid if table.prepaid else undecided(context, "prepaid")
    code = _code(ledger, fee)
    service = service_of(context, code)
    names = [f"metric:{fee.item.code}"] if fee.item.type == "charge" else []
    account = account_of(context.tables.income_entries, [*names, f"{_kind(fee)}:{code}", f"service:{service.code}"])
    if not account:
        place = f"{_kind(fee)} {code}"
        return Problem(
            NO_ACCOUNT, str(Told.BOOKS_NO_ACCOUNT.of(service.name, place, service.code, context.tables.name))
        )
    return Family(service.name, account, tax)


def _kind(fee: Fee) -> str:
    return "add_on" if fee.item.type == "add_on" else "plan"


def _code(ledger: FeeLedger, fee: Fee) -> str:
    """The code of the add-on, or of the plan of the subscription that bore it."""
    of_plan = ledger.plans.get(fee.lago_subscription_id or "")
    return (fee.item.code if fee.item.type == "add_on" else of_plan or fee.item.code) or ""


def undecided(context: Context, key: str) -> Problem:
    """That finance has not named an account which the document needs."""
    return Problem(NO_ACCOUNT, str(Told.BOOKS_UNDECIDED.of(key, context.tables.name)))


def _unplaced(discount: int, parts: Sequence[FeePart]) -> Problem:
    currency = parts[0].fee.amount_currency if parts else ""
    return Problem("books_discount_unplaced", str(Told.BOOKS_UNPLACED.of(told_money(discount, currency))))


def _whole_cents(shares: Mapping[Family, Decimal], whole: int) -> dict[Family, int]:
    """Shares as whole cents that make ``whole``: what is cut off goes to the largest fractions first."""
    total = sum(shares.values(), Decimal(0))
    if not whole or not total:
        return {}
    exact = {family: share * whole / total for family, share in shares.items()}
    cents = {family: int(share.to_integral_value(ROUND_FLOOR)) for family, share in exact.items()}
    rest = sorted(exact, key=lambda family: (cents[family] - exact[family], family))
    for family in rest[: whole - sum(cents.values())]:
        cents[family] += 1
    return cents
