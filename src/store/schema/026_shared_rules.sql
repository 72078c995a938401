-- Concurrency rules that workflows of a tenant share: what one is since somebody has declared it in other words than it was
-- declared first.
CREATE TABLE shared_rule (
    tenant INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    rule   TEXT    NOT NULL, -- JSON, as in a declaration
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
