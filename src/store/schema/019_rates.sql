-- Rate limits. Times are Unix milliseconds.
CREATE TABLE rate_limit (
    tenant         INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    units          INTEGER NOT NULL, -- per window
    value          INTEGER NOT NULL, -- what was left of them when it was written
    window_ms      INTEGER NOT NULL,
    refilled_at_ms INTEGER NOT NULL, -- when all of them were there last
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
-- task.limits may have "rates":[["key",units], ..] too: what each attempt takes.
