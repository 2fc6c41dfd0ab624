//! Certificates move into scopes and out of them: by what is put into stores, and by what is noted about them.

use certhold_domain::access::paths;
use certhold_domain::custody::{self, DestroyKey};
use certhold_domain::enrolment::{self, PatternCommand};
use certhold_domain::inventory::{self, Candidate, ImportBatch, Outcome};
use certhold_domain::metadata::{self, Change, Enrolment, FieldCommand, FieldType, Override, SetMetadata};
use certhold_domain::named::{self, Entry, Kind, NewEntry};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::stores::{
    self, AddCertificate, ContainerCommand, PasswordChange, Properties, RemoveCertificate, Roots, Schedule, StoreCommand,
    StoreJobState, StoreKind, StoreTarget,
};
use certhold_domain::{Actor, CertificateId, CollectionId, ContainerId, MetadataFieldId, StoreId, collections, query};
use certhold_store::Tx;

use super::enrolling::{create, pattern};
use super::issuing::{make, wanted};
use super::private_keys::{keyed, nothing, sealed};
use super::renewing::managed;
use super::scoping::{READ, local, missing, scope, with};
use super::storing::{begin, entry, inventoried, job};
use super::world::{DAY, START, World, issue, key};

fn container(world: &World, name: &str) -> ContainerId {
    let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
    world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
}

fn place(name: &str, container: Option<ContainerId>) -> StoreCommand {
    StoreCommand {
        name: name.into(),
        kind: StoreKind::PemDirectory,
        machine: format!("{name}.example.com"),
        path: format!("/srv/tls/{name}"),
        container,
        properties: Properties::default(),
        password: PasswordChange::Keep,
        create_if_missing: true,
        schedule: Schedule::Off,
    }
}

fn making(actor: &Actor, command: &StoreCommand) -> impl Fn(&mut Tx<'_>, i64) -> certhold_domain::Result<StoreId> + Send + use<> {
    let (actor, command) = (actor.clone(), command.clone());
    move |tx, now| stores::create(tx, &actor, &command, &Roots(vec!["/srv/tls/".into()]), now)
}

fn adding(store: StoreId, certificate: CertificateId) -> AddCertificate {
    AddCertificate { store, certificate, alias: "shop".into(), overwrite: true, with_key: false, collection: None, at: None }
}

pub fn what_stores_take_in_moves(world: &World) {
    let edge = container(world, "Edge");
    let store = world.write(making(&local(), &place("front", Some(edge)))).unwrap();
    let shop = world.certificate(&["shop.example.com"], None);
    let keeper = with(world, "keeper", &[paths::STORES_MODIFY, READ], &[]);
    let put = |actor: &Actor, store: StoreId| {
        let (actor, command) = (actor.clone(), adding(store, shop));
        move |tx: &mut Tx<'_>, now| stores::add(tx, &actor, &command, now)
    };
    let take = |actor: &Actor, store: StoreId| {
        let (actor, command) = (actor.clone(), RemoveCertificate { store, alias: "shop".into(), at: None });
        move |tx: &mut Tx<'_>, now| stores::remove_entry(tx, &actor, &command, now)
    };
    // While nobody has rights on it, a collection moves nothing.
    inventoried(world, store, Vec::new(), Vec::new());
    let asked = world.write(put(&keeper, store)).unwrap();
    let at_the_edge = scope(world, "at the edge", "CertStoreContainer -eq \"Edge\"");
    for refused in [world.refused(put(&keeper, store)), world.refused(take(&keeper, store))] {
        assert_eq!(missing(refused), [paths::COLLECTIONS_MODIFY]);
    }
    // What was asked for before is refused when it would be done, and may not be asked for again.
    assert!(begin(world, store).1.is_none(), "the only job failed");
    let failed = job(world, store, asked);
    assert_eq!(failed.state, StoreJobState::Failed);
    assert!(failed.error.is_some_and(|why| why.contains("at the edge")), "it says why");
    let again = keeper.clone();
    let refused = world.refused(move |tx, now| stores::retry(tx, &again, store, asked, now));
    assert_eq!(missing(refused), [paths::COLLECTIONS_MODIFY]);
    what_is_found_is_a_fact(world, store, at_the_edge);
    // The right to change collections is not enough without what roles hold on this one.
    let author = with(world, "author", &[paths::STORES_MODIFY, paths::COLLECTIONS_MODIFY], &[]);
    assert_eq!(missing(world.refused(take(&author, store))), [READ]);
    let chief = with(world, "chief", &[paths::STORES_MODIFY, paths::COLLECTIONS_MODIFY, READ], &[]);
    world.write(put(&chief, store)).unwrap();

    // A store that is made there takes in what is there already, and so does one whose path is another.
    let back = place("back", None);
    assert_eq!(missing(world.refused(making(&keeper, &place("side", Some(edge))))), [paths::COLLECTIONS_MODIFY]);
    let elsewhere = world.write(making(&keeper, &back)).unwrap();
    let other = StoreCommand { path: "/srv/tls/finance".into(), ..place("front", Some(edge)) };
    let actor = keeper.clone();
    let refused = world.refused(move |tx, now| stores::update(tx, &actor, store, &other, &Roots(vec!["/srv/tls/".into()]), now));
    assert_eq!(missing(refused), [paths::COLLECTIONS_MODIFY]);
    // Where no scope looks, nothing else is asked for.
    world.write(put(&keeper, elsewhere)).unwrap();
    world.write(take(&keeper, elsewhere)).unwrap();

    // A managed certificate that is deployed there goes in with each version.
    let lineage = managed(world, &["managed.example.com"]);
    let deployer = with(world, "deployer", &[paths::DEPLOYMENT_MODIFY, paths::STORES_MODIFY], &[]);
    let into = |store: StoreId| {
        let (actor, target) = (deployer.clone(), StoreTarget { store, alias: "managed".into(), include_key: false });
        let settings = DeploymentSettings { store: Some(target), ..DeploymentSettings::default() };
        move |tx: &mut Tx<'_>, now| deployment::create(tx, &actor, lineage, &format!("into {store}"), &settings, now)
    };
    assert_eq!(missing(world.refused(into(store))), [paths::COLLECTIONS_MODIFY]);
    world.write(into(elsewhere)).unwrap();
}

/// Inventories see what is there, whoever may what.
fn what_is_found_is_a_fact(world: &World, store: StoreId, scope: CollectionId) {
    let der = issue(&key(), &["found.example.com"], START - DAY, START + DAY);
    let found = *Candidate::of(&der).unwrap().sha256();
    inventoried(world, store, vec![entry("found", &[&der], false)], Vec::new());
    let inside = collections::Scope::of(Some(scope), world.now());
    let page = world
        .read(move |tx| inventory::list_in(tx, &local(), &inventory::Filter { limit: 10, ..Default::default() }, inside))
        .unwrap();
    assert_eq!(page.certificates.iter().map(|one| one.sha256).collect::<Vec<_>>(), [found]);
}

/// A field of texts, with this value for new certificates.
fn dept(default: &str) -> FieldCommand {
    FieldCommand { default: default.into(), ..FieldCommand::new("Dept", FieldType::String) }
}

pub fn values_of_fields_that_scopes_look_at(world: &World) {
    let field = world.write(move |tx, now| metadata::create(tx, &local(), &dept(""), now)).unwrap();
    let certificate = world.certificate(&["shop.example.com"], None);
    let paid = scope(world, "paid", "Dept -eq pay");
    let note = [paths::CERTIFICATES_METADATA_MODIFY, paths::METADATA_TYPES_MODIFY, paths::PATTERNS_MODIFY];
    let noter = with(world, "noter", &note, &[]);
    let author = with(world, "author", &[note[0], note[1], note[2], paths::COLLECTIONS_MODIFY], &[]);
    let chief = with(world, "chief", &[note[0], note[1], note[2], paths::COLLECTIONS_MODIFY, READ], &[]);

    let set = |actor: &Actor| {
        let command = SetMetadata { certificate, collection: None, changes: vec![Change::new("Dept", "pay")] };
        let actor = actor.clone();
        move |tx: &mut Tx<'_>, now| metadata::set(tx, &actor, &command, now)
    };
    // What new certificates get by themselves is chosen for those of others.
    let default = |actor: &Actor, command: FieldCommand| {
        let actor = actor.clone();
        move |tx: &mut Tx<'_>, now| metadata::update(tx, &actor, field, &command, now)
    };
    for (actor, needed) in [(&noter, paths::COLLECTIONS_MODIFY), (&author, READ)] {
        assert_eq!(missing(world.refused(set(actor))), [needed]);
        assert_eq!(missing(world.refused(default(actor, dept("pay")))), [needed]);
    }
    world.write(default(&noter, FieldCommand { hint: "as in the directory".into(), ..dept("") })).unwrap();
    assert!(world.write(set(&chief)).unwrap());
    world.write(default(&chief, dept("pay"))).unwrap();
    assert_eq!(missing(world.refused(default(&noter, dept("")))), [paths::COLLECTIONS_MODIFY]);

    // Whoever brings a certificate decides what is said of it, and takes nothing from anybody.
    let importer = with(world, "importer", &[paths::CERTIFICATES_IMPORT], &[]);
    let brought: Vec<CertificateId> = ["", "pay", "other"].into_iter().map(|dept| bring(world, &importer, dept)).collect();
    let inside = collections::Scope::of(Some(paid), world.now());
    let page = world
        .read(move |tx| inventory::list_in(tx, &local(), &inventory::Filter { limit: 10, ..Default::default() }, inside))
        .unwrap();
    let ids: Vec<CertificateId> = page.certificates.iter().map(|one| one.id).collect();
    assert_eq!(ids, [certificate, brought[0], brought[1]]);
    defaults_of_patterns(world, field, &noter, &chief);
}

fn bring(world: &World, importer: &Actor, dept: &str) -> CertificateId {
    let der = issue(&key(), &["new.example.com"], START - DAY, START + DAY);
    let changes = [Change::new("Dept", dept)].into_iter().filter(|change| !change.value.is_empty());
    let batch = ImportBatch {
        certificates: vec![Candidate::of(&der).unwrap()],
        keys: Vec::new(),
        owner: None,
        source: "upload".into(),
        metadata: changes.collect(),
    };
    let actor = importer.clone();
    let items = world.write(move |tx, now| inventory::import(tx, &actor, &batch, now)).unwrap();
    let Outcome::Imported(id) = items[0].outcome else { panic!("it is new") };
    id
}

/// A pattern's own default is noted about the certificates of everybody who uses it.
fn defaults_of_patterns(world: &World, field: MetadataFieldId, noter: &Actor, chief: &Actor) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let with_default = |name: &str, default: &str| PatternCommand {
        fields: vec![Override {
            field,
            enrolment: Enrolment::Optional,
            default: default.into(),
            validation: String::new(),
            message: String::new(),
        }],
        ..pattern(name, root, &[])
    };
    let creating = |actor: &Actor, command: PatternCommand| {
        let actor = actor.clone();
        move |tx: &mut Tx<'_>, now| enrolment::create(tx, &actor, &command, false, now)
    };
    assert_eq!(missing(world.refused(creating(noter, with_default("Mine", "pay")))), [paths::COLLECTIONS_MODIFY]);
    world.write(creating(noter, with_default("Mine", ""))).unwrap();
    world.write(creating(chief, with_default("Theirs", "pay"))).unwrap();
    let known = create(world, with_default("Ours", "pay"));
    let changing = |command: PatternCommand| {
        let actor = noter.clone();
        move |tx: &mut Tx<'_>, now| enrolment::update(tx, &actor, known, &command, false, now)
    };
    world.write(changing(PatternCommand { description: "as before".into(), ..with_default("Ours", "pay") })).unwrap();
    for other in [with_default("Ours", "fun"), with_default("Ours", ""), pattern("Ours", root, &[])] {
        assert_eq!(missing(world.refused(changing(other))), [paths::COLLECTIONS_MODIFY]);
    }
}

/// A key moves the certificates that are held already, by whatever way it comes; of a new certificate nobody is asked.
pub fn keys_of_held_certificates_that_scopes_look_at(world: &World) {
    let pairs: [rcgen::KeyPair; 4] = std::array::from_fn(|_| key());
    let ders: Vec<Vec<u8>> = pairs
        .iter()
        .enumerate()
        .map(|(number, pair)| issue(pair, &[format!("held{number}.example.com").as_str()], START - DAY, START + 60 * DAY))
        .collect();
    world.import(&ders, None).unwrap();
    let alone = |actor: &Actor, pair: &rcgen::KeyPair| {
        let (actor, keys) = (actor.clone(), vec![sealed(world, pair)]);
        move |tx: &mut Tx<'_>, now| inventory::import_keys(tx, &actor, &keys, now)
    };
    let beside = |actor: &Actor, der: &[u8], pair: &rcgen::KeyPair| {
        let (certificates, keys) = (vec![Candidate::of(der).unwrap()], vec![sealed(world, pair)]);
        let batch = ImportBatch { certificates, keys, owner: None, source: "story".into(), metadata: Vec::new() };
        let actor = actor.clone();
        move |tx: &mut Tx<'_>, now| inventory::import(tx, &actor, &batch, now)
    };
    let named = |actor: &Actor, name: &str, der: &[u8], pair: &rcgen::KeyPair| {
        let entry = Entry::of(der, &[], Some(sealed(world, pair))).unwrap();
        let handle = named::handle(&world.entropy);
        let new = NewEntry { handle, kind: Kind::Identity, name: name.into(), entry, source: "story" };
        let actor = actor.clone();
        move |tx: &mut Tx<'_>, now| named::import(tx, &actor, &new, now)
    };
    let bring = [paths::CERTIFICATES_IMPORT, paths::PRIVATE_KEY_IMPORT, paths::NAMED_MODIFY];
    let keeper = with(world, "keeper", &bring, &[]);
    let author = with(world, "author", &[&bring[..], &[paths::COLLECTIONS_MODIFY]].concat(), &[]);
    let chief = with(world, "chief", &[&bring[..], &[paths::COLLECTIONS_MODIFY, READ]].concat(), &[]);
    // While nobody has rights on it, a collection moves nothing; another field is none of a key's business.
    scope(world, "held", "SAN -contains \"held\"");
    assert!(world.write(alone(&keeper, &pairs[0])).unwrap()[0].as_ref().unwrap().taken);
    let inside = scope(world, "keys", "HasPrivateKey -eq true");
    let refusals = |actor: &Actor| {
        [
            world.refused(alone(actor, &pairs[1])),
            world.refused(beside(actor, &ders[2], &pairs[2])),
            world.refused(named(actor, "gateway", &ders[3], &pairs[3])),
        ]
    };
    for refused in refusals(&keeper) {
        assert!(refused.to_string().contains("keys"), "it names the collection: {refused}");
        assert_eq!(missing(refused), [paths::COLLECTIONS_MODIFY]);
    }
    for refused in refusals(&author) {
        assert_eq!(missing(refused), [READ]);
    }
    // Another certificate for the key of one that is held moves that one, too.
    let twin = issue(&pairs[1], &["twin.example.com"], START - DAY, START + DAY);
    assert_eq!(missing(world.refused(beside(&keeper, &twin, &pairs[1]))), [paths::COLLECTIONS_MODIFY]);
    // What is in custody already moves nothing, and a new certificate brings its key.
    assert!(!world.write(alone(&keeper, &pairs[0])).unwrap()[0].as_ref().unwrap().taken);
    let (fresh, identity) = (key(), key());
    let new = |pair: &rcgen::KeyPair, name: &str| issue(pair, &[name], START - DAY, START + DAY);
    assert!(world.write(beside(&keeper, &new(&fresh, "fresh.example.com"), &fresh)).unwrap()[0].key_taken);
    world.write(named(&keeper, "fresh", &new(&identity, "identity.example.com"), &identity)).unwrap();
    assert!(world.write(alone(&keeper, &key())).unwrap()[0].is_none(), "a key without a certificate is not taken");

    world.write(alone(&chief, &pairs[1])).unwrap();
    assert!(world.write(beside(&chief, &ders[2], &pairs[2])).unwrap()[0].key_taken);
    world.write(named(&chief, "gateway", &ders[3], &pairs[3])).unwrap();
    let asked = inventory::Filter { limit: 10, ..inventory::Filter::default() };
    let within = collections::Scope::of(Some(inside), world.now());
    let page = world.read(move |tx| inventory::list_in(tx, &local(), &asked, within)).unwrap();
    assert_eq!(page.certificates.len(), 6, "all that has a key now");

    // And back: destroying one asks the same.
    let certificate = keyed(world, &fresh);
    let destroy = |rights: &[&str]| {
        let command = DestroyKey { certificate, reason: "gone".into(), nothing: nothing(world) };
        let actor = with(world, &format!("destroyer with {}", rights.len()), rights, &[]);
        move |tx: &mut Tx<'_>, now| custody::destroy_key(tx, &actor, &command, now)
    };
    assert_eq!(missing(world.refused(destroy(&[READ, paths::PRIVATE_KEY_DELETE]))), [paths::COLLECTIONS_MODIFY]);
    world.write(destroy(&[READ, paths::PRIVATE_KEY_DELETE, paths::COLLECTIONS_MODIFY])).unwrap();
}

pub fn names_of_stores_are_offered_to_whoever_may_read_them(world: &World) {
    let (edge, core) = (container(world, "Edge"), container(world, "Edgeless"));
    for (name, container) in [("front", Some(edge)), ("frozen", Some(core)), ("free", None)] {
        world.write(making(&local(), &place(name, container))).unwrap();
    }
    let everywhere = with(world, "everywhere", &[paths::STORES_READ], &[]);
    let at_the_edge = with(world, "edgar", &[&format!("{}{edge}/", paths::STORES_SCHEDULE)], &[]);
    // Whoever sees certificates sees neither stores nor what is named below.
    let reader = with(world, "reader", &[READ], &[]);
    make(world, wanted("Edge Root", None)).unwrap();
    managed(world, &["edge.example.com"]);
    let issuers = with(world, "issuers", &[paths::ISSUERS_READ, paths::RENEWAL_READ], &[]);
    for (text, actor, expected) in [
        ("CertStoreContainer -eq e", &everywhere, &["\"Edge\"", "\"Edgeless\""][..]),
        ("StoreContainer -in (\"Core\", less", &everywhere, &["\"Edgeless\""]),
        ("CertStoreContainer -eq e", &at_the_edge, &["\"Edge\""]),
        ("CertStoreContainer -eq e", &reader, &[]),
        ("CertStoreFQDN -eq fr", &everywhere, &["\"free.example.com\"", "\"front.example.com\"", "\"frozen.example.com\""]),
        ("CertStoreFQDN -eq fr", &at_the_edge, &["\"front.example.com\""]),
        ("CertStoreFQDN -eq fr", &reader, &[]),
        ("CertStorePath -contains \"fro", &everywhere, &["\"/srv/tls/front\"", "\"/srv/tls/frozen\""]),
        ("CertStorePath -contains \"fro", &at_the_edge, &["\"/srv/tls/front\""]),
        ("CertStorePath -contains \"fro", &reader, &[]),
        ("CA -eq ed", &issuers, &["\"Edge Root\""]),
        ("CA -eq ed", &reader, &[]),
        ("ManagedName -eq ed", &issuers, &["\"edge.example.com\""]),
        ("ManagedName -eq ed", &reader, &[]),
    ] {
        let actor = actor.clone();
        let who = actor.name.clone();
        let found = world.read(move |tx| query::completions(tx, &actor, text, usize::MAX)).unwrap();
        let offered: Vec<String> = found.items.into_iter().map(|item| item.text).filter(|text| text != "NULL").collect();
        assert_eq!(offered, expected, "{text} for {who}");
    }
}
