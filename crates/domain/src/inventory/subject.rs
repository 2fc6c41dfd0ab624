//! Certificates as [`Subject`]s: everything of them that queries can ask for, to be evaluated in memory.

use std::sync::LazyLock;

use certhold_store::{Tx, params};

use super::derived::{self, Derived, SEVERITIES};
use crate::error::Result;
use crate::ids::{CertificateId, MetadataFieldId, RoleId};
use crate::private_ca::Profile;
use crate::query::{Scalar, Subject};
use crate::text::hex;

static SELECT: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<String> = derived::COLUMNS.iter().map(|column| format!("certificate.{column}")).collect();
    format!(
        "SELECT certificate.id, certificate.sha256, certificate.held_since, certificate.source, role.id, role.name, lineage.name, \
         EXISTS (SELECT 1 FROM private_key WHERE private_key.spki_sha256 = certificate.spki_sha256), certificate.revoked_at, \
         (SELECT private_ca.name FROM issued_certificate JOIN private_ca ON private_ca.id = issued_certificate.private_ca \
          WHERE issued_certificate.certificate = certificate.id), \
         (SELECT profile FROM issued_certificate WHERE issued_certificate.certificate = certificate.id), \
         (SELECT revoker FROM revocation WHERE revocation.certificate = certificate.id), \
         (SELECT requester FROM issued_certificate WHERE issued_certificate.certificate = certificate.id), \
         EXISTS (SELECT 1 FROM excluded_certificate WHERE excluded_certificate.sha256 = certificate.sha256), {} FROM certificate \
         LEFT JOIN role ON role.id = certificate.owner_role LEFT JOIN lineage ON lineage.id = certificate.lineage \
         WHERE certificate.id = $1",
        columns.join(", ")
    )
});

/// One certificate; `None` when it is not held.
pub(crate) fn subject(tx: &mut Tx<'_>, id: CertificateId) -> Result<Option<Subject>> {
    Ok(subjects(tx, &[id])?.pop())
}

/// Those of the certificates that are held, in their order.
pub(crate) fn subjects(tx: &mut Tx<'_>, ids: &[CertificateId]) -> Result<Vec<Subject>> {
    let lists: Vec<[certhold_store::Value<'_>; 1]> = ids.iter().map(|id| [(*id).into()]).collect();
    let found = tx.one_of_each(&SELECT, &lists, |row| {
        let derived = Derived::read(row, 14)?;
        let owner = row.get::<Option<i64>>(4)?.map(RoleId).zip(row.get::<Option<String>>(5)?);
        let (sha256, held_since): ([u8; 32], i64) = (row.get(1)?, row.get(2)?);
        let subject = assemble(row.get(0)?, &sha256, held_since, row.get(3)?, owner, row.get(6)?, row.get(7)?, derived);
        let template = row.get::<Option<String>>(10)?.and_then(|name| Profile::parse(&name).ok());
        Ok(Subject {
            revoked_at: row.get(8)?,
            authority: row.get(9)?,
            template,
            revoker: row.get(11)?,
            requester: row.get(12)?,
            is_excluded: row.get(13)?,
            ..subject
        })
    })?;
    let mut found: Vec<Subject> = found.into_iter().flatten().collect();
    for subject in &mut found {
        let sql = "SELECT DISTINCT certificate_store.machine, certificate_store.path, container.name FROM store_item \
            JOIN certificate_store ON certificate_store.id = store_item.store \
            LEFT JOIN container ON container.id = certificate_store.container WHERE store_item.certificate = $1";
        subject.stores = tx.rows(sql, params![subject.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let sql = "SELECT certificate_metadata.field, certificate_metadata.sort, certificate_metadata.number, metadata_field.kind \
            FROM certificate_metadata JOIN metadata_field ON metadata_field.id = certificate_metadata.field \
            WHERE certificate_metadata.certificate = $1";
        let certificate = subject.id;
        tx.each(sql, params![certificate], |row| {
            let number: Option<i64> = row.get(2)?;
            let value = match number {
                Some(number) if row.text(3)? == "boolean" => Scalar::Flag(number != 0),
                Some(number) => Scalar::Number(number),
                None => Scalar::Text(row.get(1)?),
            };
            subject.metadata.insert(MetadataFieldId(row.get(0)?), value);
            Ok(())
        })?;
    }
    Ok(found)
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
fn assemble(
    id: i64,
    sha256: &[u8],
    held_since: i64,
    source: String,
    owner: Option<(RoleId, String)>,
    managed: Option<String>,
    has_key: bool,
    derived: Derived,
) -> Subject {
    let rank = |name: &str| SEVERITIES.iter().find(|(known, _)| *known == name).map(|(_, rank)| *rank);
    Subject {
        id,
        sha1: hex(&derived.sha1),
        sha256: hex(sha256),
        spki_sha256: hex(&derived.spki_sha256),
        severity: derived.findings().filter_map(|(severity, _)| rank(severity)).max(),
        findings: derived.findings().map(|(_, rule)| rule.to_owned()).collect(),
        common_name: derived.common_name,
        subject: derived.subject,
        issuer: derived.issuer,
        issuer_common_name: derived.issuer_common_name,
        serial: derived.serial,
        subject_key_id: derived.subject_key_id,
        authority_key_id: derived.authority_key_id,
        owner,
        not_before: derived.not_before,
        not_after: derived.not_after,
        held_since,
        revoked_at: None,
        extended_key_usage: derived.extended_key_usage,
        key_bits: derived.key_bits,
        key_algorithm: derived.key_algorithm,
        key_curve: derived.key_curve,
        key_usage: derived.key_usage,
        signature_algorithm: derived.signature_algorithm,
        units: derived.units,
        organizations: derived.organizations,
        countries: derived.countries,
        emails: derived.emails,
        names: derived.names,
        has_key,
        is_excluded: false,
        self_signed: derived.self_signed,
        is_ca: derived.is_ca,
        managed,
        source,
        stores: Vec::new(),
        authority: None,
        template: None,
        revoker: None,
        requester: None,
        metadata: std::collections::BTreeMap::new(),
    }
}
