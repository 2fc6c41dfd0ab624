//! Conditions on certificates, as SQL that an index answers where one can.
//!
//! A condition is a test of one row, and where an index knows its rows also a list of their ids. Of several conditions the one with
//! the fewest ids leads, if these are few; otherwise rows are looked at in the order asked for until a page is full. How many ids
//! there are is found out by counting a few thousand entries of the index at most: neither engine's own estimate is good enough
//! for terms, whose frequency goes from one to everything. What is only counted may also be read from one index that has everything
//! that is asked for.

use certhold_store::{Tx, Value};

use crate::error::Result;

/// Ids that one condition may bring along to lead.
pub(crate) const LEADING: i64 = 4_096;

/// Ids of one condition that are looked up one by one in [`NARROW`] rather than walking all of it, in steps of which each is tried
/// for every condition before the next. Behind the first step an index of [`WIDE`] goes before them.
const LEADING_COUNTS: [i64; 3] = [LEADING, 65_536, 524_288];

/// An index by id of the columns that are asked for together with others, for counting without a look at the wide rows.
const NARROW: &str = "certificate_narrow";
const NARROW_COLUMNS: [&str; 7] = ["id", "not_after", "revoked_at", "owner_role", "lineage", "key_bits", "severity"];

/// Indexes that have the columns which are most often asked for besides their first.
const WIDE: [(&str, &str, &[&str]); 3] = [
    ("owner_role", "certificate_owner", &["id", "owner_role", "not_after", "revoked_at", "key_bits"]),
    ("common_name_folded", "certificate_common_name", &["id", "common_name_folded", "not_after", "revoked_at"]),
    (EXPIRY, "certificate_not_after", &["id", EXPIRY, "lineage", "owner_role", "revoked_at"]),
];

/// What several conditions say of it (from, to, not ended yet) is one range of its index.
const EXPIRY: &str = "not_after";

/// Parameters that lists of values take at most, of a whole statement.
const PARAMETERS: usize = 8_000;

/// One condition; its parameters are in [`Conditions::values`].
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// A test of a row of `certificate`.
    pub row: String,
    /// A query for the ids of at least all rows that fulfil it, each once, in a column named `certificate`.
    pub ids: Option<String>,
    /// Whether these are exactly the ids of the rows that fulfil it.
    pub exact: bool,
    /// How many rows fulfil it, where the maintained counts say so.
    pub count: Option<i64>,
}

/// Conditions that must all hold, with their parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    conditions: Vec<Condition>,
    values: Vec<Value<'static>>,
    /// Numbers that stand in the text.
    named: usize,
}

/// Where rows come from and which of them are wanted.
pub(crate) struct Plan {
    /// What stands behind `FROM` and before the joins: names `certificate`.
    pub from: String,
    /// ` WHERE …`, or nothing.
    pub wanted: String,
}

/// In which order rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In that of their ids.
    Key,
    /// In that of an index of `certificate`, which has all of them.
    Index(&'static str),
}

impl Conditions {
    pub(crate) fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether an index says that at most [`LEADING`] rows fulfil them.
    pub(crate) fn are_few(&self, tx: &mut Tx<'_>) -> Result<bool> {
        Ok(self.lead(tx)?.is_some())
    }

    /// Whether so many more numbers may stand in the text, of `most` in all.
    pub(crate) fn names(&mut self, more: usize, most: usize) -> bool {
        self.named += more;
        self.named <= most
    }

    /// Whether so many more parameters have a place: the engines allow few more than thirty thousand.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.values.len() + more <= PARAMETERS
    }

    /// Adds a parameter; its place in SQL.
    pub(crate) fn bind(&mut self, value: impl Into<Value<'static>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub(crate) fn push(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    /// The tests of a row.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().map(|condition| condition.row.as_str())
    }

    /// A condition for which `certificate` has an index.
    pub(crate) fn indexed(&mut self, row: impl Into<String>) {
        let row = row.into();
        let ids = Some(format!("SELECT id AS certificate FROM certificate WHERE {row}"));
        self.conditions.push(Condition { row, ids, exact: true, count: None });
    }

    /// A condition that only a look at the row answers.
    pub(crate) fn row(&mut self, row: impl Into<String>) {
        self.conditions.push(Condition { row: row.into(), ids: None, exact: false, count: None });
    }

    /// How many rows are wanted, if the maintained counts say so.
    pub(crate) fn counted(&self) -> Option<i64> {
        match self.conditions.as_slice() {
            [only] => only.count,
            _ => None,
        }
    }

    /// The query for exactly the ids of all that is wanted, if there is one.
    pub(crate) fn exactly(&self) -> Option<&str> {
        match self.conditions.as_slice() {
            [only] if only.exact => only.ids.as_deref(),
            _ => None,
        }
    }

    /// Chooses how the rows are found, which are wanted in this order.
    pub(crate) fn plan(&self, tx: &mut Tx<'_>, order: Order) -> Result<Plan> {
        let lead = self.lead(tx)?;
        let from = match &lead {
            // The order of a CROSS JOIN is kept by SQLite; PostgreSQL chooses by itself.
            Some(ids) => format!("({ids}) AS found CROSS JOIN certificate"),
            // Thousands of rows fulfil each condition: sorting them all for one page would take longer than meeting enough of them.
            None if self.conditions.is_empty() => "certificate".to_owned(),
            None => match order {
                Order::Key => tx.walked("certificate", None),
                Order::Index(index) => tx.walked("certificate", Some(index)),
            },
        };
        let mut tests: Vec<String> = self.conditions.iter().map(|condition| condition.row.clone()).collect();
        if lead.is_some() {
            tests.insert(0, "certificate.id = found.certificate".to_owned());
        }
        let wanted = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
        Ok(Plan { from, wanted })
    }

    /// What says which rows are wanted, in whatever order they would come.
    pub(crate) fn question(&self) -> String {
        self.tests().collect::<Vec<_>>().join(" AND ")
    }

    /// Chooses how the rows are counted: where an index has all that is asked for, without a look at them.
    pub(crate) fn plan_count(&self, tx: &mut Tx<'_>) -> Result<Plan> {
        self.plan_count_of(tx, LEADING_COUNTS)
    }

    fn plan_count_of(&self, tx: &mut Tx<'_>, steps: [i64; 3]) -> Result<Plan> {
        let lists = self.lists();
        let lead = self.lead_count(tx, &lists, steps)?;
        let mut tests: Vec<String> = self.tests().map(str::to_owned).collect();
        let from = match lead.map(|at| (at, self.wide(at))) {
            Some((_, Some(index))) => {
                // SQLite begins at the first bound that it reads, and every list says first that nothing has ended.
                tests.reverse();
                tx.walked("certificate", Some(index))
            }
            Some((at, None)) => {
                if self.conditions[at].exact {
                    tests.remove(at);
                }
                tests.insert(0, "certificate.id = found.certificate".to_owned());
                let rows = match tests.iter().all(|test| names_only(test, &NARROW_COLUMNS)) {
                    true => tx.walked("certificate", Some(NARROW)),
                    false => "certificate".to_owned(),
                };
                let ids = lists.iter().find(|(place, _)| *place == at).map_or("", |(_, ids)| ids);
                format!("({ids}) AS found CROSS JOIN {rows}")
            }
            None if self.tests().all(|test| names_only(test, &NARROW_COLUMNS)) => tx.walked("certificate", Some(NARROW)),
            None => "certificate".to_owned(),
        };
        let wanted = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
        Ok(Plan { from, wanted })
    }

    /// The index that finds the rows of one condition and has all that the others ask for.
    fn wide(&self, at: usize) -> Option<&'static str> {
        let row = self.conditions[at].row.as_str();
        // A look into another table for each entry takes longer than to begin there.
        let looks_elsewhere = |test: &str| test.contains("SELECT") && columns(test).any(|column| column == "id");
        let fits = |known: &[&str]| self.tests().all(|test| names_only(test, known) && !looks_elsewhere(test));
        let found =
            WIDE.iter().find(|(first, _, known)| columns(row).next().is_some() && names_only(row, &[*first]) && fits(known));
        found.map(|(_, index, _)| *index)
    }

    /// The condition with the shortest list of ids, or whose index answers all, unless all lists are so long that the whole table is
    /// walked sooner.
    fn lead_count(&self, tx: &mut Tx<'_>, lists: &[(usize, String)], [few, many, most]: [i64; 3]) -> Result<Option<usize>> {
        if let Some(lead) = self.shortest(tx, lists, few)? {
            return Ok(Some(lead));
        }
        // An index that has everything is read through sooner than a tenth as many rows are looked up one by one, and sooner than
        // it is counted which list is the shortest.
        let wide: Vec<&(usize, String)> = lists.iter().filter(|(at, _)| self.wide(*at).is_some()).collect();
        if let [first, others @ ..] = wide.as_slice() {
            if others.is_empty() {
                return Ok(Some(first.0));
            }
            // A range is read when it is short; else what is the same in all rows that are wanted.
            let same = wide.iter().find(|(at, _)| !names_only(&self.conditions[*at].row, &[EXPIRY])).unwrap_or(first);
            let range = wide.iter().find(|(at, _)| names_only(&self.conditions[*at].row, &[EXPIRY]));
            let is_short = match range {
                Some((_, ids)) => self.entries(tx, ids, many)? <= many,
                None => false,
            };
            return Ok(Some(range.filter(|_| is_short).unwrap_or(same).0));
        }
        match self.shortest(tx, lists, many)? {
            None => self.shortest(tx, lists, most),
            lead => Ok(lead),
        }
    }

    /// The lists of ids that conditions have, each by its place; those of one range are one.
    fn lists(&self) -> Vec<(usize, String)> {
        let is_bound = |one: &Condition| one.exact && columns(&one.row).next().is_some() && names_only(&one.row, &[EXPIRY]);
        let bounds: Vec<&str> = self.conditions.iter().rev().filter(|one| is_bound(one)).map(|one| one.row.as_str()).collect();
        let mut range =
            (bounds.len() > 1).then(|| format!("SELECT id AS certificate FROM certificate WHERE {}", bounds.join(" AND ")));
        let mut lists = Vec::with_capacity(self.conditions.len());
        for (at, one) in self.conditions.iter().enumerate() {
            match &one.ids {
                Some(_) if bounds.len() > 1 && is_bound(one) => lists.extend(range.take().map(|range| (at, range))),
                Some(ids) => lists.push((at, ids.clone())),
                None => {}
            }
        }
        lists
    }

    /// The place of the shortest of these lists of ids; none when all have more than `most`.
    pub(crate) fn shortest(&self, tx: &mut Tx<'_>, lists: &[(usize, impl AsRef<str>)], most: i64) -> Result<Option<usize>> {
        let (mut fewest, mut shortest) = (most, None);
        for (at, ids) in lists {
            let found = self.entries(tx, ids.as_ref(), fewest)?;
            if found <= fewest {
                (fewest, shortest) = (found, Some(*at));
            }
            if found == 0 {
                break;
            }
        }
        Ok(shortest)
    }

    /// How many ids a list has, as far as `most` and one more.
    fn entries(&self, tx: &mut Tx<'_>, ids: &str, most: i64) -> Result<i64> {
        let (sql, values) = self.statement(&format!("SELECT count(*) FROM ({ids} LIMIT {}) AS few", most + 1));
        Ok(tx.one(&sql, &values, |row| row.get(0))?.unwrap_or(0))
    }

    /// The list of ids that leads, if one is short.
    fn lead(&self, tx: &mut Tx<'_>) -> Result<Option<String>> {
        let lists = self.lists();
        let lead = self.shortest(tx, &lists, LEADING)?;
        Ok(lists.into_iter().find(|(at, _)| Some(*at) == lead).map(|(_, ids)| ids))
    }

    /// A statement with the parameters that it uses, numbered anew: both engines refuse parameters without a place.
    pub(crate) fn statement(&self, sql: &str) -> (String, Vec<Value<'static>>) {
        let mut values: Vec<Value<'static>> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        let mut out = String::with_capacity(sql.len());
        let mut rest = sql;
        while let Some(at) = rest.find('$') {
            let (head, tail) = rest.split_at(at);
            out.push_str(head);
            let digits = tail[1..].bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = tail[1..=digits].parse().unwrap_or(0);
            let place = places.iter().position(|place| *place == number).unwrap_or_else(|| {
                places.push(number);
                values.extend(self.values.get(number.wrapping_sub(1)).cloned());
                places.len() - 1
            });
            out.push_str(&format!("${}", place + 1));
            rest = &tail[1 + digits..];
        }
        out.push_str(rest);
        (out, values)
    }
}

/// The columns of `certificate` that a test names. A table whose name merely ends so counts as well: the test is then taken for
/// one of a wide row, which costs time and changes nothing.
fn columns(test: &str) -> impl Iterator<Item = &str> {
    test.split("certificate.").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// Whether a test names no other columns of `certificate` than these.
fn names_only(test: &str, known: &[&str]) -> bool {
    columns(test).all(|column| known.contains(&column))
}

#[cfg(test)]
mod tests {
    use certhold_pki::sample::Generator;
    use certhold_store::{Location, Options, Store};

    use super::*;
    use crate::actor::Actor;
    use crate::inventory::{Candidate, ImportBatch, import};
    use crate::query::{Catalogue, Query};

    const NOW: i64 = 1_800_000_000_000;

    fn count(tx: &mut Tx<'_>, conditions: &Conditions, plan: Plan) -> i64 {
        let Plan { from, wanted } = plan;
        let (sql, values) = conditions.statement(&format!("SELECT count(*) FROM {from}{wanted}"));
        tx.one(&sql, &values, |row| row.get(0)).unwrap().unwrap()
    }

    /// Where lists count as long with one entry, every way of counting is taken with few certificates.
    #[test]
    fn every_way_of_counting_counts_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("certhold.db"));
        let store = Store::open(&location, crate::schema::MIGRATIONS, Options::default()).unwrap();
        let uuids = [1, 2].map(uuid::Uuid::from_u128);
        store.write_blocking(move |tx| crate::prepare(tx, &uuids, NOW)).unwrap();
        let generator = Generator::new(5).around(NOW);
        let certificates = (0..120).map(|n| Candidate::of(&generator.certificate(n)).unwrap()).collect();
        let batch = ImportBatch { certificates, keys: Vec::new(), owner: None, source: "upload".into(), metadata: Vec::new() };
        store.write_blocking(move |tx| import(tx, &Actor::local("test"), &batch, NOW)).unwrap();
        let mut indexes = Vec::new();
        for query in [
            "ExpirationDate -ge \"%TODAY+20%\" AND ExpirationDate -lt \"%TODAY+90%\"",
            "ExpirationDate -lt \"%TODAY+200%\" AND OwnerRoleName -eq NULL",
            "OwnerRoleName -eq NULL AND KeySize -ge 300",
            "IssuedCN -startswith \"m\" AND RevocationDate -eq NULL",
            "IssuedCN -eq NULL",
            "IssuedCN -startswith \"a\" AND SAN -contains \"e\"",
            "KeySize -ge 300 AND FindingSeverity -ge 1",
            "IsCA -eq false",
        ] {
            let resolved = Query::parse(query, &Catalogue::default()).unwrap().resolve(NOW, "test");
            let found = store.read_blocking(move |tx| {
                let mut conditions = Conditions::default();
                crate::inventory::search::add_range(&mut conditions, EXPIRY, Some(NOW - 40 * 86_400_000), None);
                super::super::compile::add(tx, &mut conditions, &resolved)?;
                let all = Plan { from: "certificate NOT INDEXED".into(), wanted: format!(" WHERE {}", conditions.question()) };
                let plain = count(tx, &conditions, all);
                let mut ways = Vec::new();
                for steps in [LEADING_COUNTS, [-1, -1, -1], [0, 1, 2], [1, 40, 60], [0, 0, 1_000]] {
                    let plan = conditions.plan_count_of(tx, steps)?;
                    ways.push(plan.from.clone());
                    assert_eq!(count(tx, &conditions, plan), plain, "{query}: {}", ways.last().unwrap());
                }
                Ok::<_, crate::error::Error>(ways)
            });
            indexes.extend(found.unwrap());
        }
        let taken = |index: &str| indexes.iter().any(|from| from.ends_with(index));
        assert!(WIDE.iter().all(|(_, index, _)| taken(index)) && taken(NARROW), "{indexes:?}");
        assert!(indexes.iter().any(|from| from == "certificate"), "{indexes:?}");
    }

    #[test]
    fn columns_of_a_test_are_found() {
        let of = |test| columns(test).collect::<Vec<_>>();
        assert_eq!(of("(certificate.not_after >= $1 AND certificate.owner_role IS NULL)"), ["not_after", "owner_role"]);
        assert_eq!(of("certificate.id IN (SELECT certificate FROM certificate_name WHERE reversed > $1)"), ["id"]);
        assert_eq!(
            of("EXISTS (SELECT 1 FROM excluded_certificate WHERE excluded_certificate.sha256 = certificate.sha256)"),
            ["sha256", "sha256"]
        );
        assert!(names_only("1 = 1", &NARROW_COLUMNS) && names_only("certificate.key_bits >= $2", &NARROW_COLUMNS));
        assert!(!names_only("certificate.is_ca", &NARROW_COLUMNS));
    }

    #[test]
    fn parameters_are_numbered_anew() {
        let mut conditions = Conditions::default();
        for value in 1..=12 {
            conditions.bind(i64::from(value));
        }
        let (sql, values) = conditions.statement("SELECT $12 + $2 + $12");
        assert_eq!(sql, "SELECT $1 + $2 + $1");
        assert_eq!(values, [Value::Int(12), Value::Int(2)]);
    }
}
