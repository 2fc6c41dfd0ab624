//! Every address is called without a token, with wrong ones, by the wrong method and without the permission; the table of addresses is
//! the one that the router is made of.

use serde_json::json;

use super::super::routes::{LINES, Needs, Verb};
use super::*;

fn path(line: &super::super::routes::Line) -> String {
    format!("/arcgis{}", line.path.replace("{id}", "cc1mm3jpkfkhnkx243mp1").replace("{name}", "admin"))
}

const METHODS: [&str; 2] = ["GET", "POST"];

/// Whether an address is for the directory's own pages and clients of OAuth.
fn is_json(line: &super::super::routes::Line) -> bool {
    !line.path.contains("oauth2") && !line.path.starts_with("/static") && line.path != "/admin/login"
}

#[tokio::test]
async fn without_a_valid_token_nothing_happens() {
    let arcgis = ArcGis::new().await;
    let expired = arcgis.test.token(arcgis.test.admin_id, &["/"], Some(arcgis.test.app.now() + 1)).await;
    arcgis.test.clock.advance(2);
    let before = arcgis.test.events().await;
    let lines = || LINES.iter().filter(|line| line.needs != Needs::Nothing);
    assert!(lines().count() > 20);
    for line in lines() {
        for method in METHODS.iter().filter(|method| **method == "POST" || line.verb == Verb::Resource) {
            let path = format!("{}?f=json", path(line));
            let answer = arcgis.send(method, &path, &[], Vec::new()).await.expect(200);
            let line_of = refused(&answer, 499);
            assert!(line_of.starts_with("Send a token") && answer["error"]["message"] == "Token required.", "{method} {path}");
            for wrong in ["garbage", "chb_x", "cht_x", "chs_x", &expired] {
                let bearer = format!("Bearer {wrong}");
                let answer = arcgis.send(method, &path, &[("authorization", &bearer)], Vec::new()).await.expect(200);
                refused(&answer, 498);
                assert_eq!(answer["error"]["message"], "Invalid token.", "{method} {path} with {wrong}");
            }
        }
    }
    assert_eq!(arcgis.test.events().await, before, "something was written");
}

#[tokio::test]
async fn without_the_permission_nothing_happens() {
    let arcgis = ArcGis::new().await;
    let (_, _, nobody) = arcgis.test.service("nobody", &[]).await;
    let (_, _, reader) = arcgis.test.service("reader", &["/named_certificates/read/"]).await;
    let (_, _, other) = arcgis.test.service("other", &["/certificates/", "/security/", "/renewal/", "/trust_sets/"]).await;
    let before = arcgis.test.events().await;
    for line in LINES.iter().filter(|line| matches!(line.needs, Needs::Read | Needs::Modify)) {
        let who: &[&String] = if line.needs == Needs::Modify { &[&nobody, &reader, &other] } else { &[&nobody, &other] };
        for token in who {
            let bearer = format!("Bearer {token}");
            let answer = arcgis.send("POST", &format!("{}?f=json", path(line)), &[("authorization", &bearer)], Vec::new()).await;
            let answer = answer.expect(200);
            let told = refused(&answer, 403);
            assert!(told.contains("/named_certificates/"), "{}: {told}", line.path);
        }
    }
    assert_eq!(arcgis.test.events().await, before, "something was written");
}

#[tokio::test]
async fn methods_and_formats_are_those_of_the_table() {
    let arcgis = ArcGis::new().await;
    for line in LINES.iter().filter(|line| is_json(line)) {
        let (path, bearer) = (path(line), format!("Bearer {}", arcgis.test.admin));
        let headers = [("authorization", bearer.as_str())];
        for method in ["PUT", "DELETE", "PATCH"] {
            let answer = arcgis.send(method, &format!("{path}?f=json"), &headers, Vec::new()).await.expect(200);
            refused(&answer, 405);
        }
        if line.verb == Verb::Operation {
            let answer = arcgis.send("GET", &format!("{path}?f=json"), &headers, Vec::new()).await.expect(200);
            assert_eq!(refused(&answer, 405), "Send this operation by POST.");
        }
        let slash = arcgis.send("POST", &format!("{path}/?f=json"), &headers, Vec::new()).await;
        assert_eq!(slash.status, 200, "{path}/");
        let answer = arcgis.send("POST", &format!("{path}?f=xml"), &headers, Vec::new()).await.expect(200);
        assert_eq!(refused(&answer, 400), "The format \"xml\" is not one of html, json, pjson.");
        let page = arcgis.send("GET", &path, &headers, Vec::new()).await;
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        assert_eq!(page.headers["x-frame-options"], "DENY", "{path}");
        assert!(arcgis.send("HEAD", &format!("{path}?f=json"), &headers, Vec::new()).await.status == 200, "{path}");
        let preflight = arcgis.send("OPTIONS", &path, &[("origin", "https://app.example.test")], Vec::new()).await;
        assert_eq!((preflight.status.as_u16(), &preflight.headers["access-control-allow-origin"]), (204, &"*".parse().unwrap()));
        assert!(!preflight.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_in_its_format() {
    let arcgis = ArcGis::new().await;
    for path in ["/arcgis/admin/nothing", "/arcgis/admin/security/certificates/identity/x/y", "/arcgis/sharing/rest/nothing"] {
        assert_eq!(refused(&arcgis.get(path).await, 404), "There is nothing at this address.");
        assert_eq!(arcgis.send("GET", path, &[], Vec::new()).await.status, 404, "a page has the status");
    }
    for path in ["/arcgis", "/arcgis/", "/arcgis/info?f=json", "/arcgis/rest/info?f=json", "/arcgis/rest/services?f=json"] {
        let reply = arcgis.send("GET", path, &[], Vec::new()).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(!reply.headers.contains_key("www-authenticate"), "it would switch a client's way of signing in");
    }
    let large = vec![b'x'; 3 * 1024 * 1024];
    let bearer = format!("Bearer {}", arcgis.test.admin);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let answer = arcgis.send("POST", &format!("{CERTIFICATES}/identity/import?f=json"), &headers, large).await.expect(200);
    assert!(refused(&answer, 400).contains("2097152 octets, the limit"), "{answer}");
    assert_eq!(
        arcgis.get("/arcgis/admin/security/saml").await,
        json!({ "enabled": false, "identityCertificateName": "samlcert" })
    );
}
