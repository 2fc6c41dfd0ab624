-- Lists of the inventory that somebody has saved for themselves. 'parameters': what the list shows and how (JSON, name to value).
CREATE TABLE saved_view (
    id         BIGSERIAL PRIMARY KEY,
    principal  BIGINT NOT NULL REFERENCES principal (id),
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX saved_view_name ON saved_view (principal, folded);
