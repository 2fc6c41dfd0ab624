-- Enrolment as policy: who may have which certificates issued by private authorities, and by what rules.

-- What a template (a profile of private authorities) asks of its certificates; one without a row asks nothing.
CREATE TABLE certificate_template (
    profile      TEXT NOT NULL PRIMARY KEY,
    owner_policy TEXT NOT NULL
);

-- 'is_default': requests that name the template alone mean this pattern; 'rules': what requests are held against (JSON).
CREATE TABLE enrolment_pattern (
    id             BIGSERIAL PRIMARY KEY,
    name           TEXT NOT NULL,
    folded         TEXT NOT NULL UNIQUE,
    description    TEXT NOT NULL,
    template       TEXT NOT NULL,
    is_default     BOOLEAN NOT NULL,
    private_ca     BIGINT REFERENCES private_ca (id),
    rules          TEXT NOT NULL,
    owner_policy   TEXT NOT NULL,
    default_owner  BIGINT REFERENCES role (id),
    owner_override BOOLEAN NOT NULL,
    created_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX enrolment_pattern_default ON enrolment_pattern (template) WHERE is_default;
CREATE INDEX enrolment_pattern_template ON enrolment_pattern (template);
CREATE INDEX enrolment_pattern_owner ON enrolment_pattern (default_owner) WHERE default_owner IS NOT NULL;

-- The roles whose holders may enrol with a pattern.
CREATE TABLE enrolment_pattern_role (
    pattern BIGINT NOT NULL REFERENCES enrolment_pattern (id),
    role    BIGINT NOT NULL REFERENCES role (id),
    PRIMARY KEY (pattern, role)
);
CREATE INDEX enrolment_pattern_role_role ON enrolment_pattern_role (role);

-- What a pattern asks of a metadata field in place of what the field asks by itself.
CREATE TABLE enrolment_pattern_field (
    pattern    BIGINT NOT NULL REFERENCES enrolment_pattern (id),
    field      BIGINT NOT NULL REFERENCES metadata_field (id),
    enrolment  TEXT NOT NULL,
    initial    TEXT NOT NULL,
    validation TEXT NOT NULL,
    message    TEXT NOT NULL,
    PRIMARY KEY (pattern, field)
);
CREATE INDEX enrolment_pattern_field_field ON enrolment_pattern_field (field);

-- With which pattern a certificate was issued, and which one it renews.
ALTER TABLE issued_certificate ADD COLUMN pattern BIGINT REFERENCES enrolment_pattern (id);
ALTER TABLE issued_certificate ADD COLUMN renews BIGINT REFERENCES certificate (id);
CREATE INDEX issued_certificate_pattern ON issued_certificate (pattern) WHERE pattern IS NOT NULL;

-- For which pattern a key was made, and by whom: whoever may only make requests sees those of their own.
ALTER TABLE key_request ADD COLUMN pattern BIGINT REFERENCES enrolment_pattern (id);
ALTER TABLE key_request ADD COLUMN principal BIGINT REFERENCES principal (id);
CREATE INDEX key_request_pattern ON key_request (pattern) WHERE pattern IS NOT NULL;
CREATE INDEX key_request_principal ON key_request (principal, id);
