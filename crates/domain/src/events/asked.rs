//! The log asked with a query, by the number of the page: for faces that page so.

use certhold_store::{Tx, Value, params};

use super::list::{COLUMNS, Event, read};
use crate::access::{self, paths};
use crate::actor::Actor;
use crate::error::{Refusal, Result};
use crate::limits;
use crate::query::{Condition, Expr, FieldId, Kind, Predicate, QueryError, RowQuery, Scalar, Test};

/// What a field of a query over events means.
#[derive(Clone, Copy, Debug)]
pub enum EventField {
    /// The event's number.
    Number,
    /// When it happened.
    At,
    /// Who did it, by name.
    ActorName,
    /// The noun of what it is about.
    ObjectKind,
    /// The name of what it is about.
    ObjectName,
    /// The number of what it is about.
    Object,
    /// A number that a face derives from the operation.
    Derived(fn(&str) -> i64),
}

/// A query over events.
#[derive(Clone, Debug)]
pub struct EventQuery {
    fields: Vec<EventField>,
    condition: Condition,
}

impl EventQuery {
    /// Reads a query; `me` asks it at `now` (unix milliseconds). Empty text asks nothing.
    ///
    /// # Errors
    /// [`QueryError`] as of [`RowQuery::parse`].
    pub fn parse(text: &str, fields: &[(&str, Kind, EventField)], now: i64, me: &str) -> Result<EventQuery, QueryError> {
        let named: Vec<(&str, Kind)> = fields.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        let condition = RowQuery::for_sql(text, &named, now, me)?;
        Ok(EventQuery { fields: fields.iter().map(|(.., field)| *field).collect(), condition })
    }
}

/// Which page of the log.
#[derive(Clone, Copy, Debug)]
pub struct AskedPage {
    /// Events that are left out before the page begins.
    pub offset: usize,
    /// Events of the page, at most [`limits::PAGE_ROWS`].
    pub limit: usize,
    /// The newest first.
    pub descending: bool,
}

impl AskedPage {
    /// Rows of the page, rows before it, and the word for its order.
    fn bounds(self) -> (i64, i64, &'static str) {
        let limit = i64::try_from(self.limit.clamp(1, limits::PAGE_ROWS)).unwrap_or(i64::MAX);
        let offset = i64::try_from(self.offset).unwrap_or(i64::MAX);
        (limit, offset, if self.descending { " DESC" } else { "" })
    }
}

/// A page of the events that a query finds, in their order, and how many there are; for auditors.
pub fn asked(tx: &mut Tx<'_>, actor: &Actor, query: &EventQuery, page: AskedPage) -> Result<(Vec<Event>, i64)> {
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    let (limit, offset, word) = page.bounds();
    if query.condition == Condition::always() {
        // Numbers have no gaps, so a page is a range of them.
        let last: Option<i64> = tx.one("SELECT seq FROM event ORDER BY seq DESC LIMIT 1", params![], |row| row.get(0))?;
        let last = last.unwrap_or(0);
        let (from, to) = match page.descending {
            false => (offset.saturating_add(1), offset.saturating_add(limit)),
            true => (last.saturating_sub(offset).saturating_sub(limit).saturating_add(1), last.saturating_sub(offset)),
        };
        let sql = format!("SELECT {COLUMNS} FROM event WHERE seq >= $1 AND seq <= $2 ORDER BY seq{word}");
        return Ok((tx.rows(&sql, params![from, to], read)?, last));
    }
    let operations = known_operations(tx)?;
    let mut values = Vec::new();
    let wanted = Sql { fields: &query.fields, operations: &operations }.of(&query.condition, &mut values);
    counted(tx, &wanted, values, page)
}

/// A page of the events that a condition finds, and how many there are.
fn counted(tx: &mut Tx<'_>, wanted: &str, mut values: Vec<Value<'static>>, page: AskedPage) -> Result<(Vec<Event>, i64)> {
    let (limit, offset, word) = page.bounds();
    let count = format!("SELECT count(*) FROM event WHERE {wanted}");
    let total = tx.one(&count, &values, |row| row.get(0))?.unwrap_or(0);
    let (limit, offset) = (place(&mut values, limit), place(&mut values, offset));
    let sql = format!("SELECT {COLUMNS} FROM event WHERE {wanted} ORDER BY seq{word} LIMIT {limit} OFFSET {offset}");
    Ok((tx.rows(&sql, &values, read)?, total))
}

/// Objects whose events are told beside those that a query finds.
const RELATED_OBJECTS: usize = 100;

/// A page of the events that a query finds, and of all others about the same objects, in their order, and how many there are; for
/// auditors.
///
/// # Errors
/// [`Refusal::Invalid`] when what is found is about too many objects: whoever wants related events asks about one thing.
pub fn asked_related(tx: &mut Tx<'_>, actor: &Actor, query: &EventQuery, page: AskedPage) -> Result<(Vec<Event>, i64)> {
    if query.condition == Condition::always() {
        // Everything is there already.
        return asked(tx, actor, query, page);
    }
    access::require_path(tx, actor, paths::AUDITING_READ)?;
    let operations = known_operations(tx)?;
    let mut values = Vec::new();
    let wanted = Sql { fields: &query.fields, operations: &operations }.of(&query.condition, &mut values);
    let mut of_objects = values.clone();
    let limit = place(&mut of_objects, i64::try_from(RELATED_OBJECTS + 1).unwrap_or(i64::MAX));
    let sql = format!(
        "SELECT DISTINCT object_kind, object FROM event WHERE object IS NOT NULL AND {wanted} ORDER BY object_kind, object LIMIT {limit}"
    );
    let objects = tx.rows(&sql, &of_objects, |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
    if objects.len() > RELATED_OBJECTS {
        let message = format!("what is found is about more than {RELATED_OBJECTS} objects: ask about one of them");
        return Err(Refusal::invalid("query", message).into());
    }
    let mut parts = vec![wanted];
    for (kind, object) in objects {
        let (kind, object) = (place(&mut values, kind), place(&mut values, object));
        parts.push(format!("(object_kind = {kind} AND object = {object})"));
    }
    counted(tx, &parts.join(" OR "), values, page)
}

/// The operations that the log knows, from one to the next through the index.
fn known_operations(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    loop {
        let after = found.last().cloned().unwrap_or_default();
        let next = "SELECT operation FROM event WHERE operation > $1 ORDER BY operation LIMIT 1";
        match tx.one(next, params![after], |row| row.get(0))? {
            Some(next) => found.push(next),
            None => return Ok(found),
        }
    }
}

fn place(values: &mut Vec<Value<'static>>, value: impl Into<Value<'static>>) -> String {
    values.push(value.into());
    format!("${}", values.len())
}

struct Sql<'a> {
    fields: &'a [EventField],
    operations: &'a [String],
}

impl Sql<'_> {
    fn of(&self, condition: &Condition, values: &mut Vec<Value<'static>>) -> String {
        let (parts, word, nothing) = match condition {
            Expr::Leaf(predicate) => return self.leaf(predicate, values),
            Expr::And(parts) => (parts, " AND ", "1 = 1"),
            Expr::Or(parts) => (parts, " OR ", "1 = 0"),
        };
        let parts: Vec<String> = parts.iter().map(|part| self.of(part, values)).collect();
        if parts.is_empty() { nothing.to_owned() } else { format!("({})", parts.join(word)) }
    }

    fn leaf(&self, predicate: &Predicate, values: &mut Vec<Value<'static>>) -> String {
        let field = match predicate.field {
            FieldId::Metadata(id) => usize::try_from(id.0).ok().and_then(|place| self.fields.get(place)),
            _ => None,
        };
        let positive = match field {
            Some(EventField::Number) => numbers("seq", &predicate.test, values),
            Some(EventField::At) => numbers("at", &predicate.test, values),
            Some(EventField::ActorName) => texts("actor_name", &predicate.test, values),
            Some(EventField::ObjectKind) => kinds(&predicate.test, values),
            Some(EventField::ObjectName) => texts("object_name", &predicate.test, values),
            Some(EventField::Object) => return self.object(predicate, values),
            Some(EventField::Derived(number)) => self.derived(*number, &predicate.test, values),
            None => "1 = 0".to_owned(),
        };
        if predicate.negated { format!("NOT {positive}") } else { positive }
    }

    /// Not every event is about a numbered object: one without a number is not this and not that.
    fn object(&self, predicate: &Predicate, values: &mut Vec<Value<'static>>) -> String {
        match (&predicate.test, predicate.negated) {
            (Test::Set, false) => "object IS NOT NULL".to_owned(),
            (Test::Set, true) => "object IS NULL".to_owned(),
            (test, false) => numbers("object", test, values),
            (test, true) => format!("(object IS NULL OR NOT {})", numbers("object", test, values)),
        }
    }

    fn derived(&self, number: fn(&str) -> i64, test: &Test, values: &mut Vec<Value<'static>>) -> String {
        let fits = |operation: &&String| match test {
            Test::Set => true,
            Test::Equals(wanted) => wanted.contains(&Scalar::Number(number(operation))),
            Test::Within { from, to } => (*from..=*to).contains(&number(operation)),
            _ => false,
        };
        let places: Vec<String> = self.operations.iter().filter(fits).map(|operation| place(values, operation.clone())).collect();
        if places.is_empty() { "(1 = 0)".to_owned() } else { format!("(operation IN ({}))", places.join(", ")) }
    }
}

fn numbers(column: &str, test: &Test, values: &mut Vec<Value<'static>>) -> String {
    match test {
        Test::Set => "(1 = 1)".to_owned(),
        Test::Within { from, to } => {
            let (from, to) = (place(values, *from), place(values, *to));
            format!("({column} >= {from} AND {column} <= {to})")
        }
        Test::Equals(wanted) => {
            let numbers = wanted.iter().filter_map(|scalar| match scalar {
                Scalar::Number(number) => Some(*number),
                _ => None,
            });
            let places: Vec<String> = numbers.map(|number| place(values, number)).collect();
            format!("({column} IN ({}))", places.join(", "))
        }
        _ => "(1 = 0)".to_owned(),
    }
}

/// Nouns have small letters only, so that the index answers for them.
fn kinds(test: &Test, values: &mut Vec<Value<'static>>) -> String {
    match test {
        Test::Equals(_) => equal("object_kind", test, values),
        _ => texts("object_kind", test, values),
    }
}

fn equal(column: &str, test: &Test, values: &mut Vec<Value<'static>>) -> String {
    let Test::Equals(wanted) = test else { return "(1 = 0)".to_owned() };
    let texts = wanted.iter().filter_map(|scalar| match scalar {
        Scalar::Text(text) => Some(text.clone()),
        _ => None,
    });
    let places: Vec<String> = texts.map(|text| place(values, text)).collect();
    format!("({column} IN ({}))", places.join(", "))
}

/// Texts are the same whatever the case of their letters from A to Z, as both engines know it.
fn texts(column: &str, test: &Test, values: &mut Vec<Value<'static>>) -> String {
    let like = |part: &str, before: &str, behind: &str| {
        let part = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("{before}{part}{behind}")
    };
    let pattern = match test {
        Test::Set => return format!("({column} <> '')"),
        Test::Equals(_) => return equal(&format!("lower({column})"), test, values),
        Test::Contains(part) => like(part, "%", "%"),
        Test::StartsWith(part) => like(part, "", "%"),
        Test::EndsWith(part) => like(part, "%", ""),
        Test::Like(pattern) => pattern.to_sql(),
        _ => return "(1 = 0)".to_owned(),
    };
    format!("(lower({column}) LIKE {} ESCAPE '\\')", place(values, pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[(&str, Kind, EventField)] = &[
        ("Kind", Kind::Text, EventField::ObjectKind),
        ("Object", Kind::Number, EventField::Object),
        ("User", Kind::Text, EventField::ActorName),
    ];

    fn sql(text: &str) -> (String, Vec<Value<'static>>) {
        let query = EventQuery::parse(text, FIELDS, 0, "").unwrap();
        let mut values = Vec::new();
        let sql = Sql { fields: &query.fields, operations: &[] }.of(&query.condition, &mut values);
        (sql, values)
    }

    #[test]
    fn an_object_is_asked_for_by_the_columns_of_its_index() {
        let (asked, values) = sql("Kind -eq \"Certificate\" AND Object -eq 7");
        assert_eq!(asked, "((object_kind IN ($1)) AND (object IN ($2)))");
        assert_eq!(values, [Value::from("certificate".to_owned()), Value::from(7)]);
        assert_eq!(sql("Object -ne 7").0, "(object IS NULL OR NOT (object IN ($1)))");
        assert_eq!(sql("Object -eq NULL").0, "object IS NULL");
    }

    #[test]
    fn only_letters_from_a_to_z_lose_their_case() {
        for text in ["User -eq \"ÖzGÜR\"", "User -like \"*ÖzGÜR*x\"", "User -contains \"ÖzGÜR\""] {
            let Value::Text(value) = sql(text).1.remove(0) else { panic!("{text}") };
            assert!(value.contains("ÖzgÜr"), "{value}");
        }
    }
}
