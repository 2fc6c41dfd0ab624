//! Private authorities, enrolment, patterns and API clients, by forms.

use super::{Visitor, attributes, gist, location};
use crate::testing::TestApp;

const ROOT: [(&str, &str); 7] = [
    ("name", "Example Root"),
    ("subject", "CN=Example Root, O=Example"),
    ("key", "p256"),
    ("days", "3650"),
    ("path_length", "1"),
    ("permitted", "example.org"),
    ("list_days", "7"),
];

/// A form that is refused where it was filled in, and says this.
async fn refused(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)], said: &str) {
    let before = visitor.server.events().await;
    let reply = visitor.post(path, fields).await;
    let text = reply.text();
    assert!(reply.status == 422 && text.contains(said), "{path} {said}: {} {}", reply.status, gist(&text));
    assert_eq!(visitor.server.events().await, before, "{path}");
}

fn with<'a>(base: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = base.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    kept.chain(changed).copied().collect()
}

#[tokio::test]
async fn authorities_are_made_and_issue() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    assert!(admin.page("/authorities").await.contains("No private authority yet"));
    assert!(admin.page("/enrol").await.contains("No private authority issues here"));
    let page = admin.follow("/authorities/new", &ROOT).await;
    assert!(page.contains("The authority was made.") && page.contains("/ca/1.cer"), "{}", gist(&page));
    assert!(page.contains("only within example.org") && page.contains("at most 1 authority below it"), "{}", gist(&page));
    let below = with(&ROOT, &[("name", "Example Issuing"), ("subject", "CN=Issuing"), ("parent", "1"), ("path_length", "0")]);
    let page = admin.follow("/authorities/new", &below).await;
    assert!(page.contains("/authorities/1"), "{}", gist(&page));
    let list = admin.page("/authorities").await;
    let (root, issuing) = (list.find("Example Root").unwrap(), list.find("Example Issuing").unwrap());
    assert!(root < issuing, "what is below comes after");
    for (changed, said) in [
        (("name", "Example Root"), "already"),
        (("subject", "O=Example"), "has a common name"),
        (("key", "dsa"), "Choose one of"),
        (("days", "many"), "a number of days"),
        (("days", "0"), "days"),
        (("path_length", "300"), "from 0 to 255"),
        (("permitted", "*.example.org"), "*.example.org"),
        (("base_url", "ftp://x"), "address"),
        (("list_days", ""), "a number of days"),
        (("parent", "2"), "path length is 0"),
    ] {
        let renamed = with(&ROOT, &[("name", "Another")]);
        let base = if changed.0 == "name" { ROOT.to_vec() } else { renamed };
        refused(&admin, "/authorities/new", &with(&base, &[changed]), said).await;
    }

    // Without a pattern: by a template, for a key that is made here.
    let form = admin.page("/enrol?template=server").await;
    assert!(form.contains("TLS server") && form.contains("name=\"authority\""), "{}", gist(&form));
    let made = [
        ("template", "server"),
        ("way", "made"),
        ("key", "p256"),
        ("subject", ""),
        ("names", "a.example.org"),
        ("authority", "2"),
    ];
    let page = admin.follow("/enrol", &made).await;
    assert!(page.contains("The certificate was issued.") && page.contains("a.example.org"), "{}", gist(&page));
    assert!(page.contains("Issue again…") && page.contains("Revoke…"), "{}", gist(&page));
    for (changed, said) in [
        (("names", "a.example.com"), "may not issue for"),
        (("names", "not a name"), "is no DNS name"),
        (("subject", "nothing"), "expected an attribute"),
        (("days", "many"), "a number of days"),
        (("days", "4000"), "398 days"),
        (("way", "csr"), "signing request"),
    ] {
        refused(&admin, "/enrol", &with(&made, &[changed]), said).await;
    }
    assert_eq!(admin.post("/enrol", &with(&made, &[("way", "otherwise")])).await.status, 400);
    assert_eq!(admin.post("/enrol", &with(&made, &[("template", "nothing")])).await.status, 400);
    assert_eq!(admin.get("/enrol?pattern=99").await.status, 404);

    // Issued again, and revoked.
    let hrefs = attributes(&page, "href");
    let revoke = hrefs.iter().find(|href| href.ends_with("/revoke")).unwrap().clone();
    let own = revoke.trim_end_matches("/revoke").to_owned();
    let again = admin.follow(&format!("{own}/renew"), &[]).await;
    assert!(again.contains("issued again, for a new key"), "{}", gist(&again));
    assert!(admin.page(&revoke).await.contains("Example Issuing"));
    refused(&admin, &revoke, &[("reason", "4"), ("comment", " ")], "comment").await;
    assert_eq!(admin.post(&revoke, &[("reason", "99"), ("comment", "x")]).await.status, 400);
    let page = admin.follow(&revoke, &[("reason", "4"), ("comment", "replaced")]).await;
    assert!(page.contains("The certificate is recorded as revoked.") && page.contains("Revoked"), "{}", gist(&page));
    assert!(!page.contains("Issue again…") && !page.contains("/revoke\""), "{}", gist(&page));
    assert!(admin.follow(&format!("{own}/renew"), &[]).await.contains("It is revoked"));

    let page = admin.follow("/authorities/2/retire", &[]).await;
    assert!(page.contains("The authority is retired.") && page.contains("Retired") && !page.contains("Issue a certificate"));
    refused(&admin, "/enrol", &made, "is retired").await;
}

/// A pattern as its form is sent, without the roles.
const PATTERN: [(&str, &str); 19] = [
    ("name", "Web servers"),
    ("description", "for shops"),
    ("template", "server"),
    ("is_default", "true"),
    ("authority", "1"),
    ("kind", "csr"),
    ("kind", "pfx"),
    ("kind", "csr_generation"),
    ("days", "30"),
    ("most_days", "60"),
    ("key", "p256"),
    ("rfc", "true"),
    ("default-O", "Example"),
    ("regex-DNS", r"\.example\.org$"),
    ("message-DNS", "a host of ours"),
    ("owner_policy", "optional"),
    ("owner_override", "true"),
    ("field-1", "required"),
    ("value-1", ""),
];

#[tokio::test]
async fn a_pattern_makes_the_form_and_refuses_at_its_place() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    admin.follow("/authorities/new", &ROOT).await;
    admin.follow("/metadata/new", &[("name", "Team"), ("type", "string"), ("enrolment", "optional")]).await;
    let rights = ["/portal/read/", "/certificates/enrollment/"];
    let (kim, _, role) = Visitor::with(&server, "kim", &rights).await;
    let role = role.to_string();
    let pattern = with(&PATTERN, &[("role", role.as_str())]);
    let page = admin.follow("/patterns/new", &pattern).await;
    assert!(page.contains("The pattern was saved.") && page.contains("a host of ours"), "{}", gist(&page));
    let before = server.events().await;
    admin.follow("/patterns/1", &pattern).await;
    assert_eq!(server.events().await, before, "what was read and sent back is the same");
    for (changed, said) in [
        (("name", ""), "A name is required"),
        (("most_days", "4000"), "398 days"),
        (("days", "many"), "a number of days"),
        (("regex-DNS", "("), "regular expression"),
        (("default-C", "Germany"), "at most 2 are allowed"),
        (("value-1", "\u{202e}"), "not allowed"),
    ] {
        refused(&admin, "/patterns/1", &with(&pattern, &[changed]), said).await;
    }
    assert!(admin.page("/patterns").await.contains("Web servers"));
    let (eve, ..) = Visitor::with(&server, "eve", &rights).await;
    assert_eq!(eve.get("/enrol?pattern=1").await.status, 403);
    assert!(!eve.page("/enrol").await.contains("Web servers"));
    assert_eq!(eve.get("/patterns").await.status, 403);

    let chosen = kim.page("/enrol").await;
    assert!(chosen.contains("Web servers") && chosen.contains("/enrol?pattern=1"), "{}", gist(&chosen));
    let form = kim.page("/enrol?pattern=1").await;
    for said in ["a host of ours", "No wildcards.", "O=Example", "30 days otherwise, at most 60", "name=\"noted-1\""] {
        assert!(form.contains(said), "{said}: {}", gist(&form));
    }
    assert!(!form.contains("name=\"authority\"") && !form.contains("rsa2048"), "{}", gist(&form));
    let made = [("pattern", "1"), ("way", "made"), ("key", "p256"), ("names", "a.example.org"), ("noted-1", "shops")];
    // Who may not see certificates gets what was issued at once.
    let reply = kim.post("/enrol", &made).await;
    assert!(reply.status == 200 && reply.text().contains("-----BEGIN CERTIFICATE-----"), "{}", gist(&reply.text()));
    for (changed, said) in [
        (("names", "a.example.com"), "a host of ours"),
        (("names", "*.example.org"), "no wildcards"),
        (("noted-1", ""), "the field is required"),
        (("days", "61"), "1 to 60 days"),
        (("key", "p384"), "not among the keys"),
        (("owner", "1"), "role of the new owner"),
    ] {
        refused(&kim, "/enrol", &with(&made, &[changed]), said).await;
    }
    let reply = kim.post("/enrol", &with(&made, &[("way", "request")])).await;
    assert_eq!((reply.status.as_u16(), location(&reply)), (303, "/key-requests/1"));
    assert!(kim.page("/key-requests/1").await.contains("-----BEGIN CERTIFICATE REQUEST-----"));
    assert!(kim.follow("/key-requests/1/remove", &[]).await.contains("The key request is gone."));

    // Owners: of every certificate, of those of a template.
    let page = admin.follow("/patterns/templates/1", &[("owner_policy", "required")]).await;
    assert!(page.contains("The template was saved.") && page.contains("an owner is required"), "{}", gist(&page));
    refused(&kim, "/enrol", &made, "need an owner").await;
    admin.follow("/patterns/templates/1", &[("owner_policy", "optional")]).await;
    let page = admin.follow("/patterns/owner-policy", &[("owner_policy", "required")]).await;
    assert!(page.contains("The policy of owners was saved."), "{}", gist(&page));
    assert_eq!(admin.post("/patterns/owner-policy", &[("owner_policy", "perhaps")]).await.status, 400);
    refused(&kim, "/enrol", &made, "Every certificate needs an owner").await;
    assert_eq!(kim.post("/enrol", &with(&made, &[("owner", &role)])).await.status, 200);

    let page = admin.follow("/patterns/1/remove", &[]).await;
    assert!(page.contains("2 certificates were issued"), "{}", gist(&page));
    assert!(admin.follow("/patterns/1/remove", &[("force", "true")]).await.contains("The pattern was removed."));
}

#[tokio::test]
async fn api_clients_are_made_with_a_secret_shown_once() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let page = admin.follow("/service-accounts/new", &[("name", "robot"), ("description", "CI"), ("role", "1")]).await;
    let place = attributes(&page, "action").into_iter().find(|action| action.ends_with("/clients")).unwrap();
    let reply = admin.post(&place, &[("client_name", "owner updates"), ("client_scopes", "/certificates/")]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let text = reply.text();
    let secret = |text: &str| text.split("chk_").nth(1).and_then(|rest| rest.split(['"', '<']).next()).map(str::to_owned);
    let first = secret(&text).expect("the secret");
    let id = text.split("chc_").nth(1).and_then(|rest| rest.split(['"', '<']).next()).unwrap().to_owned();
    let token = async |secret: &str| {
        let body = format!("grant_type=client_credentials&client_id=chc_{id}&client_secret=chk_{secret}");
        let request = axum::http::Request::post("/oauth2/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(body));
        server.send(request.unwrap()).await.status.as_u16()
    };
    assert_eq!(token(&first).await, 200);
    let account = place.trim_end_matches("/clients");
    let shown = admin.page(account).await;
    assert!(shown.contains("owner updates") && !shown.contains("chk_"), "{}", gist(&shown));
    let reply = admin.post(&format!("{place}/1/secret"), &[]).await;
    let second = secret(&reply.text()).expect("another secret");
    assert_eq!((token(&first).await, token(&second).await), (401, 200));
    assert!(admin.follow(&format!("{place}/1/revoke"), &[]).await.contains("The client was revoked."));
    assert_eq!(token(&second).await, 401);
    refused(&admin, &place, &[("client_name", ""), ("client_scopes", "")], "name").await;
    refused(&admin, &place, &[("client_name", "x"), ("client_scopes", "nonsense path")], "permission path").await;
    assert_eq!(admin.post(&format!("{place}/99/secret"), &[]).await.status, 404);
    let reply = admin.post("/account/clients", &[("client_name", "mine")]).await;
    assert!(reply.status == 200 && reply.text().contains("chk_"), "{}", gist(&reply.text()));
    assert!(admin.follow("/account/clients/2/revoke", &[]).await.contains("The client was revoked."));
}

#[tokio::test]
async fn a_private_authority_issues_what_is_managed() {
    let server = TestApp::new().await;
    let admin = Visitor::admin(&server).await;
    let none = admin.page("/managed/new?by=private").await;
    assert!(none.contains("No private authority issues here"), "{}", gist(&none));
    admin.follow("/authorities/new", &ROOT).await;
    admin.follow("/authorities/new", &with(&ROOT, &[("name", "Other"), ("subject", "CN=Other"), ("permitted", "")])).await;
    // Whoever has no issuer is led to this form; both can be chosen.
    let form = admin.page("/managed/new").await;
    assert!(form.contains("name=\"under\"") && form.contains("Without a pattern: TLS server"), "{}", gist(&form));
    assert!(form.contains("By an ACME issuer") && form.contains("/managed/new?by=acme"), "{}", gist(&form));
    assert!(admin.page("/managed/new?by=acme").await.contains("Two things are needed first"));
    assert_eq!(admin.get("/managed/new?by=otherwise").await.status, 400);
    let plan = [
        ("by", "private"),
        ("under", "server"),
        ("authority", "1"),
        ("names", "db1.example.org"),
        ("subject", "CN=db1.example.org"),
        ("days", "30"),
        ("key", "p384"),
        ("owner", ""),
    ];
    for (changed, said) in [
        (("names", "a b"), "is no DNS name"),
        (("names", "db1.example.com"), "may not issue for"),
        (("subject", "nothing"), "expected an attribute"),
        (("subject", "CN=a.example.org, CN=b"), "more than one common name"),
        (("days", "many"), "a number of days"),
        (("days", "4000"), "398 days"),
        (("key", "dsa"), "Choose one of"),
        (("authority", ""), "name one"),
        (("authority", "99"), "This is gone"),
    ] {
        refused(&admin, "/managed/new", &with(&plan, &[changed]), said).await;
    }
    assert_eq!(admin.post("/managed/new", &with(&plan, &[("under", "pattern-x")])).await.status, 400);
    let page = admin.follow("/managed/new", &plan).await;
    assert!(page.contains("It is being obtained now.") && page.contains("/authorities/1"), "{}", gist(&page));
    assert!(page.contains("TLS server") && page.contains("30 days") && page.contains("CN=db1.example.org"), "{}", gist(&page));
    assert!(!page.contains("Latest order") && !page.contains("<dt>DNS provider</dt>"), "{}", gist(&page));
    assert!(admin.page("/managed").await.contains("Example Root"));
    let file = admin.page("/managed.csv").await;
    assert!(file.contains(",Example Root,"), "{file}");

    // A certificate that is held goes on; a pattern is chosen by its number.
    let pattern = [
        ("name", "Web"),
        ("template", "server"),
        ("authority", "1"),
        ("kind", "pfx"),
        ("key_reuse", "true"),
        ("owner_policy", "optional"),
        ("owner_override", "true"),
    ];
    admin.follow("/patterns/new", &pattern).await;
    let made = [("template", "client"), ("way", "made"), ("key", "p256"), ("names", "web.example.org"), ("authority", "1")];
    let reply = admin.post("/enrol", &made).await;
    let held = location(&reply).rsplit('/').next().unwrap().to_owned();
    let form = admin.page(&format!("/managed/new?by=private&adopt={held}")).await;
    assert!(form.contains("becomes the first version") && form.contains("web.example.org"), "{}", gist(&form));
    assert!(form.contains("pattern-1") && !form.contains("value=\"server\""), "{}", gist(&form));
    let page =
        admin.follow("/managed/new", &[("by", "private"), ("under", "pattern-1"), ("adopt", &held), ("reuse_key", "true")]).await;
    assert!(page.contains("It is managed now") && page.contains("kept at renewal"), "{}", gist(&page));
    // A lacking right is a page of its own.
    let (planner, ..) = Visitor::with(&server, "planner", &["/portal/", "/renewal/"]).await;
    assert_eq!(planner.get("/managed/new?by=private").await.status, 403);
    assert_eq!(planner.post("/managed/new", &with(&plan, &[("names", "db2.example.org")])).await.status, 403);
}
