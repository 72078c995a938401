-- Runs that start again and again. Times are Unix milliseconds.

CREATE TABLE cron (
    id            BLOB    PRIMARY KEY, -- UUIDv7
    tenant        INTEGER NOT NULL,
    workflow_id   INTEGER NOT NULL, -- workflow.id: its newest version is run
    name          TEXT    NOT NULL, -- "" of those that are declared with the workflow
    expression    TEXT    NOT NULL, -- that cleat__cron_parse() takes
    input         TEXT    NOT NULL,
    metadata      TEXT,
    priority      INTEGER NOT NULL, -- 0: the workflow's default
    method        INTEGER NOT NULL, -- cleat__schedule_method
    is_enabled    INTEGER NOT NULL,
    next_at_ms    INTEGER NOT NULL, -- written in the transaction that makes the run of the time before
    fired_at_ms   INTEGER,          -- the time of the last run that was made; NULL: none was
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX cron_by_time ON cron (next_at_ms) WHERE is_enabled;
CREATE UNIQUE INDEX cron_by_name ON cron (workflow_id, name, expression);
