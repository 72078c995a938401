-- A run has said what this limit is, and nobody has put it: it may go when its window is over and nobody takes of it.
ALTER TABLE rate_limit ADD COLUMN is_said INTEGER NOT NULL DEFAULT 0;
