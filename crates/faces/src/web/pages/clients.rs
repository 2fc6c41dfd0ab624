//! API clients, on the pages of accounts and on one's own.

use certhold_domain::people::{self, ApiClient};
use certhold_domain::{ApiClientId, PrincipalId};
use secrecy::ExposeSecret;

use crate::clients;
use crate::web::fields::Fields;
use crate::web::refused::Refused;
use crate::web::sent::{Author, Complaint};
use crate::web::view::form::Input;
use crate::web::view::people::{ClientCard, ClientRow};
use crate::web::view::secret::ShownOnce;
use crate::web::view::time::Moment;

/// What an answer to a form adds to the card.
#[derive(Default)]
pub struct Added {
    /// The id and the secret of a client that was just made, or got another secret.
    pub made: Option<(String, ShownOnce)>,
    refused: Option<(String, String, Complaint)>,
}

/// The card, with the clients that are still of use. `place` is the page of the account.
pub fn card(all: &[ApiClient], place: &str, may_make: bool, may_change: bool, added: Added, now: i64) -> ClientCard {
    let row = |client: &ApiClient| ClientRow {
        id: client.id.0,
        client_id: client.client_id.clone(),
        name: client.name.clone(),
        scopes: if client.scopes == ["/"] { Vec::new() } else { client.scopes.clone() },
        created: Moment::new(client.created_at, now),
    };
    let mut card = ClientCard {
        action: format!("{place}/clients"),
        rows: all.iter().filter(|client| client.revoked_at.is_none()).map(row).collect(),
        made: added.made,
        may_make,
        may_change,
        name: Input::default(),
        scopes: Input::default(),
    };
    if let Some((name, scopes, complaint)) = added.refused {
        (card.name, card.scopes) = (Input::of(name), Input::of(scopes));
        let place = match complaint.field {
            "scopes" | "permissions" => &mut card.scopes.error,
            _ => &mut card.name.error,
        };
        *place = Some(complaint.message);
    }
    card
}

/// Makes a client as the form says; the client's id and secret, or the form again.
pub async fn create(author: &Author, fields: &Fields, principal: PrincipalId) -> Result<Added, Refused> {
    let scopes = fields.lines("client_scopes");
    let scopes = if scopes.is_empty() { vec!["/".to_owned()] } else { scopes };
    let made = clients::create(&author.visit.app, &author.actor, principal, fields.text("client_name").to_owned(), scopes).await;
    author.visit.shared.changed();
    match made {
        Ok(made) => {
            Ok(Added { made: Some((made.client_id, ShownOnce::new(made.secret.expose_secret().to_owned()))), refused: None })
        }
        Err(error) => {
            let complaint = author.complaint(error)?;
            let sent = (fields.text("client_name").to_owned(), fields.text("client_scopes").to_owned(), complaint);
            Ok(Added { made: None, refused: Some(sent) })
        }
    }
}

/// Gives a client of this account another secret.
pub async fn renew(author: &Author, principal: PrincipalId, id: i64) -> Result<Added, Refused> {
    let asking = author.actor.clone();
    let known = author.visit.app.read(move |tx| people::clients_of(tx, &asking, principal)).await;
    let known = known.map_err(|error| author.refused(error))?;
    let client = known.into_iter().find(|client| client.id.0 == id);
    let client = client.ok_or_else(|| author.refused(certhold_domain::Refusal::not_found("API client", id)))?;
    let secret =
        clients::renew(&author.visit.app, &author.actor, ApiClientId(id)).await.map_err(|error| author.refused(error))?;
    Ok(Added { made: Some((client.client_id, ShownOnce::new(secret.expose_secret().to_owned()))), refused: None })
}

/// Revokes a client.
pub async fn revoke(author: &Author, id: i64) -> certhold_domain::Result<()> {
    author.write(move |tx, actor, now| people::revoke_client(tx, actor, ApiClientId(id), now)).await
}
