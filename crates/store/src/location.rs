//! Where a database is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::backup;
use crate::error::Error;

/// Where a database is: a file, or a server.
///
/// Written `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=PATH`.
/// Printing it never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite database in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL database at this URL.
    Postgres(String),
}

impl Location {
    /// Copies the database as it is now to a new file, in steps, beside everybody's work, also that of other processes.
    /// Needs no [`crate::Store`], and so no migration. Blocks.
    ///
    /// # Errors
    /// [`Error::Backup`] when the file exists or cannot be written; always on PostgreSQL, which has its own tools.
    pub fn backup_to(&self, path: &Path) -> Result<(), Error> {
        match self {
            Location::Sqlite(from) => backup::sqlite(from, path),
            Location::Postgres(_) => Err(Error::Backup {
                reason: "a PostgreSQL database is backed up with its own tools: pg_dump --format=custom, or continuous archiving"
                    .to_owned(),
            }),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            if path.is_empty() {
                return Err(Error::Location { reason: "a SQLite database needs a path: sqlite:PATH".to_owned() });
            }
            return Ok(Location::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            crate::postgres::Address::parse(text)?;
            return Ok(Location::Postgres(text.to_owned()));
        }
        // The text is not repeated: a mistyped scheme may stand before a password.
        Err(Error::Location {
            reason: "a database is written sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned(),
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // Rebuilt from its parsed parts, so that no way of writing a password slips through.
            Location::Postgres(url) => match crate::postgres::Address::parse(url) {
                Ok(address) => write!(f, "postgres://{address}"),
                Err(_) => f.write_str("postgres://(not readable)"),
            },
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Location>().unwrap().to_string()
    }

    #[test]
    fn both_engines_are_understood() {
        assert_eq!("sqlite:data/x.db".parse::<Location>().unwrap(), Location::Sqlite("data/x.db".into()));
        assert_eq!(shown("sqlite:/var/lib/x.db"), "sqlite:/var/lib/x.db");
        assert_eq!(shown("postgres://h/db"), "postgres://h:5432/db");
        assert_eq!(shown("postgresql://u@[::1]:5433/db"), "postgres://u@[::1]:5433/db");
    }

    #[test]
    fn a_password_is_never_shown() {
        let texts = [
            "postgres://u:hunter2@h/db",
            "postgres://u@h/db?password=hunter2",
            "postgres://u:hunter2@h:5432/db?sslmode=require",
            "postgresql://u:a%2Fhunter2@h/db",
        ];
        for text in texts {
            let location: Location = text.parse().unwrap();
            assert!(!format!("{location} {location:?}").contains("hunter2"), "{text}");
        }
        let unreadable = Location::Postgres("postgres://u:hunter2@h:port/db".into());
        assert!(!format!("{unreadable} {unreadable:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_not_a_location_is_refused_without_repeating_it() {
        for text in [
            "",
            "sqlite:",
            "mysql://u:hunter2@h/db",
            "/var/x.db",
            "postgres://u:hunter2@h:99999/db",
            "postgres://h/db?sslmode=hunter2",
        ] {
            let refusal = text.parse::<Location>().unwrap_err().to_string();
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }
}
