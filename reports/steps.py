"""What the steps of an amount are called, in both languages: those of the re-rate, of the addon, and Lago's own names.

The sides write steps as short English texts with numbers in them. A step that is not listed here is shown as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache

# as a side writes it -> (English, French)
STEPS: Mapping[str, tuple[str, str]] = {
    # the re-rate
    "units × price": ("units × price", "unités × prix"),
    "tier {lower} to {upper}": ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    "tier from {lower}": ("tier from {lower}", "palier à partir de {lower}"),
    "all units at the tier from {lower}": (
        "all units at the tier from {lower}",
        "toutes les unités au palier à partir de {lower}",
    ),
    "flat fees up to {n} units": ("flat fees up to {n} units", "frais fixes jusqu’à {n} unités"),
    "flat fee of the first tier": ("flat fee of the first tier", "frais fixe du premier palier"),
    "packages of {size} after {free} free units": (
        "packages of {size} after {free} free units",
        "paquets de {size} après {free} unités gratuites",
    ),
    "{rate} % of units beyond {free} free": (
        "{rate} % of units beyond {free} free",
        "{rate} % des unités au-delà de {free} gratuites",
    ),
    "fixed fee beyond {free} free events": (
        "fixed fee beyond {free} free events",
        "frais fixe au-delà de {free} événements gratuits",
    ),
    "each event held within {least} and {most}": (
        "each event held within {least} and {most}",
        "chaque événement maintenu entre {least} et {most}",
    ),
    "sum of the events' own prices": ("sum of the events’ own prices", "somme des prix propres aux événements"),
    "amount of the metric's own code": ("amount of the metric’s own code", "montant du code propre à la mesure"),
    "below zero: nothing is billed": ("below zero: nothing is billed", "sous zéro : rien n’est facturé"),
    "minimum for the days of the period": (
        "minimum for the days of the period",
        "minimum pour les jours de la période",
    ),
    "used": ("used", "utilisé"),
    "commitment for {days} of {whole} days": (
        "commitment for {days} of {whole} days",
        "engagement pour {days} jours sur {whole}",
    ),
    "fees of the period": ("fees of the period", "frais de la période"),
    "full period: {days} of {whole} days": (
        "full period: {days} of {whole} days",
        "période entière : {days} jours sur {whole}",
    ),
    "first period: {days} of {whole} days": (
        "first period: {days} of {whole} days",
        "première période : {days} jours sur {whole}",
    ),
    "terminated period: {days} of {whole} days": (
        "until the end of the subscription: {days} of {whole} days",
        "jusqu’à la fin de l’abonnement : {days} jours sur {whole}",
    ),
    "upgraded period: {days} of {whole} days": (
        "after an upgrade: {days} of {whole} days",
        "après une hausse de forfait : {days} jours sur {whole}",
    ),
    "without this event": ("without this event", "sans cet événement"),
    "days left": ("days left", "jours restants"),
    # the addon
    "full period": ("full period", "période entière"),
    "first period": ("first period", "première période"),
    "trial": ("trial", "période d’essai"),
    "after the trial": ("after the trial", "après la période d’essai"),
    "until the end of the subscription": ("until the end of the subscription", "jusqu’à la fin de l’abonnement"),
    "after an upgrade": ("after an upgrade", "après une hausse de forfait"),
    "tier {lower}-{upper}": ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    "packages": ("packages", "paquets"),
    "rate on units after free ones": ("rate on units after free ones", "taux sur les unités après les gratuites"),
    "fixed fee per paid event": ("fixed fee per paid event", "frais fixe par événement payant"),
    "per transaction within bounds": ("each event within its bounds", "chaque événement dans ses bornes"),
    "sum of the events' amounts": ("sum of the events’ amounts", "somme des montants des événements"),
    "prorated units in their tiers": ("prorated units in their tiers", "unités au prorata dans leurs paliers"),
    "first tier without units": ("first tier without units", "premier palier sans unités"),
    "minimum of the period − billed": ("minimum of the period − billed", "minimum de la période − facturé"),
    "commitment of the period − billed": ("commitment of the period − billed", "engagement de la période − facturé"),
    "with this event − without it": ("with this event − without it", "avec cet événement − sans lui"),
    "coupon": ("coupon", "coupon"),
    # Lago's own names
    "fee": ("fee", "frais"),
    "plan_amount": ("price of the plan", "prix du forfait"),
    "graduated_ranges {place}: {lower} to {upper}": ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    "graduated_percentage_ranges {place}: {lower} to {upper}, {rate} %": (
        "tier {lower} to {upper}, {rate} %",
        "palier {lower} à {upper}, {rate} %",
    ),
    "units": ("units", "unités"),
    "free_units": ("free units", "unités gratuites"),
    "paid_units": ("paid units", "unités payantes"),
    "free_events": ("free events", "événements gratuits"),
    "paid_events": ("paid events", "événements payants"),
    "rate: {rate}": ("rate: {rate}", "taux : {rate}"),
    "per_unit_amount": ("price of a unit", "prix d’une unité"),
    "per_unit_total_amount": ("units × price", "unités × prix"),
    "flat_unit_amount": ("flat fee", "frais fixe"),
    "per_package_size": ("units in a package", "unités par paquet"),
    "per_package_unit_amount": ("price of a package", "prix d’un paquet"),
    "fixed_fee_unit_amount": ("fixed fee of an event", "frais fixe d’un événement"),
    "fixed_fee_total_amount": ("fixed fees", "frais fixes"),
    "min_max_adjustment_total_amount": (
        "each event held within its bounds",
        "chaque événement maintenu dans ses bornes",
    ),
}
PRICED = "{step} (in {unit} × {rate})"  # an amount in a pricing unit

Number = Callable[[Decimal], str]


def step_name(label: str, language: int, number: Number) -> str:
    """A step's label in a language (0 English, 1 French); ``number`` writes a number as the language does."""
    known = _known(label, language, number)
    if known is not None:
        return known
    in_unit = _pattern(PRICED).fullmatch(label)
    if in_unit is not None:
        step, unit, rate = in_unit.groups()
        said = ("in", "en")[language]
        return f"{step_name(step, language, number)} ({said} {unit} × {_value(rate, number)})"
    for colon in re.finditer(": ", label):  # the name of a line may hold colons too
        known = _known(label[colon.end() :], language, number)
        if known is not None:
            return f"{label[: colon.start()]}{(': ', ' : ')[language]}{known}"
    return label


def _known(label: str, language: int, number: Number) -> str | None:
    if label in STEPS:
        return STEPS[label][language]
    for written, said in _patterned():
        found = _pattern(written).fullmatch(label)
        if found is not None:
            return said[language].format(**{name: _value(text, number) for name, text in found.groupdict().items()})
    return None


@lru_cache(maxsize=1)
def _patterned() -> tuple[tuple[str, tuple[str, str]], ...]:
    return tuple((written, said) for written, said in STEPS.items() if "{" in written)


@lru_cache(maxsize=128)
def _pattern(written: str) -> re.Pattern[str]:
    """Fields of what a side writes are numbers or ∞; a step or a unit may be any text."""
    parts = re.split(r"\{(\w+)\}", written)
    pieces = [re.escape(p) if n % 2 == 0 else f"(?P<{p}>{_FIELDS.get(p, _NUMBER)})" for n, p in enumerate(parts)]
    return re.compile("".join(pieces))


_NUMBER = r"-?[\d.]+(?:E[+-]?\d+)?|∞|None"
_FIELDS = {"step": ".+", "unit": "[^()]+"}


def _value(text: str, number: Number) -> str:
    try:
        return number(Decimal(text))
    except InvalidOperation:
        return text
