-- What people note about certificates: fields with types, and values; and edits of many certificates at once.

CREATE TABLE metadata_field (
    id            BIGSERIAL PRIMARY KEY,
    name          TEXT NOT NULL,
    folded        TEXT NOT NULL UNIQUE,
    description   TEXT NOT NULL,
    kind          TEXT NOT NULL,
    hint          TEXT NOT NULL,
    validation    TEXT NOT NULL,
    message       TEXT NOT NULL,
    options       TEXT NOT NULL,
    initial       TEXT NOT NULL,
    enrolment     TEXT NOT NULL,
    display_order BIGINT NOT NULL,
    removing      BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL
);

-- One value: `sort` is its folded beginning, for comparisons of text; `number` orders integers, dates (unix milliseconds) and
-- booleans. An empty value is no row.
CREATE TABLE certificate_metadata (
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    field       BIGINT NOT NULL REFERENCES metadata_field (id),
    value       TEXT NOT NULL,
    sort        TEXT NOT NULL,
    number      BIGINT,
    PRIMARY KEY (certificate, field)
) /* clustered */;
CREATE INDEX certificate_metadata_sort ON certificate_metadata (field, sort, certificate);
CREATE INDEX certificate_metadata_number ON certificate_metadata (field, number, certificate) WHERE number IS NOT NULL;

-- An edit of many certificates. Whoever started it is kept, because each chunk runs with their rights as they are then.
CREATE TABLE bulk_edit (
    id          BIGSERIAL PRIMARY KEY,
    state       TEXT NOT NULL,
    kind        TEXT NOT NULL,
    edit        TEXT NOT NULL,
    selection   TEXT NOT NULL,
    actor_kind  TEXT NOT NULL,
    actor       BIGINT,
    actor_name  TEXT NOT NULL,
    face        TEXT NOT NULL,
    request     TEXT NOT NULL,
    address     TEXT NOT NULL,
    scopes      TEXT,
    confirmed   BYTEA,
    digest      BYTEA NOT NULL,
    progress    BIGINT NOT NULL,
    total       BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    unchanged   BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    reasons     TEXT NOT NULL,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX bulk_edit_actor ON bulk_edit (actor_kind, actor, id);
CREATE INDEX bulk_edit_open ON bulk_edit (id) WHERE finished_at IS NULL;

-- The certificates that an edit has still to do: written while it selects, erased with each chunk that is done.
CREATE TABLE bulk_edit_item (
    bulk_edit   BIGINT NOT NULL,
    certificate BIGINT NOT NULL,
    PRIMARY KEY (bulk_edit, certificate)
) /* clustered */;
