//! What the Keyfactor API asks of the domain, without HTTP.

use certhold_domain::access::audit::{self, Identity};
use certhold_domain::access::claims::{self, WantedClaim};
use certhold_domain::access::{AccessCache, ClaimKey, ClaimType, paths, sets};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::{self, DestroyKey, SealedKey, SecretKind};
use certhold_domain::enrolment::Under;
use certhold_domain::events::{self, AskedPage, EventField, EventQuery, HistoryPage};
use certhold_domain::inventory::{
    self, Candidate, Column, Direction, Filter, ImportBatch, Outcome, Revocation, RevocationReason, Revoke, Sort,
};
use certhold_domain::metadata::{self, Change, FieldCommand, FieldType, SetMetadata};
use certhold_domain::ownership::{self, NewOwner, OwnerPolicy};
use certhold_domain::people::{self, Credential, NewApiClient, Password, PrincipalKind, TokenRequest};
use certhold_domain::private_ca::{self, KeySource, Profile};
use certhold_domain::query::{Catalogue, Kind, Query};
use certhold_domain::stores::{self, ContainerCommand};
use certhold_domain::{Actor, CertificateId, ContainerId, Face, Refusal, limits};
use certhold_pki::PrivateKey;

use super::renewing::local;
use super::world::{DAY, START, World, issue, key};
use super::{issuing, storing};

fn everywhere(world: &World) -> Scope {
    Scope::everywhere(world.now())
}

pub fn clients_get_tokens_and_passwords_come_with_requests(world: &World) {
    let robot = world.principal("robot", PrincipalKind::Service, None);
    let secret = Credential::generate(&world.entropy, "chk_").hash;
    let new = NewApiClient {
        principal: robot,
        name: "script".into(),
        client_id: "chc_1".into(),
        secret_hash: secret,
        scopes: vec!["/certificates/".into()],
    };
    let id = world.write(move |tx, now| people::create_client(tx, &local(), &new, now)).unwrap();
    let clients = world.read(move |tx| people::clients_of(tx, &local(), robot)).unwrap();
    assert_eq!(clients.iter().map(|client| client.client_id.as_str()).collect::<Vec<_>>(), ["chc_1"]);
    let ask = |client: &str, secret: [u8; 32]| {
        let token_hash = Credential::generate(&world.entropy, "").hash;
        let request = TokenRequest { client_id: client.into(), secret_hash: secret, token_hash };
        let anonymous = Actor::anonymous(Face::Keyfactor, "anonymous", "request", "192.0.2.1");
        let issued = world.write(move |tx, now| people::issue_access_token(tx, &anonymous, &request, now)).unwrap();
        issued.map(|_| token_hash)
    };
    let who = |hash: [u8; 32]| {
        let now = world.now();
        world.read(move |tx| people::actor_of_access_token(tx, &AccessCache::default(), &hash, Face::Keyfactor, now))
    };
    let token = ask("chc_1", secret).unwrap();
    let actor = who(token).unwrap();
    assert_eq!((actor.id, actor.claims[0].value.as_str()), (Some(robot), "chc_1"));
    assert!(actor.access.scopes.is_some());
    for (client, secret) in [("chc_1", [0; 32]), ("chc_2", secret), ("\0", secret)] {
        assert!(matches!(ask(client, secret), Err(Refusal::Unauthenticated(_))), "{client:?}");
    }
    world.pass(limits::ACCESS_TOKEN_MS);
    assert!(who(token).is_err(), "an hour is over");
    let token = ask("chc_1", secret).unwrap();
    let other = Credential::generate(&world.entropy, "chk_").hash;
    world.write(move |tx, now| people::renew_client(tx, &local(), id, &other, now)).unwrap();
    assert!(who(token).is_err() && ask("chc_1", secret).is_err());
    let token = ask("chc_1", other).unwrap();
    world.write(move |tx, now| people::revoke_client(tx, &local(), id, now)).unwrap();
    assert!(who(token).is_err() && ask("chc_1", other).is_err());

    let kim = world.principal("kim", PrincipalKind::Person, Some("correct horse battery"));
    let sign_in = |password: &str| {
        let now = world.now();
        let names = ["EXAMPLE\\kim".to_owned(), "kim".to_owned()];
        let attempt = world.read(move |tx| people::attempt_as(tx, &names, "192.0.2.1", now)).unwrap();
        let verified = attempt.verify(&Password::from(password.to_owned()));
        let anonymous = Actor::anonymous(Face::Keyfactor, "anonymous", "request", "192.0.2.1");
        world.write(move |tx, now| people::complete_without_session(tx, &anonymous, &attempt, verified, now)).unwrap()
    };
    assert!(sign_in("wrong horse battery").is_err());
    let who = sign_in("correct horse battery").unwrap();
    assert_eq!(who.principal, kim);
    let events = world.events();
    sign_in("correct horse battery").unwrap();
    assert_eq!(world.events(), events, "once an hour");
    let known =
        move |tx: &mut certhold_store::Tx<'_>| people::actor_of_generation(tx, &AccessCache::default(), who, Face::Keyfactor);
    assert_eq!(world.read(known).unwrap().name, "kim");
    let hash = Password::from("another long one".to_owned()).hash(&world.entropy).unwrap();
    world.write(move |tx, now| people::set_password(tx, &local(), kim, &hash, now)).unwrap();
    assert!(world.read(known).is_err(), "another password, another generation");
}

fn revocation(reason: RevocationReason) -> Revocation {
    Revocation { effective_at: START, reason, comment: "lost".into() }
}

pub fn revocation_is_recorded_and_taken_back(world: &World) {
    let (one, two) = (world.certificate(&["a.example.com"], None), world.certificate(&["b.example.com"], None));
    let scope = everywhere(world);
    let revoke = |ids: &[CertificateId], reason| Revoke { certificates: ids.to_vec(), revocation: revocation(reason) };
    let command = revoke(&[one, CertificateId(99)], RevocationReason::KeyCompromise);
    world.refused(move |tx, now| inventory::revoke(tx, &local(), &command, scope, now));
    let command = revoke(&[one], RevocationReason::KeyCompromise);
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, scope, now)).unwrap();
    let command = revoke(&[two], RevocationReason::CertificateHold);
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, scope, now)).unwrap();
    let found = |query: &'static str, revoked: Option<bool>| {
        let page = world.read(move |tx| {
            let condition = inventory::question(tx, &local(), query, scope)?;
            inventory::list(tx, &local(), &Filter { condition, revoked, limit: 10, ..Filter::default() })
        });
        page.unwrap().certificates.iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(found("", Some(false)), []);
    assert_eq!(found("", Some(true)), [one, two]);
    assert_eq!(found("CertState -eq Revoked", None), [one, two]);
    assert_eq!(found("RevocationDate -le \"2026-11-22\" AND IssuedCN -startswith \"a\"", None), [one]);
    let collection = CollectionCommand { name: "Revoked".into(), query: "RevocationDate -ne NULL".into(), ..Default::default() };
    let collection = world.write(move |tx, now| collections::create(tx, &local(), &collection, now)).unwrap();
    let inside = Scope::of(Some(collection), world.now());
    let whole = world.read(move |tx| inventory::get_whole(tx, &local(), one, inside)).unwrap();
    assert_eq!(whole.revocation, Some(revocation(RevocationReason::KeyCompromise)), "in memory as in SQL");
    world.refused(move |tx, now| inventory::release(tx, &local(), &[one], "found", scope, now));
    world.write(move |tx, now| inventory::release(tx, &local(), &[two], "found", scope, now)).unwrap();
    assert_eq!(found("CertState -ne 2", None), [two]);
    world.write(move |tx, now| inventory::remove(tx, &local(), one, now)).unwrap();
    assert_eq!(found("", None), [two]);
}

pub fn pages_are_ordered_and_numbered(world: &World) {
    let ids: Vec<CertificateId> = ["c", "a", "b"].map(|name| world.certificate(&[&format!("{name}.example.com")], None)).to_vec();
    let field = FieldCommand::new("Team", FieldType::String);
    world.write(move |tx, now| metadata::create(tx, &local(), &field, now)).unwrap();
    let first = ids[0];
    let set = SetMetadata { certificate: first, collection: None, changes: vec![Change::new("Team", "Web")] };
    let scope = everywhere(world);
    world.write(move |tx, now| metadata::set_in(tx, &local(), &set, scope, now)).unwrap();
    let page = |sort: Sort, offset: usize, limit: usize| {
        let filter = Filter { sort, offset, limit, ..Filter::default() };
        world.read(move |tx| inventory::list_whole(tx, &local(), &filter, scope, true)).unwrap()
    };
    let shown = |sort: Sort, offset: usize, limit: usize| {
        let page = page(sort, offset, limit);
        assert_eq!(page.total, 3);
        page.certificates.iter().map(|whole| whole.certificate.summary.id).collect::<Vec<_>>()
    };
    let [c, a, b] = [ids[0], ids[1], ids[2]];
    assert_eq!(shown(Sort::By(Column::CommonName, Direction::Ascending), 0, 3), [a, b, c]);
    assert_eq!(shown(Sort::By(Column::CommonName, Direction::Descending), 1, 3), [b, a]);
    for column in [Column::Issuer, Column::NotBefore, Column::HeldSince] {
        assert_eq!(shown(Sort::By(column, Direction::Ascending), 0, 3).len(), 3);
    }
    for sort in [Sort::Id, Sort::Newest, Sort::Expiry, Sort::ExpiryLast] {
        let whole = shown(sort, 0, 3);
        for _ in 0..2 {
            assert_eq!([shown(sort, 0, 1), shown(sort, 1, 1), shown(sort, 2, 1), shown(sort, 3, 1)].concat(), whole);
        }
    }
    let whole = page(Sort::Id, 0, 1).certificates.remove(0);
    assert_eq!(whole.metadata, [("Team".to_owned(), "Web".to_owned())]);
    assert!(!whole.certificate.der.is_empty());
    for (by_actor, descending) in [(false, false), (false, true), (true, false), (true, true)] {
        let asked = HistoryPage { offset: 0, limit: 10, by_actor, descending };
        let (entries, total) = world.read(move |tx| inventory::history_page_in(tx, &local(), first, scope, &asked)).unwrap();
        assert_eq!((entries.len(), total), (2, 2));
    }
    let above = world.read(move |tx| certhold_domain::chains::above_in(tx, &local(), first, scope)).unwrap();
    assert_eq!(above.certificate.summary.id, first);
}

pub fn an_owner_may_be_required(world: &World) {
    let (team, other) = (world.role("Team", &[]), world.role("Other", &[]));
    let id = world.certificate(&["shop.example.com"], Some(team));
    let change = |to: NewOwner| {
        move |tx: &mut certhold_store::Tx<'_>, now: i64| {
            ownership::change_many(tx, &local(), &[id], ownership::Scope::default(), &to, now)
        }
    };
    world.refused(move |tx, now| {
        let nobody = Actor::anonymous(Face::Keyfactor, "nobody", "", "");
        ownership::set_policy(tx, &nobody, OwnerPolicy::Required, now)
    });
    world.write(|tx, now| ownership::set_policy(tx, &local(), OwnerPolicy::Required, now)).unwrap();
    assert_eq!(world.read(ownership::policy).unwrap(), OwnerPolicy::Required);
    let refusal = world.refused(change(NewOwner::Nobody));
    assert!(matches!(refusal, Refusal::Invalid { field: "owner", .. }), "{refusal}");
    assert_eq!(world.write(change(NewOwner::Role(team))).unwrap(), 0);
    assert_eq!(world.write(change(NewOwner::Named(" OTHER ".into()))).unwrap(), 1);
    assert!(matches!(world.refused(change(NewOwner::Named("nobody's".into()))), Refusal::Invalid { field: "owner", .. }));
    world.write(|tx, now| ownership::set_policy(tx, &local(), OwnerPolicy::Optional, now)).unwrap();
    assert_eq!(world.write(change(NewOwner::Nobody)).unwrap(), 1);
    assert_ne!(team, other);
}

pub fn a_key_goes_with_its_certificate(world: &World) {
    let pair = key();
    let private = PrivateKey::of(&pair.serialize_der()).unwrap();
    let sealed = SealedKey::seal(&world.custody, &world.entropy, &private).unwrap();
    let ders = [60, 90].map(|days| issue(&pair, &["keyed.example.com"], START - DAY, START + days * DAY));
    let mut ids = Vec::new();
    for der in ders {
        let batch = ImportBatch {
            certificates: vec![Candidate::of(&der).unwrap()],
            keys: vec![sealed.clone()],
            owner: None,
            source: "story".into(),
            metadata: Vec::new(),
        };
        let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
        match items[0].outcome {
            Outcome::Imported(id) | Outcome::AlreadyHeld(id) => ids.push(id),
            Outcome::Excluded => panic!("it is excluded"),
        }
    }
    let nothing = world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
    let spki = private.spki_sha256();
    let held = || world.read(move |tx| custody::find_by_spki(tx, &spki)).unwrap().is_some();
    let scope = everywhere(world);
    for (id, still) in ids.into_iter().zip([true, false]) {
        let nothing = nothing.clone();
        world.write(move |tx, now| inventory::remove_with_key(tx, &local(), id, scope, &nothing, now)).unwrap();
        assert_eq!(held(), still, "a key that another certificate has stays");
    }
    let batch = ImportBatch {
        certificates: vec![Candidate::of(&issue(&pair, &["keyed.example.com"], START, START + DAY)).unwrap()],
        keys: vec![sealed],
        owner: None,
        source: "story".into(),
        metadata: Vec::new(),
    };
    let items = world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
    let Outcome::Imported(id) = items[0].outcome else { panic!("{items:?}") };
    let deleter = world.somebody("deleter", &[world.role("Deleters", &[paths::CERTIFICATES_DELETE])]);
    let command = DestroyKey { certificate: id, reason: "a story".into(), nothing };
    world.write(move |tx, now| custody::destroy_key_in(tx, &deleter, &command, scope, now)).unwrap();
    assert!(!held());
}

pub fn rights_on_a_certificate_are_told(world: &World) {
    let id = world.certificate(&["shop.example.com"], None);
    let collection = CollectionCommand { name: "All".into(), ..Default::default() };
    let collection = world.write(move |tx, now| collections::create(tx, &local(), &collection, now)).unwrap();
    let role = world.role("Readers", &[&format!("{}{collection}/", paths::CERTIFICATES_READ)]);
    world.somebody("eve", &[role]);
    let wanted = |value: &str| WantedClaim {
        key: ClaimKey { kind: ClaimType::OauthRole, value: value.into(), provider: "entra".into() },
        description: String::new(),
    };
    for claims in [vec![wanted("a"), wanted("b")], vec![wanted("b"), wanted("c"), wanted("c")]] {
        world.write(move |tx, now| claims::replace_of_role(tx, &local(), role, &claims, now)).unwrap();
    }
    let stored = world.read(claims::stored).unwrap();
    let giving: Vec<&str> = stored.iter().filter(|one| !one.roles.is_empty()).map(|one| one.key.value.as_str()).collect();
    assert_eq!(giving, ["b", "c"]);
    let scope = everywhere(world);
    let roles = world.read(move |tx| audit::roles_on(tx, &local(), id, scope)).unwrap();
    let readers = roles.iter().find(|one| one.role == role).unwrap();
    assert_eq!(readers.actions, [paths::CERTIFICATES_READ]);
    let found = world.read(move |tx| audit::identities_on(tx, &local(), id, scope)).unwrap();
    let names: Vec<&str> = found
        .iter()
        .map(|one| match &one.identity {
            Identity::Account { name, .. } => name.as_str(),
            Identity::Claim(claim) => claim.key.value.as_str(),
        })
        .collect();
    assert_eq!(names, ["eve", "b", "c"]);
    let set = world.read(|tx| sets::list(tx, &local())).unwrap().remove(0);
    let same = set.id;
    assert_eq!(world.read(move |tx| sets::of_roles(tx, &[same, same])).unwrap(), [set]);
    assert_eq!(world.read(collections::names).unwrap(), [(collection, "All".to_owned())]);
    world.read(move |tx| collections::exists(tx, collection)).unwrap();
    assert_eq!(world.read(move |tx| collections::of_author(tx, &local(), collection)).unwrap().name, "All");
}

pub fn rights_through_stores_are_told(world: &World) {
    let [edge, core] = ["Edge", "Core"].map(|name| {
        let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
        world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
    });
    let loose = world.certificate(&["loose.example.com"], None);
    let stored = world.certificate(&["stored.example.com"], None);
    let der = world.read(move |tx| inventory::get(tx, &local(), stored)).unwrap().der;
    let front = storing::store(world, "front", Some(edge));
    storing::inventoried(world, front, vec![storing::entry("stored", &[&der], false)], Vec::new());
    let read: &[&str] = &[paths::CERTIFICATES_READ];
    let change: &[&str] = &[paths::CERTIFICATES_CHANGE_OWNER];
    let nothing: &[&str] = &[];
    let on = |right: &str, container: ContainerId| format!("/certificate_stores/{right}/{container}/");
    let cases = [
        ("Watchers", on("schedule", edge), read),
        ("Keepers", "/certificate_stores/modify/".to_owned(), read),
        ("Givers", on("change_owner", edge), change),
        ("Givers of all", "/certificate_stores/change_owner/".to_owned(), change),
        ("Strangers", on("modify", core), nothing),
    ];
    let cases = cases.map(|(name, right, actions)| (world.role(name, &[&right]), actions));
    world.somebody("eve", &[cases[0].0, cases[2].0, cases[4].0]);
    let scope = everywhere(world);
    for (id, is_stored) in [(stored, true), (loose, false)] {
        let told = world.read(move |tx| audit::roles_on(tx, &local(), id, scope)).unwrap();
        for (role, actions) in &cases {
            let told = told.iter().find(|one| one.role == *role).unwrap();
            assert_eq!(told.actions, if is_stored { *actions } else { nothing }, "{}", told.name);
        }
    }
    let found = world.read(move |tx| audit::identities_on(tx, &local(), stored, scope)).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let by = |role: &str| vec![role.to_owned()];
    let wanted = [(paths::CERTIFICATES_READ, by("Watchers")), (paths::CERTIFICATES_CHANGE_OWNER, by("Givers"))];
    assert_eq!(found[0].actions, wanted);
    assert!(world.read(move |tx| audit::identities_on(tx, &local(), loose, scope)).unwrap().is_empty());
}

fn is_import(operation: &str) -> i64 {
    i64::from(operation == "certificate.imported")
}

fn related_events_are_those_of_the_same_objects(world: &World, fields: &'static [(&'static str, Kind, EventField)]) {
    let related = |text: &str| {
        let query = EventQuery::parse(text, fields, world.now(), "").unwrap();
        let page = AskedPage { offset: 0, limit: 1_000, descending: false };
        let found = world.read(move |tx| events::asked_related(tx, &local(), &query, page))?;
        Ok::<_, certhold_domain::Error>((found.0.iter().map(|event| event.operation.clone()).collect::<Vec<_>>(), found.1))
    };
    let role = world.role("Related", &[]);
    let kim = world.principal("related kim", PrincipalKind::Person, None);
    world.write(move |tx, now| certhold_domain::access::roles::assign(tx, &local(), role, kim, now)).unwrap();
    world.write(move |tx, now| people::set_disabled(tx, &local(), kim, true, now)).unwrap();
    let (operations, total) = related(&format!("Kind -eq \"principal\" AND Object -eq {kim}")).unwrap();
    assert_eq!(operations, ["principal.created", "role.assigned", "principal.disabled"]);
    assert_eq!(total, 3);
    // One that is found brings the others that are about the same.
    let one = format!("Name -eq \"related kim\" AND Id -eq {}", world.events());
    assert_eq!(related(&one).unwrap().0, operations);
    assert_eq!(related("Object -eq 987654").unwrap(), (Vec::new(), 0));
    assert_eq!(related("").unwrap().1, world.events());
    for number in 0..101 {
        world.role(&format!("many {number}"), &[]);
    }
    assert!(matches!(
        related("Kind -eq \"role\""),
        Err(certhold_domain::Error::Refused(Refusal::Invalid { field: "query", .. }))
    ));
}

pub fn the_log_is_asked(world: &World) {
    world.certificate(&["shop.example.com"], None);
    world.role("Web", &[]);
    const FIELDS: &[(&str, Kind, EventField)] = &[
        ("Id", Kind::Number, EventField::Number),
        ("Timestamp", Kind::Time, EventField::At),
        ("Import", Kind::Number, EventField::Derived(is_import)),
        ("User", Kind::Text, EventField::ActorName),
        ("Kind", Kind::Text, EventField::ObjectKind),
        ("Name", Kind::Text, EventField::ObjectName),
        ("Object", Kind::Number, EventField::Object),
    ];
    let total = world.events();
    let ask = |text: &str, offset: usize, descending: bool| {
        let query = EventQuery::parse(text, FIELDS, world.now(), "").unwrap();
        let page = AskedPage { offset, limit: 2, descending };
        let (found, count) = world.read(move |tx| events::asked(tx, &local(), &query, page)).unwrap();
        (found.iter().map(|event| event.seq).collect::<Vec<_>>(), count)
    };
    assert_eq!(ask("", 0, false), (vec![1, 2], total));
    assert_eq!(ask("", 0, true), (vec![total, total - 1], total));
    assert_eq!(ask("", usize::try_from(total).unwrap() - 1, true), (vec![1], total));
    assert_eq!(ask("", 1_000, false), (vec![], total));
    assert_eq!(ask("Import -eq 1", 0, false).1, 1);
    assert_eq!(ask("Import -gt 0 OR Kind -eq \"ROLE\"", 0, false).1, 2);
    assert_eq!(ask("Name -like \"shop*com\" AND User -ne \"nobody\"", 0, true).1, 1);
    assert_eq!(ask("Id -in (1, 2) AND Timestamp -ge \"2026-11-22\"", 0, false), (vec![1, 2], 2));
    assert_eq!(ask("Name -contains \"%\"", 0, false).1, 0);
    assert_eq!(ask("Import -eq 7", 0, false), (vec![], 0));
    // Every number that there is or is not, and names outside of ASCII: to the letter, but for A to Z.
    let about = world.read(|tx| events::one(tx, &local(), 2)).unwrap().object;
    let without = ask("Object -eq NULL", 0, false).1;
    assert_eq!(ask("Object -ne NULL", 0, false).1, total - without);
    assert_eq!((ask("Object -eq 0", 0, false).1, ask("Object -ne 0", 0, false).1), (0, total));
    assert_eq!(ask("Object -le 0", 0, false).1, 0, "nothing has no number");
    if let Some(about) = about {
        let these = ask(&format!("Object -eq {about}"), 0, false).1;
        assert_eq!(ask(&format!("Object -ne {about}"), 0, false).1, total - these);
    }
    world.role("Özgür İpek", &[]);
    let named = |text: &str| ask(text, 0, false).1;
    for found in [
        "Name -eq \"Özgür İpek\"",
        "Name -eq \"ÖZGüR İPEK\"",
        "Name -contains \"ZGüR İ\"",
        "Name -startswith \"ÖZG\"",
        "Name -endswith \"İpek\"",
        "Name -like \"Ö*gür*K\"",
        "Name -in (\"x\", \"Özgür İpek\") AND Kind -ne \"certificate\"",
    ] {
        assert_eq!(named(found), 1, "{found}");
    }
    assert_eq!(named("Name -eq \"özgür İpek\""), 0);
    assert_eq!(named("Name -ne \"Özgür İpek\""), total, "all but this one");
    let total = world.events();
    related_events_are_those_of_the_same_objects(world, FIELDS);
    for seq in 1..=total {
        assert!(world.read(move |tx| events::verify_row(tx, &local(), seq)).unwrap());
    }
    world.tamper("UPDATE event SET object_name = 'x' WHERE seq = 2");
    assert!(!world.read(move |tx| events::verify_row(tx, &local(), 2)).unwrap());
    assert!(world.read(move |tx| events::verify_row(tx, &local(), 3)).unwrap());
}

fn find(world: &World, text: &str) -> Vec<CertificateId> {
    let query = Query::parse(text, &Catalogue::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let filter = Filter { condition: Some(query.resolve(world.now(), "")), limit: 100, count: true, ..Filter::default() };
    let page = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap();
    assert_eq!(page.total, Some(page.certificates.len() as i64), "{text}");
    page.certificates.into_iter().map(|found| found.id).collect()
}

pub fn who_enrolled_and_what_a_certificate_names_are_asked(world: &World) {
    let root = issuing::make(world, issuing::wanted("Example Root", None)).unwrap();
    let authority = world.read(move |tx| private_ca::get(tx, &local(), root)).unwrap().certificate;
    let enrollers = world.role("Enrollers", &[paths::ENROLLMENT_PFX]);
    let issued = |who: &str, subject: &str, names: &[&str]| {
        let mut request = issuing::request(root, KeySource::Made(None), names);
        request.under = Under::Template(Profile::Client);
        request.subject = Some(subject.into());
        issuing::enrol(world, &world.somebody(who, &[enrollers]), request).unwrap().certificate
    };
    let kim = issued("Kim Doe", "CN=shop.example.org", &["www.example.org", "SHOP.example.org"]);
    let other = issued("MÜLLER", "CN=Sales Team", &["sales.example.org"]);
    let nameless = issued("robot", "O=Example", &["10.0.0.1"]);
    let pair = key();
    let foreign = world.import(&[issue(&pair, &["foreign.example.org"], START, START + DAY)], None).unwrap();
    let Outcome::Imported(foreign) = foreign[0].outcome else { panic!("{foreign:?}") };
    let all = [authority, kim, other, nameless, foreign];
    let but = |left_out: &[CertificateId]| all.iter().copied().filter(|id| !left_out.contains(id)).collect::<Vec<_>>();
    let check = |text: &str, expected: &[CertificateId]| {
        assert_eq!(find(world, text), expected, "{text}");
        // The same, decided in memory: what is inside a collection.
        let command = CollectionCommand { name: text.into(), query: text.into(), ..Default::default() };
        let collection = world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap();
        for id in all {
            let now = world.now();
            let inside = world.read(move |tx| collections::containing(tx, &local(), id, now)).unwrap();
            assert_eq!(inside.iter().any(|one| one.id == collection), expected.contains(&id), "{text} of {id}");
        }
    };
    check("NetBIOSRequester -eq \"KIM doe\"", &[kim]);
    check("NetBIOSRequester -ne \"kim doe\"", &but(&[kim]));
    check("NetBIOSRequester -eq \"müller\"", &[other]);
    check("NetBIOSRequester -startswith \"k\" OR NetBIOSRequester -contains \"ÜLL\"", &[kim, other]);
    check("NetBIOSRequester -endswith \"doe\" OR NetBIOSRequester -like \"ro*t\"", &[kim, nameless]);
    check("NetBIOSRequester -in (\"robot\", \"nobody\")", &[nameless]);
    check("NetBIOSRequester -eq NULL", &[authority, foreign]);
    check("NetBIOSRequester -ne NULL", &[kim, other, nameless]);
    check("RFC2818Compliant -eq true", &[kim, nameless, foreign]);
    check("RFC2818Compliant -eq false", &[authority, other]);
    check("RFC2818Compliant -ne true AND NetBIOSRequester -ne NULL", &[other]);
    check("RFC2818Compliant -ne NULL", &all);
    for named in ["Example Root", "host\\\\example ROOT", "a.b\\\\c\\\\Example Root"] {
        check(&format!("CA -eq \"{named}\""), &[kim, other, nameless]);
        check(&format!("CA -ne \"{named}\""), &[authority, foreign]);
    }
    check("CA -in (\"host\\\\Example Root\", \"x\")", &[kim, other, nameless]);
    check("CA -startswith \"host\\\\Exam\"", &[kim, other, nameless]);
    check("CA -eq \"Example Root\\\\Other\"", &[]);
    // Who enrolled through an earlier version is filled in by name only.
    world.tamper("UPDATE issued_certificate SET requester_folded = NULL");
    assert_eq!(find(world, "NetBIOSRequester -eq \"müller\""), []);
    let uuids = [world.uuid(), world.uuid()];
    world.write(move |tx, now| certhold_domain::prepare(tx, &uuids, now)).unwrap();
    // What was counted before is counted again once something has come in.
    world.certificate(&["later.example.org"], None);
    assert_eq!(find(world, "NetBIOSRequester -eq \"müller\""), [other]);
}
