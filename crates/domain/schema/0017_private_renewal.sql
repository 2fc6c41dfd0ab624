-- Managed certificates of private authorities; through whose account a certificate was obtained, and its revocation there; who revoked.

-- Versions come from an ACME issuer ('issuer', 'dns_provider', 'profile') or from a private authority ('private_ca', 'template' and what
-- follows): the other's columns are empty. 'noted' is what is noted about the first version (JSON), until there is one.
/* postgresql */ ALTER TABLE lineage ALTER COLUMN issuer DROP NOT NULL;
/* postgresql */ ALTER TABLE lineage ALTER COLUMN dns_provider DROP NOT NULL;

-- SQLite cannot let a column be empty afterwards, and a table that others refer to is not made anew while references are checked. So
-- the two columns are replaced, and the table stays.
/* sqlite */ DROP INDEX lineage_issuer;
/* sqlite */ DROP INDEX lineage_dns_provider;
/* sqlite */ ALTER TABLE lineage ADD COLUMN issuer_now BIGINT REFERENCES issuer (id);
/* sqlite */ ALTER TABLE lineage ADD COLUMN dns_provider_now BIGINT REFERENCES dns_provider (id);
/* sqlite */ UPDATE lineage SET issuer_now = issuer, dns_provider_now = dns_provider;
/* sqlite */ ALTER TABLE lineage DROP COLUMN issuer;
/* sqlite */ ALTER TABLE lineage DROP COLUMN dns_provider;
/* sqlite */ ALTER TABLE lineage RENAME COLUMN issuer_now TO issuer;
/* sqlite */ ALTER TABLE lineage RENAME COLUMN dns_provider_now TO dns_provider;
/* sqlite */ CREATE INDEX lineage_issuer ON lineage (issuer);
/* sqlite */ CREATE INDEX lineage_dns_provider ON lineage (dns_provider);

ALTER TABLE lineage ADD COLUMN private_ca BIGINT REFERENCES private_ca (id)
    CHECK ((private_ca IS NULL) = (issuer IS NOT NULL) AND (issuer IS NULL) = (dns_provider IS NULL));
ALTER TABLE lineage ADD COLUMN template TEXT;
ALTER TABLE lineage ADD COLUMN pattern BIGINT REFERENCES enrolment_pattern (id);
ALTER TABLE lineage ADD COLUMN subject TEXT;
ALTER TABLE lineage ADD COLUMN days BIGINT;
ALTER TABLE lineage ADD COLUMN noted TEXT;
CREATE INDEX lineage_private_ca ON lineage (private_ca) WHERE private_ca IS NOT NULL;
CREATE INDEX lineage_pattern ON lineage (pattern) WHERE pattern IS NOT NULL;

-- The issuer through whose account a certificate was obtained: it can revoke it, also when nobody manages the certificate any more.
-- 'issuer_name' is kept of an issuer that was removed.
CREATE TABLE acme_certificate (
    certificate BIGINT NOT NULL PRIMARY KEY REFERENCES certificate (id),
    issuer      BIGINT REFERENCES issuer (id),
    issuer_name TEXT,
    CHECK ((issuer IS NULL) = (issuer_name IS NOT NULL))
);
CREATE INDEX acme_certificate_issuer ON acme_certificate (issuer, certificate);
INSERT INTO acme_certificate (certificate, issuer)
    SELECT certificate, max(issuer) FROM acme_order WHERE certificate IS NOT NULL GROUP BY certificate;

-- What became of asking that issuer: 'state' is 'asked', 'revoked', 'refused' or 'given_up'; 'reason' is the number that it is told.
CREATE TABLE acme_revocation (
    certificate BIGINT NOT NULL PRIMARY KEY REFERENCES certificate (id),
    state       TEXT NOT NULL,
    reason      BIGINT NOT NULL,
    already     BOOLEAN NOT NULL,
    failures    BIGINT NOT NULL,
    error       TEXT,
    detail      TEXT,
    asked_at    BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Who recorded a revocation: their name at that moment, and the form in which it is looked for; that of earlier ones is filled in when
-- the server starts.
ALTER TABLE revocation ADD COLUMN revoker TEXT;
ALTER TABLE revocation ADD COLUMN revoker_folded TEXT;
UPDATE revocation SET revoker = (SELECT event.actor_name FROM event WHERE event.object_kind = 'certificate'
    AND event.object = revocation.certificate AND event.operation = 'certificate.revoked' AND event.actor_name <> ''
    ORDER BY event.seq DESC LIMIT 1);
CREATE INDEX revocation_revoker ON revocation (revoker_folded, certificate);

-- What was renewed by a certificate that is issued here may be removed, if it is another's.
CREATE INDEX issued_certificate_renews ON issued_certificate (renews) WHERE renews IS NOT NULL;

-- For which template a certificate was issued is asked for by queries.
CREATE INDEX issued_certificate_profile ON issued_certificate (profile, certificate);
