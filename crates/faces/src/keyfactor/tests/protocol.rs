//! What holds for every request, and how clients sign in.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::{Keyfactor, basic, refused};
use crate::testing::PASSWORD;

#[tokio::test]
async fn every_spelling_of_an_address_is_the_same() {
    let keyfactor = Keyfactor::new().await;
    let bearer = format!("Bearer {}", keyfactor.test.admin);
    for path in [
        "/KeyfactorAPI/Status/HealthCheck",
        "/keyfactorapi/status/healthcheck",
        "/KeyfactorApi//Status/HealthCheck/",
        "/KEYFACTORAPI/STATUS/HEALTHCHECK",
    ] {
        let reply = keyfactor.with("GET", path, &bearer, &[("accept", "text/plain")], "null").await;
        assert_eq!(reply.headers["x-keyfactor-product-version"], "25.1.0.0");
        assert_eq!(reply.status, 204, "{path}");
    }
    let ids = keyfactor.test.import_samples(1).await;
    let path = format!("/KeyfactorAPI/Certificates/{}/Owner%3FcollectionId=0", ids[0]);
    keyfactor.with("Put", &path, &bearer, &[], "{}").await.expect(204);
    refused(keyfactor.get("/No/Such/Thing").await, 404);
    refused(keyfactor.get("").await, 404);
    refused(keyfactor.with("GET", "/KeyfactorAPI/", &bearer, &[], "").await, 404);
    let wrong = keyfactor.call("PATCH", "/Certificates", Value::Null).await;
    assert!(wrong.headers.contains_key(header::ALLOW));
    refused(wrong, 405);
}

#[tokio::test]
async fn headers_are_checked_before_anything_happens() {
    let keyfactor = Keyfactor::new().await;
    let bearer = format!("Bearer {}", keyfactor.test.admin);
    let ask = async |headers: &[(&str, &str)]| keyfactor.with("GET", "/KeyfactorAPI/Certificates", &bearer, headers, "").await;
    let reply = ask(&[("x-keyfactor-requested-with", "")]).await;
    assert_eq!(reply.headers["x-keyfactor-product-version"], "25.1.0.0", "on refusals, too");
    assert_eq!(refused(reply, 400)["ErrorCode"], "0xCE110002");
    ask(&[("x-keyfactor-requested-with", "XMLHttpRequest")]).await.expect(200);
    for version in ["1", "1.0", "2", "2.0"] {
        ask(&[("x-keyfactor-api-version", version)]).await.expect(200);
    }
    assert_eq!(refused(ask(&[("x-keyfactor-api-version", "7")]).await, 400)["ErrorCode"], "0xCE110003");
    let reply = ask(&[("accept", "text/plain")]).await;
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
    assert_eq!(reply.headers.get_all("x-total-count").iter().count(), 1);
    assert_eq!(reply.headers["x-total-count"], "0");
}

#[tokio::test]
async fn names_and_passwords_in_every_form() {
    let keyfactor = Keyfactor::new().await;
    let ask = async |authorization: &str| keyfactor.with("GET", "/KeyfactorAPI/Status/Endpoints", authorization, &[], "").await;
    for name in ["admin", r"\admin", r"EXAMPLE\admin", "admin@example.org", "ADMIN"] {
        let endpoints = ask(&basic(name, PASSWORD)).await.expect(200);
        assert!(endpoints.as_array().unwrap().contains(&json!("PUT /Certificates/{id}/Owner")), "{name}");
    }
    for wrong in [basic("admin", "wrong"), basic("nobody", PASSWORD), "Basic ###".into(), "Digest x".into(), String::new()] {
        let reply = ask(&wrong).await;
        let schemes: Vec<_> = reply.headers.get_all(header::WWW_AUTHENTICATE).iter().collect();
        assert_eq!(schemes.len(), 2, "{wrong}");
        refused(reply, 401);
    }
}

#[tokio::test]
async fn a_password_is_remembered_for_a_minute_and_never_longer_than_it_is_right() {
    let keyfactor = Keyfactor::new().await;
    let test = &keyfactor.test;
    let person = json!({ "kind": "person", "name": "kim", "password": "kim's own password" });
    let id = test.post("/api/v1/principals", person).await.expect(201)["id"].clone();
    let old = basic("kim", "kim's own password");
    let ask = async |authorization: &str| {
        keyfactor.with("GET", "/KeyfactorAPI/Status/HealthCheck", authorization, &[], "").await.status.as_u16()
    };
    assert_eq!(ask(&old).await, 204);
    let events = test.events().await;
    assert_eq!((ask(&old).await, test.events().await), (204, events), "remembered, and nothing is written");
    test.clock.advance(60_000);
    assert_eq!((ask(&old).await, test.events().await), (204, events), "compared again, recorded once an hour");
    test.put(&format!("/api/v1/principals/{id}/password"), json!({ "password": "another long one" })).await.expect(204);
    assert_eq!(ask(&old).await, 401, "at once");
    let new = basic("kim", "another long one");
    assert_eq!(ask(&new).await, 204);
    test.post(&format!("/api/v1/principals/{id}/disable"), json!(null)).await.expect(204);
    assert_eq!(ask(&new).await, 401, "a disabled account is nobody, at once");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let keyfactor = Keyfactor::new().await;
    let person = json!({ "kind": "person", "name": "kim", "password": "kim's own password" });
    keyfactor.test.post("/api/v1/principals", person).await.expect(201);
    let ask = async |name: &str, password: &str| {
        keyfactor.with("GET", "/KeyfactorAPI/Status/HealthCheck", &basic(name, password), &[], "").await
    };
    for guess in 1..5 {
        refused(ask(r"EXAMPLE\kim", &format!("guess {guess}")).await, 401);
    }
    let locked = ask("kim", "guess 5").await;
    assert!(locked.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(refused(locked, 429)["ErrorCode"], "0xCE140002");
    refused(ask("kim", "kim's own password").await, 429);
    keyfactor.test.clock.advance(15 * 60_000 + 1);
    ask("kim", "kim's own password").await.expect(204);
}

async fn token(keyfactor: &Keyfactor, authorization: &str, form: &str) -> crate::testing::Reply {
    let mut request = Request::post("/oauth2/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if !authorization.is_empty() {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    keyfactor.test.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_client_gets_tokens_that_end_with_it() {
    let keyfactor = Keyfactor::new().await;
    let test = &keyfactor.test;
    let (service, _, _) = test.service("robot", &["/certificates/"]).await;
    let clients = format!("/api/v1/principals/{service}/api-clients");
    let made = test.post(&clients, json!({ "name": "script", "scopes": ["/certificates/collections/"] })).await.expect(201);
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    assert!(id.starts_with("chc_") && secret.starts_with("chk_"));
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=a+b&audience=x");
    let reply = token(&keyfactor, "", &form).await;
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    let issued = reply.expect(200);
    assert_eq!((&issued["token_type"], &issued["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let access = issued["access_token"].as_str().unwrap().to_owned();
    let by_header = token(&keyfactor, &basic(id, secret), "grant_type=client_credentials").await.expect(200);
    assert_ne!(by_header["access_token"], issued["access_token"]);
    let ask = async |path: &str| keyfactor.as_somebody(&access, "GET", path, Value::Null).await;
    ask("/Certificates").await.expect(200);
    refused(keyfactor.as_somebody(&access, "POST", "/Certificates/Import", json!({ "Certificate": "" })).await, 403);
    test.call("GET", "/api/v1/certificates", &access, None).await.expect(200);
    // What only the right client says: the claim under which roles are held.
    let claim = json!({ "ClaimType": "OAuthClientId", "ClaimValue": id, "ProviderAuthenticationScheme": "Certhold" });
    let role = json!({ "Name": "Of the script", "Description": "", "Permissions": ["/certificates/collections/revoke/"], "Claims": [claim] });
    keyfactor.second("POST", "/Security/Roles", role).await.expect(200);
    let endpoints = ask("/Status/Endpoints").await.expect(200);
    assert!(endpoints.as_array().unwrap().contains(&json!("POST /Certificates/Revoke")), "{endpoints}");
    assert!(!test.get("/api/v1/events").await.text().contains(&access));
    assert!(!test.get(&clients).await.text().contains(secret));
    test.clock.advance(3_600_000);
    refused(ask("/Certificates").await, 401);
    let access = by_header["access_token"].as_str().unwrap();
    refused(keyfactor.as_somebody(access, "GET", "/Certificates", Value::Null).await, 401);
    let last = token(&keyfactor, "", &form).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let handle = made["id"].as_i64().unwrap();
    test.delete(&format!("/api/v1/api-clients/{handle}")).await.expect(204);
    refused(keyfactor.as_somebody(&last, "GET", "/Certificates", Value::Null).await, 401);
    assert_eq!(token(&keyfactor, "", &form).await.expect(401)["error"], "invalid_client");
}

#[tokio::test]
async fn another_secret_ends_the_old_one() {
    let keyfactor = Keyfactor::new().await;
    let test = &keyfactor.test;
    let mine = format!("/api/v1/principals/{}/api-clients", test.admin_id);
    let made = test.post(&mine, json!({ "name": "script", "scopes": ["/"] })).await.expect(201);
    let id = made["client_id"].as_str().unwrap().to_owned();
    let ask = async |secret: &Value| {
        let secret = secret.as_str().unwrap();
        token(&keyfactor, "", &format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")).await
    };
    let access = ask(&made["client_secret"]).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let renewed = test.post(&format!("/api/v1/api-clients/{}/secret", made["id"]), Value::Null).await.expect(200);
    refused(keyfactor.as_somebody(&access, "GET", "/Certificates", Value::Null).await, 401);
    ask(&made["client_secret"]).await.expect(401);
    ask(&renewed["client_secret"]).await.expect(200);
}

#[tokio::test]
async fn wrong_token_requests_say_what_is_wrong() {
    let keyfactor = Keyfactor::new().await;
    for (authorization, form, status, error) in [
        ("", "", 400, "invalid_request"),
        ("", "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("", "grant_type=client_credentials", 401, "invalid_client"),
        ("", "grant_type=client_credentials&client_id=chc_x", 401, "invalid_client"),
        ("", "grant_type=client_credentials&client_id=chc_x&client_secret=chk_x", 401, "invalid_client"),
        ("Bearer x", "grant_type=client_credentials", 401, "invalid_client"),
        (&basic("chc_x", "chk_x"), "grant_type=client_credentials&client_secret=chk_x", 401, "invalid_client"),
    ] {
        let reply = token(&keyfactor, authorization, form).await;
        assert_eq!(reply.headers[header::CONTENT_TYPE], "application/json");
        let body = reply.expect(status);
        assert_eq!(body["error"], error, "{form}");
        assert!(!body["error_description"].as_str().unwrap().contains("chk_x"));
    }
    for _ in 0..4 {
        token(&keyfactor, "", "grant_type=client_credentials&client_id=chc_x&client_secret=chk_y").await;
    }
    let locked = token(&keyfactor, "", "grant_type=client_credentials&client_id=chc_x&client_secret=chk_y").await;
    assert!(locked.headers.contains_key(header::RETRY_AFTER));
    locked.expect(429);
    let get = keyfactor.test.send(Request::get("/oauth2/token").body(Body::empty()).unwrap()).await;
    assert_eq!(get.headers[header::ALLOW], "POST");
    get.expect(405);
}

#[test]
fn the_page_names_every_area() {
    let page = include_str!("../../../../../docs/keyfactor.md");
    let table = page.split("## What there is").nth(1).unwrap().split("\n## ").next().unwrap();
    for endpoint in crate::keyfactor::endpoints::ENDPOINTS {
        let area = format!("/{}", endpoint.path.split('/').nth(1).unwrap());
        let ends = |rest: &&str| !rest.starts_with(|next: char| next.is_alphanumeric());
        assert!(table.split(&area).skip(1).any(|rest| ends(&rest)), "docs/keyfactor.md does not say what {area} is");
    }
}

#[tokio::test]
async fn a_text_with_nul_is_refused_in_the_shape_of_this_api() {
    let keyfactor = Keyfactor::new().await;
    let id = keyfactor.test.import_samples(1).await[0];
    for path in ["/CertificateCollections/%00", "/MetadataFields/a%00b", "/CertificateStores/%00"] {
        let told = refused(keyfactor.get(path).await, 400);
        assert!(told["Message"].as_str().unwrap().contains("U+0000"), "{path}: {told}");
    }
    let owner = json!({ "NewRoleName": "\u{0}" });
    let told = refused(keyfactor.call("PUT", &format!("/Certificates/{id}/Owner"), owner).await, 400);
    assert!(told["Message"].as_str().unwrap().contains("U+0000"), "{told}");
}
