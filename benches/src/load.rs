//! The load generator: a process of its own, so that its work is not done by the server's threads. HTTP/1.1 by hand over
//! connections that stay open, on one thread: it is to take as little of the machine as it can.
//!
//! It reads what to do as JSON from standard input and writes what came of it as JSON to standard output.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Read;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to: `127.0.0.1:8443`.
    pub address: String,
    /// PEM of the root that the server's certificate chains to; without it HTTP is spoken.
    pub root: Option<String>,
    /// Connections, each with one request under way.
    pub connections: u64,
    /// How long answers are counted, after a tenth of it in which they are not.
    pub length: Duration,
    /// Method and path, in which `{id}` stands for a number.
    pub method: String,
    pub path: String,
    /// The bearer token.
    pub token: Option<String>,
    /// The last number; they begin with 1.
    pub last_id: u64,
    /// Numbers are drawn, or else taken one after the other.
    pub draw: bool,
    /// A header beside those that every request has.
    pub header: Option<(String, String)>,
    /// JSON to send, if any: the first one with every number, then the second one with every number, …
    pub bodies: Vec<String>,
}

impl Plan {
    /// As the load generator reads it.
    pub fn to_json(&self) -> Value {
        json!({
            "address": self.address, "root": self.root, "connections": self.connections, "length_ms": self.length.as_millis() as u64,
            "method": self.method, "path": self.path, "token": self.token, "last_id": self.last_id, "draw": self.draw,
            "bodies": self.bodies, "header": self.header,
        })
    }

    fn from_json(json: &Value) -> Result<Plan> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let number = |name: &str| json[name].as_u64().with_context(|| format!("{name} is missing"));
        Ok(Plan {
            address: text("address").context("address is missing")?,
            root: text("root"),
            connections: number("connections")?,
            length: Duration::from_millis(number("length_ms")?),
            method: text("method").context("method is missing")?,
            path: text("path").context("path is missing")?,
            token: text("token"),
            last_id: number("last_id")?,
            draw: json["draw"] == true,
            header: serde_json::from_value(json["header"].clone())?,
            bodies: json["bodies"].as_array().into_iter().flatten().filter_map(|body| body.as_str().map(str::to_owned)).collect(),
        })
    }

    /// The request after `count` others, into `out`.
    fn request(&self, count: u64, out: &mut Vec<u8>) {
        let id = if self.draw { 1 + scramble(count) % self.last_id } else { 1 + count % self.last_id };
        let path = self.path.replace("{id}", &id.to_string());
        out.clear();
        let mut put = |parts: &[&str]| parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        put(&[&self.method, " ", &path, " HTTP/1.1\r\nhost: ", &self.address, "\r\n"]);
        if let Some(token) = &self.token {
            put(&["authorization: Bearer ", token, "\r\n"]);
        }
        if let Some((name, value)) = &self.header {
            put(&[name, ": ", value, "\r\n"]);
        }
        match self.bodies.get((count / self.last_id) as usize % self.bodies.len().max(1)) {
            Some(body) => {
                put(&["content-type: application/json\r\ncontent-length: ", &body.len().to_string(), "\r\n\r\n", body]);
            }
            None => put(&["\r\n"]),
        }
    }
}

/// An evenly spread number for each number (SplitMix64).
fn scramble(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// Reads the plan, carries it out, and writes what came of it.
pub fn run() -> Result<()> {
    let mut text = String::new();
    std::io::stdin().lock().take(1 << 20).read_to_string(&mut text)?;
    let plan = Plan::from_json(&serde_json::from_str(&text)?)?;
    ensure!(plan.connections > 0 && plan.last_id > 0, "nothing to send");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = LocalSet::new().block_on(&runtime, send(plan))?;
    println!("{report}");
    Ok(())
}

/// What all connections share.
struct Shared {
    plan: Plan,
    sent: Cell<u64>,
    counted_from: Instant,
    until: Instant,
    times: RefCell<Vec<u32>>,
    statuses: RefCell<BTreeMap<u16, u64>>,
}

async fn send(plan: Plan) -> Result<Value> {
    let tls = plan.root.as_deref().map(connector).transpose()?;
    let mut streams = Vec::new();
    for _ in 0..plan.connections {
        let stream = TcpStream::connect(&plan.address).await.with_context(|| format!("no connection to {}", plan.address))?;
        stream.set_nodelay(true)?;
        streams.push(match &tls {
            Some(tls) => Stream::Tls(Box::new(tls.connect(ServerName::try_from("127.0.0.1")?, stream).await?)),
            None => Stream::Plain(stream),
        });
    }
    let counted_from = Instant::now() + plan.length / 10;
    let until = counted_from + plan.length;
    let (times, statuses) = (RefCell::default(), RefCell::default());
    let shared = Rc::new(Shared { plan, sent: Cell::new(0), counted_from, until, times, statuses });
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let shared = shared.clone();
            tokio::task::spawn_local(async move {
                match stream {
                    Stream::Plain(stream) => converse(stream, &shared).await,
                    Stream::Tls(stream) => converse(*stream, &shared).await,
                }
            })
        })
        .collect();
    let grace = shared.until.saturating_duration_since(Instant::now()) + Duration::from_secs(30);
    let all = async {
        for task in tasks {
            task.await??;
        }
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::timeout(grace, all).await.map_err(|_| anyhow!("answers did not come for 30 seconds"))??;
    let mut times = shared.times.take();
    times.sort_unstable();
    let statuses: BTreeMap<String, u64> =
        shared.statuses.take().into_iter().map(|(status, count)| (status.to_string(), count)).collect();
    Ok(json!({ "seconds": shared.plan.length.as_secs_f64(), "answers": times.len(), "statuses": statuses,
        "p50_us": percentile(&times, 0.5), "p99_us": percentile(&times, 0.99), "most_us": times.last() }))
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

fn connector(root: &str) -> Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into())
}

fn percentile(sorted: &[u32], share: f64) -> Option<u32> {
    sorted.get(((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied()
}

/// One connection: request, answer, request, answer …
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, shared: &Shared) -> Result<()> {
    let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(16 * 1024));
    loop {
        let started = Instant::now();
        if started >= shared.until {
            return Ok(());
        }
        let count = shared.sent.replace(shared.sent.get() + 1);
        shared.plan.request(count, &mut request);
        stream.write_all(&request).await?;
        let status = receive(&mut stream, &mut answer).await?;
        let ended = Instant::now();
        if status >= 400 && shared.statuses.borrow().get(&status).is_none() {
            eprintln!("{}", String::from_utf8_lossy(&answer));
        }
        *shared.statuses.borrow_mut().entry(status).or_default() += 1;
        if started >= shared.counted_from && ended < shared.until {
            let us = u32::try_from(ended.duration_since(started).as_micros()).unwrap_or(u32::MAX);
            shared.times.borrow_mut().push(us);
        }
    }
}

/// Reads one whole answer; gives its status.
async fn receive(stream: &mut (impl AsyncRead + Unpin), answer: &mut Vec<u8>) -> Result<u16> {
    const LONGEST: usize = 16 * 1024 * 1024;
    answer.clear();
    let mut whole = None;
    loop {
        if whole.is_none() {
            whole = head(answer)?;
        }
        match whole {
            Some((status, length)) if answer.len() == length => return Ok(status),
            Some((_, length)) if answer.len() > length || length > LONGEST => bail!("an answer of another length than announced"),
            None if answer.len() > LONGEST => bail!("an answer without end of its headers"),
            _ => {}
        }
        if stream.read_buf(answer).await? == 0 {
            bail!("the server closed the connection in the middle of an answer");
        }
    }
}

/// Status and length of the whole answer, as soon as its headers are there.
fn head(answer: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).context("headers that are not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let status: u16 = status.context("no status line")?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    match lines.find_map(header) {
        Some(length) => Ok(Some((status, end + 4 + length))),
        None if status == 204 => Ok(Some((status, end + 4))),
        None => bail!("an answer without Content-Length: {head}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(draw: bool) -> Plan {
        Plan {
            address: "127.0.0.1:1".into(),
            root: None,
            connections: 1,
            length: Duration::from_secs(1),
            method: "PUT".into(),
            path: "/x/{id}".into(),
            token: Some("t".into()),
            last_id: 3,
            draw,
            header: Some(("x-y".into(), "z".into())),
            bodies: vec!["{}".into(), "[1]".into()],
        }
    }

    fn request(plan: &Plan, count: u64) -> String {
        let mut out = Vec::new();
        plan.request(count, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_number_gets_each_body_in_turn() {
        let plan = Plan::from_json(&plan(false).to_json()).unwrap();
        assert_eq!(
            request(&plan, 0),
            "PUT /x/1 HTTP/1.1\r\nhost: 127.0.0.1:1\r\nauthorization: Bearer t\r\nx-y: z\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
        assert!(request(&plan, 2).starts_with("PUT /x/3 ") && request(&plan, 2).ends_with("{}"));
        assert!(request(&plan, 3).starts_with("PUT /x/1 ") && request(&plan, 3).ends_with("[1]"));
        assert!(request(&plan, 6).ends_with("{}"));
    }

    #[test]
    fn drawn_numbers_are_within_bounds() {
        let plan = plan(true);
        let paths: std::collections::BTreeSet<String> =
            (0..100).map(|count| request(&plan, count).split(' ').nth(1).unwrap().to_owned()).collect();
        assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["/x/1", "/x/2", "/x/3"]);
    }

    #[test]
    fn an_answer_is_whole_when_its_length_is_there() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(head(&answer[..30]).unwrap(), None);
        assert_eq!(head(answer).unwrap(), Some((200, answer.len())));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n").unwrap(), Some((204, 33)));
        assert!(head(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n").is_err());
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
