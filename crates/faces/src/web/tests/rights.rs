//! Rights given and taken on the pages of collections, containers and roles.

use super::{Visitor, gist};
use crate::testing::TestApp;

const READ: &str = "/certificates/collections/read/1/";
const OWNER: &str = "/certificates/collections/change_owner/1/";

async fn furnished(server: &TestApp) -> Visitor<'_> {
    let admin = Visitor::admin(server).await;
    admin.follow("/collections/new", &[("name", "Shop"), ("query", "")]).await;
    admin.follow("/roles/new", &[("name", "Shop team"), ("permissions", "/portal/read/")]).await;
    admin
}

#[tokio::test]
async fn rights_on_a_collection_are_given_and_taken_on_its_page() {
    let server = TestApp::new().await;
    let admin = furnished(&server).await;
    let page = admin.page("/collections/1").await;
    assert!(page.contains("Only roles that have them on every collection."), "{}", gist(&page));
    assert!(page.contains("See certificates and their history.") && page.contains(READ), "{}", gist(&page));
    assert!(page.contains("Revoke certificates of private authorities"), "{}", gist(&page));

    let events = server.events().await;
    for (fields, why) in [([("right", READ)], "Choose a role."), ([("role", "2")], "Tick at least one right.")] {
        let reply = admin.post("/collections/1/rights", &fields).await;
        assert_eq!(reply.status, 422, "{why}");
        assert!(reply.text().contains(why), "{why}: {}", gist(&reply.text()));
    }
    for foreign in ["/", "/certificates/collections/read/", "/certificates/collections/read/2/", "/security/modify/"] {
        let reply = admin.post("/collections/1/rights", &[("role", "2"), ("right", foreign)]).await;
        assert_eq!(reply.status, 400, "{foreign} is not a right on this collection alone");
    }
    assert_eq!(server.events().await, events, "nothing was changed");

    let page = admin.follow("/collections/1/rights", &[("role", "2"), ("right", READ), ("right", OWNER)]).await;
    assert!(page.contains("The rights were given.") && page.contains("Take away…"), "{}", gist(&page));
    let role = admin.page("/roles/2").await;
    assert!(role.contains(READ) && role.contains(OWNER) && role.contains("/portal/read/"), "{}", gist(&role));
    let reply = admin.post("/collections/1/rights", &[("role", "2"), ("right", READ)]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("has these rights already"), "{}", gist(&reply.text()));

    let page = admin.follow("/collections/1/rights/take", &[("role", "2"), ("right", OWNER)]).await;
    assert!(page.contains("The rights were taken away."), "{}", gist(&page));
    // From a page that was loaded before.
    let page = admin.follow("/collections/1/rights/take", &[("role", "2"), ("right", OWNER)]).await;
    assert!(page.contains("has none of these rights by themselves"), "{}", gist(&page));
    let role = admin.page("/roles/2").await;
    assert!(role.contains(READ) && !role.contains(OWNER), "{}", gist(&role));
}

#[tokio::test]
async fn nobody_gives_rights_that_they_do_not_hold() {
    let server = TestApp::new().await;
    let admin = furnished(&server).await;
    let rights = ["/portal/read/", "/security/", READ];
    let (eve, ..) = Visitor::with(&server, "eve", &rights).await;
    let page = eve.page("/collections/1").await;
    assert!(page.contains("You do not hold it."), "{}", gist(&page));
    let before = server.events().await;
    let reply = eve.post("/collections/1/rights", &[("role", "2"), ("right", OWNER)]).await;
    assert_eq!(reply.status, 422);
    let html = reply.text();
    assert!(html.contains("Nobody can grant or take what they do not hold."), "{}", gist(&html));
    assert_eq!(server.events().await, before, "nothing was changed");
    let (reader, ..) = Visitor::with(&server, "reader", &["/portal/read/", "/security/read/", READ]).await;
    let page = reader.page("/collections/1").await;
    assert!(!page.contains("Give the ticked rights") && !page.contains("Take away…"), "{}", gist(&page));
    assert_eq!(reader.post("/collections/1/rights", &[("role", "2"), ("right", READ)]).await.status, 403);
    assert_eq!(
        admin.post("/collections/9/rights", &[("role", "2"), ("right", "/certificates/collections/read/9/")]).await.status,
        404
    );
}

#[tokio::test]
async fn rights_on_a_container_are_given_on_its_page() {
    let server = TestApp::new().await;
    let admin = furnished(&server).await;
    admin.follow("/containers/new", &[("name", "Web servers")]).await;
    let right = "/certificate_stores/schedule/1/";
    let page = admin.page("/containers/1").await;
    assert!(page.contains("Only roles that have them on every container.") && page.contains(right), "{}", gist(&page));
    let page = admin.follow("/containers/1/rights", &[("role", "2"), ("right", right)]).await;
    assert!(page.contains("Shop team") && page.contains("Take away…"), "{}", gist(&page));
    let page = admin.follow("/containers/1/rights/take", &[("role", "2"), ("right", right)]).await;
    assert!(page.contains("Only roles that have them on every container."), "{}", gist(&page));
}

#[tokio::test]
async fn members_come_and_go_on_the_page_of_the_role() {
    let server = TestApp::new().await;
    let admin = furnished(&server).await;
    let (eve, id, _) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let page = admin.follow("/roles/2/members", &[("member", " EVE ")]).await;
    assert!(page.contains("holds the role now.") && page.contains(&format!("/users/{}\"", id.0)), "{}", gist(&page));
    assert!(!page.contains("see no page"), "{}", gist(&page));
    admin.follow("/roles/new", &[("name", "Readers"), ("permissions", "/certificates/collections/read/")]).await;
    Visitor::with(&server, "kim", &[]).await;
    let page = admin.follow("/roles/4/members", &[("member", "kim")]).await;
    assert!(page.contains("they can sign in, but see no page"), "{}", gist(&page));
    let reply = admin.post("/roles/2/members", &[("member", "nobody")]).await;
    assert_eq!(reply.status, 422);
    let html = reply.text();
    assert!(html.contains("There is no account of this name.") && html.contains("value=\"nobody\""), "{}", gist(&html));
    assert_eq!(admin.post("/roles/99/members", &[("member", "eve")]).await.status, 404);
    assert_eq!(eve.post("/roles/2/members", &[("member", "eve")]).await.status, 403);
    let page = admin.follow(&format!("/roles/2/members/{}/remove", id.0), &[]).await;
    assert!(page.contains("Nobody holds this role."), "{}", gist(&page));
    // The last administrator stays one.
    let page = admin.follow("/roles/1/members/1/remove", &[]).await;
    assert!(page.contains("must keep the Administrator role"), "{}", gist(&page));
}
