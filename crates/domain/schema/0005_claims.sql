-- What a sign-in may say of somebody, and the roles that are held through it. Accounts themselves hold roles through role_claim.
-- `matched` is the value as it is compared: names of a directory without regard to case, everything else to the letter.

CREATE TABLE claim (
    id          BIGSERIAL PRIMARY KEY,
    type        TEXT NOT NULL,
    value       TEXT NOT NULL,
    matched     TEXT NOT NULL,
    provider    TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    UNIQUE (type, matched, provider)
);

CREATE TABLE claim_role (
    claim BIGINT NOT NULL REFERENCES claim (id),
    role  BIGINT NOT NULL REFERENCES role (id),
    PRIMARY KEY (claim, role)
) /* clustered */;
CREATE INDEX claim_role_role ON claim_role (role);
CREATE INDEX role_permission_set ON role (permission_set);
