//! A second opinion: pkilint, where it has the same rule.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{all_cases, ids, make};
use crate::certificate::Certificate;
use crate::findings::input::Input;

/// The interpreter that has pkilint, made by `cargo xtask test`.
fn python() -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/pkilint/bin/python"));
    let strict = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(path.exists() || !strict, "there is no {}: cargo xtask test makes it", path.display());
    path.exists().then_some(path)
}

/// The codes of what pkilint finds in each certificate.
fn judged(python: PathBuf, certificates: &[Vec<u8>]) -> Vec<BTreeSet<String>> {
    let mut command = Command::new(python);
    command.args(["-c", include_str!("judge.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines: String = certificates.iter().map(|der| crate::text::hex(der) + "\n").collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<BTreeSet<String>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), certificates.len());
    found
}

/// Our rules and the codes of pkilint that say the same: on each certificate, one of ours speaks if and only if one of these does.
type Pair = (&'static [&'static str], &'static [&'static str]);

/// Rules for every certificate.
const FOR_ALL: &[Pair] = &[
    (&["version-unknown", "version-too-low-for-extensions", "version-outdated"], &["pkix.certificate_version_is_not_v3"]),
    (&["serial-negative", "serial-zero", "serial-too-long"], &["pkix.certificate_serial_number_out_of_range"]),
    (&["validity-reversed"], &["pkix.certificate_negative_validity_period"]),
    (&["validity-form", "validity-unreadable"], &["pkix.utctime_incorrect_syntax"]),
    (&["validity-time-type"], &["pkix.wrong_time_useful_type"]),
    (&["signature-algorithm-mismatch"], &["pkix.certificate_signature_algorithm_mismatch"]),
    (&["unique-identifiers"], &["pkix.issuer_unique_id_present"]),
    (&["issuer-empty"], &["pkix.name_empty"]),
    (&["email-in-subject"], &["pkix.subject_email_address_not_in_san"]),
    (&["san-not-critical-without-subject"], &["pkix.san_extension_not_critical_empty_subject"]),
    (&["san-critical-with-subject"], &["pkix.san_extension_is_critical_non_empty_subject"]),
    (&["san-email-malformed"], &["pkix.invalid_email_address_syntax"]),
    (&["extension-repeated"], &["pkix.duplicate_extension"]),
    (&["basic-constraints-not-critical"], &["pkix.basic_constraints_extension_not_critical"]),
    (&["subject-key-id-missing"], &["pkix.certificate_skid_ca_missing"]),
    (&["subject-key-id-critical"], &["pkix.certificate_skid_extension_critical"]),
    (&["authority-key-id-missing"], &["pkix.authority_key_identifier_extension_absent"]),
    (&["authority-key-id-without-key"], &["pkix.authority_key_identifier_keyid_missing"]),
    (
        &["authority-key-id-incomplete"],
        &["pkix.aki_with_cert_issuer_but_serial_number_absent", "pkix.aki_with_serial_number_but_cert_issuer_absent"],
    ),
    (&["authority-key-id-critical"], &["pkix.authority_key_identifier_critical"]),
    (&["issuer-alt-name-critical"], &["pkix.issuer_alt_name_extension_critical"]),
    (&["subject-directory-critical"], &["pkix.subject_directory_attributes_extension_critical"]),
    (&["authority-info-critical"], &["pkix.authority_information_access_extension_critical"]),
    (&["subject-info-critical"], &["pkix.subject_information_access_extension_critical"]),
    (&["crl-points-critical"], &["pkix.certificate_crldp_extension_critical"]),
    (&["crl-point-without-location"], &["pkix.distribution_point_does_not_contain_name_or_issuer"]),
    (&["name-constraints-in-leaf"], &["pkix.name_constraints_in_ee_certificate"]),
    (&["name-constraints-not-critical"], &["pkix.certificate_name_constraints_extension_not_critical"]),
    (&["name-constraints-empty"], &["pkix.name_constraints_no_subtrees"]),
    (
        &["policy-extensions-in-leaf"],
        &[
            "pkix.end_entity_inhibit_anypolicy_extension_present",
            "pkix.end_entity_policy_constraints_extension_present",
            "pkix.end_entity_policy_mappings_extension_present",
        ],
    ),
    (&["key-usage-not-critical"], &["pkix.key_usage_extension_not_critical"]),
    (&["key-usage-empty"], &["pkix.no_ku_bits_set"]),
    (&["ca-key-usage-missing"], &["pkix.ca_certificate_no_ku_extension"]),
    (&["ca-may-not-sign"], &["pkix.ca_certificate_keycertsign_keyusage_not_set"]),
    (&["cert-sign-without-ca"], &["pkix.ee_certificate_keycertsign_keyusage_set"]),
    (&["rsa-key-agreement"], &["pkix.key_usage_value_prohibited_for_rsa"]),
    (&["ec-key-encipherment"], &["pkix.key_usage_value_prohibited_for_ec"]),
    (&["edwards-key-usage", "montgomery-key-usage"], &["pkix.key_usage_value_prohibited_for_edwards_curve"]),
    (&["ml-dsa-key-usage"], &["pkix.key_usage_value_prohibited_for_mldsa"]),
    (&["slh-dsa-key-usage"], &["pkix.key_usage_value_prohibited_for_slhdsa"]),
    (&["ml-kem-key-usage"], &["pkix.key_usage_value_prohibited_for_mlkem"]),
];

/// Rules for public TLS certificates.
const FOR_PUBLIC: &[Pair] = &[
    (
        &["tls-lifetime-too-long"],
        &[
            "cabf.serverauth.certificate_validity_period_exceeds_398_days",
            "cabf.serverauth.certificate_validity_period_exceeds_200_days",
            "cabf.serverauth.certificate_validity_period_exceeds_100_days",
            "cabf.serverauth.certificate_validity_period_exceeds_47_days",
        ],
    ),
    (
        &["tls-foreign-purpose"],
        &["cabf.serverauth.subscriber.emailprotection_eku_present", "cabf.serverauth.subscriber.anyeku_eku_present"],
    ),
    (&["tls-purpose-critical"], &["cabf.serverauth.subscriber.critical_extended_key_usage_extension"]),
    (&["tls-basic-constraints-not-critical"], &["cabf.serverauth.subscriber.non_critical_basic_constraints_extension"]),
    (&["tls-key-usage-forbidden", "cert-sign-without-ca"], &["cabf.serverauth.subscriber_prohibited_ku_present"]),
    (&["tls-key-usage-discouraged"], &["cabf.serverauth.subscriber_discouraged_ku_present"]),
    (&["tls-key-usage-missing-signature"], &["cabf.serverauth.subscriber_required_ku_missing"]),
    (&["tls-key-algorithm"], &["cabf.serverauth.prohibited_subject_public_key_algorithm_encoding"]),
    (&["tls-signature-algorithm"], &["cabf.serverauth.prohibited_signature_algorithm_encoding"]),
    (&["tls-revocation-missing"], &["cabf.serverauth.subscriber.revocation_information_absent"]),
    (&["tls-authority-info-missing"], &["cabf.serverauth.subscriber.authority_info_access_extension_absent"]),
    (&["tls-authority-info-not-http"], &["cabf.serverauth.aia_location_uri_not_http"]),
    (&["tls-crl-not-http"], &["cabf.serverauth.crldp_dpname_prohibited_uri_scheme"]),
    (&["tls-authority-key-id-fields"], &["cabf.authority_key_identifier_has_issuer_cert"]),
    (
        &["tls-policy-missing"],
        &[
            "cabf.serverauth.subscriber.certificate_policies_extension_absent",
            "cabf.serverauth.subscriber_missing_reserved_policy_oid",
        ],
    ),
    (&["tls-policy-contradictory"], &["cabf.serverauth.subscriber_multiple_reserved_policy_oids"]),
    (&["tls-policy-any"], &["cabf.serverauth.subscriber_anypolicy_oid_present"]),
    (&["tls-reserved-address"], &["cabf.internal_ip_address"]),
    (&["tls-reverse-zone"], &["cabf.serverauth.ip_reverse_zone_domain_name_present"]),
    (&["tls-onion-version"], &["cabf.serverauth.invalid_tor_v3_domain_name"]),
    (&["tls-reserved-label"], &["cabf.serverauth.dnsname_contains_prohibited_reserved_label"]),
    (&["tls-alt-name-kind"], &["cabf.serverauth.prohibited_san_type"]),
    (&["tls-common-name-source"], &["cabf.serverauth.subscriber_common_name_unknown_source"]),
    (&["tls-organizational-unit"], &["cabf.serverauth.ov.organizational_unit_name_attribute_present"]),
    (&["tls-domain-validated-identity"], &["cabf.serverauth.dv.unknown_attribute_present"]),
    (
        &["tls-organization-incomplete"],
        &[
            "cabf.serverauth.ov.organization_name_attribute_absent",
            "cabf.serverauth.ov.country_attribute_absent",
            "cabf.serverauth.subscriber_stateprovince_and_locality_missing",
        ],
    ),
    (&["tls-extended-incomplete"], &["cabf.ev_guidelines.business_category_attribute_absent"]),
    (&["tls-extended-wildcard"], &["cabf.ev_guidelines.ev_wildcard_san_present"]),
    (&["tls-attribute-repeated"], &["cabf.serverauth.prohibited_duplicate_attribute_type"]),
    (&["tls-attribute-order"], &["cabf.serverauth.invalid_rdn_order"]),
    (&["tls-relative-name-with-several"], &["cabf.serverauth.rdn_contains_multiple_atvs"]),
];

/// Where we differ, and why. The first is the case whose certificate it is.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("version-outdated", "authority-key-id-missing", "Version 1 has no extensions; one finding says so."),
    ("self-signed", "authority-key-id-missing", "What signs itself need not name its signer (RFC 5280 section 4.2.1.1)."),
    ("authority-key-id-missing", "authority-key-id-missing", "Our root's signature is made up, so pkilint takes it for no root."),
    ("tls-lifetime-too-long", "tls-lifetime-too-long", "Before 2020-09-01, 825 days were allowed; pkilint asks for 398 of all."),
    ("tls-key-usage-missing-signature", "tls-key-usage-discouraged", "pkilint says only that a bit is missing."),
    ("tls-policy-missing", "tls-domain-validated-identity", "Without a policy pkilint assumes validation of the domain."),
    ("tls-policy-contradictory", "tls-domain-validated-identity", "Of two policies pkilint takes the one for organizations."),
    ("tls-relative-name-with-several", "tls-organization-incomplete", "pkilint sees one attribute of a relative name."),
    ("tls-organizational-unit", "tls-organizational-unit", "Before 2022-09-01 it was allowed; pkilint forbids it to all."),
];

fn is_public(der: &[u8]) -> bool {
    let facts = crate::Facts::of(der).unwrap();
    Input::of(&facts, Certificate::locate(der).unwrap()).public_tls
}

#[test]
fn pkilint_agrees() {
    let Some(python) = python() else { return };
    let mut ders: Vec<(&str, Vec<u8>)> =
        [make::private(), make::public(), make::issuing(), make::root()].map(|made| ("base", made.der())).into();
    ders.extend(all_cases().iter().flat_map(|(id, breaks, keeps)| [(*id, breaks.der()), (*id, keeps.der())]));
    let found = judged(python, &ders.iter().map(|(_, der)| der.clone()).collect::<Vec<_>>());
    let (mut judged, mut agreed, mut spoke, mut differ) = (0, 0, BTreeSet::new(), Vec::new());
    for ((case, der), theirs) in ders.iter().zip(&found) {
        // What it cannot decode it does not judge.
        if ["itu.invalid_asn1_syntax", "base.unhandled_exception", "unreadable"].iter().any(|code| theirs.contains(*code)) {
            continue;
        }
        judged += 1;
        let ours = ids(der);
        let public: &[Pair] = if is_public(der) { FOR_PUBLIC } else { &[] };
        for (rules, codes) in FOR_ALL.iter().chain(public) {
            let (we, they) = (rules.iter().any(|rule| ours.contains(rule)), codes.iter().any(|code| theirs.contains(*code)));
            if we && they {
                spoke.insert(rules[0]);
            }
            if we == they {
                agreed += 1;
            } else if !DIFFERENCES.iter().any(|(known, rule, _)| (known, rule) == (case, &rules[0])) {
                differ.push((*case, rules[0], if we { "only we" } else { "only they" }));
            }
        }
    }
    println!("{judged} certificates, {agreed} judgements agree");
    assert_eq!(differ, []);
    let silent: Vec<&str> =
        FOR_ALL.iter().chain(FOR_PUBLIC).map(|(rules, _)| rules[0]).filter(|rule| !spoke.contains(rule)).collect();
    assert_eq!(silent, [""; 0], "never found by both");
}
