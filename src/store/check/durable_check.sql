-- What holds between the tables of durable runs; see runs_check.sql.

-- durable-state: a durable run is of a task that is declared durable, and its newest branch is the newest there is
SELECT 'run ' || uuid(d.id) || ': branch ' || d.branch FROM durable_run d
    JOIN task t ON t.id = d.id LEFT JOIN task_type y ON y.id = t.type_id
WHERE d.invocation_count < 1
    OR NOT coalesce(iif(is_object(y.declaration), json_extract(y.declaration, '$.durable'), NULL), 1)
    OR d.branch <> coalesce((SELECT max(b.branch) FROM durable_branch b WHERE b.run_id = d.id), 1);

-- durable-owner: what is of a durable run has its row
SELECT DISTINCT kind || ' of run ' || uuid(run_id) FROM (
    SELECT 'invocation' AS kind, run_id FROM durable_invocation
    UNION ALL SELECT 'branch', run_id FROM durable_branch
    UNION ALL SELECT 'log entry', run_id FROM durable_entry) AS sub
WHERE NOT EXISTS (SELECT 1 FROM durable_run d WHERE d.id = sub.run_id)
    AND run_id NOT IN (SELECT id FROM removed_run);

-- durable-evicted: an evicted run says what it waits for
SELECT 'run ' || uuid(l.id) FROM task_live l LEFT JOIN durable_run d ON d.id = l.id
WHERE l.state = 5 AND (d.waits IS NULL OR NOT is_nodes(d.waits));

-- durable-carrier: what is laid over the metadata of an invocation is a JSON object
SELECT 'run ' || uuid(id) FROM durable_run WHERE carrier IS NOT NULL AND NOT is_object(carrier);

-- durable-invocation: invocations are numbered from 2 on, up to the newest one, or the next where that was given back
SELECT 'run ' || uuid(i.run_id) || ', invocation ' || i.number FROM durable_invocation i
    JOIN durable_run d ON d.id = i.run_id
WHERE i.number NOT BETWEEN 2 AND d.invocation_count + 1;

-- durable-branch: a branch begins in an older one
SELECT 'run ' || uuid(b.run_id) || ', branch ' || b.branch || ': of ' || b.parent || ' from ' || b.first_node
FROM durable_branch b
WHERE b.run_id NOT IN (SELECT id FROM removed_run) AND (b.parent < 1 OR b.parent >= b.branch OR b.first_node < 1
    OR (b.parent <> 1 AND NOT EXISTS (SELECT 1 FROM durable_branch p
        WHERE p.run_id = b.run_id AND p.branch = b.parent)));

-- durable-nodes: the nodes of a branch are there from its first one on
SELECT 'run ' || uuid(e.run_id) || ', branch ' || e.branch || ': ' || count(*) || ' nodes, ' || min(e.node)
    || ' to ' || max(e.node)
FROM durable_entry e LEFT JOIN durable_branch b ON b.run_id = e.run_id AND b.branch = e.branch
WHERE e.branch <> 0 AND e.run_id NOT IN (SELECT id FROM removed_run) GROUP BY e.run_id, e.branch
HAVING max(e.node) - min(e.node) + 1 <> count(*)
    OR min(e.node) IS NOT iif(e.branch = 1, 1, b.first_node);

-- durable-entry: a node of a log is of a kind that there is, and a child run is one
SELECT 'run ' || uuid(e.run_id) || ', node ' || e.branch || ':' || e.node || ': kind ' || e.kind
    || iif(e.child_id IS NULL, '', ', child ' || uuid(e.child_id))
FROM durable_entry e
WHERE e.kind NOT IN (0, 1, 2) OR e.branch < 0 OR (e.kind = 0) <> (e.child_id IS NOT NULL)
    OR (e.kind = 0 AND e.child_id NOT IN (SELECT id FROM task)
        AND e.run_id NOT IN (SELECT id FROM removed_run));

-- durable-end: a node that was met has the time and the outcome of that, and payloads are JSON
SELECT 'run ' || uuid(run_id) || ', node ' || branch || ':' || node FROM durable_entry
WHERE (met_order IS NULL) <> (met_at_ms IS NULL) OR (met_order IS NULL) <> (outcome IS NULL) OR met_order < 1
    OR outcome NOT IN (1, 2, 3) OR (payload IS NOT NULL AND NOT is_json(payload));

-- durable-order: nodes of a run were met one after the other
SELECT 'run ' || uuid(run_id) || ': ' || count(*) || ' times ' || met_order FROM durable_entry
WHERE met_order IS NOT NULL GROUP BY run_id, met_order HAVING count(*) > 1;

-- condition-live: only live runs wait, each for a node of its log that was not met, or for its tasks
SELECT 'run ' || uuid(c.run_id) || ', node ' || c.branch || ':' || c.node || ', condition ' || c.number
    || CASE WHEN l.id IS NULL THEN ': has ended' WHEN e.node IS NULL THEN ': no such node' ELSE ': was met' END
FROM durable_condition c LEFT JOIN task_live l ON l.id = c.run_id
    LEFT JOIN task_type y ON y.id = l.type_id
    LEFT JOIN durable_entry e ON e.run_id = c.run_id AND e.branch = c.branch AND e.node = c.node
WHERE l.id IS NULL OR (y.dag_type IS NOT 0 AND (e.node IS NULL OR e.met_order IS NOT NULL));

-- condition-task: a run of several tasks waits for all that a task of it which is held may wait for
SELECT 'run ' || uuid(c.run_id) || ', task ' || c.node FROM (SELECT run_id, branch, node, max(count) AS count,
        max(kind) AS kind FROM durable_condition GROUP BY run_id, branch, node) c
    JOIN task_live l ON l.id = c.run_id JOIN task_type y ON y.id = l.type_id AND y.dag_type = 0
    LEFT JOIN task t ON t.dag_id = c.run_id AND t.type_id = y.id + c.node + 1
    LEFT JOIN task_live h ON h.id = t.id
WHERE c.branch <> 0 OR c.kind = 3 OR h.is_held IS NOT 1 OR c.count IS NOT declaration_waits(y.declaration, c.node);

-- condition-kind: what is waited for is of a kind that there is, and has what that needs
SELECT 'run ' || uuid(run_id) || ', node ' || branch || ':' || node || ', condition ' || number || ': kind '
    || kind
FROM durable_condition
WHERE kind NOT IN (0, 1, 2, 3) OR (kind = 0 AND at_ms IS NULL) OR (kind IN (1, 2) AND key IS NULL)
    OR (kind = 3 AND (child_id IS NULL OR child_id NOT IN (SELECT id FROM task_live)));

-- condition-count: all conditions of a node, a hundred at most in groups of theirs, are there until it is met
SELECT 'run ' || uuid(run_id) || ', node ' || branch || ':' || node || ': ' || count(*) || ' of ' || max(count)
FROM durable_condition GROUP BY run_id, branch, node
HAVING count(*) <> max(count) OR count(*) <> min(count) OR max(number) <> count(*) - 1 OR min(number) < 0
    OR count(*) > 100 OR min(group_number) < 0 OR max(group_number) >= count(*)
    OR branch NOT BETWEEN 0 AND 2147483647 OR node NOT BETWEEN (branch <> 0) AND 2147483647;

-- hook-payload: payloads wait at a hook of a live run, and are JSON
SELECT 'run ' || uuid(p.run_id) || ', payload ' || p.number FROM durable_hook_payload p
WHERE NOT is_json(p.payload) OR p.run_id NOT IN (SELECT id FROM task_live)
    OR NOT EXISTS (SELECT 1 FROM durable_hook h WHERE h.token = p.token AND h.run_id = p.run_id);

-- hook-tenant: a hook is of its run's tenant
SELECT 'run ' || uuid(h.run_id) FROM durable_hook h JOIN task t ON t.id = h.run_id
    JOIN task_type y ON y.id = t.type_id
WHERE y.tenant <> h.tenant;
