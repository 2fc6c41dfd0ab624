//! Roles in the first version of the API.

use certhold_domain::access::claims::WantedName;
use certhold_domain::access::roles::RoleCommand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Holders, Told, Wanted, areas};
use crate::keyfactor::claims::{is_group, read_identity_type};
use crate::keyfactor::loose;
use crate::keyfactor::refused::{Answer, Refused};

/// The authentication scheme of identities, which are names of a directory.
pub const DIRECTORY: &str = "Active Directory";

/// A role.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    id: i64,
    name: String,
    description: String,
    enabled: bool,
    private: bool,
    immutable: bool,
    valid: bool,
    /// What it grants everywhere, as `Area:Permission`.
    permissions: Vec<String>,
    /// The names of a directory under which it is held.
    identities: Vec<Identity>,
}

/// A name of a directory.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Identity {
    id: i64,
    account_name: String,
    /// `User` or `Group`.
    identity_type: &'static str,
    #[serde(rename = "SID")]
    sid: Option<String>,
}

impl From<Told> for Role {
    fn from(told: Told) -> Role {
        let words = areas::spoken(&told.role.permissions);
        let identities = told.claims.into_iter().filter(|claim| claim.key.kind.is_of_directory());
        Role {
            id: told.role.id.0,
            name: told.role.name,
            description: told.role.description,
            enabled: true,
            private: false,
            immutable: told.role.built_in,
            valid: true,
            permissions: words.into_iter().map(|(area, permission)| format!("{area}:{permission}")).collect(),
            identities: identities
                .map(|claim| Identity {
                    id: claim.id.0,
                    identity_type: if is_group(claim.key.kind) { "Group" } else { "User" },
                    account_name: claim.key.value,
                    sid: None,
                })
                .collect(),
        }
    }
}

/// A role as it shall be.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleRequest {
    id: Option<i64>,
    name: String,
    description: Option<String>,
    permissions: Option<Vec<String>>,
    identities: Option<Vec<IdentityRequest>>,
}

/// A name of a directory.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdentityRequest {
    account_name: String,
    identity_type: Option<String>,
    /// As it came from here, or another system's: no directory is asked for it.
    #[serde(rename = "SID")]
    sid: Option<String>,
}

/// Characters of a security identifier: that of Windows has 184 at most.
const SID_CHARS: usize = 184;

impl RoleRequest {
    pub(super) fn read(sent: Value) -> Answer<RoleRequest> {
        loose::read(sent).map_err(|wrong| Refused::malformed(format!("The body: {wrong}")))
    }

    pub(super) fn wanted(self) -> Answer<Wanted> {
        let permissions = self.permissions.unwrap_or_default();
        let paths = permissions.iter().map(|words| areas::path(words).map(str::to_owned)).collect::<Answer<Vec<_>>>()?;
        let name = |identity: IdentityRequest| {
            if identity.sid.is_some_and(|sid| sid.chars().count() > SID_CHARS) {
                return Err(Refused::malformed(format!("SID: at most {SID_CHARS} characters.")));
            }
            let group = read_identity_type(identity.identity_type.as_deref())?;
            Ok(WantedName { value: identity.account_name, group, provider: DIRECTORY.to_owned() })
        };
        let identities = self.identities.map(|identities| identities.into_iter().map(name).collect::<Answer<_>>()).transpose()?;
        Ok(Wanted {
            id: self.id,
            set: None,
            command: RoleCommand {
                name: self.name,
                description: self.description.unwrap_or_default(),
                email: None,
                permission_set: None,
                permissions: paths,
            },
            holders: identities.map(Holders::Names),
        })
    }
}
