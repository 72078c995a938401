-- Runs that were removed and have rows left in attempt, task_log, stream or those of durable runs: these go bit by bit.
CREATE TABLE removed_run (
    id BLOB PRIMARY KEY
) WITHOUT ROWID;
-- The tokens of a run that is removed.
CREATE INDEX durable_hook_by_run ON durable_hook (run_id);
