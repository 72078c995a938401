-- Of runs that have gone on as others, the newest: from the first to that each has gone on as the next. Where one of these is
-- replayed it may end in another way, and the row goes. Without one the runs are gone through one by one.
CREATE TABLE chain (
    first_id BLOB NOT NULL PRIMARY KEY, -- task.id; where runs of it were removed, the first that is there
    last_id  BLOB NOT NULL              -- task.id
) WITHOUT ROWID;
CREATE UNIQUE INDEX chain_last ON chain (last_id);
