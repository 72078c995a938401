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
    UNION ALL SELECT 'cron', tenant FROM cron
    UNION ALL SELECT 'filter', tenant FROM event_filter
    UNION ALL SELECT 'webhook', tenant FROM webhook
    UNION ALL SELECT 'rate limit', tenant FROM rate_limit
    UNION ALL SELECT 'idempotency key', tenant FROM idempotency
    UNION ALL SELECT 'token', tenant FROM token
    UNION ALL SELECT 'shared rule', tenant FROM shared_rule
    UNION ALL SELECT 'hook', tenant FROM durable_hook
    UNION ALL SELECT 'trace', tenant FROM trace) AS sub
WHERE tenant NOT IN (SELECT id FROM tenant);

-- workflow-version: a version is of a workflow of the same tenant, and says what was declared as JSON
SELECT 'version ' || y.id || ': workflow ' || y.workflow_id
FROM task_type y LEFT JOIN workflow w ON w.id = y.workflow_id
WHERE w.tenant IS NULL OR w.tenant <> y.tenant OR NOT is_object(y.declaration) OR length(y.version_id) <> 16;

-- version-sense: an engine understands what a version was declared with
SELECT 'version ' || id || ': ' || fault
FROM (SELECT id, declaration_fault(declaration) AS fault FROM task_type) WHERE fault IS NOT NULL;

-- version-tasks: a version of several tasks has each of them behind it, in their order, and no other one has any
SELECT 'version ' || id FROM (SELECT y.id, y.dag_type, declaration_tasks(y.declaration) AS declared,
        (SELECT group_concat(task_name) FROM (SELECT task_name FROM task_type s
            WHERE s.dag_type = y.id AND s.workflow_id = y.workflow_id AND s.version_id = y.version_id ORDER BY s.id)) AS stored,
        (SELECT max(id) - count(*) FROM task_type s WHERE s.dag_type = y.id) AS place
    FROM task_type y)
WHERE (dag_type IS 0) <> (declared IS NOT NULL) OR stored IS NOT declared OR place <> id
    OR (dag_type <> 0 AND dag_type NOT IN (SELECT id FROM task_type));

-- version-policy: the names, the action and the policy of a version are such as are declared
SELECT 'version ' || id FROM task_type
WHERE NOT is_name(task_name) OR (dag_type IS NOT 0 AND NOT is_action(action)) OR retries < 0
    OR priority NOT BETWEEN 1 AND 3 OR backoff_initial_ms < 0
    OR (backoff_initial_ms > 0 AND (backoff_factor NOT BETWEEN 1 AND 1000 OR backoff_max_ms NOT BETWEEN 1 AND 86400000))
    OR execution_timeout_ms < -1 OR schedule_timeout_ms < -1;

-- workflow-id: a workflow has a UUID and a name
SELECT 'workflow ' || id FROM workflow
WHERE typeof(uuid) <> 'blob' OR length(uuid) <> 16 OR NOT is_name(name);

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

-- filter-workflow: a filter has a workflow of its tenant, an expression or none, and its payload is a JSON object
SELECT 'filter ' || uuid(f.id) || ': workflow ' || f.workflow_id
FROM event_filter f LEFT JOIN workflow w ON w.id = f.workflow_id
WHERE length(f.id) <> 16 OR w.tenant IS NULL OR w.tenant <> f.tenant OR NOT is_object(f.payload)
    OR (f.expression <> '' AND NOT is_expression(f.expression));

-- cron-workflow: a cron has a workflow of its tenant, and says when its runs are started and what with
SELECT 'cron ' || uuid(c.id) || ': workflow ' || c.workflow_id
FROM cron c LEFT JOIN workflow w ON w.id = c.workflow_id
WHERE length(c.id) <> 16 OR w.tenant IS NULL OR w.tenant <> c.tenant OR NOT is_json(c.input)
    OR NOT is_object(coalesce(c.metadata, '{}')) OR c.priority NOT BETWEEN 0 AND 3 OR c.method NOT IN (0, 1)
    OR NOT is_cron(c.expression) OR c.next_at_ms < 0 OR c.is_enabled NOT IN (0, 1);

-- webhook-sense: a webhook has a name, a secret, and expressions that say which events it makes
SELECT 'webhook ' || uuid(id) FROM webhook
WHERE length(id) <> 16 OR name = '' OR auth_secret = '' OR source NOT BETWEEN 0 AND 5 OR auth_kind NOT BETWEEN 0 AND 2
    OR auth_algorithm NOT BETWEEN 0 AND 3 OR auth_encoding NOT BETWEEN 0 AND 2 OR returns_event NOT IN (0, 1)
    OR NOT is_expression(key_expression) OR (scope_expression <> '' AND NOT is_expression(scope_expression))
    OR NOT is_object(coalesce(static_payload, '{}'));

-- rate-limit: of the units of a window there are none to all left, and a limit was put or said by a run
SELECT 'rate limit ' || key || ': ' || value || ' of ' || units FROM rate_limit
WHERE value NOT BETWEEN 0 AND units OR units > 2147483647 OR window_ms <= 0 OR is_said NOT IN (0, 1);

-- shared-rule: a rule of concurrency that workflows share has a name, and an engine understands it
SELECT 'shared rule ' || name FROM shared_rule WHERE name = '' OR NOT is_shared_rule(rule);

-- worker-offer: what a worker offers is JSON
SELECT 'worker ' || uuid(id) FROM worker
WHERE length(id) <> 16 OR NOT is_names(actions) OR NOT is_slots(slots) OR NOT is_labels(labels)
    OR NOT is_json(coalesce(runtime, '{}'));

-- token-life: a token ends after it was made
SELECT 'token ' || uuid(id) FROM token WHERE length(id) <> 16 OR expires_at_ms < created_at_ms;

-- token-key: a key that signs tokens has both parts
SELECT 'key ' || kid FROM token_key WHERE private_key = '' OR public_key = '';
