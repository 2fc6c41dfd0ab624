//! Queries and collections on the pages: finding, keeping, and seeing through a collection only.

use super::{Visitor, attributes, gist};
use crate::testing::TestApp;

#[tokio::test]
async fn the_search_field_takes_words_and_queries() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(5).await;
    let rows = |html: &str| attributes(html, "href").into_iter().filter(|href| href.starts_with("/certificates/")).count();
    let query = format!("/certificates?q=CertId+-in+%28{}%2C+{}%29", ids[1], ids[3]);
    assert_eq!(rows(&admin.page(&query).await), 2);
    let wrong = admin.page("/certificates?q=CN+-eqq+%22x%22").await;
    assert_eq!(rows(&wrong), 0);
    assert!(wrong.contains("<code>CN <mark>-</mark>eqq &#34;x&#34;</code>"), "{}", gist(&wrong));
    assert!(wrong.contains("did you mean -eq?"));
    assert_eq!(rows(&admin.page("/certificates?q=no-such-eqq-words").await), 0);
}

#[tokio::test]
async fn what_an_address_asks_for_is_understood_or_refused() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(3).await;
    for address in [
        "/certificates?collection=abc",
        "/certificates?owner=Web",
        "/certificates?filter=expierd",
        "/certificates?from=yesterday",
        "/certificates.csv?collection=abc",
        "/certificates/1?collection=abc",
        "/edits/new?chosen=list%3Acollection%3Dabc",
        "/edits?before=x",
        "/stores?container=x",
        "/events?certificate=x",
        "/events/export?since=soon",
        "/access/review?role=Web",
        "/managed?filter=toruble",
        "/managed/new?adopt=x",
        "/key-requests?before=x",
        "/enrol?pattern=x",
    ] {
        let reply = admin.get(address).await;
        let html = reply.text();
        assert_eq!(reply.status, 400, "{address}: {}", gist(&html));
        assert!(html.contains("A parameter of this address cannot be understood."), "{address}: {}", gist(&html));
        assert!(!html.contains("class=\"cell-name\""), "{address} shows nothing");
    }
    let refused = admin.get("/certificates?collection=abc").await.text();
    assert!(refused.contains("Collection: this is no number."), "{}", gist(&refused));
    for address in
        ["/certificates?collection=&owner=&from=&filter=", "/stores?container=&after=", "/edits?before=", "/enrol?pattern="]
    {
        assert_eq!(admin.get(address).await.status, 200, "{address}: what is empty is left out");
    }
    // All that match is never more than what was shown.
    for list in ["collection=abc", "filter=expierd", "collection=1&collection=2", "with space"] {
        for deed in ["remove", "csv", "owner"] {
            let reply = admin.post("/certificates/chosen", &[("which", "all"), ("list", list), ("do", deed)]).await;
            assert_eq!(reply.status, 400, "{list} {deed}: {}", reply.text());
        }
        let chosen = format!("list:{list}");
        let events = server.events().await;
        let reply = admin.post("/edits/new", &[("chosen", chosen.as_str()), ("kind", "remove")]).await;
        assert!(reply.status != 200 || !reply.text().contains("certificates are selected"), "{list}: {}", reply.text());
        assert_eq!(server.events().await, events);
    }
}

#[tokio::test]
async fn a_refused_collection_comes_back_with_the_place() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.post("/collections/new", &[("name", "Weak"), ("query", "KeySize -lt \"small\"")]).await;
    assert_eq!(reply.status, 422);
    let html = reply.text();
    assert!(html.contains("Column 13: KeySize is a whole number"), "{}", gist(&html));
    assert!(html.contains("KeySize -lt &#34;small&#34;</textarea>"), "{}", gist(&html));
    let page = admin.follow("/collections/new", &[("name", "Weak"), ("query", "KeySize -lt 2048")]).await;
    assert!(page.contains("<code class=\"query-text\">KeySize -lt 2048</code>"), "{}", gist(&page));
    server.import_samples(3).await;
    let link = "<a href=\"/certificates?collection=1\">";
    assert!(!admin.page("/").await.contains(link));
    let shown = [("name", "All"), ("query", "CertId -ge 2"), ("on_dashboard", "true")];
    admin.follow("/collections/1", &shown).await;
    assert!(admin.page("/").await.contains(&format!("{link}<b>2</b> <bdi>All</bdi></a>")));
}

#[tokio::test]
async fn a_reader_of_one_collection_sees_it_and_nothing_else() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(3).await;
    let (inside, outside) = (ids[0], ids[1]);
    let query = format!("CertId -eq {inside}");
    admin.follow("/collections/new", &[("name", "Mine"), ("query", &query)]).await;
    admin.follow("/collections/new", &[("name", "Theirs"), ("query", "")]).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/1/"]).await;
    let list = eve.page("/collections").await;
    assert!(list.contains("Mine") && !list.contains("Theirs"), "{}", gist(&list));
    let links = attributes(&list, "href");
    assert!(links.contains(&"/collections".to_owned()) && !links.contains(&"/certificates".to_owned()));
    let inventory = eve.page("/certificates?collection=1").await;
    let shown: Vec<String> =
        attributes(&inventory, "href").into_iter().filter(|href| href.starts_with("/certificates/")).collect();
    assert_eq!(shown, [format!("/certificates/{inside}?collection=1")]);
    let page = eve.page(&shown[0]).await;
    let files: Vec<String> = attributes(&page, "href").into_iter().filter(|href| href.contains("/pem")).collect();
    assert_eq!(files, [format!("/certificates/{inside}/pem?collection=1")]);
    assert_eq!(eve.get(&files[0]).await.status, 200);
    for path in [
        "/certificates".to_owned(),
        "/certificates?collection=2".to_owned(),
        "/collections/2".to_owned(),
        format!("/certificates/{inside}"),
        format!("/certificates/{outside}?collection=1"),
        format!("/certificates/{outside}/pem?collection=1"),
        "/certificates/987654?collection=1".to_owned(),
    ] {
        assert_eq!(eve.get(&path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn the_script_gets_offers_and_verdicts_with_a_session_only() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.get("/query/complete?text=HasPrivateKey+-eq+t&cursor=19").await;
    assert_eq!(reply.json(), serde_json::json!({ "from": 18, "items": [{ "text": "true", "detail": "" }] }));
    assert_eq!(admin.get("/query/check?text=CN+-eq+%22x%22").await.json()["error"], serde_json::Value::Null);
    let error = admin.get("/query/check?text=CN").await.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("Column 3: "), "{error}");
    for path in ["/query", "/query/complete", "/query/check"] {
        assert_eq!(server.send(super::get(path, "")).await.status, 303, "{path}");
        let (eve, ..) = Visitor::with(&server, &format!("eve {}", path.len()), &["/certificates/"]).await;
        assert_eq!(eve.get(path).await.status, 403, "{path} without the right to the pages");
    }
}
