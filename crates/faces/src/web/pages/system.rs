//! `/system`: what everything is sealed under, backups, deliveries of the log.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use certhold_domain::access::paths;
use certhold_domain::custody::KeyState;
use certhold_domain::custody::rekey;

use super::Ids;
use crate::state::App;
use crate::web::refused::{Refused, sentence};
use crate::web::sent::Sent;
use crate::web::shared::holds;
use crate::web::view::frame::Section;
use crate::web::view::system::{DeliveryLine, KeyLine, SystemPage};
use crate::web::view::time::Moment;
use crate::web::visit::Visit;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/system", get(show))
        .route("/system/rekey", post(rotate))
        .route("/system/keys/{number}/forget", post(forget))
}

async fn show(visit: Visit) -> Result<Response, Refused> {
    let now = visit.app.now();
    let found = visit.read(move |tx, actor| {
        let may_rotate = holds(&actor.access, paths::SYSTEM_MODIFY);
        Ok((rekey::status(tx, actor, now)?, crate::rekey::system(tx, actor)?, may_rotate))
    });
    let (viewer, (status, (backup, cursors), may_rotate)) = found.await?;
    let key = |one: &rekey::KeyStatus| KeyLine {
        number: one.key.number,
        state: one.key.state.name(),
        created: Moment::new(one.key.created_at, now),
        secrets: one.secrets,
        forget_action: (may_rotate && one.key.state == KeyState::Retired && one.secrets == 0)
            .then(|| format!("/system/keys/{}/forget", one.key.number)),
    };
    let rotation = status.running.as_ref().map(|waits| match waits {
        Some(waits) => sentence(&format!("a rotation is under way: it {waits}")),
        None => "A rotation is under way.".to_owned(),
    });
    let held = |keys: &[i64]| format!("master keys {}", keys.iter().map(i64::to_string).collect::<Vec<_>>().join(", "));
    let page = SystemPage {
        frame: visit.frame("System", Section::System, viewer),
        keys: status.keys.iter().map(key).collect(),
        may_rotate: may_rotate && rotation.is_none(),
        rotation,
        nodes: status.nodes.into_iter().map(|node| (node.name, held(&node.keys), Moment::new(node.seen_at, now))).collect(),
        backup: backup.map(|event| (Moment::new(event.at, now), event.payload["file"].as_str().unwrap_or_default().to_owned())),
        deliveries: cursors
            .into_iter()
            .map(|cursor| DeliveryLine {
                target: cursor.name,
                seq: cursor.seq,
                waiting: cursor.waiting,
                error: cursor.error,
                updated: Moment::new(cursor.updated_at, now),
            })
            .collect(),
    };
    visit.ok(&page)
}

async fn rotate(sent: Sent) -> Result<Response, Refused> {
    let author = &sent.author;
    let begun = crate::rekey::begin(&author.visit.app, &author.actor).await;
    author.done_or_said("/system", begun.map(drop), "The rotation has begun. It goes on by itself.")
}

async fn forget(ids: Ids, sent: Sent) -> Result<Response, Refused> {
    let (author, number) = (&sent.author, ids.first());
    let forgotten = crate::rekey::forget(&author.visit.app, &author.actor, number).await;
    author.done_or_said("/system", forgotten, format!("Master key {number} is forgotten."))
}
