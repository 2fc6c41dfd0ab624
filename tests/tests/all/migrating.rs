//! Data of earlier versions, after the tables were changed.

use certhold_domain::renewal::IssuedBy;
use certhold_domain::renewal::managed::{self, ManagedFilter};
use certhold_domain::{Actor, Error, MIGRATIONS};
use certhold_store::{Options, Store, params};
use certhold_tests::postgres::engines;

/// A managed certificate with an order, a deployment and a name that follows it, as version 16 of the tables has them.
const BEFORE: &[&str] = &[
    "INSERT INTO setting (name, value) VALUES ('installation', 'story'), ('folding', '3')",
    "INSERT INTO secret (id, uuid, kind, master, wrapped_key, ciphertext, created_at) VALUES (1, 'u', 'private_key', 1, $1, $1, 1)",
    "INSERT INTO private_key (id, secret, spki_sha256, algorithm, bits, origin, created_at) VALUES (1, 1, $1, 'EC', 256, 'generated', 1)",
    "INSERT INTO issuer (id, name, folded, kind, settings, created_at) VALUES (7, 'Lab CA', 'lab ca', 'acme', '{}', 1)",
    "INSERT INTO dns_provider (id, name, folded, kind, settings, created_at) VALUES (9, 'Lab DNS', 'lab dns', 'powerdns', '{}', 1)",
    "INSERT INTO certificate (id, sha256, serial, subject, issuer, names, not_before, not_after, key_algorithm, is_ca, spki_sha256, \
     lineage, version, source, held_since) VALUES (3, $1, '01', 'CN=a', 'CN=b', '[]', 1, 9, 'EC', FALSE, $1, 5, 1, 'acme', 1)",
    "INSERT INTO lineage (id, name, folded, names, issuer, dns_provider, key_kind, reuse_key, profile, state, current, versions, renew_at, \
     failures, created_at) VALUES (5, 'a', 'a', '[\"a.example.com\"]', 7, 9, 'p384', FALSE, 'short', 'paused', 3, 1, 8, 2, 1)",
    "INSERT INTO acme_order (lineage, issuer, state, private_key, names, csr, certificate, created_at, updated_at) \
     VALUES (5, 7, 'issued', 1, '[]', $1, 3, 1, 1)",
    "INSERT INTO deployment (id, lineage, name, settings, state, created_at) VALUES (1, 5, 'files', '{}', 'waiting', 1)",
    "INSERT INTO named_certificate (handle, kind, name, folded, certificate, version, lineage, created_at, changed_at) \
     VALUES ('h', 'identity', 'a', 'a', 3, 1, 5, 1, 1)",
    "INSERT INTO revocation (certificate, reason, comment, recorded_at) VALUES (3, 1, 'lost', 1)",
    "INSERT INTO event (seq, at, actor_kind, actor_name, face, operation, object_kind, object, object_name, request, address, hash) \
     VALUES (1, 1, 'person', 'Kim DÖE', 'web', 'certificate.revoked', 'certificate', 3, 'a', '', '', $1)",
];

#[test]
fn managed_certificates_of_earlier_versions_go_on() {
    for database in engines() {
        let location = database.location().parse().unwrap();
        let store = Store::open(&location, &MIGRATIONS[..16], Options::default()).unwrap();
        for sql in BEFORE {
            store
                .write_blocking(move |tx| {
                    let bytes = vec![7u8; 32];
                    let values = if sql.contains("$1") { params![&bytes].to_vec() } else { Vec::new() };
                    Ok::<_, Error>(tx.execute(sql, &values)?)
                })
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
        drop(store);
        let store = Store::open(&location, MIGRATIONS, Options::default()).unwrap();
        let filter = ManagedFilter { limit: 10, ..ManagedFilter::default() };
        let found = store.read_blocking(move |tx| managed::list(tx, &Actor::local("story"), &filter, 1)).unwrap();
        let [managed] = found.managed.as_slice() else { panic!("{found:?}") };
        assert_eq!((managed.id.0, managed.paused, managed.versions, managed.renew_at), (5, true, 1, Some(8)));
        assert_eq!(
            (managed.names.as_slice(), managed.failures, managed.key_kind.name()),
            (&["a.example.com".to_owned()][..], 2, "p384")
        );
        let IssuedBy::Acme { issuer, dns_provider, profile } = &managed.by else { panic!("{managed:?}") };
        assert_eq!((issuer.0.0, dns_provider.0.0, profile.as_deref()), (7, 9, Some("short")));
        let uuids = [uuid::Uuid::nil(); 2];
        store.write_blocking(move |tx| certhold_domain::prepare(tx, &uuids, 2)).unwrap();
        let text = |sql: &'static str| -> Option<String> {
            store.read_blocking::<_, Error, _>(move |tx| Ok(tx.one(sql, params![], |row| row.get(0))?)).unwrap()
        };
        assert_eq!(text("SELECT revoker FROM revocation WHERE revoker_folded = 'kim döe'").as_deref(), Some("Kim DÖE"));
        let issuer =
            "SELECT issuer.name FROM acme_certificate JOIN issuer ON issuer.id = acme_certificate.issuer WHERE certificate = 3";
        assert_eq!(text(issuer).as_deref(), Some("Lab CA"), "who obtained it can revoke it");
        // What refers to the plan, and what it refers to, is still held together; and it is of one kind.
        for wrong in [
            "DELETE FROM lineage WHERE id = 5",
            "DELETE FROM issuer WHERE id = 7",
            "DELETE FROM dns_provider WHERE id = 9",
            "UPDATE lineage SET issuer = 8",
            "UPDATE lineage SET issuer = NULL",
            "UPDATE lineage SET issuer = NULL, dns_provider = NULL",
            "UPDATE lineage SET dns_provider = NULL",
        ] {
            assert!(store.write_blocking(move |tx| Ok::<_, Error>(tx.execute(wrong, params![])?)).is_err(), "{wrong}");
        }
    }
}
