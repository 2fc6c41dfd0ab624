//! Certificates that are held already and go on with a private authority.

use super::enrolling::{create as create_pattern, csr, facts, pattern, said, update};
use super::issuing::{enrol, local, request};
use super::renewing::state;
use super::renewing_here::{
    claim_one, complete, create, fail, issue, issuing, kim, plan, refuse, renew_now, sign, summary, with,
};
use super::world::World;
use certhold_domain::access::paths;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::{OwnerRule, OwnerTerms, PatternCommand, Under};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::metadata::{self, Change, Enrolment, FieldCommand, FieldType};
use certhold_domain::private_ca::{self, KeySource, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::{CertificateId, LineageId, Refusal};

pub fn what_is_held_goes_on_with_a_private_authority(world: &World) {
    let (_, authority) = issuing(world);
    let (kim, web) = kim(world);
    let id = create_pattern(world, PatternCommand { authority: None, ..pattern("Databases", authority, &[web]) });
    let mut wanted = request(authority, KeySource::Made(Some(KeyKind::P384)), &["db1.internal", "192.0.2.7"]);
    wanted.under = Under::Pattern(id);
    wanted.subject = Some("CN=db1.internal, O=Example".into());
    wanted.owner = Some(web);
    let held = enrol(world, &kim, wanted).unwrap().certificate;

    let adoption = |reuse_key| NewManaged { adopt: Some(held), reuse_key, ..plan(Under::Pattern(id), &[]) };
    let stranger = world.role("Strangers", &["/renewal/", paths::ENROLLMENT_PFX, paths::CERTIFICATES_READ]);
    let stranger = world.somebody("stranger", &[stranger]);
    let command = adoption(false);
    assert!(matches!(world.refused(move |tx, now| managed::create(tx, &stranger, &command, now)), Refusal::Forbidden { .. }));
    let noted = with(adoption(false), |plan| plan.metadata = vec![Change::new("Team", "x")]);
    let asking = kim.clone();
    let refusal = world.refused(move |tx, now| managed::create(tx, &asking, &noted, now));
    assert!(refusal.to_string().contains("has its notes"), "{refusal}");
    let house = world.role("House", &[]);
    let (stolen, asking) = (NewManaged { owner: Some(house), ..adoption(false) }, kim.clone());
    assert!(matches!(world.refused(move |tx, now| managed::create(tx, &asking, &stolen, now)), Refusal::Forbidden { .. }));
    // The key that versions share must be one of the pattern's.
    update(world, id, |command| command.rules.keys = vec![KeyKind::P256]);
    let (command, asking) = (adoption(true), kim.clone());
    let refusal = world.refused(move |tx, now| managed::create(tx, &asking, &command, now));
    assert!(refusal.to_string().contains("is not among those of this pattern"), "{refusal}");
    update(world, id, |command| command.rules.keys = Vec::new());
    update(world, id, |command| command.rules.key_reuse = false);
    let (command, asking) = (adoption(true), kim.clone());
    let refusal = world.refused(move |tx, now| managed::create(tx, &asking, &command, now));
    assert!(refusal.to_string().contains("no key twice"), "{refusal}");
    update(world, id, |command| command.rules.key_reuse = true);

    let (command, asking) = (NewManaged { key_kind: Some(KeyKind::P256), ..adoption(true) }, kim.clone());
    let refusal = world.refused(move |tx, now| managed::create(tx, &asking, &command, now));
    assert!(refusal.to_string().contains("share the key that is held, which is EC P-384"), "{refusal}");

    let lineage = create(world, &kim, adoption(true)).unwrap();
    let adopted = state(world, lineage);
    assert_eq!((adopted.current, adopted.versions, adopted.by.authority()), (Some(held), 1, Some(authority)));
    assert_eq!(adopted.names, ["db1.internal", "192.0.2.7"]);
    assert_eq!((adopted.owner, adopted.key_kind), (Some((web, "Web".into())), KeyKind::P384));
    assert!(
        world.read(move |tx| jobs::live(tx, JobKind::Renew, lineage.0)).unwrap().is_none(),
        "nothing is issued until it is due"
    );
    world.pass(1_000);
    renew_now(world, lineage);
    let second = issue(world, lineage);
    let (before, after) = (facts(world, held), facts(world, second));
    assert_eq!((before.spki_sha256, &before.subject, &before.names), (after.spki_sha256, &after.subject, &after.names));
    // Keys that may not be reused any more stop the next version.
    update(world, id, |command| command.rules.key_reuse = false);
    renew_now(world, lineage);
    assert!(fail(world, lineage).contains("issues for no key twice"));

    // What others issued goes on here as well, with a new key where its own is not held.
    let foreign = world.certificate(&["old.internal"], None);
    let command =
        NewManaged { adopt: Some(foreign), ..with(plan(Under::Pattern(id), &[]), |plan| plan.authority = Some(authority)) };
    let lineage = create(world, &local(), command).unwrap();
    renew_now(world, lineage);
    let next = issue_after_others(world, lineage);
    assert_eq!(summary(world, next).common_name.as_deref(), Some("old.internal"));
    assert_eq!(summary(world, next).lineage, Some((lineage, 2)));
    // What was renewed may go: it is nobody's current version any more.
    world.write(move |tx, now| inventory::remove(tx, &local(), foreign, now)).unwrap();
    let held = world.read(move |tx| inventory::get_whole(tx, &local(), next, Scope::everywhere(0))).unwrap();
    assert_eq!(held.issuance.unwrap().authority_id, authority);
    assert!(world.intact().intact());
}

/// Records that a certificate is revoked.
fn revoke(world: &World, id: CertificateId, reason: RevocationReason) {
    let revocation = Revocation { effective_at: world.now(), reason, comment: "the story wants it".into() };
    let revoke = Revoke { certificates: vec![id], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &revoke, Scope::everywhere(now), now)).unwrap();
}

pub fn a_compromised_key_is_not_certified_again(world: &World) {
    let (_, authority) = issuing(world);
    let command = with(plan(Under::Template(Profile::Server), &["db1.internal"]), |plan| plan.authority = Some(authority));
    let lineage = create(world, &local(), NewManaged { reuse_key: true, ..command }).unwrap();
    let first = issue(world, lineage);
    world.pass(1_000);
    renew_now(world, lineage);
    let second = issue(world, lineage);
    assert_eq!(facts(world, first).spki_sha256, facts(world, second).spki_sha256, "they share the key");
    // Another reason says nothing about the key; and that an older version had it says enough.
    revoke(world, second, RevocationReason::Superseded);
    renew_now(world, lineage);
    let third = issue(world, lineage);
    assert_eq!(facts(world, first).spki_sha256, facts(world, third).spki_sha256);
    revoke(world, first, RevocationReason::KeyCompromise);
    renew_now(world, lineage);
    let fourth = issue(world, lineage);
    assert_ne!(facts(world, first).spki_sha256, facts(world, fourth).spki_sha256);
    assert!(summary(world, fourth).has_key);
    // It was signed with that key when the revocation came.
    renew_now(world, lineage);
    let lease = claim_one(world, lineage);
    let signed = sign(world, lineage).unwrap();
    revoke(world, fourth, RevocationReason::KeyCompromise);
    assert!(said(complete(world, lease, signed)).contains("the key is compromised"));
    let fifth = complete(world, lease, sign(world, lineage).unwrap()).unwrap().unwrap();
    assert_ne!(facts(world, fourth).spki_sha256, facts(world, fifth).spki_sha256);

    // Nor is it adopted with that key, nor certified for whoever asks with a request.
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    let adoption = |id, reuse_key| {
        let command = with(plan(Under::Template(Profile::Server), &[]), |plan| plan.authority = Some(authority));
        NewManaged { adopt: Some(id), reuse_key, ..command }
    };
    assert!(refuse(world, &local(), adoption(first, false)).to_string().contains("is revoked"));
    assert!(refuse(world, &local(), adoption(third, true)).to_string().contains("the key is compromised"));
    create(world, &local(), adoption(third, false)).unwrap();
    let (asked, now) = (csr(KeyKind::P256, &["shop.internal"]), world.now());
    let issued = enrol(world, &local(), request(authority, asked.clone(), &[])).unwrap().certificate;
    enrol(world, &local(), request(authority, asked.clone(), &[])).unwrap();
    revoke(world, issued, RevocationReason::KeyCompromise);
    let again = request(authority, asked, &[]);
    let refusal = world.refused(move |tx, _| private_ca::draft_enrolment(tx, &local(), &again, now));
    assert!(refusal.to_string().contains("the key is compromised"), "{refusal}");
    assert!(world.intact().intact());
}

pub fn an_adopted_certificate_of_others_is_held_against_the_pattern(world: &World) {
    let (_, authority) = issuing(world);
    let (kim, web) = kim(world);
    let id = create_pattern(world, pattern("Databases", authority, &[web]));
    let own = {
        let mut wanted = request(authority, KeySource::Made(None), &["db1.internal"]);
        wanted.under = Under::Pattern(id);
        wanted.owner = Some(web);
        enrol(world, &kim, wanted).unwrap().certificate
    };
    let foreign = world.certificate(&["old.internal"], Some(web));
    let required = FieldCommand { enrolment: Enrolment::Required, ..FieldCommand::new("Team", FieldType::String) };
    world.write(move |tx, now| metadata::create(tx, &local(), &required, now)).unwrap();
    let adoption = |id_of, names: &[&str]| NewManaged { adopt: Some(id_of), ..plan(Under::Pattern(id), names) };
    // For the same names it goes on as it is; for others, or issued elsewhere, it is asked what enrolment asks.
    for command in [adoption(foreign, &[]), adoption(own, &["db2.internal"])] {
        let refusal = refuse(world, &kim, command);
        assert!(refusal.to_string().contains("Team: the field is required"), "{refusal}");
    }
    for one in [foreign, own] {
        let changes = vec![Change::new("Team", "Storage")];
        let noted = metadata::SetMetadata { certificate: one, collection: None, changes };
        world.write(move |tx, now| metadata::set(tx, &local(), &noted, now)).unwrap();
    }
    update(world, id, |command| {
        command.owner = OwnerTerms { policy: OwnerRule::Hidden, default: None, overridable: false };
    });
    for command in [adoption(foreign, &[]), adoption(own, &["db2.internal"])] {
        let refusal = refuse(world, &kim, command);
        assert!(refusal.to_string().contains("this pattern decides who owns"), "{refusal}");
    }
    let lineage = create(world, &kim, adoption(own, &[])).unwrap();
    assert_eq!(state(world, lineage).owner, Some((web, "Web".into())));
    update(world, id, |command| command.owner = OwnerTerms::default());
    let lineage = create(world, &kim, adoption(foreign, &[])).unwrap();
    assert_eq!(state(world, lineage).owner, Some((web, "Web".into())));
    assert!(world.intact().intact());
}

/// As [`issue`], where other jobs wait as well.
fn issue_after_others(world: &World, lineage: LineageId) -> CertificateId {
    let lease = world.write(move |tx, now| jobs::claim_one(tx, JobKind::Renew, lineage.0, "node", now)).unwrap().expect("a job");
    let signed = sign(world, lineage).unwrap();
    complete(world, lease, signed).unwrap().expect("nothing was changed meanwhile")
}
