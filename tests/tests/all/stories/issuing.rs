//! Private authorities: made, issuing within their bounds, revoking on lists that OpenSSL follows.

use std::path::Path;
use std::process::Command;

use certhold_domain::access::paths;
use certhold_domain::collections::Scope;
use certhold_domain::enrolment::Under;
use certhold_domain::inventory::{self, Revocation, RevocationReason, Revoke};
use certhold_domain::jobs::{self, JobKind};
use certhold_domain::private_ca::{self, Bounds, Enrolled, EnrolmentRequest, Hands, KeySource, NewAuthority, Profile};
use certhold_domain::renewal::KeyKind;
use certhold_domain::{Actor, AuthorityId, Refusal, Result, custody};
use certhold_outside::keys::{SoftwareKeys, certificate_request, generate};
use certhold_pki::issue::GeneralName;
use certhold_pki::{Facts, RevocationList, pem, verify_signed_by};

use super::world::{DAY, World};

pub(super) fn local() -> Actor {
    Actor::local("story")
}

pub(super) fn hands(world: &World) -> Hands<'_> {
    Hands { custody: &world.custody, keys: &SoftwareKeys, entropy: &world.entropy }
}

pub(super) fn wanted(name: &str, parent: Option<AuthorityId>) -> NewAuthority {
    NewAuthority {
        name: name.into(),
        subject: format!("CN={name}, O=Example, C=DE"),
        key_kind: KeyKind::P256,
        days: 3_650,
        parent,
        bounds: Bounds { path_length: Some(u8::from(parent.is_none())), ..Bounds::default() },
        base_url: "http://pki.example.org".into(),
        list_days: 7,
    }
}

pub(super) fn make(world: &World, new: NewAuthority) -> Result<AuthorityId> {
    let now = world.now();
    let draft = world.read(move |tx| private_ca::draft(tx, &local(), &new, now))?;
    let signed = draft.sign(hands(world), now)?;
    world.write(move |tx, now| private_ca::create(tx, &local(), &signed, now))
}

pub(super) fn request(authority: AuthorityId, key: KeySource, names: &[&str]) -> EnrolmentRequest {
    EnrolmentRequest {
        under: Under::Template(Profile::Server),
        authority: Some(authority),
        key,
        subject: None,
        names: names.iter().map(|name| GeneralName::host(name).unwrap()).collect(),
        days: None,
        owner: None,
        metadata: Vec::new(),
        delivered: false,
        renews: None,
    }
}

pub(super) fn enrol(world: &World, actor: &Actor, request: EnrolmentRequest) -> Result<Enrolled> {
    let (now, asking) = (world.now(), actor.clone());
    let draft = world.read(move |tx| private_ca::draft_enrolment(tx, &asking, &request, now))?;
    let signed = draft.sign(hands(world), now)?;
    let actor = actor.clone();
    world.write(move |tx, now| private_ca::enrol(tx, &actor, &signed, now))
}

pub(super) fn refusal<T>(result: Result<T>) -> Refusal {
    match result {
        Ok(_) => panic!("was not refused"),
        Err(error) => error.refusal().cloned().unwrap_or_else(|| panic!("a fault instead of a refusal: {error}")),
    }
}

/// Does what the worker does with the job of a list.
fn publish(world: &World, authority: AuthorityId) -> Vec<u8> {
    let lease = world
        .write(move |tx, now| jobs::claim_one(tx, JobKind::RevocationList, authority.0, "story", now))
        .unwrap()
        .expect("a list is to be made");
    let now = world.now();
    let work = world.read(move |tx| private_ca::list_work(tx, authority, now)).unwrap().unwrap();
    let list = work.sign(hands(world), now).unwrap();
    world.write(move |tx, now| private_ca::record_list(tx, &local(), &lease, &list, now)).unwrap();
    world.read(move |tx| private_ca::published(tx, authority)).unwrap().unwrap()
}

fn write(directory: &Path, name: &str, kind: &str, ders: &[&[u8]]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, ders.iter().map(|der| pem::encode(kind, der)).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What `openssl verify` says, with the lists of both authorities.
fn openssl_verify(directory: &Path, chain: &[Vec<u8>], lists: [&[u8]; 2], now: i64) -> (bool, String) {
    let leaf = write(directory, "leaf.pem", pem::CERTIFICATE, &[&chain[0]]);
    let issuing = write(directory, "issuing.pem", pem::CERTIFICATE, &[&chain[1]]);
    let root = write(directory, "root.pem", pem::CERTIFICATE, &[&chain[2]]);
    let lists = write(directory, "lists.pem", "X509 CRL", &lists);
    let at = (now / 1000).to_string();
    let arguments = [
        "verify",
        "-crl_check_all",
        "-x509_strict",
        "-attime",
        &at,
        "-CAfile",
        &root,
        "-untrusted",
        &issuing,
        "-CRLfile",
        &lists,
        &leaf,
    ];
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

/// What is asked for in ways that get past rules, and what nobody would trust.
pub fn what_nobody_should_sign_is_refused(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let issuing = make(world, wanted("Example Issuing", Some(root))).unwrap();
    let asked = |subject: &str| EnrolmentRequest {
        subject: Some(subject.into()),
        ..request(issuing, KeySource::Made(None), &["ok.example.org"])
    };
    let two = refusal(enrol(world, &local(), asked("CN=ok.example.org, CN=*.example.net")));
    assert!(two.to_string().contains("more than one common name"), "{two}");
    // A signing request brings its subject as bytes.
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["ok.example.org".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "evil.example\u{0}.example.org");
    let csr = parameters.serialize_request(&key).unwrap().der().to_vec();
    let hidden = refusal(enrol(world, &local(), request(issuing, KeySource::Request(csr), &[])));
    assert!(hidden.to_string().contains("control characters"), "{hidden}");
    enrol(world, &local(), asked("CN=ok.example.org")).unwrap();
    // A renewal keeps the owner for the names that it had, and for no others.
    let owners = world.role("Owners", &[]);
    let eve = world.somebody("eve", &[world.role("Enrollers", &[paths::ENROLLMENT_PFX, paths::CERTIFICATES_READ])]);
    let owned = EnrolmentRequest { owner: Some(owners), ..asked("CN=ok.example.org") };
    let owned = enrol(world, &local(), owned).unwrap().certificate;
    let again = |name: &str, owner| EnrolmentRequest {
        renews: Some((owned, Scope::everywhere(world.now()))),
        owner,
        ..request(issuing, KeySource::Made(None), &[name])
    };
    let owner_of = |id| world.read(move |tx| inventory::get(tx, &local(), id)).unwrap().summary.owner.map(|(role, _)| role);
    assert_eq!(owner_of(enrol(world, &eve, again("ok.example.org", None)).unwrap().certificate), Some(owners));
    assert_eq!(owner_of(enrol(world, &eve, again("other.example.org", None)).unwrap().certificate), None);
    let handed = refusal(enrol(world, &eve, again("other.example.org", Some(owners))));
    assert!(matches!(handed, Refusal::Forbidden { .. }), "{handed}");
    // Below an authority that is revoked nothing is issued.
    world.tamper("UPDATE certificate SET revoked_at = 1 WHERE common_name = 'Example Root'");
    let revoked = refusal(enrol(world, &local(), asked("CN=ok.example.org")));
    assert!(revoked.to_string().contains("\"Example Root\" is revoked"), "{revoked}");
}

pub fn a_private_authority_issues_and_revokes(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let issuing = make(world, wanted("Example Issuing", Some(root))).unwrap();
    let key = generate(KeyKind::P384).unwrap();
    let csr = certificate_request(&key, &["shop.example.org", "*.shop.example.org"]).unwrap();
    let issued = enrol(world, &local(), request(issuing, KeySource::Request(csr), &[])).unwrap();
    assert_eq!(issued.chain.len(), 3);
    assert_eq!(verify_signed_by(&issued.chain[0], &issued.chain[1]), Ok(()));
    let facts = Facts::of(&issued.chain[0]).unwrap();
    assert_eq!(facts.spki_sha256, key.spki_sha256());
    assert_eq!(facts.dns_names().collect::<Vec<_>>(), ["shop.example.org", "*.shop.example.org"]);
    assert!(facts.not_after < world.now() + 90 * DAY && facts.not_after > world.now() + 89 * DAY);

    let directory = tempfile::tempdir().unwrap();
    let (root_list, list) = (publish(world, root), publish(world, issuing));
    let (good, said) = openssl_verify(directory.path(), &issued.chain, [&root_list, &list], world.now());
    assert!(good, "{said}");

    // Queries ask who issued it.
    let query = "CA -eq \"example ISSUING\"";
    let scope = Scope::everywhere(world.now());
    let condition = world.read(move |tx| inventory::question(tx, &local(), query, scope)).unwrap();
    let filter = inventory::Filter { condition, limit: 10, ..inventory::Filter::default() };
    let found = world.read(move |tx| inventory::list(tx, &local(), &filter)).unwrap().certificates;
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [issued.certificate]);

    // What it issued stays, and so does its key.
    let id = issued.certificate;
    let refused = world.refused(move |tx, now| inventory::remove(tx, &local(), id, now));
    assert!(refused.to_string().contains("revoke it instead"), "{refused}");
    let own = world.read(move |tx| private_ca::get(tx, &local(), issuing)).unwrap();
    assert_eq!((own.issued, own.active, own.list.as_ref().map(|list| list.number)), (1, true, Some(1)));
    let nothing = world.custody.seal(&world.entropy, custody::SecretKind::PrivateKey, &[]).unwrap();
    let command = custody::DestroyKey { certificate: own.certificate, reason: "not needed".into(), nothing };
    let refused = world.refused(move |tx, now| custody::destroy_key(tx, &local(), &command, now));
    assert!(refused.to_string().contains("signs with it"), "{refused}");

    // Revoked, it is on the next list, and OpenSSL takes it for what it is.
    let now = world.now();
    let revocation =
        Revocation { effective_at: now, reason: RevocationReason::KeyCompromise, comment: "the laptop was stolen".into() };
    let command = Revoke { certificates: vec![id], revocation };
    world.write(move |tx, now| inventory::revoke(tx, &local(), &command, Scope::everywhere(now), now)).unwrap();
    let list = publish(world, issuing);
    let read = RevocationList::of(&list).unwrap();
    assert_eq!(read.entries().count(), 1);
    let (good, said) = openssl_verify(directory.path(), &issued.chain, [&root_list, &list], world.now());
    assert!(!good && said.contains("certificate revoked"), "{said}");

    // A list is made again before it runs out; a retired authority goes on publishing, and issues nothing.
    world.pass(4 * DAY);
    world.write(private_ca_due).unwrap();
    let list = publish(world, issuing);
    assert_eq!(RevocationList::of(&list).unwrap().entries().count(), 1);
    for _ in 0..2 {
        world.write(move |tx, now| private_ca::retire(tx, &local(), issuing, now)).unwrap();
    }
    let late = enrol(world, &local(), request(issuing, KeySource::Made(None), &["late.example.org"]));
    assert!(matches!(refusal(late), Refusal::Conflict(_)));
    assert!(world.read(move |tx| private_ca::certificate_of(tx, root)).unwrap().is_some());
    assert_eq!(world.read(|tx| private_ca::published(tx, AuthorityId(4_711))).unwrap(), None);
}

fn private_ca_due(tx: &mut certhold_store::Tx<'_>, now: i64) -> Result<()> {
    private_ca::enqueue_due(tx, now)
}

pub fn a_private_authority_keeps_its_bounds(world: &World) {
    let bounds =
        Bounds { path_length: Some(0), permitted: vec!["example.org".into()], excluded: vec!["secret.example.org".into()] };
    let root = make(world, NewAuthority { bounds, ..wanted("Bounded", None) }).unwrap();
    let made = || KeySource::Made(Some(KeyKind::MlDsa65));
    let issued = enrol(world, &local(), request(root, made(), &["a.example.org"])).unwrap();
    let facts = Facts::of(&issued.chain[0]).unwrap();
    assert_eq!((facts.key_algorithm.as_str(), facts.signature_algorithm.as_str()), ("ML-DSA-65", "ecdsa-with-SHA256"));
    let id = issued.certificate;
    assert!(world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().has_key, "its key is in custody");

    for names in [&["a.example.com"][..], &["x.secret.example.org"], &[]] {
        let refused = refusal(enrol(world, &local(), request(root, made(), names)));
        assert!(matches!(refused, Refusal::Invalid { field: "names", .. }), "{names:?}: {refused}");
    }
    let long = EnrolmentRequest { days: Some(399), ..request(root, made(), &["a.example.org"]) };
    assert!(matches!(refusal(enrol(world, &local(), long)), Refusal::Invalid { field: "days", .. }));
    let wrong = EnrolmentRequest { subject: Some("C=Germany".into()), ..request(root, made(), &["a.example.org"]) };
    assert!(matches!(refusal(enrol(world, &local(), wrong)), Refusal::Invalid { field: "subject", .. }));
    let key = generate(KeyKind::P256).unwrap();
    let mut csr = certificate_request(&key, &["a.example.org"]).unwrap();
    *csr.last_mut().unwrap() ^= 1;
    assert!(matches!(
        refusal(enrol(world, &local(), request(root, KeySource::Request(csr), &[]))),
        Refusal::Invalid { field: "csr", .. }
    ));
    let below = refusal(make(world, wanted("Below", Some(root))));
    assert!(below.to_string().contains("path length is 0"), "{below}");
    for wrong in [
        NewAuthority { subject: "O=Example".into(), ..wanted("No name", None) },
        NewAuthority { days: 0, ..wanted("No life", None) },
        NewAuthority { list_days: 0, ..wanted("No list", None) },
        NewAuthority { base_url: "ftp://pki.example.org".into(), ..wanted("No address", None) },
        NewAuthority {
            bounds: Bounds { permitted: vec!["*.example.org".into()], ..Bounds::default() },
            ..wanted("No space", None)
        },
        NewAuthority { name: " bounded ".into(), ..wanted("Bounded", None) },
    ] {
        let what = wrong.name.clone();
        let refused = refusal(make(world, wrong));
        assert!(matches!(refused, Refusal::Invalid { .. } | Refusal::Conflict(_)), "{what}: {refused}");
    }
}

pub fn issuing_needs_its_right(world: &World) {
    let root = make(world, wanted("Example Root", None)).unwrap();
    let team = world.role("Team", &[]);
    let requests = world.role("Requests", &[paths::ENROLLMENT_CSR]);
    let eve = world.somebody("eve", &[requests]);
    let refused = refusal(enrol(world, &eve, request(root, KeySource::Made(None), &["a.example.org"])));
    assert!(matches!(&refused, Refusal::Forbidden { missing, .. } if missing == &[paths::ENROLLMENT_PFX]), "{refused}");
    let key = generate(KeyKind::Ed25519).unwrap();
    let csr = || KeySource::Request(certificate_request(&key, &["a.example.org"]).unwrap());
    let owned = EnrolmentRequest { owner: Some(team), ..request(root, csr(), &[]) };
    assert!(matches!(refusal(enrol(world, &eve, owned)), Refusal::Forbidden { .. }), "a role that she does not hold");
    let owned = EnrolmentRequest { owner: Some(requests), ..request(root, csr(), &[]) };
    let issued = enrol(world, &eve, owned).unwrap();
    let id = issued.certificate;
    let owner = world.read(move |tx| inventory::summary(tx, &local(), id)).unwrap().owner;
    assert_eq!(owner.map(|(role, _)| role), Some(requests));
    // Whoever may issue may not make authorities, nor see them.
    let (asking, now) = (eve.clone(), world.now());
    let new = wanted("Eve's", None);
    let refused = world.read(move |tx| private_ca::draft(tx, &asking, &new, now)).map(drop);
    assert!(matches!(refusal(refused), Refusal::Forbidden { .. }));
    let asking = eve.clone();
    assert!(matches!(refusal(world.read(move |tx| private_ca::list(tx, &asking))), Refusal::Forbidden { .. }));
    let refused = world.refused(move |tx, now| private_ca::retire(tx, &eve, root, now));
    assert!(matches!(refused, Refusal::Forbidden { .. }));
    for (name, found) in [(None, Some(None)), (Some("EXAMPLE root"), Some(Some(root))), (Some("Another"), None)] {
        let found_here = world.read(move |tx| private_ca::for_enrolment(tx, &local(), name, true));
        assert_eq!(found_here.ok(), found, "{name:?}");
    }
    let unnamed = EnrolmentRequest { authority: None, ..request(root, KeySource::Made(None), &["a.example.org"]) };
    assert!(enrol(world, &local(), unnamed.clone()).is_ok(), "only one authority issues here");
    make(world, wanted("Example Second", None)).unwrap();
    assert!(matches!(refusal(enrol(world, &local(), unnamed)), Refusal::Invalid { field: "authority", .. }));
    let all = world.read(|tx| private_ca::list(tx, &local())).unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Example Root", "Example Second"]);
}
