//! A copy of a database that is in use.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::error::Error;

/// 4 MB a step: between steps the disk serves others.
const PAGES: i32 = 1024;
const PAUSE: Duration = Duration::from_millis(2);

/// Copies the SQLite database at `from`, as it is now, to the new file `to`, readable for its owner only.
pub(crate) fn sqlite(from: &Path, to: &Path) -> Result<(), Error> {
    let refuse = |reason: String| Error::Backup { reason };
    if to.exists() {
        return Err(refuse(format!("{} exists already: name a new file", to.display())));
    }
    let mut name = to.file_name().ok_or_else(|| refuse(format!("{} is not a file name", to.display())))?.to_owned();
    name.push(".part");
    // Under its name only when whole, so that what bears the name is a backup.
    let part = to.with_file_name(name);
    let done = copy(from, &part).and_then(|()| finish(&part, to).map_err(|error| refuse(format!("{}: {error}", to.display()))));
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

fn copy(from: &Path, part: &Path) -> Result<(), Error> {
    let refuse = |reason: &dyn std::fmt::Display| Error::Backup { reason: format!("{}: {reason}", part.display()) };
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part).map_err(|error| refuse(&error))?;
    let copied = (|| -> rusqlite::Result<()> {
        let source = Connection::open(std::path::absolute(from).unwrap_or_else(|_| from.to_owned()))?;
        let mut target = Connection::open(std::path::absolute(part).unwrap_or_else(|_| part.to_owned()))?;
        // One snapshot for all steps: otherwise every commit of the writer would start the copy again.
        source.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        {
            let backup = Backup::new(&source, &mut target)?;
            while backup.step(PAGES)? != StepResult::Done {
                std::thread::sleep(PAUSE);
            }
        }
        source.execute_batch("ROLLBACK")?;
        // One file, without a log beside it.
        target.execute_batch("PRAGMA journal_mode = DELETE")
    })();
    copied.map_err(|error| refuse(&error))
}

fn finish(part: &Path, to: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    // A link fails where a rename would replace.
    std::fs::hard_link(part, to)?;
    std::fs::remove_file(part)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}
