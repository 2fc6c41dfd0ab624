//! Certificates under names: identities with their private keys, which this server presents, and trusted certificates; and where
//! identities are assigned.
//!
//! An entry is a name that points at a certificate of the inventory. The same name may come to stand for another certificate, its
//! next version, by hand or because it follows a managed certificate; whatever is assigned presents the new one then.

mod assign;
mod entry;
mod follow;
mod import;
mod usage;

pub use assign::{
    Assign, Assignment, CIPHER_SUITES, Place, Presented, Revision, SAML_NAME, TlsSettings, TlsVersion, assign, assignment, check,
    check_replace, presented, revision,
};
pub(crate) use entry::reading;
pub use entry::{
    HANDLE_BYTES, Kind, Named, Version, bodies, delete, get, handle, list, require_modify, require_read, rights, versions,
};
pub use follow::{RenewBy, Renewal, RenewedBy, follow_managed, pause_renewal, renewal};
pub(crate) use follow::{follow, forget_lineage};
pub use import::{Entry, NewEntry, NewVersion, import, replace};
pub use usage::{Usage, usage};

/// For each certificate the name of an entry that stands for it, if there is one.
pub(crate) fn entries_with(
    tx: &mut certhold_store::Tx<'_>,
    ids: &[[certhold_store::Value<'_>; 1]],
) -> crate::error::Result<Vec<Option<String>>> {
    let sql = "SELECT name FROM named_certificate WHERE certificate = $1 ORDER BY id LIMIT 1";
    Ok(tx.one_of_each(sql, ids, |row| row.get(0))?)
}

/// A certificate leaves the inventory: what stood under a name before is forgotten with it.
pub(crate) fn forget_version(tx: &mut certhold_store::Tx<'_>, id: crate::ids::CertificateId) -> crate::error::Result<()> {
    tx.execute("DELETE FROM named_version WHERE certificate = $1", certhold_store::params![id])?;
    Ok(())
}
