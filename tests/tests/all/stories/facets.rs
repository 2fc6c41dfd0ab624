//! Facets: what stands at a value is what the query behind it finds.

use certhold_domain::collections::Scope;
use certhold_domain::enrolment::Under;
use certhold_domain::inventory::{self, Candidate, Facet, Filter, ImportBatch};
use certhold_domain::private_ca::Profile;
use certhold_domain::query::{self, Catalogue, Query};
use certhold_domain::renewal::managed::{self, NewManaged};
use certhold_domain::{Actor, overview};
use certhold_pki::Facts;
use certhold_store::{Row, Tx, Value, params};
use certhold_tests::postgres::Database;
use rcgen::{CertificateParams, DistinguishedName, DnType};

use super::renewing_here::{create, issue, issuing, plan, renew_now, with};
use super::searching::find;
use super::world::{DAY, START, World, key};

fn local() -> Actor {
    Actor::local("story")
}

/// A self-signed certificate, and what its issuer is called.
fn of_issuer(name: &[(DnType, &str)]) -> (Vec<u8>, String) {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    name.iter().for_each(|(kind, value)| parameters.distinguished_name.push(kind.clone(), *value));
    let der = parameters.self_signed(&key()).unwrap().der().to_vec();
    let issuer = Facts::of(&der).unwrap().issuer;
    (der, issuer)
}

fn import(world: &World, der: &[u8], source: &str) {
    let certificates = vec![Candidate::of(der).unwrap()];
    let batch = ImportBatch { certificates, keys: Vec::new(), owner: None, source: source.into(), metadata: Vec::new() };
    world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
}

fn facets(world: &World, narrowed: Option<&str>) -> Vec<Facet> {
    let condition = narrowed.map(|text| Query::parse(text, &Catalogue::default()).unwrap().resolve(START, "story"));
    let filter = Filter { condition, ..Filter::default() };
    world.read(move |tx| inventory::facets(tx, &local(), &filter, Scope::everywhere(START))).unwrap()
}

/// The values of a facet with their numbers.
fn told(facets: &[Facet], name: &str) -> Vec<(String, i64)> {
    let facet = facets.iter().find(|facet| facet.name == name).unwrap();
    facet.values.iter().map(|value| (value.value.clone(), value.count)).collect()
}

/// Issuers that are spelled in two ways are one, and others are two, whatever they call themselves.
pub fn facets_lead_to_what_they_count(world: &World) {
    let cn = |name| [(DnType::CommonName, name)];
    let (_, shouted) = of_issuer(&cn("EXAMPLE ROOT"));
    let (_, whole) = of_issuer(&[(DnType::OrganizationName, "Example Ltd")]);
    let (_, posing) = of_issuer(&cn(&whole));
    let namesake = [(DnType::OrganizationName, "Other"), (DnType::CommonName, "Example Root")];
    let (_, other) = of_issuer(&namesake);
    for (name, source) in [
        (&cn("Example Root")[..], "Upload"),
        (&cn("EXAMPLE ROOT"), "upload"),
        (&cn("EXAMPLE ROOT"), "upload"),
        (&[(DnType::OrganizationName, "Example Ltd")], "upload"),
        (&[(DnType::OrganizationName, "Example Ltd")], "scan"),
        (&cn(&whole), "scan"),
        (&namesake, "scan"),
    ] {
        import(world, &of_issuer(name).0, source);
    }
    let expected = [(shouted, 3), (whole.clone(), 2), (posing, 1), (other, 1)];
    for narrowed in [None, Some("CertId -gt 0")] {
        let facets = facets(world, narrowed);
        let mut issuers = told(&facets, "issuer");
        issuers[2..].sort();
        let mut expected = expected.clone();
        expected[2..].sort();
        assert_eq!(issuers, expected, "{narrowed:?}");
        assert_eq!(told(&facets, "source"), [("upload".to_owned(), 4), ("scan".to_owned(), 3)], "{narrowed:?}");
        agree(world, &facets, narrowed);
    }
    // What an earlier version counted has no terms until they are completed: spellings stand apart, and nothing is lost.
    world.tamper("UPDATE facet SET term = NULL WHERE field = 2");
    assert_eq!(told(&facets(world, None), "issuer").iter().map(|(_, count)| count).sum::<i64>(), 7);
    assert_eq!(told(&facets(world, None), "issuer").len(), 5);
    only_names_are_offered_as_names(world, &whole);
}

fn agree(world: &World, facets: &[Facet], narrowed: Option<&str>) {
    for facet in facets {
        assert!(!facet.values.is_empty(), "{} has values", facet.name);
        for value in &facet.values {
            let query = match narrowed {
                Some(narrowed) => format!("({narrowed}) AND ({})", value.query),
                None => value.query.clone(),
            };
            assert_eq!(find(world, &query).len() as i64, value.count, "{} {}: {query}", facet.name, value.value);
        }
    }
}

/// A whole name that stands in for a common name is none, and is not offered as one.
fn only_names_are_offered_as_names(world: &World, posed_as: &str) {
    import(world, &of_issuer(&[(DnType::OrganizationName, "Example Whole")]).0, "upload");
    let offered = world.read(|tx| query::completions(tx, &local(), "IssuerCN -eq \"o=example", usize::MAX)).unwrap();
    let offered: Vec<String> = offered.items.into_iter().map(|item| item.text).collect();
    assert_eq!(offered, [format!("\"{posed_as}\"")]);
    for name in offered {
        assert_eq!(find(world, &format!("IssuerCN -eq {name}")).len(), 1);
    }
}

/// Versions of managed certificates, and all others, as the maintained counts have them and as the rows do.
fn days_agree(world: &World, what: &str) {
    let facets = facets(world, None);
    let expiry = facets.iter().find(|facet| facet.name == "expiry").unwrap();
    for value in &expiry.values {
        assert_eq!(find(world, &value.query).len() as i64, value.count, "{what}: {}", value.value);
    }
    let pair = |sql: &'static str| -> (i64, i64) {
        world.read(move |tx| Ok(tx.one(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))?)).unwrap().unwrap()
    };
    let counted = pair("SELECT CAST(sum(managed) AS BIGINT), CAST(sum(unmanaged) AS BIGINT) FROM expiry_day");
    assert_eq!(counted, pair("SELECT count(lineage), count(*) - count(lineage) FROM certificate"), "{what}");
    let total: i64 = expiry.values.iter().map(|value| value.count).sum();
    assert_eq!(total, counted.0 + counted.1, "{what}");
    plans_agree(world, what);
}

/// What the home page tells of managed certificates, and what each of them says.
fn plans_agree(world: &World, what: &str) {
    let sql = "SELECT lineage.id, CASE WHEN lineage.state = 'paused' THEN 0 ELSE lineage.failures END, certificate.not_after FROM lineage \
               LEFT JOIN certificate ON certificate.id = lineage.current ORDER BY lineage.id";
    type Plan = (i64, i64, Option<i64>);
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let plans: Vec<Plan> = world.read(move |tx| Ok(tx.rows(sql, params![], read)?)).unwrap();
    // In the middle of a day, and when more and more of them have expired.
    for now in [START + DAY / 3, START + 60 * DAY + 1, START + 95 * DAY, START + 4_000 * DAY] {
        let overview = world.read(move |tx| overview::overview(tx, &local(), now)).unwrap();
        assert_eq!(overview.managed, plans.len() as i64, "{what}");
        for bucket in &overview.expiry {
            let within = |end: i64| bucket.from.is_none_or(|from| end >= from) && bucket.before.is_none_or(|before| end < before);
            let expected = plans.iter().filter(|(.., end)| end.is_some_and(within)).count();
            assert_eq!(bucket.managed, expected as i64, "{what}: {bucket:?}");
        }
        let is_troubled = |(_, failures, end): &&Plan| *failures > 0 || end.is_some_and(|end| end <= now);
        let expected: Vec<i64> = plans.iter().filter(is_troubled).map(|(id, ..)| *id).collect();
        assert_eq!(overview.troubled.iter().flatten().map(|managed| managed.id.0).collect::<Vec<_>>(), expected, "{what}");
        let counted = world.read(move |tx| Ok((managed::in_trouble(tx, now)?, managed::count_by_health(tx, now)?))).unwrap();
        let health = counted.1.iter().filter(|(health, _)| health.is_trouble());
        assert_eq!(counted.0, health.map(|(_, count)| count).sum::<i64>(), "{what}");
    }
}

fn derive_again(world: &World) {
    while let Some(chunk) = world.read(inventory::outdated).unwrap() {
        let derived = chunk.into_iter().map(|(id, der)| (id, Candidate::of(&der).ok())).collect::<Vec<_>>();
        world.write(move |tx, _| inventory::rederived(tx, &derived)).unwrap();
    }
}

/// Whatever becomes of managed certificates, each version is counted on the day on which it ends.
pub fn versions_of_managed_ones_are_counted_by_their_days(world: &World) {
    let (_, authority) = issuing(world);
    let [old, other] = ["old.internal", "other.internal"].map(|name| world.certificate(&[name], None));
    days_agree(world, "nobody manages any");
    let adoption = |adopt| NewManaged {
        adopt: Some(adopt),
        ..with(plan(Under::Template(Profile::Server), &[]), |plan| plan.authority = Some(authority))
    };
    let lineage = create(world, &local(), adoption(old)).unwrap();
    days_agree(world, "one is adopted");
    for version in 2..4 {
        world.pass(1_000);
        renew_now(world, lineage);
        issue(world, lineage);
        days_agree(world, &format!("version {version}"));
    }
    world.write(move |tx, now| inventory::remove(tx, &local(), old, now)).unwrap();
    days_agree(world, "an old version is removed");

    // As an older version would have left it: nothing is counted that was not derived, whatever happens to it meanwhile.
    world.tamper(
        "UPDATE certificate SET sha1 = NULL, common_name_folded = NULL, names_folded = NULL, key_usage = NULL, findings = NULL",
    );
    world.tamper("DELETE FROM certificate_term WHERE term <> 0");
    world.tamper("DELETE FROM facet WHERE field > 0");
    // It read the end of the version in service wrongly, too: forty days later.
    world.tamper("UPDATE certificate SET not_after = not_after + 3456000000 WHERE id IN (SELECT current FROM lineage)");
    world.tamper("UPDATE lineage SET ends_at = ends_at + 3456000000");
    world.tamper("UPDATE expiry_day SET unmanaged = 0, managed = 0, in_service = 0");
    world.tamper(
        "INSERT INTO expiry_day (day, unmanaged, in_service) SELECT ends_at / 86400000, 0, 1 FROM lineage WHERE ends_at > 0 \
         ON CONFLICT (day) DO UPDATE SET in_service = 1",
    );
    plans_agree(world, "as it was read");
    world.tamper("UPDATE counter SET value = 0 WHERE name = 'derived'");
    let adopted = create(world, &local(), adoption(other)).unwrap();
    plans_agree(world, "adopted before it is derived");
    for round in ["derived for the first time", "derived again"] {
        derive_again(world);
        days_agree(world, round);
        world.tamper("UPDATE counter SET value = 0 WHERE name = 'derived'");
    }
    derive_again(world);
    // One that fails, one that fails while it is paused, and one that was never obtained.
    let mut failing = Vec::new();
    for name in ["a.internal", "b.internal", "c.internal"] {
        let command = with(plan(Under::Template(Profile::Server), &[name]), |plan| plan.authority = Some(authority));
        failing.push(create(world, &local(), command).unwrap());
    }
    world.tamper("UPDATE lineage SET failures = 3 WHERE name <> 'c.internal'");
    let paused = failing[1];
    world.write(move |tx, now| managed::set_paused(tx, &local(), paused, true, now)).unwrap();
    plans_agree(world, "some fail");
    for gone in [lineage, adopted] {
        world.write(move |tx, now| managed::remove(tx, &local(), gone, now)).unwrap();
        days_agree(world, "nobody manages them any more");
    }
}

/// However many certificates there are, and whoever manages them: a look at the whole inventory reads what is counted, and no row of
/// certificates, not even through an index.
#[test]
fn the_whole_inventory_is_told_from_counts() {
    let world = World::open(Database::sqlite());
    world.certificate(&["www.example.com"], None);
    let before = world.store.executed_sql();
    facets(&world, None);
    for sql in ran_since(&world, &before) {
        for step in plan_of(&world, &sql) {
            let (how, table) = step.split_once(' ').unwrap_or((&step, ""));
            let walks = matches!(how, "SCAN" | "SEARCH") && (table.starts_with("certificate") || table.starts_with("lineage"));
            assert!(!walks && !step.starts_with("SCAN expiry_day"), "{sql}: {step}");
        }
    }
}

/// Nor does the home page, but for the days at the ends of its stretches and what is in trouble.
#[test]
fn the_home_page_walks_no_table() {
    let world = World::open(Database::sqlite());
    world.certificate(&["www.example.com"], None);
    let before = world.store.executed_sql();
    let look = |tx: &mut Tx<'_>| {
        overview::urgent(tx, &local(), START, 10)?;
        Ok((overview::overview(tx, &local(), START)?, managed::in_trouble(tx, START)?))
    };
    world.read(look).unwrap();
    let ran = ran_since(&world, &before);
    assert!(ran.iter().any(|sql| sql.contains("lineage.id IN")), "{ran:?}");
    for sql in ran {
        for step in plan_of(&world, &sql) {
            let walks = step.starts_with("SCAN lineage") || step.starts_with("SCAN certificate");
            assert!(!walks || step.contains("lineage_failing"), "{sql}: {step}");
        }
    }
}

fn ran_since(world: &World, before: &[String]) -> Vec<String> {
    let ran: Vec<String> = world.store.executed_sql().into_iter().filter(|sql| !before.contains(sql)).collect();
    assert!(ran.iter().any(|sql| sql.contains("expiry_day")), "{ran:?}");
    ran
}

/// The steps in which SQLite would run a statement.
fn plan_of(world: &World, sql: &str) -> Vec<String> {
    let values: Vec<Value<'static>> = (1..).take_while(|place| sql.contains(&format!("${place}"))).map(Value::Int).collect();
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    world.read(move |tx| Ok(tx.rows(&explain, &values, |row| row.get::<String>(3))?)).unwrap()
}
