-- What the numbers of the database `other` are in `main`, where it is added to: old, new, and whether it is new there.

CREATE TEMP TABLE tenant_map (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER);
INSERT INTO tenant_map SELECT id, found, found IS NULL FROM (
    SELECT o.id, coalesce((SELECT t.id FROM main.tenant t WHERE t.uuid = o.uuid),
        (SELECT t.id FROM main.tenant t WHERE t.name = o.name)) AS found
    FROM other.tenant o);
UPDATE tenant_map SET new = old + (SELECT max(id) FROM main.tenant) WHERE is_new;

CREATE TEMP TABLE workflow_map (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER);
INSERT INTO workflow_map SELECT id, found, found IS NULL FROM (
    SELECT o.id, coalesce((SELECT w.id FROM main.workflow w WHERE w.uuid = o.uuid AND w.tenant = m.new),
        (SELECT w.id FROM main.workflow w WHERE w.tenant = m.new AND w.name = o.name
            AND w.deleted_at_ms IS NULL AND o.deleted_at_ms IS NULL)) AS found
    FROM other.workflow o JOIN tenant_map m ON m.old = o.tenant);
UPDATE workflow_map SET new = old + (SELECT coalesce(max(id), 0) FROM main.workflow) WHERE is_new;

-- Of a workflow that is there, its newest version stays the newest: others come before all that the file has, below 0.
CREATE TEMP TABLE type_map (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER, is_before INTEGER);
INSERT INTO type_map SELECT id, found, found IS NULL, NOT is_new FROM (
    SELECT o.id, m.is_new, (SELECT y.id FROM main.task_type y WHERE y.workflow_id = m.new
        AND y.version_id = o.version_id AND y.task_name = o.task_name
        AND (coalesce(y.dag_type, 0) <> 0) = (coalesce(o.dag_type, 0) <> 0)) AS found
    FROM other.task_type o JOIN workflow_map m ON m.old = o.workflow_id);
UPDATE type_map SET new = old + iif(is_before,
    (SELECT min(0, coalesce(min(id), 0)) FROM main.task_type) - (SELECT max(old) FROM type_map) - 1,
    (SELECT max(0, coalesce(max(id), 0)) FROM main.task_type) - (SELECT min(old) FROM type_map) + 1) WHERE is_new;

CREATE TEMP TABLE new_run (id BLOB PRIMARY KEY) WITHOUT ROWID;
-- Who has a child's place keeps it: of a chain of runs retention may have removed one, and the next one has its place.
INSERT INTO new_run SELECT o.id FROM other.task o WHERE o.id NOT IN (SELECT id FROM main.task)
    AND NOT EXISTS (SELECT 1 FROM main.task m WHERE m.parent_id = o.parent_id
        AND coalesce(m.child_key, CAST(m.child_index AS TEXT)) = coalesce(o.child_key, CAST(o.child_index AS TEXT)));

CREATE TEMP TABLE stream_map (old INTEGER PRIMARY KEY, new INTEGER);
INSERT INTO stream_map SELECT id, id + (SELECT coalesce(max(id), 0) FROM main.stream) FROM other.stream
WHERE task_id IN (SELECT id FROM new_run);

CREATE TEMP TABLE trace_map (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER);
INSERT INTO trace_map SELECT id, found, found IS NULL FROM (
    SELECT o.id, (SELECT t.id FROM main.trace t WHERE t.trace_id = o.trace_id AND t.tenant = m.new) AS found
    FROM other.trace o JOIN tenant_map m ON m.old = o.tenant);
UPDATE trace_map SET new = old + (SELECT coalesce(max(id), 0) FROM main.trace) WHERE is_new;

CREATE TEMP TABLE source_map (old INTEGER PRIMARY KEY, new INTEGER, is_new INTEGER);
INSERT INTO source_map SELECT id, found, found IS NULL FROM (
    SELECT o.id, (SELECT s.id FROM main.span_source s WHERE s.content = o.content) AS found
    FROM other.span_source o);
UPDATE source_map SET new = old + (SELECT coalesce(max(id), 0) FROM main.span_source) WHERE is_new;
