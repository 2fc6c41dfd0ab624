//! Who issued a certificate, up to the roots, and who trusts it.

use axum::Json;
use axum::extract::State;
use certhold_domain::chains::{self, Above, Judgement};
use certhold_domain::{CertificateId, TrustSetId, hex};
use certhold_pki::graph::{Check, End, Graph, Path as GraphPath, Problem};
use certhold_pki::trust;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::one::Within;
use super::wire::Owner;
use crate::auth::Bearer;
use crate::native::extract::{Id, Query};
use crate::native::hidden;
use crate::native::time::Time;
use crate::problem::{Answer, Problem as Refused};
use crate::state::App;

/// Who issued a certificate, up to the roots.
#[derive(Serialize, ToSchema)]
pub struct Chains {
    /// Every certificate on the paths; the first is the one that was asked about.
    certificates: Vec<Member>,
    /// Every path, those that reach a root first.
    paths: Vec<Path>,
    /// Certificates of one authority and one key from different issuers, by their fingerprints.
    cross_signed: Vec<Vec<String>>,
    /// There are more paths or authorities than are told.
    unfinished: bool,
}

/// A certificate on a path.
#[derive(Serialize, ToSchema)]
pub struct Member {
    /// The certificate; null for one outside the collection through which it is seen.
    id: Option<i64>,
    /// SHA-256 of the certificate, lower-case hexadecimal: by this the parts of the answer refer to each other.
    sha256: String,
    /// Its subject (RFC 4514).
    subject: String,
    /// Its issuer (RFC 4514).
    issuer: String,
    /// Begin of its validity.
    not_before: Time,
    /// End of its validity.
    not_after: Time,
    /// Whether it is an authority's.
    is_ca: bool,
    /// Whether its own key signed it.
    self_signed: bool,
    /// The certificates of the inventory that issued it.
    issuers: Vec<Issuer>,
    /// Certificates that have the issuer's name, but not the key that signed this one.
    others_of_that_name: usize,
}

/// Who issued a certificate.
#[derive(Serialize, ToSchema)]
pub struct Issuer {
    /// The issuer's certificate; null for one outside the collection through which it is seen.
    id: Option<i64>,
    /// Its fingerprint.
    sha256: String,
    /// Whether its key verifies the signature; if not, the signature cannot be verified here and the key identifiers agree.
    verified: bool,
    /// Why the signature cannot be verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

/// A path.
#[derive(Serialize, ToSchema)]
pub struct Path {
    /// `root`, `missing`, `unfinished` (there are more authorities of the issuer's name than are looked at), `loop` or `too_long`.
    #[schema(example = "root")]
    end: &'static str,
    /// Whether it reaches a root and nothing is wrong with any certificate on it now.
    sound: bool,
    /// The certificates, each issued by the next.
    steps: Vec<Step>,
    /// The issuer that is not held.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
}

/// A certificate in its place on a path.
#[derive(Serialize, ToSchema)]
pub struct Step {
    /// The certificate; null for one outside the collection through which it is seen.
    id: Option<i64>,
    /// Its fingerprint.
    sha256: String,
    /// What is wrong with it here: `expired`, `not_yet_valid`, `not_an_authority`, `may_not_sign`, `path_too_long`.
    problems: Vec<&'static str>,
}

/// An issuer that is not held.
#[derive(Serialize, ToSchema)]
pub struct Missing {
    /// Its name (RFC 4514).
    subject: String,
    /// Its key identifier, hexadecimal.
    key_id: Option<String>,
    /// Where it can be had, as the certificate below it says.
    urls: Vec<String>,
}

fn end(end: &End) -> &'static str {
    match end {
        End::Root => "root",
        End::Missing => "missing",
        End::Unfinished => "unfinished",
        End::Loop => "loop",
        End::TooLong => "too_long",
    }
}

fn problem(problem: Problem) -> &'static str {
    match problem {
        Problem::Expired => "expired",
        Problem::NotYetValid => "not_yet_valid",
        Problem::NotAnAuthority => "not_an_authority",
        Problem::MayNotSign => "may_not_sign",
        Problem::PathTooLong => "path_too_long",
    }
}

impl Chains {
    fn of(graph: &Graph, ids: &[Option<i64>], now: i64) -> Chains {
        let fingerprint = |node: usize| hex(&graph.nodes[node].facts.sha256);
        let issuer = |(node, check): &(usize, Check)| Issuer {
            id: ids[*node],
            sha256: fingerprint(*node),
            verified: *check == Check::Verified,
            why_not: match check {
                Check::Verified => None,
                Check::NotVerifiable(why) => Some(why.clone()),
            },
        };
        let member = |(number, node): (usize, &certhold_pki::graph::Node)| Member {
            id: ids[number],
            sha256: fingerprint(number),
            subject: node.facts.subject.clone(),
            issuer: node.facts.issuer.clone(),
            not_before: Time(node.facts.not_before),
            not_after: Time(node.facts.not_after),
            is_ca: node.facts.is_ca,
            self_signed: node.self_signed,
            issuers: node.issuers.iter().map(issuer).collect(),
            others_of_that_name: node.others_of_that_name,
        };
        Chains {
            certificates: graph.nodes.iter().enumerate().map(member).collect(),
            paths: graph.paths.iter().map(|path| Path::of(graph, ids, path, now)).collect(),
            cross_signed: graph.cross_signed().into_iter().map(|group| group.into_iter().map(fingerprint).collect()).collect(),
            unfinished: graph.unfinished,
        }
    }
}

impl Path {
    fn of(graph: &Graph, ids: &[Option<i64>], path: &GraphPath, now: i64) -> Path {
        let step = |(place, node): (usize, &usize)| Step {
            id: ids[*node],
            sha256: hex(&graph.nodes[*node].facts.sha256),
            problems: graph.problems(path, place, now).into_iter().map(problem).collect(),
        };
        let steps: Vec<Step> = path.nodes.iter().enumerate().map(step).collect();
        let last = path.nodes.last().map(|node| &graph.nodes[*node].facts).filter(|_| path.end == End::Missing);
        Path {
            end: end(&path.end),
            sound: path.end == End::Root && steps.iter().all(|step| step.problems.is_empty()),
            steps,
            missing: last.map(|facts| Missing {
                subject: facts.issuer.clone(),
                key_id: facts.authority_key_id.clone(),
                urls: facts.issuer_urls.clone(),
            }),
        }
    }
}

/// Get the chains of a certificate
///
/// Every path to a root among the certificates that are held, found by name and key identifier and confirmed by signature;
/// what is missing or has expired; which authorities are cross-signed. Through a collection, authorities outside of it are told as
/// far as the certificates prove them: what they say, not which certificates of the inventory they are.
#[utoipa::path(get, path = "/certificates/{id}/chains", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "The paths", body = Chains)))]
pub async fn chains(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Json<Chains>> {
    let (id, now, scope) = (CertificateId(id), app.now(), within.scope(&app));
    let found =
        app.read_as(caller, move |tx, actor| chains::above_in(tx, actor, id, scope)).await.map_err(hidden("certificate", id))?;
    // Signatures take their time.
    let built = tokio::task::spawn_blocking(move || {
        let (graph, ids) = found.graph()?;
        let ids: Vec<Option<i64>> = ids.into_iter().map(|id| found.may_see(id).then_some(id.0)).collect();
        Ok::<_, certhold_domain::Error>(Chains::of(&graph, &ids, now))
    });
    Ok(Json(built.await.map_err(|_| certhold_domain::Error::from(certhold_store::Error::Panicked))??))
}

/// What to judge.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrustParameters {
    /// Only by this trust set; by all of them if left out.
    set: Option<i64>,
    /// `server` or `client`: who shows the certificate. A server by default.
    #[param(example = "server")]
    usage: Option<String>,
    /// When; now by default.
    at: Option<Time>,
    /// A host name or address for which it shall be valid.
    name: Option<String>,
    /// A collection that the certificate is in: the right to read that collection is enough.
    collection: Option<i64>,
}

/// What those who trust some sets would say.
#[derive(Serialize, ToSchema)]
pub struct Verdicts {
    /// A verdict for each trust set that was looked at.
    items: Vec<Verdict>,
    /// Always null: there is one page.
    next: Option<String>,
    /// The names of the trust sets that were not looked at, since there are more than are judged at once: ask for them with `set`.
    left_out: Vec<String>,
}

/// What those who trust a set would say.
#[derive(Serialize, ToSchema)]
pub struct Verdict {
    /// The trust set.
    set: Owner,
    /// Whether they would accept the certificate.
    trusted: bool,
    /// Why not, one sentence each.
    reasons: Vec<String>,
    /// The path that they would take, from the issuer to a certificate of the set; null for certificates outside the collection
    /// through which it is seen.
    path: Vec<Option<i64>>,
}

impl Verdict {
    fn of(judgement: Judgement, above: &Above) -> Verdict {
        Verdict {
            set: Owner { id: judgement.set.id.0, name: judgement.set.name },
            trusted: judgement.reasons.is_empty(),
            reasons: judgement.reasons,
            path: judgement.path.into_iter().map(|id| above.may_see(id).then_some(id.0)).collect(),
        }
    }
}

/// Judge whether a certificate is trusted
///
/// By each trust set (if there are more than 16: by the first 16, and `left_out` names the others), or by one: whether a TLS client (or server) that trusts exactly its certificates would accept this one,
/// and if not, why. Revocation is not looked at.
#[utoipa::path(get, path = "/certificates/{id}/trust", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), TrustParameters),
    responses((status = 200, description = "Verdicts, by the names of the trust sets", body = Verdicts)))]
pub async fn trust(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(given): Query<TrustParameters>,
) -> Answer<Json<Verdicts>> {
    let usage = match given.usage.as_deref() {
        None | Some("server") => trust::Usage::Server,
        Some("client") => trust::Usage::Client,
        Some(_) => return Err(Refused::invalid("usage", "the usage is server or client")),
    };
    let (id, set, at) = (CertificateId(id), given.set.map(TrustSetId), given.at.map_or_else(|| app.now(), |at| at.0));
    let (names, scope) = (given.name.into_iter().collect::<Vec<String>>(), Within::of(given.collection).scope(&app));
    let found = app.read_as(caller, move |tx, actor| chains::question_in(tx, actor, id, set, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    let judged = tokio::task::spawn_blocking(move || {
        let items = found.judge(usage, at, &names).into_iter().map(|judgement| Verdict::of(judgement, &found.above)).collect();
        Verdicts { items, next: None, left_out: found.left_out }
    });
    Ok(Json(judged.await.map_err(|_| certhold_domain::Error::from(certhold_store::Error::Panicked))?))
}
