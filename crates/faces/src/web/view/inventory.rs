//! `/certificates`: the inventory.

use askama::Template;

use super::filters;
use super::frame::Frame;
use super::narrow::{Chip, FacetView};
use super::table::{FilterLink, Pager, Sorting};
use super::time::Moment;
use super::tone::Validity;

/// The inventory, one page of it.
#[derive(Clone, Debug, Template)]
#[template(path = "web/inventory.html")]
pub struct InventoryPage {
    /// Title and navigation.
    pub frame: Frame,
    /// What stands in the search field.
    pub query: String,
    /// What is wrong with the query; the list is then empty.
    pub query_error: Option<QueryError>,
    /// Parameters that a new search keeps (filter, sort), as hidden fields.
    pub kept: Vec<(String, String)>,
    /// Filters as links.
    pub filters: Vec<FilterLink>,
    /// Sorted by `expiry`, or by no column: newest first.
    pub sorting: Sorting,
    /// Values to narrow the list by.
    pub facets: Vec<FacetView>,
    /// Conditions that narrow it now.
    pub chips: Vec<Chip>,
    /// Where the list becomes a collection, when it is a query.
    pub collect_href: Option<String>,
    /// The whole list as a file.
    pub csv_href: String,
    /// Columns that may be added: name, label, whether it is shown.
    pub columns: Vec<(String, String, bool)>,
    /// The viewer's saved views.
    pub views: Vec<ViewLink>,
    /// `list`: what a new view would show, as in the address.
    pub view_list: String,
    /// Parameters that another choice of columns keeps.
    pub columns_kept: Vec<(String, String)>,
    /// The rows of this page.
    pub rows: Vec<CertificateRow>,
    /// The neighbouring pages.
    pub pager: Pager,
    /// The inventory without search and filter, for the way back from an empty result.
    pub all_href: String,
    /// What can be done with several of them at once.
    pub bulk: BulkBar,
    /// Whether the inventory itself is empty, not just the result.
    pub holds_nothing: bool,
}

impl InventoryPage {
    /// The cells of the added columns of a row, each with the heading of its column.
    fn labelled<'a>(&'a self, row: &'a CertificateRow) -> impl Iterator<Item = (&'a str, &'a str)> {
        let shown = self.columns.iter().filter(|(_, _, shown)| *shown).map(|(_, label, _)| label.as_str());
        shown.zip(row.more.iter().map(String::as_str))
    }

    /// Whether columns were added, so that the table may be wider than the page.
    fn is_wide(&self) -> bool {
        self.columns.iter().any(|(_, _, shown)| *shown)
    }
}

/// A saved view beside the list.
#[derive(Clone, Debug)]
pub struct ViewLink {
    /// Its name.
    pub name: String,
    /// Its list.
    pub href: String,
    /// Whether it is what the page shows.
    pub is_current: bool,
}

/// `/views`: the viewer's saved views.
#[derive(Clone, Debug, Template)]
#[template(path = "web/views.html")]
pub struct ViewsPage {
    /// Title and navigation.
    pub frame: Frame,
    /// By name.
    pub rows: Vec<ViewRow>,
}

/// One saved view.
#[derive(Clone, Debug)]
pub struct ViewRow {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its list.
    pub href: String,
    /// What it shows, in words.
    pub shows: String,
    /// Since when there is it.
    pub created: Moment,
}

impl ViewRow {
    fn removal(&self) -> String {
        format!("/views/{}/remove", self.id)
    }
}

/// What can be done with several certificates at once; sent to `/certificates/chosen` with `which`, `ids`… and `do`.
#[derive(Clone, Debug, Default)]
pub struct BulkBar {
    /// `list`: the parameters of this list, as they stand in its address.
    pub list: String,
    /// `page`: the certificates of this page.
    pub page: String,
    /// How many these are.
    pub on_page: i64,
    /// Certificates on all pages, where known.
    pub total: Option<i64>,
    /// Whether the viewer may give them to others.
    pub may_own: bool,
    /// Whether the viewer may note something about them.
    pub may_note: bool,
    /// Whether the viewer may remove them.
    pub may_remove: bool,
}

impl BulkBar {
    /// Whether the list goes on after this page.
    fn has_more(&self) -> bool {
        self.total.is_none_or(|total| total > self.on_page)
    }
}

/// Why a query cannot be understood.
#[derive(Clone, Debug)]
pub struct QueryError {
    /// One sentence: what was expected, and what to write instead.
    pub message: String,
    /// Where, counted in characters from 1.
    pub column: Option<i64>,
}

impl QueryError {
    /// The query up to the error, the character at fault, the rest.
    #[must_use]
    pub fn split<'a>(&self, query: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let column = usize::try_from(self.column?).ok()?.checked_sub(1)?;
        let (start, fault) = query.char_indices().nth(column)?;
        let end = start + fault.len_utf8();
        Some((&query[..start], &query[start..end], &query[end..]))
    }
}

/// One certificate of the list.
#[derive(Clone, Debug)]
pub struct CertificateRow {
    /// `ids`: its number.
    pub id: i64,
    /// Its page.
    pub href: String,
    /// Its first name: a DNS name, else the subject's common name, else the fingerprint.
    pub name: String,
    /// How many names there are besides.
    pub more_names: i64,
    /// Who issued it, in a few words.
    pub issuer: String,
    /// Its life.
    pub validity: Validity,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Algorithm and size: `EC P-256`, `RSA 2048`.
    pub key: String,
    /// Whether Certhold renews it.
    pub is_managed: bool,
    /// Whether its private key is in custody.
    pub has_key: bool,
    /// The cells of the added columns.
    pub more: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_point_at_a_character() {
        let at = |column| QueryError { message: String::new(), column: Some(column) };
        assert_eq!(at(4).split("CN -eü 1"), Some(("CN ", "-", "eü 1")));
        assert_eq!(at(6).split("CN -eü 1"), Some(("CN -e", "ü", " 1")));
        assert_eq!(at(9).split("CN -eü 1"), None, "past the end");
        assert_eq!(at(0).split("CN"), None);
        assert_eq!(at(i64::MIN).split("CN"), None);
    }
}
