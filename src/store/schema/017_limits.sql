-- What a run's limits are for, as it was found out when it was triggered or replayed, JSON:
-- {"arrived":ms,"keys":["of the first concurrency rule of its task", ..]}. NULL: its task has no limits.
ALTER TABLE task ADD COLUMN limits TEXT;
ALTER TABLE task_live ADD COLUMN has_limits INTEGER NOT NULL DEFAULT 0; -- task.limits is not NULL
-- task_end.outcome, and that of attempt before a replay, may be SUPERSEDED: cancelled by a concurrency strategy.
