//! The limits that SQLite itself sets: the same rows in the same tables, without Certhold.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use certhold_store::Location;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use crate::measure::rate;

/// The settings that Certhold's own connection has when very much is written.
const SETTINGS: &str = "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -393216; \
    PRAGMA wal_autocheckpoint = 128000; PRAGMA secure_delete = FAST;";

fn connect(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Copies the certificates and names of `from` into a new database at `path`, `batch` certificates in one durable commit:
/// certificates per second, reading them not counted.
pub fn insert(from: &Path, path: &Path, count: u64, batch: u64) -> Result<f64> {
    crate::world::open(&Location::Sqlite(path.to_owned()))?.close();
    let (from, mut to) = (connect(from)?, connect(path)?);
    to.execute_batch("INSERT INTO permission_set (uuid, name, folded, paths) VALUES ('-', '-', '-', '[]')")?;
    for role in from.prepare("SELECT id FROM role WHERE id > 1")?.query_map([], |row| row.get::<_, i64>(0))? {
        let sql = "INSERT INTO role (id, name, folded, description, permission_set, built_in, paths, created_at) VALUES (?1, ?1, ?1, '', 1, 0, '[]', 0)";
        to.execute(sql, [role?])?;
    }
    let names = pairs(&from, "SELECT certificate, reversed FROM certificate_name", count)?;
    let terms = pairs(&from, "SELECT certificate, term FROM certificate_term", count)?;
    let mut bodies = from.prepare("SELECT der FROM certificate_body WHERE certificate = ?1")?;
    let mut certificates = from.prepare("SELECT * FROM certificate ORDER BY id")?;
    let columns = certificates.column_count();
    let places: Vec<String> = (1..=columns).map(|place| format!("?{place}")).collect();
    let insert = format!("INSERT INTO certificate VALUES ({})", places.join(", "));
    let mut rows = certificates.query([])?;
    let mut time = Duration::ZERO;
    let mut done = 0;
    while done < count {
        let mut some: Vec<Vec<Value>> = Vec::new();
        while (some.len() as u64) < batch
            && let Some(row) = rows.next()?
        {
            let mut values: Vec<Value> = (0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?;
            values.push(bodies.query_row([&values[0]], |row| row.get(0))?);
            some.push(values);
        }
        if some.is_empty() {
            break;
        }
        done += some.len() as u64;
        let started = Instant::now();
        insert_some(&mut to, &insert, &some, &names, &terms)?;
        time += started.elapsed();
    }
    anyhow::ensure!(done == count, "bare SQLite was given {done} of {count} certificates");
    Ok(rate(done, time))
}

fn insert_some(
    to: &mut Connection,
    insert: &str,
    certificates: &[Vec<Value>],
    names: &[Vec<Value>],
    terms: &[Vec<Value>],
) -> Result<()> {
    let tx = to.transaction()?;
    {
        let mut certificate = tx.prepare_cached(insert)?;
        let mut body = tx.prepare_cached("INSERT INTO certificate_body (certificate, der) VALUES (?1, ?2)")?;
        let mut name = tx.prepare_cached("INSERT INTO certificate_name (reversed, certificate) VALUES (?1, ?2)")?;
        let mut term = tx.prepare_cached("INSERT INTO certificate_term (term, certificate) VALUES (?1, ?2)")?;
        let mut sorted = Vec::new();
        for row in certificates {
            let (der, row) = row.split_last().ok_or_else(|| anyhow::anyhow!("a row without columns"))?;
            certificate.execute(rusqlite::params_from_iter(row))?;
            if let Value::Integer(id) = &row[0] {
                body.execute(params![id, der])?;
                for reversed in names.get(usize::try_from(*id)?).into_iter().flatten() {
                    name.execute(params![reversed, id])?;
                }
                sorted.extend(terms.get(usize::try_from(*id)?).into_iter().flatten().filter_map(|term| match term {
                    Value::Integer(term) => Some((*term, *id)),
                    _ => None,
                }));
            }
        }
        sorted.sort_unstable();
        for (value, id) in sorted {
            term.execute(params![value, id])?;
        }
    }
    tx.commit()?;
    Ok(())
}

/// What is indexed, by certificate.
fn pairs(from: &Connection, sql: &str, count: u64) -> Result<Vec<Vec<Value>>> {
    let mut pairs = vec![Vec::new(); usize::try_from(count)? + 1];
    let mut select = from.prepare(sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let id: usize = usize::try_from(row.get::<_, i64>(0)?)?;
        if id >= pairs.len() {
            pairs.resize(id + 1, Vec::new());
        }
        pairs[id].push(row.get(1)?);
    }
    Ok(pairs)
}

/// Changes owners one certificate after the other and adds event rows, in a database that nobody uses any more, `batch` in one
/// durable commit: changes per second.
pub fn change_owner(path: &Path, batch: usize, length: Duration) -> Result<f64> {
    let mut connection = connect(path)?;
    let certificates: i64 = connection.query_row("SELECT max(id) FROM certificate", [], |row| row.get(0))?;
    let mut seq: i64 = connection.query_row("SELECT max(seq) FROM event", [], |row| row.get(0))?;
    let payload: String = connection.query_row("SELECT payload FROM event ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))?;
    let mut done = 0_u64;
    let started = Instant::now();
    while started.elapsed() < length {
        let tx = connection.transaction()?;
        {
            let mut update = tx.prepare_cached("UPDATE certificate SET owner_role = 2 + (owner_role = 2) WHERE id = ?1")?;
            let mut event = tx.prepare_cached(
                "INSERT INTO event (seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, \
                 address, payload, hash) VALUES (?1, 1, 'service', 1, 'load', 'native', 'certificate.owner_changed', 'certificate', ?2, \
                 'www.example.com', '00000000-0000-0000-0000-000000000000', '127.0.0.1', ?3, zeroblob(32))",
            )?;
            for _ in 0..batch {
                let certificate = 1 + i64::try_from(done % certificates.unsigned_abs().max(1))?;
                done += 1;
                seq += 1;
                update.execute([certificate])?;
                event.execute(params![seq, certificate, payload])?;
            }
        }
        tx.commit()?;
    }
    Ok(rate(done, started.elapsed()))
}

/// Steps through the event rows as a verification does, looking at every column, and does nothing with them: rows per second.
pub fn read_events(path: &Path) -> Result<f64> {
    let connection = connect(path)?;
    let mut select = connection.prepare(
        "SELECT seq, at, actor_kind, actor, actor_name, face, operation, object_kind, object, object_name, request, address, payload, \
         payload_digest, hash FROM event ORDER BY seq",
    )?;
    let started = Instant::now();
    let mut rows = select.query([])?;
    let (mut done, mut seen) = (0, 0);
    while let Some(row) = rows.next()? {
        for column in 0..15 {
            seen += usize::from(row.get_ref(column)?.as_bytes_or_null().is_ok_and(|bytes| bytes.is_some()));
        }
        done += 1;
    }
    std::hint::black_box(seen);
    Ok(rate(done, started.elapsed()))
}
