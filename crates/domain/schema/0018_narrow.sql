-- Counting what fulfils several conditions needs no look at the wide rows: an index by id of the columns that are asked for together
-- with others (SQLite only: PostgreSQL would have to write it again with every change of a row), and the indexes by owner and expiry
-- have what lists leave out besides.

/* sqlite */ CREATE INDEX certificate_narrow ON certificate (id, not_after, revoked_at, owner_role, lineage, key_bits, severity);

DROP INDEX certificate_owner;
CREATE INDEX certificate_owner ON certificate (owner_role, id, not_after, revoked_at, key_bits);

DROP INDEX certificate_not_after;
CREATE INDEX certificate_not_after ON certificate (not_after, id, lineage, owner_role, revoked_at);

DROP INDEX certificate_revoked;
CREATE INDEX certificate_revoked ON certificate (revoked_at, id, not_after) WHERE revoked_at IS NOT NULL;

-- The worst certificates are found among a million good ones.
CREATE INDEX certificate_severity ON certificate (severity, id);
