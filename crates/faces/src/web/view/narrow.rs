//! Narrowing a list step by step: conditions of the query language that stand beside the search, one below the other.

use certhold_domain::inventory::{Facet, FacetValue};

use super::address::Address;

/// Conditions that narrow a list, each a query of its own; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    conditions: Vec<String>,
}

/// Conditions beside a search; more are left out.
const CONDITIONS: usize = 12;

/// Whether no condition of the parameter `where` would be left out.
pub fn fits(text: &str) -> bool {
    text.lines().filter(|line| !line.trim().is_empty()).count() <= CONDITIONS
}

impl Narrowing {
    /// From the parameter `where`: a condition a line.
    pub fn parse(text: &str) -> Narrowing {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut conditions: Vec<String> = Vec::new();
        for line in lines.take(CONDITIONS) {
            if !conditions.iter().any(|known| known == line) {
                conditions.push(line.to_owned());
            }
        }
        Narrowing { conditions }
    }

    /// The parameter.
    pub fn parameter(&self) -> String {
        self.conditions.join("\n")
    }

    /// One query that asks for all of them, and for `query` if there is one.
    pub fn query(&self, query: &str) -> String {
        let all = self.conditions.iter().map(String::as_str).chain(Some(query.trim()).filter(|query| !query.is_empty()));
        let all: Vec<&str> = all.collect();
        match all.as_slice() {
            [only] => (*only).to_owned(),
            several => several.iter().map(|condition| format!("({condition})")).collect::<Vec<_>>().join(" AND "),
        }
    }

    /// The conditions with the address of the list without each.
    pub fn chips(&self, list: &Address) -> Vec<Chip> {
        let without = |place: usize| {
            let mut others = self.clone();
            others.conditions.remove(place);
            list.clone().with("where", others.parameter()).to_string()
        };
        self.conditions.iter().enumerate().map(|(place, text)| Chip { text: text.clone(), without: without(place) }).collect()
    }

    fn and(&self, condition: &str) -> Narrowing {
        let mut more = self.clone();
        more.conditions.push(condition.to_owned());
        more
    }

    fn has(&self, condition: &str) -> bool {
        self.conditions.iter().any(|known| known == condition)
    }
}

/// A condition in force.
#[derive(Clone, Debug)]
pub struct Chip {
    /// The condition as it is written.
    pub text: String,
    /// The list without it.
    pub without: String,
}

/// A field with values to narrow by.
#[derive(Clone, Debug)]
pub struct FacetView {
    /// What stands above the values.
    pub label: &'static str,
    /// The most frequent first; stretches of time the earliest.
    pub values: Vec<FacetLink>,
    /// Whether all certificates were counted; otherwise there are at least so many.
    pub is_exact: bool,
    /// Whether one of the values narrows the list now.
    pub is_open: bool,
}

/// A value to narrow by.
#[derive(Clone, Debug)]
pub struct FacetLink {
    /// The value for people.
    pub label: String,
    /// Certificates.
    pub count: i64,
    /// The list of those only.
    pub href: String,
    /// Whether it narrows the list now; the address then leads out again.
    pub is_current: bool,
}

/// The facets as links out of `list`.
pub fn facets(facets: &[Facet], narrowing: &Narrowing, list: &Address) -> Vec<FacetView> {
    facets.iter().filter_map(|facet| view(facet, narrowing, list)).collect()
}

fn view(facet: &Facet, narrowing: &Narrowing, list: &Address) -> Option<FacetView> {
    let label = match facet.name {
        "expiry" => "Expires",
        "owner" => "Owner",
        "issuer" => "Issuer",
        "key" => "Key",
        "signature" => "Signature",
        "severity" => "Worst finding",
        "finding" => "Finding",
        "source" => "Source",
        _ => return None,
    };
    let link = |value: &FacetValue| {
        let is_current = narrowing.has(&value.query);
        let target = if is_current {
            Narrowing { conditions: narrowing.conditions.iter().filter(|known| **known != value.query).cloned().collect() }
        } else {
            narrowing.and(&value.query)
        };
        FacetLink {
            label: if value.value.is_empty() { "nobody".to_owned() } else { value.value.clone() },
            count: value.count,
            href: list.clone().with("where", target.parameter()).to_string(),
            is_current,
        }
    };
    // A condition is one line.
    let one_line = facet.values.iter().filter(|value| !value.query.contains(['\n', '\r']));
    let values: Vec<FacetLink> = one_line.map(link).collect();
    let is_open = values.iter().any(|value| value.is_current);
    (!values.is_empty()).then_some(FacetView { label, values, is_exact: facet.exact, is_open })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: &str) -> FacetValue {
        FacetValue { value: value.into(), role: None, count: 1, query: format!("Source -eq \"{value}\"") }
    }

    #[test]
    fn conditions_come_and_go() {
        let list = Address::new("/certificates").with("q", "shop");
        let facets_now = [Facet { name: "source", values: vec![value("upload"), value("acme")], exact: true }];
        let none = Narrowing::default();
        let shown = facets(&facets_now, &none, &list);
        assert!(!shown[0].is_open && !shown[0].values[0].is_current);

        let narrowed = Narrowing::parse("Source -eq \"upload\"\n\n Source -eq \"upload\"\nIsCA -eq true");
        assert_eq!(narrowed.conditions.len(), 2);
        assert_eq!(narrowed.query("a -eq 1 OR b -eq 2"), "(Source -eq \"upload\") AND (IsCA -eq true) AND (a -eq 1 OR b -eq 2)");
        assert_eq!(none.query(" IsCA -eq true "), "IsCA -eq true");
        let shown = facets(&facets_now, &narrowed, &list);
        assert!(shown[0].is_open && shown[0].values[0].is_current && !shown[0].values[0].href.contains("upload"));
        let chips = narrowed.chips(&list);
        assert!(chips[1].without.contains("upload") && !chips[1].without.contains("IsCA"));
    }
}
