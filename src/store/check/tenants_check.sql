-- What holds of tenants and what they own; see runs_check.sql.

-- tenant-id: a tenant has a UUID and a name
SELECT 'tenant ' || id FROM tenant WHERE length(uuid) <> 16 OR typeof(uuid) <> 'blob' OR name = '';

-- tenant-known: what belongs to a tenant belongs to one that is there
SELECT DISTINCT kind || ' of tenant ' || tenant FROM (
    SELECT 'workflow' AS kind, tenant FROM workflow
    UNION ALL SELECT 'version', tenant FROM task_type
    UNION ALL SELECT 'worker', tenant FROM worker
    UNION ALL SELECT 'event', tenant FROM event
    UNION ALL SELECT 'schedule', tenant FROM schedule
    UNION ALL SELECT 'token', tenant FROM token
    UNION ALL SELECT 'hook', tenant FROM durable_hook
    UNION ALL SELECT 'trace', tenant FROM trace) AS sub
WHERE tenant NOT IN (SELECT id FROM tenant);

-- workflow-version: a version is of a workflow of the same tenant, and says what was declared as JSON
SELECT 'version ' || y.id || ': workflow ' || y.workflow_id
FROM task_type y LEFT JOIN workflow w ON w.id = y.workflow_id
WHERE w.tenant IS NULL OR w.tenant <> y.tenant OR NOT is_object(y.declaration) OR length(y.version_id) <> 16;

-- workflow-id: a workflow has a UUID and a name
SELECT 'workflow ' || id FROM workflow
WHERE typeof(uuid) <> 'blob' OR length(uuid) <> 16 OR name = '';

-- workflow-pause: what a workflow says of its pause it says while it is paused, and one that is deleted is not
SELECT 'workflow ' || id FROM workflow
WHERE paused_crons NOT IN (0, 1) OR paused_schedules NOT IN (0, 1) OR paused_ttl_ms < -1
    OR (paused_at_ms IS NULL AND (paused_crons <> 0 OR paused_schedules <> 0 OR paused_ttl_ms <> -1))
    OR (paused_at_ms IS NOT NULL AND deleted_at_ms IS NOT NULL);

-- event-payload: what an event says is JSON
SELECT 'event ' || uuid(id) FROM event
WHERE length(id) <> 16 OR NOT is_json(payload) OR NOT is_object(coalesce(metadata, '{}'));

-- schedule-run: what is to start at a time says which workflow and what with
SELECT 'schedule ' || uuid(id) FROM schedule
WHERE length(id) <> 16 OR workflow = '' OR NOT is_json(input) OR NOT is_object(coalesce(metadata, '{}'))
    OR priority NOT BETWEEN 0 AND 3 OR method NOT IN (0, 1);

-- filter-workflow: a filter has a workflow of its tenant, and its payload is a JSON object
SELECT 'filter ' || uuid(f.id) || ': workflow ' || f.workflow_id
FROM event_filter f LEFT JOIN workflow w ON w.id = f.workflow_id
WHERE length(f.id) <> 16 OR w.tenant IS NULL OR w.tenant <> f.tenant OR NOT is_object(f.payload);

-- cron-workflow: a cron has a workflow of its tenant, and says what its runs are started with
SELECT 'cron ' || uuid(c.id) || ': workflow ' || c.workflow_id
FROM cron c LEFT JOIN workflow w ON w.id = c.workflow_id
WHERE length(c.id) <> 16 OR w.tenant IS NULL OR w.tenant <> c.tenant OR NOT is_json(c.input)
    OR NOT is_object(coalesce(c.metadata, '{}')) OR c.priority NOT BETWEEN 0 AND 3 OR c.method NOT IN (0, 1);

-- rate-limit: of the units of a window there are none to all left, and a limit was put or said by a run
SELECT 'rate limit ' || key || ': ' || value || ' of ' || units FROM rate_limit
WHERE value NOT BETWEEN 0 AND units OR window_ms <= 0 OR is_said NOT IN (0, 1);

-- worker-offer: what a worker offers is JSON
SELECT 'worker ' || uuid(id) FROM worker
WHERE length(id) <> 16 OR NOT is_json(actions) OR NOT is_object(slots) OR NOT is_object(labels)
    OR NOT is_json(coalesce(runtime, '{}'));

-- token-life: a token ends after it was made
SELECT 'token ' || uuid(id) FROM token WHERE length(id) <> 16 OR expires_at_ms < created_at_ms;

-- token-key: a key that signs tokens has both parts
SELECT 'key ' || kid FROM token_key WHERE private_key = '' OR public_key = '';
