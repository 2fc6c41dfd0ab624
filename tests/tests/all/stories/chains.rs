//! Chains over the inventory, and trust sets.

use certhold_domain::access::paths;
use certhold_domain::chains::{self, TrustSetCommand};
use certhold_domain::inventory::{self, Outcome};
use certhold_domain::{Actor, CertificateId, Refusal, TrustSetId, limits};
use certhold_pki::graph::End;
use certhold_pki::trust::Usage;
use certhold_store::params;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::world::{DAY, START, World};

struct Party {
    name: String,
    key: KeyPair,
}

impl Party {
    fn new(name: &str) -> Party {
        Party { name: name.to_owned(), key: KeyPair::generate().unwrap() }
    }

    fn params(&self) -> CertificateParams {
        let at = |ms: i64| (std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms as u64)).into();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, &self.name);
        (params.not_before, params.not_after) = (at(START - 30 * DAY), at(START + 60 * DAY));
        params.use_authority_key_identifier_extension = true;
        params
    }

    fn authority(&self) -> CertificateParams {
        let mut params = self.params();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn root(&self) -> Vec<u8> {
        self.authority().self_signed(&self.key).unwrap().der().to_vec()
    }

    fn certifies(&self, subject: &Party) -> Vec<u8> {
        let own = self.authority();
        subject.authority().signed_by(&subject.key, &Issuer::from_params(&own, &self.key)).unwrap().der().to_vec()
    }

    fn serves(&self, name: &str) -> Vec<u8> {
        let (own, leaf) = (self.authority(), Party::new(name));
        let mut params = leaf.params();
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.signed_by(&leaf.key, &Issuer::from_params(&own, &self.key)).unwrap().der().to_vec()
    }
}

fn local() -> Actor {
    Actor::local("story")
}

fn held(world: &World, der: &[u8]) -> CertificateId {
    match world.import(&[der.to_vec()], None).unwrap().remove(0).outcome {
        Outcome::Imported(id) | Outcome::AlreadyHeld(id) => id,
        Outcome::Excluded => panic!("it is excluded"),
    }
}

/// The paths above a certificate, by numbers.
fn paths_of(world: &World, id: CertificateId) -> Vec<(Vec<i64>, End)> {
    let above = world.read(move |tx| chains::above(tx, &local(), id)).unwrap();
    let (graph, ids) = above.graph().unwrap();
    graph.paths.iter().map(|path| (path.nodes.iter().map(|node| ids[*node].0).collect(), path.end.clone())).collect()
}

pub fn paths_grow_with_the_inventory(world: &World) {
    let (root, issuing, other) = (Party::new("Root"), Party::new("Issuing"), Party::new("Other Root"));
    let leaf = held(world, &issuing.serves("www.example.com"));
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0], End::Missing)]);
    let issuing_id = held(world, &root.certifies(&issuing));
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0, issuing_id.0], End::Missing)]);
    let root_id = held(world, &root.root());
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0, issuing_id.0, root_id.0], End::Root)]);
    // An authority of the same name with another key changes nothing; a cross-sign adds a path.
    held(world, &root.certifies(&Party::new("Issuing")));
    assert_eq!(paths_of(world, leaf).len(), 1);
    let (crossed, other_id) = (held(world, &other.certifies(&root)), held(world, &other.root()));
    let long = (vec![leaf.0, issuing_id.0, crossed.0, other_id.0], End::Root);
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0, issuing_id.0, root_id.0], End::Root), long]);
    // What is removed is no issuer any more.
    world.write(move |tx, now| inventory::remove(tx, &local(), root_id, now)).unwrap();
    assert_eq!(paths_of(world, leaf).len(), 1);
    let nobody = world.somebody("nobody", &[]);
    let refusal = world.refused(move |tx, _| chains::above(tx, &nobody, leaf));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
}

pub fn authorities_held_before_the_index_are_found_behind(world: &World) {
    let (root, issuing) = (Party::new("Root"), Party::new("Issuing"));
    let leaf = held(world, &issuing.serves("www.example.com"));
    held(world, &root.certifies(&issuing));
    held(world, &root.root());
    let before = paths_of(world, leaf);
    // As an older version left it: nothing indexed, three certificates to look at.
    world.tamper("DELETE FROM authority");
    world.write(|tx, _| Ok(tx.execute("UPDATE counter SET value = 0 WHERE name = 'authorities_to'", params![])?)).unwrap();
    world
        .write(|tx, _| {
            Ok(tx.execute(
                "INSERT INTO counter (name, value) VALUES ('authorities_until', 3) ON CONFLICT (name) DO UPDATE SET value = 3",
                params![],
            )?)
        })
        .unwrap();
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0], End::Missing)]);
    assert!(world.read(chains::is_behind).unwrap());
    while world.write(|tx, _| chains::backfill(tx)).unwrap() {}
    assert!(!world.read(chains::is_behind).unwrap());
    assert_eq!(paths_of(world, leaf), before);
    assert!(!world.write(|tx, _| chains::backfill(tx)).unwrap(), "there is nothing left");
}

pub fn a_flood_of_namesakes_is_cut(world: &World) {
    let root = Party::new("Root");
    let issuing: Vec<Party> = (0..40).map(|_| Party::new("Issuing")).collect();
    let ders: Vec<Vec<u8>> = issuing.iter().map(|one| root.certifies(one)).collect();
    world.import(&ders, None).unwrap();
    let leaf = held(world, &issuing[0].serves("www.example.com"));
    let above = world.read(move |tx| chains::above(tx, &local(), leaf)).unwrap();
    assert!(above.cut && above.pool.len() == limits::CHAIN_SAME_NAME, "{}", above.pool.len());
    let (graph, _) = above.graph().unwrap();
    assert_eq!(graph.paths[0].nodes.len(), 2, "the key identifier leads to the right one all the same");
    assert!(graph.checks > 30, "{}", graph.checks);
    let (again, _) = above.graph().unwrap();
    assert_eq!((again.checks, &again.paths), (0, &graph.paths), "signatures are remembered");
}

fn command(name: &str, certificates: &[CertificateId]) -> TrustSetCommand {
    TrustSetCommand { name: name.into(), description: "for the story".into(), certificates: certificates.to_vec() }
}

fn verdict(world: &World, id: CertificateId, set: TrustSetId, usage: Usage, at: i64, name: &str) -> (Vec<String>, Vec<i64>) {
    let question = world.read(move |tx| chains::question(tx, &local(), id, Some(set))).unwrap();
    let judged = question.judge(usage, at, &[name.to_owned()]).remove(0);
    (judged.reasons, judged.path.iter().map(|id| id.0).collect())
}

pub fn trust_sets_judge_certificates(world: &World) {
    let (root, issuing, other) = (Party::new("Root"), Party::new("Issuing"), Party::new("Other Root"));
    let leaf = held(world, &issuing.serves("www.example.com"));
    let (issuing_id, root_id) = (held(world, &root.certifies(&issuing)), held(world, &root.root()));
    let other_id = held(world, &other.root());
    let ours = world.write(move |tx, now| chains::create(tx, &local(), &command("Ours", &[root_id]), now)).unwrap();
    let theirs = world.write(move |tx, now| chains::create(tx, &local(), &command("Theirs", &[other_id]), now)).unwrap();
    let judged = verdict(world, leaf, ours, Usage::Server, START, "www.example.com");
    assert_eq!(judged, (vec![], vec![issuing_id.0, root_id.0]));
    let (reasons, path) = verdict(world, leaf, theirs, Usage::Server, START, "www.example.com");
    assert_eq!((reasons.len(), path.len()), (1, 0), "{reasons:?}");
    for (usage, at, name) in [
        (Usage::Client, START, "www.example.com"),
        (Usage::Server, START + 61 * DAY, "www.example.com"),
        (Usage::Server, START - 31 * DAY, "www.example.com"),
        (Usage::Server, START, "other.example.com"),
    ] {
        let (reasons, _) = verdict(world, leaf, ours, usage, at, name);
        assert_eq!(reasons.len(), 1, "{usage:?} {at} {name}: {reasons:?}");
    }
    let all = world.read(move |tx| chains::question(tx, &local(), leaf, None)).unwrap();
    assert_eq!(all.judge(Usage::Server, START, &[]).iter().map(|one| one.reasons.is_empty()).collect::<Vec<_>>(), [true, false]);
}

pub fn trust_sets_are_changed_by_whom_may(world: &World) {
    let root = Party::new("Root");
    let (root_id, leaf) = (held(world, &root.root()), held(world, &root.serves("www.example.com")));
    let before = world.events();
    let set = world.write(move |tx, now| chains::create(tx, &local(), &command(" Ours ", &[root_id, root_id]), now)).unwrap();
    let found = world.read(move |tx| chains::get(tx, &local(), set)).unwrap();
    assert_eq!((found.name.as_str(), found.members, world.events()), ("Ours", 1, before + 1));
    // What is there already changes nothing.
    world.write(move |tx, now| chains::update(tx, &local(), set, &command("Ours", &[root_id]), now)).unwrap();
    assert_eq!(world.events(), before + 1);
    for (what, wrong) in [
        ("taken", command("OURS", &[])),
        ("no name", command(" ", &[])),
        ("hostile", command("a\u{202e}b", &[])),
        ("no such certificate", command("x", &[CertificateId(987_654)])),
        ("no authority", command("x", &[leaf])),
    ] {
        let refusal = world.refused(move |tx, now| chains::create(tx, &local(), &wrong, now));
        assert!(matches!(refusal, Refusal::Conflict(_) | Refusal::Invalid { .. }), "{what}: {refusal}");
    }
    let many: Vec<CertificateId> = (1..=1001).map(CertificateId).collect();
    assert!(matches!(
        world.refused(move |tx, now| chains::create(tx, &local(), &command("x", &many), now)),
        Refusal::Invalid { .. }
    ));
    // A member is not removed from the inventory.
    let refusal = world.refused(move |tx, now| inventory::remove(tx, &local(), root_id, now));
    assert!(refusal.to_string().contains("Ours"), "{refusal}");
    // Reading is not changing.
    let readers = world.role("Readers", &[paths::CERTIFICATES_READ]);
    let reader = world.somebody("reader", &[readers]);
    let actor = reader.clone();
    assert_eq!(world.read(move |tx| chains::list(tx, &actor)).unwrap().len(), 1);
    let actor = reader.clone();
    assert_eq!(world.read(move |tx| chains::members(tx, &actor, set)).unwrap()[0].id, root_id);
    for work in [0, 1, 2] {
        let actor = reader.clone();
        let refusal = world.refused(move |tx, now| match work {
            0 => chains::create(tx, &actor, &command("x", &[]), now).map(|_| ()),
            1 => chains::update(tx, &actor, set, &command("x", &[]), now),
            _ => chains::remove(tx, &actor, set, now),
        });
        assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    }
    // Who may change, may not learn by changing what is not there: the right is asked for first.
    let nobody = world.somebody("nobody", &[]);
    let refusal = world.refused(move |tx, now| chains::remove(tx, &nobody, TrustSetId(987_654), now));
    assert!(matches!(refusal, Refusal::Forbidden { .. }), "{refusal}");
    world.write(move |tx, now| chains::update(tx, &local(), set, &command("Renamed", &[]), now)).unwrap();
    world.write(move |tx, now| inventory::remove(tx, &local(), root_id, now)).unwrap();
    world.write(move |tx, now| chains::remove(tx, &local(), set, now)).unwrap();
    assert!(matches!(world.refused(move |tx, now| chains::remove(tx, &local(), set, now)), Refusal::NotFound { .. }));
    assert!(world.intact().intact());
}

pub fn a_flood_of_one_name_hides_no_issuer(world: &World) {
    let most = limits::CHAIN_SAME_NAME;
    let flood = |name: &str, wanted: &Party, many: usize| {
        for _ in 0..many {
            let mut params = Party::new(name).authority();
            // The key identifier of the real one, with another key.
            params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(key_id(wanted));
            let key = KeyPair::generate().unwrap();
            held(world, params.self_signed(&key).unwrap().der());
        }
    };
    // Held before the flood, or after it.
    for (name, first) in [("Early", true), ("Late", false)] {
        let root = Party::new(name);
        let mut ids = Vec::new();
        if first {
            ids.push(held(world, &root.root()));
        }
        flood(name, &root, most + 8);
        if !first {
            ids.push(held(world, &root.root()));
        }
        let leaf = held(world, &root.serves("www.example.com"));
        assert_eq!(paths_of(world, leaf), [(vec![leaf.0, ids[0].0], End::Root)], "{name}");
    }
    // In the middle of it: found when somebody trusts it, and never called missing.
    let root = Party::new("Middle");
    flood("Middle", &root, most);
    let id = held(world, &root.root());
    flood("Middle", &root, most);
    let leaf = held(world, &root.serves("www.example.com"));
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0], End::Unfinished)]);
    let command = TrustSetCommand { name: "Ours".into(), description: String::new(), certificates: vec![id] };
    world.write(move |tx, now| chains::create(tx, &local(), &command, now)).unwrap();
    assert_eq!(paths_of(world, leaf), [(vec![leaf.0, id.0], End::Root)]);
}

/// The subject key identifier that the party's certificates have.
fn key_id(party: &Party) -> Vec<u8> {
    certhold_pki::graph::Names::of(&party.root()).unwrap().key_id.unwrap()
}
