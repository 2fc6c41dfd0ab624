//! Inserts of many rows by few statements: PostgreSQL spends most of a small `INSERT` on starting and ending it.

use crate::value::Value;

/// Rows in one statement; a statement has 65,535 parameters at most.
const ROWS: usize = 512;
const PARAMETERS: usize = 65_535;

/// An `INSERT … VALUES ($1, …, $n)` that may be given several rows at once.
pub(super) struct Rows<'a> {
    before: &'a str,
    behind: &'a str,
    width: usize,
}

impl<'a> Rows<'a> {
    /// The parts of such a statement. Not of one that gives rows back, nor of one that updates: it may meet the same row twice.
    pub(super) fn of(sql: &'a str) -> Option<Rows<'a>> {
        let (before, rest) = sql.strip_prefix("INSERT INTO ").and_then(|rest| rest.split_once(" VALUES ("))?;
        let (list, behind) = rest.split_once(')')?;
        let width = list.split(", ").count();
        let plain = list.split(", ").zip(1..).all(|(place, number)| place == format!("${number}"));
        let once = behind.is_empty() || behind == " ON CONFLICT DO NOTHING";
        (plain && once && width > 0).then(|| Rows { before: &sql[..12 + before.len()], behind, width })
    }

    /// Whether the list is one row.
    pub(super) fn fits(&self, list: &[Value<'_>]) -> bool {
        list.len() == self.width
    }

    /// How many rows go into the next statement when so many are left: few different sizes, so that few statements are prepared.
    pub(super) fn next(&self, left: usize) -> usize {
        let most = (PARAMETERS / self.width).min(ROWS);
        [most, 64, 8].into_iter().find(|size| *size <= left && *size <= most).unwrap_or(1)
    }

    /// The statement for so many rows.
    pub(super) fn statement(&self, rows: usize) -> String {
        let mut sql = format!("{} VALUES ", self.before);
        for row in 0..rows {
            let places: Vec<String> = (1..=self.width).map(|place| format!("${}", row * self.width + place)).collect();
            sql.push_str(if row == 0 { "(" } else { ", (" });
            sql.push_str(&places.join(", "));
            sql.push(')');
        }
        sql.push_str(self.behind);
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_put_into_one_statement() {
        let rows = Rows::of("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING").unwrap();
        assert_eq!(rows.statement(2), "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        assert_eq!((rows.next(2_000), rows.next(511), rows.next(63), rows.next(7), rows.next(1)), (512, 64, 8, 1, 1));
        let wide = (1..=40).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        assert!(Rows::of(&format!("INSERT INTO t (…) VALUES ({wide})")).unwrap().next(5_000) * 40 <= PARAMETERS);
    }

    #[test]
    fn other_statements_stay_as_they_are() {
        for sql in [
            "INSERT INTO t (a) VALUES ($1) RETURNING id",
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = excluded.a",
            "INSERT INTO t (a, b) VALUES ($2, $1)",
            "INSERT INTO t (a) VALUES (now())",
            "DELETE FROM t WHERE a = $1",
        ] {
            assert!(Rows::of(sql).is_none(), "{sql}");
        }
    }
}
