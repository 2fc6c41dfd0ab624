-- Containers of certificate stores, which double as permission scopes; certificate stores, what is in them, and the work on them.

CREATE TABLE container (
    id                  BIGSERIAL PRIMARY KEY,
    name                TEXT NOT NULL,
    folded              TEXT NOT NULL UNIQUE,
    description         TEXT NOT NULL,
    kind                TEXT,
    schedule            TEXT NOT NULL,
    overwrite_schedules BOOLEAN NOT NULL,
    created_at          BIGINT NOT NULL
);

-- 'next_at': when the next inventory is due; 'problems': what could not be read at the last one (JSON).
CREATE TABLE certificate_store (
    id                BIGSERIAL PRIMARY KEY,
    uuid              TEXT NOT NULL UNIQUE,
    name              TEXT NOT NULL,
    folded            TEXT NOT NULL UNIQUE,
    kind              TEXT NOT NULL,
    machine           TEXT NOT NULL,
    path              TEXT NOT NULL UNIQUE,
    container         BIGINT REFERENCES container (id),
    properties        TEXT NOT NULL,
    password          BIGINT REFERENCES secret (id),
    create_if_missing BOOLEAN NOT NULL,
    schedule          TEXT NOT NULL,
    next_at           BIGINT,
    inventoried_at    BIGINT,
    problems          TEXT NOT NULL,
    last_error        TEXT,
    last_error_at     BIGINT,
    created_at        BIGINT NOT NULL
);
CREATE INDEX certificate_store_container ON certificate_store (container);
CREATE INDEX certificate_store_due ON certificate_store (next_at) WHERE next_at IS NOT NULL;

-- An entry of a store is its rows of one alias: position 0 is its own certificate, the others stand above it.
CREATE TABLE store_item (
    id          BIGSERIAL PRIMARY KEY,
    store       BIGINT NOT NULL REFERENCES certificate_store (id),
    alias       TEXT NOT NULL,
    position    BIGINT NOT NULL,
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    has_key     BOOLEAN NOT NULL,
    found_at    BIGINT NOT NULL,
    seen        BIGINT NOT NULL,
    UNIQUE (store, alias, position)
);
CREATE INDEX store_item_certificate ON store_item (certificate, store);

-- What is to be done with a store, in the order of due time. 'author' is whoever asked (JSON): what waits runs with the rights
-- that they have then.
CREATE TABLE store_job (
    id          BIGSERIAL PRIMARY KEY,
    uuid        TEXT NOT NULL UNIQUE,
    store       BIGINT NOT NULL REFERENCES certificate_store (id),
    kind        TEXT NOT NULL,
    alias       TEXT,
    certificate BIGINT,
    overwrite   BOOLEAN NOT NULL,
    with_key    BOOLEAN NOT NULL,
    collection  BIGINT,
    author      TEXT NOT NULL,
    author_name TEXT NOT NULL,
    state       TEXT NOT NULL,
    error       TEXT,
    report      TEXT,
    due_at      BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX store_job_store ON store_job (store, id);
CREATE INDEX store_job_open ON store_job (store, due_at, id) WHERE state = 'waiting' OR state = 'running';
CREATE INDEX store_job_finished ON store_job (finished_at) WHERE finished_at IS NOT NULL;

-- A deployment may go into a store under an alias, which is then nobody else's.
ALTER TABLE deployment ADD COLUMN store BIGINT REFERENCES certificate_store (id);
ALTER TABLE deployment ADD COLUMN alias TEXT;
CREATE UNIQUE INDEX deployment_store ON deployment (store, alias) WHERE store IS NOT NULL;
