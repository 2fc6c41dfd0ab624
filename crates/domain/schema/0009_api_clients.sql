-- Programs that sign in with an id and a secret (OAuth 2 client credentials), and the access tokens that they were given.
CREATE TABLE api_client (
    id          BIGSERIAL PRIMARY KEY,
    client_id   TEXT NOT NULL UNIQUE,
    secret_hash BYTEA NOT NULL,
    principal   BIGINT NOT NULL REFERENCES principal (id),
    name        TEXT NOT NULL,
    scopes      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX api_client_principal ON api_client (principal);

CREATE TABLE access_token (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    client     BIGINT NOT NULL REFERENCES api_client (id),
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_token_client ON access_token (client);
CREATE INDEX access_token_expires ON access_token (expires_at);

