use axum::http::{HeaderMap, HeaderValue, Method, header};
use certhold_domain::{Face, Refusal, limits};
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::*;
use crate::state::Settings;
use crate::testing::{PASSWORD, TestApp};

fn coordinates() -> Coordinates {
    let peer = crate::Peer(([192, 0, 2, 1], 5).into());
    Coordinates { request: Uuid::now_v7(), address: crate::address::of_request(Some(peer), &HeaderMap::new(), &[]) }
}

async fn try_password(test: &TestApp, name: &str, password: &str) -> Result<SignedIn> {
    let who = SignIn { name: name.into(), password: password.to_owned().into(), agent: "test".into() };
    sign_in(&test.app, Face::Web, who, &coordinates()).await
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (name.parse::<axum::http::HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

fn refused<T>(result: Result<T>) -> Refusal {
    match result {
        Err(error) => error.refusal().unwrap_or_else(|| panic!("{error}")).clone(),
        Ok(_) => panic!("not refused"),
    }
}

#[tokio::test]
async fn a_session_serves_browser_and_bearer() {
    let test = TestApp::new().await;
    let opened = try_password(&test, " ADMIN ", PASSWORD).await.unwrap();
    let token = opened.token.expose_secret();
    assert!(token.starts_with(SESSION_PREFIX));
    let cookie = cookie(&test.app, token);
    let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
    let browser = Browser::of(&test.app, &headers(&[("cookie", &format!("theme=dark; {pair}"))]), coordinates()).unwrap();
    let known = test.app.known(browser.caller).await.unwrap();
    assert_eq!((known.actor.name.as_str(), known.actor.face, known.session), ("admin", Face::Web, Some(opened.session)));
    assert_eq!(known.actor.address, "192.0.2.1");
    assert_eq!(test.call("GET", "/api/v1/me", token, None).await.expect(200)["name"], "admin");
}

#[tokio::test]
async fn cookies_are_bound_to_host_and_tls_where_there_is_tls() {
    let text = |value: HeaderValue| value.to_str().unwrap().to_owned();
    let plain = TestApp::new().await;
    assert_eq!(text(cookie(&plain.app, "chs_x")), "certhold=chs_x; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    let tls = TestApp::with(Settings::default()).await;
    assert_eq!(text(cookie(&tls.app, "chs_x")), "__Host-certhold=chs_x; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    assert!(text(ended_cookie(&tls.app)).starts_with("__Host-certhold=; Path=/; Max-Age=0;"));
    let public_url = Some(Url::parse("https://certs.example/").unwrap());
    let proxied = TestApp::with(Settings { plain_http: true, public_url, ..Settings::default() }).await;
    assert!(text(cookie(&proxied.app, "chs_x")).starts_with("__Host-certhold="), "TLS ends at the proxy");
    let lesser = headers(&[("cookie", "certhold=chs_x")]);
    assert!(Browser::of(&tls.app, &lesser, coordinates()).is_err(), "a cookie that anybody on the network could set");
}

#[tokio::test]
async fn failures_lock_this_account_for_this_address_and_events_tell() {
    let test = TestApp::new().await;
    for _ in 1..limits::SIGN_IN_FAILURES {
        assert!(matches!(refused(try_password(&test, "admin", "wrong").await), Refusal::Unauthenticated(_)));
    }
    assert!(matches!(refused(try_password(&test, "admin", "wrong").await), Refusal::LockedOut { .. }));
    assert!(matches!(refused(try_password(&test, "admin", PASSWORD).await), Refusal::LockedOut { .. }));
    let body = json!({ "name": "admin", "password": PASSWORD });
    test.call("POST", "/api/v1/sessions", "", Some(&body)).await.expect(201);
    test.clock.advance(limits::LOCK_OUT_MS + 1);
    try_password(&test, "admin", PASSWORD).await.unwrap();
    let events = test.get("/api/v1/events?operation=sign_in.").await.expect(200);
    let operations: Vec<&str> =
        events["items"].as_array().unwrap().iter().map(|event| event["operation"].as_str().unwrap()).collect();
    let failed = operations.iter().filter(|operation| **operation == "sign_in.failed").count();
    assert_eq!(failed as i64, limits::SIGN_IN_FAILURES - 1);
    assert!(operations.contains(&"sign_in.locked") && operations.contains(&"sign_in.succeeded"), "{operations:?}");
    assert!(!events.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_get_one_answer() {
    let test = TestApp::new().await;
    let wrong = refused(try_password(&test, "admin", "wrong").await);
    for name in ["nobody", "", "adm\0in2", "<b>", &"x".repeat(100_000)] {
        assert_eq!(refused(try_password(&test, name, PASSWORD).await), wrong, "{name:.20}");
    }
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_and_when_ended() {
    let test = TestApp::new().await;
    let idle = try_password(&test, "admin", PASSWORD).await.unwrap();
    let me = |token: &SignedIn| {
        let token = token.token.expose_secret().to_owned();
        async {
            let token = token;
            test.call("GET", "/api/v1/me", &token, None).await.status.as_u16()
        }
    };
    test.clock.advance(limits::SESSION_IDLE_MS - 1);
    let used = try_password(&test, "admin", PASSWORD).await.unwrap();
    test.clock.advance(1);
    assert_eq!((me(&idle).await, me(&used).await), (401, 200));
    for _ in 0..(limits::SESSION_MS / limits::SESSION_IDLE_MS * 2) {
        test.clock.advance(limits::SESSION_IDLE_MS / 2);
        me(&used).await;
        // The touch is written beside the request.
        for _ in 0..200 {
            let now = test.app.now();
            let sessions = test.get(&format!("/api/v1/principals/{}/sessions", test.admin_id)).await.expect(200);
            let seen = |item: &serde_json::Value| item["last_seen_at"] == crate::native::Time(now).to_string();
            if sessions["items"].as_array().unwrap().iter().all(seen) {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(me(&used).await, 401, "a session has an end however often it is used");
    let ended = try_password(&test, "admin", PASSWORD).await.unwrap();
    assert_eq!(me(&ended).await, 200);
    test.call("DELETE", "/api/v1/sessions/current", ended.token.expose_secret(), None).await.expect(204);
    assert_eq!(me(&ended).await, 401);
}

#[tokio::test]
async fn a_change_of_password_needs_the_old_one_and_ends_sessions() {
    let test = TestApp::new().await;
    let session = try_password(&test, "admin", PASSWORD).await.unwrap();
    let token = session.token.expose_secret();
    let change = |current: &str, new: &str| json!({ "current_password": current, "password": new });
    let call = async |body| test.call("PUT", "/api/v1/me/password", token, Some(&body)).await;
    assert_eq!(call(change("wrong", "a new long password")).await.expect(400)["field"], "current_password");
    assert_eq!(call(change(PASSWORD, "short")).await.expect(400)["field"], "password");
    call(change(PASSWORD, "a new long password")).await.expect(204);
    assert_eq!(call(change("a new long password", "yet another one")).await.status, 401, "the session is over");
    assert!(try_password(&test, "admin", PASSWORD).await.is_err());
    try_password(&test, "admin", "a new long password").await.unwrap();
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let test = TestApp::new().await;
    let browser = Browser::of(&test.app, &headers(&[("cookie", "certhold=chs_one")]), coordinates()).unwrap();
    let other = Browser::of(&test.app, &headers(&[("cookie", "certhold=chs_two")]), coordinates()).unwrap();
    let ours = headers(&[("host", "127.0.0.1:8443"), ("origin", "http://127.0.0.1:8443")]);
    let check =
        |method: Method, headers: &HeaderMap, csrf: Option<&str>| browser.require_own_page(&test.app, &method, headers, csrf);
    assert!(check(Method::GET, &HeaderMap::new(), None).is_ok());
    assert!(check(Method::POST, &ours, Some(&browser.csrf)).is_ok());
    for wrong in [None, Some(""), Some(other.csrf.as_str()), Some("chs_one"), Some(&browser.csrf[1..])] {
        assert!(check(Method::POST, &ours, wrong).is_err(), "{wrong:?}");
        assert!(check(Method::DELETE, &ours, wrong).is_err(), "{wrong:?}");
    }
    let sites: [&[(&str, &str)]; 6] = [
        &[("host", "127.0.0.1:8443"), ("origin", "http://evil.example")],
        &[("host", "127.0.0.1:8443"), ("origin", "https://127.0.0.1:8443")],
        &[("host", "127.0.0.1:8443"), ("origin", "null")],
        &[("origin", "http://127.0.0.1:8443")],
        &[("sec-fetch-site", "cross-site"), ("host", "127.0.0.1:8443"), ("origin", "http://127.0.0.1:8443")],
        &[("sec-fetch-site", "same-site")],
    ];
    for site in sites {
        assert!(check(Method::POST, &headers(site), Some(&browser.csrf)).is_err(), "{site:?}");
        assert!(require_same_origin(&test.app, &headers(site)).is_err(), "{site:?}");
    }
}

#[tokio::test]
async fn the_public_address_decides_what_is_ours() {
    let public_url = Some(Url::parse("https://certs.example/").unwrap());
    let test = TestApp::with(Settings { plain_http: true, public_url, ..Settings::default() }).await;
    let from = |origin: &str| require_same_origin(&test.app, &headers(&[("host", "backend:8080"), ("origin", origin)]));
    assert!(from("https://certs.example").is_ok());
    assert!(from("http://backend:8080").is_err());
}

#[tokio::test]
async fn more_sign_ins_than_fit_are_refused_as_busy() {
    let test = TestApp::new().await;
    let _all = test.app.passwords().admitted.clone().acquire_many_owned(64).await.unwrap();
    assert_eq!(refused(try_password(&test, "admin", PASSWORD).await), Refusal::Busy);
    let body = json!({ "name": "admin", "password": PASSWORD });
    let reply = test.call("POST", "/api/v1/sessions", "", Some(&body)).await;
    assert_eq!((reply.status.as_u16(), &reply.headers[header::RETRY_AFTER]), (503, &HeaderValue::from(1)));
}
