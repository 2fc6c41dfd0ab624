//! The access review, and the same as a file: sent as it is read, a page of holders at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::access::review::{self, Filter, Page, Review, csv};
use certhold_domain::{Actor, Result};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::attachment;
use crate::state::App;

/// For so long one number is counted …
const ONE: Duration = Duration::from_secs(4);
/// … and for so long those of an answer that somebody waits for.
const ALL: Duration = Duration::from_secs(12);

/// A page of a review whose numbers are counted as far as that takes not too long.
pub async fn counted(app: &App, actor: Actor, review: Review, page: Page) -> Page {
    fill(app, &Arc::new(actor), &Arc::new(review), page, Some(Instant::now() + ALL)).await
}

/// Counts outside the read that made the lines: a number that takes too long, or fails, takes no line with it.
async fn fill(app: &App, actor: &Arc<Actor>, review: &Arc<Review>, mut page: Page, until: Option<Instant>) -> Page {
    let now = app.now();
    for within in review.uncounted(&page.lines) {
        let (counting, by, wanted) = (review.clone(), actor.clone(), within.clone());
        let counted = app.read(move |tx| counting.count(tx, &by, &wanted, now));
        let limit = Instant::now() + ONE;
        match timeout_at(until.map_or(limit, |until| limit.min(until)), counted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a number of an access review could not be counted");
                review.give_up(&within);
            }
            Err(_) => review.give_up(&within),
        }
    }
    review.fill(&mut page.lines);
    page
}

/// The answer. The event is durable before the first byte leaves.
pub async fn file(app: &App, actor: Arc<Actor>, filter: Filter) -> Result<Response> {
    let (now, recorded, by) = (app.now(), filter.clone(), actor.clone());
    app.write(move |tx| review::exported(tx, &by, &recorded, now)).await?;
    let by = actor.clone();
    let review = Arc::new(app.read(move |tx| Review::begin(tx, &by, filter)).await?);
    let app = app.clone();
    let pages = stream::try_unfold(Some(None::<String>), move |place| {
        let (app, review, actor) = (app.clone(), review.clone(), actor.clone());
        async move {
            let Some(after) = place else { return Ok(None) };
            let (reading, by) = (review.clone(), actor.clone());
            let page = app.read(move |tx| reading.page(tx, &by, after.as_deref(), review::HOLDERS)).await.map_err(|error| {
                tracing::error!(%error, "an access review was cut off");
                std::io::Error::other("the review was cut off")
            })?;
            let page = fill(&app, &actor, &review, page, None).await;
            let text: String = page.lines.iter().map(csv::line).collect();
            Ok::<_, std::io::Error>(Some((Bytes::from(text), page.next.map(Some))))
        }
    });
    let head = stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(csv::HEAD.as_bytes())) });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (header::CONTENT_DISPOSITION, attachment::disposition("access-review.csv")),
    ];
    Ok((headers, Body::from_stream(head.chain(pages))).into_response())
}
