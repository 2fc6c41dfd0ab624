//! Tokens: how they are had, how they are shown, what they are bound to, and when they end.

use certhold_domain::people::{self, Password};
use serde_json::json;

use super::*;

const GENERATE: &str = "/arcgis/sharing/rest/generateToken";
const LIST: &str = "/arcgis/admin/security/certificates/identity";

async fn generate(arcgis: &ArcGis, fields: &[(&str, &str)]) -> Value {
    let fields = [&[("username", "admin"), ("password", PASSWORD), ("f", "json")], fields].concat();
    arcgis.form(GENERATE, &[], &fields).await.expect(200)
}

async fn token(arcgis: &ArcGis, fields: &[(&str, &str)]) -> String {
    let answer = generate(arcgis, fields).await;
    answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn tokens_live_as_long_as_asked_up_to_a_limit() {
    let arcgis = ArcGis::new().await;
    for (asked, minutes) in [(None, 60), (Some("5"), 5), (Some("20160"), 20_160), (Some("999999999"), 20_160), (Some(""), 60)] {
        let fields: Vec<(&str, &str)> = [("referer", "x")].into_iter().chain(asked.map(|asked| ("expiration", asked))).collect();
        let answer = generate(&arcgis, &fields).await;
        assert_eq!((&answer["expires"], &answer["ssl"]), (&json!(START + minutes * 60_000), &json!(true)), "{asked:?}");
        let text = answer["token"].as_str().unwrap();
        assert!(text.len() < 100 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{text}");
    }
    for wrong in ["0", "-1", "soon", "1.5"] {
        let answer = generate(&arcgis, &[("referer", "x"), ("expiration", wrong)]).await;
        assert_eq!(refused(&answer, 400), "'expiration' must be a number of minutes.");
        assert_eq!(answer["error"]["message"], "Unable to generate token.");
    }
    let short = token(&arcgis, &[("referer", "tests"), ("expiration", "5")]).await;
    arcgis.test.clock.advance(5 * 60_000 - 1);
    assert!(arcgis.get_as(&short, LIST).await["certificates"].is_array());
    arcgis.test.clock.advance(1);
    refused(&arcgis.get_as(&short, LIST).await, 498);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let arcgis = ArcGis::new().await;
    let all = [("username", "admin"), ("password", PASSWORD), ("referer", "x"), ("f", "json")];
    for missing in ["username", "password", "referer"] {
        let fields: Vec<_> = all.into_iter().filter(|(name, _)| *name != missing).collect();
        let answer = arcgis.form(GENERATE, &[], &fields).await.expect(200);
        assert_eq!(refused(&answer, 400), format!("'{missing}' must be specified."));
    }
    assert_eq!(refused(&generate(&arcgis, &[("client", "ip")]).await, 400), "'ip' must be specified.");
    assert!(refused(&generate(&arcgis, &[("client", "x"), ("referer", "x")]).await, 400).starts_with("'client' must be"));
    for (name, password) in
        [("admin", "wrong"), ("nobody", PASSWORD), ("Admin", PASSWORD), ("ADMIN", PASSWORD), (" admin", PASSWORD)]
    {
        let fields = [("username", name), ("password", password), ("referer", "x"), ("f", "json")];
        let answer = arcgis.form(GENERATE, &[], &fields).await.expect(200);
        assert_eq!(refused(&answer, 400), "Invalid username or password.", "{name}");
    }
    let query = format!("{GENERATE}?username=admin&password=x");
    let answer = arcgis.form(&query, &[], &[("referer", "x"), ("f", "json")]).await.expect(200);
    assert!(refused(&answer, 400).contains("should not contain username and password in the query string"));
    let answer = arcgis.send("GET", &format!("{GENERATE}?f=json"), &[], Vec::new()).await.expect(200);
    assert_eq!(refused(&answer, 405), "Send this operation by POST.");
}

#[tokio::test]
async fn guessing_locks_and_says_so() {
    let arcgis = ArcGis::new().await;
    let fields = [("username", "kim"), ("password", "wrong"), ("referer", "x"), ("f", "json")];
    for _ in 1..certhold_domain::limits::SIGN_IN_FAILURES {
        assert_eq!(refused(&arcgis.form(GENERATE, &[], &fields).await.expect(200), 400), "Invalid username or password.");
    }
    let answer = arcgis.form(GENERATE, &[], &fields).await.expect(200);
    assert!(refused(&answer, 400).starts_with("Too many failed sign-ins: try again after"), "{answer}");
}

#[tokio::test]
async fn every_carrier_is_read() {
    let arcgis = ArcGis::new().await;
    let (path, token) = (format!("{LIST}?f=json"), &arcgis.token);
    let (bearer, referer) = (format!("Bearer {token}"), ("referer", "tests"));
    for header in ["authorization", "x-esri-authorization"] {
        for method in ["GET", "POST"] {
            let list = arcgis.send(method, &path, &[(header, &bearer), referer], Vec::new()).await.expect(200);
            assert!(list["certificates"].is_array(), "{method} {header}: {list}");
        }
    }
    let list = arcgis.send("GET", &format!("{path}&token={token}"), &[referer], Vec::new()).await.expect(200);
    assert!(list["certificates"].is_array());
    let list = arcgis.form(LIST, &[referer], &[("f", "json"), ("token", token)]).await.expect(200);
    assert!(list["certificates"].is_array());
    let kind = "multipart/form-data; boundary=7d1f0c9e4a";
    let body = multipart(&[("f", "", b"json"), ("token", "", token.as_bytes())]);
    let list = arcgis.send("POST", LIST, &[("content-type", kind), referer], body).await.expect(200);
    assert!(list["certificates"].is_array());
    // Headers that a client sends without need.
    let odd = [("content-type", "application/x-www-form-urlencoded"), referer];
    let list = arcgis.send("GET", &format!("{path}&token={token}&csrfPreventToken=x"), &odd, Vec::new()).await.expect(200);
    assert!(list["certificates"].is_array());
}

#[tokio::test]
async fn a_post_needs_its_token_where_no_other_page_can_put_it() {
    let arcgis = ArcGis::new().await;
    let token = arcgis.sign_in("admin", PASSWORD).await;
    let cookie = format!("certhold-directory={token}");
    let query = format!("{LIST}?f=json&token={token}");
    let by_query = arcgis.send("POST", &query, &[("referer", "tests")], Vec::new()).await.expect(200);
    let line = refused(&by_query, 499);
    assert!(line.contains("with POST in the body"), "{line}");
    let by_cookie = arcgis.form(LIST, &[("referer", "tests"), ("cookie", &cookie)], &[("f", "json")]).await.expect(200);
    refused(&by_cookie, 499);
    assert_eq!(by_cookie["error"]["message"], "Token required.");
    let read = arcgis.send("GET", &format!("{LIST}?f=json"), &[("referer", "tests"), ("cookie", &cookie)], Vec::new()).await;
    assert!(read.expect(200)["certificates"].is_array(), "pages are looked at by the cookie");
    let web = arcgis.test.post("/api/v1/sessions", json!({ "name": "admin", "password": PASSWORD })).await.expect(201);
    let session = web["token"].as_str().unwrap();
    refused(&arcgis.get_as(session, LIST).await, 498);
    let cookie = format!("certhold={session}");
    let by_web = arcgis.send("GET", &format!("{LIST}?f=json"), &[("cookie", &cookie)], Vec::new()).await.expect(200);
    refused(&by_web, 499);
}

#[tokio::test]
async fn tokens_are_bound_to_where_they_are_used() {
    let arcgis = ArcGis::new().await;
    let get = async |token: &str, headers: &[(&str, &str)], in_header: bool| {
        let bearer = format!("Bearer {token}");
        let (path, mut all) = (format!("{LIST}?f=json"), headers.to_vec());
        if in_header {
            all.push(("authorization", &bearer));
            return arcgis.send("GET", &path, &all, Vec::new()).await.expect(200);
        }
        arcgis.send("GET", &format!("{path}&token={token}"), &all, Vec::new()).await.expect(200)
    };
    // What clients send, and what they send later.
    for (bound, later, in_header, works) in [
        ("http", Some("http"), true, true),
        ("@esri/arcgis-rest-js", Some("@esri/arcgis-rest-js"), false, true),
        ("referer", None, true, true),
        ("referer", Some("referer"), false, true),
        ("https://App.Example.test", Some("https://app.example.test/page?x=1"), false, true),
        ("https://app.example.test", Some("https://evil.example.test/"), true, false),
        ("referer", None, false, false),
    ] {
        let token = token(&arcgis, &[("referer", bound)]).await;
        let headers: Vec<(&str, &str)> = later.map(|later| ("referer", later)).into_iter().collect();
        let answer = get(&token, &headers, in_header).await;
        if works {
            assert!(answer["certificates"].is_array(), "{bound} {later:?}: {answer}");
        } else {
            assert_eq!(refused(&answer, 498), "Invalid token.", "{bound} {later:?}");
            assert_eq!(answer["error"]["message"], "Invalid token.");
        }
    }
    let here = token(&arcgis, &[("client", "requestip")]).await;
    assert!(get(&here, &[], false).await["certificates"].is_array());
    let here = token(&arcgis, &[("client", "ip"), ("ip", "127.0.0.1")]).await;
    assert!(get(&here, &[], false).await["certificates"].is_array());
    let elsewhere = token(&arcgis, &[("client", "ip"), ("ip", "192.0.2.9")]).await;
    refused(&get(&elsewhere, &[], true).await, 498);
    let long = generate(&arcgis, &[("referer", &"x".repeat(2001))]).await;
    assert!(refused(&long, 400).contains("at most 2000 characters"), "{long}");
}

#[tokio::test]
async fn tokens_end_with_the_password_and_the_account() {
    let arcgis = ArcGis::new().await;
    let new = |name: &str| json!({ "kind": "person", "name": name, "password": "a word that is long enough" });
    for (number, end) in ["password", "disable", "roles"].into_iter().enumerate() {
        let name = format!("kim{number}");
        let id = arcgis.test.post("/api/v1/principals", new(&name)).await.expect(201)["id"].as_i64().unwrap();
        let role = json!({ "name": format!("Maps {number}"), "permissions": ["/named_certificates/modify/"] });
        let role = arcgis.test.post("/api/v1/roles", role).await.expect(201)["id"].as_i64().unwrap();
        let holder = format!("/api/v1/roles/{role}/holders/{id}");
        arcgis.test.put(&holder, json!(null)).await.expect(204);
        let token = arcgis.sign_in(&name, "a word that is long enough").await;
        assert!(arcgis.get_as(&token, LIST).await["certificates"].is_array());
        let id = certhold_domain::PrincipalId(id);
        let entropy = arcgis.test.app.core().entropy.clone();
        let hash = Password::from("another word for it".to_owned()).hash(entropy.as_ref()).unwrap();
        match end {
            "password" => arcgis.test.as_system(move |tx, actor| people::set_password(tx, actor, id, &hash, START)).await,
            "disable" => arcgis.test.as_system(move |tx, actor| people::set_disabled(tx, actor, id, true, START)).await,
            _ => drop(arcgis.test.delete(&holder).await.expect(204)),
        }
        let code = if end == "roles" { 403 } else { 498 };
        refused(&arcgis.get_as(&token, LIST).await, code);
    }
}

#[tokio::test]
async fn api_tokens_are_taken_with_their_scopes() {
    let arcgis = ArcGis::new().await;
    assert!(arcgis.get_as(&arcgis.test.admin, LIST).await["certificates"].is_array());
    let narrow = arcgis.test.token(arcgis.test.admin_id, &["/certificates/"], None).await;
    refused(&arcgis.get_as(&narrow, LIST).await, 403);
    let (_, _, reader) = arcgis.test.service("reader", &["/named_certificates/read/"]).await;
    assert!(arcgis.get_as(&reader, LIST).await["certificates"].is_array());
    let myself = arcgis.get_as(&reader, "/arcgis/sharing/rest/community/self").await;
    assert_eq!((&myself["role"], &myself["privileges"]), (&json!("org_user"), &json!([])));
    for garbage in ["cht_garbage", "cha_garbage", "chb_garbage", "garbage", &"x".repeat(500)] {
        refused(&arcgis.get_as(garbage, LIST).await, 498);
    }
}

#[tokio::test]
async fn the_portal_tells_who_asks() {
    let arcgis = ArcGis::new().await;
    let info = arcgis.send("GET", "/arcgis/sharing/rest/info?f=json", &[], Vec::new()).await.expect(200);
    assert_eq!(
        info,
        json!({ "owningSystemUrl": "http://maps.example.test/arcgis", "authInfo": { "isTokenBasedSecurity": true,
        "tokenServicesUrl": "http://maps.example.test/arcgis/sharing/rest/generateToken" } })
    );
    let nobody = arcgis.send("GET", "/arcgis/sharing/rest/portals/self?f=json", &[], Vec::new()).await.expect(200);
    assert_eq!((&nobody["portalDeploymentType"], nobody.get("user")), (&json!("ArcGISEnterpriseOnKubernetes"), None));
    let admin =
        json!({ "username": "admin", "fullName": "admin", "role": "org_admin", "privileges": ["portal:admin:manageSecurity"] });
    for path in ["community/self?returnUserLicensedItems=true", "community/users/admin"] {
        assert_eq!(arcgis.get(&format!("/arcgis/sharing/rest/{path}")).await, admin, "{path}");
    }
    let portal = arcgis.post("/arcgis/sharing/rest/portals/self", &[]).await;
    assert_eq!((&portal["user"], &portal["portalName"]), (&admin, &json!("Certhold")));
    assert_eq!(
        refused(&arcgis.get("/arcgis/sharing/rest/community/users/nobody").await, 404),
        "User does not exist or is inaccessible."
    );
    let (_, _, maps) = arcgis.test.service("maps", &["/named_certificates/modify/"]).await;
    let myself = arcgis.get_as(&maps, "/arcgis/sharing/rest/community/self").await;
    assert_eq!((&myself["role"], &myself["privileges"]), (&json!("org_user"), &json!(["portal:admin:manageSecurity"])));
    assert_eq!(
        arcgis.get("/arcgis/admin").await,
        json!({ "currentVersion": 11.4, "fullVersion": "11.4.0", "resources": ["security"] })
    );
    for path in ["/arcgis/admin/security", "/arcgis/admin/security/certificates"] {
        assert_eq!(arcgis.get(path).await, json!({}));
    }
    let fields = [("f", "json"), ("token", arcgis.token.as_str()), ("serverUrl", "https://x/")];
    let exchanged = arcgis.form(GENERATE, &[("referer", "tests")], &fields).await;
    let exchanged = exchanged.expect(200);
    assert_eq!((&exchanged["token"], &exchanged["expires"]), (&json!(arcgis.token), &json!(START + 3_600_000)));
}

#[tokio::test]
async fn the_default_sign_in_of_one_client_works() {
    let arcgis = ArcGis::new().await;
    let ask = |redirect: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("response_type", "token").append_pair("client_id", "pythonapi").append_pair("state", "S2 &x");
        format!("/arcgis/sharing/rest/oauth2/authorize?{}", query.append_pair("redirect_uri", redirect).finish())
    };
    let page = arcgis.send("GET", &ask("http://maps.example.test"), &[], Vec::new()).await.text();
    let line = page.lines().find(|line| line.contains('{')).unwrap();
    let object: Value = serde_json::from_str(&line[line.find('{').unwrap()..=line.rfind('}').unwrap()]).unwrap();
    assert_eq!(page.find('{'), page.find(line).map(|at| at + line.find('{').unwrap()), "the first braces of the page");
    let state = object["oauth_state"].as_str().unwrap();
    let form =
        |password: &'static str| [("expiration", "600"), ("oauth_state", state), ("username", "admin"), ("password", password)];
    let signed = arcgis.form("/arcgis/sharing/oauth2/signin", &[], &form(PASSWORD)).await;
    assert_eq!(signed.status, 302, "{}", signed.text());
    let location = signed.headers["location"].to_str().unwrap();
    let (to, fragment) = location.split_once('#').unwrap();
    assert_eq!(to, "http://maps.example.test");
    let told: std::collections::HashMap<String, String> = form_urlencoded::parse(fragment.as_bytes()).into_owned().collect();
    assert_eq!((told["state"].as_str(), told["expires_in"].as_str(), told["username"].as_str()), ("S2 &x", "36000", "admin"));
    let bearer = format!("Bearer {}", told["access_token"]);
    let headers = [("x-esri-authorization", bearer.as_str()), ("referer", "http")];
    let list = arcgis.send("GET", &format!("{LIST}?f=json"), &headers, Vec::new()).await.expect(200);
    assert!(list["certificates"].is_array(), "{list}");
    let wrong = arcgis.form("/arcgis/sharing/oauth2/signin", &[], &form("wrong")).await;
    assert_eq!(wrong.status, 200);
    assert!(wrong.text().contains("OAUTH_0015") && wrong.text().contains("\"messages\":[\"Invalid username or password.\"]"));
    for evil in
        ["https://evil.example.test", "http://maps.example.test.evil.test", "http://maps.example.test@evil.test/", "urn:x", ""]
    {
        let page = arcgis.send("GET", &ask(evil), &[], Vec::new()).await;
        assert!(page.text().contains("Invalid redirect_uri"), "{evil}");
    }
    let forged = "eyJzdGF0ZSI6IngiLCJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS50ZXN0In0";
    let fields = [("oauth_state", forged), ("username", "admin"), ("password", PASSWORD)];
    let stolen = arcgis.form("/arcgis/sharing/oauth2/signin", &[], &fields).await;
    assert!(stolen.status == 400 && stolen.text().contains("Invalid redirect_uri"), "{}", stolen.text());
    let crossed = [("origin", "https://evil.example.test")];
    assert_eq!(arcgis.form("/arcgis/sharing/oauth2/signin", &crossed, &form(PASSWORD)).await.status, 403);
}

/// As HTTP/2 asks: where the request goes is in the address, and there is no `Host`.
#[tokio::test]
async fn the_servers_address_is_known_without_a_host_header() {
    let arcgis = ArcGis::new().await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = Request::builder().method(method).uri(format!("https://maps.example.test{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        arcgis.test.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let info = ask("GET", "/arcgis/sharing/rest/info?f=json", &[], "").await.expect(200);
    assert_eq!(info["authInfo"]["tokenServicesUrl"], "http://maps.example.test/arcgis/sharing/rest/generateToken");
    // What the header claims beside it does not count.
    let info = ask("GET", "/arcgis/sharing/rest/info?f=json", &[("host", "evil.example.test")], "").await.expect(200);
    assert_eq!(info["owningSystemUrl"], "http://maps.example.test/arcgis");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("f=html&username=admin&password={PASSWORD}").replace(' ', "+");
    for (origin, status) in [("http://maps.example.test", 303), ("https://localhost", 403), ("http://evil.example.test", 403)] {
        let reply = ask("POST", "/arcgis/admin/login", &[form, ("origin", origin)], &body).await;
        assert_eq!(reply.status.as_u16(), status, "{origin}: {}", reply.text());
    }
}

/// Whoever writes a name in another way than the account has it is refused, and the administrator at the machine is not locked out by that.
#[tokio::test]
async fn another_spelling_locks_nobody_out_who_cannot_be_locked_out() {
    let arcgis = ArcGis::new().await;
    let form = |name: &'static str, password: &'static str| {
        [("username", name), ("password", password), ("client", "requestip"), ("f", "json")]
    };
    for _ in 0..7 {
        let answer = arcgis.form("/arcgis/sharing/rest/generateToken", &[], &form("ADMIN", PASSWORD)).await.expect(200);
        assert_eq!(refused(&answer, 400), "Invalid username or password.");
    }
    let answer = arcgis.form("/arcgis/sharing/rest/generateToken", &[], &form("admin", PASSWORD)).await.expect(200);
    assert!(answer["token"].is_string(), "{answer}");
}
