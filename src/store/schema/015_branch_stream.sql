-- What is added to the index that an invocation of the branch counts, so that its first chunk follows those of the
-- branches before. NULL: it has given out nothing yet.
ALTER TABLE durable_branch ADD COLUMN chunk_shift INTEGER;
