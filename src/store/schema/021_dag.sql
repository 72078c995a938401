-- Runs of workflows of several tasks. Such a run is a row of task like any other, in no queue, and each of its tasks is
-- one too, with an id, a type and a life of its own.

-- Of a task of such a workflow: the row of the version that it belongs to; their rows are behind that in the order of
-- the declaration. 0: such a version. NULL: the version of a workflow of one task.
ALTER TABLE task_type ADD COLUMN dag_type INTEGER; -- task_type.id
-- Of a task of such a run: the run.
ALTER TABLE task ADD COLUMN dag_id BLOB; -- task.id
CREATE INDEX task_by_dag ON task (dag_id) WHERE dag_id IS NOT NULL;
ALTER TABLE task_live ADD COLUMN dag_id BLOB; -- the same
-- QUEUED, but in no queue: it waits for other tasks of its run, or it is such a run.
ALTER TABLE task_live ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0;

-- What a task of a run has waited for besides its parents, as it is told: JSON, the names of conditions and their data.
CREATE TABLE task_trigger (
    task_id BLOB PRIMARY KEY, -- task.id
    data    TEXT NOT NULL
) WITHOUT ROWID;
