//! What is as long as it may be, on both engines.

use certhold_domain::collections::{self, CollectionCommand};
use certhold_domain::query::{Catalogue, Query};
use certhold_domain::{Actor, Refusal, limits};
use certhold_tests::dice::Dice;

use super::searching::{filled, holds};
use super::world::World;

/// The longest patterns that a query may have are asked for on both engines, and longer ones are refused where they stand.
pub fn the_longest_patterns_are_answered(world: &World) {
    let subjects = filled(world, 5, &mut Dice::new(7));
    let fields = ["IssuedCN", "IssuedDN", "IssuerDN", "SAN", "OU", "OwnerRoleName"];
    let most = (limits::PATTERN_BYTES - 4) / 4;
    for field in fields {
        for op in ["-contains", "-notcontains", "-startswith", "-endswith"] {
            holds(world, &subjects, &format!("{field} {op} \"{}\"", "😀".repeat(most)));
            let error = Query::parse(&format!("{field} {op} \"{}\"", "😀".repeat(most + 1)), &Catalogue::default()).unwrap_err();
            assert!(error.column > field.len() && error.message.contains("too long"), "{error}");
        }
        holds(world, &subjects, &format!("{field} -like \"{}?x\"", "😀".repeat(most - 1)));
        let like = format!("{field} -like \"*{}?\"", "😀".repeat(most));
        assert!(Query::parse(&like, &Catalogue::default()).is_err());
    }
    // What is equal is looked for as it is.
    holds(world, &subjects, &format!("IssuedCN -eq \"{}\"", "😀".repeat(15_900)));
    let command = CollectionCommand {
        name: "Long".into(),
        query: format!("IssuedCN -contains \"{}\"", "😀".repeat(15_900)),
        ..CollectionCommand::default()
    };
    let refusal = world.refused(move |tx, now| collections::create(tx, &Actor::local("story"), &command, now));
    assert!(matches!(refusal, Refusal::Invalid { field: "query", .. }), "{refusal}");
}
