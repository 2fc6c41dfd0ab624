//! Public certificates for TLS servers that break the rules for these.

use super::Case;
use super::make::*;
use crate::asn1::element;

const DV: &str = "2.23.140.1.2.1";
const OV: &str = "2.23.140.1.2.2";
const EV: &str = "2.23.140.1.1";

/// A life of so many days from this day on, the last second included; the end is counted by hand.
fn limits(made: &Made) -> Vec<Case> {
    let id = "tls-lifetime-too-long";
    [
        // 398 days from 2020-09-01 end with 2021-10-03
        (("200901000000Z", "211004000000Z"), ("200901000000Z", "211003235959Z")),
        // the day before, 825 days were allowed; they end with 2022-12-03
        (("200831000000Z", "221204000000Z"), ("200831000000Z", "221203235959Z")),
        // 398 days were allowed until 2026-03-14; they end with 2027-04-15
        (("260314000000Z", "270416000000Z"), ("260314000000Z", "270415235959Z")),
        // 200 days from 2026-03-15 end with 2026-09-30
        (("260315000000Z", "261001000000Z"), ("260315000000Z", "260930235959Z")),
        // 100 days from 2027-03-15 end with 2027-06-22
        (("270315000000Z", "270623000000Z"), ("270315000000Z", "270622235959Z")),
        // 47 days from 2029-03-15 end with 2029-04-30
        (("290315000000Z", "290501000000Z"), ("290315000000Z", "290430235959Z")),
    ]
    .into_iter()
    .map(|(wrong, right)| (id, made.life(wrong.0, wrong.1), made.life(right.0, right.1)))
    .collect()
}

pub(super) fn technical() -> Vec<Case> {
    let (base, private) = (public(), private());
    let eku = |all: &[&str]| base.ext(EKU, false, oids(all));
    let ku = |made: &Made, set: &[usize]| made.ext(KU, true, bits(set));
    let rsa = base.key(rsa_key(&unhex(MODULUS_2048)));
    let later = |made: &Made| made.life("270401000000Z", "270501000000Z");
    let sign = |dotted: &str| base.signed_with(algorithm(dotted, &[]));
    let edwards = key(&algorithm("1.3.101.112", &[]), &[9; 32]);
    let bare = base.without(CRL_POINTS);
    let id = element(0x80, &[&[1; 20]]);
    let whole = sequence(&[&id, &element(0xa1, &[&element(0xa4, &[&sequence(&[])])]), &element(0x82, &[&[1]])]);
    let policy = |all: &[&str]| base.ext(POLICIES, false, policies(all));
    let caissuers = "1.3.6.1.5.5.7.48.2";
    let half_year = |made: &Made| made.life("260601000000Z", "261128235959Z");
    let mut all = limits(&base);
    all.push((
        "tls-lifetime-too-long",
        base.life("260401000000Z", "270401000000Z"),
        private.life("260401000000Z", "270401000000Z"),
    ));
    all.extend([
        ("tls-client-auth", later(&eku(&[SERVER, CLIENT])), eku(&[SERVER, CLIENT])),
        ("tls-client-auth", later(&eku(&[SERVER, CLIENT])), later(&private.ext(EKU, false, oids(&[SERVER, CLIENT])))),
        ("tls-client-auth-ends", eku(&[SERVER, CLIENT]), private.ext(EKU, false, oids(&[SERVER, CLIENT]))),
        ("tls-client-auth-ends", eku(&[SERVER, CLIENT]), later(&eku(&[SERVER, CLIENT]))),
        ("tls-foreign-purpose", eku(&[SERVER, "1.3.6.1.5.5.7.3.4"]), eku(&[SERVER])),
        ("tls-foreign-purpose", eku(&[SERVER, "2.5.29.37.0"]), private.ext(EKU, false, oids(&[SERVER, "2.5.29.37.0"]))),
        ("tls-purpose-critical", base.critical(EKU, true), private.critical(EKU, true)),
        ("tls-basic-constraints-not-critical", base.ext(BASIC, false, sequence(&[])), base.ext(BASIC, true, sequence(&[]))),
        ("tls-key-usage-forbidden", ku(&base, &[0, 1]), ku(&private, &[0, 1])),
        ("tls-key-usage-forbidden", ku(&rsa, &[0, 4]), ku(&rsa, &[0, 2])),
        ("tls-key-usage-discouraged", ku(&rsa, &[0, 3]), ku(&rsa, &[0, 2])),
        ("tls-key-usage-discouraged", ku(&base, &[0, 4]), ku(&base, &[0])),
        ("tls-key-usage-missing-signature", ku(&base, &[4]), ku(&rsa, &[2])),
        ("tls-key-algorithm", base.key(edwards.clone()), private.key(edwards)),
        ("tls-signature-algorithm", sign("1.3.101.112"), sign("1.2.840.10045.4.3.3")),
        ("tls-revocation-missing", bare.clone(), base.clone()),
        ("tls-revocation-missing", bare.life("260601000000Z", "260608000000Z"), bare.life("260601000000Z", "260607235959Z")),
        ("tls-revocation-missing", bare.life("250601000000Z", "250611000000Z"), bare.life("250601000000Z", "250610235959Z")),
        ("tls-authority-info-missing", base.without(AIA), private.clone()),
        ("tls-authority-info-not-http", base.ext(AIA, false, access(&[(caissuers, "ldap://ca.example.com/")])), base.clone()),
        (
            "tls-crl-not-http",
            base.ext(CRL_POINTS, false, crl("ldap://crl.example.com/")),
            private.ext(CRL_POINTS, false, crl("ldap://crl.example.com/")),
        ),
        ("tls-authority-key-id-fields", base.ext(AKI, false, whole.clone()), private.ext(AKI, false, whole)),
        ("tls-policy-missing", base.without(POLICIES), policy(&[DV])),
        ("tls-policy-contradictory", policy(&[OV, DV]), policy(&[OV, "1.2.3"])),
        ("tls-policy-any", policy(&[OV, "2.5.29.32.0"]), policy(&[OV])),
        ("tls-transparency-missing", base.without(SCTS), base.without(SCTS).ext(POISON, true, vec![5, 0])),
        ("tls-transparency-too-few", base.ext(SCTS, false, timestamps(1)), base.clone()),
        ("tls-transparency-too-few", half_year(&base), half_year(&base.ext(SCTS, false, timestamps(3)))),
    ]);
    all
}

pub(super) fn subject() -> Vec<Case> {
    let (base, private) = (public(), private());
    let with = |all: &[&str]| base.subject(Vec::new()).ext(SAN, true, dns(all));
    let ip = |octets: &[u8]| base.ext(SAN, false, names(&[(0x87, octets)]));
    let v3 = "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion"; // the Tor project's example for RFC 7686
    let subject = |all: &[(&str, &str)]| base.subject(name(all));
    let (street, jurisdiction, category, number) = ("2.5.4.9", "1.3.6.1.4.1.311.60.2.1.3", "2.5.4.15", "2.5.4.5");
    let full =
        [(jurisdiction, "DE"), (category, "Private Organization"), (number, "HRB 1"), (C, "DE"), (L, "Berlin"), (O, "Example")];
    let dv = base.ext(POLICIES, false, policies(&[DV]));
    let ev = base.ext(POLICIES, false, policies(&[EV])).subject(name(&full));
    let wild = dns(&["*.example.com", "www.example.com"]);
    let unit = [(C, "DE"), (L, "Berlin"), (O, "Example"), (OU, "IT")];
    let place = [(C, "DE"), (L, "Berlin"), (O, "Example")];
    let pair = element(0x31, &[&attribute(L, 12, b"Berlin"), &attribute(O, 12, b"Example")]);
    let one_set = base.subject([name(&[(C, "DE")]), pair].concat());
    vec![
        ("tls-internal-name", with(&["server.local"]), private.ext(SAN, false, dns(&["server.local"]))),
        ("tls-internal-name", with(&["server"]), with(&["server.example.com"])),
        ("tls-reserved-address", ip(&[10, 0, 0, 1]), ip(&[8, 8, 8, 8])),
        ("tls-reserved-address", ip(&[100, 64, 0, 1]), ip(&[100, 128, 0, 1])),
        ("tls-reserved-address", ip(&[0xfd; 16]), ip(&[0x26, 6, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11])),
        ("tls-reserved-address", ip(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), base.clone()),
        ("tls-reverse-zone", with(&["4.4.8.8.in-addr.arpa"]), with(&["in-addr.example.com"])),
        ("tls-onion-version", with(&["expyuzz4wqqyqhjn.onion"]), with(&[v3])),
        ("tls-reserved-label", with(&["ab--cd.example.com"]), with(&["xn--bcher-kva.example.com", "abc--d.example.com"])),
        ("tls-alt-name-kind", base.ext(SAN, false, names(&[(0x81, b"a@example.com")])), base.clone()),
        ("tls-common-name-source", subject(&[(CN, "Example")]), subject(&[(CN, "example.com")])),
        ("tls-common-name-source", subject(&[(CN, "WWW.EXAMPLE.COM")]), base.clone()),
        ("tls-organizational-unit", subject(&unit), subject(&place)),
        ("tls-organizational-unit", subject(&unit), subject(&unit).life("220831000000Z", "230101000000Z")),
        ("tls-domain-validated-identity", dv.clone(), dv.subject(name(&[(C, "DE"), (CN, "www.example.com")]))),
        ("tls-organization-incomplete", subject(&[(C, "DE"), (L, "Berlin")]), subject(&place)),
        ("tls-organization-incomplete", subject(&[(C, "DE"), (O, "Example")]), subject(&place)),
        ("tls-extended-incomplete", ev.subject(name(&place)), ev.clone()),
        ("tls-extended-wildcard", ev.ext(SAN, false, wild.clone()), base.ext(SAN, false, wild)),
        (
            "tls-attribute-repeated",
            subject(&[(C, "DE"), (L, "Berlin"), (O, "A"), (O, "B")]),
            subject(&[(C, "DE"), (L, "Berlin"), (street, "A"), (street, "B"), (O, "A")]),
        ),
        ("tls-attribute-order", subject(&[(O, "Example"), (L, "Berlin"), (C, "DE")]), subject(&place)),
        ("tls-relative-name-with-several", one_set, subject(&place)),
    ]
}
