-- The first schema. One text for both engines; the words that differ are replaced by the store.
-- Times are unix milliseconds, JSON is text read in Rust, digests are raw bytes.

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Maintained counters and version numbers: 'access' (bumped by every change to who may do what),
-- 'certificates' (rows in the inventory), 'last_certificate' (the last number given to one: none is given twice).
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

---------------------------------------------------------------- access

CREATE TABLE permission_set (
    id          BIGSERIAL PRIMARY KEY,
    uuid        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    paths       TEXT NOT NULL
);

CREATE TABLE role (
    id             BIGSERIAL PRIMARY KEY,
    name           TEXT NOT NULL,
    folded         TEXT NOT NULL UNIQUE,
    description    TEXT NOT NULL,
    email          TEXT,
    permission_set BIGINT NOT NULL REFERENCES permission_set (id),
    built_in       BOOLEAN NOT NULL,
    paths          TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE role_claim (
    role  BIGINT NOT NULL REFERENCES role (id),
    type  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (type, value, role)
) /* clustered */;
CREATE INDEX role_claim_role ON role_claim (role);

CREATE TABLE principal (
    id            BIGSERIAL PRIMARY KEY,
    uuid          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    folded        TEXT NOT NULL UNIQUE,
    display_name  TEXT NOT NULL,
    email         TEXT,
    password_hash TEXT,
    disabled      BOOLEAN NOT NULL,
    generation    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_seen_at  BIGINT
);

CREATE TABLE session (
    id           BIGSERIAL PRIMARY KEY,
    token_hash   BYTEA NOT NULL UNIQUE,
    principal    BIGINT NOT NULL REFERENCES principal (id),
    generation   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    address      TEXT,
    agent        TEXT
);
CREATE INDEX session_principal ON session (principal);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE api_token (
    id           BIGSERIAL PRIMARY KEY,
    token_hash   BYTEA NOT NULL UNIQUE,
    principal    BIGINT NOT NULL REFERENCES principal (id),
    name         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_token_principal ON api_token (principal);

CREATE TABLE sign_in_failure (
    account      TEXT NOT NULL,
    address      TEXT NOT NULL,
    count        BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    PRIMARY KEY (account, address)
) /* clustered */;

---------------------------------------------------------------- custody

CREATE TABLE master_key (
    number      BIGINT NOT NULL PRIMARY KEY,
    check_value BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);

CREATE TABLE secret (
    id           BIGSERIAL PRIMARY KEY,
    uuid         TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    master       BIGINT NOT NULL,
    wrapped_key  BYTEA NOT NULL,
    ciphertext   BYTEA NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE private_key (
    id          BIGSERIAL PRIMARY KEY,
    secret      BIGINT NOT NULL REFERENCES secret (id),
    spki_sha256 BYTEA NOT NULL UNIQUE,
    algorithm   TEXT NOT NULL,
    bits        BIGINT,
    origin      TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

---------------------------------------------------------------- inventory

CREATE TABLE certificate (
    id             BIGINT NOT NULL PRIMARY KEY,
    sha256         BYTEA NOT NULL UNIQUE,
    der            BYTEA NOT NULL,
    serial         TEXT NOT NULL,
    subject        TEXT NOT NULL,
    common_name    TEXT,
    issuer         TEXT NOT NULL,
    names          TEXT NOT NULL,
    not_before     BIGINT NOT NULL,
    not_after      BIGINT NOT NULL,
    key_algorithm  TEXT NOT NULL,
    key_bits       BIGINT,
    is_ca          BOOLEAN NOT NULL,
    spki_sha256    BYTEA NOT NULL,
    owner_role     BIGINT REFERENCES role (id),
    lineage        BIGINT,
    version        BIGINT,
    source         TEXT NOT NULL,
    held_since     BIGINT NOT NULL,
    search         TEXT NOT NULL
);
CREATE INDEX certificate_not_after ON certificate (not_after, id, lineage);
CREATE INDEX certificate_owner ON certificate (owner_role, id);
CREATE INDEX certificate_spki ON certificate (spki_sha256);
CREATE INDEX certificate_lineage ON certificate (lineage, version) WHERE lineage IS NOT NULL;

-- DNS names with their labels reversed and a closing dot ("com.example.www."), so that "everything under
-- example.com" is one range: >= 'com.example.' AND < 'com.example/'.
CREATE TABLE certificate_name (
    reversed    TEXT NOT NULL,
    certificate BIGINT NOT NULL,
    PRIMARY KEY (reversed, certificate)
) /* clustered */;

-- The path an authority delivered with a certificate: position 1 issued it, 2 issued position 1, …
CREATE TABLE certificate_chain (
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    position    BIGINT NOT NULL,
    member      BIGINT NOT NULL REFERENCES certificate (id),
    PRIMARY KEY (certificate, position)
) /* clustered */;

---------------------------------------------------------------- events

CREATE TABLE event (
    seq            BIGINT NOT NULL PRIMARY KEY,
    at             BIGINT NOT NULL,
    actor_kind     TEXT NOT NULL,
    actor          BIGINT,
    actor_name     TEXT NOT NULL,
    face           TEXT NOT NULL,
    operation      TEXT NOT NULL,
    object_kind    TEXT NOT NULL,
    object         BIGINT,
    object_name    TEXT NOT NULL,
    request        TEXT NOT NULL,
    address        TEXT NOT NULL,
    payload        TEXT,
    payload_digest BYTEA,
    hash           BYTEA NOT NULL
);
CREATE INDEX event_object ON event (object_kind, object, seq);
CREATE INDEX event_operation ON event (operation, seq);
CREATE INDEX event_actor ON event (actor, seq);

CREATE TABLE event_head (
    seq        BIGINT NOT NULL PRIMARY KEY,
    hash       BYTEA NOT NULL,
    at         BIGINT NOT NULL,
    public_key BYTEA NOT NULL,
    signature  BYTEA NOT NULL
);

---------------------------------------------------------------- jobs

CREATE TABLE job (
    id          BIGSERIAL PRIMARY KEY,
    kind        TEXT NOT NULL,
    object      BIGINT NOT NULL,
    state       TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    lease_until BIGINT,
    holder      TEXT,
    error       TEXT,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX job_live ON job (kind, object) WHERE state = 'waiting' OR state = 'running';
CREATE INDEX job_due ON job (state, due_at);

---------------------------------------------------------------- renewal

CREATE TABLE issuer (
    id         BIGSERIAL PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    secret     BIGINT REFERENCES secret (id),
    account    BIGINT REFERENCES secret (id),
    created_at BIGINT NOT NULL
);

CREATE TABLE dns_provider (
    id         BIGSERIAL PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    settings   TEXT NOT NULL,
    secret     BIGINT REFERENCES secret (id),
    created_at BIGINT NOT NULL
);

CREATE TABLE lineage (
    id            BIGSERIAL PRIMARY KEY,
    name          TEXT NOT NULL,
    folded        TEXT NOT NULL UNIQUE,
    names         TEXT NOT NULL,
    owner_role    BIGINT REFERENCES role (id),
    issuer        BIGINT NOT NULL REFERENCES issuer (id),
    dns_provider  BIGINT NOT NULL REFERENCES dns_provider (id),
    key_kind      TEXT NOT NULL,
    reuse_key     BOOLEAN NOT NULL,
    profile       TEXT,
    state         TEXT NOT NULL,
    current       BIGINT REFERENCES certificate (id),
    versions      BIGINT NOT NULL,
    renew_at      BIGINT,
    failures      BIGINT NOT NULL,
    last_error    TEXT,
    last_error_at BIGINT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX lineage_renew ON lineage (renew_at) WHERE state = 'active';
CREATE INDEX lineage_owner ON lineage (owner_role);
CREATE INDEX lineage_current ON lineage (current);
CREATE INDEX lineage_issuer ON lineage (issuer);
CREATE INDEX lineage_dns_provider ON lineage (dns_provider);

CREATE TABLE acme_order (
    id          BIGSERIAL PRIMARY KEY,
    lineage     BIGINT NOT NULL REFERENCES lineage (id),
    issuer      BIGINT NOT NULL REFERENCES issuer (id),
    state       TEXT NOT NULL,
    private_key BIGINT NOT NULL REFERENCES private_key (id),
    names       TEXT NOT NULL,
    csr         BYTEA NOT NULL,
    url         TEXT,
    error       TEXT,
    detail      TEXT,
    certificate BIGINT REFERENCES certificate (id),
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX acme_order_lineage ON acme_order (lineage, id);

-- TXT values written (or about to be written) for an order: recorded before the outside effect, so that a crash
-- leaves nothing behind that nobody knows of.
CREATE TABLE challenge_record (
    id           BIGSERIAL PRIMARY KEY,
    acme_order   BIGINT NOT NULL REFERENCES acme_order (id),
    dns_provider BIGINT NOT NULL REFERENCES dns_provider (id),
    domain       TEXT NOT NULL,
    name         TEXT NOT NULL,
    value        TEXT NOT NULL,
    state        TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (acme_order, name, value)
);
CREATE INDEX challenge_record_live ON challenge_record (state, id);

CREATE TABLE deployment (
    id          BIGSERIAL PRIMARY KEY,
    lineage     BIGINT NOT NULL REFERENCES lineage (id),
    name        TEXT NOT NULL,
    settings    TEXT NOT NULL,
    state       TEXT NOT NULL,
    certificate BIGINT REFERENCES certificate (id),
    last_error  TEXT,
    last_at     BIGINT,
    created_at  BIGINT NOT NULL,
    UNIQUE (lineage, name)
);
