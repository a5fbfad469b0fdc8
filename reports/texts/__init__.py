"""Every sentence of the reports, in English and in Canadian French, and numbers as each language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent

from mappings.explain import PRICING_UNIT, Step
from mappings.money import from_subunits
from mappings.phrases import Phrase, Said
from mappings.reasons import spell
from reports.data import Evidence, EvidenceValue, ReportData
from reports.texts.causes import CAUSES
from reports.texts.page import PAGE
from reports.texts.refusals import DETAILS
from reports.texts.remedies import REMEDIES
from reports.texts.signatures import SIGNATURES
from reports.texts.states import STATES
from reports.texts.steps import IN_PRICING_UNIT, NO_BOUND, OF_LINE, STEPS
from reports.texts.tables import TABLES

LOCALES = ("en_CA", "fr_CA")

# name -> (English, French), as they stand in the files beside this one. Braces are filled with values.
TEXTS: Mapping[str, tuple[str, str]] = {**PAGE, **TABLES, **STATES, **CAUSES, **REMEDIES, **SIGNATURES, **DETAILS}

# Values of evidence that are shown with what they count
COUNTED = {"theirs": "units", "ours": "units", "their_events": "events", "our_events": "events", "events": "events"}


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences and number formats of one language."""

    locale: str = "en_CA"

    def __post_init__(self) -> None:
        if self.locale not in LOCALES:
            raise ValueError(f"language {self.locale!r} is not one of {', '.join(LOCALES)}")

    @property
    def tag(self) -> str:
        """For HTML's ``lang``."""
        return self.locale.replace("_", "-")

    def __call__(self, name: str, **values: object) -> str:
        """A sentence, filled. Values are inserted as they are: renderers escape the whole."""
        text = TEXTS[name][LOCALES.index(self.locale)]
        return text.format(**values) if values else text

    def counted(self, name: str, n: int | Decimal) -> str:
        """``1 unit``, ``2 units``: French counts 0 and 1.5 as one, too."""
        one, several = self(f"count.{name}").split("|")
        single = n == 1 if self.locale.startswith("en") else -2 < n < 2
        return (one if single else several).format(n=self.number(n))

    def named(self, group: str, name: str) -> str:
        """The text of ``group.name``, or the name itself: causes of a later version stay readable."""
        keys = (f"{group}.{name}", f"{group}.{spell(name)}")  # reports of 0.1 hold reasons in their old spelling
        return next((self(key) for key in keys if key in TEXTS), name)

    def status(self, status: str, data: ReportData) -> str:
        """A status with the names of the compared sides."""
        left, right = (self.named("side", side) for side in data.run.pair)
        return self(f"status.{status}", left=left, right=right)

    def money(self, cents: int, currency: str, *, sign: bool = False) -> str:
        """``$1,234.50 CAD`` style of the language; with ``sign``, a plus in front of what is positive."""
        text = _money(cents, currency, self.locale)
        return f"+{text}" if sign and cents > 0 else text

    def number(self, value: int | Decimal) -> str:
        return _number(value, self.locale)

    def share(self, part: int, whole: int) -> str:
        """``0.19 %``: two decimals, and never nothing for something."""
        share, least = Decimal(part) / Decimal(whole), Decimal("0.0001")
        text = str(format_percent(max(share, least), format="#,##0.##\xa0%", locale=self.locale))
        return f"<\xa0{text}" if share < least else text

    def percent(self, share: Decimal) -> str:
        """``99.99 %`` for 0.9999: two decimals, exactly as given."""
        return str(format_percent(share, format="#,##0.##\xa0%", locale=self.locale))

    def day(self, value: date) -> str:
        return _day(value, self.locale)

    def short_day(self, value: date) -> str:
        """``Jul 1``: under a picture, where the year is known."""
        return str(format_skeleton("MMMd", value, locale=self.locale))

    def short_month(self, value: date) -> str:
        """``Jul 2026``."""
        return str(format_skeleton("yMMM", value, locale=self.locale))

    def moment(self, value: datetime) -> str:
        return f"{format_datetime(value, format='medium', locale=self.locale)} UTC"

    def period(self, period: str) -> str:
        """``July 2026`` for ``2026-07``."""
        if period == "all":
            return self("title.all")
        month = date(int(period[:4]), int(period[5:7]), 1)
        return str(format_date(month, format="MMMM y", locale=self.locale))

    def title(self, period: str) -> str:
        return self("title.all") if period == "all" else self("title", period=self.period(period))

    def step(self, step: Step) -> str:
        """A step of how an amount came about, with the numbers that it is made of."""
        language = LOCALES.index(self.locale)
        written = {name: v if isinstance(v, str) else self.number(v) for name, v in step.values.items()}
        text = STEPS[step.kind][language].format(**{**NO_BOUND, **written})
        if PRICING_UNIT in step.values:
            text = IN_PRICING_UNIT[language].format(step=text, **written)
        return OF_LINE[language].format(line=step.line, step=text) if step.line else text

    def evidence(self, group: str, evidence: Evidence, currency: str) -> str:
        """A fact (``group`` evidence or remedy) as a sentence; its ``cents`` are an amount of ``currency``."""
        name = f"{group}.{evidence.name}"
        values = {key: self._value(key, value, currency) for key, value in evidence.values.items()}
        return self(name, **values) if name in TEXTS else f"{evidence.name} {values}"

    def said(self, said: Said) -> str:
        """Words of ours in this language, with what stands in them; anybody else's text as it is."""
        if isinstance(said, str):
            return said
        return self(f"told.{said.kind}").format(*(self.said(value) for value in said.values))

    def _value(self, key: str, value: EvidenceValue, currency: str) -> str:
        if isinstance(value, str | Phrase):
            return self.said(value)
        if key in COUNTED:
            return self.counted(COUNTED[key], value)
        return self.money(int(value), currency) if key.endswith("cents") else self.number(value)

    def catalog(self) -> dict[str, str]:
        """All sentences of the language, for the page's script; it is signed later, and says nothing of signatures.

        Details of refusals are on the page as they are said.
        """
        language, apart = LOCALES.index(self.locale), {*SIGNATURES, *DETAILS}
        return {name: both[language] for name, both in TEXTS.items() if name not in apart}


def cause_name(cause: str, locale: str = "en_CA") -> str:
    """A cause's code (``coupon_missing``) as the reports write it."""
    return Texts(locale).named("cause", cause)


def side_name(side: str, locale: str = "en_CA") -> str:
    """A side's code (``rerate``) as the reports write it."""
    return Texts(locale).named("side", side)


@lru_cache(maxsize=4096)
def _number(value: int | Decimal, locale: str) -> str:
    return str(format_decimal(value, locale=locale, decimal_quantization=False))


@lru_cache(maxsize=512)
def _day(value: date, locale: str) -> str:
    return str(format_date(value, format="medium", locale=locale))


@lru_cache(maxsize=4096)
def _money(cents: int, currency: str, locale: str) -> str:
    """The amount with the currency's ISO code: ``$`` alone does not tell Canadian from American dollars."""
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    return str(format_currency(from_subunits(cents, currency), currency, format=_coded(pattern), locale=locale))


def _coded(pattern: str) -> str:
    """A currency pattern that shows the ISO code after the number."""
    positive = pattern.split(";", maxsplit=1)[0].replace("\xa4", "").strip().strip("\xa0\u202f ")
    return f"{positive}\xa0\xa4\xa4"
