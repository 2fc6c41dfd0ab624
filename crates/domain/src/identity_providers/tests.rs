//! Tokens of all shapes, held against a provider with real keys. Signatures are also compared with those of the RFCs.

// Signing asks for randomness; the product here only verifies.
#[cfg(test)]
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::access::ClaimType;
use crate::error::Refusal;
use crate::ids::IdentityProviderId;
use crate::limits;
use crate::people::PrincipalKind;

const ISSUER: &str = "https://sso.example.org/realms/corporate";
const NOW: i64 = 1_790_000_000_000;
const SECONDS: i64 = NOW / 1_000;

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

enum Secret {
    Rsa(RsaKeyPair),
    Ec(&'static str, usize, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Secret {
    fn ec(curve: &'static str) -> Secret {
        let (algorithm, length) = match curve {
            "P-256" => (&ECDSA_P256_SHA256_FIXED_SIGNING, 32),
            "P-384" => (&ECDSA_P384_SHA384_FIXED_SIGNING, 48),
            _ => (&ECDSA_P521_SHA512_FIXED_SIGNING, 66),
        };
        Secret::Ec(curve, length, EcdsaKeyPair::generate(algorithm).unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        match self {
            Secret::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (
                    public.modulus().big_endian_without_leading_zero().to_vec(),
                    public.exponent().big_endian_without_leading_zero().to_vec(),
                );
                json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": b64(n), "e": b64(e) })
            }
            Secret::Ec(curve, length, pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "kid": kid, "crv": curve, "x": b64(&point[1..=*length]), "y": b64(&point[length + 1..]) })
            }
            Secret::Ed(pair) => json!({ "kty": "OKP", "kid": kid, "crv": "Ed25519", "x": b64(pair.public_key()) }),
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Secret::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Secret::Ec(_, _, pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Secret::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, header: &Value, payload: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(payload.to_string()));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), signed.as_bytes());
        format!("{signed}.{}", b64(signature))
    }
}

impl Secret {
    /// Signed rightly, and written as certificates are signed instead of as RFC 7518 section 3.4 asks.
    fn token_in_der(&self, header: &Value, payload: &Value) -> String {
        let Secret::Ec(_, _, pair) = self else { panic!("only signatures of elliptic curves have two forms") };
        let key = pair.to_pkcs8v1().unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
        let signed = format!("{}.{}", b64(header.to_string()), b64(payload.to_string()));
        format!("{signed}.{}", b64(pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap()))
    }
}

struct House {
    rsa: Secret,
    ec: Secret,
    keys: KeySet,
    provider: Trusted,
}

fn provider() -> Trusted {
    Trusted {
        id: IdentityProviderId(1),
        revision: 1,
        name: "Corporate".into(),
        issuer: ISSUER.into(),
        audiences: vec!["certhold".into(), "api://certhold".into()],
        mapping: ClaimMapping::default(),
        roots: None,
    }
}

impl House {
    fn new() -> House {
        let (rsa, ec) = (Secret::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), Secret::ec("P-256"));
        let keys = KeySet::parse(json!({ "keys": [rsa.jwk("r"), ec.jwk("e")] }).to_string().as_bytes()).unwrap();
        House { rsa, ec, keys, provider: provider() }
    }

    fn verify(&self, token: &str) -> Result<Verified, Refusal> {
        verify(&Presented::parse(token)?, &self.provider, &self.keys, NOW)
    }

    fn told(&self, payload: &Value) -> Result<Verified, Refusal> {
        self.verify(&self.rsa.token(&json!({ "alg": "RS256", "kid": "r" }), payload))
    }
}

fn payload() -> Value {
    json!({ "iss": ISSUER, "aud": "certhold", "sub": "7", "iat": SECONDS, "exp": SECONDS + 300 })
}

fn with(name: &str, value: Value) -> Value {
    let mut payload = payload();
    payload[name] = value;
    payload
}

fn without(name: &str) -> Value {
    let mut payload = payload();
    payload.as_object_mut().unwrap().remove(name);
    payload
}

#[test]
fn every_algorithm_is_verified_by_a_key_of_its_kind_only() {
    let secrets = [
        (
            Secret::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..],
        ),
        (Secret::ec("P-256"), &["ES256"]),
        (Secret::ec("P-384"), &["ES384"]),
        (Secret::ec("P-521"), &["ES512"]),
        (Secret::Ed(Ed25519KeyPair::generate().unwrap()), &["EdDSA", "Ed25519"]),
    ];
    let algorithms: Vec<&str> = secrets.iter().flat_map(|(_, fitting)| fitting.iter().copied()).collect();
    let jwks: Vec<Value> = secrets.iter().enumerate().map(|(at, (secret, _))| secret.jwk(&at.to_string())).collect();
    let keys = KeySet::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap();
    for (at, (secret, fitting)) in secrets.iter().enumerate() {
        for algorithm in &algorithms {
            for kid in [Some(at.to_string()), None] {
                let token = secret.token(&json!({ "alg": algorithm, "kid": kid.as_deref().unwrap_or("-") }), &payload());
                let token = match kid {
                    Some(_) => token,
                    None => secret.token(&json!({ "alg": algorithm }), &payload()),
                };
                let verified = verify(&Presented::parse(&token).unwrap(), &provider(), &keys, NOW);
                assert_eq!(verified.is_ok(), fitting.contains(algorithm), "{algorithm} by key {at}: {verified:?}");
            }
        }
        let mut only = secret.jwk("0");
        only["alg"] = json!(fitting[0]);
        let keys = KeySet::parse(json!({ "keys": [only] }).to_string().as_bytes()).unwrap();
        for algorithm in *fitting {
            let token = secret.token(&json!({ "alg": algorithm, "kid": "0" }), &payload());
            let is_it = *algorithm == fitting[0] || fitting.contains(&"EdDSA");
            assert_eq!(
                verify(&Presented::parse(&token).unwrap(), &provider(), &keys, NOW).is_ok(),
                is_it,
                "a key for one algorithm"
            );
        }
    }
}

/// RFC 7515 appendices A.2 and A.3.
#[test]
fn signatures_are_those_of_the_standard() {
    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
    let ec = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    let signed_by_rsa = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let signed_by_ec = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    for (key, token, other) in [(&rsa, &signed_by_rsa, &signed_by_ec), (&ec, &signed_by_ec, &signed_by_rsa)] {
        let keys = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        assert!(keys.signed(&Presented::parse(token).unwrap()));
        assert!(!keys.signed(&Presented::parse(other).unwrap()));
        let payload = token.replacen(".eyJ", ".eyK", 1);
        assert!(Presented::parse(&payload).is_err() || !keys.signed(&Presented::parse(&payload).unwrap()));
    }
}

#[test]
fn what_providers_put_into_tokens_is_understood() {
    let mut house = House::new();
    let tenant = "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    // Entra ID v2 for a person, v1 for a program; Keycloak for both, with and without its mappers for service accounts; Okta for a program; Auth0 for a program.
    for (token, subject, kind, claims) in [
        (
            json!({ "aud": "api://certhold", "oid": "o-1", "sub": "s-1", "azp": "a-1", "azpacr": "0", "name": "Ana", "preferred_username": "ana@example.org",
                "roles": ["Cert.Operator"], "scp": "access", "tid": "9122040d", "ver": "2.0", "iss": tenant }),
            "s-1",
            PrincipalKind::Person,
            vec![(ClaimType::OauthOid, "o-1"), (ClaimType::OauthSubject, "s-1"), (ClaimType::OauthRole, "Cert.Operator")],
        ),
        (
            json!({ "aud": "api://certhold", "oid": "o-2", "sub": "o-2", "appid": "a-2", "appidacr": "1", "idtyp": "app", "roles": ["Cert.Sync"], "ver": "1.0",
                "iss": "https://sts.windows.net/9122040d-6c67-4c5b-b112-36a304b66dad/" }),
            "o-2",
            PrincipalKind::Service,
            vec![
                (ClaimType::OauthOid, "o-2"),
                (ClaimType::OauthSubject, "o-2"),
                (ClaimType::OauthClientId, "a-2"),
                (ClaimType::OauthRole, "Cert.Sync"),
            ],
        ),
        (
            json!({ "aud": ["account", "certhold"], "sub": "f:1", "azp": "cli", "typ": "Bearer", "preferred_username": "kim",
                "realm_access": { "roles": ["offline_access"] }, "groups": ["/ops"] }),
            "f:1",
            PrincipalKind::Person,
            vec![(ClaimType::OauthSubject, "f:1")],
        ),
        (
            json!({ "aud": "certhold", "sub": "uuid", "azp": "robot", "client_id": "robot", "preferred_username": "service-account-robot" }),
            "uuid",
            PrincipalKind::Service,
            vec![(ClaimType::OauthSubject, "uuid")],
        ),
        (
            json!({ "aud": "certhold", "sub": "uuid", "azp": "robot", "client_id": "robot", "clientHost": "192.0.2.1",
                "clientAddress": "192.0.2.1", "preferred_username": "service-account-robot" }),
            "uuid",
            PrincipalKind::Service,
            vec![(ClaimType::OauthSubject, "uuid"), (ClaimType::OauthClientId, "robot")],
        ),
        (
            json!({ "aud": "certhold", "sub": "0oa1", "cid": "0oa1", "scp": ["certs"], "ver": 1, "jti": "AT.x" }),
            "0oa1",
            PrincipalKind::Service,
            vec![(ClaimType::OauthSubject, "0oa1"), (ClaimType::OauthClientId, "0oa1")],
        ),
        (
            json!({ "aud": "certhold", "sub": "x@clients", "azp": "x", "gty": "client-credentials" }),
            "x@clients",
            PrincipalKind::Service,
            vec![(ClaimType::OauthSubject, "x@clients"), (ClaimType::OauthClientId, "x")],
        ),
    ] {
        let mut payload = token;
        payload["exp"] = json!(SECONDS + 60);
        payload["nbf"] = json!(SECONDS);
        house.provider.issuer = payload["iss"].as_str().unwrap_or(ISSUER).to_owned();
        payload["iss"] = json!(house.provider.issuer);
        let told = house.told(&payload).unwrap();
        assert_eq!((told.subject.as_str(), told.kind), (subject, kind), "{payload}");
        let said: Vec<(ClaimType, &str)> = told.claims.iter().map(|claim| (claim.kind, claim.value.as_str())).collect();
        assert_eq!(said, claims, "{payload}");
        assert!(told.claims.iter().all(|claim| claim.provider == "Corporate"));
    }
}

#[test]
fn times_and_audiences_are_held_against_the_server() {
    let house = House::new();
    for (payload, accepted) in [
        (payload(), true),
        (with("aud", json!(["other", "certhold"])), true),
        (with("aud", json!("api://certhold")), true),
        (with("aud", json!("Certhold")), false),
        (with("aud", json!(["other"])), false),
        (with("aud", json!([])), false),
        (with("aud", json!("")), false),
        (with("aud", json!(null)), false),
        (with("aud", json!({ "certhold": true })), false),
        (without("aud"), false),
        (with("exp", json!(SECONDS - 59)), true),
        (with("exp", json!(SECONDS - 60)), false),
        (with("exp", json!(SECONDS as f64 + 0.5)), true),
        (with("exp", json!((SECONDS + 60).to_string())), false),
        (with("exp", json!(1e300)), false),
        (with("exp", json!(1.79e18)), false),
        (with("exp", json!(-1)), false),
        (with("exp", json!(-0.5)), false),
        (with("exp", json!(true)), false),
        (with("exp", json!(null)), false),
        (without("exp"), false),
        (with("nbf", json!(SECONDS + 60)), true),
        (with("nbf", json!(SECONDS + 61)), false),
        (with("nbf", json!("soon")), false),
        (with("nbf", json!(1.5e300)), false),
        (with("nbf", json!(1.79e18)), false),
        (with("nbf", json!(-0.5)), false),
        (with("iat", json!(1.5e300)), false),
        (with("iat", json!(SECONDS + 61)), false),
        (without("iat"), true),
        (with("iss", json!("https://sso.example.org/realms/corporate/")), false),
        (with("iss", json!("https://SSO.example.org/realms/corporate")), false),
        (with("iss", json!(["https://sso.example.org/realms/corporate"])), false),
        (without("iss"), false),
        (with("sub", json!("")), false),
        (with("sub", json!(7)), false),
        (with("sub", json!("a\u{0}b")), false),
        (with("sub", json!("x".repeat(limits::SUBJECT_BYTES + 1))), false),
        (without("sub"), false),
        (with("cnf", json!({ "jkt": "x" })), false),
        (with("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })), false),
    ] {
        let told = house.told(&payload);
        assert_eq!(told.is_ok(), accepted, "{payload}: {told:?}");
        assert!(told.is_ok() || matches!(told, Err(Refusal::Unauthenticated(_))));
    }
}

#[test]
fn hostile_tokens_are_refused() {
    let house = House::new();
    let rs256 = json!({ "alg": "RS256", "kid": "r" });
    let fine = house.rsa.token(&rs256, &payload());
    assert!(house.verify(&fine).is_ok());
    let parts: Vec<&str> = fine.split('.').collect();
    let (header, body, signature) = (parts[0], parts[1], parts[2]);
    let told = |header: &Value| house.rsa.token(header, &payload());
    let stranger = Secret::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
    let hmac = |alg: &str, secret: &[u8]| {
        let signed = format!("{}.{body}", b64(json!({ "alg": alg, "kid": "r" }).to_string()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        format!("{signed}.{}", b64(aws_lc_rs::hmac::sign(&key, signed.as_bytes())))
    };
    let jwk = house.rsa.jwk("r");
    let twice = r#"{"alg":"RS256","kid":"r","alg":"RS256"}"#;
    let twice_said = format!(r#"{{"iss":"{ISSUER}","aud":"other","aud":"certhold","sub":"7","exp":{}}}"#, SECONDS + 60);
    let signed = |header: &str, body: &str| {
        let signed = format!("{}.{}", b64(header), b64(body));
        let signature = house.rsa.sign("RS256", signed.as_bytes());
        format!("{signed}.{}", b64(signature))
    };
    let hostile = [
        ("not signed", format!("{}.{body}.", b64(json!({ "alg": "none" }).to_string()))),
        ("not signed in another spelling", format!("{}.{body}.", b64(json!({ "alg": "NoNe" }).to_string()))),
        ("no algorithm", told(&json!({ "kid": "r" }))),
        ("an algorithm that is no text", told(&json!({ "alg": ["RS256"], "kid": "r" }))),
        ("lower case", told(&json!({ "alg": "rs256", "kid": "r" }))),
        ("the public key as a secret", hmac("HS256", jwk["n"].as_str().unwrap().as_bytes())),
        ("the public key as a secret, under its algorithm", hmac("RS256", jwk["n"].as_str().unwrap().as_bytes())),
        ("an empty secret", hmac("HS256", b"")),
        ("without a signature", format!("{header}.{body}.")),
        ("cut", format!("{header}.{body}.{}", &signature[..signature.len() - 4])),
        ("lengthened", format!("{header}.{body}.{signature}AAAA")),
        ("of zeros", format!("{header}.{body}.{}", b64([0; 256]))),
        ("another body", format!("{header}.{}.{signature}", b64(with("sub", json!("1")).to_string()))),
        ("another header", format!("{}.{body}.{signature}", b64(json!({ "alg": "RS256", "kid": "r", "x": 1 }).to_string()))),
        ("a stranger's key", stranger.token(&rs256, &payload())),
        ("a stranger's key that comes along", stranger.token(&json!({ "alg": "RS256", "jwk": stranger.jwk("r") }), &payload())),
        (
            "a key from elsewhere",
            stranger.token(&json!({ "alg": "RS256", "jku": "https://evil.example/jwks", "kid": "r" }), &payload()),
        ),
        ("an unknown key", told(&json!({ "alg": "RS256", "kid": "x" }))),
        ("a key of another kind", told(&json!({ "alg": "RS256", "kid": "e" }))),
        ("a key named as a path", told(&json!({ "alg": "RS256", "kid": "../../r" }))),
        ("a name of a key that is no text", told(&json!({ "alg": "RS256", "kid": 7 }))),
        ("a name of a key that is too long", told(&json!({ "alg": "RS256", "kid": "r".repeat(2_000) }))),
        ("ES256 of zeros", format!("{}.{body}.{}", b64(json!({ "alg": "ES256", "kid": "e" }).to_string()), b64([0; 64]))),
        ("ES256 in DER", house.ec.token_in_der(&json!({ "alg": "ES256", "kid": "e" }), &payload())),
        ("RS256 by an elliptic curve", house.ec.token(&json!({ "alg": "RS256", "kid": "e" }), &payload())),
        ("a critical extension", told(&json!({ "alg": "RS256", "kid": "r", "crit": ["exp"], "exp": 1 }))),
        ("no critical extension at all", told(&json!({ "alg": "RS256", "kid": "r", "crit": [] }))),
        ("a body that is not encoded", told(&json!({ "alg": "RS256", "kid": "r", "b64": false }))),
        ("a logout", told(&json!({ "alg": "RS256", "kid": "r", "typ": "logout+jwt" }))),
        ("an event", told(&json!({ "alg": "RS256", "kid": "r", "typ": "secevent+jwt" }))),
        ("a type that is no text", told(&json!({ "alg": "RS256", "kid": "r", "typ": 1 }))),
        ("a header member twice", signed(twice, &payload().to_string())),
        ("a body member twice", signed(&rs256.to_string(), &twice_said)),
        ("a body that is a list", signed(&rs256.to_string(), "[]")),
        ("a body that is nothing", signed(&rs256.to_string(), "")),
        ("more behind the body", signed(&rs256.to_string(), &format!("{}{{}}", payload()))),
        ("padding", format!("{header}.{body}.{signature}=")),
        ("white space", format!("{header}.{body}.{signature} ")),
        ("two parts", format!("{header}.{body}")),
        ("four parts", format!("{fine}.x")),
        ("encrypted", format!("{header}.x.x.x.x")),
        ("nothing but dots", "..".to_owned()),
        ("not base64url", format!("{header}.{}+.{signature}", &body[..body.len() - 1])),
        ("too long", told(&json!({ "alg": "RS256", "kid": "r", "x": "x".repeat(limits::EXTERNAL_TOKEN_BYTES) }))),
    ];
    for (what, token) in hostile {
        match house.verify(&token) {
            Err(Refusal::Unauthenticated(reason)) => assert!(!reason.contains(ISSUER) && reason.len() < 200, "{what}: {reason}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    for (what, header) in [
        ("its type", json!({ "alg": "RS256", "kid": "r", "typ": "JWT" })),
        ("its type in lower case", json!({ "alg": "RS256", "kid": "r", "typ": "at+jwt" })),
        ("its media type", json!({ "alg": "RS256", "kid": "r", "typ": "application/at+JWT" })),
        ("other members", json!({ "alg": "RS256", "kid": "r", "x5t": "abc", "nonce": "n" })),
        ("no key", json!({ "alg": "RS256" })),
    ] {
        assert!(house.verify(&told(&header)).is_ok(), "a token with {what} is fine");
    }
}

#[test]
fn keys_that_cannot_verify_are_left_out() {
    let house = House::new();
    let (rsa, ec) = (house.rsa.jwk("r"), house.ec.jwk("e"));
    let changed = |key: &Value, name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let short = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap()[..128].to_vec();
    for unusable in [
        changed(&rsa, "use", json!("enc")),
        changed(&rsa, "alg", json!("RSA-OAEP")),
        changed(&rsa, "alg", json!("HS256")),
        changed(&rsa, "alg", json!(1)),
        changed(&rsa, "key_ops", json!(["encrypt"])),
        changed(&rsa, "n", json!(b64(short))),
        changed(&rsa, "n", json!("")),
        changed(&rsa, "n", json!("*")),
        changed(&rsa, "e", json!("AQ")),
        changed(&rsa, "e", json!("AA")),
        changed(&rsa, "e", json!("Ag")),
        changed(&rsa, "kty", json!("rsa")),
        changed(&ec, "crv", json!("secp256k1")),
        changed(&ec, "crv", json!("P-384")),
        changed(&ec, "x", json!("AA")),
        json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "r" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qY" }),
        json!("key"),
        json!(null),
    ] {
        let set = |keys: Value| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes());
        assert!(set(json!([unusable])).is_err(), "{unusable}");
        assert_eq!(set(json!([unusable, ec])).unwrap().len(), 1, "{unusable}");
    }
    let padded = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    let padded = changed(&rsa, "n", json!(b64([vec![0], padded].concat())));
    let keys = KeySet::parse(json!({ "keys": [padded] }).to_string().as_bytes()).unwrap();
    let token = house.rsa.token(&json!({ "alg": "RS256", "kid": "r" }), &payload());
    assert!(keys.signed(&Presented::parse(&token).unwrap()), "a leading zero is passed over");
    // Keys without names are tried where none has the name that the token says, and only then.
    let mut nameless = rsa.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    for (set, signed) in
        [(json!([nameless]), true), (json!([nameless, ec]), true), (json!([nameless, changed(&ec, "kid", json!("r"))]), false)]
    {
        let keys = KeySet::parse(json!({ "keys": set }).to_string().as_bytes()).unwrap();
        assert!(keys.knows(Some("r")));
        assert_eq!(keys.signed(&Presented::parse(&token).unwrap()), signed, "{set}");
    }
    for wrong in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
        assert!(KeySet::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
    let many: Vec<&Value> = std::iter::repeat_n(&ec, limits::PROVIDER_KEYS + 1).collect();
    assert!(KeySet::parse(json!({ "keys": many }).to_string().as_bytes()).is_err());
}
