-- Runs that wait for an event look for what has been pushed before: of one key and one scope.
CREATE INDEX event_by_scope ON event (tenant, key, scope, id) WHERE scope IS NOT NULL;
-- Why a run is evicted, as its worker said it. NULL: it did not, or the run is not evicted.
ALTER TABLE durable_run ADD COLUMN evict_reason TEXT;
