-- A run in three tables, so that each step of its life touches as little as possible: what it was
-- triggered with is written once and never rewritten; what changes while it lives is a short row in
-- a table of live runs only, which is also all that a restart has to read; its end is appended.
-- (One table with an index of live rows was measured 30 % slower.) Times are Unix milliseconds.

-- What a task was declared with. A run keeps the row it was triggered with; the newest row of an
-- action counts for new runs.
CREATE TABLE task_type (
    id                   INTEGER PRIMARY KEY,
    action               TEXT    NOT NULL, -- "workflow:task"
    retries              INTEGER NOT NULL,
    priority             INTEGER NOT NULL,
    backoff_initial_ms   INTEGER NOT NULL,
    backoff_factor       REAL    NOT NULL,
    backoff_max_ms       INTEGER NOT NULL,
    execution_timeout_ms INTEGER NOT NULL, -- -1: none
    schedule_timeout_ms  INTEGER NOT NULL  -- -1: none
);

CREATE TABLE task (
    id            BLOB    PRIMARY KEY, -- UUIDv7: rows are appended
    type_id       INTEGER NOT NULL,    -- task_type.id
    priority      INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    parent_id     BLOB,                -- the task that spawned it
    child_index   INTEGER,
    child_key     TEXT,                -- the caller's own; NULL: the index counts
    input         TEXT    NOT NULL,
    metadata      TEXT
) WITHOUT ROWID;
-- Key and index of children share one name space.
CREATE UNIQUE INDEX task_child ON task (parent_id, coalesce(child_key, CAST(child_index AS TEXT)))
    WHERE parent_id IS NOT NULL;

-- Runs that have not ended: QUEUED or RUNNING.
CREATE TABLE task_live (
    id               BLOB    PRIMARY KEY,
    type_id          INTEGER NOT NULL,
    priority         INTEGER NOT NULL,
    state            INTEGER NOT NULL, -- cleat_run_status
    retry_count      INTEGER NOT NULL, -- of the attempt that runs or is next
    internal_retries INTEGER NOT NULL, -- of these, after lost workers
    queued_at_ms     INTEGER NOT NULL, -- of that attempt; in the future while it backs off
    started_at_ms    INTEGER           -- of that attempt; NULL: not yet
) WITHOUT ROWID;

-- Runs that have.
CREATE TABLE task_end (
    id             BLOB    PRIMARY KEY,
    state          INTEGER NOT NULL, -- cleat_run_status
    retry_count    INTEGER NOT NULL,
    started_at_ms  INTEGER,          -- of the last attempt; NULL: none was running
    finished_at_ms INTEGER NOT NULL,
    output         TEXT,
    error          TEXT
) WITHOUT ROWID;

-- Attempts that ended without ending the run.
CREATE TABLE attempt (
    task_id        BLOB    NOT NULL,
    retry_count    INTEGER NOT NULL,
    started_at_ms  INTEGER,
    finished_at_ms INTEGER NOT NULL,
    outcome        TEXT    NOT NULL, -- FAILED, TIMED_OUT, LOST, UNDELIVERED
    error          TEXT,
    PRIMARY KEY (task_id, retry_count)
) WITHOUT ROWID;

CREATE TABLE task_log (
    task_id     BLOB    NOT NULL,
    line        INTEGER NOT NULL, -- 1, 2, ... in the order of arrival
    retry_count INTEGER NOT NULL,
    level       INTEGER NOT NULL, -- cleat_log_level
    time_ms     INTEGER NOT NULL,
    message     TEXT    NOT NULL,
    PRIMARY KEY (task_id, line)
) WITHOUT ROWID;
