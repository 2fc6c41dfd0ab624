//! What somebody who is called at night reads: what is wrong, and what to do.

use std::time::{Duration, UNIX_EPOCH};

use certhold_domain::access::roles;
use certhold_domain::renewal::order::{self, Failure};
use certhold_domain::renewal::{Cause, FailureClass, deployment};
use certhold_domain::{RoleId, jobs};
use serde_json::{Value, json};

use super::{Visitor, attributes, gist};
use crate::testing::TestApp;
use crate::web::view::time::Moment;

/// A certificate in the inventory that lives from `from` to `until`, in days from now; its number.
async fn certificate(server: &TestApp, name: &str, (from, until): (i64, i64)) -> i64 {
    let mut wanted = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
    let now = server.app.now() / 1_000;
    let at = |days: i64| UNIX_EPOCH + Duration::from_secs(u64::try_from(now + days * 86_400).unwrap());
    (wanted.not_before, wanted.not_after) = (at(from).into(), at(until).into());
    let pair = rcgen::KeyPair::generate().unwrap();
    let content = wanted.self_signed(&pair).unwrap().pem() + &pair.serialize_pem();
    let answer = server.post("/api/v1/certificates", json!({ "content": content })).await.expect(200);
    answer["items"][0]["certificate"].as_i64().unwrap()
}

/// An ACME issuer and a DNS provider, and such a certificate managed with them; the certificate and the managed certificate.
async fn managed(server: &TestApp, name: &str, life: (i64, i64)) -> (i64, i64) {
    let adopt = certificate(server, name, life).await;
    if server.get("/api/v1/issuers/1").await.status != 200 {
        let issuer = json!({ "name": "CA", "directory": "https://acme.example/dir" });
        server.post("/api/v1/issuers", issuer).await.expect(201);
        let settings = json!({ "url": "http://127.0.0.1:8081", "api_key": "key" });
        let provider = json!({ "name": "DNS", "kind": "powerdns", "settings": settings });
        server.post("/api/v1/dns-providers", provider).await.expect(201);
    }
    let plan = json!({ "names": [], "issuer": 1, "dns_provider": 1, "adopt": adopt });
    let made = server.post("/api/v1/managed-certificates", plan).await.expect(201);
    (adopt, made["id"].as_i64().unwrap())
}

/// An attempt to renew it that fails.
async fn fails(server: &TestApp, lineage: i64, cause: Cause, sentence: &'static str) {
    server.post(&format!("/api/v1/managed-certificates/{lineage}/renew"), json!(null)).await.expect(202);
    let now = server.app.now();
    server
        .as_system(move |tx, actor| {
            let failure = Failure {
                class: FailureClass::Unreachable,
                cause: Some(cause),
                sentence: sentence.into(),
                detail: None,
                retry_after: None,
                order_lost: false,
            };
            let lease = jobs::claim_one(tx, jobs::JobKind::Renew, lineage, "test", now)?.unwrap();
            order::fail(tx, actor, &lease, None, &failure, now)
        })
        .await;
    server.clock.advance(31_000);
}

#[tokio::test]
async fn what_is_not_deployed_is_trouble() {
    let server = TestApp::new().await;
    let (_, lineage) = managed(&server, "www.example.com", (-10, 80)).await;
    let admin = Visitor::admin(&server).await;
    assert!(admin.page("/").await.contains("does what it should"));
    let settings = json!({ "name": "nginx", "settings": { "full_chain": "/srv/tls/www.pem" } });
    let path = format!("/api/v1/managed-certificates/{lineage}/deployments");
    let id = server.post(&path, settings).await.expect(201)["id"].as_i64().unwrap();
    let now = server.app.now();
    server
        .as_system(move |tx, actor| {
            let lease = jobs::claim_one(tx, jobs::JobKind::Deploy, id, "test", now)?.unwrap();
            deployment::fail(tx, actor, &lease, "the directory /srv/tls does not exist", now)
        })
        .await;
    server.clock.advance(31_000);
    let told = server.get(&format!("/api/v1/managed-certificates/{lineage}")).await.expect(200);
    assert_eq!(told["health"], "not_deployed");
    for path in ["/", "/managed", "/managed?filter=trouble"] {
        let page = admin.page(path).await;
        let cause = "The deployment “nginx” failed. The directory /srv/tls does not exist.";
        assert!(page.contains(cause) && !page.contains("does what it should"), "{path}: {}", gist(&page));
        assert!(page.contains(", in trouble: </span>1</span>"), "{path} counts it in the navigation");
    }
    for path in ["/managed".to_owned(), format!("/managed/{lineage}")] {
        let page = admin.page(&path).await;
        assert!(page.contains("Not deployed"), "{path}: {}", gist(&page));
    }
    let page = admin.page(&format!("/managed/{lineage}")).await;
    assert!(page.contains("is not where it is used: the deployment “nginx” failed."), "{}", gist(&page));
    // With renewal paused, an attempt that failed before is not what is wrong.
    fails(&server, lineage, Cause::DnsRefused, "the key is not known there").await;
    server.post(&format!("/api/v1/managed-certificates/{lineage}/pause"), json!(null)).await.expect(204);
    for (path, heading) in [("/", "id=\"trouble-title\""), ("/managed", "<table")] {
        let page = admin.page(path).await;
        let told = page.split(heading).nth(1).and_then(|rest| rest.split("</section>").next()).unwrap_or_default();
        assert!(told.contains("The deployment “nginx” failed.") && !told.contains("The key is not known"), "{path}: {told}");
    }
}

#[tokio::test]
async fn what_has_expired_says_so_and_what_to_do() {
    let server = TestApp::new().await;
    let (_, lineage) = managed(&server, "www.example.com", (-90, 1)).await;
    let admin = Visitor::admin(&server).await;
    let place = format!("/managed/{lineage}");
    let since = Moment::new(server.app.now(), server.app.now()).stamp();
    fails(&server, lineage, Cause::IssuerUnreachable, "CA could not be reached").await;
    let page = admin.page(&place).await;
    assert!(page.contains(&format!("Renewal has failed since {since}.")) && page.contains("Retrying"), "{}", gist(&page));
    server.clock.advance(32 * 3_600_000);
    let admin = Visitor::admin(&server).await;
    let page = admin.page(&place).await;
    assert!(page.contains(&format!("Expired 8 hours ago; renewal has failed since {since}.")), "{}", gist(&page));
    assert!(page.contains("</svg>Expired</span>") && !page.contains("Retrying"), "{}", gist(&page));
    assert!(
        page.contains("the firewall, the proxy") && page.contains("<a href=\"/issuers/1\"><bdi>CA</bdi></a>"),
        "{}",
        gist(&page)
    );
    // Its one version is in service, and that is no praise.
    assert!(!page.contains("tone-good\"><svg class=\"icon\" aria-hidden=\"true\"><use href=\"#i-check\"/></svg>In service"));
    for (cause, said, place) in [
        (Cause::DnsRefused, "credentials of the DNS provider", "/dns-providers/1"),
        (Cause::NamesRefused, "a CAA record", "/issuers/1"),
        (Cause::RateLimited, "uses up the limit", ""),
        (Cause::Inside, "its key store", ""),
    ] {
        fails(&server, lineage, cause, "it failed").await;
        let page = admin.page(&format!("/managed/{lineage}")).await;
        let todo = page.split("What to do:").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
        let leads = if place.is_empty() { !todo.contains("href") } else { todo.contains(&format!("href=\"{place}\"")) };
        assert!(todo.contains(said) && leads, "{cause:?}: {todo}");
    }
    // Whoever may not open the issuer is not led there.
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/renewal/read/"]).await;
    fails(&server, lineage, Cause::NamesRefused, "it failed").await;
    let page = eve.page(&place).await;
    assert!(page.contains("a CAA record") && !page.contains("href=\"/issuers/1\""), "{}", gist(&page));
}

#[tokio::test]
async fn home_does_not_praise_what_may_not_be_seen() {
    let server = TestApp::new().await;
    certificate(&server, "www.example.com", (-10, 80)).await;
    let (_, _, token) = server.service("reader", &["/certificates/collections/read/"]).await;
    let seen = server.call("GET", "/api/v1/overview", &token, None).await.expect(200);
    assert_eq!(seen["troubled"], Value::Null, "{seen}");
    assert_eq!(server.get("/api/v1/overview").await.expect(200)["troubled"], json!([]));
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/"]).await;
    let page = eve.page("/").await;
    assert!(!page.contains("does what it should") && page.contains("<code>/renewal/read/</code>"), "{}", gist(&page));
    let (amy, ..) = Visitor::with(&server, "amy", &["/portal/read/", "/certificates/collections/read/", "/renewal/read/"]).await;
    let page = amy.page("/").await;
    assert!(page.contains("does what it should") && !page.contains("<code>/renewal/read/</code>"), "{}", gist(&page));
}

#[tokio::test]
async fn what_is_revoked_does_not_look_valid() {
    let server = TestApp::new().await;
    let id = certificate(&server, "www.example.com", (-10, 80)).await;
    let admin = Visitor::admin(&server).await;
    let place = format!("/certificates/{id}");
    let before = admin.page(&place).await;
    assert!(before.contains("class=\"life tone-good\"") && before.contains("/managed/new?adopt="), "{}", gist(&before));
    let page = admin.follow(&format!("{place}/revoke"), &[("reason", "1"), ("comment", "found on a paste site")]).await;
    let now = Moment::new(server.app.now(), server.app.now());
    for said in [
        format!("Revoked on <time class=\"num\" datetime=\"{}\">{}</time>", now.iso(), now.stamp()),
        "by <bdi>admin</bdi> because its key is in wrong hands (keyCompromise).".into(),
        "found on a paste site".into(),
        "was not told by Certhold".into(),
        "class=\"life tone-bad\"".into(),
        "class=\"chain-box tone-bad".into(),
        "www.example.com is revoked.".into(),
    ] {
        assert!(page.contains(&said), "{said}: {}", gist(&page));
    }
    assert!(!page.contains("</svg>Valid<") && !page.contains("/managed/new?adopt="), "{}", gist(&page));
    let list = admin.page("/certificates").await;
    assert!(list.contains("class=\"expiry tone-bad\"") && !list.contains("class=\"expiry tone-good\""), "{}", gist(&list));
    // A reason is not made up where none is given.
    let other = certificate(&server, "other.example.com", (-10, 80)).await;
    let revoke = format!("/certificates/{other}/revoke");
    let page = admin.follow(&revoke, &[("reason", "0"), ("comment", "x")]).await;
    let said = page.split("aria-label=\"Revocation\"").nth(1).and_then(|rest| rest.split("</section>").next()).unwrap();
    assert!(said.contains("No reason is given.") && !said.contains("because"), "{said}");
}

#[tokio::test]
async fn the_page_of_what_expires_says_why_nobody_renewed_it() {
    let server = TestApp::new().await;
    let (current, lineage) = managed(&server, "www.example.com", (-85, 5)).await;
    let place = format!("/certificates/{current}");
    let admin = Visitor::admin(&server).await;
    assert!(admin.page(&place).await.contains("and has not been renewed yet."), "nothing has failed");
    fails(&server, lineage, Cause::DnsRefused, "the key is not known there").await;
    let page = admin.page(&place).await;
    let renew = format!("/managed/{lineage}/renew");
    for said in ["Renewal has failed since", "The key is not known there.", "1 failure in a row", "It is being tried again now."]
    {
        assert!(page.contains(said), "{said}: {}", gist(&page));
    }
    assert!(attributes(&page, "action").contains(&renew) && attributes(&page, "href").contains(&format!("/managed/{lineage}")));
    let reads = ["/portal/read/", "/certificates/collections/read/"];
    let (amy, ..) = Visitor::with(&server, "amy", &[reads[0], reads[1], "/renewal/read/"]).await;
    let page = amy.page(&place).await;
    assert!(page.contains("The key is not known there.") && !attributes(&page, "action").contains(&renew), "{}", gist(&page));
    let (eve, ..) = Visitor::with(&server, "eve", &reads).await;
    let page = eve.page(&place).await;
    assert!(page.contains("<code>/renewal/read/</code>") && !page.contains("The key is not known there."), "{}", gist(&page));

    for (name, life, said) in [
        ("old.example.com", (-90, -2), "Nobody renews this: it expired 2 days ago."),
        ("short.example.com", (-1, 5), "Nobody renews this: it ends in "),
    ] {
        let id = certificate(&server, name, life).await;
        let (place, adopt) = (format!("/certificates/{id}"), format!("/managed/new?adopt={id}"));
        let page = admin.page(&place).await;
        assert!(page.contains(said) && page.contains("Manage it"), "{}", gist(&page));
        assert!(!page.contains("life tone-good") && !page.contains("chain-box tone-good"), "{}", gist(&page));
        let page = eve.page(&place).await;
        assert!(page.contains(said) && !attributes(&page, "href").contains(&adopt), "{}", gist(&page));
    }
    let fine = certificate(&server, "fine.example.com", (-10, 80)).await;
    assert!(!admin.page(&format!("/certificates/{fine}")).await.contains("Nobody renews this"));
}

#[tokio::test]
async fn home_begins_with_what_needs_somebody() {
    let server = TestApp::new().await;
    certificate(&server, "fine.example.com", (-10, 80)).await;
    let admin = Visitor::admin(&server).await;
    let panel = |page: &str| page.split("Needs somebody now").nth(1).unwrap().split("</section>").next().unwrap().to_owned();
    let calm = panel(&admin.page("/").await);
    assert!(calm.contains("Nothing expired within the last 30 days") && !calm.contains("href=\"/"), "{calm}");
    let gone = certificate(&server, "gone.example.com", (-90, -2)).await;
    for number in 1..=10 {
        certificate(&server, &format!("soon-{number}.example.com"), (-90, 6)).await;
    }
    managed(&server, "kept.example.com", (-90, -1)).await;
    let page = admin.page("/").await;
    let told = panel(&page);
    assert!(page.find("Needs somebody now") < page.find("What expires when"));
    assert_eq!(told.matches("<li>").count(), 10, "{told}");
    assert!(
        told.contains("These and all others that ended in the last 30 days") && told.contains("href=\"/certificates?from="),
        "{told}"
    );
    let (kept, gone) = (told.find("kept.example.com"), told.find(&format!("href=\"/certificates/{gone}\"")));
    assert!(kept.is_some() && kept < gone && gone < told.find("soon-"), "{told}");
    assert!(told.contains("managed, and not renewed") && told.contains("nobody renews it") && told.contains("owned by nobody"));
    // The link leads to them.
    let href = attributes(&told, "href").into_iter().find(|href| href.starts_with("/certificates?from=")).unwrap();
    assert!(admin.page(&href).await.contains("gone.example.com"));
    // Whoever may not see renewals is not told that none is in trouble.
    let (eve, ..) = Visitor::with(&server, "eve", &["/portal/read/", "/certificates/collections/read/"]).await;
    assert!(panel(&eve.page("/").await).contains("kept.example.com"), "that it has expired is seen");
}

#[tokio::test]
async fn whoever_sees_an_owner_is_told_where_to_write() {
    let server = TestApp::new().await;
    let role = json!({ "name": "Web team", "email": "web@example.com", "permissions": [] });
    let role = server.post("/api/v1/roles", role).await.expect(201)["id"].as_i64().unwrap();
    let (current, lineage) = managed(&server, "www.example.com", (-10, 80)).await;
    let admin = Visitor::admin(&server).await;
    let place = format!("/certificates/{current}");
    let reads = ["/portal/read/", "/certificates/collections/read/", "/renewal/read/"];
    let (eve, id, _) = Visitor::with(&server, "eve", &reads).await;
    let now = server.app.now();
    server.as_system(move |tx, actor| roles::assign(tx, actor, RoleId(role), id, now)).await;
    admin.follow(&format!("{place}/owner"), &[("owner", &role.to_string())]).await;
    let mailto = "<a href=\"mailto:web@example.com\"><bdi>web@example.com</bdi></a>";
    let person = format!("href=\"/users/{id}\"");
    let page = admin.page(&place).await;
    assert!(page.contains(mailto) && page.contains(&person), "{}", gist(&page));
    let page = eve.page(&place).await;
    assert!(page.contains(mailto) && !page.contains(&person), "{}", gist(&page));
    let page = eve.page(&format!("/managed/{lineage}")).await;
    assert!(page.contains(mailto) && !page.contains(&person), "it has the owner of its version: {}", gist(&page));
}

#[tokio::test]
async fn in_one_column_people_come_before_fingerprints() {
    let server = TestApp::new().await;
    let id = certificate(&server, "www.example.com", (-10, 80)).await;
    let page = Visitor::admin(&server).await.page(&format!("/certificates/{id}")).await;
    let place = |heading: &str| page.find(heading).unwrap_or_else(|| panic!("{heading}: {}", gist(&page)));
    for heading in ["id=\"owner-title\"", "id=\"history-title\""] {
        assert!(place("aria-label=\"Validity\"") < place(heading) && place(heading) < place("aria-label=\"Facts\""), "{heading}");
    }
}
