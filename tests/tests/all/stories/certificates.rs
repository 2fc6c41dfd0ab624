//! The inventory and its owners.

use certhold_domain::access::paths;
use certhold_domain::custody::{SealedKey, SecretKind};
use certhold_domain::inventory::{self, Candidate, Column, Direction, Expiry, Filter, ImportBatch, Outcome, OwnerFilter, Sort};
use certhold_domain::ownership::{self, ChangeOwner, NewOwner, OwnerChange, Scope};
use certhold_domain::{Actor, CertificateId, Refusal, RoleId, bulk, events, hex, overview};

use super::world::{DAY, START, World, issue, key};

fn local() -> Actor {
    Actor::local("story")
}

fn list(world: &World, filter: Filter) -> inventory::Page {
    world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap()
}

fn found(world: &World, text: &str) -> Vec<i64> {
    let page = list(world, Filter { text: text.into(), limit: 100, ..Filter::default() });
    page.certificates.iter().map(|certificate| certificate.id.0).collect()
}

pub fn importing_twice_changes_nothing(world: &World) {
    let pair = key();
    let der = issue(&pair, &["www.example.com", "example.com"], START, START + 90 * DAY);
    let first = world.import(std::slice::from_ref(&der), None).unwrap();
    let Outcome::Imported(id) = first[0].outcome else { panic!("not imported") };
    let events = world.events();
    let again = world.import(&[der.clone(), der.clone()], None).unwrap();
    assert!(again.iter().all(|item| item.outcome == Outcome::AlreadyHeld(id)));
    assert_eq!(world.events(), events);
    assert_eq!(list(world, Filter { count: true, limit: 10, ..Filter::default() }).total, Some(1));

    // Its key comes into custody once, with an event of its own.
    let private = certhold_pki::PrivateKey::of(&pair.serialize_der()).unwrap();
    let keys = vec![SealedKey::seal(&world.custody, &world.entropy, &private).unwrap()];
    let certificates = vec![Candidate::of(&der).unwrap()];
    let batch = ImportBatch { certificates, keys, owner: None, source: "story".into(), metadata: Vec::new() };
    let importers = world.role("Importers", &[paths::CERTIFICATES_IMPORT]);
    let importer = world.somebody("importer", &[importers]);
    let (refused, batch_again) = (batch.clone(), batch.clone());
    let refusal = world.refused(move |tx, now| inventory::import(tx, &importer, &refused, now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "keys need their own right: {refusal}");
    let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
    assert!(items[0].key_taken);
    let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch_again, now)).unwrap();
    assert!(!items[0].key_taken);

    // A key that comes alone finds the certificate that is held already; one that fits none is not taken.
    let (alone, stray) = (key(), key());
    let owner_of_key = issue(&alone, &["alone.example.com"], START, START + 90 * DAY);
    world.import(std::slice::from_ref(&owner_of_key), None).unwrap();
    let keys: Vec<SealedKey> = [&alone, &stray]
        .into_iter()
        .map(|pair| certhold_pki::PrivateKey::of(&pair.serialize_der()).unwrap())
        .map(|key| SealedKey::seal(&world.custody, &world.entropy, &key).unwrap())
        .collect();
    let found = world.write(move |tx, now| inventory::import_keys(tx, &local(), &keys, now)).unwrap();
    assert!(found[0].is_some() && found[1].is_none());

    let held = world.read(move |tx| inventory::get(tx, &local(), id)).unwrap();
    assert_eq!(held.der, der);
    assert!(held.summary.has_key);
    assert_eq!(held.summary.title(), "www.example.com");
    assert_eq!(held.facts().unwrap().sha256, held.summary.sha256);
    let history = world.read(move |tx| events::history(tx, &local(), id, None, 10)).unwrap();
    let operations: Vec<&str> = history.events.iter().map(|event| event.operation.as_str()).collect();
    assert_eq!(operations, ["private_key.imported", "certificate.imported"]);
}

/// A certificate without a subject.
fn unnamed(key: &rcgen::KeyPair, name: &str, not_before: i64, not_after: i64) -> Vec<u8> {
    let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    let at = |ms: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)).into();
    (parameters.not_before, parameters.not_after) = (at(not_before), at(not_after));
    parameters.self_signed(key).unwrap().der().to_vec()
}

pub fn lists_filter_and_page(world: &World) {
    let web = world.role("Web", &[]);
    let pair = key();
    // Every tenth day one expires; every third belongs to Web; two share a day.
    for number in 0..30i64 {
        let name = format!("host{number}.example.com");
        let until = START + (number / 2 - 5) * 10 * DAY;
        // Some have no common name, which sorts before or after all others.
        let der = match number % 4 {
            1 => unnamed(&pair, &name, START - 400 * DAY, until),
            _ => issue(&pair, &[name.as_str()], START - 400 * DAY, until),
        };
        world.import(&[der], (number % 3 == 0).then_some(web)).unwrap();
    }
    for sort in Sort::NAMES.iter().map(|(_, sort)| *sort) {
        let all = list(world, Filter { sort, limit: 100, ..Filter::default() }).certificates;
        let mut paged = Vec::new();
        let mut after = None;
        loop {
            let page = list(world, Filter { sort, limit: 7, after: after.take(), count: true, ..Filter::default() });
            assert_eq!(page.total, Some(30));
            assert!(page.certificates.len() <= 7);
            paged.extend(page.certificates);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(paged, all, "{sort:?}");
        assert_eq!(all.len(), 30);
        let key = |c: &inventory::Summary| match sort {
            Sort::Id => (0, c.id.0),
            Sort::Newest => (0, -c.id.0),
            Sort::Expiry => (c.not_after, c.id.0),
            Sort::ExpiryLast => (-c.not_after, -c.id.0),
            Sort::By(Column::NotBefore, Direction::Ascending) => (c.not_before, c.id.0),
            Sort::By(Column::NotBefore, Direction::Descending) => (-c.not_before, -c.id.0),
            Sort::By(Column::HeldSince, Direction::Ascending) => (c.held_since, c.id.0),
            Sort::By(Column::HeldSince, Direction::Descending) => (-c.held_since, -c.id.0),
            Sort::By(Column::CommonName | Column::Issuer, direction) => {
                let text = |c: &inventory::Summary| match sort {
                    Sort::By(Column::Issuer, _) => Some(c.issuer.to_lowercase()),
                    _ => c.common_name.as_ref().map(|name| name.to_lowercase()),
                };
                let ranked: Vec<_> = all.iter().map(|c| (text(c), c.id.0)).collect();
                let turned: Vec<_> = ranked.iter().rev().cloned().collect();
                assert!(if direction == Direction::Ascending { ranked.is_sorted() } else { turned.is_sorted() }, "{ranked:?}");
                (0, 0)
            }
        };
        assert!(all.is_sorted_by_key(key), "{sort:?}");
    }
    let total = |filter: Filter| list(world, Filter { count: true, limit: 1, ..filter }).total.unwrap();
    assert_eq!(total(Filter { owner: Some(OwnerFilter::Role(web)), ..Filter::default() }), 10);
    assert_eq!(total(Filter { owner: Some(OwnerFilter::Nobody), ..Filter::default() }), 20);
    assert_eq!(total(Filter { managed: Some(true), ..Filter::default() }), 0);
    assert_eq!(total(Filter { managed: Some(false), is_ca: Some(false), ..Filter::default() }), 30);
    let soon = Expiry { from: Some(START), before: Some(START + 30 * DAY) };
    assert_eq!(total(Filter { expiry: soon, ..Filter::default() }), 6);

    let overview = world.read(|tx| overview::overview(tx, &local(), START)).unwrap();
    assert_eq!((overview.certificates, overview.expired, overview.without_owner), (30, 10, 20));
    assert_eq!(overview.expiry.iter().map(|bucket| bucket.unmanaged + bucket.managed).sum::<i64>(), 30);

    for cursor in ["", "x", "1~2~3", "1e9", "'; DROP TABLE certificate; --"] {
        let filter = Filter { sort: Sort::Expiry, after: Some(cursor.into()), limit: 1, ..Filter::default() };
        let refusal = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap_err();
        assert!(refusal.refusal().is_some(), "{cursor:?}: {refusal}");
    }
}

pub fn lists_go_on_where_their_last_row_was(world: &World) {
    let pair = key();
    for number in 0..30i64 {
        // Pairs share a name and a day, with a capital in one of them; some have no name.
        let name = format!("{}ost{}.example.com", if number % 2 == 0 { 'H' } else { 'h' }, number / 2);
        let (from, until) = (START - (400 + number / 2) * DAY, START + (number / 2) * DAY);
        let der = if number % 5 == 1 { unnamed(&pair, &name, from, until) } else { issue(&pair, &[name.as_str()], from, until) };
        world.import(&[der], None).unwrap();
    }
    for (round, (name, sort)) in Sort::NAMES.iter().enumerate() {
        let page = |after: Option<String>| list(world, Filter { sort: *sort, limit: 9, after, ..Filter::default() });
        let all = list(world, Filter { sort: *sort, limit: 100, ..Filter::default() }).certificates;
        let (mut paged, mut after) = (Vec::new(), None);
        for number in 0.. {
            let found = page(after.take());
            // In the middle, and where those without a name end or begin.
            if let Some(last) = found.certificates.last().filter(|_| found.next.is_some() && number == round % 3) {
                let id = last.id;
                world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
            }
            paged.extend(found.certificates);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, all, "{name}: nothing is left out, and nothing comes twice");
    }
    assert!(list(world, Filter { count: true, limit: 1, ..Filter::default() }).total < Some(25), "some were removed");

    // A cursor belongs to its order, and to nothing else.
    let cursors: Vec<(&str, String)> = Sort::NAMES
        .iter()
        .map(|(name, sort)| (*name, list(world, Filter { sort: *sort, limit: 1, ..Filter::default() }).next.unwrap()))
        .collect();
    let refused = |sort: Sort, cursor: &str| {
        let filter = Filter { sort, after: Some(cursor.into()), limit: 1, ..Filter::default() };
        let refusal = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap_err();
        assert!(matches!(refusal.refusal(), Some(Refusal::Invalid { field, .. }) if *field == "after"), "{cursor:?}: {refusal}");
    };
    for (name, sort) in Sort::NAMES.iter().filter(|(_, sort)| matches!(sort, Sort::By(..))) {
        for (_, foreign) in cursors.iter().filter(|(other, _)| other != name) {
            refused(*sort, foreign);
        }
        let long = "YWFh".repeat(201);
        for value in ["", "x", "!!", "AA", "_w", "Zm9v=", "*~*", "' OR 1=1", long.as_str()] {
            let is_text = matches!(sort, Sort::By(Column::CommonName | Column::Issuer, _));
            if !(is_text && value.is_empty()) {
                refused(*sort, &format!("{name}~{value}~1"));
            }
            refused(*sort, &format!("{name}~{value}"));
        }
        refused(*sort, &format!("{name}~-~x"));
    }
    for sort in Sort::NAMES.iter().map(|(_, sort)| *sort) {
        refused(sort, "");
        refused(sort, "x~y~z");
    }
}

pub fn a_name_without_end_is_no_cursor(world: &World) {
    let pair = key();
    for number in [3, 1, 2] {
        let mut parameters = rcgen::CertificateParams::new(vec![format!("long{number}.example.com")]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("{}{number}", "long ".repeat(200)));
        world.import(&[parameters.self_signed(&pair).unwrap().der().to_vec()], None).unwrap();
    }
    let sort = Sort::By(Column::CommonName, Direction::Ascending);
    let filter = |after: Option<String>| Filter { sort, limit: 1, after, ..Filter::default() };
    let first = list(world, filter(None));
    let next = first.next.unwrap();
    assert!(next.len() < 100, "{next}");
    let second = list(world, filter(Some(next.clone())));
    assert!(first.certificates[0].subject.contains("long 1") && second.certificates[0].subject.contains("long 2"));
    // Only such a one has to be there still; the refusal says so.
    let id = first.certificates[0].id;
    world.write(move |tx, now| inventory::remove(tx, &local(), id, now)).unwrap();
    let filter = filter(Some(next));
    let refusal = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap_err();
    assert!(refusal.to_string().contains("too long to go on without it"), "{refusal}");
}

pub fn searches_find_names_serials_and_fingerprints(world: &World) {
    let apex = world.certificate(&["example.com"], None).0;
    let www = world.certificate(&["www.example.com", "static.example.net"], None).0;
    let deep = world.certificate(&["a.b.example.com"], None).0;
    let other = world.certificate(&["notexample.com"], None).0;

    assert_eq!(found(world, "example"), [apex, www, deep, other]);
    assert_eq!(found(world, "EXAMPLE.NET"), [www]);
    assert_eq!(found(world, "*.example.com"), [www, deep], "under the domain, not the domain, not its neighbour");
    assert_eq!(found(world, "static www"), [www], "all words");
    assert_eq!(found(world, "static nowhere"), [0; 0]);
    let held = world.read(move |tx| inventory::summary(tx, &local(), CertificateId(deep))).unwrap();
    let colons =
        hex(&held.sha256).as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect::<Vec<_>>();
    assert_eq!(found(world, &hex(&held.sha256)), [deep]);
    assert_eq!(found(world, &colons.join(":")), [deep]);
    assert_eq!(found(world, &held.serial), [deep]);
    for wild in ["%", "_", "a_b", "\\", "\0", "*.", "' OR '1'='1"] {
        assert!(found(world, wild).len() <= 4, "{wild:?}");
    }
    assert_eq!(found(world, "a%b"), [0; 0], "a percent sign is itself");
    let endless = Filter { text: "x".repeat(501), limit: 1, ..Filter::default() };
    assert!(world.read(move |tx| inventory::list(tx, &local(), &endless)).is_err());
}

pub fn hostile_names_are_held_and_found(world: &World) {
    let hostile = [
        "<script>alert(1)</script>",
        "'; DROP TABLE certificate; --",
        "$(reboot)",
        "../../etc/passwd",
        "\u{202E}moc.elgoog",
        "nul\0l",
    ];
    let pair = key();
    for (number, name) in hostile.iter().enumerate() {
        let mut parameters = rcgen::CertificateParams::new(vec![format!("h{number}.example.com")]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, *name);
        let der = parameters.self_signed(&pair).unwrap().der().to_vec();
        let Outcome::Imported(id) = world.import(&[der], None).unwrap()[0].outcome else { panic!("{name:?} was not imported") };
        assert_eq!(found(world, &format!("h{number}.example.com")), [id.0]);
    }
    assert_eq!(found(world, "<script>alert(1)</script>").len(), 1);
    assert_eq!(found(world, "drop table").len(), 1);
    assert!(world.intact().intact());
}

pub fn owners_change_between_roles_one_holds(world: &World) {
    let change = [paths::CERTIFICATES_CHANGE_OWNER];
    let (web, mail) = (world.role("Web", &change), world.role("Mail", &[]));
    let both = world.somebody("both", &[web, mail]);
    let only_web = world.somebody("only web", &[web]);
    let only_mail = world.somebody("only mail", &[mail]);
    let certificate = world.certificate(&["example.com"], None);
    let to = |actor: &Actor, role: Option<RoleId>| {
        let (actor, command) = (actor.clone(), ChangeOwner { certificate, scope: Scope::default(), to: role });
        move |tx: &mut certhold_store::Tx<'_>, now| ownership::change(tx, &actor, &command, now)
    };

    assert_eq!(world.write(to(&only_web, Some(web))).unwrap(), OwnerChange::Changed);
    let events = world.events();
    assert_eq!(world.write(to(&only_web, Some(web))).unwrap(), OwnerChange::Unchanged);
    assert_eq!(world.events(), events, "no event where nothing changed");
    assert!(matches!(world.refused(to(&only_web, Some(mail))), Refusal::Forbidden { .. }), "a role one does not hold");
    assert!(matches!(world.refused(to(&only_mail, Some(mail))), Refusal::Forbidden { .. }), "without the right");
    assert_eq!(world.write(to(&both, Some(mail))).unwrap(), OwnerChange::Changed);
    assert!(matches!(world.refused(to(&only_web, None)), Refusal::Forbidden { .. }), "taking from a role one does not hold");
    assert!(matches!(world.refused(to(&local(), Some(RoleId(9_999)))), Refusal::NotFound { .. }));
    assert_eq!(world.write(to(&both, None)).unwrap(), OwnerChange::Changed);
    assert_eq!(world.write(to(&local(), Some(web))).unwrap(), OwnerChange::Changed);

    let history = world.read(move |tx| events::history(tx, &local(), certificate, None, 10)).unwrap().events;
    let owners: Vec<_> =
        history.iter().map(|event| (event.actor_name.as_str(), event.payload["after"]["owner_name"].as_str())).collect();
    assert_eq!(owners[..4], [("story", Some("Web")), ("both", None), ("both", Some("Mail")), ("only web", Some("Web"))]);
    assert_eq!(history[0].payload["as_administrator"], true);
    assert_eq!(history[3].address, "192.0.2.7");

    let missing = ChangeOwner { certificate: CertificateId(9_999), scope: Scope::default(), to: None };
    let actor = both.clone();
    assert!(matches!(world.refused(move |tx, now| ownership::change(tx, &actor, &missing, now)), Refusal::NotFound { .. }));
    assert!(
        matches!(world.refused(move |tx, now| ownership::change(tx, &only_mail, &missing, now)), Refusal::Forbidden { .. }),
        "whoever lacks the right does not learn whether it exists"
    );
}

/// Whoever may not read security is told the same of a role that they do not hold and of one that there is not.
pub fn roles_are_not_told_by_their_numbers(world: &World) {
    let (mine, theirs) = (world.role("Mine", &[]), world.role("Falcon", &[]));
    let certificate = world.certificate(&["example.com"], Some(mine));
    let rights = [paths::CERTIFICATES_READ, paths::CERTIFICATES_CHANGE_OWNER, paths::CERTIFICATES_IMPORT];
    let keeper = world.somebody("keeper", &[world.role("Keepers", &rights), mine]);
    let auditor = world.role("Auditors", &[&rights[..], &[paths::SECURITY_READ]].concat());
    let auditor = world.somebody("auditor", &[auditor, mine]);
    let refusals = |actor: &Actor, role: RoleId| {
        let (by, command) = (actor.clone(), ChangeOwner { certificate, scope: Scope::default(), to: Some(role) });
        let one = world.refused(move |tx, now| ownership::change(tx, &by, &command, now));
        let (by, to) = (actor.clone(), NewOwner::Role(role));
        let many = world.refused(move |tx, now| ownership::foresee(tx, &by, &[certificate], Scope::default(), &to, now));
        let selection = bulk::Selection::Certificates(vec![certificate]);
        let (by, edit) =
            (actor.clone(), bulk::Command { selection, edit: bulk::Edit::Owner { to: Some(role) }, confirmed: None });
        let edit = world.refused(move |tx, now| bulk::start(tx, &by, &edit, now));
        let der = issue(&key(), &["new.example.com"], START, START + DAY);
        let by = actor.clone();
        let import = world.refused(move |tx, now| {
            let certificates = vec![Candidate::of(&der).unwrap()];
            let batch =
                ImportBatch { certificates, keys: Vec::new(), owner: Some(role), source: "story".into(), metadata: Vec::new() };
            inventory::import(tx, &by, &batch, now)
        });
        [one, many, edit, import]
    };
    let missing = RoleId(9_999);
    for (known, unknown) in refusals(&keeper, theirs).into_iter().zip(refusals(&keeper, missing)) {
        assert!(matches!(known, Refusal::Forbidden { .. }), "{known}");
        assert_eq!(known.to_string(), unknown.to_string());
        assert!(!known.to_string().contains("Falcon"), "{known}");
    }
    for (known, unknown) in refusals(&auditor, theirs).into_iter().zip(refusals(&auditor, missing)) {
        assert!(known.to_string().contains("Falcon"), "{known}");
        assert!(matches!(unknown, Refusal::NotFound { .. }), "{unknown}");
    }
    let handing = |actor: &Actor| {
        let (actor, command) = (actor.clone(), ChangeOwner { certificate, scope: Scope::default(), to: None });
        world.write(move |tx, now| ownership::change(tx, &actor, &command, now)).unwrap()
    };
    assert_eq!(handing(&keeper), OwnerChange::Changed, "what is theirs they give away");
}

pub fn what_is_in_use_is_not_removed(world: &World) {
    let certificate = world.certificate(&["example.com", "www.example.com"], None);
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::CERTIFICATES_READ])]);
    world.refused(move |tx, now| inventory::remove(tx, &reader, certificate, now));
    world.write(move |tx, now| inventory::remove(tx, &local(), certificate, now)).unwrap();
    assert!(matches!(world.refused(move |tx, now| inventory::remove(tx, &local(), certificate, now)), Refusal::NotFound { .. }));
    assert_eq!(found(world, "*.example.com"), [0; 0]);
    assert_eq!(list(world, Filter { count: true, limit: 1, ..Filter::default() }).total, Some(0));
    let again = world.certificate(&["example.com"], None);
    assert!(again > certificate, "an id is never used twice");
    assert!(world.intact().intact());
}

pub fn excluded_certificates_are_not_imported_again(world: &World) {
    let der = issue(&key(), &["old.example.com"], START, START + DAY);
    let twin = issue(&key(), &["new.example.com"], START, START + DAY);
    world.import(std::slice::from_ref(&der), None).unwrap();
    let excluder = world.somebody("excluder", &[world.role("Excluders", &[paths::CERTIFICATES_EXCLUDE])]);
    let remover = world.somebody("remover", &[world.role("Removers", &[paths::CERTIFICATES_DELETE])]);
    let nothing = || world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
    let (id, scope) = (CertificateId(1), certhold_domain::collections::Scope::everywhere(world.now()));
    let (by, sealed) = (remover.clone(), nothing());
    let refused = world.refused(move |tx, now| inventory::exclude(tx, &by, id, scope, &sealed, now));
    assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
    let (by, sealed) = (excluder.clone(), nothing());
    world.write(move |tx, now| inventory::exclude(tx, &by, id, scope, &sealed, now)).unwrap();
    let (by, sealed) = (excluder.clone(), nothing());
    assert!(matches!(
        world.refused(move |tx, now| inventory::exclude(tx, &by, id, scope, &sealed, now)),
        Refusal::NotFound { .. }
    ));

    // One that is kept out leaves the others of its batch in their places.
    let items = world.import(&[der.clone(), twin.clone(), der.clone()], None).unwrap();
    assert_eq!(items[0].outcome, Outcome::Excluded);
    assert!(matches!(items[1].outcome, Outcome::Imported(_)) && items[2].outcome == Outcome::Excluded, "{items:?}");
    let ask = |query: &'static str| {
        let page = world.read(move |tx| {
            let condition = inventory::question(tx, &Actor::local("story"), query, scope)?;
            inventory::list(tx, &Actor::local("story"), &Filter { condition, limit: 10, ..Filter::default() })
        });
        page.unwrap().certificates.len()
    };
    assert_eq!((ask("IsExcluded -eq true"), ask("IsExcluded -eq false")), (0, 1));

    // A store in which it is found brings it back, and an import then finds it held.
    let store = super::storing::store(world, "web", None);
    super::storing::inventoried(world, store, vec![super::storing::entry("x", &[&der], false)], Vec::new());
    assert_eq!((ask("IsExcluded -eq true"), ask("IsExcluded -ne true")), (1, 1));
    assert!(matches!(world.import(std::slice::from_ref(&der), None).unwrap()[0].outcome, Outcome::AlreadyHeld(_)));

    let by = remover.clone();
    world.refused(move |tx, _| inventory::exclusions(tx, &by).map(drop));
    let by = excluder.clone();
    let listed = world.read(move |tx| inventory::exclusions(tx, &by)).unwrap();
    assert_eq!(listed.iter().map(|one| one.title.as_str()).collect::<Vec<_>>(), ["old.example.com"]);
    let number = listed[0].id;
    world.refused(move |tx, now| inventory::readmit(tx, &remover, number, now));
    world.write(move |tx, now| inventory::readmit(tx, &excluder, number, now)).unwrap();
    assert!(matches!(
        world.refused(move |tx, now| inventory::readmit(tx, &Actor::local("story"), number, now)),
        Refusal::NotFound { .. }
    ));
    assert_eq!(ask("IsExcluded -eq true"), 0);
    world.intact();
}
