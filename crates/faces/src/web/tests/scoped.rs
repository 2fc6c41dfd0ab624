//! Rights on a collection, on the page of a certificate inside and on everything below it.

use super::{Visitor, attributes, gist, location};
use crate::testing::TestApp;

/// A certificate with its key inside collection 1, another outside; their numbers.
async fn two(server: &TestApp, admin: &Visitor<'_>) -> (i64, i64) {
    let made = rcgen::generate_simple_self_signed(["inside.example.com".to_owned()]).unwrap();
    let both = made.cert.pem() + &made.signing_key.serialize_pem();
    let answer = server.post("/api/v1/certificates", serde_json::json!({ "content": both })).await.expect(200);
    let inside = answer["items"][0]["certificate"].as_i64().unwrap();
    let made = rcgen::generate_simple_self_signed(["outside.example.com".to_owned()]).unwrap();
    let both = made.cert.pem() + &made.signing_key.serialize_pem();
    let answer = server.post("/api/v1/certificates", serde_json::json!({ "content": both })).await.expect(200);
    let outside = answer["items"][0]["certificate"].as_i64().unwrap();
    let query = format!("CertId -eq {inside}");
    admin.follow("/collections/new", &[("name", "Mine"), ("query", &query)]).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    (inside, outside)
}

const READ: &str = "/certificates/collections/read/1/";

#[tokio::test]
async fn what_a_right_on_a_collection_allows_is_on_the_page() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (inside, outside) = two(&server, &admin).await;
    let rights = [
        "/portal/read/",
        READ,
        "/certificates/collections/metadata/modify/1/",
        "/certificates/collections/revoke/1/",
        "/certificates/collections/private_key/read/1/",
        "/certificates/collections/private_key/delete/1/",
        "/certificates/collections/delete/1/",
        "/certificates/collections/delete_and_exclude/1/",
    ];
    let (eve, ..) = Visitor::with(&server, "eve", &rights).await;
    let place = format!("/certificates/{inside}");
    let page = eve.page(&format!("{place}?collection=1")).await;
    let actions = attributes(&page, "action");
    for action in ["metadata", "remove", "exclude"] {
        assert!(actions.contains(&format!("{place}/{action}")), "{action}: {}", gist(&page));
    }
    assert_eq!(page.matches("name=\"collection\" value=\"1\"").count(), 3, "each form says it: {}", gist(&page));
    let hrefs = attributes(&page, "href");
    for href in ["key", "revoke"] {
        assert!(hrefs.contains(&format!("{place}/{href}?collection=1")), "{href}: {hrefs:?}");
    }
    assert!(page.contains("class=\"chain-picture\""), "{}", gist(&page));

    // What is done goes through the collection, and nowhere else.
    let before = server.events().await;
    for (action, field) in [("metadata", ("noted-1", "Web")), ("key/export", ("reason", "x")), ("key/destroy", ("why", "x"))] {
        let (path, other) = (format!("{place}/{action}"), format!("/certificates/{outside}/{action}"));
        let fields = [field, ("format", "pem")];
        assert_eq!(eve.post(&path, &fields).await.status, 403, "{action} without the collection");
        let fields = [field, ("format", "pem"), ("collection", "1")];
        assert_eq!(eve.post(&other, &fields).await.status, 403, "{action} of what is outside");
    }
    for action in ["revoke", "remove", "exclude"] {
        let fields = [("reason", "4"), ("comment", "x"), ("collection", "1")];
        assert_eq!(eve.post(&format!("{place}/{action}"), &fields[..2]).await.status, 403, "{action}");
        assert_eq!(eve.post(&format!("/certificates/{outside}/{action}"), &fields).await.status, 403, "{action}");
    }
    for path in ["key", "revoke"] {
        assert_eq!(eve.get(&format!("{place}/{path}")).await.status, 403, "{path}");
        assert_eq!(eve.get(&format!("/certificates/{outside}/{path}?collection=1")).await.status, 403, "{path}");
    }
    assert_eq!(server.events().await, before, "nothing happened");

    let page = eve.follow(&format!("{place}/metadata"), &[("noted-1", "Web"), ("collection", "1")]).await;
    assert!(page.contains("<dt><bdi>Team</bdi></dt><dd><span class=\"pre\">Web</span>"), "{}", gist(&page));
    let form = eve.page(&format!("{place}/key?collection=1")).await;
    assert_eq!(form.matches("name=\"collection\" value=\"1\"").count(), 2, "{}", gist(&form));
    let fields = [("format", "pem"), ("reason", "moves"), ("collection", "1")];
    let file = eve.post(&format!("{place}/key/export"), &fields).await;
    assert!(file.status == 200 && file.text().contains("PRIVATE KEY"), "{}", gist(&file.text()));
    let wrong = eve.post(&format!("{place}/key/export"), &[("format", "pem"), ("reason", ""), ("collection", "1")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("name=\"collection\" value=\"1\""), "{}", gist(&wrong.text()));
    let fields = [("reason", "4"), ("comment", "replaced"), ("collection", "1")];
    let page = eve.follow(&format!("{place}/revoke"), &fields).await;
    assert!(page.contains("recorded as revoked") && page.contains(">Revoked<"), "{}", gist(&page));
    let page = eve.follow(&format!("{place}/key/destroy"), &[("why", "ended"), ("collection", "1")]).await;
    assert!(page.contains("The private key is destroyed."), "{}", gist(&page));
    let reply = eve.post(&format!("{place}/exclude"), &[("collection", "1")]).await;
    assert_eq!(location(&reply), "/certificates?collection=1", "{}", gist(&reply.text()));
    assert_eq!(admin.get(&place).await.status, 404);
}

#[tokio::test]
async fn whoever_only_reads_a_collection_gets_no_forms() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (inside, _) = two(&server, &admin).await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", READ]).await;
    let page = eve.page(&format!("/certificates/{inside}?collection=1")).await;
    let place = format!("/certificates/{inside}/");
    let actions = attributes(&page, "action");
    assert!(!actions.iter().any(|action| action.starts_with(&place)), "{actions:?}");
    assert!(!page.contains("Export or destroy") && !page.contains("Revoke…"), "{}", gist(&page));
    admin.follow("/trust-sets/new", &[("name", "Browsers")]).await;
    let is_refused = |href: &String| href.starts_with("/trust-sets") || href.starts_with("/stores");
    let page = eve.page(&format!("/certificates/{inside}?collection=1")).await;
    let refused: Vec<String> = attributes(&page, "href").into_iter().filter(is_refused).collect();
    assert!(page.contains("<dt><bdi>Browsers</bdi></dt>") && refused.is_empty(), "no link that is refused: {refused:?}");
    let page = admin.page(&format!("/certificates/{inside}")).await;
    assert!(page.contains("<a href=\"/trust-sets/1\"><bdi>Browsers</bdi></a>"), "{}", gist(&page));
    let list = eve.page("/certificates?collection=1").await;
    assert!(!list.contains("Change owner…") && !list.contains("Remove…") && !list.contains("Edit metadata…"));
}

#[tokio::test]
async fn several_are_edited_through_their_collection() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (inside, outside) = two(&server, &admin).await;
    let rights = ["/portal/read/", READ, "/certificates/collections/metadata/modify/1/"];
    let (eve, ..) = Visitor::with(&server, "eve", &rights).await;
    let list = eve.page("/certificates?collection=1").await;
    assert!(list.contains("Edit metadata…") && !list.contains("Remove…"), "{}", gist(&list));
    let (one, other) = (inside.to_string(), outside.to_string());
    let ticked =
        [("list", "collection=1"), ("which", "ticked"), ("ids", one.as_str()), ("ids", other.as_str()), ("do", "metadata")];
    let reply = eve.post("/certificates/chosen", &ticked).await;
    assert_eq!(location(&reply), format!("/edits/new?kind=metadata&chosen=ids%3A{inside}%2C{outside}%401"));
    let form = eve.page(location(&reply)).await;
    assert!(form.contains("2 certificates that you ticked"), "{}", gist(&form));
    // What is outside is not selected, whatever was sent.
    let chosen = format!("ids:{inside},{outside}@1");
    let edit = [("chosen", chosen.as_str()), ("kind", "metadata"), ("field", "Team"), ("value", "Web")];
    let looked = eve.post("/edits/preview", &edit).await.text();
    assert!(looked.contains("1 certificate is selected"), "{}", gist(&looked));
    assert!(looked.contains(&format!("href=\"/certificates/{inside}?collection=1\"")), "{}", gist(&looked));
    let reply = eve.post("/edits/new", &edit).await;
    assert_eq!(location(&reply), "/edits/1", "{}", gist(&reply.text()));
    let events = server.events().await;
    for (chosen, kind) in [(format!("ids:{inside}"), "metadata"), (chosen.clone(), "remove"), ("list:".into(), "metadata")] {
        let edit = [("chosen", chosen.as_str()), ("kind", kind), ("field", "Team"), ("value", "Web")];
        assert_eq!(eve.post("/edits/preview", &edit).await.status, 403, "{chosen} {kind}");
    }
    assert_eq!(server.events().await, events);
}

#[tokio::test]
async fn owners_that_cannot_be_chosen_say_why() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (inside, _) = two(&server, &admin).await;
    let rights = ["/portal/read/", READ, "/certificates/collections/change_owner/1/", "/security/read/"];
    let (eve, _, role) = Visitor::with(&server, "eve", &rights).await;
    let place = format!("/certificates/{inside}");
    let page = eve.page(&format!("{place}?collection=1")).await;
    assert!(page.contains(&format!("<option value=\"{role}\">role of eve</option>")), "{}", gist(&page));
    let barred = "<option value=\"1\" disabled>Administrator (Only somebody who holds the role";
    assert!(page.contains(barred), "{}", gist(&page));
    // Who may do what is told within the collection, too.
    assert!(page.contains("role of eve (through collection 1, ") && page.contains("Who may…"), "{}", gist(&page));
    let events = server.events().await;
    let reply = eve.post(&format!("{place}/owner"), &[("owner", "1"), ("collection", "1")]).await;
    assert_eq!(reply.status, 422, "{}", gist(&reply.text()));
    assert_eq!(server.events().await, events);
    let number = role.to_string();
    let page = eve.follow(&format!("{place}/owner"), &[("owner", &number), ("collection", "1")]).await;
    assert!(page.contains("now belongs to role of eve"), "{}", gist(&page));

    // Where every certificate needs an owner, nobody cannot be chosen.
    server.put("/api/v1/owner-policy", serde_json::json!({ "policy": "required" })).await;
    let page = admin.page(&place).await;
    assert!(page.contains("disabled>Nobody (Every certificate needs an owner here.)"), "{}", gist(&page));
    let reply = admin.post(&format!("{place}/owner"), &[("owner", "")]).await;
    assert_eq!(reply.status, 422, "{}", gist(&reply.text()));
    assert!(reply.text().contains("but not cleared"), "{}", gist(&reply.text()));
}

#[tokio::test]
async fn a_collection_says_what_its_lists_leave_out() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let new = [("name", "Newest"), ("query", ""), ("duplicates", "common_name")];
    let page = admin.follow("/collections/new", &new).await;
    assert!(page.contains("Of certificates with the same common name, lists show the newest."), "{}", gist(&page));
    assert!(page.contains("<option value=\"common_name\" selected>"), "{}", gist(&page));
    let page = admin.follow("/collections/1", &[("name", "Newest"), ("query", ""), ("duplicates", "none")]).await;
    assert!(!page.contains("lists show the newest."), "{}", gist(&page));
    let reply = admin.post("/collections/1", &[("name", "Newest"), ("query", ""), ("duplicates", "some")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("Choose one of none, common_name"), "{}", gist(&reply.text()));
}

#[tokio::test]
async fn trust_is_judged_by_a_chosen_set() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (inside, _) = two(&server, &admin).await;
    for number in 0..18 {
        let set = serde_json::json!({ "name": format!("Set {number:02}"), "certificates": [] });
        server.post("/api/v1/trust-sets", set).await.expect(201);
    }
    let place = format!("/certificates/{inside}");
    let page = admin.page(&place).await;
    assert!(page.contains("Not looked at, since there are more than are judged at once: “Set 16”, “Set 17”. Choose one."));
    let judged = |page: &str| page.matches("class=\"badge tone-bad\"").count();
    let whole = judged(&page);
    let page = admin.page(&format!("{place}?trust=18&use=client&name=inside.example.com")).await;
    assert_eq!(whole - judged(&page), 15, "{}", gist(&page));
    assert!(page.contains(">Set 17</bdi>") && !page.contains("Not looked at"), "{}", gist(&page));
    assert!(page.contains("<option value=\"client\" selected>") && page.contains("value=\"inside.example.com\""));
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", READ]).await;
    let page = eve.page(&format!("{place}?collection=1&trust=18")).await;
    assert!(page.contains("<option value=\"18\" selected>"), "{}", gist(&page));
    assert_eq!(admin.get(&format!("{place}?trust=4711")).await.status, 404);
    for odd in ["trust=x", "use=browser"] {
        assert_eq!(admin.get(&format!("{place}?{odd}")).await.status, 400, "{odd}");
    }
}
