//! Kinds of keys as patterns and templates write them: sizes of RSA, curves of ECDSA, and the rest by name.

use certhold_domain::renewal::KeyKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::enrollment::key_kind;
use super::refused::Answer;

/// Sizes or curves.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Algorithm {
    /// Of RSA.
    bit_lengths: Option<Vec<i64>>,
    /// Of ECDSA, as object identifiers; names are read, too.
    curves: Option<Vec<String>>,
}

/// The keys that certificates may have.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct KeyInfo {
    #[serde(rename = "RSA")]
    rsa: Option<Algorithm>,
    #[serde(rename = "ECDSA")]
    ecdsa: Option<Algorithm>,
    #[serde(rename = "Ed25519")]
    ed25519: Option<Algorithm>,
    /// Certhold's own; the vendor has none.
    #[serde(rename = "ML-DSA-65")]
    ml_dsa_65: Option<Algorithm>,
}

const RSA: [(KeyKind, i64); 3] = [(KeyKind::Rsa2048, 2_048), (KeyKind::Rsa3072, 3_072), (KeyKind::Rsa4096, 4_096)];
const CURVES: [(KeyKind, &str); 3] =
    [(KeyKind::P256, "1.2.840.10045.3.1.7"), (KeyKind::P384, "1.3.132.0.34"), (KeyKind::P521, "1.3.132.0.35")];

impl KeyInfo {
    /// How these kinds are written; of none every one that is made here.
    pub fn of(keys: &[KeyKind]) -> KeyInfo {
        let has = |kind: &KeyKind| keys.is_empty() || keys.contains(kind);
        let sizes: Vec<i64> = RSA.iter().filter(|(kind, _)| has(kind)).map(|(_, bits)| *bits).collect();
        let curves: Vec<String> = CURVES.iter().filter(|(kind, _)| has(kind)).map(|(_, oid)| (*oid).to_owned()).collect();
        let alone = |kind: KeyKind| has(&kind).then(Algorithm::default);
        KeyInfo {
            rsa: (!sizes.is_empty()).then_some(Algorithm { bit_lengths: Some(sizes), curves: None }),
            ecdsa: (!curves.is_empty()).then_some(Algorithm { bit_lengths: None, curves: Some(curves) }),
            ed25519: alone(KeyKind::Ed25519),
            ml_dsa_65: alone(KeyKind::MlDsa65),
        }
    }

    /// The kinds that are meant; an algorithm without sizes or curves means all of its kinds, and everything means no rule.
    ///
    /// # Errors
    /// A size or curve of which no keys are made here.
    pub fn kinds(&self) -> Answer<Vec<KeyKind>> {
        let mut kinds = Vec::new();
        if let Some(ecdsa) = &self.ecdsa {
            match ecdsa.curves.as_deref().unwrap_or_default() {
                [] => kinds.extend(CURVES.map(|(kind, _)| kind)),
                named => {
                    for curve in named {
                        kinds.extend(key_kind(Some("ECC"), None, Some(curve))?);
                    }
                }
            }
        }
        if let Some(rsa) = &self.rsa {
            match rsa.bit_lengths.as_deref().unwrap_or_default() {
                [] => kinds.extend(RSA.map(|(kind, _)| kind)),
                sizes => {
                    for bits in sizes {
                        kinds.extend(key_kind(Some("RSA"), Some((*bits).max(1)), None)?);
                    }
                }
            }
        }
        kinds.extend(self.ed25519.as_ref().map(|_| KeyKind::Ed25519));
        kinds.extend(self.ml_dsa_65.as_ref().map(|_| KeyKind::MlDsa65));
        let everything = KeyKind::ALL.iter().all(|row| kinds.contains(&row.2));
        Ok(if everything { Vec::new() } else { kinds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for keys in [vec![], vec![KeyKind::P384], vec![KeyKind::P256, KeyKind::Rsa3072], vec![KeyKind::Ed25519, KeyKind::MlDsa65]]
        {
            let written = serde_json::to_value(KeyInfo::of(&keys)).unwrap();
            let read: KeyInfo = serde_json::from_value(written).unwrap();
            assert_eq!(read.kinds().unwrap(), keys);
        }
        let read = |text: &str| serde_json::from_str::<KeyInfo>(text).unwrap().kinds();
        assert_eq!(read(r#"{"RSA": {}}"#).unwrap(), [KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Rsa4096]);
        assert_eq!(read(r#"{"ECDSA": {"Curves": ["P-521"]}}"#).unwrap(), [KeyKind::P521]);
        assert!(read(r#"{"RSA": {"BitLengths": [1024]}}"#).is_err() && read(r#"{"RSA": {"BitLengths": [0]}}"#).is_err());
        assert_eq!(read("{}").unwrap(), []);
    }
}
