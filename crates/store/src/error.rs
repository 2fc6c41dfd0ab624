//! What can go wrong, in words that say what to do.

/// An error of the store. It can be cloned, because one lost batch answers many callers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// [`crate::Store::close`] was called.
    #[error("the database has been closed because the program is stopping")]
    Closed,
    /// Too much work waits already, or somebody else holds the write lock for too long.
    #[error("the database has too much work waiting; try again in a moment")]
    Busy,
    /// A row with these values is there already.
    #[error("a row with the same {} exists in {table}", columns.join(", "))]
    Unique {
        /// The table.
        table: String,
        /// The columns of the constraint; for an index on expressions, the expression or the index.
        columns: Vec<String>,
    },
    /// A row refers to one that does not exist, or would be referred to after its deletion.
    #[error("a row refers to another one that does not exist, or is still referred to")]
    Foreign,
    /// A `NOT NULL` or `CHECK` constraint does not hold.
    #[error("a constraint of the database does not hold: {what}")]
    Constraint {
        /// The constraint or column.
        what: String,
    },
    /// The disk or memory is used up. Nothing was written.
    #[error("the database has no room left; nothing was written: make room on its disk")]
    Full,
    /// The connection or the whole transaction was lost. Nothing was written.
    #[error("the connection to the database was lost; nothing was written: check that it runs and can be reached")]
    Lost,
    /// The commit was sent, its answer was lost, and looking for it failed, too.
    #[error("the database was lost while it committed; whether the change was written is not known: look before doing it again")]
    CommitUnknown,
    /// A write in a read transaction.
    #[error("a read transaction cannot write")]
    ReadOnly,
    /// The database took longer than allowed for one statement.
    #[error("a statement took longer than the database allows and was stopped")]
    TimedOut,
    /// A text that is asked for or written has the character U+0000, which PostgreSQL cannot hold; refused on both engines, before anything
    /// is sent.
    #[error("{place} holds a text with the character U+0000, which no text of the database can have")]
    Nul {
        /// "parameter $2"; never the value itself.
        place: String,
    },
    /// A cell holds something other than what was asked for, or a parameter does not fit.
    #[error("{place} holds {found}, but {expected} was expected")]
    Type {
        /// "column 3 (name)" or "parameter $2".
        place: String,
        /// The kind that is there; never the value itself.
        found: String,
        /// The kind that was asked for.
        expected: String,
    },
    /// The engine refused a statement.
    #[error("the database refused a statement ({code}): {message} [{}]", beginning(sql))]
    Sql {
        /// SQLSTATE, or SQLite's extended result code.
        code: String,
        /// The engine's sentence.
        message: String,
        /// The statement's text, which holds placeholders and no values.
        sql: String,
    },
    /// The history of migrations does not fit this program.
    #[error("the database cannot be used by this version of the program: {reason}")]
    Migration {
        /// What does not fit, and what to do.
        reason: String,
    },
    /// A transaction's closure panicked; its changes were undone.
    #[error("an operation stopped because of a defect in this program; its changes were undone")]
    Panicked,
    /// The address of a database that cannot be understood.
    #[error("{reason}")]
    Location {
        /// What is wrong with it.
        reason: String,
    },
    /// The database could not be opened, or is not set up as needed.
    #[error("the database cannot be opened: {reason}")]
    Open {
        /// Why, and what to do.
        reason: String,
    },
    /// A backup could not be made.
    #[error("no backup was made: {reason}")]
    Backup {
        /// Why, and what to do.
        reason: String,
    },
}

/// A statement as far as it fits into a sentence: a script of many is not read to its end by anybody.
fn beginning(sql: &str) -> String {
    const CHARS: usize = 300;
    match sql.char_indices().nth(CHARS) {
        None => sql.to_owned(),
        Some((end, _)) => format!("{}…", &sql[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences() {
        let unique = Error::Unique { table: "person".into(), columns: vec!["name".into(), "realm".into()] };
        assert_eq!(unique.to_string(), "a row with the same name, realm exists in person");
        let kind = Error::Type { place: "column 0 (id)".into(), found: "NULL".into(), expected: "an integer".into() };
        assert_eq!(kind.to_string(), "column 0 (id) holds NULL, but an integer was expected");
    }
}
