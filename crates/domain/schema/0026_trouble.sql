-- What needs somebody is found by index: deployments that fail, and managed certificates that fail or are paused, by when they end.
CREATE INDEX deployment_failing ON deployment (lineage) WHERE state = 'failing';
CREATE INDEX lineage_halted ON lineage (ends_at) WHERE failures > 0 OR state <> 'active';

-- What kind of failure the last one was, and on whose side: what to do about it follows. Failures of before have neither.
ALTER TABLE lineage ADD COLUMN last_class TEXT;
ALTER TABLE lineage ADD COLUMN last_side TEXT;
