-- Revocation as the inventory knows it, and orders of lists.

-- When the revocation takes effect; the rest of what is known about it stands in a table of its own.
ALTER TABLE certificate ADD COLUMN revoked_at BIGINT;
CREATE INDEX certificate_revoked ON certificate (revoked_at, id) WHERE revoked_at IS NOT NULL;

-- `reason` is a number of RFC 5280 section 5.3.1.
CREATE TABLE revocation (
    certificate BIGINT NOT NULL PRIMARY KEY REFERENCES certificate (id),
    reason      BIGINT NOT NULL,
    comment     TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
) /* clustered */;

-- Lists are ordered by name and by issuer, too; what has none comes first on both engines.
/* sqlite */ CREATE INDEX certificate_issuer ON certificate (issuer_folded, id);
/* postgresql */ CREATE INDEX certificate_issuer ON certificate (issuer_folded NULLS FIRST, id);
/* postgresql */ CREATE INDEX certificate_common_name_order ON certificate (common_name_folded NULLS FIRST, id);
