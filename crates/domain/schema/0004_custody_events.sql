-- Rotation of the master key; events whose contents can be erased; where deliveries of the log stand.

-- 'pending' until every live node holds the key, then 'current'; 'retired' while something may be sealed under it;
-- 'forgotten' when it was let go of. Numbers are never given twice, so forgotten ones stay.
ALTER TABLE master_key ADD COLUMN state TEXT NOT NULL DEFAULT 'current';
CREATE INDEX secret_master ON secret (master, id);

-- Nodes that live, and the master keys they hold (a JSON list of numbers).
CREATE TABLE node (
    name    TEXT NOT NULL PRIMARY KEY,
    keys    TEXT NOT NULL,
    sealing BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);

-- How a row is digested: 1 digests every field of the header; 2 digests what may be erased (names, address, request, payload)
-- together with a salt, so that the digest which stays behind tells nothing.
ALTER TABLE event ADD COLUMN encoding BIGINT NOT NULL DEFAULT 1;
ALTER TABLE event ADD COLUMN salt BYTEA;
CREATE INDEX event_at ON event (at);
CREATE INDEX event_request ON event (request, seq) WHERE request <> '';
CREATE INDEX event_address ON event (address, seq) WHERE address <> '';

-- How far the log was delivered to somebody outside, and which node delivers.
CREATE TABLE event_cursor (
    name        TEXT NOT NULL PRIMARY KEY,
    seq         BIGINT NOT NULL,
    holder      TEXT,
    lease_until BIGINT NOT NULL,
    error       TEXT,
    updated_at  BIGINT NOT NULL
);
