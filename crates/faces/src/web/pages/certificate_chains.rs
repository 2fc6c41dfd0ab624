//! The chains of a certificate, laid out: this certificate at the bottom, roots at the top.

use std::collections::BTreeMap;

use certhold_domain::chains::{Judgement, Question};
use certhold_domain::{CertificateId, TrustSetId};
use certhold_pki::graph::{Check, End, Graph, Path, Problem};
use certhold_pki::trust::Usage;
use serde::{Deserialize, Deserializer};

use super::{Within, asked};
use crate::web::view::chains::{ChainBox, ChainLine, ChainPath, ChainsCard, JudgeForm, TrustVerdict};
use crate::web::view::form::{Choice, Input, Select};
use crate::web::view::time::Moment;
use crate::web::view::tone::{Badge, Expiry, Tone, Validity};

/// Space between boxes.
const GAP_X: i64 = 24;
const GAP_Y: i64 = 40;
/// Distance from the edge of the picture.
const EDGE: i64 = 6;
/// Characters that fit a box.
const LABEL_CHARS: usize = 30;
/// Boxes of one level that are drawn; the list in words has the others.
const LEVEL_BOXES: usize = 6;

/// How trust is judged, as the address of the page says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct JudgedBy {
    /// Only by this trust set.
    #[serde(deserialize_with = "asked::number")]
    trust: Option<i64>,
    /// Who shows the certificate: `server` (also when it is left empty) or `client`.
    #[serde(rename = "use", deserialize_with = "usage")]
    usage: String,
    /// A host name or address for which it shall be valid.
    name: String,
}

fn usage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    asked::one_of(deserializer, &["", "server", "client"])
}

impl JudgedBy {
    pub fn set(&self) -> Option<TrustSetId> {
        self.trust.map(TrustSetId)
    }

    fn form(&self, sets: &[(TrustSetId, String)], id: CertificateId, within: Within) -> JudgeForm {
        let all = Choice::new("", "All trust sets");
        let set = |(id, name): &(TrustSetId, String)| Choice::new(id.to_string(), name);
        let usages = vec![Choice::new("server", "A server shows it"), Choice::new("client", "A client shows it")];
        JudgeForm {
            action: format!("/certificates/{id}"),
            within: within.collection,
            trust: Select::of(std::iter::once(all).chain(sets.iter().map(set)).collect())
                .choose(&self.trust.map(|id| id.to_string()).unwrap_or_default()),
            usage: Select::of(usages).choose(if self.usage == "client" { "client" } else { "server" }),
            name: Input::of(&self.name),
        }
    }
}

/// The graph with what is known of each of its certificates, by their numbers in it.
struct Chains<'a> {
    graph: &'a Graph,
    /// Their pages; none for what is not for the viewer to see.
    hrefs: Vec<Option<String>>,
    revoked: Vec<bool>,
    /// Whether the certificate of the page is a version of a managed one.
    is_managed: bool,
    now: i64,
}

/// The card, with signatures verified: not for inside a transaction.
pub fn card(question: &Question, sets: &[(TrustSetId, String)], judged: &JudgedBy, within: Within, now: i64) -> ChainsCard {
    let Ok((graph, ids)) = question.above.graph() else {
        return ChainsCard::default();
    };
    // Whoever sees everything need not look whether an authority is in the collection, too.
    let seen = |id: CertificateId| match question.above.sees_all() {
        true => Some(Within::default().href(id, "")),
        false => question.above.may_see(id).then(|| within.href(id, "")),
    };
    let revoked: Vec<bool> = ids.iter().map(|id| question.above.is_revoked(*id)).collect();
    let hrefs: Vec<Option<String>> = ids.into_iter().map(seen).collect();
    let chains = Chains { graph: &graph, hrefs, revoked, is_managed: question.above.certificate.summary.lineage.is_some(), now };
    let mut card = picture(&chains);
    card.paths = graph.paths.iter().map(|path| words(&chains, path)).collect();
    card.notes = notes(&graph);
    // Trust is a question about what TLS shows.
    if !question.above.certificate.summary.is_ca {
        let usage = if judged.usage == "client" { Usage::Client } else { Usage::Server };
        let names: Vec<String> = Some(judged.name.trim().to_owned()).into_iter().filter(|name| !name.is_empty()).collect();
        card.verdicts = question.judge(usage, now, &names).into_iter().map(verdict).collect();
        card.left_out = left_out(&question.left_out);
        card.judge = (!sets.is_empty()).then(|| judged.form(sets, question.above.certificate.summary.id, within));
    }
    card
}

/// Which trust sets were not looked at, in a sentence; empty when all were.
fn left_out(names: &[String]) -> String {
    let shown = names.iter().take(5).map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => String::new(),
        1..=5 => format!("Not looked at, since there are more than are judged at once: {shown}. Choose one."),
        many => {
            format!("Not looked at, since there are more than are judged at once: {shown} and {} others. Choose one.", many - 5)
        }
    }
}

fn verdict(judgement: Judgement) -> TrustVerdict {
    let trusted = judgement.reasons.is_empty();
    TrustVerdict {
        name: judgement.set.name,
        href: format!("/trust-sets/{}", judgement.set.id),
        badge: if trusted { Badge::new("Trusted", Tone::Good) } else { Badge::new("Not trusted", Tone::Bad) },
        reasons: judgement.reasons,
    }
}

fn name(graph: &Graph, node: usize) -> String {
    let facts = &graph.nodes[node].facts;
    let named = facts.common_name.as_deref().filter(|name| !name.trim().is_empty());
    let title = named.or(facts.names.first().map(|name| name.value.as_str())).unwrap_or(&facts.subject);
    if title.is_empty() { facts.serial.clone() } else { title.to_owned() }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LABEL_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The level of each node: the longest way down to the certificate of the page, so that lines go upwards.
fn levels(graph: &Graph) -> BTreeMap<usize, usize> {
    let mut levels = BTreeMap::new();
    for path in &graph.paths {
        for (level, node) in path.nodes.iter().enumerate() {
            let known = levels.entry(*node).or_insert(level);
            *known = level.max(*known);
        }
    }
    levels
}

/// The state of a certificate on any path: the worst problem it has.
fn state(chains: &Chains<'_>, node: usize) -> Badge {
    let (graph, now) = (chains.graph, chains.now);
    if chains.revoked[node] {
        return Badge::new("Revoked", Tone::Bad).with_icon("close");
    }
    let place = |path: &Path| path.nodes.iter().position(|on| *on == node);
    let problems: Vec<Problem> =
        graph.paths.iter().filter_map(|path| Some(graph.problems(path, place(path)?, now))).flatten().collect();
    let facts = &graph.nodes[node].facts;
    let ends = Moment::new(facts.not_after, now).date();
    if problems.contains(&Problem::Expired) {
        return Badge::new(format!("Expired {ends}"), Tone::Bad);
    }
    if let Some(problem) = problems.first() {
        return Badge::new(word(*problem), Tone::Warn);
    }
    // What nobody renews is not in order in its last week.
    let is_managed = node == 0 && chains.is_managed;
    let is_late = !is_managed && Validity::new(facts.not_before, facts.not_after, now).unmanaged().expiry != Expiry::Valid;
    Badge::new(format!("Valid until {ends}"), if is_late { Tone::Warn } else { Tone::Good })
}

fn word(problem: Problem) -> &'static str {
    match problem {
        Problem::Expired => "Expired",
        Problem::NotYetValid => "Not yet valid",
        Problem::NotAnAuthority => "Not an authority",
        Problem::MayNotSign => "May not sign",
        Problem::PathTooLong => "Allows fewer below it",
    }
}

fn picture(chains: &Chains<'_>) -> ChainsCard {
    let graph = chains.graph;
    let mut rows: BTreeMap<usize, Vec<Option<usize>>> = BTreeMap::new();
    let mut missing: Vec<(usize, usize)> = Vec::new();
    for (node, level) in levels(graph) {
        let row = rows.entry(level).or_default();
        if row.len() < LEVEL_BOXES {
            row.push(Some(node));
        }
    }
    for path in graph.paths.iter().filter(|path| path.end == End::Missing) {
        let Some(last) = path.nodes.last() else { continue };
        if !missing.iter().any(|(node, _)| node == last) {
            missing.push((*last, path.nodes.len()));
        }
    }
    missing.truncate(LEVEL_BOXES);
    for (_, level) in &missing {
        rows.entry(*level).or_default().push(None);
    }
    let widest = rows.values().map(Vec::len).max().unwrap_or(1);
    let top = rows.keys().max().copied().unwrap_or(0);
    let across = |boxes: usize| to_i64(boxes) * (ChainBox::WIDTH + GAP_X) - GAP_X;
    let (width, height) = (across(widest) + 2 * EDGE, to_i64(top + 1) * (ChainBox::HEIGHT + GAP_Y) - GAP_Y + 2 * EDGE);
    let mut at: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    let (mut boxes, mut lines) = (Vec::new(), Vec::new());
    let mut unheld = missing.iter();
    for (level, row) in &rows {
        let left = (width - across(row.len())) / 2;
        let y = EDGE + to_i64(top - level) * (ChainBox::HEIGHT + GAP_Y);
        for (column, node) in row.iter().enumerate() {
            let x = left + to_i64(column) * (ChainBox::WIDTH + GAP_X);
            match node {
                Some(node) => {
                    at.insert(*node, (x, y));
                    boxes.push(held(chains, *node, (x, y)));
                }
                None => {
                    let Some((below, _)) = unheld.next() else { continue };
                    boxes.push(not_held(graph, *below, (x, y)));
                    if let Some(below) = at.get(below) {
                        lines.push(line(*below, (x, y), true));
                    }
                }
            }
        }
    }
    for (node, from) in &at {
        for (issuer, check) in &graph.nodes[*node].issuers {
            if let Some(to) = at.get(issuer) {
                lines.push(line(*from, *to, *check == Check::Verified));
            }
        }
    }
    ChainsCard { width, height, boxes, lines, ..ChainsCard::default() }
}

/// Numbers of boxes are small.
fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(0)
}

fn line(from: (i64, i64), to: (i64, i64), is_verified: bool) -> ChainLine {
    let middle = ChainBox::WIDTH / 2;
    ChainLine { from: (from.0 + middle, from.1), to: (to.0 + middle, to.1 + ChainBox::HEIGHT), is_verified }
}

fn held(chains: &Chains<'_>, node: usize, (x, y): (i64, i64)) -> ChainBox {
    let graph = chains.graph;
    let title = name(graph, node);
    ChainBox {
        x,
        y,
        label: cut(&title),
        title,
        state: state(chains, node),
        href: chains.hrefs[node].clone(),
        is_held: true,
        is_root: graph.nodes[node].self_signed,
        is_this: node == 0,
    }
}

fn not_held(graph: &Graph, below: usize, (x, y): (i64, i64)) -> ChainBox {
    let facts = &graph.nodes[below].facts;
    let title = facts.issuer_common_name.as_deref().unwrap_or(&facts.issuer).to_owned();
    let state = Badge::new("Not held", Tone::Warn);
    ChainBox { x, y, label: cut(&title), title, state, href: None, is_held: false, is_root: false, is_this: false }
}

fn words(chains: &Chains<'_>, path: &Path) -> ChainPath {
    let (graph, now) = (chains.graph, chains.now);
    let mut remarks = Vec::new();
    for (place, node) in path.nodes.iter().enumerate() {
        let named = name(graph, *node);
        if chains.revoked[*node] {
            remarks.push(format!("{named} is revoked."));
        }
        remarks.extend(graph.problems(path, place, now).into_iter().map(|problem| match problem {
            Problem::Expired => format!("{named} has expired."),
            Problem::NotYetValid => format!("{named} is not valid yet."),
            Problem::NotAnAuthority => format!("{named} issued another certificate, but is not an authority's."),
            Problem::MayNotSign => format!("{named} may not sign certificates."),
            Problem::PathTooLong => format!("{named} allows fewer authorities below it."),
        }));
        if let Some(next) = path.nodes.get(place + 1) {
            let check = graph.nodes[*node].issuers.iter().find(|(issuer, _)| issuer == next).map(|(_, check)| check);
            if let Some(Check::NotVerifiable(why)) = check {
                remarks.push(format!("The signature of {named} is not verifiable here: {why}."));
            }
        }
    }
    let sound = remarks.is_empty();
    let badge = match path.end {
        End::Root if sound => Badge::new("Reaches a root", Tone::Good),
        End::Root => Badge::new("Reaches a root, with problems", Tone::Bad),
        End::Missing | End::Unfinished => Badge::new("Incomplete", Tone::Warn),
        End::Loop => Badge::new("Goes round in a circle", Tone::Warn),
        End::TooLong => Badge::new("Too long", Tone::Warn),
    };
    if let (End::Missing, Some(last)) = (&path.end, path.nodes.last()) {
        remarks.push(missing(graph, *last));
    }
    if path.end == End::Unfinished {
        remarks
            .push("There are more authorities of the issuer's name than are looked at: the issuer may be among them.".to_owned());
    }
    ChainPath { badge, names: path.nodes.iter().map(|node| name(graph, *node)).collect(), remarks }
}

fn missing(graph: &Graph, last: usize) -> String {
    let node = &graph.nodes[last];
    let mut text = format!("The issuer is not held: {}.", node.facts.issuer);
    if let Some(url) = node.facts.issuer_urls.first() {
        text.push_str(&format!(" The certificate says that it can be had at {url}."));
    }
    if node.others_of_that_name > 0 {
        text.push_str(" What is held under that name has another key.");
    }
    text
}

fn notes(graph: &Graph) -> Vec<String> {
    let mut notes: Vec<String> = graph
        .cross_signed()
        .iter()
        .map(|group| format!("{} is cross-signed: it has {} certificates for one key.", name(graph, group[0]), group.len()))
        .collect();
    if graph.unfinished {
        notes.push("There are more paths than these.".to_owned());
    }
    notes
}
