//! Columns of the inventory that may be added: facts of certificates, and what is noted about them.

use certhold_domain::inventory::Summary;
use certhold_domain::metadata::Field;

use crate::web::show::noted;

/// A fact that may be a column.
struct Fact {
    name: &'static str,
    label: &'static str,
    cell: fn(&Summary) -> String,
}

const FACTS: &[Fact] = &[
    Fact { name: "names", label: "All names", cell: |shown| shown.names.join(", ") },
    Fact { name: "serial", label: "Serial number", cell: |shown| shown.serial.clone() },
    Fact { name: "signature", label: "Signature", cell: |shown| shown.signature_algorithm.clone() },
    Fact { name: "findings", label: "Findings", cell: findings },
    Fact { name: "source", label: "Source", cell: |shown| shown.source.clone() },
    Fact { name: "held", label: "Held since", cell: |shown| day(shown.held_since) },
    Fact { name: "begins", label: "Valid from", cell: |shown| day(shown.not_before) },
    Fact { name: "subject", label: "Subject", cell: |shown| shown.subject.clone() },
    Fact { name: "fingerprint", label: "SHA-256", cell: |shown| certhold_domain::hex(&shown.sha256) },
];

fn findings(certificate: &Summary) -> String {
    let rules = certificate.findings.iter().filter_map(|finding| finding.split_once(':')).map(|(_, rule)| rule);
    rules.collect::<Vec<_>>().join(", ")
}

fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// Those of these names that columns can have, in the order of the columns, each once. A field is called by its number: whether
/// there is one is known to the database.
pub fn known<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let facts = FACTS.iter().map(|fact| fact.name).filter(|fact| names.clone().any(|name| name == *fact));
    let number = |name: &str| name.strip_prefix("noted-").and_then(|number| number.parse::<i64>().ok());
    let mut fields: Vec<i64> = names.clone().filter_map(number).filter(|number| *number > 0).collect();
    fields.sort_unstable();
    fields.dedup();
    facts.map(str::to_owned).chain(fields.into_iter().map(|field| format!("noted-{field}"))).collect()
}

/// The columns of one list.
#[derive(Clone, Default)]
pub struct Columns {
    names: Vec<String>,
    fields: Vec<Field>,
}

impl Columns {
    /// The columns of these names; `fields` are all metadata fields.
    pub fn of(names: Vec<String>, fields: Vec<Field>) -> Columns {
        let fields = fields.into_iter().filter(|field| !field.removing).collect();
        Columns { names, fields }
    }

    /// Every column that there can be: its name, its label, whether it is shown.
    pub fn all(&self) -> Vec<(String, String, bool)> {
        let facts = FACTS.iter().map(|fact| (fact.name.to_owned(), fact.label.to_owned()));
        let fields = self.fields.iter().map(|field| (noted::slug(field), field.name.clone()));
        facts.chain(fields).map(|(name, label)| (name.clone(), label, self.shows(&name))).collect()
    }

    /// Whether any of them is about what is noted.
    pub fn ask_for_metadata(&self) -> bool {
        self.fields.iter().any(|field| self.shows(&noted::slug(field)))
    }

    /// The cells of a certificate about which this is noted, by the names of fields.
    pub fn cells(&self, certificate: &Summary, values: &[(String, String)]) -> Vec<String> {
        let value = |field: &Field| values.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
        let facts = FACTS.iter().filter(|fact| self.shows(fact.name)).map(|fact| (fact.cell)(certificate));
        let fields = self.fields.iter().filter(|field| self.shows(&noted::slug(field)));
        facts.chain(fields.map(|field| value(field).unwrap_or_default())).collect()
    }

    fn shows(&self, name: &str) -> bool {
        self.names.iter().any(|shown| shown == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_columns_in_their_order() {
        let known = |text: &str| super::known(text.split(','));
        assert_eq!(
            known("noted-7,source,names,nonsense,names,noted-x,noted--1,noted-3"),
            ["names", "source", "noted-3", "noted-7"]
        );
        assert!(known("").is_empty());
        let columns = Columns::of(known("serial"), Vec::new());
        assert!(columns.all().iter().all(|(name, _, shown)| *shown == (name == "serial")));
        assert!(!columns.ask_for_metadata());
    }
}
