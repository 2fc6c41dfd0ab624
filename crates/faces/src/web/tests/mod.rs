//! The pages as a browser gets them: a whole server without a socket.

mod access;
mod chosen;
mod collections;
mod forms;
mod hostile;
mod links;
mod list_files;
mod metadata;
mod private_ca;
mod refusals;
mod rights;
mod scoped;
mod signing_in;
mod trouble;
mod views;

use axum::body::Body;
use axum::http::{Request, header};
use certhold_domain::access::roles;
use certhold_domain::people::{self, NewPrincipal, Password, PrincipalKind};
use certhold_domain::{PrincipalId, RoleId};
use url::form_urlencoded;
use uuid::Uuid;

use crate::testing::{PASSWORD, Reply, TestApp};

/// A signed-in browser: its cookies and the token of its forms.
pub struct Visitor<'a> {
    pub server: &'a TestApp,
    pub cookie: String,
    pub csrf: String,
}

/// A request of a form without a session.
pub fn post(path: &str, cookie: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "certhold.test")
        .header("sec-fetch-site", "same-origin")
        .header(header::COOKIE, cookie);
    request.body(Body::from(body)).unwrap()
}

pub fn get(path: &str, cookie: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, "certhold.test").header(header::COOKIE, cookie).body(Body::empty()).unwrap()
}

/// The content of a page, for messages of failed tests.
pub fn gist(html: &str) -> &str {
    html.split_once("<main").map_or(html, |(_, content)| content)
}

/// The cookies that an answer sets: name and value.
pub fn cookies(reply: &Reply) -> Vec<(String, String)> {
    let values = reply.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let pairs = values.filter_map(|value| value.split(';').next()?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub fn location(reply: &Reply) -> &str {
    reply.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
}

/// The values of an attribute in a page, unescaped as far as addresses need it.
pub fn attributes(html: &str, attribute: &str) -> Vec<String> {
    let before = format!(" {attribute}=\"");
    let values = html.split(&before).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|value| value.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

impl<'a> Visitor<'a> {
    /// Signs in by the form.
    pub async fn sign_in(server: &'a TestApp, name: &str, password: &str) -> Visitor<'a> {
        let reply = server.send(post("/login", "", &[("name", name), ("password", password)])).await;
        assert_eq!(reply.status, 303, "{}", reply.text());
        let (name, value) = cookies(&reply).into_iter().find(|(name, _)| name == "certhold").expect("a session cookie");
        let cookie = format!("{name}={value}");
        let mut visitor = Visitor { server, cookie, csrf: String::new() };
        let page = visitor.get("/api/docs").await.text();
        let token = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        visitor.csrf = token.unwrap_or_default().to_owned();
        visitor
    }

    /// The administrator.
    pub async fn admin(server: &'a TestApp) -> Visitor<'a> {
        let visitor = Visitor::sign_in(server, "admin", PASSWORD).await;
        assert!(!visitor.csrf.is_empty());
        visitor
    }

    /// A person with these permissions in a role of their own.
    pub async fn with(server: &'a TestApp, name: &str, permissions: &[&str]) -> (Visitor<'a>, PrincipalId, RoleId) {
        let entropy = server.app.core().entropy.clone();
        let new = NewPrincipal {
            kind: PrincipalKind::Person,
            name: name.into(),
            display_name: String::new(),
            email: None,
            password: Some(Password::from(PASSWORD.to_owned()).hash(entropy.as_ref()).unwrap()),
            uuid: Uuid::from_bytes(server.app.core().random()),
        };
        let role = roles::RoleCommand {
            name: format!("role of {name}"),
            permissions: permissions.iter().map(|path| (*path).to_owned()).collect(),
            ..roles::RoleCommand::default()
        };
        let now = server.app.now();
        let (id, role) = server
            .as_system(move |tx, actor| {
                let id = people::create(tx, actor, &new, now)?;
                let role = roles::create(tx, actor, &role, now)?;
                roles::assign(tx, actor, role, id, now)?;
                Ok((id, role))
            })
            .await;
        let visitor = Visitor::sign_in(server, name, PASSWORD).await;
        (visitor, id, role)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.server.send(get(path, &self.cookie)).await
    }

    /// The page, if it is one.
    #[track_caller]
    pub fn page(&self, path: &str) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.get(path).await;
            assert_eq!(reply.status, 200, "{path} at {caller}: {}", gist(&reply.text()));
            reply.text()
        }
    }

    /// Sends a form as our own page would.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let fields: Vec<(&str, &str)> = [("csrf", self.csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.server.send(post(path, &self.cookie, &fields)).await
    }

    /// Sends a form that is accepted; the page it leads to, with the notice.
    #[track_caller]
    pub fn follow(&self, path: &str, fields: &[(&str, &str)]) -> impl Future<Output = String> {
        let caller = std::panic::Location::caller();
        async move {
            let reply = self.post(path, fields).await;
            assert_eq!(reply.status, 303, "{path} at {caller}: {}", gist(&reply.text()));
            let set = cookies(&reply).into_iter().map(|(name, value)| format!("; {name}={value}")).collect::<String>();
            let page = self.server.send(get(location(&reply), &format!("{}{set}", self.cookie))).await;
            assert_eq!(page.status, 200, "{} at {caller}: {}", location(&reply), gist(&page.text()));
            page.text()
        }
    }

    /// Sends the import form.
    pub async fn import(&self, csrf: &str, files: &[(&str, &[u8])], owner: &str) -> Reply {
        let boundary = "certhold-test-boundary";
        let mut body = Vec::new();
        let mut part = |head: String, content: &[u8]| {
            body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("name=\"csrf\"".into(), csrf.as_bytes());
        for (name, content) in files {
            part(format!("name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream"), content);
        }
        part("name=\"password\"".into(), b"");
        part("name=\"owner\"".into(), owner.as_bytes());
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let request = Request::post("/import")
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
            .header(header::HOST, "certhold.test")
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, &self.cookie);
        self.server.send(request.body(Body::from(body)).unwrap()).await
    }
}

/// An issuer, a DNS provider and a managed certificate with a deployment; their numbers.
pub async fn furnish(admin: &Visitor<'_>) -> Furnished {
    let number = |page: &str, place: &str| -> i64 {
        let hrefs = attributes(page, "href").into_iter().chain(attributes(page, "action"));
        let found = hrefs.filter_map(|href| href.strip_prefix(place)?.split('/').next()?.parse().ok());
        found.max().unwrap_or_else(|| panic!("no {place} in {page}"))
    };
    let issuer =
        [("name", "Authority"), ("directory", "https://127.0.0.1:1/dir"), ("contact", "pki@example.com"), ("terms", "true")];
    let page = admin.follow("/issuers/new", &issuer).await;
    let issuer = number(&page, "/issuers/");
    let provider = [("kind", "powerdns"), ("name", "Our zones"), ("url", "http://127.0.0.1:1"), ("api_key", "very secret")];
    let page = admin.follow("/dns-providers/new", &provider).await;
    let provider = number(&page, "/dns-providers/");
    let (issuer_text, provider_text) = (issuer.to_string(), provider.to_string());
    let managed = [
        ("names", "shop.example.com\nwww.shop.example.com"),
        ("issuer", issuer_text.as_str()),
        ("dns_provider", provider_text.as_str()),
        ("key", "p256"),
        ("owner", ""),
        ("profile", ""),
    ];
    let page = admin.follow("/managed/new", &managed).await;
    let managed = number(&page, "/managed/");
    let deployment = [
        ("name", "nginx"),
        ("full_chain", "/tmp/certhold-test/full.pem"),
        ("owner", "root:ssl-cert"),
        ("command", "/bin/true \"a b\""),
    ];
    let page = admin.follow(&format!("/managed/{managed}/deployments/new"), &deployment).await;
    let deployment = number(&page, &format!("/managed/{managed}/deployments/"));
    let collection = [("name", "All of RSA"), ("query", "KeyType -eq RSA"), ("on_dashboard", "true")];
    let page = admin.follow("/collections/new", &collection).await;
    let collection = number(&page, "/collections/");
    Furnished { issuer, provider, managed, deployment, collection }
}

pub struct Furnished {
    pub issuer: i64,
    pub provider: i64,
    pub managed: i64,
    pub deployment: i64,
    pub collection: i64,
}
