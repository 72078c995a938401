-- What holds between the tables of runs whenever nobody is in a transaction. A statement answers a row for each place
-- where it does not: which one it is, and what is wrong with it. Before it stand its name and what holds.

-- run-id: the id of a run is a UUID
SELECT 'run ' || hex(id) FROM task WHERE typeof(id) <> 'blob' OR length(id) <> 16;

-- run-life: a run lives or has ended, and not both
SELECT 'run ' || uuid(t.id) || iif(l.id IS NULL, ': neither', ': both')
FROM task t LEFT JOIN task_live l ON l.id = t.id LEFT JOIN task_end e ON e.id = t.id
WHERE (l.id IS NULL) = (e.id IS NULL);

-- run-known: what lives, has ended or has a former attempt, a log or a stream is a run, or what is left of a removed one
SELECT table_name || ' of run ' || uuid(id) FROM (
    SELECT 'life' AS table_name, id FROM task_live
    UNION ALL SELECT 'end', id FROM task_end
    UNION ALL SELECT DISTINCT 'attempt', task_id FROM attempt
    UNION ALL SELECT DISTINCT 'log line', task_id FROM task_log
    UNION ALL SELECT DISTINCT 'note', task_id FROM task_note
    UNION ALL SELECT 'stream', task_id FROM stream
    UNION ALL SELECT 'what was waited for', task_id FROM task_trigger
    UNION ALL SELECT 'durable state', id FROM durable_run
    UNION ALL SELECT 'hook', run_id FROM durable_hook) AS sub
WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.id = sub.id)
    AND (table_name IN ('life', 'end', 'hook') OR NOT EXISTS (SELECT 1 FROM removed_run WHERE removed_run.id = sub.id));

-- run-removed: a removed run is no run any more
SELECT 'run ' || uuid(id) FROM removed_run WHERE id IN (SELECT id FROM task);

-- run-type: the version of its workflow that a run was started with is there
SELECT 'run ' || uuid(id) || ': version ' || type_id FROM task
WHERE type_id NOT IN (SELECT id FROM task_type);

-- run-trigger: what a run was started with is JSON, and its priority is 1 to 3
SELECT 'run ' || uuid(id) || ': ' || CASE
    WHEN NOT is_json(input) THEN 'input'
    WHEN priority NOT BETWEEN 1 AND 3 THEN 'priority ' || priority
    WHEN NOT is_object(coalesce(metadata, '{}')) THEN 'metadata'
    WHEN NOT is_object(coalesce(filter_payload, '{}')) THEN 'filter payload'
    ELSE 'desired worker' END
FROM task
WHERE priority NOT BETWEEN 1 AND 3 OR NOT is_json(input) OR NOT is_object(coalesce(metadata, '{}'))
    OR NOT is_object(coalesce(filter_payload, '{}')) OR (desired IS NOT NULL AND NOT is_wish(desired));

-- run-child: a child has a number or a key, and its parent, where it is still there, is of the same tenant
SELECT 'run ' || uuid(c.id) || ': parent ' || uuid(c.parent_id)
FROM task c JOIN task_type y ON y.id = c.type_id
    LEFT JOIN task p ON p.id = c.parent_id LEFT JOIN task_type z ON z.id = p.type_id
WHERE c.parent_id IS NOT NULL
    AND (coalesce(c.child_key, c.child_index) IS NULL OR z.tenant <> y.tenant);

-- run-event: a run that an event has started has the event's key
SELECT 'run ' || uuid(id) || ': event ' || uuid(event_id) FROM task
WHERE event_id IS NOT NULL AND event_key IS NULL;

-- run-key: an idempotency key is that of a run of its tenant that was started with it, as long as that is stored
SELECT 'run ' || iif(length(k.run_id) = 16, uuid(k.run_id), '?') || ': key ' || k.key
FROM idempotency k LEFT JOIN task t ON t.id = k.run_id LEFT JOIN task_type y ON y.id = t.type_id
WHERE typeof(k.run_id) <> 'blob' OR length(k.run_id) <> 16
    OR (t.id IS NOT NULL AND (y.tenant IS NOT k.tenant OR t.idempotency_key IS NOT k.key));

-- run-limits: what the limits of a run are for is a JSON object, and a live run knows whether it has any
SELECT 'run ' || uuid(t.id) || iif(is_object(coalesce(t.limits, '{}')), '', ': no JSON object')
FROM task t LEFT JOIN task_live l ON l.id = t.id
WHERE NOT is_object(coalesce(t.limits, '{}')) OR l.has_limits <> (t.limits IS NOT NULL);

-- run-seats: what a run has given, has got or holds of slots is of its own keys
SELECT 'run ' || uuid(id) || ': ' || limits FROM task
WHERE limits IS NOT NULL AND is_object(limits)
    AND (json_extract(limits, '$.given') NOT BETWEEN 0 AND (1 << coalesce(json_array_length(limits, '$.keys'), 0)) - 1
        OR json_extract(limits, '$.holds') NOT BETWEEN 0 AND coalesce(json_array_length(limits, '$.keys'), 0)
        OR json_array_length(limits, '$.since') <> coalesce(json_array_length(limits, '$.keys'), 0));

-- live-group: a run of a task that is given several at a time has a group, and no other one has any
SELECT 'run ' || uuid(l.id) || ': group ' || coalesce(json_extract(t.limits, '$.batch'), 'none')
FROM task_live l JOIN task t ON t.id = l.id JOIN task_type y ON y.id = l.type_id
WHERE l.is_held = 0 AND is_object(coalesce(t.limits, '{}')) AND is_object(y.declaration)
    AND ((json_type(y.declaration, '$.batch') IS NOT NULL) <> (json_type(t.limits, '$.batch') IS 'text')
        OR json_extract(t.limits, '$.bytes') < 0);

-- live-batch: runs that a worker was given together are of one version and one group, and one worker has them
SELECT 'batch ' || uuid(l.batch_id) || ': ' || count(*) || ' runs'
FROM task_live l JOIN task t ON t.id = l.id
WHERE l.batch_id IS NOT NULL AND l.state = 1 AND is_object(coalesce(t.limits, '{}'))
GROUP BY l.batch_id
HAVING typeof(l.batch_id) <> 'blob' OR length(l.batch_id) <> 16 OR count(DISTINCT l.type_id) > 1
    OR count(DISTINCT coalesce(l.worker_id, x'')) > 1 OR count(json_extract(t.limits, '$.batch')) < count(*)
    OR count(DISTINCT json_extract(t.limits, '$.batch')) > 1;

-- live-limits: a live run that is in a queue knows what each limit of its version is for
WITH version AS MATERIALIZED (SELECT id, declaration_limits(declaration) AS limits FROM task_type)
SELECT 'run ' || uuid(t.id) || ': ' || coalesce(limits_count(t.limits), 'none') || ', not ' || v.limits
FROM task_live l JOIN task t ON t.id = l.id JOIN version v ON v.id = t.type_id
WHERE v.limits <> '0,0' AND limits_count(t.limits) IS NOT v.limits AND NOT (l.is_held AND t.dag_id IS NOT NULL);

-- live-trigger: a live run has the version and the priority it was started with, and wants the worker it wanted
SELECT 'run ' || uuid(l.id) || ': ' || CASE
    WHEN l.type_id <> t.type_id THEN 'version ' || l.type_id || ', not ' || t.type_id
    WHEN l.priority <> t.priority THEN 'priority ' || l.priority || ', not ' || t.priority
    ELSE 'desired worker' END
FROM task_live l JOIN task t ON t.id = l.id
WHERE l.type_id <> t.type_id OR l.priority <> t.priority OR l.has_desired <> (t.desired IS NOT NULL);

-- live-state: a live run is queued, or it is running or evicted and was started
SELECT 'run ' || uuid(id) || ': state ' || state || iif(started_at_ms IS NULL, '', ', started')
FROM task_live WHERE state NOT IN (0, 1, 5) OR (state = 0) <> (started_at_ms IS NULL);

-- live-attempt: the number of a live run's attempt is not below that of its first one since it was replayed
SELECT 'run ' || uuid(id) || ': attempt ' || retry_count || ' of ' || first_retry || ', ' || internal_retries
    || ' lost'
FROM task_live
WHERE first_retry < 0 OR internal_retries NOT BETWEEN 0 AND 10 OR retry_count < first_retry + internal_retries;

-- live-worker: the worker of a running attempt is there, and an evicted run has none
SELECT 'run ' || uuid(id) || ': worker ' || uuid(worker_id) FROM task_live
WHERE worker_id IS NOT NULL
    AND (state = 5 OR (state = 1 AND worker_id NOT IN (SELECT id FROM worker)));

-- end-state: a run that has ended is completed, failed or cancelled
SELECT 'run ' || uuid(id) || ': state ' || state || coalesce(', ' || outcome, '') FROM task_end
WHERE state NOT IN (2, 3, 4) OR retry_count < 0
    OR (outcome IS NOT NULL AND NOT (state = 3 AND outcome IN ('TIMED_OUT', 'LOST'))
        AND NOT (state = 4 AND outcome = 'SUPERSEDED') AND NOT (state = 2 AND outcome = 'SKIPPED'));

-- end-output: the output of a run is JSON, and only a completed one has any
SELECT 'run ' || uuid(id) || iif(state = 2, ': no JSON', ': state ' || state) FROM task_end
WHERE output IS NOT NULL AND (state <> 2 OR NOT is_json(output));

-- attempt-count: all attempts before the newest one of a run are there
SELECT 'run ' || uuid(r.id) || ': ' || (SELECT count(*) FROM attempt a WHERE a.task_id = r.id)
    || ' before attempt ' || r.retry_count
FROM (SELECT id, retry_count FROM task_live UNION ALL SELECT id, retry_count FROM task_end) r
WHERE r.retry_count <> (SELECT count(*) FROM attempt a
    WHERE a.task_id = r.id AND a.retry_count BETWEEN 0 AND r.retry_count - 1)
    OR EXISTS (SELECT 1 FROM attempt a WHERE a.task_id = r.id AND a.retry_count >= r.retry_count);

-- attempt-outcome: a former attempt has ended without ending its run, or was replayed
SELECT 'run ' || uuid(task_id) || ', attempt ' || retry_count || ': ' || outcome FROM attempt
WHERE outcome NOT IN ('FAILED', 'TIMED_OUT', 'LOST', 'UNDELIVERED', 'COMPLETED', 'CANCELLED', 'SUPERSEDED',
        'SKIPPED')
    OR (outcome IN ('COMPLETED', 'CANCELLED', 'SUPERSEDED', 'SKIPPED') AND replayed_at_ms IS NULL);

-- task-run: a task of a run of several, while that is there or the task lives, is of the run's version, and only such a run has tasks, each once
SELECT 'task ' || uuid(t.id) || ' of run ' || iif(length(t.dag_id) = 16, uuid(t.dag_id), '?')
FROM task t JOIN task_type y ON y.id = t.type_id LEFT JOIN task d ON d.id = t.dag_id
WHERE (t.dag_id IS NOT NULL AND iif(d.id IS NULL, t.id IN (SELECT id FROM task_live), y.dag_type IS NOT d.type_id))
    OR (t.dag_id IS NULL AND coalesce(y.dag_type, 0) <> 0);

-- task-count: a run of several tasks has all of them, and while one lives it does
SELECT 'run ' || uuid(d.id) || ': ' || count(t.id) || ' tasks, ' || count(l.id) || ' live'
FROM task d JOIN task_type y ON y.id = d.type_id AND y.dag_type = 0
    LEFT JOIN task t ON t.dag_id = d.id LEFT JOIN task_live l ON l.id = t.id
GROUP BY d.id
HAVING count(t.id) <> (SELECT count(*) FROM task_type s WHERE s.dag_type = y.id)
    OR (count(l.id) = 0) <> (d.id NOT IN (SELECT id FROM task_live));

-- task-held: what is held is queued, a task of a run, or such a run, which is held as long as it lives, or the next one of a run that lives
SELECT 'run ' || uuid(l.id) FROM task_live l JOIN task t ON t.id = l.id JOIN task_type y ON y.id = t.type_id
WHERE l.dag_id IS NOT t.dag_id OR (y.dag_type IS 0 AND NOT l.is_held)
    OR (l.is_held AND y.dag_type IS NOT 0 AND (l.state <> 0 OR (t.dag_id IS NULL
        AND (coalesce(t.child_key, '') NOT GLOB 'cleat>*' OR t.parent_id NOT IN (SELECT id FROM task_live)))));

-- chain-ends: where a chain of runs is said to begin and to lead to there is a run, and the one before the last has gone on as that
SELECT 'chain ' || iif(length(c.first_id) = 16, uuid(c.first_id), '?') FROM chain c
    LEFT JOIN task f ON f.id = c.first_id LEFT JOIN task l ON l.id = c.last_id
    LEFT JOIN task_end e ON e.id = l.parent_id
WHERE f.id IS NULL OR l.id IS NULL OR c.first_id >= c.last_id OR f.id IN (SELECT id FROM task_live)
    OR e.output IS NOT '{"cleat:continued_as":"' || uuid(l.id) || '"}';

-- task-waited: what a task has waited for is a JSON object
SELECT 'task ' || uuid(task_id) FROM task_trigger WHERE NOT is_object(data);

-- log-lines: the lines of a run's log are numbered from 1 on, and have a level
SELECT 'run ' || uuid(task_id) || ': ' || count(*) || ' lines up to ' || max(line) FROM task_log
WHERE task_id NOT IN (SELECT id FROM removed_run)
GROUP BY task_id HAVING min(line) <> 1 OR max(line) <> count(*) OR min(level) < 1 OR max(level) > 4;

-- log-metadata: the metadata of a log line are a JSON object
SELECT 'run ' || uuid(task_id) || ', line ' || line FROM task_log
WHERE metadata IS NOT NULL AND NOT is_object(metadata);

-- note-kind: a note says what happened, to an attempt that there is
SELECT 'run ' || uuid(n.task_id) || ': ' || n.kind || ' of attempt ' || n.retry_count FROM task_note n
LEFT JOIN task_live l ON l.id = n.task_id LEFT JOIN task_end e ON e.id = n.task_id
WHERE n.task_id NOT IN (SELECT id FROM removed_run)
    AND (n.kind = '' OR n.retry_count NOT BETWEEN 0 AND coalesce(l.retry_count, e.retry_count, 0));

-- stream-chunks: chunks belong to a stream; there may be gaps where a worker has sent some that never came
SELECT 'stream ' || (c.id >> 32) || ': ' || count(*) || ' chunks'
FROM stream_chunk c LEFT JOIN stream s ON s.id = c.id >> 32
WHERE s.id IS NULL
GROUP BY c.id >> 32;
