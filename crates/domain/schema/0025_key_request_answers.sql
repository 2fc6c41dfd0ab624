-- What a signing request waited for: the certificate that whoever made it, or may see all requests to their end, brought. Anybody can make
-- a certificate for a public key that they have seen. Requests of before keep the certificate that was shown with them.
ALTER TABLE key_request ADD COLUMN certificate BIGINT REFERENCES certificate (id);
UPDATE key_request SET certificate = (SELECT MAX(certificate.id) FROM private_key
    JOIN certificate ON certificate.spki_sha256 = private_key.spki_sha256 WHERE private_key.id = key_request.private_key);
CREATE INDEX key_request_certificate ON key_request (certificate);
