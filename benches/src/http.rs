//! What is claimed about requests: a server as users start it, and a load generator on the same cores.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::bare;
use crate::load::Plan;
use crate::server::{Load, Server, program};
use crate::table::{Bar, Row, Table, mebibytes, thousands, time};
use crate::world::{World, temporary};

pub const CONNECTIONS: u64 = 64;

/// How soon a server is ready and how much memory it takes: empty, and with the whole inventory.
pub fn start_and_memory(world: &mut World, directory: Option<&Path>, table: &mut Table) -> Result<()> {
    let program = program()?;
    if world.database().is_none() {
        let empty = temporary(directory)?;
        let first = Server::start(&program, empty.path(), None, false)?;
        table.add(Row::new("first start, which makes everything, until ready", time(first.ready_after)));
        first.stop()?;
        let server = Server::start(&program, empty.path(), None, false)?;
        // What it does by itself after the start is done by then.
        std::thread::sleep(Duration::from_secs(2));
        let resident = server.resident()?;
        let bar = Bar::new("< 40 MiB", resident < 40 << 20);
        table.add(Row::new("resident memory, idle and empty", mebibytes(resident)).bar(bar));
        server.stop()?;
    }
    world.close();
    let server = Server::start(&program, world.data(), world.database(), false)?;
    let count = thousands(world.certificates as f64);
    let bar = Bar::new("< 1 s", server.ready_after < Duration::from_secs(1));
    table.add(Row::new(format!("start with {count} certificates until ready"), time(server.ready_after)).bar(bar));
    server.stop()
}

fn plan(server: &Server, world: &World, length: Duration, token: &str) -> Plan {
    Plan {
        address: server.address.clone(),
        root: server.root.clone(),
        connections: CONNECTIONS,
        length,
        method: "GET".to_owned(),
        path: "/healthz".to_owned(),
        token: Some(token.to_owned()),
        last_id: world.certificates,
        draw: true,
        header: None,
        bodies: Vec::new(),
    }
}

/// Rate, latency and what a request costs.
pub fn row(what: &str, load: &Load) -> Row {
    let Load { per_second, latency, processor } = load;
    let measured = format!(
        "{}/s, p50 {}, p99 {}, {} of the server's processors each",
        thousands(*per_second),
        time(latency.p50),
        time(latency.p99),
        time(*processor)
    );
    Row::new(what, measured)
}

/// Certificates read one by one, beside the same server's `/healthz`; over TLS and without; and what memory that takes.
pub fn read(world: &mut World, length: Duration, table: &mut Table) -> Result<()> {
    let (program, token) = (program()?, world.token()?);
    world.close();
    for plain_http in [true, false] {
        let server = Server::start(&program, world.data(), world.database(), plain_http)?;
        let health = server.load(&plan(&server, world, length, &token))?;
        let path = "/api/v1/certificates/{id}".to_owned();
        let read = server.load(&Plan { path, ..plan(&server, world, length, &token) })?;
        let bar = if world.database().is_some() { 5_000.0 } else { 15_000.0 };
        let what = if plain_http { "read one certificate over HTTP, 64 clients" } else { "… over HTTPS" };
        let row = row(what, &read).beside("/healthz of the same server", health.per_second, read.per_second);
        table.add(row.bar(Bar::at_least(bar, read.per_second)));
        if !plain_http {
            let resident = server.resident()?;
            let what = format!("resident memory after reading {} certificates", thousands(world.certificates as f64));
            table.add(Row::new(what, mebibytes(resident)).bar(Bar::new("< 200 MiB", resident < 200 << 20)));
        }
        server.stop()?;
    }
    Ok(())
}

/// Owners changed one by one, each durable and with its event, beside bare SQLite doing the same in commits of 64.
pub fn owner(world: &mut World, length: Duration, table: &mut Table) -> Result<()> {
    let (program, token) = (program()?, world.token()?);
    world.close();
    let bodies: Vec<String> = world.teams.iter().take(2).map(|team| format!("{{\"owner\":{team}}}")).collect();
    let mut limit = None;
    for plain_http in [true, false] {
        let server = Server::start(&program, world.data(), world.database(), plain_http)?;
        let (method, path) = ("PUT".to_owned(), "/api/v1/certificates/{id}/owner".to_owned());
        let load = Plan { method, path, draw: false, bodies: bodies.clone(), ..plan(&server, world, length, &token) };
        let changed = server.load(&load)?;
        server.stop()?;
        if limit.is_none() {
            limit = world.sqlite().map(|file| bare_limit(world, &file, length)).transpose()?;
        }
        let what = if plain_http { "change an owner over HTTP, durable, 64 clients" } else { "… over HTTPS" };
        let row = row(what, &changed);
        let row = match limit {
            Some(limit) => row.beside("bare SQLite, update and event, 64 per commit", limit, changed.per_second),
            None => row,
        };
        let least = if world.database().is_some() { 5_000.0 / 3.0 } else { 5_000.0 };
        let met = changed.per_second >= least && (world.database().is_some() || changed.latency.p99 < Duration::from_millis(30));
        let text = format!("≥ {}/s{}", thousands(least), if world.database().is_some() { "" } else { ", p99 < 30 ms" });
        table.add(row.bar(Bar::new(text, met)));
    }
    Ok(())
}

/// On a copy, which is thrown away.
fn bare_limit(world: &World, file: &Path, length: Duration) -> Result<f64> {
    let place = temporary(world.data().parent())?;
    let copy = place.path().join("copy.db");
    std::fs::copy(file, &copy)?;
    bare::change_owner(&copy, CONNECTIONS as usize, length.min(Duration::from_secs(5)))
}
