-- Concurrency rules that workflows of a tenant share: what each is, as it was declared last.
CREATE TABLE shared_rule (
    tenant INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    rule   TEXT    NOT NULL, -- JSON, as in a declaration
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;
