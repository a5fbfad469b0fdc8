"""Words of ours that stand among facts: which ones, and the values in them. ``reports.texts`` says them.

A refusal's detail and a value of evidence are either somebody's own text, as it is, or a ``Phrase``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Self


class Told(StrEnum):
    """Words of ours, as the JSON writes them: braces hold values.

    ``reports.texts`` says them in each language. A customer's own text that reads the same is none of them.
    """

    # values of evidence
    NONE = "none"
    OR_NONE = "{0}, none"
    HELD = "held"
    NOT_THERE = "not there"
    IN_EXCESS = "in excess"
    CHARGE = "charge {0}"
    WITH_PROPERTIES = "{0} and properties"
    SUBSCRIPTION = "subscription {0}"
    PERIOD_OF_SUBSCRIPTION = "period of subscription"
    PERIOD_OF_CHARGES = "period of charges"
    PERIOD_OF_FIXED_CHARGES = "period of fixed_charges"
    USAGE_OF = "fusion.billing.usage of {0}"
    USAGE_OF_NOBODY = "fusion.billing.usage of no subscription"
    WRITTEN_TO_NOBODY = "none: {0} ({1})"
    CREDIT_NOTES = "credit_notes"
    PREPAID = "prepaid"
    PREPAID_AND_CREDIT_NOTES = "prepaid, credit_notes"
    PAYMENTS = "payments"

    # of a refusal: where, and why
    OF_PLACE = "{0}: {1}"
    AND_THEN = "{0}; {1}"
    FEE = "fee {0}"
    CHARGE_OF = "charge {0} of {1}"
    FIXED_CHARGE = "fixed charge {0}"
    COMMITMENT_OF = "commitment of {0}"

    # what Lago's records do not say, or say against themselves
    UNKNOWN_TYPE = "invoice of type {0}"
    NO_BASE_PERIOD = "{0} does not say which period its base fee is for"
    NO_BOUNDARIES = "the invoice says neither what it bills nor which period"
    OLD_VERSION = "an invoice of version {0}, whose coupons came off after the taxes"
    FEES_IN_OTHERS = "an invoice in {0} with fees in {1}"
    FEE_OF_TYPE = "fee {0} of type {1}: {2} {3}"
    PLAN_IN_OTHER = "an invoice in {0} of plan {1}, which is in {2}"
    PAYS_IN_OTHER = "subscription {0} pays in {1}, and its plan {2} is in {3}"
    NO_SUM = "net {0} and tax {1} (cents) do not make {2}"
    LOST_SUBSCRIPTION = "{0} or its plan is not in the snapshot"
    PROVIDER_TAXES = "a tax provider computed its taxes"
    CREDITED_LOST = "the progressive invoice that it credits is not in the snapshot, or was voided"
    NAMED_BY_FEES = "named by fees, and not in the snapshot: extract again"
    IN_QUARANTINE = "not compared because {0} {1} is in quarantine: field {2} {3}"
    SELF_IN_QUARANTINE = "in quarantine: field {0} {1}; mend it in Lago, then extract again"
    WITH_CENTS = "{0}; Lago says {1} cents"
    LEFT_IN_LAGO = "{0}; not compared, Lago says {1} left"
    ALL_IN_LAGO = "{0}; not compared, Lago says {1} in all"
    MAY_CONCERN = "incomplete, and it may concern this month: {0}"
    SELLER_UNREAD = "its billing entity {0}: field {1} {2}"
    USAGE_UNREAD = "its usage is incomplete: {0}"
    AND_ALSO = "{0} and {1}"
    WITH_TAXES = "{0} and {1} of taxes"
    WITH_TAXES_AND = "{0} and {1} of taxes, {2}"
    A_FEE = "{0} fee"
    FEES = "{0} fees"
    A_NOTE = "{0} credit note"
    NOTES = "{0} credit notes"
    A_PAYMENT = "{0} payment"
    SOME_PAYMENTS = "{0} payments"
    A_COUPON = "{0} coupon"
    COUPONS = "{0} coupons"
    A_PROGRESSIVE_CREDIT = "{0} progressive credit"
    PROGRESSIVE_CREDITS = "{0} progressive credits"
    A_TRANSACTION = "{0} wallet transaction"
    TRANSACTIONS = "{0} wallet transactions"
    INVOICE_LOST = (
        "Lago's {0} name this invoice, and the snapshot lacks it (its fees: {1}); extract again, and compare it with "
        "nothing until it is there"
    )
    STATED_AND_MADE = "its header says {0} {1}, and {2} make {3}"
    FEES_AMOUNT = "fees"
    NET_AMOUNT = "sub-total"
    GROSS_AMOUNT = "sub-total with taxes"
    TOTAL_AMOUNT = "total"
    ITS_FEES = "its {0} fees"
    NET_AND_TAXES = "sub-total {0} and taxes {1}"
    FEES_LESS_CREDIT = "fees {0} less progressive credit {1}"
    FEES_LESS_COUPONS = "fees {0} less progressive credit {1} and coupons {2}"
    GROSS_LESS_SETTLED = "{0} with taxes less credit notes {1} and prepaid credits {2}"
    GROSS_LESS_COUPONS = "{0} with taxes less credit notes {1} and prepaid credits {2} and coupons {3}"
    PAID_BY_AMOUNT = "its whole total of {0} is paid, and its payment status says {1}"
    PAID_AND_OVERDUE = "its payment status says {0}, it is overdue, and nothing says how {1} of it were paid"
    PAID_AND_FEES_NOT = "its payment status says {0}, that of its fees {1}, and nothing says how {2} of it were paid"

    # what is wrong with a field of a record, as it goes on after the field's name
    IS_NULL = "is null"
    IS_MISSING = "is missing"
    EMPTY = "is empty"
    SHOULD_BE = "should be {0}, is {1}"
    AN_OBJECT = "an object"
    A_LIST = "a list"
    A_STRING = "a string"
    AN_INTEGER = "an integer"
    TRUE_OR_FALSE = "true or false"
    A_DECIMAL = "a decimal number"
    A_NUMBER = "a number"
    A_MOMENT = "a time (ISO 8601)"
    A_MOMENT_WITH_OFFSET = "a time with its offset from UTC"
    A_DAY = "a date (YYYY-MM-DD)"
    AN_AMOUNT = "an amount in cents"
    WHOLE_CENTS = "whole cents"
    OF_TWO_RECORDS = "{0} is that of two records"
    OF_RECORDS = "is that of {0} records"
    OF_CUSTOMERS = "is that of {0} customers: {1}"
    OF_ACTIVE_SUBSCRIPTIONS = "is that of {0} active subscriptions: {1}"
    OF_NOBODY = "is {0}, whom neither Lago's list nor any invoice or credit note shows"
    IS_NO_ID = "is {0}, which is no id of Lago's"
    SHOWN_OTHERWISE = "is not the one under which Lago shows it"
    NESTED = "is nested more than {0} levels deep"
    HALF_CHARACTER = "holds half a character (a lone surrogate)"
    NUL_CHARACTER = "holds a character that no database keeps (NUL)"
    BEYOND_LAGO = "is larger than Lago can count"
    UNKEPT_BY_LAGO = "is larger or smaller than Lago can keep"
    OUTSIDE_OF_YEARS = "{0} is outside of the years {1} to {2}"
    NOT_KNOWN = "{0} is none that this version knows"
    UNKNOWN_ZONE = "{0} is a time zone that this machine does not know"
    UNREADABLE_ZONE = "{0} is a time zone that this machine cannot read"
    IS_NO_CURRENCY = "{0} is no code of a currency"
    BELOW_0 = "{0} is below 0"
    NOT_ABOVE_0 = "{0} is not above 0"
    MORE_DAYS = "{0} is more than {1} days"
    MORE_MONTHS = "{0} is more than {1} months"
    MORE_PERCENT = "{0} is more than {1} %"
    MORE_DIGITS = "{0} is more than {1} digits"
    MORE_CENTS = "{0} is more than Odoo's doubles hold to the cent"
    MORE_UNITS = "{0} is more units than Odoo's doubles hold"
    MORE_THAN_COUNTED = "{0} is larger than Lago can count"
    NO_DAY_OF_MONTH = "{0} is no day of a month"
    TERM_WITHOUT_DAYS = "is missing, and a term of the kind {0} counts days"
    TERM_WITHOUT_DAY = "is missing, and the term is a day of a month"
    IS_BELOW_0 = "is {0}, below 0"
    IS_NOT_ABOVE_0 = "is {0}, not above 0"
    ABOVE_COUPON = "is {0}, and the coupon gives {1}"
    TAKES_BY_IT = "is missing, and what it takes off follows from it"
    NO_START_OF_STATUS = "is missing, and the subscription is {0}"
    NO_START_OF_BILLED = "is missing, and the subscription was billed from {0} on"
    ENDS_BEFORE = "{0} is before it began, {1}"
    BEGINS_AFTER = "{0} is after what was billed of it, from {1} on"
    IS_NO_PRICE = "is {0}, which is no price"
    IS_NO_NUMBER = "is {0}, not a number"
    IS_BEYOND_DOUBLES = "is {0}, more than Odoo's doubles hold"
    IS_NO_RANGES = "is {0}, not a list of ranges"
    IS_NO_RANGE = "is {0}, not a range"
    IS_NO_NAMES = "is {0}, not a list of names"
    IN_NO_PERIOD = "{0} is in no billing period"
    UNSTORABLE = "cannot be kept"
    SHOWS_ANOTHER = "shows another record of its name: whether its plan is one of its own, nobody knows"
    NO_UNITS_SHOWN = "of fixed charges is not shown, and its plan has some: nobody knows how many units it pays"
    MAYBE_ON_PAGE = "may be on a page that Lago does not give"
    SELLER_UNLISTED = "{0} is named by {1}, and Lago's list of billing entities lacks it: its taxes are not known"
    LOST_ON_THE_WAY = "is named by {0}, and Lago's list of {1} lacks it: it was lost on the way"
    LIST_OF_SUBSCRIPTIONS = "subscriptions"
    LIST_OF_CUSTOMERS = "customers"
    LIST_OF_PLANS = "plans"
    LIST_OF_COUPONS = "applied coupons"
    AN_INVOICE = "{0} invoice"
    INVOICES = "{0} invoices"
    A_CUSTOMER = "{0} customer"
    CUSTOMERS = "{0} customers"
    AN_ORDER = "{0} order in Odoo"
    ORDERS = "{0} orders in Odoo"
    A_RUNNING = "{0} running subscription"
    RUNNING = "{0} running subscriptions"

    # what Odoo does, or cannot do
    PARTNER_WITHHELD = "Odoo does not show partner {0} to this user: who gets this invoice there is not known"
    SEVERAL_CUSTOMERS = (
        "contact {0} (res.partner {1}) stands for several customers of Lago, as after a merge: {2}; give each its own "
        "contact again, and that contact its orders and open invoices"
    )
    CONTACT_OF = (
        "{0} (res.partner {1}) became a contact of {2} in Odoo, who would owe this invoice; empty its company "
        "(parent_id) there"
    )
    OTHERS_WOULD_GET = (
        "in Odoo {0} would get this invoice, not {1}; set customer and invoice address (partner_id, "
        "partner_invoice_id) of its order, and the customer of its open balance, back to res.partner {2}"
    )
    NEXT_ON = "Odoo bills {0} next on {1}, Lago on {2}"
    NEXT_NEVER = "Odoo bills {0} next on no day at all, Lago on {1}"
    FAMILY_SUBSCRIPTION = "subscription"
    FAMILY_CHARGES = "charges"
    FAMILY_FIXED_CHARGES = "fixed_charges"
    OTHER_PERIOD = "{0}: Odoo bills {1} – {2} UTC, Lago {3} – {4}"
    PERIOD_OF_NONE = "{0}: Odoo bills {1} – {2} UTC, Lago none"
    ADDON_MISSING = "module fusion_billing is not installed in this Odoo database"
    REGROUPED = "it regroups fees that were paid before, one by one"
    NO_THRESHOLDS = "usage thresholds are not billed by Odoo"
    NO_SUBSCRIPTIONS = "Lago does not say which subscriptions it bills"
    NO_ORDER = "no sale.order {0}: apply the phase subscriptions, or see its skipped records"
    OTHER_LAGO_ID = "sale.order {0} is {1}, but its fusion_lago_id is {2}: set it back to {3}"
    NO_LAGO_ID = "sale.order {0} is {1}, but its fusion_lago_id is empty: set it back to {2}"
    RERUN_FAILED = "Odoo ends in an error when it bills this: {0}"
    FINER = "{0} has more than {1} decimals of {2}"
    ROUNDED_FINER = (
        "{0}: in Odoo, set the Rounding Factor of {1} (res.currency, rounding) back to {2}; if it is {2}, update the "
        "addon"
    )
    UNDOCUMENTED = "Odoo's rerun of {0} is not what the addon documents ({1}): update the addon"
    BILLS_OF_IT = "Odoo bills {0} {1} of it"
    BALANCE_IN_OTHER = "its open balance in Odoo is {0}, Lago's invoice is in {1}: set its currency back"
    POSTED_IN_OTHER = (
        "its open balance in Odoo is posted as {0}, Lago's invoice is in {1}: reset it to draft, "
        "set its currency back, and post it again"
    )

    # what only Odoo has
    ONLY_USAGE = (
        "{0} events of {1} on {2} since {3} ({4} units; fusion.billing.usage {5}) are in Odoo alone, and not billed yet"
    )
    BILLED_BY_BOTH = "{0} of {1} ({2}) bills what Lago billed on the same day"
    ONLY_INVOICE = "{0} of {1} ({2}) is not in Lago"
    ONLY_SALE = "{0} of {1} is confirmed in Odoo and not invoiced in full, and Lago has none of it"
    ONLY_CHARGE = "charge {0} (fusion.billing.charge {1}) of {2} is not in Lago"
    ONLY_COUPON = "coupon {0} on order {1} is not in Lago"
    ONLY_ORDER = "{0} runs in Odoo ({1}, next invoice {2}), and Lago has none of it"
    ORDER_UNNAMED = "{0} runs in Odoo for a subscription that Lago has, without its external id: give it {1} back"
    ORDER_OF_LOST = (
        "{0} runs in Odoo ({1}, next invoice {2}) and was made of Lago's subscription {3}, which the snapshot lacks: "
        "close nothing, look for it in Lago, extract again"
    )
    ORDER_OF_LOST_WORTH = (
        "{0} runs in Odoo ({1}, next invoice {2}, {3} each time) and was made of Lago's subscription {4}, which the "
        "snapshot lacks: close nothing, look for it in Lago, extract again"
    )
    LESS_OPEN = "{0} of {1} is open in Odoo ({2}) with less than the {3} open in Lago"
    MORE_OPEN = "{0} of {1} is open in Odoo ({2}) beyond what is open in Lago"
    BILLS_IN_OTHER = "Odoo bills {0} of {1}, which is in {2}"
    ORDER = "order {0}"
    OF_PLAN = "plan {0}"

    # what the re-rate cannot compute
    PAID_BEFORE = "its fees were paid before, one by one"
    TYPE_OF_OLD = "a type of Lago before its version 0.30"
    COPIED_FEES = "its fees were copied from a voided invoice, not computed"
    NO_PERIOD = "Lago stored no period with it"
    CHARGE_GONE = "its charge is not in the plan any more"
    NOT_EVALUATED = "metric {0} has an expression, and events are in {1}"
    FIXED_CHARGE_GONE = "its fixed charge is not in the plan any more"
    METRIC_GONE = "its metric is not in the catalog any more"
    FILTER_GONE = "its charge does not have this filter any more"
    UNITS_CHANGED = "its units changed, and the API does not say when"
    COLUMN_LACKS = "{0}: column {1} is missing, not {2}"
    COLUMN_OF_TYPE = "{0}: column {1} is {2}, not {3}"
    EVENT_ELSEWHERE = "event {0} is not among the events of the period"
    METRIC_ROUNDING = "metric {0}: rounding_function {1}"
    METRIC_AGGREGATION = "metric {0}: {1}"
    METRIC_OWN_CODE = "metric {0} is computed by its own code inside Lago"
    UNITS_BELOW_ZERO = "{0} units of a prorated charge: Lago fails here too"
    CENTS_BEYOND = "{0} cents: beyond Lago's integers, it fails here too"
    PRICE_BEYOND = "{0}: Lago fails here too"
    UNKNOWN_MODEL = "charge model {0}; known: {1}"
    ALIKE_GROUPS = "two groups that look alike (blank and null): Lago fails here too"
    PACKAGE_SIZE = "package_size is {0}, not above 0"
    NOT_FROM_ZERO = "must run from 0 to an open end"
    NOT_FOLLOWING = "{0} does not follow {1}"
    IS_EMPTY = "{0} is empty"
    NOT_A_NUMBER = "{0}: {1} is {2}, not a number"
    MANY_DIGITS = "an event's number {0} of more than {1} digits"
    TOO_MANY_DIGITS = "usage or prices give more digits than any amount of Lago's has"
    RULE_BEFORE = "charge {0}: {1}"
    RUNNING_BELOW = "current usage with a running total below 0"
    PRORATED_NEGATIVES = "prorated sum with negative values before it"
    PRORATED_LATE = "prorated sum with events that arrived after their period before it"
    PRORATED_ROUNDED = "prorated sum with rounded units before it"
    PRORATED_UNLISTED = "prorated sum with events its lists miss before it"
    GRADUATED_REMOVED = "prorated graduated with items removed before the period"
    FILTERS_OVERLAP = "filters that can match the same event"
    GROUPS_AND_FILTERS = "pricing groups beside its filters"
    COMMITMENT_DAYS = "commitment for {0} of {1} days"
    NO_VOLUME = "no volume range holds {0} units: Lago fails here too"
    UNFORESEEN = "{0}; a mistake of lago2odoo: report it with what 'lago2odoo --debug' shows"

    # what keeps a document out of the books
    BOOKS_NO_ACCOUNT = 'no income account for {0} ({1}): add [[income]] with match = "service:{2}" to {3}'
    BOOKS_UNDECIDED = "finance names no account for it: {0} in [books] of {1}"
    BOOKS_ACCOUNT_LOST = "Odoo has no account with the code {0}: correct it in {1}"
    BOOKS_UNPLACED = "{0} were taken off, and no fee says of what"
    BOOKS_TAX_UNKNOWN = "no one part of Odoo's {0} is the {1} % of Lago's {2}: correct [[taxes]] of {3}"
    BOOKS_TAX_UNFIT = "Odoo's {0} is not there, or no percentage on top of a price: correct [[taxes]] of {1}"
    BOOKS_NOTE_VOIDED = "it was voided, and {0} of it were used before: enter what was used by hand"
    BOOKS_BEYOND_ROUNDING = "its lines and taxes make {0}, and its total is {1}: more than rounding"
    BOOKS_LOCKED = "{0} lies in a closed period of Odoo's: open it, or enter it by hand"
    BOOKS_NO_RATE = "Odoo has no rate of {0} on {1}: enter one under Accounting, Currencies"
    BOOKS_NO_PARTNER = "its customer {0} is not in Odoo: apply the phase customers first"
    BOOKS_VOID_UNDATED = "Lago does not say when it was voided"
    BOOKS_PAYS_NOTHING = "Lago does not say which invoice it pays"
    BOOKS_OVERPAID = "{0} were paid in all, and its total is {1}"
    BOOKS_OF_VOID = "its invoice {0} is voided in Lago: find out which of the two holds"
    BOOKS_OF_MISSING = "its invoice {0} is not in the books"
    BOOKS_REFUND_UNDATED = "{0} of it were paid out ({1}), and Lago does not say when: enter that payment by hand"
    BOOKS_DISPUTED = "{0} were paid and taken back by the bank: finance decides if they are owed"
    BOOKS_MARKED = "Lago calls it paid, and has no payment for {0}: name marked_as_paid in [books] of {1}"
    BOOKS_UNKNOWN_TYPE = "of type {0}, which this version does not know"
    BOOKS_SELF_BILLED = "it is owed to a partner, not by one: enter it as a bill"
    BOOKS_IN_OTHER = "it is in {0}, and its invoice {1} in {2}"

    def of(self, *values: object) -> Phrase:
        """These words with values in them: texts and numbers as they are, or other words of ours."""
        return Phrase(self, tuple(v if isinstance(v, Phrase) else str(v) for v in values))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of ours with the values in them; as text it is what the JSON has."""

    kind: Told
    values: tuple[str | Self, ...] = ()

    def __str__(self) -> str:
        return self.kind.format(*self.values)


Said = str | Phrase  # somebody's text as it is, or words of ours


def joined(phrases: Iterable[Phrase]) -> Phrase | None:
    """Several sentences as one; None of none."""
    told = tuple(phrases)
    return reduce(Told.AND_THEN.of, told) if told else None
