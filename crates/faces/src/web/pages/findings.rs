//! `/findings`: every rule by which certificates are judged, and who breaks it.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use certhold_domain::inventory::{self, Counted};
use certhold_pki::findings::{RULES, Rule, Severity};
use serde::Deserialize;

use super::Asked;
use crate::state::App;
use crate::web::file::File;
use crate::web::refused::Refused;
use crate::web::view::address::Address;
use crate::web::view::findings::{FindingsPage, RuleRow};
use crate::web::view::frame::Section;
use crate::web::view::table::FilterLink;
use crate::web::view::tone::{Badge, Tone};
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new().route("/findings", get(list)).route("/findings.csv", get(csv))
}

/// What the list is narrowed to.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    /// `broken`, `all`, a severity; nothing is what is broken here, where the viewer may know that.
    filter: String,
}

/// How many certificates break each rule; `None` for whoever may not see certificates.
type Broken = Option<Vec<Counted>>;

fn count(broken: &Broken, rule: &Rule) -> Option<i64> {
    let known = broken.as_ref()?.iter().find(|counted| counted.value == rule.id);
    Some(known.map_or(0, |counted| counted.count))
}

/// The filter that is meant: most rules are broken by nobody, and those that are come first.
fn meant<'a>(filter: &'a str, broken: &Broken) -> &'a str {
    match (filter, broken) {
        ("", Some(_)) => "broken",
        ("", None) => "all",
        (word, _) => word,
    }
}

/// The rules that a filter leaves, the worst first.
fn rules<'a>(filter: &'a str, broken: &'a Broken) -> Vec<&'static Rule> {
    let wanted = |rule: &&Rule| match meant(filter, broken) {
        "broken" => count(broken, rule).unwrap_or_default() > 0,
        "all" => true,
        word => Severity::parse(word).is_none_or(|severity| rule.severity == severity),
    };
    let mut rules: Vec<&Rule> = RULES.iter().filter(wanted).collect();
    rules.sort_by_key(|rule| rule.severity);
    rules
}

fn badge(severity: Severity) -> Badge {
    match severity {
        Severity::Error => Badge::new("Error", Tone::Bad),
        Severity::Warning => Badge::new("Warning", Tone::Warn),
        Severity::Notice => Badge::new("Notice", Tone::Info),
        Severity::Info => Badge::new("Info", Tone::Neutral),
    }
}

async fn list(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let (viewer, broken) = visit.read(inventory::broken_rules).await?;
    let filter = |word: &str, label: &str| FilterLink {
        label: label.to_owned(),
        href: Address::new("/findings").with("filter", word).to_string(),
        count: i64::try_from(rules(word, &broken).len()).ok(),
        is_current: meant(&given.filter, &broken) == word,
    };
    let mut filters = Vec::new();
    if broken.is_some() {
        filters.push(filter("broken", "Broken here"));
    }
    filters.extend(
        [("all", "All"), ("error", "Errors"), ("warning", "Warnings"), ("notice", "Notices"), ("info", "Infos")]
            .map(|(word, label)| filter(word, label)),
    );
    let row = |rule: &&Rule| RuleRow {
        id: rule.id.into(),
        severity: badge(rule.severity),
        title: rule.title.into(),
        remedy: rule.remedy.into(),
        citation: rule.citation(),
        url: rule.source.url(),
        certificates: count(&broken, rule),
        href: Address::new("/certificates").with("q", format!("Finding -eq \"{}\"", rule.id)).to_string(),
    };
    let page = FindingsPage {
        frame: visit.frame("Findings", Section::Findings, viewer),
        rows: rules(&given.filter, &broken).iter().map(row).collect(),
        csv_href: Address::new("/findings.csv").with("filter", &given.filter).to_string(),
        filters,
    };
    visit.ok(&page)
}

async fn csv(visit: Visit, Asked(given): Asked<Parameters>) -> Result<Response, Refused> {
    let (_, broken) = visit.read(inventory::broken_rules).await?;
    let file = File::csv("findings.csv", &["rule", "severity", "title", "remedy", "citation", "url", "certificates"]);
    Ok(file.whole(rules(&given.filter, &broken).into_iter().map(|rule| {
        [
            rule.id.to_owned(),
            rule.severity.as_str().to_owned(),
            rule.title.to_owned(),
            rule.remedy.to_owned(),
            rule.citation(),
            rule.source.url(),
            count(&broken, rule).map(|count| count.to_string()).unwrap_or_default(),
        ]
    })))
}
