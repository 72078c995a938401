-- What a running attempt was granted; both go with it.
ALTER TABLE task_live ADD COLUMN timeout_at_ms INTEGER; -- NULL: as the task was declared
ALTER TABLE task_live ADD COLUMN has_released INTEGER NOT NULL DEFAULT 0; -- its slots are free
