//! Data of earlier versions, after the tables were changed.

use std::collections::BTreeSet;

use certhold_domain::renewal::IssuedBy;
use certhold_domain::renewal::managed::{self, ManagedFilter};
use certhold_domain::{Actor, Error, MIGRATIONS};
use certhold_store::{Options, Row, Store, params};
use certhold_tests::postgres::{Database, engines};

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

/// Table, name and definition of every index; those that an engine makes for a constraint have no definition.
type Indexes = BTreeSet<(String, String, String)>;

fn indexes(store: &Store, database: &Database) -> Indexes {
    let sql = match database.engine() {
        "sqlite" => "SELECT tbl_name, name, coalesce(sql, '') FROM sqlite_master WHERE type = 'index'",
        _ => {
            "SELECT CAST(tablename AS TEXT), CAST(indexname AS TEXT), CASE WHEN indexname IN (SELECT conname FROM pg_constraint) \
             THEN '' ELSE indexdef END FROM pg_indexes WHERE schemaname = current_schema()"
        }
    };
    let read = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?));
    let found = store.read_blocking::<_, Error, _>(move |tx| Ok(tx.rows(sql, params![], read)?)).unwrap();
    assert!(!found.is_empty());
    found.into_iter().collect()
}

/// Those of one engine only: an order in which NULL comes first, and counting without a look at the rows.
const OF_ONE: [&str; 2] = ["certificate_common_name_order", "certificate_narrow"];

/// Those that both engines have; not the one for parts of texts either.
fn of_both(indexes: &Indexes) -> BTreeSet<(&str, &str)> {
    let defined = indexes.iter().filter(|(.., definition)| !definition.is_empty());
    let both = defined.filter(|(table, name, _)| table != "certificate_text" && !OF_ONE.contains(&name.as_str()));
    both.map(|(table, name, _)| (table.as_str(), name.as_str())).collect()
}

/// An index goes with the column or table that a migration replaces, and is lost for good unless it is made again.
#[test]
fn no_migration_loses_an_index() {
    let mut steps: Vec<(usize, &str, Indexes)> = Vec::new();
    for (database, fresh) in engines().into_iter().zip(engines()) {
        let location = database.location().parse().unwrap();
        let mut before = Indexes::new();
        for known in 1..=MIGRATIONS.len() {
            let store = Store::open(&location, &MIGRATIONS[..known], Options::default()).unwrap();
            let after = indexes(&store, &database);
            drop(store);
            let lost: Vec<_> = of_both(&before).difference(&of_both(&after)).map(|(_, name)| (*name).to_owned()).collect();
            assert!(lost.is_empty(), "migration {known} on {} loses {lost:?}", database.engine());
            before = after.clone();
            steps.push((known, database.engine(), after));
        }
        let store = Store::open(&fresh.location().parse().unwrap(), MIGRATIONS, Options::default()).unwrap();
        assert_eq!(before, indexes(&store, &fresh), "step by step or at once, on {}", fresh.engine());
    }
    // What is made again on one engine is what the other one has kept.
    for (known, engine, found) in &steps {
        let (_, first, other) = steps.iter().find(|(number, ..)| number == known).unwrap();
        assert_eq!(of_both(found), of_both(other), "after migration {known} on {engine} and {first}");
    }
}

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
        let held = indexes(&store, &database);
        drop(store);
        let store = Store::open(&location, MIGRATIONS, Options::default()).unwrap();
        let migrated = indexes(&store, &database);
        let lost: Vec<_> = of_both(&held).difference(&of_both(&migrated)).map(|(_, name)| (*name).to_owned()).collect();
        assert!(lost.is_empty(), "{lost:?}");
        let on_plans = ["lineage_issuer", "lineage_dns_provider", "lineage_private_ca", "lineage_pattern"];
        assert!(on_plans.into_iter().all(|name| of_both(&migrated).contains(&("lineage", name))), "{migrated:?}");
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
