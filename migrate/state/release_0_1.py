"""The tables as release 0.1 made them, which wrote no version: the first step, and how such a state is known. Frozen.

Never edit this file: a change of the tables is a step of its own (``migrate.state.steps``).
"""

from __future__ import annotations

import sqlalchemy as sa

RELEASE_0_1 = sa.MetaData()

sa.Table(
    "extract_runs",
    RELEASE_0_1,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("lago_version", sa.Text, nullable=False),
    sa.Column("taken_at", sa.Text, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False, default=False),
    sa.Column("dropped", sa.Boolean, nullable=False, default=False),
)

sa.Table(
    "lago_records",
    RELEASE_0_1,
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("parent", sa.Text, nullable=False, default=""),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("first_run", sa.Integer, nullable=False),
    sa.Column("changed_run", sa.Integer, nullable=False),
    sa.Column("seen_run", sa.Integer, nullable=False),
    sa.Index("lago_records_seen", "resource", "seen_run"),
)

sa.Table(
    "extract_pages",
    RELEASE_0_1,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("reading", sa.Integer, primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("keys", sa.JSON, nullable=False),
    sa.Column("last", sa.Boolean, nullable=False),
)

sa.Table(
    "extract_done",
    RELEASE_0_1,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("note", sa.Text),
)

sa.Table(
    "lago_unknown_fields",
    RELEASE_0_1,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("resource", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
)

sa.Table(
    "event_files",
    RELEASE_0_1,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
)

sa.Table(
    "applied_records",
    RELEASE_0_1,
    sa.Column("xid", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False, index=True),
    sa.Column("parent", sa.Text, nullable=False, default="", index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("res_id", sa.BigInteger, nullable=False, default=0),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("customer", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.Boolean, nullable=False),
    sa.Column("sent", sa.Text, nullable=False, default="{}"),
    sa.Column("stored", sa.Text, nullable=False, default="{}"),
    sa.Column("before", sa.Text, nullable=False, default="{}"),
    sa.Column("run", sa.Integer, nullable=False),
)

sa.Table(
    "phase_progress",
    RELEASE_0_1,
    sa.Column("phase", sa.Text, primary_key=True),
    sa.Column("cohort", sa.Text, primary_key=True),
    sa.Column("finished", sa.Boolean, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, default=""),
    sa.Column("updated_at", sa.Text, nullable=False),
)

sa.Table(
    "apply_runs",
    RELEASE_0_1,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("cohort", sa.Text, nullable=False, default=""),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("target", sa.Text, nullable=False, default=""),
    sa.Column("counts", sa.Text, nullable=False, default="{}"),
)

# Every command made these; those of the ledger came with the first preview.
ALWAYS = frozenset(
    {"extract_runs", "lago_records", "extract_pages", "extract_done", "lago_unknown_fields", "event_files"}
)
