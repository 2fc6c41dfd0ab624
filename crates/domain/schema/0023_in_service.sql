-- When the current version of a managed certificate ends: which are in trouble, and how many end when, is asked with every look at the home
-- page, whatever their number.
ALTER TABLE lineage ADD COLUMN ends_at BIGINT;
UPDATE lineage SET ends_at = (SELECT certificate.not_after FROM certificate WHERE certificate.id = lineage.current);
CREATE INDEX lineage_ends ON lineage (ends_at);
CREATE INDEX lineage_failing ON lineage (id) WHERE failures > 0;

ALTER TABLE expiry_day ADD COLUMN in_service BIGINT NOT NULL DEFAULT 0;
INSERT INTO expiry_day (day, unmanaged, in_service)
    SELECT (ends_at - (ends_at % 86400000 + 86400000) % 86400000) / 86400000, 0, count(*) FROM lineage
    WHERE ends_at IS NOT NULL
    GROUP BY (ends_at - (ends_at % 86400000 + 86400000) % 86400000) / 86400000
    ON CONFLICT (day) DO UPDATE SET in_service = excluded.in_service;
