//! Who issued whom: every path from a certificate to a root among the certificates that are at hand.
//!
//! An edge goes from a certificate to one whose subject is its issuer and whose key verifies its signature. Where the
//! signature cannot be verified here, the edge needs equal key identifiers and says that it was not verified. A signature that
//! does not fit makes no edge: authorities of one name with different keys are common.

use std::collections::HashMap;

use crate::asn1::{Reader, tag};
use crate::certificate::{Certificate, NotACertificate};
use crate::facts::{Facts, sha256};
use crate::signature::{SignatureError, verify_certificate};

/// Certificates of one path, the leaf included.
pub const DEPTH_MAX: usize = 12;
/// Paths that are told.
pub const PATHS_MAX: usize = 32;
/// Signatures that are checked for one certificate, and for a whole graph.
const CHECKS_OF_ONE_MAX: usize = 32;
const CHECKS_MAX: usize = 512;
/// Steps of the search for paths; a dense graph has more paths than anybody would read.
const STEPS_MAX: usize = 20_000;

const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];

/// Whether the certificate at the beginning of `der` may have issued others: its basic constraints say so, or it is of a
/// version that has none.
pub fn may_issue(der: &[u8]) -> bool {
    let Ok(certificate) = Certificate::locate(der) else { return false };
    if certificate.version.is_none_or(|version| version != [2]) {
        return true;
    }
    let constraints = certificate.extension(BASIC_CONSTRAINTS).and_then(|value| Reader::new(value).enter(tag::SEQUENCE));
    let flag = constraints.and_then(|mut fields| fields.take(tag::BOOLEAN));
    flag.is_some_and(|flag| flag.content.first().is_some_and(|octet| *octet != 0))
}

/// What is needed to look for the issuers of a certificate, and for what it issued, in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// SHA-256 of the subject's encoding.
    pub subject: [u8; 32],
    /// SHA-256 of the issuer's encoding.
    pub issuer: [u8; 32],
    /// Its subject key identifier.
    pub key_id: Option<Vec<u8>>,
    /// Its authority key identifier's key identifier.
    pub authority_key_id: Option<Vec<u8>>,
}

impl Names {
    /// The names of the certificate at the beginning of `der`.
    ///
    /// # Errors
    /// As [`Facts::of`].
    pub fn of(der: &[u8]) -> Result<Names, NotACertificate> {
        let certificate = Certificate::locate(der)?;
        Ok(Names {
            subject: sha256(certificate.subject.whole),
            issuer: sha256(certificate.issuer.whole),
            key_id: subject_key_id(&certificate).map(<[u8]>::to_vec),
            authority_key_id: authority_key_id(&certificate).map(<[u8]>::to_vec),
        })
    }
}

/// How sure an edge is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The issuer's key verifies the signature.
    Verified,
    /// Key identifiers agree; the signature cannot be verified here, for this reason.
    NotVerifiable(String),
}

/// One certificate of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it says.
    pub facts: Facts,
    /// Its issuers among the nodes, the ones with the wanted key identifier first.
    pub issuers: Vec<(usize, Check)>,
    /// Subject and issuer are the same, and its own key made the signature (or that cannot be told here).
    pub self_signed: bool,
    /// Certificates at hand with the issuer's name whose key did not make the signature.
    pub others_of_that_name: usize,
    /// Not every certificate with the issuer's name was looked at, because there are too many.
    pub unfinished: bool,
}

/// How a path ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With a self-signed certificate.
    Root,
    /// The issuer of the last certificate is not at hand.
    Missing,
    /// The issuer of the last certificate is not among those of its name that were looked at, and there are more.
    Unfinished,
    /// The next certificate would be one that stands on the path already.
    Loop,
    /// Longer than [`DEPTH_MAX`].
    TooLong,
}

/// One path: certificates by their numbers in the graph, the one that was asked about first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The certificates, each issued by the next.
    pub nodes: Vec<usize>,
    /// How it ends.
    pub end: End,
}

/// What is wrong with one certificate in its place on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It has ended.
    Expired,
    /// It has not begun.
    NotYetValid,
    /// It issues, but is not an authority's.
    NotAnAuthority,
    /// It issues, but its key usage forbids it to sign certificates.
    MayNotSign,
    /// More authorities stand below it than it allows.
    PathTooLong,
}

/// Certificates and who issued whom.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The certificates; the first is the one that was asked about.
    pub nodes: Vec<Node>,
    /// Every path from the first certificate, shortest first.
    pub paths: Vec<Path>,
    /// There are more paths, or signatures were left unchecked: a limit was reached.
    pub unfinished: bool,
    /// Signatures that were verified for it: what building it costs, beside reading.
    pub checks: usize,
}

impl Graph {
    /// The graph above `leaf`, with authorities taken from `pool`. Certificates of the pool that nothing leads to are left
    /// out; the second part of the answer says where in the pool each node but the first comes from.
    ///
    /// # Errors
    /// When `leaf` is no certificate; what is none in the pool is passed over.
    pub fn above<D: AsRef<[u8]>>(leaf: &[u8], pool: &[D]) -> Result<(Graph, Vec<usize>), NotACertificate> {
        Graph::above_with(leaf, pool, &Forgetful)
    }

    /// As [`Graph::above`]; signatures that are remembered are not verified again.
    ///
    /// # Errors
    /// As [`Graph::above`].
    pub fn above_with<D: AsRef<[u8]>>(
        leaf: &[u8],
        pool: &[D],
        memory: &dyn Memory,
    ) -> Result<(Graph, Vec<usize>), NotACertificate> {
        let leaf = Certificate::locate(leaf)?;
        let mut builder = Builder::of(leaf, pool, memory);
        builder.grow();
        builder.finish()
    }

    /// What is wrong with the certificate at `place` of `path` at this time, in unix milliseconds.
    pub fn problems(&self, path: &Path, place: usize, now_ms: i64) -> Vec<Problem> {
        let Some(node) = path.nodes.get(place).and_then(|node| self.nodes.get(*node)) else { return Vec::new() };
        let facts = &node.facts;
        let mut problems = Vec::new();
        let mut note = |wrong: bool, problem: Problem| {
            if wrong {
                problems.push(problem);
            }
        };
        note(facts.not_after < now_ms, Problem::Expired);
        note(facts.not_before > now_ms, Problem::NotYetValid);
        if place > 0 {
            // Version 1 has no basic constraints; roots of that time are trusted by configuration.
            note(!facts.is_ca && facts.version == 3, Problem::NotAnAuthority);
            let signs = facts.key_usage.is_empty() || facts.key_usage.iter().any(|usage| usage == "keyCertSign");
            note(!signs, Problem::MayNotSign);
            let between = path.nodes[1..place].iter().filter(|node| !self.nodes[**node].facts.self_issued).count();
            note(facts.path_length.is_some_and(|most| between > most as usize), Problem::PathTooLong);
        }
        problems
    }

    /// Groups of nodes that have one subject and one key: cross-signed authorities.
    pub fn cross_signed(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.facts.is_ca) {
            let same = |group: &&mut Vec<usize>| {
                let first = &self.nodes[group[0]].facts;
                first.spki_sha256 == node.facts.spki_sha256 && first.subject == node.facts.subject
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.push(number),
                None => groups.push(vec![number]),
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }
}

/// Remembers which key made which signature. These are facts: they never change, whatever becomes of the certificates.
pub trait Memory {
    /// Whether the key of this SubjectPublicKeyInfo made the signature of this certificate, if that is remembered.
    fn recall(&self, certificate: &[u8], spki: &[u8]) -> Option<bool>;
    /// Remembers what was verified.
    fn remember(&self, certificate: &[u8], spki: &[u8], verified: bool);
}

/// Remembers nothing.
struct Forgetful;

impl Memory for Forgetful {
    fn recall(&self, _: &[u8], _: &[u8]) -> Option<bool> {
        None
    }

    fn remember(&self, _: &[u8], _: &[u8], _: bool) {}
}

struct Builder<'a> {
    memory: &'a dyn Memory,
    pool: Vec<(usize, Certificate<'a>)>,
    by_subject: HashMap<&'a [u8], Vec<usize>>,
    /// The certificate of each node, and its place in the pool.
    certificates: Vec<(Certificate<'a>, Option<usize>)>,
    node_of: HashMap<usize, usize>,
    edges: Vec<Edges>,
    checks: usize,
}

#[derive(Default)]
struct Edges {
    issuers: Vec<(usize, Check)>,
    self_signed: bool,
    others: usize,
    unfinished: bool,
}

impl<'a> Builder<'a> {
    fn of<D: AsRef<[u8]>>(leaf: Certificate<'a>, pool: &'a [D], memory: &'a dyn Memory) -> Builder<'a> {
        let readable = |(place, der): (usize, &'a D)| Some((place, Certificate::locate(der.as_ref()).ok()?));
        let pool: Vec<_> = pool.iter().enumerate().filter_map(readable).filter(|(_, one)| one.whole != leaf.whole).collect();
        let mut by_subject: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (number, (_, certificate)) in pool.iter().enumerate() {
            let same = by_subject.entry(certificate.subject.whole).or_default();
            if !same.iter().any(|other| pool[*other].1.whole == certificate.whole) {
                same.push(number);
            }
        }
        Builder {
            memory,
            pool,
            by_subject,
            certificates: vec![(leaf, None)],
            node_of: HashMap::new(),
            edges: Vec::new(),
            checks: 0,
        }
    }

    fn grow(&mut self) {
        while let Some((certificate, _)) = self.certificates.get(self.edges.len()).copied() {
            let edges = self.edges_of(&certificate);
            self.edges.push(edges);
        }
    }

    /// Whether `issuer` signed `certificate`, from memory if it is there.
    fn check(&mut self, certificate: &Certificate<'a>, issuer: &Certificate<'a>) -> Result<(), SignatureError> {
        let (signed, key) = (certificate.whole, issuer.spki.whole);
        if let Some(verified) = self.memory.recall(signed, key) {
            return if verified { Ok(()) } else { Err(SignatureError::Invalid) };
        }
        self.checks += 1;
        let answer = verify_certificate(certificate, issuer);
        match answer {
            Ok(()) => self.memory.remember(signed, key, true),
            Err(SignatureError::Invalid) => self.memory.remember(signed, key, false),
            Err(_) => {}
        }
        answer
    }

    fn edges_of(&mut self, certificate: &Certificate<'a>) -> Edges {
        let mut edges = Edges::default();
        if certificate.issuer.whole == certificate.subject.whole {
            // Its own key, or for a rollover the key of another certificate of the same name.
            edges.self_signed = match self.check(certificate, certificate) {
                Ok(()) => true,
                Err(SignatureError::NotVerifiable(_)) => {
                    authority_key_id(certificate).is_none_or(|id| subject_key_id(certificate) == Some(id))
                }
                Err(_) => false,
            };
            if edges.self_signed {
                return edges;
            }
        }
        let wanted = authority_key_id(certificate);
        // An authority below another may stand above it too, when they certify one another.
        let leaf = self.certificates[0].0;
        if !self.edges.is_empty() && leaf.subject.whole == certificate.issuer.whole && self.check(certificate, &leaf).is_ok() {
            edges.issuers.push((0, Check::Verified));
        }
        // Cross-signed authorities have one key: it is asked once.
        let mut asked: Vec<(&[u8], Result<(), SignatureError>)> = Vec::new();
        let mut named = self.by_subject.get(certificate.issuer.whole).cloned().unwrap_or_default();
        let fits = |number: &usize| wanted.is_some() && subject_key_id(&self.pool[*number].1) == wanted;
        named.sort_by_key(|number| !fits(number));
        for number in named {
            let (place, issuer) = self.pool[number];
            let known = asked.iter().find(|(key, _)| *key == issuer.spki.whole).map(|(_, answer)| answer.clone());
            let answer = match known {
                Some(answer) => answer,
                None if asked.len() >= CHECKS_OF_ONE_MAX || self.checks >= CHECKS_MAX => {
                    edges.unfinished = true;
                    continue;
                }
                None => {
                    let answer = self.check(certificate, &issuer);
                    asked.push((issuer.spki.whole, answer.clone()));
                    answer
                }
            };
            let check = match answer {
                Ok(()) => Check::Verified,
                Err(SignatureError::NotVerifiable(why)) if wanted.is_none() || subject_key_id(&issuer) == wanted => {
                    Check::NotVerifiable(why)
                }
                Err(_) => {
                    edges.others += 1;
                    continue;
                }
            };
            let node = self.node(number, place, issuer);
            edges.issuers.push((node, check));
        }
        edges
    }

    fn node(&mut self, number: usize, place: usize, certificate: Certificate<'a>) -> usize {
        *self.node_of.entry(number).or_insert_with(|| {
            self.certificates.push((certificate, Some(place)));
            self.certificates.len() - 1
        })
    }

    fn finish(self) -> Result<(Graph, Vec<usize>), NotACertificate> {
        let mut nodes = Vec::with_capacity(self.edges.len());
        for ((certificate, _), edges) in self.certificates.iter().zip(self.edges) {
            nodes.push(Node {
                facts: Facts::of(certificate.whole)?,
                issuers: edges.issuers,
                self_signed: edges.self_signed,
                others_of_that_name: edges.others,
                unfinished: edges.unfinished,
            });
        }
        let places = self.certificates.iter().filter_map(|(_, place)| *place).collect();
        let checks = self.checks;
        let mut search = Search { nodes: &nodes, paths: Vec::new(), path: vec![0], steps: 0 };
        search.from(0);
        let (mut paths, cut) = (search.paths, search.steps >= STEPS_MAX);
        let more = paths.len() > PATHS_MAX || cut;
        paths.sort_by_key(|path| (path.end != End::Root, path.nodes.len()));
        paths.truncate(PATHS_MAX);
        let unfinished = more || nodes.iter().any(|node| node.unfinished);
        Ok((Graph { nodes, paths, unfinished, checks }, places))
    }
}

/// The search for paths; it stops one path beyond the limit, so that it is known that there are more.
struct Search<'n> {
    nodes: &'n [Node],
    paths: Vec<Path>,
    path: Vec<usize>,
    steps: usize,
}

impl Search<'_> {
    /// Goes on from `node`, the last of the path. The depth is bounded by [`DEPTH_MAX`], so recursion is.
    fn from(&mut self, node: usize) {
        self.steps += 1;
        let nodes = self.nodes;
        if nodes[node].self_signed {
            return self.end(End::Root);
        }
        if nodes[node].issuers.is_empty() {
            return self.end(if nodes[node].unfinished { End::Unfinished } else { End::Missing });
        }
        if self.path.len() >= DEPTH_MAX {
            return self.end(End::TooLong);
        }
        let mut onward = false;
        for (issuer, _) in &nodes[node].issuers {
            if self.paths.len() > PATHS_MAX || self.steps >= STEPS_MAX {
                return;
            }
            // The same authority again, be it by another certificate, leads round in a circle.
            let again = |on: &usize| {
                let (on, next) = (&nodes[*on].facts, &nodes[*issuer].facts);
                on.spki_sha256 == next.spki_sha256 && on.subject == next.subject
            };
            if self.path.iter().any(again) {
                continue;
            }
            onward = true;
            self.path.push(*issuer);
            self.from(*issuer);
            self.path.pop();
        }
        if !onward {
            self.end(End::Loop);
        }
    }

    fn end(&mut self, end: End) {
        self.paths.push(Path { nodes: self.path.clone(), end });
    }
}

pub(crate) fn subject_key_id<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    let value = certificate.extension(SUBJECT_KEY_ID)?;
    Some(Reader::new(value).take(tag::OCTET_STRING)?.content)
}

pub(crate) fn authority_key_id<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    let value = certificate.extension(AUTHORITY_KEY_ID)?;
    Some(Reader::new(value).enter(tag::SEQUENCE)?.take(tag::context_primitive(0))?.content)
}
