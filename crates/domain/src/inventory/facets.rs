//! What the inventory is made of: for each of a few fields its values with the number of certificates.

use std::collections::BTreeMap;

use certhold_store::Tx;

use super::counts::{Counted, most};
use super::derived::SEVERITIES;
use super::fields::Field;
use super::list::{Filter, few};
use super::scoped;
use crate::access::{self, paths, roles};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::Result;
use crate::ids::RoleId;

/// A field with its most frequent values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    /// "owner", "issuer", …
    pub name: &'static str,
    /// The most frequent first; severities the worst first.
    pub values: Vec<FacetValue>,
}

/// A value with the number of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// As it is shown; empty for certificates without an owner.
    pub value: String,
    /// The owner's role.
    pub role: Option<RoleId>,
    /// Certificates.
    pub count: i64,
}

/// Values of a field that are told.
const VALUES: usize = 12;

const FIELDS: [(&str, Field); 6] = [
    ("issuer", Field::IssuerName),
    ("key", Field::Key),
    ("signature", Field::SignatureAlgorithm),
    ("severity", Field::Severity),
    ("finding", Field::Finding),
    ("source", Field::Source),
];

/// How many certificates break each rule of findings; `None` for whoever may not see certificates.
pub fn broken_rules(tx: &mut Tx<'_>, actor: &Actor) -> Result<Option<Vec<Counted>>> {
    let may = access::allows(tx, actor, paths::CERTIFICATES_READ)?;
    may.then(|| most(tx, Field::Finding, certhold_pki::findings::RULES.len())).transpose()
}

/// The facets of what `filter` wants: from the maintained counts when it wants everything, counted when it wants few. Of a large
/// selection nobody waits for the counts: there are none.
pub fn facets(tx: &mut Tx<'_>, actor: &Actor, filter: &Filter, scope: Scope) -> Result<Vec<Facet>> {
    scoped::require_list(tx, actor, scope)?;
    let filter = &scoped::within(tx, actor, filter, scope)?;
    if filter.wants_everything() {
        let owned = most(tx, Field::Owner, VALUES)?;
        let mut facets = vec![owners(tx, owned)?];
        for (name, field) in FIELDS {
            let values = most(tx, field, VALUES)?;
            facets.push(shown(name, values));
        }
        return Ok(facets);
    }
    let Some(few) = few(tx, filter)? else { return Ok(Vec::new()) };
    let mut counts: BTreeMap<(usize, String), i64> = BTreeMap::new();
    let mut owned: BTreeMap<String, i64> = BTreeMap::new();
    for certificate in &few {
        let mut count = |at: usize, value: String| *counts.entry((at, value)).or_default() += 1;
        count(0, certificate.issuer_common_name.clone().unwrap_or_else(|| certificate.issuer.clone()));
        count(1, certificate.key());
        count(2, certificate.signature_algorithm.clone());
        for (place, (severity, rule)) in certificate.findings.iter().filter_map(|finding| finding.split_once(':')).enumerate() {
            count(4, rule.to_owned());
            if place == 0 {
                count(3, severity.to_owned());
            }
        }
        count(5, certificate.source.clone());
        *owned.entry(certificate.owner.as_ref().map(|(role, _)| role.to_string()).unwrap_or_default()).or_default() += 1;
    }
    let counted = |map: Vec<(String, i64)>| {
        let mut values: Vec<Counted> = map.into_iter().map(|(value, count)| Counted { value, count }).collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        values.truncate(VALUES);
        values
    };
    let mut facets = vec![owners(tx, counted(owned.into_iter().collect()))?];
    for (at, (name, _)) in FIELDS.iter().enumerate() {
        let values = counts.iter().filter(|((place, _), _)| *place == at).map(|((_, value), count)| (value.clone(), *count));
        facets.push(shown(name, counted(values.collect())));
    }
    Ok(facets)
}

fn shown(name: &'static str, values: Vec<Counted>) -> Facet {
    let values = values.into_iter().map(|Counted { value, count }| FacetValue { value, role: None, count });
    let mut values: Vec<FacetValue> = values.collect();
    if name == "severity" {
        let rank = |name: &str| SEVERITIES.iter().position(|(known, _)| *known == name);
        values.sort_by_key(|value| rank(&value.value));
    }
    Facet { name, values }
}

fn owners(tx: &mut Tx<'_>, values: Vec<Counted>) -> Result<Facet> {
    let mut shown = Vec::with_capacity(values.len());
    for Counted { value, count } in values {
        let role = value.parse().ok().map(RoleId);
        let name = match role {
            Some(role) => roles::find(tx, role)?.name,
            None => String::new(),
        };
        shown.push(FacetValue { value: name, role, count });
    }
    Ok(Facet { name: "owner", values: shown })
}
