//! The certificate that another one renews.

use certhold_pki::issue::{DistinguishedName, GeneralName};
use certhold_store::{Tx, params};

use crate::error::Result;
use crate::ids::{CertificateId, RoleId};

/// A certificate that a private authority issued to somebody.
pub(super) struct Before {
    pub owner: Option<RoleId>,
    /// Its common name and its alternative names, lower case.
    names: Vec<String>,
}

/// Why a certificate is not renewed by enrolling again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRenewed {
    Managed,
    Foreign,
    Revoked,
}

impl NotRenewed {
    /// What stands in the way, and what to do.
    pub(super) fn why(self) -> &'static str {
        match self {
            NotRenewed::Managed => "it is a version of a managed certificate, which renews by itself",
            NotRenewed::Foreign => "no private authority issued it here: renew it where it was issued",
            NotRenewed::Revoked => "it is revoked: enrol for a new certificate instead",
        }
    }

    /// The same as a sentence.
    pub(super) fn sentence(self) -> String {
        let (first, rest) = self.why().split_at(1);
        format!("{}{rest}.", first.to_uppercase())
    }
}

impl Before {
    /// Whether nobody is named that it does not name.
    pub(super) fn stands_for(&self, subject: &DistinguishedName, names: &[GeneralName]) -> bool {
        let named = names.iter().map(|name| match name {
            GeneralName::Dns(text) | GeneralName::Email(text) | GeneralName::Uri(text) | GeneralName::Upn(text) => {
                text.to_lowercase()
            }
            GeneralName::Ip(address) => address.to_string(),
        });
        named.chain(subject.common_name().map(|name| name.to_lowercase())).all(|name| self.names.contains(&name))
    }
}

/// A certificate, whether a private authority issued it to somebody, and what stands in the way of renewing it.
struct Known {
    before: Before,
    is_issued: bool,
    is_revoked: bool,
    is_managed: bool,
}

fn known(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Known>> {
    Ok(tx.one(
        "SELECT certificate.owner_role, certificate.names, certificate.common_name, certificate.revoked_at, certificate.lineage, \
         issued_certificate.profile FROM certificate LEFT JOIN issued_certificate ON issued_certificate.certificate = certificate.id \
         WHERE certificate.id = $1",
        params![id],
        |row| {
            let names: Vec<String> = serde_json::from_str(row.text(1)?).unwrap_or_default();
            let names = names.into_iter().chain(row.get::<Option<String>>(2)?).map(|name| name.to_lowercase()).collect();
            Ok(Known {
                before: Before { owner: row.get::<Option<i64>>(0)?.map(RoleId), names },
                is_issued: row.get::<Option<String>>(5)?.is_some_and(|profile| profile != "authority"),
                is_revoked: row.get::<Option<i64>>(3)?.is_some(),
                is_managed: row.get::<Option<i64>>(4)?.is_some(),
            })
        },
    )?)
}

/// A certificate that a private authority issued to somebody, whatever became of it.
pub(super) fn issued(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Before>> {
    Ok(known(tx, id)?.filter(|known| known.is_issued).map(|known| known.before))
}

/// A certificate that is renewed by enrolling again, or why it is not.
pub(super) fn renewed(tx: &mut Tx<'_>, id: CertificateId) -> Result<Result<Before, NotRenewed>> {
    Ok(match known(tx, id)? {
        Some(known) if known.is_managed => Err(NotRenewed::Managed),
        Some(known) if known.is_issued && known.is_revoked => Err(NotRenewed::Revoked),
        Some(known) if known.is_issued => Ok(known.before),
        _ => Err(NotRenewed::Foreign),
    })
}
