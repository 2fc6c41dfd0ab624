//! Roles, permission sets, claims, reasons and the review, as people use them.

use serde_json::json;

use super::{Visitor, gist, location};
use crate::testing::{TestApp, sample_der};

#[tokio::test]
async fn a_role_is_picked_from_the_tree_and_bounded_by_a_set() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let set = [("name", "Web"), ("grant", "/certificates/")];
    let reply = admin.post("/permission-sets/new", &set).await;
    let set = location(&reply).to_owned();
    assert!(set.starts_with("/permission-sets/"), "{}", gist(&reply.text()));
    let number = set.rsplit('/').next().unwrap();
    let role = [
        ("name", "Operators"),
        ("email", "ops@example.com"),
        ("set", number),
        ("grant", "/certificates/import/"),
        ("grant", "/certificates/collections/read/"),
        ("permissions", "/certificates/collections/change_owner/12/"),
    ];
    let reply = admin.post("/roles/new", &role).await;
    let role_page = location(&reply).to_owned();
    let page = admin.page(&role_page).await;
    for shown in [
        "/certificates/collections/change_owner/12/</textarea>",
        "value=\"/certificates/import/\" checked",
        "ops@example.com",
        ">Web<",
    ] {
        assert!(page.contains(shown), "{shown}: {}", gist(&page));
    }
    // A redundant pair is explained, and everything that was entered stays.
    let redundant = [("name", "Twice"), ("grant", "/certificates/"), ("grant", "/certificates/import/"), ("set", number)];
    let reply = admin.post("/roles/new", &redundant).await;
    assert_eq!(reply.status, 422);
    let page = reply.text();
    assert!(page.contains("Redundant: /certificates/ already includes /certificates/import/."), "{}", gist(&page));
    assert!(page.contains("value=\"/certificates/\" checked") && page.contains("value=\"Twice\""));
    let typo = [("name", "Typo"), ("permissions", "/certificates/imports/")];
    let reply = admin.post("/roles/new", &typo).await;
    assert!(reply.text().contains("did you mean /certificates/import/?"), "{}", gist(&reply.text()));

    // Narrowing the set tells what the role grants in vain, at once and on the role's page.
    let reply = admin.post(&set, &[("name", "Web"), ("grant", "/certificates/collections/")]).await;
    assert_eq!(reply.status, 200, "{}", gist(&reply.text()));
    let page = reply.text();
    assert!(page.contains("grant in vain") && page.contains("<code>/certificates/import/</code>"), "{}", gist(&page));
    let page = admin.page(&role_page).await;
    assert!(page.contains("Without effect"), "{}", gist(&page));
    let reply = admin.post(&format!("{set}/remove"), &[]).await;
    assert_eq!(location(&reply), set, "a set with roles inside stays");
    assert_eq!(admin.post("/permission-sets/1", &[("name", "Global"), ("grant", "/portal/")]).await.status, 422, "built in");
}

#[tokio::test]
async fn a_claim_is_added_given_a_role_and_removed() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.post("/claims", &[("type", "group"), ("value", ""), ("provider", "corporate")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("A claim says something"), "{}", gist(&reply.text()));
    assert_eq!(admin.post("/claims", &[("type", "principal"), ("value", "x"), ("provider", "y")]).await.status, 400);
    let claim = [("type", "group"), ("value", "<b>ops</b>"), ("provider", "corporate"), ("description", "on call")];
    let place = location(&admin.post("/claims", &claim).await).to_owned();
    assert_eq!(admin.post(&format!("{place}/roles"), &[("role", "1")]).await.status, 303);
    assert_eq!(admin.post(&format!("{place}/describe"), &[("description", "nights")]).await.status, 303);
    let page = admin.page(&place).await;
    assert!(page.contains("checked") && page.contains("nights") && !page.contains("<b>ops"), "{}", gist(&page));
    assert!(admin.page("/roles/1").await.contains("Held through claims"));
    assert!(admin.page("/claims").await.contains("Administrator"));
    assert_eq!(location(&admin.post(&format!("{place}/remove"), &[]).await), "/claims");
    assert_eq!(admin.get(&place).await.status, 404);
}

#[tokio::test]
async fn refusals_lead_to_the_reason() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let certificate = server.import_samples(1).await[0];
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let refused = eve.get("/certificates").await.text();
    let why = "/access/why?action=%2Fcertificates%2Fcollections%2Fread%2F";
    assert!(refused.contains(why), "{}", gist(&refused));
    let page = eve.page(why).await;
    assert!(
        page.contains("Missing /certificates/collections/read/.") && page.contains("Grants nothing that includes it."),
        "{}",
        gist(&page)
    );
    let page = admin.page("/access/why?user=EVE&action=/certificates/import/").await;
    assert!(page.contains("Not allowed"), "{}", gist(&page));
    let page = admin.page(&format!("/access/why?action=/certificates/collections/read/&certificate={certificate}")).await;
    assert!(page.contains("Allowed by role Administrator (set Global bounds it)."), "{}", gist(&page));
    for (wrong, status, said) in [
        ("action=/nothing/", 422, "did you mean"),
        ("action=/portal/read/&certificate=x", 422, "This is no number."),
        ("action=/portal/read/&certificate=1&collection=1", 422, "one of a certificate"),
        ("action=/portal/read/&certificate=98765", 404, "There is no certificate 98765."),
        ("action=/portal/read/&user=nobody", 404, "There is no person or service account"),
    ] {
        let reply = admin.get(&format!("/access/why?{wrong}")).await;
        assert_eq!(reply.status, status, "{wrong}");
        assert!(reply.text().contains(said), "{wrong}: {}", gist(&reply.text()));
    }
    let page = admin.page(&format!("/certificates/{certificate}")).await;
    assert!(page.contains("Who may…") && page.contains(">Administrator<"), "{}", gist(&page));
}

#[tokio::test]
async fn the_page_of_a_certificate_names_who_reaches_it_through_stores() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let container = server.post("/api/v1/containers", json!({ "name": "Web & Mail" })).await.expect(201)["id"].clone();
    let store = json!({ "name": "Front", "kind": "pem-directory", "path": "/srv/tls/front", "container": container });
    let store = server.post("/api/v1/certificate-stores", store).await.expect(201)["id"].clone();
    let store = server.get(&format!("/api/v1/certificate-stores/{store}")).await.expect(200)["uuid"].clone();
    let outside = server.import_samples(2).await[1];
    server.stocked(store.as_str().unwrap(), &[sample_der(0)]).await;
    let inside = outside - 1;
    let (.., keeper) = Visitor::with(&server, "kim", &[&format!("/certificate_stores/schedule/{container}/")]).await;
    let (.., giver) = Visitor::with(&server, "gil", &["/certificate_stores/change_owner/"]).await;
    let page = admin.page(&format!("/certificates/{inside}")).await;
    for (role, said) in [
        (keeper, format!("role of kim (through container {container}, Web &#38; Mail)")),
        (giver, "role of gil (over all certificate stores)".to_owned()),
    ] {
        let link = format!("<a href=\"/roles/{role}\"><bdi>{said}</bdi></a>");
        assert_eq!(page.matches(&link).count(), 1, "{link}: {}", gist(&page));
    }
    let page = admin.page(&format!("/certificates/{outside}")).await;
    assert!(page.contains("Who may…") && !page.contains("role of kim (") && !page.contains("role of gil ("), "{}", gist(&page));

    // The same, as programs read it.
    let told = server.get(&format!("/api/v1/certificates/{inside}/access")).await.expect(200);
    let of = |action: &str| {
        let found = told["items"].as_array().unwrap().iter().find(|one| one["action"] == action).unwrap();
        found["roles"].as_array().unwrap()[1..].to_vec()
    };
    let kim = json!({ "id": keeper.0, "name": "role of kim" });
    let within = json!({ "id": container, "name": "Web & Mail" });
    assert_eq!(of("/certificates/collections/read/"), [json!({ "role": kim, "reach": "container", "within": within })]);
    let gil = json!({ "id": giver.0, "name": "role of gil" });
    assert_eq!(of("/certificates/collections/change_owner/"), [json!({ "role": gil, "reach": "stores", "within": null })]);
}

#[tokio::test]
async fn the_review_is_filtered_and_exported() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(3).await;
    Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/"]).await;
    let page = admin.page("/access/review?user=eve").await;
    let eves = page.matches("<tr><th scope=\"row\">").count();
    assert_eq!(eves, 1, "{}", gist(&page));
    assert!(page.contains(">3</td>") && page.contains("Everywhere"), "{}", gist(&page));
    assert_eq!(admin.get("/access/review?user=unknown").await.status, 422);
    let before = server.events().await;
    let reply = admin.post("/access/review/export", &[("user", "eve"), ("action", ""), ("role", ""), ("disabled", "")]).await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(reply.text().matches("\r\n").count(), 2, "{}", reply.text());
    assert_eq!(server.events().await, before + 1);
}

#[tokio::test]
async fn lines_of_the_review_lead_to_their_own_reason() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(3).await;
    let new = serde_json::json!({ "name": "Low", "query": "CertId -le 2" });
    let collection = server.post("/api/v1/collections", new).await.expect(201)["id"].clone();
    let container = server.post("/api/v1/containers", serde_json::json!({ "name": "Edge" })).await.expect(201)["id"].clone();
    let rights =
        [format!("/certificates/collections/read/{collection}/"), format!("/certificate_stores/change_owner/{container}/")];
    let (_, role, _) = server.service("eve", &rights.each_ref().map(String::as_str)).await;
    let reply = admin.post("/claims", &[("type", "group"), ("value", "ops"), ("provider", "corporate")]).await;
    let claim = location(&reply).to_owned();
    let role = role.unwrap().0.to_string();
    assert_eq!(admin.post(&format!("{claim}/roles"), &[("role", &role)]).await.status, 303);
    // The lines of accounts, then those of claims.
    let mut page = admin.page(&format!("/access/review?role={role}")).await;
    page += &admin.page(&format!("/access/review?role={role}&after=claim%3A0")).await;
    assert!(page.contains("Collection 1, Low") && page.contains("Container 1, Edge"), "{}", gist(&page));
    assert_eq!(page.matches(">2</td>").count(), 2, "the collection's certificates are counted: {}", gist(&page));
    assert_eq!(page.matches(">0</td>").count(), 2, "and the container's: {}", gist(&page));
    let links = super::attributes(&page, "href");
    let links: Vec<String> =
        links.into_iter().filter(|href| href.starts_with("/access/why?")).map(|href| href.replace("&amp;", "&")).collect();
    assert_eq!(links.len(), 4, "two lines of the account, two of the claim: {links:?}");
    for link in links {
        let told = admin.page(&link).await;
        assert!(told.contains("Allowed by role role of eve through"), "{link}: {}", gist(&told));
        assert!(!told.contains("Allowed by role Administrator"), "{link}");
    }
    let number = claim.rsplit('/').next().unwrap();
    for (wrong, said) in [
        (format!("claim={number}&user=eve"), "Name one of an account"),
        ("token=x".into(), "This is no number."),
        (format!("container={container}&collection={collection}"), "Name one of a certificate"),
    ] {
        let reply = admin.get(&format!("/access/why?action=/portal/read/&{wrong}")).await;
        assert_eq!(reply.status, 422, "{wrong}");
        assert!(reply.text().contains(said), "{wrong}: {}", gist(&reply.text()));
    }
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (eve, id, _) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let page = admin.page(&format!("/users/{id}")).await;
    let end = super::attributes(&page, "action").into_iter().find(|action| action.contains("/sessions/")).expect("a session");
    assert_eq!(admin.post(&end, &[]).await.status, 303);
    assert_eq!(location(&eve.get("/account").await).split('?').next(), Some("/login"));
}

#[tokio::test]
async fn a_name_with_nul_is_not_understood() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.get("/access/review?user=%00").await;
    assert_eq!(reply.status, 422, "{}", gist(&reply.text()));
    assert!(reply.text().contains("U+0000"), "{}", gist(&reply.text()));
}

#[tokio::test]
async fn a_claim_of_a_provider_that_is_not_configured_says_so() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let unknown = "No identity provider named <bdi>elsewhere</bdi> is configured";
    let page = admin.follow("/claims", &[("type", "group"), ("value", "ops"), ("provider", "elsewhere")]).await;
    assert!(page.contains(unknown) && page.contains("so no sign-in says it"), "{}", gist(&page));
    let provider = [
        ("name", "Corporate"),
        ("display_name", "Corporate"),
        ("issuer", "https://sso.example.org"),
        ("audiences", "certhold"),
        ("subject_claims", "sub"),
    ];
    admin.follow("/identity-providers/new", &provider).await;
    let list = admin.page("/claims").await;
    assert!(list.contains("<option value=\"Corporate\"") && list.contains("Another, by its name"), "{}", gist(&list));
    assert!(list.contains("No identity provider of this name is configured."), "{}", gist(&list));
    let fields = [("type", "group"), ("value", "dev"), ("provider", "Corporate"), ("other_provider", "")];
    let page = admin.follow("/claims", &fields).await;
    assert!(!page.contains("is configured"), "{}", gist(&page));
    let fields = [("type", "group"), ("value", "dev"), ("provider", ""), ("other_provider", "elsewhere")];
    assert!(admin.follow("/claims", &fields).await.contains(unknown), "a name of one's own is kept");
    let reply = admin.post("/claims", &[("type", "group"), ("value", "dev"), ("provider", ""), ("other_provider", "")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("id=\"other_provider-error\""), "{}", gist(&reply.text()));
}
