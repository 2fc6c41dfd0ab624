-- How many certificates have a name that begins so is counted without a look at them (SQLite only: PostgreSQL looks at rows anyway).

/* sqlite */ DROP INDEX certificate_common_name;
/* sqlite */ CREATE INDEX certificate_common_name ON certificate (common_name_folded, id, not_after, revoked_at);
