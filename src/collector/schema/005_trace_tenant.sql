-- A trace belongs to a tenant, and with it all that refers to its row. Trace ids are made by clients:
-- two tenants may have the same one.
CREATE TABLE trace_of_tenant (
    id            INTEGER PRIMARY KEY,
    tenant        INTEGER NOT NULL,
    trace_id      BLOB    NOT NULL,
    root_name     TEXT    NOT NULL, -- of the earliest root span, else of the earliest span
    root_task     TEXT,             -- what the same span executes or triggers, "archive:pack"
    root_service  TEXT,             -- service.name of the same span
    root_start_ns INTEGER NOT NULL, -- of the same span
    has_root      INTEGER NOT NULL, -- whether that span is a root
    start_ns      INTEGER NOT NULL,
    end_ns        INTEGER NOT NULL,
    span_count    INTEGER NOT NULL,
    error_count   INTEGER NOT NULL,
    bytes         INTEGER NOT NULL -- sum of span.size
);
INSERT INTO trace_of_tenant
    SELECT id, 1, trace_id, root_name, root_task, root_service, root_start_ns, has_root, start_ns,
           end_ns, span_count, error_count, bytes
    FROM trace;
DROP TABLE trace;
ALTER TABLE trace_of_tenant RENAME TO trace;
CREATE UNIQUE INDEX trace_by_trace_id ON trace (trace_id, tenant);
CREATE INDEX trace_by_start ON trace (start_ns);           -- for retention
CREATE INDEX trace_by_tenant ON trace (tenant, start_ns);  -- for lists
