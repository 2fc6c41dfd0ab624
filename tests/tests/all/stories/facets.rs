//! Facets: what stands at a value is what the query behind it finds.

use certhold_domain::Actor;
use certhold_domain::collections::Scope;
use certhold_domain::inventory::{self, Candidate, Facet, Filter, ImportBatch};
use certhold_domain::query::{self, Catalogue, Query};
use certhold_pki::Facts;
use rcgen::{CertificateParams, DistinguishedName, DnType};

use super::searching::find;
use super::world::{START, World, key};

fn local() -> Actor {
    Actor::local("story")
}

/// A self-signed certificate, and what its issuer is called.
fn of_issuer(name: &[(DnType, &str)]) -> (Vec<u8>, String) {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    name.iter().for_each(|(kind, value)| parameters.distinguished_name.push(kind.clone(), *value));
    let der = parameters.self_signed(&key()).unwrap().der().to_vec();
    let issuer = Facts::of(&der).unwrap().issuer;
    (der, issuer)
}

fn import(world: &World, der: &[u8], source: &str) {
    let certificates = vec![Candidate::of(der).unwrap()];
    let batch = ImportBatch { certificates, keys: Vec::new(), owner: None, source: source.into(), metadata: Vec::new() };
    world.write(move |tx, now| inventory::import(tx, &local(), &batch, now)).unwrap();
}

fn facets(world: &World, narrowed: Option<&str>) -> Vec<Facet> {
    let condition = narrowed.map(|text| Query::parse(text, &Catalogue::default()).unwrap().resolve(START, "story"));
    let filter = Filter { condition, ..Filter::default() };
    world.read(move |tx| inventory::facets(tx, &local(), &filter, Scope::everywhere(START))).unwrap()
}

/// The values of a facet with their numbers.
fn told(facets: &[Facet], name: &str) -> Vec<(String, i64)> {
    let facet = facets.iter().find(|facet| facet.name == name).unwrap();
    facet.values.iter().map(|value| (value.value.clone(), value.count)).collect()
}

/// Issuers that are spelled in two ways are one, and others are two, whatever they call themselves.
pub fn facets_lead_to_what_they_count(world: &World) {
    let cn = |name| [(DnType::CommonName, name)];
    let (_, shouted) = of_issuer(&cn("EXAMPLE ROOT"));
    let (_, whole) = of_issuer(&[(DnType::OrganizationName, "Example Ltd")]);
    let (_, posing) = of_issuer(&cn(&whole));
    let namesake = [(DnType::OrganizationName, "Other"), (DnType::CommonName, "Example Root")];
    let (_, other) = of_issuer(&namesake);
    for (name, source) in [
        (&cn("Example Root")[..], "Upload"),
        (&cn("EXAMPLE ROOT"), "upload"),
        (&cn("EXAMPLE ROOT"), "upload"),
        (&[(DnType::OrganizationName, "Example Ltd")], "upload"),
        (&[(DnType::OrganizationName, "Example Ltd")], "scan"),
        (&cn(&whole), "scan"),
        (&namesake, "scan"),
    ] {
        import(world, &of_issuer(name).0, source);
    }
    let expected = [(shouted, 3), (whole.clone(), 2), (posing, 1), (other, 1)];
    for narrowed in [None, Some("CertId -gt 0")] {
        let facets = facets(world, narrowed);
        let mut issuers = told(&facets, "issuer");
        issuers[2..].sort();
        let mut expected = expected.clone();
        expected[2..].sort();
        assert_eq!(issuers, expected, "{narrowed:?}");
        assert_eq!(told(&facets, "source"), [("upload".to_owned(), 4), ("scan".to_owned(), 3)], "{narrowed:?}");
        agree(world, &facets, narrowed);
    }
    // What an earlier version counted has no terms until they are completed: spellings stand apart, and nothing is lost.
    world.tamper("UPDATE facet SET term = NULL WHERE field = 2");
    assert_eq!(told(&facets(world, None), "issuer").iter().map(|(_, count)| count).sum::<i64>(), 7);
    assert_eq!(told(&facets(world, None), "issuer").len(), 5);
    only_names_are_offered_as_names(world, &whole);
}

fn agree(world: &World, facets: &[Facet], narrowed: Option<&str>) {
    for facet in facets {
        assert!(!facet.values.is_empty(), "{} has values", facet.name);
        for value in &facet.values {
            let query = match narrowed {
                Some(narrowed) => format!("({narrowed}) AND ({})", value.query),
                None => value.query.clone(),
            };
            assert_eq!(find(world, &query).len() as i64, value.count, "{} {}: {query}", facet.name, value.value);
        }
    }
}

/// A whole name that stands in for a common name is none, and is not offered as one.
fn only_names_are_offered_as_names(world: &World, posed_as: &str) {
    import(world, &of_issuer(&[(DnType::OrganizationName, "Example Whole")]).0, "upload");
    let offered = world.read(|tx| query::completions(tx, &local(), "IssuerCN -eq \"o=example", usize::MAX)).unwrap();
    let offered: Vec<String> = offered.items.into_iter().map(|item| item.text).collect();
    assert_eq!(offered, [format!("\"{posed_as}\"")]);
    for name in offered {
        assert_eq!(find(world, &format!("IssuerCN -eq {name}")).len(), 1);
    }
}
