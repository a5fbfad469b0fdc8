"""Whether a subscription ended in Lago as it should, read back from Lago alone: nothing here is believed of a plan.

    before its day      waits
    after it            terminated on that day; exactly one last invoice, final, whose windows end there;
                        no base fee, invoice, fee or credit note from later; nothing active or waiting

(facts/lago-cutover §8.4). What lacks is named, with what can be done about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mappings.period import local_date
from migrate.cutover.end import ending_of
from migrate.errors import LagoError
from migrate.lago.ends import Shown, everything_of, listed, record_of
from migrate.lago.filters import moment
from migrate.lago.source import LagoSource
from migrate.state.cutover_stages import StageNote

TERMINATING = "subscription_terminating"
_FIRST_RUN = timedelta(hours=2)  # Lago's job runs hourly, at minute 5 of the local day
_SECOND = timedelta(seconds=1)
_WINDOWS = ("charges_to_datetime", "fixed_charges_to_datetime")


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What Lago says of one subscription. ``waits``: until when nothing can be told; ``problems``: what lacks."""

    note: StageNote
    waits: str = ""
    problems: tuple[str, ...] = ()
    invoice: str = ""  # number of the last one

    @property
    def is_ended(self) -> bool:
        return not self.waits and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class EndShown:
    """Everything that Lago shows of one subscription and what was billed around its end. ``pages``: of invoices."""

    chain: tuple[Shown, ...]  # all under its external id
    timezone: str
    pages: tuple[Shown, ...] = ()
    fees: tuple[Shown, ...] = ()
    notes: tuple[Shown, ...] = ()


def confirm(lago: LagoSource, note: StageNote, timezone: str, now: datetime) -> Confirmation:
    """Read it back. ``timezone``: its customer's, as Lago has it; ``now``: Lago's own time.

    What cannot be read is a problem of this one, and stops no other.
    """
    if now < note.ending_at + _FIRST_RUN:
        return Confirmation(note=note, waits=f"ends at {note.ending_at:%Y-%m-%d %H:%M} UTC, and is looked at after it")
    try:
        read = _read(lago, note, timezone)
    except LagoError as error:
        return Confirmation(note=note, problems=(str(error),))
    return judge(note, read)


def judge(note: StageNote, read: EndShown) -> Confirmation:
    """What lacks to a proper end. Pure."""
    last = [page for page in read.pages if TERMINATING in _reasons(page, note)]
    drafts = [page for page in last if page["status"] == "draft"]
    if drafts and not list(_not_ended(note, read)):
        day = drafts[0]["issuing_date"]
        return Confirmation(note=note, waits=f"its last invoice is a draft until {day} (days of grace)")
    problems = (*_not_ended(note, read), *_last_invoice(note, last), *_from_later(note, read, last))
    return Confirmation(note=note, problems=problems, invoice=last[0]["number"] if last else "")


def _read(lago: LagoSource, note: StageNote, timezone: str) -> EndShown:
    """All that was made since the day before the end."""
    since = note.ending_at - timedelta(days=1)
    of_customer = [("external_customer_id", note.customer)]
    made = [i for i in listed(lago, "invoices", of_customer) if moment(i["created_at"]) >= since]
    of_subscription = [("external_subscription_id", note.subscription), ("created_at_from", since.isoformat())]
    return EndShown(
        chain=everything_of(lago, note.customer, note.subscription),
        timezone=timezone,
        pages=tuple(record_of(lago.get(f"/api/v1/invoices/{i['lago_id']}", ()), "invoice") for i in made),
        fees=tuple(f for f in listed(lago, "fees", of_subscription) if f["lago_subscription_id"] == note.lago_id),
        notes=tuple(n for n in listed(lago, "credit_notes", of_customer) if moment(n["created_at"]) >= since),
    )


def _not_ended(note: StageNote, read: EndShown) -> Iterator[str]:
    """It is terminated on its day, and no other subscription goes on under its external id."""
    ours = next((s for s in read.chain if s["lago_id"] == note.lago_id), None)
    if ours is None:
        yield "Lago shows it no more"
    elif ours["status"] == "active" and ending_of(ours) != note.ending_at:
        stands = f"is to end at {ours['ending_at']}" if ours["ending_at"] else "has no end any more"
        yield (
            f"is active still, and {stands}: somebody changed it, and Lago bills on as usual, the closed period too. "
            "Odoo must not bill it: 'lago2odoo cutover --end' sets another end, '--revert' leaves it to Lago"
        )
    elif ours["status"] == "active":
        stands = ours["ending_at"]
        yield (
            f"is active still ({stands}): Lago's scheduler missed its day, and bills the next period as usual; the one "
            "that closed is billed by nobody: DELETE it with skip and skip, and bill that period by hand"
        )
    elif ours["status"] != "terminated":
        yield f"is {ours['status']}, not terminated"
    elif local_date(moment(ours["terminated_at"]), read.timezone) != local_date(note.ending_at, read.timezone):
        yield f"ended at {ours['terminated_at']}, not on the day of {note.ending_at:%Y-%m-%dT%H:%M:%SZ}"
    for other in read.chain:
        if other["lago_id"] != note.lago_id and other["status"] in ("active", "pending"):
            yield f"another subscription is {other['status']} under its external id: both systems would bill it"


def _last_invoice(note: StageNote, last: Sequence[Shown]) -> Iterator[str]:
    """Exactly one, that bills usage right to the end, and nothing of the period that Odoo bills."""
    if len(last) != 1:
        yield f"{len(last)} last invoices (subscription_terminating), must be one: its last period is billed " + (
            "by nobody, unless it came to 0 and Lago makes no such invoices" if not last else "more than once"
        )
        return
    (page,) = last
    if page["status"] != "finalized":
        yield f"its last invoice {page['number']} is {page['status']}"
    period = _period(page, note)
    for name in _WINDOWS:
        if period.get(name) and moment(period[name]) + _SECOND != note.ending_at:
            yield f"{name} of its last invoice {page['number']} is {period[name]}, not its end: usage lost or doubled"
    for fee in page["fees"]:
        covers = fee["lago_subscription_id"] == note.lago_id and fee["item"]["type"] == "subscription"
        if covers and fee["to_date"] and moment(fee["to_date"]) + _SECOND != note.ending_at:
            yield f"the base fee of its last invoice {page['number']} goes to {fee['to_date']}, not to the end"


def _from_later(note: StageNote, read: EndShown, last: Sequence[Shown]) -> Iterator[str]:
    """Nothing is billed of it after the end, and nothing is given back."""
    known = {page["lago_id"] for page in last}
    later = [p for p in read.pages if p["lago_id"] not in known and moment(p["created_at"]) >= note.ending_at]
    for page in later:
        for reason in _reasons(page, note):
            yield f"invoice {page['number']} bills it after its end ({reason})"
    billed = known | {page["lago_id"] for page in read.pages}
    for fee in read.fees:
        if fee["lago_invoice_id"] not in billed and moment(fee["created_at"]) >= note.ending_at:
            yield f"a fee of {fee['item']['code']} was made after its end, at {fee['created_at']}"
    for credit in read.notes:
        ours = any((item.get("fee") or {}).get("lago_subscription_id") == note.lago_id for item in credit["items"])
        if ours and moment(credit["created_at"]) >= note.ending_at:
            yield f"credit note {credit['number']} gives something of it back"


def _reasons(page: Shown, note: StageNote) -> tuple[str, ...]:
    periods = (p for p in page["billing_periods"] if p["lago_subscription_id"] == note.lago_id)
    return tuple(str(period["invoicing_reason"]) for period in periods)


def _period(page: Shown, note: StageNote) -> Mapping[str, str]:
    read = (p for p in page["billing_periods"] if p["lago_subscription_id"] == note.lago_id)
    return next(p for p in read if p["invoicing_reason"] == TERMINATING)
