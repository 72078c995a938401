-- When a run was put on the schedule that started it, Unix milliseconds; NULL: it was not.
ALTER TABLE task ADD COLUMN scheduled_at_ms INTEGER;
