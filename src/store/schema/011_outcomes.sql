-- How the last attempt ended where the run's state does not say it: TIMED_OUT or LOST, with a FAILED run. NULL: it does.
ALTER TABLE task_end ADD COLUMN outcome TEXT;
