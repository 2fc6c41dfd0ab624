//! `certhold list`, `show`, `owner`.

use std::time::Duration;

use certhold_domain::Clock;
use certhold_domain::inventory::Sort;
use certhold_domain::views::{self, ListFilter};
use serde_json::{Value as Json, json};

use super::through::Through;
use super::{Column, collection, container, not_found, print_done, print_list, print_one, view};
use crate::duration;
use crate::failure::Failure;
use crate::opening::SystemClock;
use crate::output::{self, CsvLines, JsonArray, Output, text, time};
use crate::target::{Method, Target, query};

/// Rows of a table when nobody says how many.
const ROWS: usize = 100;

/// Order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// Oldest in the inventory first.
    Id,
    /// Newest in the inventory first.
    Newest,
    /// First to expire first.
    Expiry,
    /// Last to expire first.
    ExpiryLast,
    /// By common name.
    Name,
    /// By issuer.
    Issuer,
    /// Longest held first.
    Held,
}

/// List certificates
#[derive(clap::Args)]
pub struct List {
    /// Words in subject, names, serial number or issuer; *.example.com; a SHA-256 fingerprint; or a query such as
    /// 'IssuedCN -contains "shop" AND KeySize -lt 2048'
    #[arg(value_name = "QUERY")]
    query: Vec<String>,
    /// Only those that have expired
    #[arg(long, conflicts_with = "expires_within")]
    expired: bool,
    /// Only those that expire from now on within this time, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    expires_within: Option<Duration>,
    /// Only those of this role
    #[arg(long, value_name = "ROLE", conflicts_with = "no_owner")]
    owner: Option<String>,
    /// Only those that nobody owns
    #[arg(long)]
    no_owner: bool,
    /// Only those in this collection
    #[arg(long, value_name = "COLLECTION")]
    collection: Option<String>,
    /// Those of one of your saved views, in its order: its name or number
    #[arg(
        long,
        value_name = "VIEW",
        conflicts_with_all = ["query", "expired", "expires_within", "owner", "no_owner", "collection", "sort"]
    )]
    view: Option<String>,
    /// In which order: id, newest, expiry, expiry-last, name, issuer or held
    #[arg(long, value_name = "ORDER", value_enum, default_value = "id", hide_possible_values = true)]
    sort: Order,
    /// At most so many; by default 100 in a table, all as JSON
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}

const COLUMNS: &[Column] = &[
    ("id", |item| text(&item["id"])),
    ("subject", |item| title(item)),
    ("names", |item| names(&item["names"])),
    ("expires", |item| time(&item["not_after"])),
    ("key", |item| key(item)),
    ("owner", |item| text(&item["owner"]["name"])),
    ("managed", |item| text(&item["managed"]["id"])),
];

/// Everything that a list tells of a certificate.
const CSV_COLUMNS: &[Column] = &[
    ("id", |item| text(&item["id"])),
    ("name", |item| title(item)),
    ("names", |item| whole(&item["names"])),
    ("subject", |item| text(&item["subject"])),
    ("issuer", |item| text(&item["issuer"])),
    ("serial", |item| text(&item["serial"])),
    ("not_before", |item| text(&item["not_before"])),
    ("not_after", |item| text(&item["not_after"])),
    ("owner", |item| text(&item["owner"]["name"])),
    ("key", |item| key(item)),
    ("is_ca", |item| text(&item["is_ca"])),
    ("managed", |item| text(&item["managed"]["id"])),
    ("private_key", |item| text(&item["has_private_key"])),
    ("source", |item| text(&item["source"])),
    ("held_since", |item| text(&item["held_since"])),
    ("sha256", |item| text(&item["sha256"])),
];

/// All names, separated by spaces as in the pages' files.
fn whole(names: &Json) -> String {
    names.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(" ")
}

impl List {
    /// Lists.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let collection = match &self.collection {
            Some(named) => Some(super::find(target, collection::PATH, "collection", named).await?),
            None => None,
        };
        let asked = match &self.view {
            Some(view) => {
                let id = super::find(target, view::PATH, "view", view).await?;
                of_view(&target.get(&format!("{}/{id}", view::PATH)).await?["parameters"], SystemClock.now())
            }
            None => self.query(collection),
        };
        let path = format!("/certificates{asked}");
        if output == Output::Json {
            let mut array = JsonArray::begin();
            target.items(&path, self.limit, |item| array.item(&item)).await?;
            return array.end();
        }
        if output == Output::Csv {
            let mut lines = CsvLines::begin(CSV_COLUMNS)?;
            target.items(&path, self.limit, |item| lines.item(&item)).await?;
            return lines.end();
        }
        let limit = self.limit.unwrap_or(ROWS);
        let mut items = Vec::new();
        // One more than is shown tells whether there are more.
        target
            .items(&path, Some(limit.saturating_add(1)), |item| {
                items.push(item);
                Ok(())
            })
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        print_list(&items, COLUMNS, output)?;
        if more {
            eprintln!("There are more than these {limit}: narrow the query, or raise --limit.");
        }
        Ok(())
    }

    fn query(&self, collection: Option<i64>) -> String {
        let written = Some(self.query.join(" ")).filter(|written| !written.is_empty());
        let is_query = written.as_deref().is_some_and(certhold_domain::query::looks_like_query);
        let until = self.expires_within.map(|within| SystemClock.now().saturating_add(duration::milliseconds(within)));
        let expired = if self.expired { Some("true") } else { until.map(|_| "false") };
        let owner = if self.no_owner { Some("none".to_owned()) } else { self.owner.clone() };
        let order = match self.sort {
            Order::Id => None,
            Order::Newest => Some("-id"),
            Order::Expiry => Some("not_after"),
            Order::ExpiryLast => Some("-not_after"),
            Order::Name => Some("common_name"),
            Order::Issuer => Some("issuer"),
            Order::Held => Some("held_since"),
        };
        query([
            (if is_query { "query" } else { "q" }, written),
            ("collection", collection.map(|id| id.to_string())),
            ("expired", expired.map(str::to_owned)),
            ("expires_before", until.map(rfc3339)),
            ("owner", owner),
            ("sort", order.map(str::to_owned)),
        ])
    }
}

/// What a saved view shows, as the API is asked for it.
fn of_view(parameters: &Json, now: i64) -> String {
    let given = |name: &str| Some(text(&parameters[name])).filter(|value| !value.trim().is_empty());
    let written = given("q");
    let is_query = written.as_deref().is_some_and(certhold_domain::query::looks_like_query);
    let narrowed = given("where").unwrap_or_default();
    let conditions = narrowed.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    let conditions: Vec<String> =
        conditions.chain(written.clone().filter(|_| is_query)).map(|condition| format!("({condition})")).collect();
    let filter = given("filter").and_then(|word| ListFilter::parse(&word));
    let is = |wanted: ListFilter| filter == Some(wanted);
    let soon = is(ListFilter::Expiring);
    let sort = given("sort").unwrap_or_default();
    let order = views::sorting(&sort).map_or(Sort::Newest, |(.., sort)| sort).name().to_owned();
    query([
        ("q", written.filter(|_| !is_query)),
        ("query", Some(conditions.join(" AND ")).filter(|query| !query.is_empty())),
        ("collection", given("collection")),
        ("owner", if is(ListFilter::Unowned) { Some("none".to_owned()) } else { given("owner") }),
        ("managed", is(ListFilter::Managed).then(|| "true".to_owned())),
        ("expired", is(ListFilter::Expired).then(|| "true".to_owned())),
        ("expires_after", if soon { Some(rfc3339(now)) } else { given("from") }),
        ("expires_before", if soon { Some(rfc3339(now.saturating_add(views::SOON_MS))) } else { given("until") }),
        ("sort", Some(order)),
    ])
}

fn rfc3339(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX).to_string()
}

fn title(item: &Json) -> String {
    let named = ["common_name", "subject", "serial"].iter().map(|member| text(&item[*member]));
    named.into_iter().find(|title| !title.trim().is_empty()).unwrap_or_default()
}

fn names(names: &Json) -> String {
    let all = names.as_array().map(Vec::as_slice).unwrap_or_default();
    match all {
        [] => String::new(),
        [one] => text(one),
        [first, rest @ ..] => format!("{} +{}", text(first), rest.len()),
    }
}

fn key(item: &Json) -> String {
    let curve = text(&item["facts"]["key_curve"]);
    let bits = if curve.is_empty() { text(&item["key_bits"]) } else { curve };
    format!("{} {bits}", text(&item["key_algorithm"])).trim().to_owned()
}

/// Show a certificate with everything it says
#[derive(clap::Args)]
pub struct Show {
    /// Its number, or its SHA-256 fingerprint
    #[arg(value_name = "ID")]
    id: String,
    /// Print the certificate itself, as PEM
    #[arg(long)]
    pem: bool,
    /// Print the certificate and the chain its authority delivered with it, as PEM
    #[arg(long, conflicts_with = "pem")]
    chain: bool,
    #[command(flatten)]
    through: Through,
}

const LINES: &[Column] = &[
    ("id", |one| text(&one["id"])),
    ("subject", |one| text(&one["subject"])),
    ("subject, OpenJDK", |one| text(&one["details"]["subject"]["jdk"])),
    ("subject, OpenSSL", |one| text(&one["details"]["subject"]["openssl"])),
    ("names", |one| general_names(&one["details"]["alternative_names"])),
    ("issuer", |one| text(&one["issuer"])),
    ("serial", |one| text(&one["serial"])),
    ("valid from", |one| text(&one["not_before"])),
    ("expires", |one| text(&one["not_after"])),
    ("key", |one| text(&one["details"]["key"]["description"])),
    ("private key", |one| if one["has_private_key"] == true { "in custody".into() } else { "not here".into() }),
    ("owner", |one| text(&one["owner"]["name"])),
    ("managed", |one| managed(&one["managed"])),
    ("noted", |one| noted(&one["metadata"])),
    ("authority", |one| if one["is_ca"] == true { "yes".into() } else { String::new() }),
    ("key usage", |one| text(&one["facts"]["key_usage"])),
    ("extended usage", |one| text(&one["facts"]["extended_key_usage"])),
    ("policies", |one| text(&one["facts"]["policies"])),
    ("revocation lists", |one| text(&one["facts"]["crl_urls"])),
    ("OCSP", |one| text(&one["facts"]["ocsp_urls"])),
    ("issuer's certificate", |one| text(&one["facts"]["issuer_urls"])),
    ("subject key id", |one| text(&one["facts"]["subject_key_id"])),
    ("authority key id", |one| text(&one["facts"]["authority_key_id"])),
    ("timestamps", |one| timestamps(&one["details"]["timestamps"])),
    ("extensions", |one| extensions(&one["details"]["extensions"])),
    ("signature", |one| text(&one["details"]["signature"]["description"])),
    ("sha-256", |one| text(&one["sha256"])),
    ("sha-1", |one| text(&one["facts"]["sha1"])),
    ("spki sha-256", |one| text(&one["facts"]["spki_sha256"])),
    ("source", |one| text(&one["source"])),
    ("held since", |one| time(&one["held_since"])),
    ("oddities", |one| text(&one["facts"]["oddities"])),
];

/// `dNSName www.example.com`, one after the other.
fn general_names(names: &Json) -> String {
    let named = |name: &Json| match name["other_name"].as_str() {
        Some(kind) => format!("{kind} {}", text(&name["text"])),
        None => format!("{} {}", text(&name["kind"]), text(&name["text"])),
    };
    joined(names, named)
}

fn timestamps(timestamps: &Json) -> String {
    joined(timestamps, |one| format!("{} by {}", text(&one["time"]), text(&one["log_id"])))
}

fn extensions(extensions: &Json) -> String {
    let name = |one: &Json| if one["name"].is_null() { text(&one["oid"]) } else { text(&one["name"]) };
    joined(extensions, |one| format!("{}{}", name(one), if one["critical"] == true { " (critical)" } else { "" }))
}

fn joined(items: &Json, show: impl Fn(&Json) -> String) -> String {
    items.as_array().map(Vec::as_slice).unwrap_or_default().iter().map(show).collect::<Vec<_>>().join(", ")
}

fn noted(metadata: &Json) -> String {
    let values = metadata.as_object().into_iter().flatten();
    values.map(|(field, value)| format!("{field}: {}", text(value))).collect::<Vec<_>>().join("\n")
}

fn managed(version: &Json) -> String {
    if version.is_null() { String::new() } else { format!("{}, version {}", text(&version["id"]), text(&version["version"])) }
}

impl Show {
    /// Shows.
    ///
    /// # Errors
    /// When there is no such certificate.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let one = self.through.reach(target, &self.id).await?;
        let file = if self.chain { Some("chain") } else { self.pem.then_some("pem") };
        if let Some(file) = file {
            let text = target.fetch(Method::Get, &one.path(&format!("/{file}"), []), None).await?;
            return output::print(&String::from_utf8_lossy(&text));
        }
        let mut certificate = target.get(&one.path("", [])).await?;
        certificate["details"] = target.get(&one.path("/facts", [])).await?;
        print_one(&certificate, LINES, output)?;
        match (output, certificate["findings"].as_array()) {
            (Output::Table, Some(findings)) if !findings.is_empty() => {
                let lines: String = findings.iter().map(super::findings::lines).collect();
                output::print(&format!("\nfindings\n{lines}"))
            }
            _ => Ok(()),
        }
    }
}

/// A role for the API: a number, or else a name.
pub(super) fn reference(role: &str) -> Json {
    role.parse::<i64>().map_or_else(|_| role.into(), Json::from)
}

/// The number of the certificate that somebody named by number or fingerprint.
pub(super) async fn find(target: &Target, text: &str) -> Result<i64, Failure> {
    find_in(target, text, None).await
}

/// The same, for whoever sees it through a collection.
pub(super) async fn find_in(target: &Target, text: &str, collection: Option<i64>) -> Result<i64, Failure> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let found = target
            .all(&format!("/certificates{}", query([("q", Some(digits)), ("collection", collection.map(|id| id.to_string()))])))
            .await?;
        let id = found.first().and_then(|one| one["id"].as_i64());
        return id.ok_or_else(|| not_found("certificate", text));
    }
    text.parse().map_err(|_| Failure::usage(format!("{text:?} is neither a certificate's number nor its SHA-256 fingerprint")))
}

/// Change who owns a certificate
#[derive(clap::Subcommand)]
pub enum Owner {
    /// Give a certificate to a role
    Set {
        /// The certificate: its number, or its SHA-256 fingerprint
        #[arg(value_name = "ID")]
        id: String,
        /// The role that owns it from now on
        #[arg(value_name = "ROLE")]
        role: String,
        #[command(flatten)]
        through: Through,
        /// Change it with rights on this container of certificate stores, by name or number
        #[arg(long, value_name = "CONTAINER", conflicts_with = "collection")]
        container: Option<String>,
    },
    /// Take a certificate from its owner, so that nobody owns it
    Clear {
        /// The certificate: its number, or its SHA-256 fingerprint
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        through: Through,
        /// Take it with rights on this container of certificate stores, by name or number
        #[arg(long, value_name = "CONTAINER", conflicts_with = "collection")]
        container: Option<String>,
    },
    /// Say whether certificates need an owner, or decide it
    Policy {
        /// `required`: an owner can be changed, but not cleared; `optional`
        #[arg(value_name = "POLICY")]
        policy: Option<String>,
    },
}

async fn owner_policy(policy: Option<&str>, target: &Target, output: Output) -> Result<(), Failure> {
    let Some(policy) = policy else {
        let answer = target.get("/owner-policy").await?;
        return print_done(&format!("an owner is {}", text(&answer["policy"])), &answer, output);
    };
    target.put(Method::Put, "/owner-policy", &json!({ "policy": policy })).await?;
    print_done(&format!("an owner is {policy} from now on"), &json!({ "policy": policy }), output)
}

impl Owner {
    /// Changes the owner.
    ///
    /// # Errors
    /// What the API refuses.
    pub async fn run(self, target: &Target, output: Output) -> Result<(), Failure> {
        let (id, role, through, container) = match &self {
            Owner::Set { id, role, through, container } => (id, Some(role), through, container),
            Owner::Clear { id, through, container } => (id, None, through, container),
            Owner::Policy { policy } => return owner_policy(policy.as_deref(), target, output).await,
        };
        let one = through.reach(target, id).await?;
        let new = json!({ "owner": role.map(String::as_str).map(reference) });
        let container = match container {
            Some(named) => Some(super::find(target, container::PATH, container::NOUN, named).await?.to_string()),
            None => None,
        };
        target.put(Method::Put, &one.path("/owner", [("container", container)]), &new).await?;
        let id = one.id;
        let sentence = match role {
            Some(role) => format!("certificate {id} belongs to {role}"),
            None => format!("certificate {id} belongs to nobody"),
        };
        print_done(&sentence, &json!({ "certificate": id, "owner": role }), output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_called_by_what_it_has() {
        let item = json!({ "common_name": null, "subject": "", "serial": "0a" });
        assert_eq!(title(&item), "0a");
        assert_eq!(title(&json!({ "common_name": "www", "subject": "CN=www" })), "www");
        assert_eq!(names(&json!(["a", "b", "c"])), "a +2");
        assert_eq!(key(&json!({ "key_algorithm": "RSA", "key_bits": 2048 })), "RSA 2048");
    }

    #[test]
    fn a_view_is_asked_for_as_the_page_would_show_it() {
        let now = 1_790_000_000_000;
        assert_eq!(of_view(&json!({}), now), "?sort=-id");
        let words = json!({ "q": "shop", "filter": "unowned", "sort": "-name", "where": "KeySize -lt 2048\nIsCA -eq false" });
        let asked = of_view(&words, now);
        for part in ["q=shop", "owner=none", "sort=-common_name", "query=%28KeySize+-lt+2048%29+AND+%28IsCA+-eq+false%29"] {
            assert!(asked.contains(part), "{part}: {asked}");
        }
        let queried = of_view(&json!({ "q": "CN -eq \"a\"", "filter": "expiring", "owner": "7", "collection": "3" }), now);
        for part in [
            "query=%28CN+-eq+%22a%22%29",
            "owner=7",
            "collection=3",
            "expires_after=2026-09-21T14",
            "expires_before=2026-10-21T14",
        ] {
            assert!(queried.contains(part), "{part}: {queried}");
        }
        assert!(of_view(&json!({ "filter": "expired" }), now).contains("expired=true"));
        assert!(of_view(&json!({ "from": "2026-01-01T00:00:00Z" }), now).contains("expires_after=2026-01-01"));
    }

    #[test]
    fn filters_become_a_query() {
        let list = List {
            query: vec!["*.example.com".into(), "a&b".into()],
            expired: true,
            expires_within: None,
            owner: None,
            no_owner: true,
            collection: None,
            view: None,
            sort: Order::ExpiryLast,
            limit: None,
        };
        assert_eq!(list.query(None), "?q=*.example.com+a%26b&expired=true&owner=none&sort=-not_after");
        let list =
            List { query: vec!["CN -eq".into(), "\"x\"".into()], sort: Order::Id, expired: false, no_owner: false, ..list };
        assert_eq!(list.query(Some(7)), "?query=CN+-eq+%22x%22&collection=7");
    }
}
