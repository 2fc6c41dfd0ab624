-- Certificates that may issue others, by the digests of their names: chains are found upwards without reading any other.
CREATE TABLE authority (
    certificate      BIGINT NOT NULL PRIMARY KEY REFERENCES certificate (id),
    subject          BYTEA NOT NULL,
    issuer           BYTEA NOT NULL,
    key_id           BYTEA,
    authority_key_id BYTEA
);
CREATE INDEX authority_subject ON authority (subject, certificate);
CREATE INDEX authority_key ON authority (subject, key_id, certificate);

-- Certificates that were held before there was this table are looked at behind, up to the last of them.
INSERT INTO counter (name, value) VALUES ('authorities_to', 0);
INSERT INTO counter (name, value) SELECT 'authorities_until', value FROM counter WHERE name = 'last_certificate';

-- Named sets of authorities that somebody trusts.
CREATE TABLE trust_set (
    id          BIGSERIAL PRIMARY KEY,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE TABLE trust_set_member (
    trust_set   BIGINT NOT NULL REFERENCES trust_set (id),
    certificate BIGINT NOT NULL REFERENCES certificate (id),
    PRIMARY KEY (trust_set, certificate)
) /* clustered */;
CREATE INDEX trust_set_member_certificate ON trust_set_member (certificate);
