//! Lists and certificates as files: sent as they are read, a piece at a time, so that a million rows need no more memory than a
//! thousand.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::{Actor, Result as DomainResult, csv};
use certhold_store::Tx;
use futures_util::{StreamExt, stream};

use super::refused::Refused;
use super::visit::Visit;
use crate::attachment;

/// A file that is sent in pieces.
pub struct File {
    /// What it is saved as.
    pub name: &'static str,
    /// What it is.
    pub media_type: &'static str,
    /// What stands before the first piece.
    pub head: String,
}

impl File {
    /// Comma-separated values with these columns.
    pub fn csv(name: &'static str, head: &[&str]) -> Self {
        let head = csv::line(head.iter().copied());
        Self { name, media_type: "text/csv; charset=utf-8; header=present", head }
    }

    fn headers(&self) -> [(header::HeaderName, HeaderValue); 3] {
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (header::CONTENT_DISPOSITION, attachment::disposition(self.name)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ]
    }

    /// The file with all its rows, which are at hand.
    pub fn whole<const N: usize>(self, rows: impl IntoIterator<Item = [String; N]>) -> Response {
        self.lines(rows.into_iter().map(|row| csv::line(row.iter().map(String::as_str))))
    }

    /// The same with lines that are written already.
    pub fn lines(self, lines: impl IntoIterator<Item = String>) -> Response {
        let headers = self.headers();
        let mut text = self.head;
        lines.into_iter().for_each(|line| text.push_str(&line));
        (headers, text).into_response()
    }

    /// The file with what `step` reads: the text after a place in the list, and the next place unless that was the end. Whoever asks
    /// is looked up for each piece: a right that is taken away ends the file, which is then cut off and not whole.
    pub async fn stepwise<F>(self, visit: &Visit, step: F) -> Result<Response, Refused>
    where
        F: Fn(&mut Tx<'_>, &Actor, Option<&str>) -> DomainResult<(String, Option<String>)> + Clone + Send + Sync + 'static,
    {
        let beginning = step.clone();
        let (_, (text, next)) = visit.read(move |tx, actor| beginning(tx, actor, None)).await?;
        let (app, caller, headers) = (visit.app.clone(), visit.browser.caller.clone(), self.headers());
        let first = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(self.head + &text)) });
        let others = stream::try_unfold(next, move |place| {
            let (app, caller, step) = (app.clone(), caller.clone(), step.clone());
            async move {
                let Some(place) = place else { return Ok(None) };
                let piece = app.read_as(caller, move |tx, actor| step(tx, actor, Some(&place))).await.map_err(|_| {
                    tracing::warn!("a file was cut off while it was sent");
                    std::io::Error::other("the file was cut off")
                })?;
                Ok::<_, std::io::Error>(Some((Bytes::from(piece.0), piece.1)))
            }
        });
        Ok((headers, Body::from_stream(first.chain(others))).into_response())
    }
}

/// An instant as programs read it; nothing for none.
pub fn instant(ms: impl Into<Option<i64>>) -> String {
    ms.into().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).map(|at| at.to_string()).unwrap_or_default()
}

/// A flag as a word.
pub fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_flags_are_words() {
        assert_eq!(instant(1_790_000_000_123), "2026-09-21T14:13:20.123Z");
        assert_eq!((instant(None), yes(true), yes(false)), (String::new(), "yes".to_owned(), "no".to_owned()));
    }
}
