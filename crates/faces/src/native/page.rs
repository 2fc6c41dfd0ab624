//! Pages of lists.

use axum::Json;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::limits;
use serde::Serialize;
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::problem::Problem;

/// Rows of a page when nobody says how many.
const ROWS: usize = 100;

/// How many rows were asked for.
pub fn rows(limit: Option<i64>) -> Result<usize, Problem> {
    let Some(limit) = limit else { return Ok(ROWS) };
    match usize::try_from(limit) {
        Ok(rows) if (1..=limits::PAGE_ROWS).contains(&rows) => Ok(rows),
        _ => Err(Problem::invalid("limit", format!("ask for 1 to {} rows", limits::PAGE_ROWS))),
    }
}

/// A list, or a page of one.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// Where the next page is, if there is one; also in the header `Link` (RFC 8288).
    pub next: Option<String>,
    /// All rows that match, when asked for with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// A list that is whole.
    pub fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next: None, total: None }
    }

    /// The page that a request for `uri` gets, when the next one begins after `cursor`, given as the parameter `name`.
    pub fn of(items: Vec<T>, uri: &Uri, name: &str, cursor: Option<String>) -> Page<T> {
        let next = cursor.map(|cursor| {
            let given = form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).filter(|(known, _)| known != name);
            let mut query = form_urlencoded::Serializer::new(String::new());
            let query = query.extend_pairs(given).append_pair(name, &cursor).finish();
            format!("{}?{query}", uri.path())
        });
        Page { items, next, total: None }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let link = self.next.as_ref().and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
        let mut response = Json(self).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_what_was_asked() {
        let uri: Uri = "/api/v1/certificates?q=a%20b%22%3E&after=3&limit=2".parse().unwrap();
        let page = Page::of(vec![1], &uri, "after", Some("17~4".into()));
        assert_eq!(page.next.as_deref(), Some("/api/v1/certificates?q=a+b%22%3E&limit=2&after=17%7E4"));
        assert_eq!(Page::<i64>::of(vec![], &uri, "after", None).next, None);
    }

    #[test]
    fn sizes_have_bounds() {
        assert_eq!(rows(None).ok(), Some(100));
        assert_eq!(rows(Some(1000)).ok(), Some(1000));
        for wrong in [0, -1, 1001, i64::MAX, i64::MIN] {
            assert!(rows(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
