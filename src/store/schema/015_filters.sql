-- Filters of events: which of them start the runs of a workflow, and with what.

CREATE TABLE event_filter (
    id             BLOB    PRIMARY KEY, -- UUIDv7
    tenant         INTEGER NOT NULL,
    workflow_id    INTEGER NOT NULL, -- workflow.id
    scope          TEXT    NOT NULL,
    expression     TEXT    NOT NULL,
    payload        TEXT    NOT NULL, -- a JSON object
    is_declarative INTEGER NOT NULL, -- with the workflow; else by itself
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX event_filter_by_scope ON event_filter (workflow_id, scope);

-- The filter that started a run, with the payload it had then.
ALTER TABLE task ADD COLUMN filter_id BLOB; -- event_filter.id, which may be gone
ALTER TABLE task ADD COLUMN filter_payload TEXT;
