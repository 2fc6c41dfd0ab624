-- Versions of managed certificates are counted by the day on which they end, as the others are. Rows that were never derived again are
-- counted when they are.
ALTER TABLE expiry_day ADD COLUMN managed BIGINT NOT NULL DEFAULT 0;
INSERT INTO expiry_day (day, unmanaged, managed)
    SELECT (not_after - (not_after % 86400000 + 86400000) % 86400000) / 86400000, 0, count(*) FROM certificate
    WHERE lineage IS NOT NULL AND sha1 IS NOT NULL
    GROUP BY (not_after - (not_after % 86400000 + 86400000) % 86400000) / 86400000
    ON CONFLICT (day) DO UPDATE SET managed = excluded.managed;
