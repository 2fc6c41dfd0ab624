//! Certificates with keys that are made here.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::private_ca::{EnrolmentRequest, KeySource};
use certhold_pki::{Entry, OutputFormat, PrivateKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::deploy::{self, StoreWanted};
use super::{Names, Told, authority, facts, key_kind, noted, renews, under};
use crate::keyfactor::certificates::changes;
use crate::keyfactor::extract::{Author, Body, certificate_format};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::Moment;
use crate::state::App;
use crate::{export, issue};

/// The routes of keys that are made here.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(with_key))
}

/// A certificate with a key that is made here.
#[derive(Deserialize, ToSchema)]
pub struct PfxRequest {
    /// `CN=shop.example.org,O=Example`.
    #[serde(rename = "Subject")]
    subject: Option<String>,
    /// Of the file.
    #[serde(rename = "Password")]
    password: Option<String>,
    /// `HOST\\NAME` or the name of a private authority; may be left out where only one issues.
    #[serde(rename = "CertificateAuthority")]
    authority: Option<String>,
    /// A template: server (default), client, server_client, mail, code_signing; its default pattern holds.
    #[serde(rename = "Template")]
    template: Option<String>,
    /// A pattern, which goes over the template.
    #[serde(rename = "EnrollmentPatternId")]
    pattern: Option<i64>,
    /// The certificate that it renews, whose owner it keeps when none is named.
    #[serde(rename = "RenewalCertificateId")]
    renewal: Option<i64>,
    /// Whether the file has the certificates above it.
    #[serde(rename = "IncludeChain")]
    include_chain: Option<bool>,
    /// What the file calls it.
    #[serde(rename = "CustomFriendlyName")]
    friendly_name: Option<String>,
    /// PKCS#12 for old software: 3DES and SHA-1.
    #[serde(rename = "UseLegacyEncryption")]
    legacy: Option<bool>,
    /// `RSA`, `ECC`, `Ed25519` or `ML-DSA-65`; the first that the pattern allows otherwise, ECC without one.
    #[serde(rename = "KeyType")]
    key_type: Option<String>,
    /// 2048 (default), 3072 or 4096 for RSA; 256 (default), 384 or 521 for ECC.
    #[serde(rename = "KeyLength")]
    key_length: Option<i64>,
    /// `P-256`, `P-384` or `P-521`; goes over the length.
    #[serde(rename = "Curve")]
    curve: Option<String>,
    /// Certificate stores that it is put into, with its key.
    #[serde(rename = "Stores")]
    stores: Option<Vec<StoreWanted>>,
    /// When that is done; at once otherwise.
    #[schema(value_type = Option<String>)]
    #[serde(rename = "JobTime")]
    job_time: Option<Moment>,
    #[serde(rename = "SANs")]
    names: Option<Names>,
    /// What is noted about it, by the names of the fields.
    #[schema(value_type = BTreeMap<String, String>)]
    #[serde(rename = "Metadata")]
    metadata: Option<BTreeMap<String, Value>>,
    /// The owner.
    #[serde(rename = "OwnerRoleId")]
    owner_role_id: Option<i64>,
    /// The same by name; the id goes over it.
    #[serde(rename = "OwnerRoleName")]
    owner_role_name: Option<String>,
}

/// An issued certificate with its key.
#[derive(Serialize, ToSchema)]
pub struct PfxInformation {
    #[serde(flatten)]
    told: Told,
    #[serde(rename = "KeyfactorId")]
    id: i64,
    /// The file in base64; empty with the format STORE, where the key stays in custody.
    #[serde(rename = "Pkcs12Blob")]
    file: String,
    #[schema(value_type = Option<String>)]
    #[serde(rename = "Password")]
    password: Option<()>,
    #[schema(value_type = Option<String>)]
    #[serde(rename = "WorkflowInstanceId")]
    workflow_instance_id: Option<()>,
    #[serde(rename = "WorkflowReferenceId")]
    workflow_reference_id: i64,
    #[schema(value_type = Vec<Object>)]
    #[serde(rename = "StoreIdsInvalidForRenewal")]
    store_ids_invalid_for_renewal: [(); 0],
}

/// The answer to a wish for a certificate with a key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PfxIssued {
    /// GUIDs of the certificate stores that will have it.
    successful_stores: Vec<String>,
    certificate_information: PfxInformation,
    metadata: BTreeMap<String, String>,
}

/// Issue a certificate with a key that is made here
///
/// The header `x-certificateformat` chooses the file: `PFX`, `PEM` or `JKS`; with `STORE` the key stays in custody and there is no file.
#[utoipa::path(post, path = "/Enrollment/PFX", tag = "Enrollment", request_body = PfxRequest, params(
    ("x-certificateformat" = String, Header, description = "PFX, PEM, JKS or STORE")),
    responses((status = 200, description = "It is issued", body = PfxIssued)))]
pub async fn with_key(
    State(app): State<App>,
    author: Author,
    headers: HeaderMap,
    Body(sent): Body<PfxRequest>,
) -> Answer<Json<PfxIssued>> {
    let authority = authority(&author, sent.authority, true).await?;
    let written = match certificate_format(&headers, &["PFX", "PEM", "JKS", "STORE"])? {
        "PFX" if sent.legacy.unwrap_or(false) => Some(OutputFormat::Pkcs12Legacy),
        "PFX" => Some(OutputFormat::Pkcs12),
        "PEM" => Some(OutputFormat::Pem),
        "JKS" => Some(OutputFormat::Jks),
        _ => None,
    };
    let password = sent.password.map(SecretString::from);
    if written.is_some() {
        let Some(password) = &password else { return Err(Refused::invalid("Password", "the file needs a password")) };
        author.refusing(export::check_password(OutputFormat::Pkcs12, Some(password)).map_err(Into::into))?;
    }
    let metadata = changes(sent.metadata)?;
    let places = deploy::places(&author, sent.stores.unwrap_or_default()).await?;
    let request = EnrolmentRequest {
        under: under(sent.pattern, sent.template.as_deref())?,
        authority,
        key: KeySource::Made(key_kind(sent.key_type.as_deref(), sent.key_length, sent.curve.as_deref())?),
        subject: sent.subject.filter(|subject| !subject.trim().is_empty()),
        names: sent.names.unwrap_or_default().general()?,
        days: None,
        owner: author.owner_named(sent.owner_role_id, sent.owner_role_name).await?,
        metadata: metadata.clone(),
        delivered: written.is_some(),
        renews: renews(&author, sent.renewal),
    };
    let issued = author.refusing(issue::enrol(&app, &author.actor, request).await)?;
    let facts = facts(&issued)?;
    let chain = sent.include_chain.unwrap_or(true);
    let alias = sent.friendly_name.filter(|name| !name.trim().is_empty());
    let alias = alias.or_else(|| facts.common_name.clone()).unwrap_or_else(|| "certificate".into());
    let file = match (written, &issued.key) {
        (Some(format), Some(key)) => packed(&app, format, alias, key, &issued.chain, chain, password.as_ref())?,
        _ => String::new(),
    };
    let certificate_information = PfxInformation {
        told: Told::of(&facts),
        id: issued.certificate.0,
        file,
        password: None,
        workflow_instance_id: None,
        workflow_reference_id: 0,
        store_ids_invalid_for_renewal: [],
    };
    // It is issued whatever becomes of the stores: those that are not named in the answer did not take it.
    let successful_stores = deploy::into(&author, issued.certificate, places, sent.job_time).await;
    Ok(Json(PfxIssued { successful_stores, certificate_information, metadata: noted(&metadata) }))
}

fn packed(
    app: &App,
    format: OutputFormat,
    alias: String,
    key: &PrivateKey,
    chain: &[Vec<u8>],
    whole: bool,
    password: Option<&SecretString>,
) -> Answer<String> {
    let wanted = if whole { usize::MAX } else { 1 };
    let entry = Entry { alias, key: Some(key), certificates: chain.iter().take(wanted).map(Vec::as_slice).collect() };
    let password = password.map(ExposeSecret::expose_secret);
    let entropy = app.core().entropy.clone();
    let bytes = certhold_pki::write(format, &[entry], password, app.now(), &mut |out| entropy.fill(out));
    let unwritable = |error: certhold_pki::WriteError| {
        // It is issued and its key in custody: it can be recovered.
        Refused::malformed(format!("The certificate is issued, but {error}: recover it in another format"))
    };
    Ok(STANDARD.encode(bytes.map_err(unwritable)?.as_slice()))
}
