//! Every form refuses whoever may not send it, and changes nothing.

use axum::body::Body;
use axum::http::{Request, header};

use super::{Visitor, furnish, gist, location, post};
use crate::testing::{TestApp, sample_pem};

/// Every form with fields that the administrator could send.
fn forms(
    certificate: i64,
    found: &super::Furnished,
    user: i64,
    service: i64,
    role: i64,
) -> Vec<(String, Vec<(&'static str, String)>)> {
    let managed = found.managed;
    let deployments = format!("/managed/{managed}/deployments/{}", found.deployment);
    let own = |name: &'static str, value: &str| (name, value.to_owned());
    vec![
        (format!("/certificates/{certificate}/owner"), vec![own("owner", &role.to_string())]),
        (format!("/certificates/{certificate}/metadata"), vec![own("noted-1", "x")]),
        ("/metadata/new".into(), vec![own("name", "Tier"), own("type", "integer"), own("enrolment", "optional")]),
        ("/metadata/1".into(), vec![own("name", "Tier"), own("type", "integer"), own("enrolment", "optional")]),
        ("/metadata/1/remove".into(), vec![]),
        ("/edits/preview".into(), vec![own("kind", "metadata"), own("field", "Team"), own("value", "x")]),
        ("/edits/new".into(), vec![own("kind", "owner"), own("owner", &role.to_string())]),
        ("/edits/1/cancel".into(), vec![]),
        ("/edits/preview".into(), vec![own("chosen", &format!("ids:{certificate}")), own("kind", "remove")]),
        ("/certificates/chosen".into(), vec![own("do", "remove"), own("ids", &certificate.to_string())]),
        ("/certificates/chosen".into(), vec![own("do", "pem"), own("which", "all")]),
        (format!("/certificates/{certificate}/remove"), vec![]),
        (format!("/certificates/{certificate}/exclude"), vec![]),
        ("/exclusions/1/remove".into(), vec![]),
        (format!("/certificates/{certificate}/key/export"), vec![own("format", "pem"), own("reason", "x")]),
        (format!("/certificates/{certificate}/key/destroy"), vec![own("why", "x")]),
        ("/key-requests".into(), vec![own("names", "new.example.com"), own("key", "p256")]),
        ("/key-requests/1/remove".into(), vec![]),
        (
            "/managed/new".into(),
            vec![
                own("names", "new.example.com"),
                own("issuer", &found.issuer.to_string()),
                own("dns_provider", &found.provider.to_string()),
                own("key", "p256"),
            ],
        ),
        (format!("/managed/{managed}/renew"), vec![]),
        (format!("/managed/{managed}/pause"), vec![]),
        (format!("/managed/{managed}/resume"), vec![]),
        (format!("/managed/{managed}/remove"), vec![]),
        (format!("/managed/{managed}/deployments/new"), vec![own("name", "x"), own("full_chain", "/tmp/x.pem")]),
        (format!("{deployments}/run"), vec![]),
        (format!("{deployments}/remove"), vec![]),
        ("/issuers/new".into(), vec![own("name", "B"), own("directory", "https://b.example/dir"), own("terms", "true")]),
        (format!("/issuers/{}/remove", found.issuer), vec![]),
        (
            "/dns-providers/new".into(),
            vec![own("kind", "powerdns"), own("name", "B"), own("url", "http://127.0.0.1:1"), own("api_key", "k")],
        ),
        (format!("/dns-providers/{}", found.provider), vec![own("name", "C"), own("url", "http://127.0.0.1:2")]),
        (format!("/dns-providers/{}/remove", found.provider), vec![]),
        ("/users/new".into(), vec![own("name", "bob"), own("password", "a long enough word")]),
        ("/service-accounts/new".into(), vec![own("name", "bot")]),
        (format!("/users/{user}/roles"), vec![own("role", &role.to_string())]),
        (format!("/users/{user}/password"), vec![own("password", "a long enough word")]),
        (format!("/users/{user}/disable"), vec![]),
        (format!("/users/{user}/enable"), vec![]),
        (format!("/service-accounts/{service}/tokens"), vec![own("token_name", "t"), own("token_expires", "7")]),
        (format!("/users/{user}/tokens/1/revoke"), vec![]),
        (format!("/service-accounts/{service}/tokens/1/revoke"), vec![]),
        (format!("/service-accounts/{service}/disable"), vec![]),
        (format!("/service-accounts/{service}/enable"), vec![]),
        (format!("/service-accounts/{service}/roles"), vec![own("role", &role.to_string())]),
        ("/collections/new".into(), vec![own("name", "New"), own("query", "KeySize -lt 2048")]),
        (format!("/collections/{}", found.collection), vec![own("name", "Renamed"), own("query", "")]),
        (format!("/collections/{}/copy", found.collection), vec![own("copy_name", "Copy")]),
        (format!("/collections/{}/favourite", found.collection), vec![own("favourite", "true")]),
        (format!("/collections/{}/remove", found.collection), vec![]),
        (
            format!("/collections/{}/rights", found.collection),
            vec![own("role", &role.to_string()), own("right", &format!("/certificates/collections/read/{}/", found.collection))],
        ),
        (format!("/collections/{}/rights/take", found.collection), vec![own("role", &role.to_string())]),
        ("/containers/1/rights".into(), vec![own("role", &role.to_string()), own("right", "/certificate_stores/read/1/")]),
        ("/containers/1/rights/take".into(), vec![own("role", &role.to_string())]),
        (format!("/roles/{role}/members"), vec![own("member", "admin")]),
        (format!("/roles/{role}/members/{user}/remove"), vec![]),
        ("/roles/new".into(), vec![own("name", "R"), own("permissions", "/portal/read/")]),
        (format!("/roles/{role}"), vec![own("name", "R"), own("permissions", "/portal/read/")]),
        (format!("/roles/{role}/remove"), vec![]),
        ("/permission-sets/new".into(), vec![own("name", "S"), own("grant", "/portal/read/")]),
        ("/permission-sets/2".into(), vec![own("name", "S"), own("grant", "/portal/read/")]),
        ("/permission-sets/2/remove".into(), vec![]),
        ("/claims".into(), vec![own("type", "group"), own("value", "ops"), own("provider", "corporate")]),
        ("/claims/1/roles".into(), vec![own("role", &role.to_string())]),
        ("/claims/1/describe".into(), vec![own("description", "other")]),
        ("/claims/1/remove".into(), vec![]),
        (
            "/identity-providers/new".into(),
            vec![
                own("name", "Corporate"),
                own("issuer", "https://sso.example.org"),
                own("audiences", "certhold"),
                own("subject_claims", "sub"),
            ],
        ),
        ("/identity-providers/1".into(), vec![own("audiences", "certhold"), own("subject_claims", "sub")]),
        ("/identity-providers/1/remove".into(), vec![]),
        ("/access/review/export".into(), vec![]),
        (format!("/users/{user}/sessions/987/end"), vec![]),
        ("/trust-sets/new".into(), vec![own("name", "T")]),
        ("/trust-sets/1".into(), vec![own("name", "T")]),
        ("/trust-sets/1/remove".into(), vec![]),
        ("/events/check".into(), vec![]),
        (
            "/authorities/new".into(),
            vec![own("name", "R"), own("subject", "CN=R"), own("key", "p256"), own("days", "9"), own("list_days", "7")],
        ),
        ("/authorities/1/retire".into(), vec![]),
        ("/enrol".into(), vec![own("template", "server"), own("way", "made"), own("key", "p256"), own("names", "a.example")]),
        ("/patterns/new".into(), vec![own("name", "P"), own("template", "server"), own("owner_policy", "optional")]),
        ("/patterns/1".into(), vec![own("name", "P"), own("template", "server"), own("owner_policy", "optional")]),
        ("/patterns/1/remove".into(), vec![]),
        ("/patterns/owner-policy".into(), vec![own("owner_policy", "required")]),
        ("/patterns/templates/1".into(), vec![own("owner_policy", "required")]),
        (format!("/certificates/{certificate}/revoke"), vec![own("reason", "4"), own("comment", "x")]),
        (format!("/certificates/{certificate}/renew"), vec![]),
        (format!("/service-accounts/{service}/clients"), vec![own("client_name", "c")]),
        (format!("/service-accounts/{service}/clients/1/secret"), vec![]),
        (format!("/service-accounts/{service}/clients/1/revoke"), vec![]),
    ]
}

/// Forms that everybody may send for themselves.
const OWN: [&str; 11] = [
    "/api/docs/keyfactor/try/op-post-security-claims",
    "/api/docs/try/op-post-api-v1-claims",
    "/account/password",
    "/account/theme",
    "/account/tokens",
    "/account/tokens/1/revoke",
    "/account/clients",
    "/account/clients/1/secret",
    "/account/clients/1/revoke",
    "/account/sessions/1/revoke",
    "/logout",
];

#[tokio::test]
async fn nobody_changes_anything_without_session_token_and_permission() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let certificate = server.import_samples(1).await[0];
    let found = furnish(&admin).await;
    let (service, ..) = server.service("bot", &["/portal/read/"]).await;
    let (eve, user, role) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let forms = forms(certificate, &found, user.0, service.0, role.0);
    let before = server.events().await;
    let all = forms.iter().map(|(path, fields)| (path.as_str(), fields.as_slice())).chain(OWN.map(|path| (path, &[][..])));
    for (path, fields) in all {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = server.send(post(path, "", &fields)).await;
        let back = url::form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
        let door = if path == "/logout" { "/login".to_owned() } else { format!("/login?next={back}&lost=true") };
        assert_eq!((reply.status.as_u16(), location(&reply)), (303, door.as_str()), "{path} without a session");
        let reply = server.send(post(path, "certhold=chs_unknown", &fields)).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (303, door.as_str()), "{path} with an unknown session");

        let mut forged = fields.clone();
        forged.push(("csrf", &eve.csrf));
        let reply = server.send(post(path, &admin.cookie, &forged)).await;
        assert_eq!(reply.status, 403, "{path} with the token of another session");
        assert!(reply.text().contains("reload the page"), "{path}: {}", gist(&reply.text()));
        let mut foreign = post(path, &admin.cookie, &[("csrf", admin.csrf.as_str())]);
        foreign.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        assert_eq!(server.send(foreign).await.status, 403, "{path} from another site");

        let json = Request::post(path).header(header::CONTENT_TYPE, "application/json").header(header::COOKIE, &admin.cookie);
        let reply = server.send(json.body(Body::from("{}")).unwrap()).await;
        assert_eq!(reply.status, 400, "{path} with JSON");
        assert!(reply.text().contains("This is not what a form of these pages sends."), "{path}");
    }
    for (path, fields) in &forms {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = eve.post(path, &fields).await;
        assert_eq!(reply.status, 403, "{path} without the permission: {}", gist(&reply.text()));
        assert!(reply.text().contains("<code>/"), "{path} names what is missing: {}", gist(&reply.text()));
    }
    assert_eq!(server.events().await, before, "nothing was changed");
}

#[tokio::test]
async fn imports_need_session_token_and_permission() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let before = server.events().await;
    let pem = sample_pem(1);
    let files: [(&str, &[u8]); 1] = [("a.pem", pem.as_bytes())];
    let nobody = Visitor { server: &server, cookie: String::new(), csrf: String::new() };
    assert_eq!(location(&nobody.import("", &files, "").await), "/login?next=%2Fimport&lost=true");
    assert_eq!(admin.import(&eve.csrf, &files, "").await.status, 403);
    let reply = eve.import(&eve.csrf, &files, "").await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("<code>/certificates/import/</code>"));
    assert_eq!(server.events().await, before);
    assert_eq!(eve.get("/import").await.status, 403, "nor is the form shown");
}

#[tokio::test]
async fn pages_name_the_permission_that_is_missing() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let certificate = server.import_samples(1).await[0];
    let found = furnish(&admin).await;
    let (eve, user, role) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let pages = [
        ("/certificates".to_owned(), "/certificates/collections/read/"),
        (format!("/certificates/{certificate}"), "/certificates/collections/read/"),
        ("/certificates/99999".to_owned(), "/certificates/collections/read/"),
        (format!("/certificates/{certificate}/der"), "/certificates/collections/read/"),
        ("/import".to_owned(), "/certificates/import/"),
        ("/key-requests".to_owned(), "/certificates/key_requests/read/"),
        ("/key-requests/1".to_owned(), "/certificates/key_requests/read/"),
        (format!("/certificates/{certificate}/key"), "/certificates/collections/private_key/read/"),
        ("/certificates.csv".to_owned(), "/certificates/collections/read/"),
        ("/events/1".to_owned(), "/auditing/read/"),
        ("/events/99999".to_owned(), "/auditing/read/"),
        ("/metadata/new".to_owned(), "/metadata/types/modify/"),
        ("/metadata/1".to_owned(), "/metadata/types/modify/"),
        ("/edits/new".to_owned(), "/certificates/collections/read/"),
        ("/managed".to_owned(), "/renewal/read/"),
        (format!("/managed/{}", found.managed), "/renewal/read/"),
        ("/managed/new".to_owned(), "/renewal/modify/"),
        (format!("/managed/{}/deployments/new", found.managed), "/renewal/deployments/modify/"),
        ("/issuers".to_owned(), "/certificate_authorities/read/"),
        (format!("/issuers/{}", found.issuer), "/certificate_authorities/read/"),
        ("/issuers/new".to_owned(), "/certificate_authorities/modify/"),
        ("/dns-providers".to_owned(), "/dns_providers/read/"),
        (format!("/dns-providers/{}", found.provider), "/dns_providers/read/"),
        ("/dns-providers/new".to_owned(), "/dns_providers/modify/"),
        ("/users".to_owned(), "/security/read/"),
        (format!("/users/{user}"), "/security/read/"),
        ("/service-accounts".to_owned(), "/security/read/"),
        ("/users/new".to_owned(), "/security/modify/"),
        ("/roles".to_owned(), "/security/read/"),
        (format!("/roles/{role}"), "/security/read/"),
        ("/roles/new".to_owned(), "/security/modify/"),
        ("/permission-sets".to_owned(), "/security/read/"),
        ("/permission-sets/1".to_owned(), "/security/read/"),
        ("/permission-sets/new".to_owned(), "/security/modify/"),
        ("/claims".to_owned(), "/security/read/"),
        ("/claims/1".to_owned(), "/security/read/"),
        ("/access/review".to_owned(), "/security/read/"),
        ("/access/why?user=admin&action=/certificates/import/".to_owned(), "/security/read/"),
        ("/trust-sets".to_owned(), "/certificates/collections/read/"),
        ("/trust-sets/1".to_owned(), "/certificates/collections/read/"),
        ("/trust-sets/new".to_owned(), "/trust_sets/modify/"),
        ("/events".to_owned(), "/auditing/read/"),
    ];
    for (page, missing) in pages {
        let reply = eve.get(&page).await;
        assert_eq!(reply.status, 403, "{}", gist(&page));
        assert!(reply.text().contains(&format!("<code>{missing}</code>")), "{page}: {}", gist(&reply.text()));
    }
}

#[tokio::test]
async fn what_is_tried_from_a_reference_is_done_with_the_readers_rights() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let path = "/api/docs/keyfactor/try/op-post-security-claims";
    let claim = r#"{"ClaimType": 1, "ClaimValue": "tried"}"#;
    let headers = ("headers", "x-keyfactor-requested-with: APIClient");
    let before = server.events().await;
    let page = eve.post(path, &[headers, ("body", claim)]).await;
    assert!(page.text().contains("403 Forbidden") && page.text().contains("/security/modify/"), "{}", gist(&page.text()));
    // The page's own session is not sent to whoever is called, and a token goes over it.
    let page = admin.post(path, &[headers, ("body", claim), ("token", "cht_garbage")]).await;
    assert!(page.text().contains("401 Unauthorized") && !page.text().contains("cht_garbage"), "{}", gist(&page.text()));
    let page = admin.post(path, &[("headers", ""), ("body", claim)]).await;
    assert!(page.text().contains("400 Bad Request"), "the API's own rules hold: {}", gist(&page.text()));
    let page = admin.post("/api/docs/keyfactor/try/op-get-security-claims-id", &[headers]).await;
    assert_eq!(page.status, 422);
    assert_eq!(server.events().await, before, "nothing was changed");
    let page = admin.post(path, &[headers, ("body", claim)]).await;
    assert!(page.text().contains("200 OK"), "{}", gist(&page.text()));
    assert_eq!(server.events().await, before + 1);
    assert_eq!(admin.get("/api/docs/keyfactor/try/op-none").await.status, 404);
}
