//! Roles in the second version of the API.

use certhold_domain::access::claims::WantedClaim;
use certhold_domain::access::roles::RoleCommand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Holders, Told, Wanted};
use crate::keyfactor::claims::{Claim, ClaimRequest};
use crate::keyfactor::loose;
use crate::keyfactor::permission_sets::texts;
use crate::keyfactor::refused::{Answer, Refused};

/// A role.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    id: i64,
    name: String,
    description: String,
    email_address: Option<String>,
    /// Whether it is the administrator role, which cannot be changed.
    immutable: bool,
    /// The GUID of its permission set.
    permission_set_id: String,
    /// What it grants.
    permissions: Vec<String>,
    /// What a sign-in must say for it to be held. Accounts of this server hold roles besides.
    claims: Vec<Claim>,
}

impl From<Told> for Role {
    fn from(told: Told) -> Role {
        Role {
            id: told.role.id.0,
            name: told.role.name,
            description: told.role.description,
            email_address: told.role.email,
            immutable: told.role.built_in,
            permission_set_id: told.set,
            permissions: texts(&told.role.permissions),
            claims: told.claims.into_iter().map(|claim| Claim::of(claim, &told.providers)).collect(),
        }
    }
}

/// A role as it shall be.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct RoleRequest {
    /// Which role, to change it.
    id: Option<i64>,
    name: String,
    description: Option<String>,
    email_address: Option<String>,
    /// The GUID of its permission set; `Global` if left out.
    permission_set_id: Option<String>,
    /// What it grants.
    permissions: Option<Vec<String>>,
    /// What a sign-in must say for it to be held.
    claims: Option<Vec<ClaimRequest>>,
}

impl RoleRequest {
    pub(super) fn read(sent: Value) -> Answer<RoleRequest> {
        loose::read(sent).map_err(|wrong| Refused::malformed(format!("The body: {wrong}")))
    }

    pub(super) fn wanted(self) -> Answer<Wanted> {
        Ok(Wanted {
            id: self.id,
            set: self.permission_set_id.filter(|uuid| !uuid.trim().is_empty()),
            command: RoleCommand {
                name: self.name,
                description: self.description.unwrap_or_default(),
                email: self.email_address.filter(|email| !email.trim().is_empty()),
                permission_set: None,
                permissions: self.permissions.unwrap_or_default(),
            },
            holders: Some(Holders::Claims(self.claims.unwrap_or_default().into_iter().map(WantedClaim::from).collect())),
        })
    }
}

/// A copy.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CopyRequest {
    pub(super) name: String,
    pub(super) description: Option<String>,
}
