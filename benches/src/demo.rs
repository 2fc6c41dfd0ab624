//! A data directory to look at: certificates of many organisations, owned by teams, ending at all times.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use certhold_domain::inventory;
use certhold_store::Location;

use crate::bundle::Bundle;
use crate::import::import;
use crate::table::thousands;
use crate::world::{create_roles, now, open, temporary};

/// What to make.
#[derive(clap::Args)]
pub struct Arguments {
    /// The data directory to fill; it is made if there is none
    #[arg(long, value_name = "DIR", default_value = "certhold-data")]
    data: PathBuf,
    /// Certificates
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    certificates: u64,
}

const TEAMS: &[(&str, &str)] = &[
    ("Web platform", "Public sites and the load balancers before them."),
    ("Mail and messaging", "Mail relays, chat and telephony."),
    ("Payments", "Everything that touches card data."),
    ("Identity", "Sign-in, directories and federation."),
    ("Data and analytics", "Warehouses, streams and dashboards."),
    ("Network operations", "VPN, Wi-Fi, routers and monitoring."),
];

/// Fills the directory through the operations of the product, so that everything has its events.
pub fn fill(arguments: &Arguments) -> Result<()> {
    let data = &arguments.data;
    DirBuilder::new().recursive(true).mode(0o700).create(data).with_context(|| data.display().to_string())?;
    let file = data.join("certhold.db");
    let store = open(&Location::Sqlite(file.clone()))?;
    let held = store.read_blocking(inventory::count_all)?;
    ensure!(held == 0, "{} holds {held} certificates already: give another --data", data.display());
    let teams = create_roles(&store, TEAMS)?;
    let place = temporary(Some(data))?;
    let bundle = Bundle::write(&place.path().join("demo.pem"), arguments.certificates, now())?;
    let imported = import(&store, &bundle, &teams)?;
    store.close();
    println!("{} certificates and {} roles are in {}", thousands(imported as f64), TEAMS.len(), data.display());
    println!("look at them: cargo run --release -- serve --data {}", data.display());
    Ok(())
}
