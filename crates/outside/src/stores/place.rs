//! Stores that are one file: finding it, reading it, and putting another in its place.

use zeroize::Zeroizing;

use super::confined::{Directory, Place};
use super::{LocalStore, STORE_BYTES_MAX, StoreError};
use crate::files::{self, Attributes};

/// A store's one file, under the lock of its directory.
pub(super) struct OneFile {
    place: Place,
}

impl OneFile {
    pub(super) fn open(store: &LocalStore<'_>) -> Result<OneFile, StoreError> {
        let wrong = || StoreError::Path(format!("{} names no file", store.path.display()));
        let parent = store.path.parent().ok_or_else(wrong)?;
        let name = store.path.file_name().and_then(|name| name.to_str()).ok_or_else(wrong)?;
        // A root itself is a directory, so the file's directory is a root or inside one.
        let directory = Directory::open(parent, store.roots)?;
        let directory = directory.ok_or_else(|| StoreError::Missing { what: "directory", path: parent.to_owned() })?;
        let place = directory.follow(name, store.roots)?;
        place.directory.lock();
        Ok(OneFile { place })
    }

    /// The file's content; `None` when it is not there and may be made.
    pub(super) fn read(&self, store: &LocalStore<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        match self.place.read(STORE_BYTES_MAX)? {
            None if !store.create_if_missing => Err(StoreError::Missing { what: "file", path: self.place.shown() }),
            found => Ok(found),
        }
    }

    /// Puts another content in the place of the one that is there, with its owner and mode.
    pub(super) fn replace(&self, store: &LocalStore<'_>, content: &[u8]) -> Result<(), StoreError> {
        if content.len() as u64 > STORE_BYTES_MAX {
            return Err(StoreError::TooLarge { path: self.place.shown(), limit: STORE_BYTES_MAX });
        }
        let new = Attributes { mode: store.mode(true), user: None, group: None };
        write(&self.place, content, self.place.attributes().unwrap_or(new))
    }

    pub(super) fn shown(&self) -> std::path::PathBuf {
        self.place.shown()
    }
}

/// Writes one file.
pub(super) fn write(place: &Place, content: &[u8], attributes: Attributes) -> Result<(), StoreError> {
    let failed = |error| StoreError::Io { path: place.shown(), error };
    let staged = files::stage(&place.directory.at(&place.name), content, attributes).map_err(failed)?;
    files::commit(vec![staged]).map_err(|(_, error)| StoreError::Io { path: place.shown(), error })
}
