//! Lists that leave out what a newer certificate stands for: of those with the same name that fulfil everything else, the one that
//! came last stays. Certificates without such a name stand for themselves.

use certhold_store::Tx;

use super::conditions::Conditions;
use crate::collections::Duplicates;
use crate::error::Result;
use crate::ids::CertificateId;

/// Where duplicates of `certificate` that came after `{after}` are found by an index, as rows of `newer`.
fn found(duplicates: Duplicates) -> Option<&'static str> {
    match duplicates {
        Duplicates::None | Duplicates::PrincipalName => None,
        Duplicates::CommonName => {
            Some("certificate AS newer WHERE newer.common_name_folded = certificate.common_name_folded AND newer.id > {after}")
        }
        Duplicates::DistinguishedName => Some(
            "certificate_term CROSS JOIN certificate AS newer WHERE certificate_term.term = certificate.subject_term \
             AND certificate_term.certificate > {after} AND newer.id = certificate_term.certificate",
        ),
    }
}

/// A test of a row of `certificate`, of a row of `newer`.
fn of_newer(test: &str) -> String {
    let mut out = String::with_capacity(test.len());
    let mut rest = test;
    while let Some(at) = rest.find("certificate.") {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        let part_of_a_name = head.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        out.push_str(if part_of_a_name { "certificate." } else { "newer." });
        rest = &tail["certificate.".len()..];
    }
    out + rest
}

/// That `newer` fulfils all conditions.
fn fulfils(conditions: &Conditions) -> String {
    conditions.tests().map(|test| format!(" AND {}", of_newer(test))).collect()
}

/// Adds to the conditions that no newer duplicate fulfils them all.
pub(super) fn leave_out(conditions: &mut Conditions, duplicates: Duplicates) {
    let Some(found) = found(duplicates) else { return };
    let (found, fulfils) = (found.replace("{after}", "certificate.id"), fulfils(conditions));
    conditions.row(format!("NOT EXISTS (SELECT 1 FROM {found}{fulfils})"));
}

/// Duplicates of a certificate that came after `after` and fulfil the conditions; `None` when nothing is one.
pub(super) fn newer(
    tx: &mut Tx<'_>,
    conditions: &Conditions,
    duplicates: Duplicates,
    id: CertificateId,
    after: CertificateId,
    limit: usize,
) -> Result<Option<Vec<CertificateId>>> {
    let Some(found) = found(duplicates) else { return Ok(None) };
    let fulfils = fulfils(conditions);
    let mut wanted = conditions.clone();
    let (id, found) = (wanted.bind(id.0), found.replace("{after}", &wanted.bind(after.0)));
    let limit = wanted.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let sql = format!(
        "SELECT newer.id FROM certificate CROSS JOIN {found} AND certificate.id = {id}{fulfils} ORDER BY newer.id LIMIT {limit}"
    );
    let (sql, values) = wanted.statement(&sql);
    Ok(Some(tx.rows(&sql, &values, |row| row.get(0).map(CertificateId))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_columns_of_the_row_change_their_table() {
        let test = "(certificate.not_after > $1 OR EXISTS (SELECT 1 FROM certificate_term WHERE certificate_term.certificate = certificate.id))";
        assert_eq!(
            of_newer(test),
            "(newer.not_after > $1 OR EXISTS (SELECT 1 FROM certificate_term WHERE certificate_term.certificate = newer.id))"
        );
        assert_eq!(of_newer("x.certificate.y = certificate.z"), "x.certificate.y = newer.z");
    }
}
