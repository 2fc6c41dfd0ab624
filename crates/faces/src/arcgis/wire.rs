//! Certificates as this API writes them: nineteen members, in the vendor's order, with the texts of OpenJDK.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use certhold_domain::hex;
use certhold_domain::named::{self, Kind, Named};
use certhold_domain::{Actor, CertificateId, Error, Face, Result, limits};
use certhold_pki::details::java::{self, Java};
use certhold_store::Tx;
use serde::{Serialize, Serializer};

use crate::state::App;

/// What certificates say, by their SHA-256, so that a list of a thousand need not take each apart again.
#[derive(Default)]
pub struct Described(Mutex<HashMap<[u8; 32], Arc<Description>>>);

/// Certificates that are remembered; more begin anew.
const REMEMBERED_MAX: usize = 20_000;

/// What a certificate says, whatever it is called here.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    java: Java,
    valid_from: String,
    valid_until: String,
    sha1: String,
    md5: String,
    sha256: String,
}

impl Description {
    fn of(der: &[u8]) -> Result<Description> {
        let java = Java::of(der).map_err(|error| Error::damaged(error.to_string()))?;
        let (valid_from, valid_until) = (java::date(java.not_before), java::date(java.not_after));
        let (sha1, md5, sha256) = (hex(&java.sha1), hex(&java.md5), hex(&java.sha256));
        Ok(Description { java, valid_from, valid_until, sha1, md5, sha256 })
    }
}

impl Described {
    fn find(&self, sha256: &[u8; 32]) -> Option<Arc<Description>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sha256).cloned()
    }

    fn keep(&self, described: &Arc<Description>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(described.java.sha256, described.clone());
    }

    /// Entries with what their certificates say.
    pub fn complete(&self, tx: &mut Tx<'_>, actor: &Actor, entries: Vec<Named>) -> Result<Vec<Certificate>> {
        let known: Vec<Option<Arc<Description>>> = entries.iter().map(|entry| self.find(&entry.sha256)).collect();
        let unknown: Vec<CertificateId> =
            entries.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(entry, _)| entry.certificate).collect();
        let mut read: HashMap<CertificateId, Arc<Description>> = HashMap::with_capacity(unknown.len());
        for some in unknown.chunks(limits::PAGE_ROWS) {
            for (id, der) in named::bodies(tx, actor, some)? {
                let described = Arc::new(Description::of(&der)?);
                self.keep(&described);
                read.insert(id, described);
            }
        }
        let certificate = |(entry, known): (Named, Option<Arc<Description>>)| {
            let described = known.or_else(|| read.get(&entry.certificate).cloned());
            let described = described.ok_or_else(|| Error::damaged(format!("certificate {} has no bytes", entry.certificate)))?;
            Ok(Certificate { described, entry })
        };
        entries.into_iter().zip(known).map(certificate).collect()
    }
}

/// Takes the certificates of all entries apart before somebody asks for them: the first list after a start is then like any other.
pub async fn describe_all(app: App) {
    let describing = app.clone();
    let all = app.read(move |tx| {
        let server = Actor::system(Face::Server, "certhold");
        for kind in [Kind::Identity, Kind::Trust] {
            let entries = named::list(tx, &server, kind)?;
            describing.described().complete(tx, &server, entries)?;
        }
        Ok(())
    });
    if let Err(error) = all.await {
        tracing::warn!(%error, "certificates under names could not be taken apart before they are asked for");
    }
}

/// An entry with what its certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    described: Arc<Description>,
    /// The entry.
    pub entry: Named,
}

/// The members in the vendor's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    valid_until_as_epoch: i64,
    key_algorithm: &'a str,
    serial_number: &'a str,
    key_size: u32,
    subject: &'a str,
    subject_alternative_names: &'a [String],
    #[serde(rename = "sha1Fingerprint")]
    sha1: &'a str,
    valid_from: &'a str,
    r#type: &'static str,
    version: u32,
    #[serde(rename = "md5Fingerprint")]
    md5: &'a str,
    issuer: &'a str,
    signature_algorithm: &'a str,
    key_usage: Vec<&'static str>,
    name: &'a str,
    #[serde(rename = "sha256Fingerprint")]
    sha256: &'a str,
    valid_until: &'a str,
    id: &'a str,
    valid_from_as_epoch: i64,
}

/// The vendor's words for key usages, in the order of the bits. Four of them are documented; the others follow their pattern.
const KEY_USAGES: [&str; 9] = [
    "Digital_Signature",
    "Non_Repudiation",
    "Key_Encipherment",
    "Data_Encipherment",
    "Key_Agreement",
    "Key_Cert_Sign",
    "CRL_Sign",
    "Encipher_Only",
    "Decipher_Only",
];

impl Certificate {
    /// Its title on pages.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// For lists on pages: subject and end.
    pub fn summary(&self) -> (&str, &str) {
        (&self.described.java.subject, &self.described.valid_until)
    }

    fn members(&self) -> Members<'_> {
        let Description { java, valid_from, valid_until, sha1, md5, sha256 } = self.described.as_ref();
        let usages = KEY_USAGES.iter().zip(java.key_usage).filter(|(_, set)| *set).map(|(name, _)| *name);
        Members {
            valid_until_as_epoch: java.not_after,
            key_algorithm: &java.key_algorithm,
            serial_number: &java.serial,
            key_size: java.key_bits,
            subject: &java.subject,
            subject_alternative_names: &java.alternative_names,
            sha1,
            valid_from,
            r#type: match self.entry.kind {
                Kind::Identity => "IDENTITY",
                Kind::Trust => "TRUST",
            },
            version: java.version,
            md5,
            issuer: &java.issuer,
            signature_algorithm: &java.signature_algorithm,
            key_usage: usages.collect(),
            name: &self.entry.name,
            sha256,
            valid_until,
            id: &self.entry.handle,
            valid_from_as_epoch: java.not_before,
        }
    }
}

impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members().serialize(serializer)
    }
}

/// A list of certificates.
#[derive(Serialize)]
pub struct List<'a> {
    /// In the order in which they were imported.
    pub certificates: &'a [Certificate],
}

#[cfg(test)]
pub(super) fn golden(der: &[u8], kind: Kind, name: &str, handle: &str) -> String {
    let described = Arc::new(Description::of(der).unwrap());
    let entry = Named {
        id: certhold_domain::NamedId(1),
        handle: handle.into(),
        kind,
        name: name.into(),
        certificate: CertificateId(1),
        sha256: described.java.sha256,
        version: 1,
        lineage: None,
        created_at: 0,
        changed_at: 0,
    };
    serde_json::to_string(&Certificate { described, entry }).unwrap()
}
