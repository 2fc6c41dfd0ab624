//! The kinds of stores that Certhold serves itself, and how each is kept.

use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::limits;

/// What a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A directory with PEM files: a certificate with its chain, and its key beside it.
    PemDirectory,
    /// A PKCS#12 file.
    Pkcs12,
    /// A Java key store of the kind JKS.
    Jks,
}

impl StoreKind {
    /// Every kind.
    pub const ALL: [StoreKind; 3] = [StoreKind::PemDirectory, StoreKind::Pkcs12, StoreKind::Jks];

    /// The name in APIs.
    pub fn name(self) -> &'static str {
        match self {
            StoreKind::PemDirectory => "pem-directory",
            StoreKind::Pkcs12 => "pkcs12",
            StoreKind::Jks => "jks",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            StoreKind::PemDirectory => "Directory of PEM files",
            StoreKind::Pkcs12 => "PKCS#12 file",
            StoreKind::Jks => "Java key store (JKS)",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Result<StoreKind, Refusal> {
        let found = StoreKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
        found.ok_or_else(|| {
            let names: Vec<&str> = StoreKind::ALL.iter().map(|kind| kind.name()).collect();
            Refusal::invalid("kind", format!("choose one of {}", names.join(", ")))
        })
    }

    /// Whether it does not exist without a password.
    pub fn needs_password(self) -> bool {
        self != StoreKind::PemDirectory
    }

    /// The form in which this kind keeps the name of an entry; refuses names that it cannot keep.
    pub fn alias(self, alias: &str) -> Result<String, Refusal> {
        let alias = alias.trim();
        crate::text::line("alias", alias, limits::ALIAS_CHARS)?;
        if alias.is_empty() {
            return Err(Refusal::invalid("alias", "say under which name the certificate stands in the store"));
        }
        match self {
            StoreKind::PemDirectory => {
                let plain = alias.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
                let taken = [".chain", ".key", ".pem", ".crt"].iter().any(|ending| alias.to_ascii_lowercase().ends_with(ending));
                if !plain || alias.starts_with(['.', '-']) || taken {
                    let message = "in a directory of PEM files an alias is a file name without its ending: letters, digits, '.', '_' and \
                                   '-', such as shop.example.com";
                    return Err(Refusal::invalid("alias", message));
                }
                Ok(alias.to_owned())
            }
            StoreKind::Pkcs12 => Ok(alias.to_owned()),
            // Java does not tell letter cases apart.
            StoreKind::Jks => Ok(alias.to_lowercase()),
        }
    }
}

/// Where a directory of PEM files keeps the certificates above one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainPlace {
    /// After the certificate, in the same file.
    #[default]
    With,
    /// In `ALIAS.chain.pem`.
    Beside,
    /// Nowhere.
    None,
}

/// Where a directory of PEM files keeps a private key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyPlace {
    /// In `ALIAS.key`.
    #[default]
    Beside,
    /// Before the certificate, in the same file, as HAProxy wants it.
    Inside,
}

/// How a PKCS#12 file is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// AES-256 and HMAC-SHA-256.
    #[default]
    Modern,
    /// 3DES and HMAC-SHA-1, for software that knows nothing newer.
    Legacy,
}

/// How a store is kept. Files that are there keep their mode, owner and group; these are for new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Properties {
    /// Directories of PEM files: where the chain is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainPlace>,
    /// Directories of PEM files: where keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyPlace>,
    /// PKCS#12 files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// Mode of new files without keys, octal; 0644 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Mode of new files with keys, octal; 0600 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_mode: Option<String>,
}

impl Properties {
    pub(super) fn check(&self, kind: StoreKind) -> Result<(), Refusal> {
        let wrong = |message: String| Err(Refusal::invalid("properties", message));
        if kind != StoreKind::PemDirectory && (self.chain.is_some() || self.key.is_some()) {
            return wrong("chain and key are for directories of PEM files only".into());
        }
        if kind != StoreKind::Pkcs12 && self.encryption.is_some() {
            return wrong("encryption is for PKCS#12 files only".into());
        }
        for mode in [&self.mode, &self.key_mode].into_iter().flatten() {
            let digits = (1..=4).contains(&mode.len()) && mode.bytes().all(|byte| byte.is_ascii_digit());
            let bits = u32::from_str_radix(mode, 8).ok().filter(|bits| digits && *bits <= 0o777 && bits & 0o400 != 0);
            if bits.is_none() {
                let shown: String = mode.chars().take(20).collect();
                return wrong(format!("the mode {shown:?} is not an octal mode like 0644"));
            }
        }
        if self.key_mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok()).is_some_and(|bits| bits & 0o007 != 0) {
            return wrong("a private key must not be accessible to everybody: use a mode like 0600 or 0640".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_names_that_the_kind_can_keep() {
        assert_eq!(StoreKind::Jks.alias(" Tomcat ").unwrap(), "tomcat");
        assert_eq!(StoreKind::Pkcs12.alias("Web Shop: 1").unwrap(), "Web Shop: 1");
        assert_eq!(StoreKind::PemDirectory.alias("shop.example.com").unwrap(), "shop.example.com");
        for bad in ["", "../x", "a/b", "a b", ".hidden", "-x", "x.chain", "x.KEY", "x.pem", "a\0b", "ä"] {
            assert!(StoreKind::PemDirectory.alias(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "  ", "a\nb", "a\u{202E}b"] {
            assert!(StoreKind::Jks.alias(bad).is_err() && StoreKind::Pkcs12.alias(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn properties_belong_to_a_kind() {
        let of = |text: &str| serde_json::from_str::<Properties>(text);
        assert!(of(r#"{"chain":"beside","key":"inside","mode":"0640"}"#).unwrap().check(StoreKind::PemDirectory).is_ok());
        assert!(of(r#"{"chain":"beside"}"#).unwrap().check(StoreKind::Jks).is_err());
        assert!(of(r#"{"encryption":"legacy"}"#).unwrap().check(StoreKind::PemDirectory).is_err());
        assert!(of(r#"{"encryption":"none"}"#).is_err() && of(r#"{"colour":"red"}"#).is_err());
        for mode in ["", "644x", "0999", "07777", "0044", "-644"] {
            let properties = Properties { mode: Some(mode.into()), ..Properties::default() };
            assert!(properties.check(StoreKind::Jks).is_err(), "{mode:?}");
        }
        let open = Properties { key_mode: Some("0644".into()), ..Properties::default() };
        assert!(open.check(StoreKind::Pkcs12).is_err());
    }
}
