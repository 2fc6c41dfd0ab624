//! Metadata and edits of many certificates, by forms.

use certhold_domain::bulk;
use certhold_domain::jobs::{self, JobKind};

use super::{Visitor, gist, location};
use crate::testing::TestApp;

#[tokio::test]
async fn metadata_is_defined_noted_and_refused_at_its_place() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let certificate = server.import_samples(1).await[0];
    let field = [("name", "Tier"), ("type", "integer"), ("enrolment", "optional"), ("hint", "1 to 3")];
    let page = admin.follow("/metadata/new", &field).await;
    assert!(page.contains("The field was added."), "{}", gist(&page));
    let reply = admin.post("/metadata/new", &[("name", "two words"), ("type", "string"), ("enrolment", "optional")]).await;
    assert!(reply.status == 422 && reply.text().contains("begins with a letter"), "{}", gist(&reply.text()));
    let reply = admin.post("/metadata/1", &[("name", "Tier"), ("type", "nonsense"), ("enrolment", "optional")]).await;
    assert_eq!(reply.status, 422);

    let path = format!("/certificates/{certificate}/metadata");
    let reply = admin.post(&path, &[("noted-1", "many")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("is not a whole number") && reply.text().contains("value=\"many\""), "{}", gist(&reply.text()));
    let page = admin.follow(&path, &[("noted-1", "2")]).await;
    assert!(page.contains("What is noted about the certificate was changed."));
    assert!(admin.follow(&path, &[("noted-1", "2")]).await.contains("Nothing changed."));
    let page = admin.page(&format!("/certificates/{certificate}")).await;
    assert!(page.contains("<dt><bdi>Tier</bdi></dt><dd><span class=\"pre\">2</span>"), "{}", gist(&page));

    let page = admin.follow("/metadata/1/remove", &[]).await;
    assert!(page.contains("needs force"), "{}", gist(&page));
    assert!(admin.follow("/metadata/1/remove", &[("force", "true")]).await.contains("The field was removed."));
}

#[tokio::test]
async fn many_are_edited_after_a_look() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(30).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    let before = server.events().await;
    let wanted = [("q", ""), ("owned", ""), ("kind", "metadata"), ("field", "Team"), ("value", "Web")];
    let looked = admin.post("/edits/preview", &wanted).await.text();
    assert!(looked.contains("30 certificates are selected") && looked.contains("Edit 30 certificates"), "{}", gist(&looked));
    assert_eq!(server.events().await, before, "looking changes nothing");
    let digest = looked.split("name=\"digest\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let wrong = admin.post("/edits/preview", &[("kind", "metadata"), ("field", "Nonsense"), ("value", "x")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("no metadata field"), "{}", gist(&wrong.text()));

    let confirmed: Vec<(&str, &str)> = wanted.into_iter().chain([("digest", digest.as_str())]).collect();
    let reply = admin.post("/edits/new", &confirmed).await;
    assert_eq!(location(&reply), "/edits/1");
    let page = admin.page("/edits/1").await;
    assert!(page.contains("http-equiv=\"refresh\""), "{}", gist(&page));
    // The worker's part.
    let now = server.app.now();
    let claim = server.app.write(move |tx| jobs::claim_one(tx, JobKind::BulkEdit, 1, "test", now)).await;
    let lease = claim.unwrap().unwrap();
    while server.app.write(move |tx| bulk::step(tx, &lease, now)).await.unwrap() == bulk::Progress::More {}
    let page = admin.page("/edits/1").await;
    assert!(!page.contains("http-equiv=\"refresh\"") && page.contains("30 of 30 certificates"), "{}", gist(&page));
    assert!(admin.page("/edits").await.contains("Set Team to “Web”."));
    assert!(admin.follow("/edits/1/cancel", &[]).await.contains("30 of 30"), "what has ended stays as it is");
    let eve = Visitor::with(&server, "eve", &["/portal/read/"]).await.0;
    assert_eq!(eve.get("/edits/1").await.status, 404, "edits of others are nobody's business");
}
