//! The access review as a file: sent as it is read, a page of holders at a time.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use certhold_domain::access::review::{self, Filter, Review, csv};
use certhold_domain::{Actor, Result};
use futures_util::{StreamExt, stream};

use crate::attachment;
use crate::state::App;

/// The answer. The event is durable before the first byte leaves.
pub async fn answer(app: &App, actor: Arc<Actor>, filter: Filter) -> Result<Response> {
    let (now, recorded, by) = (app.now(), filter.clone(), actor.clone());
    app.write(move |tx| review::exported(tx, &by, &recorded, now)).await?;
    let by = actor.clone();
    let review = Arc::new(app.read(move |tx| Ok(Review::begin(tx, &by, filter)?.counting(now))).await?);
    let app = app.clone();
    let pages = stream::try_unfold(Some(None::<String>), move |place| {
        let (app, review, actor) = (app.clone(), review.clone(), actor.clone());
        async move {
            let Some(after) = place else { return Ok(None) };
            let page = app.read(move |tx| review.page(tx, &actor, after.as_deref(), review::HOLDERS)).await.map_err(|error| {
                tracing::error!(%error, "an access review was cut off");
                std::io::Error::other("the review was cut off")
            })?;
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
