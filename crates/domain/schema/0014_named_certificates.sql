-- Certificates under names that people choose: identities with their keys, which listeners present, and trusted ones. 'handle' is the
-- entry's identifier in addresses; 'lineage' is the managed certificate whose versions the entry follows.
CREATE TABLE named_certificate (
    id          BIGSERIAL PRIMARY KEY,
    handle      TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL,
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    version     BIGINT NOT NULL,
    lineage     BIGINT REFERENCES lineage (id),
    created_at  BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    UNIQUE (kind, folded)
);
CREATE INDEX named_certificate_certificate ON named_certificate (certificate);
CREATE INDEX named_certificate_lineage ON named_certificate (lineage) WHERE lineage IS NOT NULL;

-- What an entry stood for before, as far as those certificates are still held.
CREATE TABLE named_version (
    named       BIGINT NOT NULL REFERENCES named_certificate (id),
    version     BIGINT NOT NULL,
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    since       BIGINT NOT NULL,
    PRIMARY KEY (named, version)
) /* clustered */;
CREATE INDEX named_version_certificate ON named_version (certificate);

-- Where identities are presented. 'revision' grows with every change, so that each node notices it.
CREATE TABLE assignment (
    place      TEXT NOT NULL PRIMARY KEY,
    named      BIGINT REFERENCES named_certificate (id),
    settings   TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX assignment_named ON assignment (named);

-- Tokens that were given for a name and a password, bound to where they are used from. They end with the generation of their account.
CREATE TABLE bound_token (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    principal  BIGINT NOT NULL REFERENCES principal (id),
    generation BIGINT NOT NULL,
    binding    TEXT NOT NULL,
    bound_to   TEXT NOT NULL,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX bound_token_principal ON bound_token (principal);
CREATE INDEX bound_token_expires ON bound_token (expires_at);
