-- What needs somebody is found by index: deployments that fail, and managed certificates that fail or are paused, by when they end.
DROP INDEX lineage_failing;
CREATE INDEX lineage_failing ON lineage (id) WHERE failures > 0 AND state <> 'paused';
CREATE INDEX deployment_failing ON deployment (lineage) WHERE state = 'failing';
CREATE INDEX lineage_halted ON lineage (ends_at) WHERE failures > 0 OR state <> 'active';

-- What stood in the way of the last attempt that failed: what to do about it follows; and since when attempts fail. Failures of before have
-- neither.
ALTER TABLE lineage ADD COLUMN last_cause TEXT;
ALTER TABLE lineage ADD COLUMN failing_since BIGINT;
