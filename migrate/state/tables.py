"""The tables of the state as this version writes them: what Lago showed, how far an extract came, what Odoo was given.

``steps`` makes them, and brings those of an older version here; a test holds that both ways end in the same tables.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

VERSION = sa.Table(
    "lago2odoo_state",
    METADATA,
    sa.Column("version", sa.Integer, nullable=False),  # number of the last step that was taken; one row
)

RUNS = sa.Table(
    "extract_runs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("lago_version", sa.Text, nullable=False),
    sa.Column("taken_at", sa.Text, nullable=False),  # Lago's clock when the run began, ISO 8601, UTC
    sa.Column("finished", sa.Boolean, nullable=False, default=False),
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),  # left unfinished for a run of another source
)

RECORDS = sa.Table(
    "lago_records",
    METADATA,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # lago_id, or what stands for it (migrate.lago.resources)
    sa.Column("parent", sa.Text, nullable=False, default=""),  # key of the record it is nested under
    sa.Column("payload", sa.Text, nullable=False),  # as Lago sent it
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("first_run", sa.Integer, nullable=False),
    sa.Column("changed_run", sa.Integer, nullable=False),  # the run that last found another payload
    sa.Column("seen_run", sa.Integer, nullable=False),  # the last run that saw it; 0: it went while a run was reading
    sa.Index("lago_records_seen", "resource", "seen_run"),
)

PAGES = sa.Table(
    "extract_pages",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("reading", sa.Integer, primary_key=True),  # a list is read until two readings agree
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("last", sa.Boolean, nullable=False),
)

DONE = sa.Table(
    "extract_done",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),  # "invoices", "wallet_transactions/<wallet>", "events/<from>"
    sa.Column("note", sa.Text),  # what is known about it: why it was refused or unreachable, how many events
)

UNKNOWN = sa.Table(
    "lago_unknown_fields",
    METADATA,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
)

EVENT_FILES = sa.Table(
    "event_files",
    METADATA,
    sa.Column("path", sa.Text, primary_key=True),  # below the events folder
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text),  # null: written by a version that did not note it
)

APPLIED_RECORDS = sa.Table(
    "applied_records",
    METADATA,
    sa.Column("xid", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, index=True),  # order of application
    sa.Column("parent", sa.Text, nullable=False, default="", index=True),  # the record whose line it is
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("res_id", sa.BigInteger, nullable=False, default=0),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("customer", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.Boolean, nullable=False),  # by us; else it stood in Odoo already
    sa.Column("sent", sa.Text, nullable=False, default="{}"),  # field -> canonical value, JSON
    sa.Column("stored", sa.Text, nullable=False, default="{}"),  # where Odoo made something else of it
    sa.Column("before", sa.Text, nullable=False, default="{}"),  # field -> value before our first change (not created)
    sa.Column("run", sa.Integer, nullable=False),
    # stood in Odoo under an external id of ours, and what it held before is not known: the state was lost
    sa.Column("adopted", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("seal", sa.Text, nullable=False, server_default=""),  # hash of the rest of the row
)

PHASES = sa.Table(
    "phase_progress",
    METADATA,
    sa.Column("phase", sa.Text, primary_key=True),
    sa.Column("cohort", sa.Text, primary_key=True),  # '' is everyone
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),  # for people
    sa.Column("updated_at", sa.Text, nullable=False),
    # unfinished for what was left out by name only, which nobody can write
    sa.Column("left_out", sa.Boolean, nullable=False, server_default=sa.false()),
)

APPLY_RUNS = sa.Table(
    "apply_runs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("cohort", sa.Text, nullable=False, default=""),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("target", sa.Text, nullable=False, default=""),  # uuid of Odoo's database
    sa.Column("counts", sa.Text, nullable=False, default="{}"),
)

REPORT_RUNS = sa.Table(
    "report_runs",
    METADATA,
    sa.Column("folder", sa.Text, primary_key=True),  # of the reports, as the configuration's folder sees it
    sa.Column("runs", sa.Integer, nullable=False),  # lines of the history there
    sa.Column("head", sa.Text, nullable=False),  # hash of the last of them
    sa.Column("compared_at", sa.Text, nullable=False),  # of the last of them
)

CUTOVERS = sa.Table(
    "cutover_stages",
    METADATA,
    sa.Column("lago_id", sa.Text, primary_key=True),  # of a subscription
    sa.Column("subscription", sa.Text, nullable=False),  # its external id
    sa.Column("customer", sa.Text, nullable=False),  # external id
    sa.Column("cohort", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("ending_at", sa.Text, nullable=False),  # the midnight that Odoo bills from, ISO 8601, UTC
    sa.Column("noted_at", sa.Text, nullable=False),
)

SEALS = sa.Table(
    "state_seals",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),  # of a table
    sa.Column("rows", sa.BigInteger, nullable=False),  # that it had when it was last written
    sa.Column("hash", sa.Text, nullable=False),  # a sum over the hashes of these rows
)


def as_stored(table: sa.Table) -> sa.Select[tuple[object]]:
    """All rows of a table, each value as the database has it: a text where truth belongs is none, and stays visible."""
    texts = {c.name: sa.cast(c, sa.Text) for c in table.columns if isinstance(c.type, sa.JSON)}
    numbers = {c.name: sa.type_coerce(c, sa.Integer) for c in table.columns if isinstance(c.type, sa.Boolean)}
    return sa.select(*(texts.get(c.name, numbers.get(c.name, c)).label(c.name) for c in table.columns))
