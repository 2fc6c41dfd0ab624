//! What somebody who is called at night reads: what is wrong, and what to do.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::{Visitor, gist};
use crate::testing::TestApp;

/// A certificate in the inventory that lives from `from` to `until`, in days from now; its number.
async fn certificate(server: &TestApp, name: &str, (from, until): (i64, i64)) -> i64 {
    let mut wanted = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let now = server.app.now() / 1_000;
    let at = |days: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(now + days * 86_400).unwrap());
    (wanted.not_before, wanted.not_after) = (at(from).into(), at(until).into());
    let pair = rcgen::KeyPair::generate().unwrap();
    let content = wanted.self_signed(&pair).unwrap().pem() + &pair.serialize_pem();
    let answer = server.post("/api/v1/certificates", serde_json::json!({ "content": content })).await.expect(200);
    answer["items"][0]["certificate"].as_i64().unwrap()
}

#[tokio::test]
async fn home_does_not_praise_what_may_not_be_seen() {
    let server = TestApp::new().await;
    certificate(&server, "www.example.com", (-10, 80)).await;
    let (_, _, token) = server.service("reader", &["/certificates/collections/read/"]).await;
    let seen = server.call("GET", "/api/v1/overview", &token, None).await.expect(200);
    assert_eq!(seen["troubled"], Value::Null, "{seen}");
    assert_eq!(server.get("/api/v1/overview").await.expect(200)["troubled"], serde_json::json!([]));
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/"]).await;
    let page = eve.page("/").await;
    assert!(!page.contains("does what it should") && page.contains("<code>/renewal/read/</code>"), "{}", gist(&page));
    let (amy, ..) = Visitor::with(&server, "amy", &["/portal/read/", "/certificates/collections/read/", "/renewal/read/"]).await;
    let page = amy.page("/").await;
    assert!(page.contains("does what it should") && !page.contains("<code>/renewal/read/</code>"), "{}", gist(&page));
}
