//! Where the people who answer for a certificate are reached. The address of an owner role is told like its name: to whoever sees what it
//! owns. Everything else about roles, also who holds them, takes the right to read security.

use certhold_store::{Tx, params};

use crate::access::{self, paths};
use crate::actor::Actor;
use crate::collections;
use crate::error::Result;
use crate::ids::{CertificateId, LineageId};

/// The mail address of a certificate's owner, if it has one.
pub fn contact(tx: &mut Tx<'_>, actor: &Actor, certificate: CertificateId, scope: collections::Scope) -> Result<Option<String>> {
    collections::require(tx, actor, paths::CERTIFICATES_READ, certificate, scope)?;
    let sql = "SELECT role.email FROM certificate JOIN role ON role.id = certificate.owner_role WHERE certificate.id = $1";
    Ok(told(tx.one(sql, params![certificate], |row| row.get(0))?.flatten()))
}

/// The mail address of a managed certificate's owner, if it has one.
pub fn contact_of_managed(tx: &mut Tx<'_>, actor: &Actor, lineage: LineageId) -> Result<Option<String>> {
    access::require_path(tx, actor, paths::RENEWAL_READ)?;
    let sql = "SELECT role.email FROM lineage JOIN role ON role.id = lineage.owner_role WHERE lineage.id = $1";
    Ok(told(tx.one(sql, params![lineage], |row| row.get(0))?.flatten()))
}

fn told(email: Option<String>) -> Option<String> {
    email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty())
}
