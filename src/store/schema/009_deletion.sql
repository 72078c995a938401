-- A deleted workflow keeps its row for the sake of its runs; its name is free for another one.
ALTER TABLE workflow ADD COLUMN deleted_at_ms INTEGER; -- NULL: it is not
DROP INDEX workflow_by_name;
CREATE UNIQUE INDEX workflow_by_name ON workflow (tenant, name) WHERE deleted_at_ms IS NULL;
CREATE INDEX task_type_by_workflow ON task_type (workflow_id);
