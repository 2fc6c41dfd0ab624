//! The directory as a browser gets it: what pages say, and what they do not let through.

use super::*;

const ROOT: &str = "/arcgis/admin";

async fn page(arcgis: &ArcGis, path: &str, token: &str) -> Reply {
    let cookie = format!("certhold-directory={token}");
    arcgis.send("GET", path, &[("cookie", &cookie)], Vec::new()).await
}

async fn login(arcgis: &ArcGis, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
    let fields = [&[("username", "admin"), ("password", PASSWORD), ("f", "html")], fields].concat();
    arcgis.form("/arcgis/admin/login", headers, &fields).await
}

async fn signed_in(arcgis: &ArcGis) -> String {
    let reply = login(arcgis, &[], &[]).await;
    assert_eq!((reply.status.as_u16(), &reply.headers["location"]), (303, &ROOT.parse().unwrap()));
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Max-Age"), "it ends with the browser: {cookie}");
    cookie.split_once('=').unwrap().1.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn pages_lead_through_the_directory() {
    let arcgis = ArcGis::new().await;
    let first = arcgis.send("GET", &format!("{ROOT}/security/ingress"), &[], Vec::new()).await;
    assert_eq!(first.status, 303);
    assert_eq!(first.headers["location"], "/arcgis/admin/login?redirect=%2Farcgis%2Fadmin%2Fsecurity%2Fingress");
    let form = arcgis.send("GET", first.headers["location"].to_str().unwrap(), &[], Vec::new()).await.text();
    assert!(form.contains("name=\"redirect\" value=\"/arcgis/admin/security/ingress\""), "{form}");
    let back = login(&arcgis, &[("redirect", "/arcgis/admin/security/ingress")], &[]).await;
    assert_eq!(back.headers["location"], "/arcgis/admin/security/ingress");
    let token = signed_in(&arcgis).await;
    done(&arcgis.import_pfx("gateway", "sesame", &server("maps.example.test").pfx("sesame", &[])).await);
    let mut open = vec![ROOT.to_owned()];
    let (mut seen, mut forms) = (std::collections::BTreeSet::new(), 0);
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) || path.contains('?') {
            continue;
        }
        let reply = page(&arcgis, &path, &token).await;
        let text = reply.text();
        assert_eq!(reply.status, 200, "{path}: {text}");
        assert!(text.contains("Signed in as <bdi>admin</bdi>") && text.contains("<html lang=\"en\">"), "{path}");
        forms += usize::from(text.contains("class=\"operation\""));
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        open.extend(links.filter(|link| link.starts_with(ROOT)).map(str::to_owned));
    }
    assert!(seen.len() > 25 && forms >= 10, "{} pages, {forms} forms: {seen:?}", seen.len());
    assert!(seen.iter().any(|path| path.ends_with("?f=pjson")));
    let style = arcgis.send("GET", "/arcgis/static/directory.css", &[], Vec::new()).await;
    assert_eq!((style.status.as_u16(), &style.headers["content-type"]), (200, &"text/css; charset=utf-8".parse().unwrap()));
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let arcgis = ArcGis::new().await;
    let token = signed_in(&arcgis).await;
    let hostile = "<img src=x onerror=alert(1)>\"'&{{7*7}}";
    let mut wanted = parameters("maps.example.test");
    wanted.distinguished_name.push(rcgen::DnType::OrganizationName, "<script>alert(2)</script>\u{202e}moc");
    done(&arcgis.import_pfx(hostile, "sesame", &self_signed(&wanted).pfx("sesame", &[])).await);
    let id = arcgis.id("identity", hostile).await;
    for path in ["", &format!("/{id}"), &format!("/{id}/delete"), &format!("/{id}/usage")] {
        let text = page(&arcgis, &format!("{CERTIFICATES}/identity{path}"), &token).await.text();
        assert!(!text.contains("<img") && !text.contains("<script") && !text.contains('\u{202e}'), "{path}: {text}");
    }
    let shown = page(&arcgis, &format!("{CERTIFICATES}/identity/{id}"), &token).await.text();
    assert!(shown.contains("&#60;img src=x onerror") && shown.contains("⟨U+202E⟩"), "{shown}");
    let typed = arcgis.send("GET", "/arcgis/admin/login?redirect=%22%3E%3Cscript%3E", &[], Vec::new()).await.text();
    assert!(!typed.contains("<script") && typed.contains("value=\"/arcgis/admin\""));
    for path in ["/arcgis/admin/%3Cscript%3E", "/arcgis/admin?f=%3Cscript%3E"] {
        let reply = arcgis.send("GET", path, &[], Vec::new()).await;
        assert!(!reply.headers["content-type"].to_str().unwrap().contains("html") || !reply.text().contains("<script"), "{path}");
    }
}

#[tokio::test]
async fn only_the_directorys_own_forms_change_anything() {
    let arcgis = ArcGis::new().await;
    let token = signed_in(&arcgis).await;
    done(&arcgis.import_pfx("gateway", "sesame", &server("maps.example.test").pfx("sesame", &[])).await);
    let delete = format!("{CERTIFICATES}/identity/{}/delete", arcgis.id("identity", "gateway").await);
    let cookie = format!("certhold-directory={token}");
    for forged in [&[("f", "html")][..], &[("f", "html"), ("token", "")], &[("f", "html"), ("token", "chb_guess")]] {
        let reply = arcgis.form(&delete, &[("cookie", &cookie)], forged).await;
        assert_eq!(reply.status, 401, "{}", reply.text());
    }
    assert_eq!(arcgis.list("identity").await.len(), 1);
    let form = page(&arcgis, &delete, &token).await.text();
    assert!(form.contains(&format!("name=\"token\" value=\"{token}\"")));
    let reply = arcgis.form(&delete, &[("cookie", &cookie)], &[("f", "html"), ("token", &token)]).await;
    assert!(reply.status == 200 && reply.text().contains("Status: success"), "{}", reply.text());
    for redirect in ["https://evil.example.test/", "//evil.example.test", "/arcgis/adminx", "/\\evil", "/arcgis/admin\r\nx: y"] {
        let reply = login(&arcgis, &[("redirect", redirect)], &[]).await;
        assert_eq!(reply.headers["location"], ROOT, "{redirect}");
    }
    let foreign = login(&arcgis, &[], &[("origin", "https://evil.example.test")]).await;
    assert!(foreign.status == 403 && !foreign.headers.contains_key("set-cookie"));
    let wrong = arcgis.form("/arcgis/admin/login", &[], &[("username", "admin"), ("password", "wrong"), ("f", "html")]).await;
    assert!(wrong.status == 400 && wrong.text().contains("Invalid username or password."), "{}", wrong.text());
    let out = arcgis.form("/arcgis/admin/logout", &[("cookie", &cookie)], &[("token", &token)]).await;
    assert!(out.status == 303 && out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(page(&arcgis, ROOT, &token).await.status, 303, "the token has ended, not only the cookie");
}

/// Whoever follows a link with somebody's token must not fill in forms in that somebody's name without knowing it.
#[tokio::test]
async fn a_token_in_the_address_is_put_into_no_form() {
    let arcgis = ArcGis::new().await;
    let token = signed_in(&arcgis).await;
    let linked = async |path: &str, headers: &[(&str, &str)]| {
        arcgis.send("GET", &format!("{path}?token={token}"), headers, Vec::new()).await
    };
    let shown = linked(ROOT, &[]).await;
    let text = shown.text();
    assert!(shown.status == 200 && text.contains("Shown for <bdi>admin</bdi>, by a token in the address"), "{text}");
    assert!(!text.contains(&token), "{text}");
    let cookie = format!("certhold-directory={token}");
    for headers in [&[][..], &[("cookie", cookie.as_str())]] {
        let form = linked(&format!("{CERTIFICATES}/identity/import"), headers).await;
        assert_eq!(form.status, 303, "signing in comes first");
        assert!(form.headers["location"].to_str().unwrap().starts_with("/arcgis/admin/login?redirect="));
    }
}

#[tokio::test]
async fn a_form_without_a_file_is_short() {
    let arcgis = ArcGis::new().await;
    let long = "x".repeat(100_000);
    let answer = arcgis.post("/arcgis/sharing/rest/generateToken", &[("username", &long)]).await;
    assert!(answer.to_string().contains("has more than 65536 octets"), "{answer}");
}

#[tokio::test]
async fn a_refusal_is_a_page_too() {
    let arcgis = ArcGis::new().await;
    let token = signed_in(&arcgis).await;
    let kind = "multipart/form-data; boundary=7d1f0c9e4a";
    let parts: [Part<'_>; 5] = [
        ("f", "", b"html"),
        ("token", "", token.as_bytes()),
        ("certificateName", "", b"x"),
        ("certificatePassword", "", b"wrong"),
        ("certificatePfxFile", "a.pfx", &server("x.example.test").pfx("right", &[])),
    ];
    let reply =
        arcgis.send("POST", &format!("{CERTIFICATES}/identity/import"), &[("content-type", kind)], multipart(&parts)).await;
    let text = reply.text();
    assert_eq!(reply.status, 400);
    assert!(
        text.contains("Unable to import the certificate.") && text.contains("The password does not open the PKCS#12 file."),
        "{text}"
    );
    assert!(text.contains("name=\"certificatePfxFile\""), "the form is there again");
    let (_, _, reader) = arcgis.test.service("reader", &["/named_certificates/read/"]).await;
    let bearer = format!("Bearer {reader}");
    let reply = arcgis.send("POST", &format!("{ROOT}/security/saml/update"), &[("authorization", &bearer)], Vec::new()).await;
    assert!(reply.status == 403 && reply.text().contains("You do not have permissions"), "{}", reply.text());
}

#[tokio::test]
async fn no_other_sites_page_gets_a_form_filled_in() {
    let arcgis = ArcGis::new().await;
    let token = signed_in(&arcgis).await;
    let import = format!("{CERTIFICATES}/identity/import");
    for headers in [[("sec-fetch-site", "cross-site")], [("origin", "https://evil.example.test")]] {
        let reply = arcgis.form(&import, &headers, &[("f", "html"), ("token", &token)]).await;
        assert!(reply.status == 403 && !reply.text().contains(&token), "{}", reply.text());
    }
    let own = arcgis.form(&import, &[("sec-fetch-site", "same-origin")], &[("f", "html"), ("token", &token)]).await;
    assert!(own.status == 400 && own.text().contains("class=\"operation\""), "{}", own.text());
    // What was typed is still there after a refusal.
    let typed = r#"{"httpsProtocols": "SSLv3"}"#;
    let fields = [("f", "html"), ("token", token.as_str()), ("ingressSecurityConfig", typed)];
    let reply = arcgis.form("/arcgis/admin/security/ingress/update", &[], &fields).await;
    assert!(
        reply.status == 400 && reply.text().contains("{&#34;httpsProtocols&#34;: &#34;SSLv3&#34;}</textarea>"),
        "{}",
        reply.text()
    );
    let fields =
        [("f", "html"), ("token", token.as_str()), ("certificateName", "<gate>"), ("keyAlgorithm", "RSA"), ("keySize", "7")];
    let reply = arcgis.form(&format!("{CERTIFICATES}/identity/generateCSR"), &[], &fields).await.text();
    assert!(reply.contains("value=\"&#60;gate&#62;\"") && reply.contains("<option selected>RSA</option>"), "{reply}");
}
