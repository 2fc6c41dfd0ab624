//! Parameters of elliptic curves that are written out, as OpenSSL writes them, for every curve that it knows.

use certhold_pki::Facts;
use certhold_pki::details::{Details, EcKey, KeyParts};

use crate::common::openssl;
use crate::odd::{self, Die, primitive, sequence};

fn key_with(parameters: &[u8]) -> (EcKey, Facts) {
    let algorithm = sequence(&[odd::oid("1.2.840.10045.2.1"), parameters.to_vec()]);
    let spki = sequence(&[algorithm, primitive(3, &[0, 4, 1, 2])]);
    let der = odd::certificate(&mut Die::new(1), &spki);
    let details = Details::of(&der).unwrap();
    match details.key.parts {
        KeyParts::Ec(key) => (key, Facts::of(&der).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Where the last octet of the field with this number is: version, field, curve, base point, order, cofactor.
fn last_octet_of(parameters: &[u8], part: usize) -> usize {
    let after_header = |at: usize| match parameters[at + 1] {
        short @ 0..=0x7f => (at + 2, usize::from(short)),
        0x81 => (at + 3, usize::from(parameters[at + 2])),
        _ => (at + 4, usize::from(parameters[at + 2]) << 8 | usize::from(parameters[at + 3])),
    };
    let mut at = after_header(0).0;
    for _ in 0..=part {
        let (content, length) = after_header(at);
        at = content + length;
    }
    at - 1
}

#[test]
fn every_curve_is_recognised_by_its_parameters_and_nothing_else_is() {
    let curves = odd::curves(true);
    assert!(curves.len() > 60, "{curves:?}");
    for curve in curves {
        let expected = match curve.as_str() {
            "prime256v1" => "P-256",
            "secp384r1" => "P-384",
            "secp521r1" => "P-521",
            "secp224r1" => "P-224",
            "prime192v1" => "P-192",
            other => other,
        };
        let (named, facts) = key_with(&openssl(&["ecparam", "-name", &curve, "-outform", "DER"], b""));
        assert_eq!((named.curve, named.explicit), (Some(expected), false), "{curve}");
        assert_eq!(facts.key_curve.as_deref(), Some(expected));
        for form in ["uncompressed", "compressed"] {
            let arguments = ["ecparam", "-name", &curve, "-param_enc", "explicit", "-conv_form", form, "-outform", "DER"];
            let parameters = openssl(&arguments, b"");
            let (explicit, written) = key_with(&parameters);
            assert_eq!((explicit.curve, explicit.explicit), (Some(expected), true), "{curve} {form}");
            assert_eq!((written.key_curve.as_deref(), written.key_bits), (Some("explicit"), facts.key_bits), "{curve}");
            // Another base point, another order: what CVE-2020-0601 is about
            for at in [3, 4].map(|part| last_octet_of(&parameters, part)) {
                let mut forged = parameters.clone();
                forged[at] ^= 1;
                assert_eq!(key_with(&forged).0.curve, None, "{curve} {form}");
            }
        }
    }
}
