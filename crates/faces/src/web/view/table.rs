//! What lists have in common: filters, sorting, pages.

use super::address::Address;
use super::text::{count, plural};

/// A filter above a list, offered as a link.
#[derive(Clone, Debug)]
pub struct FilterLink {
    /// Text.
    pub label: String,
    /// The list with this filter (or without it, where it is current).
    pub href: String,
    /// How many rows it would show, where that is known without counting.
    pub count: Option<i64>,
    /// Whether the list is filtered so now.
    pub is_current: bool,
}

/// How a list is sorted, and the links that sort it otherwise.
#[derive(Clone, Debug)]
pub struct Sorting {
    address: Address,
    column: String,
    descending: bool,
}

impl Sorting {
    /// The list at `address` is sorted by `column` now.
    ///
    /// The address keeps every parameter except `sort`, `after` and `before`: a new order begins on its first page.
    /// A descending order is written as `sort=-column`.
    #[must_use]
    pub fn new(address: &Address, column: impl Into<String>, descending: bool) -> Self {
        Self { address: address.clone().without(&["sort", "after", "before"]), column: column.into(), descending }
    }

    /// The heading link of a column: another column sorts upwards first, the current one turns round.
    #[must_use]
    pub fn href(&self, column: &str) -> String {
        let down = self.column == column && !self.descending;
        self.address.clone().with("sort", if down { format!("-{column}") } else { column.to_owned() }).to_string()
    }

    /// The value of `aria-sort`, if the column is the current one.
    #[must_use]
    pub fn direction(&self, column: &str) -> Option<&'static str> {
        (self.column == column).then_some(if self.descending { "descending" } else { "ascending" })
    }
}

/// Where in a long list the page stands. Lists are paged by key: there are only neighbours, no page numbers.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// The page before, if there is one.
    pub previous: Option<String>,
    /// The page after, if there is one.
    pub next: Option<String>,
    /// Rows on this page.
    pub shown: i64,
    /// Rows on all pages, where known.
    pub total: Option<i64>,
}

impl Pager {
    /// Whether there is more than this page.
    #[must_use]
    pub fn has_more_pages(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }

    /// `50 of 12,408 certificates`, `3 certificates`.
    #[must_use]
    pub fn summary(&self, one: &str, many: &str) -> String {
        match self.total {
            Some(total) if total != self.shown => format!("{} of {}", count(self.shown), plural(total, one, many)),
            _ => plural(self.shown, one, many),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_column_turns_round() {
        let here = Address::new("/certificates").with("q", "x").with("sort", "name").with("after", "17");
        let up = Sorting::new(&here, "name", false);
        assert_eq!(up.href("name"), "/certificates?q=x&sort=-name");
        assert_eq!(up.href("owner"), "/certificates?q=x&sort=owner");
        assert_eq!((up.direction("name"), up.direction("owner")), (Some("ascending"), None));
        let down = Sorting::new(&here, "name", true);
        assert_eq!(down.href("name"), "/certificates?q=x&sort=name");
        assert_eq!(down.direction("name"), Some("descending"));
    }

    #[test]
    fn summaries_count_what_is_shown() {
        let pager = |shown, total| Pager { shown, total, ..Pager::default() };
        assert_eq!(pager(1, Some(1)).summary("event", "events"), "1 event");
        assert_eq!(pager(50, Some(12_408)).summary("event", "events"), "50 of 12,408 events");
        assert_eq!(pager(50, None).summary("event", "events"), "50 events");
    }
}
