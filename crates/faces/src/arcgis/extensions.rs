//! What the vendor does not have: replacement in place, keys and signing requests made here, renewal, and where a certificate is used.

use certhold_domain::named::{self, Kind, Place, RenewBy, RenewedBy};
use certhold_domain::renewal::{IssuedBy, KeyKind};
use certhold_pki::pem;
use serde_json::{Value, json};

use super::answer::{Answer, Found, Refused};
use super::certificates::password;
use super::request::Call;
use crate::export::{self, KeyWanted};
use crate::identity::{self, File};
use crate::state::App;

pub async fn replace(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("replace the certificate");
    let author = call.author(app).await?;
    let read = || Ok(File::Pfx(call.parameters.file("certificatePfxFile")?, password(call)?));
    let file = read().map_err(told)?;
    identity::replace(app, &author, call.subject.clone(), file).await.map_err(|error| told(error.into()))?;
    Ok(Found::Done)
}

fn answer_file(call: &Call) -> Answer<File> {
    Ok(File::Answer(call.parameters.file("caSignedCertificate")?))
}

pub async fn import_signed(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("import the signed certificate");
    let author = call.author(app).await?;
    let name = call.parameters.required("certificateName").map_err(told)?.to_owned();
    let file = answer_file(call).map_err(told)?;
    identity::import(app, &author, Kind::Identity, name, file).await.map_err(|error| told(error.into()))?;
    Ok(Found::Done)
}

pub async fn replace_signed(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("import the signed certificate");
    let author = call.author(app).await?;
    let file = answer_file(call).map_err(told)?;
    identity::replace(app, &author, call.subject.clone(), file).await.map_err(|error| told(error.into()))?;
    Ok(Found::Done)
}

pub async fn generate_csr(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("generate the certificate signing request");
    let author = call.author(app).await?;
    let read = || {
        let name = call.parameters.required("certificateName")?.to_owned();
        let common = call.parameters.text("commonName").unwrap_or_default().trim().to_owned();
        let others = call.parameters.text("subjectAlternativeNames").unwrap_or_default();
        let plain = |name: &str| name.trim().strip_prefix("DNS:").unwrap_or(name.trim()).to_owned();
        let others = others.split([',', '\n', '\r', ' ']).map(plain);
        let names: Vec<String> = std::iter::once(common).chain(others).filter(|name| !name.is_empty()).collect();
        Ok(KeyWanted { name, names, kind: key_kind(call)? })
    };
    let wanted = read().map_err(told)?;
    let (_, csr) = export::request(app, &author, wanted).await.map_err(|error| told(error.into()))?;
    Ok(Found::Object(json!({ "status": "success", "csr": pem::encode(pem::CERTIFICATE_REQUEST, &csr) })))
}

fn key_kind(call: &Call) -> Answer<KeyKind> {
    let text = |name: &str| call.parameters.text(name).unwrap_or_default().trim().to_ascii_lowercase();
    let kind = match (text("keyAlgorithm").as_str(), text("keySize").as_str()) {
        ("" | "ec", "" | "256") => "p256",
        ("ec", "384") => "p384",
        ("ec", "521") => "p521",
        ("rsa", "" | "2048") => "rsa2048",
        ("rsa", "3072") => "rsa3072",
        ("rsa", "4096") => "rsa4096",
        ("ed25519", _) => "ed25519",
        _ => {
            let why = "'keyAlgorithm' and 'keySize' are EC with 256, 384 or 521, RSA with 2048, 3072 or 4096, or Ed25519.";
            return Err(Refused::details(400, why));
        }
    };
    Ok(KeyKind::parse(kind)?)
}

pub async fn renewal(app: &App, call: &Call) -> Answer<Found> {
    let (handle, now) = (call.subject.clone(), app.now());
    let found = app.read_as(call.caller()?, move |tx, actor| named::renewal(tx, actor, &handle)).await?;
    let Some(managed) = found.managed else { return Ok(Found::Object(json!({ "autoRenew": found.is_renewed }))) };
    let mut shown = json!({
        "autoRenew": !managed.paused,
        "managedCertificate": managed.name,
        "names": managed.names,
        "state": managed.health(now).name(),
        "renewAtAsEpoch": managed.renew_at,
        "lastError": managed.last_error,
    });
    match managed.by {
        IssuedBy::Acme { issuer, dns_provider, .. } => {
            shown["issuer"] = issuer.1.into();
            shown["dnsProvider"] = dns_provider.1.into();
        }
        IssuedBy::Private { authority, template, pattern, .. } => {
            shown["privateAuthority"] = authority.1.into();
            shown["enrollmentPattern"] = json!(pattern.map(|(_, name)| name));
            shown["certificateTemplate"] = template.name().into();
        }
    }
    Ok(Found::Object(shown))
}

pub async fn update_renewal(app: &App, call: &Call) -> Answer<Found> {
    let told = |refused: Refused| refused.to("update the renewal");
    let author = call.author(app).await?;
    let (handle, now) = (call.subject.clone(), app.now());
    let wanted = call.parameters.is_true("autoRenew").map_err(told)?.ok_or_else(|| told(Refused::missing("autoRenew")))?;
    if !wanted {
        let paused = app.write(move |tx| named::pause_renewal(tx, &author, &handle, now)).await;
        paused.map_err(|error| told(error.into()))?;
        return Ok(Found::Done);
    }
    // Who goes on with a renewal that was paused need not name its parts again.
    let text = |name: &str| call.parameters.text(name).unwrap_or_default().trim().to_owned();
    let given = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let (authority, pattern, template) = (given("privateAuthority"), given("enrollmentPattern"), given("certificateTemplate"));
    let by = RenewedBy::of((text("issuer"), text("dnsProvider")), (authority, pattern, template));
    let by = by.map_err(|refusal| told(refusal.into()))?;
    let command = RenewBy { handle, by };
    let followed = app.write(move |tx| named::follow_managed(tx, &author, &command, now)).await;
    followed.map_err(|error| told(error.into()))?;
    Ok(Found::Done)
}

pub async fn usage(app: &App, call: &Call, kind: Kind) -> Answer<Found> {
    let handle = call.subject.clone();
    let found = app.read_as(call.caller()?, move |tx, actor| {
        let usage = named::usage(tx, actor, kind, &handle)?;
        let entry = named::get(tx, actor, kind, &handle)?;
        let versions = named::versions(tx, actor, &entry)?;
        Ok((usage, versions))
    });
    let (usage, versions) = found.await?;
    let place = |place: &Place| match place {
        Place::Listener => "ingress",
        Place::Saml => "saml",
    };
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| json!({ "version": version.version, "certificate": version.certificate, "sinceAsEpoch": version.since }))
        .collect();
    Ok(Found::Object(json!({
        "presentedBy": usage.places.iter().map(place).collect::<Vec<_>>(),
        "certificateStores": usage.stores,
        "deployments": usage.deployments,
        "chain": usage.chain,
        "missingIssuer": usage.missing_issuer,
        "versions": versions,
    })))
}
