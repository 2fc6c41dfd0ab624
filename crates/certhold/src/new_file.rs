//! Files that hold secrets: made for their owner only, and never over an existing one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::failure::Failure;

/// Refuses when there is a file already.
///
/// # Errors
/// When there is.
pub fn require_absent(path: &Path) -> Result<(), Failure> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(Failure::new(format!("{}: there is a file already; choose another name", path.display()))),
        Err(_) => Ok(()),
    }
}

/// Writes a new file with mode 0600; what was half written is removed.
///
/// # Errors
/// When there is a file already, or it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    require_absent(path)?;
    let failed = |error| Failure::io(path.display(), &error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = std::fs::remove_file(path);
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_its_owners_and_an_old_one_stays() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write(&path, b"one").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&path, b"two").unwrap_err().to_string().contains("there is a file already"));
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
    }
}
