//! What PostgreSQL's errors mean.

use std::error::Error as _;

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::Error;

/// What an error leaves behind.
pub(super) enum Failure {
    /// The statement failed; the connection is well.
    Statement(Error),
    /// A prepared statement no longer fits its tables.
    Stale(Error),
    /// The connection is gone, for this reason.
    Lost(String),
}

impl Failure {
    pub(super) fn from(error: tokio_postgres::Error, sql: &str) -> Failure {
        let Some(db) = error.as_db_error() else {
            let broken = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
            if broken {
                return Failure::Lost(sentence(&error));
            }
            return Failure::Statement(Error::Sql { code: "client".to_owned(), message: sentence(&error), sql: sql.to_owned() });
        };
        if matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
            return Failure::Lost(db.message().to_owned());
        }
        let meant = meaning(db, sql);
        // 0A000 "cached plan must not change result type", 26000 "prepared statement does not exist".
        let stale = *db.code() == SqlState::INVALID_SQL_STATEMENT_NAME
            || *db.code() == SqlState::FEATURE_NOT_SUPPORTED && db.routine() == Some("RevalidateCachedQuery");
        if stale { Failure::Stale(meant) } else { Failure::Statement(meant) }
    }

    pub(super) fn reason(self) -> String {
        match self {
            Failure::Statement(Error::Open { reason }) | Failure::Lost(reason) => reason,
            Failure::Statement(error) | Failure::Stale(error) => error.to_string(),
        }
    }
}

fn meaning(db: &DbError, sql: &str) -> Error {
    let code = db.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        return unique(db);
    }
    if *code == SqlState::FOREIGN_KEY_VIOLATION {
        return Error::Foreign;
    }
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        return Error::ReadOnly;
    }
    if *code == SqlState::QUERY_CANCELED {
        return Error::TimedOut;
    }
    match code.code() {
        // Lock not available; deadlock; serialization failure.
        "55P03" | "40P01" | "40001" => Error::Busy,
        "53000" | "53100" | "53200" => Error::Full,
        code if code.starts_with("23") => {
            let what = db.constraint().or(db.column()).unwrap_or_else(|| db.message());
            Error::Constraint { what: what.to_owned() }
        }
        code => Error::Sql { code: code.to_owned(), message: db.message().to_owned(), sql: sql.to_owned() },
    }
}

/// The columns stand only in the detail, "Key (name, realm)=(…) already exists.", in whatever language the server speaks;
/// the values beside them are left where they are.
fn unique(db: &DbError) -> Error {
    let columns = db
        .detail()
        .and_then(|detail| detail.split_once('('))
        .and_then(|(_, rest)| rest.split_once(")=("))
        .map(|(columns, _)| columns.split(", ").map(|column| column.trim_matches('"').to_owned()).collect())
        .unwrap_or_else(|| db.constraint().map(str::to_owned).into_iter().collect());
    Error::Unique { table: db.table().unwrap_or_default().to_owned(), columns }
}

/// The error and its cause, as one sentence.
pub(super) fn sentence(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => db.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
