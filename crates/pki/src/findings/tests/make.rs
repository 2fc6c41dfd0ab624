//! Certificates made by hand, octet by octet, for what no program would issue.

use crate::asn1::{element, tag};

/// A modulus of 2048 bits that OpenSSL made.
pub(super) const MODULUS_2048: &str = concat!(
    "8863ac2da82062c206f262e8d948c19c130bd2e7b542efbb9d86e4da69116d165cd2df4399bee4bdcb91166b7783fc8bee63",
    "d559346d8911fc0e0c25a44ba3e7689e699d501c1af2009de7f54dc2479ba8aad66c499476384da96372aa5403f03879aa10",
    "7c5c1f3d229a8d9238e885867b11c09226724f786e0ac868ef400ada2beedec6739230c3f46f38cb488630caa02f329f0008",
    "877f050bc60caf5b556423ab3e2c902df4dd6e60ce62d93e30018cdb972e061a3511278a76efc0a673cc6cc3cebb49ac7b62",
    "67b7c0d0a3dbe64ba216f9b268764303cc8a58d45eed4230e58b79b358bf056fa37048100b435976a8d63ec520a87f8c95a1",
    "762e307fbacf",
);

/// A modulus of 1024 bits that OpenSSL made.
pub(super) const MODULUS_1024: &str = concat!(
    "a8551bd37f39912c7a0c0c501c9939999519f9ee286f0cef950ddb0a5c1f798b751bddf507237ee44beb3d7f1f5a92081e6f",
    "0cebe4ccbe3e75d30dc8fd43e72d0464c8e230b6a19f34e6881a5afea51e0f59678305d83a1e20ec68bb4bbcfde4e6f605c5",
    "fffd8ba2b543bb898aa7a612e4343089e369cbc79b72532da86cddc7",
);

pub(super) fn unhex(digits: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// An object identifier from its dotted form.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut out = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let groups = (1..10).find(|n| arc >> (7 * n) == 0).unwrap();
        for n in (0..groups).rev() {
            out.push((arc >> (7 * n) & 0x7f) as u8 | if n > 0 { 0x80 } else { 0 });
        }
    }
    out
}

pub(super) fn oid_element(dotted: &str) -> Vec<u8> {
    element(tag::OID, &[&oid(dotted)])
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, parts)
}

/// An algorithm identifier with these parameters.
pub(super) fn algorithm(dotted: &str, parameters: &[u8]) -> Vec<u8> {
    sequence(&[&oid_element(dotted), parameters])
}

pub(super) const CN: &str = "2.5.4.3";
pub(super) const C: &str = "2.5.4.6";
pub(super) const L: &str = "2.5.4.7";
pub(super) const O: &str = "2.5.4.10";
pub(super) const OU: &str = "2.5.4.11";
pub(super) const EMAIL: &str = "1.2.840.113549.1.9.1";

pub(super) fn attribute(kind: &str, string: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid_element(kind), &element(string, &[value])])
}

/// The content of a name of UTF8Strings; countries are PrintableStrings.
pub(super) fn name(pairs: &[(&str, &str)]) -> Vec<u8> {
    let string = |kind: &str| match kind {
        C | "2.5.4.5" => tag::PRINTABLE_STRING,
        EMAIL => tag::IA5_STRING,
        _ => tag::UTF8_STRING,
    };
    let set = |(kind, value): &(&str, &str)| element(tag::SET, &[&attribute(kind, string(kind), value.as_bytes())]);
    pairs.iter().flat_map(set).collect()
}

/// The content of a name with one attribute of this string type.
pub(super) fn name_of(kind: &str, string: u8, value: &[u8]) -> Vec<u8> {
    element(tag::SET, &[&attribute(kind, string, value)])
}

pub(super) fn utc(text: &str) -> Vec<u8> {
    element(tag::UTC_TIME, &[text.as_bytes()])
}

pub(super) fn generalized(text: &str) -> Vec<u8> {
    element(tag::GENERALIZED_TIME, &[text.as_bytes()])
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], bytes])
}

pub(super) fn key(identifier: &[u8], bits: &[u8]) -> Vec<u8> {
    sequence(&[identifier, &bit_string(bits)])
}

pub(super) fn rsa_key_with(parameters: &[u8], modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let modulus = element(tag::INTEGER, &[&[0], modulus]);
    let bits = sequence(&[&modulus, &element(tag::INTEGER, &[exponent])]);
    key(&algorithm("1.2.840.113549.1.1.1", parameters), &bits)
}

pub(super) fn rsa_key(modulus: &[u8]) -> Vec<u8> {
    rsa_key_with(&[tag::NULL, 0], modulus, &[1, 0, 1])
}

/// The generator of P-256 (SP 800-186) as a public key.
pub(super) fn p256_point() -> Vec<u8> {
    unhex(concat!(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    ))
}

pub(super) fn ec_key(curve: &[u8], point: &[u8]) -> Vec<u8> {
    key(&algorithm("1.2.840.10045.2.1", curve), point)
}

pub(super) fn p256_key() -> Vec<u8> {
    ec_key(&oid_element("1.2.840.10045.3.1.7"), &p256_point())
}

/// One extension.
#[derive(Clone)]
pub(super) struct Extension {
    pub(super) oid: String,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// A certificate whose every part can be anything.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) version: Option<u8>,
    pub(super) serial: Vec<u8>,
    pub(super) inner: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) not_before: Vec<u8>,
    pub(super) not_after: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) before_extensions: Vec<u8>,
    pub(super) extensions: Option<Vec<Extension>>,
    pub(super) outer: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Made {
    /// With one part changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Made)) -> Made {
        let mut made = self.clone();
        change(&mut made);
        made
    }

    /// With an extension, in the place of one of the same identifier if there is one.
    pub(super) fn ext(&self, oid: &str, critical: bool, value: Vec<u8>) -> Made {
        self.with(|made| {
            let all = made.extensions.get_or_insert_default();
            let new = Extension { oid: oid.to_owned(), critical, value };
            match all.iter_mut().find(|extension| extension.oid == oid) {
                Some(old) => *old = new,
                None => all.push(new),
            }
        })
    }

    /// Without an extension.
    pub(super) fn without(&self, oid: &str) -> Made {
        self.with(|made| made.extensions.iter_mut().for_each(|all| all.retain(|extension| extension.oid != oid)))
    }

    /// With another criticality of an extension that is there.
    pub(super) fn critical(&self, oid: &str, critical: bool) -> Made {
        self.with(|made| {
            let all = made.extensions.as_mut().unwrap();
            all.iter_mut().find(|extension| extension.oid == oid).unwrap().critical = critical;
        })
    }

    pub(super) fn subject(&self, content: Vec<u8>) -> Made {
        self.with(|made| made.subject = content)
    }

    pub(super) fn key(&self, key: Vec<u8>) -> Made {
        self.with(|made| made.key = key)
    }

    pub(super) fn life(&self, from: &str, until: &str) -> Made {
        self.with(|made| (made.not_before, made.not_after) = (utc(from), utc(until)))
    }

    /// Both identifiers of the signature algorithm.
    pub(super) fn signed_with(&self, identifier: Vec<u8>) -> Made {
        self.with(|made| (made.inner, made.outer) = (identifier.clone(), identifier))
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let version = self.version.map(|version| element(tag::context(0), &[&element(tag::INTEGER, &[&[version - 1]])]));
        let extensions = self.extensions.as_ref().map(|all| {
            let each = |extension: &Extension| {
                let critical: &[u8] = if extension.critical { &[1, 1, 0xff] } else { &[] };
                sequence(&[&oid_element(&extension.oid), critical, &element(tag::OCTET_STRING, &[&extension.value])])
            };
            let list: Vec<u8> = all.iter().flat_map(each).collect();
            element(tag::context(3), &[&sequence(&[&list])])
        });
        let tbs = sequence(&[
            version.as_deref().unwrap_or_default(),
            &element(tag::INTEGER, &[&self.serial]),
            &self.inner,
            &sequence(&[&self.issuer]),
            &sequence(&[&self.not_before, &self.not_after]),
            &sequence(&[&self.subject]),
            &self.key,
            &self.before_extensions,
            extensions.as_deref().unwrap_or_default(),
        ]);
        sequence(&[&tbs, &self.outer, &bit_string(&self.signature)])
    }
}

pub(super) const SKI: &str = "2.5.29.14";
pub(super) const KU: &str = "2.5.29.15";
pub(super) const SAN: &str = "2.5.29.17";
pub(super) const BASIC: &str = "2.5.29.19";
pub(super) const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub(super) const CRL_POINTS: &str = "2.5.29.31";
pub(super) const POLICIES: &str = "2.5.29.32";
pub(super) const AKI: &str = "2.5.29.35";
pub(super) const EKU: &str = "2.5.29.37";
pub(super) const AIA: &str = "1.3.6.1.5.5.7.1.1";
pub(super) const SCTS: &str = "1.3.6.1.4.1.11129.2.4.2";
pub(super) const POISON: &str = "1.3.6.1.4.1.11129.2.4.3";

pub(super) const SERVER: &str = "1.3.6.1.5.5.7.3.1";
pub(super) const CLIENT: &str = "1.3.6.1.5.5.7.3.2";

/// A key usage with these bits.
pub(super) fn bits(set: &[usize]) -> Vec<u8> {
    let Some(last) = set.iter().max() else { return vec![tag::BIT_STRING, 1, 0] };
    let mut bytes = vec![0u8; last / 8 + 1];
    set.iter().for_each(|bit| bytes[bit / 8] |= 0x80 >> (bit % 8));
    element(tag::BIT_STRING, &[&[7 - (last % 8) as u8], &bytes])
}

/// A SEQUENCE of object identifiers.
pub(super) fn oids(all: &[&str]) -> Vec<u8> {
    sequence(&all.iter().map(|dotted| oid_element(dotted)).collect::<Vec<_>>().iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Certificate policies without qualifiers.
pub(super) fn policies(all: &[&str]) -> Vec<u8> {
    let each: Vec<u8> = all.iter().flat_map(|policy| sequence(&[&oid_element(policy)])).collect();
    sequence(&[&each])
}

/// General names by their identifier octets.
pub(super) fn names(all: &[(u8, &[u8])]) -> Vec<u8> {
    let each: Vec<u8> = all.iter().flat_map(|(tag, content)| element(*tag, &[content])).collect();
    sequence(&[&each])
}

pub(super) fn dns(all: &[&str]) -> Vec<u8> {
    names(&all.iter().map(|name| (0x82, name.as_bytes())).collect::<Vec<_>>())
}

/// Authority information access: method and URI.
pub(super) fn access(all: &[(&str, &str)]) -> Vec<u8> {
    let each: Vec<u8> =
        all.iter().flat_map(|(method, uri)| sequence(&[&oid_element(method), &element(0x86, &[uri.as_bytes()])])).collect();
    sequence(&[&each])
}

/// One CRL distribution point with this URI.
pub(super) fn crl(uri: &str) -> Vec<u8> {
    let full_name = element(0xa0, &[&element(0x86, &[uri.as_bytes()])]);
    sequence(&[&sequence(&[&element(0xa0, &[&full_name])])])
}

/// A list of this many signed certificate timestamps of 47 octets.
pub(super) fn timestamps(count: usize) -> Vec<u8> {
    // version, log, time, extensions, then an ECDSA signature over SHA-256 of no content
    let mut one = vec![0; 43];
    one.extend([4, 3, 0, 0]);
    let list: Vec<u8> = (0..count).flat_map(|_| [&[0, one.len() as u8][..], &one].concat()).collect();
    element(tag::OCTET_STRING, &[&(list.len() as u16).to_be_bytes(), &list])
}

fn key_id(first: u8) -> Vec<u8> {
    vec![first; 20]
}

fn authority(id: u8) -> Vec<u8> {
    sequence(&[&element(0x80, &[&key_id(id)])])
}

/// What a private authority issues to a server today: nothing to find.
pub(super) fn private() -> Made {
    Made {
        version: Some(3),
        serial: unhex("4c1f0a8e62d94b7781aa03c5e9f6b210"),
        inner: algorithm("1.2.840.10045.4.3.2", &[]),
        issuer: name(&[(C, "DE"), (O, "Example"), (CN, "Example Issuing 1")]),
        not_before: utc("260601000000Z"),
        not_after: utc("260829235959Z"),
        subject: name(&[(C, "DE"), (L, "Berlin"), (O, "Example"), (CN, "www.example.com")]),
        key: p256_key(),
        before_extensions: Vec::new(),
        extensions: None,
        outer: algorithm("1.2.840.10045.4.3.2", &[]),
        signature: sequence(&[&element(tag::INTEGER, &[&[1; 31]]), &element(tag::INTEGER, &[&[2; 31]])]),
    }
    .ext(AKI, false, authority(0xa1))
    .ext(KU, true, bits(&[0]))
    .ext(EKU, false, oids(&[SERVER]))
    .ext(SAN, false, dns(&["www.example.com", "example.com"]))
    .ext(CRL_POINTS, false, crl("http://crl.example.com/1.crl"))
}

/// What a public authority issues to an organization's server today: nothing to find.
pub(super) fn public() -> Made {
    private()
        .ext(AIA, false, access(&[("1.3.6.1.5.5.7.48.2", "http://ca.example.com/1.cer")]))
        .ext(POLICIES, false, policies(&["2.23.140.1.2.2"]))
        .ext(SCTS, false, timestamps(2))
}

/// The certificate of an issuing authority: nothing to find.
pub(super) fn issuing() -> Made {
    private()
        .without(EKU)
        .without(SAN)
        .subject(name(&[(C, "DE"), (O, "Example"), (CN, "Example Issuing 1")]))
        .with(|made| made.issuer = name(&[(C, "DE"), (O, "Example"), (CN, "Example Root")]))
        .life("260101000000Z", "301231235959Z")
        .ext(KU, true, bits(&[5, 6]))
        .ext(BASIC, true, sequence(&[&[1, 1, 0xff]]))
        .ext(SKI, false, element(tag::OCTET_STRING, &[&key_id(0xa1)]))
}

/// The certificate of a root: nothing to find.
pub(super) fn root() -> Made {
    issuing()
        .subject(name(&[(C, "DE"), (O, "Example"), (CN, "Example Root")]))
        .ext(AKI, false, authority(0xb2))
        .ext(SKI, false, element(tag::OCTET_STRING, &[&key_id(0xb2)]))
        .without(CRL_POINTS)
        .life("260101000000Z", "351231235959Z")
}
