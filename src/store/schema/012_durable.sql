-- Durable runs: what their invocations have asked for and what came of it. Rows are of runs whose task is
-- declared durable; the others have none. Times are Unix milliseconds.

-- Written first when the run is handed out first; stays with the log.
CREATE TABLE durable_run (
    id               BLOB    PRIMARY KEY, -- task.id
    invocation_count INTEGER NOT NULL,    -- of the newest invocation
    branch           INTEGER NOT NULL,    -- the newest
    carrier          TEXT,                -- JSON: laid over the metadata of the next invocation
    waits            TEXT,                -- JSON: [[branch,node], ..] that an evicted run waits for; []: any
    waits_for_all    INTEGER NOT NULL DEFAULT 0,
    -- Of the newest invocation while it is over and its attempt is not: until the next one begins.
    retry_count      INTEGER,
    began_at_ms      INTEGER,             -- NULL: it is not over, or its attempt is too
    suspended_at_ms  INTEGER,             -- NULL: it was broken off
    waited_for       INTEGER              -- 1 << cleat__pending_kind, as far as known
) WITHOUT ROWID;

-- Invocations that are not the first ones of their attempts, and what was before them.
CREATE TABLE durable_invocation (
    run_id          BLOB    NOT NULL,
    number          INTEGER NOT NULL, -- 2, 3, ..
    retry_count     INTEGER NOT NULL,
    began_at_ms     INTEGER NOT NULL, -- the one before
    suspended_at_ms INTEGER,          -- the same; NULL: it was broken off
    waited_for      INTEGER,
    queued_at_ms    INTEGER NOT NULL, -- this one: what was waited for had happened
    PRIMARY KEY (run_id, number)
) WITHOUT ROWID;

-- Nodes below the first one of a branch are those of its parent. Branch 1 has no row.
CREATE TABLE durable_branch (
    run_id      BLOB    NOT NULL,
    branch      INTEGER NOT NULL,
    parent      INTEGER NOT NULL,
    first_node  INTEGER NOT NULL,
    -- What is added to the index that an invocation of the branch counts, so that its first chunk follows those of the
    -- branches before. NULL: it has given out nothing yet.
    chunk_shift INTEGER,
    PRIMARY KEY (run_id, branch)
) WITHOUT ROWID;

CREATE TABLE durable_entry (
    run_id        BLOB    NOT NULL,
    branch        INTEGER NOT NULL,
    node          INTEGER NOT NULL, -- 1, 2, ..
    kind          INTEGER NOT NULL, -- cleat__node_kind
    hash          INTEGER NOT NULL, -- of its content: a replay must ask for the same
    label         TEXT    NOT NULL, -- what people read of it
    created_at_ms INTEGER NOT NULL,
    child_id      BLOB,             -- of a child run
    met_order     INTEGER,          -- 1, 2, .. in the run; NULL: not yet, or a memo
    met_at_ms     INTEGER,
    outcome       INTEGER,          -- of a node that was met: cleat__node_outcome
    carrier       TEXT,             -- JSON: of the message that met it
    -- May be large: to read what stands behind them is to read them, and so is to find a row among others where the
    -- rows are the index.
    payload       TEXT,             -- JSON; of a memo NULL: not worked out yet
    error         TEXT,
    PRIMARY KEY (run_id, branch, node)
);

-- What the unmet nodes of live runs wait for: all of it is read at the start.
CREATE TABLE durable_condition (
    run_id       BLOB    NOT NULL,
    branch       INTEGER NOT NULL,
    node         INTEGER NOT NULL,
    number       INTEGER NOT NULL, -- 0, 1, .. in the node
    count        INTEGER NOT NULL, -- of those in the node
    kind         INTEGER NOT NULL, -- cleat__pending_kind
    group_number INTEGER NOT NULL, -- one of each group must be met
    data_key     TEXT,
    key          TEXT,             -- of an event, or a hook's token
    expression   TEXT,
    scope        TEXT,
    at_ms        INTEGER,          -- of a sleep
    child_id     BLOB,
    is_met       INTEGER NOT NULL,
    data         TEXT,             -- JSON; of a sleep from the beginning
    PRIMARY KEY (run_id, branch, node, number)
) WITHOUT ROWID;

-- Who has a token, or had it last.
CREATE TABLE durable_hook (
    tenant        INTEGER NOT NULL,
    token         TEXT    NOT NULL,
    run_id        BLOB    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (tenant, token)
) WITHOUT ROWID;

-- Payloads that no node has taken yet.
CREATE TABLE durable_hook_payload (
    run_id  BLOB    NOT NULL,
    token   TEXT    NOT NULL,
    number  INTEGER NOT NULL, -- in the order of arrival
    payload TEXT    NOT NULL,
    PRIMARY KEY (run_id, token, number)
) WITHOUT ROWID;
