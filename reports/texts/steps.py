"""What the steps of an amount are called, in both languages. Braces are filled with a step's values."""

from __future__ import annotations

from collections.abc import Mapping

from mappings.explain import StepKind

# kind -> (English, French)
STEPS: Mapping[StepKind, tuple[str, str]] = {
    StepKind.AS_WRITTEN: ("{text}", "{text}"),
    StepKind.UNITS_PRICE: ("units × price", "unités × prix"),
    StepKind.FLAT_FEES_UP_TO: ("flat fees up to {units} units", "frais fixes jusqu’à {units} unités"),
    StepKind.TIER_RANGE: ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    StepKind.TIER_FROM: ("tier from {lower}", "palier à partir de {lower}"),
    StepKind.ALL_UNITS_AT_TIER: (
        "all units at the tier from {lower}",
        "toutes les unités au palier à partir de {lower}",
    ),
    StepKind.FIRST_TIER_FLAT: ("flat fee of the first tier", "frais fixe du premier palier"),
    StepKind.PACKAGES_AFTER_FREE: (
        "packages of {size} after {free} free units",
        "paquets de {size} après {free} unités gratuites",
    ),
    StepKind.RATE_BEYOND_FREE: (
        "{rate} % of units beyond {free} free",
        "{rate} % des unités au-delà de {free} gratuites",
    ),
    StepKind.FIXED_FEE_BEYOND_FREE: (
        "fixed fee beyond {free} free events",
        "frais fixe au-delà de {free} événements gratuits",
    ),
    StepKind.EVENT_BOUNDS: (
        "each event held within {least} and {most}",
        "chaque événement maintenu entre {least} et {most}",
    ),
    StepKind.OWN_PRICES: ("sum of the events’ own prices", "somme des prix propres aux événements"),
    StepKind.CUSTOM_AMOUNT: ("amount of the metric’s own code", "montant du code propre à la mesure"),
    StepKind.BELOW_ZERO: ("below zero: nothing is billed", "sous zéro : rien n’est facturé"),
    StepKind.MINIMUM: ("minimum for the days of the period", "minimum pour les jours de la période"),
    StepKind.USED: ("used", "utilisé"),
    StepKind.COMMITMENT: ("commitment for {days} of {whole} days", "engagement pour {days} jours sur {whole}"),
    StepKind.FEES_OF_PERIOD: ("fees of the period", "frais de la période"),
    StepKind.FULL_DAYS: ("full period: {days} of {whole} days", "période entière : {days} jours sur {whole}"),
    StepKind.FIRST_DAYS: ("first period: {days} of {whole} days", "première période : {days} jours sur {whole}"),
    StepKind.TERMINATED_DAYS: (
        "until the end of the subscription: {days} of {whole} days",
        "jusqu’à la fin de l’abonnement : {days} jours sur {whole}",
    ),
    StepKind.UPGRADED_DAYS: (
        "after an upgrade: {days} of {whole} days",
        "après une hausse de forfait : {days} jours sur {whole}",
    ),
    StepKind.WITHOUT_EVENT: ("without this event", "sans cet événement"),
    StepKind.DAYS_LEFT: ("days left", "jours restants"),
    StepKind.FULL_PERIOD: ("full period", "période entière"),
    StepKind.FIRST_PERIOD: ("first period", "première période"),
    StepKind.TRIAL: ("trial", "période d’essai"),
    StepKind.AFTER_TRIAL: ("after the trial", "après la période d’essai"),
    StepKind.UNTIL_END: ("until the end of the subscription", "jusqu’à la fin de l’abonnement"),
    StepKind.AFTER_UPGRADE: ("after an upgrade", "après une hausse de forfait"),
    StepKind.TIER: ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    StepKind.PACKAGES: ("packages", "paquets"),
    StepKind.RATE_AFTER_FREE: ("rate on units after free ones", "taux sur les unités après les gratuites"),
    StepKind.FIXED_FEE_PER_EVENT: ("fixed fee per paid event", "frais fixe par événement payant"),
    StepKind.BOUNDED_EVENTS: ("each event within its bounds", "chaque événement dans ses bornes"),
    StepKind.EVENT_AMOUNTS: ("sum of the events’ amounts", "somme des montants des événements"),
    StepKind.PRORATED_UNITS: ("prorated units in their tiers", "unités au prorata dans leurs paliers"),
    StepKind.FIRST_TIER: ("first tier without units", "premier palier sans unités"),
    StepKind.MINIMUM_LEFT: ("minimum of the period − billed", "minimum de la période − facturé"),
    StepKind.COMMITMENT_LEFT: ("commitment of the period − billed", "engagement de la période − facturé"),
    StepKind.EVENT_DIFFERENCE: ("with this event − without it", "avec cet événement − sans lui"),
    StepKind.COUPON: ("coupon", "coupon"),
    StepKind.FEE: ("fee", "frais"),
    StepKind.PLAN_AMOUNT: ("price of the plan", "prix du forfait"),
    StepKind.GRADUATED_RANGE: ("tier {lower} to {upper}", "palier {lower} à {upper}"),
    StepKind.GRADUATED_PERCENTAGE_RANGE: ("tier {lower} to {upper}, {rate} %", "palier {lower} à {upper}, {rate} %"),
    StepKind.UNITS: ("units", "unités"),
    StepKind.FREE_UNITS: ("free units", "unités gratuites"),
    StepKind.PAID_UNITS: ("paid units", "unités payantes"),
    StepKind.FREE_EVENTS: ("free events", "événements gratuits"),
    StepKind.PAID_EVENTS: ("paid events", "événements payants"),
    StepKind.RATE: ("rate: {rate}", "taux : {rate}"),
    StepKind.PER_UNIT_AMOUNT: ("price of a unit", "prix d’une unité"),
    StepKind.PER_UNIT_TOTAL_AMOUNT: ("units × price", "unités × prix"),
    StepKind.FLAT_UNIT_AMOUNT: ("flat fee", "frais fixe"),
    StepKind.PER_PACKAGE_SIZE: ("units in a package", "unités par paquet"),
    StepKind.PER_PACKAGE_UNIT_AMOUNT: ("price of a package", "prix d’un paquet"),
    StepKind.FIXED_FEE_UNIT_AMOUNT: ("fixed fee of an event", "frais fixe d’un événement"),
    StepKind.FIXED_FEE_TOTAL_AMOUNT: ("fixed fees", "frais fixes"),
    StepKind.MIN_MAX_ADJUSTMENT_TOTAL_AMOUNT: (
        "each event held within its bounds",
        "chaque événement maintenu dans ses bornes",
    ),
}

# around a step: its price is in a pricing unit; it is one line of several
IN_PRICING_UNIT = ("{step} (in {pricing_unit} × {conversion_rate})", "{step} (en {pricing_unit} × {conversion_rate})")
OF_LINE = ("{line}: {step}", "{line} : {step}")

NO_BOUND = {"lower": "–", "upper": "∞", "least": "–", "most": "∞"}  # what stands for a bound that is missing
