//! Certificates and keys as files that are handed out.

use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::chains::{self, Above};
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Certificate};
use certhold_domain::{Actor, CertificateId, Error, Result as DomainResult, query};
use certhold_pki::graph::End;
use certhold_pki::{Entry, OutputFormat};
use certhold_store::Tx;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::{Arrangement, zip};
use crate::export::{self, KeyExport};
use crate::keyfactor::extract::{Asked, Author, Body, Caller, certificate_format};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::state::App;

/// The routes of files.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download)).routes(routes!(recover))
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

    fn arrangement(&self) -> Answer<Arrangement> {
        Arrangement::of(self.chain_order.as_deref(), self.include_subject_header)
    }
}

/// The certificate that somebody names, if they may read it.
///
/// # Errors
/// There is none.
pub fn identified(tx: &mut Tx<'_>, actor: &Actor, named: &Named, scope: Scope) -> DomainResult<CertificateId> {
    match named {
        Named::Id(id) => Ok(CertificateId(*id)),
        Named::Query(text) => inventory::named_in(tx, actor, text, scope),
    }
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
    let (named, arrangement) = (sent.named()?, sent.arrangement()?);
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
    let bytes = match format {
        "DER" => Zeroizing::new(ders.remove(0)),
        "PEM" => Zeroizing::new(arrangement.text(&ders).into_bytes()),
        _ => {
            if arrangement.root_first {
                ders.reverse();
            }
            let entry = Entry { alias: String::new(), key: None, certificates: ders.iter().map(Vec::as_slice).collect() };
            let written = certhold_pki::write(OutputFormat::Pkcs7Der, &[entry], None, app.now(), &mut |_| {});
            written.map_err(|error| Refused::malformed(error.to_string()))?
        }
    };
    Ok(Json(Downloaded { content: STANDARD.encode(bytes.as_slice()) }))
}

/// Recover a certificate with its private key
///
/// The header `x-certificateformat` chooses `PFX`, `PEM`, `ZIP` (the PEM file in an archive) or `JKS`. It leaves an event. Order and
/// subject lines are those of PEM files: in the others a certificate stands where the format says.
#[utoipa::path(post, path = "/Certificates/Recover", tag = "Certificates", params(
    ("collectionId" = Option<i64>, Query, description = "Scope of the right to take private keys out"),
    ("containerId" = Option<i64>, Query, description = "Only if it is in a store of this container; the right must be held everywhere"),
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
    let arrangement = sent.arrangement()?;
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
    let bytes = if format == OutputFormat::Pem { arrangement.applied(bytes) } else { bytes };
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let (bytes, extension) = match wanted {
        "PFX" => (bytes, "pfx"),
        "JKS" => (bytes, "jks"),
        "ZIP" => (zip::archive(&[(&name, &bytes)]), "zip"),
        _ => (bytes, "pem"),
    };
    Ok(Json(Recovered { pfx: STANDARD.encode(bytes.as_slice()), file_name: format!("{stem}.{extension}") }))
}
