//! What forms do, and what they say when they are refused.

use super::{Visitor, furnish, gist, location};
use crate::testing::{TestApp, sample_pem};

#[tokio::test]
async fn files_are_imported_and_listed() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let fresh = admin.page("/").await;
    assert!(fresh.contains("Nothing is held yet"), "{fresh}");
    assert!(admin.page("/certificates").await.contains("The inventory is empty"));
    let two = format!("{}{}", sample_pem(1), sample_pem(2));
    let files: [(&str, &[u8]); 3] = [("two.pem", two.as_bytes()), ("odd.txt", b"nothing here"), ("<b>.pem", two.as_bytes())];
    let reply = admin.import(&admin.csrf, &files, "1").await;
    assert_eq!(reply.status, 200, "{}", gist(&reply.text()));
    let page = reply.text();
    assert!(page.contains("2 certificates imported") && page.contains("1 refused"), "{}", gist(&page));
    assert!(page.contains("&#60;b&#62;.pem") && !page.contains("<b>.pem"), "{}", gist(&page));
    let list = admin.page("/certificates").await;
    assert_eq!(list.matches("class=\"cell-name\"").count(), 2);
    assert!(list.contains("Administrator"), "the owner that was chosen");
    assert!(admin.page("/").await.contains("What expires when"));

    let none = admin.import(&admin.csrf, &[("", b"")], "").await;
    assert_eq!(none.status, 422);
    assert!(none.text().contains("Choose at least one file."));
    assert_eq!(admin.import(&admin.csrf, &files, "x").await.status, 400);
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_refused_with_the_limit() {
    let settings = crate::state::Settings { plain_http: true, import_bytes: 20_000, ..crate::state::Settings::default() };
    let server = TestApp::with(settings).await;
    let admin = Visitor::admin(&server).await;
    let before = server.events().await;
    let reply = admin.import(&admin.csrf, &[("big.pem", &[b'x'; 50_000])], "").await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("Together the files are larger than 19 KiB."), "{}", gist(&reply.text()));
    assert_eq!(server.events().await, before);
}

#[tokio::test]
async fn an_owner_is_changed_and_remembered() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let id = server.import_samples(1).await[0];
    let page = admin.page(&format!("/certificates/{id}")).await;
    assert!(page.contains("Nobody answers for this certificate.") && page.contains("Give it an owner"));
    let page = admin.follow(&format!("/certificates/{id}/owner"), &[("owner", "1")]).await;
    assert!(page.contains("The certificate now belongs to Administrator."), "{}", gist(&page));
    assert!(page.contains("changed the owner") && page.contains("<ins>Administrator</ins>"), "{}", gist(&page));
    assert!(!admin.page(&format!("/certificates/{id}")).await.contains("now belongs to"), "said once");
    let reply = admin.post(&format!("/certificates/{id}/owner"), &[("owner", "77")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("This role is gone: choose another one."));
    assert_eq!(admin.post(&format!("/certificates/{id}/owner"), &[("owner", "x")]).await.status, 400);
    assert_eq!(admin.post("/certificates/999/owner", &[("owner", "1")]).await.status, 404);

    // Who may change owners, but does not hold the owner role, is told why.
    let permissions = ["/portal/read/", "/certificates/collections/read/", "/certificates/collections/change_owner/"];
    let (eve, _, role) = Visitor::with(&server, "eve", &permissions).await;
    let page = eve.page(&format!("/certificates/{id}")).await;
    assert!(page.contains("Only somebody who holds the role “Administrator”"), "{}", gist(&page));
    let before = server.events().await;
    let reply = eve.post(&format!("/certificates/{id}/owner"), &[("owner", &role.to_string())]).await;
    assert_eq!(reply.status, 422);
    assert_eq!(server.events().await, before);
}

#[tokio::test]
async fn files_are_what_was_imported() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let id = server.import_samples(1).await[0];
    let pem = admin.get(&format!("/certificates/{id}/pem")).await;
    assert_eq!(pem.text(), sample_pem(0));
    let disposition = pem.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment; filename=\"") && disposition.ends_with(".pem\""), "{disposition}");
    let der = admin.get(&format!("/certificates/{id}/der")).await;
    assert_eq!(der.body.to_vec(), crate::testing::sample_der(0));
    assert_eq!(admin.get(&format!("/certificates/{id}/chain")).await.status, 404, "no authority delivered a chain with it");
}

#[tokio::test]
async fn the_inventory_is_searched_and_paged() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(120).await;
    let first = admin.page("/certificates").await;
    assert!(first.contains("50 of 120 certificates") && !first.contains("rel=\"prev\""));
    let next = |page: &str, rel: &str| {
        let link = page.split(&format!("rel=\"{rel}\" href=\"")).nth(1).and_then(|rest| rest.split('"').next());
        link.map(|link| link.replace("&#38;", "&"))
    };
    let names = |page: &str| page.matches("class=\"cell-name\"").count();
    let second = admin.page(&next(&first, "next").expect("a second page")).await;
    let third = admin.page(&next(&second, "next").expect("a third page")).await;
    assert_eq!((names(&first), names(&second), names(&third)), (50, 50, 20));
    assert_eq!(next(&third, "next"), None);
    let back = admin.page(&next(&third, "prev").expect("a way back")).await;
    assert_eq!(back.split("<tbody>").nth(1), second.split("<tbody>").nth(1));
    assert!(admin.page("/certificates?q=no-such-name-anywhere").await.contains("Nothing matches"));
    let long = admin.page(&format!("/certificates?q={}", "x".repeat(501))).await;
    assert!(long.contains("A search has at most 500 characters."), "{long}");
    let odd = admin.get("/certificates?after=nonsense").await;
    assert_eq!(odd.status, 200, "an address that was cut is not an error of the server");
    for sort in ["expiry", "-expiry"] {
        let page = admin.page(&format!("/certificates?sort={sort}")).await;
        assert!(page.contains("aria-sort"), "{sort}");
        admin.page(&next(&page, "next").expect("a second page")).await;
    }
}

#[tokio::test]
async fn a_managed_certificate_is_made_paused_and_removed() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    assert!(admin.page("/managed/new").await.contains("Two things are needed first"));
    let found = furnish(&admin).await;
    let page = admin.page(&format!("/managed/{}", found.managed)).await;
    assert!(page.contains("Obtaining") && page.contains("www.shop.example.com") && page.contains("nginx"), "{}", gist(&page));
    let page = admin.follow(&format!("/managed/{}/pause", found.managed), &[]).await;
    assert!(page.contains("Nothing is renewed by itself") && page.contains("/resume"), "{}", gist(&page));
    let page = admin.follow(&format!("/managed/{}/resume", found.managed), &[]).await;
    assert!(page.contains("It renews by itself again."));
    let deployment = format!("/managed/{}/deployments/{}", found.managed, found.deployment);
    let page = admin.follow(&format!("{deployment}/run"), &[]).await;
    assert!(page.contains("There is no version to install yet."), "{}", gist(&page));
    admin.follow(&format!("{deployment}/remove"), &[]).await;
    let page = admin.follow(&format!("/issuers/{}/remove", found.issuer), &[]).await;
    assert!(page.contains("managed certificates use the issuer"), "{}", gist(&page));
    let page = admin.follow(&format!("/managed/{}/remove", found.managed), &[]).await;
    assert!(page.contains("Nothing is managed yet"), "{}", gist(&page));
    assert!(admin.follow(&format!("/issuers/{}/remove", found.issuer), &[]).await.contains("No issuer yet"));
    assert!(admin.follow(&format!("/dns-providers/{}/remove", found.provider), &[]).await.contains("No DNS provider yet"));
}

#[tokio::test]
async fn a_certificate_of_the_inventory_is_adopted() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let found = furnish(&admin).await;
    let ids = server.import_samples(12).await;
    let mut adoptable = None;
    for id in ids {
        if admin.page(&format!("/certificates/{id}")).await.contains("/managed/new?adopt=") {
            let form = admin.page(&format!("/managed/new?adopt={id}")).await;
            if form.contains(".example") || form.contains(".com") {
                adoptable = Some(id);
                break;
            }
        }
    }
    let id = adoptable.expect("one of the samples can be renewed over ACME").to_string();
    let fields = [
        ("names", "adopted.example.com"),
        ("issuer", &found.issuer.to_string()),
        ("dns_provider", &found.provider.to_string()),
        ("key", "rsa2048"),
        ("adopt", &id),
    ];
    let page = admin.follow("/managed/new", &fields).await;
    assert!(page.contains("Version 1") && page.contains("RSA 2048, new at each renewal"), "{}", gist(&page));
    assert!(admin.page(&format!("/certificates/{id}")).await.contains("version of"));
    let reply = admin.post("/managed/new", &fields).await;
    assert_eq!(reply.status, 422, "only once");
}

/// A form's address, its fields, and what is said about them.
type Case<'a> = (String, Vec<(&'a str, &'a str)>, &'a str);

#[tokio::test]
async fn refused_forms_come_back_with_their_values_and_reasons() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let found = furnish(&admin).await;
    let (issuer, provider) = (found.issuer.to_string(), found.provider.to_string());
    let managed = |names, key| [("names", names), ("issuer", issuer.as_str()), ("dns_provider", provider.as_str()), ("key", key)];
    let role = |name, permissions| [("name", name), ("permissions", permissions), ("description", "kept words")];
    let cases: Vec<Case<'_>> = vec![
        ("/managed/new".into(), managed("", "p256").to_vec(), "At least one DNS name is needed."),
        ("/managed/new".into(), managed("a b.example", "p256").to_vec(), "a b.example"),
        ("/managed/new".into(), managed("x.example.com", "dsa").to_vec(), "Choose a kind of key."),
        (
            "/issuers/new".into(),
            vec![("name", "Kept"), ("directory", "http://plain.example/"), ("terms", "true")],
            "The directory is an https:// URL",
        ),
        ("/issuers/new".into(), vec![("name", "Kept"), ("directory", "https://x.example/")], "without consent"),
        (
            "/issuers/new".into(),
            vec![("name", "authority"), ("directory", "https://x.example/d"), ("terms", "true")],
            "There is an issuer named",
        ),
        (
            "/dns-providers/new".into(),
            vec![("kind", "powerdns"), ("name", "Kept"), ("url", "http://kept.example")],
            "API key is required.",
        ),
        ("/roles/new".into(), role("Kept", "no path!").to_vec(), "is not a permission path"),
        ("/roles/new".into(), role("", "/portal/read/").to_vec(), "A name is required."),
        ("/users/new".into(), vec![("name", "kept"), ("password", "short")], "At least 10 characters are needed."),
        ("/users/new".into(), vec![("name", "Admin"), ("password", "long enough to be one")], "There is an account named"),
        (
            "/account/tokens".into(),
            vec![("token_name", "kept"), ("token_scopes", "///"), ("token_expires", "7")],
            "permission path",
        ),
        (
            format!("/managed/{}/deployments/new", found.managed),
            vec![("name", "kept"), ("full_chain", "../x")],
            "Give an absolute path",
        ),
        (
            format!("/managed/{}/deployments/new", found.managed),
            vec![("name", "kept"), ("command", "/bin/x \"")],
            "A quotation mark is not closed.",
        ),
    ];
    let before = server.events().await;
    for (path, fields, message) in cases {
        let reply = admin.post(&path, &fields).await;
        assert_eq!(reply.status, 422, "{path} {fields:?}: {}", gist(&reply.text()));
        let page = reply.text();
        assert!(page.contains(message), "{path} {fields:?}: {message} in {page}");
        for (name, value) in fields
            .iter()
            .filter(|(name, value)| !value.is_empty() && matches!(*name, "name" | "directory" | "url" | "token_name"))
        {
            assert!(page.contains(value), "{path}: {name} comes back");
        }
        assert!(!page.contains("long enough to be one"), "{path}: no password comes back");
    }
    assert_eq!(server.events().await, before);
    for (path, fields) in [
        ("/managed/new", vec![("issuer", "x")]),
        ("/users/new", vec![("role", "y")]),
        ("/dns-providers/new", vec![("kind", "z")]),
        ("/account/tokens", vec![("token_expires", "1000")]),
    ] {
        let reply = admin.post(path, &fields).await;
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.text().contains("reload the page"), "{path}: {}", gist(&reply.text()));
    }
}

#[tokio::test]
async fn secrets_are_masked_and_kept() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let found = furnish(&admin).await;
    let path = format!("/dns-providers/{}", found.provider);
    let page = admin.page(&path).await;
    assert!(page.contains("stored; leave empty to keep") && !page.contains("very secret"), "{}", gist(&page));
    let reply = admin.post(&path, &[("name", "Our zones"), ("url", "http://127.0.0.1:2"), ("api_key", "")]).await;
    assert_eq!(reply.status, 422, "the key is not sent to somebody else");
    assert!(reply.text().contains("enter them again"), "{}", gist(&reply.text()));
    let page = admin.follow(&path, &[("name", "Zones of ours"), ("url", "http://127.0.0.1:1"), ("api_key", "")]).await;
    assert!(page.contains("The DNS provider was changed.") && page.contains("Zones of ours"));
    let page = admin.follow(&path, &[("name", "Our zones"), ("url", "http://127.0.0.1:2"), ("api_key", "very secret 2")]).await;
    assert!(page.contains("http://127.0.0.1:2") && !page.contains("very secret"));
    let events = admin.page("/events?operation=dns_provider.").await;
    assert!(events.contains("changed the DNS provider") && !events.contains("very secret"), "{events}");
}

#[tokio::test]
async fn accounts_get_roles_passwords_and_tokens() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let page = admin
        .follow(
            "/users/new",
            &[("name", "marta"), ("description", "Marta L."), ("password", "a long enough word"), ("role", "1")],
        )
        .await;
    assert!(page.contains("The user was added.") && page.contains("Marta L."), "{}", gist(&page));
    let href =
        super::attributes(&page, "action").into_iter().find(|action| action.ends_with("/roles")).expect("the form of roles");
    let user = href.trim_end_matches("/roles").to_owned();
    let page = admin.follow(&format!("{user}/roles"), &[]).await;
    assert!(page.contains("The roles were saved.") && !page.contains(" checked"), "{}", gist(&page));
    let token = [("token_name", "ci"), ("token_expires", "30"), ("token_scopes", "")];
    assert_eq!(admin.post(&format!("{user}/tokens"), &token).await.status, 404, "people make their own");
    let page = admin.follow("/service-accounts/new", &[("name", "robot"), ("role", "1")]).await;
    let href = super::attributes(&page, "action").into_iter().find(|action| action.ends_with("/tokens")).expect("the form");
    let robot = href.trim_end_matches("/tokens").to_owned();
    let reply = admin.post(&href, &token).await;
    assert_eq!(reply.status, 200);
    let page = reply.text();
    let token = page.split("<code>cht_").nth(1).and_then(|rest| rest.split('<').next()).expect("the token, once");
    assert_eq!(token.len(), 43);
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert!(!admin.page(&robot).await.contains(token), "and not again");
    assert_eq!(server.call("GET", "/api/v1/me", &format!("cht_{token}"), None).await.status, 200);
    let revoke =
        super::attributes(&admin.page(&robot).await, "action").into_iter().find(|action| action.ends_with("/revoke")).unwrap();
    assert!(admin.follow(&revoke, &[]).await.contains("The token was revoked."));
    assert_eq!(server.call("GET", "/api/v1/me", &format!("cht_{token}"), None).await.status, 401);
    assert!(admin.follow(&format!("{user}/disable"), &[]).await.contains("The account is disabled."));
    assert!(admin.follow(&format!("{user}/enable"), &[]).await.contains("enabled again"));
    let elsewhere = user.replace("/users/", "/service-accounts/");
    assert_eq!(location(&admin.get(&elsewhere).await), user);
    let own = format!("/users/{}", server.admin_id);
    let page = admin.follow(&format!("{own}/roles"), &[]).await;
    assert!(page.contains("must keep the Administrator role."), "{}", gist(&page));
}

#[tokio::test]
async fn the_record_is_filtered_and_checked() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    server.import_samples(60).await;
    let page = admin.page("/events").await;
    assert!(page.contains("Not checked yet") && page.contains("rel=\"next\""), "{}", gist(&page));
    let page = admin.follow("/events/check", &[]).await;
    assert!(page.contains("Chain whole") && page.contains("each is the one that was written"), "{}", gist(&page));
    assert!(admin.page("/events").await.contains("Chain whole"), "it is remembered");
    assert!(admin.page("/events?actor=nobody").await.contains("There is no account of this name."));
    assert!(admin.page("/events?since=soon").await.contains("A date looks like 2026-12-31."));
    assert!(admin.page("/events?operation=token.&actor=ADMIN").await.contains("Nothing matches"));
    assert!(admin.page("/events?from=3").await.contains("id=\"event-3\""));
    assert!(!admin.page("/events?from=3").await.contains("id=\"event-4\""));
}

#[tokio::test]
async fn colours_are_kept() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let page = admin.follow("/account/theme", &[("theme", "dark")]).await;
    assert!(page.contains("data-theme=\"dark\"") && page.contains("value=\"dark\" aria-pressed=\"true\""), "{}", gist(&page));
    let reply = server.send(super::get("/login", "certhold-theme=dark")).await;
    assert!(reply.text().contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn a_refused_form_shows_the_field_and_its_address_leads_back() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.post("/roles/1/members", &[("member", "nobody")]).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("aria-invalid=\"true\" autofocus"), "{}", gist(&reply.text()));
    for (address, page) in [
        ("/roles/1/members", "/roles/1"),
        ("/stores/1/add", "/stores/1"),
        ("/certificates/chosen", "/certificates"),
        ("/account/password", "/account"),
    ] {
        let reply = admin.get(address).await;
        assert_eq!((reply.status.as_u16(), super::location(&reply)), (303, page), "{address}");
        assert_eq!(server.send(super::get(address, "")).await.status, 405, "{address} without a session");
    }
}
