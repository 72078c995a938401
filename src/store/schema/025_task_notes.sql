-- What happened to attempts of a run besides their beginning and their end.
CREATE TABLE task_note (
    task_id     BLOB    NOT NULL, -- task.id
    number      INTEGER NOT NULL, -- from 1 on, in the order of time
    retry_count INTEGER NOT NULL, -- of the attempt
    at_ms       INTEGER NOT NULL, -- Unix milliseconds
    kind        TEXT    NOT NULL, -- as the API calls such an event: SLOT_RELEASED, ..
    message     TEXT    NOT NULL,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
