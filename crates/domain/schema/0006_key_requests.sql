-- Keys made here for certificates that somebody obtains by hand.
CREATE TABLE key_request (
    id          BIGSERIAL PRIMARY KEY,
    name        TEXT NOT NULL,
    names       TEXT NOT NULL,
    private_key BIGINT NOT NULL UNIQUE REFERENCES private_key (id),
    csr         BYTEA NOT NULL,
    created_at  BIGINT NOT NULL
);

-- Destroying a key asks whether an attempt refers to it.
CREATE INDEX acme_order_private_key ON acme_order (private_key);
