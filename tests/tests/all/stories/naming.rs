//! Certificates under names, what presents them, and tokens for a password.

use certhold_domain::access::{AccessCache, paths};
use certhold_domain::collections::Scope;
use certhold_domain::custody::{self, DestroyKey, NewKeyRequest, SealedKey, SecretKind};
use certhold_domain::events::{self, EventFilter, names};
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::jobs::JobKind;
use certhold_domain::named::{
    self, Assign, Entry, Kind, NewEntry, NewVersion, Place, RenewBy, RenewedBy, SAML_NAME, TlsSettings, TlsVersion,
};
use certhold_domain::people::{self, Binding, Credential, NewBoundToken, Password, PrincipalKind, Shown};
use certhold_domain::renewal::{KeyKind, managed};
use certhold_domain::{Actor, CertificateId, Error, Face, LineageId, PrincipalId, Refusal, limits};
use certhold_pki::PrivateKey;
use rcgen::KeyPair;

use super::renewing::{claim, issuer, local, obtain, obtain_with, provider};
use super::world::{DAY, START, World, issue, key};

fn sealed(world: &World, pair: &KeyPair) -> SealedKey {
    SealedKey::seal(&world.custody, &world.entropy, &PrivateKey::of(&pair.serialize_der()).unwrap()).unwrap()
}

fn entry(world: &World, name: &str, until: i64) -> Entry {
    let pair = key();
    let leaf = issue(&pair, &[name], START - DAY, until);
    let above = issue(&key(), &["Intermediate"], START - DAY, START + 900 * DAY);
    Entry::of(&leaf, &[above], Some(sealed(world, &pair))).unwrap()
}

fn new(world: &World, kind: Kind, name: &str, entry: Entry) -> NewEntry {
    NewEntry { handle: named::handle(&world.entropy), kind, name: name.into(), entry, source: "upload" }
}

/// An identity under a name; its identifier.
pub(super) fn identity(world: &World, name: &str) -> String {
    let new = new(world, Kind::Identity, name, entry(world, &format!("{}.example.com", name.to_lowercase()), START + 60 * DAY));
    let handle = new.handle.clone();
    world.write(move |tx, now| named::import(tx, &local(), &new, now)).unwrap();
    handle
}

pub(super) fn get(world: &World, handle: &str) -> named::Named {
    let handle = handle.to_owned();
    world.read(move |tx| named::get(tx, &local(), Kind::Identity, &handle)).unwrap()
}

pub fn names_stand_for_certificates(world: &World) {
    let (reader, stranger) = (
        world.somebody("reader", &[world.role("Readers", &[paths::NAMED_READ])]),
        world.somebody("stranger", &[world.role("Strangers", &["/certificates/", "/security/", "/portal/"])]),
    );
    let handle = identity(world, "Gateway");
    assert!(handle.len() == 21 && handle.starts_with('c'));
    let same = new(world, Kind::Identity, "gateway", entry(world, "other.example.com", START + DAY));
    let refusal = world.refused(move |tx, now| named::import(tx, &local(), &same, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("\"Gateway\" already")));
    for who in [reader.clone(), stranger.clone()] {
        let more = new(world, Kind::Trust, "x", entry(world, "x.example.com", START + DAY));
        let refusal = world.refused(move |tx, now| named::import(tx, &who, &more, now));
        assert!(matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::NAMED_MODIFY]));
    }
    let trusted = Entry::of(&issue(&key(), &["root.example.com"], START - DAY, START - 1), &[], None).unwrap();
    let trusted = new(world, Kind::Trust, "Gateway", trusted);
    world.write(move |tx, now| named::import(tx, &local(), &trusted, now)).unwrap();
    let keyless = Entry::of(&issue(&key(), &["keyless.example.com"], START - DAY, START + DAY), &[], None).unwrap();
    let keyless = new(world, Kind::Identity, "keyless", keyless);
    assert!(matches!(world.refused(move |tx, now| named::import(tx, &local(), &keyless, now)), Refusal::Invalid { .. }));
    let foreign = Entry::of(&issue(&key(), &["a.example.com"], START, START + DAY), &[], Some(sealed(world, &key())));
    assert!(matches!(foreign, Err(Refusal::Invalid { .. })), "another key");
    only_ones_own_keys(world);

    let who = reader.clone();
    let list = world.read(move |tx| named::list(tx, &who, Kind::Identity)).unwrap();
    assert_eq!(list.iter().map(|one| (one.name.as_str(), one.version)).collect::<Vec<_>>(), [("Gateway", 1)]);
    let certificate = list[0].certificate;
    let (who, ids) = (reader.clone(), vec![certificate]);
    assert_eq!(world.read(move |tx| named::bodies(tx, &who, &ids)).unwrap().len(), 1);
    assert!(matches!(
        world.read(move |tx| named::list(tx, &stranger, Kind::Trust)),
        Err(Error::Refused(Refusal::Forbidden { .. }))
    ));
    for odd in ["", "x", "'; --", "\0", &"c".repeat(100)] {
        let odd = odd.to_owned();
        let missing = world.read(move |tx| named::get(tx, &local(), Kind::Identity, &odd));
        assert!(matches!(missing, Err(Error::Refused(Refusal::NotFound { .. }))));
    }
    let rights = world.read(move |tx| named::rights(tx, &reader)).unwrap();
    assert_eq!(rights, (false, false, true));

    // The certificate and its key stay as long as the name stands for them.
    assert!(matches!(world.refused(move |tx, now| inventory::remove(tx, &local(), certificate, now)), Refusal::Conflict(_)));
    let nothing = world.custody.seal(&world.entropy, SecretKind::PrivateKey, &[]).unwrap();
    let destroy = DestroyKey { certificate, reason: "story".into(), nothing };
    let refusal = world.refused(move |tx, now| custody::destroy_key(tx, &local(), &destroy, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("a name stands for its certificate")));

    let next =
        NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + 90 * DAY), source: "upload" };
    let again = next.clone();
    world.write(move |tx, now| named::replace(tx, &local(), &next, now)).unwrap();
    assert!(matches!(world.refused(move |tx, now| named::replace(tx, &local(), &again, now)), Refusal::Conflict(_)));
    let now_known = get(world, &handle);
    assert_eq!((now_known.version, now_known.name.as_str()), (2, "Gateway"));
    let known = now_known.clone();
    let versions = world.read(move |tx| named::versions(tx, &local(), &known)).unwrap();
    assert_eq!(versions.iter().map(|one| one.version).collect::<Vec<_>>(), [2, 1]);
    world.write(move |tx, now| inventory::remove(tx, &local(), certificate, now)).unwrap();
    let known = now_known.clone();
    assert_eq!(world.read(move |tx| named::versions(tx, &local(), &known)).unwrap().len(), 1, "what is gone is forgotten");

    let (gone, again) = (handle.clone(), handle.clone());
    world.write(move |tx, now| named::delete(tx, &local(), Kind::Identity, &gone, now)).unwrap();
    let refusal = world.refused(move |tx, now| named::delete(tx, &local(), Kind::Identity, &again, now));
    assert!(matches!(refusal, Refusal::NotFound { .. }));
    let kept = now_known.certificate;
    assert!(world.read(move |tx| inventory::get(tx, &local(), kept)).unwrap().summary.has_key, "it stays in the inventory");
    assert!(world.intact().intact());
}

/// Without its key beside it, a certificate gets a name only for a key that its importer had made.
fn only_ones_own_keys(world: &World) {
    let keepers = world.role("Keepers", &[paths::NAMED_MODIFY]);
    let (ada, eve) = (world.somebody("ada", &[keepers]), world.somebody("eve", &[keepers]));
    let pair = key();
    let request = NewKeyRequest {
        name: "asked".into(),
        names: vec!["asked.example.com".into()],
        key: sealed(world, &pair),
        csr: b"csr".to_vec(),
        pattern: None,
    };
    let who = ada.clone();
    world.write(move |tx, now| custody::create_key_request(tx, &who, &request, now)).unwrap();
    let answer = || Entry::of(&issue(&pair, &["asked.example.com"], START - DAY, START + DAY), &[], None).unwrap();
    let (theirs, who) = (new(world, Kind::Identity, "asked", answer()), eve.clone());
    let refusal = world.refused(move |tx, now| named::import(tx, &who, &theirs, now));
    assert!(matches!(refusal, Refusal::Invalid { message, .. } if message.contains("signing request of yours")));
    let (own, who) = (new(world, Kind::Identity, "asked", answer()), ada);
    let handle = own.handle.clone();
    world.write(move |tx, now| named::import(tx, &who, &own, now)).unwrap();
    // The key of a certificate that came in otherwise is nobody's to give a name to.
    let other = key();
    let held = new(world, Kind::Identity, "held", {
        let leaf = issue(&other, &["held.example.com"], START - DAY, START + DAY);
        Entry::of(&leaf, &[], Some(sealed(world, &other))).unwrap()
    });
    world.write(move |tx, now| named::import(tx, &local(), &held, now)).unwrap();
    let made_up = Entry::of(&issue(&other, &["evil.example.com"], START - DAY, START + DAY), &[], None).unwrap();
    for who in [eve.clone(), local()] {
        let forged = new(world, Kind::Identity, "forged", made_up.clone());
        let refusal = world.refused(move |tx, now| named::import(tx, &who, &forged, now));
        assert!(matches!(refusal, Refusal::Invalid { field: "certificate", .. }));
    }
    let (who, next) = (eve.clone(), NewVersion { handle: handle.clone(), entry: made_up, source: "upload" });
    assert!(matches!(world.refused(move |tx, now| named::replace(tx, &who, &next, now)), Refusal::Invalid { .. }));
    // Anybody may renew an identity for the key that it has had.
    let again = Entry::of(&issue(&pair, &["asked.example.com"], START - DAY, START + 2 * DAY), &[], None).unwrap();
    let (who, next) = (eve, NewVersion { handle: handle.clone(), entry: again, source: "upload" });
    world.write(move |tx, now| named::replace(tx, &who, &next, now)).unwrap();
    for name in ["held", "asked"] {
        world
            .write(move |tx, now| {
                let found = named::list(tx, &local(), Kind::Identity)?.into_iter().find(|one| one.name == name).unwrap();
                named::delete(tx, &local(), Kind::Identity, &found.handle, now)
            })
            .unwrap();
    }
}

fn assign(place: Place, name: &str) -> Assign {
    Assign { identity: Some(Some(name.into()).filter(|name: &String| !name.is_empty())), ..Assign::nothing(place) }
}

pub fn identities_are_assigned(world: &World) {
    let handle = identity(world, "gateway");
    let revision = || {
        let found = world.read(named::revision).unwrap();
        (found.assignment, found.version)
    };
    assert_eq!(revision(), (0, 0));
    assert!(world.read(named::presented).unwrap().0.is_none(), "the server's own");
    for (place, name) in [(Place::Listener, "nobody"), (Place::Saml, "gateway"), (Place::Saml, SAML_NAME)] {
        let command = assign(place, name);
        world.refused(move |tx, now| named::assign(tx, &local(), &command, now));
    }
    let reader = world.somebody("reader", &[world.role("Readers", &[paths::NAMED_READ])]);
    let (who, command) = (reader.clone(), assign(Place::Listener, "gateway"));
    assert!(matches!(world.refused(move |tx, now| named::assign(tx, &who, &command, now)), Refusal::Forbidden { .. }));
    let (command, now) = (assign(Place::Listener, "GATEWAY"), world.now());
    let proposed = command.clone();
    let (presented, settings) = world.read(move |tx| named::check(tx, &local(), &proposed, now)).unwrap();
    assert_eq!((presented.unwrap().chain.len(), settings), (1, TlsSettings::default()), "without the self-signed one above");
    assert_eq!(revision(), (0, 0), "only looked at");
    world.write(move |tx, now| named::assign(tx, &local(), &command, now)).unwrap();
    assert_eq!(revision(), (1, 1));
    let presented = world.read(named::presented).unwrap().0.unwrap();
    let clear = world.custody.open(&presented.key, SecretKind::PrivateKey).unwrap();
    assert!(PrivateKey::of(&clear).is_ok());
    let same = assign(Place::Listener, "gateway");
    let before = world.events();
    world.write(move |tx, now| named::assign(tx, &local(), &same, now)).unwrap();
    assert_eq!(world.events(), before, "nothing changed");
    let only = Assign { protocols: Some(vec![TlsVersion::V12]), ..Assign::nothing(Place::Listener) };
    world.write(move |tx, now| named::assign(tx, &local(), &only, now)).unwrap();
    let found = world.read(move |tx| named::assignment(tx, &reader, Place::Listener)).unwrap();
    assert_eq!((found.settings.protocols, found.identity.unwrap().name), (vec![TlsVersion::V12], "gateway".into()));
    let rsa = vec!["ECDHE-RSA-AES128-GCM-SHA256".to_owned()];
    let useless = Assign { cipher_suites: Some(rsa), ..Assign::nothing(Place::Listener) };
    assert!(matches!(world.refused(move |tx, now| named::assign(tx, &local(), &useless, now)), Refusal::Conflict(_)));

    what_is_revoked_is_not_assigned(world);

    // What is assigned is not deleted, and its next version must be fit for it.
    let gone = handle.clone();
    let refusal = world.refused(move |tx, now| named::delete(tx, &local(), Kind::Identity, &gone, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("is assigned to the ingress")));
    let over = NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START - 1), source: "upload" };
    let refusal = world.refused(move |tx, now| named::replace(tx, &local(), &over, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("it expired on")));
    a_path_is_one_whole(world, &handle);
    let next = NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + DAY), source: "upload" };
    let proposed = next.clone();
    let (presented, settings) = world.read(move |tx| named::check_replace(tx, &local(), &proposed, now)).unwrap().unwrap();
    assert_eq!((presented.name.as_str(), settings.protocols), ("gateway", vec![TlsVersion::V12]));
    let clear = world.custody.open(&presented.key, SecretKind::PrivateKey).unwrap();
    assert_eq!(PrivateKey::of(&clear).unwrap().spki_sha256(), certhold_pki::Facts::of(&presented.chain[0]).unwrap().spki_sha256);
    assert_eq!(revision(), (2, 1), "only looked at");
    world.write(move |tx, now| named::replace(tx, &local(), &next, now)).unwrap();
    assert_eq!(revision(), (2, 2), "noticed by every node");
    let asked = handle.clone();
    let usage = world.read(move |tx| named::usage(tx, &local(), Kind::Identity, &asked)).unwrap();
    assert_eq!((usage.places, usage.chain.len()), (vec![Place::Listener], 1));
    world.pass(2 * DAY);
    let late = Assign { protocols: Some(vec![TlsVersion::V13]), ..Assign::nothing(Place::Listener) };
    world.refused(move |tx, now| named::assign(tx, &local(), &late, now));
    let own = assign(Place::Listener, "");
    world.write(move |tx, now| named::assign(tx, &local(), &own, now)).unwrap();
    assert!(world.read(named::presented).unwrap().0.is_none());
    let next = NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + DAY), source: "upload" };
    assert!(world.read(move |tx| named::check_replace(tx, &local(), &next, now)).unwrap().is_none(), "it is presented nowhere");
    identity(world, SAML_NAME);
    let saml = assign(Place::Saml, SAML_NAME);
    world.write(move |tx, now| named::assign(tx, &local(), &saml, now)).unwrap();
    let found = world.read(|tx| named::assignment(tx, &local(), Place::Saml)).unwrap();
    assert_eq!(found.identity.unwrap().name, SAML_NAME);
    assert!(world.intact().intact());
}

fn what_is_revoked_is_not_assigned(world: &World) {
    let revoked = identity(world, "revoked");
    let certificate = get(world, &revoked).certificate;
    let revocation = Revocation { reason: RevocationReason::KeyCompromise, effective_at: world.now(), comment: "a story".into() };
    let command = Revoke { certificates: vec![certificate], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now)).unwrap();
    let command = assign(Place::Listener, "revoked");
    let refusal = world.refused(move |tx, now| named::assign(tx, &local(), &command, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("it was revoked on")));
}

/// The certificate that a name stands for is brought again with other certificates above it.
fn a_path_is_one_whole(world: &World, handle: &str) {
    let held = get(world, handle).certificate;
    let der = world.read(move |tx| inventory::get(tx, &local(), held)).unwrap().der;
    let (one, two) = (issue(&key(), &["One"], START - DAY, START + DAY), issue(&key(), &["Two"], START - DAY, START + DAY));
    let again = |above: &[Vec<u8>]| {
        let entry = Entry::of(&der, above, None).unwrap();
        NewVersion { handle: handle.to_owned(), entry, source: "upload" }
    };
    let chain = || world.read(move |tx| inventory::chain(tx, &local(), held)).unwrap();
    let (before, revision) = (chain(), world.read(named::revision).unwrap());
    let nothing = again(&[]);
    assert!(matches!(world.refused(move |tx, now| named::replace(tx, &local(), &nothing, now)), Refusal::Conflict(_)));
    assert_eq!(chain(), before, "nothing is said of the path");
    let longer = again(&[one.clone(), two.clone()]);
    world.write(move |tx, now| named::replace(tx, &local(), &longer, now)).unwrap();
    assert_eq!(chain().iter().map(|above| above.der.clone()).collect::<Vec<_>>(), [one.clone(), two.clone()], "none of before");
    assert_ne!(world.read(named::revision).unwrap(), revision, "noticed by every node");
    let shorter = again(&[one]);
    assert!(matches!(world.refused(move |tx, now| named::replace(tx, &local(), &shorter, now)), Refusal::Conflict(_)));
    let other = again(std::slice::from_ref(&two));
    world.write(move |tx, now| named::replace(tx, &local(), &other, now)).unwrap();
    assert_eq!(chain().iter().map(|above| above.der.clone()).collect::<Vec<_>>(), [two]);
    assert_eq!(get(world, handle).version, 1, "it stands for what it stood for");
}

pub fn identities_follow_managed_certificates(world: &World) {
    let handle = identity(world, "gateway");
    let first = get(world, &handle).certificate;
    issuer(world);
    provider(world);
    let by = |issuer: &str, provider: &str| RenewBy {
        handle: handle.clone(),
        by: RenewedBy::Acme { issuer: issuer.into(), dns_provider: provider.into() },
    };
    for (issuer, provider) in [("nobody", "Lab DNS"), ("Lab CA", "nobody")] {
        let command = by(issuer, provider);
        let refusal = world.refused(move |tx, now| named::follow_managed(tx, &local(), &command, now));
        assert!(matches!(refusal, Refusal::Invalid { .. }));
    }
    let keeper = world.somebody("keeper", &[world.role("Keepers", &[paths::NAMED_MODIFY])]);
    let command = by("lab ca", "LAB DNS");
    let asking = command.clone();
    let refusal = world.refused(move |tx, now| named::follow_managed(tx, &keeper, &asking, now));
    assert!(
        matches!(refusal, Refusal::Forbidden { missing, .. } if missing == [paths::RENEWAL_MODIFY]),
        "renewing has its own right"
    );
    let again = command.clone();
    let lineage = world.write(move |tx, now| named::follow_managed(tx, &local(), &command, now)).unwrap();
    assert_eq!(world.write(move |tx, now| named::follow_managed(tx, &local(), &again, now)).unwrap(), lineage);
    let asked = handle.clone();
    let renewal = world.read(move |tx| named::renewal(tx, &local(), &asked)).unwrap().managed.unwrap();
    assert_eq!((renewal.current, renewal.name.as_str(), renewal.paused), (Some(first), "gateway", false));
    assert_eq!(renewal.key_kind, KeyKind::P256, "as its certificate's");
    for (issuer, provider, field) in [("Other CA", "Lab DNS", "issuer"), ("", "Other DNS", "dns_provider")] {
        let other = by(issuer, provider);
        let refusal = world.refused(move |tx, now| named::follow_managed(tx, &local(), &other, now));
        assert!(matches!(refusal, Refusal::Invalid { field: found, .. } if found == field));
    }
    let same = by("", "");
    assert_eq!(world.write(move |tx, now| named::follow_managed(tx, &local(), &same, now)).unwrap(), lineage);
    let by_hand =
        NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + DAY), source: "upload" };
    assert!(matches!(world.refused(move |tx, now| named::replace(tx, &local(), &by_hand, now)), Refusal::Conflict(_)));
    world.write(move |tx, now| managed::renew_now(tx, &local(), lineage, now)).unwrap();
    let (second, _) = obtain(world, &["gateway.example.com"]);
    let followed = get(world, &handle);
    assert_eq!((followed.certificate, followed.version), (second, 2));
    let paused = handle.clone();
    world.write(move |tx, now| named::pause_renewal(tx, &local(), &paused, now)).unwrap();
    assert!(world.read(move |tx| managed::get(tx, &local(), lineage)).unwrap().paused);
    let by_hand =
        NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + DAY), source: "upload" };
    world.write(move |tx, now| named::replace(tx, &local(), &by_hand, now)).unwrap();
    assert_eq!(get(world, &handle).version, 3, "while its renewal is paused");
    // What would be renewed are the names of before.
    let other = NewVersion { handle: handle.clone(), entry: entry(world, "other.example.com", START + DAY), source: "upload" };
    let back = NewVersion { handle: handle.clone(), entry: entry(world, "gateway.example.com", START + DAY), source: "upload" };
    world.write(move |tx, now| named::replace(tx, &local(), &other, now)).unwrap();
    let goes_on = by("", "");
    let refusal = world.refused(move |tx, now| named::follow_managed(tx, &local(), &goes_on, now));
    assert!(matches!(refusal, Refusal::Conflict(why) if why.contains("stands for a certificate for other.example.com by now")));
    world.write(move |tx, now| named::replace(tx, &local(), &back, now)).unwrap();
    let unfit = an_unfit_version_does_not_become_the_identitys(world, &handle, lineage);
    // The managed certificate may go; what the name stands for stays.
    let lease = claim(world, JobKind::Withdraw);
    world.write(move |tx, now| certhold_domain::jobs::finish(tx, &lease, now)).unwrap();
    world.write(move |tx, now| managed::remove(tx, &local(), lineage, now)).unwrap();
    let left = get(world, &handle);
    assert_eq!((left.certificate, left.lineage), (unfit, None));
    world.write(move |tx, now| named::pause_renewal(tx, &local(), &handle, now)).unwrap();
    assert!(world.intact().intact());
}

/// A version that is not fit for where the identity is presented; the identity comes to stand for it only when it is brought by hand.
fn an_unfit_version_does_not_become_the_identitys(world: &World, handle: &str, lineage: LineageId) -> CertificateId {
    let handle = handle.to_owned();
    let third = get(world, &handle).certificate;
    let goes_on =
        || RenewBy { handle: handle.clone(), by: RenewedBy::Acme { issuer: String::new(), dns_provider: String::new() } };
    let assigned = assign(Place::Listener, "gateway");
    world.write(move |tx, now| named::assign(tx, &local(), &assigned, now)).unwrap();
    let going_on = goes_on();
    world.write(move |tx, now| named::follow_managed(tx, &local(), &going_on, now)).unwrap();
    world.write(move |tx, now| managed::renew_now(tx, &local(), lineage, now)).unwrap();
    let lease = claim(world, JobKind::Renew);
    let mut pair = None;
    let late = |of: &KeyPair| {
        pair = KeyPair::try_from(of.serialize_der()).ok();
        issue(of, &["gateway.example.com"], world.now() + DAY, world.now() + 90 * DAY)
    };
    let (unfit, _) = obtain_with(world, &lease, late);
    let pair = sealed(world, &pair.unwrap());
    let now_known = get(world, &handle);
    assert_eq!((now_known.certificate, now_known.version), (third, 5), "it keeps what works");
    assert_eq!(world.read(move |tx| managed::get(tx, &local(), lineage)).unwrap().current, Some(unfit));
    let kept = world.read(|tx| {
        let filter = EventFilter { operation: Some(names::NAMED_KEPT.into()), limit: 10, ..EventFilter::default() };
        events::list(tx, &local(), &filter)
    });
    let kept = kept.unwrap().events;
    assert!(kept.len() == 1 && kept[0].payload.to_string().contains("not valid before"), "{kept:?}");
    let (own, paused) = (assign(Place::Listener, ""), handle.clone());
    world.write(move |tx, now| named::assign(tx, &local(), &own, now)).unwrap();
    world.write(move |tx, now| named::pause_renewal(tx, &local(), &paused, now)).unwrap();
    // A name that comes to stand for the present version of a managed certificate follows that one.
    let gone = handle.clone();
    world.write(move |tx, now| named::delete(tx, &local(), Kind::Identity, &gone, now)).unwrap();
    let der = world.read(move |tx| inventory::get(tx, &local(), unfit)).unwrap().der;
    let again =
        NewEntry { handle: handle.clone(), ..new(world, Kind::Identity, "gateway", Entry::of(&der, &[], Some(pair)).unwrap()) };
    world.write(move |tx, now| named::import(tx, &local(), &again, now)).unwrap();
    let follows = goes_on();
    assert_eq!(world.write(move |tx, now| named::follow_managed(tx, &local(), &follows, now)).unwrap(), lineage);
    assert!(!world.read(move |tx| managed::get(tx, &local(), lineage)).unwrap().paused, "its renewal goes on");
    let paused = handle.clone();
    world.write(move |tx, now| named::pause_renewal(tx, &local(), &paused, now)).unwrap();
    unfit
}

const PASSWORD: &str = "correct horse battery";

fn bound(world: &World, name: &'static str, binding: Binding, lifetime_ms: i64) -> Result<([u8; 32], i64), Refusal> {
    let now = world.now();
    let attempt = world.read(move |tx| people::attempt_exactly(tx, name, "192.0.2.1", now)).unwrap();
    let verified = attempt.verify(&Password::from(PASSWORD.to_owned()));
    let anonymous = Actor::anonymous(Face::ArcGis, name, "request", "192.0.2.1");
    let hash = Credential::generate(&world.entropy, "").hash;
    let new = NewBoundToken { hash, binding, lifetime_ms };
    let issued = world.write(move |tx, now| people::issue_bound_token(tx, &anonymous, &attempt, verified, &new, now)).unwrap();
    issued.map(|expires| (hash, expires))
}

fn shows(world: &World, hash: [u8; 32], referer: &str) -> Result<PrincipalId, Refusal> {
    let (now, shown) = (world.now(), Shown { referer: Some(referer.into()), address: "192.0.2.1".into(), in_header: false });
    let known = world.read(move |tx| {
        people::actor_of_bound_token(tx, &AccessCache::default(), &hash, &shown, Face::ArcGis, now).map(|known| known.actor)
    });
    match known {
        Ok(actor) => Ok(actor.id.unwrap()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(Error::Fault(fault)) => panic!("{fault}"),
    }
}

pub fn a_password_gives_a_token_for_a_while(world: &World) {
    let ada = world.principal("Ada", PrincipalKind::Person, Some(PASSWORD));
    assert!(matches!(bound(world, "ada", Binding::Nothing, DAY), Err(Refusal::Unauthenticated(_))), "the very letters count");
    let app = || Binding::Referer("https://app.example.com".into());
    let (token, expires) = bound(world, "Ada", app(), 60_000).unwrap();
    assert_eq!(expires, world.now() + 60_000);
    assert_eq!(shows(world, token, "https://app.example.com/x"), Ok(ada));
    assert!(shows(world, token, "https://evil.example.com/").is_err());
    assert!(shows(world, [7; 32], "https://app.example.com/x").is_err());
    let (_, expires) = bound(world, "Ada", Binding::Address("192.0.2.1".into()), i64::MAX).unwrap();
    assert_eq!(expires, world.now() + limits::BOUND_TOKEN_MS);
    world.pass(60_000);
    assert!(shows(world, token, "https://app.example.com/x").is_err(), "it has ended");
    let (token, _) = bound(world, "Ada", app(), DAY).unwrap();
    let actor = Actor { id: Some(ada), ..world.actor(ada, "Ada") };
    world.write(move |tx, now| people::end_bound_token(tx, &actor, &token, now)).unwrap();
    assert!(shows(world, token, "https://app.example.com/x").is_err());
    let (token, _) = bound(world, "Ada", app(), DAY).unwrap();
    world.write(move |tx, now| people::set_disabled(tx, &local(), ada, true, now)).unwrap();
    world.write(move |tx, now| people::set_disabled(tx, &local(), ada, false, now)).unwrap();
    assert!(shows(world, token, "https://app.example.com/x").is_err(), "it does not come back");
    assert!(world.intact().intact());
}
