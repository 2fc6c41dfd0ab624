//! Private keys that leave custody, end there, or wait for their certificates.

use certhold_domain::access::paths;
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::{
    self, DestroyKey, ExportKey, NewKeyRequest, RemoveKeyRequest, Sealed, SealedKey, SecretKind, create_key_request, destroy_key,
    key_request, list_key_requests, remove_key_request,
};
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::{Actor, CertificateId, CollectionId, Error, KeyRequestId, LineageId, Refusal, renewal};
use certhold_pki::PrivateKey;
use certhold_store::params;
use rcgen::KeyPair;

use super::renewing::{local, managed, obtain};
use super::world::{DAY, START, World, issue, key};

pub(super) fn sealed(world: &World, pair: &KeyPair) -> SealedKey {
    let private = PrivateKey::of(&pair.serialize_der()).unwrap();
    SealedKey::seal(&world.custody, &world.entropy, &private).unwrap()
}

pub(super) fn nothing(world: &World) -> Sealed {
    world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap()
}

/// A certificate with its key in custody.
pub fn keyed(world: &World, pair: &KeyPair) -> CertificateId {
    let leaf = Candidate::of(&issue(pair, &["keyed.example.com"], START - DAY, START + 60 * DAY)).unwrap();
    let batch = ImportBatch {
        certificates: vec![leaf],
        keys: vec![sealed(world, pair)],
        owner: None,
        source: "story".into(),
        metadata: Default::default(),
    };
    let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
    match items[0].outcome {
        Outcome::Imported(id) | Outcome::AlreadyHeld(id) => id,
        Outcome::Excluded => panic!("it is excluded"),
    }
}

fn count(world: &World, sql: &'static str) -> i64 {
    world.read(move |tx| Ok(tx.one(sql, params![], |row| row.get(0))?.unwrap())).unwrap()
}

pub fn a_key_leaves_with_its_reason_and_ends(world: &World) {
    let pair = key();
    let id = keyed(world, &pair);
    let export = |reason: &str| ExportKey {
        certificate: id,
        format: "pkcs12",
        encrypted: true,
        reason: reason.into(),
        scope: Scope::everywhere(START),
    };
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::CERTIFICATES_READ, paths::PRIVATE_KEY_IMPORT])]);
    let (actor, command) = (reader.clone(), export("mine"));
    let refusal = world.refused(move |tx, now| custody::export(tx, &actor, &command, now).map(drop));
    assert!(matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::PRIVATE_KEY_READ]));
    let command = export("  ");
    let refusal = world.refused(move |tx, now| custody::export(tx, &local(), &command, now).map(drop));
    assert!(matches!(refusal, Refusal::Invalid { field: "reason", .. }));
    let command = export("moves");
    let exported = world.write(move |tx, now| custody::export(tx, &local(), &command, now)).unwrap();
    let clear = world.custody.open(&exported.key, SecretKind::PrivateKey).unwrap();
    assert_eq!(clear.as_slice(), pair.serialize_der());
    let payload: String = world
        .read(|tx| {
            let sql = "SELECT payload FROM event WHERE operation = 'private_key.exported'";
            Ok(tx.one(sql, params![], |row| row.get(0))?.unwrap())
        })
        .unwrap();
    assert!(payload.contains("\"moves\"") && payload.contains("\"pkcs12\""), "{payload}");

    let destroy = |reason: &str| DestroyKey { certificate: id, reason: reason.into(), nothing: nothing(world) };
    let (actor, command) = (reader, destroy("mine"));
    let refusal = world.refused(move |tx, now| destroy_key(tx, &actor, &command, now));
    assert!(matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::PRIVATE_KEY_DELETE]));
    let command = destroy("gone");
    world.write(move |tx, now| destroy_key(tx, &local(), &command, now)).unwrap();
    assert_eq!(count(world, "SELECT count(*) FROM private_key"), 0);
    assert_eq!(count(world, "SELECT count(*) FROM secret WHERE kind = 'private_key'"), 0);
    let command = destroy("again");
    assert!(matches!(world.refused(move |tx, now| destroy_key(tx, &local(), &command, now)), Refusal::Conflict(_)));
    // It may come again
    keyed(world, &pair);
    assert_eq!(count(world, "SELECT count(*) FROM private_key"), 1);
    assert!(world.intact().problems.is_empty());
}

/// Rights on a collection reach a key whose certificates are all inside, and no other.
pub fn a_key_ends_through_a_collection(world: &World) {
    let pair = key();
    let first = keyed(world, &pair);
    let twin = world.import(&[issue(&pair, &["twin.example.com"], START - DAY, START + 60 * DAY)], None).unwrap();
    let Outcome::Imported(twin) = twin[0].outcome else { panic!("{twin:?}") };
    let add = |query: &str| {
        let command = CollectionCommand { name: query.into(), query: query.into(), ..CollectionCommand::default() };
        world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
    };
    let (one, both) = (add("SAN -eq \"keyed.example.com\""), add("SAN -endswith \"example.com\""));
    let on = |collection: CollectionId| {
        [paths::CERTIFICATES_READ, paths::PRIVATE_KEY_DELETE].map(|path| format!("{path}{collection}/"))
    };
    let granted: Vec<String> = [on(one), on(both)].concat();
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let eve = world.somebody("eve", &[world.role("Scoped", &granted)]);
    let destroy = |certificate: CertificateId| DestroyKey { certificate, reason: "gone".into(), nothing: nothing(world) };
    for (certificate, collection) in [(first, Some(one)), (twin, Some(one)), (first, None), (CertificateId(987_654), Some(both))]
    {
        let (eve, command) = (eve.clone(), destroy(certificate));
        let refusal = world.refused(move |tx, now| custody::destroy_key_within(tx, &eve, &command, Scope::of(collection, now)));
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{certificate} {collection:?}: {refusal}");
    }
    let command = destroy(first);
    world.write(move |tx, now| custody::destroy_key_within(tx, &eve, &command, Scope::of(Some(both), now))).unwrap();
    assert_eq!(count(world, "SELECT count(*) FROM private_key"), 0);
}

/// Whoever makes a certificate for a public key that they have seen, and brings it into their collection, gets no key by it.
pub fn a_made_up_certificate_brings_no_key(world: &World) {
    let pair = key();
    let genuine = keyed(world, &pair);
    let made_up = world.import(&[issue(&pair, &["inside.example.com"], START - DAY, START + 60 * DAY)], None).unwrap();
    let Outcome::Imported(made_up) = made_up[0].outcome else { panic!("{made_up:?}") };
    let add = |query: &str| {
        let command = CollectionCommand { name: query.into(), query: query.into(), ..CollectionCommand::default() };
        world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
    };
    let (inside, both) = (add("SAN -eq \"inside.example.com\""), add("SAN -endswith \"example.com\""));
    let on =
        |collection: CollectionId| [paths::CERTIFICATES_READ, paths::PRIVATE_KEY_READ].map(|path| format!("{path}{collection}/"));
    let granted: Vec<String> = [on(inside), on(both)].concat();
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    let eve = world.somebody("eve", &[world.role("Scoped", &granted)]);
    let export = |certificate: CertificateId, collection: CollectionId| {
        let scope = Scope::of(Some(collection), world.now());
        custody::ExportKey { certificate, scope, format: "pem", encrypted: false, reason: "test".into() }
    };
    let (actor, command) = (eve.clone(), export(made_up, inside));
    let refusal = world.refused(move |tx, now| custody::export(tx, &actor, &command, now).map(drop));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    for certificate in [genuine, made_up] {
        let (actor, command) = (eve.clone(), export(certificate, both));
        world.write(move |tx, now| custody::export(tx, &actor, &command, now).map(drop)).unwrap();
    }
}

/// The key of a private authority is not a matter of a collection that its certificate happens to be in.
pub fn the_key_of_an_authority_takes_the_right_everywhere(world: &World) {
    super::issuing::make(world, super::issuing::wanted("Example Root", None)).unwrap();
    let command = CollectionCommand { name: "All".into(), query: "IsCA -eq true".into(), ..CollectionCommand::default() };
    let all = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    let authority = world.read(|tx| inventory::list(tx, &local(), &inventory::Filter::default())).unwrap().certificates[0].id;
    let on_all = [paths::CERTIFICATES_READ, paths::PRIVATE_KEY_READ].map(|path| format!("{path}{all}/"));
    let eve = world.somebody("eve", &[world.role("Scoped", &[&on_all[0], &on_all[1]])]);
    let scope = Scope::of(Some(all), world.now());
    let export =
        custody::ExportKey { certificate: authority, scope, format: "pem", encrypted: true, reason: "to keep it".into() };
    let (actor, command) = (eve, export.clone());
    let refusal = world.refused(move |tx, now| custody::export(tx, &actor, &command, now).map(drop));
    assert!(refusal.to_string().contains("private authority"), "{refusal}");
    world.write(move |tx, now| custody::export(tx, &local(), &export, now).map(drop)).unwrap();
}

/// A managed certificate with two versions, each with a key of its own.
fn two_versions(world: &World) -> (LineageId, CertificateId, CertificateId) {
    let id = managed(world, &["example.com"]);
    let (first, _) = obtain(world, &["example.com"]);
    world.pass(DAY);
    world.write(move |tx, now| renewal::managed::renew_now(tx, &local(), id, now)).unwrap();
    let (second, _) = obtain(world, &["example.com"]);
    (id, first, second)
}

/// What an order of the past refers to keeps its row, but not its key.
pub fn a_destroyed_key_leaves_orders_as_they_were(world: &World) {
    let (lineage, first, second) = two_versions(world);
    let command = |id| DestroyKey { certificate: id, reason: "replaced".into(), nothing: nothing(world) };
    let current = command(second);
    let refusal = world.refused(move |tx, now| destroy_key(tx, &local(), &current, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("current version")));
    let before = count(world, "SELECT count(*) FROM acme_order");
    let old = command(first);
    world.write(move |tx, now| destroy_key(tx, &local(), &old, now)).unwrap();
    assert_eq!(count(world, "SELECT count(*) FROM acme_order"), before);
    assert_eq!(count(world, "SELECT count(*) FROM private_key"), 2);
    assert_eq!(count(world, "SELECT count(*) FROM secret WHERE kind = 'private_key'"), 2);
    let held = world.read(move |tx| inventory::versions(tx, &local(), lineage)).unwrap();
    assert_eq!(held.iter().map(|version| (version.id, version.has_key)).collect::<Vec<_>>(), [(second, true), (first, false)]);
    // Every seal opens; what took the key's place is empty
    let rows = world
        .read(|tx| {
            let ids = tx.rows("SELECT secret FROM private_key ORDER BY id", params![], |row| row.get::<i64>(0))?;
            ids.into_iter()
                .map(|id| custody::load(tx, certhold_domain::SecretId(id)))
                .collect::<certhold_domain::Result<Vec<_>>>()
        })
        .unwrap();
    let lengths: Vec<usize> = rows.iter().map(|row| world.custody.open(row, SecretKind::PrivateKey).unwrap().len()).collect();
    assert!(lengths[0] == 0 && lengths[1] > 0, "{lengths:?}");
}

/// A certificate that somebody has made up for the key of another's request brings them nothing.
pub fn a_waiting_key_is_nobody_elses(world: &World) {
    let pair = key();
    let request = NewKeyRequest {
        pattern: None,
        name: String::new(),
        names: vec!["victim.example.com".into()],
        key: sealed(world, &pair),
        csr: b"csr".to_vec(),
    };
    let id = world.write(move |tx, now| create_key_request(tx, &local(), &request, now)).unwrap();
    let made_up = world.import(&[issue(&pair, &["inside.example.com"], START - DAY, START + 60 * DAY)], None).unwrap();
    let Outcome::Imported(certificate) = made_up[0].outcome else { panic!("{made_up:?}") };
    let query = "SAN -eq \"inside.example.com\"";
    let command = CollectionCommand { name: "Inside".into(), query: query.into(), ..CollectionCommand::default() };
    let inside = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    let rights =
        [paths::CERTIFICATES_READ, paths::PRIVATE_KEY_READ, paths::PRIVATE_KEY_DELETE].map(|path| format!("{path}{inside}/"));
    let eve = world.somebody("eve", &[world.role("Scoped", &rights.each_ref().map(String::as_str))]);
    let scope = Scope::of(Some(inside), world.now());
    let export = move |actor: &Actor| {
        let (actor, command) =
            (actor.clone(), custody::ExportKey { certificate, scope, format: "pem", encrypted: false, reason: "test".into() });
        world.write(move |tx, now| custody::export(tx, &actor, &command, now).map(drop))
    };
    assert!(matches!(export(&eve), Err(Error::Refused(Refusal::Forbidden { .. }))));
    let (actor, command) = (eve.clone(), DestroyKey { certificate, reason: "test".into(), nothing: nothing(world) });
    let refusal = world.refused(move |tx, _| custody::destroy_key_within(tx, &actor, &command, scope));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    world.read(move |tx| key_request(tx, &local(), id)).unwrap();
    // Once whoever made the request has let go of it, the certificate says whose it is.
    let command = RemoveKeyRequest { id, nothing: nothing(world) };
    world.write(move |tx, now| remove_key_request(tx, &local(), &command, now)).unwrap();
    export(&eve).unwrap();
}

pub fn a_key_waits_for_its_certificate(world: &World) {
    let pair = key();
    let new = |names: &[&str], pair: &KeyPair| NewKeyRequest {
        pattern: None,
        name: String::new(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        key: sealed(world, pair),
        csr: b"csr".to_vec(),
    };
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::KEY_REQUESTS_READ])]);
    let (actor, command) = (reader.clone(), new(&["a.example"], &pair));
    let refusal = world.refused(move |tx, now| create_key_request(tx, &actor, &command, now));
    assert!(
        matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::KEY_REQUESTS_MODIFY, paths::NAMED_MODIFY])
    );
    for bad in [&[][..], &["a b"], &["x.example"; 101]] {
        let command = new(bad, &pair);
        let refusal = world.refused(move |tx, now| create_key_request(tx, &local(), &command, now));
        assert!(matches!(refusal, Refusal::Invalid { field: "names", .. }), "{bad:?}");
    }
    let create = |names: &[&str], pair: &KeyPair| {
        let command = new(names, pair);
        world.write(move |tx, now| create_key_request(tx, &local(), &command, now)).unwrap()
    };
    let waits = create(&["Keyed.Example.com"], &pair);
    let second = create(&["b.example"], &key());
    let actor = reader.clone();
    let listed = world.read(move |tx| list_key_requests(tx, &actor, None, 10)).unwrap();
    assert_eq!(listed.iter().map(|request| request.id).collect::<Vec<_>>(), [second, waits]);
    let rest = world.read(move |tx| list_key_requests(tx, &reader, Some(second), 10)).unwrap();
    assert_eq!(rest.iter().map(|request| request.name.as_str()).collect::<Vec<_>>(), ["keyed.example.com"]);

    let leaf = issue(&pair, &["keyed.example.com"], START - DAY, START + 60 * DAY);
    let Outcome::Imported(certificate) = world.import(&[leaf], None).unwrap()[0].outcome else { panic!("new") };
    let found = world.read(move |tx| key_request(tx, &local(), waits)).unwrap();
    assert_eq!(found.certificate, Some(certificate));
    for (request, keys) in [(waits, 2), (second, 1)] {
        let command = RemoveKeyRequest { id: request, nothing: nothing(world) };
        world.write(move |tx, now| remove_key_request(tx, &local(), &command, now)).unwrap();
        assert_eq!(count(world, "SELECT count(*) FROM private_key"), keys, "only a key that waits goes with its request");
    }
    let command = RemoveKeyRequest { id: KeyRequestId(99), nothing: nothing(world) };
    let refusal = world.refused(move |tx, now| remove_key_request(tx, &local(), &command, now));
    assert!(matches!(refusal, Refusal::NotFound { kind: "key request", .. }));
}

/// Brings a certificate; its number, new or not.
fn brought(world: &World, who: &Actor, der: &[u8]) -> CertificateId {
    let batch = ImportBatch {
        certificates: vec![Candidate::of(der).unwrap()],
        keys: Vec::new(),
        owner: None,
        source: "story".into(),
        metadata: Vec::new(),
    };
    let who = who.clone();
    match world.write(move |tx, now| inventory::import(tx, &who, &batch, now)).unwrap()[0].outcome {
        Outcome::Imported(id) | Outcome::AlreadyHeld(id) => id,
        Outcome::Excluded => panic!("it is excluded"),
    }
}

/// What a stranger brings for the key of a request is not what the request waited for, and goes without the key.
pub fn a_strangers_certificate_answers_no_request(world: &World) {
    let rights = [paths::NAMED_MODIFY, paths::ENROLLMENT_CSR_GENERATION, paths::CERTIFICATES_IMPORT];
    let maker = world.somebody("maker", &[world.role("Makers", &rights)]);
    let eve = world.somebody("eve", &[world.role("Importers", &[paths::CERTIFICATES_IMPORT])]);
    let request = |pair: &KeyPair| {
        let new = NewKeyRequest {
            pattern: None,
            name: String::new(),
            names: vec!["victim.example.com".into()],
            key: sealed(world, pair),
            csr: b"csr".to_vec(),
        };
        let maker = maker.clone();
        world.write(move |tx, now| create_key_request(tx, &maker, &new, now)).unwrap()
    };
    let bring = |who: &Actor, der: &[u8]| brought(world, who, der);
    let pending = || {
        let maker = maker.clone();
        let (rows, total) = world.read(move |tx| custody::pending_key_requests(tx, &maker, 0, 50)).unwrap();
        assert_eq!(rows.len() as i64, total);
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let remove = |id: KeyRequestId| {
        let (maker, command) = (maker.clone(), RemoveKeyRequest { id, nothing: nothing(world) });
        world.write(move |tx, now| remove_key_request(tx, &maker, &command, now)).unwrap();
    };
    let keys = || count(world, "SELECT count(*) FROM private_key");

    let pair = key();
    let waits = request(&pair);
    let made_up = bring(&eve, &issue(&pair, &["inside.example.com"], START - DAY, START + 60 * DAY));
    assert_eq!(pending(), [waits]);
    assert_eq!(world.read(move |tx| key_request(tx, &local(), waits)).unwrap().certificate, None);
    // Whether the key is in use is not known: it neither ends nor goes to the stranger.
    let (asking, command) = (maker.clone(), RemoveKeyRequest { id: waits, nothing: nothing(world) });
    let refusal = world.refused(move |tx, now| remove_key_request(tx, &asking, &command, now));
    assert!(matches!(&refusal, Refusal::Conflict(why) if why.contains("its maker did not bring")), "{refusal}");
    assert_eq!((keys(), pending()), (1, vec![waits]));
    world.write(move |tx, now| inventory::remove(tx, &local(), made_up, now)).unwrap();
    remove(waits);
    assert_eq!(keys(), 0, "the key goes with the request that still waited");
    let made_up = bring(&eve, &issue(&pair, &["inside.example.com"], START - DAY, START + 60 * DAY));
    let export = ExportKey {
        certificate: made_up,
        format: "pem",
        encrypted: false,
        reason: "test".into(),
        scope: Scope::everywhere(START),
    };
    let refusal = world.refused(move |tx, now| custody::export(tx, &local(), &export, now).map(drop));
    assert!(matches!(&refusal, Refusal::Conflict(why) if why.contains("not in custody")), "{refusal}");

    // The same certificate, brought by whoever made the request after a stranger did.
    let pair = key();
    let waits = request(&pair);
    let genuine = issue(&pair, &["victim.example.com"], START - DAY, START + 60 * DAY);
    let certificate = bring(&eve, &genuine);
    assert_eq!(pending(), [waits]);
    assert_eq!(bring(&maker, &genuine), certificate);
    assert_eq!(pending(), []);
    assert_eq!(world.read(move |tx| key_request(tx, &local(), waits)).unwrap().certificate, Some(certificate));
    remove(waits);
    assert_eq!(keys(), 1, "a key that has its certificate stays");

    // A certificate that is removed leaves its request waiting again.
    let pair = key();
    let waits = request(&pair);
    let certificate = bring(&maker, &issue(&pair, &["again.example.com"], START - DAY, START + 60 * DAY));
    assert_eq!(pending(), []);
    world.write(move |tx, now| inventory::remove(tx, &local(), certificate, now)).unwrap();
    assert_eq!((pending(), keys()), (vec![waits], 2));
    remove(waits);
    assert_eq!(keys(), 1);
}

/// Whoever may destroy the keys of a collection need not see what is in it, and learns nothing about what is outside.
pub fn a_key_ends_for_whoever_sees_nothing(world: &World) {
    let inside = keyed(world, &key());
    let bare = world.certificate(&["bare.example.com"], None);
    let outside = world.certificate(&["outside.example.org"], None);
    let query = "SAN -contains \"example.com\"";
    let command = CollectionCommand { name: "Inside".into(), query: query.into(), ..CollectionCommand::default() };
    let collection = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
    let eve = world.somebody("eve", &[world.role("Destroyers", &[&format!("{}{collection}/", paths::PRIVATE_KEY_DELETE)])]);
    let scope = Scope::of(Some(collection), world.now());
    let destroy = |certificate: CertificateId| {
        let (eve, command) = (eve.clone(), DestroyKey { certificate, reason: "gone".into(), nothing: nothing(world) });
        world.write(move |tx, now| custody::destroy_key_in(tx, &eve, &command, scope, now))
    };
    for certificate in [outside, CertificateId(987_654)] {
        assert!(matches!(destroy(certificate), Err(Error::Refused(Refusal::Forbidden { .. }))), "{certificate}");
    }
    assert!(matches!(destroy(bare), Err(Error::Refused(Refusal::Conflict(_)))));
    destroy(inside).unwrap();
    assert_eq!(count(world, "SELECT count(*) FROM private_key"), 0);
}
