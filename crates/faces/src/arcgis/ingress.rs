//! `security/ingress` and `security/saml`: where an identity is presented.

use certhold_domain::named::{self, Assign, Assignment, CIPHER_SUITES, Place, SAML_NAME, TlsVersion};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Found, Refused};
use super::request::Call;
use crate::presenting;
use crate::state::App;

/// The configuration as it is, for the resource and for the form of its update.
pub fn ingress_object(assignment: &Assignment) -> Value {
    let protocols: Vec<&str> = assignment.settings.protocols.iter().map(|version| version.name()).collect();
    json!({
        "cipherSuites": assignment.settings.cipher_suites.join(":"),
        "httpsProtocols": protocols.join(","),
        "tlsSecretName": "",
        "identityCertificateName": assignment.identity.as_ref().map_or("", |identity| identity.name.as_str()),
        "isTlsSecretSystemManaged": true,
    })
}

/// The same for SAML.
pub fn saml_object(assignment: &Assignment) -> Value {
    json!({ "enabled": assignment.identity.is_some(), "identityCertificateName": SAML_NAME })
}

/// What is assigned, for whoever may see it.
pub async fn assignment(app: &App, call: &Call, place: Place) -> Answer<Assignment> {
    Ok(app.read_as(call.caller()?, move |tx, actor| named::assignment(tx, actor, place)).await?)
}

pub async fn ingress(app: &App, call: &Call) -> Answer<Found> {
    Ok(Found::Object(ingress_object(&assignment(app, call, Place::Listener).await?)))
}

pub async fn saml(app: &App, call: &Call) -> Answer<Found> {
    Ok(Found::Object(saml_object(&assignment(app, call, Place::Saml).await?)))
}

pub async fn update_ingress(app: &App, call: &Call) -> Answer<Found> {
    // One client sends the ingress's configuration under the name of the other one.
    change(
        app,
        call,
        "update the ingress security configuration",
        &["ingressSecurityConfig", "samlSecurityConfig"],
        ingress_change,
    )
    .await
}

pub async fn update_saml(app: &App, call: &Call) -> Answer<Found> {
    change(app, call, "update the SAML configuration", &["samlSecurityConfig"], saml_change).await
}

async fn change(
    app: &App,
    call: &Call,
    what: &str,
    parameters: &[&'static str],
    read: fn(&Map<String, Value>) -> Answer<Assign>,
) -> Answer<Found> {
    let author = call.author(app).await?;
    let told = |refused: Refused| refused.to(what);
    let name = parameters.iter().find(|name| call.parameters.bytes(name).is_some_and(|text| !text.is_empty()));
    let name = name.ok_or_else(|| told(Refused::missing(parameters.first().unwrap_or(&""))))?;
    let text = call.parameters.required(name).map_err(told)?;
    let object: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| told(Refused::details(400, format!("'{name}' is not an object of JSON: {error}."))))?;
    let command = read(&object).map_err(told)?;
    presenting::assign(app, &author, command).await.map_err(|error| named_there(error.into()).to(what))?;
    Ok(Found::Done)
}

/// A name that nothing has is a wrong value here, not a missing resource.
fn named_there(refused: Refused) -> Refused {
    match refused.code {
        404 => Refused { code: 400, message: String::new(), ..refused },
        _ => refused,
    }
}

fn wrong(name: &str, why: &str) -> Refused {
    Refused::details(400, format!("'{name}' {why}"))
}

fn text<'a>(name: &str, value: &'a Value) -> Answer<&'a str> {
    match value {
        Value::String(text) => Ok(text.trim()),
        Value::Null => Ok(""),
        _ => Err(wrong(name, "is not text.")),
    }
}

/// What is not named stays as it is; what is not known is refused rather than left out silently.
fn ingress_change(object: &Map<String, Value>) -> Answer<Assign> {
    let mut assign = Assign::nothing(Place::Listener);
    let mut system_managed = true;
    for (name, value) in object {
        match name.as_str() {
            "identityCertificateName" => {
                let text = match value {
                    Value::String(text) => text.as_str(),
                    value => text(name, value)?,
                };
                assign.identity = Some(Some(text.to_owned()).filter(|text| !text.is_empty()));
            }
            "httpsProtocols" => assign.protocols = Some(protocols(text(name, value)?)?),
            "cipherSuites" => assign.cipher_suites = Some(suites(value)?),
            "isTlsSecretSystemManaged" => {
                system_managed = value.as_bool().ok_or_else(|| wrong(name, "is neither true nor false."))?;
            }
            "tlsSecretName" if text(name, value)?.is_empty() => {}
            "tlsSecretName" => {
                return Err(wrong(name, "must be empty: there are no secrets of a cluster here; import a PKCS#12 file."));
            }
            _ => {
                let known = "cipherSuites, httpsProtocols, tlsSecretName, identityCertificateName, isTlsSecretSystemManaged";
                let shown: String = name.chars().take(80).collect();
                return Err(wrong(&shown, &format!("is not one of the properties {known}.")));
            }
        }
    }
    if !system_managed {
        return Err(wrong("isTlsSecretSystemManaged", "must be true: there are no secrets of a cluster here."));
    }
    Ok(assign)
}

fn protocols(text: &str) -> Answer<Vec<TlsVersion>> {
    let version = |name: &str| match name.trim() {
        "TLSv1.2" => Ok(TlsVersion::V12),
        "TLSv1.3" => Ok(TlsVersion::V13),
        "TLSv1" | "TLSv1.0" | "TLSv1.1" => {
            Err(wrong("httpsProtocols", "names a version that is not spoken here any more (RFC 8996): use TLSv1.2, TLSv1.3."))
        }
        _ => Err(wrong("httpsProtocols", "is not a list of TLSv1.2 and TLSv1.3, separated by commas.")),
    };
    text.split(',').map(version).collect()
}

/// Separated by colons, commas or spaces, or a list.
fn suites(value: &Value) -> Answer<Vec<String>> {
    let known = |name: &str| {
        let name = name.trim();
        let found = CIPHER_SUITES.iter().find(|known| known.eq_ignore_ascii_case(name));
        found.map(|known| (*known).to_owned()).ok_or_else(|| {
            let shown: String = name.chars().take(80).collect();
            wrong("cipherSuites", &format!("names {shown:?}, which is not one of {}.", CIPHER_SUITES.join(", ")))
        })
    };
    match value {
        Value::Array(names) => names.iter().map(|name| known(name.as_str().unwrap_or_default())).collect(),
        value => {
            let names = text("cipherSuites", value)?.split([':', ',', ' ']).filter(|name| !name.is_empty());
            names.map(known).collect()
        }
    }
}

fn saml_change(object: &Map<String, Value>) -> Answer<Assign> {
    let (mut enabled, mut named) = (None, false);
    for (name, value) in object {
        match name.as_str() {
            "enabled" => enabled = Some(value.as_bool().ok_or_else(|| wrong(name, "is neither true nor false."))?),
            "identityCertificateName" => match text(name, value)? {
                "" => {}
                SAML_NAME => named = true,
                _ => {
                    let why = format!("must be {SAML_NAME:?}: the identity certificate for SAML is the one of this name.");
                    return Err(wrong(name, &why));
                }
            },
            _ => {
                let shown: String = name.chars().take(80).collect();
                return Err(wrong(&shown, "is not one of the properties enabled, identityCertificateName."));
            }
        }
    }
    // Naming the certificate means that it is to be used, unless it is said that it is not.
    let enabled = enabled.or(named.then_some(true));
    let identity = enabled.map(|enabled| enabled.then(|| SAML_NAME.to_owned()));
    Ok(Assign { identity, ..Assign::nothing(Place::Saml) })
}
