//! Certificates and keys as files: brought in, looked at, handed out.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::chains::{self, Above};
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Certificate, Filter, Sort};
use certhold_domain::{Actor, CertificateId, Error, Refusal, Result as DomainResult, query};
use certhold_pki::graph::End;
use certhold_pki::{Entry, Facts, OutputFormat, Reading, pem};
use certhold_store::Tx;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{changes, zip};
use crate::export::{self, KeyExport};
use crate::import::{self, Import, Outcome, Upload};
use crate::keyfactor::extract::{Asked, Author, Body, Caller, LargeBody, certificate_format};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::{Moment, upper_hex};
use crate::state::App;

/// The routes of files.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(analyze)).routes(routes!(download)).routes(routes!(recover))
}

/// A file with certificates, perhaps with a private key.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ImportRequest {
    /// DER, PEM or PKCS#12 in base64.
    certificate: String,
    /// Of whatever is encrypted in it.
    password: Option<String>,
    /// What is noted about new certificates, by the names of the fields.
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: Option<BTreeMap<String, Value>>,
    /// Certificate stores to install it in: an import installs nothing.
    store_ids: Option<Vec<String>>,
    /// The owner of new certificates.
    owner_role_id: Option<i64>,
    /// The same by name; the id goes over it.
    owner_role_name: Option<String>,
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Imported {
    /// 1 it is new, 2 it was held already.
    import_status: i64,
    /// 1: nothing is installed anywhere.
    job_status: i64,
    #[schema(value_type = Vec<Object>)]
    invalid_keystores: [(); 0],
    /// SHA-1 of the certificate, upper-case hexadecimal.
    thumbprint: String,
}

/// What is in a file, looked at without its keys.
struct Content {
    certificates: Vec<(Facts, bool)>,
}

fn decoded(text: &str) -> Answer<Zeroizing<Vec<u8>>> {
    // Some send the text of a PEM file as it is.
    if text.contains("-----BEGIN ") {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let packed: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
    let bytes = STANDARD.decode(packed.as_bytes()).map_err(|_| Refused::invalid("Certificate", "this is not base64"))?;
    Ok(Zeroizing::new(bytes))
}

async fn looked_at(bytes: Zeroizing<Vec<u8>>, password: Option<SecretString>) -> Answer<Content> {
    let work = move || {
        let mut reading = Reading::new(password.as_ref().map(ExposeSecret::expose_secret));
        let bundle = reading.read(&bytes).map_err(|error| Refused::invalid("Certificate", error))?;
        let facts = |found: &certhold_pki::Found| Facts::of(&found.der).ok();
        let certificates: Vec<Facts> = bundle.certificates.iter().filter_map(facts).collect();
        let refused = bundle.refused.first().map(|refused| refused.reason.clone());
        if certificates.is_empty() {
            return Err(Refused::invalid("Certificate", refused.unwrap_or_else(|| "there is no certificate in it".into())));
        }
        // Whose subject is nobody's issuer here is an end of the chain.
        let is_end = |facts: &Facts| {
            !certificates.iter().any(|other| other.sha256 != facts.sha256 && other.issuer == facts.subject) && !facts.is_ca
        };
        let ends: Vec<bool> = certificates.iter().map(is_end).collect();
        Ok(Content { certificates: certificates.into_iter().zip(ends).collect() })
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| Refused::from(Error::from(certhold_store::Error::Panicked)))?
}

impl Content {
    /// The certificate that a file is about: the first that issued no other, else the first.
    fn main(&self) -> &Facts {
        let end = self.certificates.iter().find(|(_, is_end)| *is_end);
        // There is at least one, or nothing would have been found.
        &end.unwrap_or(&self.certificates[0]).0
    }
}

/// Import a certificate
///
/// With its chain and its private key, if the file has them. Importing again changes nothing.
#[utoipa::path(post, path = "/Certificates/Import", tag = "Certificates", request_body = ImportRequest,
    responses((status = 200, description = "It is held", body = Imported)))]
pub async fn import(State(app): State<App>, author: Author, LargeBody(sent): LargeBody<ImportRequest>) -> Answer<Json<Imported>> {
    author.refusing(import::require_allowed(&app, &author.actor).await)?;
    if sent.store_ids.is_some_and(|ids| !ids.is_empty()) {
        return Err(Refused::invalid(
            "StoreIds",
            "an import installs nothing: leave it empty, and send POST /CertificateStores/Certificates/Add afterwards",
        ));
    }
    let owner = author.owner_named(sent.owner_role_id, sent.owner_role_name).await?;
    let encoded = Zeroizing::new(sent.certificate);
    let bytes = decoded(&encoded)?;
    let password = sent.password.map(SecretString::from);
    let content = looked_at(bytes.clone(), password.clone()).await?;
    let metadata = changes::changes(sent.metadata)?;
    let uploads = vec![Upload { file: String::new(), bytes }];
    let import = Import { uploads, password, owner, source: "keyfactor".into(), metadata };
    let items = author.refusing(import::run(&app, &author.actor, import).await)?;
    let mut status = None;
    let mut refused = Vec::new();
    for item in items {
        match item.outcome {
            Outcome::Taken { item, .. } => match item.outcome {
                inventory::Outcome::Imported(_) => status = Some(1),
                inventory::Outcome::AlreadyHeld(_) => status = status.or(Some(2)),
                inventory::Outcome::Excluded => refused.push(inventory::EXCLUDED.to_owned()),
            },
            Outcome::Refused(why) => refused.push(why),
        }
    }
    let Some(import_status) = status else {
        let why = refused.first().cloned().unwrap_or_else(|| "there is no certificate in it".into());
        return Err(Refused::invalid("Certificate", why).with_failures(refused));
    };
    let thumbprint = upper_hex(&content.main().sha1);
    Ok(Json(Imported { import_status, job_status: 1, invalid_keystores: [], thumbprint }))
}

/// A file to be looked at.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct AnalyzeRequest {
    /// DER, PEM or PKCS#12 in base64.
    certificate: String,
    /// Of whatever is encrypted in it.
    password: Option<String>,
}

/// A certificate in a file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Analyzed {
    #[serde(rename = "IssuedDN")]
    issued_dn: String,
    #[serde(rename = "IssuerDN")]
    issuer_dn: String,
    thumbprint: String,
    #[schema(value_type = String)]
    not_after: Moment,
    #[schema(value_type = String)]
    not_before: Moment,
    metadata: BTreeMap<String, String>,
    is_end_entity: bool,
}

/// Look at a file without importing it
#[utoipa::path(post, path = "/Certificates/Analyze", tag = "Certificates", request_body = AnalyzeRequest,
    responses((status = 200, description = "The certificates in it", body = Vec<Analyzed>)))]
pub async fn analyze(
    State(app): State<App>,
    author: Author,
    LargeBody(sent): LargeBody<AnalyzeRequest>,
) -> Answer<Json<Vec<Analyzed>>> {
    author.refusing(import::require_allowed(&app, &author.actor).await)?;
    let encoded = Zeroizing::new(sent.certificate);
    let content = looked_at(decoded(&encoded)?, sent.password.map(SecretString::from)).await?;
    let analyzed = |(facts, is_end_entity): (Facts, bool)| Analyzed {
        issued_dn: facts.subject,
        issuer_dn: facts.issuer,
        thumbprint: upper_hex(&facts.sha1),
        not_after: Moment(facts.not_after),
        not_before: Moment(facts.not_before),
        metadata: BTreeMap::new(),
        is_end_entity,
    };
    Ok(Json(content.certificates.into_iter().map(analyzed).collect()))
}

/// Which certificate, and how it is handed out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct DownloadRequest {
    /// By its id,
    #[serde(rename = "CertID")]
    cert_id: Option<i64>,
    /// by its thumbprint,
    thumbprint: Option<String>,
    /// or by its serial number
    serial_number: Option<String>,
    /// and its issuer.
    #[serde(rename = "IssuerDN")]
    issuer_dn: Option<String>,
    /// With the authorities above it.
    include_chain: Option<bool>,
    /// `EndEntityFirst` (default) or `RootFirst`; PEM and P7B.
    chain_order: Option<String>,
    /// A line with its subject before each certificate; PEM.
    include_subject_header: Option<bool>,
    /// Of the file; recovering only.
    password: Option<String>,
}

/// A file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Downloaded {
    /// In base64.
    content: String,
}

/// A file with a private key.
#[derive(Serialize, ToSchema)]
pub struct Recovered {
    /// In base64, whatever its format is.
    #[serde(rename = "PFX")]
    pfx: String,
    #[serde(rename = "FileName")]
    file_name: String,
}

/// A certificate as somebody names it.
#[derive(Clone)]
pub enum Named {
    Id(i64),
    /// A query that finds it.
    Query(String),
}

impl Named {
    /// The certificate with this thumbprint.
    pub fn thumbprint(text: &str) -> Named {
        Named::Query(format!("Thumbprint -eq {}", query::quote(text.trim())))
    }
}

impl DownloadRequest {
    fn named(&self) -> Answer<Named> {
        let some = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(query::quote);
        match (self.cert_id.filter(|id| *id != 0), some(&self.thumbprint), some(&self.serial_number), some(&self.issuer_dn)) {
            (Some(id), ..) => Ok(Named::Id(id)),
            (None, Some(thumbprint), ..) => Ok(Named::Query(format!("Thumbprint -eq {thumbprint}"))),
            (None, None, Some(serial), Some(issuer)) => {
                Ok(Named::Query(format!("SerialNumber -eq {serial} AND IssuerDN -eq {issuer}")))
            }
            _ => Err(Refused::malformed("Name a certificate: by CertID, by Thumbprint, or by SerialNumber and IssuerDN")),
        }
    }

    fn root_first(&self) -> Answer<bool> {
        match self.chain_order.as_deref().map(str::trim).unwrap_or_default() {
            "" => Ok(false),
            order if order.eq_ignore_ascii_case("EndEntityFirst") => Ok(false),
            order if order.eq_ignore_ascii_case("RootFirst") => Ok(true),
            _ => Err(Refused::invalid("ChainOrder", "EndEntityFirst or RootFirst")),
        }
    }
}

/// The certificate that somebody names, if they may read it.
///
/// # Errors
/// There is none.
pub fn identified(tx: &mut Tx<'_>, actor: &Actor, named: &Named, scope: Scope) -> DomainResult<CertificateId> {
    let text = match named {
        Named::Id(id) => return Ok(CertificateId(*id)),
        Named::Query(text) => text,
    };
    let condition = inventory::question(tx, actor, text, scope)?;
    let filter = Filter { condition, sort: Sort::Newest, limit: 1, ..Filter::default() };
    let found = inventory::list_in(tx, actor, &filter, scope)?.certificates.pop();
    found.map(|found| found.id).ok_or_else(|| Refusal::not_found("certificate", text).into())
}

/// A certificate, and the authorities above it: as delivered with it, else as far as they are held.
async fn with_chain(leaf: Certificate, delivered: Vec<Certificate>, above: Option<Above>) -> Answer<Vec<Vec<u8>>> {
    let mut ders = vec![leaf.der];
    if !delivered.is_empty() {
        ders.extend(delivered.into_iter().map(|certificate| certificate.der));
        return Ok(ders);
    }
    let Some(above) = above else { return Ok(ders) };
    let found = tokio::task::spawn_blocking(move || {
        let (graph, ids) = above.graph()?;
        let rooted = graph.paths.iter().find(|path| path.end == End::Root).or_else(|| graph.paths.last());
        let der = |node: &usize| {
            let id = ids.get(*node)?;
            above.pool.iter().find(|(known, _)| known == id).map(|(_, der)| der.clone())
        };
        Ok::<_, Error>(rooted.map(|path| path.nodes.iter().skip(1).filter_map(der).collect::<Vec<_>>()).unwrap_or_default())
    });
    let found = found.await.map_err(|_| Refused::from(Error::from(certhold_store::Error::Panicked)))?;
    ders.extend(found?);
    Ok(ders)
}

/// Download a certificate
///
/// The header `x-certificateformat` chooses `DER`, `PEM` or `P7B`. DER holds one certificate: the chain is left out.
#[utoipa::path(post, path = "/Certificates/Download", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to read"),
    ("x-certificateformat" = String, Header, description = "DER, PEM or P7B")),
    request_body = DownloadRequest, responses((status = 200, description = "The file", body = Downloaded)))]
pub async fn download(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked,
    Body(sent): Body<DownloadRequest>,
) -> Answer<Json<Downloaded>> {
    let author = caller.known().await?;
    let format = certificate_format(&headers, &["DER", "PEM", "P7B"])?;
    let scope = asked.scope(app.now())?;
    let (named, root_first) = (sent.named()?, sent.root_first()?);
    let with_above = sent.include_chain.unwrap_or(false) && format != "DER";
    let (leaf, delivered, above) = author
        .read(move |tx, actor| {
            let id = identified(tx, actor, &named, scope)?;
            let leaf = inventory::get_in(tx, actor, id, scope)?;
            if !with_above {
                return Ok((leaf, Vec::new(), None));
            }
            let delivered = inventory::chain_in(tx, actor, id, scope)?;
            let above = if delivered.is_empty() { Some(chains::above_in(tx, actor, id, scope)?) } else { None };
            Ok((leaf, delivered, above))
        })
        .await?;
    let mut ders = with_chain(leaf, delivered, above).await?;
    if root_first {
        ders.reverse();
    }
    let bytes = match format {
        "DER" => Zeroizing::new(ders.remove(0)),
        "PEM" => Zeroizing::new(pem_text(&ders, sent.include_subject_header.unwrap_or(false)).into_bytes()),
        _ => {
            let entry = Entry { alias: String::new(), key: None, certificates: ders.iter().map(Vec::as_slice).collect() };
            let written = certhold_pki::write(OutputFormat::Pkcs7Der, &[entry], None, app.now(), &mut |_| {});
            written.map_err(|error| Refused::malformed(error.to_string()))?
        }
    };
    Ok(Json(Downloaded { content: STANDARD.encode(bytes.as_slice()) }))
}

fn pem_text(ders: &[Vec<u8>], with_subjects: bool) -> String {
    let one = |der: &Vec<u8>| {
        let subject = Facts::of(der).map(|facts| facts.subject).ok().filter(|_| with_subjects);
        // What a subject may not hold, a line break, was escaped when it was read.
        subject.map(|subject| format!("Subject: {subject}\n")).unwrap_or_default() + &pem::encode(pem::CERTIFICATE, der)
    };
    ders.iter().map(one).collect()
}

/// Recover a certificate with its private key
///
/// The header `x-certificateformat` chooses `PFX`, `PEM`, `ZIP` (the PEM file in an archive) or `JKS`. It leaves an event.
#[utoipa::path(post, path = "/Certificates/Recover", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to take private keys out"),
    ("containerId" = Option<i64>, Query, description = "Scope of the right to take private keys out"),
    ("x-certificateformat" = String, Header, description = "PFX, PEM, ZIP or JKS")),
    request_body = DownloadRequest, responses((status = 200, description = "The file", body = Recovered)))]
pub async fn recover(
    State(app): State<App>,
    author: Author,
    headers: HeaderMap,
    asked: Asked,
    Body(sent): Body<DownloadRequest>,
) -> Answer<Json<Recovered>> {
    let wanted = certificate_format(&headers, &["PFX", "PEM", "ZIP", "JKS"])?;
    let scope = asked.scope(app.now())?;
    let named = sent.named()?;
    sent.root_first()?;
    let password = sent.password.filter(|password| !password.is_empty()).map(SecretString::from);
    let password = password.ok_or_else(|| Refused::invalid("Password", "a password for the file is required"))?;
    let certificate = author.read(move |tx, actor| identified(tx, actor, &named, scope)).await?;
    let format = match wanted {
        "PFX" => OutputFormat::Pkcs12,
        "JKS" => OutputFormat::Jks,
        _ => OutputFormat::Pem,
    };
    let reason = "recovered through the Keyfactor API".to_owned();
    let chain = sent.include_chain.unwrap_or(false);
    let export = KeyExport { certificate, format, password: Some(password), reason, chain, scope };
    let (name, bytes) = author.refusing(export::key(&app, &author.actor, export).await)?.into_parts();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let (bytes, extension) = match wanted {
        "PFX" => (bytes, "pfx"),
        "JKS" => (bytes, "jks"),
        "ZIP" => (zip::archive(&[(&name, &bytes)]), "zip"),
        _ => (bytes, "pem"),
    };
    Ok(Json(Recovered { pfx: STANDARD.encode(bytes.as_slice()), file_name: format!("{stem}.{extension}") }))
}
