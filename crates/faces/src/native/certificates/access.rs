//! Who may do what with a certificate.

use axum::extract::State;
use certhold_domain::CertificateId;
use certhold_domain::access::why::{self, Through};
use serde::Serialize;
use utoipa::ToSchema;

use super::one::Within;
use super::wire::Owner;
use crate::auth::Bearer;
use crate::native::extract::{Id, Query};
use crate::native::hidden;
use crate::native::page::Page;
use crate::problem::Answer;
use crate::state::App;

/// A permission with the roles that bring it for a certificate.
#[derive(Serialize, ToSchema)]
pub struct WhoMay {
    /// The permission.
    #[schema(example = "/certificates/collections/read/")]
    action: &'static str,
    /// What it allows.
    meaning: &'static str,
    /// The roles that bring it.
    roles: Vec<RoleThrough>,
}

/// A role that brings a permission.
#[derive(Serialize, ToSchema)]
pub struct RoleThrough {
    /// The role.
    role: Owner,
    /// `everywhere`, `collection`, `stores` (over all certificate stores, in one of which the certificate is) or `container`.
    reach: &'static str,
    /// The collection that the certificate is in, or the container in whose stores it is, through which it does.
    within: Option<Owner>,
}

impl From<why::WhoMay> for WhoMay {
    fn from(who: why::WhoMay) -> WhoMay {
        let role = |(id, name, through): (certhold_domain::RoleId, String, Through)| {
            let (reach, within) = match through {
                Through::Everywhere => ("everywhere", None),
                Through::Collection(id, name) => ("collection", Some(Owner { id: id.0, name })),
                Through::Stores => ("stores", None),
                Through::Container(id, name) => ("container", Some(Owner { id: id.0, name })),
            };
            RoleThrough { role: Owner { id: id.0, name }, reach, within }
        };
        WhoMay { action: who.action, meaning: who.meaning, roles: who.roles.into_iter().map(role).collect() }
    }
}

/// List who may do what with a certificate
///
/// Role by role: everywhere, through a collection that the certificate is in, over all certificate stores, or through a container in
/// whose stores it is. What restricts an action beside the right, such as the owner, is told by `/access/why`. Needs the right to read
/// security as well.
#[utoipa::path(get, path = "/certificates/{id}/access", tag = "certificates",
    params(("id" = i64, Path, description = "The certificate"), Within),
    responses((status = 200, description = "Every permission on certificates, with the roles that bring it", body = Page<WhoMay>)))]
pub async fn access(
    State(app): State<App>,
    Bearer(caller): Bearer,
    Id(id): Id,
    Query(within): Query<Within>,
) -> Answer<Page<WhoMay>> {
    let (id, scope) = (CertificateId(id), within.scope(&app));
    let found = app.read_as(caller, move |tx, actor| why::who_may(tx, actor, id, scope)).await;
    let found = found.map_err(hidden("certificate", id))?;
    Ok(Page::whole(found.into_iter().map(WhoMay::from).collect()))
}
