-- The inventory for a million certificates: narrow rows, every queried fact a column, two indexes that know all of them.

-- The bytes apart: whoever looks through rows does not read through them.
CREATE TABLE certificate_body (
    certificate BIGINT NOT NULL PRIMARY KEY,
    der         BYTEA NOT NULL
);
INSERT INTO certificate_body (certificate, der) SELECT id, der FROM certificate;
ALTER TABLE certificate DROP COLUMN der;
ALTER TABLE certificate DROP COLUMN search;

-- Folded columns are what queries compare with: lower case, texts of several values with a line feed before and behind each.
-- Null until a row that an older version wrote has been derived again.
ALTER TABLE certificate ADD COLUMN sha1 BYTEA;
ALTER TABLE certificate ADD COLUMN issuer_common_name TEXT;
ALTER TABLE certificate ADD COLUMN key_curve TEXT;
ALTER TABLE certificate ADD COLUMN signature_algorithm TEXT;
ALTER TABLE certificate ADD COLUMN key_usage BIGINT;
ALTER TABLE certificate ADD COLUMN extended_key_usage TEXT;
ALTER TABLE certificate ADD COLUMN subject_key_id TEXT;
ALTER TABLE certificate ADD COLUMN authority_key_id TEXT;
ALTER TABLE certificate ADD COLUMN self_signed BOOLEAN;
ALTER TABLE certificate ADD COLUMN findings TEXT;
ALTER TABLE certificate ADD COLUMN severity BIGINT;
ALTER TABLE certificate ADD COLUMN common_name_folded TEXT;
ALTER TABLE certificate ADD COLUMN subject_folded TEXT;
ALTER TABLE certificate ADD COLUMN issuer_folded TEXT;
ALTER TABLE certificate ADD COLUMN issuer_name_folded TEXT;
ALTER TABLE certificate ADD COLUMN names_folded TEXT;
ALTER TABLE certificate ADD COLUMN organizations_folded TEXT;
ALTER TABLE certificate ADD COLUMN units_folded TEXT;
ALTER TABLE certificate ADD COLUMN countries_folded TEXT;
ALTER TABLE certificate ADD COLUMN emails_folded TEXT;
CREATE INDEX certificate_common_name ON certificate (common_name_folded, id);
CREATE INDEX certificate_not_before ON certificate (not_before, id);
CREATE INDEX certificate_held_since ON certificate (held_since, id);

-- For equality: a term is the beginning of the SHA-256 of a field's number and a folded value.
CREATE TABLE certificate_term (
    term        BIGINT NOT NULL,
    certificate BIGINT NOT NULL,
    PRIMARY KEY (term, certificate)
) /* clustered */;

-- For parts of texts: filled behind by a job up to the certificate in the counter 'text_indexed'.
/* sqlite */ CREATE VIRTUAL TABLE certificate_text USING fts5(body, content='', contentless_delete=1, tokenize='trigram', detail='none');
/* postgresql */ CREATE EXTENSION IF NOT EXISTS pg_trgm;
/* postgresql */ CREATE TABLE certificate_text (rowid BIGINT NOT NULL PRIMARY KEY, body TEXT NOT NULL);
/* postgresql */ CREATE INDEX certificate_text_body ON certificate_text USING gin (body gin_trgm_ops) WITH (fastupdate = off);

-- How many certificates have each value of the fields with few values; maintained with every change.
CREATE TABLE facet (
    field BIGINT NOT NULL,
    value TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (field, value)
) /* clustered */;

-- How many certificates that nobody manages end on each day (days since 1970-01-01, UTC).
CREATE TABLE expiry_day (
    day       BIGINT NOT NULL PRIMARY KEY,
    unmanaged BIGINT NOT NULL
) /* clustered */;

-- 'text_indexed': the last certificate in certificate_text. 'derived': the version of the code that derived the rows;
-- 'derived_to': how far a later version has come. 'inventory': the version of the data, bumped by every change to it.
INSERT INTO counter (name, value) VALUES ('text_indexed', 0), ('derived', 0), ('derived_to', 0), ('inventory', 0);
