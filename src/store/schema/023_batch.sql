-- Which runs a worker was given together: the id is that of the batch. It is of the attempt that runs, and goes with
-- it. Which group a run is of says task.limits: {..,"batch":"key","bytes":n}, n of what it was triggered with.
ALTER TABLE task_live ADD COLUMN batch_id BLOB; -- NULL: it is none of these
