//! Why, and the access review: what they say is what happens, also through stores and containers.

use std::collections::BTreeMap;

use certhold_domain::access::claims::{self, ClaimKey, ClaimType};
use certhold_domain::access::review::{Filter, Reach, Review};
use certhold_domain::access::why::{self, Explanation, Object, Question, Subject, Through};
use certhold_domain::access::{Path, audit, paths};
use certhold_domain::collections::{self, CollectionCommand, Scope};
use certhold_domain::custody::{self, ExportKey};
use certhold_domain::inventory::Outcome;
use certhold_domain::metadata::{self, FieldCommand, FieldType};
use certhold_domain::ownership::{self, ChangeOwner, Scope as OwnerScope};
use certhold_domain::people::{self, NewApiClient};
use certhold_domain::stores::{self, ContainerCommand};
use certhold_domain::{Actor, CertificateId, CollectionId, ContainerId, Error, Refusal, RoleId, inventory};

use super::private_keys::keyed;
use super::storing::{entry, inventoried, store};
use super::world::{DAY, START, World, issue, key};

const READ: &str = paths::CERTIFICATES_READ;
const CHANGE: &str = paths::CERTIFICATES_CHANGE_OWNER;

fn local() -> Actor {
    Actor::local("story")
}

fn ask(world: &World, actor: &Actor, subject: Subject, object: Object, action: &str) -> Result<Explanation, Error> {
    let (actor, now) = (actor.clone(), world.now());
    let question = Question { subject, object, action: Path::parse(action).unwrap() };
    world.read(move |tx| why::why(tx, &actor, &question, now))
}

fn about(world: &World, who: &Actor, object: Object, action: &str) -> Explanation {
    ask(world, &local(), Subject::Principal(who.id.unwrap()), object, action).unwrap()
}

fn container(world: &World, name: &str) -> ContainerId {
    let command = ContainerCommand { name: name.into(), ..ContainerCommand::default() };
    world.write(move |tx, now| stores::create_container(tx, &local(), &command, now)).unwrap()
}

fn collection(world: &World, query: &str) -> CollectionId {
    let command = CollectionCommand { name: query.into(), query: query.into(), ..CollectionCommand::default() };
    world.write(move |tx, now| collections::create(tx, &local(), &command, now)).unwrap()
}

/// A certificate that is in this store.
fn stored(world: &World, name: &str, place: Option<ContainerId>, owner: Option<RoleId>) -> CertificateId {
    let der = issue(&key(), &[name], START - DAY, START + 60 * DAY);
    let id = store(world, name, place);
    inventoried(world, id, vec![entry("one", &[&der], false)], Vec::new());
    let Outcome::AlreadyHeld(id) = world.import(&[der], None).unwrap()[0].outcome else { panic!("it is held") };
    let command = ChangeOwner { certificate: id, scope: OwnerScope::default(), to: owner };
    world.write(move |tx, now| ownership::change(tx, &local(), &command, now)).unwrap();
    id
}

/// Every reason about owners is what the change itself would say, in whatever place the request names.
pub fn reasons_of_owners_know_stores(world: &World) {
    let (web, mail) = (container(world, "Web"), container(world, "Mail"));
    let (mine, foreign) = (world.role("Mine", &[]), world.role("Foreign", &[]));
    let all = [
        stored(world, "web.example.com", Some(web), Some(mine)),
        stored(world, "theirs.example.com", Some(web), Some(foreign)),
        stored(world, "alone.example.com", None, None),
        world.certificate(&["loose.example.com"], Some(mine)),
    ];
    let by_area = world.somebody("by area", &[world.role("Area", &[paths::STORES_CHANGE_OWNER]), mine]);
    let by_container =
        world.somebody("by container", &[world.role("Keepers", &[&format!("{}{web}/", paths::STORES_CHANGE_OWNER)]), mine]);
    let nobody = world.somebody("nobody", &[mine]);
    let mut answers = BTreeMap::new();
    for who in [&by_area, &by_container, &nobody] {
        for certificate in all {
            let scopes = [None, Some(web), Some(mail)].map(|container| OwnerScope { collection: None, container });
            let may = scopes.into_iter().any(|scope| {
                let (actor, command) = (who.clone(), ChangeOwner { certificate, scope, to: Some(mine) });
                let outcome = world.write(move |tx, now| {
                    ownership::change(tx, &actor, &command, now)?;
                    // Only to know whether it is allowed.
                    Err::<(), Error>(Refusal::Busy.into())
                });
                matches!(outcome, Err(Error::Refused(Refusal::Busy)))
            });
            // What a page offers.
            let (actor, now) = (who.clone(), world.now());
            let facts = world.read(move |tx| ownership::reached(tx, &actor, certificate, None, now)).unwrap();
            assert_eq!(ownership::decide(&who.access, &facts).is_ok(), may, "{} {certificate}", who.name);
            assert_eq!(facts.scope.container, (may && who.id == by_container.id).then_some(web));
            for action in [CHANGE, paths::STORES_CHANGE_OWNER] {
                let told = about(world, who, Object::Certificate(certificate), action);
                assert_eq!(told.allowed, may, "{} {certificate} {action}: {told:?}", who.name);
            }
            *answers.entry(may).or_insert(0) += 1;
        }
    }
    assert!(answers.values().all(|count| *count >= 3), "{answers:?}");
    let told = about(world, &by_area, Object::Certificate(all[0]), CHANGE);
    assert_eq!(
        told.sentence,
        "Allowed by role Area over all certificate stores (set Global bounds it): it belongs to role Mine, and they hold that role."
    );
    let told = about(world, &by_container, Object::Certificate(all[0]), CHANGE);
    assert!(told.sentence.starts_with(&format!("Allowed by role Keepers through container {web}, Web (")), "{told:?}");
    let verdicts: Vec<bool> = told.roles.iter().map(|role| role.brings).collect();
    assert!(verdicts.contains(&true), "{told:?}");
    let told = about(world, &by_container, Object::Certificate(all[1]), CHANGE);
    assert!(told.sentence.contains("only somebody who holds the role Foreign"), "{told:?}");
    let told = about(world, &nobody, Object::Certificate(all[0]), CHANGE);
    assert_eq!(told.missing, [CHANGE], "{told:?}");
    // What is asked about a container.
    let told = about(world, &by_container, Object::Container(web), paths::STORES_CHANGE_OWNER);
    assert!(told.allowed && told.sentence.contains("Web"), "{told:?}");
    assert!(about(world, &by_container, Object::Container(web), CHANGE).allowed);
    let told = about(world, &by_container, Object::Container(mail), paths::STORES_CHANGE_OWNER);
    assert_eq!(told.missing, [paths::STORES_CHANGE_OWNER.to_owned(), format!("{}{mail}/", paths::STORES_CHANGE_OWNER)]);
    assert!(told.roles.iter().any(|role| role.verdict == format!("Grants it in container {web} only.")), "{told:?}");
    // Whoever sees no certificate and reaches none learns nothing of one that exists.
    let own = |who: &Actor, id: CertificateId| ask(world, who, Subject::Oneself, Object::Certificate(id), CHANGE).unwrap();
    assert_eq!(own(&nobody, all[0]), own(&nobody, CertificateId(98_765)));
    assert_eq!(own(&by_area, all[3]), own(&by_area, CertificateId(98_765)));
    assert_eq!(own(&by_container, all[2]), own(&by_container, CertificateId(98_765)));
}

/// The roles that are told for a certificate are those whose holders may by the reasons, through the same place.
pub fn who_may_knows_stores(world: &World) {
    let (web, mail) = (container(world, "Web"), container(world, "Mail"));
    let inside = stored(world, "web.example.com", Some(web), None);
    let alone = stored(world, "alone.example.com", None, None);
    let loose = world.certificate(&["loose.example.com"], None);
    let all = collection(world, "SAN -contains \"example\"");
    let of = |path: &str, id: i64| format!("{path}{id}/");
    let collected = || Through::Collection(all, "SAN -contains \"example\"".into());
    let through_web = || Through::Container(web, "Web".into());
    // Of each role what it grants, and through what it may read and change the owner of the one in a container, in a store, in none.
    type Ways = [Option<Through>; 3];
    let nothing: Ways = [None, None, None];
    let everywhere: Ways = std::array::from_fn(|_| Some(Through::Everywhere));
    let by_collection: Ways = std::array::from_fn(|_| Some(collected()));
    let expected: Vec<(&str, Vec<String>, Ways, Ways)> = vec![
        ("Everywhere", vec![READ.into(), CHANGE.into()], everywhere.clone(), everywhere),
        ("Collected", vec![of(READ, all.0), of(CHANGE, all.0)], by_collection.clone(), by_collection),
        ("Readers", vec![paths::STORES_READ.into()], [Some(through_web()), None, None], nothing.clone()),
        ("Keepers", vec![of(paths::STORES_MODIFY, web.0)], [Some(through_web()), None, None], nothing.clone()),
        (
            "Mail",
            vec![of(paths::STORES_MODIFY, mail.0), of(paths::STORES_CHANGE_OWNER, mail.0)],
            nothing.clone(),
            nothing.clone(),
        ),
        (
            "Givers",
            vec![paths::STORES_CHANGE_OWNER.into()],
            nothing.clone(),
            [Some(Through::Stores), Some(Through::Stores), None],
        ),
        ("Web", vec![of(paths::STORES_CHANGE_OWNER, web.0)], nothing.clone(), [Some(through_web()), None, None]),
    ];
    let scope = Scope::everywhere(world.now());
    for (name, grants, reads, changes) in expected {
        let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
        let role = world.role(&format!("Role {name}"), &grants);
        let who = world.somebody(name, &[role]);
        for (number, certificate) in [inside, alone, loose].into_iter().enumerate() {
            let told = world.read(move |tx| why::who_may(tx, &local(), certificate, scope)).unwrap();
            let rights = world.read(move |tx| audit::roles_on(tx, &local(), certificate, scope)).unwrap();
            let rights = rights.into_iter().find(|one| one.role == role).unwrap();
            for (action, wanted) in [(READ, &reads[number]), (CHANGE, &changes[number])] {
                let of_action = told.iter().find(|one| one.action == action).unwrap();
                let found = of_action.roles.iter().find(|(id, ..)| *id == role).map(|(.., through)| through);
                assert_eq!(found, wanted.as_ref(), "{name} {number} {action}");
                assert_eq!(rights.actions.contains(&action), wanted.is_some(), "{name} {number} {action}");
                let reason = about(world, &who, Object::Certificate(certificate), action);
                assert_eq!(reason.allowed, wanted.is_some(), "{name} {number} {action}: {reason:?}");
                let through = wanted.as_ref().map(ToString::to_string).unwrap_or_default();
                assert!(reason.sentence.contains(&through), "{through}: {reason:?}");
            }
            // And they do see it, in the container that they name.
            let (actor, named) = (who.clone(), Scope { container: Some(web), ..scope });
            let sees = world.read(move |tx| inventory::summary_in(tx, &actor, certificate, named)).is_ok();
            assert_eq!(
                sees,
                number == 0 && reads[0].is_some() && !matches!(reads[0], Some(Through::Collection(..))),
                "{name} {number}"
            );
        }
    }
    for (rights, id) in [(vec![paths::SECURITY_READ], inside), (vec![READ], inside)] {
        let actor = world.somebody(rights[0], &[world.role(&format!("Only {}", rights[0]), &rights)]);
        let refused = world.read(move |tx| why::who_may(tx, &actor, id, scope));
        assert!(matches!(refused, Err(Error::Refused(Refusal::Forbidden { .. }))), "{rights:?}");
    }
    let refused = world.read(move |tx| why::who_may(tx, &local(), CertificateId(98_765), scope));
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotFound { .. }))), "{refused:?}");
}

/// Whoever sees the stores of a container sees the certificates in them; modifying includes scheduling and reading.
pub fn reasons_know_what_includes_what(world: &World) {
    let web = container(world, "Web");
    let inside = stored(world, "web.example.com", Some(web), None);
    let outside = world.certificate(&["loose.example.com"], None);
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[&format!("{}{web}/", paths::STORES_MODIFY)])]);
    let told = about(world, &keeper, Object::Certificate(inside), READ);
    assert!(told.allowed && told.sentence.contains(&format!("through container {web}, Web")), "{told:?}");
    let scope = Scope { collection: None, container: Some(web), now: world.now() };
    for (certificate, sees) in [(inside, true), (outside, false)] {
        let actor = keeper.clone();
        assert_eq!(world.read(move |tx| inventory::summary_in(tx, &actor, certificate, scope)).is_ok(), sees);
        assert_eq!(about(world, &keeper, Object::Certificate(certificate), READ).allowed, sees);
    }
    for action in [paths::STORES_READ, paths::STORES_SCHEDULE, paths::STORES_MODIFY] {
        assert!(about(world, &keeper, Object::Container(web), action).allowed, "{action}");
        assert!(!about(world, &keeper, Object::Everything, action).allowed, "{action}");
    }
    let namer = world.somebody("namer", &[world.role("Namers", &[paths::NAMED_MODIFY])]);
    assert!(about(world, &namer, Object::Everything, paths::NAMED_READ).allowed);
    let half = world.somebody("half", &[world.role("Half", &[paths::EXPANDED_CHANGE_OWNER])]);
    let told = about(world, &half, Object::Everything, paths::EXPANDED_CHANGE_OWNER);
    assert!(!told.allowed && told.missing == [paths::SECURITY_READ], "{told:?}");
}

/// What an operation asks for beside the right is said, and what is said is what the operation does.
pub fn reasons_tell_what_more_is_needed(world: &World) {
    let pair = key();
    let (shared, alone) = (keyed(world, &pair), keyed(world, &key()));
    world.import(&[issue(&pair, &["twin.example.com"], START - DAY, START + 60 * DAY)], None).unwrap();
    let first = collection(world, &format!("CertId -in ({shared}, {alone})"));
    let all = collection(world, "CertId -gt 0");
    let on = |path: &str, id: CollectionId| format!("{path}{id}/");
    let exporter = |name: &str, rights: &[String]| {
        let rights: Vec<&str> = rights.iter().map(String::as_str).collect();
        world.somebody(name, &[world.role(&format!("Rights of {name}"), &rights)])
    };
    let key_only = exporter("key only", &[on(paths::PRIVATE_KEY_READ, first)]);
    let both = exporter("both", &[on(paths::PRIVATE_KEY_READ, first), on(READ, first)]);
    let wide = exporter("wide", &[on(paths::PRIVATE_KEY_READ, first), on(paths::PRIVATE_KEY_READ, all), on(READ, all)]);
    for who in [&key_only, &both, &wide] {
        for certificate in [shared, alone] {
            let told = about(world, who, Object::Certificate(certificate), paths::PRIVATE_KEY_READ);
            let exported = [None, Some(first), Some(all)].into_iter().any(|collection| {
                let scope = Scope::of(collection, world.now());
                let command = ExportKey { certificate, scope, format: "pem", encrypted: true, reason: "a try".into() };
                let actor = who.clone();
                world.read(move |tx| custody::require_may_export(tx, &actor, &command)).is_ok()
            });
            assert_eq!(told.allowed, exported, "{} {certificate}: {told:?}", who.name);
        }
    }
    let told = about(world, &key_only, Object::Certificate(alone), paths::PRIVATE_KEY_READ);
    assert!(told.sentence.contains("but handing out a key also needs /certificates/collections/read/"), "{told:?}");
    assert_eq!(told.missing, [READ.to_owned(), on(READ, first)]);
    let told = about(world, &both, Object::Certificate(shared), paths::PRIVATE_KEY_READ);
    assert!(!told.allowed && told.sentence.contains("a certificate outside has the same key"), "{told:?}");
    let told = about(world, &wide, Object::Certificate(shared), paths::PRIVATE_KEY_READ);
    assert!(told.sentence.contains(&format!("through collection {all}")), "the way that is open: {told:?}");

    // Fields that scopes look at.
    let field = FieldCommand::new("Dept", FieldType::String);
    world.write(move |tx, now| metadata::create(tx, &local(), &field, now)).unwrap();
    let dept = collection(world, "Dept -eq \"web\"");
    let noter = exporter("noter", &[paths::CERTIFICATES_METADATA_MODIFY.to_owned()]);
    let note = || about(world, &noter, Object::Certificate(alone), paths::CERTIFICATES_METADATA_MODIFY);
    assert!(note().sentence.ends_with("bounds it)."), "{:?}", note());
    exporter("web", &[on(READ, dept)]);
    assert!(note().allowed && note().sentence.contains("(Dept)"), "{:?}", note());
}

/// Claims and API clients hold roles, too.
pub fn reasons_are_about_claims_and_clients(world: &World) {
    let readers = world.role("Readers", &[READ]);
    let claim = |kind, value: &str, provider: &str| {
        let key = ClaimKey { kind, value: value.into(), provider: provider.into() };
        let id = world.write(move |tx, now| claims::create(tx, &local(), &key, "", now)).unwrap();
        world.write(move |tx, now| claims::assign(tx, &local(), id, readers, now)).unwrap();
        id
    };
    let group = claim(ClaimType::Group, "EXAMPLE\\readers", "corporate");
    let told = ask(world, &local(), Subject::Claim(group), Object::Everything, READ).unwrap();
    assert_eq!((told.allowed, told.sentence.as_str()), (true, "Allowed by role Readers (set Global bounds it)."));
    assert!(!ask(world, &local(), Subject::Claim(group), Object::Everything, paths::CERTIFICATES_IMPORT).unwrap().allowed);
    let account = world.somebody("scripts", &[world.role("Importers", &[paths::CERTIFICATES_IMPORT])]);
    let client = NewApiClient {
        principal: account.id.unwrap(),
        name: "nightly".into(),
        client_id: "nightly-1".into(),
        secret_hash: [7; 32],
        scopes: vec!["/certificates/collections/".into()],
    };
    let client = world.write(move |tx, now| people::create_client(tx, &local(), &client, now)).unwrap();
    let by_client = |action: &str| ask(world, &local(), Subject::Client(client), Object::Everything, action).unwrap();
    assert_eq!(by_client(READ).sentence, "Missing /certificates/collections/read/.");
    assert!(by_client(paths::CERTIFICATES_IMPORT).sentence.contains("the token's scopes do not include it"));
    claim(ClaimType::OauthClientId, "nightly-1", people::OWN_PROVIDER);
    assert!(by_client(READ).allowed, "the claim about the client counts");
    world.write(move |tx, now| people::revoke_client(tx, &local(), client, now)).unwrap();
    assert_eq!(by_client(READ).sentence, "The API client nightly is revoked, so it may do nothing.");
    // Others' are told to whoever may read security only.
    for subject in [Subject::Claim(group), Subject::Client(client)] {
        let eve = world.somebody(&format!("eve {subject:?}"), &[]);
        assert!(matches!(ask(world, &eve, subject, Object::Everything, READ), Err(Error::Refused(Refusal::Forbidden { .. }))));
    }
    assert!(ask(world, &account, Subject::Client(client), Object::Everything, READ).is_ok(), "one's own");
}

/// Containers and stores have lines with their numbers.
pub fn the_review_counts_what_stores_hold(world: &World) {
    let (web, mail) = (container(world, "Web"), container(world, "Mail"));
    let (mine, foreign) = (world.role("Mine", &[]), world.role("Foreign", &[]));
    stored(world, "a.example.com", Some(web), Some(mine));
    stored(world, "b.example.com", Some(web), Some(foreign));
    stored(world, "c.example.com", Some(mail), None);
    stored(world, "d.example.com", None, Some(mine));
    world.certificate(&["loose.example.com"], Some(mine));
    let change = |place: ContainerId| format!("{}{place}/", paths::STORES_CHANGE_OWNER);
    let rights = [change(web), change(ContainerId(9_876)), format!("{}{mail}/", paths::STORES_SCHEDULE)];
    let keepers = world.role("Keepers", &rights.each_ref().map(String::as_str));
    let area = world.role("Area", &[paths::STORES_CHANGE_OWNER, paths::STORES_READ]);
    world.somebody("keeper", &[keepers, mine]);
    world.somebody("manager", &[area, mine]);
    let review = |role: RoleId, action: Option<&str>| {
        let action = action.map(|action| Path::parse(action).unwrap());
        let filter = Filter { role: Some(role), action, ..Filter::default() };
        let now = world.now();
        let lines = world.read(move |tx| {
            let review = Review::begin(tx, &local(), filter)?;
            let mut page = review.page(tx, &local(), None, 100)?;
            for within in review.uncounted(&page.lines) {
                review.count(tx, &local(), &within, now)?;
            }
            assert_eq!(review.uncounted(&page.lines), [], "each is counted once");
            review.fill(&mut page.lines);
            Ok(page.lines)
        });
        let told = |line: certhold_domain::access::review::Line| (line.action, line.reach, line.certificates);
        lines.unwrap().into_iter().map(told).collect::<Vec<_>>()
    };
    let named = |id: ContainerId, name: &str| Reach::Container(id, name.into());
    let gone = ContainerId(9_876);
    assert_eq!(
        review(keepers, None),
        [
            (READ, named(mail, "Mail"), Some(1)),
            // Only between roles that are held: hers and nobody's.
            (paths::STORES_CHANGE_OWNER, named(web, "Web"), Some(1)),
            (paths::STORES_CHANGE_OWNER, named(gone, ""), Some(0)),
        ]
    );
    assert_eq!(
        review(area, None),
        [
            // Through the containers that requests name, of whatever owner.
            (READ, Reach::Stores, Some(3)),
            (paths::STORES_CHANGE_OWNER, Reach::Stores, Some(3)),
        ]
    );
    assert_eq!(review(keepers, Some(paths::STORES_READ)), [(paths::STORES_READ, named(mail, "Mail"), Some(1))]);
    assert_eq!(review(area, Some(paths::STORES_READ)), [(paths::STORES_READ, Reach::Stores, Some(4))]);
    // What is given up stays without a number, and takes no other with it.
    let filter = Filter { role: Some(keepers), ..Filter::default() };
    let lines = world
        .read(move |tx| {
            let review = Review::begin(tx, &local(), filter)?;
            let mut page = review.page(tx, &local(), None, 100)?;
            let wanted = review.uncounted(&page.lines);
            review.give_up(&wanted[0]);
            review.count(tx, &local(), &wanted[1], START)?;
            review.fill(&mut page.lines);
            Ok(page.lines)
        })
        .unwrap();
    assert_eq!(lines.iter().filter(|line| line.certificates.is_some()).count(), 1);
}
