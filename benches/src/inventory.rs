//! Looking for things in a full inventory.

use std::time::Duration;

use anyhow::{Result, ensure};
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Column, Direction, Expiry, Filter, OwnerFilter, Page, Sort};
use certhold_domain::{RoleId, overview};
use certhold_pki::Facts;
use certhold_pki::sample::Generator;
use certhold_store::Store;

use crate::bundle::SEED;
use crate::measure::{latency, rate, timed};
use crate::table::{Bar, Row, Table};
use crate::world::{World, now, operator};

const RUNS: usize = 300;
const BUDGET: Duration = Duration::from_secs(5);
const ROWS: usize = 50;
const DAY: i64 = 86_400_000;

/// What is asked, and the filter of one run.
type Question<'a> = (&'static str, Box<dyn Fn(usize) -> Filter + 'a>);

/// Every kind of question, asked again and again about different things.
pub fn run(world: &mut World, table: &mut Table) -> Result<()> {
    let (count, teams) = (world.certificates, world.teams.clone());
    let names = names(count);
    let name = |run: usize| &names[run % names.len()];
    let at = now();
    let store = world.store()?.clone();
    let some = ask(&store, Filter { after: Some((count / 2).to_string()), limit: ROWS, ..Filter::default() })?;
    let fingerprint =
        |run: usize| some.certificates.get(run % ROWS).map(|found| certhold_domain::hex(&found.sha256)).unwrap_or_default();
    let spread = |run: usize| i64::try_from(run as u64 * 7_919 % count).unwrap_or(0);
    let deep = |run: usize| Some((i64::try_from(count / 2).unwrap_or(0) + spread(run) / 2).to_string());

    let questions: Vec<Question<'_>> = vec![
        ("first page of 50", Box::new(|_| Filter::default())),
        ("first page of 50 with the total", Box::new(|_| Filter { count: true, ..Filter::default() })),
        ("a page in the second half, by its cursor", Box::new(|run| Filter { after: deep(run), ..Filter::default() })),
        (
            "next to expire",
            Box::new(|_| Filter { expiry: Expiry { from: Some(at), before: None }, sort: Sort::Expiry, ..Filter::default() }),
        ),
        (
            "expires in one week, by expiry",
            Box::new(|run| Filter { expiry: week(at, run), sort: Sort::Expiry, ..Filter::default() }),
        ),
        ("expires in one week, by id", Box::new(|run| Filter { expiry: week(at, run), ..Filter::default() })),
        (
            "expires in one week, counted",
            Box::new(|run| Filter { expiry: week(at, run), sort: Sort::Expiry, count: true, ..Filter::default() }),
        ),
        (
            "by common name",
            Box::new(|_| Filter { sort: Sort::By(Column::CommonName, Direction::Ascending), ..Filter::default() }),
        ),
        ("of one owner", Box::new(|run| Filter { owner: owner(&teams, run), ..Filter::default() })),
        (
            "of one owner, by expiry",
            Box::new(|run| Filter { owner: owner(&teams, run), sort: Sort::Expiry, ..Filter::default() }),
        ),
        ("of one owner, counted", Box::new(|run| Filter { owner: owner(&teams, run), count: true, ..Filter::default() })),
        ("of nobody", Box::new(|_| Filter { owner: Some(OwnerFilter::Nobody), ..Filter::default() })),
        ("everything under a domain (*.example.com)", Box::new(|run| Filter { text: under(name(run)), ..Filter::default() })),
        ("by SHA-256", Box::new(|run| Filter { text: fingerprint(run), ..Filter::default() })),
        ("by a part of a name", Box::new(|run| Filter { text: part(name(run)), ..Filter::default() })),
        ("by a text that occurs nowhere", Box::new(|run| Filter { text: format!("nowhere{run}"), ..Filter::default() })),
    ];
    let text_index = text_index(&store, count)?;
    table.add(text_index);
    let bars = Bars { indexed: Duration::from_millis(50), parts: Duration::from_millis(100) };
    for (what, filter) in questions {
        let mut found = 0;
        let times = latency(RUNS, BUDGET, |run| {
            let page = ask(&store, Filter { limit: ROWS, ..filter(run) })?;
            found += page.certificates.len();
            Ok::<_, anyhow::Error>(())
        })?;
        // In a small inventory every certificate may have an owner.
        ensure!(found > 0 || what.ends_with("nowhere") || what.ends_with("nobody"), "{what} found nothing");
        let limit = if what.contains("part") || what.contains("nowhere") { bars.parts } else { bars.indexed };
        table.add(Row::latency(format!("list: {what}"), times).bar(Bar::p99_below(limit, times)));
    }
    queries(&store, &names, &bars, table)?;
    let everywhere = Scope::of(None, at);
    let times = latency(RUNS, BUDGET, |_| {
        store.read_blocking(move |tx| inventory::facets(tx, &operator(), &Filter::default(), everywhere)).map(drop)
    })?;
    table.add(Row::latency("facets of the inventory", times).bar(Bar::p99_below(Duration::from_millis(100), times)));
    let times = latency(RUNS, BUDGET, |run| {
        let filter = Filter { owner: owner(&teams, run), ..Filter::default() };
        store.read_blocking(move |tx| inventory::facets(tx, &operator(), &filter, everywhere)).map(drop)
    })?;
    table.add(Row::latency("facets of one owner", times));
    let times = latency(RUNS, BUDGET, |_| store.read_blocking(move |tx| overview::overview(tx, &operator(), at)).map(drop))?;
    table.add(Row::latency("home page's overview", times).bar(Bar::p99_below(Duration::from_millis(50), times)));
    Ok(())
}

/// What latencies are to stay below.
struct Bars {
    indexed: Duration,
    parts: Duration,
}

/// Fills the index for parts of texts, as a server does behind.
fn text_index(store: &Store, count: u64) -> Result<Row> {
    let (done, time) = timed(|| -> certhold_domain::Result<()> {
        while store.write_bulk_blocking(inventory::fill_text_index)? {}
        Ok(())
    });
    done?;
    Ok(Row::rate("text index, filled behind", rate(count, time)))
}

/// The query language, as it is written, with the time to read it.
fn queries(store: &Store, names: &[String], bars: &Bars, table: &mut Table) -> Result<()> {
    let name = |run: usize| names[run % names.len()].clone();
    type Written<'a> = (&'static str, bool, Box<dyn Fn(usize) -> String + 'a>);
    let written: Vec<Written<'_>> = vec![
        ("IssuedCN -eq", false, Box::new(|run| format!("IssuedCN -eq \"{}\"", name(run)))),
        ("IssuedCN -startswith", false, Box::new(|run| format!("IssuedCN -startswith \"{}\"", &name(run)[..6]))),
        ("SAN -eq", false, Box::new(|run| format!("SAN -eq \"{}\"", name(run)))),
        ("SAN -contains", true, Box::new(|run| format!("SAN -contains \"{}\"", part(&name(run))))),
        ("IssuedDN -contains", true, Box::new(|run| format!("IssuedDN -contains \"{}\"", part(&name(run))))),
        ("KeyType -eq RSA AND KeySize -lt 3000", false, Box::new(|_| "KeyType -eq \"RSA\" AND KeySize -lt 3000".into())),
        ("EKU -eq clientAuth", false, Box::new(|_| "EKU -eq \"clientAuth\"".into())),
        ("IssuerDN -contains", false, Box::new(|run| format!("IssuerDN -contains \"{}\"", ["trust", "root", "ca"][run % 3]))),
        ("FindingSeverity -ge 3", false, Box::new(|_| "FindingSeverity -ge 3".into())),
        ("OwnerRoleName -eq NULL", false, Box::new(|_| "OwnerRoleName -eq NULL".into())),
        (
            "ExpirationDate of a week AND OwnerRoleName -eq NULL",
            false,
            Box::new(|run| {
                let day = run % 60;
                format!(
                    "ExpirationDate -ge \"%TODAY+{day}%\" AND ExpirationDate -lt \"%TODAY+{}%\" AND OwnerRoleName -eq NULL",
                    day + 7
                )
            }),
        ),
        (
            "(SAN -contains OR IssuedCN -eq) AND SigningAlgorithm -ne",
            true,
            Box::new(|run| {
                let (one, two) = (part(&name(run)), name(run + 1));
                format!("(SAN -contains \"{one}\" OR IssuedCN -eq \"{two}\") AND SigningAlgorithm -ne \"ecdsa-with-SHA384\"")
            }),
        ),
    ];
    for (what, parts, text) in written {
        let times = latency(RUNS, BUDGET, |run| {
            let (text, at) = (text(run), now());
            store.read_blocking(move |tx| {
                let condition = inventory::question(tx, &operator(), &text, Scope::of(None, at))?;
                inventory::list(tx, &operator(), &Filter { condition, limit: ROWS, ..Filter::default() }).map(drop)
            })
        })?;
        let limit = if parts { bars.parts } else { bars.indexed };
        table.add(Row::latency(format!("query: {what}"), times).bar(Bar::p99_below(limit, times)));
    }
    Ok(())
}

fn ask(store: &Store, filter: Filter) -> Result<Page> {
    Ok(store.read_blocking(move |tx| inventory::list(tx, &operator(), &filter))?)
}

fn week(at: i64, run: usize) -> Expiry {
    let from = at + (run as i64 % 60) * DAY;
    Expiry { from: Some(from), before: Some(from + 7 * DAY) }
}

fn owner(teams: &[RoleId], run: usize) -> Option<OwnerFilter> {
    teams.get(run % teams.len().max(1)).map(|team| OwnerFilter::Role(*team))
}

/// The common names of certificates here and there.
fn names(count: u64) -> Vec<String> {
    let generator = Generator::new(SEED);
    let names = (0..64).filter_map(|n| Facts::of(&generator.certificate(n * 7_919 % count)).ok()?.common_name);
    names.collect()
}

/// `www.solar-lantern.example` → `*.solar-lantern.example`.
fn under(name: &str) -> String {
    let labels: Vec<&str> = name.trim_start_matches("*.").split('.').collect();
    format!("*.{}", labels[labels.len().saturating_sub(2)..].join("."))
}

/// `www.solar-lantern.example` → `lar-lante`: no end of a label at either side.
fn part(name: &str) -> String {
    let domain = under(name);
    let label: Vec<char> = domain.trim_start_matches("*.").chars().collect();
    label.iter().skip(2).take(8).collect()
}
