-- Who enrolled for what a private authority issued: their name at that moment, and the form in which it is looked for; that of earlier
-- ones is filled in when the server starts.
ALTER TABLE issued_certificate ADD COLUMN requester TEXT;
ALTER TABLE issued_certificate ADD COLUMN requester_folded TEXT;
UPDATE issued_certificate SET requester = (SELECT event.actor_name FROM event WHERE event.object_kind = 'certificate'
    AND event.object = issued_certificate.certificate AND event.operation = 'certificate.issued' AND event.actor_name <> ''
    ORDER BY event.seq DESC LIMIT 1);
CREATE INDEX issued_certificate_requester ON issued_certificate (requester_folded, certificate);
