//! Managed certificates of private authorities: who may have them, what they are held against, and what becomes of them.

use certhold_domain::access::paths;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{self, OwnerRule, OwnerTerms, PartRule, PatternCommand, Rules, Under};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::jobs::{self, JobKind, Lease};
use certhold_domain::metadata::{self, Change, Enrolment, FieldCommand, FieldType};
use certhold_domain::named::{self, RenewBy, RenewedBy};
use certhold_domain::ownership::{self, ChangeOwner};
use certhold_domain::private_ca::{self, Profile, SignedEnrolment};
use certhold_domain::renewal::deployment::{self, DeploymentSettings};
use certhold_domain::renewal::managed::{self, Health, NewManaged};
use certhold_domain::renewal::order::{self, Failure};
use certhold_domain::renewal::{Cause, FailureClass, IssueBy, IssuedBy, KeyKind, PrivatePlan, private};
use certhold_domain::{Actor, AuthorityId, CertificateId, LineageId, PatternId, Refusal, Result, RoleId};
use certhold_pki::verify_signed_by;

use super::enrolling::{create as create_pattern, facts, pattern, said, update};
use super::issuing::{hands, local, make, wanted};
use super::naming::{get as named_entry, identity};
use super::renewing::{claim, state, worker};
use super::world::{DAY, World};

pub fn plan(under: Under, names: &[&str]) -> NewManaged {
    NewManaged {
        name: String::new(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        by: IssueBy::Private(PrivatePlan { under, authority: None, subject: None, days: None, metadata: Vec::new() }),
        key_kind: None,
        reuse_key: false,
        owner: None,
        adopt: None,
    }
}

/// The plan with a change of what is asked of the authority.
pub fn with(mut command: NewManaged, change: impl FnOnce(&mut PrivatePlan)) -> NewManaged {
    if let IssueBy::Private(plan) = &mut command.by {
        change(plan);
    }
    command
}

pub fn create(world: &World, actor: &Actor, command: NewManaged) -> Result<LineageId> {
    let actor = actor.clone();
    world.write(move |tx, now| managed::create(tx, &actor, &command, now))
}

pub fn refuse(world: &World, actor: &Actor, command: NewManaged) -> Refusal {
    let actor = actor.clone();
    world.refused(move |tx, now| managed::create(tx, &actor, &command, now))
}

/// What the worker does until the version is signed.
pub fn sign(world: &World, lineage: LineageId) -> Result<SignedEnrolment> {
    let now = world.now();
    let draft = world.read(move |tx| private::draft(tx, &worker(), lineage, now))?.expect("something to issue");
    draft.sign(hands(world), now)
}

pub fn complete(world: &World, lease: Lease, signed: SignedEnrolment) -> Result<Option<CertificateId>> {
    world.write(move |tx, now| private::complete(tx, &worker(), &lease, &signed, now))
}

/// What the worker does with the job of a managed certificate.
pub fn issue(world: &World, lineage: LineageId) -> CertificateId {
    let lease = claim_one(world, lineage);
    let signed = sign(world, lineage).unwrap();
    complete(world, lease, signed).unwrap().expect("nothing was changed meanwhile")
}

pub fn claim_one(world: &World, lineage: LineageId) -> Lease {
    let lease = claim(world, JobKind::Renew);
    assert_eq!(lease.object, lineage.0);
    lease
}

/// What the worker does when it is refused.
pub fn fail(world: &World, lineage: LineageId) -> String {
    let lease = claim_one(world, lineage);
    let sentence = said(sign(world, lineage));
    let failure = Failure {
        class: FailureClass::Rejected,
        cause: Some(Cause::Rules),
        sentence: sentence.clone(),
        detail: None,
        retry_after: None,
        order_lost: false,
    };
    world.write(move |tx, now| order::fail(tx, &worker(), &lease, None, &failure, now)).unwrap();
    sentence
}

pub fn renew_now(world: &World, lineage: LineageId) {
    world.write(move |tx, now| managed::renew_now(tx, &local(), lineage, now)).unwrap();
}

pub fn summary(world: &World, id: CertificateId) -> inventory::Summary {
    world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap()
}

pub fn issuing(world: &World) -> (AuthorityId, AuthorityId) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    (root, make(world, wanted("Example Issuing", Some(root))).unwrap())
}

/// Somebody who may manage and enrol.
pub fn kim(world: &World) -> (Actor, RoleId) {
    let web =
        world.role("Web", &["/renewal/", paths::ENROLLMENT_PFX, paths::CERTIFICATES_READ, paths::CERTIFICATES_CHANGE_OWNER]);
    (world.somebody("kim", &[web]), web)
}

pub fn a_private_authority_issues_and_renews(world: &World) {
    let (_, authority) = issuing(world);
    let (kim, web) = kim(world);
    let note = FieldCommand::new("Team", FieldType::String);
    world.write(move |tx, now| metadata::create(tx, &local(), &note, now)).unwrap();
    let id = create_pattern(
        world,
        PatternCommand {
            rules: Rules { days: Some(30), ..pattern("x", authority, &[]).rules },
            ..pattern("Databases", authority, &[web])
        },
    );
    let command = with(plan(Under::Pattern(id), &["DB1.internal", "ip:192.0.2.7", "uri:spiffe://internal/db1"]), |plan| {
        plan.subject = Some("CN=db1.internal, O=Example".into());
        plan.metadata = vec![Change::new("Team", "Storage")];
    });
    let lineage = create(world, &kim, NewManaged { owner: Some(web), ..command }).unwrap();
    let made = state(world, lineage);
    assert_eq!(made.names, ["db1.internal", "192.0.2.7", "uri:spiffe://internal/db1"]);
    assert_eq!((made.name.as_str(), made.key_kind, made.health(world.now())), ("db1.internal", KeyKind::P256, Health::Renewing));
    let IssuedBy::Private { authority: by, template, pattern, subject, days } = &made.by else { panic!("{made:?}") };
    assert_eq!((by, *template, *days), (&(authority, "Example Issuing".to_owned()), Profile::Server, None));
    assert_eq!((pattern.as_ref().map(|one| one.0), subject.as_deref()), (Some(id), Some("CN=db1.internal,O=Example")));
    assert_eq!(made.by.authority(), Some(authority));
    assert!(world.read(move |tx| order::work(tx, &worker(), lineage)).unwrap().is_none(), "nothing is asked over ACME");
    let settings = DeploymentSettings { full_chain: Some("/srv/tls/db1.pem".into()), ..Default::default() };
    let files = world.write(move |tx, now| deployment::create(tx, &local(), lineage, "files", &settings, now)).unwrap();

    let first = issue(world, lineage);
    let after = state(world, lineage);
    assert_eq!((after.current, after.versions, after.health(world.now())), (Some(first), 1, Health::Good));
    let held = world.read(move |tx| inventory::get_whole(tx, &local(), first, Scope::everywhere(0))).unwrap();
    assert_eq!(held.metadata, [("Team".to_owned(), "Storage".to_owned())]);
    let issuance = held.issuance.unwrap();
    assert_eq!((issuance.authority_id, issuance.pattern, issuance.template), (authority, Some(id), Some(Profile::Server)));
    let summary_of_first = held.certificate.summary;
    assert_eq!((&summary_of_first.owner, summary_of_first.has_key), (&Some((web, "Web".into())), true));
    assert_eq!(summary_of_first.lineage, Some((lineage, 1)));
    assert_eq!(summary_of_first.not_after, world.now() + 30 * DAY - 1_000);
    let above = world.read(move |tx| inventory::chain(tx, &local(), first)).unwrap();
    assert_eq!(above.len(), 2);
    verify_signed_by(&held.certificate.der, &above[0].der).unwrap();
    let lease = claim(world, JobKind::Deploy);
    assert_eq!(world.read(move |tx| deployment::installation(tx, files)).unwrap().unwrap().certificate, first);
    world.write(move |tx, now| deployment::complete(tx, &worker(), &lease, first, "1 file", now)).unwrap();

    // Renewed in time, for a new key; owner and notes are those of the version before.
    let mail = world.role("Mail", &[]);
    let handed = ChangeOwner { certificate: first, scope: ownership::Scope::default(), to: Some(mail) };
    world.write(move |tx, now| ownership::change(tx, &local(), &handed, now)).unwrap();
    let noted = metadata::SetMetadata { certificate: first, collection: None, changes: vec![Change::new("Team", "Databases")] };
    world.write(move |tx, now| metadata::set(tx, &local(), &noted, now)).unwrap();
    assert_eq!(world.write(|tx, now| managed::enqueue_due(tx, now, 100)).unwrap(), 0, "not yet");
    let renew_at = after.renew_at.unwrap();
    assert!((19 * DAY..=22 * DAY).contains(&(renew_at - world.now())));
    world.pass(renew_at - world.now());
    assert_eq!(world.write(|tx, now| managed::enqueue_due(tx, now, 100)).unwrap(), 1);
    let second = issue(world, lineage);
    let next = summary(world, second);
    assert_eq!((next.owner, next.lineage), (Some((mail, "Mail".into())), Some((lineage, 2))));
    assert_ne!(facts(world, first).spki_sha256, facts(world, second).spki_sha256);
    assert_eq!(facts(world, first).names, facts(world, second).names);
    let held = world.read(move |tx| metadata::of(tx, &local(), second)).unwrap();
    assert_eq!(held.iter().map(|held| held.value.as_str()).collect::<Vec<_>>(), ["Databases"]);
    assert_eq!(claim(world, JobKind::Deploy).object, files.0);
    let log = world.read(move |tx| managed::log(tx, &local(), lineage, 100)).unwrap();
    let completed: Vec<_> = log.iter().filter(|event| event.operation == "renewal.completed").collect();
    assert_eq!((completed.len(), completed[0].payload["replaces"].as_i64()), (2, Some(first.0)));
    assert_eq!(completed[0].payload["authority"].as_i64(), Some(authority.0));
    let issued = world.read(move |tx| inventory::history_in(tx, &local(), second, Scope::everywhere(0), None, 50)).unwrap();
    let issued = issued.events.into_iter().find(|event| event.operation == "certificate.issued").unwrap();
    assert_eq!((issued.payload["managed"].as_i64(), issued.payload["renews"].as_i64()), (Some(lineage.0), Some(first.0)));
    assert!(world.intact().intact());
}

pub fn what_enrolment_refuses_is_not_managed(world: &World) {
    let (_, authority) = issuing(world);
    let (kim, web) = kim(world);
    let rules = Rules {
        keys: vec![KeyKind::P384],
        wildcards: false,
        key_reuse: false,
        rfc: true,
        most_days: Some(60),
        days: Some(20),
        parts: vec![PartRule {
            part: "DNS".into(),
            regex: r"\.internal$".into(),
            message: "Internal names only.".into(),
            ..PartRule::default()
        }],
        ..Rules::default()
    };
    let id = create_pattern(world, PatternCommand { rules, ..pattern("Databases", authority, &[web]) });
    let by_pattern = |names: &[&str]| plan(Under::Pattern(id), names);
    let refused = |who: &Actor, command| refuse(world, who, command);

    // Both rights, and a role that may use the pattern.
    let planner = world.somebody("planner", &[world.role("Planners", &["/renewal/"])]);
    let enroller = world.somebody("enroller", &[world.role("Enrollers", &[paths::ENROLLMENT_PFX])]);
    let stranger = world.somebody("stranger", &[world.role("Strangers", &["/renewal/", paths::ENROLLMENT_PFX])]);
    for (who, missing) in [(&planner, paths::ENROLLMENT_PFX), (&enroller, paths::RENEWAL_MODIFY)] {
        let refusal = refused(who, by_pattern(&["db1.internal"]));
        assert!(matches!(&refusal, Refusal::Forbidden { missing: paths, .. } if *paths == [missing]), "{refusal}");
    }
    for pattern in [id, PatternId(4_711)] {
        let refusal = refused(&stranger, plan(Under::Pattern(pattern), &["db1.internal"]));
        assert!(refusal.to_string().contains("none of the roles"), "{refusal}");
    }
    // Every rule of the pattern.
    let with_days = |days| with(by_pattern(&["db1.internal"]), |plan| plan.days = Some(days));
    let house = world.role("House", &[]);
    for (command, words) in [
        (by_pattern(&[]), "needs at least one host name"),
        (by_pattern(&["db1.example.com"]), "Internal names only."),
        (by_pattern(&["*.internal"]), "no wildcards"),
        (by_pattern(&["a b"]), "names"),
        (NewManaged { key_kind: Some(KeyKind::P256), ..by_pattern(&["db1.internal"]) }, "not among the keys"),
        (NewManaged { reuse_key: true, ..by_pattern(&["db1.internal"]) }, "no key twice"),
        (with_days(61), "lives 1 to 60 days"),
        (with_days(0), "lives 1 to 60 days"),
        (NewManaged { owner: Some(house), ..by_pattern(&["db1.internal"]) }, "role of the new owner"),
        (with(by_pattern(&["db1.internal"]), |plan| plan.authority = Some(AuthorityId(1))), "this pattern issues from"),
        (
            with(by_pattern(&["db1.internal"]), |plan| plan.subject = Some("CN=other.internal, CN=b".into())),
            "more than one common name",
        ),
        (with(by_pattern(&["db1.internal"]), |plan| plan.metadata = vec![Change::new("Nothing", "x")]), "Nothing"),
        (plan(Under::Template(Profile::Server), &["db1.internal"]), "no default enrolment pattern"),
    ] {
        let refusal = refused(&kim, command);
        assert!(refusal.to_string().contains(words), "{words} in {refusal}");
    }
}

pub fn what_a_pattern_asks_is_asked_at_the_beginning(world: &World) {
    let (_, authority) = issuing(world);
    let (kim, web) = kim(world);
    let house = world.role("House", &[]);
    let rules = Rules { keys: vec![KeyKind::P384], days: Some(20), ..pattern("x", authority, &[]).rules };
    let id = create_pattern(world, PatternCommand { rules, ..pattern("Databases", authority, &[web]) });
    let by_pattern = |names: &[&str]| plan(Under::Pattern(id), names);
    let refused = |who: &Actor, command| refuse(world, who, command);
    update(world, id, |command| command.owner = OwnerTerms { policy: OwnerRule::Required, ..OwnerTerms::default() });
    assert!(refused(&kim, by_pattern(&["db1.internal"])).to_string().contains("name one"));
    update(world, id, |command| {
        command.owner = OwnerTerms { policy: OwnerRule::Hidden, default: Some(house), overridable: false }
    });
    let required = FieldCommand { enrolment: Enrolment::Required, ..FieldCommand::new("Team", FieldType::String) };
    world.write(move |tx, now| metadata::create(tx, &local(), &required, now)).unwrap();
    assert!(refused(&kim, by_pattern(&["db1.internal"])).to_string().contains("Team"));
    update(world, id, |command| command.rules.kinds.pfx = false);
    assert!(refused(&kim, by_pattern(&["db1.internal"])).to_string().contains("issues nothing with a key that is made here"));
    update(world, id, |command| command.rules.kinds.pfx = true);
    // What fits is taken: the pattern decides key, life and owner.
    let fitting = with(by_pattern(&["db1.internal"]), |plan| plan.metadata = vec![Change::new("Team", "Storage")]);
    let lineage = create(world, &kim, fitting.clone()).unwrap();
    let made = state(world, lineage);
    assert_eq!((made.key_kind, made.owner), (KeyKind::P384, Some((house, "House".into()))));
    assert!(matches!(refused(&kim, fitting), Refusal::Conflict(_)), "a name once");
    let first = issue(world, lineage);
    assert_eq!(summary(world, first).key_curve.as_deref(), Some("P-384"));
    assert_eq!(summary(world, first).not_after, world.now() + 20 * DAY - 1_000);
    // By that pattern something is renewed: it stays.
    let refusal = world.refused(move |tx, now| enrolment::remove(tx, &local(), id, true, now));
    assert!(refusal.to_string().contains("db1.internal"), "{refusal}");
}

pub fn what_an_authority_may_not_issue_is_not_managed(world: &World) {
    let (root, _) = issuing(world);
    let mut bound = wanted("Bound", Some(root));
    bound.bounds.permitted = vec!["example.org".into()];
    let bound = make(world, bound).unwrap();
    let by_bound = |names: &[&str]| with(plan(Under::Template(Profile::Client), names), |plan| plan.authority = Some(bound));
    assert!(refuse(world, &local(), by_bound(&["db2.internal"])).to_string().contains("may not issue for"));
    let only = with(by_bound(&["a.example.org"]), |plan| plan.authority = None);
    assert!(refuse(world, &local(), only).to_string().contains("several private authorities"));
    world.write(move |tx, now| private_ca::retire(tx, &local(), bound, now)).unwrap();
    assert!(refuse(world, &local(), by_bound(&["a.example.org"])).to_string().contains("is retired"));
    let nobody = with(by_bound(&["a.example.org"]), |plan| plan.authority = Some(AuthorityId(4_711)));
    assert!(matches!(refuse(world, &local(), nobody), Refusal::NotFound { .. }));
}

pub fn what_a_private_authority_refuses_is_told_and_tried_again(world: &World) {
    let (root, authority) = issuing(world);
    let id = create_pattern(world, PatternCommand { authority: None, ..pattern("Databases", authority, &[]) });
    let command = with(plan(Under::Pattern(id), &["db1.internal"]), |plan| plan.authority = Some(authority));
    let lineage = create(world, &local(), command).unwrap();
    let first = issue(world, lineage);

    // The rules as they are then.
    update(world, id, |command| {
        command.rules.parts =
            vec![PartRule { part: "DNS".into(), regex: "^shop".into(), message: "Shops only.".into(), ..PartRule::default() }];
    });
    renew_now(world, lineage);
    assert!(fail(world, lineage).contains("Shops only."));
    let failing = state(world, lineage);
    assert_eq!((failing.failures, failing.current, failing.health(world.now())), (1, Some(first), Health::Failing));
    assert!(failing.last_error.unwrap().contains("Shops only."));
    let wait = failing.attempt_due_at.unwrap() - world.now();
    assert!((10 * 60_000..=11 * 60_000).contains(&wait), "{wait}");
    world.pass(wait);
    assert!(fail(world, lineage).contains("Shops only."));
    assert!(state(world, lineage).attempt_due_at.unwrap() - world.now() >= 20 * 60_000, "pauses grow");
    update(world, id, |command| command.rules.parts = Vec::new());
    // Nobody's roles are looked at again: nobody holds one that may use the pattern.
    renew_now(world, lineage);
    let second = issue(world, lineage);
    let good = state(world, lineage);
    assert_eq!((good.failures, good.last_error, good.current), (0, None, Some(second)));
    let log = world.read(move |tx| managed::log(tx, &local(), lineage, 100)).unwrap();
    let failed: Vec<_> = log.iter().filter(|event| event.operation == "renewal.failed").collect();
    assert_eq!((failed.len(), failed[0].payload["class"].as_str()), (2, Some("rejected")));

    // An authority that issues nothing more; another one in its place.
    let other = make(world, wanted("Other Issuing", Some(root))).unwrap();
    world.write(move |tx, now| private_ca::retire(tx, &local(), authority, now)).unwrap();
    renew_now(world, lineage);
    assert!(fail(world, lineage).contains("is retired"));
    update(world, id, |command| command.authority = Some(other));
    renew_now(world, lineage);
    let third = issue(world, lineage);
    assert_eq!(state(world, lineage).by.authority(), Some(other), "all follow the pattern");
    assert_eq!(summary(world, third).issuer_common_name.as_deref(), Some("Other Issuing"));
    let certificate = world.read(move |tx| private_ca::get(tx, &local(), other)).unwrap().certificate;
    let revocation = Revocation { effective_at: world.now(), reason: RevocationReason::CaCompromise, comment: "stolen".into() };
    let revoke = Revoke { certificates: vec![certificate], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &revoke, Scope::everywhere(now), now)).unwrap();
    renew_now(world, lineage);
    assert!(fail(world, lineage).contains("is revoked"));

    // Near its end an authority issues nothing that lives longer, unless what is in service is revoked.
    world.pass(60 * DAY);
    let mut brief = wanted("Brief", None);
    brief.days = 40;
    let brief = make(world, brief).unwrap();
    update(world, id, |command| command.authority = Some(brief));
    renew_now(world, lineage);
    let fourth = issue(world, lineage);
    world.pass(15 * DAY);
    renew_now(world, lineage);
    let sentence = fail(world, lineage);
    assert!(sentence.contains("\"Brief\" ends at") && sentence.contains("let another authority issue"), "{sentence}");
    let revocation = Revocation { effective_at: world.now(), reason: RevocationReason::KeyCompromise, comment: "lost".into() };
    let revoke = Revoke { certificates: vec![fourth], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &revoke, Scope::everywhere(now), now)).unwrap();
    renew_now(world, lineage);
    let fifth = issue(world, lineage);
    assert_eq!(summary(world, fifth).not_after, summary(world, fourth).not_after);
    world.pass(40 * DAY);
    renew_now(world, lineage);
    assert!(fail(world, lineage).contains("has expired"));
    assert_eq!(state(world, lineage).health(world.now()), Health::Expired);
    assert!(world.intact().intact());
}

pub fn a_version_that_comes_too_late_is_not_recorded(world: &World) {
    let (_, authority) = issuing(world);
    let command = with(plan(Under::Template(Profile::Server), &["db1.internal"]), |plan| plan.authority = Some(authority));
    let lineage = create(world, &local(), command).unwrap();
    // A worker that was killed after signing left nothing; the job begins anew.
    let lost = claim_one(world, lineage);
    let signed = sign(world, lineage).unwrap();
    world.write(|tx, now| jobs::release_all(tx, "node", now)).unwrap();
    let lease = claim_one(world, lineage);
    let (late, events) = (signed.clone(), world.events());
    let refusal = world.refused(move |tx, now| private::complete(tx, &worker(), &lost, &late, now));
    assert!(matches!(refusal, Refusal::LeaseLost(_)));
    assert_eq!(world.events(), events);
    let first = complete(world, lease, sign(world, lineage).unwrap()).unwrap().unwrap();
    let authority_now = world.read(move |tx| private_ca::get(tx, &local(), authority)).unwrap();
    assert_eq!(authority_now.issued, 1, "the one that was recorded");

    // What was signed for another version than the next one, another owner or by other rules is not recorded either; nothing failed.
    renew_now(world, lineage);
    let lease = claim_one(world, lineage);
    let events = world.events();
    assert_eq!(complete(world, lease, signed).unwrap(), None);
    assert_eq!(world.events(), events, "nothing is recorded");
    let ruled = sign(world, lineage).unwrap();
    let id = create_pattern(world, PatternCommand { authority: Some(authority), ..pattern("Servers", authority, &[]) });
    update(world, id, |command| command.is_default = true);
    assert_eq!(complete(world, lease, ruled).unwrap(), None);
    let owned = sign(world, lineage).unwrap();
    let web = world.role("Web", &[]);
    let handed = ChangeOwner { certificate: first, scope: ownership::Scope::default(), to: Some(web) };
    world.write(move |tx, now| ownership::change(tx, &local(), &handed, now)).unwrap();
    assert_eq!(complete(world, lease, owned).unwrap(), None);
    let waiting = state(world, lineage);
    assert_eq!((waiting.failures, waiting.last_error, waiting.current), (0, None, Some(first)));
    let second = complete(world, lease, sign(world, lineage).unwrap()).unwrap().unwrap();
    assert_eq!(summary(world, second).owner, Some((web, "Web".into())));
    // What is managed over ACME has no draft here, and what is gone has none.
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    let now = world.now();
    assert!(world.read(move |tx| private::draft(tx, &worker(), lineage, now)).unwrap().is_none());
    assert!(world.read(move |tx| managed::issued_by(tx, lineage)).unwrap().is_none());
    assert!(world.intact().intact());
}

pub fn identities_follow_private_authorities(world: &World) {
    let handle = identity(world, "gateway");
    let (_, authority) = issuing(world);
    let keepers = world.role("Keepers", &[paths::NAMED_MODIFY, "/renewal/", paths::CERTIFICATES_READ]);
    let keeper = world.somebody("keeper", &[keepers]);
    create_pattern(world, pattern("Gateways", authority, &[keepers]));
    let by = |authority: Option<&str>, pattern: Option<&str>, template: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let by = RenewedBy::Private { authority: own(authority), pattern: own(pattern), template: own(template) };
        RenewBy { handle: handle.clone(), by }
    };
    let command = by(None, Some("Gateways"), None);
    let refusal = world.refused(move |tx, now| named::follow_managed(tx, &keeper, &command, now));
    assert!(matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::ENROLLMENT_PFX]));
    for command in [by(Some("nobody"), None, None), by(None, Some("nothing"), None), by(None, None, Some("nothing"))] {
        world.refused(move |tx, now| named::follow_managed(tx, &local(), &command, now));
    }
    let command = by(Some("example issuing"), Some("GATEWAYS"), None);
    let lineage = world.write(move |tx, now| named::follow_managed(tx, &local(), &command, now)).unwrap();
    world.pass(1_000);
    renew_now(world, lineage);
    let second = issue(world, lineage);
    let followed = named_entry(world, &handle);
    assert_eq!((followed.certificate, followed.version), (second, 2));
    // Whoever names the same, or nothing, has it go on; whoever names another way is refused.
    let nothing =
        RenewBy { handle: handle.clone(), by: RenewedBy::of((String::new(), String::new()), (None, None, None)).unwrap() };
    for same in [nothing, by(Some("EXAMPLE ISSUING"), Some("gateways"), None), by(None, None, Some("server"))] {
        assert_eq!(world.write(move |tx, now| named::follow_managed(tx, &local(), &same, now)).unwrap(), lineage);
    }
    let acme = RenewedBy::Acme { issuer: "Lab CA".into(), dns_provider: "Lab DNS".into() };
    let acme = RenewBy { handle: handle.clone(), by: acme };
    for other in [by(Some("Example Root"), None, None), by(None, Some("Others"), None), by(None, None, Some("client")), acme] {
        let refusal = world.refused(move |tx, now| named::follow_managed(tx, &local(), &other, now));
        assert!(matches!(&refusal, Refusal::Invalid { message, .. } if message.contains("is renewed by way of")), "{refusal}");
    }
    assert!(world.intact().intact());
}
