//! A resolved query as SQL. [`crate::query::evaluate`] says what it means; this says the same to both engines.
//!
//! Every test becomes a test of the row, and where an index knows its rows also a list of ids (see [`super::conditions`]); for
//! equality see [`super::equal`]. What SQL cannot say exactly (a pattern within one of several values) it says as a superset, and the rows are
//! looked at once more in memory.

use certhold_store::Tx;

use super::conditions::{Condition, Conditions, LEADING};
use super::equal::{self, under};
use super::fields::{Field, fold};
use super::links::{self, Links};
use super::search::like;
use super::text_index;
use crate::error::Result;
use crate::private_ca::Profile;
use crate::query::{self, Expr, FieldId, Predicate, Scalar, Test};
use crate::text::unhex;

/// Adds a resolved query to what is wanted. Whether rows must be evaluated once more in memory.
pub(crate) fn add(tx: &mut Tx<'_>, wanted: &mut Conditions, condition: &query::Condition) -> Result<bool> {
    // What a collection asks for and what is looked for in it are conditions of one kind: each may lead.
    if let Expr::And(parts) = condition {
        let mut inexact = false;
        for part in parts {
            inexact |= add(tx, wanted, part)?;
        }
        return Ok(inexact);
    }
    let sql = compile(tx, wanted, condition)?;
    wanted.push(sql.condition);
    Ok(sql.inexact)
}

pub(super) struct Compiled {
    pub(super) condition: Condition,
    pub(super) inexact: bool,
}

/// Adds: the field has this folded value.
pub(super) fn add_equal(tx: &mut Tx<'_>, wanted: &mut Conditions, field: Field, folded: &str) -> Result<()> {
    let found = under(tx, wanted, field, &[folded.to_owned()])?;
    wanted.push(found.condition);
    Ok(())
}

/// What SQL says exactly; the ids, too.
pub(super) fn exact(row: impl Into<String>, ids: Option<String>) -> Compiled {
    Compiled { condition: Condition { row: row.into(), exact: ids.is_some(), ids, count: None }, inexact: false }
}

/// … with ids that are more than those that fulfil it.
fn superset(row: impl Into<String>, ids: Option<String>) -> Compiled {
    Compiled { condition: Condition { row: row.into(), ids, exact: false, count: None }, inexact: false }
}

/// What only a look in memory decides.
pub(super) fn undecided(row: impl Into<String>, ids: Option<String>) -> Compiled {
    Compiled { condition: Condition { row: row.into(), ids, exact: false, count: None }, inexact: true }
}

const NEVER: &str = "1 = 0";

pub(super) fn never() -> Compiled {
    exact(NEVER, Some("SELECT id AS certificate FROM certificate WHERE 1 = 0".into()))
}

fn compile(tx: &mut Tx<'_>, wanted: &mut Conditions, condition: &query::Condition) -> Result<Compiled> {
    let (parts, word) = match condition {
        Expr::Leaf(predicate) => return leaf(tx, wanted, predicate),
        Expr::And(parts) if parts.is_empty() => return Ok(exact("1 = 1", None)),
        Expr::Or(parts) if parts.is_empty() => return Ok(never()),
        Expr::And(parts) => (parts, " AND "),
        Expr::Or(parts) => (parts, " OR "),
    };
    // What is said twice is looked for once.
    let parts = parts.iter().enumerate().filter(|(at, part)| !parts[..*at].contains(part));
    let parts = parts.map(|(_, part)| compile(tx, wanted, part)).collect::<Result<Vec<_>>>()?;
    let rows: Vec<&str> = parts.iter().map(|part| part.condition.row.as_str()).collect();
    let row = format!("({})", rows.join(word));
    let lists: Vec<(usize, &str)> = parts.iter().filter_map(|part| part.condition.ids.as_deref()).enumerate().collect();
    let ids = if word == " AND " {
        let shortest = if lists.len() < 2 { None } else { wanted.shortest(tx, &lists, LEADING)? };
        lists.get(shortest.unwrap_or(0)).map(|(_, ids)| (*ids).to_owned())
    } else if lists.len() == parts.len() {
        let selects: Vec<String> = lists.iter().map(|(_, ids)| format!("SELECT certificate FROM ({ids}) AS part")).collect();
        Some(selects.join(" UNION "))
    } else {
        None
    };
    let exact = word == " OR " && parts.iter().all(|part| part.condition.exact);
    Ok(Compiled { condition: Condition { row, ids, exact, count: None }, inexact: parts.iter().any(|part| part.inexact) })
}

fn leaf(tx: &mut Tx<'_>, wanted: &mut Conditions, predicate: &Predicate) -> Result<Compiled> {
    if let (true, Test::Set, Some(row)) = (predicate.negated, &predicate.test, without(predicate.field)) {
        return Ok(exact(row, Some(format!("SELECT id AS certificate FROM certificate WHERE {row}"))));
    }
    let positive = test(tx, wanted, predicate.field, &predicate.test)?;
    Ok(match predicate.negated {
        false => positive,
        // The contrary of a superset says nothing that SQL could use.
        true if positive.inexact => undecided("1 = 1", None),
        true => exact(format!("NOT coalesce({}, FALSE)", positive.condition.row), None),
    })
}

/// The test of a row without this field, where an index finds these rows.
fn without(field: FieldId) -> Option<&'static str> {
    match field {
        FieldId::OwnerRoleName | FieldId::OwnerRoleId => Some("certificate.owner_role IS NULL"),
        FieldId::IssuedCn => Some("(certificate.common_name_folded IS NULL OR certificate.common_name_folded = '')"),
        _ => None,
    }
}

/// How a field is kept.
enum Kept {
    /// One folded text in a column.
    Text {
        column: &'static str,
        index: Index,
    },
    /// Several folded texts in a column.
    Texts {
        column: &'static str,
        field: Field,
        index: Index,
    },
    /// One of few values.
    Few {
        field: Field,
        set: &'static str,
    },
    /// A number in a column; with an index on it and the id.
    Number {
        column: &'static str,
        indexed: bool,
    },
    /// A digest in a column.
    Digest {
        column: &'static str,
        octets: usize,
        indexed: bool,
        field: Option<Field>,
    },
    /// A flag: the test of a row that has it, and where its ids are.
    Flag {
        row: &'static str,
        ids: &'static str,
    },
    /// A reference to something with a name: the column, and the table whose `folded` is compared.
    Named {
        column: &'static str,
        table: &'static str,
    },
    /// What the certificate is linked to, of which there are few.
    Linked(&'static Links),
    /// What a private authority issued it for, by this name of it.
    Template(fn(Profile) -> &'static str),
    Revoker,
    /// Who enrolled.
    Requester,
    Metadata(i64),
    Nothing,
}

/// What else knows a text.
#[derive(Clone, Copy)]
enum Index {
    /// The index for parts, and terms for the whole.
    Parts(Field),
    /// The index for parts, and an ordered index on the column itself.
    PartsAndOrder,
    /// Terms for the whole only.
    Whole(Field),
}

/// There are alternative names, and the common name is among them, if there is one: each name stands between two line feeds.
const NAMES_ITSELF: &str = "(coalesce(certificate.names_folded, '') <> '' AND (certificate.common_name_folded IS NULL \
    OR replace(certificate.names_folded, '\n' || certificate.common_name_folded || '\n', '') <> certificate.names_folded))";

fn kept(field: FieldId) -> Kept {
    match field {
        FieldId::CertId => Kept::Number { column: "id", indexed: true },
        FieldId::IssuedCn => Kept::Text { column: "common_name_folded", index: Index::PartsAndOrder },
        FieldId::IssuedDn => Kept::Text { column: "subject_folded", index: Index::Parts(Field::Subject) },
        FieldId::IssuerDn => Kept::Text { column: "issuer_folded", index: Index::Whole(Field::Issuer) },
        FieldId::IssuerCn => Kept::Text { column: "issuer_name_folded", index: Index::Whole(Field::IssuerName) },
        FieldId::SerialNumber => Kept::Text { column: "serial", index: Index::Parts(Field::Serial) },
        FieldId::SubjectKeyId => Kept::Text { column: "subject_key_id", index: Index::Whole(Field::SubjectKeyId) },
        FieldId::AuthorityKeyId => Kept::Text { column: "authority_key_id", index: Index::Whole(Field::AuthorityKeyId) },
        FieldId::Thumbprint => Kept::Digest { column: "sha1", octets: 20, indexed: false, field: Some(Field::Thumbprint) },
        FieldId::Fingerprint => Kept::Digest { column: "sha256", octets: 32, indexed: true, field: None },
        FieldId::PublicKey => Kept::Digest { column: "spki_sha256", octets: 32, indexed: true, field: None },
        FieldId::OwnerRoleName => Kept::Linked(&links::OWNERS),
        FieldId::OwnerRoleId => Kept::Number { column: "owner_role", indexed: true },
        FieldId::IssuedDate => Kept::Number { column: "not_before", indexed: true },
        FieldId::ExpirationDate => Kept::Number { column: "not_after", indexed: true },
        FieldId::RevocationDate => Kept::Number { column: "revoked_at", indexed: true },
        FieldId::ImportDate => Kept::Number { column: "held_since", indexed: true },
        FieldId::Eku => Kept::Few { field: Field::ExtendedKeyUsage, set: "certificate.extended_key_usage IS NOT NULL" },
        FieldId::KeySize => Kept::Number { column: "key_bits", indexed: false },
        FieldId::KeyAlgorithm => Kept::Few { field: Field::KeyAlgorithm, set: "1 = 1" },
        FieldId::Curve => Kept::Few { field: Field::Curve, set: "certificate.key_curve IS NOT NULL" },
        FieldId::KeyUsage => Kept::Number { column: "key_usage", indexed: false },
        FieldId::SigningAlgorithm => Kept::Few { field: Field::SignatureAlgorithm, set: "1 = 1" },
        FieldId::Ou => Kept::Texts { column: "units_folded", field: Field::Unit, index: Index::Whole(Field::Unit) },
        FieldId::Organization => {
            Kept::Texts { column: "organizations_folded", field: Field::Organization, index: Index::Whole(Field::Organization) }
        }
        FieldId::Country => {
            Kept::Texts { column: "countries_folded", field: Field::Country, index: Index::Whole(Field::Country) }
        }
        FieldId::IssuedEmail => Kept::Texts { column: "emails_folded", field: Field::Email, index: Index::Whole(Field::Email) },
        FieldId::San => Kept::Texts { column: "names_folded", field: Field::Name, index: Index::Parts(Field::Name) },
        FieldId::HasPrivateKey => Kept::Flag {
            row: "EXISTS (SELECT 1 FROM private_key WHERE private_key.spki_sha256 = certificate.spki_sha256)",
            ids: "SELECT certificate.id AS certificate FROM private_key CROSS JOIN certificate \
                  WHERE certificate.spki_sha256 = private_key.spki_sha256",
        },
        FieldId::IsExcluded => Kept::Flag {
            row: "EXISTS (SELECT 1 FROM excluded_certificate WHERE excluded_certificate.sha256 = certificate.sha256)",
            ids: "SELECT certificate.id AS certificate FROM excluded_certificate CROSS JOIN certificate \
                  WHERE certificate.sha256 = excluded_certificate.sha256",
        },
        FieldId::SelfSigned => Kept::Flag { row: "certificate.self_signed", ids: "" },
        FieldId::IsCa => Kept::Flag { row: "certificate.is_ca", ids: "" },
        FieldId::Managed => Kept::Flag {
            row: "certificate.lineage IS NOT NULL",
            ids: "SELECT id AS certificate FROM certificate WHERE lineage IS NOT NULL",
        },
        FieldId::ManagedName => Kept::Named { column: "lineage", table: "lineage" },
        FieldId::Source => Kept::Few { field: Field::Source, set: "certificate.source <> ''" },
        FieldId::Finding => Kept::Few { field: Field::Finding, set: "certificate.findings IS NOT NULL" },
        FieldId::FindingSeverity => Kept::Number { column: "severity", indexed: true },
        FieldId::StoreMachine => Kept::Linked(&links::MACHINES),
        FieldId::StorePath => Kept::Linked(&links::PATHS),
        FieldId::StoreContainer => Kept::Linked(&links::CONTAINERS),
        FieldId::Authority => Kept::Linked(&links::AUTHORITIES),
        FieldId::TemplateName => Kept::Template(Profile::name),
        FieldId::TemplateTitle => Kept::Template(Profile::title),
        FieldId::Revoker => Kept::Revoker,
        FieldId::Requester => Kept::Requester,
        FieldId::Rfc2818 => Kept::Flag { row: NAMES_ITSELF, ids: "" },
        FieldId::Metadata(id) => Kept::Metadata(id.0),
        FieldId::CertState | FieldId::KeyType | FieldId::AlwaysFalse | FieldId::Absent => Kept::Nothing,
    }
}

fn test(tx: &mut Tx<'_>, wanted: &mut Conditions, field: FieldId, test: &Test) -> Result<Compiled> {
    match kept(field) {
        Kept::Text { column, index } => text(tx, wanted, column, index, test),
        Kept::Texts { column, field, index } => texts(tx, wanted, column, field, index, test),
        Kept::Few { field, set } => equal::few(tx, wanted, field, set, test),
        Kept::Number { column, indexed } => number(tx, wanted, column, indexed, test),
        Kept::Digest { column, octets, indexed, field } => digest(tx, wanted, column, octets, indexed, field, test),
        Kept::Flag { row, ids } => flag(tx, wanted, field, row, ids, test),
        Kept::Named { column, table } => Ok(named(wanted, column, table, test)),
        Kept::Linked(links) => links.test(tx, wanted, test),
        Kept::Template(name) => Ok(template(wanted, name, test)),
        Kept::Revoker => Ok(revoker(wanted, test)),
        Kept::Requester => Ok(requester(wanted, test)),
        Kept::Metadata(id) => Ok(metadata(wanted, id, test)),
        Kept::Nothing => Ok(never()),
    }
}

/// The texts that [`Test::Equals`] names, to be looked for as they are.
fn folded(wanted: &[Scalar]) -> Vec<String> {
    named_texts(wanted).map(str::to_owned).collect()
}

/// The texts that [`Test::Equals`] names.
pub(super) fn named_texts(wanted: &[Scalar]) -> impl Iterator<Item = &str> {
    wanted.iter().filter_map(|scalar| match scalar {
        Scalar::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

/// `LIKE` for the tests of parts; nothing for the others.
fn pattern(test: &Test) -> Option<(String, String)> {
    Some(match test {
        Test::Contains(part) => (like(part, true, true), part.clone()),
        Test::StartsWith(part) => (like(part, false, true), part.clone()),
        Test::EndsWith(part) => (like(part, true, false), part.clone()),
        Test::Like(pattern) => {
            let texts = pattern.pieces().iter().filter_map(|piece| match piece {
                query::Piece::Text(text) => Some(text),
                _ => None,
            });
            (pattern.to_sql(), texts.max_by_key(|text| text.chars().count()).cloned().unwrap_or_default())
        }
        _ => return None,
    })
}

fn text(tx: &mut Tx<'_>, wanted: &mut Conditions, column: &str, index: Index, test: &Test) -> Result<Compiled> {
    let column = format!("certificate.{column}");
    if let Test::Set = test {
        return Ok(exact(format!("{column} <> ''"), None));
    }
    if let Test::Equals(values) = test {
        let set = format!("{column} IS NOT NULL");
        return Ok(match index {
            Index::Whole(field @ Field::IssuerName) => {
                let mut found = under(tx, wanted, field, &folded(values))?;
                // The term also stands for whole names of issuers that have no common name; these hold an equals sign.
                if found.condition.row != NEVER && named_texts(values).any(|text| text.contains('=')) {
                    found.condition.exact = false;
                    found.condition.count = None;
                    found.condition.row = format!("({set} AND {})", found.condition.row);
                }
                found
            }
            Index::Parts(field) | Index::Whole(field) => under(tx, wanted, field, &folded(values))?,
            Index::PartsAndOrder => {
                let places: Vec<String> = named_texts(values).map(|text| wanted.bind(text.to_owned())).collect();
                let row = format!("{column} IN ({})", places.join(", "));
                let ids = format!("SELECT id AS certificate FROM certificate WHERE {row}");
                exact(row, Some(ids))
            }
        });
    }
    let Some((pattern, part)) = pattern(test) else { return Ok(never()) };
    if let (Index::PartsAndOrder, Test::StartsWith(part)) = (index, test) {
        let row = begins(wanted, &column, part);
        let ids = format!("SELECT id AS certificate FROM certificate WHERE {row}");
        return Ok(exact(row, Some(ids)));
    }
    let row = format!("{column} LIKE {} ESCAPE '\\'", wanted.bind(pattern));
    let ids = match index {
        Index::Whole(field @ (Field::Issuer | Field::IssuerName)) => {
            let found = equal::alike(tx, wanted, field, &row, |value| query::text_fits(test, &fold(value)))?;
            return Ok(found.unwrap_or_else(|| superset(row, None)));
        }
        Index::Whole(_) => None,
        Index::Parts(_) | Index::PartsAndOrder => text_index::candidates(tx, wanted, &part)?,
    };
    Ok(superset(row, ids))
}

fn texts(tx: &mut Tx<'_>, wanted: &mut Conditions, column: &str, field: Field, index: Index, test: &Test) -> Result<Compiled> {
    let column = format!("certificate.{column}");
    match test {
        Test::Set => return Ok(exact(format!("{column} IS NOT NULL"), None)),
        Test::Equals(values) => return under(tx, wanted, field, &folded(values)),
        _ => {}
    }
    let Some((pattern, part)) = pattern(test) else { return Ok(never()) };
    let ids = match index {
        Index::Whole(_) => None,
        Index::Parts(_) | Index::PartsAndOrder => text_index::candidates(tx, wanted, &part)?,
    };
    // A line feed stands before and behind each value; no value has one.
    let (pattern, inexact) = match test {
        Test::StartsWith(part) => (like(&format!("\n{part}"), true, true), false),
        Test::EndsWith(part) => (like(&format!("{part}\n"), true, true), false),
        Test::Like(_) => (format!("%\n{pattern}\n%"), true),
        _ => (pattern, false),
    };
    let place = wanted.bind(pattern);
    let row = format!("{column} LIKE {place} ESCAPE '\\'");
    Ok(if inexact { undecided(row, ids) } else { superset(row, ids) })
}

fn number(tx: &mut Tx<'_>, wanted: &mut Conditions, column: &str, indexed: bool, test: &Test) -> Result<Compiled> {
    // No severity and no usage are kept as 0.
    let set = match column {
        "severity" | "key_usage" => format!("certificate.{column} > 0"),
        _ => format!("certificate.{column} IS NOT NULL"),
    };
    let row = match test {
        Test::Set => set,
        Test::Equals(values) => {
            let numbers = values.iter().filter_map(|scalar| match scalar {
                Scalar::Number(number) => Some(*number),
                _ => None,
            });
            let places: Vec<String> = numbers.map(|number| wanted.bind(number)).collect();
            format!("({set} AND certificate.{column} IN ({}))", places.join(", "))
        }
        Test::Within { from, to } => {
            let from = (*from != i64::MIN).then(|| format!("certificate.{column} >= {}", wanted.bind(*from)));
            let to = (*to != i64::MAX).then(|| format!("certificate.{column} <= {}", wanted.bind(*to)));
            let bounds: Vec<String> = std::iter::once(set).chain(from).chain(to).collect();
            format!("({})", bounds.join(" AND "))
        }
        Test::Bits(bits) => {
            let place = wanted.bind(*bits);
            format!("(certificate.{column} & {place}) = {place}")
        }
        _ => return Ok(never()),
    };
    if column == "key_bits" {
        let fits = |value: &str| value.parse().is_ok_and(|number| number_fits(test, number));
        return Ok(equal::alike(tx, wanted, Field::KeyBits, &row, fits)?.unwrap_or_else(|| exact(row, None)));
    }
    let ids = (indexed && !matches!(test, Test::Set)).then(|| format!("SELECT id AS certificate FROM certificate WHERE {row}"));
    Ok(exact(row, ids))
}

fn number_fits(test: &Test, number: i64) -> bool {
    match test {
        Test::Set => true,
        Test::Equals(wanted) => wanted.contains(&Scalar::Number(number)),
        Test::Within { from, to } => *from <= number && number <= *to,
        _ => false,
    }
}

fn digest(
    tx: &mut Tx<'_>,
    wanted: &mut Conditions,
    column: &str,
    octets: usize,
    indexed: bool,
    field: Option<Field>,
    test: &Test,
) -> Result<Compiled> {
    let column_of = format!("certificate.{column}");
    let listed = |row: String| {
        let ids = indexed.then(|| format!("SELECT id AS certificate FROM certificate WHERE {row}"));
        exact(row, ids)
    };
    Ok(match (test, field) {
        (Test::Set, _) => exact(format!("{column_of} IS NOT NULL"), None),
        (Test::Equals(values), Some(field)) => under(tx, wanted, field, &folded(values))?,
        (Test::Equals(values), None) => {
            let places: Vec<String> = named_texts(values).filter_map(unhex).map(|digest| wanted.bind(digest)).collect();
            if places.is_empty() { never() } else { listed(format!("{column_of} IN ({})", places.join(", "))) }
        }
        (Test::StartsWith(digits), _) => {
            let (least, most) =
                (format!("{digits:0<width$}", width = octets * 2), format!("{digits:f<width$}", width = octets * 2));
            let (Some(least), Some(most)) = (unhex(&least), unhex(&most)) else { return Ok(never()) };
            let (least, most) = (wanted.bind(least), wanted.bind(most));
            listed(format!("({column_of} >= {least} AND {column_of} <= {most})"))
        }
        _ => never(),
    })
}

fn flag(tx: &mut Tx<'_>, wanted: &mut Conditions, field: FieldId, row: &str, ids: &str, test: &Test) -> Result<Compiled> {
    let Test::Equals(values) = test else { return Ok(if matches!(test, Test::Set) { exact("1 = 1", None) } else { never() }) };
    let (yes, no) = (values.contains(&Scalar::Flag(true)), values.contains(&Scalar::Flag(false)));
    let term_of = match field {
        FieldId::IsCa => Some(Field::IsCa),
        FieldId::SelfSigned => Some(Field::SelfSigned),
        _ => None,
    };
    Ok(match (yes, no, term_of) {
        (true, true, _) => exact("1 = 1", None),
        (false, false, _) => never(),
        (_, _, Some(field)) => under(tx, wanted, field, &[yes.to_string()])?,
        (true, false, None) => exact(row, (!ids.is_empty()).then(|| ids.to_owned())),
        (false, true, None) => exact(format!("NOT {row}"), None),
    })
}

/// A test of a column of folded texts; `None` when nothing fulfils it.
fn folded_test(wanted: &mut Conditions, column: &str, test: &Test) -> Option<String> {
    Some(match test {
        Test::Set => format!("{column} <> ''"),
        Test::Equals(values) => {
            let places: Vec<String> = named_texts(values).map(|text| wanted.bind(text.to_owned())).collect();
            format!("{column} IN ({})", places.join(", "))
        }
        Test::StartsWith(part) => begins(wanted, column, part),
        other => format!("{column} LIKE {} ESCAPE '\\'", wanted.bind(pattern(other)?.0)),
    })
}

/// That a text begins with this, as a range: the greatest character stands behind whatever begins with it. SQLite uses no index for `LIKE`.
fn begins(wanted: &mut Conditions, column: &str, part: &str) -> String {
    let (from, to) = (wanted.bind(part.to_owned()), wanted.bind(format!("{part}\u{10FFFF}")));
    format!("({column} >= {from} AND {column} < {to})")
}

fn named(wanted: &mut Conditions, column: &str, table: &str, test: &Test) -> Compiled {
    if let Test::Set = test {
        return exact(format!("certificate.{column} IS NOT NULL"), None);
    }
    let Some(test) = folded_test(wanted, "folded", test) else { return never() };
    let row = format!("certificate.{column} IN (SELECT id FROM {table} WHERE {test})");
    let ids = format!("SELECT id AS certificate FROM certificate WHERE {row}");
    exact(row, Some(ids))
}

/// Of few templates those that fit are found in memory; the certificates by the index on their profiles.
fn template(wanted: &mut Conditions, name: fn(Profile) -> &'static str, test: &Test) -> Compiled {
    let fits = |profile: Profile| matches!(test, Test::Set) || query::text_fits(test, &fold(name(profile)));
    let fitting: Vec<Profile> = Profile::ALL.iter().map(|row| row.2).filter(|profile| fits(*profile)).collect();
    if fitting.is_empty() {
        return never();
    }
    let places: Vec<String> = fitting.into_iter().map(|profile| wanted.bind(profile.name().to_owned())).collect();
    let places = format!("profile IN ({})", places.join(", "));
    exact(
        format!("EXISTS (SELECT 1 FROM issued_certificate WHERE issued_certificate.certificate = certificate.id AND {places})"),
        Some(format!("SELECT certificate FROM issued_certificate WHERE {places}")),
    )
}

fn revoker(wanted: &mut Conditions, test: &Test) -> Compiled {
    let Some(test) = folded_test(wanted, "revocation.revoker_folded", test) else { return never() };
    exact(
        format!("EXISTS (SELECT 1 FROM revocation WHERE revocation.certificate = certificate.id AND {test})"),
        Some(format!("SELECT certificate FROM revocation WHERE {test}")),
    )
}

fn requester(wanted: &mut Conditions, test: &Test) -> Compiled {
    let Some(test) = folded_test(wanted, "issued_certificate.requester_folded", test) else { return never() };
    exact(
        format!("EXISTS (SELECT 1 FROM issued_certificate WHERE issued_certificate.certificate = certificate.id AND {test})"),
        Some(format!("SELECT certificate FROM issued_certificate WHERE {test}")),
    )
}

fn metadata(wanted: &mut Conditions, field: i64, test: &Test) -> Compiled {
    let test = match test {
        Test::Set => String::new(),
        Test::Equals(values) => {
            let mut tests = Vec::new();
            for value in values {
                tests.push(match value {
                    Scalar::Text(text) => format!("sort = {}", wanted.bind(text.clone())),
                    Scalar::Number(number) => format!("number = {}", wanted.bind(*number)),
                    Scalar::Flag(flag) => format!("number = {}", wanted.bind(i64::from(*flag))),
                });
            }
            format!(" AND ({})", tests.join(" OR "))
        }
        Test::Within { from, to } => format!(" AND number >= {} AND number <= {}", wanted.bind(*from), wanted.bind(*to)),
        Test::StartsWith(part) => format!(" AND {}", begins(wanted, "sort", part)),
        other => match pattern(other) {
            Some((pattern, _)) => format!(" AND sort LIKE {} ESCAPE '\\'", wanted.bind(pattern)),
            None => return never(),
        },
    };
    let places = format!("field = {}{test}", wanted.bind(field));
    exact(
        format!(
            "EXISTS (SELECT 1 FROM certificate_metadata WHERE certificate_metadata.certificate = certificate.id AND {places})"
        ),
        Some(format!("SELECT certificate FROM certificate_metadata WHERE {places}")),
    )
}
