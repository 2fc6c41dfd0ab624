//! Certificates with keys that are made here.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::limits;
use certhold_domain::private_ca::{EnrolmentRequest, KeySource};
use certhold_domain::{AuthorityId, CertificateId, Entropy, Refusal, Result as DomainResult};
use certhold_pki::{Entry, Facts, OutputFormat, PrivateKey};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::deploy::{self, StoreWanted};
use super::{Names, Told, authority, facts, key_kind, noted, renews, under};
use crate::keyfactor::certificates::{Arrangement, archive, changes};
use crate::keyfactor::extract::{Author, Body, certificate_format};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::Moment;
use crate::state::App;
use crate::{attachment, export, issue};

/// The routes of keys that are made here.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(with_key))
}

enrolment_request! {
    /// A certificate with a key that is made here.
    pub struct PfxRequest {
        /// `CN=shop.example.org,O=Example`.
        #[serde(rename = "Subject")]
        subject: Option<String>,
        /// Of the file.
        #[serde(rename = "Password")]
        password: Option<String>,
        /// Whether the file has the certificates above it.
        #[serde(rename = "IncludeChain")]
        include_chain: Option<bool>,
        /// `EndEntityFirst` (default) or `RootFirst`: the certificates of a PEM file; in the other formats they stand where those say.
        #[serde(rename = "ChainOrder")]
        chain_order: Option<String>,
        /// Whether a line with its subject stands before each certificate; PEM.
        #[serde(rename = "IncludeSubjectHeader")]
        subject_header: Option<bool>,
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
        /// Whether it takes the places that the certificate which it renews has in certificate stores.
        #[serde(rename = "InstallIntoExistingCertificateStores")]
        install: Option<bool>,
        /// When all that is done; at once otherwise.
        #[schema(value_type = Option<String>)]
        #[serde(rename = "JobTime")]
        job_time: Option<Moment>,
        #[serde(rename = "SANs")]
        names: Option<Names>,
    }
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
    /// GUIDs of the certificate stores that have what it renews, and will not have it.
    #[serde(rename = "StoreIdsInvalidForRenewal")]
    store_ids_invalid_for_renewal: Vec<String>,
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

/// How the file is written, once there is something to write.
struct Packing {
    format: OutputFormat,
    zipped: bool,
    arrangement: Arrangement,
    alias: Option<String>,
    /// Of the certificates, the leaf first.
    taken: usize,
    password: Option<SecretString>,
    entropy: Arc<dyn Entropy>,
    now: i64,
}

impl Packing {
    fn written(&self, key: &PrivateKey, chain: &[&[u8]]) -> DomainResult<Zeroizing<Vec<u8>>> {
        let name = || Facts::of(chain.first()?).ok()?.common_name;
        let alias = self.alias.clone().or_else(name).unwrap_or_else(|| "certificate".into());
        let file = attachment::file_name(&alias, 0, "pem");
        let entry = Entry { alias, key: Some(key), certificates: chain.iter().take(self.taken).copied().collect() };
        let password = self.password.as_ref().map(ExposeSecret::expose_secret);
        let bytes = certhold_pki::write(self.format, &[entry], password, self.now, &mut |out| self.entropy.fill(out));
        let bytes = bytes.map_err(|error| Refusal::invalid("format", error.to_string()))?;
        let bytes = if self.format == OutputFormat::Pem { self.arrangement.applied(bytes) } else { bytes };
        Ok(if self.zipped { archive(&[(&file, &bytes)]) } else { bytes })
    }
}

impl PfxRequest {
    /// The file that is wanted; none with the format STORE.
    fn packing(&mut self, app: &App, headers: &HeaderMap) -> Answer<Option<Packing>> {
        let arrangement = Arrangement::of(self.chain_order.as_deref(), self.subject_header)?;
        let wanted = certificate_format(headers, &["PFX", "PEM", "JKS", "ZIP", "STORE"])?;
        let format = match wanted {
            "PFX" if self.legacy.unwrap_or(false) => OutputFormat::Pkcs12Legacy,
            "PFX" => OutputFormat::Pkcs12,
            "JKS" => OutputFormat::Jks,
            "STORE" => return Ok(None),
            _ => OutputFormat::Pem,
        };
        let password = self.password.take().map(SecretString::from);
        if password.is_none() {
            return Err(Refused::invalid("Password", "the file needs a password"));
        }
        export::check_password(OutputFormat::Pkcs12, password.as_ref())?;
        Ok(Some(Packing {
            format,
            zipped: wanted == "ZIP",
            arrangement,
            alias: self.friendly_name.clone().filter(|name| !name.trim().is_empty()),
            taken: if self.include_chain.unwrap_or(true) { usize::MAX } else { 1 },
            password,
            entropy: app.core().entropy.clone(),
            now: app.now(),
        }))
    }

    /// The certificate whose places in certificate stores are taken over.
    fn existing(&self) -> Answer<Option<CertificateId>> {
        match (self.install.unwrap_or(false), self.renewal.filter(|id| *id != 0)) {
            (false, _) => Ok(None),
            (true, Some(id)) => Ok(Some(CertificateId(id))),
            (true, None) => {
                let why = "name the certificate that it renews, in RenewalCertificateId";
                Err(Refused::invalid("InstallIntoExistingCertificateStores", why))
            }
        }
    }
}

/// Issue a certificate with a key that is made here
///
/// The header `x-certificateformat` chooses the file: `PFX`, `PEM`, `JKS` or `ZIP` (the PEM file in an archive); with `STORE` the key
/// stays in custody and there is no file. Whoever may not put it into one of the certificate stores is refused before it is issued, and so is a
/// name that an entry cannot have there, that is taken, or that follows a managed certificate.
#[utoipa::path(post, path = "/Enrollment/PFX", tag = "Enrollment", request_body = PfxRequest, params(
    ("x-certificateformat" = String, Header, description = "PFX, PEM, JKS, ZIP or STORE")),
    responses((status = 200, description = "It is issued", body = PfxIssued)))]
pub async fn with_key(
    State(app): State<App>,
    author: Author,
    headers: HeaderMap,
    Body(mut sent): Body<PfxRequest>,
) -> Answer<Json<PfxIssued>> {
    if sent.friendly_name.as_ref().is_some_and(|name| name.chars().count() > limits::NAME_CHARS) {
        return Err(Refused::invalid("CustomFriendlyName", format!("at most {} characters", limits::NAME_CHARS)));
    }
    let authority = authority(&author, sent.authority.take(), true).await?;
    let (packing, existing) = (sent.packing(&app, &headers)?, sent.existing()?);
    let places = deploy::places(&author, sent.stores.take().unwrap_or_default()).await?;
    deploy::require_may_install(&author, &places, existing).await?;
    let key = KeySource::Made(key_kind(sent.key_type.as_deref(), sent.key_length, sent.curve.as_deref())?);
    let request = EnrolmentRequest {
        subject: sent.subject.take().filter(|subject| !subject.trim().is_empty()),
        delivered: packing.is_some(),
        ..sent.request(&author, authority, key).await?
    };
    let metadata = request.metadata.clone();
    // A key is delivered only where a file is wanted.
    let pack = move |key: &PrivateKey, chain: &[&[u8]]| packing.map(|packing| packing.written(key, chain)).transpose();
    let (issued, file) = author.refusing(issue::enrol_packed(&app, &author.actor, request, pack).await)?;
    let file = file.flatten().map(|bytes| STANDARD.encode(bytes.as_slice())).unwrap_or_default();
    let installed = deploy::into(&author, issued.certificate, places, existing, sent.job_time).await;
    let certificate_information = PfxInformation {
        told: Told::of(&facts(&issued)?),
        id: issued.certificate.0,
        file,
        password: None,
        workflow_instance_id: None,
        workflow_reference_id: 0,
        store_ids_invalid_for_renewal: installed.invalid_for_renewal,
    };
    Ok(Json(PfxIssued { successful_stores: installed.successful, certificate_information, metadata: noted(&metadata) }))
}
