//! Two kinds of errors: a [`Refusal`] is the caller's, a [`Fault`] is ours.

use certhold_store as store;

/// What operations return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen. Nothing was changed in either case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's: each face translates it into its vendor's shape.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Ours: logged with its chain, shown as a reference number.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The caller asked for something that cannot be had; every sentence may be shown to them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credentials, or none that are valid now.
    #[error("{0}")]
    Unauthenticated(String),
    /// Too many failed sign-ins.
    #[error("too many failed sign-ins: try again after {}", crate::text::utc(*until))]
    LockedOut {
        /// When the lock ends by itself, unix milliseconds.
        until: i64,
    },
    /// Authenticated, but without the permission. `missing` lists the paths of which any one would do.
    #[error("{}", forbidden(reason, missing))]
    Forbidden {
        /// What stands in the way when it is not (only) a permission path.
        reason: String,
        /// Permission paths, any one of which would have allowed it.
        missing: Vec<String>,
    },
    /// There is no such object (or the caller may not know that there is).
    #[error("there is no {kind} {id}")]
    NotFound {
        /// The noun: "certificate", "role", …
        kind: &'static str,
        /// The identifier as the caller gave it.
        id: String,
    },
    /// The object is in a state that forbids this, or the name is taken.
    #[error("{0}")]
    Conflict(String),
    /// A field of the command is wrong.
    #[error("{field}: {message}")]
    Invalid {
        /// The field, in the words of the native API.
        field: &'static str,
        /// What was wrong and what to do.
        message: String,
    },
    /// More than a limit allows.
    #[error("{0}")]
    TooLarge(String),
    /// The lease of this job was lost to another node; the work goes on there.
    #[error("the lease of job {0} was lost; another worker continues it")]
    LeaseLost(i64),
    /// The server has more to do than it can take; try again in a moment.
    #[error("the server is busy: try again in a moment")]
    Busy,
    /// Somebody else, on whom the answer depends, cannot be asked at the moment.
    #[error("{0}")]
    Unavailable(String),
}

fn forbidden(reason: &str, missing: &[String]) -> String {
    match (reason.is_empty(), missing) {
        (false, []) => reason.to_owned(),
        (true, []) => "not allowed".to_owned(),
        (true, [one]) => format!("missing permission {one}"),
        (true, many) => format!("missing permission: one of {}", many.join(", ")),
        (false, many) => format!("{reason}; missing permission: one of {}", many.join(", ")),
    }
}

impl Refusal {
    /// A refusal about one field.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Refusal {
        Refusal::Invalid { field, message: message.into() }
    }

    /// A refusal because the object does not exist.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Refusal {
        Refusal::NotFound { kind, id: id.to_string() }
    }
}

/// Something broke that is not the caller's business.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database.
    #[error("the store failed: {0}")]
    Store(#[source] store::Error),
    /// A sealed value could not be opened, or another invariant of custody does not hold.
    #[error("custody: {0}")]
    Custody(String),
    /// Stored data that our own code could not have written.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Busy => Error::Refused(Refusal::Busy),
            // What people write reaches the store as a name or a number to look for before anything else reads it.
            store::Error::Nul { .. } => {
                Refusal::invalid("value", "the character U+0000 cannot be part of a text: leave it out").into()
            }
            other => Error::Fault(Fault::Store(other)),
        }
    }
}

impl Error {
    /// Shorthand for damaged stored data.
    pub fn damaged(what: impl Into<String>) -> Error {
        Error::Fault(Fault::Damaged(what.into()))
    }

    /// The refusal inside, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            Error::Fault(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_no_database_holds_is_the_callers() {
        let error = Error::from(store::Error::Nul { place: "parameter $1".into() });
        assert!(matches!(error.refusal(), Some(Refusal::Invalid { message, .. }) if message.contains("U+0000")), "{error}");
        let defect = store::Error::Type { place: "parameter $1".into(), found: "a text".into(), expected: "an integer".into() };
        assert!(matches!(Error::from(defect), Error::Fault(Fault::Store(_))));
    }
}
