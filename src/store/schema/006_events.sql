-- What programs push, and runs that are to start at a time. Times are Unix milliseconds.

CREATE TABLE event (
    id            BLOB    PRIMARY KEY, -- UUIDv7: rows are appended
    tenant        INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    metadata      TEXT,
    scope         TEXT,
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The event that started a run.
ALTER TABLE task ADD COLUMN event_id BLOB;  -- event.id
ALTER TABLE task ADD COLUMN event_key TEXT; -- event.key
CREATE INDEX task_by_event ON task (event_id) WHERE event_id IS NOT NULL;

-- A row is deleted in the transaction that makes its run.
CREATE TABLE schedule (
    id            BLOB    PRIMARY KEY, -- UUIDv7
    tenant        INTEGER NOT NULL,
    workflow      TEXT    NOT NULL, -- its name: the newest version counts when it fires
    at_ms         INTEGER NOT NULL,
    input         TEXT    NOT NULL,
    metadata      TEXT,
    priority      INTEGER NOT NULL, -- 0: the workflow's default
    method        INTEGER NOT NULL, -- cleat__schedule_method
    created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX schedule_by_time ON schedule (at_ms);

ALTER TABLE task_log ADD COLUMN metadata TEXT; -- a JSON object
