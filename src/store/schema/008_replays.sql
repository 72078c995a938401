-- A run that has ended can be replayed: it moves from task_end back to task_live, and how it had ended
-- becomes a row of attempt (outcome COMPLETED, FAILED or CANCELLED) without its output.

-- When that was: then the next attempt was queued, which is no retry of this one. NULL: it was not replayed.
ALTER TABLE attempt ADD COLUMN replayed_at_ms INTEGER;
-- The retry count of the first attempt since it was triggered or replayed: retries are counted from there.
ALTER TABLE task_live ADD COLUMN first_retry INTEGER NOT NULL DEFAULT 0;
