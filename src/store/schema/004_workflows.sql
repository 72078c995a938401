-- Many tenants, workflows with versions, and workers of other processes.

-- Runs are started by the name of a workflow; its newest version (task_type) counts for new runs.
CREATE TABLE workflow (
    id     INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    uuid   BLOB    NOT NULL
);
CREATE UNIQUE INDEX workflow_by_name ON workflow (tenant, name);

-- What was declared before was declared by the default tenant in one process: "a:a" in the workflow
-- "a", "a:b" in the workflow "a.b". Any 16 bytes make an id.
INSERT INTO workflow (tenant, name, uuid)
    SELECT 1, name, randomblob(16) FROM (
        SELECT DISTINCT CASE
            WHEN substr(action, 1, instr(action, ':') - 1) = substr(action, instr(action, ':') + 1)
            THEN substr(action, 1, instr(action, ':') - 1)
            ELSE replace(action, ':', '.') END AS name
        FROM task_type);

ALTER TABLE task_type ADD COLUMN workflow_id INTEGER NOT NULL DEFAULT 0; -- workflow.id
ALTER TABLE task_type ADD COLUMN version_id BLOB NOT NULL DEFAULT x'';   -- a UUID
ALTER TABLE task_type ADD COLUMN tenant INTEGER NOT NULL DEFAULT 1;      -- of the workflow
ALTER TABLE task_type ADD COLUMN task_name TEXT NOT NULL DEFAULT '';     -- the readable id
-- All else that was declared, as JSON.
ALTER TABLE task_type ADD COLUMN declaration TEXT NOT NULL DEFAULT
    '{"description":"","version":"","events":[],"sticky":0,"durable":false,"slots":{"default":1},"labels":[]}';
UPDATE task_type SET
    version_id = randomblob(16),
    task_name = substr(action, instr(action, ':') + 1),
    workflow_id = (SELECT w.id FROM workflow w WHERE w.name = CASE
        WHEN substr(action, 1, instr(action, ':') - 1) = substr(action, instr(action, ':') + 1)
        THEN substr(action, 1, instr(action, ':') - 1)
        ELSE replace(action, ':', '.') END);

-- Workers of other processes: they come back after a restart of the engine, with what they hold.
CREATE TABLE worker (
    id               BLOB    PRIMARY KEY,
    tenant           INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    actions          TEXT    NOT NULL, -- JSON: ["workflow:task", ..]
    slots            TEXT    NOT NULL, -- JSON: {"default":100, ..}
    labels           TEXT    NOT NULL, -- JSON: {"key":"text" or number, ..}
    runtime          TEXT,             -- JSON: what it says about its process
    is_paused        INTEGER NOT NULL,
    registered_at_ms INTEGER NOT NULL,
    seen_at_ms       INTEGER NOT NULL  -- about: written once an hour
) WITHOUT ROWID;

-- Who has the attempt that runs; NULL: a worker in the engine's own process, which ends with it.
ALTER TABLE task_live ADD COLUMN worker_id BLOB;
-- Which worker is wanted for the run: task.desired is not NULL.
ALTER TABLE task_live ADD COLUMN has_desired INTEGER NOT NULL DEFAULT 0;
-- JSON: {"worker":"id", "labels":[..]}; NULL: whichever the task itself wants.
ALTER TABLE task ADD COLUMN desired TEXT;
-- Who had the last attempt; NULL: as above, or nobody.
ALTER TABLE task_end ADD COLUMN worker_id BLOB;
