-- Which run has a key: no other run of the tenant is started with it until the time is over, or the row gone. The run
-- may have ended long ago, and what is stored of it may be gone.
CREATE TABLE idempotency (
    tenant        INTEGER NOT NULL,
    key           TEXT    NOT NULL,
    run_id        BLOB    NOT NULL, -- task.id
    expires_at_ms INTEGER NOT NULL, -- Unix milliseconds
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at_ms);

-- The key that a run was started with; NULL: its workflow wants none.
ALTER TABLE task ADD COLUMN idempotency_key TEXT;
CREATE INDEX task_by_idempotency_key ON task (idempotency_key, id) WHERE idempotency_key IS NOT NULL;
