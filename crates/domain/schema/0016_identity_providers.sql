-- Providers whose tokens (OpenID Connect) are accepted. 'name' is the authentication scheme of the claims that they make; it and the
-- issuer stay. 'mapping': which members of a token become claims (JSON). 'revision' counts changes: what was verified by an older one
-- is verified again.
CREATE TABLE identity_provider (
    id           BIGSERIAL PRIMARY KEY,
    uuid         TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    folded       TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    issuer       TEXT NOT NULL UNIQUE,
    audiences    TEXT NOT NULL,
    mapping      TEXT NOT NULL,
    roots        TEXT,
    enabled      BOOLEAN NOT NULL,
    revision     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);

-- Whose an account is: an issuer's word for somebody. It outlives the provider, so that whoever was disabled stays so when the same
-- issuer is configured again. 'scheme': the provider's name then; 'members': those of a token that say the subject (JSON).
CREATE TABLE external_identity (
    issuer     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    scheme     TEXT NOT NULL,
    members    TEXT NOT NULL,
    principal  BIGINT NOT NULL REFERENCES principal (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
) /* clustered */;
CREATE UNIQUE INDEX external_identity_principal ON external_identity (principal);

-- Certificates that were removed, and that no import brings back.
CREATE TABLE excluded_certificate (
    id          BIGSERIAL PRIMARY KEY,
    sha256      BYTEA NOT NULL UNIQUE,
    sha1        BYTEA NOT NULL,
    title       TEXT NOT NULL,
    excluded_at BIGINT NOT NULL
);
