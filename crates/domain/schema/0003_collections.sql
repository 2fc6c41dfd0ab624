-- Saved queries that double as permission scopes.

CREATE TABLE collection (
    id           BIGSERIAL PRIMARY KEY,
    name         TEXT NOT NULL,
    folded       TEXT NOT NULL UNIQUE,
    description  TEXT NOT NULL,
    query        TEXT NOT NULL,
    duplicates   BIGINT NOT NULL,
    on_dashboard BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE collection_favourite (
    principal  BIGINT NOT NULL REFERENCES principal (id),
    collection BIGINT NOT NULL REFERENCES collection (id),
    PRIMARY KEY (principal, collection)
) /* clustered */;
CREATE INDEX collection_favourite_collection ON collection_favourite (collection);

-- The metadata fields that a collection's query looks at.
CREATE TABLE collection_field (
    field      BIGINT NOT NULL,
    collection BIGINT NOT NULL REFERENCES collection (id),
    PRIMARY KEY (field, collection)
) /* clustered */;
CREATE INDEX collection_field_collection ON collection_field (collection);
