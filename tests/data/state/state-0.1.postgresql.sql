CREATE TABLE applied_records (
    xid TEXT NOT NULL,
    seq BIGINT NOT NULL,
    parent TEXT NOT NULL,
    model TEXT NOT NULL,
    res_id BIGINT NOT NULL,
    phase TEXT NOT NULL,
    customer TEXT,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    created BOOLEAN NOT NULL,
    sent TEXT NOT NULL,
    stored TEXT NOT NULL,
    before TEXT NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (xid)
);

CREATE INDEX ix_applied_records_parent ON applied_records (parent);

CREATE INDEX ix_applied_records_seq ON applied_records (seq);

CREATE TABLE apply_runs (
    id SERIAL NOT NULL,
    command TEXT NOT NULL,
    cohort TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    target TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE event_files (
    path TEXT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (path)
);

CREATE TABLE extract_done (
    run INTEGER NOT NULL,
    unit TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (run, unit)
);

CREATE TABLE extract_pages (
    run INTEGER NOT NULL,
    resource TEXT NOT NULL,
    reading INTEGER NOT NULL,
    page INTEGER NOT NULL,
    keys JSON NOT NULL,
    last BOOLEAN NOT NULL,
    PRIMARY KEY (run, resource, reading, page)
);

CREATE TABLE extract_runs (
    id SERIAL NOT NULL,
    source TEXT NOT NULL,
    lago_version TEXT NOT NULL,
    taken_at TEXT NOT NULL,
    finished BOOLEAN NOT NULL,
    dropped BOOLEAN NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE lago_records (
    resource TEXT NOT NULL,
    key TEXT NOT NULL,
    parent TEXT NOT NULL,
    payload TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    first_run INTEGER NOT NULL,
    changed_run INTEGER NOT NULL,
    seen_run INTEGER NOT NULL,
    PRIMARY KEY (resource, key)
);

CREATE INDEX lago_records_seen ON lago_records (resource, seen_run);

CREATE TABLE lago_unknown_fields (
    run INTEGER NOT NULL,
    resource TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (run, resource, path)
);

CREATE TABLE phase_progress (
    phase TEXT NOT NULL,
    cohort TEXT NOT NULL,
    finished BOOLEAN NOT NULL,
    detail TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (phase, cohort)
);
