//! Realistic certificates in any number, for benchmarks and demonstration data.
//!
//! A sample is a pure function of seed, number and epoch: the same on every machine and in every run. It has the parts
//! and the size of what public authorities issue for TLS servers, under names reserved by RFC 2606, but **nobody
//! signed it**: the signature is noise, and so is an RSA modulus. Elliptic curve keys are real points out of a fixed
//! pool, so that some certificates share a key, as they do where renewals keep it.

mod issuer;
mod noise;
mod words;

use crate::asn1::{self, tag};
use crate::time;
use issuer::{Issuer, KeyPool};
use noise::Noise;
use words::{CITIES, COUNTRIES, FIRST, HOSTS, LEGAL, SECOND, TOP};

/// How many issuers the samples come from.
pub const ISSUERS: usize = 200;

/// 2026-07-01 00:00:00 UTC, the epoch unless [`Generator::around`] says otherwise.
const EPOCH_MS: i64 = 1_782_864_000_000;

const DAY_MS: i64 = 86_400_000;

/// Makes sample certificates.
pub struct Generator {
    seed: u64,
    epoch_ms: i64,
    issuers: Vec<Issuer>,
    keys: KeyPool,
}

impl Generator {
    /// A generator whose certificates have their validity spread around 1 July 2026. Computing the pool of elliptic
    /// curve keys takes some tenths of a second.
    pub fn new(seed: u64) -> Generator {
        let issuers = (0..ISSUERS).map(|number| Issuer::new(seed, number)).collect();
        Generator { seed, epoch_ms: EPOCH_MS, issuers, keys: KeyPool::new() }
    }

    /// The same with the validity spread around `epoch_ms` (unix milliseconds): most certificates are valid then, about
    /// one in twelve has ended, and the rest of the others ends evenly spread over their lifetimes.
    #[must_use]
    pub fn around(self, epoch_ms: i64) -> Generator {
        Generator { epoch_ms, ..self }
    }

    /// Certificate number `n` in DER, 900 to 1,600 bytes. Different numbers give different certificates.
    pub fn certificate(&self, n: u64) -> Vec<u8> {
        let mut noise = Noise::new(self.seed, n);
        // Some issuers are used far more than others: the smaller of two draws is taken.
        let draw = noise.below(ISSUERS).min(noise.below(ISSUERS));
        let issuer = &self.issuers[draw];
        let mut out = Vec::with_capacity(1664);
        nest(&mut out, tag::SEQUENCE, |out| {
            nest(out, tag::SEQUENCE, |out| self.to_be_signed(out, n, issuer, &mut noise));
            out.extend_from_slice(issuer.algorithm());
            issuer.put_signature(out, &mut noise);
        });
        out
    }

    /// The certificates from number 0 on, without end.
    pub fn certificates(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..).map(|n| self.certificate(n))
    }

    fn to_be_signed(&self, out: &mut Vec<u8>, n: u64, issuer: &Issuer, noise: &mut Noise) {
        let owner = Owner::draw(noise);
        out.extend_from_slice(&[tag::context(0), 3, tag::INTEGER, 1, 2]);
        self.put_serial(out, n, noise);
        out.extend_from_slice(issuer.algorithm());
        out.extend_from_slice(&issuer.name);
        self.put_validity(out, noise);
        let names = owner.host_names(noise);
        put_subject(out, &owner, &names[0]);
        self.keys.put_spki(out, noise);
        nest(out, tag::context(3), |out| {
            nest(out, tag::SEQUENCE, |out| put_extensions(out, issuer, &names, noise));
        });
    }

    /// Sixteen octets: eight that no other number of this seed has, eight of noise.
    fn put_serial(&self, out: &mut Vec<u8>, n: u64, noise: &mut Noise) {
        let mut serial = [0; 16];
        serial[..8].copy_from_slice(&noise.next().to_be_bytes());
        serial[0] = serial[0] & 0x3f | 0x40;
        serial[8..].copy_from_slice(&noise::scramble(n ^ noise::scramble(self.seed)).to_be_bytes());
        asn1::put(out, tag::INTEGER, &serial);
    }

    fn put_validity(&self, out: &mut Vec<u8>, noise: &mut Noise) {
        let lifetime_days = [90, 90, 90, 90, 47, 199, 199, 365, 398, 730][noise.below(10)];
        let lifetime_ms = lifetime_days * DAY_MS;
        // The age at the epoch goes from nothing to a twelfth beyond the lifetime.
        let age_ms = (lifetime_ms / 11 * 12 / 1000 * noise.below(1001) as i64) + noise.below(86_400_000) as i64;
        let not_before_ms = self.epoch_ms - age_ms;
        nest(out, tag::SEQUENCE, |out| {
            time::put(out, not_before_ms);
            time::put(out, not_before_ms + lifetime_ms - 1000);
        });
    }
}

/// Who a certificate is for.
struct Owner {
    first: &'static str,
    second: &'static str,
    top: &'static str,
    place: usize,
    legal: &'static str,
    named: bool,
}

impl Owner {
    fn draw(noise: &mut Noise) -> Owner {
        Owner {
            first: noise.pick(FIRST),
            second: noise.pick(SECOND),
            top: noise.pick(TOP),
            place: noise.below(CITIES.len()),
            legal: noise.pick(LEGAL),
            named: noise.below(5) < 2,
        }
    }

    /// One to six names, most often one or two; the first one is the common name.
    fn host_names(&self, noise: &mut Noise) -> Vec<String> {
        let count = [1, 1, 2, 2, 2, 2, 3, 3, 4, 6][noise.below(10)];
        // The names of an organisation take the room of two host names.
        let count = if self.named { count.min(4) } else { count };
        let mut names: Vec<String> = Vec::with_capacity(count);
        while names.len() < count {
            let name = self.host_name(noise);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn host_name(&self, noise: &mut Noise) -> String {
        let mut name = String::with_capacity(64);
        match noise.below(16) {
            0 => name.push_str("*."),
            1 | 2 => {}
            3..=6 => {
                name.push_str(noise.pick(HOSTS));
                push_number(&mut name, noise.below(400));
                name.push('.');
            }
            _ => {
                name.push_str(noise.pick(HOSTS));
                name.push('.');
            }
        }
        name.push_str(self.first);
        name.push('-');
        name.push_str(self.second);
        name.push('.');
        name.push_str(self.top);
        name
    }

    fn organization(&self) -> String {
        let mut name = String::with_capacity(48);
        for word in [self.first, self.second] {
            let mut letters = word.chars();
            name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
            name.push_str(letters.as_str());
            name.push(' ');
        }
        name.push_str(self.legal);
        name
    }
}

fn push_number(text: &mut String, number: usize) {
    for divisor in [100, 10, 1] {
        if number >= divisor || divisor == 1 {
            text.push(char::from(b'0' + (number / divisor % 10) as u8));
        }
    }
}

fn put_subject(out: &mut Vec<u8>, owner: &Owner, common_name: &str) {
    nest(out, tag::SEQUENCE, |out| {
        if owner.named {
            put_attribute(out, 6, tag::PRINTABLE_STRING, COUNTRIES[owner.place]);
            put_attribute(out, 7, tag::UTF8_STRING, CITIES[owner.place]);
            put_attribute(out, 10, tag::UTF8_STRING, &owner.organization());
        }
        put_attribute(out, 3, tag::UTF8_STRING, common_name);
    });
}

/// One relative name of the arc 2.5.4.
fn put_attribute(out: &mut Vec<u8>, kind: u8, string_tag: u8, value: &str) {
    nest(out, tag::SET, |out| {
        nest(out, tag::SEQUENCE, |out| {
            asn1::put(out, tag::OID, &[0x55, 0x04, kind]);
            asn1::put(out, string_tag, value.as_bytes());
        });
    });
}

fn put_extensions(out: &mut Vec<u8>, issuer: &Issuer, names: &[String], noise: &mut Noise) {
    // Key usage digitalSignature and, for RSA's old key transport, keyEncipherment; critical
    out.extend_from_slice(&[0x30, 14, 6, 3, 0x55, 0x1d, 15, 1, 1, 0xff, 4, 4, 3, 2, 5, 0xa0]);
    put_extended_key_usage(out, noise);
    out.extend_from_slice(&[0x30, 12, 6, 3, 0x55, 0x1d, 19, 1, 1, 0xff, 4, 2, 0x30, 0]); // no authority; critical
    out.extend_from_slice(&[0x30, 29, 6, 3, 0x55, 0x1d, 14, 4, 22, 4, 20]); // subject key identifier
    noise.fill(out, 20);
    out.extend_from_slice(&issuer.extensions);
    put_extension(out, &[0x55, 0x1d, 17], |out| {
        nest(out, tag::SEQUENCE, |out| {
            for name in names {
                asn1::put(out, tag::context_primitive(2), name.as_bytes());
            }
            if noise.below(32) == 0 {
                // An address of the documentation block 192.0.2.0/24 (RFC 5737) besides the host names
                asn1::put(out, tag::context_primitive(7), &[192, 0, 2, noise.next() as u8]);
            }
        });
    });
    put_timestamps(out, noise);
}

fn put_extended_key_usage(out: &mut Vec<u8>, noise: &mut Noise) {
    let both = noise.below(2) == 0;
    put_extension(out, &[0x55, 0x1d, 37], |out| {
        nest(out, tag::SEQUENCE, |out| {
            asn1::put(out, tag::OID, &[0x2b, 6, 1, 5, 5, 7, 3, 1]);
            if both {
                asn1::put(out, tag::OID, &[0x2b, 6, 1, 5, 5, 7, 3, 2]);
            }
        });
    });
}

/// A list of signed certificate timestamps (RFC 6962 section 3.3) in form; the signatures are noise.
fn put_timestamps(out: &mut Vec<u8>, noise: &mut Noise) {
    const COUNT: usize = 2;
    const SCT: usize = 1 + 32 + 8 + 2 + 2 + 2 + 71;
    put_extension(out, &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2], |out| {
        let length = COUNT * (SCT + 2);
        asn1::put_header(out, tag::OCTET_STRING, length + 2);
        out.extend_from_slice(&(length as u16).to_be_bytes());
        for _ in 0..COUNT {
            out.extend_from_slice(&(SCT as u16).to_be_bytes());
            out.push(0); // version 1
            noise.fill(out, 32); // log
            out.extend_from_slice(&[0, 0, 1, 0x9e]); // the upper half of a time in 2026
            noise.fill(out, 4);
            out.extend_from_slice(&[0, 0, 4, 3, 0, 71]); // no extensions; ECDSA with SHA-256
            out.extend_from_slice(&[0x30, 69, 2, 33, 0]);
            noise.fill(out, 32);
            out.extend_from_slice(&[2, 32]);
            noise.fill(out, 32);
        }
    });
}

/// One extension that is not critical.
fn put_extension(out: &mut Vec<u8>, oid: &[u8], value: impl FnOnce(&mut Vec<u8>)) {
    nest(out, tag::SEQUENCE, |out| {
        asn1::put(out, tag::OID, oid);
        nest(out, tag::OCTET_STRING, value);
    });
}

/// An element whose content is written by `content`; its header is put before it afterwards.
fn nest(out: &mut Vec<u8>, tag: u8, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    content(out);
    let length = out.len() - start;
    let mut header = [tag, length as u8, 0, 0];
    let octets = match length {
        0..=0x7f => 2,
        0x80..=0xff => {
            header = [tag, 0x81, length as u8, 0];
            3
        }
        _ => {
            header = [tag, 0x82, (length >> 8) as u8, length as u8];
            4
        }
    };
    out.extend_from_slice(&header[..octets]);
    out[start..].rotate_right(octets);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use x509_parser::prelude::{FromDer, X509Certificate};

    #[test]
    fn samples_are_certificates_of_realistic_size() {
        let generator = Generator::new(7);
        let mut distinct = HashSet::new();
        let mut issuers = HashSet::new();
        let (mut smallest, mut largest) = (usize::MAX, 0);
        for der in generator.certificates().take(20_000) {
            let (rest, certificate) = X509Certificate::from_der(&der).unwrap();
            assert!(rest.is_empty());
            assert!(certificate.subject_alternative_name().unwrap().is_some());
            assert!(certificate.validity.not_before < certificate.validity.not_after);
            issuers.insert(certificate.issuer().to_string());
            (smallest, largest) = (smallest.min(der.len()), largest.max(der.len()));
            let facts = crate::Facts::of(&der).unwrap();
            assert_eq!(facts.oddities, Vec::<String>::new());
            assert!((1..=7).contains(&facts.names.len()));
            assert!(distinct.insert(facts.sha256));
        }
        assert!(smallest >= 900 && largest <= 1600, "{smallest}..={largest}");
        assert!(issuers.len() > 190, "{}", issuers.len());
    }

    #[test]
    fn a_sample_is_a_function_of_seed_number_and_epoch() {
        let (one, same, other) = (Generator::new(1), Generator::new(1), Generator::new(2));
        for n in [0, 1, 999, u64::MAX] {
            assert_eq!(one.certificate(n), same.certificate(n));
            assert_ne!(one.certificate(n), other.certificate(n));
        }
        assert_ne!(one.certificate(0), one.certificate(1));
        // 2060-01-01: times move with the epoch and become GeneralizedTime where RFC 5280 says so
        let epoch_ms = 2_840_140_800_000;
        let later = Generator::new(1).around(epoch_ms);
        let ended = (0..2_000).filter(|n| crate::Facts::of(&later.certificate(*n)).unwrap().not_after < epoch_ms).count();
        assert!((80..320).contains(&ended), "{ended} of 2,000 have ended");
    }

    /// Run in a release build: `cargo test --release -p certhold-pki -- --ignored --nocapture rates`.
    #[test]
    #[ignore = "a measurement, meaningful only in a release build"]
    fn rates() {
        use std::hint::black_box;
        use std::time::Instant;
        const COUNT: u64 = 100_000;
        let per_second = |started: Instant, count: u64| count as f64 / started.elapsed().as_secs_f64();
        let generator = Generator::new(1);
        let started = Instant::now();
        for n in 0..COUNT {
            black_box(generator.certificate(n));
        }
        let generating = per_second(started, COUNT);
        let samples: Vec<Vec<u8>> = (0..20_000).map(|n| generator.certificate(n)).collect();
        let best = |work: &dyn Fn(&[u8])| {
            let round = || {
                let started = Instant::now();
                samples.iter().for_each(|der| work(der));
                per_second(started, samples.len() as u64)
            };
            (0..5).map(|_| round()).fold(0.0, f64::max)
        };
        let facts = best(&|der| drop(black_box(crate::Facts::of(der))));
        let bare = best(&|der| drop(black_box(X509Certificate::from_der(der))));
        let text = crate::pem::encode_chain(&samples);
        let started = Instant::now();
        assert_eq!(crate::read(text.as_bytes(), None).map_or(0, |bundle| bundle.certificates.len()), samples.len());
        println!("certificates read from PEM/s: {:.0}", per_second(started, samples.len() as u64));
        println!("sample certificates/s: {generating:.0}");
        println!("Facts::of/s: {facts:.0}; x509-parser alone: {bare:.0}; ratio {:.2}", facts / bare);
        assert!(generating >= 200_000.0 && facts >= 80_000.0 && facts / bare >= 0.6);
    }
}
