//! What is claimed about the Keyfactor face: owners, single certificates, pages of collections and queries, and what many grants cost,
//! in a large installation: 50 metadata values on a tenth of the certificates, 200 roles, 500 collections.

use std::time::Duration;

use anyhow::Result;
use certhold_domain::collections::{self, CollectionCommand, Duplicates};
use certhold_domain::metadata::{self, FieldCommand, FieldType};
use certhold_domain::{CollectionId, Error, MetadataFieldId};
use certhold_store::{Store, params};

use crate::http::{CONNECTIONS, row};
use crate::load::Plan;
use crate::server::{Load, Server, program};
use crate::table::{Bar, Table};
use crate::world::{World, create_roles, now, operator};

const COLLECTIONS: usize = 500;
/// The last one of them is a collection of everything.
const GRANTS: usize = 198;
const ROLES: usize = 200;
const FIELDS: usize = 50;
/// A certificate in so many has values.
const WITH_VALUES: i64 = 10;
/// Certificates whose values are written in one transaction.
const CHUNK: i64 = 20_000;
/// The clients of pages: people, not programs.
const READERS: u64 = 4;

/// Fills the installation and measures over plain HTTP, so that nothing but the face is measured.
pub fn run(world: &mut World, length: Duration, table: &mut Table) -> Result<()> {
    let store = world.store()?.clone();
    fields(&store, world.certificates)?;
    let collections = collections(&store)?;
    let names: Vec<String> = (0..ROLES).map(|number| format!("Bench role {number}")).collect();
    create_roles(&store, &names.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>())?;
    drop(store);
    let everything = world.token()?;
    let grant = |collection: &CollectionId| format!("/certificates/collections/read/{collection}/");
    let granted: Vec<String> = collections.iter().take(GRANTS).map(grant).collect();
    let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
    // Asked is by the last of the many: whoever looks through them one by one finds it last.
    let (one, many) = (world.token_for(&granted[GRANTS - 1..])?, world.token_for(&granted)?);
    let (program, teams) = (program()?, world.teams.clone());
    world.close();

    let server = Server::start(&program, world.data(), world.database(), true)?;
    let base = Plan {
        address: server.address.clone(),
        root: None,
        connections: CONNECTIONS,
        length,
        method: "GET".to_owned(),
        path: String::new(),
        token: Some(everything),
        last_id: world.certificates,
        draw: true,
        header: Some(("x-keyfactor-requested-with".to_owned(), "APIClient".to_owned())),
        bodies: Vec::new(),
    };
    let ask = |path: &str, change: &dyn Fn(Plan) -> Plan| -> Result<Load> {
        server.load(&change(Plan { path: format!("/KeyfactorAPI/{path}"), ..base.clone() }))
    };
    let health = server.load(&Plan { path: "/healthz".into(), ..base.clone() })?;
    let sqlite = world.database().is_none();
    let least = |rate: f64| if sqlite { rate } else { rate / 3.0 };
    let single = ask("Certificates/{id}", &|plan| plan)?;
    let said = row("Keyfactor: GET /Certificates/{id}, 64 clients", &single);
    let said = said.beside("/healthz of the same server", health.per_second, single.per_second);
    table.add(said.bar(Bar::at_least(least(15_000.0), single.per_second)));

    let among = collections[GRANTS - 1];
    let granted = |token: &str| {
        ask(&format!("Certificates/{{id}}/Validate?CollectionId={among}"), &|plan| Plan { token: Some(token.to_owned()), ..plan })
    };
    let (by_one, by_many) = (granted(&one)?, granted(&many)?);
    table.add(row("… with one grant on a collection: GET /Certificates/{id}/Validate within it", &by_one));
    let said = row(&format!("… with {GRANTS} grants"), &by_many).beside("one grant", by_one.per_second, by_many.per_second);
    table.add(said.bar(Bar::new("≥ 0.5 of one grant", by_many.per_second >= by_one.per_second / 2.0)));

    let page = |path: &str, last_id: u64| ask(path, &|plan| Plan { connections: READERS, last_id, ..plan });
    let pages = [
        ("a page of what is valid, with x-total-count", "Certificates?ReturnLimit=50&PageReturned={id}", 100, 50),
        (
            "a page of a collection with x-total-count, 500 of them",
            "Certificates?CollectionId={id}&ReturnLimit=50",
            COLLECTIONS as u64,
            50,
        ),
        ("the list of collections", "CertificateCollections?ReturnLimit=50", 1, 50),
        ("query: metadata value", "Certificates?QueryString=Bench07%20-eq%20%22v{id}%22&ReturnLimit=50", 100, 50),
        ("query: SAN -contains", "Certificates?QueryString=SAN%20-contains%20%22-1{id}%22&ReturnLimit=50", 9, 100),
    ];
    for (what, path, last_id, bar) in pages {
        let load = page(path, last_id)?;
        table.add(
            row(&format!("Keyfactor: {what}, {READERS} clients"), &load)
                .bar(Bar::p99_below(Duration::from_millis(bar), load.latency)),
        );
    }

    let bodies: Vec<String> = teams.iter().take(2).map(|team| format!("{{\"NewRoleId\":{team}}}")).collect();
    let changed =
        ask("Certificates/{id}/Owner", &|plan| Plan { method: "PUT".into(), draw: false, bodies: bodies.clone(), ..plan })?;
    let said = row("Keyfactor: PUT /Certificates/{id}/Owner, durable, 64 clients", &changed);
    table.add(said.bar(Bar::at_least(least(5_000.0), changed.per_second)));
    server.stop()
}

/// Fields, and values of all of them on some certificates. They are put in as one statement does it: what is measured is reading.
fn fields(store: &Store, count: u64) -> Result<()> {
    let at = now();
    let fields = store.write_blocking::<Vec<MetadataFieldId>, Error, _>(move |tx| {
        let command = |number: usize| FieldCommand::new(&format!("Bench{number:02}"), FieldType::String);
        (0..FIELDS).map(|number| metadata::create(tx, &operator(), &command(number), at)).collect()
    })?;
    let (first, last) = (fields.first().map_or(0, |field| field.0), fields.last().map_or(0, |field| field.0));
    let sql = "INSERT INTO certificate_metadata (certificate, field, value, sort, number) \
        SELECT certificate.id, metadata_field.id, 'v' || ((certificate.id / 10 + metadata_field.id) % 100), \
        'v' || ((certificate.id / 10 + metadata_field.id) % 100), NULL FROM certificate CROSS JOIN metadata_field \
        WHERE certificate.id > $1 AND certificate.id <= $2 AND certificate.id % $3 = 0 AND metadata_field.id BETWEEN $4 AND $5 \
        ORDER BY certificate.id, metadata_field.id";
    let count = i64::try_from(count)?;
    for from in (0..count).step_by(CHUNK as usize) {
        store.write_bulk_blocking::<_, Error, _>(move |tx| {
            Ok(tx.execute(sql, params![from, from + CHUNK, WITH_VALUES, first, last])?)
        })?;
    }
    Ok(())
}

/// Collections of every kind that people make.
fn collections(store: &Store) -> Result<Vec<CollectionId>> {
    let at = now();
    let made = store.write_blocking::<Vec<CollectionId>, Error, _>(move |tx| {
        (0..COLLECTIONS)
            .map(|number| {
                let query = match number % 6 {
                    0 => format!("SAN -contains \"-{}\"", 10 + number % 90),
                    1 => format!("Bench{:02} -eq \"v{}\"", number % FIELDS, number % 100),
                    2 => format!(
                        "ExpirationDate -ge \"%TODAY+{}%\" AND ExpirationDate -lt \"%TODAY+{}%\"",
                        number % 60,
                        number % 60 + 7
                    ),
                    3 => format!("OwnerRoleName -eq \"Web\" AND KeySize -ge {}", 256 + number),
                    4 => format!("IssuedCN -startswith \"{}\"", char::from(b'a' + (number % 26) as u8)),
                    _ => String::new(),
                };
                let command = CollectionCommand {
                    name: format!("Bench collection {number}"),
                    description: String::new(),
                    query,
                    duplicates: Duplicates::default(),
                    on_dashboard: false,
                };
                collections::create(tx, &operator(), &command, at)
            })
            .collect()
    })?;
    Ok(made)
}
