-- Workflows whose runs are given to nobody for the time being.
ALTER TABLE workflow ADD COLUMN paused_at_ms INTEGER; -- Unix milliseconds; NULL: it is not paused
-- Whether its crons and scheduled runs make runs meanwhile, which wait; 0: they pass.
ALTER TABLE workflow ADD COLUMN paused_crons INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workflow ADD COLUMN paused_schedules INTEGER NOT NULL DEFAULT 0;
-- How long a run waits meanwhile before it is given up; -1: until the pause is over.
ALTER TABLE workflow ADD COLUMN paused_ttl_ms INTEGER NOT NULL DEFAULT -1;
