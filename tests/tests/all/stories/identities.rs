//! Identity providers, without HTTP: what their word is worth, and whose account it is.

use certhold_domain::access::roles;
use certhold_domain::access::{AccessCache, ClaimKey, ClaimType, claims, paths};
use certhold_domain::events::{self, EventFilter};
use certhold_domain::identity_providers::{
    self as providers, ClaimMapping, NewExternalAccount, ProviderChange, ProviderCommand, Verified,
};
use certhold_domain::people::{self, NewApiClient, NewToken, PrincipalKind};
use certhold_domain::{Actor, ActorKind, ClaimId, Face, IdentityProviderId, Refusal, RoleId, access, limits};

use super::renewing::local;
use super::world::World;

const ISSUER: &str = "https://sso.example.org/realms/corporate";

fn change() -> ProviderChange {
    ProviderChange {
        display_name: String::new(),
        audiences: vec!["certhold".into()],
        mapping: ClaimMapping::default(),
        roots: None,
        enabled: true,
    }
}

fn command(world: &World, name: &str, issuer: &str) -> ProviderCommand {
    ProviderCommand { name: name.into(), issuer: issuer.into(), rest: change(), uuid: world.uuid() }
}

pub(super) fn provider(world: &World) -> IdentityProviderId {
    let command = command(world, "Corporate", ISSUER);
    world.write(move |tx, now| providers::create(tx, &local(), &command, now)).unwrap()
}

/// What a verified token says, at the revision that the provider has now.
fn verified(world: &World, subject: &str, said: &[(ClaimType, &str)]) -> Verified {
    let trusted = world.read(|tx| providers::trusted(tx, ISSUER)).unwrap().unwrap();
    let claim =
        |(kind, value): &(ClaimType, &str)| ClaimKey { kind: *kind, value: (*value).into(), provider: trusted.name.clone() };
    Verified {
        provider: trusted.id,
        revision: trusted.revision,
        scheme: trusted.name.clone(),
        issuer: trusted.issuer.clone(),
        subject: subject.into(),
        kind: PrincipalKind::Person,
        display_name: "Kim".into(),
        claims: said.iter().map(claim).collect(),
        expires_at: world.now() + 60_000,
    }
}

fn claim(world: &World, kind: ClaimType, value: &str, role: RoleId) -> ClaimId {
    let key = ClaimKey { kind, value: value.into(), provider: "Corporate".into() };
    world
        .write(move |tx, now| {
            let id = claims::create(tx, &local(), &key, "", now)?;
            claims::assign(tx, &local(), id, role, now)?;
            Ok(id)
        })
        .unwrap()
}

/// As a face does with every request.
fn comes(world: &World, verified: &Verified) -> Result<Actor, Refusal> {
    let (asked, admitted, known, now, uuid) = (verified.clone(), verified.clone(), verified.clone(), world.now(), world.uuid());
    if world.read(move |tx| providers::is_to_be_admitted(tx, &asked, now)).unwrap() {
        let anonymous = Actor::anonymous(Face::Keyfactor, "anonymous", "request-1", "192.0.2.1");
        world.write(move |tx, now| providers::admit(tx, &anonymous, &admitted, uuid, now)).map_err(refusal)?;
    }
    let actor = world.read(move |tx| providers::actor_of_external(tx, &AccessCache::default(), &known, Face::Keyfactor));
    actor.map_err(refusal)
}

fn refusal(error: certhold_domain::Error) -> Refusal {
    error.refusal().unwrap_or_else(|| panic!("{error}")).clone()
}

fn may(world: &World, actor: &Actor, path: &'static str) -> bool {
    let actor = actor.clone();
    world.read(move |tx| access::allows(tx, &actor, path)).unwrap()
}

pub fn somebody_is_one_account_for_good(world: &World) {
    let id = provider(world);
    let role = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let given = claim(world, ClaimType::OauthRole, "readers", role);

    // Whoever holds nothing leaves nothing behind.
    let events = world.events();
    let nobody = comes(world, &verified(world, "stranger", &[(ClaimType::OauthRole, "others")])).unwrap();
    assert_eq!((nobody.id, nobody.name.as_str()), (None, "Corporate\\stranger"));
    assert!(!may(world, &nobody, paths::CERTIFICATES_READ));
    assert_eq!(world.events(), events);

    let says = [(ClaimType::OauthRole, "others"), (ClaimType::OauthRole, "readers")];
    let kim = comes(world, &verified(world, "7", &says)).unwrap();
    assert_eq!((kim.kind, kim.name.as_str()), (ActorKind::Person, "Corporate\\7"));
    assert!(may(world, &kim, paths::CERTIFICATES_READ) && !may(world, &kim, paths::CERTIFICATES_IMPORT));
    let log = world.read(|tx| events::list(tx, &local(), &EventFilter { limit: 3, ..EventFilter::default() })).unwrap().events;
    let told: Vec<&str> = log.iter().map(|event| event.operation.as_str()).collect();
    assert_eq!(told, ["sign_in.succeeded", "principal.identity_linked", "principal.created"]);
    assert_eq!(log[0].actor, kim.id);
    assert_eq!((log[1].actor_kind, &log[1].payload["after"]["subject"]), (ActorKind::System, &serde_json::json!("7")));

    // The same subject is the same account; it is recorded once an hour.
    let events = world.events();
    let mut again = verified(world, "7", &says);
    again.display_name = "Somebody else".into();
    assert_eq!(comes(world, &again).unwrap().id, kim.id);
    assert_eq!(world.events(), events);
    world.pass(limits::SIGN_IN_QUIET_MS);
    assert_eq!(comes(world, &again).unwrap().id, kim.id);
    assert_eq!(world.events(), events + 1);
    // Subjects are compared to the letter, and names of accounts are not.
    let upper = comes(world, &verified(world, "KIM", &says)).unwrap();
    let lower = comes(world, &verified(world, "kim", &says)).unwrap();
    assert_ne!(upper.id, lower.id);
    assert_eq!(upper.name, "Corporate\\KIM");
    assert!(lower.name.starts_with("Corporate\\") && lower.name.len() == "Corporate\\".len() + 32, "{}", lower.name);
    let odd = comes(world, &verified(world, "\u{202e}pаypal ", &says)).unwrap();
    assert!(odd.name.is_ascii(), "{}", odd.name);

    // A claim that is not made does not count any more; one that lost its role does not either, also for whoever is under way.
    let before = comes(world, &verified(world, "7", &[])).unwrap();
    assert_eq!(before.id, kim.id);
    assert!(!may(world, &before, paths::CERTIFICATES_READ));
    world.write(move |tx, now| claims::withdraw(tx, &local(), given, role, now)).unwrap();
    assert!(!may(world, &kim, paths::CERTIFICATES_READ));
    world.write(move |tx, now| claims::assign(tx, &local(), given, role, now)).unwrap();

    // Roles of the account itself count beside.
    let importers = world.role("Importers", &[paths::CERTIFICATES_IMPORT]);
    let account = kim.id.unwrap();
    world.write(move |tx, now| roles::assign(tx, &local(), importers, account, now)).unwrap();
    assert!(may(world, &comes(world, &verified(world, "7", &[])).unwrap(), paths::CERTIFICATES_IMPORT));

    // A disabled account holds nothing, and stays so when the provider is configured anew.
    world.write(move |tx, now| people::set_disabled(tx, &local(), account, true, now)).unwrap();
    assert!(matches!(comes(world, &verified(world, "7", &says)), Err(Refusal::Unauthenticated(_))));
    assert!(!may(world, &kim, paths::CERTIFICATES_READ), "whoever is under way, too");
    world.write(move |tx, now| providers::remove(tx, &local(), id, now)).unwrap();
    assert!(world.read(|tx| providers::trusted(tx, ISSUER)).unwrap().is_none());
    let account_now = world.read(move |tx| people::get(tx, &local(), account)).unwrap();
    assert_eq!(account_now.provider.as_deref(), Some(ISSUER), "by whose word it was known is not forgotten");
    provider(world);
    assert!(matches!(comes(world, &verified(world, "7", &says)), Err(Refusal::Unauthenticated(_))));
    assert_eq!(comes(world, &verified(world, "KIM", &says)).unwrap().id, upper.id);
    world.intact();
}

pub fn an_account_of_a_provider_has_no_credentials_here(world: &World) {
    let id = provider(world);
    let new = |subject: &str, kind| NewExternalAccount {
        subject: subject.into(),
        kind,
        display_name: "Robot".into(),
        uuid: world.uuid(),
    };
    let person = new("7", PrincipalKind::Person);
    let person = world.write(move |tx, now| providers::create_account(tx, &local(), id, &person, now)).unwrap();
    let robot = new("8", PrincipalKind::Service);
    let robot = world.write(move |tx, now| providers::create_account(tx, &local(), id, &robot, now)).unwrap();
    let again = new("8", PrincipalKind::Service);
    assert!(matches!(
        world.refused(move |tx, now| providers::create_account(tx, &local(), id, &again, now)),
        Refusal::Conflict(_)
    ));
    for wrong in ["", "a\u{0}", &"x".repeat(limits::SUBJECT_BYTES + 1)] {
        let wrong = new(wrong, PrincipalKind::Person);
        let refused = world.refused(move |tx, now| providers::create_account(tx, &local(), id, &wrong, now));
        assert!(matches!(refused, Refusal::Invalid { field: "subject", .. }), "{refused}");
    }
    let listed = world.read(move |tx| providers::accounts_of(tx, &local(), id)).unwrap();
    assert_eq!(listed.iter().map(|one| (one.id, one.subject.as_str())).collect::<Vec<_>>(), [(robot, "8"), (person, "7")]);
    assert_eq!(comes(world, &verified(world, "8", &[])).unwrap().id, Some(robot), "made before they come");
    let themselves = comes(world, &verified(world, "7", &[])).unwrap();

    for (actor, account) in [(local(), robot), (local(), person), (themselves, person)] {
        let by = actor.clone();
        let token = NewToken {
            principal: account,
            name: "x".into(),
            hash: [7; 32],
            hint: "cht_x".into(),
            scopes: vec!["/".into()],
            expires_at: None,
        };
        let refused = world.refused(move |tx, now| people::create_token(tx, &by, &token, now));
        assert!(matches!(&refused, Refusal::Conflict(why) if why.contains("Corporate")), "{refused}");
        let client = NewApiClient {
            principal: account,
            name: "x".into(),
            client_id: "chc_x".into(),
            secret_hash: [7; 32],
            scopes: vec!["/".into()],
        };
        let refused = world.refused(move |tx, now| people::create_client(tx, &actor, &client, now));
        assert!(matches!(refused, Refusal::Conflict(_)), "{refused}");
    }
    let hash = people::Password::from("a long password".to_owned()).hash(&world.entropy).unwrap();
    let refused = world.refused(move |tx, now| people::set_password(tx, &local(), person, &hash, now));
    assert!(matches!(refused, Refusal::Conflict(_)), "{refused}");
}

pub fn whoever_speaks_through_a_provider_hands_out_its_rights(world: &World) {
    let id = provider(world);
    let readers = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let importers = world.role("Importers", &[paths::CERTIFICATES_IMPORT]);
    claim(world, ClaimType::OauthRole, "importers", importers);
    let keeper = world.role("Keepers", &[paths::IDENTITY_PROVIDERS_MODIFY, paths::SECURITY_MODIFY, paths::CERTIFICATES_READ]);
    let keeper = world.somebody("keeper", &[keeper, readers]);
    let narrow = world.role("Narrow", &[paths::IDENTITY_PROVIDERS_MODIFY]);
    let narrow = world.somebody("narrow", &[narrow]);

    // Whose claims bring what one does not hold is not one's to change, to take over by its name, or to remove.
    let other = ProviderChange { audiences: vec!["other".into()], ..change() };
    for actor in [&keeper, &narrow] {
        let (by, wanted) = (actor.clone(), other.clone());
        let refused = world.refused(move |tx, now| providers::update(tx, &by, id, &wanted, now));
        assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
        let by = actor.clone();
        assert!(matches!(world.refused(move |tx, now| providers::remove(tx, &by, id, now)), Refusal::Forbidden { .. }));
    }
    world.write(move |tx, now| providers::remove(tx, &local(), id, now)).unwrap();
    for actor in [&keeper, &narrow] {
        let (by, wanted) = (actor.clone(), command(world, "Corporate", "https://evil.example"));
        let refused = world.refused(move |tx, now| providers::create(tx, &by, &wanted, now));
        assert!(matches!(refused, Refusal::Forbidden { .. }), "claims wait for whoever takes the name: {refused}");
    }
    // One that nothing is held through may be configured by whoever holds the right alone.
    let (by, wanted) = (narrow.clone(), command(world, "Partner", "https://partner.example"));
    let partner = world.write(move |tx, now| providers::create(tx, &by, &wanted, now)).unwrap();
    let (by, wanted) = (narrow.clone(), other.clone());
    world.write(move |tx, now| providers::update(tx, &by, partner, &wanted, now)).unwrap();
    // An account that is known through it is worth what it holds.
    let account =
        NewExternalAccount { subject: "7".into(), kind: PrincipalKind::Person, display_name: String::new(), uuid: world.uuid() };
    let account = world.write(move |tx, now| providers::create_account(tx, &local(), partner, &account, now)).unwrap();
    world.write(move |tx, now| roles::assign(tx, &local(), importers, account, now)).unwrap();
    for actor in [&keeper, &narrow] {
        let by = actor.clone();
        assert!(matches!(
            world.refused(move |tx, now| providers::update(tx, &by, partner, &change(), now)),
            Refusal::Forbidden { .. }
        ));
    }
    world.write(move |tx, now| roles::withdraw(tx, &local(), importers, account, now)).unwrap();
    world.write(move |tx, now| providers::update(tx, &narrow, partner, &change(), now)).unwrap();
    world.refused(move |tx, _| providers::list(tx, &keeper).map(|_| ()));
}

pub fn what_a_provider_says_of_an_account_is_not_above_whoever_disables_it(world: &World) {
    let id = provider(world);
    let importers = world.role("Importers", &[paths::CERTIFICATES_IMPORT]);
    claim(world, ClaimType::OauthRole, "importers", importers);
    let keepers = world.role("Keepers", &[paths::SECURITY_MODIFY, paths::SECURITY_READ, paths::IDENTITY_PROVIDERS_READ]);
    let keeper = world.somebody("keeper", &[keepers]);
    let mallory = comes(world, &verified(world, "mallory", &[(ClaimType::OauthRole, "importers")])).unwrap().id.unwrap();
    let new = |subject: &str| NewExternalAccount {
        subject: subject.into(),
        kind: PrincipalKind::Person,
        display_name: String::new(),
        uuid: world.uuid(),
    };

    // Nothing is assigned to the account itself, and still it is not theirs: neither as it is, nor before its owner comes.
    let set = |by: &Actor, disabled: bool| {
        let by = by.clone();
        world.refused(move |tx, now| people::set_disabled(tx, &by, mallory, disabled, now))
    };
    assert!(matches!(set(&keeper, true), Refusal::Forbidden { .. }));
    world.write(move |tx, now| people::set_disabled(tx, &local(), mallory, true, now)).unwrap();
    assert!(matches!(set(&keeper, false), Refusal::Forbidden { .. }));
    let (by, wanted) = (keeper.clone(), new("ana"));
    let refused = world.refused(move |tx, now| providers::create_account(tx, &by, id, &wanted, now));
    assert!(matches!(refused, Refusal::Forbidden { .. }), "{refused}");
    // Nor while the provider is gone, or has come back under another name.
    world.write(move |tx, now| providers::remove(tx, &local(), id, now)).unwrap();
    assert!(matches!(set(&keeper, false), Refusal::Forbidden { .. }));
    let other = command(world, "Company", ISSUER);
    let other = world.write(move |tx, now| providers::create(tx, &local(), &other, now)).unwrap();
    assert!(matches!(set(&keeper, false), Refusal::Forbidden { .. }));

    // Whoever holds what claims bring may.
    let holder = world.somebody("holder", &[keepers, importers]);
    for disabled in [false, true] {
        let by = holder.clone();
        world.write(move |tx, now| people::set_disabled(tx, &by, mallory, disabled, now)).unwrap();
    }
    let (by, wanted) = (holder, new("ana"));
    world.write(move |tx, now| providers::create_account(tx, &by, other, &wanted, now)).unwrap();
    world.intact();
}

pub fn accounts_of_an_issuer_are_known_by_the_same_members_for_good(world: &World) {
    let id = provider(world);
    let role = world.role("Readers", &[paths::CERTIFICATES_READ]);
    claim(world, ClaimType::OauthRole, "readers", role);
    // Among hundreds of things that a token says, what counts is found.
    let said: Vec<String> = (0..300).map(|number| format!("other {number}")).chain(["readers".to_owned()]).collect();
    let said: Vec<(ClaimType, &str)> = said.iter().map(|value| (ClaimType::OauthRole, value.as_str())).collect();
    let nobody = comes(world, &verified(world, "8", &said[..300])).unwrap();
    assert_eq!((nobody.id, may(world, &nobody, paths::CERTIFICATES_READ)), (None, false));
    let kim = comes(world, &verified(world, "7", &said)).unwrap();
    assert!(may(world, &kim, paths::CERTIFICATES_READ) && !may(world, &kim, paths::CERTIFICATES_IMPORT));
    assert_eq!(kim.claims.len(), 1, "and nothing else is kept");

    world.write(move |tx, now| providers::remove(tx, &local(), id, now)).unwrap();
    let mut other = command(world, "Corporate", ISSUER);
    other.rest.mapping.subject = vec!["email".into()];
    let refused = world.refused(move |tx, now| providers::create(tx, &local(), &other, now));
    assert!(matches!(&refused, Refusal::Invalid { field: "subject_claims", message } if message.contains("sub")), "{refused}");
    provider(world);
    assert_eq!(comes(world, &verified(world, "7", &said)).unwrap().id, kim.id);
    world.intact();
}

pub fn a_provider_is_checked_and_its_revision_counts(world: &World) {
    let id = provider(world);
    let role = world.role("Readers", &[paths::CERTIFICATES_READ]);
    claim(world, ClaimType::OauthSubject, "7", role);
    let earlier = verified(world, "7", &[(ClaimType::OauthSubject, "7")]);
    comes(world, &earlier).unwrap();
    let events = world.events();
    world
        .write(move |tx, now| {
            providers::update(tx, &local(), id, &ProviderChange { display_name: "Corporate".into(), ..change() }, now)
        })
        .unwrap();
    assert_eq!(world.events(), events, "nothing changed");
    assert!(comes(world, &earlier).is_ok());
    let named = ProviderChange { display_name: "The company".into(), ..change() };
    world.write(move |tx, now| providers::update(tx, &local(), id, &named, now)).unwrap();
    assert!(matches!(comes(world, &earlier), Err(Refusal::Unauthenticated(_))), "held against an earlier revision");
    assert!(comes(world, &verified(world, "7", &[(ClaimType::OauthSubject, "7")])).is_ok());

    // By what accounts are known stays while there are any.
    let mapping = ClaimMapping { subject: vec!["email".into()], ..ClaimMapping::default() };
    let other = ProviderChange { mapping, ..change() };
    let refused = world.refused(move |tx, now| providers::update(tx, &local(), id, &other, now));
    assert!(matches!(refused, Refusal::Invalid { field: "subject_claims", .. }), "{refused}");

    let certificate = rcgen::generate_simple_self_signed(vec!["root.example.org".into()]).unwrap();
    let key = certificate.signing_key.serialize_pem();
    type Broken = fn(&mut ProviderCommand);
    let wrong: [(&str, Broken); 9] = [
        ("name", |command| command.name = String::new()),
        ("name", |command| command.name = "certhold".into()),
        ("name", |command| command.name = "\u{0421}erth\u{043e}ld".into()),
        ("issuer", |command| command.issuer = "http://sso.example.org".into()),
        ("audiences", |command| command.rest.audiences = vec![" ".into()]),
        ("audiences", |command| command.rest.audiences = (0..50).map(|number| number.to_string()).collect()),
        ("subject_claims", |command| command.rest.mapping.subject.clear()),
        ("roots", |command| command.rest.roots = Some("no certificate".into())),
        ("display_name", |command| command.rest.display_name = "a\u{202e}b".into()),
    ];
    for (field, broken) in wrong {
        let mut command = command(world, "Partner", "https://partner.example");
        broken(&mut command);
        let refused = world.refused(move |tx, now| providers::create(tx, &local(), &command, now));
        assert!(matches!(refused, Refusal::Invalid { field: told, .. } if told == field), "{field}: {refused}");
    }
    let mut with_key = command(world, "Partner", "https://partner.example");
    with_key.rest.roots = Some(certificate.cert.pem() + &key);
    let refused = world.refused(move |tx, now| providers::create(tx, &local(), &with_key, now));
    assert!(matches!(refused, Refusal::Invalid { field: "roots", .. }), "a private key is none of ours: {refused}");
    for (name, issuer) in [("CORPORATE", "https://partner.example"), ("Partner", ISSUER)] {
        let taken = command(world, name, issuer);
        assert!(matches!(world.refused(move |tx, now| providers::create(tx, &local(), &taken, now)), Refusal::Conflict(_)));
    }
    let mut fine = command(world, "Partner", "https://partner.example/");
    fine.rest.roots = Some(certificate.cert.pem());
    let partner = world.write(move |tx, now| providers::create(tx, &local(), &fine, now)).unwrap();
    let names = |all: Vec<String>| all.join(" ");
    let listed = world.read(|tx| providers::list(tx, &local())).unwrap();
    assert_eq!(names(listed.into_iter().map(|one| one.name).collect()), "Corporate Partner");
    let off = ProviderChange { enabled: false, ..change() };
    world.write(move |tx, now| providers::update(tx, &local(), id, &off, now)).unwrap();
    let enabled = world.read(providers::enabled).unwrap();
    assert_eq!(names(enabled.into_iter().map(|one| one.name).collect()), "Partner");
    for issuer in [ISSUER, "a\u{0}b", ""] {
        assert!(world.read(move |tx| providers::trusted(tx, issuer)).unwrap().is_none(), "{issuer:?}");
    }
    assert!(world.read(|tx| providers::trusted(tx, "https://partner.example")).unwrap().is_none(), "to the letter");
    assert_eq!(world.read(|tx| providers::trusted(tx, "https://partner.example/")).unwrap().unwrap().id, partner);
    let missing = IdentityProviderId(987_654);
    assert!(matches!(world.refused(move |tx, _| providers::get(tx, &local(), missing).map(|_| ())), Refusal::NotFound { .. }));
}
