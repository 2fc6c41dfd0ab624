//! The same language asked of other lists, which are short: roles, claims, collections … Each row is looked at in memory.

use super::Query;
use super::ast::{Condition, Scalar};
use super::catalogue::{Catalogue, MetadataEntry};
use super::error::QueryError;
use super::evaluate::{Subject, evaluate};
use super::field::Kind;
use crate::ids::MetadataFieldId;

/// A question about the rows of a list.
#[derive(Clone, Debug)]
pub struct RowQuery {
    condition: Condition,
}

impl RowQuery {
    /// Reads a query against the fields of a list, in their order; `me` asks it at `now` (unix milliseconds).
    ///
    /// # Errors
    /// [`QueryError`] as of [`Query::parse`].
    pub fn parse(text: &str, fields: &[(&str, Kind)], now: i64, me: &str) -> Result<RowQuery, QueryError> {
        RowQuery::folding(text, fields, now, me, super::fold)
    }

    /// The condition for rows that a database looks at, in which the fields are numbered in their order. Both engines' `lower()` knows the
    /// letters from A to Z only, and so do its texts.
    ///
    /// # Errors
    /// As of [`RowQuery::parse`].
    pub(crate) fn for_sql(text: &str, fields: &[(&str, Kind)], now: i64, me: &str) -> Result<Condition, QueryError> {
        RowQuery::folding(text, fields, now, me, str::to_ascii_lowercase).map(|query| query.condition)
    }

    fn folding(
        text: &str,
        fields: &[(&str, Kind)],
        now: i64,
        me: &str,
        fold: fn(&str) -> String,
    ) -> Result<RowQuery, QueryError> {
        let entry = |(number, (name, kind)): (i64, &(&str, Kind))| MetadataEntry {
            id: MetadataFieldId(number),
            name: (*name).to_owned(),
            kind: *kind,
            options: Vec::new(),
            description: String::new(),
        };
        let catalogue = Catalogue::of_list((0..).zip(fields).map(entry).collect());
        Ok(RowQuery { condition: Query::parse(text, &catalogue)?.resolve_folding(now, me, fold) })
    }

    /// Whether a row is wanted; `values` in the order of the fields, texts as they are shown.
    pub fn fits(&self, values: &[Option<Scalar>]) -> bool {
        let set = (0..).zip(values).filter_map(|(number, value)| Some((MetadataFieldId(number), value.clone()?)));
        evaluate(&self.condition, &Subject { metadata: set.collect(), ..Subject::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_asked_like_certificates() {
        let fields = [("Name", Kind::Text), ("Id", Kind::Number), ("Favorite", Kind::Flag)];
        let row = |name: &str, id: i64, flag: bool| {
            [Some(Scalar::Text(name.into())), Some(Scalar::Number(id)), Some(Scalar::Flag(flag))]
        };
        let fits = |text: &str, row: &[Option<Scalar>]| RowQuery::parse(text, &fields, 0, "").unwrap().fits(row);
        let shop = row("Web Shop", 7, true);
        for yes in [
            "",
            "name -eq \"web shop\"",
            "ID -eq \"7\"",
            "Name -contains \"SHOP\" AND Favorite -eq true",
            "(Id -eq 8)OR Id -eq 7",
        ] {
            assert!(fits(yes, &shop), "{yes}");
        }
        for no in ["Name -eq \"shop\"", "Id -gt 7", "Favorite -eq false", "Name -eq NULL"] {
            assert!(!fits(no, &shop), "{no}");
        }
        assert!(fits("Name -eq NULL", &[None, None, None]));
        let wrong = RowQuery::parse("IssuedCN -eq \"x\"", &fields, 0, "").unwrap_err();
        assert_eq!(wrong.column, 1, "{wrong}");
    }
}
