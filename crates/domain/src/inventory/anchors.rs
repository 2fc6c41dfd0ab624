//! Where the pages of a list began, remembered as long as nothing has happened, so that a page deep in a long list is not reached
//! by walking through all that come before it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::count_cache::Key;

/// Of one list: by the number of rows before it, the cursor of the row before.
type Anchors = BTreeMap<usize, String>;

static LISTS: LazyLock<Mutex<HashMap<Key, Anchors>>> = LazyLock::new(Mutex::default);

/// Lists, and pages of one list, after which it starts again, so that it stays small.
const LISTS_MAX: usize = 128;
const PAGES_MAX: usize = 4_096;

/// The nearest known place at or before `offset`: how many rows come before it, and the cursor there.
pub(super) fn nearest(key: &Key, offset: usize) -> Option<(usize, String)> {
    let lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    let (before, cursor) = lists.get(key)?.range(..=offset).next_back()?;
    Some((*before, cursor.clone()))
}

/// Remembers that `before` rows end with the one of this cursor.
pub(super) fn keep(key: Key, before: usize, cursor: String) {
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if lists.len() >= LISTS_MAX && !lists.contains_key(&key) {
        lists.clear();
    }
    let anchors = lists.entry(key).or_default();
    if anchors.len() >= PAGES_MAX {
        anchors.clear();
    }
    anchors.insert(before, cursor);
}
