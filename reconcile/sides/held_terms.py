"""What Odoo holds of subscriptions: prices, dates, usage, coupons, taxes. Pure: ``odoo_terms`` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from mappings.fields import Row

GROUP = "group"  # the kind of a tax that is its parts
BASE = "base"  # of a subscription: the part that the line of its plan is
PRICE = "Product Price"  # name of the precision of prices on lines
UNIT = "Product Unit"  # and of quantities; older ones add "of Measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTax:
    """A tax of Odoo; ``rate`` in percent (of a fixed one: units of the currency). A group is its parts.

    ``kind`` (percent, fixed, division), ``included`` (the price on the line holds it already), ``on_next`` (the taxes
    after it are computed on it too) and ``affected`` (it is computed on those before): how. ``place``: in which order.
    ``share``: percent of it that its repartition lines put on an invoice.
    """

    name: str
    rate: Decimal
    parts: tuple[int, ...] = ()
    kind: str = "percent"
    included: bool = False
    on_next: bool = False
    affected: bool = True
    place: tuple[int, int] = (0, 0)
    share: Decimal = Decimal(100)

    @property
    def charged(self) -> Decimal:
        """The rate that comes onto an invoice."""
        return self.rate * self.share / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSettings:
    """What Odoo computes amounts by. ``rounding``: currency -> the step that its amounts are rounded to, in units.

    ``price_digits``, ``unit_digits``: decimals that the price on a line, and a quantity, can hold.
    """

    per_line: bool = False  # the company rounds the tax of each line
    rounding: Mapping[str, Decimal] = field(default_factory=dict)
    price_digits: int = 2
    unit_digits: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldProduct:
    """A product of Odoo's: ``product`` for people, ``code`` its reference, or its name where it has none.

    ``plan``: the Lago id of the plan whose product it is; empty where it is that of none, be it a copy.
    """

    product: str = ""
    code: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """The line that is taken for the price plan of an order, and what it sells."""

    line: int
    sold: HeldProduct


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """A line that the migration made. ``home``: the order it was made for, ``order``: where it stands (their names).

    ``sold``: what it sells; ``sells``: it is no note.
    """

    number: int
    home: str
    order: str
    sold: HeldProduct = HeldProduct()
    sells: bool = True


@dataclass(frozen=True, slots=True)
class EarlyDiscount:
    """A payment term that lowers the base of the taxes on the invoice itself, by so many percent."""

    term: str
    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldNeighbour:
    """An order that stands before or after another one. ``subscription``: whose in Lago it is; empty: nobody's.

    ``replaces``: the name of the order that it goes on from.
    """

    row: Row
    subscription: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOrder:
    """One subscription in Odoo. ``away``: its fiscal position is for another place than its customer's address.

    ``plan``: what its plan's line sells; None where nothing says. ``lines``: those that the migration made, and
    of which charge (Lago id; ``base``: the plan). ``early``: of its payment term. ``elsewhere``: usage of Lago's that
    it lacks and that is there all the same (external id -> the row): somebody wrote it to another subscription.
    ``foreign``: usage that it has in excess and that is another's in Lago (transaction -> that subscription).

    ``base``: the line that was made for its plan, wherever it stands; ``strangers``: lines made for other orders that
    stand here; ``anywhere``: charges that the migration made, by external id, wherever they hang.

    ``chain``: the order that it replaces, the one which that one replaces, and so on; ``followers``: those that replace
    it; ``namesakes``: all others of its external id.
    """

    row: Row
    charges: tuple[Row, ...]
    usage: tuple[Row, ...]
    away: str = ""
    plan: HeldPlan | None = None
    lines: Mapping[int, str] = field(default_factory=dict)
    early: EarlyDiscount | None = None
    elsewhere: Mapping[str, Row] = field(default_factory=dict)
    foreign: Mapping[str, str] = field(default_factory=dict)
    base: HeldLine | None = None
    strangers: Mapping[int, HeldLine] = field(default_factory=dict)
    anywhere: Mapping[str, Row] = field(default_factory=dict)
    chain: tuple[HeldNeighbour, ...] = ()
    followers: tuple[HeldNeighbour, ...] = ()
    namesakes: tuple[HeldNeighbour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """``orders`` and ``metrics`` by Lago id (a metric that has none: by code), ``taxes`` by Odoo's id."""

    orders: Mapping[str, HeldOrder] = field(default_factory=dict)
    metrics: Mapping[str, Row] = field(default_factory=dict)
    taxes: Mapping[int, HeldTax] = field(default_factory=dict)
    settings: HeldSettings | None = None  # None: nothing was read
