//! Several certificates at once: what is chosen is what is changed, sent or removed.

use certhold_domain::bulk;
use certhold_domain::jobs::{self, JobKind};

use super::{Visitor, attributes, gist, location};
use crate::testing::TestApp;

/// The worker's part of an edit.
async fn work(server: &TestApp, edit: i64) {
    let now = server.app.now();
    let lease = server.app.write(move |tx| jobs::claim_one(tx, JobKind::BulkEdit, edit, "test", now)).await.unwrap().unwrap();
    while server.app.write(move |tx| bulk::step(tx, &lease, now)).await.unwrap() == bulk::Progress::More {}
}

/// The fields that the preview on this page sends again.
fn confirmed(page: &str) -> Vec<(String, String)> {
    let form = page.split("action=\"/edits/new\"").nth(1).unwrap_or_default().split("</form>").next().unwrap_or_default();
    let names = attributes(form, "name");
    let values = attributes(form, "value");
    names.into_iter().zip(values).filter(|(name, _)| name != "csrf").collect()
}

async fn confirm(admin: &Visitor<'_>, page: &str) -> String {
    let fields = confirmed(page);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    admin.follow("/edits/new", &fields).await
}

#[tokio::test]
async fn what_is_ticked_is_handed_on() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(60).await;
    let (first, second) = (ids[0].to_string(), ids[1].to_string());
    let page = admin.page("/certificates?sort=expiry").await;
    assert_eq!(page.matches("data-tick>").count(), 50, "a box for each row");
    assert!(page.contains("all 50 on this page") && page.contains("all 60 that match"), "{}", gist(&page));

    let ticked =
        [("list", "sort=expiry"), ("which", "ticked"), ("ids", first.as_str()), ("ids", second.as_str()), ("do", "owner")];
    let reply = admin.post("/certificates/chosen", &ticked).await;
    assert_eq!(location(&reply), format!("/edits/new?kind=owner&chosen=ids%3A{first}%2C{second}"));
    let form = admin.page(location(&reply)).await;
    assert!(form.contains("2 certificates that you ticked") && !form.contains("id=\"f-q\""), "{}", gist(&form));

    let all = [("list", "q=example&filter=unowned"), ("which", "all"), ("do", "metadata")];
    let reply = admin.post("/certificates/chosen", &all).await;
    let form = admin.page(location(&reply)).await;
    assert!(form.contains("All certificates of the list: “example”, without owner"), "{}", gist(&form));

    let nothing = admin.follow("/certificates/chosen", &[("list", "sort=expiry"), ("which", "ticked"), ("do", "pem")]).await;
    assert!(nothing.contains("Nothing is ticked"), "{}", gist(&nothing));
    for odd in [vec![("do", "burn"), ("ids", "1")], vec![("do", "owner"), ("ids", "x")], vec![("ids", "1")]] {
        assert_eq!(admin.post("/certificates/chosen", &odd).await.status, 400, "{odd:?}");
    }
    let odd = admin.post("/edits/preview", &[("chosen", "everything"), ("kind", "remove")]).await;
    assert_eq!(odd.status, 422);
    assert!(odd.text().contains("Choose certificates in the inventory again."), "{}", gist(&odd.text()));
}

#[tokio::test]
async fn files_hold_what_was_chosen_and_nothing_else() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(30).await;
    let (first, second) = (ids[3].to_string(), ids[7].to_string());
    let file = async |who: &Visitor<'_>, list: &str, which: &str, what: &str| {
        let fields = [("list", list), ("which", which), ("ids", first.as_str()), ("ids", second.as_str()), ("do", what)];
        who.post("/certificates/chosen", &fields).await
    };
    let pem = |reply: &crate::testing::Reply| reply.text().matches("-----BEGIN CERTIFICATE-----").count();
    let reply = file(&admin, "", "ticked", "pem").await;
    assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"certificates.pem\"");
    assert_eq!(pem(&reply), 2);
    assert_eq!(pem(&file(&admin, "filter=expired&q=nothing-has-this", "all", "pem").await), 0);
    assert_eq!(pem(&file(&admin, "", "all", "pem").await), 30);
    let csv = file(&admin, "", "ticked", "csv").await.text();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[1].starts_with(&format!("{first},")) && lines[2].starts_with(&format!("{second},")), "{csv}");
    let bundle = file(&admin, "", "ticked", "pkcs7").await;
    let found = certhold_pki::read(&bundle.body, None).expect("a PKCS#7 file");
    assert_eq!(found.certificates.len(), 2);

    // Whoever may see one collection gets what is inside, whatever they send.
    let inside = [("name", "One"), ("query", &*format!("CertId -eq {first}"))];
    admin.follow("/collections/new", &inside).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/1/"]).await;
    assert_eq!(pem(&file(&eve, "collection=1", "ticked", "pem").await), 1);
    assert_eq!(pem(&file(&eve, "collection=1", "all", "pem").await), 1);
    assert_eq!(file(&eve, "", "ticked", "pem").await.status, 403);
    assert_eq!(file(&eve, "collection=1", "ticked", "remove").await.status, 403);
}

#[tokio::test]
async fn removal_is_looked_at_first_and_leaves_what_is_needed() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(40).await;
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = authority.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let answer = server.post("/api/v1/certificates", serde_json::json!({ "content": authority })).await.expect(200);
    let needed = answer["items"][0]["certificate"].as_i64().unwrap();
    admin.follow("/trust-sets/new", &[("name", "Ours"), ("certificates", &needed.to_string())]).await;

    let page = admin.post("/certificates/chosen", &[("which", "all"), ("do", "remove")]).await.text();
    assert!(page.contains("Look before you remove") && page.contains("41 certificates are selected"), "{}", gist(&page));
    assert!(page.contains("Remove 40 certificates") && page.contains("1 refused"), "{}", gist(&page));
    assert!(page.contains("The trust set ") && page.contains(&format!("href=\"/certificates/{needed}\"")), "{}", gist(&page));
    // Unseen it is shown first, and nothing is done.
    let before = server.events().await;
    let unseen = admin.post("/edits/new", &[("chosen", "list:"), ("kind", "remove")]).await;
    assert!(unseen.status == 200 && unseen.text().contains("Look before you remove"));
    assert_eq!(server.events().await, before);

    // What has come since then is not removed with it.
    let stale = page.clone();
    server.import_samples(41).await;
    confirm(&admin, &stale).await;
    work(&server, 1).await;
    let stopped = admin.page("/edits/1").await;
    assert!(stopped.contains("selection has changed since it was looked at"), "{}", gist(&stopped));

    let page = admin.post("/certificates/chosen", &[("which", "all"), ("do", "remove")]).await.text();
    confirm(&admin, &page).await;
    work(&server, 2).await;
    let done = admin.page("/edits/2").await;
    assert!(done.contains("42 of 42 certificates"), "{}", gist(&done));
    let left = admin.post("/certificates/chosen", &[("which", "all"), ("do", "csv")]).await.text();
    assert_eq!(left.lines().count(), 2, "what a trust set has stays: {left}");
    assert!(left.contains(&format!("\r\n{needed},")), "{left}");
}
