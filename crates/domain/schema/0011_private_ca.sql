-- Certification authorities whose keys are in custody here.
CREATE TABLE private_ca (
    id          BIGSERIAL PRIMARY KEY,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    private_key BIGINT NOT NULL REFERENCES private_key (id),
    parent      BIGINT REFERENCES private_ca (id),
    subject     BYTEA NOT NULL,
    -- What certificates below it may be: JSON.
    limits      TEXT NOT NULL,
    -- Where its list and certificate are published, without a slash at the end; empty: nowhere.
    base_url    TEXT NOT NULL,
    list_days   BIGINT NOT NULL,
    active      BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    -- The revocation list that stands; its number, from when and until when it holds.
    list_number BIGINT NOT NULL,
    list_from   BIGINT,
    list_until  BIGINT,
    list        BYTEA,
    -- Counts changes that the list must tell; the one that stands tells those up to list_tells.
    changes     BIGINT NOT NULL,
    list_tells  BIGINT NOT NULL
);
CREATE INDEX private_ca_certificate ON private_ca (certificate);
CREATE INDEX private_ca_key ON private_ca (private_key);

-- What they issued.
CREATE TABLE issued_certificate (
    certificate BIGINT NOT NULL PRIMARY KEY REFERENCES certificate (id),
    private_ca  BIGINT NOT NULL REFERENCES private_ca (id),
    profile     TEXT NOT NULL
);
CREATE INDEX issued_certificate_ca ON issued_certificate (private_ca, certificate);
