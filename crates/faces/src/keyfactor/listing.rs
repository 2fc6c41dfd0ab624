//! Lists: pages by number, an order, and how many records there are.

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use certhold_domain::limits;
use certhold_domain::query::{Kind, RowQuery, Scalar};
use serde::Serialize;

use super::extract::Asked;
use super::protocol::{Json, TOTAL_COUNT};
use super::refused::{Answer, Code, Refused};

/// Rows of a page when nobody says how many: scripts rely on this number.
const ROWS: usize = 50;

/// Which page of a list, in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAsked {
    /// Rows before the page.
    pub offset: usize,
    /// Rows of the page.
    pub limit: usize,
    /// The field to order by, as it was sent.
    pub sort: Option<String>,
    /// The greatest first: `SortAscending=1`, which says the contrary of its name.
    pub descending: bool,
}

impl PageAsked {
    /// Reads the parameters of a page.
    ///
    /// # Errors
    /// A number that is none, or out of range.
    pub fn of(asked: &Asked) -> Answer<PageAsked> {
        let limit = match asked.number("returnlimit")? {
            None | Some(0) => ROWS,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| *limit <= limits::PAGE_ROWS)
                .ok_or_else(|| Refused::invalid("ReturnLimit", format!("ask for 1 to {} records", limits::PAGE_ROWS)))?,
        };
        let whole = |name: &'static str, shown: &'static str| -> Answer<Option<usize>> {
            let number = asked.number(name)?;
            number.map(|number| usize::try_from(number).map_err(|_| Refused::invalid(shown, "a number of 0 or more"))).transpose()
        };
        let page = whole("pagereturned", "PageReturned")?.unwrap_or(1).max(1);
        let skipped = whole("skipcount", "SkipCount")?.unwrap_or(0);
        let offset = (page - 1).checked_mul(limit).and_then(|offset| offset.checked_add(skipped));
        let offset = offset.filter(|offset| i64::try_from(*offset).is_ok());
        let offset = offset.ok_or_else(|| Refused::invalid("PageReturned", "no list has so many pages"))?;
        let descending = match asked.text("sortascending").map(str::to_ascii_lowercase).as_deref() {
            None | Some("0" | "ascending" | "asc") => false,
            Some("1" | "descending" | "desc") => true,
            Some(_) => return Err(Refused::invalid("SortAscending", "0 is ascending, 1 is descending")),
        };
        let sort = asked.text("sortfield").map(|field| field.trim().to_owned());
        Ok(PageAsked { offset, limit, sort, descending })
    }
}

/// A field that lists cannot be ordered by.
pub fn no_such_order(field: &str) -> Refused {
    let field: String = field.chars().filter(|c| !c.is_control()).take(100).collect();
    let message = format!("Invalid sort field: {field}");
    Refused::new(StatusCode::BAD_REQUEST, Code::SortField, message)
}

/// A page of a list.
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// All records that match.
    pub total: i64,
}

impl<T> Listed<T> {
    /// All rows, unless the request asks for a page of them: whoever reads a list to write it back must have the whole.
    ///
    /// # Errors
    /// A number of the page that is none.
    pub fn whole(rows: Vec<T>, asked: &Asked) -> Answer<Listed<T>> {
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if ["pagereturned", "returnlimit", "skipcount"].iter().all(|name| asked.text(name).is_none()) {
            return Ok(Listed { rows, total });
        }
        let page = PageAsked::of(asked)?;
        Ok(Listed { rows: rows.into_iter().skip(page.offset).take(page.limit).collect(), total })
    }

    /// With other rows.
    pub fn map<U>(self, shown: impl FnMut(T) -> U) -> Listed<U> {
        Listed { rows: self.rows.into_iter().map(shown).collect(), total: self.total }
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.rows).into_response();
        response.headers_mut().insert(TOTAL_COUNT, HeaderValue::from(self.total));
        response
    }
}

/// A list that is short enough to be looked through in memory: its fields, by which it is asked and ordered.
pub struct Short<'a, T> {
    /// Names and types; the first is the order when nobody asks for one.
    pub fields: &'a [(&'a str, Kind)],
    /// The values of a row, in the order of the fields.
    pub values: fn(&T) -> Vec<Option<Scalar>>,
}

impl<T> Short<'_, T> {
    /// The page that was asked for.
    ///
    /// # Errors
    /// A query or an order that this list does not have.
    pub fn page(&self, rows: Vec<T>, asked: &Asked, now: i64, me: &str) -> Answer<Listed<T>> {
        let page = PageAsked::of(asked)?;
        let mut rows = rows;
        if let Some(query) = asked.text("querystring") {
            let query = RowQuery::parse(query, self.fields, now, me).map_err(certhold_domain::Refusal::from)?;
            rows.retain(|row| query.fits(&(self.values)(row)));
        }
        if let Some(field) = &page.sort {
            let place = self.fields.iter().position(|(name, _)| name.eq_ignore_ascii_case(field));
            let place = place.ok_or_else(|| no_such_order(field))?;
            let key = |row: &T| match (self.values)(row).swap_remove(place) {
                Some(Scalar::Text(text)) => Some(Scalar::Text(certhold_domain::query::fold(&text))),
                other => other,
            };
            rows.sort_by_cached_key(key);
        }
        if page.descending {
            rows.reverse();
        }
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let rows = rows.into_iter().skip(page.offset).take(page.limit).collect();
        Ok(Listed { rows, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Answer<PageAsked> {
        PageAsked::of(&Asked::of(query))
    }

    #[test]
    fn pages_are_counted_from_one_and_have_fifty_rows() {
        let shown = |query: &str| page(query).map(|page| (page.offset, page.limit, page.descending)).unwrap();
        assert_eq!(shown(""), (0, 50, false));
        assert_eq!(shown("ReturnLimit=&PageReturned="), (0, 50, false));
        assert_eq!(shown("pq.returnLimit=1"), (0, 1, false));
        assert_eq!(shown("pageReturned=3&returnLimit=20"), (40, 20, false));
        assert_eq!(shown("PageReturned=0&SkipCount=7&SortAscending=1"), (7, 50, true));
        assert_eq!(shown("SortAscending=0"), (0, 50, false), "0 is ascending");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for wrong in
            ["ReturnLimit=-1", "ReturnLimit=1001", "PageReturned=-1", "PageReturned=x", "SkipCount=-1", "SortAscending=2"]
        {
            assert!(page(wrong).is_err(), "{wrong}");
        }
        assert!(page(&format!("PageReturned={}&ReturnLimit=1000", i64::MAX)).is_err());
    }

    #[test]
    fn a_whole_list_is_cut_only_when_a_page_is_asked_for() {
        let listed = |query: &str| Listed::whole((0..120).collect(), &Asked::of(query)).map(|listed| (listed.rows, listed.total));
        assert_eq!(listed("QueryString=x&ReturnLimit=").unwrap(), ((0..120).collect(), 120));
        assert_eq!(listed("PageReturned=1").unwrap(), ((0..50).collect(), 120));
        assert_eq!(listed("pq.pageReturned=3").unwrap(), ((100..120).collect(), 120));
        assert_eq!(listed("PageReturned=4").unwrap(), (Vec::<i32>::new(), 120), "until it is empty");
        assert_eq!(listed("ReturnLimit=7&PageReturned=2").unwrap(), ((7..14).collect(), 120));
        assert!(listed("PageReturned=x").is_err());
    }

    #[test]
    fn short_lists_are_asked_ordered_and_cut() {
        let short = Short::<(&str, i64)> {
            fields: &[("Name", Kind::Text), ("Id", Kind::Number)],
            values: |row| vec![Some(Scalar::Text(row.0.to_owned())), Some(Scalar::Number(row.1))],
        };
        let rows = || vec![("b", 1), ("A", 2), ("c", 3)];
        let names = |query: &str| {
            let listed = short.page(rows(), &Asked::of(query), 0, "").map(|listed| (listed.rows, listed.total));
            listed.map(|(rows, total)| (rows.iter().map(|row| row.0).collect::<String>(), total))
        };
        assert_eq!(names("").unwrap(), ("bAc".into(), 3));
        assert_eq!(names("SortField=name").unwrap(), ("Abc".into(), 3));
        assert_eq!(names("SortField=Id&SortAscending=1&ReturnLimit=2").unwrap(), ("cA".into(), 3));
        assert_eq!(names("QueryString=Id -ge 2&ReturnLimit=1&PageReturned=2").unwrap(), ("c".into(), 2));
        assert_eq!(names("PageReturned=9").unwrap(), (String::new(), 3), "a page past the end is empty");
        assert!(names("SortField=Size").is_err() && names("QueryString=Size -eq 1").is_err());
    }
}
