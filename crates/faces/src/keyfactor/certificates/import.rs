//! Certificates and keys as files that are brought in or looked at.

use std::collections::{BTreeMap, HashMap};

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certhold_domain::stores::{self, Place};
use certhold_domain::{CertificateId, Error, inventory};
use certhold_pki::{Facts, Reading};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::changes;
use crate::import::{self, Import, Item, Outcome, Upload};
use crate::keyfactor::enrollment::{StoreTypeWanted, of_types, places};
use crate::keyfactor::extract::{Author, LargeBody};
use crate::keyfactor::protocol::Json;
use crate::keyfactor::refused::{Answer, Refused};
use crate::keyfactor::wire::{Moment, upper_hex};
use crate::state::App;

/// The routes that take files.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import)).routes(routes!(analyze))
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
    /// GUIDs of certificate stores that it is put into, with its private key if that is in the file, or in custody and the caller's to take out;
    store_ids: Option<Vec<String>>,
    /// with what the entries are called, by type.
    store_types: Option<Vec<StoreTypeWanted>>,
    /// When that is done; at once otherwise.
    #[schema(value_type = Option<String>)]
    schedule: Option<Moment>,
    /// The owner of new certificates.
    owner_role_id: Option<i64>,
    /// The same by name; the id goes over it.
    owner_role_name: Option<String>,
}

/// Bits of [`Imported::import_status`].
const NEW: i64 = 1;
const HELD: i64 = 2;
const IN_PART: i64 = 4;

/// What came of an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Imported {
    /// 1 the certificate is new, 2 it was held already; 4 more when something else in the file was not taken.
    import_status: i64,
    /// 1 every certificate store that was named will have it, 2 some of them, 3 none.
    job_status: i64,
    /// The certificate stores that will not.
    invalid_keystores: Vec<InvalidKeystore>,
    /// SHA-1 of the certificate, upper-case hexadecimal.
    thumbprint: String,
}

/// A certificate store that a certificate could not be asked into.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct InvalidKeystore {
    /// Its GUID.
    keystore_id: String,
    client_machine: String,
    store_path: String,
    /// The entry's name that was asked for.
    alias: Option<String>,
    /// 0: the explanation says why.
    reason: i64,
    explanation: String,
}

/// What is in a file, looked at without its keys.
struct Content {
    certificates: Vec<(Facts, bool)>,
    has_keys: bool,
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
        // Of each issuer the first certificate, and whether there is another one.
        let mut issued: HashMap<&str, ([u8; 32], bool)> = HashMap::new();
        for facts in &certificates {
            let (first, more) = issued.entry(&facts.issuer).or_insert((facts.sha256, false));
            *more |= *first != facts.sha256;
        }
        let has_issued =
            |facts: &Facts| issued.get(facts.subject.as_str()).is_some_and(|(first, more)| *more || *first != facts.sha256);
        let is_end = |facts: &Facts| !facts.is_ca && !has_issued(facts);
        let ends: Vec<bool> = certificates.iter().map(is_end).collect();
        drop(issued);
        Ok(Content { certificates: certificates.into_iter().zip(ends).collect(), has_keys: !bundle.keys.is_empty() })
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

/// What became of the certificate that a file is about, and whether anything else in it was left out.
///
/// # Errors
/// That certificate was not taken, whatever became of the others.
fn judged(items: Vec<Item>, main: &Facts) -> Answer<(CertificateId, i64)> {
    let (mut about, mut why, mut others) = (None, None, Vec::new());
    for item in items {
        let is_main = item.sha256 == Some(main.sha256);
        match item.outcome {
            Outcome::Refused(reason) if is_main => why = why.or(Some(reason)),
            Outcome::Refused(reason) => others.push(reason),
            Outcome::Taken { item, .. } if is_main => match item.outcome {
                inventory::Outcome::Imported(id) => about = Some((id, NEW)),
                // A certificate that stands twice in a file is new once.
                inventory::Outcome::AlreadyHeld(id) => about = about.or(Some((id, HELD))),
                inventory::Outcome::Excluded => {}
            },
            Outcome::Taken { .. } => {}
        }
    }
    match about {
        Some((id, status)) => Ok((id, if others.is_empty() && why.is_none() { status } else { status | IN_PART })),
        None => {
            let all: Vec<String> = why.into_iter().chain(others).collect();
            let first = all.first().cloned().unwrap_or_else(|| "there is no certificate in it".into());
            Err(Refused::invalid("Certificate", first).with_failures(all))
        }
    }
}

/// Import a certificate
///
/// With its chain and its private key, if the file has them, and into certificate stores, if some are named. Importing again changes
/// nothing, but the stores are asked again. Whoever may not put it into one of them is refused before anything is imported; what the
/// state of a store is in the way of is in `InvalidKeystores`.
#[utoipa::path(post, path = "/Certificates/Import", tag = "Certificates", request_body = ImportRequest,
    responses((status = 200, description = "It is held", body = Imported)))]
pub async fn import(State(app): State<App>, author: Author, LargeBody(sent): LargeBody<ImportRequest>) -> Answer<Json<Imported>> {
    author.refusing(import::require_allowed(&app, &author.actor).await)?;
    let wanted = of_types(&author, sent.store_ids.unwrap_or_default(), sent.store_types.unwrap_or_default()).await?;
    let places = places(&author, wanted).await?;
    let owner = author.owner_named(sent.owner_role_id, sent.owner_role_name).await?;
    let encoded = Zeroizing::new(sent.certificate);
    let bytes = decoded(&encoded)?;
    let password = sent.password.map(SecretString::from);
    let content = looked_at(bytes.clone(), password.clone()).await?;
    let (checked, has_keys) = (places.clone(), content.has_keys);
    author.read(move |tx, actor| stores::require_may_bring(tx, actor, &checked, has_keys)).await?;
    let metadata = changes::changes(sent.metadata)?;
    let uploads = vec![Upload { file: String::new(), bytes }];
    let import = Import { uploads, password, owner, source: "keyfactor".into(), metadata };
    let items = author.refusing(import::run(&app, &author.actor, import).await)?;
    let (certificate, import_status) = judged(items, content.main())?;
    let wanted = places.len();
    let invalid_keystores = into(&author, certificate, places, has_keys, sent.schedule).await?;
    let job_status = match invalid_keystores.len() {
        0 => 1,
        failed if failed < wanted => 2,
        _ => 3,
    };
    let thumbprint = upper_hex(&content.main().sha1);
    Ok(Json(Imported { import_status, job_status, invalid_keystores, thumbprint }))
}

/// Asks for the certificate in each of these places; those that will not have it.
async fn into(
    author: &Author,
    certificate: CertificateId,
    places: Vec<Place>,
    has_keys: bool,
    at: Option<Moment>,
) -> Answer<Vec<InvalidKeystore>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let at = at.map(|at| at.0);
    author
        .write(move |tx, actor, now| {
            let deployed = stores::deploy_brought(tx, actor, certificate, &places, has_keys, at, now)?;
            let mut invalid = Vec::with_capacity(deployed.failed.len());
            for (id, explanation) in deployed.failed {
                let store = stores::get(tx, actor, id)?;
                invalid.push(InvalidKeystore {
                    keystore_id: store.uuid,
                    client_machine: store.machine,
                    store_path: store.path,
                    alias: places.iter().find(|place| place.store == id).and_then(|place| place.alias.clone()),
                    reason: 0,
                    explanation,
                });
            }
            Ok(invalid)
        })
        .await
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
