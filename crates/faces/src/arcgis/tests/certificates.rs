//! Importing, listing, looking at and deleting certificates, and what is refused of it.

use certhold_domain::named::Kind;
use certhold_pki::pem;
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
use serde_json::json;

use super::*;
use crate::arcgis::wire::golden;

/// Two certificates whose texts were computed with OpenJDK 17, in the time zone UTC; the keys were thrown away.
const LEAF: &str = include_str!("golden-leaf.pem");
const ROOT: &str = include_str!("golden-root.pem");

fn der(text: &str) -> Vec<u8> {
    certhold_pki::read(text.as_bytes(), None).unwrap().certificates[0].der.clone()
}

#[test]
fn the_golden_vectors_come_out_byte_for_byte() {
    let told = |text: &str| text.lines().map(str::trim).collect::<String>();
    let leaf = golden(&der(LEAF), Kind::Identity, "gateway-2026", "c0f3k9q2m7x1w8z5t4b6n");
    assert_eq!(leaf, told(include_str!("golden-leaf.json")));
    let root = golden(&der(ROOT), Kind::Trust, "example-root", "c7y2r5n8p1k4d6s9h3v0a");
    assert_eq!(root, told(include_str!("golden-root.json")));
}

#[tokio::test]
async fn the_members_are_those_of_the_vendor_in_its_order() {
    let arcgis = ArcGis::new().await;
    done(&arcgis.import_trust("example-root", ROOT.as_bytes()).await);
    let id = arcgis.id("trust", "example-root").await;
    let path = format!("{CERTIFICATES}/trust/{id}?f=json&token={}", arcgis.token);
    let reply = arcgis.send("GET", &path, &[("referer", "tests")], Vec::new()).await;
    assert_eq!(reply.headers["content-type"], "application/json;charset=UTF-8");
    let golden = include_str!("golden-root.json").lines().map(str::trim).collect::<String>();
    assert_eq!(reply.text(), golden.replace("c7y2r5n8p1k4d6s9h3v0a", &id));
    let fits =
        |id: &str| id.len() == 21 && id.starts_with('c') && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    assert!(fits(&id), "{id}");
    let pretty = arcgis.send("GET", &path.replace("f=json", "f=pjson"), &[("referer", "tests")], Vec::new()).await.text();
    assert!(pretty.starts_with("{\n  \"validUntilAsEpoch\": 2340489599000,\n"), "{pretty}");
    assert!(
        pretty.contains("\"keyUsage\": [\n    \"Digital_Signature\",\n    \"Key_Cert_Sign\",\n    \"CRL_Sign\"\n  ]"),
        "{pretty}"
    );
}

#[tokio::test]
async fn a_pkcs12_file_becomes_an_identity_with_its_chain_and_its_key() {
    let arcgis = ArcGis::new().await;
    let (root, middle, leaf) = chain("maps.example.test");
    done(&arcgis.import_pfx("gateway", "sesame", &leaf.pfx("sesame", &[&root, &middle])).await);
    let list = arcgis.list("identity").await;
    assert_eq!((list.len(), &list[0]["name"], &list[0]["type"]), (1, &json!("gateway"), &json!("IDENTITY")));
    assert_eq!(list[0]["subject"], "CN=maps.example.test");
    let id = list[0]["id"].as_str().unwrap();
    for path in [format!("/identity/{id}"), format!("/identity{id}"), format!("/identity/{}/", id.to_uppercase())] {
        assert_eq!(arcgis.get(&format!("{CERTIFICATES}{path}")).await, list[0], "{path}");
    }
    assert_eq!(arcgis.post(&format!("{CERTIFICATES}/identity/{id}"), &[]).await, list[0], "POST reads too");
    let inventory = arcgis.test.get("/api/v1/certificates").await.expect(200);
    let items = inventory["items"].as_array().unwrap();
    let keyed: Vec<_> = items.iter().filter(|item| item["has_private_key"] == true).map(|item| &item["common_name"]).collect();
    assert_eq!((items.len(), keyed), (3, vec![&json!("maps.example.test")]));
    let number = items.iter().find(|item| item["has_private_key"] == true).unwrap()["id"].as_i64().unwrap();
    let usage = arcgis.get(&format!("{CERTIFICATES}/identity/{id}/usage")).await;
    assert_eq!(usage["chain"], json!(["CN=Tests Intermediate", "CN=Tests Root"]));
    assert_eq!((&usage["missingIssuer"], &usage["presentedBy"]), (&json!(null), &json!([])));
    // What a name stands for stays in the inventory, and so does its key.
    let kept = arcgis.test.delete(&format!("/api/v1/certificates/{number}")).await.expect(409);
    assert!(kept["detail"].as_str().unwrap().contains("the name \"gateway\" stands for it"), "{kept}");
    let key = json!({ "reason": "tests" });
    let destroy = format!("/api/v1/certificates/{number}/private-key/destroy");
    let kept = arcgis.test.call("POST", &destroy, &arcgis.test.admin, Some(&key)).await.expect(409);
    assert!(kept["detail"].as_str().unwrap().contains("a name stands for its certificate"), "{kept}");
    let events = arcgis.test.get("/api/v1/events?operation=named_certificate.").await.expect(200);
    assert_eq!(
        (&events["items"][0]["operation"], &events["items"][0]["face"]),
        (&json!("named_certificate.imported"), &json!("arcgis"))
    );

    done(&arcgis.post(&format!("{CERTIFICATES}/identity/{id}/delete"), &[]).await);
    assert!(arcgis.list("identity").await.is_empty());
    refused(&arcgis.get(&format!("{CERTIFICATES}/identity/{id}")).await, 404);
    refused(&arcgis.post(&format!("{CERTIFICATES}/identity/{id}/delete"), &[]).await, 404);
    arcgis.test.delete(&format!("/api/v1/certificates/{number}")).await.expect(204);
}

#[tokio::test]
async fn passwords_are_taken_byte_by_byte() {
    let arcgis = ArcGis::new().await;
    let words = [
        "!@#$%^&*()_+-=[]{}|;':\",./<>?`~\\",
        "a+b%20c d&e=f",
        " white space ",
        "Zürich Ω 密码 😀",
        "",
        "%",
        "\t",
        "\"",
        "a\r\nb",
    ];
    for (number, password) in words.into_iter().enumerate() {
        let made = server(&format!("p{number}.example.test"));
        done(&arcgis.import_pfx(&format!("p{number}"), password, &made.pfx(password, &[])).await);
        let wrong = arcgis.import_pfx("wrong", &format!("{password}x"), &made.pfx(password, &[])).await;
        assert_eq!(refused(&wrong, 400), "The password does not open the PKCS#12 file.");
        assert_eq!(wrong["error"]["message"], "Unable to import the certificate.");
    }
    assert_eq!(arcgis.list("identity").await.len(), words.len());
}

fn bag(certificates: Vec<&[u8]>) -> Vec<Entry<'_>> {
    vec![Entry { alias: "x".into(), key: None, certificates }]
}

#[tokio::test]
async fn what_is_not_an_identity_is_refused_with_what_it_is() {
    let arcgis = ArcGis::new().await;
    let (root, middle, leaf) = chain("maps.example.test");
    let (one, two) = (server("one.example.test"), server("two.example.test"));
    let pem = pem::encode(pem::CERTIFICATE, &leaf.der);
    let random = &mut |out: &mut [u8]| aws_lc_rs::rand::fill(out).unwrap();
    let keyless = certhold_pki::write(OutputFormat::Pkcs12, &bag(vec![&root]), Some("sesame"), START, random).unwrap();
    let p7b = certhold_pki::write(OutputFormat::Pkcs7Der, &bag(vec![&leaf.der, &middle]), None, START, random).unwrap();
    let before = arcgis.test.events().await;
    for (file, told) in [
        (keyless.to_vec(), "The file does not contain a private key: it is a PKCS#12 with one certificate and no private key."),
        (
            pem.into_bytes(),
            "A PKCS#12 file (.pfx, .p12) with a private key is needed, but this is PEM text with one certificate and no private key.",
        ),
        (leaf.der.clone(), "but this is a DER file with one certificate and no private key."),
        (p7b.to_vec(), "but this is a PKCS#7 with 2 certificates and no private key."),
        (
            pfx(&[(&one, &[]), (&two, &[])], "sesame"),
            "The file holds 2 certificates with private keys: export the one that is meant by itself.",
        ),
        (b"hello".to_vec(), "This is neither PEM, a DER certificate, PKCS#7, PKCS#12, a Java keystore nor a private key."),
        (one.pfx("sesame", &[])[..900].to_vec(), "is cut off"),
    ] {
        let answer = arcgis.import_pfx("x", "sesame", &file).await;
        let line = refused(&answer, 400);
        assert!(line.contains(told), "{told}: {line}");
    }
    let whole: [Part<'_>; 3] =
        [("certificateName", "", b"x"), ("certificatePassword", "", b"sesame"), ("certificatePfxFile", "a.pfx", b"")];
    for (missing, parts) in [
        ("certificateName", &whole[1..]),
        ("certificatePassword", &[whole[0], ("certificatePfxFile", "a", b"x")]),
        ("certificatePfxFile", &whole),
    ] {
        let answer = arcgis.multipart(&format!("{CERTIFICATES}/identity/import"), parts).await;
        assert_eq!(refused(&answer, 400), format!("'{missing}' must be specified."));
    }
    assert_eq!(arcgis.test.events().await, before, "something was written");
    assert!(arcgis.list("identity").await.is_empty());
}

#[tokio::test]
async fn names_are_kept_as_they_are_and_taken_once() {
    let arcgis = ArcGis::new().await;
    let hostile = "<script>alert(1)</script> \"&' שלום; DROP TABLE x; --";
    done(&arcgis.import_pfx(hostile, "sesame", &server("a.example.test").pfx("sesame", &[])).await);
    assert_eq!(arcgis.list("identity").await[0]["name"], hostile);
    done(&arcgis.import_pfx("Gateway", "sesame", &server("b.example.test").pfx("sesame", &[])).await);
    let taken = arcgis.import_pfx("gateway", "sesame", &server("c.example.test").pfx("sesame", &[])).await;
    assert!(refused(&taken, 400).starts_with("There is a certificate named \"Gateway\" already"), "{taken}");
    done(&arcgis.import_trust("Gateway", ROOT.as_bytes()).await);
    for wrong in ["a\u{202e}b", "a\0b", " a", "a ", "   ", &"x".repeat(201)] {
        let answer = arcgis.import_trust(wrong, ROOT.as_bytes()).await;
        assert!(refused(&answer, 400).starts_with("CertificateName: "), "{wrong:?}: {answer}");
    }
    assert_eq!((arcgis.list("identity").await.len(), arcgis.list("trust").await.len()), (2, 1));
}

#[tokio::test]
async fn trusted_certificates_come_in_pem_or_der_one_at_a_time() {
    let arcgis = ArcGis::new().await;
    let (root, middle, leaf) = chain("maps.example.test");
    done(&arcgis.import_trust("der", &root).await);
    done(&arcgis.import_trust("pem", format!("words before\r\n{}", pem::encode(pem::CERTIFICATE, &middle)).as_bytes()).await);
    done(&arcgis.import_trust("leaf", LEAF.as_bytes()).await);
    done(&arcgis.import_trust("again", &root).await);
    let list = arcgis.list("trust").await;
    assert_eq!(list.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), ["der", "pem", "leaf", "again"]);
    assert!(list.iter().all(|one| one["type"] == "TRUST"));
    let two = pem::encode(pem::CERTIFICATE, &root) + &pem::encode(pem::CERTIFICATE, &middle);
    let answer = arcgis.import_trust("two", two.as_bytes()).await;
    assert!(refused(&answer, 400).contains("2 certificates and no private key: import its certificates one by one"), "{answer}");
    let keyed = pem::encode(pem::CERTIFICATE, &leaf.der) + &pem::encode(pem::PRIVATE_KEY, &leaf.key);
    for (file, told) in [
        (keyed.into_bytes(), "one certificate and one private key"),
        (leaf.pfx("", &[]), "one certificate in PEM or DER is needed"),
        (b"".to_vec(), "'trustCertificateFile' must be specified."),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec(), ""),
    ] {
        let answer = arcgis.import_trust("x", &file).await;
        let line = refused(&answer, 400);
        assert!(line.to_lowercase().contains(&told.to_lowercase()), "{told}: {line}");
    }
    let id = arcgis.id("trust", "leaf").await;
    refused(&arcgis.get(&format!("{CERTIFICATES}/identity/{id}")).await, 404);
    done(&arcgis.post(&format!("{CERTIFICATES}/trust/{id}/delete"), &[]).await);
    assert_eq!(arcgis.list("trust").await.len(), 3);
}

#[tokio::test]
async fn identifiers_of_both_shapes_are_looked_up() {
    let arcgis = ArcGis::new().await;
    for id in ["c", "cc1mm3jpkfkhnkx243mp1", "cabf6af71-dc82-4b6b-854d-6f9fe6e64bd8", "%2e%2e", "c%00", "c'--", &"c".repeat(300)]
    {
        for kind in ["identity", "trust"] {
            refused(&arcgis.get(&format!("{CERTIFICATES}/{kind}/{id}")).await, 404);
            refused(&arcgis.post(&format!("{CERTIFICATES}/{kind}/{id}/delete"), &[]).await, 404);
        }
    }
    refused(&arcgis.get(&format!("{CERTIFICATES}/identityc1")).await, 404);
}

#[tokio::test]
async fn an_authority_and_what_is_over_are_not_assigned() {
    let arcgis = ArcGis::new().await;
    let mut authority = parameters("ca.example.test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let mut nameless = parameters("x");
    nameless.subject_alt_names.clear();
    nameless.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut own = parameters("own.example.test");
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut over = parameters("over.example.test");
    over.not_after = at(START - 1000).into();
    let mut early = parameters("early.example.test");
    early.not_before = at(START + DAY).into();
    let mut client = parameters("client.example.test");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    for (name, wanted, told) in [
        (
            "authority",
            &authority,
            "it is the certificate of an authority, a root or an intermediate; a server certificate is needed",
        ),
        ("nameless", &nameless, "it is the certificate of an authority"),
        ("over", &over, "it expired on 2026-"),
        ("early", &early, "it is not valid before"),
        ("client", &client, "it is meant for clientAuth and not for servers"),
    ] {
        done(&arcgis.import_pfx(name, "sesame", &self_signed(wanted).pfx("sesame", &[])).await);
        let answer = arcgis.assign(json!({ "identityCertificateName": name })).await;
        let line = refused(&answer, 400);
        assert!(line.starts_with(&format!("\"{name}\" cannot be assigned to the ingress: {told}")), "{line}");
        assert_eq!(answer["error"]["message"], "Unable to update the ingress security configuration.");
    }
    done(&arcgis.import_pfx("own", "sesame", &self_signed(&own).pfx("sesame", &[])).await);
    done(&arcgis.assign(json!({ "identityCertificateName": "own" })).await);
}

#[tokio::test]
async fn a_name_gets_its_next_version_in_place() {
    let arcgis = ArcGis::new().await;
    let (first, second) = (server("maps.example.test"), server("maps.example.test"));
    done(&arcgis.import_pfx("gateway", "sesame", &first.pfx("sesame", &[])).await);
    let before = arcgis.list("identity").await.remove(0);
    let id = before["id"].as_str().unwrap();
    done(&arcgis.assign(json!({ "identityCertificateName": "gateway" })).await);
    let replace = format!("{CERTIFICATES}/identity/{id}/replace");
    let file = |made: &Made| made.pfx("sesame", &[]);
    let parts = |pfx: Vec<u8>| async {
        let pfx = pfx;
        arcgis.multipart(&replace, &[("certificatePassword", "", b"sesame"), ("certificatePfxFile", "b.pfx", &pfx)]).await
    };
    let same = parts(file(&first)).await;
    assert!(refused(&same, 400).contains("stands for this very certificate already"), "{same}");
    let mut over = parameters("maps.example.test");
    over.not_after = at(START - 1000).into();
    let unfit = parts(file(&self_signed(&over))).await;
    assert!(refused(&unfit, 400).contains("cannot be assigned to the ingress: it expired"), "{unfit}");
    assert_eq!(arcgis.list("identity").await, std::slice::from_ref(&before), "nothing half-done");
    done(&parts(file(&second)).await);
    let after = arcgis.list("identity").await.remove(0);
    assert_eq!((&after["id"], &after["name"]), (&before["id"], &before["name"]));
    assert_ne!(after["sha256Fingerprint"], before["sha256Fingerprint"]);
    let usage = arcgis.get(&format!("{CERTIFICATES}/identity/{id}/usage")).await;
    assert_eq!((usage["versions"].as_array().unwrap().len(), &usage["presentedBy"]), (2, &json!(["ingress"])));
    let events = arcgis.test.get("/api/v1/events?operation=named_certificate.replaced").await.expect(200);
    assert_eq!(events["items"][0]["payload"]["after"]["version"], 2);
    assert_eq!(
        arcgis.test.get("/api/v1/certificates").await.expect(200)["items"].as_array().unwrap().len(),
        2,
        "the old one is kept"
    );
}

#[tokio::test]
async fn a_signing_request_is_made_here_and_its_answer_taken() {
    let arcgis = ArcGis::new().await;
    let wanted =
        [("certificateName", "signed"), ("commonName", "maps.example.test"), ("subjectAlternativeNames", "DNS:www.example.test")];
    let answer = arcgis.post(&format!("{CERTIFICATES}/identity/generateCSR"), &wanted).await;
    assert_eq!(answer["status"], "success");
    let csr = rcgen::CertificateSigningRequestParams::from_pem(answer["csr"].as_str().unwrap()).unwrap();
    let mut authority = parameters("ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let signed = csr.signed_by(&issuer).unwrap();
    let bundle = signed.pem() + &issuer.pem();
    let import = format!("{CERTIFICATES}/identity/importSignedCertificate");
    let parts: [Part<'_>; 2] = [("certificateName", "", b"signed"), ("caSignedCertificate", "a.cer", bundle.as_bytes())];
    let foreign = server("foreign.example.test");
    let wrong = arcgis.multipart(&import, &[parts[0], ("caSignedCertificate", "a.cer", &foreign.der)]).await;
    assert!(refused(&wrong, 400).contains("private key was not made for a signing request of yours"), "{wrong}");
    done(&arcgis.multipart(&import, &parts).await);
    let one = arcgis.list("identity").await.remove(0);
    assert_eq!(one["name"], "signed");
    let usage = arcgis.get(&format!("{CERTIFICATES}/identity/{}/usage", one["id"].as_str().unwrap())).await;
    assert_eq!(usage["chain"], json!(["CN=ca"]));
    for (wrong, told) in [
        ([("certificateName", "x"), ("keyAlgorithm", "DSA")], "'keyAlgorithm' and 'keySize' are"),
        ([("certificateName", "x"), ("commonName", "")], "SubjectAlternativeNames: give at least one DNS name."),
        ([("certificateName", ""), ("commonName", "x.example.test")], "'certificateName' must be specified."),
    ] {
        let answer = arcgis.post(&format!("{CERTIFICATES}/identity/generateCSR"), &wrong).await;
        assert!(refused(&answer, 400).starts_with(told), "{answer}");
    }
}

#[tokio::test]
async fn renewal_says_what_is_missing() {
    let arcgis = ArcGis::new().await;
    done(&arcgis.import_pfx("gateway", "sesame", &server("maps.example.test").pfx("sesame", &[])).await);
    let id = arcgis.id("identity", "gateway").await;
    let path = format!("{CERTIFICATES}/identity/{id}/renewal");
    assert_eq!(arcgis.get(&path).await, json!({ "autoRenew": false }));
    let update = format!("{path}/update");
    assert_eq!(refused(&arcgis.post(&update, &[]).await, 400), "'autoRenew' must be specified.");
    let nobody = arcgis.post(&update, &[("autoRenew", "true"), ("issuer", "nobody"), ("dnsProvider", "x")]).await;
    assert!(refused(&nobody, 400).contains("no issuer named \"nobody\""), "{nobody}");
    let odd = arcgis.post(&update, &[("autoRenew", "banana")]).await;
    assert_eq!(refused(&odd, 400), "'autoRenew' must be true or false.");
    done(&arcgis.post(&update, &[("autoRenew", "false")]).await);

    // By a private authority: nothing outside is needed.
    let both = [("autoRenew", "true"), ("privateAuthority", "house"), ("issuer", "Lab CA")];
    assert!(refused(&arcgis.post(&update, &both).await, 400).contains("one issues, not both"));
    let strange = [("autoRenew", "true"), ("privateAuthority", "nobody")];
    assert!(refused(&arcgis.post(&update, &strange).await, 404).contains("private authority"), "no such authority");
    arcgis.test.post("/api/v1/authorities", json!({ "name": "House", "subject": "CN=House" })).await.expect(201);
    done(&arcgis.post(&update, &[("autoRenew", "true"), ("privateAuthority", "house"), ("certificateTemplate", "server")]).await);
    let told = arcgis.get(&path).await;
    assert_eq!(
        (&told["autoRenew"], &told["privateAuthority"], &told["certificateTemplate"]),
        (&json!(true), &json!("House"), &json!("server"))
    );
    assert_eq!((&told["names"], &told["enrollmentPattern"]), (&json!(["maps.example.test"]), &serde_json::Value::Null));
    done(&arcgis.post(&update, &[("autoRenew", "false")]).await);
    assert_eq!(arcgis.get(&path).await["autoRenew"], false);
}
