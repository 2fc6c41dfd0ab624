//! Issuer graphs and verdicts, against `openssl verify`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod common;

use certhold_pki::graph::{Check, DEPTH_MAX, End, Graph, PATHS_MAX, Problem};
use certhold_pki::pem;
use certhold_pki::trust::{Question, Usage, Verdict, judge};
use common::{Workshop, openssl, try_openssl};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// 2026-06-01 12:00 UTC, at which everything here is judged.
const NOW_MS: i64 = 1_780_315_200_000;

/// A name with a key.
struct Party {
    name: String,
    key: KeyPair,
}

impl Party {
    fn new(name: &str) -> Party {
        Party { name: name.to_owned(), key: KeyPair::generate().unwrap() }
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, &self.name);
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        params.use_authority_key_identifier_extension = true;
        params
    }

    fn authority(&self) -> CertificateParams {
        let mut params = self.params();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    fn root(&self) -> Vec<u8> {
        self.authority().self_signed(&self.key).unwrap().der().to_vec()
    }

    /// A certificate for `subject` with these parameters.
    fn issues(&self, subject: &Party, params: &CertificateParams) -> Vec<u8> {
        let own = self.authority();
        let issuer = Issuer::from_params(&own, &self.key);
        params.signed_by(&subject.key, &issuer).unwrap().der().to_vec()
    }

    fn certifies(&self, subject: &Party) -> Vec<u8> {
        self.issues(subject, &subject.authority())
    }

    /// A server's certificate for leaf.example.
    fn serves(&self) -> Vec<u8> {
        let leaf = Party::new("leaf.example");
        self.issues(&leaf, &server(&leaf))
    }
}

fn server(leaf: &Party) -> CertificateParams {
    let mut params = leaf.params();
    params.subject_alt_names = vec![rcgen::SanType::DnsName("leaf.example".try_into().unwrap())];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// The paths as the common names along them, with their ends.
fn told(graph: &Graph) -> Vec<(String, End)> {
    let name = |node: &usize| graph.nodes[*node].facts.common_name.clone().unwrap_or_default();
    graph.paths.iter().map(|path| (path.nodes.iter().map(name).collect::<Vec<_>>().join(" < "), path.end.clone())).collect()
}

fn above(leaf: &[u8], pool: &[&Vec<u8>]) -> Graph {
    Graph::above(leaf, pool).unwrap().0
}

fn bundle(ders: &[&Vec<u8>]) -> String {
    ders.iter().map(|der| pem::encode(pem::CERTIFICATE, der)).collect()
}

/// What `openssl verify` says: nothing when it accepts, else its message.
fn verified(leaf: &[u8], between: &[&Vec<u8>], roots: &[&Vec<u8>], extra: &[&str]) -> Result<(), String> {
    let shop = Workshop::new();
    let leaf = shop.write("leaf.pem", pem::encode(pem::CERTIFICATE, leaf).as_bytes());
    let between = shop.write("between.pem", bundle(between).as_bytes());
    let roots = shop.write("roots.pem", bundle(roots).as_bytes());
    let at = (NOW_MS / 1000).to_string();
    let mut arguments = vec!["verify", "-attime", &at, "-CAfile", &roots, "-no-CApath", "-no-CAstore", "-partial_chain"];
    if std::fs::metadata(&between).unwrap().len() > 0 {
        arguments.extend(["-untrusted", &between]);
    }
    arguments.extend(extra);
    arguments.push(&leaf);
    try_openssl(&arguments, b"").map(|_| ())
}

fn verdict(leaf: &[u8], between: &[&Vec<u8>], roots: &[&Vec<u8>], usage: Usage, names: &[&str]) -> Verdict {
    let own = |all: &[&Vec<u8>]| all.iter().map(|der| (*der).clone()).collect::<Vec<_>>();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let (intermediates, anchors) = (own(between), own(roots));
    judge(&Question { certificate: leaf, intermediates: &intermediates, anchors: &anchors, usage, at_ms: NOW_MS, names: &names })
}

#[test]
fn one_path_to_one_root() {
    let (root, issuing) = (Party::new("Root"), Party::new("Issuing"));
    let (r, i, leaf) = (root.root(), root.certifies(&issuing), issuing.serves());
    let (graph, places) = Graph::above(&leaf, &[&r, &leaf, &i, &i]).unwrap();
    assert_eq!(told(&graph), [("leaf.example < Issuing < Root".to_owned(), End::Root)]);
    assert_eq!(places, [2, 0], "the issuing authority stands at 2, the root at 0");
    assert_eq!(graph.nodes[0].issuers, [(1, Check::Verified)]);
    assert!(graph.nodes[2].self_signed && !graph.unfinished && graph.cross_signed().is_empty());
    assert_eq!(graph.problems(&graph.paths[0], 1, NOW_MS), []);
    assert_eq!(verified(&leaf, &[&i], &[&r], &[]), Ok(()));
    assert_eq!(
        verdict(&leaf, &[&i], &[&r], Usage::Server, &["leaf.example"]),
        Verdict { anchor: Some(0), path: vec![0], ..Verdict::default() }
    );
}

#[test]
fn what_is_missing_is_the_end() {
    let (root, issuing) = (Party::new("Root"), Party::new("Issuing"));
    let (r, leaf) = (root.root(), issuing.serves());
    let graph = above(&leaf, &[&r]);
    assert_eq!(told(&graph), [("leaf.example".to_owned(), End::Missing)]);
    assert!(verified(&leaf, &[], &[&r], &[]).unwrap_err().contains("unable to get local issuer certificate"));
    let verdict = verdict(&leaf, &[], &[&r], Usage::Server, &[]);
    assert_eq!(verdict.reasons, ["No path leads from it to a certificate of the trust set."]);
}

#[test]
fn cross_signed_authorities_have_two_paths() {
    let (old, new, issuing) = (Party::new("Old Root"), Party::new("New Root"), Party::new("Issuing"));
    let (o, n, crossed) = (old.root(), new.root(), old.certifies(&new));
    let (i, leaf) = (new.certifies(&issuing), issuing.serves());
    let graph = above(&leaf, &[&o, &n, &crossed, &i]);
    assert_eq!(
        told(&graph),
        [
            ("leaf.example < Issuing < New Root".to_owned(), End::Root),
            ("leaf.example < Issuing < New Root < Old Root".to_owned(), End::Root)
        ]
    );
    let groups = graph.cross_signed();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].len(), 2);
    assert_eq!(verified(&leaf, &[&i, &crossed], &[&o], &[]), Ok(()), "by the old root alone");
    assert_eq!(verified(&leaf, &[&i], &[&n], &[]), Ok(()), "by the new root alone");
    assert_eq!(verdict(&leaf, &[&i, &crossed], &[&o], Usage::Server, &[]).path, [0, 1]);
    assert_eq!(verdict(&leaf, &[&i, &crossed], &[&n], Usage::Server, &[]).path, [0]);
}

#[test]
fn an_expired_authority_is_named_and_the_way_round_it_found() {
    let (root, issuing) = (Party::new("Root"), Party::new("Issuing"));
    let mut ended = issuing.authority();
    ended.not_after = rcgen::date_time_ymd(2026, 5, 1);
    let (r, expired, leaf) = (root.root(), root.issues(&issuing, &ended), issuing.serves());
    let graph = above(&leaf, &[&r, &expired]);
    assert_eq!(graph.problems(&graph.paths[0], 1, NOW_MS), [Problem::Expired]);
    assert!(verified(&leaf, &[&expired], &[&r], &[]).unwrap_err().contains("certificate has expired"));
    let refused = verdict(&leaf, &[&expired], &[&r], Usage::Server, &[]);
    assert_eq!(refused.reasons, ["It, or an authority above it, has ended on 2026-05-01 00:00:00 UTC."]);
    let renewed = root.certifies(&issuing);
    let graph = above(&leaf, &[&r, &expired, &renewed]);
    assert_eq!(graph.paths.len(), 2);
    let sound = |path: &certhold_pki::graph::Path| (0..path.nodes.len()).all(|n| graph.problems(path, n, NOW_MS).is_empty());
    assert_eq!(graph.paths.iter().filter(|path| sound(path)).count(), 1);
    assert!(verdict(&leaf, &[&expired, &renewed], &[&r], Usage::Server, &[]).is_trusted());
}

#[test]
fn authorities_of_one_name_with_different_keys_are_told_apart() {
    let (root, one, two) = (Party::new("Root"), Party::new("Issuing"), Party::new("Issuing"));
    let (r, first, second, leaf) = (root.root(), root.certifies(&one), root.certifies(&two), two.serves());
    let graph = above(&leaf, &[&r, &first, &second]);
    assert_eq!(graph.paths.len(), 1);
    assert_eq!(graph.nodes[1].facts.sha256, certhold_pki::Facts::of(&second).unwrap().sha256);
    assert_eq!(graph.nodes[0].others_of_that_name, 1);
    let graph = above(&leaf, &[&r, &first]);
    assert_eq!((told(&graph), graph.nodes[0].others_of_that_name), (vec![("leaf.example".to_owned(), End::Missing)], 1));
    assert!(verified(&leaf, &[&first], &[&r], &[]).is_err());
}

#[test]
fn without_key_identifiers_the_signature_decides() {
    let (root, one, two) = (Party::new("Root"), Party::new("Issuing"), Party::new("Issuing"));
    let leaf = Party::new("leaf.example");
    let mut params = server(&leaf);
    params.use_authority_key_identifier_extension = false;
    let (r, first, second, der) = (root.root(), root.certifies(&one), root.certifies(&two), two.issues(&leaf, &params));
    assert_eq!(certhold_pki::Facts::of(&der).unwrap().authority_key_id, None);
    let graph = above(&der, &[&first, &second, &r]);
    assert_eq!(told(&graph), [("leaf.example < Issuing < Root".to_owned(), End::Root)]);
    // OpenSSL takes the first of that name and tries no other.
    assert_eq!(verified(&der, &[&second], &[&r], &[]), Ok(()));
    assert!(verified(&der, &[&first], &[&r], &[]).unwrap_err().contains("certificate signature failure"));
    assert!(verdict(&der, &[&first, &second], &[&r], Usage::Server, &[]).is_trusted());
}

#[test]
fn loops_end() {
    let (a, b) = (Party::new("A"), Party::new("B"));
    let (ab, ba, leaf) = (a.certifies(&b), b.certifies(&a), b.serves());
    let graph = above(&leaf, &[&ab, &ba]);
    assert_eq!(told(&graph), [("leaf.example < B < A".to_owned(), End::Loop)]);
    assert_eq!(told(&above(&ab, &[&ab, &ba])), [("B < A".to_owned(), End::Loop)]);
}

#[test]
fn a_key_rollover_is_one_step() {
    let (old, new) = (Party::new("Root"), Party::new("Root"));
    let (o, new_with_old, leaf) = (old.root(), old.certifies(&new), new.serves());
    let graph = above(&leaf, &[&o, &new_with_old]);
    assert_eq!(told(&graph), [("leaf.example < Root < Root".to_owned(), End::Root)]);
    assert_eq!(verified(&leaf, &[&new_with_old], &[&o], &[]), Ok(()));
}

#[test]
fn floods_are_cut_and_say_so() {
    // Seven authorities that all certify one another: thousands of paths
    let parties: Vec<Party> = (0..7).map(|n| Party::new(&format!("Authority {n}"))).collect();
    let mut pool = Vec::new();
    for (n, issuer) in parties.iter().enumerate() {
        pool.extend(parties.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, subject)| issuer.certifies(subject)));
    }
    let leaf = parties[0].serves();
    let graph = above(&leaf, &pool.iter().collect::<Vec<_>>());
    assert!(graph.unfinished && graph.paths.len() == PATHS_MAX);
    // A hundred authorities of one name
    let namesakes: Vec<Party> = (0..100).map(|_| Party::new("Issuing")).collect();
    let root = Party::new("Root");
    let pool: Vec<Vec<u8>> = namesakes.iter().map(|one| root.certifies(one)).collect();
    let leaf = namesakes[99].serves();
    let graph = above(&leaf, &pool.iter().collect::<Vec<_>>());
    assert_eq!(graph.paths.iter().map(|path| path.nodes.len()).collect::<Vec<_>>(), [2], "found by its key identifier");
    // A line longer than anybody has
    let line: Vec<Party> = (0..20).map(|n| Party::new(&format!("Level {n}"))).collect();
    let pool: Vec<Vec<u8>> = line.windows(2).map(|pair| pair[0].certifies(&pair[1])).collect();
    let leaf = line[19].serves();
    let graph = above(&leaf, &pool.iter().collect::<Vec<_>>());
    assert_eq!((graph.paths.len(), graph.paths[0].nodes.len(), &graph.paths[0].end), (1, DEPTH_MAX, &End::TooLong));
}

#[test]
fn what_authorities_may_not_do_is_told_as_openssl_tells_it() {
    let (root, first, second) = (Party::new("Root"), Party::new("First"), Party::new("Second"));
    let mut limited = first.authority();
    limited.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let (r, f, s, leaf) = (root.root(), root.issues(&first, &limited), first.certifies(&second), second.serves());
    let graph = above(&leaf, &[&r, &f, &s]);
    assert_eq!(graph.problems(&graph.paths[0], 2, NOW_MS), [Problem::PathTooLong]);
    assert!(verified(&leaf, &[&f, &s], &[&r], &[]).unwrap_err().contains("path length constraint exceeded"));
    assert_eq!(
        verdict(&leaf, &[&f, &s], &[&r], Usage::Server, &[]).reasons,
        ["An authority on the path allows fewer authorities below it."]
    );

    let mut none = first.authority();
    none.is_ca = IsCa::ExplicitNoCa;
    none.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let (f, leaf) = (root.issues(&first, &none), first.serves());
    let graph = above(&leaf, &[&r, &f]);
    assert_eq!(graph.problems(&graph.paths[0], 1, NOW_MS), [Problem::NotAnAuthority, Problem::MayNotSign]);
    assert!(verified(&leaf, &[&f], &[&r], &[]).unwrap_err().contains("invalid CA certificate"));
    assert!(!verdict(&leaf, &[&f], &[&r], Usage::Server, &[]).is_trusted());
}

#[test]
fn uses_and_names_are_judged_as_openssl_judges_them() {
    let (root, issuing) = (Party::new("Root"), Party::new("Issuing"));
    let (r, i, leaf) = (root.root(), root.certifies(&issuing), issuing.serves());
    for (usage, purpose) in [(Usage::Server, "sslserver"), (Usage::Client, "sslclient")] {
        let ours = verdict(&leaf, &[&i], &[&r], usage, &[]).is_trusted();
        assert_eq!(ours, verified(&leaf, &[&i], &[&r], &["-purpose", purpose]).is_ok(), "{purpose}");
        assert_eq!(ours, usage == Usage::Server);
    }
    for (name, valid) in [("leaf.example", true), ("LEAF.example", true), ("other.example", false), ("a.leaf.example", false)] {
        assert_eq!(verdict(&leaf, &[&i], &[&r], Usage::Server, &[name]).is_trusted(), valid, "{name}");
        assert_eq!(verified(&leaf, &[&i], &[&r], &["-verify_hostname", name]).is_ok(), valid, "{name}");
    }
    let odd = verdict(&leaf, &[&i], &[&r], Usage::Server, &["not a name"]);
    assert_eq!(odd.reasons, ["\"not a name\" is neither a host name nor an address."]);
    assert_eq!(verdict(&r, &[], &[&r], Usage::Server, &[]), Verdict { anchor: Some(0), ..Verdict::default() });
    assert_eq!(
        verdict(&i, &[], &[&r], Usage::Server, &[]).reasons,
        ["It is an authority's certificate: TLS shows certificates of servers and clients only."]
    );
    assert!(!verdict(b"junk", &[], &[&r], Usage::Server, &[]).is_trusted());
}

#[test]
fn what_cannot_be_verified_here_is_not_called_invalid() {
    let shop = Workshop::new();
    let root = shop.certificate("ed448", &["-subj", "/CN=Root", "-days", "3000"]);
    let issuer = shop.write("root.pem", pem::encode(pem::CERTIFICATE, &root).as_bytes());
    let key = shop.key("ec:prime256v1");
    let request = shop.write("leaf.csr", &openssl(&["req", "-new", "-key", &key, "-subj", "/CN=leaf"], b""));
    let extensions = shop.write("leaf.ext", b"authorityKeyIdentifier=keyid\n");
    let signer = shop.key("ed448");
    let leaf = openssl(
        &[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &issuer,
            "-CAkey",
            &signer,
            "-CAcreateserial",
            "-extfile",
            &extensions,
            "-outform",
            "DER",
        ],
        b"",
    );
    let graph = above(&leaf, &[&root]);
    assert_eq!(told(&graph), [("leaf < Root".to_owned(), End::Root)]);
    assert!(matches!(&graph.nodes[0].issuers[..], [(1, Check::NotVerifiable(why))] if why.contains("Ed448")));
    // The same name, another key, whose identifier differs
    let other = shop.certificate("ec:secp384r1", &["-subj", "/CN=Root"]);
    let graph = above(&leaf, &[&other]);
    assert_eq!(told(&graph), [("leaf".to_owned(), End::Missing)]);
}

#[test]
fn junk_in_the_pool_is_passed_over_and_a_junk_leaf_refused() {
    let root = Party::new("Root");
    let (r, leaf) = (root.root(), root.serves());
    let junk = b"junk".to_vec();
    let (graph, places) = Graph::above(&leaf, &[&junk, &r]).unwrap();
    assert_eq!((graph.paths.len(), places), (1, vec![1]));
    assert!(Graph::above(&junk, &[&r]).is_err());
}

#[test]
fn an_authority_with_many_certificates_costs_one_check() {
    let root = Party::new("Root");
    let others: Vec<Party> = (0..50).map(|number| Party::new(&format!("Root {number}"))).collect();
    let mut pool: Vec<Vec<u8>> = others.iter().map(|other| other.certifies(&root)).collect();
    let crossed = Graph::above(&root.serves(), &pool).unwrap().0;
    assert_eq!((crossed.nodes.len(), crossed.nodes[0].issuers.len()), (51, 50));
    assert_eq!(crossed.checks, 1, "one for the leaf: nobody above is at hand");
    assert!(crossed.unfinished && crossed.paths.len() == PATHS_MAX, "there are more paths than are told");

    pool.extend(others.iter().map(Party::root));
    let whole = Graph::above(&root.serves(), &pool).unwrap().0;
    assert_eq!(whole.nodes.len(), 101);
    assert_eq!(whole.checks, 1 + 50 + 50, "the leaf, each cross-sign, each root");
    assert!(whole.paths.iter().all(|path| path.end == End::Root && path.nodes.len() == 3));

    // Namesakes with keys of their own cost one check each, up to a limit, and the one with the right identifier comes first.
    let namesakes: Vec<Vec<u8>> = (0..50).map(|_| Party::new("Root").root()).chain([root.root()]).collect();
    let found = Graph::above(&root.serves(), &namesakes).unwrap().0;
    assert_eq!((found.nodes.len(), found.nodes[0].others_of_that_name), (2, 31));
    assert!(found.unfinished && found.checks == 33, "{}", found.checks);
}
