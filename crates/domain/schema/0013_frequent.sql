-- Values that very many certificates share are counted, and no longer indexed certificate by certificate: no list of them leads a
-- search.

ALTER TABLE facet ADD COLUMN term BIGINT;
ALTER TABLE facet ADD COLUMN frequent BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX facet_term ON facet (term);

-- Lists of one owner in the order in which certificates expire find theirs without a look at the others' rows.
DROP INDEX certificate_not_after;
CREATE INDEX certificate_not_after ON certificate (not_after, id, lineage, owner_role);

-- The entry of the subject in the index of terms, by which others with the same subject are found. Derived again behind.
ALTER TABLE certificate ADD COLUMN subject_term BIGINT;

-- Values that became rare again are indexed again.
CREATE INDEX facet_frequent ON facet (count) WHERE frequent;
