//! The issuers of samples, and the keys of their certificates.

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey};

use super::noise::Noise;
use super::words::{AUTHORITIES, COUNTRIES};
use super::{nest, put_attribute, put_extension};
use crate::asn1::{self, element, tag};
use crate::oid;

/// What all certificates of one issuer have in common.
pub(super) struct Issuer {
    /// The distinguished name.
    pub(super) name: Vec<u8>,
    /// Authority key identifier, information access, CRL distribution point, policies.
    pub(super) extensions: Vec<u8>,
    signs_with: SignsWith,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SignsWith {
    Rsa2048,
    P384,
}

/// How an issuer publishes revocations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Revocation {
    Ocsp,
    Crl,
}

/// AlgorithmIdentifiers: sha256WithRSAEncryption with NULL, ecdsa-with-SHA384.
const SHA256_WITH_RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];
const ECDSA_WITH_SHA384: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];

impl Issuer {
    pub(super) fn new(seed: u64, number: usize) -> Issuer {
        let mut noise = Noise::new(seed, u64::MAX - number as u64);
        let authority = AUTHORITIES[number % AUTHORITIES.len()];
        let generation = number / AUTHORITIES.len() + 1;
        let signs_with = if noise.below(3) == 0 { SignsWith::P384 } else { SignsWith::Rsa2048 };
        let family = if signs_with == SignsWith::P384 { "ECC" } else { "RSA" };
        let mut name = Vec::new();
        nest(&mut name, tag::SEQUENCE, |out| {
            put_attribute(out, 6, tag::PRINTABLE_STRING, COUNTRIES[number % COUNTRIES.len()]);
            put_attribute(out, 10, tag::UTF8_STRING, authority);
            put_attribute(out, 3, tag::UTF8_STRING, &format!("{authority} TLS {family} CA G{generation}"));
        });
        let host: String = authority.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        // Authorities have begun to leave OCSP out
        let revocation = [Revocation::Ocsp, Revocation::Crl, Revocation::Crl][noise.below(3)];
        let file = format!("{}{generation}", family.to_ascii_lowercase());
        Issuer { name, extensions: extensions(&host, &file, revocation, &mut noise), signs_with }
    }

    pub(super) fn algorithm(&self) -> &'static [u8] {
        match self.signs_with {
            SignsWith::Rsa2048 => SHA256_WITH_RSA,
            SignsWith::P384 => ECDSA_WITH_SHA384,
        }
    }

    pub(super) fn put_signature(&self, out: &mut Vec<u8>, noise: &mut Noise) {
        match self.signs_with {
            SignsWith::Rsa2048 => {
                asn1::put_header(out, tag::BIT_STRING, 257);
                out.push(0);
                noise.fill(out, 256);
            }
            SignsWith::P384 => {
                // ECDSA-Sig-Value of two positive numbers of 48 octets
                out.extend_from_slice(&[tag::BIT_STRING, 103, 0, tag::SEQUENCE, 100]);
                for _ in 0..2 {
                    out.extend_from_slice(&[tag::INTEGER, 48, 0x41]);
                    noise.fill(out, 47);
                }
            }
        }
    }
}

fn extensions(host: &str, file: &str, revocation: Revocation, noise: &mut Noise) -> Vec<u8> {
    let mut out = vec![0x30, 31, 6, 3, 0x55, 0x1d, 35, 4, 24, 0x30, 22, 0x80, 20];
    noise.fill(&mut out, 20);
    let uri = |out: &mut Vec<u8>, uri: String| asn1::put(out, tag::context_primitive(6), uri.as_bytes());
    put_extension(&mut out, oid::AUTHORITY_INFO_ACCESS, |out| {
        nest(out, tag::SEQUENCE, |out| {
            if revocation == Revocation::Ocsp {
                nest(out, tag::SEQUENCE, |out| {
                    asn1::put(out, tag::OID, oid::AD_OCSP);
                    uri(out, format!("http://ocsp.{host}.example"));
                });
            }
            nest(out, tag::SEQUENCE, |out| {
                asn1::put(out, tag::OID, oid::AD_CA_ISSUERS);
                uri(out, format!("http://cacerts.{host}.example/{file}.crt"));
            });
        });
    });
    if revocation == Revocation::Crl {
        let mut name = Vec::new();
        uri(&mut name, format!("http://crl.{host}.example/{file}.crl"));
        let full_name = element(tag::context(0), &[&element(tag::context(0), &[&name])]);
        put_extension(&mut out, &[0x55, 0x1d, 31], |out| {
            nest(out, tag::SEQUENCE, |out| asn1::put(out, tag::SEQUENCE, &full_name));
        });
    }
    // 2.23.140.1.2.1 and .2: domain and organisation validated (CA/Browser Forum)
    let policy = element(tag::OID, &[&[0x67, 0x81, 0x0c, 1, 2, 1 + noise.below(2) as u8]]);
    put_extension(&mut out, &[0x55, 0x1d, 32], |out| {
        nest(out, tag::SEQUENCE, |out| asn1::put(out, tag::SEQUENCE, &policy));
    });
    out
}

/// Public keys that are valid points; making a new one for each certificate would take longer than all the rest.
pub(super) struct KeyPool {
    p256: Vec<Vec<u8>>,
    p384: Vec<Vec<u8>>,
}

impl KeyPool {
    pub(super) fn new() -> KeyPool {
        KeyPool { p256: pool(&ECDH_P256, oid::P256, 32, 1024), p384: pool(&ECDH_P384, oid::P384, 48, 256) }
    }

    /// Appends a SubjectPublicKeyInfo: half RSA with 2,048 bits, the others P-256 and some P-384.
    pub(super) fn put_spki(&self, out: &mut Vec<u8>, noise: &mut Noise) {
        match noise.below(10) {
            0..=4 => put_rsa(out, noise),
            5..=8 => out.extend_from_slice(&self.p256[noise.below(self.p256.len())]),
            _ => out.extend_from_slice(&self.p384[noise.below(self.p384.len())]),
        }
    }
}

fn put_rsa(out: &mut Vec<u8>, noise: &mut Noise) {
    out.extend_from_slice(&[0x30, 0x82, 0x01, 0x22, 0x30, 13, 6, 9]);
    out.extend_from_slice(oid::RSA);
    out.extend_from_slice(&[5, 0, 3, 0x82, 0x01, 0x0f, 0, 0x30, 0x82, 0x01, 0x0a, 2, 0x82, 0x01, 0x01, 0]);
    let start = out.len();
    noise.fill(out, 256);
    out[start] |= 0x80; // 2,048 bits
    out[start + 255] |= 1; // odd, as a product of odd primes is
    out.extend_from_slice(&[2, 3, 1, 0, 1]);
}

/// SubjectPublicKeyInfo elements of the keys 1, 2, … scrambled; a number that is no key is passed over.
fn pool(algorithm: &'static Algorithm, curve: &[u8], octets: usize, count: usize) -> Vec<Vec<u8>> {
    let identifier = element(tag::SEQUENCE, &[&element(tag::OID, &[oid::EC]), &element(tag::OID, &[curve])]);
    let key = |number: u64| {
        let mut secret = Vec::with_capacity(octets);
        Noise::new(0, number).fill(&mut secret, octets);
        let public = PrivateKey::from_private_key(algorithm, &secret).ok()?.compute_public_key().ok()?;
        Some(element(tag::SEQUENCE, &[&identifier, &element(tag::BIT_STRING, &[&[0], public.as_ref()])]))
    };
    (0..).filter_map(key).take(count).collect()
}
