//! What is claimed about certificates under names, as the ArcGIS face lists and reads them, and about reading PKCS#12 files.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use certhold_domain::named::{self, Entry, Kind, NewEntry};
use certhold_pki::Reading;
use certhold_pki::sample::Generator;
use certhold_store::params;

use crate::bundle::SEED;
use crate::load::Plan;
use crate::measure::{best_rate, latency, timed};
use crate::server::{Server, program};
use crate::table::{Bar, Row, Table, thousands, time};
use crate::world::{World, now, operator, temporary};

const ENTRIES: u64 = 1_000;
const LIST: &str = "/arcgis/admin/security/certificates/identity";

/// Lists of a thousand, single ones, and PKCS#12 files.
pub fn run(world: &mut World, length: Duration, table: &mut Table) -> Result<()> {
    fill(world)?;
    let (program, token) = (program()?, world.token_for(&["/named_certificates/read/"])?);
    world.close();
    let server = Server::start(&program, world.data(), world.database(), true)?;
    let first = first_byte(&server, &token)?;
    table.add(Row::new("list of 1,000 identity certificates, the first one after a start, until its first byte", time(first)));
    let plan = |connections: u64, path: &str| Plan {
        address: server.address.clone(),
        root: None,
        connections,
        length,
        method: "GET".to_owned(),
        path: path.to_owned(),
        token: Some(token.clone()),
        last_id: ENTRIES,
        draw: true,
        header: None,
        bodies: Vec::new(),
    };
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(first_byte(&server, &token)?);
    }
    let list = crate::measure::Latency::of(times);
    let bar = Bar::p99_below(Duration::from_millis(20), list);
    table.add(Row::latency("… afterwards, until the first byte", list).bar(bar));
    let health = server.load(&plan(64, "/healthz"))?;
    let one = server.load(&plan(64, &format!("{LIST}/c{{id}}?f=json")))?;
    let measured = format!(
        "{}/s, p50 {}, p99 {}, {} of the server's processors each",
        thousands(one.per_second),
        time(one.latency.p50),
        time(one.latency.p99),
        time(one.processor)
    );
    let row = Row::new("read one identity certificate over HTTP, 64 clients", measured);
    let bar = if world.database().is_some() { 5_000.0 } else { 15_000.0 };
    let row = row.beside("/healthz of the same server", health.per_second, one.per_second);
    table.add(row.bar(Bar::at_least(bar, one.per_second)));
    server.stop()?;
    pkcs12(table)
}

/// A thousand entries over sample certificates. Nobody has the keys of samples, so they come in as trusted ones, and are then said to
/// be identities: reading looks at no key.
fn fill(world: &mut World) -> Result<()> {
    let generator = Generator::new(SEED).around(now());
    let at = now();
    let entries: Vec<NewEntry> = (0..ENTRIES)
        .map(|n| {
            let entry = Entry::of(&generator.certificate(n), &[], None)?;
            let (handle, name) = (format!("c{}", n + 1), format!("identity {n}"));
            Ok(NewEntry { handle, kind: Kind::Trust, name, entry, source: "benchmark" })
        })
        .collect::<Result<_, certhold_domain::Refusal>>()?;
    world.store()?.write_blocking(move |tx| {
        for entry in &entries {
            named::import(tx, &operator(), entry, at)?;
        }
        tx.execute("UPDATE named_certificate SET kind = 'identity'", params![])?;
        Ok::<_, certhold_domain::Error>(())
    })?;
    Ok(())
}

/// From the request until the first byte of the answer; the answer is read to its end.
fn first_byte(server: &Server, token: &str) -> Result<Duration> {
    let mut stream = TcpStream::connect(&server.address)?;
    let address = &server.address;
    let request =
        format!("GET {LIST}?f=json HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    let asked = Instant::now();
    stream.write_all(request.as_bytes())?;
    let mut answer = vec![0; 1];
    stream.read_exact(&mut answer)?;
    let waited = asked.elapsed();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.matches("\"sha256Fingerprint\"").count() == ENTRIES as usize, "not {ENTRIES} certificates: {answer:.300}");
    Ok(waited)
}

/// A PKCS#12 file as many programs still write it, read here and by OpenSSL.
fn pkcs12(table: &mut Table) -> Result<()> {
    let place = temporary(None)?;
    let path = |name: &str| place.path().join(name);
    let (key, certificate, pfx) = (path("key.pem"), path("certificate.pem"), path("identity.pfx"));
    openssl(
        &["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "30"],
        &[("-keyout", &key), ("-out", &certificate)],
    )?;
    let legacy = [
        "pkcs12",
        "-export",
        "-keypbe",
        "PBE-SHA1-3DES",
        "-certpbe",
        "PBE-SHA1-3DES",
        "-macalg",
        "sha1",
        "-iter",
        "2048",
        "-passout",
        "pass:sesame",
    ];
    openssl(&legacy, &[("-inkey", &key), ("-in", &certificate), ("-out", &pfx)])?;
    let bytes = std::fs::read(&pfx)?;
    let read = || Reading::new(Some("sesame")).read(&bytes).is_ok_and(|bundle| bundle.keys.len() == 1);
    ensure!(read(), "the file cannot be read");
    let ours = best_rate(5, 20, || (0..20).for_each(|_| assert!(read())));
    let theirs = latency(20, Duration::from_secs(5), |_| {
        openssl(&["pkcs12", "-nodes", "-passin", "pass:sesame", "-out", "/dev/null"], &[("-in", &pfx)])
    })?;
    let (_, empty) = timed(|| openssl(&["version"], &[]));
    let rate = 1.0 / theirs.p50.saturating_sub(empty).max(Duration::from_micros(1)).as_secs_f64();
    let row = Row::rate("read a PKCS#12 file: 3DES, 2,048 iterations", ours);
    table.add(row.beside("openssl pkcs12, without the start of its process", rate, ours));
    Ok(())
}

fn openssl(words: &[&str], files: &[(&str, &Path)]) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(words);
    for (option, file) in files {
        command.arg(option).arg(file);
    }
    let output = command.output().context("openssl cannot be started")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
