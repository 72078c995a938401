-- Chunks of the streams of durable runs. Those of a run follow each other in one b-tree by a number of both,
-- so that a chunk costs one insertion at the end of it, and none in an index.

CREATE TABLE stream (
    id      INTEGER PRIMARY KEY,
    task_id BLOB    NOT NULL UNIQUE
);

CREATE TABLE stream_chunk (
    id      INTEGER PRIMARY KEY, -- stream.id * 2^32 + its index in the stream
    payload BLOB    NOT NULL
);
