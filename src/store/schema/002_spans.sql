-- Spans at rest. In the other tables a trace is known by its number (trace.id): small and growing,
-- so that index inserts append although trace ids are random.

-- One row per trace, kept up with every span, so that listing and retention need not look at spans.
CREATE TABLE trace (
    id            INTEGER PRIMARY KEY,
    trace_id      BLOB    NOT NULL UNIQUE,
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
CREATE INDEX trace_by_start ON trace (start_ns);

-- Where spans come from, each kept once: an OTLP ResourceSpans message with a resource, a scope and
-- no spans.
CREATE TABLE span_source (
    id      INTEGER PRIMARY KEY,
    content BLOB    NOT NULL UNIQUE,
    size    INTEGER NOT NULL, -- bytes it takes in the file, about
    spans   INTEGER NOT NULL  -- spans that refer to it
);
CREATE INDEX span_source_unused ON span_source (spans) WHERE spans = 0;

CREATE TABLE span (
    id             INTEGER PRIMARY KEY,
    trace          INTEGER NOT NULL, -- trace.id
    span_id        BLOB    NOT NULL,
    parent_span_id BLOB,             -- NULL: a root
    name           TEXT    NOT NULL,
    source         INTEGER NOT NULL, -- span_source.id
    kind           INTEGER NOT NULL, -- cleat_span_kind
    status         INTEGER NOT NULL, -- cleat_span_status
    start_ns       INTEGER NOT NULL,
    end_ns         INTEGER NOT NULL,
    run_id         BLOB,             -- hatchet.workflow_run_id
    task_id        BLOB,             -- hatchet.step_run_id
    retry_count    INTEGER,          -- hatchet.retry_count
    size           INTEGER NOT NULL, -- bytes it takes in the file, about
    record         BLOB    NOT NULL  -- OTLP Span message
);
CREATE UNIQUE INDEX span_by_id ON span (trace, span_id);
CREATE INDEX span_by_run ON span (run_id, trace) WHERE run_id IS NOT NULL;

-- A link belongs to a stored span; what it points to may not be stored, or not yet.
CREATE TABLE span_link (
    id           INTEGER PRIMARY KEY,
    from_trace   INTEGER NOT NULL, -- trace.id
    from_span_id BLOB    NOT NULL,
    to_trace_id  BLOB    NOT NULL,
    to_span_id   BLOB    NOT NULL,
    kind         TEXT              -- cleat.link.kind
);
CREATE INDEX span_link_by_source ON span_link (from_trace, from_span_id);
CREATE INDEX span_link_by_target ON span_link (to_trace_id, to_span_id);

CREATE TABLE span_total (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    spans INTEGER NOT NULL,
    bytes INTEGER NOT NULL -- sum of span.size and span_source.size
);
INSERT INTO span_total VALUES (1, 0, 0);
