//! Planning renewals: which of very many managed certificates are due.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use certhold_domain::collections::Scope;
use certhold_domain::custody::{Custody, MasterKey};
use certhold_domain::inventory::{self, Filter};
use certhold_domain::renewal::issuers::{self, AcmeSettings, NewIssuer};
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::renewal::providers::{self, ProviderCommand};
use certhold_domain::renewal::{AcmePlan, IssueBy, KeyKind};
use certhold_domain::{CertificateId, DnsProviderId, Error, IssuerId, limits, overview};
use certhold_store::{Store, params};

use crate::measure::{latency, rate, timed};
use crate::table::{Bar, Row, Table, thousands, time};
use crate::world::{Randomness, World, now, operator};

/// Managed certificates created in one transaction.
const CHUNK: usize = 256;
/// As the worker asks: so many at once, again and again until none is left.
const AT_ONCE: i64 = 1_000;
/// The due ones are looked for among so many: those of one day, when a version lives for 60 days.
const DAYS: u64 = 60;

/// Makes every certificate the first version of a managed one, then plans the renewals of a day.
pub fn run(world: &mut World, table: &mut Table) -> Result<()> {
    let store = world.store()?.clone();
    let (issuer, dns_provider) = prerequisites(&store)?;
    let mut after = None;
    let (mut lineages, mut creating) = (0_u64, Duration::ZERO);
    loop {
        let filter = Filter { managed: Some(false), after: after.take(), limit: limits::PAGE_ROWS, ..Filter::default() };
        let page = store.read_blocking(move |tx| inventory::list(tx, &operator(), &filter))?;
        let (created, time) = timed(|| {
            page.certificates.chunks(CHUNK).try_fold(0, |created, some| {
                let commands: Vec<NewManaged> = some
                    .iter()
                    .map(|certificate| managed_from(certificate.id, certificate.common_name.as_deref(), issuer, dns_provider))
                    .collect();
                create(&store, commands).map(|now| created + now)
            })
        });
        lineages += created?;
        creating += time;
        match page.next {
            Some(cursor) => after = Some(cursor),
            None => break,
        }
    }
    table.add(Row::rate("create a managed certificate, 256 in one call", rate(lineages, creating)));
    plan(&store, lineages, table)?;
    look(&store, table)
}

/// What people look at most, where everything is managed.
fn look(store: &Store, table: &mut Table) -> Result<()> {
    let at = now();
    let (runs, budget) = (100, Duration::from_secs(5));
    let everywhere = Scope::of(None, at);
    let times = latency(runs, budget, |_| {
        store.read_blocking(move |tx| inventory::facets(tx, &operator(), &Filter::default(), everywhere)).map(drop)
    })?;
    table.add(Row::latency("facets, all of it managed", times).bar(Bar::p99_below(Duration::from_millis(100), times)));
    let times = latency(runs, budget, |_| store.read_blocking(move |tx| overview::overview(tx, &operator(), at)).map(drop))?;
    table.add(
        Row::latency("home page's overview, all of it managed", times).bar(Bar::p99_below(Duration::from_millis(50), times)),
    );
    Ok(())
}

fn plan(store: &Store, lineages: u64, table: &mut Table) -> Result<()> {
    let due = (lineages / DAYS).max(1);
    let sql = "SELECT renew_at FROM lineage ORDER BY renew_at LIMIT 1 OFFSET $1";
    let offset = i64::try_from(due)? - 1;
    let at: Option<i64> = store.read_blocking(move |tx| tx.one(sql, params![offset], |row| row.get(0)))?;
    let at = at.context("no managed certificate is planned")?;
    let (planned, took) = timed(|| {
        let mut planned = 0;
        loop {
            let some = store.write_blocking(move |tx| managed::enqueue_due(tx, at, AT_ONCE))?;
            planned += some as u64;
            if (some as i64) < AT_ONCE {
                return Ok::<_, Error>(planned);
            }
        }
    });
    let planned = planned?;
    ensure!(planned >= due, "{planned} of {due} due renewals were planned");
    let bar = Bar::new("< 1 s", took < Duration::from_secs(1));
    let count = thousands(lineages as f64);
    table.add(
        Row::new(
            format!("plan the renewals of a day over {count} managed certificates ({} due)", thousands(planned as f64)),
            time(took),
        )
        .bar(bar),
    );
    let again =
        latency(50, Duration::from_secs(2), |_| store.write_blocking(move |tx| managed::enqueue_due(tx, at, AT_ONCE)).map(drop))?;
    table.add(Row::latency("… when they are all planned already", again));
    Ok(())
}

fn managed_from(id: CertificateId, common_name: Option<&str>, issuer: IssuerId, dns_provider: DnsProviderId) -> NewManaged {
    NewManaged {
        name: format!("sample {id}"),
        names: vec![common_name.unwrap_or("www.example.com").to_owned()],
        by: IssueBy::Acme(AcmePlan { issuer, dns_provider, profile: None }),
        key_kind: Some(KeyKind::P256),
        reuse_key: false,
        owner: None,
        adopt: Some(id),
    }
}

fn create(store: &Store, commands: Vec<NewManaged>) -> Result<u64> {
    let now = now();
    let created = store.write_bulk_blocking::<u64, Error, _>(move |tx| {
        commands
            .iter()
            .map(|command| managed::create(tx, &operator(), command, now))
            .collect::<Result<Vec<_>, _>>()
            .map(|ids| ids.len() as u64)
    })?;
    Ok(created)
}

fn prerequisites(store: &Store) -> Result<(IssuerId, DnsProviderId)> {
    let now = now();
    let settings = AcmeSettings { directory: "https://acme.invalid/directory".into(), ..AcmeSettings::default() };
    let issuer = NewIssuer { name: "ACME".into(), settings, eab_key: None };
    let custody = Custody::new(MasterKey::generate(&Randomness));
    let given = [("url", "http://127.0.0.1:1"), ("api_key", "none")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let provider = ProviderCommand::new("DNS", "powerdns", &BTreeMap::from(given), None, &custody, &Randomness)?;
    let made = store.write_blocking::<_, Error, _>(move |tx| {
        Ok((issuers::create(tx, &operator(), &issuer, now)?, providers::create(tx, &operator(), &provider, now)?))
    })?;
    Ok(made)
}
