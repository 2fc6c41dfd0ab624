//! What the listener presents and what signs SAML messages, as this API changes it. Handshakes are in the stories of the started server.

use std::sync::Arc;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use super::*;
use crate::listener::TlsAssignment;
use crate::state::Settings;

const INGRESS: &str = "/arcgis/admin/security/ingress";

async fn with_tls() -> ArcGis {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let tls: Arc<TlsAssignment> = TlsAssignment::new(vec![made.cert.der().clone()], key).unwrap();
    ArcGis::on(TestApp::with(Settings { plain_http: true, tls: Some(tls), ..Settings::default() }).await).await
}

#[tokio::test]
async fn what_is_not_named_stays_as_it_is() {
    let arcgis = with_tls().await;
    let own = json!({
        "cipherSuites": "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:\
            ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305",
        "httpsProtocols": "TLSv1.2,TLSv1.3", "tlsSecretName": "", "identityCertificateName": "", "isTlsSecretSystemManaged": true,
    });
    assert_eq!(arcgis.get(INGRESS).await, own);
    for name in ["one", "two"] {
        done(&arcgis.import_pfx(name, "sesame", &server(&format!("{name}.example.test")).pfx("sesame", &[])).await);
    }
    done(&arcgis.assign(json!({ "identityCertificateName": "one" })).await);
    done(&arcgis.assign(json!({ "httpsProtocols": "TLSv1.3" })).await);
    let now = arcgis.get(INGRESS).await;
    assert_eq!((&now["identityCertificateName"], &now["httpsProtocols"]), (&json!("one"), &json!("TLSv1.3")));
    // What was read is written back, with one change; and the client that uses the other parameter's name.
    let mut whole = now.clone();
    whole["identityCertificateName"] = json!("two");
    done(&arcgis.post(&format!("{INGRESS}/update"), &[("samlSecurityConfig", &whole.to_string())]).await);
    assert_eq!(arcgis.get(INGRESS).await, whole);
    done(&arcgis.assign(json!({ "cipherSuites": "ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256" })).await);
    assert_eq!(arcgis.get(INGRESS).await["cipherSuites"], "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
    let before = arcgis.test.events().await;
    done(&arcgis.assign(json!({})).await);
    done(&arcgis.assign(json!({ "identityCertificateName": "two" })).await);
    assert_eq!(arcgis.test.events().await, before, "nothing changed, nothing is written");
    done(&arcgis.assign(json!({ "identityCertificateName": "" })).await);
    assert_eq!(arcgis.get(INGRESS).await["identityCertificateName"], "");
    let events = arcgis.test.get("/api/v1/events?operation=assignment.").await.expect(200);
    assert_eq!(events["items"][0]["payload"], json!({ "before": { "identity": "two" }, "after": { "identity": null } }));
}

#[tokio::test]
async fn what_nobody_could_connect_with_is_refused() {
    let arcgis = with_tls().await;
    done(&arcgis.import_pfx("one", "sesame", &server("one.example.test").pfx("sesame", &[])).await);
    done(&arcgis.assign(json!({ "identityCertificateName": "one" })).await);
    let (config, before) = (arcgis.get(INGRESS).await, arcgis.test.events().await);
    for (change, told) in [
        (json!({ "identityCertificateName": "nobody" }), "There is no identity certificate named \"nobody\"."),
        (json!({ "identityCertificateName": 7 }), "'identityCertificateName' is not text."),
        (json!({ "httpsProtocols": "" }), "'httpsProtocols' is not a list of"),
        (json!({ "httpsProtocols": "TLSv1.1,TLSv1.2" }), "is not spoken here any more (RFC 8996)"),
        (json!({ "httpsProtocols": "SSLv3" }), "'httpsProtocols' is not a list of"),
        (json!({ "cipherSuites": "RC4-SHA" }), "'cipherSuites' names \"RC4-SHA\", which is not one of"),
        (json!({ "cipherSuites": "" }), "CipherSuites: at least one is needed"),
        (
            json!({ "cipherSuites": "ECDHE-RSA-AES128-GCM-SHA256", "httpsProtocols": "TLSv1.2" }),
            "none of the cipher suites works with its EC key",
        ),
        (json!({ "isTlsSecretSystemManaged": false, "tlsSecretName": "x" }), "there are no secrets of a cluster here"),
        (json!({ "hsts": true }), "'hsts' is not one of the properties"),
    ] {
        let answer = arcgis.assign(change.clone()).await;
        let line = refused(&answer, 400);
        assert!(line.contains(told), "{change}: {line}");
    }
    for text in ["", "x", "[]", "7"] {
        let answer = arcgis.post(&format!("{INGRESS}/update"), &[("ingressSecurityConfig", text)]).await;
        assert!(refused(&answer, 400).starts_with("'ingressSecurityConfig'"), "{answer}");
    }
    assert_eq!((arcgis.get(INGRESS).await, arcgis.test.events().await), (config, before));
    let id = arcgis.id("identity", "one").await;
    let answer = arcgis.post(&format!("{CERTIFICATES}/identity/{id}/delete"), &[]).await;
    assert_eq!(refused(&answer, 400), "The certificate \"one\" is assigned to the ingress: assign another one first.");
    assert_eq!(answer["error"]["message"], "Unable to delete the certificate.");
}

#[tokio::test]
async fn a_version_that_tls_cannot_use_is_refused_before_it_is_written() {
    let arcgis = with_tls().await;
    done(&arcgis.import_pfx("one", "sesame", &server("one.example.test").pfx("sesame", &[])).await);
    done(&arcgis.assign(json!({ "identityCertificateName": "one" })).await);
    let id = arcgis.id("identity", "one").await;
    let replace = async |pfx: &[u8]| {
        let parts: [Part<'_>; 2] = [("certificatePassword", "", b"sesame"), ("certificatePfxFile", "a.pfx", pfx)];
        arcgis.multipart(&format!("{CERTIFICATES}/identity/{id}/replace"), &parts).await
    };
    done(&arcgis.assign(json!({ "httpsProtocols": "TLSv1.2", "cipherSuites": "ECDHE-ECDSA-AES128-GCM-SHA256" })).await);
    let (before, entry) = (arcgis.test.events().await, arcgis.list("identity").await);
    // The suites of the listener go with EC keys, and nothing in TLS goes with this curve.
    let answer = replace(include_bytes!("secp256k1.pfx")).await;
    assert!(refused(&answer, 400).contains("TLS cannot use its key"), "{answer}");
    assert_eq!((arcgis.test.events().await, arcgis.list("identity").await), (before, entry));
    done(&replace(&server("one.example.test").pfx("sesame", &[])).await);
}

#[tokio::test]
async fn saml_takes_the_certificate_of_its_name() {
    let arcgis = ArcGis::new().await;
    let saml = "/arcgis/admin/security/saml";
    let update =
        async |config: Value| arcgis.post(&format!("{saml}/update"), &[("samlSecurityConfig", &config.to_string())]).await;
    let none = update(json!({ "enabled": true, "identityCertificateName": "samlcert" })).await;
    assert_eq!(refused(&none, 400), "There is no identity certificate named \"samlcert\".");
    let named = update(json!({ "identityCertificateName": "samlcert" })).await;
    assert_eq!(refused(&named, 400), "There is no identity certificate named \"samlcert\".");
    done(&arcgis.import_pfx("samlcert", "sesame", &server("saml.example.test").pfx("sesame", &[])).await);
    let other = update(json!({ "enabled": true, "identityCertificateName": "gateway" })).await;
    assert!(refused(&other, 400).contains("must be \"samlcert\""), "{other}");
    refused(&update(json!({ "enabled": "yes" })).await, 400);
    done(&update(json!({ "enabled": true, "identityCertificateName": "samlcert" })).await);
    assert_eq!(arcgis.get(saml).await, json!({ "enabled": true, "identityCertificateName": "samlcert" }));
    let id = arcgis.id("identity", "samlcert").await;
    let delete = format!("{CERTIFICATES}/identity/{id}/delete");
    assert!(refused(&arcgis.post(&delete, &[]).await, 400).contains("is assigned to SAML"));
    done(&update(json!({ "enabled": false })).await);
    done(&arcgis.post(&delete, &[]).await);
}
