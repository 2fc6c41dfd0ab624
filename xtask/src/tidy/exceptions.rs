//! The few places that may be longer than the rest, each with its reason: `xtask/tidy-exceptions.txt`.

use super::Finding;
use super::repository::Repository;

/// Where they are listed.
pub const PATH: &str = "xtask/tidy-exceptions.txt";

/// The list, and which of its lines have been needed.
pub struct Exceptions {
    entries: Vec<Entry>,
    malformed: Vec<Finding>,
}

struct Entry {
    line: usize,
    place: String,
    used: bool,
}

impl Exceptions {
    /// Reads the list: `PLACE | REASON` on each line, `#` for comments. A place is a file, or `FILE::function`.
    pub fn of(repository: &Repository) -> Self {
        let mut list = Self { entries: Vec::new(), malformed: Vec::new() };
        for (index, line) in repository.text(PATH).unwrap_or_default().lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('|').map(|(place, reason)| (place.trim(), reason.trim())) {
                Some((place, reason)) if !place.is_empty() && !reason.is_empty() => {
                    list.entries.push(Entry { line: index + 1, place: place.to_owned(), used: false });
                }
                _ => list.malformed.push(Finding::new(PATH, index + 1, "write it as `PLACE | REASON`")),
            }
        }
        list
    }

    /// Whether this place is excused; remembers that it needed to be.
    pub fn excuse(&mut self, place: &str) -> bool {
        let mut found = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.place == place) {
            entry.used = true;
            found = true;
        }
        found
    }

    /// What is wrong with the list itself: lines that cannot be read, and excuses nobody needs any more.
    pub fn finish(self) -> Vec<Finding> {
        let unused = self.entries.into_iter().filter(|entry| !entry.used);
        let unused =
            unused.map(|entry| Finding::new(PATH, entry.line, format!("{} needs no exception; remove the line", entry.place)));
        self.malformed.into_iter().chain(unused).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_excuses_its_place_only() {
        let repository = Repository::of(&[(PATH, "# why\n\na.rs::long | a table of cases\n")]);
        let mut exceptions = Exceptions::of(&repository);
        assert!(exceptions.excuse("a.rs::long"));
        assert!(!exceptions.excuse("a.rs"));
        assert_eq!(exceptions.finish(), []);
    }

    #[test]
    fn unused_and_unreasoned_exceptions_are_found() {
        let repository = Repository::of(&[(PATH, "a.rs | once needed\nb.rs |\n")]);
        let findings = Exceptions::of(&repository).finish();
        assert_eq!(
            findings,
            [
                Finding::new(PATH, 2, "write it as `PLACE | REASON`"),
                Finding::new(PATH, 1, "a.rs needs no exception; remove the line"),
            ]
        );
    }
}
