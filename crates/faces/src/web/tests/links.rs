//! Every link and form of every page leads somewhere.

use std::collections::{BTreeSet, VecDeque};

use super::{Visitor, attributes, furnish, get, gist};
use crate::testing::TestApp;

/// The pages that are reached from the home page, with everything they link and send to.
#[tokio::test]
async fn no_link_is_dead() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let ids = server.import_samples(120).await;
    furnish(&admin).await;
    let team = [("name", "Team"), ("type", "string"), ("enrolment", "optional")];
    admin.follow("/metadata/new", &team).await;
    admin.follow("/service-accounts/new", &[("name", "robot"), ("description", "CI"), ("role", "1")]).await;
    let role = [("name", "Platform"), ("description", ""), ("permissions", "/certificates/import/")];
    admin.follow("/roles/new", &role).await;
    admin.follow(&format!("/certificates/{}/owner", ids[0]), &[("owner", "1")]).await;
    admin.post("/account/tokens", &[("token_name", "mine"), ("token_expires", "7"), ("token_scopes", "")]).await;

    let (mut seen, mut actions) = (BTreeSet::new(), BTreeSet::new());
    let mut waiting: VecDeque<String> = VecDeque::from(["/".to_owned()]);
    while let Some(path) = waiting.pop_front() {
        let reply = admin.get(&path).await;
        assert!(reply.status.is_success() || reply.status == 303, "{path}: {}\n{}", reply.status, gist(&reply.text()));
        let is_page = reply.headers.get("content-type").is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html"));
        if !is_page {
            continue;
        }
        let html = reply.text();
        actions.extend(attributes(&html, "action"));
        for href in attributes(&html, "href") {
            let address = href.split('#').next().unwrap_or("");
            // One page of each shape is enough.
            if address.starts_with('/') && seen.insert(shape(address)) {
                waiting.push_back(address.to_owned());
            }
        }
    }
    assert!(seen.len() > 45, "{seen:?}");
    for page in [
        "/issuers/0",
        "/dns-providers/0",
        "/managed/0",
        "/users/0",
        "/service-accounts/0",
        "/roles/0",
        "/managed/0/deployments/new",
    ] {
        assert!(seen.contains(page), "{page} is linked from nowhere: {seen:?}");
    }
    assert!(actions.len() > 20, "{actions:?}");
    // What is removed cannot be acted on any more.
    let (last, first): (Vec<String>, Vec<String>) =
        actions.into_iter().partition(|action| action.ends_with("/remove") || action.ends_with("/exclude"));
    for action in first.into_iter().chain(last) {
        let reply = server.send(get(&action, "")).await;
        let is_routed = matches!(reply.status.as_u16(), 200 | 303 | 405);
        assert!(is_routed, "{action}: {}", reply.status);
        let reply = admin.post(&action, &[("csrf", "wrong")]).await;
        assert_ne!(reply.status, 404, "{action}");
    }
}

/// An address without its numbers. Lists can be narrowed further and further: of those only the names of the parameters count.
fn shape(address: &str) -> String {
    let numberless: String = address.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match numberless.split_once('?') {
        Some((path, query)) if query.contains("where=") => {
            let names: BTreeSet<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
            format!("{path}?{}", names.into_iter().collect::<Vec<_>>().join("&"))
        }
        _ => numberless,
    }
}

#[tokio::test]
async fn unknown_addresses_say_so() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    for path in [
        "/nothing",
        "/certificates/999999",
        "/certificates/abc",
        "/certificates/-1",
        "/managed/99",
        "/users/0x1",
        "/roles/99",
        "/collections/99",
        "/collections/abc",
        "/issuers/9",
        "/dns-providers/9",
        "/certificates/99/pem",
        "/assets/nothing.css",
    ] {
        let reply = admin.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        if !path.starts_with("/assets") {
            assert!(reply.text().contains("aria-label=\"Main\""), "{path} keeps the navigation");
        }
    }
    let reply = server.send(get("/nothing", "")).await;
    assert_eq!(reply.status, 404);
    assert!(!reply.text().contains("aria-label=\"Main\""));
    assert_eq!(admin.get("/logout").await.status, 405);
    assert_eq!(admin.post("/certificates", &[]).await.status, 405);
}

#[tokio::test]
async fn assets_are_cached_for_ever_and_pages_never() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = admin.get("/certificates").await;
    assert_eq!(reply.headers["cache-control"], "no-store");
    assert_eq!(reply.headers["content-security-policy"], crate::web::CONTENT_SECURITY_POLICY);
    assert_eq!(reply.headers.get_all("content-security-policy").iter().count(), 1);
    let html = reply.text();
    let style = attributes(&html, "href").into_iter().find(|href| href.ends_with("-certhold.css")).expect("a style sheet");
    let reply = admin.get(&style).await;
    assert_eq!(reply.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(reply.headers["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_navigation_offers_what_may_be_opened() {
    let server = TestApp::new().await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/auditing/read/"]).await;
    let page = eve.page("/events").await;
    let links = attributes(&page, "href");
    assert!(links.contains(&"/events".into()) && links.contains(&"/account".into()));
    for hidden in ["/certificates", "/collections", "/import", "/managed", "/issuers", "/dns-providers", "/users", "/roles"] {
        assert!(!links.contains(&hidden.into()), "{hidden}");
    }
    let home = eve.get("/").await;
    assert_eq!((home.status.as_u16(), super::location(&home)), (303, "/events"), "the first section that is open");
    let (nobody, ..) = Visitor::with(&server, "mallory", &["/certificates/"]).await;
    let reply = nobody.get("/certificates").await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("/portal/read/"));
}

#[tokio::test]
async fn an_event_says_who_did_what_in_words_and_when() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (_, eve, _) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let list = admin.page("/events?operation=sign_in.").await;
    assert!(list.contains("through the pages") && list.contains(" UTC</time>"), "{}", super::gist(&list));
    assert!(list.contains("<option value=\"eve\"></option>"), "names to choose from: {}", super::gist(&list));
    let is_event = |href: &String| href.strip_prefix("/events/").is_some_and(|number| number.parse::<i64>().is_ok());
    let signed_in = attributes(&list, "href").into_iter().find(is_event).expect("an event");
    let page = admin.page(&signed_in).await;
    let account = format!("<a href=\"/users/{}\"><bdi>eve</bdi></a> <span class=\"meta\">account {}</span>", eve.0, eve.0);
    assert!(page.contains(&account), "{}", super::gist(&page));
    let (auditor, ..) = Visitor::with(&server, "auditor", &["/portal/read/", "/auditing/read/"]).await;
    let page = auditor.page(&signed_in).await;
    assert!(page.contains("<bdi>eve</bdi> <span class=\"meta\">account"), "no link that is refused: {}", super::gist(&page));
    assert!(!auditor.page("/events").await.contains("<datalist"), "nor names that one may not read");
}

#[tokio::test]
async fn findings_begin_with_what_is_broken_here() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let rows = |html: &str| html.matches("<th scope=\"row\" class=\"rule-name\">").count();
    let all = rows(&admin.page("/findings?filter=all").await);
    assert!(all > 100, "{all}");
    let page = admin.page("/findings").await;
    assert!(page.contains("Nothing is broken") && page.contains("href=\"/findings?filter=all\""), "{}", super::gist(&page));
    server.import_samples(3).await;
    let page = admin.page("/findings").await;
    assert!(rows(&page) < all && page.contains("aria-current=\"true\">Broken here"), "{}", super::gist(&page));
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    assert_eq!(rows(&eve.page("/findings").await), all, "who may not see certificates reads the rules");
}
