//! What the inventory is made of: for each of a few fields its values with the number of certificates.

use std::collections::BTreeMap;

use certhold_store::Tx;

use super::counts::{Counted, most};
use super::derived::SEVERITIES;
use super::fields::{Field, fold};
use super::list::{Filter, few};
use super::scoped;
use crate::access::{self, paths, roles};
use crate::actor::Actor;
use crate::collections::Scope;
use crate::error::Result;
use crate::ids::RoleId;
use crate::query::quote;

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
    /// The query that finds exactly these.
    pub query: String,
}

/// Values of a field that are told.
const VALUES: usize = 12;

const FIELDS: [(&str, Field); 6] = [
    ("issuer", Field::Issuer),
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
    let mut facets = [const { Spellings::new() }; FIELDS.len()];
    let mut owned: BTreeMap<String, i64> = BTreeMap::new();
    for certificate in &few {
        let [issuer, key, signature, severity, finding, source] = &mut facets;
        issuer.count(&certificate.issuer);
        key.count(&certificate.key());
        signature.count(&certificate.signature_algorithm);
        let findings = || certificate.findings.iter().filter_map(|finding| finding.split_once(':'));
        findings().for_each(|(_, rule)| finding.count(rule));
        // The worst stands first.
        findings().take(1).for_each(|(worst, _)| severity.count(worst));
        source.count(&certificate.source);
        *owned.entry(certificate.owner.as_ref().map(|(role, _)| role.to_string()).unwrap_or_default()).or_default() += 1;
    }
    let owned = ordered(owned.into_iter().map(|(value, count)| Counted { value, count }).collect());
    let named = FIELDS.iter().zip(facets).map(|((name, _), spellings)| shown(name, spellings.values()));
    Ok([owners(tx, owned)?].into_iter().chain(named).collect())
}

/// Values that were met, by their folded form: each spelling with its number.
struct Spellings(BTreeMap<String, BTreeMap<String, i64>>);

impl Spellings {
    const fn new() -> Spellings {
        Spellings(BTreeMap::new())
    }

    /// What is empty is no value.
    fn count(&mut self, value: &str) {
        if !value.is_empty() {
            *self.0.entry(fold(value)).or_default().entry(value.to_owned()).or_default() += 1;
        }
    }

    /// Each value as it is spelled most often.
    fn values(self) -> Vec<Counted> {
        let value = |spellings: BTreeMap<String, i64>| {
            let count = spellings.values().sum();
            // The first of those that are met equally often, as the maintained counts have it.
            let most = spellings.into_iter().rev().max_by_key(|(_, count)| *count);
            Counted { value: most.map(|(spelling, _)| spelling).unwrap_or_default(), count }
        };
        ordered(self.0.into_values().map(value).collect())
    }
}

/// The most frequent, and only so many as are told.
fn ordered(mut values: Vec<Counted>) -> Vec<Counted> {
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values.truncate(VALUES);
    values
}

fn shown(name: &'static str, values: Vec<Counted>) -> Facet {
    let value = |Counted { value, count }| FacetValue { query: query(name, &value), value, role: None, count };
    let values = values.into_iter().map(value);
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
        let query = match role {
            Some(_) => format!("OwnerRoleName -eq {}", quote(&name)),
            None => "OwnerRoleName -eq NULL".to_owned(),
        };
        shown.push(FacetValue { value: name, role, count, query });
    }
    Ok(Facet { name: "owner", values: shown })
}

/// The query that finds exactly the certificates that are counted under a value.
fn query(facet: &str, value: &str) -> String {
    let text = quote(value);
    match facet {
        // By the whole name: two issuers may share a common name, and some have none.
        "issuer" => format!("IssuerDN -eq {text}"),
        "key" => match value.split_once(' ') {
            Some((algorithm, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("KeyAlgorithm -eq {} AND KeySize -eq {bits}", quote(algorithm))
            }
            Some((algorithm, curve)) => format!("KeyAlgorithm -eq {} AND Curve -eq {}", quote(algorithm), quote(curve)),
            // Of a curve without a name nothing else is told.
            None if value == "EC" => format!("KeyAlgorithm -eq {text} AND Curve -eq NULL"),
            None => format!("KeyAlgorithm -eq {text}"),
        },
        "signature" => format!("SigningAlgorithm -eq {text}"),
        "severity" => format!("FindingSeverity -eq {text}"),
        "finding" => format!("Finding -eq {text}"),
        _ => format!("Source -eq {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Catalogue, Query};

    #[test]
    fn every_value_becomes_a_query_that_is_understood() {
        for (facet, _) in FIELDS {
            for text in ["RSA 2048", "EC P-256", "EC", "error", "say \"hi\" \\ there", "O=Example\\, Inc.", "ML-DSA-65"] {
                if facet == "severity" && text != "error" {
                    continue;
                }
                let query = query(facet, text);
                Query::parse(&query, &Catalogue::default()).unwrap_or_else(|error| panic!("{query}: {error}"));
            }
        }
    }

    #[test]
    fn spellings_are_one_value() {
        let mut met = Spellings::new();
        for value in ["CN=Root", "CN=ROOT", "CN=root", "CN=ROOT", "", "O=Other"] {
            met.count(value);
        }
        let expected = [("CN=ROOT", 4), ("O=Other", 1)].map(|(value, count)| Counted { value: value.into(), count });
        assert_eq!(met.values(), expected);
    }
}
