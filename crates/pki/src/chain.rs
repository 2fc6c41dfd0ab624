//! Putting certificates in the order of issuance.

use crate::asn1::{Reader, tag};
use crate::certificate::Certificate;
use crate::signature::{SignatureError, verify_certificate};

/// Longer chains do not occur; RFC 5280 sets no limit.
const CHAIN_MAX: usize = 16;

/// Signatures checked for one step. More issuers of one name are a flood, not a PKI.
const CHECKS_MAX: usize = 32;

const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];

/// The chain from `leaf` upwards, as far as `candidates` allow: the leaf first, then each one's issuer, found by name,
/// preferred by key identifier, and confirmed by signature. An issuer whose signature is not verifiable here is taken if its
/// key identifier fits; one whose signature is invalid, never. Ends after a self-signed certificate, or where no issuer is
/// present. Among several that fit, the first of `candidates` is taken. Empty when the leaf is no certificate.
pub fn order_chain<'a, D: AsRef<[u8]>>(leaf: &'a [u8], candidates: &'a [D]) -> Vec<&'a [u8]> {
    let Ok(mut current) = Certificate::locate(leaf) else {
        return Vec::new();
    };
    let mut pool: Vec<Certificate<'a>> =
        candidates.iter().filter_map(|candidate| Certificate::locate(candidate.as_ref()).ok()).collect();
    let mut chain = vec![current.whole];
    while chain.len() < CHAIN_MAX && !is_self_signed(&current) {
        let Some(position) = find_issuer(&current, &pool, &chain) else {
            break;
        };
        current = pool.remove(position);
        chain.push(current.whole);
    }
    chain
}

fn is_self_signed(certificate: &Certificate<'_>) -> bool {
    certificate.issuer.whole == certificate.subject.whole
        && !matches!(verify_certificate(certificate, certificate), Err(SignatureError::Invalid))
}

fn find_issuer(certificate: &Certificate<'_>, pool: &[Certificate<'_>], chain: &[&[u8]]) -> Option<usize> {
    let wanted = authority_key_id(certificate);
    let fits = |candidate: &Certificate<'_>| match (wanted, subject_key_id(candidate)) {
        (Some(wanted), Some(id)) if wanted == id => Fit::KeyId,
        _ => Fit::Name,
    };
    let mut named: Vec<(Fit, usize)> = pool
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.subject.whole == certificate.issuer.whole && !chain.contains(&candidate.whole))
        .map(|(position, candidate)| (fits(candidate), position))
        .collect();
    named.sort_unstable();
    named.truncate(CHECKS_MAX);
    let mut unverified = None;
    for (fit, position) in named {
        match verify_certificate(certificate, &pool[position]) {
            Ok(()) => return Some(position),
            Err(SignatureError::NotVerifiable(_)) if fit == Fit::KeyId => unverified = unverified.or(Some(position)),
            Err(_) => {}
        }
    }
    unverified
}

/// How well a candidate fits before its signature is checked; the better one first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    KeyId,
    Name,
}

fn subject_key_id<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    let value = certificate.extension(SUBJECT_KEY_ID)?;
    Some(Reader::new(value).take(tag::OCTET_STRING)?.content)
}

fn authority_key_id<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    let value = certificate.extension(AUTHORITY_KEY_ID)?;
    Some(Reader::new(value).enter(tag::SEQUENCE)?.take(tag::context_primitive(0))?.content)
}
