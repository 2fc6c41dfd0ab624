//! Coming in and going out.

use axum::http::header;

use super::{Visitor, attributes, cookies, get, gist, location, post};
use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_the_door_and_back() {
    let server = TestApp::new().await;
    let reply = server.send(get("/certificates?q=a+b", "")).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/login?next=%2Fcertificates%3Fq%3Da%2Bb"));
    let page = server.send(get(location(&reply), "")).await.text();
    assert!(page.contains("name=\"next\" value=\"/certificates?q=a+b\""), "{}", gist(&page));
    assert!(page.contains("First start?"), "nobody has signed in yet");
    let reply =
        server.send(post("/login", "", &[("name", "admin"), ("password", PASSWORD), ("next", "/certificates?q=a+b")])).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/certificates?q=a+b"));
    let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    assert!(!server.send(get("/login", "")).await.text().contains("First start?"));
}

#[tokio::test]
async fn nothing_leads_away_from_this_server() {
    let server = TestApp::new().await;
    for next in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/login", "\t//evil.example"]
    {
        let page = server.send(get(&format!("/login?next={}", next.replace('\t', "%09").replace('\\', "%5C")), "")).await.text();
        assert!(!page.contains("name=\"next\""), "{next}: {page}");
        let reply = server.send(post("/login", "", &[("name", "admin"), ("password", PASSWORD), ("next", next)])).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/"), "{next}");
    }
}

#[tokio::test]
async fn wrong_passwords_are_counted_and_end_in_a_lock_out() {
    let server = TestApp::new().await;
    Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let guess = || post("/login", "", &[("name", "eve"), ("password", "guess"), ("next", "/account")]);
    for _ in 0..4 {
        let reply = server.send(guess()).await;
        assert_eq!(reply.status, 401);
        let page = reply.text();
        assert!(page.contains("Name or password is wrong.") && page.contains("value=\"eve\""), "{}", gist(&page));
        assert!(page.contains("name=\"next\" value=\"/account\"") && !page.contains("guess"), "{}", gist(&page));
    }
    assert_eq!(server.send(guess()).await.status, 429);
    let reply = server.send(post("/login", "", &[("name", "eve"), ("password", PASSWORD)])).await;
    assert_eq!(reply.status, 429, "the right password does not help now");
    assert!(reply.text().contains("Too many wrong tries"));
    server.clock.advance(16 * 60_000);
    assert_eq!(server.send(post("/login", "", &[("name", "eve"), ("password", PASSWORD)])).await.status, 303);
}

#[tokio::test]
async fn another_site_signs_nobody_in() {
    let server = TestApp::new().await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let mut request = post("/login", "", &[("name", "admin"), ("password", PASSWORD)]);
        request.headers_mut().remove("sec-fetch-site");
        request.headers_mut().insert(name, value.parse().unwrap());
        let reply = server.send(request).await;
        assert_eq!(reply.status, 403, "{name}");
        assert!(cookies(&reply).is_empty());
    }
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let reply = server.send(get("/login?next=/account", &admin.cookie)).await;
    assert_eq!(location(&reply), "/account", "whoever is signed in need not sign in");
    let reply = admin.post("/logout", &[]).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/login"));
    assert_eq!(cookies(&reply), [("certhold".to_owned(), String::new())]);
    let reply = admin.get("/account").await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/login?next=%2Faccount&ended=true"));
    assert!(server.send(get("/login?ended=true", "")).await.text().contains("Your session ended."));
}

#[tokio::test]
async fn a_password_is_changed_without_signing_in_again() {
    let server = TestApp::new().await;
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/"]).await;
    let other = Visitor::sign_in(&server, "eve", PASSWORD).await;
    let new = "a longer word than before";
    let form = |current, new, again| [("current", current), ("new", new), ("again", again)];
    let reply = eve.post("/account/password", &form(PASSWORD, new, "another")).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("The two do not agree."));
    let reply = eve.post("/account/password", &form("wrong", new, new)).await;
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("This is not your current password."), "{}", gist(&reply.text()));
    let reply = eve.post("/account/password", &form(PASSWORD, "short", "short")).await;
    assert!(reply.text().contains("At least 10 characters are needed."));
    let reply = eve.post("/account/password", &form(PASSWORD, new, new)).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/account"));
    let (name, value) = cookies(&reply).remove(0);
    assert_eq!(server.send(get("/account", &format!("{name}={value}"))).await.status, 200);
    assert_eq!(other.get("/account").await.status, 303, "other sessions have ended");
}

#[tokio::test]
async fn tokens_of_the_native_api_open_no_page() {
    let server = TestApp::new().await;
    let mut request = get("/certificates", "");
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {}", server.admin).parse().unwrap());
    assert_eq!(server.send(request).await.status, 303);
    let reply = server.send(get("/certificates", &format!("certhold={}", server.admin))).await;
    assert_eq!(reply.status, 303);
}

#[tokio::test]
async fn whoever_may_not_use_the_pages_is_told_so_and_can_sign_out() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let (mut eve, id, _) = Visitor::with(&server, "eve", &["/certificates/collections/read/"]).await;
    for path in ["/", "/certificates", "/account"] {
        let reply = eve.get(path).await;
        assert_eq!(reply.status, 403, "{path}");
        let page = reply.text();
        assert!(page.contains("You are signed in as <strong><bdi>eve</bdi></strong>"), "{path}: {}", gist(&page));
        assert!(page.contains("<code>/portal/read/</code>"), "{path}: {}", gist(&page));
        let links: Vec<String> = attributes(&page, "href").into_iter().filter(|href| !href.starts_with("/assets/")).collect();
        assert!(links.iter().all(|href| href.starts_with('#')), "{path}: nothing leads back to the refusal: {links:?}");
        eve.csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    }
    let reply = eve.post("/account/tokens", &[("token_name", "mine")]).await;
    assert_eq!(reply.status, 403, "a form does nothing either");
    assert!(reply.text().contains("You are signed in as"));
    let hint = "they can sign in, but see no page";
    assert!(admin.page(&format!("/users/{}", id.0)).await.contains(hint));
    assert_eq!(server.send(post("/logout", &eve.cookie, &[("csrf", "wrong")])).await.status, 403);
    let reply = eve.post("/logout", &[]).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/login"));
    let (_, fine, _) = Visitor::with(&server, "marta", &["/portal/read/"]).await;
    assert!(!admin.page(&format!("/users/{}", fine.0)).await.contains(hint));
}

#[tokio::test]
async fn a_form_sent_without_a_session_is_said_to_be_lost() {
    let server = TestApp::new().await;
    let sent = |referer: &str| {
        let mut request = post("/roles/new", "", &[("name", "Secret plans")]);
        request.headers_mut().insert(header::REFERER, referer.parse().unwrap());
        request
    };
    for (referer, door) in [
        ("http://certhold.test/roles/new?x=1", "/login?next=%2Froles%2Fnew%3Fx%3D1&lost=true"),
        ("https://evil.example/roles", "/login?next=%2Froles%2Fnew&lost=true"),
        ("http://certhold.test//evil.example", "/login?next=%2Froles%2Fnew&lost=true"),
        ("http://certhold.test/login", "/login?next=%2Froles%2Fnew&lost=true"),
        ("nonsense", "/login?next=%2Froles%2Fnew&lost=true"),
    ] {
        let reply = server.send(sent(referer)).await;
        assert_eq!((reply.status.as_u16(), location(&reply)), (303, door), "{referer}");
    }
    let page = server.send(get("/login?next=%2Froles%2Fnew&lost=true", "")).await.text();
    assert!(page.contains("You were signed out; what you sent was not saved."), "{}", gist(&page));
    assert!(page.contains("name=\"next\" value=\"/roles/new\""), "{}", gist(&page));
}
